"""Median frequency of the active muscle, and its slope, which falls as the muscle tires."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import NANOSECONDS
from lbp_rehab.estimate import Estimate, Reason, Status

Array = NDArray[np.float64]

LEAST_WINDOWS = 5  # for a slope
_TOO_EARLY = Estimate.unknown(Reason.TOO_EARLY)


@dataclass(frozen=True)
class FatigueSettings:
    """Windows of the spectrum (De Luca 1997: 0.5 to 1 s of steady contraction).

    Attributes
    ----------
    window_s : float
        Window of one median frequency; windows do not overlap.
    memory_s : float
        Time over which the slope is fitted.
    """

    window_s: float = 1.0
    memory_s: float = 120.0


def median_frequency(band: Array, rate_hz: float) -> Array:
    """Return the frequency that halves the power, and its 1-sigma.

    With s the power density normalised to area 1 and T the length, the share of power below the
    median has variance ``(1 / 4T) * integral of s^2`` (independent periodogram bins, each with a
    deviation equal to its mean), and the median moves by that deviation over s(median).

    Parameters
    ----------
    band : ndarray, shape (n, c)
        Band-passed volts.
    rate_hz : float

    Returns
    -------
    ndarray, shape (2, c)
        Hertz: value, sigma.
    """
    n, c = band.shape
    power = np.abs(np.fft.rfft(band, axis=0)) ** 2
    power /= np.maximum(power.sum(axis=0), np.finfo(float).tiny)
    bin_hz = rate_hz / n
    below = np.cumsum(power, axis=0)
    result = np.zeros((2, c))
    for k in range(c):
        result[0, k] = np.interp(0.5, below[:, k], (np.arange(len(below)) + 0.5) * bin_hz)
        middle = round(result[0, k] / bin_hz)
        # The density at the median, over a fifth of the frequency either way: one bin is noise.
        reach = max(2, round(0.2 * middle))
        density = power[max(0, middle - reach) : middle + reach + 1, k].mean()
        # The mean square of an exponentially distributed bin is twice its squared mean.
        deviation = 0.5 * np.sqrt((power[:, k] ** 2).sum() / 2)
        result[1, k] = deviation / max(density, np.finfo(float).tiny) * bin_hz
    return result


class FatigueMonitor:
    """Measures the median frequency of each channel in windows of unbroken activity.

    Parameters
    ----------
    rate_hz : float
    n_channels : int
    settings : FatigueSettings

    Attributes
    ----------
    median, slope : list of Estimate
        Hertz, and hertz a second; unknown (TOO_EARLY) until the muscle was active long enough.
    """

    def __init__(self, rate_hz: float, n_channels: int, settings: FatigueSettings) -> None:
        self._settings = settings
        self._rate_hz = rate_hz
        self._length = max(4, round(settings.window_s * rate_hz))
        self._band: Array = np.zeros((0, n_channels))
        self._measured_ns = np.zeros(n_channels, np.int64)
        self._history: list[deque[tuple[float, float, float]]] = [
            deque(maxlen=max(LEAST_WINDOWS, round(settings.memory_s / settings.window_s)))
            for _ in range(n_channels)
        ]
        self.median = [_TOO_EARLY] * n_channels
        self.slope = [_TOO_EARLY] * n_channels

    def update(
        self, band: Array, end_ns: int, active: NDArray[np.bool_], since_ns: NDArray[np.int64]
    ) -> None:
        """Take the next band-passed samples, shape (n, c), and who is active since when."""
        self._band = np.concatenate([self._band, band])[-self._length :]
        window_ns = round(self._settings.window_s * NANOSECONDS)
        for k in np.flatnonzero(end_ns - self._measured_ns >= window_ns):
            if not active[k]:
                if self.median[k].status is Status.MEASURED:
                    self.median[k] = replace(self.median[k], status=Status.HELD)
            elif end_ns - since_ns[k] >= window_ns and len(self._band) == self._length:
                value, sigma = median_frequency(self._band[:, k : k + 1], self._rate_hz)[:, 0]
                self._measured_ns[k] = end_ns
                self.median[k] = Estimate(float(value), float(sigma))
                self._history[k].append((end_ns / NANOSECONDS, float(value), float(sigma)))
                self.slope[k] = self._fit(self._history[k])

    def restart(self) -> None:
        """Forget the samples, as after a gap; what was measured stays."""
        self._band = self._band[:0]

    def _fit(self, history: deque[tuple[float, float, float]]) -> Estimate:
        """Return the slope by weighted least squares over the memory."""
        latest = history[-1][0]
        rows = np.array([row for row in history if latest - row[0] <= self._settings.memory_s])
        if len(rows) < LEAST_WINDOWS:
            return _TOO_EARLY
        weight = 1 / rows[:, 2] ** 2
        t = rows[:, 0] - np.average(rows[:, 0], weights=weight)
        spread = float((weight * t**2).sum())
        slope = float((weight * t * rows[:, 1]).sum()) / spread
        rest = rows[:, 1] - np.average(rows[:, 1], weights=weight) - slope * t
        # Where the muscle's own changes exceed the spectrum's noise, the scatter says so.
        scatter = float((weight * rest**2).sum()) / (len(rows) - 2)
        return Estimate(slope, float(np.sqrt(max(1.0, scatter) / spread)))
