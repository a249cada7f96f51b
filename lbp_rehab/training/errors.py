"""The errors of estimated sets, lent to sets that were not rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.types import Posture
from lbp_rehab.recognition.frame import heading_of, rotation_vectors
from lbp_rehab.recognition.observation import Array, Course, Mask
from lbp_rehab.synthetic.motion.others import posture_of
from lbp_rehab.training.motions import Example

LEAST_KNOWN = 0.7  # share of the joints; a set of which less is known lost the person
_BREATHES_M = 0.006  # 1-sigma of the belly from which what it does to the pelvis can be told


@dataclass(frozen=True)
class _Donor:
    """One set's errors, turned to a heading of 0.

    Attributes
    ----------
    points : ndarray, shape (n, 15, 3)
    known : ndarray of bool, shape (n, 15)
    turn : ndarray, shape (n, 3, 3)
        Takes the true pelvis to the estimated one, without what the belly does.
    turn_known, lumbar_rad, lumbar_known : ndarray
    belly : ndarray, shape (4,), or None
        By how much the pelvis's rotation vector and lumbar flexion change with the belly, rad/m.
    """

    points: Array
    known: Mask
    turn: Array
    turn_known: Mask
    lumbar_rad: Array
    lumbar_known: Mask
    belly: Array | None


class Errors:
    """Errors of estimated sets by posture.

    Parameters
    ----------
    estimated : sequence of Example
        With their truth.
    """

    def __init__(self, estimated: Sequence[Example]) -> None:
        self._by_posture: dict[Posture, list[_Donor]] = {}
        for example in estimated:
            donor = _donor(example)
            if donor is not None:
                self._by_posture.setdefault(posture_of(example.name), []).append(donor)
        self._all = [d for group in self._by_posture.values() for d in group]
        self._bellies = [d.belly for d in self._all if d.belly is not None]

    def lend(self, example: Example, rng: np.random.Generator) -> Course:
        """Return a true set as if it had been estimated, with errors of its posture."""
        donors = self._by_posture.get(posture_of(example.name), self._all)
        donor = donors[int(rng.integers(len(donors)))]
        course, n = example.course, len(example.course.stamp_ns)
        which = _there_and_back(len(donor.points), n, rng)
        heading = heading_of(course)
        turn = _about_up(heading if heading is not None else 0.0)
        known = course.known & donor.known[which]
        points = np.where(known[..., None], course.points + donor.points[which] @ turn.T, 0.0)
        breath = example.belly_m - example.belly_m.mean()
        belly = self._bellies[int(rng.integers(len(self._bellies)))] if self._bellies else None
        pushed = np.outer(breath, belly) if belly is not None else np.zeros((n, 4))
        error = turn @ donor.turn[which] @ rotations(pushed[:, :3]) @ turn.T
        return replace(
            course,
            points=points,
            known=known,
            pelvis=error @ course.pelvis,
            pelvis_known=course.pelvis_known & donor.turn_known[which],
            lumbar_rad=course.lumbar_rad + donor.lumbar_rad[which] + pushed[:, 3],
            lumbar_known=course.lumbar_known & donor.lumbar_known[which],
        )


def _donor(example: Example) -> _Donor | None:
    course, true = example.course, example.true
    assert true is not None
    heading = heading_of(true)
    if heading is None or course.known.mean() < LEAST_KNOWN:
        return None
    back = _about_up(-heading)
    both = course.pelvis_known & true.pelvis_known
    turn = back @ course.pelvis @ np.swapaxes(true.pelvis, 1, 2) @ back.T
    turn[~both] = np.eye(3)
    lumbar_known = course.lumbar_known & true.lumbar_known
    lumbar = np.where(lumbar_known, course.lumbar_rad - true.lumbar_rad, 0.0)
    belly = None
    breath = example.belly_m - example.belly_m.mean()
    if breath.std() > _BREATHES_M and both.mean() > 0.9 and lumbar_known.mean() > 0.9:
        errors = np.concatenate([rotation_vectors(turn), lumbar[:, None]], axis=1)
        belly = breath @ (errors - errors.mean(axis=0)) / (breath @ breath)
        turn = turn @ np.swapaxes(rotations(np.outer(breath, belly[:3])), 1, 2)
        lumbar = lumbar - breath * belly[3]
    points = np.where(course.known[..., None], course.points - true.points, 0.0) @ back.T
    return _Donor(points, course.known, turn, both, lumbar, lumbar_known, belly)


def _about_up(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def rotations(vectors: Array) -> Array:
    """Return rotations of axes times angles (Rodrigues), shape (n, 3) -> (n, 3, 3)."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = (vectors / np.maximum(angle[:, :, 0], 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def _there_and_back(have: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``n`` indices that go on without a jump, forwards and backwards, from anywhere."""
    lap = np.concatenate([np.arange(have), np.arange(have - 1, -1, -1)])
    return lap[(int(rng.integers(len(lap))) + np.arange(n)) % len(lap)]
