import numpy as np
import pytest

from lbp_rehab.matching.dtw import Columns, dtw, dtw_distance
from lbp_rehab.matching.repetition import PHASES, Repetition
from lbp_rehab.recognition.frame import Stretch
from lbp_rehab.recognition.observation import JOINT, JOINTS


def brute_force(a, b, i, j):
    """Return total cost and length of the best path to (i, j), by definition."""
    here = float(np.linalg.norm(a[i] - b[j]))
    if i == j == 0:
        return here, 1
    before = [
        brute_force(a, b, *at)
        for at in ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        if min(at) >= 0
    ]  # fmt: skip
    cost, steps = min(before, key=lambda found: found[0])
    return cost + here, steps + 1


def test_the_path_is_the_cheapest_of_all():
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = rng.normal(size=(6, 3)), rng.normal(size=(5, 3))
        cost, steps = brute_force(a, b, 5, 4)
        assert dtw(a, b, band=1.0) == pytest.approx(cost / steps)


def test_the_same_way_at_another_pace_is_no_distance():
    t = np.linspace(0.0, 1.0, 60)
    slow = np.repeat(np.sin(3.0 * t)[:, None], 2, axis=0)
    assert dtw(np.sin(3.0 * t)[:, None], slow) == pytest.approx(0.0, abs=1e-12)


def test_the_band_forbids_long_shifts():
    early, late = np.zeros((40, 1)), np.zeros((40, 1))
    early[2], late[37] = 1.0, 1.0
    assert dtw(early, late, band=1.0) == pytest.approx(0.0, abs=1e-12)
    assert dtw(early, late, band=0.1) > 0.0


def repetition(moved_m, lost=()):
    rng = np.random.default_rng(1)
    points = np.tile(rng.normal(size=(len(JOINTS), 3)), (PHASES, 1, 1))
    points[:, JOINT["l_wrist"], 2] += moved_m * np.sin(np.linspace(0.0, np.pi, PHASES))
    known = np.ones((PHASES, len(JOINTS)), bool)
    for name in lost:
        known[:, JOINT[name]] = False
    pelvis = np.zeros((PHASES, 4))
    stretch = Stretch(points, known, pelvis, np.ones((PHASES, 4), bool), 1.7)
    return Repetition(stretch, 3.0)


@pytest.mark.parametrize("columns", list(Columns))
def test_a_larger_difference_is_a_larger_distance(columns):
    distances = [dtw_distance(repetition(0.0), repetition(m), columns) for m in (0.0, 0.1, 0.3)]
    assert distances[0] == pytest.approx(0.0, abs=1e-9)
    assert distances[0] < distances[1] < distances[2]


def test_what_one_does_not_show_is_left_out():
    assert dtw_distance(repetition(0.0), repetition(0.3, lost=("l_wrist",))) == pytest.approx(
        0.0, abs=1e-9
    )
