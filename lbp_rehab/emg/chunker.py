"""Gathers timed samples of a device into chunks that end at a gap."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.stream_clock import Run
from lbp_rehab.emg.types import Channel, EmgChunk


@dataclass(frozen=True)
class _Block:
    first_s: float
    data: NDArray[np.float32]
    lost: int
    rate_hz: float
    sigma_s: float


class Chunker:
    """Pairs samples with the runs of `StreamClock`; one thread may add and another take.

    Parameters
    ----------
    chunk_s : float
        Length at which a chunk is full; a shorter one is taken when no more samples are there.
    source : str
        Name for the chunks.

    Attributes
    ----------
    aim_s : float
        A chunk best ends with the first sample from this time on, on the clock of the runs; it
        does if that makes it half to one and a half times as long as a full one. NaN: never.
    """

    def __init__(self, chunk_s: float, source: str) -> None:
        self._chunk_s, self._source = chunk_s, source
        self._untimed: deque[NDArray[np.float32]] = deque()
        self._blocks: deque[_Block] = deque()
        self._samples = 0
        self.aim_s = math.nan
        self._next_s, self._rate_hz = math.nan, 0.0  # of the next chunk

    @property
    def end_s(self) -> float:
        """Time of the last sample of the next chunk, as far as known; NaN before the first."""
        if math.isnan(self._next_s):
            return math.nan
        return self._next_s + (self._wanted(self._next_s, self._rate_hz) - 1) / self._rate_hz

    def hold(self, volts: NDArray[np.float32]) -> None:
        """Take samples of shape (n, c), whose time is not known yet."""
        self._untimed.append(volts)

    def add(self, runs: Iterable[Run]) -> None:
        """Take the times of the next samples that were handed to `hold`."""
        for run in runs:
            block = _Block(run.first_s, self._rows(run.n), run.lost, run.rate_hz, run.sigma_s)
            self._blocks.append(block)

    def take(
        self,
        channels: tuple[Channel, ...],
        to_ns: Callable[[float], int],
        whole: bool = False,
    ) -> EmgChunk | None:
        """Return the next chunk, or None.

        Parameters
        ----------
        channels : tuple of Channel
        to_ns : callable
            Puts the clock of the runs on ROS time.
        whole : bool
            Whether samples wait until they fill a chunk, or a gap ends it.
        """
        blocks = self._blocks
        if not blocks:
            return None
        first, n, many = blocks[0], 0, 0
        wanted = self._wanted(first.first_s, first.rate_hz)
        self._next_s, self._rate_hz = first.first_s, first.rate_hz
        # By their places, since the other thread may append meanwhile.
        while n < wanted and many < len(blocks) and (many == 0 or not blocks[many].lost):
            n += len(blocks[many].data)
            many += 1
        if whole and n < wanted and many == len(blocks):
            return None
        taken = [blocks.popleft() for _ in range(many)]
        last = taken[-1]
        if n > wanted:
            kept = len(last.data) - (n - wanted)
            later_s = last.first_s + kept / last.rate_hz
            blocks.appendleft(replace(last, first_s=later_s, data=last.data[kept:], lost=0))
            taken[-1], n = replace(last, data=last.data[:kept]), wanted
        first_sample = self._samples + first.lost
        self._samples = first_sample + n
        self._next_s = last.first_s + len(taken[-1].data) / last.rate_hz
        return EmgChunk(
            stamp_ns=to_ns(first.first_s),
            rate_hz=last.rate_hz,
            first_sample=first_sample,
            lost_before=first.lost,
            data=np.concatenate([block.data for block in taken]),
            channels=channels,
            stamp_sigma_s=last.sigma_s,
            source=self._source,
        )

    def _wanted(self, first_s: float, rate_hz: float) -> int:
        """Return how many samples from one of this time on make a chunk."""
        full = max(1, round(self._chunk_s * rate_hz))
        if not math.isnan(self.aim_s):
            # A part of a sample more: stamps waver by microseconds.
            to_aim = math.ceil((self.aim_s - first_s) * rate_hz + 0.1) + 1
            if full / 2 <= to_aim <= 1.5 * full:
                return to_aim
        return full

    def _rows(self, n: int) -> NDArray[np.float32]:
        parts = []
        while n:
            block = self._untimed.popleft()
            if len(block) > n:
                self._untimed.appendleft(block[n:])
            parts.append(block[:n])
            n -= len(parts[-1])
        return np.concatenate(parts)
