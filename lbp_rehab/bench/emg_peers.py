"""The peers of the EMG benchmark: a plain SciPy chain and NeuroKit2, on the same signals.

Both work offline on the whole recording, and both are helped with what they cannot know: the true
frequency of the mains, and when each muscle is truly at rest. NeuroKit2 (Makowski et al. 2021,
Behav Res Methods 53:1689) is used in two ways: as it comes, and as its documentation lets it be
set up for surface EMG.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lbp_rehab.bench.emg_case import TrueTiring
from lbp_rehab.bench.naive import (
    BASELINE_S,
    ON_S,
    ON_SD,
    naive_band,
    naive_bursts,
    naive_envelope,
    naive_median_slope,
)
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NAIVE, NEUROKIT, TUNED = "naive", "neurokit", "neurokit_tuned"
NEEDS_NEUROKIT = (NEUROKIT, TUNED)
NOT_INSTALLED = "not installed"
_MICROVOLTS = 1e6
_NEUROKIT_HZ = 1000.0  # `emg_amplitude` takes no sampling rate and assumes this one


@dataclass(frozen=True)
class Signals:
    """What a peer is given of one recording.

    Attributes
    ----------
    trial, data : ndarray, shape (n, c)
        Volts of the MVC trial and of the exercise.
    rate_hz, mains_hz : float
    rest : ndarray of bool, shape (n, c)
        Where each muscle is truly at rest in the exercise, and its channel sound.
    window_s : float
        Of the highest mean that is the MVC.
    """

    trial: Array
    data: Array
    rate_hz: float
    mains_hz: float
    rest: Mask
    window_s: float


@dataclass(frozen=True)
class PeerAnswer:
    """What a peer makes of it.

    Attributes
    ----------
    activation : ndarray, shape (n, c)
        Fraction of the maximum.
    bursts : tuple of (channel, first, last)
        Samples.
    took_s : float
    """

    activation: Array
    bursts: tuple[tuple[int, int, int], ...]
    took_s: float


def neurokit_installed() -> bool:
    """Whether NeuroKit2 is there."""
    return importlib.util.find_spec("neurokit2") is not None


def answer(peer: str, signals: Signals) -> PeerAnswer:
    """Return what one of the peers makes of a recording."""
    chain: Callable[[Signals], tuple[Array, Array, list[tuple[int, int, int]]]] = {
        NAIVE: _naive,
        NEUROKIT: lambda s: _neurokit(s, tuned=False),
        TUNED: lambda s: _neurokit(s, tuned=True),
    }[peer]
    begin = time.perf_counter()
    trial, envelope, bursts = chain(signals)
    strongest = _strongest(trial, signals)
    activation = envelope / np.where(strongest > 0, strongest, np.nan)  # of a dead channel: none
    return PeerAnswer(activation, tuple(bursts), time.perf_counter() - begin)


def slopes(
    signals: Signals, start_ns: int, labels: Sequence[str], tiring: Sequence[TrueTiring]
) -> list[float]:
    """Return the plain peer's fatigue slopes in Hz/s; it is told when the effort begins and ends.

    Parameters
    ----------
    signals : Signals
    start_ns : int
        Stamp of the first sample of the exercise.
    labels : sequence of str
    tiring : sequence of TrueTiring
    """
    if not tiring:
        return []
    band = naive_band(signals.data, signals.rate_hz, signals.mains_hz)
    found = []
    for true in tiring:
        first, last = (
            round((stamp - start_ns) / NANOSECONDS * signals.rate_hz)
            for stamp in (true.start_ns, true.end_ns)
        )
        column = band[first:last, list(labels).index(true.label)]
        found.append(naive_median_slope(column, signals.rate_hz))
    return found


def _strongest(trial: Array, signals: Signals) -> Array:
    """Return the highest mean of each channel's envelope over the window, shape (c,)."""
    if not len(trial):
        return np.full(signals.data.shape[1], np.nan)
    window = max(1, round(signals.window_s * signals.rate_hz))
    total = np.concatenate([np.zeros((1, trial.shape[1])), np.cumsum(trial, axis=0)])
    return np.asarray(((total[window:] - total[:-window]) / window).max(axis=0))


def _baseline(envelope: Array, rest: Mask, rate_hz: float) -> tuple[float, float]:
    """Return mean and SD of one channel at its true rest; of the first half second without one."""
    least = round(BASELINE_S * rate_hz)
    quiet = envelope[rest] if rest.sum() >= least else envelope[:least]
    return float(quiet.mean()), float(quiet.std())


def _naive(signals: Signals) -> tuple[Array, Array, list[tuple[int, int, int]]]:
    rate_hz = signals.rate_hz
    trial, envelope = (
        naive_envelope(part, rate_hz, signals.mains_hz) if len(part) else part
        for part in (signals.trial, signals.data)
    )
    bursts = []
    for k, column in enumerate(envelope.T):
        baseline = _baseline(column, signals.rest[:, k], rate_hz)
        bursts += [(k, a, b) for a, b in naive_bursts(column, rate_hz, baseline)]
    return trial, envelope, bursts


def _neurokit(signals: Signals, tuned: bool) -> tuple[Array, Array, list[tuple[int, int, int]]]:
    """Run NeuroKit2 channel by channel, in microvolts: its mixture needs numbers of about 1."""
    factor = round(signals.rate_hz / _NEUROKIT_HZ) if tuned else 1
    trial = np.zeros(signals.trial.shape)
    envelope = np.zeros(signals.data.shape)
    bursts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every channel without a burst
        for k in range(signals.data.shape[1]):
            if len(trial):
                trial[:, k] = _amplitude(signals.trial[:, k], signals, tuned)
            envelope[:, k] = amplitude = _amplitude(signals.data[:, k], signals, tuned)
            limit = None
            if tuned:
                mean, sd = _baseline(amplitude, signals.rest[:, k], signals.rate_hz)
                limit = mean + ON_SD * sd
            found = _activation(amplitude[::factor], signals.rate_hz / factor, limit)
            bursts += [(k, a * factor, b * factor) for a, b in found]
    return trial, envelope, bursts


def _amplitude(volts: Array, signals: Signals, tuned: bool) -> Array:
    """Return the amplitude of one channel, microvolts at the rate of the signal.

    Its own cleaning, a high-pass at 100 Hz, stays in both ways: it takes the mains and the heart
    away. Its filter against the mains is no help: the moving average over a period of the mains is
    a low-pass that takes most of the sEMG too.
    """
    import neurokit2 as nk  # noqa: PLC0415

    factor = round(signals.rate_hz / _NEUROKIT_HZ) if tuned else 1
    signal = volts * _MICROVOLTS
    signal = resample_poly(signal, 1, factor) if factor > 1 else signal
    cleaned = nk.emg_clean(signal, sampling_rate=round(signals.rate_hz / factor))
    amplitude = np.asarray(nk.emg_amplitude(cleaned))
    if tuned:
        amplitude = np.sqrt(np.maximum(amplitude, 0.0))
    return np.repeat(amplitude, factor)[: len(volts)]


def _activation(amplitude: Array, rate_hz: float, limit: float | None) -> list[tuple[int, int]]:
    import neurokit2 as nk  # noqa: PLC0415

    if limit is None:
        _, info = nk.emg_activation(
            emg_amplitude=amplitude, sampling_rate=round(rate_hz), method="mixture"
        )
    elif limit >= amplitude.max():
        return []  # it would refuse the threshold
    else:
        _, info = nk.emg_activation(
            emg_amplitude=amplitude, sampling_rate=round(rate_hz), method="threshold",
            threshold=limit, duration_min=round(ON_S * rate_hz),
        )  # fmt: skip
    pairs = zip(info["EMG_Onsets"], info["EMG_Offsets"], strict=False)
    return [(int(a), int(b)) for a, b in pairs]
