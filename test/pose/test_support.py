import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason
from lbp_rehab.pose.support import GravityRule, agreement, cloud, find_support, without_depth

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)


def room(pitch_deg, height_m=1.4, noise_m=0.003, table_m=None, seed=0):
    """Points of a floor seen by a camera that looks down by a pitch, with a box on it."""
    rng = np.random.default_rng(seed)
    pitch = np.deg2rad(pitch_deg)
    up = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    v, u = np.mgrid[4:480:8, 4:640:8]
    rays = CAMERA.rays(np.stack([u.ravel(), v.ravel()], axis=1).astype(float))
    fall = -(rays @ up)
    z = np.where(fall > 0.05, height_m / np.maximum(fall, 1e-3), 4.5)
    z = np.minimum(z, 4.5)
    points = rays * z[:, None]
    if table_m:
        on_table = (np.abs(points[:, 0]) < 0.4) & (z < 4.0)
        top = (height_m - table_m) / np.maximum(fall, 1e-3)
        points = np.where(on_table[:, None], rays * top[:, None], points)
    return points + rng.normal(0, noise_m, points.shape), up


@pytest.mark.parametrize("pitch_deg", [10, 25, 45, 55])
def test_the_floor_gives_up_and_the_camera_height(pitch_deg):
    points, up = room(pitch_deg)
    found = find_support(points, GravityRule.parse("auto"))
    assert found is not None
    assert np.rad2deg(np.arccos(found.up @ up)) < 0.5
    assert found.height.value == pytest.approx(1.4, abs=0.01)
    assert found.sigma_rad >= np.deg2rad(0.5)


def test_an_overhead_camera_needs_the_overhead_rule():
    points, up = room(85)
    found = find_support(points, GravityRule.parse("overhead"))
    assert found is not None
    assert np.rad2deg(np.arccos(found.up @ up)) < 0.5
    assert find_support(points, GravityRule.parse("auto")) is None


def test_a_table_over_the_floor_is_not_the_support():
    points, _ = room(40, table_m=0.7)
    found = find_support(points, GravityRule.parse("auto"))
    assert found is not None
    assert found.height.value == pytest.approx(1.4, abs=0.02)


def test_a_wall_alone_gives_nothing():
    rng = np.random.default_rng(0)
    wall = np.column_stack([rng.uniform(-1, 1, (3000, 2)), 2 + rng.normal(0, 0.003, 3000)])
    assert find_support(wall, GravityRule.parse("auto")) is None


def test_the_same_points_give_the_same_plane():
    points, _ = room(30)
    first = find_support(points, GravityRule.parse("auto"), seed=3)
    again = find_support(points, GravityRule.parse("auto"), seed=3)
    assert first.up.tobytes() == again.up.tobytes()


def test_a_given_direction_is_taken_as_it_is():
    points, up = room(30)
    text = ",".join(str(2 * x) for x in up)
    found = find_support(points, GravityRule.parse(text))
    np.testing.assert_allclose(found.up, up)
    assert found.height.value == pytest.approx(1.4, abs=0.03)


def test_a_given_direction_holds_without_depth_but_the_height_does_not():
    found = without_depth(GravityRule.parse("0,-1,0"))
    np.testing.assert_array_equal(found.up, [0, -1, 0])
    assert found.height.reason == Reason.NO_DEPTH
    assert without_depth(GravityRule.parse("auto")) is None


def test_agreement_tells_a_plane_that_still_holds():
    points, _ = room(30)
    found = find_support(points, GravityRule.parse("auto"))
    moved, _ = room(45)
    assert agreement(points, found) > 2 * agreement(moved, found)


def test_the_cloud_leaves_holes_out():
    depth = np.zeros((480, 640), np.uint16)
    depth[:, :320] = 2000
    points = cloud(depth, CAMERA)
    assert (points[:, 2] == 2.0).all()
    assert (points[:, 0] < 0.01).all()


@pytest.mark.parametrize("text", ["down", "1,2", "0,0,0", "a,b,c", "nan,0,1"])
def test_a_wrong_gravity_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match="gravity"):
        GravityRule.parse(text)
