"""Errors of angles over time: size, slope against the truth, range of motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_MOTION_DEG = 5.0  # of true range in a case; less gives no slope
# Near an obliquity of 90 degrees (lying on the side) tilt and rotation turn about one and the same
# axis, and neither is defined alone; already beyond 45 degrees each of them swings by 1.4 times
# what the pelvis turns.
POLE_DEG = 45.0


def wrapped(angle: Array) -> Array:
    """Return angles in radians in [-pi, pi)."""
    return np.mod(angle + np.pi, 2.0 * np.pi) - np.pi


def errors(value: Array, truth: Array, axes: Array, true_axes: Array) -> Array:
    """Return estimate less truth of tilt, obliquity and rotation, in radians, shape (n, 3).

    The plain difference; where the true pelvis lies `sideways`, the rotation that leads from the
    true pelvis to the estimated one, about the true pelvis's left, anterior and cranial axis,
    which is the same thing for small errors of an upright pelvis and stays defined.

    Parameters
    ----------
    value, truth : ndarray, shape (n, 3)
        Tilt, obliquity, rotation in radians, as in ``PelvisState.msg``; nan where unknown.
    axes, true_axes : ndarray, shape (n, 3, 3)
        Columns are the pelvis axes; nan where unknown.
    """
    error = wrapped(value - truth)
    aside = sideways(true_axes)
    error[aside] = np.nan
    # An orientation whose three angles are all unknown is no answer.
    both = aside & np.isfinite(axes).all(axis=(1, 2)) & np.isfinite(value).any(axis=1)
    if both.any():
        true, found = (Rotation.from_matrix(a[both]) for a in (true_axes, axes))
        turned = (true.inv() * found).as_rotvec()
        # About anterior (right side up is minus), left and cranial.
        error[both] = np.stack([turned[:, 1], -turned[:, 0], turned[:, 2]], axis=-1)
    return error


def sideways(true_axes: Array) -> Mask:
    """Return where the obliquity of axes in the frame of gravity is beyond `POLE_DEG`.

    Parameters
    ----------
    true_axes : ndarray, shape (n, 3, 3)

    Returns
    -------
    ndarray of bool, shape (n,)
        False where the axes are nan.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(true_axes[:, 2, 1]) > np.sin(np.deg2rad(POLE_DEG)))


def axes_of(angles: Array) -> Array:
    """Return the axes, shape (n, 3, 3), of angles of shape (n, 3); nan where one is unknown."""
    out = np.full((len(angles), 3, 3), np.nan)
    known = np.isfinite(angles).all(axis=1)
    if known.any():
        out[known] = pelvis_rotation(angles[known]).as_matrix()
    return out


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
    each = moments(value, truth)
    cases = int((each[:, 0] > 0).sum())
    if cases == 0:
        return Fit(None, None, 0)
    total = each.sum(axis=0, keepdims=True)
    return Fit(float(slope(total)[0]), float(correlation(total)[0]), cases)


def moments(value: Sequence[Array], truth: Sequence[Array]) -> Array:
    """Return each case's sums of x x, x y and y y about its means, shape (cases, 3); see `follow`.

    x is the truth; all zero where a case hardly moves.
    """
    out = np.zeros((len(truth), 3))
    for row, y, x in zip(out, value, truth, strict=True):
        if len(x) >= 2 and np.ptp(x) >= np.deg2rad(LEAST_MOTION_DEG):
            x0, y0 = x - x.mean(), y - y.mean()
            row[:] = x0 @ x0, x0 @ y0, y0 @ y0
    return out


def slope(sums: Array) -> Array:
    """Return the slopes of sums of `moments`, shape (r, 3); nan where nothing moved."""
    return np.asarray(sums[:, 1] / np.where(sums[:, 0] > 0, sums[:, 0], np.nan))


def correlation(sums: Array) -> Array:
    """Return the correlations of sums of `moments`, shape (r, 3); 0 for a constant estimate."""
    spread = np.sqrt(sums[:, 0] * sums[:, 2])
    known = np.where(spread > 0, sums[:, 1] / np.where(spread > 0, spread, 1.0), 0.0)
    return np.asarray(np.where(sums[:, 0] > 0, known, np.nan))


def range_error(value: Array, truth: Array) -> float | None:
    """Return the estimated range of motion less the true one in radians.

    Each range is from the lowest to the highest value, shape (n,); None with fewer than three.
    """
    if len(value) < 3:
        return None
    return float(np.ptp(value) - np.ptp(truth))
