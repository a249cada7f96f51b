"""A stretch of movement on a grid of times, in a frame made from gravity and the body.

The frame stays the same over the stretch: z against gravity, x where the body heads, the unit is
the person's stature. So neither the camera's place nor the person's size is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.skeleton import mirror_order
from lbp_rehab.recognition.observation import JOINT, JOINTS, Array, Course, Mask

# Lengths of segments as shares of stature (Drillis and Contini 1964, in Winter 2009, table 4.1;
# the trunk from the acromion to the hip joint).
_SEGMENTS: tuple[tuple[str, str, float], ...] = (
    ("shoulder", "hip", 0.288), ("hip", "knee", 0.245), ("knee", "ankle", 0.246),
)  # fmt: skip
_SHARES = [share for _, _, share in _SEGMENTS for _ in "lr"]
_UPPER = [JOINT[f"{side}_{upper}"] for upper, _, _ in _SEGMENTS for side in "lr"]
_LOWER = [JOINT[f"{side}_{lower}"] for _, lower, _ in _SEGMENTS for side in "lr"]
_LYING = 0.5  # horizontal share of the trunk's direction from which the trunk gives the heading
_LEAST_M = 0.5  # no stature is smaller
GAP_NS = 400_000_000  # a joint that is not seen for longer is unknown meanwhile
PELVIS_COLUMNS = 4
_MIRROR = mirror_order(JOINTS)


@dataclass(frozen=True)
class Stretch:
    """``n`` instants in the body's frame.

    Attributes
    ----------
    points : ndarray, shape (n, 15, 3)
        In statures from the middle of the hips on average; 0 where unknown.
    known : ndarray of bool, shape (n, 15)
    pelvis : ndarray, shape (n, 4)
        Rotation vector of the pelvis against its mean over the stretch (about x, y, z), and lumbar
        flexion less its mean, radians; 0 where unknown.
    pelvis_known : ndarray of bool, shape (n, 4)
    stature_m : float
    """

    points: Array
    known: Mask
    pelvis: Array
    pelvis_known: Mask
    stature_m: float


def mirrored(stretch: Stretch) -> Stretch:
    """Return the movement of the mirrored person."""
    return Stretch(
        stretch.points[:, _MIRROR] * [1.0, -1.0, 1.0],
        stretch.known[:, _MIRROR],
        stretch.pelvis * [-1.0, 1.0, -1.0, 1.0],
        stretch.pelvis_known,
        stretch.stature_m,
    )


def resample(course: Course, grid_ns: NDArray[np.int64]) -> Course:
    """Return a course at other instants, each joint linear between those at which it is known.

    Where the two are further apart than `GAP_NS`, and outside of them, it is unknown.
    """
    n, joints = len(grid_ns), course.points.shape[1]
    rows = len(course.stamp_ns)
    values = np.concatenate(
        [course.points.reshape(rows, -1), course.pelvis.reshape(rows, -1),
         course.lumbar_rad[:, None]], axis=1)  # fmt: skip
    parts = [
        *((course.known[:, j], range(3 * j, 3 * j + 3)) for j in range(joints)),
        (course.pelvis_known, range(3 * joints, 3 * joints + 9)),
        (course.lumbar_known, range(3 * joints + 9, 3 * joints + 10)),
    ]
    together: dict[bytes, list[int]] = {}  # columns that are known at the same instants
    for when, columns in parts:
        together.setdefault(when.tobytes(), []).extend(columns)
    out, there = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]), bool)
    for pattern, some in together.items():
        when = np.frombuffer(pattern, bool)
        stamps = course.stamp_ns[when]
        if len(stamps) == 0:
            continue
        right = np.clip(np.searchsorted(stamps, grid_ns), 0, len(stamps) - 1)
        left = np.where(stamps[right] == grid_ns, right, np.maximum(right - 1, 0))
        span = stamps[right] - stamps[left]
        share = np.where(span > 0, (grid_ns - stamps[left]) / np.maximum(span, 1), 0.0)
        inside = (grid_ns >= stamps[left]) & (grid_ns <= stamps[right]) & (span <= GAP_NS)
        seen = values[when][:, some]
        mixed = seen[left] + share[:, None] * (seen[right] - seen[left])
        out[:, some] = np.where(inside[:, None], mixed, 0.0)
        there[:, some] = inside[:, None]
    return Course(
        grid_ns,
        out[:, : 3 * joints].reshape(n, joints, 3),
        there[:, : 3 * joints : 3],
        out[:, 3 * joints : 3 * joints + 9].reshape(n, 3, 3),
        there[:, 3 * joints],
        out[:, -1],
        there[:, -1],
    )


def in_body_frame(course: Course, heading_rad: float = 0.0) -> Stretch | None:
    """Return a course in the body's frame; None if the trunk is never seen whole.

    Parameters
    ----------
    heading_rad : float
        Turns the frame further about z, to teach that headings are uncertain.
    """
    trunk = _trunk(course)
    if not len(trunk):
        return None
    stature = _stature(course)
    angle = _heading(trunk) + heading_rad
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    points = (course.points - trunk[:, 2:].mean(axis=(0, 1))) @ turn.T / stature
    points = np.where(course.known[..., None], points, 0.0)
    pelvis, pelvis_known = _pelvis(course, turn)
    return Stretch(points, course.known, pelvis, pelvis_known, stature)


def _stature(course: Course) -> float:
    """Return the stature that the segments speak for, metres."""
    length = np.linalg.norm(course.points[:, _UPPER] - course.points[:, _LOWER], axis=-1)
    both = course.known[:, _UPPER] & course.known[:, _LOWER]
    said = [_median(length[seen, k]) / _SHARES[k] for k, seen in enumerate(both.T) if seen.any()]
    return max(_median(np.array(said)), _LEAST_M)


def _median(values: Array) -> float:
    """Return the median of a few numbers, as numpy's in a tenth of its time."""
    rising = np.sort(values)
    n = len(rising)
    return float((rising[(n - 1) // 2] + rising[n // 2]) / 2.0)


def heading_of(course: Course) -> float | None:
    """Return where the body heads on average, radians about z; None if its trunk is not seen.

    To the head of one who lies, to the front of one who stands.
    """
    trunk = _trunk(course)
    return _heading(trunk) if len(trunk) else None


def _trunk(course: Course) -> Array:
    """Return shoulders and hips, left before right, where all are known, shape (k, 4, 3)."""
    trunk = [JOINT[n] for n in ("l_shoulder", "r_shoulder", "l_hip", "r_hip")]
    return np.asarray(course.points[course.known[:, trunk].all(axis=1)][:, trunk])


def _heading(trunk: Array) -> float:
    along = (trunk[:, :2].mean(axis=1) - trunk[:, 2:].mean(axis=1)).mean(axis=0)
    left = (trunk[:, 0::2] - trunk[:, 1::2]).mean(axis=(0, 1))
    level = along[:2]
    if np.linalg.norm(level) > _LYING * np.linalg.norm(along):
        return float(np.arctan2(level[1], level[0]))
    front = np.cross(left, along)[:2]
    return float(np.arctan2(front[1], front[0]))


def _pelvis(course: Course, turn: Array) -> tuple[Array, Mask]:
    n = len(course.stamp_ns)
    out, known = np.zeros((n, PELVIS_COLUMNS)), np.zeros((n, PELVIS_COLUMNS), bool)
    some = course.pelvis_known
    if some.any():
        axes = turn @ course.pelvis[some]
        u, _, vt = np.linalg.svd(axes.mean(axis=0))
        mean = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
        out[some, :3] = rotation_vectors(axes @ mean.T)
        known[some, :3] = True
    some = course.lumbar_known
    if some.any():
        out[some, 3] = course.lumbar_rad[some] - course.lumbar_rad[some].mean()
        known[some, 3] = True
    return out, known


def rotation_vectors(rotation: Array) -> Array:
    """Return axis times angle of (nearly) rotations, shape (n, 3, 3) -> (n, 3).

    Exact for small angles and for those of up to half a turn; what a mean or an interpolation of
    rotations lost of their length is ignored.
    """
    axial = np.stack([
        rotation[:, 2, 1] - rotation[:, 1, 2],
        rotation[:, 0, 2] - rotation[:, 2, 0],
        rotation[:, 1, 0] - rotation[:, 0, 1],
    ], axis=1)  # fmt: skip
    size = np.linalg.norm(axial, axis=1)
    angle = np.arctan2(size, np.trace(rotation, axis1=1, axis2=2) - 1.0)
    return axial * np.where(size > 1e-9, angle / np.maximum(size, 1e-9), 0.5)[:, None]
