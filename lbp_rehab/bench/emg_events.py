"""Pairs events that were found, such as onsets of a muscle, with the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.stamps import NANOSECONDS

MATCH_S = 0.3  # further apart, two events are not the same


@dataclass(frozen=True)
class Events:
    """Events found and true.

    Attributes
    ----------
    late_s : ndarray, shape (k,)
        Found less true time of the pairs in seconds.
    paired, missing, surplus : ndarray of int, shape (k,), (m,), (f,)
        Channel of each pair, of each true event without a found one, and the other way round.
    """

    late_s: NDArray[np.float64]
    paired: NDArray[np.int64]
    missing: NDArray[np.int64]
    surplus: NDArray[np.int64]

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

    def of(self, channels: Sequence[int]) -> Events:
        """Return the events of some channels."""
        here = np.isin(self.paired, channels)
        return Events(
            self.late_s[here],
            self.paired[here],
            self.missing[np.isin(self.missing, channels)],
            self.surplus[np.isin(self.surplus, channels)],
        )


def match(true: Sequence[tuple[int, int]], found: Sequence[tuple[int, int]]) -> Events:
    """Pair events of the same channel, the nearest pairs first.

    Parameters
    ----------
    true, found : sequence of (channel, stamp_ns)
    """
    pairs = sorted(
        (abs(f[1] - t[1]), i, j)
        for i, t in enumerate(true)
        for j, f in enumerate(found)
        if t[0] == f[0] and abs(f[1] - t[1]) <= MATCH_S * NANOSECONDS
    )
    left, right = set(range(len(true))), set(range(len(found)))
    late, channel = [], []
    for _, i, j in pairs:
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
            late.append((found[j][1] - true[i][1]) / NANOSECONDS)
            channel.append(true[i][0])
    return Events(
        np.array(late, float),
        np.array(channel, np.int64),
        np.array([true[i][0] for i in sorted(left)], np.int64),
        np.array([found[j][0] for j in sorted(right)], np.int64),
    )
