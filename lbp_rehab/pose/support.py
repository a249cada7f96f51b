"""The plane that carries the patient (floor, mat, bed) and with it the direction of gravity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pose.types import Support

STRIDE = 8  # every 8th pixel of every 8th row
MIN_POINTS = 400
HYPOTHESES = 256
INLIER_M = 0.02
INLIER_SHARE = 0.12  # of all points, for a plane to count
BELOW_M = 0.06
BELOW_SHARE = 0.10  # more points than this below a plane: it is a table, not the support
UP_CONE_RAD = np.deg2rad(60.0)
HEIGHT_SIGMA_M = 0.01  # depth cameras' bias at the distance of a room
MIN_SIGMA_RAD = np.deg2rad(0.5)  # an RGB-D camera's plane is no better than its calibration
IMAGE_UP = np.array([0.0, -1.0, 0.0])
TOWARDS_CAMERA = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class GravityRule:
    """Where up is looked for.

    Attributes
    ----------
    hint : ndarray, shape (3,)
        Rough up direction in the optical frame.
    cone_rad : float
        How far from it up may lie; 0: the hint is exact.
    """

    hint: NDArray[np.float64]
    cone_rad: float

    @classmethod
    def parse(cls, text: str) -> GravityRule:
        """Return the rule that a parameter names: ``auto``, ``overhead`` or ``x,y,z``.

        Raises
        ------
        InputError
            If the text is none of these.
        """
        if text == "auto":
            return cls(IMAGE_UP, UP_CONE_RAD)
        if text == "overhead":
            return cls(TOWARDS_CAMERA, UP_CONE_RAD / 2)
        try:
            up = np.array([float(v) for v in text.split(",")])
            norm = float(np.linalg.norm(up))
            if up.shape != (3,) or not np.isfinite(norm) or norm < 1e-6:
                raise ValueError
        except ValueError:
            raise InputError(
                f"gravity '{text}' is not 'auto', 'overhead' or three numbers 'x,y,z' that point "
                "up in the camera's optical frame"
            ) from None
        return cls(up / norm, 0.0)


def cloud(depth: NDArray[np.uint16], intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Return a thinned point cloud in metres in the optical frame, shape (n, 3)."""
    rows, columns = np.mgrid[
        STRIDE // 2 : depth.shape[0] : STRIDE, STRIDE // 2 : depth.shape[1] : STRIDE
    ]
    z = depth[rows, columns].ravel().astype(np.float64) / 1000.0
    pixel = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64)
    return (intrinsics.rays(pixel) * z[:, None])[z > 0]


def find_support(points: NDArray[np.float64], rule: GravityRule, seed: int = 0) -> Support | None:
    """Find the lowest large plane whose normal points up, by RANSAC (Fischler and Bolles 1981).

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        Metres in the optical frame.
    rule : GravityRule
    seed : int
        Of the random hypotheses: the same points give the same plane.

    Returns
    -------
    Support or None
        None if no plane is large enough and has nearly nothing below it.
    """
    if len(points) < MIN_POINTS:
        return None
    if rule.cone_rad == 0.0:
        height = points @ rule.hint
        floor = float(np.percentile(height, 2.0))
        return Support(rule.hint, MIN_SIGMA_RAD, Estimate(-floor, HEIGHT_SIGMA_M))
    rng = np.random.default_rng(seed)
    picks = points[rng.integers(0, len(points), (HYPOTHESES, 3))]
    normals = np.cross(picks[:, 1] - picks[:, 0], picks[:, 2] - picks[:, 0])
    norm = np.linalg.norm(normals, axis=1)
    usable = norm > 1e-6
    normals = normals[usable] / norm[usable, None]
    normals *= np.where(normals @ rule.hint < 0, -1.0, 1.0)[:, None]
    anchors = picks[usable, 0]
    in_cone = normals @ rule.hint >= np.cos(rule.cone_rad)
    normals, anchors = normals[in_cone], anchors[in_cone]
    if not len(normals):
        return None
    offset = np.sum(normals * anchors, axis=1)
    distance = normals @ points.T - offset[:, None]
    inliers = (np.abs(distance) < INLIER_M).mean(axis=1)
    below = (distance < -BELOW_M).mean(axis=1)
    inliers[below > BELOW_SHARE] = 0.0
    best = int(np.argmax(inliers))
    if inliers[best] < INLIER_SHARE:
        return None
    return _refine(points, normals[best], offset[best], rule)


def _refine(
    points: NDArray[np.float64], normal: NDArray[np.float64], offset: float, rule: GravityRule
) -> Support | None:
    """Fit the plane to its inliers by total least squares, three rounds."""
    sigma = MIN_SIGMA_RAD
    for _ in range(3):
        on = points[np.abs(points @ normal - offset) < INLIER_M]
        centre = on.mean(axis=0)
        _, spread, axes = np.linalg.svd(on - centre, full_matrices=False)
        normal = axes[2] * np.sign(axes[2] @ rule.hint)
        offset = float(normal @ centre)
        # Slope error of a fitted line: residual over spread (the middle axis is the worse one).
        # The readings are correlated; a hundredth of them count as independent.
        sigma = max(MIN_SIGMA_RAD, float(spread[2] / spread[1]) / np.sqrt(max(len(on) / 100, 1)))
    if normal @ rule.hint < np.cos(rule.cone_rad):
        return None
    return Support(normal, sigma, Estimate(-offset, HEIGHT_SIGMA_M))


def without_depth(rule: GravityRule) -> Support | None:
    """Return gravity alone when the rule gives it exactly; the plane stays unknown."""
    if rule.cone_rad != 0.0:
        return None
    return Support(rule.hint, MIN_SIGMA_RAD, Estimate.unknown(Reason.NO_DEPTH))


def agreement(points: NDArray[np.float64], support: Support) -> float:
    """Return the share of points that still lie on the plane, 0 to 1."""
    if not len(points):
        return 0.0
    return float((np.abs(points @ support.up + support.height.value) < 2 * INLIER_M).mean())
