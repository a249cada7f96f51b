"""How far a 2D skeleton can be believed, and another look where it cannot.

The thresholds were set on BlazePose's answers over rendered training people, with regions that
were right, turned and of wrong size. A term is 1 where good skeletons lie and falls to 0 where
those lie that are off by more than a twentieth of their region.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.crop import to_crop
from lbp_rehab.pose.landmarks import Landmarks, Region, region_round
from lbp_rehab.pose.skeleton import HIPS, INDEX, SHOULDERS

Model = Callable[[NDArray[np.uint8], Region], Landmarks | None]

PLAUSIBLE = 0.5  # what a skeleton must reach to be believed
# From 0 to 1 between these values of each measure.
PRESENCE = (0.30, 0.95)
PEAK = (0.30, 0.80)  # mean of the heatmaps' highest probabilities
STRAY = (0.10, 0.008)  # mean distance of point and peak, of the region's side
BLUR = (2.85, 1.75)  # mean radius of the heatmaps about their points, cells
TRUNK_FLAT = (0.32, 0.45)  # shoulder width over trunk length in the image
TRUNK_FLAT_3D = (0.36, 0.50)  # and in the model's shape
TRUNK_SHARE = (0.02, 0.09)  # trunk length over the size of the region
LIMB_3D = (2.4, 1.4)  # of the longest thigh, shank or arm over trunk length in the model's shape
UNEQUAL_3D = (1.3, 0.7)  # log of left over right of the worst pair of limbs in the model's shape
OUTSIDE = (0.35, 0.10)  # share of points outside the region

_BODY = [INDEX[n] for n in ("nose",)] + [
    INDEX[f"{side}_{n}"]
    for n in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in "lr"
]
_LIMBS = [
    (INDEX[f"{side}_{a}"], INDEX[f"{side}_{b}"])
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    for side in "lr"
]
# How the region is turned (radians) and scaled to look again: first as another image rotation or a
# crop to the bed would change it, then for a body that lies another way round.
RETRIES = (
    (0.0, 0.85), (0.35, 1.0), (-0.35, 1.0), (0.0, 1.2), (0.7, 0.9), (-0.7, 0.9), (0.35, 0.8),
    (-0.35, 0.8), (np.pi, 1.0), (np.pi / 2, 1.0), (-np.pi / 2, 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """What a skeleton is worth.

    Attributes
    ----------
    value : float
        0 to 1, the product of the terms; `PLAUSIBLE` is enough.
    reason : str
        The lowest term: ``presence``, ``blurred`` (heatmaps), ``collapsed`` (trunk), ``limbs``,
        ``unequal`` (left and right) or ``outside`` (the region); empty: all are 1.
    """

    value: float
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the skeleton can be believed."""
        return self.value >= PLAUSIBLE


def judge(landmarks: Landmarks, region: Region | None = None) -> Judgement:
    """Return how plausible a skeleton is and what speaks most against it.

    Parameters
    ----------
    landmarks : Landmarks
    region : Region, optional
        Where the model looked; by default the region round the points.
    """
    terms = {
        "presence": _ramp(landmarks.presence, PRESENCE),
        "blurred": _sharpness(landmarks),
        "collapsed": _trunk(landmarks, region or region_round(landmarks.pixel)),
        "limbs": 1.0,
        "unequal": 1.0,
        "outside": 1.0 if region is None else _ramp(_outside(landmarks, region), OUTSIDE),
    }
    if landmarks.world is not None:
        length = np.array([np.linalg.norm(landmarks.world[a] - landmarks.world[b])
                           for a, b in _LIMBS])  # fmt: skip
        length = np.maximum(length, 1e-3)
        trunk = max(_trunk_length(landmarks.world), 1e-3)
        terms["limbs"] = _ramp(float(length.max()) / trunk, LIMB_3D)
        unequal = float(np.abs(np.log(length[0::2] / length[1::2])).max())
        terms["unequal"] = _ramp(unequal, UNEQUAL_3D)
    worst = min(terms, key=lambda name: terms[name])
    value = float(np.prod(list(terms.values())))
    return Judgement(value, worst if terms[worst] < 1.0 else "")


@dataclass(frozen=True)
class Solved:
    """The best of several looks at one person."""

    landmarks: Landmarks
    region: Region
    judgement: Judgement


def solve_collapsed(
    image: NDArray[np.uint8],
    region: Region,
    model: Model,
    first: Landmarks | None = None,
    budget: int = len(RETRIES) + 1,
) -> Solved | None:
    """Look again with the region turned and scaled until the skeleton is plausible.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w, 3)
    region : Region
    model : callable
        ``model(image, region)``.
    first : Landmarks, optional
        What the model said of the region as it is.
    budget : int
        Most runs of the model.

    Returns
    -------
    Solved or None
        The most plausible look, whether it passes or not; None if the model saw nobody at all.
    """
    best: Solved | None = None
    looks = 0
    for turn, scale in ((0.0, 1.0), *RETRIES):
        tried = Region(region.centre, region.size * scale, region.rotation + turn)
        if first is not None and looks == 0 and best is None:
            found: Landmarks | None = first
        elif looks >= budget:
            break
        else:
            found = model(image, tried)
            looks += 1
        if found is None:
            continue
        judgement = judge(found, tried)
        if best is None or judgement.value > best.judgement.value:
            best = Solved(found, tried, judgement)
        if judgement.passed:
            break
    return best


def _ramp(value: float, ends: tuple[float, float]) -> float:
    """Return 0 at the first end, 1 at the second and beyond, and a line in between."""
    return float(np.clip((value - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0))


def _trunk_length(points: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(points[SHOULDERS].mean(axis=0) - points[HIPS].mean(axis=0)))


def _sharpness(landmarks: Landmarks) -> float:
    """Return the geometric mean of three measures of the heatmaps: peak, stray and blur."""
    if landmarks.heat is None:
        return 1.0
    heat = landmarks.heat[_BODY]
    peak = _ramp(float(heat[:, 0].mean()), PEAK)
    stray = _ramp(float(np.linalg.norm(heat[:, 1:3], axis=1).mean()), STRAY)
    blur = _ramp(float(np.sqrt(np.abs(heat[:, 3] + heat[:, 5])).mean()), BLUR)
    return float(np.cbrt(peak * stray * blur))


def _trunk(landmarks: Landmarks, region: Region) -> float:
    """Return how well the trunk is spread out.

    From the side the shoulders lie on one line in the image though nothing is wrong; then they are
    apart in the model's shape. Without a shape the two cannot be told apart.
    """
    pixel, world = landmarks.pixel, landmarks.world
    length = _trunk_length(pixel)
    long_enough = _ramp(length / max(region.size, 1e-6), TRUNK_SHARE)
    if world is None:
        return long_enough
    width = float(np.linalg.norm(pixel[SHOULDERS[0]] - pixel[SHOULDERS[1]]))
    width_3d = float(np.linalg.norm(world[SHOULDERS[0]] - world[SHOULDERS[1]]))
    flat = _ramp(width / max(length, 1e-6), TRUNK_FLAT)
    flat_3d = _ramp(width_3d / max(_trunk_length(world), 1e-6), TRUNK_FLAT_3D)
    return long_enough * max(flat, flat_3d)


def _outside(landmarks: Landmarks, region: Region) -> float:
    """Return the share of the points that lie outside the region."""
    place = to_crop(landmarks.pixel, region, 1)
    return float(((place < 0.0) | (place > 1.0)).any(axis=1).mean())
