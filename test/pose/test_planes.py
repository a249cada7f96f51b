import numpy as np
import pytest
from rooms import BED, FLOOR, View

from lbp_rehab.pose.planes import FLAT_M, NOISE_PER_M, WITHIN, Plane, find_planes, noise_across


def across(view, axis, where):
    """Return normal and height of a wall or level as the camera sees it."""
    normal = view.rotation[:, axis]
    height = view.centre[axis] - where
    return (normal, height) if height > 0 else (-normal, -height)


def test_floor_bed_and_wall_of_a_room_are_found_with_their_heights():
    view = View(30, target=(0, 0, 0.5))
    points = view.points([FLOOR, BED], [(1, -1.2)])
    found = find_planes(points, seed=0)
    for axis, where in ((2, 0.0), (2, BED.z), (1, -1.2)):
        normal, height = across(view, axis, where)
        best = min(
            found, key=lambda p: abs(p.height - height) + 10 * np.linalg.norm(p.normal - normal)
        )
        assert best.height == pytest.approx(height, abs=0.03)
        assert np.degrees(np.linalg.norm(best.normal - normal)) < 1.0
        assert best.share > 0.03
    assert [p.share for p in found] == sorted((p.share for p in found), reverse=True)
    assert sum(p.share for p in found) <= 1.0 + 1e-9


def test_a_plane_holds_what_is_within_the_noise_of_its_distance():
    plane = Plane(np.array([0.0, 0.0, -1.0]), 2.0, 0.0)
    sigma = np.hypot(FLAT_M, NOISE_PER_M * 2.0 * 2.0)
    near, far = 2.0 + 0.9 * WITHIN * sigma, 2.0 + 1.2 * WITHIN * sigma
    points = np.array([[0.3, 0.1, 2.0], [0.0, 0.0, near], [0.0, 0.0, far]])
    assert plane.holds(points).tolist() == [True, True, False]
    assert noise_across(points[:1], 2.0)[0] == pytest.approx(sigma)


def test_points_all_over_the_place_lie_on_no_plane():
    rng = np.random.default_rng(0)
    points = rng.uniform((-2, -2, 1), (2, 2, 5), (4000, 3))
    assert all(p.share < 0.12 for p in find_planes(points, 0))
