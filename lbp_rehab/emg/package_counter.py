"""Losses by the number that a device puts on each of its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BYTE = 256  # most devices count in one byte
TRUSTED_AFTER = 50  # samples in a row that were counted one by one


class PackageCounter:
    """Finds missing samples, once the numbers have proved to count samples.

    Some devices number packages of several samples, or not at all; their numbers never become
    trusted and nothing is said of losses.

    Parameters
    ----------
    most : int
        More missing samples than this are a restart of the counter, not a loss.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._last = -1
        self._in_order = 0
        self._highest = 0

    def missing(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return how many samples are missing before each of the next ones."""
        lost = np.zeros(len(numbers), np.int64)
        for k, number in enumerate(np.rint(numbers).astype(int).tolist()):
            self._highest = max(self._highest, number)
            step = number - self._last
            if self._highest < BYTE:
                step %= BYTE
            if self._last >= 0 and step != 1:
                if self._in_order >= TRUSTED_AFTER and 1 < step <= self._most:
                    lost[k] = step - 1
                else:
                    self._in_order = 0
            self._in_order += step == 1
            self._last = number
        return lost
