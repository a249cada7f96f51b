"""Bone lengths of this person: learnt from the first good frames, then kept.

A bone's length is a constant of the person. Keypoints are sharp across their ray and blurred along
it, so each one is moved along its own ray until the bone to its neighbour has the learnt length,
as far as the two uncertainties say.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Status
from lbp_rehab.pose.lift import Lifted
from lbp_rehab.pose.skeleton import BONES, INDEX

MEMORY = 90  # frames whose median is the length
ENOUGH = 10  # frames before a length is used
PLAUSIBLE_M = (0.08, 0.65)
LENGTH_SIGMA_M = 0.015  # how far the landmarks of one person slide along the bone
MIN_SLOPE = 0.3  # of length against depth; below it the depth hardly changes the length


class BoneLengths:
    """Learns and applies the bone lengths of one tracked person."""

    def __init__(self) -> None:
        self._memory: dict[tuple[str, str], deque[float]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._memory = {bone: deque(maxlen=MEMORY) for bone in BONES}

    def length(self, bone: tuple[str, str]) -> float | None:
        """Return the learnt length in metres, None until enough frames were seen."""
        memory = self._memory[bone]
        return float(np.median(memory)) if len(memory) >= ENOUGH else None

    def learn(self, lifted: Lifted) -> None:
        """Take the lengths of the bones whose both ends were measured."""
        for bone in BONES:
            a, b = (INDEX[name] for name in bone)
            if lifted.status[a] == lifted.status[b] == Status.MEASURED:
                length = float(np.linalg.norm(lifted.position[a] - lifted.position[b]))
                if PLAUSIBLE_M[0] <= length <= PLAUSIBLE_M[1]:
                    self._memory[bone].append(length)

    def apply(self, lifted: Lifted) -> Lifted:
        """Return the keypoints with each bone drawn towards its length."""
        position = lifted.position.copy()
        radial = lifted.radial_sigma.copy()
        for bone in BONES:
            length = self.length(bone)
            a, b = (INDEX[name] for name in bone)
            if length is None or Status.UNKNOWN in (lifted.status[a], lifted.status[b]):
                continue
            _fit_bone(position, radial, a, b, length)
        return replace(lifted, position=position, radial_sigma=radial)


def _fit_bone(
    position: NDArray[np.float64], radial: NDArray[np.float64], a: int, b: int, length: float
) -> None:
    """Move both ends along their rays by one step of a weighted least-squares (Kalman) update.

    The measurement is |p_a - p_b| = length; the states are the distances along the two rays.
    """
    shrunk = radial[[a, b]] ** 2
    for _ in range(3):
        ray_a = position[a] / np.linalg.norm(position[a])
        ray_b = position[b] / np.linalg.norm(position[b])
        bone = position[b] - position[a]
        now = float(np.linalg.norm(bone))
        if now < 1e-6:
            return
        direction = bone / now
        slope = np.array([-direction @ ray_a, direction @ ray_b])
        if np.abs(slope).max() < MIN_SLOPE:
            break
        variance = np.array([radial[a] ** 2, radial[b] ** 2])
        gain = variance * slope / (slope**2 @ variance + LENGTH_SIGMA_M**2)
        step = gain * (length - now)
        position[a] = position[a] + ray_a * step[0]
        position[b] = position[b] + ray_b * step[1]
        shrunk = variance * (1.0 - gain * slope)
    radial[a], radial[b] = np.sqrt(np.maximum(shrunk, 1e-6))
