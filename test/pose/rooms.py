"""Clouds of rooms with exact truth: rays cut with level rectangles and walls."""

from dataclasses import dataclass

import numpy as np

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.pose.support import GravityRule

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
AUTO = GravityRule.parse("auto")
EVERYWHERE = (-9.0, 9.0, -9.0, 9.0)


@dataclass(frozen=True)
class Level:
    """A level rectangle at z over the floor, from x0 to x1 and y0 to y1; its sides are solid."""

    z: float
    edges: tuple[float, float, float, float]


FLOOR = Level(0.0, EVERYWHERE)
BED = Level(0.55, (-1.0, 1.0, -0.45, 0.45))
MAT = Level(0.025, (-1.0, 1.0, -0.5, 0.5))


class View:
    """A camera that looks at a point of the room; x and y are level, z is up."""

    def __init__(
        self, elevation_deg, roll_deg=0.0, distance_m=2.4, target=(0.0, 0.0, 0.3), azimuth_deg=90.0
    ):
        e, a, r = np.deg2rad([elevation_deg, azimuth_deg, roll_deg])
        away = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        right = np.array([-np.sin(a), np.cos(a), 0.0])
        level = np.stack([right, np.cross(-away, right), -away])
        c, s = np.cos(r), np.sin(r)
        self.rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]) @ level
        self.centre = np.array(target) + distance_m * away
        self.up = self.rotation[:, 2]

    def height(self, level):
        return self.centre[2] - level.z

    def optical(self, points):
        return (np.asarray(points) - self.centre) @ self.rotation.T

    def points(self, levels, walls=(), noise=0.002, seed=0):
        """The cloud; a wall is (axis, where); noise grows with the square of depth."""
        v, u = np.mgrid[4:480:8, 4:640:8]
        rays = CAMERA.rays(np.stack([u.ravel(), v.ravel()], axis=1).astype(float))
        world = rays @ self.rotation
        depth = np.full(len(rays), np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            for level in levels:
                x0, x1, y0, y1 = level.edges
                self._cut(depth, world, (2, level.z), (x0, y0, -1.0), (x1, y1, 9.0))
                for axis, where in ((0, x0), (0, x1), (1, y0), (1, y1)):
                    if level.z > 0.0:
                        low, high = (x0, y0, 0.0), (x1, y1, level.z)
                        self._cut(depth, world, (axis, where), low, high)
            for axis, where in walls:
                self._cut(depth, world, (axis, where), (-20, -20, 0), (20, 20, 9))
        keep = (depth > 0.3) & (depth < 6.0)
        rng = np.random.default_rng(seed)
        z = depth[keep] * (1.0 + noise * depth[keep] * rng.normal(size=int(keep.sum())))
        return rays[keep] * z[:, None]

    def _cut(self, depth, world, plane, low, high):
        axis, where = plane
        t = (where - self.centre[axis]) / world[:, axis]
        at = self.centre + t[:, None] * world
        others = [k for k in range(3) if k != axis]
        inside = (t > 0) & np.isfinite(t)
        for k in others:
            inside &= (at[:, k] >= low[k]) & (at[:, k] <= high[k])
        depth[inside] = np.minimum(depth[inside], t[inside])


def lying(view, level, seed=0, off_m=0.02):
    """33 rough points of somebody who lies on a level."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-0.8, 0.8, 33)
    y = 0.15 * np.where(np.arange(33) % 2, 1.0, -1.0)
    z = level.z + 0.06 + 0.06 * np.cos(x)
    return view.optical(np.column_stack([x, y, z])) + rng.normal(0, off_m, (33, 3))


def standing(view, spot=(0.0, 0.0), seed=0):
    """33 rough points of somebody who stands on the floor."""
    rng = np.random.default_rng(seed)
    z = np.concatenate([[0.03] * 4, np.linspace(0.08, 1.7, 29)])
    x = spot[0] + 0.12 * np.where(np.arange(33) % 2, 1.0, -1.0)
    return view.optical(np.column_stack([x, np.full(33, spot[1]), z])) + rng.normal(
        0, 0.02, (33, 3)
    )


def off_deg(found, view):
    cross = np.linalg.norm(np.cross(found.up, view.up))
    return float(np.degrees(np.arctan2(cross, found.up @ view.up)))
