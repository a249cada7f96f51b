"""Stamp-driven filters: a causal one for live use, a zero-phase one for finished repetitions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

STILL_NS = NANOSECONDS  # as long as a patient must be still for a zero

# Balasubramanian, Melendez-Calderon, Roby-Brami, Burdet 2015, "On the analysis of movement
# smoothness", J NeuroEngineering Rehabil 12:112: the settings of their reference for SPARC.
SPARC_CUTOFF_HZ = 10.0
SPARC_AMPLITUDE = 0.05
SPARC_PAD_LEVEL = 4
SPARC_RATE_HZ = 100.0


class LowPass:
    """First-order low-pass filter of irregular samples, with the sigma of its output.

    Parameters
    ----------
    time_constant_s : float
    gap_s : float
        After a longer gap it starts again from the next sample: nothing is bridged.
    """

    def __init__(self, time_constant_s: float, gap_s: float = 0.5) -> None:
        self._time_constant_s, self._gap_s = time_constant_s, gap_s
        self._stamp_ns = 0
        self.value: float | None = None
        self.variance = 0.0

    def update(self, stamp_ns: int, estimate: Estimate) -> float:
        """Take a known sample and return the filtered value."""
        elapsed_s = (stamp_ns - self._stamp_ns) / NANOSECONDS
        if self.value is None or elapsed_s > self._gap_s or elapsed_s <= 0:
            self.value, self.variance = estimate.value, estimate.sigma**2
        else:
            gain = 1.0 - math.exp(-elapsed_s / self._time_constant_s)
            self.value += gain * (estimate.value - self.value)
            self.variance = (1 - gain) ** 2 * self.variance + gain**2 * estimate.sigma**2
        self._stamp_ns = stamp_ns
        return self.value

    def estimate(self) -> Estimate:
        """Return the filtered value; only after the first sample."""
        assert self.value is not None
        return Estimate(self.value, math.sqrt(self.variance))


class Zero:
    """Takes the first still moment as zero and gives what follows against it.

    Who was first seen in the middle of a movement is told by being still farther away from the
    target later on: that is zero then.

    Parameters
    ----------
    still : float
        Spread, largest less smallest value, below which a second is still.
    direction : float
        +1 if the measure grows towards the target, else -1; 0 if it goes to both sides, which
        does not tell where it began.
    """

    def __init__(self, still: float, direction: float) -> None:
        self._still, self._direction = still, direction
        self._samples: list[tuple[int, Estimate]] = []
        self._zero: Estimate | None = None

    def update(self, stamp_ns: int, estimate: Estimate) -> Estimate:
        """Return a sample against zero; unknown (TOO_EARLY) while there is none."""
        if not estimate.known:
            return estimate
        self._samples.append((stamp_ns, estimate))
        found = self._look()
        if found is not None and (self._zero is None or self._is_farther(found, self._zero)):
            self._zero = found
        if self._zero is None:
            return Estimate.unknown(Reason.TOO_EARLY)
        return Estimate(estimate.value - self._zero.value, estimate.sigma, estimate.status)

    def _is_farther(self, found: Estimate, zero: Estimate) -> bool:
        return self._direction * (zero.value - found.value) > self._still

    def _look(self) -> Estimate | None:
        """Return the level of the last second if it was still."""
        last_ns = self._samples[-1][0]
        if last_ns - self._samples[0][0] < STILL_NS:
            return None
        while last_ns - self._samples[1][0] >= STILL_NS:
            del self._samples[0]
        values = [e.value for _, e in self._samples]
        if max(values) - min(values) > self._still:
            return None
        return Estimate(float(np.mean(values)), float(np.std(values)))


@dataclass(frozen=True)
class Smoothed:
    """Local-linear fit at every sample.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
    value, slope, sigma : ndarray, shape (n,)
        The slope is per second; sigma is that of the value.
    """

    time_s: Array
    value: Array
    slope: Array
    sigma: Array


def smooth(time_s: Array, value: Array, sigma: Array, width_s: float) -> Smoothed:
    """Fit a line around each sample with Gaussian weights (Fan and Gijbels 1996): no lag.

    Parameters
    ----------
    time_s, value, sigma : ndarray, shape (n,)
        Rising times; 1-sigma of each value, taken as independent.
    width_s : float
        Standard deviation of the weights.
    """
    apart = time_s[None, :] - time_s[:, None]
    weight = np.exp(-0.5 * (apart / width_s) ** 2)
    s0, s1, s2 = (
        weight.sum(axis=1, keepdims=True),
        (weight * apart).sum(axis=1, keepdims=True),
        (weight * apart**2).sum(axis=1, keepdims=True),
    )
    determinant = s0 * s2 - s1**2
    alone = determinant < 1e-9 * width_s**2  # no neighbour near enough for a line
    safe = np.where(alone, 1.0, determinant)
    of_value = np.where(alone, weight / s0, weight * (s2 - s1 * apart) / safe)
    of_slope = np.where(alone, 0.0, weight * (s0 * apart - s1) / safe)
    return Smoothed(time_s, of_value @ value, of_slope @ value, np.sqrt(of_value**2 @ sigma**2))


def spectral_arc_length(speed: Array, rate_hz: float) -> float:
    """Return SPARC, the spectral arc length of a speed profile: near -1.4 is smooth, lower is not.

    Parameters
    ----------
    speed : ndarray, shape (n,)
        Speed of one discrete movement, evenly sampled.
    rate_hz : float

    Notes
    -----
    Balasubramanian et al. 2015, equation 8 with an adaptive cut-off: the length of the curve of
    the normalised Fourier magnitude up to the last frequency, at most 10 Hz, at which it exceeds
    0.05. It does not depend on the amplitude or duration of the movement.
    """
    n = 2 ** (math.ceil(math.log2(len(speed))) + SPARC_PAD_LEVEL)
    magnitude = np.abs(np.fft.rfft(speed, n))
    frequency = np.fft.rfftfreq(n, 1.0 / rate_hz)
    magnitude = magnitude / magnitude.max()
    inside = frequency <= SPARC_CUTOFF_HZ
    frequency, magnitude = frequency[inside], magnitude[inside]
    last = int(np.nonzero(magnitude >= SPARC_AMPLITUDE)[0][-1]) + 1
    frequency, magnitude = frequency[:last], magnitude[:last]
    if len(frequency) < 2:
        return -1.0
    across = np.diff(frequency) / (frequency[-1] - frequency[0])
    return -float(np.sum(np.hypot(across, np.diff(magnitude))))


def smoothness(time_s: Array, slope: Array) -> float:
    """Return SPARC of an unevenly sampled speed, resampled at 100 Hz."""
    even = np.arange(time_s[0], time_s[-1], 1.0 / SPARC_RATE_HZ)
    return spectral_arc_length(np.interp(even, time_s, np.abs(slope)), SPARC_RATE_HZ)
