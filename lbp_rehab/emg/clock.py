"""True sampling times from jittered stamps, and a device's clock on ROS time."""

from __future__ import annotations

import math
from collections import deque

from lbp_rehab.emg.types import NANOSECONDS

# Memory of the loop; long against the stutter of a wireless link, short against thermal drift.
TIME_CONSTANT_S = 2.0
# A later stamp than this is a gap, an earlier stamp a clock that was set. Below, it is jitter.
GAP_S = 0.1
RATE_TOLERANCE = 0.02  # a device's crystal is far better; keeps the loop from running away
OFFSET_MEMORY = 64


class SampleClock:
    """Follows the time of each sample: a fading-memory (alpha-beta) filter of the stamps.

    Gains for steps of length T with memory tau: theta = exp(-T / tau), alpha = 1 - theta^2,
    beta = (1 - theta)^2 (Brookner 1998, Tracking and Kalman Filtering Made Easy, section 1.2.6);
    alpha starts at 1 and falls as 1 / n, so that the first stamp's jitter is soon averaged out.

    Parameters
    ----------
    nominal_rate_hz : float
        What the device says.
    """

    def __init__(self, nominal_rate_hz: float) -> None:
        self._nominal_period_s = 1.0 / nominal_rate_hz
        self._period_s = self._nominal_period_s
        self._next_s = math.nan
        self._updates = 0
        self._jitter2 = 0.0
        self._alpha = 1.0

    @property
    def rate_hz(self) -> float:
        """True rate by the stamps."""
        return 1.0 / self._period_s

    @property
    def sigma_s(self) -> float:
        """1-sigma of the smoothed stamps: jitter reduced by averaging."""
        return math.sqrt(self._jitter2 * self._alpha / (2 - self._alpha))

    def update(self, mean_stamp_s: float, n: int, interrupted: bool = False) -> tuple[float, int]:
        """Take the stamps of the next samples.

        Parameters
        ----------
        mean_stamp_s : float
            Mean of their stamps in seconds of any clock.
        n : int
            How many samples.
        interrupted : bool
            Whether the stream was broken off before them.

        Returns
        -------
        first_s : float
            Time of the first of them, smoothed.
        lost : int
            Samples that are missing before them.
        """
        observed = mean_stamp_s - (n - 1) / 2 * self._period_s
        if math.isnan(self._next_s):
            self._next_s = observed
        residual = observed - self._next_s
        lost = 0
        if interrupted or abs(residual) > GAP_S:
            lost = max(0, round(residual / self._period_s))
            self._next_s, self._updates, residual = observed, 0, 0.0
        self._updates += 1
        step_s = n * self._period_s
        theta = math.exp(-step_s / TIME_CONSTANT_S)
        self._alpha = max(1 - theta**2, 1 / self._updates)
        first = self._next_s + self._alpha * residual
        period = self._period_s + (1 - theta) ** 2 * residual / n
        low, high = 1 - RATE_TOLERANCE, 1 + RATE_TOLERANCE
        self._period_s = min(
            max(period, low * self._nominal_period_s), high * self._nominal_period_s
        )
        self._jitter2 += self._alpha * (residual**2 - self._jitter2)
        self._next_s = first + n * self._period_s
        return first, lost


class RosTime:
    """Puts a device's clock on ROS time.

    ROS time is read just before the device's clock, so each pair says "not later than"; the largest
    difference of the last ones is the truest.
    """

    def __init__(self) -> None:
        self._offsets: deque[int] = deque(maxlen=OFFSET_MEMORY)

    def observe(self, now_ns: int, device_s: float) -> None:
        """Take ROS time and the device's time, read right after each other in this order."""
        self._offsets.append(now_ns - round(device_s * NANOSECONDS))

    def to_ns(self, device_s: float) -> int:
        """Return a device's time in ROS time; `observe` must have been called."""
        return round(device_s * NANOSECONDS) + max(self._offsets)
