import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.blazepose import Landmarks, Region
from lbp_rehab.pose.lift import THICKNESS, Scale, fit_shape, lift
from lbp_rehab.pose.skeleton import INDEX, NAMES

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
N = len(NAMES)


def seen(shape, at, scale=1.0, visibility=1.0):
    points = shape * scale + at
    region = Region((320.0, 240.0), 400.0, 0.0)
    return points, Landmarks(CAMERA.project(points), np.full(N, visibility), shape, 1.0, region)


def painted_depth(points, landmarks, radius=6):
    """Depth image whose surface lies in front of each joint by its half thickness."""
    depth = np.zeros((480, 640), np.uint16)
    order = np.argsort(-points[:, 2])
    for i in order:
        u, v = np.round(landmarks.pixel[i]).astype(int)
        surface = round((points[i, 2] - THICKNESS[i]) * 1000)
        depth[max(v - radius, 0) : v + radius + 1, max(u - radius, 0) : u + radius + 1] = surface
    return depth


@pytest.mark.parametrize("scale", [0.85, 1.0, 1.15])
def test_scale_and_place_are_recovered_from_rays_and_depth(standing_shape, scale):
    at = np.array([0.2, -0.1, 2.4])
    points, landmarks = seen(standing_shape, at, scale)
    z = points[:, 2].copy()
    found, translation, count = fit_shape(
        landmarks.world, CAMERA.rays(landmarks.pixel), z, np.ones(N), Scale()
    )
    assert found == pytest.approx(scale, abs=0.01)
    np.testing.assert_allclose(translation, at, atol=0.02)
    assert count == N


def test_readings_of_another_surface_do_not_move_the_fit(standing_shape):
    at = np.array([0.0, 0.0, 2.0])
    points, landmarks = seen(standing_shape, at)
    z = points[:, 2].copy()
    z[[INDEX["l_wrist"], INDEX["r_wrist"], INDEX["l_knee"]]] += 1.5
    _, translation, count = fit_shape(
        landmarks.world, CAMERA.rays(landmarks.pixel), z, np.ones(N), Scale()
    )
    np.testing.assert_allclose(translation, at, atol=0.03)
    assert count == N - 3


def test_without_depth_an_average_adult_gives_the_scale(standing_shape):
    at = np.array([0.0, 0.0, 2.5])
    _, landmarks = seen(standing_shape, at)
    none = np.full(N, np.nan)
    scale, translation, count = fit_shape(
        landmarks.world, CAMERA.rays(landmarks.pixel), none, np.ones(N), Scale()
    )
    assert count == 0
    assert scale == pytest.approx(1.0, abs=0.01)
    assert translation[2] == pytest.approx(2.5, abs=0.05)


def test_without_depth_a_known_size_of_the_person_gives_the_distance(standing_shape):
    points, landmarks = seen(standing_shape, np.array([0.0, 0.0, 2.5]), scale=1.2)
    i = INDEX["l_hip"]
    guessed = lift(landmarks, None, CAMERA)
    known = lift(landmarks, None, CAMERA, Scale(1.2, 0.03))
    assert abs(guessed.position[i, 2] - points[i, 2]) > 0.3
    assert abs(known.position[i, 2] - points[i, 2]) < 0.05
    assert known.radial_sigma[i] < guessed.radial_sigma[i]


def test_joints_lie_behind_the_surface_by_half_their_thickness(standing_shape):
    points, landmarks = seen(standing_shape, np.array([0.0, 0.1, 2.2]))
    lifted = lift(landmarks, painted_depth(points, landmarks), CAMERA)
    for name in ("l_shoulder", "r_hip", "l_knee", "r_elbow"):
        i = INDEX[name]
        assert lifted.status[i] == Status.MEASURED
        np.testing.assert_allclose(lifted.position[i], points[i], atol=0.01)


def test_a_depth_hole_is_filled_from_the_shape_with_a_larger_sigma(standing_shape):
    points, landmarks = seen(standing_shape, np.array([0.0, 0.1, 2.2]))
    depth = painted_depth(points, landmarks)
    i = INDEX["l_knee"]
    u, v = np.round(landmarks.pixel[i]).astype(int)
    depth[v - 15 : v + 16, u - 15 : u + 16] = 0
    lifted = lift(landmarks, depth, CAMERA)
    assert lifted.status[i] == Status.INFERRED
    assert np.linalg.norm(lifted.position[i] - points[i]) < 0.05
    assert lifted.radial_sigma[i] > 2 * lifted.radial_sigma[INDEX["r_knee"]]


def test_a_hand_held_in_front_of_the_hip_is_not_taken_for_the_hip(standing_shape):
    points, landmarks = seen(standing_shape, np.array([0.0, 0.1, 2.2]))
    depth = painted_depth(points, landmarks)
    i = INDEX["l_hip"]
    u, v = np.round(landmarks.pixel[i]).astype(int)
    depth[v - 10 : v + 11, u - 10 : u + 11] = 1600
    lifted = lift(landmarks, depth, CAMERA)
    assert lifted.status[i] == Status.INFERRED
    assert lifted.position[i, 2] == pytest.approx(points[i, 2], abs=0.06)


def test_a_point_outside_the_image_is_unknown_with_its_reason(standing_shape):
    _, landmarks = seen(standing_shape, np.array([0.0, 0.7, 2.0]))
    lifted = lift(landmarks, None, CAMERA)
    i = INDEX["l_ankle"]
    assert landmarks.pixel[i, 1] > 480
    assert lifted.status[i] == Status.UNKNOWN
    assert lifted.reason[i] == Reason.OUT_OF_VIEW
    assert not lifted.position[i].any()
    assert not lifted.covariance()[i].any()


def test_uncertainty_is_larger_along_the_ray_than_across(standing_shape):
    points, landmarks = seen(standing_shape, np.array([0.5, 0.0, 2.2]))
    lifted = lift(landmarks, painted_depth(points, landmarks), CAMERA)
    i = INDEX["l_hip"]
    ray = lifted.position[i] / np.linalg.norm(lifted.position[i])
    covariance = lifted.covariance()[i]
    assert ray @ covariance @ ray == pytest.approx(lifted.radial_sigma[i] ** 2)
    values = np.linalg.eigvalsh(covariance)
    assert (values > 0).all()
