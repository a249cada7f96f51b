"""From 2D landmarks and depth to metres.

Every keypoint lies on the ray of its pixel. Where the depth image reads the body's surface there,
the joint centre is that reading plus half the thickness of the segment. Where it does not (a hole,
another body part in front), the place on the ray comes from the 2D model's own 3D shape, which is
fitted to all rays and readings of the frame with one scale and one translation. Without any depth
the same fit still gives metres, with the scale of an average adult and a wide sigma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.blazepose import Landmarks
from lbp_rehab.pose.depth import DepthSamples, sample
from lbp_rehab.pose.skeleton import INDEX, NAMES

# Half the depth of each segment in metres, from surface to joint centre along the ray: rounded
# from the segment depths and breadths of ANSUR II (Gordon et al. 2014).
HALF_THICKNESS_M = {
    "shoulder": 0.055, "elbow": 0.040, "wrist": 0.025,
    "hip": 0.095, "knee": 0.055, "ankle": 0.040, "heel": 0.020, "toe": 0.015,
    "pinky": 0.012, "index": 0.012, "thumb": 0.012, "ear": 0.020,
}  # fmt: skip
# 1-sigma of the half thickness as a share of it: people differ and the ray meets them askew. The
# hip joint lies so deep that the view decides which surface covers it: from the side, the far hip
# is behind the near one.
HALF_THICKNESS_SIGMA = 0.35
HIP_THICKNESS_SIGMA = 0.65
# 1-sigma of a visible landmark about its joint across the ray, as a share of the trunk: over 180
# rendered lying, kneeling and standing people the 2D error is 37 mm on average (a Rayleigh mean,
# 1.25 sigma) with trunks of half a metre.
PIXEL_SIGMA = 0.06
REACH_M = 0.14  # a reading further than this from the fitted shape is not this joint's surface
SHAPE_SIGMA_M = 0.12  # of the 2D model's own depth, relative to the hips
SCALE_SIGMA = 0.10  # of adults' size about the model's average
SCALE_RANGE = (0.75, 1.3)
# Of the distance between reading and fitted shape: where they disagree, one of them is wrong.
DISAGREEMENT_SHARE = 0.5
LOW_VISIBILITY = 0.35  # under it the 2D place itself is a guess
FIT_ITERATIONS = 4
HUBER_M = 0.06


@dataclass(frozen=True)
class Lifted:
    """Keypoints in metres in the optical frame; see `lbp_rehab.pose.types.BodyPose`.

    ``scale`` is the person's size over the model's, None if no depth told it.
    """

    position: NDArray[np.float64]
    radial_sigma: NDArray[np.float64]
    lateral_sigma: NDArray[np.float64]
    status: NDArray[np.int64]
    reason: NDArray[np.int64]
    scale: float | None = None

    def covariance(self) -> NDArray[np.float64]:
        """Return the covariances, shape (n, 3, 3): one sigma along the ray, another across it."""
        length = np.linalg.norm(self.position, axis=1, keepdims=True)
        ray = self.position / np.maximum(length, 1e-9)
        along = ray[:, :, None] * ray[:, None, :]
        across = np.eye(3) - along
        cov = (self.radial_sigma**2)[:, None, None] * along
        cov += (self.lateral_sigma**2)[:, None, None] * across
        cov[self.status == Status.UNKNOWN] = 0.0
        return cov


def half_thickness() -> NDArray[np.float64]:
    """Return the surface-to-joint distance of each keypoint in metres, shape (33,)."""
    return np.array([HALF_THICKNESS_M.get(n.split("_")[-1], 0.0) for n in NAMES])


THICKNESS = half_thickness()
THICKNESS_SIGMA_M = THICKNESS * np.where(
    [n.endswith("_hip") for n in NAMES], HIP_THICKNESS_SIGMA, HALF_THICKNESS_SIGMA
)
TRUNK = [INDEX[n] for n in ("l_shoulder", "r_shoulder", "l_hip", "r_hip")]


@dataclass(frozen=True)
class Scale:
    """Size of the person over the 2D model's average adult, with its 1-sigma."""

    value: float = 1.0
    sigma: float = SCALE_SIGMA


def lift(
    landmarks: Landmarks,
    depth: NDArray[np.uint16] | None,
    intrinsics: Intrinsics,
    size: Scale | None = None,
) -> Lifted:
    """Return the keypoints in metres.

    Parameters
    ----------
    landmarks : Landmarks
        2D landmarks and the model's own shape.
    depth : ndarray of uint16, shape (h, w), or None
        Millimetres, registered to the colour image.
    size : Scale, optional
        Of this person, when it is known from earlier frames with depth.
    """
    size = size or Scale()
    n = len(NAMES)
    rays = intrinsics.rays(landmarks.pixel)
    edge = np.array([intrinsics.width, intrinsics.height]) - 1
    inside = ((landmarks.pixel >= 0) & (landmarks.pixel <= edge)).all(axis=1)
    weight = np.clip(landmarks.visibility, 0.02, 1.0) * np.where(inside, 1.0, 0.1)

    samples: DepthSamples | None = None
    z_first = np.full(n, np.nan)
    if depth is not None:
        samples = sample(depth, landmarks.pixel)
        z_first = samples.surface()[0] + THICKNESS
    scale, translation, depth_count = fit_shape(landmarks.world, rays, z_first, weight, size)
    z_shape = scale * landmarks.world[:, 2] + translation[2]
    if samples is not None and depth_count:
        z, spread = samples.surface(z_shape - THICKNESS, REACH_M)
    else:
        z, spread = np.full(n, np.nan), np.full(n, np.nan)

    measured = np.isfinite(z) & (landmarks.visibility >= LOW_VISIBILITY)
    z_joint = np.where(measured, z + THICKNESS, z_shape)
    z_joint = np.maximum(z_joint, 0.1)
    position = rays * z_joint[:, None]

    # 1-sigma along the ray: the reading's spread, stereo noise growing with the square of the
    # distance (Keselman et al. 2017, D400 series: about 2 mm at 1 m), the thickness, and how far
    # reading and shape disagree.
    noise = 0.002 * z_joint**2
    radial_measured = np.sqrt(
        np.nan_to_num(spread) ** 2
        + noise**2
        + THICKNESS_SIGMA_M**2
        + (DISAGREEMENT_SHARE * (np.nan_to_num(z) + THICKNESS - z_shape)) ** 2
    )
    scale_sigma = size.sigma * translation[2] if not depth_count else 0.0
    radial_shape = np.sqrt(SHAPE_SIGMA_M**2 + scale_sigma**2)
    radial = np.where(measured, radial_measured, radial_shape)

    trunk = landmarks.pixel[TRUNK]
    trunk_px = max(float(np.linalg.norm(trunk[:2].mean(axis=0) - trunk[2:].mean(axis=0))), 20.0)
    pixel_sigma = PIXEL_SIGMA * trunk_px / np.clip(landmarks.visibility, 0.15, 1.0)
    lateral = pixel_sigma * z_joint / intrinsics.fx

    status = np.where(measured, Status.MEASURED, Status.INFERRED).astype(np.int64)
    reason = np.full(n, int(Reason.NONE))
    lost = ~inside
    status[lost] = Status.UNKNOWN
    reason[lost] = Reason.OUT_OF_VIEW
    for array in (position, radial, lateral):
        array[lost] = 0.0
    return Lifted(position, radial, lateral, status, reason, scale if depth_count else None)


def fit_shape(
    world: NDArray[np.float64],
    rays: NDArray[np.float64],
    z: NDArray[np.float64],
    weight: NDArray[np.float64],
    size: Scale,
) -> tuple[float, NDArray[np.float64], int]:
    """Place the model's shape in the camera's frame: least squares over rays and readings.

    Minimises, over scale s and translation T, the weighted squares of
    ``s w_x + T_x - x (s w_z + T_z)`` and the same in y for every ray (x, y, 1), and of
    ``s w_z + T_z - z`` for every reading, with Huber weights on the readings (iteratively
    reweighted), and the prior that s is the person's size. The first pass trusts only the trunk's
    readings.

    Parameters
    ----------
    world, rays : ndarray, shape (n, 3)
    z : ndarray, shape (n,)
        Depth of the joint in metres, nan: none.
    weight : ndarray, shape (n,)
    size : Scale

    Returns
    -------
    scale : float
    translation : ndarray, shape (3,)
        Metres.
    count : int
        Readings that took part and agree.
    """
    n = len(world)
    x, y = rays[:, 0], rays[:, 1]
    wx, wy, wz = world.T
    one, zero = np.ones(n), np.zeros(n)
    # Unknowns: s, Tx, Ty, Tz.
    across_x = np.stack([wx - x * wz, one, zero, -x], axis=1)
    across_y = np.stack([wy - y * wz, zero, one, -y], axis=1)
    along = np.stack([wz, zero, zero, one], axis=1)
    has = np.isfinite(z)
    target = np.where(has, z, 0.0)
    trust = np.where(has, weight, 0.0)
    only_trunk = np.zeros(n)
    only_trunk[TRUNK] = trust[TRUNK]
    if np.count_nonzero(only_trunk) >= 2:
        trust = only_trunk
    prior = np.array([1.0, 0.0, 0.0, 0.0]) / size.sigma
    root = np.sqrt(weight)[:, None] / 0.03
    solution = np.zeros(4)
    for _ in range(FIT_ITERATIONS):
        along_root = np.sqrt(trust) / HUBER_M
        a = np.concatenate([across_x * root, across_y * root, along * along_root[:, None]])
        a = np.concatenate([a, prior[None]])
        b = np.concatenate([np.zeros(2 * n), target * along_root, [size.value / size.sigma]])
        solution = np.linalg.lstsq(a, b, rcond=None)[0]
        error = np.abs(along @ solution - target)
        huber = np.where(error > HUBER_M, HUBER_M / np.maximum(error, 1e-9), 1.0)
        trust = np.where(has & (error < 2 * REACH_M), weight * huber, 0.0)
    scale = float(np.clip(solution[0], *SCALE_RANGE))
    agree = has & (np.abs(along @ solution - target) < REACH_M)
    return scale, solution[1:], int(agree.sum())
