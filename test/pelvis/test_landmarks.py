"""Landmarks of a pelvis whose place is exact, before depth images whose surface is exact."""

from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.landmarks import landmarks_of
from lbp_rehab.pelvis.segments import POINTS
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.pose.types import BodyPose

CAMERA = Intrinsics(160, 120, 140.0, 140.0, 79.5, 59.5)
LIMIT_M = 0.05
# A person who faces the camera: the front of the pelvis at 2.00 m, its back at 2.15 m.
PLACES = np.array([[0.12, 0.0, 2.0], [-0.12, 0.0, 2.0], [0.05, 0.02, 2.15], [-0.05, 0.02, 2.15]])
SKIN_MM = 1980
UNKNOWN = Estimate.unknown(Reason.OCCLUDED)
NOTHING = PelvisAngles(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)


def pose(status=Status.MEASURED):
    n = len(POINTS)
    return BodyPose(
        1, "camera", POINTS, np.zeros((n, 3)), np.zeros((n, 3, 3)), np.full(n, int(status)),
        np.zeros(n, np.int64), np.ones(n), np.zeros((n, 2)),
    )  # fmt: skip


def state(landmarks=PLACES, sigma=(0.01, 0.012, 0.02, 0.02), method=Method.SURFACE):
    return PelvisState(
        1, "camera", "p7", method, NOTHING, NOTHING, np.array([0.0, 0.0, 2.1]), np.eye(3),
        np.zeros((6, 6)), landmarks=landmarks, landmark_sigma=np.array(sigma),
    )  # fmt: skip


def surface(millimetres=SKIN_MM):
    return np.full((CAMERA.height, CAMERA.width), millimetres, np.uint16)


def test_what_the_camera_sees_is_measured_and_what_the_trunk_hides_is_inferred():
    found = landmarks_of(state(), pose(), surface(), CAMERA, LIMIT_M)
    assert found.names == LANDMARKS
    assert found.status.tolist() == [Status.MEASURED] * 2 + [Status.INFERRED] * 2
    assert found.visibility.tolist() == [1.0, 1.0, 0.0, 0.0]
    np.testing.assert_array_equal(found.position, PLACES)
    np.testing.assert_allclose(found.sigma_m, [0.01, 0.012, 0.02, 0.02])
    np.testing.assert_allclose(found.pixel, CAMERA.project(PLACES))


def test_an_arm_before_one_side_hides_that_side_only():
    depth = surface()
    column, row = np.round(CAMERA.project(PLACES)[0]).astype(int)
    depth[row - 4 : row + 5, column - 4 : column + 5] = 1700
    found = landmarks_of(state(), pose(), depth, CAMERA, LIMIT_M)
    assert found.status[:2].tolist() == [Status.INFERRED, Status.MEASURED]


def test_a_hole_is_no_sight_but_single_missing_readings_do_no_harm():
    depth = surface()
    column, row = np.round(CAMERA.project(PLACES)[0]).astype(int)
    depth[row, column] = 0
    assert landmarks_of(state(), pose(), depth, CAMERA, LIMIT_M).status[0] == Status.MEASURED
    found = landmarks_of(state(), pose(), surface(0), CAMERA, LIMIT_M)
    assert found.status.tolist() == [Status.INFERRED] * 4


def test_a_landmark_outside_the_image_is_inferred():
    places = PLACES.copy()
    places[0] = [3.0, 0.0, 2.0]
    found = landmarks_of(state(places), pose(), surface(), CAMERA, LIMIT_M)
    assert found.status[:2].tolist() == [Status.INFERRED, Status.MEASURED]


def test_a_landmark_that_is_too_uncertain_is_unknown():
    found = landmarks_of(state(sigma=(0.01, 0.051, 0.01, 0.01)), pose(), surface(), CAMERA, LIMIT_M)
    assert found.status[1] == Status.UNKNOWN
    assert found.reason.tolist() == [0, int(Reason.TOO_UNCERTAIN), 0, 0]
    assert not found.position[1].any()
    assert found.sigma_m[1] == 0.0
    assert found.pixel[1].tolist() == [-1.0, -1.0]
    assert found.visibility[1] == 0.0


def test_landmarks_of_a_held_pose_are_held():
    found = landmarks_of(state(), pose(Status.HELD), surface(), CAMERA, LIMIT_M)
    assert found.status.tolist() == [Status.HELD] * 4


@pytest.mark.parametrize(
    ("method", "why"), [(Method.SEGMENTS, Reason.NO_DEPTH), (Method.NONE, Reason.OCCLUDED)]
)
def test_without_the_surface_all_are_unknown_and_say_why(method, why):
    without = replace(state(method=method), landmarks=None, landmark_sigma=None)
    found = landmarks_of(without, pose(), None, None, LIMIT_M)
    assert found.status.tolist() == [Status.UNKNOWN] * 4
    assert found.reason.tolist() == [int(why)] * 4
    assert found.names == LANDMARKS
