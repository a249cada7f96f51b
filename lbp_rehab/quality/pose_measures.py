"""Measures of the keypoints: what each one is, as a function of a few points and of "up".

Each function is written over leading batch dimensions, so that one call gives the value and all
its partial derivatives. Body axes: *left* along the hips, *cranial* from the hips to the shoulders,
*anterior* = left x cranial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.vectors import cross

Array = NDArray[np.float64]
# points (..., k, 3), up (..., 3), camera height over the support in metres -> (...)
PointFunction = Callable[[Array, Array, float], Array]


@dataclass(frozen=True)
class Variant:
    """One way to compute a measure: the points it needs and the function of them."""

    points: tuple[str, ...]
    function: PointFunction
    needs_support: bool = False
    needs_height: bool = False


def unit_vector(vector: Array) -> Array:
    """Return the vectors scaled to length 1."""
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("...i,...i->...", a, b))


def _angle(a: Array, b: Array) -> Array:
    """Return the angle between vectors; atan2 keeps it exact near 0 and pi."""
    return np.arctan2(np.linalg.norm(cross(a, b), axis=-1), _dot(a, b))


def _elevation(vector: Array, up: Array) -> Array:
    """Return how far a vector points over the horizontal."""
    return np.arcsin(np.clip(_dot(unit_vector(vector), up), -1.0, 1.0))


def _sagittal_angle(a: Array, b: Array, left: Array) -> Array:
    """Return the angle from a to b about ``left``, in (-pi/2, 3 pi/2]."""
    a = a - _dot(a, left)[..., None] * left
    b = b - _dot(b, left)[..., None] * left
    angle = np.arctan2(_dot(cross(a, b), left), _dot(a, b))
    return np.where(angle <= -math.pi / 2, angle + 2 * math.pi, angle)


# Hips and knees


def _hip_one(p: Array, up: Array, height_m: float) -> Array:
    """Shoulder, hip, knee of one side, then left and right hip."""
    left = unit_vector(p[..., 3, :] - p[..., 4, :])
    return _sagittal_angle(p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :], left)


def _hip_both(p: Array, up: Array, height_m: float) -> Array:
    """Left shoulder, hip, knee, then right shoulder, hip, knee."""
    left = unit_vector(p[..., 1, :] - p[..., 4, :])
    return 0.5 * (
        _sagittal_angle(p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :], left)
        + _sagittal_angle(p[..., 3, :] - p[..., 4, :], p[..., 5, :] - p[..., 4, :], left)
    )


def _joint(p: Array, up: Array, height_m: float) -> Array:
    return _angle(p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :])


def _flexion(p: Array, up: Array, height_m: float) -> Array:
    return math.pi - _joint(p, up, height_m)


def _flexion_both(p: Array, up: Array, height_m: float) -> Array:
    return 0.5 * (_flexion(p[..., :3, :], up, height_m) + _flexion(p[..., 3:, :], up, height_m))


def _hip_height(p: Array, up: Array, height_m: float) -> Array:
    """Hips, then knees, as many of each: mean height of the hips over mean thigh length."""
    n = p.shape[-2] // 2
    hips, knees = p[..., :n, :], p[..., n:, :]
    height = _dot(hips, up[..., None, :]).mean(axis=-1) + height_m
    return np.asarray(height / np.linalg.norm(knees - hips, axis=-1).mean(axis=-1))


def _knee_distance(p: Array, up: Array, height_m: float) -> Array:
    """Left and right knee, left and right hip."""
    hips = p[..., 2, :] - p[..., 3, :]
    return _dot(p[..., 0, :] - p[..., 1, :], hips) / _dot(hips, hips)


def _knees_sideways(p: Array, up: Array, height_m: float) -> Array:
    """Left and right knee, left and right hip: where the thighs lean together."""
    thighs = 0.5 * (p[..., 0, :] + p[..., 1, :] - p[..., 2, :] - p[..., 3, :])
    left = unit_vector(p[..., 2, :] - p[..., 3, :])
    return np.arcsin(np.clip(_dot(unit_vector(thighs), left), -1.0, 1.0))


def _thigh_separation(p: Array, up: Array, height_m: float) -> Array:
    """Left and right knee, left and right hip."""
    return _angle(p[..., 0, :] - p[..., 2, :], p[..., 1, :] - p[..., 3, :])


def _foot_separation(p: Array, up: Array, height_m: float) -> Array:
    """Left and right ankle, left and right knee: distance over mean shank length."""
    apart = np.linalg.norm(p[..., 0, :] - p[..., 1, :], axis=-1)
    shanks = np.linalg.norm(p[..., :2, :] - p[..., 2:, :], axis=-1).mean(axis=-1)
    return np.asarray(apart / shanks)


# Heights over the support, and limbs against the horizontal


def _height(p: Array, up: Array, height_m: float) -> Array:
    """Mean height of the points."""
    return _dot(p, up[..., None, :]).mean(axis=-1) + height_m


def _limb_elevation(p: Array, up: Array, height_m: float) -> Array:
    """From the first to the second point."""
    return _elevation(p[..., 1, :] - p[..., 0, :], up)


def _right_side_up(p: Array, up: Array, height_m: float) -> Array:
    """Left, then right point of a line across the body."""
    return _elevation(p[..., 1, :] - p[..., 0, :], up)


def _two_limbs(p: Array, up: Array, height_m: float) -> Array:
    """Two limbs, each from its first to its second point: mean elevation."""
    return 0.5 * (
        _elevation(p[..., 1, :] - p[..., 0, :], up) + _elevation(p[..., 3, :] - p[..., 2, :], up)
    )


# Trunk and head


def _trunk(p: Array) -> tuple[Array, Array]:
    """Left and right shoulder, left and right hip: the trunk's vector and the left axis."""
    trunk = 0.5 * (p[..., 0, :] + p[..., 1, :] - p[..., 2, :] - p[..., 3, :])
    return trunk, unit_vector(p[..., 2, :] - p[..., 3, :])


def _trunk_inclination(p: Array, up: Array, height_m: float) -> Array:
    trunk, left = _trunk(p)
    level_left = unit_vector(left - _dot(left, up)[..., None] * up)
    return np.arctan2(_dot(trunk, cross(level_left, up)), _dot(trunk, up))


def _trunk_lean(p: Array, up: Array, height_m: float) -> Array:
    """Shoulders, hips, ankles: the trunk against the line of the ankles, to the person's left.

    The feet stay where they are in a bend; the line of the hips is hard to see in it.
    """
    trunk = p[..., 0, :] + p[..., 1, :] - p[..., 2, :] - p[..., 3, :]
    across = p[..., 4, :] - p[..., 5, :]
    level = across - _dot(across, up)[..., None] * up
    return np.arcsin(np.clip(_dot(unit_vector(trunk), unit_vector(level)), -1.0, 1.0))


def _trunk_rotation(p: Array, up: Array, height_m: float) -> Array:
    """Shoulder line against hip line about the trunk; shoulders turned to the left positive."""
    trunk, left = _trunk(p)
    across = p[..., 0, :] - p[..., 1, :]
    return np.arctan2(-_dot(across, unit_vector(cross(left, trunk))), _dot(across, left))


def _hips_below_line(p: Array, up: Array, height_m: float) -> Array:
    """Shoulders, hips, knees: how far the line bends at the hips towards the ground."""
    shoulders, hips, knees = (p[..., k, :] + p[..., k + 1, :] for k in (0, 2, 4))
    whole = shoulders - knees
    along = unit_vector(whole - _dot(whole, up)[..., None] * up)

    def slope(part: Array) -> Array:
        return np.arctan2(_dot(part, up), _dot(part, along))

    return np.asarray(slope(shoulders - hips) - slope(hips - knees))


def _mirrored(function: PointFunction) -> PointFunction:
    """Return the function with the other sign: the same for the other side of the body."""

    def mirrored(p: Array, up: Array, height_m: float) -> Array:
        return np.negative(function(p, up, height_m))

    return mirrored


def _head(p: Array) -> tuple[Array, Array, Array]:
    """Shoulders, hips, then one or two ears: the head's vector, the left axis and cranial."""
    trunk, left = _trunk(p[..., :4, :])
    cranial = unit_vector(trunk - _dot(trunk, left)[..., None] * left)
    head = p[..., 4:, :].mean(axis=-2) - 0.5 * (p[..., 0, :] + p[..., 1, :])
    return head, left, cranial


def _neck_flexion(p: Array, up: Array, height_m: float) -> Array:
    head, left, cranial = _head(p)
    return np.arctan2(_dot(head, cross(left, cranial)), _dot(head, cranial))


def _neck_side_bend(p: Array, up: Array, height_m: float) -> Array:
    head, left, cranial = _head(p)
    return np.arctan2(_dot(head, left), _dot(head, cranial))


def _face(p: Array, up: Array, height_m: float) -> Array:
    """Shoulders, hips, ears, then points of the face: how far the face nods to the chest.

    The line from the ears to the face is 0 when it stands at right angles to the trunk.
    """
    trunk, left = _trunk(p[..., :4, :])
    cranial = unit_vector(trunk - _dot(trunk, left)[..., None] * left)
    face = p[..., 6:, :].mean(axis=-2) - p[..., 4:6, :].mean(axis=-2)
    return np.arctan2(-_dot(face, cranial), _dot(face, cross(left, cranial)))


def _ear_line(p: Array, up: Array, height_m: float) -> Array:
    """Shoulders, hips, ears: the ear line against the hip line in the frontal plane."""
    trunk, left = _trunk(p[..., :4, :])
    cranial = unit_vector(trunk - _dot(trunk, left)[..., None] * left)
    ears = p[..., 4, :] - p[..., 5, :]
    return np.arctan2(-_dot(ears, cranial), _dot(ears, left))


_HIPS = ("l_hip", "r_hip")
_KNEES = ("l_knee", "r_knee")
_ANKLES = ("l_ankle", "r_ankle")
_EARS = ("l_ear", "r_ear")
_FACE = ("nose", "l_eye", "r_eye")
_SHOULDERS = ("l_shoulder", "r_shoulder")
_TRUNK = (*_SHOULDERS, *_HIPS)
_L_HIP = ("l_shoulder", "l_hip", "l_knee")
_R_HIP = ("r_shoulder", "r_hip", "r_knee")
_L_KNEE = ("l_hip", "l_knee", "l_ankle")
_R_KNEE = ("r_hip", "r_knee", "r_ankle")
_L_ELBOW = ("l_shoulder", "l_elbow", "l_wrist")
_R_ELBOW = ("r_shoulder", "r_elbow", "r_wrist")
_HIP_L = (Variant((*_L_HIP, *_HIPS), _hip_one), Variant(_L_HIP, _joint))
_HIP_R = (Variant((*_R_HIP, *_HIPS), _hip_one), Variant(_R_HIP, _joint))


def _of_each_side() -> dict[str, tuple[Variant, ...]]:
    """Return the measures of one limb, for the left and for the right one."""
    found: dict[str, tuple[Variant, ...]] = {}
    for side in ("l", "r"):
        hip, knee, ankle = f"{side}_hip", f"{side}_knee", f"{side}_ankle"
        shoulder, elbow, wrist = f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"
        other = "r" if side == "l" else "l"
        found |= {
            f"knee_flexion_{side}": (Variant((hip, knee, ankle), _flexion),),
            f"elbow_flexion_{side}": (Variant((shoulder, elbow, wrist), _flexion),),
            f"shoulder_flexion_{side}": (Variant((hip, shoulder, elbow), _joint),),
            f"leg_elevation_{side}": (Variant((hip, ankle), _limb_elevation, True),),
            f"thigh_elevation_{side}": (Variant((hip, knee), _limb_elevation, True),),
            f"arm_elevation_{side}": (Variant((shoulder, wrist), _limb_elevation, True),),
            f"diagonal_elevation_{side}": (
                Variant((hip, ankle, f"{other}_shoulder", f"{other}_wrist"), _two_limbs, True),
            ),
            f"hip_joint_height_{side}": (Variant((hip,), _height, True, True),),
            f"foot_height_{side}": (Variant((ankle,), _height, True, True),),
            f"knee_height_{side}": (Variant((knee,), _height, True, True),),
        }
    return found


def _head_variants(function: PointFunction) -> tuple[Variant, ...]:
    return tuple(Variant((*_TRUNK, *ears), function) for ears in (_EARS, _EARS[:1], _EARS[1:]))


# The first variant whose points are all known is used.
POSE_MEASURES: Mapping[str, tuple[Variant, ...]] = {
    "hip_extension": (
        Variant((*_L_HIP, *_R_HIP), _hip_both),
        _HIP_L[0],
        _HIP_R[0],
        _HIP_L[1],
        _HIP_R[1],
    ),
    "hip_extension_l": _HIP_L,
    "hip_extension_r": _HIP_R,
    "knee_flexion": (
        Variant((*_L_KNEE, *_R_KNEE), _flexion_both),
        Variant(_L_KNEE, _flexion),
        Variant(_R_KNEE, _flexion),
    ),
    "elbow_flexion": (Variant((*_L_ELBOW, *_R_ELBOW), _flexion_both),),
    **_of_each_side(),
    # Bends of the body's line to that side.
    "head_side_bend_l": (Variant((*_TRUNK, *_EARS), _ear_line),),
    "head_side_bend_r": (Variant((*_TRUNK, *_EARS), _mirrored(_ear_line)),),
    "hip_height": (
        Variant((*_HIPS, *_KNEES), _hip_height, True, True),
        Variant(("l_hip", "l_knee"), _hip_height, True, True),
        Variant(("r_hip", "r_knee"), _hip_height, True, True),
    ),
    "shoulder_height": (Variant(_SHOULDERS, _height, True, True),),
    "pelvis_height": (Variant(_HIPS, _height, True, True),),
    "head_height": (Variant(_EARS, _height, True, True),),
    "hip_obliquity": (Variant(_HIPS, _right_side_up, True),),
    "shoulder_obliquity": (Variant(_SHOULDERS, _right_side_up, True),),
    "trunk_inclination": (Variant(_TRUNK, _trunk_inclination, True),),
    "trunk_lean": (Variant((*_TRUNK, *_ANKLES), _trunk_lean, True),),
    "hips_below_line": (Variant((*_TRUNK, *_KNEES), _hips_below_line, True),),
    "trunk_rotation": (Variant(_TRUNK, _trunk_rotation),),
    "neck_flexion": _head_variants(_neck_flexion),
    "neck_side_bend": _head_variants(_neck_side_bend),
    "head_flexion": (Variant((*_TRUNK, *_EARS, *_FACE), _face),),
    "knee_distance": (Variant((*_KNEES, *_HIPS), _knee_distance),),
    "knees_sideways": (Variant((*_KNEES, *_HIPS), _knees_sideways),),
    "thigh_separation": (Variant((*_KNEES, *_HIPS), _thigh_separation),),
    "foot_separation": (Variant((*_ANKLES, *_KNEES), _foot_separation),),
}
FRACTIONS = frozenset({"hip_height", "knee_distance", "foot_separation"})
METRES = frozenset(
    {"shoulder_height", "pelvis_height", "head_height"}
    | {f"{name}_height_{side}" for name in ("foot", "knee", "hip_joint") for side in ("l", "r")}
)
