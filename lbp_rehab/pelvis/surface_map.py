"""The surface round the pelvis, unrolled: how far it is from the trunk's axis, all the way round.

Whichever side a camera looks from, the same part of the body lies at the same place of the map, so
that a network need not learn views, and two moments can be laid over each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROWS, COLUMNS = 24, 32  # along the axis from below, and round it from the back over the right side
LOW_M, HIGH_M = -0.25, 0.35  # along the axis, from the mid-hip point
REACH_M = 0.32  # from the axis; what is farther is not of the trunk
CHANNELS = 4
_MIDDLE_M = 0.13  # of a usual trunk
_MANY = 20.0  # readings in a cell


def surface_map(points: Array, origin: Array, base: Array) -> NDArray[np.float32]:
    """Return the map of a surface.

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        Of the surface, metres.
    origin : ndarray, shape (3,)
        Mid-hip point.
    base : ndarray, shape (3, 3)
        Columns: anterior, left, cranial, as `lbp_rehab.pelvis.segments.pelvis_axes`.

    Returns
    -------
    ndarray of float32, shape (CHANNELS, ROWS, COLUMNS)
        Mean distance from the axis (less that of a usual trunk, decimetres), whether there are
        readings, how they scatter, and how many they are.
    """
    anterior, left, cranial = ((points - origin) @ base).T
    radius = np.hypot(anterior, left)
    column = ((np.arctan2(left, anterior) / (2.0 * np.pi) + 0.5) * COLUMNS).astype(int)
    row = np.floor((cranial - LOW_M) / (HIGH_M - LOW_M) * ROWS).astype(int)
    near = (radius < REACH_M) & (row >= 0) & (row < ROWS)
    radius = radius[near]
    cell = row[near] * COLUMNS + np.minimum(column[near], COLUMNS - 1)

    def total(weight: Array | None) -> Array:
        return np.bincount(cell, weight, minlength=ROWS * COLUMNS).astype(np.float64)

    count = total(None)
    there = count > 0
    n = np.maximum(count, 1)
    mean = total(radius) / n
    scatter = np.sqrt(np.maximum(total(radius**2) / n - mean**2, 0.0))
    return np.stack(
        [
            (mean - _MIDDLE_M) * 10.0 * there,
            there,
            np.minimum(scatter * 20.0, 3.0),
            np.sqrt(np.minimum(count, _MANY) / _MANY),
        ]
    ).reshape(CHANNELS, ROWS, COLUMNS).astype(np.float32)  # fmt: skip
