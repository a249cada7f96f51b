import numpy as np
import pytest
from upright import STANDING

from lbp_rehab.recognition.frame import in_body_frame, mirrored, resample, rotation_vectors
from lbp_rehab.recognition.observation import JOINT, JOINTS, Course

SECOND = 1_000_000_000
LYING = STANDING @ np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def course(points, stamps=None, known=None):
    n = len(points)
    stamps = np.arange(n) * SECOND // 10 if stamps is None else np.asarray(stamps)
    return Course(
        stamps.astype(np.int64),
        np.asarray(points, float),
        np.ones((n, len(JOINTS)), bool) if known is None else known,
        np.tile(np.eye(3), (n, 1, 1)),
        np.ones(n, bool),
        np.zeros(n),
        np.ones(n, bool),
    )


def about_up(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("person", [STANDING, LYING])
@pytest.mark.parametrize("angle", [0.4, 2.0, -2.9])
def test_place_heading_and_size_of_the_person_are_not_seen(person, angle):
    moving = person + np.linspace(0.0, 0.1, 5)[:, None, None] * np.array([0.0, 0.0, 1.0])
    elsewhere = 1.2 * moving @ about_up(angle).T + [1.0, -2.0, 3.0]
    here, there = in_body_frame(course(moving)), in_body_frame(course(elsewhere))
    assert there.stature_m == pytest.approx(1.2 * here.stature_m)
    np.testing.assert_allclose(there.points, here.points, atol=1e-9)


def test_the_pelvis_turns_with_the_heading():
    turned = np.stack([about_up(a) for a in np.linspace(-0.1, 0.1, 5)])
    tilt = np.stack([rotation_about_y(a) for a in np.linspace(-0.2, 0.2, 5)])
    base = course(np.tile(STANDING, (5, 1, 1)))
    seen = Course(**{**vars(base), "pelvis": tilt})
    away = about_up(1.1)
    other = Course(**{**vars(base), "points": base.points @ away.T, "pelvis": away @ tilt})
    for given in (seen, other):
        pelvis = in_body_frame(given).pelvis
        np.testing.assert_allclose(pelvis[:, 1], np.linspace(-0.2, 0.2, 5), atol=1e-6)
        np.testing.assert_allclose(pelvis[:, [0, 2]], 0.0, atol=1e-6)
    np.testing.assert_allclose(rotation_vectors(turned)[:, 2], np.linspace(-0.1, 0.1, 5))


def rotation_about_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def test_without_a_whole_trunk_there_is_no_frame():
    known = np.ones((5, len(JOINTS)), bool)
    known[:, JOINT["l_hip"]] = False
    assert in_body_frame(course(np.tile(STANDING, (5, 1, 1)), known=known)) is None


def test_resampling_is_linear_between_known_instants_and_unknown_across_gaps():
    rise = np.arange(6)[:, None, None] * np.array([0.0, 0.0, 0.1])
    stamps = np.array([0, 1, 2, 3, 9, 10]) * SECOND // 10
    known = np.ones((6, len(JOINTS)), bool)
    known[1, JOINT["nose"]] = False
    known[:, JOINT["l_toe"]] = False
    given = course(STANDING + rise, stamps, known)
    grid = np.array([-1, 1, 2, 5, 9, 10, 11]) * SECOND // 10 + np.array([0, 50, 0, 0, 0, 0, 0])
    found = resample(given, grid)
    np.testing.assert_array_equal(
        found.known[:, JOINT["l_hip"]], [False, True, True, False, True, True, False]
    )
    assert not found.known[:, JOINT["l_toe"]].any()
    assert (found.points[:, JOINT["l_toe"]] == 0.0).all()
    # The nose, unknown at 0.1 s, lies between its places at 0 and 0.2 s.
    np.testing.assert_allclose(
        found.points[1, JOINT["nose"]], STANDING[JOINT["nose"]] + [0.0, 0.0, 0.1], atol=1e-7
    )
    hip = JOINT["l_hip"]
    np.testing.assert_array_equal(found.points[2, hip], given.points[2, hip])


def test_mirroring_swaps_the_sides_and_twice_is_nothing():
    points = np.tile(STANDING, (5, 1, 1))
    points[:, JOINT["l_wrist"]] += [0.0, 0.3, 0.2]
    seen = in_body_frame(course(points))
    other = mirrored(seen)
    np.testing.assert_allclose(
        other.points[:, JOINT["r_wrist"]], seen.points[:, JOINT["l_wrist"]] * [1.0, -1.0, 1.0]
    )
    np.testing.assert_array_equal(mirrored(other).points, seen.points)
