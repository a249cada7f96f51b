"""Smoothing of keypoints over time by the One Euro filter, driven by stamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.stamps import NANOSECONDS

DERIVATIVE_CUTOFF_HZ = 1.0  # as in the paper


@dataclass(frozen=True)
class OneEuroSettings:
    """Parameters of Casiez et al. 2012 (CHI): cut-off = min_cutoff_hz + beta * speed.

    Attributes
    ----------
    min_cutoff_hz : float
        Cut-off at rest.
    beta : float
        Rise of the cut-off with speed, 1/m.
    max_gap_s : float
        After a longer gap the filter starts anew.
    """

    min_cutoff_hz: float = 1.5
    beta: float = 3.0
    max_gap_s: float = 0.5


class OneEuro:
    """Filters n points; a point that is unknown for a while starts anew when it returns."""

    def __init__(self, n: int, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._value = np.zeros((n, 3))
        self._speed = np.zeros((n, 3))
        self._stamp_ns = np.full(n, -1, np.int64)

    def reset(self) -> None:
        """Forget every point."""
        self._stamp_ns[:] = -1

    def __call__(
        self, stamp_ns: int, position: NDArray[np.float64], known: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the smoothed positions in metres, shape (n, 3); unknown points pass unchanged."""
        dt = (stamp_ns - self._stamp_ns) / NANOSECONDS
        old = (self._stamp_ns >= 0) & (dt > 0) & (dt <= self._settings.max_gap_s)
        dt = np.where(old, dt, 1.0)[:, None]
        speed = (position - self._value) / dt
        speed = self._speed + _alpha(DERIVATIVE_CUTOFF_HZ, dt) * (speed - self._speed)
        magnitude = np.linalg.norm(speed, axis=1, keepdims=True)
        cutoff = self._settings.min_cutoff_hz + self._settings.beta * magnitude
        smooth = self._value + _alpha(cutoff, dt) * (position - self._value)
        follow = (old & known)[:, None]
        value = np.where(follow, smooth, position)
        self._speed = np.where(known[:, None], np.where(follow, speed, 0.0), self._speed)
        self._value = np.where(known[:, None], value, self._value)
        self._stamp_ns = np.where(known, stamp_ns, self._stamp_ns)
        return value


def _alpha(cutoff_hz: NDArray[np.float64] | float, dt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smoothing factor of a first-order low-pass."""
    r = 2.0 * np.pi * cutoff_hz * dt
    return r / (r + 1.0)
