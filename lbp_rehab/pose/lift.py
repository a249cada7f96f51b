"""From 2D landmarks and depth to metres: the trained lifter, run by onnxruntime.

The network (`lbp_rehab.training.lifter`, weights and model card in ``resource/models``) sees the
depth image cut out as the 2D estimator's region was, in a frame of gravity about the trunk, so that
a lying and a standing person, a low and an overhead camera look alike to it. It answers every point
with a covariance; what it cannot see it infers from the rest, the person's bone lengths and the
last estimate, and says so by a larger covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.paths import resource_dir
from lbp_rehab.pose.crop import cut, to_crop
from lbp_rehab.pose.gravity import body_axes
from lbp_rehab.pose.landmarks import Landmarks, Region
from lbp_rehab.pose.network import Network
from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES, TRUNK
from lbp_rehab.pose.types import Support

Array = NDArray[np.float64]

WEIGHTS = "lifter.onnx"
SIDE = 160  # readings a side of the depth crop
LANDMARKS = ("l_asis", "r_asis", "l_psis", "r_psis")
POINTS = len(NAMES) + len(LANDMARKS)
HEAT = 6
# Points whose readings tell how far the body is; the trunk counts twice.
CENTRAL = TRUNK * 2 + [INDEX[n] for n in ("l_elbow", "r_elbow", "l_knee", "r_knee")]
HALF_TRUNK_M = 0.08  # from the surface to the middle
MIN_READINGS = 3
SURFACE_M = 0.20  # a reading this near to a point is of its own surface
BLIND_SPAN_M = 1.92  # what a region spans at the person, the median over rendered people
LEVEL = np.array([0.0, -1.0, 0.0])  # up, for want of anything better


@dataclass(frozen=True)
class Lifted:
    """Points in metres in the optical frame: the 33 keypoints and the landmarks of the pelvis.

    Attributes
    ----------
    position : ndarray, shape (37, 3)
        Metres.
    covariance : ndarray, shape (37, 3, 3)
        Square metres.
    seen, covered : ndarray, shape (37,)
        Probability that the camera sees the point; that something hides it which is not the
        patient.
    measured : ndarray of bool, shape (37,)
        Whether there is depth near the point.
    """

    position: Array
    covariance: Array
    seen: Array
    covered: Array
    measured: NDArray[np.bool_]

    @cached_property
    def sigma(self) -> Array:
        """Each point's 1-sigma radius in metres, shape (37,)."""
        return np.sqrt(np.trace(self.covariance, axis1=1, axis2=2) / 3.0)


@dataclass(frozen=True)
class Before:
    """The last estimate: positions and sigmas (37 points, optical metres) and its age."""

    position: Array
    sigma: Array
    age_s: float


class Lifter:
    """Runs the network.

    Parameters
    ----------
    path : Path, optional
        Of other weights than those of the package.

    Raises
    ------
    InputError
        If onnxruntime or the weights are missing or do not fit together.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._network = Network(path or resource_dir() / "models" / WEIGHTS)

    def __call__(
        self,
        found: Landmarks,
        region: Region,
        depth: NDArray[np.uint16] | None,
        intrinsics: Intrinsics,
        *,
        support: Support | None = None,
        bones: Array | None = None,
        before: Before | None = None,
    ) -> Lifted:
        """Return the points in metres.

        Parameters
        ----------
        found : Landmarks
        region : Region
            In which they were found.
        depth : ndarray of uint16, shape (h, w), or None
            Millimetres, registered to the colour image.
        support : Support, optional
        bones : ndarray, shape (10,), optional
            Lengths of `BONES` in metres.
        before : Before, optional
        """
        readings = metres(depth, region, SIDE)
        uv = to_crop(found.pixel, region, SIDE)
        rays = ray_map(region, intrinsics)
        centre = centre_of(readings, uv, rays)
        axes = body_axes(LEVEL if support is None else support.up, rays)
        answer = self._network(
            depth=readings,
            rays=rays,
            axes=axes,
            centre=centre,
            support=_support(support, centre),
            landmarks=np.column_stack([uv, found.visibility, found.given]),
            shape=_flagged(found.world, found.given, 3),
            heat=_flagged(found.heat, found.given, HEAT),
            bones=np.zeros(len(BONES) + 1) if bones is None else np.append(bones, 1.0),
            last=_last(before),
            elapsed=np.zeros(1) if before is None else np.array([before.age_s]),
        )
        position, factor, logits = (a.astype(np.float64) for a in answer)
        turned = axes.T @ factor
        chance = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
        return Lifted(
            position,
            turned @ turned.transpose(0, 2, 1),
            chance[:, 0],
            chance[:, 1],
            _near(readings, position, rays),
        )


def metres(depth: NDArray[np.uint16] | None, region: Region, side: int) -> NDArray[np.float32]:
    """Return a region's readings in metres, shape (side, side); all 0 without a depth image."""
    if depth is None:
        return np.zeros((side, side), np.float32)
    return np.asarray(cut(depth, region, side) * np.float32(1e-3), np.float32)


def ray_map(region: Region, intrinsics: Intrinsics, side: int = SIDE) -> Array:
    """Return the map from readings to rays, shape (2, 3): ``x/z = map[0] . (column, row, 1)``."""
    to_image = region.to_image(side)
    to_image[:, 2] -= [intrinsics.cx, intrinsics.cy]
    return np.asarray(to_image / np.array([[intrinsics.fx], [intrinsics.fy]]))


def centre_of(readings: NDArray[np.float32], uv: Array, rays: Array) -> Array:
    """Return a rough centre of the body in optical metres, shape (3,).

    In the direction of the trunk's landmarks, as far as the median of the readings at the trunk,
    elbows and knees; without those, as far as a person is whose region has this size.
    """
    at = np.round(uv[CENTRAL]).astype(int)
    inside = ((at >= 0) & (at < SIDE)).all(axis=1)
    z = readings[at[inside, 1], at[inside, 0]]
    z = np.sort(z[z > 0.0])
    if len(z) >= MIN_READINGS:
        distance = float(z[(len(z) - 1) // 2]) + HALF_TRUNK_M
    else:
        distance = BLIND_SPAN_M / (float(np.linalg.norm(rays[:, 0])) * SIDE)
    column, row = uv[TRUNK].mean(axis=0)
    return np.asarray(np.append(rays @ [column, row, 1.0], 1.0) * distance)


def _support(support: Support | None, centre: Array) -> Array:
    """Return the height of the support over the centre and whether it is known."""
    if support is None or not support.height.known:
        return np.zeros(2)
    return np.array([-support.height.value - float(support.up @ centre), 1.0])


def _flagged(value: Array | None, given: NDArray[np.bool_], columns: int) -> Array:
    """Return values of the points with a column that says whether there is one."""
    if value is None:
        return np.zeros((len(NAMES), columns + 1))
    there = given.astype(float)[:, None]
    return np.hstack([value * there, there])


def _last(before: Before | None) -> Array:
    if before is None:
        return np.zeros((POINTS, 5))
    return np.column_stack([before.position, before.sigma, np.ones(POINTS)])


def _near(readings: NDArray[np.float32], position: Array, rays: Array) -> NDArray[np.bool_]:
    """Return at which points the camera has a reading within a segment's thickness."""
    z = np.maximum(position[:, 2], 0.1)
    slope = position[:, :2] / z[:, None] - rays[:, 2]
    at = np.round(slope @ np.linalg.inv(rays[:, :2]).T).astype(int)
    inside = ((at >= 0) & (at < SIDE)).all(axis=1)
    at = np.clip(at, 0, SIDE - 1)
    reading = readings[at[:, 1], at[:, 0]]
    return np.asarray(inside & (reading > 0.0) & (np.abs(z - reading) < SURFACE_M))
