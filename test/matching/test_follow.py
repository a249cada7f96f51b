"""Repetitions of someone who squats, compared as they are scored."""

from dataclasses import replace

import numpy as np
import pytest
from upright import STANDING

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.matching import follow
from lbp_rehab.matching.follow import Follower, Similarity, read_demonstrations
from lbp_rehab.matching.reference import Reference, write_references
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.types import BodyPose, Mode, Support
from lbp_rehab.quality.types import Grade, Outcome, RepetitionResult, Side
from lbp_rehab.recognition.classes import EXERCISES
from lbp_rehab.recognition.observation import JOINT, JOINTS

SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
TO_CAMERA = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
REPETITION_S = 5.0
SQUAT = "squat"


def pose(t_s, depth_m=0.3, lost=(), gravity=True, track_id=1):
    """One repetition in each 5 s: all above the knees goes down."""
    points = STANDING.copy()
    u = (t_s % REPETITION_S) / REPETITION_S
    points[: JOINT["l_knee"], 2] -= depth_m * np.sin(np.pi * u) ** 2
    known = np.array([name not in lost for name in JOINTS])
    n = len(JOINTS)
    return BodyPose(
        stamp_ns=START_NS + round(t_s * SECOND),
        frame_id="camera",
        names=JOINTS,
        position=points @ TO_CAMERA.T * known[:, None],
        covariance=1e-6 * np.eye(3) * known[:, None, None],
        status=np.where(known, int(Status.MEASURED), int(Status.UNKNOWN)),
        reason=np.where(known, 0, int(Reason.OCCLUDED)),
        visibility=known.astype(float),
        pixel=np.zeros((n, 2)),
        mode=Mode.RGB_DEPTH,
        support=Support(np.array([0.0, -1.0, 0.0]), 0.01, Estimate(1.0, 0.01)) if gravity else None,
        track_id=track_id,
    )


def pelvis(t_s):
    unknown = PelvisAngles(*[Estimate.unknown(Reason.NOT_CALIBRATED)] * 3, Estimate(0.1, 0.01))
    return PelvisState(
        START_NS + round(t_s * SECOND), "camera", "", Method.SURFACE, unknown, unknown,
        np.zeros(3), TO_CAMERA @ np.eye(3), np.zeros((6, 6)), track_id=1,
    )  # fmt: skip


def result(number, score=90.0, outcome=Outcome.COMPLETE, side=Side.LEFT):
    """The repetition of that number, from 1."""
    start_ns = START_NS + round((number - 1) * REPETITION_S * SECOND)
    end_ns = start_ns + round(REPETITION_S * SECOND)
    scored = Estimate.unknown(Reason.TOO_EARLY) if score is None else Estimate(score, 1.0)
    return RepetitionResult(
        number, outcome, start_ns, start_ns + SECOND, end_ns, Estimate(1.0, 0.1), scored,
        Grade.GOOD, (), (), (), side,
    )  # fmt: skip


def show(follower, number, with_pelvis=True, **changes):
    first_s = (number - 1) * REPETITION_S
    for t_s in first_s + np.arange(0.0, REPETITION_S + 0.15, 0.1):
        follower.see_pose(pose(t_s, **changes))
        if with_pelvis:
            follower.see_pelvis(pelvis(t_s))


def test_a_repetition_is_compared_with_the_best_before_it():
    follower = Follower()
    show(follower, 1)
    first = follower.compare(result(1, 80.0), SQUAT)
    assert first.own_best == Estimate.unknown(Reason.TOO_EARLY)
    assert first.demonstration == Estimate.unknown(Reason.MISSING_INPUT)
    show(follower, 2, depth_m=0.0)
    shallow = follower.compare(result(2, 60.0), SQUAT)
    show(follower, 3)
    same = follower.compare(result(3, 80.0), SQUAT)
    # The third is like the first, which is still the best; the second is not.
    assert same.own_best.value == pytest.approx(100.0, abs=1.0)
    assert shallow.own_best.value < same.own_best.value - 10.0
    assert same.left_out == ()


@pytest.mark.parametrize(
    "first",
    [
        {"outcome": Outcome.PARTIAL},
        {"side": Side.RIGHT},
        {"score": None, "outcome": Outcome.ABORTED},
    ],
)
def test_what_is_not_complete_or_of_another_side_is_no_own_best(first):
    follower = Follower()
    show(follower, 1)
    follower.compare(result(1, **first), SQUAT)
    show(follower, 2)
    assert follower.compare(result(2), SQUAT).own_best.reason == Reason.TOO_EARLY


def test_a_demonstration_of_the_exercise_is_compared_and_of_another_not():
    first = Follower()
    show(first, 1)
    first.compare(result(1), SQUAT)
    shown = first._best.get(SQUAT, "left")
    follower = Follower([replace(shown, side="right"), shown])
    show(follower, 1)
    found = follower.compare(result(1), SQUAT)
    assert found.demonstration.value == pytest.approx(100.0, abs=1.0)
    assert follower.compare(result(1), "clam").demonstration.reason == Reason.MISSING_INPUT


def test_what_one_of_both_does_not_show_is_named():
    follower = Follower()
    show(follower, 1)
    follower.compare(result(1), SQUAT)
    show(follower, 2, with_pelvis=False, lost=("r_toe", "l_toe"))
    assert follower.compare(result(2), SQUAT).left_out == ("l_toe", "r_toe", "pelvis")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"gravity": False}, Reason.NO_GRAVITY), ({"lost": ("l_hip",)}, Reason.TOO_UNCERTAIN)],
)
def test_what_was_not_seen_is_unknown_with_a_reason(changes, reason):
    follower = Follower()
    show(follower, 1, **changes)
    assert follower.compare(result(1), SQUAT) == Similarity.unknown(reason)


def test_a_repetition_whose_beginning_is_forgotten_is_unknown():
    follower = Follower()
    for number in range(1, 15):
        show(follower, number)
    assert follower.compare(result(2), SQUAT) == Similarity.unknown(Reason.TOO_UNCERTAIN)
    assert follower.compare(result(14), SQUAT).own_best.reason == Reason.TOO_EARLY


def test_another_person_or_a_clock_set_back_ends_what_was_seen():
    follower = Follower()
    show(follower, 2)
    follower.see_pose(pose(2 * REPETITION_S + 0.2, track_id=2))
    assert follower.compare(result(2), SQUAT) == Similarity.unknown(Reason.TOO_UNCERTAIN)
    follower = Follower()
    show(follower, 3)
    show(follower, 1)
    assert follower.compare(result(1), SQUAT).own_best.reason == Reason.TOO_EARLY
    assert follower.compare(result(3), SQUAT).own_best.reason == Reason.TOO_UNCERTAIN


def test_no_network_is_loaded_before_there_is_something_to_compare(monkeypatch):
    def missing():
        raise InputError("onnxruntime is missing")

    monkeypatch.setattr(follow, "Matcher", missing)
    follower = Follower()
    show(follower, 1)
    follower.compare(result(1), SQUAT)
    assert follower.lacking == ""
    show(follower, 2)
    assert not follower.compare(result(2), SQUAT).own_best.known
    assert follower.lacking == "onnxruntime is missing"


def test_demonstrations_come_from_the_package_a_file_or_nowhere(tmp_path):
    ours = read_demonstrations("")
    assert {r.exercise for r in ours} == set(EXERCISES)
    assert read_demonstrations("none") == []
    path = tmp_path / "mine.json"
    write_references(path, [Reference("clam", "left", "mine", ours[0].repetition)])
    assert [r.title for r in read_demonstrations(str(path))] == ["mine"]
    with pytest.raises(InputError, match="cannot be read"):
        read_demonstrations(str(tmp_path / "other.json"))
