"""Gathers timed samples of a device into chunks that end at a gap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.stream_clock import Run
from lbp_rehab.emg.types import Channel, EmgChunk

LONGEST_S = 0.05  # a chunk is cut there also when samples had to wait for their time


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
    """

    def __init__(self, chunk_s: float, source: str) -> None:
        self._chunk_s, self._source = chunk_s, source
        self._untimed: deque[NDArray[np.float32]] = deque()
        self._blocks: deque[_Block] = deque()
        self._samples = 0

    def hold(self, volts: NDArray[np.float32]) -> None:
        """Take samples of shape (n, c), whose time is not known yet."""
        self._untimed.append(volts)

    def add(self, runs: Iterable[Run]) -> None:
        """Take the times of the next samples that were handed to `hold`."""
        for run in runs:
            data, lost, at = self._rows(run.n), run.lost, 0
            longest = max(1, round(LONGEST_S * run.rate_hz))
            while at < run.n:
                piece = data[at : at + longest]
                first_s = run.first_s + at / run.rate_hz
                self._blocks.append(_Block(first_s, piece, lost, run.rate_hz, run.sigma_s))
                at, lost = at + longest, 0

    def take(self, channels: tuple[Channel, ...], to_ns: Callable[[float], int]) -> EmgChunk | None:
        """Return the next chunk, or None; ``to_ns`` puts the clock of the runs on ROS time."""
        if not self._blocks:
            return None
        blocks = [self._blocks.popleft()]
        n = len(blocks[0].data)
        while self._blocks and not self._blocks[0].lost and n < self._chunk_s * blocks[0].rate_hz:
            blocks.append(self._blocks.popleft())
            n += len(blocks[-1].data)
        first = self._samples + blocks[0].lost
        self._samples = first + n
        return EmgChunk(
            stamp_ns=to_ns(blocks[0].first_s),
            rate_hz=blocks[-1].rate_hz,
            first_sample=first,
            lost_before=blocks[0].lost,
            data=np.concatenate([block.data for block in blocks]),
            channels=channels,
            stamp_sigma_s=blocks[-1].sigma_s,
            source=self._source,
        )

    def _rows(self, n: int) -> NDArray[np.float32]:
        parts = []
        while n:
            block = self._untimed.popleft()
            if len(block) > n:
                self._untimed.appendleft(block[n:])
            parts.append(block[:n])
            n -= len(parts[-1])
        return np.concatenate(parts)
