import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.estimate import Estimate
from lbp_rehab.pelvis.segments import (
    cardan,
    gravity_frame,
    pelvis_axes,
    propagate,
    turned_angles,
)
from lbp_rehab.pose.types import Support

# Left hip, right hip, left shoulder, right shoulder of someone upright who faces +x; z up, metres.
UPRIGHT = np.array([[0, 0.1, 1.0], [0, -0.1, 1.0], [0, 0.18, 1.5], [0, -0.18, 1.5]])


def angles_of(points):
    return np.rad2deg(cardan(pelvis_axes(points)))


def test_upright_and_level_is_zero():
    np.testing.assert_allclose(angles_of(UPRIGHT), 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "rotation", "index"),
    [
        ("anterior tilt: the trunk leans forward", Rotation.from_euler("y", 20, degrees=True), 0),
        ("right side up", Rotation.from_euler("x", -20, degrees=True), 1),
        ("to the left", Rotation.from_euler("z", 20, degrees=True), 2),
    ],
)
def test_signs_are_those_of_the_clinic(name, rotation, index):
    expected = np.zeros(3)
    expected[index] = 20.0
    np.testing.assert_allclose(
        angles_of(rotation.apply(UPRIGHT)), expected, atol=1e-9, err_msg=name
    )


def test_bending_forward_moves_the_shoulders_forward():
    bent = UPRIGHT.copy()
    bent[2:, 0] += 0.3
    assert angles_of(bent)[0] > 20


def test_raising_the_right_hip_is_positive_obliquity():
    raised = UPRIGHT.copy()
    raised[1, 2] += 0.03
    assert angles_of(raised)[1] == pytest.approx(np.rad2deg(np.arcsin(0.03 / np.hypot(0.2, 0.03))))


def test_supine_is_a_quarter_turn_backwards():
    supine = Rotation.from_euler("y", -90, degrees=True).apply(UPRIGHT)
    assert angles_of(supine)[0] == pytest.approx(-90)


def test_any_cardan_angles_come_back():
    rng = np.random.default_rng(0)
    tilt, heading = rng.uniform(-179, 179, (2, 200))
    obliquity = rng.uniform(-80, 80, 200)
    matrices = Rotation.from_euler(
        "ZXY", np.stack([heading, -obliquity, tilt], axis=1), degrees=True
    ).as_matrix()
    found = np.rad2deg(cardan(matrices))
    np.testing.assert_allclose(found, np.stack([tilt, obliquity, heading], axis=1), atol=1e-9)


def test_the_axes_are_a_right_handed_rotation():
    rng = np.random.default_rng(1)
    axes = pelvis_axes(UPRIGHT + rng.normal(0, 0.03, (50, 4, 3)))
    np.testing.assert_allclose(
        axes @ np.swapaxes(axes, 1, 2), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(axes), 1.0)


@pytest.mark.parametrize("pitch_deg", [0, 30, 60, 90])
def test_the_gravity_frame_is_a_rotation_with_z_up(pitch_deg):
    pitch = np.deg2rad(pitch_deg)
    up = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    frame = gravity_frame(Support(up, 0.01, Estimate(1.2, 0.01)))
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    np.testing.assert_allclose(frame @ up, [0, 0, 1], atol=1e-12)


def test_propagated_sigma_agrees_with_random_trials():
    rng = np.random.default_rng(2)
    scatter = np.diag([0.01, 0.02, 0.015]) ** 2
    covariance = np.broadcast_to(scatter, (4, 3, 3))
    value, spread = propagate(lambda p: cardan(pelvis_axes(p)), UPRIGHT, covariance)
    trials = UPRIGHT + rng.normal(0, 1, (20000, 4, 3)) * np.sqrt(np.diag(scatter))
    sigma = cardan(pelvis_axes(trials)).std(axis=0)
    np.testing.assert_allclose(value, 0.0, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(spread)), sigma, rtol=0.05)


# Angles of uncertain axes


def turned(tilt, obliquity, heading):
    return Rotation.from_euler("ZXY", [heading, -obliquity, tilt], degrees=True).as_matrix()


def test_at_zero_each_angle_is_the_turn_about_its_axis():
    """About anterior (x) the right side goes down, about left (y) forward, about cranial left."""
    covariance = np.diag([0.01, 0.02, 0.03]) ** 2
    covariance[0, 1] = covariance[1, 0] = 1e-4
    value, spread = turned_angles(np.eye(3), covariance)
    np.testing.assert_allclose(value, 0.0)
    carry = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(spread, carry @ covariance @ carry.T, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("angles", [(10, 20, 30), (-85, 5, 170), (-170, -40, -179), (90, 60, 0)])
def test_a_doubt_about_the_vertical_is_a_doubt_of_the_rotation_alone(angles):
    axes = turned(*angles)
    up = axes.T @ [0.0, 0.0, 1.0]
    _, spread = turned_angles(axes, 0.02**2 * np.outer(up, up))
    np.testing.assert_allclose(spread, np.diag([0.0, 0.0, 0.02**2]), atol=1e-10)


@pytest.mark.parametrize("angles", [(10, 20, 30), (-85, 5, 170), (-170, -40, -179)])
def test_a_doubt_about_the_left_axis_is_a_doubt_of_the_tilt_alone(angles):
    _, spread = turned_angles(turned(*angles), np.diag([0.0, 0.02, 0.0]) ** 2)
    np.testing.assert_allclose(spread, np.diag([0.02, 0.0, 0.0]) ** 2, atol=1e-10)


@pytest.mark.parametrize("angles", [(10, 20, 30), (-85, 5, 170), (179.99, -40, -179.99)])
def test_the_covariance_of_the_angles_is_that_of_small_turns(angles):
    axes = turned(*angles)
    rng = np.random.default_rng(0)
    factor = np.tril(rng.normal(0.0, 0.01, (3, 3)))
    value, spread = turned_angles(axes, factor @ factor.T)
    turns = rng.normal(size=(40_000, 3)) @ factor.T
    off = cardan(axes @ Rotation.from_rotvec(turns).as_matrix()) - value
    off = np.mod(off + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(value, cardan(axes))
    np.testing.assert_allclose(np.cov(off.T), spread, atol=0.03 * spread.max())


def test_near_the_pole_tilt_and_rotation_are_uncertain():
    _, spread = turned_angles(turned(10, 89.5, 0), np.eye(3) * 0.01**2)
    assert np.sqrt(spread[0, 0]) > 1.0
    assert np.sqrt(spread[2, 2]) > 1.0
    assert np.sqrt(spread[1, 1]) == pytest.approx(0.01, rel=1e-3)
