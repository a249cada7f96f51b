"""The shipped network on true movements of people it was not trained on."""

import numpy as np
import pytest

from lbp_rehab.recognition.classes import EXERCISES
from lbp_rehab.recognition.observation import Observation
from lbp_rehab.recognition.recogniser import Answer, Recogniser
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.scenario import Scenario

pytestmark = pytest.mark.usefixtures("synthetic_extra")


def answers(name, repetitions=2, with_pelvis=True):
    from lbp_rehab.training.motions import perform

    wanted = Scenario(
        name, 21, repetitions=repetitions, split=Split.TEST, rate_hz=10.0, initial_rest_s=2.0,
    )  # fmt: skip
    example = perform(wanted)
    course, made = example.course, Recogniser()
    said = []
    for k, stamp_ns in enumerate(course.stamp_ns):
        seen = Observation(
            int(stamp_ns), course.points[k], course.known[k], course.pelvis[k], with_pelvis,
            float(course.lumbar_rad[k]), with_pelvis,
        )  # fmt: skip
        said.append(made.take(int(stamp_ns), seen, 1))
    return example, said


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if e != "breathing"])
def test_an_exercise_is_recognised_within_three_seconds_of_its_start(exercise):
    example, said = answers(exercise)
    start_ns = example.made[0].start_ns
    before = [s for s in said if s.stamp_ns < start_ns - 200_000_000]
    assert {s.answer for s in before} == {Answer.UNDECIDED}
    later = [s for s in said if s.stamp_ns >= start_ns + 3_000_000_000]
    assert {s.exercise for s in later} == {exercise}


@pytest.mark.parametrize("motion", ["marching", "heel_slide", "superman", "donkey_kick"])
def test_another_motion_is_none_of_these(motion):
    _, said = answers(motion, repetitions=3)
    assert said[-1].answer == Answer.NONE_OF_THESE
    assert all(s.exercise is None for s in said)


def test_without_a_pelvis_what_moves_the_limbs_is_still_recognised():
    _, said = answers("dead_bug", with_pelvis=False)
    assert said[-1].exercise == "dead_bug"


def test_the_evidence_is_a_distribution():
    _, said = answers("plank")
    for s in said:
        assert 0.0 <= s.probability <= 1.0
        assert s.runner_up != s.exercise or s.exercise is None
        assert s.probability + s.runner_up_probability <= 1.0 + 1e-9
    assert np.all(np.diff([s.since_ns for s in said]) >= 0)
