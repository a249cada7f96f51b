"""A person whose trunk is an elliptic cylinder, before a camera: depth and joints are exact."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.pelvis.head import SIDE, SPAN_M, view_of
from lbp_rehab.pose.landmarks import Region
from lbp_rehab.pose.lift import ray_map
from lbp_rehab.pose.skeleton import INDEX, NAMES

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
HALF_M = (0.11, 0.17)  # half axes to the front and to the left
# In the base frame: anterior, left, cranial. No limb is where the other side's is.
JOINTS = {
    "l_hip": (0, 0.1, 0), "r_hip": (0, -0.1, 0),
    "l_shoulder": (0, 0.18, 0.5), "r_shoulder": (0, -0.18, 0.5), "nose": (0.1, 0.03, 0.7),
    "l_elbow": (0.1, 0.3, 0.3), "r_elbow": (0.0, -0.3, 0.2), "l_knee": (0.3, 0.12, -0.3),
    "r_knee": (0.05, -0.11, -0.4), "l_ankle": (0.3, 0.1, -0.7), "r_ankle": (0.0, -0.1, -0.8),
}  # fmt: skip


def joints_of_body():
    """Return the points in the base frame, shape (33, 3); those of no name above lie apart."""
    points = np.random.default_rng(5).normal(0.0, 0.3, (len(NAMES), 3))
    for name, place in JOINTS.items():
        points[INDEX[name]] = place
    return points


@dataclass(frozen=True)
class Scene:
    """The person before the camera.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Columns: anterior, left, cranial in the optical frame.
    origin : ndarray, shape (3,)
        Mid-hip point, optical metres.
    shift_m : tuple of float
        Where the cylinder's axis is, to the front and to the left.
    """

    axes: np.ndarray
    origin: np.ndarray
    half_m: tuple = HALF_M
    shift_m: tuple = (0.0, 0.0)

    @property
    def position(self):
        """The points in the optical frame, shape (33, 3)."""
        return joints_of_body() @ self.axes.T + self.origin

    @property
    def region(self):
        """The part of the image round the pelvis."""
        spot = CAMERA.project(self.origin[None])[0]
        size = SPAN_M * CAMERA.fx / self.origin[2]
        return Region((float(spot[0]), float(spot[1])), float(size), 0.2)

    @property
    def rays(self):
        return ray_map(self.region, CAMERA, SIDE)

    @property
    def readings(self):
        """Depth of the trunk along the region's rays, metres, 0 where it is missed."""
        return depth_along(self, self.rays)

    @property
    def depth(self):
        """The whole depth image, millimetres."""
        to_ray = np.array([[1.0, 0.0, -CAMERA.cx], [0.0, 1.0, -CAMERA.cy]])
        metres = depth_along(self, to_ray / CAMERA.fx, (CAMERA.height, CAMERA.width))
        return np.round(1000.0 * metres).astype(np.uint16)

    def view(self, sigma_m=0.02, up=None):
        sigma = np.full(len(NAMES), sigma_m) if np.isscalar(sigma_m) else sigma_m
        return view_of(self.readings, self.rays, self.position, sigma, up)


def depth_along(scene, rays, shape=(SIDE, SIDE)):
    """Return where rays first meet the cylinder, as depth in metres; 0 where they do not."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    slope = np.stack([column, row, np.ones_like(row)], axis=-1) @ rays.T
    towards = np.concatenate([slope, np.ones((*shape, 1))], axis=-1) @ scene.axes
    start = -scene.origin @ scene.axes
    d = towards[..., :2] / scene.half_m
    o = (start[:2] - scene.shift_m) / scene.half_m
    a, b, c = (d**2).sum(axis=-1), (d * o).sum(axis=-1), (o**2).sum() - 1.0
    under = b**2 - a * c
    z = (-b - np.sqrt(np.maximum(under, 0.0))) / a
    height = start[2] + z * towards[..., 2]
    hit = (under > 0.0) & (np.abs(height) < 0.5)
    return np.where(hit, z, 0.0).astype(np.float32)


def seen_from(azimuth_deg, elevation_deg=10.0, distance_m=2.2, roll_deg=0.0, **others):
    """Return the scene with the camera at an angle from the front round the left side."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    out = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    x = np.cross([0.0, 0.0, -1.0], -out)
    x /= np.linalg.norm(x)
    camera = np.stack([x, np.cross(-out, x), -out])  # rows: right, down, forward
    camera = Rotation.from_euler("z", roll_deg, degrees=True).as_matrix() @ camera
    return Scene(camera, -camera @ (distance_m * out), **others)


def radius_m(azimuth_rad, half_m=HALF_M):
    """Return how far the ellipse is from its middle."""
    return 1.0 / np.hypot(np.cos(azimuth_rad) / half_m[0], np.sin(azimuth_rad) / half_m[1])
