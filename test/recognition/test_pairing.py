"""Poses find the pelvis of their stamp, and go on without one that is lost."""

from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.recognition.pairing import PelvisPairing

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
UNKNOWN = Estimate.unknown(Reason.NO_PERSON)
PELVIS = PelvisState(
    0, "camera", "", Method.SURFACE, PelvisAngles(*[UNKNOWN] * 4), PelvisAngles(*[UNKNOWN] * 4),
    None, None, np.zeros((6, 6)),
)  # fmt: skip


def pose(ms):
    return BodyPose.unknown(START_NS + ms * MS, "camera", NAMES, Reason.NO_PERSON)


def pelvis(ms):
    return replace(PELVIS, stamp_ns=START_NS + ms * MS)


def said(pairs):
    """The stamps in ms, and whether there was a pelvis, of the same stamp."""
    for one, other in pairs:
        assert other is None or other.stamp_ns == one.stamp_ns
    return [((one.stamp_ns - START_NS) // MS, other is not None) for one, other in pairs]


@pytest.fixture
def flowing():
    """A pairing that has seen one pair, so that poses wait."""
    made = PelvisPairing(0.1)
    made.add_pose(pose(0))
    made.add_pelvis(pelvis(0))
    return made


def test_without_any_pelvis_poses_do_not_wait():
    made = PelvisPairing(0.1)
    assert [said(made.add_pose(pose(t))) for t in (0, 33)] == [[(0, False)], [(33, False)]]


def test_a_pose_waits_for_its_pelvis(flowing):
    assert flowing.add_pose(pose(33)) == []
    assert said(flowing.add_pelvis(pelvis(33))) == [(33, True)]


def test_a_pelvis_that_comes_first_is_kept(flowing):
    assert flowing.add_pelvis(pelvis(33)) == []
    assert said(flowing.add_pose(pose(33))) == [(33, True)]


def test_a_pelvis_may_come_after_the_next_poses(flowing):
    assert [flowing.add_pose(pose(t)) for t in (33, 66, 99)] == [[], [], []]
    assert said(flowing.add_pelvis(pelvis(33))) == [(33, True)]
    assert said(flowing.add_pelvis(pelvis(66))) == [(66, True)]


def test_a_later_pelvis_tells_that_a_poses_own_was_lost(flowing):
    flowing.add_pose(pose(33))
    flowing.add_pose(pose(66))
    assert said(flowing.add_pelvis(pelvis(66))) == [(33, False), (66, True)]


def test_a_pose_waits_no_longer_than_the_wait(flowing):
    for t in (33, 66, 99):
        assert flowing.add_pose(pose(t)) == []
    assert said(flowing.add_pose(pose(133))) == [(33, False)]
    # Its pelvis is of no use any more.
    assert flowing.add_pelvis(pelvis(33)) == []


def test_once_the_pelvis_has_stopped_poses_do_not_wait(flowing):
    made = [said(flowing.add_pose(pose(t))) for t in range(50, 1300, 50)]
    assert made[-1] == [(1250, False)]


def test_a_clock_that_is_set_back_lets_go_what_waits_and_begins_anew(flowing):
    assert flowing.add_pose(pose(33)) == []
    assert said(flowing.add_pose(pose(-5000))) == [(33, False), (-5000, False)]
    flowing.add_pelvis(pelvis(-5000))
    assert flowing.add_pose(pose(-4967)) == []
    assert said(flowing.add_pelvis(pelvis(-4967))) == [(-4967, True)]


def test_the_same_pose_twice_counts_once(flowing):
    flowing.add_pose(pose(33))
    flowing.add_pose(pose(33))
    assert said(flowing.add_pelvis(pelvis(33))) == [(33, True)]


def test_pelvis_without_poses_is_not_kept_for_ever():
    made = PelvisPairing(0.1)
    for t in range(0, 10_000, 10):
        made.add_pelvis(pelvis(t))
    assert len(made._pelvis) < 100
