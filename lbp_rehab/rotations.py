"""Rotations, few at a time, to the bits of ``scipy.spatial.transform.Rotation``.

Of one matrix scipy spends nine tenths of its time on checking what it was given.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

_ORTHOGONAL = 1e-12  # a matrix that is less so, scipy moves to the nearest rotation
_SERIES_RAD = 1e-3  # up to this angle a rotation vector's length comes from a series


def quaternion(matrix: Array) -> Array:
    """Return the quaternion x, y, z, w of a rotation matrix, shape (3, 3) -> (4,)."""
    rows = matrix.tolist()
    if not _is_rotation(rows):
        return np.asarray(Rotation.from_matrix(matrix).as_quat())
    trace = rows[0][0] + rows[1][1] + rows[2][2]
    i = max(range(3), key=lambda k: rows[k][k])
    found = [0.0] * 4
    if rows[i][i] < trace:
        found[0] = rows[2][1] - rows[1][2]
        found[1] = rows[0][2] - rows[2][0]
        found[2] = rows[1][0] - rows[0][1]
        found[3] = 1.0 + trace
    else:
        j, k = (i + 1) % 3, (i + 2) % 3
        found[i] = 1.0 - trace + 2.0 * rows[i][i]
        found[j] = rows[j][i] + rows[i][j]
        found[k] = rows[k][i] + rows[i][k]
        found[3] = rows[k][j] - rows[j][k]
    x, y, z, w = found
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    return np.array([x / norm, y / norm, z / norm, w / norm])


def matrix_of(quaternion: Array) -> Array:
    """Return the rotation matrix of a quaternion x, y, z, w, shape (4,) -> (3, 3)."""
    x, y, z, w = quaternion.tolist()
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    if not norm > 0.0:
        raise ValueError("a quaternion of length 0 is no rotation")
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    x2, y2, z2, w2 = x * x, y * y, z * z, w * w
    xy, zw, xz, yw, yz, xw = x * y, z * w, x * z, y * w, y * z, x * w
    return np.array(
        [
            [x2 - y2 - z2 + w2, 2.0 * (xy - zw), 2.0 * (xz + yw)],
            [2.0 * (xy + zw), -x2 + y2 - z2 + w2, 2.0 * (yz - xw)],
            [2.0 * (xz - yw), 2.0 * (yz + xw), -x2 - y2 + z2 + w2],
        ]
    )


def small_vectors(matrices: Array) -> Array:
    """Return the rotation vectors of rotations by less than a quarter turn.

    Parameters
    ----------
    matrices : ndarray, shape (n, 3, 3)

    Returns
    -------
    ndarray, shape (n, 3)
        Radians.
    """
    m = matrices
    x, y, z = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    w = 1.0 + (m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2])
    norm = np.sqrt(x * x + y * y + z * z + w * w)
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    sine = np.sqrt(x * x + y * y + z * z)
    scale = [_scale(2.0 * math.atan2(s, c)) for s, c in zip(sine.tolist(), w.tolist(), strict=True)]
    return np.array([x, y, z]).T * np.array(scale)[:, None]


def _scale(angle: float) -> float:
    """Return the length of a rotation vector over that of its quaternion's first three."""
    if angle <= _SERIES_RAD:
        square = angle * angle
        return 2.0 + square / 12.0 + 7.0 * square * square / 2880.0
    return angle / math.sin(angle / 2.0)


def _is_rotation(rows: list[list[float]]) -> bool:
    """Whether a matrix is safely orthogonal and turns without mirroring."""
    (a, b, c), (d, e, f), (g, h, i) = rows
    off = (
        abs(a * a + b * b + c * c - 1.0) + abs(d * d + e * e + f * f - 1.0)
        + abs(g * g + h * h + i * i - 1.0) + abs(a * d + b * e + c * f)
        + abs(a * g + b * h + c * i) + abs(d * g + e * h + f * i)
    )  # fmt: skip
    mirrored = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) <= 0.0
    return off < _ORTHOGONAL and not mirrored
