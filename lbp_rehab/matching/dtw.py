"""Dynamic time warping of two repetitions: the baseline that needs no training.

The multivariate, dependent form: one warping path for all columns, with Euclidean distances
between instants (Shokoohi-Yekta et al. 2017, Data Min Knowl Discov 31:1), steps and band as in
Sakoe and Chiba 1978 (IEEE Trans ASSP 26:43), normalised by the length of the path.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.matching.repetition import Repetition
from lbp_rehab.recognition.observation import JOINT

BAND = 0.2  # of the phases that a path may leave the diagonal
_HINGES = (
    ("shoulder", "elbow", "wrist"), ("hip", "shoulder", "elbow"), ("shoulder", "hip", "knee"),
    ("hip", "knee", "ankle"), ("knee", "ankle", "toe"),
)  # fmt: skip


class Columns(Enum):
    """What the instants are compared by.

    ``POSITIONS``: the 15 joints in statures in the body's frame. ``ANGLES``: ten angles between
    segments, those of both sides. ``PELVIS``: positions, and the pelvis's rotation and lumbar
    flexion with 0.1 stature to the radian.
    """

    POSITIONS = "positions"
    ANGLES = "angles"
    PELVIS = "pelvis"


def dtw(a: NDArray[np.float64], b: NDArray[np.float64], band: float = BAND) -> float:
    """Return the dynamic-time-warping distance of two courses, per step of the path.

    Parameters
    ----------
    a, b : ndarray, shape (n, k) and (m, k)
    band : float
        Half width of the Sakoe-Chiba band as a fraction of the longer course.
    """
    n, m = len(a), len(b)
    cost = np.linalg.norm(a[:, None] - b[None], axis=-1)
    width = max(int(np.ceil(band * max(n, m))), abs(n - m))
    total = np.full((n + 1, m + 1), np.inf)
    steps = np.zeros((n + 1, m + 1))
    total[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(max(1, i - width), min(m, i + width) + 1):
            before = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
            last = min(before, key=lambda at: float(total[at]))
            total[i, j] = cost[i - 1, j - 1] + total[last]
            steps[i, j] = steps[last] + 1
    return float(total[n, m] / steps[n, m])


def dtw_distance(a: Repetition, b: Repetition, columns: Columns = Columns.POSITIONS) -> float:
    """Return the distance of two repetitions by what is known in both."""
    left, right = _columns(a, columns), _columns(b, columns)
    known = ~(np.isnan(left).any(axis=0) | np.isnan(right).any(axis=0))
    return dtw(left[:, known], right[:, known]) if known.any() else 0.0


def _columns(given: Repetition, columns: Columns) -> NDArray[np.float64]:
    """Return the columns to compare, NaN where something is unknown."""
    stretch = given.stretch
    points = np.where(stretch.known[..., None], stretch.points, np.nan)
    if columns == Columns.ANGLES:
        return np.stack([
            _angle(*(points[:, JOINT[f"{side}_{n}"]] for n in hinge))
            for hinge in _HINGES for side in "lr"
        ], axis=1)  # fmt: skip
    flat = points.reshape(len(points), -1)
    if columns == Columns.POSITIONS:
        return flat
    pelvis = np.where(stretch.pelvis_known, 0.1 * stretch.pelvis, np.nan)
    return np.concatenate([flat, pelvis], axis=1)


def _angle(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the angles at ``b``, radians, shape (n,)."""
    first, second = a - b, c - b
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.asarray(np.arctan2(across, (first * second).sum(axis=-1)))
