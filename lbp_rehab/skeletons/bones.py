"""How much a tracker's bones change their length, which those of a person do not."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES

Array = NDArray[np.float64]

ENDS = np.array([[INDEX[a], INDEX[b]] for a, b in BONES])
MEMORY_FRAMES = 300  # some ten seconds
ENOUGH = 10  # frames, before a spread is believed


class BoneSpread:
    """Tells from the bones how wrong the points between them are at least.

    A bone's length is a constant of the person, so that its standard deviation is error of its
    ends along it. A point is blamed for what all of its bones vary by: a hip whose thigh varies
    while the pelvis does not is right, and the knee is wrong.
    """

    def __init__(self) -> None:
        self._lengths: deque[Array] = deque(maxlen=MEMORY_FRAMES)

    def update(self, points: Array, known: NDArray[np.bool_]) -> Array:
        """Take a frame and return the least 1-sigma of each point in metres, shape (33,).

        Parameters
        ----------
        points : ndarray, shape (33, 3)
            Metres, in the order of `lbp_rehab.pose.skeleton.NAMES`.
        known : ndarray of bool, shape (33,)
        """
        length = np.linalg.norm(points[ENDS[:, 0]] - points[ENDS[:, 1]], axis=1)
        self._lengths.append(np.where(known[ENDS].all(axis=1), length, np.nan))
        spread, _ = self.spread()
        floor = np.full(len(NAMES), np.inf)
        for end in ENDS.T:
            np.minimum.at(floor, end, np.where(np.isnan(spread), np.inf, spread))
        return np.where(np.isinf(floor), 0.0, floor)

    def spread(self) -> tuple[Array, Array]:
        """Return standard deviation and mean of every bone's length in metres; NaN if unknown."""
        lengths = np.array(self._lengths)
        count = (~np.isnan(lengths)).sum(axis=0)
        total = np.where(count >= ENOUGH, count, 1)
        mean = np.nansum(lengths, axis=0) / total
        variance = np.nansum((lengths - mean) ** 2, axis=0) / total
        believed = count >= ENOUGH
        return np.where(believed, np.sqrt(variance), np.nan), np.where(believed, mean, np.nan)
