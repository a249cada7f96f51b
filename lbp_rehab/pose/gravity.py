"""Axes of gravity in the camera's optical frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.vectors import cross

VIEW_SHARE = 0.15  # of the viewing direction in that of the body
STEEP = float(np.cos(np.deg2rad(20.0)))


def gravity_axes(up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gravity-aligned axes x, y, z as rows in the optical frame, shape (3, 3).

    z is up; x is the horizontal part of the camera's viewing direction; for a camera that looks
    straight down, that of the top of its image.
    """
    forward = np.array([0.0, -1.0, 0.0]) if abs(up[2]) >= STEEP else np.array([0.0, 0.0, 1.0])
    x = forward - (forward @ up) * up
    x = x / max(float(np.linalg.norm(x)), 1e-9)
    return np.stack([x, cross(up, x), up])


def body_axes(up: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return gravity-aligned axes whose x points as the person lies, rows, shape (3, 3).

    x is the horizontal part of what is upwards in the person's region, where the head is; who
    stands before a level camera has none, so a little of the viewing direction is added.

    Parameters
    ----------
    up : ndarray, shape (3,)
        In the optical frame.
    rays : ndarray, shape (2, 3)
        Map from the region's columns and rows to rays; see `lbp_rehab.pose.lift.ray_map`.
    """
    towards = -np.append(rays[:, 1], 0.0)
    forward = towards / np.linalg.norm(towards) + np.array([0.0, 0.0, VIEW_SHARE])
    x = forward - (forward @ up) * up
    x = x / max(float(np.linalg.norm(x)), 1e-9)
    return np.stack([x, cross(up, x), up])
