import pytest

from lbp_rehab.feedback.gain import expected_points
from lbp_rehab.quality.exercise import known_exercises, load_exercise
from lbp_rehab.quality.types import SubScoreKind


@pytest.mark.parametrize("name", known_exercises())
def test_the_severe_excess_costs_the_points_of_the_file_times_the_weight(name):
    exercise = load_exercise(name)
    weight = exercise.weights.get(SubScoreKind.ALIGNMENT, 0.0)
    for rule in exercise.faults:
        at = {k: expected_points(exercise, rule.id, k * rule.severe) for k in (-1, 0, 0.5, 1, 99)}
        assert at[1] == pytest.approx(weight * rule.points)
        assert at[0.5] == pytest.approx(at[1] / 2)
        assert at[-1] == at[0] == 0.0
        assert at[99] == pytest.approx(weight * 100.0)


def test_a_fault_that_is_not_watched_live_costs_nothing_yet():
    assert expected_points(load_exercise("glute_bridge"), "range_short", 1.0) == 0.0
