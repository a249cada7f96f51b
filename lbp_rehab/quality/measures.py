"""Named measures of the body: of keypoints, pelvis, breathing and muscles, each with its sigma.

What the measures of keypoints are stands in `lbp_rehab.quality.pose_measures`. Their sigma is first
order: ``var = J C J^T`` with the keypoints' covariances taken as independent of one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from lbp_rehab.breath.types import Breath
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.activation import MUSCLES, Activation
from lbp_rehab.quality.pose_measures import (
    FRACTIONS,
    METRES,
    POSE_MEASURES,
    Array,
    PointFunction,
    unit_vector,
)
from lbp_rehab.quality.types import Side
from lbp_rehab.vectors import cross

STEP_M = 1e-5  # central differences: far above rounding, far below a segment's length
STEP_RAD = 1e-5
_WEAKER = (Status.HELD, Status.INFERRED)
# A measure less certain than this says nothing useful about a movement.
MAX_SIGMA = {"rad": math.radians(20.0), "fraction": 0.25, "m": 0.1}

POSE, PELVIS, BREATH, EMG = "body/pose", "pelvis/state", "body/breath", "emg/activation"
SOURCES = (POSE, PELVIS, BREATH, EMG)
PELVIS_ANGLES = ("tilt", "obliquity", "rotation", "lumbar_flexion")


def _registry() -> dict[str, tuple[str, str]]:
    units = dict.fromkeys(FRACTIONS, "fraction") | dict.fromkeys(METRES, "m")
    known = {n: (POSE, units.get(n, "rad")) for n in POSE_MEASURES}
    for angle in PELVIS_ANGLES:
        known |= {f"pelvis_{angle}".replace("pelvis_lumbar", "lumbar"): (PELVIS, "rad")}
        known |= {f"pelvis_{angle}_relative".replace("pelvis_lumbar", "lumbar"): (PELVIS, "rad")}
    known |= {"belly_rise": (BREATH, "m"), "chest_rise": (BREATH, "m")}
    known |= {"breath_depth": (BREATH, "fraction")}
    for muscle in MUSCLES:
        known |= {f"activation_{muscle}{side}": (EMG, "fraction") for side in ("", "_l", "_r")}
    return known | {
        "co_contraction": (EMG, "fraction"),
        "emg_asymmetry": (EMG, "fraction"),
        "local_share": (EMG, "fraction"),
    }


# name -> (topic it comes from, unit)
MEASURES: Mapping[str, tuple[str, str]] = _registry()
# What only rules of muscles judge; not for other rules of a file, which know no such units.
OF_MUSCLES: Mapping[str, tuple[str, str]] = {
    f"{name}_{muscle}": (EMG, unit)
    for muscle in MUSCLES
    for name, unit in (("onset", "s"), ("fatigue", "Hz/s"))
}
_ALL = {**MEASURES, **OF_MUSCLES}

# Measures of one limb can be named by what it does, not only by its side.
_SIDED = tuple(n[:-2] for n in MEASURES if n.endswith("_l"))
OF_WORKING_SIDE = tuple(f"work_{n}" for n in _SIDED)
NAMES = (*MEASURES, *OF_WORKING_SIDE, *(f"other_{n}" for n in _SIDED))


def expanded(name: str) -> tuple[str, ...]:
    """Return the measures that a name may stand for: itself, or the left and the right one."""
    if name in _ALL:
        return (name,)
    limb = name.partition("_")[2]
    return f"{limb}_l", f"{limb}_r"


def of_side(name: str, side: Side) -> str:
    """Return the measure that a name stands for when a side works."""
    if name in MEASURES:
        return name
    who, _, limb = name.partition("_")
    left = (side == Side.LEFT) == (who == "work")
    return f"{limb}_{'l' if left else 'r'}"


def source(name: str) -> str:
    """Return the topic that a measure comes from."""
    return _ALL[expanded(name)[0]][0]


def unit(name: str) -> str:
    """Return the unit of a measure: "rad", "m" or "fraction", of `OF_MUSCLES` "s" or "Hz/s"."""
    return _ALL[expanded(name)[0]][1]


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
    value, variance = _value(variant.function, points, pose.covariance[index], up, height_m)
    if variant.needs_support and support is not None:
        variance += _up_variance(variant.function, points, up, height_m, support.sigma_rad)
    sigma = math.sqrt(variance) if math.isfinite(variance) else math.inf
    if not math.isfinite(value) or sigma > MAX_SIGMA[unit(name)]:
        return Estimate.unknown(Reason.TOO_UNCERTAIN)
    statuses = set(pose.status[index].tolist())
    status = next((s for s in _WEAKER if s in statuses), Status.MEASURED)
    return Estimate(value, sigma, status)


def _why_missing(pose: BodyPose, points: tuple[str, ...]) -> Reason:
    for point in points:
        if not pose.known(point) and point in pose.names:
            reason = Reason(int(pose.reason[pose.names.index(point)]))
            return reason if reason != Reason.NONE else Reason.NO_PERSON
    return Reason.MISSING_INPUT


def _value(
    function: PointFunction, points: Array, covariance: Array, up: Array, height_m: float
) -> tuple[float, float]:
    """Return a function of the points and its variance."""
    k = len(points)
    n = 3 * k
    all_ups = np.broadcast_to(up, (1 + 2 * n, 3))
    values = function(points + _steps(k), all_ups, height_m)
    jacobian = ((values[1 : 1 + n] - values[1 + n :]) / (2 * STEP_M)).reshape(k, 3)
    variance = np.einsum("ki,kij,kj->", jacobian, covariance, jacobian)
    return float(values[0]), float(variance)


@cache
def _steps(k: int) -> Array:
    """Return no step, then one forward and one back of each coordinate of k points."""
    steps = np.eye(3 * k).reshape(3 * k, k, 3) * STEP_M
    return np.concatenate([np.zeros((1, k, 3)), steps, -steps])


def _up_variance(
    function: PointFunction, points: Array, up: Array, height_m: float, sigma_rad: float
) -> float:
    across = unit_vector(cross(up, np.eye(3)[int(np.argmin(np.abs(up)))]))
    tangents = np.stack([across, cross(up, across)])
    ups = unit_vector(np.concatenate([up + STEP_RAD * tangents, up - STEP_RAD * tangents]))
    values = function(np.broadcast_to(points, (4, *points.shape)), ups, height_m)
    slopes = (values[:2] - values[2:]) / (2 * STEP_RAD)
    return float((slopes**2).sum()) * sigma_rad**2


def from_pelvis(name: str, state: PelvisState) -> Estimate:
    """Return a measure of the pelvis, for example "pelvis_tilt_relative" or "lumbar_flexion"."""
    angles = state.relative if name.endswith("_relative") else state.absolute
    found: Estimate = getattr(angles, name.removesuffix("_relative").removeprefix("pelvis_"))
    return found


def from_breath(name: str, breath: Breath) -> Estimate:
    """Return "belly_rise", "chest_rise" or "breath_depth"."""
    found: Estimate = getattr(breath, name.removesuffix("_rise").removeprefix("breath_"))
    return found


def from_activation(name: str, activation: Activation) -> Estimate:
    """Return a measure of the muscles, for example "activation_gluteus_maximus_l"."""
    if name in ("co_contraction", "local_share"):
        found: Estimate = getattr(activation, name)
        return found
    if name == "emg_asymmetry":
        return activation.asymmetry
    if name.startswith("onset_"):
        return activation.on_since(name.removeprefix("onset_"))
    if name.startswith("fatigue_"):
        return activation.fatigue_of(name.removeprefix("fatigue_"))
    return activation.of(name.removeprefix("activation_"))


_READERS: Mapping[str, Callable[[str, Any], Estimate]] = {
    POSE: from_pose,
    PELVIS: from_pelvis,
    BREATH: from_breath,
    EMG: from_activation,
}


def read(name: str, item: BodyPose | PelvisState | Breath | Activation) -> Estimate:
    """Return a measure of what arrived on the topic that it comes from."""
    return _READERS[source(name)](name, item)
