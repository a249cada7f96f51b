"""Judges each channel on a sliding window of raw samples: flat, saturated, off, artefact, noisy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import Quality

Array = NDArray[np.float64]

RAIL_RUN = 5  # equal samples in a row at the extreme value that make a rail
RAIL_MIN_V = 50e-6  # and this far from the median: a coarse converter repeats values at rest
LOW_BAND_HZ = (2.0, 15.0)  # movement artefact lies below 20 Hz (De Luca et al. 2010)
SIGNAL_FROM_HZ = 20.0
MAINS_HALF_WIDTH_HZ = 2.0  # main lobe of the Hann window at 1 s
BESIDE_MAINS_HZ = (3.0, 8.0)  # distance at which the sEMG under a mains line is read
# Between these bands the density of sEMG falls about 40 times (Shwedyk et al. 1977), that of an
# amplifier without a skin contact does not fall.
MID_BAND_HZ = (50.0, 150.0)
HIGH_BAND_HZ = (350.0, 450.0)
WHITE_RATIO = 0.3


@dataclass(frozen=True)
class QualitySettings:
    """Limits of the judgement.

    Attributes
    ----------
    window_s, hop_s : float
        Length of the window, and how often it is judged.
    flat_v : float
        A peak-to-peak below this is flat; any amplifier's own noise is larger.
    rail_v : float
        Limit of the device's range, in volts either way; 0: found from the signal.
    mains_off_share, mains_warn_share : float
        Share of power at the mains and its harmonics above which the electrode is off, or the
        channel noisy.
    mains_off_v : float
        And the RMS of the mains above which either counts.
    noise_off_v, noise_warn_v : float
        White noise RMS in the band above which the electrode is off, or the channel noisy.
    artefact_v : float
        Peak of the band-passed signal that sEMG does not reach (De Luca 2002: at most 10 mV
        peak to peak).
    artefact_ratio : float
        RMS below 15 Hz over RMS above 20 Hz that means movement of the electrode.
    artefact_low_v : float
        And the RMS below 15 Hz from which that counts.
    """

    window_s: float = 1.0
    hop_s: float = 0.1
    flat_v: float = 0.2e-6
    rail_v: float = 0.0
    mains_off_share: float = 0.5
    mains_warn_share: float = 0.2
    mains_off_v: float = 20e-6
    noise_off_v: float = 50e-6
    noise_warn_v: float = 10e-6
    artefact_v: float = 5e-3
    artefact_ratio: float = 5.0
    artefact_low_v: float = 100e-6


class QualityMonitor:
    """Keeps the latest window of each channel and judges it every hop.

    Parameters
    ----------
    rate_hz : float
    n_channels : int
    mains_hz : float
        0: the mains is not judged.
    settings : QualitySettings
    """

    def __init__(
        self, rate_hz: float, n_channels: int, mains_hz: float, settings: QualitySettings
    ) -> None:
        self._settings = settings
        self._length = max(2, round(settings.window_s * rate_hz))
        self._hop = max(1, round(settings.hop_s * rate_hz))
        self._raw: Array = np.zeros((0, n_channels))
        self._band: Array = np.zeros((0, n_channels))
        self._since_judged = 0
        self.quality: tuple[Quality, ...] = (Quality.UNKNOWN,) * n_channels
        frequency = np.arange(self._length // 2 + 1) * (rate_hz / self._length)
        self._taper = np.hanning(self._length)[:, None]
        self._ramp = np.linspace(-1, 1, self._length)[:, None]
        # One-sided power of one bin of the Hann-windowed transform, in V^2.
        self._to_power = 2 / (self._length * np.sum(self._taper**2))
        self._low = _within(frequency, LOW_BAND_HZ)
        self._signal = frequency >= SIGNAL_FROM_HZ
        self._mains = self._beside = np.zeros(len(frequency), bool)
        if mains_hz > 0:
            distance = np.abs(frequency - mains_hz * np.maximum(1, np.rint(frequency / mains_hz)))
            self._mains = distance <= MAINS_HALF_WIDTH_HZ
            self._beside = _within(distance, BESIDE_MAINS_HZ)
        self._mid = _within(frequency, MID_BAND_HZ) & ~self._mains
        self._high = _within(frequency, HIGH_BAND_HZ) & ~self._mains
        self._has_high = bool(frequency[-1] >= HIGH_BAND_HZ[1])

    def update(self, raw: NDArray[np.floating], band: Array) -> None:
        """Take the next samples.

        Parameters
        ----------
        raw, band : ndarray, shape (n, c)
            Volts as measured, and band-passed.
        """
        self._raw = np.concatenate([self._raw, raw])[-self._length :]
        self._band = np.concatenate([self._band, band])[-self._length :]
        self._since_judged += len(raw)
        if len(self._raw) == self._length and self._since_judged >= self._hop:
            self._since_judged = 0
            self.quality = self._judge()

    def _judge(self) -> tuple[Quality, ...]:
        settings, raw = self._settings, self._raw
        level = raw - raw.mean(axis=0)
        level -= self._ramp * ((self._ramp * level).sum(axis=0) / (self._ramp**2).sum())
        power = np.abs(np.fft.rfft(level * self._taper, axis=0)) ** 2 * self._to_power

        total, low = power[self._signal].sum(axis=0), power[self._low].sum(axis=0)
        mains = np.zeros_like(total)
        if self._mains.any() and self._beside.any():
            under = power[self._beside].mean(axis=0) * self._mains.sum()
            mains = np.clip(power[self._mains].sum(axis=0) - under, 0.0, total)
        share = np.divide(mains, total, out=np.zeros_like(total), where=total > 0)
        noise = np.zeros_like(total)
        if self._has_high:
            high, mid = power[self._high].mean(axis=0), power[self._mid].mean(axis=0)
            white = high > WHITE_RATIO * mid
            noise = np.where(white, np.sqrt(high * self._signal.sum()), 0.0)
        flat = np.ptp(raw, axis=0) < settings.flat_v
        saturated = self._saturated()
        strong = mains > settings.mains_off_v**2
        off = strong & (share > settings.mains_off_share)
        off |= noise > settings.noise_off_v
        artefact = np.abs(self._band).max(axis=0) > settings.artefact_v
        moved = low > settings.artefact_ratio**2 * (total - mains)
        artefact |= moved & (low > settings.artefact_low_v**2)
        noisy = strong & (share > settings.mains_warn_share)
        noisy |= noise > settings.noise_warn_v
        order = (
            (flat, Quality.FLAT),
            (saturated, Quality.SATURATED),
            (off, Quality.ELECTRODE_OFF),
            (artefact, Quality.ARTEFACT),
            (noisy, Quality.NOISY),
        )
        return tuple(
            next((verdict for found, verdict in order if found[k]), Quality.GOOD)
            for k in range(raw.shape[1])
        )

    def _saturated(self) -> NDArray[np.bool_]:
        """Whether a run of samples stands at the largest or smallest value, far from the middle."""
        raw, rail = self._raw, self._settings.rail_v
        middle = np.median(raw, axis=0)
        result = np.zeros(raw.shape[1], bool)
        for extreme in (raw.max(axis=0), raw.min(axis=0)):
            run = RAIL_RUN if len(raw) > RAIL_RUN else len(raw)
            at_rail = np.lib.stride_tricks.sliding_window_view(raw == extreme, run, axis=0)
            far = np.abs(extreme - middle) > RAIL_MIN_V
            result |= at_rail.all(axis=-1).any(axis=0) & far
            # A rail that holds for more than half of the window is the median itself.
            result |= (raw == extreme).mean(axis=0) > 0.5
        if rail > 0:
            result |= (np.abs(raw) >= rail).any(axis=0)
        return result


def _within(frequency: NDArray[np.floating], band: tuple[float, float]) -> NDArray[np.bool_]:
    return (frequency >= band[0]) & (frequency <= band[1])
