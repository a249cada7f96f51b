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
from lbp_rehab.pose.lift import Lifted, Scale
from lbp_rehab.pose.skeleton import BONES, INDEX

MEMORY = 90  # frames whose median is the length
ENOUGH = 10  # frames before a length is used
PLAUSIBLE_M = (0.08, 0.65)
LENGTH_SIGMA_M = 0.015  # how far the landmarks of one person slide along the bone
SIZE_SIGMA = 0.03  # how well depth tells the size over seconds; posture moves the model's
MIN_SLOPE = 0.3  # of length against depth; below it the depth hardly changes the length


class BoneLengths:
    """Learns and applies the bone lengths of one tracked person."""

    def __init__(self) -> None:
        self._memory: dict[tuple[str, str], deque[float]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._memory = {bone: deque(maxlen=MEMORY) for bone in BONES}
        self._scales: deque[float] = deque(maxlen=MEMORY)

    def size(self) -> Scale:
        """Return the person's size over the 2D model's, as far as depth has told it."""
        if len(self._scales) < ENOUGH:
            return Scale()
        return Scale(float(np.median(self._scales)), SIZE_SIGMA)

    def length(self, bone: tuple[str, str]) -> float | None:
        """Return the learnt length in metres, None until enough frames were seen."""
        memory = self._memory[bone]
        return float(np.median(memory)) if len(memory) >= ENOUGH else None

    def learn(self, lifted: Lifted) -> None:
        """Take the size, and the lengths of the bones whose both ends were measured."""
        if lifted.scale is not None:
            self._scales.append(lifted.scale)
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
    """Move both ends along their rays by an iterated Kalman update.

    The states are the distances along the two rays, the one measurement is |p_a - p_b| = length.
    It is linearised anew around each iterate, and always weighed against the distances as they
    were, so that it counts once (Bell and Cathey 1993).
    """
    rays = position[[a, b]] / np.linalg.norm(position[[a, b]], axis=1, keepdims=True)
    before = np.linalg.norm(position[[a, b]], axis=1)
    variance = radial[[a, b]] ** 2
    after, shrunk = before, variance
    for _ in range(3):
        bone = rays[1] * after[1] - rays[0] * after[0]
        now = float(np.linalg.norm(bone))
        if now < 1e-6:
            return
        slope = np.array([-bone @ rays[0], bone @ rays[1]]) / now
        if np.abs(slope).max() < MIN_SLOPE:
            break
        gain = variance * slope / (slope**2 @ variance + LENGTH_SIGMA_M**2)
        after = before + gain * (length - now - slope @ (before - after))
        shrunk = variance * (1.0 - gain * slope)
    position[[a, b]] = rays * after[:, None]
    radial[[a, b]] = np.sqrt(np.maximum(shrunk, 1e-6))
