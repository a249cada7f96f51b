"""What is said of a lifted body: status and reason of each point, the mode, and a pose held on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.landmarks import Landmarks, Region
from lbp_rehab.pose.lift import Lifted
from lbp_rehab.pose.plausible import judge
from lbp_rehab.pose.skeleton import HIPS, NAMES, mirror_order
from lbp_rehab.pose.types import BodyPose, Mode, Support

Array = NDArray[np.float64]

HOLD_GROWTH_M_PER_S = 0.3  # a held pose gets this much less certain with time
COVERED = 0.5  # probability that something hides a point
SEEN = 0.5  # probability that the camera sees it
FAR_SIGMA_M = 0.15  # of the hips: the shape may be right, the place is not
ELSEWHERE = 0.03  # of the region's side: a shape so far off the landmarks is another one
LANDMARK_NOISE = 0.02  # 1-sigma of a landmark, of the region's side
SUNK_M = 0.0  # no joint centre lies lower than this over the support
_N = len(NAMES)
_SWAPPED = mirror_order(NAMES)
_BODY = [i for i, n in enumerate(NAMES) if n[2:] in ("shoulder", "elbow", "hip", "knee", "ankle")]


def status_of(
    lifted: Lifted, frame: RgbdFrame, max_sigma_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `Status` and `Reason` of each keypoint, shape (33,).

    A point is measured where there is depth near it and the camera sees it; one less certain than
    ``max_sigma_m`` is unknown.
    """
    measured = lifted.measured[:_N] & (lifted.seen[:_N] >= SEEN)
    status = np.where(measured, int(Status.MEASURED), int(Status.INFERRED))
    unknown = lifted.sigma[:_N] > max_sigma_m
    status[unknown] = int(Status.UNKNOWN)
    why = np.full(_N, int(Reason.TOO_UNCERTAIN))
    why[lifted.covered[:_N] > COVERED] = int(Reason.OCCLUDED)
    why[~inside(projected(lifted.position[:_N], frame.intrinsics), frame)] = int(Reason.OUT_OF_VIEW)
    return status, np.where(unknown, why, int(Reason.NONE))


def mode_of(frame: RgbdFrame, lifted: Lifted, status: NDArray[np.int64]) -> Mode:
    """Return what the pose rests on."""
    if frame.depth is None or not lifted.measured.any():
        far = float(lifted.sigma[HIPS].mean()) > FAR_SIGMA_M
        return Mode.ROOT_RELATIVE if far else Mode.NO_DEPTH
    return Mode.DEPTH_HOLES if (status == Status.INFERRED).any() else Mode.RGB_DEPTH


def held(
    last: BodyPose, frame: RgbdFrame, age_s: float, support: Support | None, people_in_view: int
) -> BodyPose:
    """Return the last pose for a frame in which nobody is found, less certain by its age."""
    known = last.status != Status.UNKNOWN
    growth = np.eye(3) * (HOLD_GROWTH_M_PER_S * age_s) ** 2
    return replace(
        last,
        stamp_ns=frame.stamp_ns,
        status=np.where(known, int(Status.HELD), last.status),
        covariance=last.covariance + known[:, None, None] * growth,
        support=support,
        mode=Mode.HELD,
        people_in_view=people_in_view,
    )


def onto_rays(
    lifted: Lifted,
    landmarks: Landmarks,
    region: Region,
    intrinsics: Intrinsics,
    last_pixel: Array | None = None,
) -> Lifted:
    """Return a colour-only answer that lies where the landmarks are in the image.

    Without depth a shape that looks elsewhere than a plausible 2D skeleton is not believed: its
    points are moved onto the rays of the landmarks, and only their distances stay. An answer that
    agrees with the landmarks stays as it is, for it knows their errors.

    ``last_pixel`` (33, 2), where the person just was: nobody changes left and right from image to
    image, but a 2D estimator that cannot tell front from back does.
    """
    size_px, pixel = region.size, landmarks.pixel
    if last_pixel is not None and _off_px(pixel[_SWAPPED], last_pixel) < _off_px(pixel, last_pixel):
        pixel = pixel[_SWAPPED]
    agrees = _off_px(projected(lifted.position[:_N], intrinsics), pixel) < ELSEWHERE * size_px
    if agrees or not landmarks.given[_BODY].all() or not judge(landmarks, region).passed:
        return lifted
    rays = intrinsics.rays(pixel)
    position, covariance = lifted.position.copy(), lifted.covariance.copy()
    position[:_N] = rays * position[:_N, 2:]
    moved = (position - lifted.position)[HIPS].mean(axis=0)
    position[_N:] += moved  # the landmarks of the pelvis, which have no pixels of their own
    ray = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    far = np.einsum("ni,nij,nj->n", ray, covariance[:_N], ray)[:, None, None]
    beside = (LANDMARK_NOISE * size_px / intrinsics.fx * position[:_N, 2]) ** 2
    along = ray[:, :, None] * ray[:, None, :]
    covariance[:_N] = far * along + beside[:, None, None] * (np.eye(3) - along)
    return replace(lifted, position=position, covariance=covariance)


def _off_px(pixel: Array, other: Array) -> float:
    return float(np.linalg.norm(pixel[_BODY] - other[_BODY], axis=1).mean())


def raised(position: Array, support: Support | None) -> Array:
    """Return the points with those that sank into the support raised to it."""
    if support is None or not support.height.known:
        return position
    height = position @ support.up + support.height.value
    return position + np.maximum(SUNK_M - height, 0.0)[:, None] * support.up


def projected(position: Array, intrinsics: Intrinsics) -> Array:
    """Return the pixels of points, shape (n, 3) -> (n, 2); none is nearer than 0.1 m."""
    return intrinsics.project(np.maximum(position, [-np.inf, -np.inf, 0.1]))


def inside(pixel: Array, frame: RgbdFrame) -> NDArray[np.bool_]:
    """Return which pixels, shape (n, 2), lie in the image."""
    width, height = image_size(frame)
    return np.asarray(
        (pixel > -0.5).all(axis=1) & (pixel < [width - 0.5, height - 0.5]).all(axis=1)
    )


def image_size(frame: RgbdFrame) -> tuple[int, int]:
    """Return width and height of the colour image."""
    return frame.color.shape[1], frame.color.shape[0]
