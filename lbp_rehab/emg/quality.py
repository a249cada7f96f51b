"""Judges each channel on a sliding window of raw samples: flat, saturated, off, artefact, noisy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from lbp_rehab.emg.filters import RunningFilter
from lbp_rehab.emg.types import Quality

Array = NDArray[np.float64]

RAIL_RUN = 5  # equal samples in a row at the extreme value that make a rail
# Or samples pile up there: so many of all, and so many of those a little nearer to the middle. A
# coarse converter at rest repeats its outer codes too, but has more of the next ones.
RAIL_SHARE, RAIL_PILE, RAIL_EDGE, PILE_MIN_V = 0.01, 0.3, 0.35, 8e-6
RAIL_MIN_V = 50e-6  # and this far from the mean: a coarse converter repeats values at rest
LOW_BAND_HZ = (2.0, 15.0)  # movement artefact lies below 20 Hz (De Luca et al. 2010)
SIGNAL_FROM_HZ = 20.0
MAINS_HALF_WIDTH_HZ = 2.0  # main lobe of the Hann window at 1 s
BESIDE_MAINS_HZ = (3.0, 8.0)  # distance at which the sEMG under a mains line is read
# Between these bands the density of sEMG falls about 40 times (Shwedyk et al. 1977), that of an
# amplifier without a skin contact does not fall.
MID_BAND_HZ = (50.0, 150.0)
HIGH_BAND_HZ = (350.0, 450.0)
WHITE_RATIO = 0.3
MAINS_OFF_SHARE, MAINS_WARN_SHARE = 0.5, 0.2
# Powers: a line this much over what lies under it is seen, and gone below this share.
LINE_SEEN, LINE_GONE = 4.0, 0.06


@dataclass(frozen=True)
class QualitySettings:
    """Limits of the judgement.

    Attributes
    ----------
    window_s, hop_s : float
        Length of the window, and how often it is judged.
    flat_v, flat_s : float
        A peak-to-peak below this over the latest ``flat_s`` is flat; any amplifier's own noise is
        larger.
    rail_v : float
        Limit of the device's range, in volts either way; 0: found from the signal.
    mains_off_v, mains_warn_v : float
        RMS of the mains and its harmonics above which the electrode is off, or the channel noisy,
        where they are also more than half, or a fifth, of the power.
    noise_off_v, noise_warn_v : float
        White noise RMS in the band above which the electrode is off, or the channel noisy. Konrad
        2005 (The ABC of EMG): up to 3.5 uV is good, 10 to 15 uV is the most that is tolerated.
        Mains and noise that are both above their warnings mean off as well.
    artefact_v : float
        Peak of the band-passed signal that sEMG does not reach (De Luca 2002: at most 10 mV
        peak to peak).
    artefact_ratio : float
        RMS from 2 to 15 Hz over RMS above 20 Hz that means movement of the electrode; of sEMG
        itself it is a tenth.
    artefact_low_v : float
        And the RMS below 15 Hz from which that counts: a strong heart makes 40 uV.
    jerk_v, jerk_s, jerk_ratio : float
        The same over the latest ``jerk_s``, for a short jerk of a lead.
    """

    window_s: float = 1.0
    hop_s: float = 0.1
    flat_v: float = 0.2e-6
    flat_s: float = 0.2
    rail_v: float = 0.0
    mains_off_v: float = 100e-6
    mains_warn_v: float = 20e-6
    noise_off_v: float = 12e-6
    noise_warn_v: float = 5e-6
    artefact_v: float = 5e-3
    artefact_ratio: float = 0.3
    artefact_low_v: float = 60e-6
    jerk_v: float = 70e-6
    jerk_s: float = 0.25
    jerk_ratio: float = 0.5


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
        self._length = max(RAIL_RUN, round(settings.window_s * rate_hz))
        self._new: list[tuple[NDArray[np.floating], Array]] = []  # not looked at yet
        # One row a channel: that is how everything is summed.
        self._raw: Array = np.zeros((n_channels, 0))
        self._band: Array = np.zeros((n_channels, 0))
        self._jerk_length = max(2, round(settings.jerk_s * rate_hz))
        low_sos = signal.butter(2, LOW_BAND_HZ, "bandpass", fs=rate_hz, output="sos")
        self._low_filter = RunningFilter(low_sos)
        self._low_signal: Array = np.zeros((n_channels, 0))
        self._flat_length = max(2, round(settings.flat_s * rate_hz))
        # Contacts that were poor when last seen, and the most mains power since they are.
        self._open = np.zeros(n_channels, bool)
        self._line: Array = np.zeros(n_channels)
        self._frequency = frequency = np.arange(self._length // 2 + 1) * (rate_hz / self._length)
        self._taper = np.hanning(self._length)
        self._ramp = np.linspace(-1, 1, self._length)
        # One-sided power of one bin of the Hann-windowed transform, in V^2.
        self._to_power = 2 / (self._length * np.sum(self._taper**2))
        self._has_high = bool(frequency[-1] >= HIGH_BAND_HZ[1])
        self._in_pass = int(_within(frequency, (SIGNAL_FROM_HZ, HIGH_BAND_HZ[1])).sum())
        self.set_mains(mains_hz)

    def set_mains(self, mains_hz: float) -> None:
        """Judge the mains at this frequency; 0: not at all."""
        frequency = self._frequency
        mains = beside = np.zeros(len(frequency), bool)
        if mains_hz > 0:
            distance = np.abs(frequency - mains_hz * np.maximum(1, np.rint(frequency / mains_hz)))
            mains, beside = distance <= MAINS_HALF_WIDTH_HZ, _within(distance, BESIDE_MAINS_HZ)
        mean = [_within(frequency, b) & ~mains for b in (MID_BAND_HZ, HIGH_BAND_HZ)]
        # Columns: power above 20 Hz, below 15 Hz, of the mains with what lies under it, of what
        # lies under it; and the mean density of the two bands that tell white noise.
        columns = [frequency >= SIGNAL_FROM_HZ, _within(frequency, LOW_BAND_HZ), mains]
        columns += [beside * (mains.sum() / max(1, beside.sum()))]
        columns += [band / max(1, band.sum()) for band in mean]
        self._sums = np.stack(columns, axis=1).astype(float) * self._to_power

    def update(self, raw: NDArray[np.floating], band: Array) -> None:
        """Take the next samples.

        Parameters
        ----------
        raw, band : ndarray, shape (n, c)
            Volts as measured, and band-passed.
        """
        self._new.append((raw, band))

    def judge(self) -> tuple[Quality, ...]:
        """Return the quality of each channel; UNKNOWN until there is a whole window."""
        self._look()
        raw, settings = self._raw, self._settings
        if raw.shape[1] < self._length:
            return (Quality.UNKNOWN,) * len(raw)
        level = raw - raw.mean(axis=1)[:, None]
        level -= (level @ self._ramp / (self._ramp @ self._ramp))[:, None] * self._ramp
        spectrum = np.fft.rfft(level * self._taper, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        total, low, line, under, mid, high = (power @ self._sums).T
        mains = np.clip(line - under, 0.0, total)
        share = np.divide(mains, total, out=np.zeros_like(total), where=total > 0)
        hum = (mains > settings.mains_warn_v**2) & (share > MAINS_WARN_SHARE)
        noise = np.zeros_like(total)
        if self._has_high:
            floor = np.sqrt(high * self._in_pass)
            noise = np.where(high > WHITE_RATIO * mid, floor, 0.0)
            # Noise and mains rise together where a contact goes.
            poor = (noise > settings.noise_off_v) | (hum & (noise > settings.noise_warn_v))
            self._watch_contact(poor, floor, mains, under)
        flat = np.ptp(raw[:, -self._flat_length :], axis=1) < settings.flat_v
        saturated = self._saturated()
        off = (mains > settings.mains_off_v**2) & (share > MAINS_OFF_SHARE)
        off |= self._open
        peak = np.maximum(self._band.max(axis=1), -self._band.min(axis=1))
        artefact = peak > settings.artefact_v
        moved = low > settings.artefact_ratio**2 * (total - mains)
        artefact |= moved & (low > settings.artefact_low_v**2)
        jerk = (self._low_signal**2).mean(axis=1)
        lately = (self._band[:, -self._jerk_length :] ** 2).mean(axis=1)
        artefact |= (jerk > settings.jerk_v**2) & (jerk > settings.jerk_ratio**2 * lately)
        noisy = hum | (noise > settings.noise_warn_v)
        order = (
            (flat, Quality.FLAT),
            (saturated, Quality.SATURATED),
            (off, Quality.ELECTRODE_OFF),
            (artefact, Quality.ARTEFACT),
            (noisy, Quality.NOISY),
        )
        return tuple(
            next((verdict for found, verdict in order if found[k]), Quality.GOOD)
            for k in range(len(raw))
        )

    def _watch_contact(
        self, poor: NDArray[np.bool_], floor: Array, mains: Array, under: Array
    ) -> None:
        """Note which contacts are open; what a contraction covers is still there.

        The floor must fall before the contact is believed again, or the mains that came with the
        noise is gone though it would be seen.
        """
        gone = (self._line > LINE_SEEN * under) & (mains < LINE_GONE * self._line)
        self._open = poor | (self._open & (floor > self._settings.noise_warn_v) & ~gone)
        self._line = np.where(self._open, np.maximum(self._line, mains), 0.0)

    def _look(self) -> None:
        """Take in what is new."""
        if not self._new:
            return
        raw = np.concatenate([part for part, _ in self._new]).astype(float)
        band = np.concatenate([part for _, part in self._new])
        self._new = []
        self._low_signal = _longer(self._low_signal, self._low_filter(raw), self._jerk_length)
        self._raw = _longer(self._raw, raw, self._length)
        self._band = _longer(self._band, band, self._length)

    def _saturated(self) -> NDArray[np.bool_]:
        """Whether a run of samples stands at the largest or smallest value, far from the middle."""
        raw, rail = self._raw, self._settings.rail_v
        middle = raw.mean(axis=1)
        result = np.zeros(len(raw), bool)
        for extremes in (raw.max(axis=1), raw.min(axis=1)):
            here = raw == extremes[:, None]
            count = np.count_nonzero(here, axis=1)
            # Seldom is there more than one such sample: then there is nothing to look at.
            for k in np.flatnonzero((count >= RAIL_RUN) | (count > RAIL_SHARE * self._length)):
                result[k] |= _rail(raw[k], here[k], float(middle[k]), float(extremes[k]))
        if rail > 0:
            result |= (np.abs(raw) >= rail).any(axis=1)
        return result


def _rail(raw: Array, here: NDArray[np.bool_], middle: float, extreme: float) -> bool:
    """Whether the samples of one channel stand or pile up where they are extreme."""
    often, far = here.mean(), abs(extreme - middle)
    run = here[RAIL_RUN - 1 :]
    for k in range(1, RAIL_RUN):
        run = run & here[RAIL_RUN - 1 - k : -k]
    # From the middle, 1 at the extreme; nobody is there where all samples are alike.
    where = (raw - middle) / (extreme - middle if far > 0 else 1.0)
    beside = (where >= 1 - RAIL_EDGE).mean() - often
    piled = often > RAIL_SHARE and often > RAIL_PILE * beside
    # A rail that holds for more than half of the window is the middle itself.
    return bool((run.any() and far > RAIL_MIN_V) or (piled and far > PILE_MIN_V) or often > 0.5)


def _within(frequency: NDArray[np.floating], band: tuple[float, float]) -> NDArray[np.bool_]:
    return (frequency >= band[0]) & (frequency <= band[1])


def _longer(rows: Array, new: Array, most: int) -> Array:
    return np.concatenate([rows, new.T], axis=1)[:, -most:]
