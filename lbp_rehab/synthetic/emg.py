"""Surface EMG of twelve trunk and hip channels that a movement drives.

Each channel is band-limited Gaussian noise whose RMS follows the muscle's drive, with the heart,
the mains, slow drift and the amplifier on top. Volts throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.synthetic.movement import PELVIS_DROP_RAD, Dof, Movement

RATE_HZ = 1000.0
MAINS_HZ = 50.0
ADC_STEP_V = 2e-7

# Corner frequencies of the spectrum of surface EMG (Stulen and De Luca 1981, IEEE Trans Biomed Eng
# 28:515; form of Shwedyk et al. 1977).
_LOW_HZ, _HIGH_HZ = 60.0, 130.0
_LEAD_S = 0.08  # electromechanical delay: the muscle is on before the segment moves
_AMPLIFIER_V = 1.5e-6  # RMS
_DRIFT_V = 4e-6  # RMS below 5 Hz
_HEART_PERIOD_S = 60.0 / 68.0
# Waves of the heartbeat: time after R, height relative to R, width (after McSharry et al. 2003,
# IEEE Trans Biomed Eng 50:289, table I).
_HEART_WAVES = (
    (-0.18, 0.08, 0.025),
    (-0.030, -0.12, 0.010),
    (0.0, 1.0, 0.011),
    (0.030, -0.22, 0.011),
    (0.26, 0.22, 0.045),
)


@dataclass(frozen=True)
class Recruitment:
    """How a glute bridge drives one muscle, in fractions of the maximal contraction.

    Attributes
    ----------
    tonic : float
        At rest.
    hold : float
        Added at the top, in proportion to the lift.
    rise, fall : float
        Added at the fastest moment of lifting and of lowering.
    unload : float
        Share of the drive that the muscle loses on the side that sinks by 10 degrees.
    mvc_rms_v : float
        RMS at full drive.
    heart_v : float
        Height of the heart's R wave there.
    mains_v : float
        Amplitude of the mains hum.
    """

    tonic: float
    hold: float
    rise: float
    fall: float
    unload: float
    mvc_rms_v: float
    heart_v: float
    mains_v: float


_MICRO = 1e-6
GLUTE_BRIDGE: dict[Muscle, Recruitment] = {
    Muscle.MULTIFIDUS: Recruitment(
        0.020, 0.30, 0.10, -0.04, 0.15, 190 * _MICRO, 18 * _MICRO, 3 * _MICRO
    ),
    Muscle.ERECTOR_SPINAE: Recruitment(
        0.020, 0.26, 0.08, -0.04, 0.15, 230 * _MICRO, 35 * _MICRO, 4 * _MICRO
    ),
    Muscle.INTERNAL_OBLIQUE: Recruitment(
        0.030, 0.07, 0.03, 0.0, 0.0, 170 * _MICRO, 25 * _MICRO, 4 * _MICRO
    ),
    Muscle.EXTERNAL_OBLIQUE: Recruitment(
        0.020, 0.05, 0.02, 0.0, 0.0, 200 * _MICRO, 50 * _MICRO, 3 * _MICRO
    ),
    Muscle.RECTUS_ABDOMINIS: Recruitment(
        0.012, 0.02, 0.02, 0.0, 0.0, 260 * _MICRO, 60 * _MICRO, 3 * _MICRO
    ),
    Muscle.GLUTEUS_MAXIMUS: Recruitment(
        0.015, 0.42, 0.14, -0.10, 0.5, 280 * _MICRO, 2 * _MICRO, 5 * _MICRO
    ),
}
CHANNELS: tuple[tuple[Muscle, Side], ...] = tuple(
    (muscle, side) for muscle in GLUTE_BRIDGE for side in (Side.LEFT, Side.RIGHT)
)
LABELS: tuple[str, ...] = tuple(f"{m.name.lower()}_{s.name[0].lower()}" for m, s in CHANNELS)


def drive(movement: Movement, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return every channel's drive, shape (n, 12), fractions of the maximal contraction.

    Parameters
    ----------
    t_s : ndarray, shape (n,)
        Seconds from the start of the movement.
    """
    dof, rate = movement.at(t_s + _LEAD_S), movement.rate(t_s + _LEAD_S)
    lift = dof[:, Dof.LIFT]
    # A lift of the whole range in 1.4 s is fastest at 1.875 ranges in 1.4 s (minimum jerk).
    speed = rate[:, Dof.LIFT] / (1.875 / 1.4)
    columns = []
    for muscle, side in CHANNELS:
        r = GLUTE_BRIDGE[muscle]
        level = r.hold * lift + r.rise * np.maximum(speed, 0.0) - r.fall * np.minimum(speed, 0.0)
        # The right side up is the left side sinking.
        sinking = dof[:, Dof.OBLIQUITY] * (1.0 if side == Side.LEFT else -1.0) / PELVIS_DROP_RAD
        level *= 1.0 - r.unload * np.clip(sinking, -0.2, 1.0)
        columns.append(np.clip(r.tonic + level, 0.0, 1.0))
    return np.stack(columns, axis=1)


def measure(drives: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    """Return what the electrodes measure, shape (n, 12), volts at `RATE_HZ`.

    Parameters
    ----------
    drives : ndarray, shape (n, 12)
        As from `drive`.
    seed : int
        Decides all noise; the same seed gives the same samples.
    """
    rng = np.random.default_rng([seed, 3])
    n = len(drives)
    t_s = np.arange(n) / RATE_HZ
    heart = _heart(t_s, rng)
    out = np.empty((n, len(CHANNELS)))
    for k, (muscle, side) in enumerate(CHANNELS):
        r = GLUTE_BRIDGE[muscle]
        signal = r.mvc_rms_v * drives[:, k] * interference(n, rng)
        # The heart lies to the left.
        signal += r.heart_v * (1.25 if side == Side.LEFT else 0.8) * heart
        phase = rng.uniform(0.0, 2.0 * np.pi)
        signal += r.mains_v * np.sin(2.0 * np.pi * MAINS_HZ * t_s + phase)
        signal += 0.2 * r.mains_v * np.sin(2.0 * np.pi * 3.0 * MAINS_HZ * t_s + 2.0 * phase)
        signal += _AMPLIFIER_V * rng.standard_normal(n) + _drift(n, rng)
        out[:, k] = signal
    return (np.round(out / ADC_STEP_V) * ADC_STEP_V).astype(np.float32)


def interference(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ``n`` samples of the interference pattern of many motor units, RMS 1.

    Gaussian noise with the power spectrum ``f_h^4 f^2 / ((f^2 + f_l^2) (f^2 + f_h^2)^2)``
    (Shwedyk et al. 1977, IEEE Trans Biomed Eng 24:417).
    """
    f = np.fft.rfftfreq(n, 1.0 / RATE_HZ)
    power = _HIGH_HZ**4 * f**2 / ((f**2 + _LOW_HZ**2) * (f**2 + _HIGH_HZ**2) ** 2)
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * np.sqrt(power), n)
    return shaped / np.sqrt(power.mean())


def mvc_envelopes_v(seed: int) -> dict[str, float]:
    """Return what an MVC calibration would find: label -> volts.

    Five seconds at full drive, band-passed (20 to 450 Hz), rectified and smoothed (6 Hz), and the
    highest mean over one second.
    """
    rng = np.random.default_rng([seed, 4])
    band = butter(2, (20.0, 450.0), "bandpass", fs=RATE_HZ, output="sos")
    smooth = butter(2, 6.0, fs=RATE_HZ, output="sos")
    found = {}
    for label, (muscle, _) in zip(LABELS, CHANNELS, strict=True):
        signal = GLUTE_BRIDGE[muscle].mvc_rms_v * interference(round(5 * RATE_HZ), rng)
        envelope = sosfiltfilt(smooth, np.abs(sosfiltfilt(band, signal)))
        second = round(RATE_HZ)
        found[label] = float(np.convolve(envelope, np.full(second, 1.0 / second), "valid").max())
    return found


def _heart(t_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    wave = np.zeros_like(t_s)
    beat_s = -rng.uniform(0.0, _HEART_PERIOD_S)
    while beat_s < t_s[-1] + 1.0:
        for after_s, height, width_s in _HEART_WAVES:
            wave += height * np.exp(-0.5 * ((t_s - beat_s - after_s) / width_s) ** 2)
        beat_s += _HEART_PERIOD_S * (1.0 + rng.normal(0.0, 0.03))
    return wave


def _drift(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    slow = sosfiltfilt(butter(2, 5.0, fs=RATE_HZ, output="sos"), rng.standard_normal(n))
    return _DRIFT_V * slow / np.sqrt((slow**2).mean())
