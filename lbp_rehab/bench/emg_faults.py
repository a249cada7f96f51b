"""How well faulty channels are told from sound ones, and fatigue slopes against the true ones.

Both are read from what the pipeline says at its instants: what a listener to ``emg/activation``
gets. A channel is marked unusable at an instant whose envelope is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.emg_case import EmgCase, TrueTiring
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Stamps = NDArray[np.int64]

AWAY_S = 1.0  # from a fault: nearer, a channel is neither faulty nor sound
SETTLE_S = 1.5  # at the beginning of a recording nothing is asked
FOUND_SHARE = 0.5  # of a faulty stretch that must be marked
LEAST_FALL_HZ = 3.0  # of the true median frequency in a set that counts as tiring


@dataclass(frozen=True)
class Stretch:
    """One faulty stretch of one channel, and the share of its instants that were marked."""

    channel: int
    contact: str
    seconds: float
    marked: float

    @property
    def found(self) -> bool:
        """Whether at least half of it was marked."""
        return self.marked >= FOUND_SHARE


@dataclass(frozen=True)
class FaultScore:
    """Faults of one recording, the trial included.

    Attributes
    ----------
    stretches : tuple of Stretch
    faulty, given : ndarray of int, shape (c,)
        Instants within faulty stretches, and those of them that were given a value all the same.
    sound, marked : ndarray of int, shape (c,)
        Instants of sound channels, and those of them that were marked.
    """

    stretches: tuple[Stretch, ...]
    faulty: NDArray[np.int64]
    given: NDArray[np.int64]
    sound: NDArray[np.int64]
    marked: NDArray[np.int64]


def within(stamp_ns: Stamps, spans_ns: Sequence[tuple[int, int]], margin_s: float = 0.0) -> Mask:
    """Return which stamps lie within spans, or no farther from them than a margin."""
    margin = round(margin_s * NANOSECONDS)
    inside = np.zeros(len(stamp_ns), bool)
    for start, end in spans_ns:
        inside |= (stamp_ns >= start - margin) & (stamp_ns < end + margin)
    return inside


def score_faults(case: EmgCase, stamp_ns: Stamps, marked: Mask) -> FaultScore:
    """Compare the marks with the truth.

    Parameters
    ----------
    case : EmgCase
    stamp_ns : ndarray, shape (n,)
        Instants of the whole recording.
    marked : ndarray of bool, shape (n, c)
        Where a channel was unusable.
    """
    n, labels = len(case.labels), list(case.labels)
    stretches = []
    faulty, given, sound, false = (np.zeros(n, np.int64) for _ in range(4))
    settled = stamp_ns >= (stamp_ns[0] if len(stamp_ns) else 0) + SETTLE_S * NANOSECONDS
    for k, label in enumerate(labels):
        own = [s for s in case.spoiled if s.label == label]
        clean = settled & ~within(stamp_ns, [*(s.event_ns for s in own), *case.shaken], AWAY_S)
        bad = within(stamp_ns, [span for s in own for span in s.spans_ns])
        faulty[k], given[k] = bad.sum(), (bad & ~marked[:, k]).sum()
        sound[k], false[k] = clean.sum(), (clean & marked[:, k]).sum()
        for event in own:
            for span in event.spans_ns:
                inside = within(stamp_ns, [span])
                share = float(marked[inside, k].mean()) if inside.any() else 0.0
                seconds = (span[1] - span[0]) / NANOSECONDS
                stretches.append(Stretch(k, event.contact, seconds, share))
    return FaultScore(tuple(stretches), faulty, given, sound, false)


@dataclass(frozen=True)
class Slope:
    """The fatigue slope of one channel of a tiring set.

    Attributes
    ----------
    channel : int
    fall_hz : float
        By how much the true median frequency falls from start to end of the effort.
    true_hz_s, found_hz_s : float
        Least-squares slope of the true median frequency over the effort, and the slope given at
        its end; nan where that is unknown.
    sigma_hz_s : float
        Of the slope given; nan where there is none.
    peer_hz_s : float
        As the plain peer has it.
    """

    channel: int
    fall_hz: float
    true_hz_s: float
    found_hz_s: float
    sigma_hz_s: float
    peer_hz_s: float

    @property
    def counts(self) -> bool:
        """Whether the muscle truly tires."""
        return self.fall_hz >= LEAST_FALL_HZ

    @property
    def right(self) -> bool:
        """Whether the slope is known and negative."""
        return self.found_hz_s < 0.0


def score_slopes(
    case: EmgCase, stamp_ns: Stamps, slope: Array, sigma: Array, peer: Sequence[float]
) -> tuple[Slope, ...]:
    """Return the slopes at the end of a tiring set.

    The end is the last instant of the effort; where the channel is faulty then, the last one more
    than `AWAY_S` before that fault.

    Parameters
    ----------
    case : EmgCase
    stamp_ns : ndarray, shape (n,)
    slope, sigma : ndarray, shape (n, c)
        Hertz a second; nan where unknown.
    peer : sequence of float
        The peer's slope of each of ``case.tiring``.
    """
    found = []
    for true, other in zip(case.tiring, peer, strict=True):
        k = list(case.labels).index(true.label)
        events = [s.event_ns for s in case.spoiled if s.label == true.label]
        during = (stamp_ns >= true.start_ns) & (stamp_ns <= true.end_ns)
        sound = np.flatnonzero(during & ~within(stamp_ns, events, AWAY_S))
        value, error = (slope[sound[-1], k], sigma[sound[-1], k]) if len(sound) else (np.nan,) * 2
        fall = float(true.median_hz[0] - true.median_hz[-1])
        found.append(
            Slope(k, fall, true_slope(true), float(value), float(error), float(other))
        )  # fmt: skip
    return tuple(found)


def true_slope(true: TrueTiring) -> float:
    """Return the least-squares slope of the true median frequency in Hz/s."""
    seconds = np.linspace(0.0, (true.end_ns - true.start_ns) / NANOSECONDS, len(true.median_hz))
    return float(np.polyfit(seconds, true.median_hz, 1)[0])
