"""Errors of angles over time: size, slope against the truth, range of motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_MOTION_DEG = 2.0  # of true range in a case; less gives no slope
# Near an obliquity of 90 degrees (lying on the side) tilt and rotation turn about one and the same
# axis, and neither is defined alone.
POLE_DEG = 70.0


def wrapped(angle: Array) -> Array:
    """Return angles in radians in [-pi, pi)."""
    return np.mod(angle + np.pi, 2.0 * np.pi) - np.pi


def errors(value: Array, truth: Array) -> Array:
    """Return estimate less truth of tilt, obliquity and rotation, in radians, shape (..., 3).

    The plain difference; where the true obliquity is beyond `POLE_DEG`, the rotation that leads
    from the true pelvis to the estimated one, about the true pelvis's left, anterior and cranial
    axis, which is the same thing for small errors and stays defined.

    Parameters
    ----------
    value, truth : ndarray, shape (..., 3)
        Tilt, obliquity, rotation in radians, as in ``PelvisState.msg``.
    """
    plain = wrapped(value - truth)
    pole = np.abs(truth[..., 1]) > np.deg2rad(POLE_DEG)
    if not pole.any():
        return plain
    turned = (pelvis_rotation(truth[pole]).inv() * pelvis_rotation(value[pole])).as_rotvec()
    # About anterior (right side up is minus), left and cranial.
    plain[pole] = np.stack([turned[:, 1], -turned[:, 0], turned[:, 2]], axis=-1)
    return plain


def pelvis_rotation(angles: Array) -> Rotation:
    """Return ``Rz(rotation) Rx(-obliquity) Ry(tilt)`` of angles of shape (n, 3)."""
    return Rotation.from_euler(
        "ZXY", np.stack([angles[:, 2], -angles[:, 1], angles[:, 0]], axis=-1)
    )


@dataclass(frozen=True)
class Fit:
    """How an estimate follows the truth.

    Attributes
    ----------
    slope, correlation : float or None
        None if nothing moved.
    cases : int
        Cases that moved enough.
    """

    slope: float | None
    correlation: float | None
    cases: int


def follow(value: Sequence[Array], truth: Sequence[Array]) -> Fit:
    """Return slope and Pearson correlation of estimate against truth within cases.

    Ordinary least squares with the truth as x: the truth has no error, so there is nothing for an
    orthogonal fit to share out. Each case's means are taken off first, because a constant offset
    of one patient is no range of motion, and offsets between patients would drown it.

    Parameters
    ----------
    value, truth : sequence of ndarray, shape (n_i,)
        One of each case, radians; a case of less than `LEAST_MOTION_DEG` of true range is left out.
    """
    sxx = sxy = syy = 0.0
    cases = 0
    for y, x in zip(value, truth, strict=True):
        if len(x) < 2 or np.ptp(x) < np.deg2rad(LEAST_MOTION_DEG):
            continue
        x0, y0 = x - x.mean(), y - y.mean()
        sxx, sxy, syy = sxx + float(x0 @ x0), sxy + float(x0 @ y0), syy + float(y0 @ y0)
        cases += 1
    if cases == 0:
        return Fit(None, None, 0)
    correlation = sxy / np.sqrt(sxx * syy) if syy > 0 else 0.0
    return Fit(sxy / sxx, float(correlation), cases)


def range_error(value: Array, truth: Array) -> float | None:
    """Return the estimated range of motion less the true one in radians.

    Each range is from the lowest to the highest value, shape (n,); None with fewer than three.
    """
    if len(value) < 3:
        return None
    return float(np.ptp(value) - np.ptp(truth))
