import numpy as np
import pytest
from rooms import AUTO, BED, CAMERA, FLOOR, MAT, Level, View, lying, off_deg, standing

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.support import GravityRule, agreement, cloud, find_support, without_depth


@pytest.mark.parametrize("roll_deg", [-10, 0, 10])
@pytest.mark.parametrize("elevation_deg", [8, 15, 30, 50, 70, 85, 90])
def test_up_and_height_are_found_from_the_horizon_to_overhead(elevation_deg, roll_deg):
    view = View(elevation_deg, roll_deg)
    found = find_support(view.points([FLOOR], [(1, -2.0)]), AUTO, body=lying(view, FLOOR))
    assert off_deg(found, view) < 1.0
    assert found.height.value == pytest.approx(view.height(FLOOR), abs=0.02)
    assert found.height.status == Status.MEASURED


@pytest.mark.parametrize("elevation_deg", [12, 30, 60, 90])
@pytest.mark.parametrize("azimuth_deg", [0, 70, 180])
def test_who_lies_on_a_bed_is_carried_by_the_bed(elevation_deg, azimuth_deg):
    view = View(elevation_deg, target=(0, 0, 0.6), azimuth_deg=azimuth_deg)
    found = find_support(view.points([FLOOR, BED], [(1, -1.2)]), AUTO, body=lying(view, BED))
    assert off_deg(found, view) < 1.0
    assert found.height.value == pytest.approx(view.height(BED), abs=0.02)


def test_who_stands_beside_a_bed_is_carried_by_the_floor():
    view = View(20, distance_m=3.5, target=(0, 0.5, 0.8))
    found = find_support(view.points([FLOOR, BED]), AUTO, body=standing(view, (0.0, 1.0)))
    assert found.height.value == pytest.approx(view.height(FLOOR), abs=0.02)


@pytest.mark.parametrize("elevation_deg", [20, 50, 90])
def test_without_a_body_the_bed_in_the_middle_carries(elevation_deg):
    view = View(elevation_deg, target=(0, 0, 0.6))
    found = find_support(view.points([FLOOR, BED]), AUTO)
    assert found.height.value == pytest.approx(view.height(BED), abs=0.02)


def test_without_a_body_a_small_table_top_does_not_carry():
    table = Level(0.9, (-0.45, 0.45, -0.35, 0.35))
    view = View(80, distance_m=2.6)
    found = find_support(view.points([FLOOR, table]), AUTO)
    assert found.height.value == pytest.approx(view.height(FLOOR), abs=0.02)


@pytest.mark.parametrize("elevation_deg", [30, 60, 90])
def test_the_upper_face_of_a_mat_carries_not_the_floor_round_it(elevation_deg):
    view = View(elevation_deg, target=(0, 0, 0.1))
    points = view.points([FLOOR, MAT], noise=0.001)
    found = find_support(points, AUTO, body=lying(view, MAT))
    assert found.height.value == pytest.approx(view.height(MAT), abs=0.008)


@pytest.mark.parametrize("elevation_deg", [8, 12])
def test_a_wall_that_fills_most_of_the_picture_is_not_the_floor(elevation_deg):
    view = View(elevation_deg, distance_m=2.6, target=(0, 0, 1.0))
    points = view.points([FLOOR], [(1, -0.8)])
    on_wall = np.abs(points @ view.rotation[:, 1] + view.centre[1] + 0.8) < 0.05
    assert on_wall.mean() > 0.6
    for body in (standing(view), None):
        found = find_support(points, AUTO, body=body)
        assert off_deg(found, view) < 1.5
        assert found.height.value == pytest.approx(view.height(FLOOR), abs=0.03)


def test_the_feet_tell_a_floor_from_a_larger_wall_for_a_level_camera():
    view = View(2, distance_m=3.5, target=(0, 0, 0.7))
    points = view.points([FLOOR], [(1, -0.35)])
    found = find_support(points, AUTO, body=standing(view))
    assert off_deg(found, view) < 1.5
    assert off_deg(find_support(points, AUTO), view) > 80.0  # looks like a floor from overhead


def test_a_wall_far_away_is_no_floor_that_an_overhead_camera_sees():
    view = View(2, distance_m=3.5, target=(0, 0, 0.7))
    for wall_m, found in ((-0.5, True), (-1.6, False)):
        points = view.points([], [(1, wall_m)])
        assert (find_support(points, AUTO) is not None) == found


def test_a_wall_behind_a_standing_patient_is_no_floor_even_alone():
    view = View(0, distance_m=2.0, target=(0, 0, 1.4))
    points = view.points([], [(1, -1.0)])
    assert find_support(points, AUTO, body=standing(view)) is None


def test_two_walls_give_gravity_where_no_floor_is_seen():
    view = View(3, roll_deg=4, distance_m=2.0, target=(0, 0, 1.6), azimuth_deg=70)
    points = view.points([], [(1, -1.0), (0, -1.3)])
    found = find_support(points, AUTO, body=standing(view))
    assert off_deg(found, view) < 3.0 * np.degrees(found.sigma_rad)
    assert off_deg(found, view) < 3.0
    assert found.height.reason == Reason.OCCLUDED


def test_a_side_wall_alone_gives_nothing():
    rng = np.random.default_rng(0)
    across = rng.uniform((-1, 1), (1, 3), (3000, 2))
    wall = np.column_stack([1.0 + rng.normal(0, 0.003, 3000), across])
    assert find_support(wall, AUTO) is None


def test_the_height_of_a_bed_top_that_is_not_seen_is_inferred_from_who_lies_on_it():
    view = View(9, target=(0, 0, 0.6))
    found = find_support(view.points([FLOOR]), AUTO, body=lying(view, BED))
    assert off_deg(found, view) < 1.0
    assert found.height.status == Status.INFERRED
    assert abs(found.height.value - view.height(BED)) < 2.0 * found.height.sigma


def test_some_wrong_points_of_the_body_change_nothing():
    view = View(40, target=(0, 0, 0.6))
    body = lying(view, BED)
    body[[3, 11, 20]] += view.rotation[:, 2] * -0.5  # below the bed
    body[5] = np.nan
    found = find_support(view.points([FLOOR, BED]), AUTO, body=body)
    assert found.height.value == pytest.approx(view.height(BED), abs=0.02)


def test_a_chair_or_a_body_on_the_floor_does_not_tilt_it():
    view = View(35)
    points = view.points([FLOOR, Level(0.45, (-0.9, -0.4, -1.0, -0.5))])
    rng = np.random.default_rng(1)
    clutter = view.optical(rng.uniform((-0.8, -0.25, 0.0), (0.8, 0.25, 0.25), (700, 3)))
    found = find_support(np.concatenate([points, clutter]), AUTO, body=lying(view, FLOOR))
    assert off_deg(found, view) < 0.7
    assert found.height.value == pytest.approx(view.height(FLOOR), abs=0.015)


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.full((5000, 3), np.nan), np.zeros((9, 3))])
def test_no_cloud_gives_nothing(points):
    assert find_support(points, AUTO) is None
    assert find_support(points, AUTO, body=np.full((33, 3), np.nan)) is None


def test_points_that_are_not_numbers_are_left_out():
    view = View(30)
    points = view.points([FLOOR])
    spoilt = np.concatenate([points, np.full((300, 3), np.nan), np.full((50, 3), np.inf)])
    a, b = find_support(points, AUTO), find_support(spoilt, AUTO)
    assert a.up.tobytes() == b.up.tobytes()


def test_points_all_over_the_place_give_nothing():
    rng = np.random.default_rng(0)
    assert find_support(rng.uniform((-2, -2, 1), (2, 2, 5), (4000, 3)), AUTO) is None


def test_the_same_points_give_the_same_plane():
    view = View(30)
    points, body = view.points([FLOOR, BED]), lying(view, BED)
    first, again = (find_support(points, AUTO, 3, body) for _ in range(2))
    assert first.up.tobytes() == again.up.tobytes()
    assert first.height == again.height


def test_errors_are_about_as_large_as_said():
    up, height = [], []
    patch = Level(0.0, (-0.7, 0.7, -0.7, 0.7))
    for seed in range(24):
        view = View(15 + 3.1 * seed, roll_deg=(seed % 5 - 2) * 4.0, distance_m=3.0)
        points = view.points([patch], noise=0.005, seed=seed) * (1.004 if seed % 2 else 0.996)
        found = find_support(points, AUTO, body=lying(view, FLOOR, seed))
        up.append(np.deg2rad(off_deg(found, view)) / found.sigma_rad / np.sqrt(2))
        height.append((found.height.value - view.height(FLOOR)) / found.height.sigma)
    for ratio in (up, height):
        assert 0.2 < np.sqrt(np.mean(np.square(ratio))) < 1.5


def test_an_overhead_rule_keeps_to_cameras_that_look_down():
    rule = GravityRule.parse("overhead")
    down, level = View(80), View(15)
    assert off_deg(find_support(down.points([FLOOR]), rule), down) < 0.5
    assert find_support(level.points([FLOOR]), rule) is None


def test_a_given_direction_is_taken_as_it_is():
    view = View(30, target=(0, 0, 0.6))
    rule = GravityRule.parse(",".join(str(2 * x) for x in view.up))
    found = find_support(view.points([FLOOR, BED]), rule, body=lying(view, BED))
    np.testing.assert_allclose(found.up, view.up)
    assert found.height.value == pytest.approx(view.height(BED), abs=0.01)


def test_a_given_direction_holds_without_depth_but_the_height_does_not():
    found = without_depth(GravityRule.parse("0,-1,0"))
    np.testing.assert_array_equal(found.up, [0, -1, 0])
    assert found.height.reason == Reason.NO_DEPTH
    assert without_depth(AUTO) is None


def test_agreement_tells_a_plane_that_still_holds():
    before, after = View(30), View(45)
    found = find_support(before.points([FLOOR]), AUTO)
    assert agreement(before.points([FLOOR]), found) > 0.9
    assert agreement(after.points([FLOOR]), found) < 0.4


def test_the_cloud_leaves_holes_out_and_is_metric():
    depth = np.zeros((480, 640), np.uint16)
    depth[:, :320] = 2000
    points = cloud(depth, CAMERA)
    assert len(points) == 60 * 40
    assert (points[:, 2] == 2.0).all()
    np.testing.assert_allclose(points[0], 2.0 * CAMERA.rays(np.array([[4.0, 4.0]]))[0])


@pytest.mark.parametrize("text", ["down", "1,2", "0,0,0", "a,b,c", "nan,0,1"])
def test_a_wrong_gravity_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match="gravity"):
        GravityRule.parse(text)
