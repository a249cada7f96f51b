"""How deep the breathing is, against the patient's own usual breathing."""

from __future__ import annotations

from collections import deque

import numpy as np

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.stamps import NANOSECONDS

BIN_NS = NANOSECONDS // 4
BINS = 14  # 3.5 s: most of a quiet breath of 12 to 18 a minute
KEPT = 240  # 60 s
LEAST_BINS = 8
# Who holds the breath now and then still breathes as usual most of the time.
USUAL_QUANTILE = 0.7
# So many times what is little is the trunk that moves, not a breath.
LITTLE_QUANTILE, BREATH_OF_LITTLE = 0.3, 3.0
LEAST_USUAL_M = 0.0015  # a smaller movement is not told from that of the joints
MOST = 3.0
MAX_SIGMA = 0.25  # the range of noise alone comes to 0.35
NOISE_SAMPLES = 60  # from which the noise is estimated
_OF_MEDIAN = 1.4826 / 6.0**0.5  # 1-sigma of white noise from its second differences' median size


class DepthOfBreath:
    """Range of a wall's movement over the last seconds, as a fraction of the usual one."""

    def __init__(self) -> None:
        self._bin: int | None = None
        self._levels: list[float] = []
        self._recent: deque[float] = deque(maxlen=NOISE_SAMPLES)
        self._means: deque[float] = deque(maxlen=BINS)
        self._noise_m = 0.0
        self._ranges: deque[float] = deque(maxlen=KEPT)
        self._usual_m = 0.0

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
            self._recent.clear()
            return wall
        now = stamp_ns // BIN_NS
        if now != self._bin:
            self._close()
            self._bin = now
        self._levels.append(wall.value)
        self._recent.append(wall.value)
        if len(self._means) < LEAST_BINS or not self._ranges:
            return Estimate.unknown(Reason.TOO_EARLY)
        usual_m = self._usual_m
        if usual_m < LEAST_USUAL_M or self._noise_m / usual_m > MAX_SIGMA:
            return Estimate.unknown(Reason.TOO_UNCERTAIN)
        return Estimate(min(self._range_m() / usual_m, MOST), self._noise_m / usual_m)

    def _usual(self) -> float:
        ranges = np.array(self._ranges)
        most = BREATH_OF_LITTLE * np.quantile(ranges, LITTLE_QUANTILE)
        return float(np.quantile(ranges[ranges <= most], USUAL_QUANTILE))

    def _range_m(self) -> float:
        return max(self._means) - min(self._means)

    def _close(self) -> None:
        """Take the mean of a quarter of a second."""
        if not self._levels:
            return
        self._means.append(float(np.mean(self._levels)))
        self._noise_m = self._noise_of_two(len(self._levels))
        self._levels = []
        if len(self._means) >= LEAST_BINS:
            self._ranges.append(self._range_m())
            self._usual_m = self._usual()

    def _noise_of_two(self, samples: int) -> float:
        """Return the 1-sigma of the difference of two means of so many samples.

        From how the level shakes: its own sigma also covers where the wall is, which is the same
        all the time.
        """
        if len(self._recent) < 3:
            return float("inf")
        shaking = float(np.median(np.abs(np.diff(np.array(self._recent), 2)))) * _OF_MEDIAN
        return float(np.sqrt(2.0 / samples)) * shaking
