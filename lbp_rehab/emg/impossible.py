"""Keeps samples that no electrode can give out of the filters, and marks their channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import NANOSECONDS, Quality

# sEMG is at most 10 mV peak to peak (De Luca 2002), and the offset of a pair of electrodes on the
# skin at most 0.3 V (IEC 60601-2-27 asks amplifiers to stand it). More than 1 V is no potential of
# the skin: a broken word on the wire, or a wrong unit.
LARGEST_V = 1.0


class ImpossibleSamples:
    """Holds the last possible sample of a channel in place of one beyond `LARGEST_V`.

    A sample clipped to the limit would still ring in the mains notches for seconds; one that is
    held rings as little as a lost sample does.

    Parameters
    ----------
    n_channels : int
    settle_s : float
        How long the filters need to settle; so long a channel stays marked.
    """

    def __init__(self, n_channels: int, settle_s: float) -> None:
        self._settle_ns = round(settle_s * NANOSECONDS)
        self._held = np.zeros(n_channels, np.float32)
        self._has_held = np.zeros(n_channels, bool)
        self._until_ns = np.zeros(n_channels, np.int64)

    def replace(
        self, data: NDArray[np.float32], stamp_ns: int, rate_hz: float
    ) -> NDArray[np.float32]:
        """Return samples, shape (n, c), the first of them of this time, without impossible ones."""
        if data.max() > LARGEST_V or data.min() < -LARGEST_V:
            bad = np.abs(data) > LARGEST_V
            data = data.copy()
            for k in np.flatnonzero(bad.any(axis=0)):
                good = np.flatnonzero(~bad[:, k])
                # At the very start there is none before: then the first one that comes.
                first = data[good[0], k] if good.size else np.float32(0.0)
                before = self._held[k] if self._has_held[k] else first
                place = np.maximum.accumulate(np.where(bad[:, k], -1, np.arange(len(data))))
                data[:, k] = np.where(place < 0, before, data[place, k])
                last = int(np.flatnonzero(bad[:, k])[-1])
                last_ns = stamp_ns + round(last / rate_hz * NANOSECONDS)
                self._until_ns[k] = last_ns + self._settle_ns
            self._has_held |= ~bad.all(axis=0)
        else:
            self._has_held[:] = True
        self._held = data[-1].copy()
        return data

    def judge(self, stamp_ns: int, quality: tuple[Quality, ...]) -> tuple[Quality, ...]:
        """Return the quality of each channel: SATURATED where samples of this time are touched."""
        marked = stamp_ns <= self._until_ns
        return tuple(Quality.SATURATED if k else q for q, k in zip(quality, marked, strict=True))
