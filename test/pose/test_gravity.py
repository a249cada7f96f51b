import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.pose.gravity import STEEP, body_axes, gravity_axes
from lbp_rehab.pose.landmarks import region_round
from lbp_rehab.pose.lift import ray_map
from lbp_rehab.pose.skeleton import INDEX, NAMES


def looking_down(pitch_deg, roll_deg=0.0):
    """Return up in the optical frame of a camera that looks down by a pitch and is rolled."""
    pitch, roll = np.deg2rad([pitch_deg, roll_deg])
    level = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    return Rotation.from_rotvec([0.0, 0.0, roll]).apply(level)


@pytest.mark.parametrize("roll_deg", [-170, -20, 0, 35])
@pytest.mark.parametrize("pitch_deg", [-40, 0, 20, 69, 71, 89.9, 90])
def test_the_axes_are_a_right_handed_rotation_with_z_up(pitch_deg, roll_deg):
    up = looking_down(pitch_deg, roll_deg)
    axes = gravity_axes(up)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    np.testing.assert_allclose(axes @ up, [0.0, 0.0, 1.0], atol=1e-12)


@pytest.mark.parametrize("pitch_deg", [-40, 0, 30, 65])
def test_x_points_where_the_camera_looks(pitch_deg):
    pitch = np.deg2rad(pitch_deg)
    ahead = gravity_axes(looking_down(pitch_deg)) @ [0.0, 0.0, 1.0]
    np.testing.assert_allclose(ahead, [np.cos(pitch), 0.0, -np.sin(pitch)], atol=1e-12)


def test_the_left_of_a_level_camera_is_y():
    np.testing.assert_allclose(
        gravity_axes(np.array([0.0, -1.0, 0.0])) @ [-1.0, 0.0, 0.0], [0, 1, 0], atol=1e-12
    )


@pytest.mark.parametrize("roll_deg", [-120, 0, 50])
def test_x_of_a_camera_that_looks_straight_down_is_the_top_of_its_image(roll_deg):
    up = Rotation.from_euler("x", 3, degrees=True).apply(looking_down(90, roll_deg))
    top = gravity_axes(up) @ [0.0, -1.0, 0.0]
    assert top[0] > 0.99
    assert top[1] == pytest.approx(0.0, abs=1e-12)


def test_steep_is_within_twenty_degrees_of_straight_down():
    assert gravity_axes(looking_down(69.9))[0] @ [0, 0, 1] > 0.0
    assert pytest.approx(np.cos(np.deg2rad(20))) == STEEP
    down, up_side = gravity_axes(looking_down(70.1))[0], gravity_axes(-looking_down(70.1))[0]
    assert down @ [0, -1, 0] > 0.9
    assert up_side @ [0, -1, 0] > 0.9


# Axes along the body

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)


def lying(heading_deg, up, height_m=1.0):
    """Return a straight body on its back, 3 m ahead of the camera, whose head is at a heading."""
    x, y, z = gravity_axes(up)
    heading = np.deg2rad(heading_deg)
    head = np.cos(heading) * x + np.sin(heading) * y
    across = np.cross(z, head)
    middle = 3.0 * x - height_m * z
    points = np.tile(middle, (len(NAMES), 1))
    for name, index in INDEX.items():
        along = 0.5 if "shoulder" in name else (0.0 if "hip" in name else -0.4)
        side = -0.15 if name.startswith("l_") else 0.15
        points[index] += along * head + side * across
    return points, head


@pytest.mark.parametrize("pitch_deg", [25, 45])
@pytest.mark.parametrize("heading_deg", range(-180, 180, 30))
def test_x_of_the_bodys_axes_points_roughly_to_the_head_of_who_lies(heading_deg, pitch_deg):
    up = looking_down(pitch_deg)
    points, head = lying(heading_deg, up)
    axes = body_axes(up, ray_map(region_round(CAMERA.project(points)), CAMERA))
    limit_deg = 5 if heading_deg in (-180, 0) else 65
    assert axes[0] @ head > np.cos(np.deg2rad(limit_deg))


@pytest.mark.parametrize("turn_deg", [-150, -60, 0, 45, 180])
@pytest.mark.parametrize("pitch_deg", [0, 30, 60, 90])
def test_the_bodys_axes_are_a_right_handed_rotation_with_z_up(pitch_deg, turn_deg):
    up, turn = looking_down(pitch_deg, 5.0), np.deg2rad(turn_deg)
    rays = np.array([[np.cos(turn), -np.sin(turn), 3.0], [np.sin(turn), np.cos(turn), 9.0]]) * 0.01
    axes = body_axes(up, rays)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    np.testing.assert_allclose(axes[2], up)


def test_who_stands_before_a_level_camera_has_axes_along_the_view():
    rays = np.array([[0.007, 0.0, -0.5], [0.0, 0.007, -0.5]])
    level = np.array([0.0, -1.0, 0.0])
    np.testing.assert_allclose(
        body_axes(level, rays), [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12
    )


def test_the_size_and_place_of_the_region_do_not_turn_the_bodys_axes():
    rays = np.array([[0.006, -0.004, 0.1], [0.004, 0.006, -0.7]])
    other = np.array([[0.012, -0.008, -0.9], [0.008, 0.012, 0.3]])
    up = looking_down(30)
    np.testing.assert_allclose(body_axes(up, rays), body_axes(up, other), atol=1e-12)
