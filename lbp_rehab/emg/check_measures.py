"""Plain figures of a channel before a session: mains, heart, drift, noise at rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from lbp_rehab.emg.heart import QRS_HZ, likeness, uneven
from lbp_rehab.emg.quality import BESIDE_MAINS_HZ, MAINS_HALF_WIDTH_HZ

Array = NDArray[np.float64]

MEDIAN_OVER_RMS = 0.6745  # of the absolute value of Gaussian noise
DRIFT_WINDOW_S = 0.5  # the mean over it holds what lies below 2 Hz: its first zero is there
WAVE_HZ = (2.0, 100.0)  # that keeps its height and loses the drift
BEATS_PER_S = (0.6, 2.8)  # 36 to 170 beats a minute
_LEAST_BEATS = 4
_REGULAR = 0.2  # largest quartile range of the intervals, as a share of their median
_ALIKE = 0.6  # least median correlation of the beats with their mean
_BEAT_S = 0.06  # of a beat, to either side


def line_rms_v(volts: NDArray[np.floating], rate_hz: float, line_hz: float) -> Array:
    """Return the RMS of a mains line, less the sEMG under it, shape (c,).

    Each channel is read in its quietest second, where the least sEMG lies under the line.

    Parameters
    ----------
    volts : ndarray, shape (n, c)
        Raw samples, a second or more; of less nothing is read.
    rate_hz, line_hz : float
    """
    n = round(rate_hz)
    seconds = len(volts) // n
    if not seconds or 2.0 * line_hz >= rate_hz - 2.0 * BESIDE_MAINS_HZ[1]:
        return np.zeros(volts.shape[1])
    parts = volts[len(volts) - seconds * n :].reshape(seconds, n, -1)
    window = np.hanning(n)[:, None]
    spectrum = np.fft.rfft((parts - parts.mean(axis=1, keepdims=True)) * window, axis=1)
    power = np.abs(spectrum) ** 2 * (2.0 / (n * np.sum(window**2)))
    away = np.abs(np.fft.rfftfreq(n, 1.0 / rate_hz) - line_hz)
    line = away <= MAINS_HALF_WIDTH_HZ
    beside = (away >= BESIDE_MAINS_HZ[0]) & (away <= BESIDE_MAINS_HZ[1])
    under = power[:, beside].mean(axis=1) * line.sum()
    clear = power[:, line].sum(axis=1) - under
    quietest = under.argmin(axis=0)
    return np.asarray(np.sqrt(np.maximum(clear[quietest, np.arange(clear.shape[1])], 0.0)))


def rest_rms_v(band: NDArray[np.floating]) -> Array:
    """Return the RMS of noise in band-passed samples, shape (c,), whatever the heart adds.

    From the median of the absolute value, which beats of a tenth of the time hardly reach; for
    Gaussian noise both are the same.
    """
    return np.asarray(np.median(np.abs(band), axis=0) / MEDIAN_OVER_RMS)


def slow_mean_v(volts: NDArray[np.floating], rate_hz: float) -> Array:
    """Return the mean over `DRIFT_WINDOW_S` at every sample from its end on, shape (m, c)."""
    n = max(1, round(DRIFT_WINDOW_S * rate_hz))
    if len(volts) < n:
        return np.zeros((0, volts.shape[1]))
    total = np.cumsum(np.concatenate([np.zeros((1, volts.shape[1])), volts]), axis=0)
    return np.asarray((total[n:] - total[:-n]) / n)


def heart_peak_v(volts: NDArray[np.floating], rate_hz: float) -> Array | None:
    """Return the height of the heart's R wave in each channel, shape (c,).

    The channel in which beats stand out most finds them; the median of all beats, sample by sample,
    from which the sEMG cancels, gives the height in each channel.

    Parameters
    ----------
    volts : ndarray, shape (n, c)
        Raw samples, several seconds.
    rate_hz : float

    Returns
    -------
    ndarray, shape (c,), or None
        Volts; None if no regular beats are found.
    """
    high = min(QRS_HZ[1], 0.4 * rate_hz)
    edge = round(0.5 * rate_hz)
    if len(volts) < 3 * edge or high <= QRS_HZ[0]:
        return None
    level = volts - volts.mean(axis=0)

    def passed(band_hz: tuple[float, float]) -> Array:
        sos = signal.butter(2, band_hz, "bandpass", fs=rate_hz, output="sos")
        return np.asarray(signal.sosfiltfilt(sos, level, axis=0))

    band = passed((QRS_HZ[0], high))
    found = [_beats(band[:, k], rate_hz) for k in range(band.shape[1])]
    scored = [(score, beats) for score, beats in found if beats is not None]
    if not scored:
        return None
    _, beats = max(scored, key=lambda one: one[0])
    half = round(_BEAT_S * rate_hz)
    wave = passed((WAVE_HZ[0], min(WAVE_HZ[1], 0.4 * rate_hz)))
    around = np.stack([wave[b - half : b + half + 1] for b in beats])
    return np.asarray(np.abs(np.median(around, axis=0)).max(axis=0))


def _beats(band: Array, rate_hz: float) -> tuple[float, NDArray[np.int64] | None]:
    """Return how far beats stand out of a channel, and their samples if they are a heart's."""
    size = np.abs(band)
    height = float(np.median([part.max() for part in np.array_split(size, _parts(size, rate_hz))]))
    noise = float(np.median(size)) + 1e-12
    apart = round(rate_hz / BEATS_PER_S[1])
    peaks, _ = signal.find_peaks(size, height=0.6 * height, distance=apart)
    half = round(_BEAT_S * rate_hz)
    peaks = peaks[(peaks >= half) & (peaks < len(band) - half)]
    if len(peaks) < _LEAST_BEATS:
        return 0.0, None
    gaps = np.diff(peaks) / rate_hz
    if uneven(gaps, _REGULAR) or np.median(gaps) > 1.0 / BEATS_PER_S[0]:
        return 0.0, None
    shapes = np.stack([band[p - half : p + half + 1] for p in peaks])
    if likeness(shapes, shapes.mean(axis=0)) < _ALIKE:
        return 0.0, None
    return height / noise, peaks


def _parts(size: Array, rate_hz: float) -> int:
    """Return into how many parts of the longest interval between beats a signal falls."""
    return max(1, int(len(size) * BEATS_PER_S[0] / rate_hz))


def columns(band: NDArray[np.floating], n: int) -> tuple[Array, Array]:
    """Return smallest and largest value of each of n equal parts of a signal, nan where unknown.

    Parameters
    ----------
    band : ndarray, shape (m, c)
        May hold nan where there was no signal.
    n : int

    Returns
    -------
    low, high : ndarray, shape (n, c)
    """
    low, high = (np.full((n, band.shape[1]), np.nan) for _ in range(2))
    edges = np.linspace(0, len(band), n + 1).astype(int)
    for k in range(n):
        part = band[edges[k] : max(edges[k + 1], edges[k] + 1)]
        known = part[np.isfinite(part).all(axis=1)]
        if len(known):
            low[k], high[k] = known.min(axis=0), known.max(axis=0)
    return low, high


def density_v(volts: NDArray[np.floating], rate_hz: float) -> tuple[Array, Array]:
    """Return frequencies and the amplitude density of raw samples, V / sqrt(Hz), shape (f, c).

    Welch's mean of spectra of a second, half overlapping.
    """
    n = min(len(volts), round(rate_hz))
    frequency, power = signal.welch(volts, rate_hz, nperseg=n, axis=0)
    return np.asarray(frequency), np.asarray(np.sqrt(power))
