"""Rotations of single matrices, as scipy has them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.rotations import matrix_of, quaternion, small_vectors

ROUNDING = 1e-14
_RNG = np.random.default_rng(7)
# Each of the four ways to a quaternion, and all angles.
TURNS = Rotation.concatenate(
    [
        Rotation.random(200, random_state=_RNG),
        Rotation.from_rotvec(np.pi * np.eye(3)),
        Rotation.from_rotvec(_RNG.normal(size=(50, 3)) * 1e-6),
        Rotation.identity(1),
    ]
)


def test_a_quaternion_is_that_of_scipy():
    for turn in TURNS:
        matrix = turn.as_matrix()
        expected = Rotation.from_matrix(matrix).as_quat()
        np.testing.assert_allclose(quaternion(matrix), expected, rtol=0, atol=ROUNDING)


def test_a_matrix_is_that_of_scipy():
    for wide in _RNG.normal(size=(200, 4)):
        expected = Rotation.from_quat(wide).as_matrix()
        np.testing.assert_allclose(matrix_of(wide), expected, rtol=0, atol=ROUNDING)


def test_what_is_not_quite_a_rotation_becomes_the_nearest_one():
    skewed = TURNS[0].as_matrix() + 1e-6 * _RNG.normal(size=(3, 3))
    expected = Rotation.from_matrix(skewed).as_quat()
    np.testing.assert_allclose(quaternion(skewed), expected, rtol=0, atol=ROUNDING)


def test_what_turns_nothing_is_refused():
    with pytest.raises(ValueError, match="determinant"):
        quaternion(np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(ValueError, match="length 0"):
        matrix_of(np.zeros(4))


@pytest.mark.parametrize("size_rad", [0.0, 1e-9, 1e-4, 1e-3, 0.3])
def test_small_rotation_vectors_are_those_of_scipy(size_rad):
    matrices = Rotation.from_rotvec(_RNG.normal(size=(25, 3)) * size_rad).as_matrix()
    expected = Rotation.from_matrix(matrices).as_rotvec()
    np.testing.assert_allclose(small_vectors(matrices), expected, rtol=0, atol=ROUNDING)
