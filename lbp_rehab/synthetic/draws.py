"""Random draws whose ranges are split between training and testing.

A benchmark is honest only if its people, rooms and habits could not have been drawn in training.
So every range is cut into ten bands of equal probability, of which training and testing own
different ones; both reach from one end of the range to the other.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from scipy.stats import norm

_BANDS = 10
_TEST_BANDS = (1, 4, 6, 8)
_TAILS = 0.006  # of a normal distribution that are never drawn: 2.5 standard deviations


class Split(IntEnum):
    """Whose bands are drawn from; part of every seed, so that no two splits share one."""

    ANY = 0
    TRAIN = 1
    TEST = 2


class Draws:
    """A stream of random draws.

    Parameters
    ----------
    seed : int
        Not negative.
    split : Split
    stream : int
        Draws of different streams are independent.

    Attributes
    ----------
    rng : numpy.random.Generator
        For what both splits may share, such as noise and the place of the camera.
    """

    def __init__(self, seed: int, split: Split = Split.ANY, stream: int = 0) -> None:
        self.split = split
        self.rng = np.random.default_rng([seed, int(split), stream])

    def quantile(self) -> float:
        """Return a number between 0 and 1 from the bands of the split."""
        return (self._band() + float(self.rng.uniform())) / _BANDS

    def uniform(self, low: float, high: float) -> float:
        """Return a number between two others."""
        return low + (high - low) * self.quantile()

    def normal(self, mean: float, sd: float) -> float:
        """Return a normally distributed number, cut off at 2.5 standard deviations."""
        share = _TAILS + (1.0 - 2.0 * _TAILS) * self.quantile()
        return mean + sd * float(norm.ppf(share))

    def flip(self, probability: float = 0.5) -> bool:
        """Return whether something with this probability happens; shared by the splits."""
        return bool(self.rng.uniform() < probability)

    def _band(self) -> int:
        if self.split == Split.ANY:
            return int(self.rng.integers(_BANDS))
        own = [b for b in range(_BANDS) if (b in _TEST_BANDS) == (self.split == Split.TEST)]
        return own[int(self.rng.integers(len(own)))]
