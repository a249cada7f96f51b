"""Takes the heart's beats out of trunk sEMG by subtracting each channel's own mean beat.

Template subtraction is one of the two ways that keep the sEMG whole (Drake and Callaghan 2006, J
Electromyogr Kinesiol 16:175). Here all channels find the beats together: the heart is common to
them, muscles are not. Everything happens at fixed places of the sample count, so that chunks do
not matter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal
from scipy.ndimage import uniform_filter1d

from lbp_rehab.emg.filters import RunningFilter

Array = NDArray[np.float64]

QRS_HZ = (8.0, 40.0)  # where a beat stands out of sEMG (after Pan and Tompkins 1985)
SEARCH_HZ = 250.0  # rate of the search
TICK = 5  # samples of the search that are looked at together, 20 ms
BEFORE_S, AFTER_S = 0.05, 0.08  # of a beat that is subtracted: P and T waves lie below the band
SEEN_BEFORE_S, SEEN_AFTER_S = 0.04, 0.02  # of a beat by which it is found
PEAK_S = 0.02  # a beat is the largest score this far to either side
LEARN_S = 8.0  # looked back over for the first beats
LEAST_BEATS = 5
LEAST_RR_S, MOST_RR_S = 0.35, 1.6  # 170 to 38 beats a minute
# Quartile range of the intervals over their median from which they are no heart: of the first
# beats, and of `STEADY_BEATS` later ones.
IRREGULAR, UNSTEADY, STEADY_BEATS = 0.25, 0.35, 12
ALIKE = 0.6  # least median correlation of the first beats with their mean
LEAST_SCORE = 4.5  # standard deviations
LEAST_SHARE = 0.5  # of the score of a mean beat
LOST_S = 8.0  # without a beat: begin anew
AROUND_S = 1.0  # in which a beat must stand out of its channel
_LEAST_V = 1e-8  # far below any amplifier's noise
MEMORY_BEATS = 40  # of the mean beat, which changes with posture and breath


@dataclass(frozen=True)
class _Beat:
    """A beat: sample of its middle, and what is subtracted around it, shape (w, c)."""

    at: int
    shape: Array


class HeartRemover:
    """Removes the heart from band-passed samples, which come out later by a fixed delay.

    Parameters
    ----------
    rate_hz : float
    n_channels : int

    Attributes
    ----------
    delay : int
        Samples by which the output is later than the input.
    beats : deque of int
        Samples of the latest beats, counted from the first one ever taken.
    """

    def __init__(self, rate_hz: float, n_channels: int) -> None:
        self._n = n_channels
        self._step = max(1, round(rate_hz / SEARCH_HZ))
        self._search_hz = rate_hz / self._step
        high = min(QRS_HZ[1], 0.4 * rate_hz)
        self._sos = signal.butter(1, (QRS_HZ[0], high), "bandpass", fs=rate_hz, output="sos")
        self._before, self._after = (round(s * rate_hz) for s in (BEFORE_S, AFTER_S))
        self._seen_before, self._seen_after, self._peak = (
            max(1, round(s * self._search_hz)) for s in (SEEN_BEFORE_S, SEEN_AFTER_S, PEAK_S)
        )
        # Places of the search that one look scores, each with its surroundings.
        self._windows = np.arange(TICK)[:, None] + np.arange(
            self._seen_before + self._seen_after + 1
        )
        self._kept_search = round((LEARN_S + 1.0) * self._search_hz)
        # One step more: a beat lies between two samples of the search.
        self.delay = self._before + (self._seen_after + self._peak + TICK + 1) * self._step
        width = self._before + self._after + 1
        self._taper = signal.windows.tukey(width, 0.3)[:, None]
        self._mean: Array = np.zeros((width, n_channels))  # the mean beat in the samples
        self._weight = np.zeros(n_channels)  # its inverse variance
        self._pattern: Array | None = None  # the mean beat in the search
        self._pattern_weight = np.zeros(n_channels)
        self.beats: deque[int] = deque(maxlen=MEMORY_BEATS)
        self._taken = 0
        self.restart()

    def restart(self) -> None:
        """Forget the samples, as after a gap; what a beat looks like stays."""
        self._first = self._emitted = self._samples_at = self._taken
        self._seek = RunningFilter(self._sos)
        self._samples: Array = np.zeros((0, self._n))  # from sample `_samples_at` on
        self._search: Array = np.zeros((0, self._n))  # from place `_search_at` of the search on
        self._search_at = self._ticks = 0
        # A window, not a fading memory: a hundredfold contraction must be forgotten when over.
        self._powers: Array = np.zeros((round(AROUND_S * self._search_hz / TICK), self._n))
        self._score: deque[float] = deque(maxlen=2 * self._peak + TICK)  # of the latest places
        self._shown: list[_Beat] = []  # that reach samples not yet given
        self._unlearnt: deque[int] = deque()
        self._last = 0  # place of the latest beat in the search

    def __call__(self, raw: Array, band: Array) -> Array:
        """Take the next samples and return those that are `delay` older, without the heart.

        Parameters
        ----------
        raw, band : ndarray, shape (n, c)
            As measured, and band-passed; the heart is sought in the first and subtracted from the
            second.

        Returns
        -------
        ndarray, shape (m, c)
            m = n, but for the first `delay` samples after a start, which give nothing.
        """
        sought = self._seek(raw)
        offset = -(self._taken - self._first) % self._step
        self._search = np.concatenate([self._search, sought[offset :: self._step]])
        self._samples = np.concatenate([self._samples, band])
        self._taken += len(raw)
        while self._search_at + len(self._search) >= (self._ticks + 1) * TICK:
            self._tick()
        return self._emit(max(self._emitted, self._taken - self.delay))

    def flush(self) -> Array:
        """Return what still waits, as before a gap; beats that were not yet sure stay in it."""
        return self._emit(self._taken)

    def _emit(self, end: int) -> Array:
        given = self._samples[self._emitted - self._samples_at : end - self._samples_at].copy()
        for beat in self._shown:
            first = beat.at - self._before
            a, b = max(first, self._emitted), min(first + len(beat.shape), end)
            if a < b:
                given[a - self._emitted : b - self._emitted] -= beat.shape[a - first : b - first]
        self._shown = [beat for beat in self._shown if beat.at + self._after >= end]
        self._emitted = end
        # A beat is learnt from when it is over; until then its samples are kept.
        kept = end - len(self._mean) - TICK * self._step
        if kept > self._samples_at:
            self._samples = self._samples[kept - self._samples_at :]
            self._samples_at = kept
        spare = self._ticks * TICK - self._kept_search - self._search_at
        if spare > 0:
            self._search = self._search[spare:]
            self._search_at += spare
        return given

    @property
    def _power(self) -> Array:
        """Mean square of each channel of the search over the latest second."""
        return np.maximum(self._powers[: self._ticks].mean(axis=0), _LEAST_V**2)

    def _tick(self) -> None:
        """Look at the next `TICK` places of the search."""
        self._ticks += 1
        end = self._ticks * TICK  # places known
        now = self._search[end - TICK - self._search_at : end - self._search_at]
        self._powers[(self._ticks - 1) % len(self._powers)] = (now**2).mean(axis=0)
        known = self._first + (end - 1) * self._step  # samples before this one are there
        while self._unlearnt and self._unlearnt[0] + self._after < known:
            self._learn(self._unlearnt.popleft())
        if self._pattern is None:
            if self._ticks % round(self._search_hz / TICK) == 0:
                self._begin(end)
            return
        self._find(end, self._pattern)
        if end - self._last > LOST_S * self._search_hz:
            self._pattern = None

    def _find(self, end: int, pattern: Array) -> None:
        """Score the places whose surroundings are now known, and take a peak for a beat."""
        weighted = pattern / self._power
        power = float((weighted * pattern).sum())
        first = end - TICK - self._seen_after - self._seen_before
        if first < self._search_at:
            return
        part = self._search[first - self._search_at : end - self._search_at]
        windows = part[self._windows].reshape(TICK, -1)
        self._score.extend((windows @ weighted.ravel() / np.sqrt(power)).tolist())
        if len(self._score) < 2 * self._peak + TICK:
            return
        score = np.array(self._score)
        least = max(LEAST_SCORE, LEAST_SHARE * np.sqrt(power))
        for k in range(self._peak, self._peak + TICK):
            near = score[k - self._peak : k + self._peak + 1]
            # The place of score[-1] is end - 1 - seen_after.
            place = end - self._seen_after - len(score) + k
            if (
                score[k] >= least
                and score[k] == near.max()
                and place - self._last > LEAST_RR_S * self._search_hz
            ):
                a, b, c = score[k - 1 : k + 2]
                bend = a - 2 * b + c
                self._take(place, place + (0.5 * (a - c) / bend if bend < 0 else 0.0))

    def _take(self, place: int, exact: float) -> None:
        """Subtract a beat and learn from it once it is over."""
        self._last = place
        at = self._first + round(exact * self._step)
        self.beats.append(at)
        recent = np.array(self.beats)[-STEADY_BEATS:]
        if len(recent) == STEADY_BEATS and uneven(np.diff(recent), UNSTEADY):
            self._pattern = None  # what was found is no heart
            return
        self._unlearnt.append(at)
        self._shown.append(_Beat(at, self._taper * self._mean * self._trust()))
        assert self._pattern is not None
        seen = self._search[
            place - self._seen_before - self._search_at :
            place + self._seen_after + 1 - self._search_at
        ]  # fmt: skip
        quiet = 1 / self._power
        self._pattern_weight = (1 - 1 / MEMORY_BEATS) * self._pattern_weight + quiet
        self._pattern = self._pattern + (seen - self._pattern) * quiet / self._pattern_weight

    def _trust(self) -> Array:
        """Return how much of each channel's mean beat is no noise, 0 to 1 (Wiener)."""
        variance = 1 / np.maximum(self._weight, 1e-30)
        return np.maximum(0.0, 1 - variance / np.maximum((self._mean**2).mean(axis=0), 1e-30))

    def _learn(self, at: int) -> None:
        """Average a beat into the mean, weighted by how little else there is in each channel."""
        begin = at - self._before - self._samples_at
        if begin < 0:
            return
        part = self._samples[begin : begin + len(self._mean)]
        rest = np.maximum(((part - self._mean) ** 2).mean(axis=0), _LEAST_V**2)
        self._weight = (1 - 1 / MEMORY_BEATS) * self._weight + 1 / rest
        self._mean += (part - self._mean) / (rest * self._weight)

    def _begin(self, end: int) -> None:
        """Look for the first beats in the latest seconds: regular, and alike in all channels."""
        at = max(self._search_at, end - round(LEARN_S * self._search_hz))
        part = self._search[at - self._search_at : end - self._search_at]
        if len(part) < LEAST_BEATS * MOST_RR_S * self._search_hz / 2:
            return
        # Each channel over its own size around: a contraction must not hide the beats of others.
        around = uniform_filter1d(part**2, round(AROUND_S * self._search_hz), axis=0)
        energy = (part**2 / np.maximum(around, _LEAST_V**2)).sum(axis=1)
        energy = np.convolve(energy, np.ones(TICK) / TICK, "same")
        longest = round(MOST_RR_S * self._search_hz)
        highest = [energy[k : k + longest].max() for k in range(0, len(energy) - longest, longest)]
        peaks, _ = signal.find_peaks(
            energy, height=0.4 * float(np.median(highest)), distance=LEAST_RR_S * self._search_hz
        )
        peaks = peaks[(peaks >= self._seen_before) & (peaks < len(part) - self._seen_after)]
        if len(peaks) < LEAST_BEATS:
            return
        intervals_s = np.diff(peaks) / self._search_hz
        if not LEAST_RR_S < np.median(intervals_s) < MOST_RR_S or uneven(intervals_s, IRREGULAR):
            return
        beats = np.stack([part[k - self._seen_before : k + self._seen_after + 1] for k in peaks])
        scale = np.sqrt(np.maximum(np.median(around, axis=0), _LEAST_V**2))
        mean = np.median(beats, axis=0)
        if likeness(beats / scale, mean / scale) < ALIKE:
            return
        self._pattern, self._pattern_weight = mean, len(beats) / scale**2
        self._last = at + int(peaks[-1])
        self._score.clear()


def uneven(intervals: ArrayLike, most: float) -> bool:
    """Return whether the quartile range of intervals is more than a share of their median."""
    low, middle, high = np.quantile(np.asarray(intervals, float), (0.25, 0.5, 0.75))
    return bool(high - low > most * middle)


def likeness(beats: Array, mean: Array) -> float:
    """Return the median correlation of beats, shape (k, ...), with their mean, shape (...)."""
    a, b = beats.reshape(len(beats), -1), mean.ravel()
    alike = (a @ b) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b), 1e-30)
    return float(np.median(alike))
