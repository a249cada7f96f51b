"""Known samples: the sender of ``bench emg-stream`` makes them, the receiver makes them again.

Noise of the size of sEMG, so that the pipeline has its usual work, with a number of its own in
every sample: two samples are never the same, so that any loss or change shows.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CHANNELS = 12
BLOCK = 2000
SEED = 20
RMS_V = 30e-6


@lru_cache(maxsize=64)
def _block(number: int) -> Samples:
    rng = np.random.default_rng([SEED, number])
    return (RMS_V * rng.standard_normal((BLOCK, CHANNELS))).astype(np.float32)


def known(first: int, n: int) -> Samples:
    """Return samples ``first`` to ``first + n``, shape (n, 12), volts."""
    blocks = range(first // BLOCK, (first + n - 1) // BLOCK + 1)
    whole = np.concatenate([_block(b) for b in blocks])
    start = first - (first // BLOCK) * BLOCK
    return whole[start : start + n]


class Checker:
    """Compares chunks with the known samples, to the bit.

    Parameters
    ----------
    reach : int
        How many samples ahead and behind a chunk that does not fit is looked for.

    Attributes
    ----------
    first : int or None
        Index of the first sample that came: what was sent before the receiver had joined.
    received, lost, out_of_order, wrong : int
        Samples: all that came, those that were skipped, those that came late or twice, and those
        that are nowhere in the neighbourhood.
    """

    def __init__(self, reach: int = 20 * BLOCK) -> None:
        self._reach = reach
        self.first: int | None = None
        self.received = self.lost = self.out_of_order = self.wrong = 0
        self._expected = 0

    @property
    def expected(self) -> int:
        """Index of the sample that should come next."""
        return self._expected

    def check(self, data: Samples) -> int | None:
        """Take the next chunk, shape (n, 12); return the index of its first sample, or None."""
        first: int | None = None
        begin = 0
        while begin < len(data):
            index = self._find(data[begin])
            if index is None:
                self.wrong += 1
                self.received += 1
                begin += 1
                continue
            same = (data[begin:] == known(index, len(data) - begin)).all(axis=1)
            n = len(same) if same.all() else int(np.argmin(same))
            self._take(index, n)
            first = index if first is None else first
            begin += n
        return first

    def _find(self, row: Samples) -> int | None:
        if (known(self._expected, 1)[0] == row).all():
            return self._expected
        low = max(0, self._expected - self._reach)
        near = known(low, self._expected + self._reach - low)
        hits = np.flatnonzero((near == row).all(axis=1))
        return low + int(hits[0]) if hits.size else None

    def _take(self, index: int, n: int) -> None:
        self.received += n
        if self.first is None:
            self.first = self._expected = index
        if index < self._expected:
            self.out_of_order += n
            return
        self.lost += index - self._expected
        self._expected = index + n
