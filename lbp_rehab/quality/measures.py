"""Named measures of the body: from keypoints, the pelvis and muscle activation, each with sigma.

Every measure of keypoints is a function of a few points (and of "up"), written over leading batch
dimensions, so that one call gives the value and all its partial derivatives. The sigma is first
order: ``var = J C J^T`` with the keypoints' covariances taken as independent of one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.activation import MUSCLES, Activation

Array = NDArray[np.float64]
# points (..., k, 3), up (..., 3), camera height over the support in metres -> (...)
PointFunction = Callable[[Array, Array, float], Array]

STEP_M = 1e-5  # central differences: far above rounding, far below a segment's length
STEP_RAD = 1e-5
# A measure less certain than this says nothing useful about a movement.
MAX_SIGMA = {"rad": math.radians(20.0), "fraction": 0.25}

POSE, PELVIS, EMG = "body/pose", "pelvis/state", "emg/activation"
PELVIS_ANGLES = ("tilt", "obliquity", "rotation", "lumbar_flexion")


@dataclass(frozen=True)
class Variant:
    """One way to compute a measure: the points it needs and the function of them."""

    points: tuple[str, ...]
    function: PointFunction
    needs_support: bool = False
    needs_height: bool = False


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("...i,...i->...", a, b))


def _angle(a: Array, b: Array) -> Array:
    """Return the angle between vectors; atan2 keeps it exact near 0 and pi."""
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), _dot(a, b))


def _sagittal_angle(a: Array, b: Array, left: Array) -> Array:
    """Return the angle from a to b about ``left``, in (-pi/2, 3 pi/2]."""
    a = a - _dot(a, left)[..., None] * left
    b = b - _dot(b, left)[..., None] * left
    angle = np.arctan2(_dot(np.cross(a, b), left), _dot(a, b))
    return np.where(angle <= -math.pi / 2, angle + 2 * math.pi, angle)


def _hip_one(p: Array, up: Array, height_m: float) -> Array:
    """Shoulder, hip, knee of one side, then left and right hip."""
    left = _unit(p[..., 3, :] - p[..., 4, :])
    return _sagittal_angle(p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :], left)


def _hip_both(p: Array, up: Array, height_m: float) -> Array:
    """Left shoulder, hip, knee, then right shoulder, hip, knee."""
    left = _unit(p[..., 1, :] - p[..., 4, :])
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


def _trunk(p: Array) -> tuple[Array, Array]:
    """Left and right shoulder, left and right hip: the trunk's vector and the left axis."""
    trunk = 0.5 * (p[..., 0, :] + p[..., 1, :] - p[..., 2, :] - p[..., 3, :])
    return trunk, _unit(p[..., 2, :] - p[..., 3, :])


def _trunk_inclination(p: Array, up: Array, height_m: float) -> Array:
    trunk, left = _trunk(p)
    level_left = _unit(left - _dot(left, up)[..., None] * up)
    return np.arctan2(_dot(trunk, np.cross(level_left, up)), _dot(trunk, up))


def _trunk_lean(p: Array, up: Array, height_m: float) -> Array:
    trunk, left = _trunk(p)
    return np.arcsin(np.clip(_dot(_unit(trunk), left), -1.0, 1.0))


def _knee_distance(p: Array, up: Array, height_m: float) -> Array:
    """Left and right knee, left and right hip."""
    hips = p[..., 2, :] - p[..., 3, :]
    return _dot(p[..., 0, :] - p[..., 1, :], hips) / _dot(hips, hips)


_L_HIP = ("l_shoulder", "l_hip", "l_knee")
_R_HIP = ("r_shoulder", "r_hip", "r_knee")
_L_KNEE = ("l_hip", "l_knee", "l_ankle")
_R_KNEE = ("r_hip", "r_knee", "r_ankle")
_HIPS = ("l_hip", "r_hip")
_TRUNK = ("l_shoulder", "r_shoulder", *_HIPS)
_HIP_L = (Variant((*_L_HIP, *_HIPS), _hip_one), Variant(_L_HIP, _joint))
_HIP_R = (Variant((*_R_HIP, *_HIPS), _hip_one), Variant(_R_HIP, _joint))

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
    "knee_flexion_l": (Variant(_L_KNEE, _flexion),),
    "knee_flexion_r": (Variant(_R_KNEE, _flexion),),
    "hip_height": (
        Variant((*_HIPS, "l_knee", "r_knee"), _hip_height, True, True),
        Variant(("l_hip", "l_knee"), _hip_height, True, True),
        Variant(("r_hip", "r_knee"), _hip_height, True, True),
    ),
    "trunk_inclination": (Variant(_TRUNK, _trunk_inclination, True),),
    "trunk_lean": (Variant(_TRUNK, _trunk_lean),),
    "knee_distance": (Variant(("l_knee", "r_knee", *_HIPS), _knee_distance),),
}
_FRACTIONS = ("hip_height", "knee_distance")


def _registry() -> dict[str, tuple[str, str]]:
    known = {n: (POSE, "fraction" if n in _FRACTIONS else "rad") for n in POSE_MEASURES}
    for angle in PELVIS_ANGLES:
        known |= {f"pelvis_{angle}".replace("pelvis_lumbar", "lumbar"): (PELVIS, "rad")}
        known |= {f"pelvis_{angle}_relative".replace("pelvis_lumbar", "lumbar"): (PELVIS, "rad")}
    for muscle in MUSCLES:
        known |= {f"activation_{muscle}{side}": (EMG, "fraction") for side in ("", "_l", "_r")}
    return known | {
        "co_contraction": (EMG, "fraction"),
        "emg_asymmetry": (EMG, "fraction"),
        "local_share": (EMG, "fraction"),
    }


# name -> (topic it comes from, unit)
MEASURES: Mapping[str, tuple[str, str]] = _registry()


def source(name: str) -> str:
    """Return the topic that a measure comes from."""
    return MEASURES[name][0]


def unit(name: str) -> str:
    """Return the unit of a measure: "rad" or "fraction"."""
    return MEASURES[name][1]


def from_pose(name: str, pose: BodyPose) -> Estimate:
    """Return a measure of the keypoints.

    Parameters
    ----------
    name : str
        One of `POSE_MEASURES`.
    pose : BodyPose

    Returns
    -------
    Estimate
        In the measure's unit. INFERRED or HELD if a point it needs is. Unknown with the reason of
        the first missing point, NO_GRAVITY, or TOO_UNCERTAIN.
    """
    variants = POSE_MEASURES[name]
    variant = next((v for v in variants if pose.known(*v.points)), None)
    if variant is None:
        return Estimate.unknown(_why_missing(pose, variants[0].points))
    support = pose.support
    if variant.needs_support and support is None:
        return Estimate.unknown(Reason.NO_GRAVITY)
    if variant.needs_height and support is not None and not support.height.known:
        return Estimate.unknown(support.height.reason)
    index = [pose.names.index(n) for n in variant.points]
    points = pose.position[index]
    up = np.zeros(3) if support is None else np.asarray(support.up, dtype=np.float64)
    height_m = 0.0 if support is None else support.height.value
    value = float(variant.function(points, up, height_m))
    variance = _variance(variant.function, points, pose.covariance[index], up, height_m)
    if variant.needs_support and support is not None:
        variance += _up_variance(variant.function, points, up, height_m, support.sigma_rad)
    sigma = math.sqrt(variance) if math.isfinite(variance) else math.inf
    if not math.isfinite(value) or sigma > MAX_SIGMA[unit(name)]:
        return Estimate.unknown(Reason.TOO_UNCERTAIN)
    statuses = {Status(int(pose.status[i])) for i in index}
    status = next((s for s in (Status.HELD, Status.INFERRED) if s in statuses), Status.MEASURED)
    return Estimate(value, sigma, status)


def _why_missing(pose: BodyPose, points: tuple[str, ...]) -> Reason:
    for point in points:
        if not pose.known(point) and point in pose.names:
            reason = Reason(int(pose.reason[pose.names.index(point)]))
            return reason if reason != Reason.NONE else Reason.NO_PERSON
    return Reason.MISSING_INPUT


def _variance(
    function: PointFunction, points: Array, covariance: Array, up: Array, height_m: float
) -> float:
    k = len(points)
    steps = np.eye(3 * k).reshape(3 * k, k, 3) * STEP_M
    both = np.concatenate([points + steps, points - steps])
    values = function(both, np.broadcast_to(up, (6 * k, 3)), height_m)
    jacobian = ((values[: 3 * k] - values[3 * k :]) / (2 * STEP_M)).reshape(k, 3)
    return float(np.einsum("ki,kij,kj->", jacobian, covariance, jacobian))


def _up_variance(
    function: PointFunction, points: Array, up: Array, height_m: float, sigma_rad: float
) -> float:
    across = _unit(np.cross(up, np.eye(3)[int(np.argmin(np.abs(up)))]))
    tangents = np.stack([across, np.cross(up, across)])
    ups = _unit(np.concatenate([up + STEP_RAD * tangents, up - STEP_RAD * tangents]))
    values = function(np.broadcast_to(points, (4, *points.shape)), ups, height_m)
    slopes = (values[:2] - values[2:]) / (2 * STEP_RAD)
    return float((slopes**2).sum()) * sigma_rad**2


def from_pelvis(name: str, state: PelvisState) -> Estimate:
    """Return a measure of the pelvis, for example "pelvis_tilt_relative" or "lumbar_flexion"."""
    angles = state.relative if name.endswith("_relative") else state.absolute
    found: Estimate = getattr(angles, name.removesuffix("_relative").removeprefix("pelvis_"))
    return found


def from_activation(name: str, activation: Activation) -> Estimate:
    """Return a measure of the muscles, for example "activation_gluteus_maximus_l"."""
    if name in ("co_contraction", "local_share"):
        found: Estimate = getattr(activation, name)
        return found
    if name == "emg_asymmetry":
        return activation.asymmetry
    return activation.of(name.removeprefix("activation_"))
