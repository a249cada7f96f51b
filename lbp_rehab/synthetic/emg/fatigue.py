"""How muscles tire: conduction slows down, and the same effort gives a larger signal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.emg.recruitment import CHANNELS

Array = NDArray[np.float64]

STEP_S = 0.5
# Fatigue F runs from 0 to 1: dF/dt = (1 - F) d^2 / T - F (1 - d) / R at the drive d. With T = 25 s
# a maximal effort is spent in half a minute; at 45 % of it the median frequency falls by about a
# quarter of a hertz a second in the first minute, as in the Biering-Sorensen test (Roy et al. 1989,
# Spine 14:992; Mannion and Dolan 1994, Spine 19:1223).
_EFFORT_S = 25.0
_RECOVERY_S = 90.0
SLOWING = 0.35  # of conduction at F = 1 (Merletti et al. 1990, J Appl Physiol 69:1810)
GROWTH = 0.40  # of the amplitude
_HEART_MEMORY_S = 30.0


class Fatigue:
    """The fatigue of each channel's muscle through a movement.

    Parameters
    ----------
    drive : callable
        Times (n,) -> drives (n, 12).
    duration_s : float
    endurance : float
        On the time in which muscles tire.
    scale : float
        On its effects; 0 for muscles that never tire.
    """

    def __init__(
        self,
        drive: Callable[[Array], Array],
        duration_s: float,
        endurance: float = 1.0,
        scale: float = 1.0,
    ) -> None:
        self._scale = scale
        steps = max(1, int(np.ceil(duration_s / STEP_S)))
        per_step = 10
        t_s = (np.arange(steps * per_step) + 0.5) * STEP_S / per_step
        drives = drive(t_s).reshape(steps, per_step, len(CHANNELS))
        up = (drives**2).mean(axis=1) / (_EFFORT_S * endurance)
        down = (1.0 - drives.mean(axis=1)) / _RECOVERY_S
        state, exertion = np.zeros((steps + 1, len(CHANNELS))), np.zeros(steps + 1)
        for k in range(steps):
            speed = up[k] + down[k]
            end = up[k] / np.maximum(speed, 1e-9)
            state[k + 1] = end + (state[k] - end) * np.exp(-speed * STEP_S)
            decay = np.exp(-STEP_S / _HEART_MEMORY_S)
            exertion[k + 1] = decay * exertion[k] + (1.0 - decay) * drives[k].mean()
        self._t_s, self._state, self._exertion = STEP_S * np.arange(steps + 1), state, exertion

    def at(self, t_s: Array) -> Array:
        """Return the fatigue at times ``t_s`` (n,), shape (n, 12), 0 to 1; 0 before time 0."""
        return np.stack([np.interp(t_s, self._t_s, column) for column in self._state.T], axis=1)

    def amplitude(self, t_s: Array) -> Array:
        """Return the size of the signal for the same drive, relative to rest, shape (n, 12)."""
        return 1.0 + self._scale * GROWTH * self.at(t_s)

    def conduction(self, t_s: Array) -> Array:
        """Return the conduction velocity relative to rest, shape (n, 12)."""
        return 1.0 - self._scale * SLOWING * self.at(t_s)

    def exertion(self, t_s: float) -> float:
        """Return the mean drive of about the last half minute."""
        return float(np.interp(t_s, self._t_s, self._exertion))
