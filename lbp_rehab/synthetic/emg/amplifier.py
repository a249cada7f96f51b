"""From drives to volts: the interference pattern and all that electrode and amplifier add to it.

Samples are made in fixed blocks of half a second. What carries over from block to block is kept
here, so that a recording does not depend on the chunks in which it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from lbp_rehab.synthetic.emg.electrodes import (
    HARMONICS,
    OFF,
    Contact,
    Electrodes,
    ElectrodeSettings,
    Loose,
)
from lbp_rehab.synthetic.emg.recruitment import LABELS

Array = NDArray[np.float64]

BLOCK_S = 0.5
# Corner frequencies of the spectrum of surface EMG (Stulen and De Luca 1981, IEEE Trans Biomed Eng
# 28:515; form of Shwedyk et al. 1977).
LOW_HZ, HIGH_HZ = 60.0, 130.0
_KERNEL_S = 0.256  # the filter that shapes white noise
# Waves of the heartbeat: time after R, height relative to R, width (after McSharry et al. 2003,
# IEEE Trans Biomed Eng 50:289, table I), and the same in a second lead, turned against the first.
_HEART_WAVES = (
    (-0.18, 0.08, 0.025, 0.05),
    (-0.030, -0.12, 0.010, 0.10),
    (0.0, 1.0, 0.011, 0.25),
    (0.030, -0.22, 0.011, -0.60),
    (0.26, 0.22, 0.045, 0.20),
)
_BEAT_REACH_S = 0.45  # before and after R
_DRIFT_BELOW_HZ = 2.0
_ARTEFACT_BAND_HZ = (1.0, 10.0)  # De Luca et al. 2010 (J Biomech 43:1573): below 20 Hz
ARTEFACT_FROM = 1.4  # of the usual speed
_BARE_MAINS_V = 0.8e-3  # what a bare lead picks up
_BARE_NOISE_V = 30e-6
_SETTLE_V, _SETTLE_S = 1.5e-3, 0.25  # of an electrode that is put back
_NOISE_STREAM = 33
_MUSCLE, _AMPLIFIER, _DRIFT, _ARTEFACT, _HEART, _HUM, _BARE, _CABLE = range(8)
# Of the muscle, through a pole whose gel dries: high impedance makes a divider with the input.
HALF_OFF_SHARE = 0.5
_CABLE_BAND_HZ = (1.0, 10.0)  # as the artefact's
_CABLE_SWINGS = 6  # sinusoids
_CABLE_STEP_HZ = 1.0  # how often the cable jerks
_CABLE_RETURN_S = 0.2  # the input's coupling brings a step back


def power(f_hz: NDArray[np.floating], conduction: Array | float = 1.0) -> Array:
    """Return the power spectrum of surface EMG, unnormalised.

    ``f_h^4 f^2 / ((f^2 + f_l^2) (f^2 + f_h^2)^2)`` (Shwedyk et al. 1977, IEEE Trans Biomed Eng
    24:417), its frequencies scaled by the conduction velocity of the fibres (Stulen and De Luca
    1981).

    Parameters
    ----------
    f_hz : ndarray
    conduction : float or ndarray
        Velocity relative to that of the rested muscle; broadcast against ``f_hz``.
    """
    low, high = LOW_HZ * np.asarray(conduction), HIGH_HZ * np.asarray(conduction)
    return np.asarray(high**4 * f_hz**2 / ((f_hz**2 + low**2) * (f_hz**2 + high**2) ** 2))


def median_frequency_hz(conduction: float = 1.0, band_hz: tuple[float, float] = (20, 450)) -> float:
    """Return the frequency that halves the power in a band."""
    f = np.linspace(*band_hz, 4001)
    total = np.cumsum(power(f, conduction))
    return float(np.interp(total[-1] / 2.0, total, f))


def _kernels(rate_hz: float, conduction: Array) -> Array:
    """Return filters that give white noise the spectrum of surface EMG and RMS 1, (n, c)."""
    n = round(_KERNEL_S * rate_hz)
    gain = np.sqrt(power(np.fft.rfftfreq(n, 1.0 / rate_hz)[:, None], conduction))
    taps = np.roll(np.fft.irfft(gain, n, axis=0), n // 2, axis=0) * np.hanning(n)[:, None]
    return taps / np.sqrt((taps**2).sum(axis=0))


@dataclass(frozen=True)
class Work:
    """What the person does in one block of ``n`` samples.

    Attributes
    ----------
    t_s : ndarray, shape (n,)
        Time of the samples in the movement.
    drive : ndarray, shape (n, 12)
    amplitude : ndarray, shape (n, 12)
        Of the sEMG for the same drive, relative to the rested muscle.
    conduction : ndarray, shape (12,)
        Conduction velocity relative to the rested muscle.
    speed : ndarray, shape (n,)
        Of the movement, relative to a usual repetition.
    breath_hz, exertion : float
        Of breathing; and the mean drive of the last half minute, which speeds the heart up.
    """

    t_s: Array
    drive: Array
    amplitude: Array
    conduction: Array
    speed: Array
    breath_hz: float = 0.25
    exertion: float = 0.0


class Amplifier:
    """Twelve electrodes and their amplifier.

    Parameters
    ----------
    electrodes : Electrodes
    settings : ElectrodeSettings
    seed : sequence of int
        Of all noise.
    loose : sequence of Loose
        Electrodes that come off.

    Attributes
    ----------
    beats_s : list of float
        Times of the R waves so far, and of up to a second ahead.
    """

    def __init__(
        self,
        electrodes: Electrodes,
        settings: ElectrodeSettings,
        seed: Sequence[int],
        loose: Sequence[Loose] = (),
    ) -> None:
        self.electrodes, self.settings = electrodes, settings
        self.block_length = round(BLOCK_S * settings.rate_hz)
        self.beats_s: list[float] = []
        self._seed, self._loose = [*seed, _NOISE_STREAM], tuple(loose)
        self._block = 0
        n, rate = len(LABELS), settings.rate_hz
        self._white = self._noise(_MUSCLE, -1)[-(round(_KERNEL_S * rate) - 1) :]
        self._drift = butter(2, _DRIFT_BELOW_HZ, fs=rate, output="sos")
        self._shake = butter(1, _ARTEFACT_BAND_HZ, "bandpass", fs=rate, output="sos")
        self._drift_gain, self._shake_gain = (_rms(sos, rate) for sos in (self._drift, self._shake))
        self._drift_state = np.zeros((1, 2, n))
        self._shake_state = np.zeros((1, 2, n))
        self._heart_rng = np.random.default_rng([*self._seed, _HEART])
        hum = np.random.default_rng([*self._seed, _HUM])
        self._hum_hz = hum.uniform(0.02, 0.12, (1 + n, 2))
        self._hum_phase = hum.uniform(0.0, 2.0 * np.pi, (1 + n, 2))

    def measure(self, work: Work) -> NDArray[np.float32]:
        """Return the next block, shape (n, 12), volts.

        A block shorter than `block_length` is cut from a whole one.
        """
        n, person = len(work.t_s), self.electrodes
        muscle = self._interference(work.conduction)[:n]
        signal = (person.mvc_rms_v * work.drive * work.amplitude * muscle) @ person.mixing.T
        signal += self._heart(work) @ person.heart_v
        mains = self._mains(work.t_s)
        noise = person.noise_v * self._noise(_AMPLIFIER, self._block)[:n]
        signal += mains
        signal += noise
        slow, self._drift_state = sosfilt(
            self._drift, self._noise(_DRIFT, self._block), axis=0, zi=self._drift_state
        )
        signal += person.drift_v / self._drift_gain * slow[:n]
        shake, self._shake_state = sosfilt(
            self._shake, self._noise(_ARTEFACT, self._block), axis=0, zi=self._shake_state
        )
        above = np.maximum(work.speed - ARTEFACT_FROM, 0.0) / (2.0 - ARTEFACT_FROM)
        signal += above[:, None] * (person.artefact_v / self._shake_gain * shake[:n])
        self._spoil(signal, mains + noise, work.t_s)
        self._take_off(signal, work.t_s)
        self._block += 1
        return self._convert(signal)

    def _noise(self, source: int, block: int) -> Array:
        rng = np.random.default_rng([*self._seed, source, block + 1])
        return rng.standard_normal((self.block_length, len(LABELS)))

    def _interference(self, conduction: Array) -> Array:
        """Return the next block of the interference pattern, RMS 1."""
        white = np.concatenate([self._white, self._noise(_MUSCLE, self._block)])
        kernels = _kernels(self.settings.rate_hz, conduction)
        length = len(white) + len(kernels) - 1
        n = 1 << (length - 1).bit_length()
        shaped = np.fft.irfft(
            np.fft.rfft(white, n, axis=0) * np.fft.rfft(kernels, n, axis=0), n, axis=0
        )
        before = len(kernels) - 1
        self._white = white[len(white) - before :]
        return shaped[before : before + self.block_length]

    def _heart(self, work: Work) -> Array:
        """Return two leads of the heart, shape (n, 2); its rate breathes and rises with effort."""
        rng, t_s = self._heart_rng, work.t_s
        if not self.beats_s:
            self.beats_s.append(float(t_s[0]) - rng.uniform(0.0, 1.0))
        while self.beats_s[-1] < t_s[-1] + 1.0:
            last = self.beats_s[-1]
            rate = self.electrodes.heart_bpm / 60.0 * (1.0 + 0.8 * work.exertion)
            breath = 0.04 * np.sin(2.0 * np.pi * work.breath_hz * last)
            self.beats_s.append(last + (1.0 + breath + rng.normal(0.0, 0.02)) / rate)
        wave = np.zeros((len(t_s), 2))
        for beat_s in reversed(self.beats_s):
            if beat_s < t_s[0] - _BEAT_REACH_S:
                break
            first, last = np.searchsorted(t_s, [beat_s - _BEAT_REACH_S, beat_s + _BEAT_REACH_S])
            after = t_s[first:last] - beat_s
            for at_s, height, width_s, second in _HEART_WAVES:
                bump = np.exp(-0.5 * ((after - at_s) / width_s) ** 2)
                wave[first:last, 0] += height * bump
                wave[first:last, 1] += second * bump
        return wave

    def _mains(self, t_s: Array) -> Array:
        """Return the mains hum: line and harmonics, whose size and phase wander slowly."""
        angle = 2.0 * np.pi * self._hum_hz[:, :, None] * t_s + self._hum_phase[:, :, None]
        slow = np.sin(angle).sum(axis=1)
        # 1 rad at up to 0.12 Hz: the line stays within 0.15 Hz of its nominal frequency.
        phase = 2.0 * np.pi * self.settings.line_hz * t_s + 0.5 * slow[0]
        size, at = self.electrodes.mains_v, self.electrodes.mains_phase
        orders = np.array(HARMONICS)[:, None]
        basis = np.concatenate([np.sin(orders * phase), np.cos(orders * phase)]).T
        weights = np.concatenate([size * np.cos(at), size * np.sin(at)])
        weights[np.tile(orders[:, 0], 2) * self.settings.mains_hz >= self.settings.rate_hz / 2] = 0
        return (1.0 + 0.15 * slow[1:].T) * (basis @ weights)

    def _spoil(self, signal: Array, hum: Array, t_s: Array) -> None:
        """Put in the faults of electrodes that still touch; ``hum`` is the mains and the noise."""
        for number, loose in enumerate(self._loose):
            k = LABELS.index(loose.label)
            on = (t_s >= loose.start_s) & (t_s < loose.end_s)
            if loose.contact in OFF or not on.any():
                continue
            if loose.contact == Contact.CLIPPED:
                signal[on, k] = np.clip(signal[on, k], -loose.size, loose.size)
            elif loose.contact == Contact.HALF_OFF:
                own = signal[on, k] - hum[on, k]
                signal[on, k] = HALF_OFF_SHARE * own + loose.size * hum[on, k]
            else:
                rng = np.random.default_rng([*self._seed, _CABLE, k, number])
                signal[on, k] += pulled_cable(rng, t_s[on], loose)

    def _take_off(self, signal: Array, t_s: Array) -> None:
        for loose in self._loose:
            if loose.contact not in OFF:
                continue
            k = LABELS.index(loose.label)
            off = (t_s >= loose.start_s) & (t_s < loose.end_s)
            if off.any():
                if loose.contact == Contact.FLAT:
                    signal[off, k] = 0.0
                elif loose.contact == Contact.RAIL:
                    signal[off, k] = self.settings.range_v
                else:
                    angle = 2.0 * np.pi * self.settings.line_hz * t_s[off]
                    bare = np.random.default_rng([*self._seed, _BARE, k, self._block])
                    signal[off, k] = _BARE_MAINS_V * (np.sin(angle) + 0.15 * np.sin(3 * angle))
                    signal[off, k] += _BARE_NOISE_V * bare.standard_normal(len(t_s))[off]
            after = t_s - loose.end_s
            settling = (after >= 0.0) & (after < 8.0 * _SETTLE_S)
            signal[settling, k] += _SETTLE_V * np.exp(-after[settling] / _SETTLE_S)

    def _convert(self, signal: Array) -> NDArray[np.float32]:
        """Return what the converter gives: steps, and no more than its range."""
        step = self.settings.step_v
        if step:
            limit = self.settings.range_v
            signal = np.clip(np.round(signal / step) * step, -limit, limit - step)
        return signal.astype(np.float32)


def pulled_cable(rng: np.random.Generator, t_s: Array, loose: Loose) -> Array:
    """Return what a pulled cable adds at times within its event, shape (n,), volts.

    Swings of 1 to 10 Hz that come and go, and steps that die away. It is a function of time
    alone; ``rng`` must be new at every call.
    """
    length_s = loose.end_s - loose.start_s
    low, high = np.log(_CABLE_BAND_HZ)
    frequency = np.exp(rng.uniform(low, high, (_CABLE_SWINGS, 1)))
    phase = rng.uniform(0.0, 2.0 * np.pi, (2, _CABLE_SWINGS, 1))
    after = t_s - loose.start_s
    swing = np.sin(2.0 * np.pi * frequency * after + phase[0])
    # Each comes and goes within some seconds.
    swing *= 0.6 + 0.4 * np.sin(2.0 * np.pi * 0.2 * after + phase[1])
    wave = swing.sum(axis=0) / np.sqrt(_CABLE_SWINGS)
    steps = 1 + int(rng.poisson(_CABLE_STEP_HZ * length_s))
    at_s = np.concatenate([[0.0], rng.uniform(0.0, length_s, steps - 1)])
    height = rng.uniform(0.3, 1.0, steps) * rng.choice([-1.0, 1.0], steps)
    for one_s, one in zip(at_s, height, strict=True):
        since = after - one_s
        wave += np.where(since >= 0.0, one * np.exp(-np.maximum(since, 0.0) / _CABLE_RETURN_S), 0.0)
    return 0.5 * loose.size * wave


def _rms(sos: Array, rate_hz: float) -> float:
    """Return the RMS of filtered white noise of RMS 1."""
    impulse = np.zeros(round(20.0 * rate_hz))
    impulse[0] = 1.0
    return float(np.sqrt((sosfilt(sos, impulse) ** 2).sum()))
