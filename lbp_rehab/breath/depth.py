"""How deep the breathing is, against the patient's own usual breathing."""

from __future__ import annotations

from collections import deque

import numpy as np

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.stamps import NANOSECONDS

BIN_NS = NANOSECONDS // 4
BINS = 12  # 3 s: most of a quiet breath of 12 to 18 a minute
KEPT = 240  # 60 s
LEAST_BINS = 8
# What a wall is above what it usually is during a movement: the trunk moves, it does not breathe.
USUAL_QUANTILE = 0.3
LEAST_USUAL_M = 0.002  # a smaller movement is not told from that of the joints
MOST = 3.0
MAX_SIGMA = 0.3  # the range of noise alone comes to 0.43


class DepthOfBreath:
    """Range of a wall's movement over the last seconds, as a fraction of the usual one."""

    def __init__(self) -> None:
        self._bin: int | None = None
        self._levels: list[float] = []
        self._sigmas: list[float] = []
        self._means: deque[float] = deque(maxlen=BINS)
        self._noise_m = 0.0
        self._ranges: deque[float] = deque(maxlen=KEPT)

    def update(self, stamp_ns: int, wall: Estimate) -> Estimate:
        """Take a wall's level and return the depth of breathing.

        Returns
        -------
        Estimate
            Fraction, 1 as usual. Unknown until some seconds have been seen (TOO_EARLY), and where
            the usual breath hardly rises above the noise (TOO_UNCERTAIN).
        """
        if not wall.known:
            self._means.clear()
            return wall
        now = stamp_ns // BIN_NS
        if now != self._bin:
            self._close()
            self._bin = now
        self._levels.append(wall.value)
        self._sigmas.append(wall.sigma)
        if len(self._means) < LEAST_BINS or not self._ranges:
            return Estimate.unknown(Reason.TOO_EARLY)
        usual_m = float(np.quantile(self._ranges, USUAL_QUANTILE))
        if usual_m < LEAST_USUAL_M or self._noise_m / usual_m > MAX_SIGMA:
            return Estimate.unknown(Reason.TOO_UNCERTAIN)
        return Estimate(min(self._range_m() / usual_m, MOST), self._noise_m / usual_m)

    def _range_m(self) -> float:
        return max(self._means) - min(self._means)

    def _close(self) -> None:
        """Take the mean of a quarter of a second."""
        if not self._levels:
            return
        self._means.append(float(np.mean(self._levels)))
        # The difference of two means.
        self._noise_m = float(np.sqrt(2.0) * np.mean(self._sigmas) / np.sqrt(len(self._levels)))
        self._levels, self._sigmas = [], []
        if len(self._means) >= LEAST_BINS:
            self._ranges.append(self._range_m())
