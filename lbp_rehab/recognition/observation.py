"""What recognition and matching take of one instant, in a frame made from gravity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Status
from lbp_rehab.pelvis.types import Method, PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.vectors import cross

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

JOINTS: tuple[str, ...] = (
    "nose", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist",
    "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle", "l_toe", "r_toe",
)  # fmt: skip
JOINT = {name: k for k, name in enumerate(JOINTS)}
_UNKNOWN = int(Status.UNKNOWN)
_AXES = np.eye(3)
_LEVEL = 0.5  # of an axis of the image that must lie on the level to give the heading


@dataclass(frozen=True)
class Observation:
    """One instant of one person.

    Attributes
    ----------
    stamp_ns : int
    points : ndarray, shape (15, 3)
        `JOINTS` in metres, z against gravity, x the image's rows on the level; 0 where unknown.
    known : ndarray of bool, shape (15,)
    pelvis : ndarray, shape (3, 3)
        The pelvis axes (anterior, left, cranial) as columns in the same frame.
    pelvis_known : bool
    lumbar_rad : float
        Lumbar flexion.
    lumbar_known : bool
    """

    stamp_ns: int
    points: Array
    known: Mask
    pelvis: Array
    pelvis_known: bool
    lumbar_rad: float
    lumbar_known: bool


def observe(pose: BodyPose, pelvis: PelvisState | None = None) -> Observation | None:
    """Return what a pose shows, and a pelvis measured at the same instant.

    None if gravity is unknown. A pelvis of another instant or person is left out, and so is one
    that was derived from the hips and shoulders, which says nothing that they do not.
    """
    if pose.support is None:
        return None
    turn = _level_axes(pose.support.up.tobytes())
    at = _places(pose.names)
    known = (at >= 0) & (pose.status[at] != _UNKNOWN)
    points = np.where(known[:, None], pose.position[at] @ turn.T, 0.0)
    axes, lumbar = np.eye(3), 0.0
    axes_known = lumbar_known = False
    if (
        pelvis is not None
        and pelvis.stamp_ns == pose.stamp_ns
        and pelvis.track_id == pose.track_id
        and pelvis.method == Method.SURFACE
    ):
        if pelvis.axes is not None:
            axes, axes_known = turn @ pelvis.axes, True
        flexion = pelvis.absolute.lumbar_flexion
        lumbar, lumbar_known = flexion.value, flexion.known
    return Observation(pose.stamp_ns, points, known, axes, axes_known, lumbar, lumbar_known)


@lru_cache
def _places(names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return where `JOINTS` are among the names of a pose; -1 where they are not."""
    return np.array([names.index(n) if n in names else -1 for n in JOINTS])


@lru_cache
def _level_axes(up_bytes: bytes) -> Array:
    """Return axes with z up and x level with the image's rows, as rows in the optical frame.

    A camera on its side gives its columns instead. Unlike the viewing direction, which a camera
    that looks down has none of on the level, they go on smoothly however ``up`` wavers.
    """
    up = np.frombuffer(up_bytes)  # the same in many poses, and an array is no key
    for axis in _AXES:
        level = axis - (axis @ up) * up
        if np.linalg.norm(level) > _LEVEL:
            break
    x = level / np.linalg.norm(level)
    return np.stack([x, cross(up, x), up])


def _joined(parts: list[NDArray[Any]], nothing: NDArray[Any]) -> NDArray[Any]:
    """Return arrays one behind the other: a fifth of the time of an array made of arrays."""
    return np.concatenate(parts) if parts else nothing


@dataclass(frozen=True)
class Course:
    """Observations one after the other; ``n`` instants.

    Attributes
    ----------
    stamp_ns : ndarray of int64, shape (n,)
        Increasing.
    points : ndarray, shape (n, 15, 3)
    known : ndarray of bool, shape (n, 15)
    pelvis : ndarray, shape (n, 3, 3)
    pelvis_known : ndarray of bool, shape (n,)
    lumbar_rad : ndarray, shape (n,)
    lumbar_known : ndarray of bool, shape (n,)
    """

    stamp_ns: NDArray[np.int64]
    points: Array
    known: Mask
    pelvis: Array
    pelvis_known: Mask
    lumbar_rad: Array
    lumbar_known: Mask

    @classmethod
    def of(cls, seen: list[Observation]) -> Course:
        """Return observations as arrays."""
        return cls(
            np.array([o.stamp_ns for o in seen], np.int64),
            _joined([o.points for o in seen], np.zeros((0, 3))).reshape(-1, len(JOINTS), 3),
            _joined([o.known for o in seen], np.zeros(0, bool)).reshape(-1, len(JOINTS)),
            _joined([o.pelvis for o in seen], np.zeros((0, 3))).reshape(-1, 3, 3),
            np.array([o.pelvis_known for o in seen], bool),
            np.array([o.lumbar_rad for o in seen], float),
            np.array([o.lumbar_known for o in seen], bool),
        )

    def between(self, start_ns: int, end_ns: int) -> Course:
        """Return the part from one stamp to another, both included."""
        keep = (self.stamp_ns >= start_ns) & (self.stamp_ns <= end_ns)
        return self.take(np.flatnonzero(keep))

    def take(self, which: NDArray[np.int64]) -> Course:
        """Return some of the instants."""
        return Course(
            self.stamp_ns[which],
            self.points[which],
            self.known[which],
            self.pelvis[which],
            self.pelvis_known[which],
            self.lumbar_rad[which],
            self.lumbar_known[which],
        )
