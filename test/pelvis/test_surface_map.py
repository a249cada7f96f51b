import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from trunks import joints_of_body, radius_m, seen_from

from lbp_rehab.pelvis.head import BODY, in_frame_of, view_of
from lbp_rehab.pelvis.segments import POINTS
from lbp_rehab.pelvis.surface_map import (
    CHANNELS,
    COLUMNS,
    HIGH_M,
    LOW_M,
    REACH_M,
    ROWS,
    surface_map,
)
from lbp_rehab.pose.skeleton import INDEX

ORIGIN, BASE = np.zeros(3), np.eye(3)
EDGES = (np.arange(COLUMNS + 1) / COLUMNS - 0.5) * 2.0 * np.pi  # azimuths from the front
MIDDLE_M = 0.13  # what the map takes from a radius
UP = np.array([0.1, -0.9, -0.3]) / np.linalg.norm([0.1, -0.9, -0.3])


def radii(surface):
    """Return the mean radii of a map in metres, NaN where there is none."""
    return np.where(surface[1] > 0, surface[0] / 10.0 + MIDDLE_M, np.nan)


def point(azimuth_deg, height_m, radius=0.15):
    a = np.radians(azimuth_deg)
    return [radius * np.cos(a), radius * np.sin(a), height_m]


def cell_of(row, column):
    """Return the middle of a cell: azimuth in degrees and height."""
    height = LOW_M + (row + 0.5) / ROWS * (HIGH_M - LOW_M)
    return (column + 0.5) / COLUMNS * 360.0 - 180.0, height


# Cells


@pytest.mark.parametrize(("azimuth_deg", "column"), [
    (-179.9, 0), (-90.1, 7), (-89.9, 8), (-0.1, 15), (0.1, 16), (90.1, 24), (179.9, 31),
])  # fmt: skip
def test_columns_go_from_the_back_over_the_right_side_round(azimuth_deg, column):
    surface = surface_map(np.array([point(azimuth_deg, 0.01)]), ORIGIN, BASE)
    (row,), (found,) = np.nonzero(surface[1])
    assert (row, found) == (int((0.01 - LOW_M) / (HIGH_M - LOW_M) * ROWS), column)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (5, 30), (12, 16), (ROWS - 1, COLUMNS - 1)])
def test_a_point_at_a_known_angle_and_height_falls_into_its_cell(row, column):
    surface = surface_map(np.array([point(*cell_of(row, column), 0.17)]), ORIGIN, BASE)
    assert surface.shape == (CHANNELS, ROWS, COLUMNS)
    assert surface.dtype == np.float32
    wanted = np.zeros((CHANNELS, ROWS, COLUMNS))
    wanted[:, row, column] = [(0.17 - MIDDLE_M) * 10.0, 1.0, 0.0, np.sqrt(1.0 / 20.0)]
    np.testing.assert_allclose(surface, wanted, atol=1e-6)


def test_straight_behind_is_on_the_map():
    for left in (0.0, -0.0):
        surface = surface_map(np.array([[-0.15, left, 0.0]]), ORIGIN, BASE)
        assert surface[1].sum() == 1.0


def test_a_cell_tells_mean_scatter_and_number():
    azimuth, height = cell_of(7, 3)
    radii_m = np.array([0.10, 0.14])
    points = np.array([point(azimuth, height, r) for r in radii_m])
    cell = surface_map(points, ORIGIN, BASE)[:, 7, 3]
    np.testing.assert_allclose(cell, [-0.1, 1.0, 20.0 * 0.02, np.sqrt(2.0 / 20.0)], rtol=1e-5)
    many = surface_map(np.repeat(points, 200, axis=0), ORIGIN, BASE)[:, 7, 3]
    np.testing.assert_allclose(many[3], 1.0)
    np.testing.assert_allclose(many[:3], cell[:3], rtol=1e-5)


@pytest.mark.parametrize("far", [
    point(30, 0.1, REACH_M + 1e-3), point(30, LOW_M - 1e-3), point(30, HIGH_M + 1e-3),
    point(30, 1e4),
])  # fmt: skip
def test_what_is_not_of_the_trunk_is_left_out(far):
    near = np.array([point(30, 0.1)])
    alone = surface_map(near, ORIGIN, BASE)
    np.testing.assert_array_equal(surface_map(np.vstack([near, far]), ORIGIN, BASE), alone)


def test_no_readings_make_an_empty_map():
    empty = surface_map(np.zeros((0, 3)), ORIGIN, BASE)
    assert not empty.any()
    np.testing.assert_array_equal(surface_map(np.full((4, 3), 9.0), ORIGIN, BASE), empty)


def test_nothing_depends_on_the_order_of_the_readings_or_on_where_the_body_is():
    rng = np.random.default_rng(0)
    points = rng.normal(0.0, 0.15, (800, 3))
    plain = surface_map(points, ORIGIN, BASE)
    assert 100 < plain[1].sum() < ROWS * COLUMNS
    np.testing.assert_allclose(surface_map(points[::-1], ORIGIN, BASE), plain, atol=1e-5)
    turn, place = Rotation.random(random_state=3).as_matrix(), np.array([0.3, -0.2, 2.5])
    moved = surface_map(points @ turn.T + place, place, turn @ BASE)
    np.testing.assert_allclose(moved, plain, atol=1e-5)


def test_a_mirrored_body_has_a_flipped_map():
    points = np.random.default_rng(1).normal(0.0, 0.15, (800, 3))
    plain = surface_map(points, ORIGIN, BASE)
    other = surface_map(points * [1.0, -1.0, 1.0], ORIGIN, BASE)
    np.testing.assert_allclose(other, plain[..., ::-1], atol=1e-5)
    assert not np.allclose(other, plain)


def test_a_turn_about_the_trunks_axis_rolls_the_map():
    points = np.random.default_rng(2).normal(0.0, 0.15, (800, 3))
    turned = points @ Rotation.from_euler("z", 5 * 2 * np.pi / COLUMNS).as_matrix().T
    plain = surface_map(points, ORIGIN, BASE)
    np.testing.assert_allclose(
        surface_map(turned, ORIGIN, BASE), np.roll(plain, 5, axis=-1), atol=1e-5
    )


# Views of an elliptic trunk


@pytest.mark.parametrize("azimuth_deg", [0, 75, -140])
def test_the_map_of_an_ellipse_is_its_radius_on_the_side_that_is_seen(azimuth_deg):
    found = radii(seen_from(azimuth_deg).view().surface)
    fine = EDGES[:-1, None] + np.linspace(0.0, 2.0 * np.pi / COLUMNS, 50)
    low, high = radius_m(fine).min(axis=1), radius_m(fine).max(axis=1)
    there = ~np.isnan(found)
    assert (there <= (found > low - 2e-4) & (found < high + 2e-4)).all()
    # Full where the camera looks at, empty on the other side.
    facing = np.cos(EDGES[:-1] + np.pi / COLUMNS - np.radians(azimuth_deg))
    rows = slice(6, 18)
    assert there[rows, facing > 0.6].all()
    assert not there[:, facing < -0.3].any()


def test_two_sides_agree_where_both_see():
    one, other = (seen_from(a, e).view().surface for a, e in ((-40, 5), (40, 30)))
    both = np.minimum(one[3], other[3]) ** 2 > 4.5 / 20.0  # five readings each
    assert both.sum() > 100
    np.testing.assert_allclose(radii(one)[both], radii(other)[both], atol=0.003)
    assert (one[1] != other[1]).sum() > 100


def test_a_thicker_trunk_shows_as_much_thicker():
    thin, thick = (seen_from(20, half_m=(r, r)).view().surface for r in (0.13, 0.15))
    both = (thin[1] * thick[1]) > 0
    np.testing.assert_allclose((thick - thin)[0][both], 0.2, atol=1e-3)
    np.testing.assert_allclose(thin[0][thin[1] > 0], 0.0, atol=1e-3)


def test_a_view_is_in_the_base_frame():
    scene = seen_from(35, 20)
    view = scene.view(up=UP)
    np.testing.assert_allclose(view.base, scene.axes, atol=1e-12)
    np.testing.assert_allclose(view.origin, scene.origin, atol=1e-12)
    body = joints_of_body()
    np.testing.assert_allclose(view.trunk, scene.position[[INDEX[name] for name in POINTS]])
    for k, name in enumerate(BODY):
        np.testing.assert_allclose(view.joints[k, :3], body[INDEX[name]], atol=1e-6, err_msg=name)
        np.testing.assert_allclose(view.joints[k, 3:], [0.2, 1.0])
    np.testing.assert_allclose(view.others[:4], [*(scene.axes.T @ UP), 1.0], atol=1e-6)
    a, e = np.radians([35, 20])
    towards = [np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)]
    np.testing.assert_allclose(view.others[4:], towards, atol=1e-6)
    # Every reading lies on the cylinder.
    points = (view.points - scene.origin) @ scene.axes
    assert len(points) == np.count_nonzero(scene.readings) > 1000
    np.testing.assert_allclose(((points[:, :2] / scene.half_m) ** 2).sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("roll_deg", [25.0, 180.0])
def test_a_view_does_not_change_when_the_camera_is_rolled(roll_deg):
    scene, turn = seen_from(35), Rotation.from_euler("z", roll_deg, degrees=True).as_matrix()
    sigma = np.linspace(0.01, 0.05, 33)
    plain = scene.view(sigma, UP)
    rolled = view_of(
        scene.readings, turn[:2, :2] @ scene.rays, scene.position @ turn.T, sigma, turn @ UP
    )
    for name in ("surface", "joints", "others"):
        np.testing.assert_allclose(
            getattr(rolled, name), getattr(plain, name), atol=1e-5, err_msg=name
        )
    np.testing.assert_allclose(rolled.points, plain.points @ turn.T, atol=1e-9)


def test_what_is_unknown_is_zero_and_has_no_influence():
    scene, sigma = seen_from(35), np.full(33, 0.03)
    sigma[[INDEX["l_knee"], INDEX["nose"]]] = -1.0
    moved = scene.position
    moved[[INDEX["l_knee"], INDEX["nose"]]] += [0.4, -1.0, 2.0]
    one = scene.view(sigma)
    other = view_of(scene.readings, scene.rays, moved, sigma, None)
    for name in ("surface", "joints", "others", "base", "origin"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(one.joints[[4, 7]], 0.0)
    np.testing.assert_array_equal(one.joints[[0, 8], 4], 1.0)
    np.testing.assert_array_equal(one.others[:4], 0.0)  # up, too


def test_joints_that_the_head_does_not_read_have_no_influence():
    scene = seen_from(35)
    moved = scene.position
    moved[[INDEX["l_wrist"], INDEX["r_toe"]]] += 1.0
    other = view_of(scene.readings, scene.rays, moved, np.full(33, 0.02), UP)
    np.testing.assert_array_equal(other.joints, scene.view(up=UP).joints)
    np.testing.assert_array_equal(other.surface, scene.view(up=UP).surface)


# Two moments


def test_a_view_in_its_own_frame_is_itself():
    view = seen_from(35).view()
    surface, trunk = in_frame_of(view, view)
    np.testing.assert_array_equal(surface, view.surface)
    np.testing.assert_allclose(
        trunk, [[0, 0.1, 0], [0, -0.1, 0], [0, 0.18, 0.5], [0, -0.18, 0.5]], atol=1e-6
    )


def test_what_did_not_move_lies_where_it_lay_though_the_joints_are_off():
    """The trunk stands still; the frame of the joints, which jitters, moves under it."""
    scene = seen_from(35)
    jittered = scene.position + np.array([0.02, -0.01, 0.015])
    now = scene.view()
    before = view_of(scene.readings, scene.rays, jittered, np.full(33, 0.02), None)
    here, trunk = in_frame_of(now, before)
    np.testing.assert_array_equal(here, now.surface)
    assert not np.allclose(before.surface, now.surface, atol=0.05)
    np.testing.assert_allclose(trunk[0] - [0.0, 0.1, 0.0], scene.axes.T @ [0.02, -0.01, 0.015],
                               atol=1e-6)  # fmt: skip


def test_a_step_aside_shows_in_the_frame_of_the_later_moment():
    scene = seen_from(0.0, 0.0)
    moved = type(scene)(scene.axes, scene.origin + 0.05 * scene.axes[:, 1])  # 5 cm to the left
    _, trunk = in_frame_of(moved.view(), scene.view())
    np.testing.assert_allclose(trunk[:2], [[0.0, 0.05, 0.0], [0.0, -0.15, 0.0]], atol=1e-6)
