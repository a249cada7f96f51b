from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Support
from lbp_rehab.recognition.observation import JOINT, observe

UP = np.array([0.0, -1.0, 0.0])


def pose(up=UP):
    blank = BodyPose.unknown(5, "camera", NAMES, Reason.OUT_OF_VIEW)
    position, status, reason = blank.position.copy(), blank.status.copy(), blank.reason.copy()
    for name, at in (("l_hip", (0.1, 0.4, 2.0)), ("nose", (0.0, -0.3, 2.2))):
        position[INDEX[name]] = at
        status[INDEX[name]], reason[INDEX[name]] = Status.MEASURED, Reason.NONE
    support = Support(np.asarray(up, float), 0.01, Estimate.unknown(Reason.NO_DEPTH))
    return replace(
        blank, position=position, status=status, reason=reason, support=support, track_id=3
    )


def pelvis(**changed):
    flat = Estimate(0.2, 0.01)
    angles = PelvisAngles(flat, flat, flat, flat)
    state = PelvisState(
        5, "camera", "", Method.SURFACE, angles, angles, np.zeros(3), np.eye(3), np.eye(6), 3
    )
    return replace(state, **changed)


def test_height_is_against_gravity_however_the_camera_is_tilted():
    for tilt in (0.0, 0.5, 1.2, np.pi / 2):
        up = np.array([0.0, -np.cos(tilt), -np.sin(tilt)])
        seen = observe(pose(up))
        given = pose(up)
        assert seen.points[JOINT["nose"], 2] == pytest.approx(given.point("nose") @ up)
        # Distances stay as they are.
        apart = seen.points[JOINT["nose"]] - seen.points[JOINT["l_hip"]]
        assert np.linalg.norm(apart) == pytest.approx(
            np.linalg.norm(given.point("nose") - given.point("l_hip"))
        )


def test_a_camera_on_its_side_still_has_a_level_frame():
    seen = observe(pose((-1.0, 0.0, 0.0)))
    assert seen.points[JOINT["l_hip"], 2] == pytest.approx(-0.1)


def test_unknown_joints_stay_unknown():
    seen = observe(pose())
    assert seen.known.sum() == 2
    assert (seen.points[~seen.known] == 0.0).all()


def test_without_gravity_nothing_is_observed():
    assert observe(replace(pose(), support=None)) is None


def test_the_pelvis_counts_only_if_measured_from_the_surface_at_that_instant_of_that_person():
    assert observe(pose(), pelvis()).pelvis_known
    assert observe(pose(), pelvis()).lumbar_rad == pytest.approx(0.2)
    for other in ({"method": Method.SEGMENTS}, {"stamp_ns": 6}, {"track_id": 4}, {"axes": None}):
        assert not observe(pose(), pelvis(**other)).pelvis_known
