"""The decision over time, with a network that says what the test wants."""

from dataclasses import replace

import numpy as np
import pytest
from upright import STANDING

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason
from lbp_rehab.recognition.classes import CLASSES, EXERCISES, NONE, REST
from lbp_rehab.recognition.observation import JOINTS, Observation
from lbp_rehab.recognition.recogniser import Answer, Recogniser, Settings

SECOND = 1_000_000_000
BIRD_DOG, PLANK = EXERCISES.index("bird_dog"), EXERCISES.index("plank")


class Says:
    """Stands in for the network: the class at each call, or the last one for ever."""

    def __init__(self, *classes, strange=(), least_energy=-10.0):
        self.classes, self.calls = list(classes), 0
        self.far = np.array([2.0 if k in strange else 0.0 for k in range(NONE)])
        self.limits = np.append(np.ones(NONE), np.full(NONE, least_energy))

    def __call__(self, window):
        k = self.classes[min(self.calls, len(self.classes) - 1)]
        self.calls += 1
        logits = np.zeros(CLASSES)
        logits[k] = 8.0
        return [logits, self.far, self.limits]


def recogniser(network, **settings):
    made = Recogniser(Settings(**settings))
    made._network = network
    return made


def seen(stamp_ns, known=True):
    there = np.full(len(JOINTS), known)
    points = np.where(there[:, None], STANDING, 0.0)
    return Observation(stamp_ns, points, there, np.eye(3), True, 0.0, True)


def run(made, start_s, end_s, track_id=1, rate_hz=10.0):
    said = None
    for k in range(round(start_s * rate_hz), round(end_s * rate_hz)):
        stamp_ns = SECOND + round(k / rate_hz * SECOND)
        said = made.take(stamp_ns, seen(stamp_ns), track_id)
    return said


def test_an_exercise_is_decided_and_since_when_is_said():
    made = recogniser(Says(BIRD_DOG))
    first = run(made, 0.0, 1.0)
    assert (first.answer, first.reason) == (Answer.UNDECIDED, Reason.TOO_EARLY)
    said = run(made, 1.0, 3.0)
    assert (said.answer, said.exercise) == (Answer.EXERCISE, "bird_dog")
    assert said.probability > 0.9 > said.runner_up_probability
    assert run(made, 3.0, 6.0).since_ns == said.since_ns < said.stamp_ns


def test_none_of_these_is_an_answer():
    said = run(recogniser(Says(NONE)), 0.0, 3.0)
    assert (said.answer, said.exercise) == (Answer.NONE_OF_THESE, None)


@pytest.mark.parametrize("why", [{"least_energy": 9.0}, {"strange": (BIRD_DOG,)}])
def test_what_is_like_nothing_taught_is_none_of_these(why):
    said = run(recogniser(Says(BIRD_DOG, **why)), 0.0, 3.0)
    assert said.answer == Answer.NONE_OF_THESE
    trusting = recogniser(Says(BIRD_DOG, **why), strict=False)
    assert run(trusting, 0.0, 3.0).exercise == "bird_dog"


def test_poses_that_do_not_occur_in_another_exercise_are_no_objection():
    said = run(recogniser(Says(BIRD_DOG, strange=(PLANK,))), 0.0, 3.0)
    assert said.exercise == "bird_dog"


def test_a_person_of_whom_too_little_is_seen_is_not_judged():
    network = Says(BIRD_DOG)
    made = recogniser(network)
    there = np.isin(JOINTS, ("l_shoulder", "r_shoulder", "l_hip", "r_hip", "nose"))
    for k in range(30):
        stamp_ns = SECOND + k * SECOND // 10
        given = replace(seen(stamp_ns), known=there)
        said = made.take(stamp_ns, given, 1)
    assert network.calls == 0
    assert (said.answer, said.reason) == (Answer.UNDECIDED, Reason.TOO_UNCERTAIN)


def test_rest_alone_decides_nothing_and_keeps_what_was_decided():
    made = recogniser(Says(REST))
    assert run(made, 0.0, 5.0).answer == Answer.UNDECIDED
    made = recogniser(Says(*[BIRD_DOG] * 10, REST))
    run(made, 0.0, 3.0)
    later = run(made, 3.0, 20.0)
    assert later.exercise == "bird_dog"
    assert later.resting


def test_a_decision_is_forgotten_after_long_rest():
    made = recogniser(Says(*[BIRD_DOG] * 10, REST), forget_s=5.0)
    assert run(made, 0.0, 4.0).exercise == "bird_dog"
    assert run(made, 4.0, 12.0).answer == Answer.UNDECIDED


def test_one_odd_window_changes_nothing_and_many_do():
    made = recogniser(Says(*[BIRD_DOG] * 10, PLANK, *[BIRD_DOG] * 10, PLANK))
    run(made, 0.0, 3.0)
    said = {run(made, 3.0 + k / 5, 3.2 + k / 5).exercise for k in range(10)}
    assert said == {"bird_dog"}
    assert run(made, 5.0, 9.0).exercise == "plank"


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_jump_of_the_clock_starts_anew(jump_s):
    made = recogniser(Says(BIRD_DOG))
    run(made, 3600.0, 3603.0)
    stamp_ns = SECOND + round((3603.0 + jump_s) * SECOND)
    said = made.take(stamp_ns, seen(stamp_ns), 1)
    assert said.answer == Answer.UNDECIDED
    assert said.since_ns == stamp_ns


def test_another_person_starts_anew():
    made = recogniser(Says(BIRD_DOG))
    run(made, 0.0, 3.0)
    said = run(made, 3.0, 3.5, track_id=2)
    assert (said.answer, said.track_id) == (Answer.UNDECIDED, 2)


def test_nobody_and_no_gravity_are_said_and_keep_the_decision_for_a_moment():
    made = recogniser(Says(BIRD_DOG))
    assert made.take(SECOND, None, 0).reason == Reason.NO_GRAVITY
    nobody = seen(SECOND + 1, known=False)
    assert made.take(SECOND + 1, nobody, 0).reason == Reason.NO_PERSON
    run(made, 0.1, 3.0)
    gone = seen(SECOND + 3 * SECOND, known=False)
    assert made.take(gone.stamp_ns, gone, 0).exercise == "bird_dog"


@pytest.mark.parametrize("rate_hz", [8.0, 60.0])
def test_the_rate_of_the_camera_does_not_change_how_often_is_looked(rate_hz):
    network = Says(BIRD_DOG)
    run(recogniser(network), 0.0, 5.0, rate_hz=rate_hz)
    assert 14 <= network.calls <= 21


def test_the_same_poses_give_the_same_answers():
    def answers():
        made = Recogniser()
        out = []
        for k in range(40):
            stamp_ns = SECOND + k * SECOND // 10
            moved = seen(stamp_ns)
            moved = replace(moved, points=moved.points + 0.01 * np.sin(k) * (moved.points > 1.0))
            out.append(made.take(stamp_ns, moved, 1))
        return out

    assert answers() == answers()


def test_a_missing_network_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.onnx"):
        Recogniser(model=tmp_path / "none.onnx")
