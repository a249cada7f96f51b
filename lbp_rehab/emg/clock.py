"""True sampling times from jittered stamps, and a device's clock on ROS time.

`lbp_rehab.emg.stream_clock` puts the three parts of this module together.
"""

from __future__ import annotations

import math
import statistics
from collections import deque

from lbp_rehab.emg.types import NANOSECONDS

# Memory of the loop; long against the stutter of a wireless link, short against thermal drift.
TIME_CONSTANT_S = 2.0
# A later stamp than this is a gap, an earlier stamp a clock that was set. Below, it is jitter.
GAP_S = 0.1
RATE_TOLERANCE = 0.02  # a device's crystal is far better; keeps the loop from running away
OFFSET_MEMORY = 64
WINDOW_S = 30.0  # of the transit's floor; a crystal's drift is steady for minutes
BLOCK_S = 0.5  # one lowest point is kept for each
# Over less time than this, late arrivals would pass for drift.
LEAST_SPAN_S = 5.0
# Crystals are off by 100 ppm at most, two of them by 200; over less time than this, a slope between
# that and what only a wrongly stated rate can make is lateness.
SURE_SPAN_S = 15.0
CRYSTAL_SLOPE, STATED_SLOPE = 2.5e-4, 1e-3
LARGEST_SLOPE = 0.05  # stamps that were made with a stated rate that is not the true one


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

    @property
    def period_s(self) -> float:
        """Time between two samples, in the seconds of the stamps."""
        return self._period_s

    def mean_of_next_s(self, n: int) -> float:
        """Return the mean stamp that is expected of the next samples; NaN before the first."""
        return self._next_s + (n - 1) / 2 * self._period_s

    def shift(self, by_s: float) -> None:
        """Move the expected stamps: the clock was set, or samples are missing."""
        self._next_s += by_s

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


class TransitFloor:
    """The least transit, arrival minus stamp, as a line: its level, and how the clocks drift.

    Delays only lift points, so that the lowest of many is least disturbed: the slope is that
    between the lowest of the first and of the last third of the window, and no point lies below
    the line (after Paxson 1998, On calibrating measurements of packet transit times, SIGMETRICS,
    who takes the minima of intervals for the same reason).

    Attributes
    ----------
    sigma_s : float
        How far the lowest points lie above the line, the median of them; 0 without points.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()  # (arrival, transit), one a block
        self._slope = 0.0
        self._level_s = math.nan  # of the line at `_origin_s`
        self._origin_s = 0.0
        self.sigma_s = 0.0

    @property
    def slope(self) -> float:
        """Seconds that the stamps lag behind in a second."""
        return self._slope

    def at(self, arrival_s: float) -> float:
        """Return the least transit at a time; NaN before the first point."""
        return self._level_s + self._slope * (arrival_s - self._origin_s)

    def add(self, arrival_s: float, transit_s: float) -> None:
        """Take a point; times must not go back."""
        points = self._points
        fresh = not points or arrival_s // BLOCK_S != points[-1][0] // BLOCK_S
        if fresh:
            points.append((arrival_s, transit_s))
        elif transit_s - self._slope * arrival_s < points[-1][1] - self._slope * points[-1][0]:
            points[-1] = (arrival_s, transit_s)
        while points[0][0] < arrival_s - WINDOW_S:
            points.popleft()
        if fresh or transit_s < self.at(arrival_s):
            self._fit()

    def shift(self, by_s: float) -> None:
        """Move all points: the clock of the stamps was set."""
        self._points = deque((x, v + by_s) for x, v in self._points)
        self._level_s += by_s

    def restart(self) -> None:
        """Forget the level but not the drift: the stream was broken off."""
        self._points.clear()
        self.sigma_s = 0.0

    def _fit(self) -> None:
        points = self._points
        first_s, last_s = points[0][0], points[-1][0]
        self._origin_s = last_s
        span_s = last_s - first_s
        if span_s >= LEAST_SPAN_S:
            begin = [p for p in points if p[0] <= first_s + span_s / 3]
            end = [p for p in points if p[0] >= last_s - span_s / 3]
            for _ in range(2):  # which points are lowest depends a little on the slope
                x0, v0 = min(begin, key=lambda p: p[1] - self._slope * p[0])
                x1, v1 = min(end, key=lambda p: p[1] - self._slope * p[0])
                slope = (v1 - v0) / (x1 - x0)
                crystal = span_s < SURE_SPAN_S and abs(slope) < STATED_SLOPE
                limit = CRYSTAL_SLOPE if crystal else LARGEST_SLOPE
                self._slope = min(max(slope, -limit), limit)
        heights = [v - self._slope * (x - self._origin_s) for x, v in points]
        self._level_s = min(heights)
        self.sigma_s = statistics.median(heights) - self._level_s


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

    def to_device_s(self, stamp_ns: int) -> float:
        """Return a ROS time on the device's clock; `observe` must have been called."""
        return (stamp_ns - max(self._offsets)) / NANOSECONDS
