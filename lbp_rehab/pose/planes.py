"""The large planes of any direction in a point cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIN_POINTS = 400
# Depth noise: what is uneven or constant, and what grows with the square of the distance, as in a
# stereo camera (0.05 pixels of disparity of a RealSense D435 at 424 to 640 columns).
FLAT_M = 0.008
NOISE_PER_M = 0.003
WITHIN = 2.5  # sigmas: a point lies on a plane
HYPOTHESES = 320
COMPANIONS = 10  # the nearest of so many completes a hypothesis
APART_M = 0.12  # between the points of a hypothesis
NEAREST_M = 0.2  # no plane is nearer to the camera
SCORED = 900  # points on which hypotheses are compared
PLANES = 10
PLANE_SHARE = 0.035  # of all points, for a plane to count
SQUARE_RAD = float(np.deg2rad(6.0))  # planes of a room are parallel or square this nearly


@dataclass(frozen=True)
class Plane:
    """A plane that faces the camera: ``points @ normal + height`` is 0 on it.

    Attributes
    ----------
    normal : ndarray, shape (3,)
        Unit vector in the optical frame, towards the camera.
    height : float
        Of the camera over it, metres.
    share : float
        Of the cloud's points that lie on it, 0 to 1; 0 where nobody counted.
    """

    normal: Array
    height: float
    share: float

    def holds(self, points: Array, within: float = WITHIN) -> NDArray[np.bool_]:
        """Return which points lie on the plane, within so many sigmas of depth noise."""
        off = points @ self.normal + self.height
        return np.asarray(np.abs(off) < within * noise_across(points, self.height))


def noise_across(points: Array, height: float | Array) -> Array:
    """Return the 1-sigma across a plane that the camera is ``height`` over, of each point.

    Noise ``k z^2`` along the ray is ``k z h`` across the plane.
    """
    return np.asarray(np.sqrt(FLAT_M**2 + (NOISE_PER_M * height * points[:, 2]) ** 2))


def find_planes(points: Array, seed: int) -> list[Plane]:
    """Return the large planes of any direction, the largest first (sequential RANSAC).

    Fischler and Bolles 1981. The three points of a hypothesis are near each other, as planes are
    local.
    """
    rng = np.random.default_rng(seed)
    anchor = points[rng.integers(0, len(points), HYPOTHESES)]
    others = points[rng.integers(0, len(points), (HYPOTHESES, 2, COMPANIONS))]
    distance = np.linalg.norm(others - anchor[:, None, None], axis=-1)
    nearest = np.where(distance < APART_M, np.inf, distance).argmin(axis=-1)
    others = np.take_along_axis(others, nearest[:, :, None, None], axis=2)[:, :, 0]
    normal = np.cross(others[:, 0] - anchor, others[:, 1] - anchor)
    area = np.linalg.norm(normal, axis=1)
    normal, anchor = normal[area > 1e-3] / area[area > 1e-3, None], anchor[area > 1e-3]
    height = -np.sum(normal * anchor, axis=1)
    normal, height = normal * np.sign(height)[:, None], np.abs(height)
    normal, height = normal[height > NEAREST_M], height[height > NEAREST_M]
    if not len(normal):
        return []

    some = points[:: max(len(points) // SCORED, 1)]
    # Single precision and no square roots: this is where the time goes.
    off = some.astype(np.float32) @ normal.T.astype(np.float32) + height.astype(np.float32)
    depth, tall = (some[:, 2:] * NOISE_PER_M * WITHIN).astype(np.float32), height.astype(np.float32)
    on = off**2 < np.float32((WITHIN * FLAT_M) ** 2) + depth**2 * tall**2
    votes, free = on.astype(np.float32), np.ones(len(some), np.float32)
    found: list[Plane] = []
    for _ in range(PLANES):
        count = free @ votes
        best = int(np.argmax(count))
        if count[best] < PLANE_SHARE * len(some):
            break
        plane = _fitted(points, Plane(normal[best], float(height[best]), 0.0))
        mine = on[:, best] if plane is None else on[:, best] | plane.holds(some)
        share = float(free[mine].sum()) / len(some)
        free[mine] = 0.0
        if plane is None:
            continue
        free[plane.holds(some, 1.6 * WITHIN)] = 0.0  # or its rim would make planes beside it
        if not any(_same(plane, p, points) for p in found):
            found.append(replace(plane, share=share))
    return found


def _fitted(points: Array, plane: Plane) -> Plane | None:
    """Fit a plane to what lies on it.

    In inverse depth a plane is linear in the ray, and the noise of a stereo camera is even:
    ``1 / z = -(normal @ ray) / height``.
    """
    for _ in range(3):
        on = points[plane.holds(points)]
        if len(on) < MIN_POINTS // 16:
            return None
        ray = on / on[:, 2:]
        weight = (plane.height * on[:, 2] / noise_across(on, plane.height)) ** 2
        left = (ray * weight[:, None]).T @ ray
        try:
            slope = np.linalg.solve(left, ray.T @ (weight / on[:, 2]))
        except np.linalg.LinAlgError:
            return None
        size = float(np.linalg.norm(slope))
        if size < 1e-2 or size * NEAREST_M > 1.0:
            return None
        plane = Plane(np.asarray(-slope / size), 1.0 / size, 0.0)
    return plane


def _same(a: Plane, b: Plane, points: Array) -> bool:
    if a.normal @ b.normal < np.cos(SQUARE_RAD):
        return False
    on = points[a.holds(points)]
    return bool(len(on) == 0 or b.holds(on, 2.0 * WITHIN).mean() > 0.5)
