"""Pelvis axes and angles from the hips and shoulders, with their uncertainty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lbp_rehab.pose.gravity import gravity_axes
from lbp_rehab.pose.types import BodyPose, Support
from lbp_rehab.vectors import cross

POINTS = ("l_hip", "r_hip", "l_shoulder", "r_shoulder")
MIN_SPAN_M = 0.03  # a third of the narrowest adult distance between the hip joints
STEP_M = 1e-4  # of the numerical derivatives
STEP_RAD = 1e-4
# None, then a step about each axis forward, then back.
_TURNS = Rotation.from_rotvec(
    np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)]) * STEP_RAD
).as_matrix()
_STEPS = np.eye(12).reshape(12, 4, 3) * STEP_M
_ALL_STEPS = np.concatenate([np.zeros((1, 4, 3)), _STEPS, -_STEPS])

Array = NDArray[np.float64]


def pelvis_axes(points: Array) -> Array:
    """Return the pelvis axes as columns: anterior, left, cranial.

    Left runs along the hips; cranial is the direction to the shoulders made perpendicular to it.

    Parameters
    ----------
    points : ndarray, shape (..., 4, 3)
        Left hip, right hip, left shoulder, right shoulder in metres.

    Returns
    -------
    ndarray, shape (..., 3, 3)
    """
    left = _unit(points[..., 0, :] - points[..., 1, :])
    trunk = points[..., 2:, :].mean(axis=-2) - points[..., :2, :].mean(axis=-2)
    anterior = _unit(cross(left, trunk))
    return np.stack([anterior, left, cross(anterior, left)], axis=-1)


def spans_a_pelvis(points: Array) -> bool:
    """Whether the four points are far enough apart to define axes, shape (4, 3)."""
    left = points[0] - points[1]
    trunk = points[2:].mean(axis=0) - points[:2].mean(axis=0)
    area = float(np.linalg.norm(cross(left, trunk)))
    return float(np.linalg.norm(left)) > MIN_SPAN_M and area > MIN_SPAN_M**2


def gravity_frame(support: Support) -> Array:
    """Return the gravity-aligned frame as rows in the optical frame: x, y, z up.

    x is the horizontal part of the camera's viewing direction; for a camera that looks straight
    down, that of the top of its image.
    """
    return gravity_axes(support.up)


def cardan(rotation: Array) -> Array:
    """Return tilt, obliquity and rotation of pelvis axes in a frame with z up.

    The sequence is rotation about z, obliquity about x, tilt about y (Baker 2001):
    R = Rz(rotation) Rx(-obliquity) Ry(tilt); the minus makes the right side up positive.

    Parameters
    ----------
    rotation : ndarray, shape (..., 3, 3)
        Columns are the pelvis axes in that frame.

    Returns
    -------
    ndarray, shape (..., 3)
        Radians: tilt (-pi, pi], obliquity [-pi/2, pi/2], rotation (-pi, pi].
    """
    tilt = np.arctan2(-rotation[..., 2, 0], rotation[..., 2, 2])
    obliquity = -np.arcsin(np.clip(rotation[..., 2, 1], -1.0, 1.0))
    heading = np.arctan2(-rotation[..., 0, 1], rotation[..., 1, 1])
    return np.stack([tilt, obliquity, heading], axis=-1)


def turned_angles(axes: Array, covariance: Array) -> tuple[Array, Array]:
    """Return tilt, obliquity and rotation of uncertain axes, and their covariance.

    Parameters
    ----------
    axes : ndarray, shape (3, 3)
        Columns are the pelvis axes in a frame with z up.
    covariance : ndarray, shape (3, 3)
        Of a small rotation vector about the axes themselves, square radians.

    Returns
    -------
    value : ndarray, shape (3,)
    covariance : ndarray, shape (3, 3)
    """
    values = cardan(axes @ _TURNS)
    apart = np.mod(values[1:4] - values[4:] + np.pi, 2.0 * np.pi) - np.pi
    jacobian = apart.T / (2.0 * STEP_RAD)
    return values[0], jacobian @ covariance @ jacobian.T


def trunk_points(pose: BodyPose) -> tuple[Array, Array]:
    """Return the four points, shape (4, 3), and their covariances, shape (4, 3, 3)."""
    index = [pose.names.index(name) for name in POINTS]
    return pose.position[index], pose.covariance[index]


def propagate(
    function: Callable[[Array], Array], points: Array, covariance: Array
) -> tuple[Array, Array]:
    """Return a function of the points with its covariance, to first order.

    Parameters
    ----------
    function : callable
        Maps points, shape (k, 4, 3), to angles in radians, shape (k, m).
    points : ndarray, shape (4, 3)
    covariance : ndarray, shape (4, 3, 3)
        Of each point; the points are taken as independent.

    Returns
    -------
    value : ndarray, shape (m,)
    covariance : ndarray, shape (m, m)
    """
    n = points.size
    values = function(points + _ALL_STEPS)
    turn = values[1 : n + 1] - values[n + 1 :]
    jacobian = (np.mod(turn + np.pi, 2 * np.pi) - np.pi).T / (2 * STEP_M)
    joint = np.zeros((n, n))
    for i, block in enumerate(covariance):
        joint[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = block
    return values[0], jacobian @ joint @ jacobian.T


def _unit(v: Array) -> Array:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)
