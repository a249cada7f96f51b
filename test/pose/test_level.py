import numpy as np
import pytest
from rooms import BED, FLOOR, View, lying, standing

from lbp_rehab.estimate import Status
from lbp_rehab.pose.level import (
    HANGS_M,
    central_level,
    height_of,
    inferred_height,
    level_below,
    level_under,
    lies,
    lowest,
    square_to,
)


def groups_of(view, points, *levels):
    return [np.flatnonzero(np.abs(points @ view.up + view.height(v)) < 0.02) for v in levels]


def test_the_level_under_a_body_is_where_its_points_are_not_what_is_beside():
    view = View(35, target=(0, 0, 0.6))
    points = view.points([FLOOR, BED])
    spot = level_under(points, view.up, lying(view, BED))
    height = height_of(points, view.up, spot, 0.0)
    assert height.value == pytest.approx(view.height(BED), abs=0.01)
    on_bed = np.abs(points[spot] @ view.up + view.height(BED)) < 0.05
    assert on_bed.all()


def test_where_nothing_is_seen_right_under_a_body_the_next_level_below_carries_who_stands():
    view = View(35, target=(0, 0, 0.6))
    points = view.points([FLOOR, BED])
    groups = groups_of(view, points, FLOOR, BED)
    body = standing(view) + 0.62 * view.up  # feet over the bed, not on it
    assert level_below(points, view.up, groups, body) is groups[1]
    assert level_below(points, view.up, groups, standing(view)) is groups[0]
    assert level_below(points, view.up, groups, lying(view, BED) + 0.6 * view.up) is None


def test_the_bed_in_the_middle_is_the_central_level():
    view = View(50, target=(0, 0, 0.6))
    points = view.points([FLOOR, BED])
    groups = groups_of(view, points, FLOOR, BED)
    assert central_level(points, view.up, groups) is groups[1]
    assert central_level(points, view.up, []) is None


def test_who_lies_is_told_from_who_stands():
    view = View(35)
    assert lies(lying(view, FLOOR), view.up)
    assert not lies(standing(view), view.up)


def test_the_lowest_points_are_those_that_are_not_mistakes():
    up = np.array([0.0, -1.0, 0.0])
    body = np.column_stack([np.zeros(50), -np.linspace(0.0, 1.0, 50), np.full(50, 2.0)])
    body[:3, 1] = 5.0  # far below
    assert lowest(body, up) == pytest.approx(np.linspace(0.0, 1.0, 50)[5])
    height = inferred_height(body, up)
    assert height.value == pytest.approx(HANGS_M - lowest(body, up))
    assert height.status == Status.INFERRED


def test_directions_square_to_another_are_square_and_of_length_one():
    rng = np.random.default_rng(0)
    directions = np.vstack([rng.normal(size=(20, 3)), [[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]])
    for up in directions / np.linalg.norm(directions, axis=1, keepdims=True):
        axes = np.vstack([square_to(up), up])
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
