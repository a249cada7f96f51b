"""Pairs events that were found, such as onsets of a muscle, with the true ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

Where = Callable[[int, int], bool]

MATCH_S = 0.3  # further apart, two events are not the same


@dataclass(frozen=True)
class TrueEvent:
    """A true onset or offset.

    Attributes
    ----------
    channel : int
    stamp_ns : int
    counts : bool
        Whether it is asked for; of a burst that is too small, or beside a fault, it is not.
    burst_ns : tuple of int
        Where else something may be found without being false, if it does not count: within its
        whole burst, if that is too small.
    start_ns : int
        When the drive began to move; 0 where that is not known.
    """

    channel: int
    stamp_ns: int
    counts: bool
    burst_ns: tuple[int, int]
    start_ns: int = 0


@dataclass(frozen=True)
class Events:
    """Events found and true.

    Attributes
    ----------
    late_s : ndarray, shape (k,)
        Found less true time of the pairs in seconds.
    start_late_s : ndarray, shape (k,)
        Found time less the time at which the drive began to move; nan where that is not known.
    paired, missing, surplus : ndarray of int, shape (k,), (m,), (f,)
        Channel of each pair, of each true event without a found one, and the other way round.
    cross_talk : ndarray of bool, shape (f,)
        Which of the surplus ones a neighbour's signal explains.
    """

    late_s: Array
    start_late_s: Array
    paired: NDArray[np.int64]
    missing: NDArray[np.int64]
    surplus: NDArray[np.int64]
    cross_talk: NDArray[np.bool_]

    @property
    def true(self) -> int:
        """Number of true events."""
        return len(self.paired) + len(self.missing)

    @property
    def missed(self) -> int:
        """Number of true events that were not found."""
        return len(self.missing)

    @property
    def false(self) -> int:
        """Number of found events that are not true."""
        return len(self.surplus)

    @property
    def false_by_cross_talk(self) -> int:
        """Number of those of them that a neighbour's signal explains."""
        return int(self.cross_talk.sum())

    def of(self, channels: Sequence[int]) -> Events:
        """Return the events of some channels."""
        here = np.isin(self.paired, channels)
        return Events(
            self.late_s[here],
            self.start_late_s[here],
            self.paired[here],
            self.missing[np.isin(self.missing, channels)],
            self.surplus[np.isin(self.surplus, channels)],
            self.cross_talk[np.isin(self.surplus, channels)],
        )


def match(
    true: Sequence[TrueEvent],
    found: Sequence[tuple[int, int]],
    excused: Where = lambda channel, stamp_ns: False,
    picked_up: Where = lambda channel, stamp_ns: False,
) -> Events:
    """Pair events of the same channel that are within `MATCH_S`, the nearest pairs first.

    What pairs with an event that does not count is neither right nor false, and so is what else is
    found within `MATCH_S` of the burst of such an event.

    Parameters
    ----------
    true : sequence of TrueEvent
    found : sequence of (channel, stamp_ns)
    excused : callable
        (channel, stamp_ns) -> whether what is found there without a true event is not false.
    picked_up : callable
        (channel, stamp_ns) -> whether the electrode picked something up there.
    """
    reach = MATCH_S * NANOSECONDS
    pairs = sorted(
        (abs(f[1] - t.stamp_ns), i, j)
        for i, t in enumerate(true)
        for j, f in enumerate(found)
        if t.channel == f[0] and abs(f[1] - t.stamp_ns) <= reach
    )
    left, right = set(range(len(true))), set(range(len(found)))
    late, start_late, channel = [], [], []
    for _, i, j in pairs:
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
            event, stamp_ns = true[i], found[j][1]
            if event.counts:
                late.append((stamp_ns - event.stamp_ns) / NANOSECONDS)
                since = (stamp_ns - event.start_ns) / NANOSECONDS if event.start_ns else np.nan
                start_late.append(since)
                channel.append(event.channel)
    ignored = [t for t in true if not t.counts]
    surplus = [
        found[j]
        for j in sorted(right)
        if not excused(*found[j])
        and not any(
            t.channel == found[j][0]
            and t.burst_ns[0] - reach <= found[j][1] <= t.burst_ns[1] + reach
            for t in ignored
        )
    ]
    return Events(
        np.array(late, float),
        np.array(start_late, float),
        np.array(channel, np.int64),
        np.array([true[i].channel for i in sorted(left) if true[i].counts], np.int64),
        np.array([channel for channel, _ in surplus], np.int64),
        np.array([picked_up(*event) for event in surplus], bool),
    )
