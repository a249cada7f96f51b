"""Finds out whether the mains of this place has 50 or 60 Hz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GRIDS_HZ = (50.0, 60.0)
WINDOW_S = 1.0
# A line fills the main lobe of the Hann window; beside it lies what the muscles do there.
LINE_HZ, BESIDE_HZ = 1.5, (2.5, 6.0)
MEMORY_WINDOWS = 10.0
# Windows with this much more evidence for the other grid (natural logarithm of the power ratio,
# summed over channels) before it is believed; an earlier decision is not given up for noise.
ENOUGH = 3.0


class MainsFinder:
    """Compares the lines at 50 and 60 Hz and their third harmonics, second by second.

    Parameters
    ----------
    rate_hz : float

    Attributes
    ----------
    mains_hz : float
        What is believed; 0 before the first window.
    seen : bool
        Whether there is a line at all; if not, any frequency does.
    """

    def __init__(self, rate_hz: float) -> None:
        self._length = round(WINDOW_S * rate_hz)
        self._taper = np.hanning(self._length)[:, None]
        frequency = np.arange(self._length // 2 + 1) * (rate_hz / self._length)
        self._lines = []
        for grid_hz in GRIDS_HZ:
            for multiple in (1, 3):
                off = np.abs(frequency - multiple * grid_hz)
                beside = (off >= BESIDE_HZ[0]) & (off <= BESIDE_HZ[1])
                if multiple * grid_hz + BESIDE_HZ[1] < rate_hz / 2:
                    self._lines.append((GRIDS_HZ.index(grid_hz), off <= LINE_HZ, beside))
        self._raw: list[NDArray[np.floating]] = []
        self._have = 0
        self._evidence = np.zeros(len(GRIDS_HZ))
        self.mains_hz = 0.0
        self.seen = False

    def update(self, raw: NDArray[np.floating]) -> bool:
        """Take the next samples, shape (n, c); return whether the answer has changed."""
        before = self.mains_hz
        self._raw.append(raw)
        self._have += len(raw)
        while self._have >= self._length:
            whole = np.concatenate(self._raw).astype(np.float64)
            self._raw, self._have = [whole[self._length :]], self._have - self._length
            self._weigh(whole[: self._length])
        return self.mains_hz != before

    def restart(self) -> None:
        """Forget the samples, as after a gap; the answer stays."""
        self._raw, self._have = [], 0

    def _weigh(self, window: Array) -> None:
        power = np.abs(np.fft.rfft((window - window.mean(axis=0)) * self._taper, axis=0)) ** 2
        power += np.finfo(float).tiny
        seen = np.zeros(len(GRIDS_HZ))
        for grid, line, beside in self._lines:
            ratio = power[line].mean(axis=0) / power[beside].mean(axis=0)
            seen[grid] += np.log(np.maximum(ratio, 1.0)).sum()
        self._evidence += (seen - self._evidence) / MEMORY_WINDOWS if self.mains_hz else seen
        best = GRIDS_HZ[int(np.argmax(self._evidence))]
        lead = self._evidence.max() - self._evidence.min()
        self.seen = bool(lead > ENOUGH)
        if not self.mains_hz or self.seen:
            self.mains_hz = best
