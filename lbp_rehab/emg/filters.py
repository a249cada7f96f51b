"""Streaming filters of sEMG: band-pass, mains notches and envelope, with their delay and noise.

The delay and the relative noise of the envelope are computed for the filters as designed, on the
power spectrum of Shwedyk et al. 1977; no delay is typed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from lbp_rehab.errors import InputError

Array = NDArray[np.float64]

# Shape of the sEMG spectrum: Shwedyk, Balasubramanian, Scott 1977 (IEEE Trans Biomed Eng 24:417),
# with the corner frequencies usual for surface electrodes (Stulen and De Luca 1981).
SPECTRUM_LOW_HZ = 60.0
SPECTRUM_HIGH_HZ = 120.0
NYQUIST_MARGIN = 0.9  # an upper cut-off above this share of Nyquist is lowered to it
SETTLED = 0.01  # share of a start-up transient that is left when the filters count as settled
RINGING_READ_AT = 0.3  # time constants after the stop, when the faster poles are gone
RMS_OVER_MEAN_ABS = float(np.sqrt(np.pi / 2))  # of Gaussian noise
_GRID = 8192  # points of the frequency grid, both halves


class EnvelopeKind(Enum):
    """How the envelope is made from the band-passed signal."""

    LOWPASS = "lowpass"  # rectify, Butterworth low-pass
    RMS = "rms"  # root of the mean square of a sliding window


@dataclass(frozen=True)
class FilterSettings:
    """What the filters should do.

    Attributes
    ----------
    low_hz, high_hz : float
        Pass band. De Luca et al. 2010 (J Biomech 43:1573): 20 Hz; ISEK, SENIAM: 450 to 500 Hz.
    order : int
        Butterworth order of each edge. 2 gives the 12 dB an octave that De Luca et al. advise.
    mains_hz : float
        Frequency of the mains; 0: no notch.
    notch_harmonics : int
        How many multiples of the mains are removed, the fundamental counted.
    notch_width_hz : float
        Width of each notch at -3 dB.
    kind : EnvelopeKind
    envelope_hz : float
        Low-pass cut-off of the rectified signal (6 Hz: Winter, Biomechanics and Motor Control).
    envelope_order : int
        Butterworth order of that low-pass, causal, one way.
    rms_window_s : float
        Window of the RMS envelope.
    whiten : bool
        Whether the falling part of the spectrum is raised before the envelope is made, which
        evens out its noise (Clancy and Hogan 1994, IEEE Trans Biomed Eng 41:159).
    """

    low_hz: float = 20.0
    high_hz: float = 450.0
    order: int = 2
    mains_hz: float = 50.0
    notch_harmonics: int = 5
    notch_width_hz: float = 2.0
    kind: EnvelopeKind = EnvelopeKind.LOWPASS
    envelope_hz: float = 6.0
    envelope_order: int = 2
    rms_window_s: float = 0.1
    whiten: bool = True


def emg_spectrum(frequency_hz: NDArray[np.floating]) -> Array:
    """Return the power density of surface EMG, any unit (Shwedyk et al. 1977).

    Parameters
    ----------
    frequency_hz : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        ``fh^4 f^2 / ((f^2 + fl^2) (f^2 + fh^2)^2)``.
    """
    f2 = frequency_hz**2
    low2, high2 = SPECTRUM_LOW_HZ**2, SPECTRUM_HIGH_HZ**2
    return high2**2 * f2 / ((f2 + low2) * (f2 + high2) ** 2)


class FilterDesign:
    """The filters for one sampling rate.

    Parameters
    ----------
    rate_hz : float
    settings : FilterSettings

    Attributes
    ----------
    sos : ndarray, shape (n_sections, 6)
        Band-pass followed by the notches.
    envelope_sos : ndarray, shape (n_sections, 6), or None
        Low-pass of the rectified signal; None for an RMS envelope.
    whitening : ndarray, shape (1, 6), or None
        One zero at `SPECTRUM_HIGH_HZ`, scaled so that sEMG of the spectrum assumed keeps its RMS;
        only the envelope sees it.
    window : int
        Samples of the RMS window; 0 for a low-pass envelope.
    high_hz : float
        Upper cut-off in force.
    notes : tuple of str
        What had to differ from the settings, in sentences.

    Raises
    ------
    InputError
        If the rate is too low for the pass band.
    """

    def __init__(self, rate_hz: float, settings: FilterSettings) -> None:
        self.rate_hz = rate_hz
        self.settings = settings
        limit = NYQUIST_MARGIN * rate_hz / 2
        if limit <= 2 * settings.low_hz:
            raise InputError(
                f"sEMG at {rate_hz:g} Hz is too slow for a band from {settings.low_hz:g} Hz; "
                f"record at {4 * settings.low_hz / NYQUIST_MARGIN:.0f} Hz or more"
            )
        notes = []
        self.high_hz = settings.high_hz
        if self.high_hz > limit:
            self.high_hz = limit
            notes.append(
                f"upper cut-off lowered from {settings.high_hz:g} to {limit:g} Hz because the "
                f"sampling rate is {rate_hz:g} Hz; amplitudes do not compare with full-band sEMG"
            )
        edges = [settings.low_hz, self.high_hz]
        sections = [signal.butter(settings.order, edges, "bandpass", fs=rate_hz, output="sos")]
        if settings.mains_hz > 0:
            for harmonic in range(1, settings.notch_harmonics + 1):
                f = harmonic * settings.mains_hz
                if f < self.high_hz:
                    b, a = signal.iirnotch(f, f / settings.notch_width_hz, fs=rate_hz)
                    sections.append(np.concatenate([b, a])[None])
        self.sos: Array = np.concatenate(sections)
        self.whitening: Array | None = None
        if settings.whiten:
            zero = np.exp(-2 * np.pi * SPECTRUM_HIGH_HZ / rate_hz)
            self.whitening = np.array([[1.0, -zero, 0.0, 1.0, 0.0, 0.0]])
            frequency, power = self._passed(self.sos)
            gain = np.abs(_sos_response(self.whitening, frequency / rate_hz)) ** 2
            self.whitening[0, :3] /= np.sqrt((power * gain).sum() / power.sum())
        self.envelope_sos: Array | None = None
        self.window = 0
        if settings.kind is EnvelopeKind.LOWPASS:
            self.envelope_sos = signal.butter(
                settings.envelope_order, settings.envelope_hz, "low", fs=rate_hz, output="sos"
            )
        else:
            self.window = max(1, round(settings.rms_window_s * rate_hz))
        self.notes = tuple(notes)

    def response(self, frequency_hz: Array) -> NDArray[np.complex128]:
        """Return the complex gain of band-pass and notches, shape of ``frequency_hz``."""
        return _sos_response(self.sos, frequency_hz / self.rate_hz)

    def _passed(self, sos: Array, n: int = _GRID) -> tuple[Array, Array]:
        """Return n / 2 + 1 frequencies and the power of sEMG that filters pass there."""
        frequency = np.arange(0.0, n // 2 + 1) * (self.rate_hz / n)
        gain = np.abs(_sos_response(sos, frequency / self.rate_hz))
        return frequency, emg_spectrum(frequency) * gain**2

    @property
    def _before_rectifying(self) -> Array:
        return self.sos if self.whitening is None else np.concatenate([self.sos, self.whitening])

    @cached_property
    def delay_s(self) -> float:
        """Delay of the envelope after the muscle, in seconds.

        A slow modulation of a carrier at f is delayed by the group delay at f; averaged over the
        power that passes, plus the group delay of the smoothing at 0 Hz.
        """
        return self._carrier_delay_s(self._before_rectifying) + self.smoothing_delay_s

    @cached_property
    def band_delay_s(self) -> float:
        """Delay of the band-passed signal after the muscle, in seconds."""
        return self._carrier_delay_s(self.sos)

    def _carrier_delay_s(self, sos: Array) -> float:
        frequency, power = (part[1:-1] for part in self._passed(sos))
        passed = power > 1e-9 * power.max()  # the group delay is singular where nothing passes
        carrier = _group_delay(sos, frequency[passed] / self.rate_hz)
        return float(np.average(carrier, weights=power[passed])) / self.rate_hz

    @cached_property
    def smoothing_delay_s(self) -> float:
        """Group delay at 0 Hz of the low-pass, or half of the RMS window, in seconds."""
        if self.envelope_sos is None:
            return (self.window - 1) / 2 / self.rate_hz
        return float(_group_delay(self.envelope_sos, np.zeros(1))[0]) / self.rate_hz

    @cached_property
    def relative_sigma(self) -> float:
        """1-sigma of the envelope as a share of its mean, for steady Gaussian sEMG."""
        return self.averaged_sigma(0.0)

    def averaged_sigma(self, window_s: float) -> float:
        """Return the relative 1-sigma of the envelope averaged over a window.

        With r the normalised autocorrelation of the band-passed signal, the relative
        autocovariance of its absolute value is ``sqrt(1 - r^2) + r asin(r) - 1`` (Papoulis, Price's
        theorem) and of its square ``2 r^2``; its spectrum through the smoothing filter gives the
        variance. The root of the RMS halves the relative deviation.

        Parameters
        ----------
        window_s : float
            Length of the average in seconds; 0: the envelope itself.
        """
        n = max(_GRID, 4 * 2 ** int(np.ceil(np.log2(max(window_s, 1.0) * self.rate_hz))))
        frequency, power = self._passed(self._before_rectifying, n)
        r = np.fft.irfft(power)
        r = np.clip(r / r[0], -1.0, 1.0)
        if self.envelope_sos is None:
            covariance = 2 * r**2
            smoothing = _mean_response(self.window, frequency / self.rate_hz)
        else:
            covariance = np.sqrt(1 - r**2) + r * np.arcsin(r) - 1
            smoothing = _sos_gain(self.envelope_sos, frequency / self.rate_hz)
        if window_s > 0:
            smoothing = smoothing * _mean_response(
                round(window_s * self.rate_hz), frequency / self.rate_hz
            )
        spectrum = np.fft.rfft(covariance).real * smoothing**2
        variance = (2 * spectrum.sum() - spectrum[0] - spectrum[-1]) / n
        return float(np.sqrt(variance) * (0.5 if self.envelope_sos is None else 1.0))

    @cached_property
    def _slowest_s(self) -> float:
        """Time constant of the slowest pole of band-pass and notches in seconds."""
        radius = max(np.abs(np.roots(s[3:])).max() for s in self.sos)
        return float(-1 / np.log(radius) / self.rate_hz)

    @cached_property
    def ringing(self) -> tuple[float, float]:
        """How the filters ring on when a long steady contraction stops.

        Returns
        -------
        share : float
            RMS of the ringing at the stop, over the RMS of the contraction: the power that the
            tail of the impulse response passes, carried back to the stop by the slowest pole.
        time_constant_s : float
            With which it dies away: mainly the notches, 1 / (pi width).
        """
        impulse = np.zeros(round(8 * self._slowest_s * self.rate_hz) + 64)
        impulse[0] = 1.0
        response = signal.sosfilt(self.sos, impulse)
        later = round(RINGING_READ_AT * self._slowest_s * self.rate_hz)
        frequency = np.arange(len(impulse) // 2 + 1) * (self.rate_hz / len(impulse))
        spectrum = emg_spectrum(frequency)
        tail, whole = (
            float((spectrum * np.abs(np.fft.rfft(r, len(impulse))) ** 2).sum())
            for r in (response[later:], response)
        )
        share = np.sqrt(tail / whole) * np.exp(later / (self._slowest_s * self.rate_hz))
        return float(share), self._slowest_s

    @cached_property
    def teager_ratio(self) -> float:
        """Mean Teager-Kaiser energy of sEMG over its power: ``1 - r(2)``, r its autocorrelation.

        The mean of ``x[n]^2 - x[n-1] x[n+1]`` of a stationary signal.
        """
        r = np.fft.irfft(self._passed(self.sos)[1])
        return float(1 - r[2] / r[0])

    @cached_property
    def settle_s(self) -> float:
        """Time until a start-up transient is down to 1 %, by the slowest pole, in seconds."""
        return float(max(-np.log(SETTLED) * self._slowest_s, self.smoothing_settle_s))

    @cached_property
    def smoothing_settle_s(self) -> float:
        """The same of the smoothing alone."""
        if self.envelope_sos is None:
            return self.window / self.rate_hz
        radius = max(np.abs(np.roots(s[3:])).max() for s in self.envelope_sos)
        return float(np.log(SETTLED) / np.log(radius) / self.rate_hz)


class RunningFilter:
    """Second-order sections running: state is kept, so that chunking changes nothing.

    Parameters
    ----------
    sos : ndarray, shape (n_sections, 6)
    """

    def __init__(self, sos: Array) -> None:
        self._sos = sos
        self._state: Array | None = None

    def __call__(self, data: NDArray[np.floating]) -> Array:
        """Filter the next samples.

        Parameters
        ----------
        data : ndarray, shape (n, c)
            Volts. The first sample is taken as the constant offset of the past, so that an offset
            gives no start-up transient.

        Returns
        -------
        ndarray, shape (n, c)
            Volts, delayed by the filters' own group delay.
        """
        x = np.ascontiguousarray(data, np.float64)
        if self._state is None:
            self._state = signal.sosfilt_zi(self._sos)[:, :, None] * x[0]
        passed, self._state = signal.sosfilt(self._sos, x, axis=0, zi=self._state)
        return np.asarray(passed)


class BandFilter(RunningFilter):
    """Band-pass and notches of a design, running.

    Parameters
    ----------
    design : FilterDesign
    """

    def __init__(self, design: FilterDesign) -> None:
        super().__init__(design.sos)


class Smoother:
    """The envelope of band-passed samples, running.

    Parameters
    ----------
    design : FilterDesign
    """

    def __init__(self, design: FilterDesign) -> None:
        self.design = design
        self._state: Array | None = None
        self._before: Array | None = None  # the sample before, for the whitening

    def __call__(self, band: Array) -> Array:
        """Return the envelope of the next band-passed samples, shape (n, c), volts.

        Later than the muscle by `FilterDesign.delay_s`, band-pass and notches counted.
        """
        design = self.design
        if design.whitening is not None:
            if self._before is None:
                self._before = np.zeros((1, band.shape[1]))
            now, before = design.whitening[0, :2]
            shifted = np.concatenate([self._before, band])
            self._before = shifted[-1:]
            band = now * band + before * shifted[:-1]
        if design.envelope_sos is not None:
            if self._state is None:
                self._state = np.zeros((len(design.envelope_sos), 2, band.shape[1]))
            envelope, self._state = signal.sosfilt(
                design.envelope_sos, np.abs(band), axis=0, zi=self._state
            )
            # A low-pass of second order rings a little below zero after a burst.
            return np.maximum(envelope, 0.0)
        if self._state is None:
            self._state = np.zeros((design.window - 1, band.shape[1]))
        square = np.concatenate([self._state, band**2])
        self._state = square[len(square) - (design.window - 1) :]
        window = np.lib.stride_tricks.sliding_window_view(square, design.window, axis=0)
        return np.sqrt(window.mean(axis=-1))


def _sos_response(sos: Array, cycles_per_sample: Array) -> NDArray[np.complex128]:
    z = np.exp(-2j * np.pi * np.asarray(cycles_per_sample))
    gain = np.ones(z.shape, complex)
    for b0, b1, b2, a0, a1, a2 in sos:
        gain *= (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
    return gain


def _sos_gain(sos: Array, cycles_per_sample: Array) -> Array:
    return np.abs(_sos_response(sos, cycles_per_sample))


def _group_delay(sos: Array, cycles_per_sample: Array) -> Array:
    """Return the group delay in samples: Re(sum k b_k z^-k / sum b_k z^-k), less the same of a."""
    z = np.exp(-2j * np.pi * cycles_per_sample)
    delay = np.zeros(len(z))
    for b0, b1, b2, a0, a1, a2 in sos:
        delay += ((z * (b1 + 2 * z * b2)) / (b0 + z * (b1 + z * b2))).real
        delay -= ((z * (a1 + 2 * z * a2)) / (a0 + z * (a1 + z * a2))).real
    return delay


def _mean_response(window: int, cycles_per_sample: Array) -> Array:
    """Return the gain of a moving average of ``window`` samples (Dirichlet kernel)."""
    x = np.pi * cycles_per_sample
    sine = np.sin(x)
    safe = np.where(sine == 0, 1.0, sine)
    return np.where(sine == 0, 1.0, np.abs(np.sin(window * x) / (window * safe)))
