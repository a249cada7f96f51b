"""Bone lengths of this person: learnt in the first seconds, then kept.

A bone's length is a constant of the person. The points are moved, each by as much as its covariance
allows, until every bone has the learnt length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.skeleton import BONES, INDEX
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

ENDS = np.array([[INDEX[a], INDEX[b]] for a, b in BONES])
PLAUSIBLE_M = (0.06, 0.65)
SURE_M = 0.06  # 1-sigma of both ends, for a frame to teach a length
SETTLED_S = 3.0  # of sure frames, after which the length is kept
ENOUGH = 5  # sure frames, before a length is used
MEMORY = 120  # sure frames that are kept
GENTLY = 0.05  # of the way to a better estimate, a frame
LENGTH_SIGMA_M = 0.002  # how far a joint's centre slides as it bends
ROUNDS = 3


class BoneLengths:
    """Learns and applies the bone lengths of one tracked person."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._seen: list[list[tuple[float, float]]] = [[] for _ in BONES]
        self._since_ns: list[int | None] = [None] * len(BONES)
        self._settled = np.zeros(len(BONES), bool)
        self.lengths = np.full(len(BONES), np.nan)

    def known(self) -> Array | None:
        """Return all lengths in metres, shape (10,); None until each is known."""
        return None if np.isnan(self.lengths).any() else self.lengths.copy()

    def learn(self, stamp_ns: int, position: Array, sigma: Array) -> None:
        """Take the lengths of the bones both of whose ends are sure.

        Parameters
        ----------
        stamp_ns : int
        position : ndarray, shape (n, 3)
            Metres.
        sigma : ndarray, shape (n,)
            1-sigma radius in metres.
        """
        length = np.linalg.norm(position[ENDS[:, 0]] - position[ENDS[:, 1]], axis=1)
        doubt = np.maximum(sigma[ENDS[:, 0]], sigma[ENDS[:, 1]])
        low, high = PLAUSIBLE_M
        sure = (doubt < SURE_M) & (length > low) & (length < high) & ~self._settled
        for k in np.flatnonzero(sure):
            seen, since = self._seen[k], self._since_ns[k]
            seen.append((float(length[k]), float(doubt[k])))
            del seen[:-MEMORY]
            if since is None:
                self._since_ns[k] = since = stamp_ns
            if len(seen) >= ENOUGH:
                now = _weighted_median(seen)
                old = self.lengths[k]
                # What is in use moves gently: a jump would move the joints.
                self.lengths[k] = now if np.isnan(old) else old + GENTLY * (now - old)
                self._settled[k] = (
                    stamp_ns - since >= SETTLED_S * NANOSECONDS and len(seen) >= 2 * ENOUGH
                )

    def apply(self, position: Array, covariance: Array) -> Array:
        """Return the positions with every known bone at its length, shape (n, 3).

        Least squares under the constraints ``|p_a - p_b| = length``, weighed by the covariances and
        linearised anew in each round (an iterated Kalman update, Bell and Cathey 1993).

        Parameters
        ----------
        position : ndarray, shape (n, 3)
        covariance : ndarray, shape (n, 3, 3)
        """
        known = np.flatnonzero(np.isfinite(self.lengths))
        if not known.size:
            return position
        a, b = ENDS[known].T
        moved = position.copy()
        points, place = np.unique(ENDS[known], return_inverse=True)
        place = place.reshape(len(known), 2)
        each = np.arange(len(known))
        spread = covariance[points]
        for _ in range(ROUNDS):
            bone = moved[b] - moved[a]
            now = np.maximum(np.linalg.norm(bone, axis=1), 1e-6)
            unit = bone / now[:, None]
            slope = np.zeros((len(known), len(points), 3))
            slope[each, place[:, 0]] = -unit
            slope[each, place[:, 1]] = unit
            carried = np.einsum("kpi,pij->kpj", slope, spread)
            square = np.einsum("kpj,lpj->kl", carried, slope)
            square[each, each] += LENGTH_SIGMA_M**2
            miss = (
                self.lengths[known]
                - now
                - np.einsum("kpi,pi->k", slope, position[points] - moved[points])
            )
            moved[points] = position[points] + np.einsum(
                "kpj,k->pj", carried, np.linalg.solve(square, miss)
            )
        return moved


def _weighted_median(seen: list[tuple[float, float]]) -> float:
    """Return the median of lengths, each weighed by the inverse square of its doubt."""
    value, doubt = np.array(seen).T
    order = np.argsort(value)
    share = np.cumsum((1.0 / doubt**2)[order])
    return float(value[order][np.searchsorted(share, share[-1] / 2.0)])
