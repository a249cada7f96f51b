"""Confidence intervals by drawing whole clips anew: the frames of one clip are not independent.

Cluster bootstrap, percentile interval: Davison and Hinkley 1997, Bootstrap Methods and their
Application, sections 3.8 and 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.figures import rounded

Array = NDArray[np.float64]
Interval = list[float | None] | None

RESAMPLES, SEED = 1000, 95
PERCENT = (2.5, 97.5)


class Resampled:
    """Some clips, drawn anew with replacement `RESAMPLES` times, the same way every time.

    Parameters
    ----------
    frames : sequence of int
        Of each clip. With fewer than two clips that say something there is no interval.
    """

    def __init__(self, frames: Sequence[int]) -> None:
        n = len(frames)
        self._ends = np.cumsum(frames)[:-1]
        self._clip = np.repeat(np.arange(n), frames)
        self.times: Array | None = None
        if n > 1:
            draws = np.random.default_rng(SEED).multinomial(n, np.full(n, 1.0 / n), RESAMPLES)
            self.times = draws.astype(float)  # how often each clip was drawn

    def mean(self, values: Array, digits: int) -> Interval:
        """Return the interval of the mean of values by frame, shape (t, ...); nan is left out."""
        return self.mean_of(np.split(values, self._ends), digits)

    def mean_of(self, values: Sequence[Array], digits: int) -> Interval:
        """Return the interval of the mean of all values, given clip by clip; nan is left out."""
        there = [v[np.isfinite(v)] for v in values]
        sums = np.array([[v.sum(), v.size] for v in there], float).reshape(-1, 2)
        return self.ratio(sums[:, 0], sums[:, 1], digits)

    def ratio(self, over: Array, under: Array, digits: int) -> Interval:
        """Return the interval of the ratio of two sums over clips, each of shape (clips,)."""
        return self.of_sums(
            np.stack([over, under], axis=1),
            lambda s: s[:, 0] / np.where(s[:, 1] > 0, s[:, 1], np.nan),
            digits,
        )

    def of_sums(self, each: Array, function: Callable[[Array], Array], digits: int) -> Interval:
        """Return the interval of a function of sums over clips.

        Parameters
        ----------
        each : ndarray, shape (clips, m)
            What each clip adds.
        function : callable
            From sums, shape (r, m), to the figure of each draw, shape (r,), nan where undefined.
        """
        if self.times is None or np.count_nonzero(each.any(axis=1)) < 2:
            return None
        return _interval(function(self.times @ each), digits)

    def of_frames(self, function: Callable[[Array], float | None], digits: int) -> Interval:
        """Return the interval of a function of how often each frame was drawn, shape (t,)."""
        if self.times is None:
            return None
        drawn = [function(times[self._clip]) for times in self.times]
        return _interval(np.array([np.nan if v is None else v for v in drawn], float), digits)

    def quantiles(self, values: Array, shares: Sequence[float], digits: int) -> list[Interval]:
        """Return the intervals of some quantiles of values by frame, shape (t, ...)."""
        clip = np.broadcast_to(self._clip.reshape(-1, *[1] * (values.ndim - 1)), values.shape)
        known = np.isfinite(values)
        value, clip = values[known], clip[known]
        if self.times is None or np.unique(clip).size < 2:
            return [None for _ in shares]
        order = np.argsort(value, kind="stable")
        value, clip = value[order], clip[order]
        found = np.full((len(self.times), len(shares)), np.nan)
        for row, times in zip(found, self.times, strict=True):
            upto = np.cumsum(times[clip])
            if upto[-1] > 0:
                place = np.searchsorted(upto, np.array(shares) * upto[-1], side="left")
                row[:] = value[np.minimum(place, len(value) - 1)]
        return [_interval(column, digits) for column in found.T]


def _interval(drawn: Array, digits: int) -> Interval:
    there = drawn[np.isfinite(drawn)]
    if not there.size:
        return None
    low, high = np.percentile(there, PERCENT)
    return [rounded(float(low), digits), rounded(float(high), digits)]
