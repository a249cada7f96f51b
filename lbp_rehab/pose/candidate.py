"""Somebody in view: their skeleton, and what the depth image says of place, size and standing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.pose.landmarks import Landmarks, Person, Region, region_round
from lbp_rehab.pose.level import square_to
from lbp_rehab.pose.skeleton import INDEX, TRUNK
from lbp_rehab.pose.types import Support

HALF_TRUNK_M = 0.10  # from the surface to the middle of the trunk
STANDS_BELOW_M = 0.15  # who reaches this far under the support stands beside it
STANDING_M = 0.45  # over it is the trunk of who kneels or stands; who lies covers what carries them
RING_M = 0.3
ON_SUPPORT_M = (-0.10, 1.40)  # height of the trunk of who lies, kneels or stands on it

LIMBS = [
    tuple(INDEX[f"{side}_{n}"] for n in pair)
    for pair in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
                 ("shoulder", "hip"))
    for side in "lr"
]  # fmt: skip
BODY = sorted({i for limb in LIMBS for i in limb})
_FEET = [INDEX[f"{side}_{n}"] for side in "lr" for n in ("ankle", "heel", "toe", "knee")]


@dataclass(frozen=True)
class Candidate:
    """Somebody in view.

    Attributes
    ----------
    person : Person
        As a detector would describe them.
    landmarks : Landmarks
    region : Region
        Where the model saw them.
    position : ndarray, shape (3,), or None
        Rough middle of the trunk in metres in the optical frame; None without a reading.
    on_support : bool or None
        Whether they lie, kneel or stand on the support; None: nobody can tell.
    height_m : float or None
        Of the middle of the trunk over the support.
    score : float
        Plausibility of the skeleton, 0 to 1.
    size : float or None
        Of the body over the model's average adult, roughly; None without depth or a shape.
    """

    person: Person
    landmarks: Landmarks
    region: Region
    position: NDArray[np.float64] | None
    on_support: bool | None
    height_m: float | None
    score: float
    size: float | None = None


def as_candidate(
    frame: RgbdFrame,
    support: Support | None,
    landmarks: Landmarks,
    region: Region,
    score: float = 1.0,
) -> Candidate:
    """Return what is known of a person by their skeleton and the depth image."""
    position = trunk_position(landmarks, frame)
    height, on = _standing(landmarks, position, frame, support)
    size = None
    if position is not None:
        size = body_size(landmarks, float(position[2]), frame.intrinsics)
    person = as_person(landmarks)
    return Candidate(person, landmarks, region, position, on, height, score, size)


def as_person(landmarks: Landmarks) -> Person:
    """Describe a skeleton as a detector would describe its person."""
    pixel = landmarks.pixel
    left_shoulder, right_shoulder, left_hip, right_hip = pixel[TRUNK]
    box = np.concatenate([pixel[:13].min(axis=0), pixel[:13].max(axis=0)])
    hip, shoulder = (left_hip + right_hip) / 2.0, (left_shoulder + right_shoulder) / 2.0
    return Person(box, hip, shoulder, region_round(pixel), landmarks.presence)


def trunk_position(landmarks: Landmarks, frame: RgbdFrame) -> NDArray[np.float64] | None:
    """Return roughly the middle of the trunk in metres, shape (3,); None without a reading.

    The median reading over the trunk, and half the trunk's depth behind it.
    """
    if frame.depth is None:
        return None
    share = np.linspace(0.0, 1.0, 9)
    left_shoulder, right_shoulder, left_hip, right_hip = landmarks.pixel[TRUNK]
    down, across = share[:, None, None], np.array([0.25, 0.5, 0.75])[None, :, None]
    upper = left_shoulder + across * (right_shoulder - left_shoulder)
    lower = left_hip + across * (right_hip - left_hip)
    z = _readings(frame.depth, (upper * (1 - down) + lower * down).reshape(-1, 2))
    if not (z > 0).any():
        return None
    middle = landmarks.pixel[TRUNK].mean(axis=0)
    ray = frame.intrinsics.rays(middle[None])[0]
    return np.asarray(ray * (float(np.median(z[z > 0])) + HALF_TRUNK_M / np.linalg.norm(ray)))


def body_size(landmarks: Landmarks, z_m: float, intrinsics: Intrinsics) -> float | None:
    """Return a person's size over that of the model's shape, by how large the shape appears.

    Least squares of the points against the shape's under weak perspective, at one depth.
    """
    if landmarks.world is None:
        return None
    shape = landmarks.world[BODY][:, :2] * [intrinsics.fx, intrinsics.fy] / z_m
    shape = shape - shape.mean(axis=0)
    seen = landmarks.pixel[BODY] - landmarks.pixel[BODY].mean(axis=0)
    ratio = float((shape * seen).sum()) / max(float((shape**2).sum()), 1e-9)
    return ratio if ratio > 0.0 else None


def _standing(
    landmarks: Landmarks,
    position: NDArray[np.float64] | None,
    frame: RgbdFrame,
    support: Support | None,
) -> tuple[float | None, bool | None]:
    """Return the trunk's height over the support, and whether the person is on it."""
    if support is None or not support.height.known or position is None or frame.depth is None:
        return None, None
    height = float(position @ support.up) + support.height.value
    if not ON_SUPPORT_M[0] < height < ON_SUPPORT_M[1]:
        return height, False
    if height > STANDING_M and _beside(frame, support, position):
        return height, False
    feet = landmarks.pixel[_FEET]
    z = _readings(frame.depth, feet)
    seen = (z > 0) & (landmarks.visibility[_FEET] > 0.5)
    if not seen.any():
        return height, True
    points = frame.intrinsics.rays(feet[seen]) * z[seen, None]
    low = float(np.median(points @ support.up)) + support.height.value
    return height, bool(low > -STANDS_BELOW_M)


def _beside(frame: RgbdFrame, support: Support, position: NDArray[np.float64]) -> bool:
    """Whether what lies round the place under somebody is lower than the support.

    Feet may be hidden behind a bed; that no bed is where they must be can be seen beside them.
    What stands higher, a body or a wall, says nothing.
    """
    assert frame.depth is not None
    under = position - (float(position @ support.up) + support.height.value) * support.up
    across = square_to(support.up)
    turn = np.arange(8) * (np.pi / 4.0)
    ring = under + RING_M * np.column_stack([np.cos(turn), np.sin(turn)]) @ across
    ring = ring[ring[:, 2] > 0.1]
    pixel = frame.intrinsics.project(ring)
    z = _readings(frame.depth, pixel)
    points = frame.intrinsics.rays(pixel[z > 0]) * z[z > 0, None]
    over = points @ support.up + support.height.value
    off, on = (over < -STANDS_BELOW_M).sum(), (np.abs(over) <= STANDS_BELOW_M / 2.0).sum()
    return bool(off >= 3 and off > 2 * on)


def _readings(depth: NDArray[np.uint16], pixel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the depth at pixels in metres, 0 where there is none."""
    place = np.round(pixel).astype(int)
    inside = (place >= 0).all(axis=1) & (place < depth.shape[::-1]).all(axis=1)
    z = np.zeros(len(place))
    z[inside] = depth[place[inside, 1], place[inside, 0]] / 1000.0
    return z
