"""A synchronising event that camera and amplifier both see: flashes of an LED beside the patient.

The LED's driver sends a pulse to the amplifier at the instant at which each flash begins, as
synchronisation boxes do. In the sEMG the pulse is a step that decays, in all channels at once; a
tap on the electrodes looks alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.draws import Draws

MOST_FLASHES = 100
FLASH_S = 0.1
FIRST_S, AFTER_S = 0.5, 0.4  # quiet before the first and after the last flash
# From one flash to the next: irregular, so that only one offset of the clocks fits the pattern, and
# long enough for a camera of 10 images a second to see dark between them.
BETWEEN_S = (0.22, 0.55)
# What is left of the driver's pulse behind the amplifier's inputs.
PULSE_V, PULSE_SPREAD, DECAY_S = 300e-6, (0.7, 1.3), 0.004
_PULSE_END = 12  # decay times, after which nothing of 1 nV is left

Array = NDArray[np.float64]


def flash_times_s(n: int, draws: Draws) -> tuple[float, ...]:
    """Return when the flashes begin, in the movement's time, whole microseconds.

    Parameters
    ----------
    n : int
    draws : Draws
        Decides the irregular distances.
    """
    gaps = [FIRST_S, *(draws.rng.uniform(*BETWEEN_S) for _ in range(n - 1))]
    return tuple(round(float(t), 6) for t in np.cumsum(gaps[:n]))


def rest_s(times_s: Sequence[float]) -> float:
    """Return how long the patient must rest for these flashes, in seconds."""
    return times_s[-1] + FLASH_S + AFTER_S if times_s else 0.0


def is_lit(times_s: Iterable[float], t_s: float) -> bool:
    """Return whether the LED is on at a time."""
    return any(begin <= t_s < begin + FLASH_S for begin in times_s)


def add_pulses(
    chunks: Iterable[EmgChunk],
    times_s: Sequence[float],
    start_ns: int,
    draws: Draws,
    *,
    step_v: float = 0.0,
    range_v: float = np.inf,
) -> Iterator[EmgChunk]:
    """Yield chunks with the driver's pulses in all channels.

    The first sample at or after the true instant is the first that shows it.

    Parameters
    ----------
    chunks : iterable of EmgChunk
        With true stamps.
    times_s : sequence of float
        When the flashes begin.
    start_ns : int
        Stamp of time 0.
    draws : Draws
        Decides how much of the pulse each channel sees.
    step_v, range_v : float
        Of the converter; 0 and infinite for none.
    """
    height: Array = np.zeros(0)
    for chunk in chunks:
        if not len(height):
            low, high = PULSE_SPREAD
            height = PULSE_V * draws.rng.uniform(low, high, len(chunk.channels))
        t_s = (chunk.stamp_ns - start_ns) / NANOSECONDS + np.arange(len(chunk.data)) / chunk.rate_hz
        since = t_s[:, None] - np.array(times_s) + 1e-9  # stamps are whole nanoseconds
        seen = (since >= 0.0) & (since < _PULSE_END * DECAY_S)
        if not seen.any():
            yield chunk
            continue
        shape = np.where(seen, np.exp(-np.where(seen, since, 0.0) / DECAY_S), 0.0).sum(axis=1)
        pulse = shape[:, None] * height
        if step_v > 0.0:
            pulse = np.asarray(np.round(pulse / step_v) * step_v)
        volts = np.clip(chunk.data + pulse, -range_v, range_v)
        yield replace(chunk, data=np.ascontiguousarray(volts, np.float32))
