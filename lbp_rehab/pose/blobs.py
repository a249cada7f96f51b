"""What stands out of the support or the background in a depth image, and where a body may lie."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.pose.landmarks import Region
from lbp_rehab.pose.types import Support

STRIDE = 4  # pixels between readings
RISE_M = (0.045, 1.95)  # over the support: bodies, not the mat's folds, and not walls
JUMP_M = 0.12  # between neighbouring readings: an edge, where readings are mixed
CELL_M = 0.05  # of the plan
PLAN_M = 6.0  # half its side
MIN_BLOB_M2 = 0.06  # seen by the camera
MAX_BLOB_M2 = 2.2
MAX_LENGTH_M = 2.5
USUAL_BLOB_M2 = 1.2  # no more of a person is seen at once
# 1-sigma thickness of a board, a wall, a box's side: what it is, and noise per squared distance.
FLAT_M, FLAT_NOISE_PER_M = 0.022, 0.003
MAX_BLOBS = 4
# Side of a person's region at the distance of the hips: 5 to 95 % of 222 rendered people in all
# postures, `region_round` of their true points, have 1.6 to 2.7 m, half of them less than 2.
REGION_M = (1.8, 2.6)
BACKGROUND_SHARE = 0.35  # of the image height: what is smaller and nearer stands out
STANDS_OUT_M = 0.10


@dataclass(frozen=True)
class Blob:
    """Something that stands out of the support or the background.

    Attributes
    ----------
    pixel : ndarray, shape (n, 2)
        Of its readings.
    centre : ndarray, shape (3,)
        Metres in the optical frame.
    worth : float
        How much it looks like a body by its size.
    regions : tuple of Region
        Where a body of this outline may lie: along it, either way, then across it.
    """

    pixel: NDArray[np.float64]
    centre: NDArray[np.float64]
    worth: float
    regions: tuple[Region, ...]


def blobs(depth: NDArray[np.uint16], intrinsics: Intrinsics, support: Support | None) -> list[Blob]:
    """Return what stands out of the support, most body-like first.

    With a plane, readings over it are joined where they are neighbours in the plan (the view along
    gravity), so that a body with hidden parts stays whole and people behind each other stay apart.
    Without one, readings nearer than the background are joined in the image.

    Parameters
    ----------
    depth : ndarray of uint16, shape (h, w)
        Millimetres, 0: no reading.
    intrinsics : Intrinsics
    support : Support or None
    """
    half = STRIDE // 2
    thin = np.asarray(cv2.medianBlur(depth, 5))[half::STRIDE, half::STRIDE]
    z = thin.astype(np.float64) / 1000.0
    rows, columns = np.mgrid[half : depth.shape[0] : STRIDE, half : depth.shape[1] : STRIDE]
    pixel = np.stack([columns, rows], axis=-1).astype(np.float64)
    points = intrinsics.rays(pixel.reshape(-1, 2)).reshape(*z.shape, 3) * z[..., None]
    sound = z > 0
    sound[:, 1:] &= np.abs(np.diff(z, axis=1)) < JUMP_M
    sound[1:] &= np.abs(np.diff(z, axis=0)) < JUMP_M
    if support is not None and support.height.known:
        height = points @ support.up + support.height.value
        out = sound & (height > RISE_M[0]) & (height < RISE_M[1])
        label = _plan_labels(points[out], support.up)
    else:
        side = max(3, int(BACKGROUND_SHARE * z.shape[0]) | 1)
        behind = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
        out = sound & (behind / 1000.0 - z > STANDS_OUT_M)
        parts = cv2.connectedComponents(out.astype(np.uint8), connectivity=4)[1]
        label = np.asarray(parts[out], np.int64)
    found = []
    for k in range(1, int(label.max(initial=0)) + 1):
        mine = label == k
        blob = _blob(pixel[out][mine], points[out][mine], intrinsics)
        if blob is not None:
            found.append(blob)
    return sorted(found, key=lambda b: -b.worth)[:MAX_BLOBS]


def _plan_labels(points: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of the connected part of the plan in which each point lies, from 1."""
    first = np.cross(up, np.eye(3)[int(np.argmin(np.abs(up)))])
    first /= np.linalg.norm(first)
    plan = points @ np.stack([first, np.cross(up, first)], axis=1)
    n = int(2 * PLAN_M / CELL_M)
    origin = np.median(plan, axis=0) if len(plan) else np.zeros(2)
    cell = np.clip(((plan - origin + PLAN_M) / CELL_M).astype(int), 0, n - 1)
    count = np.zeros((n, n), np.uint8)
    np.add.at(count, (cell[:, 0], cell[:, 1]), (count[cell[:, 0], cell[:, 1]] < 2).astype(np.uint8))
    filled = np.asarray(cv2.dilate((count > 0).astype(np.uint8), np.ones((2, 2), np.uint8)))
    label = cv2.connectedComponents(filled, connectivity=8)[1]
    return np.asarray(label[cell[:, 0], cell[:, 1]], np.int64)


def _blob(
    pixel: NDArray[np.float64], points: NDArray[np.float64], intrinsics: Intrinsics
) -> Blob | None:
    """Return a blob; None if no body has this size."""
    if len(points) < 12:
        return None
    area = float((points[:, 2] ** 2).sum()) * STRIDE**2 / (intrinsics.fx * intrinsics.fy)
    if not MIN_BLOB_M2 < area < MAX_BLOB_M2:
        return None
    centre = points.mean(axis=0)
    variance, axes = np.linalg.eigh(np.cov((points - centre).T))
    along = (points - centre) @ axes[:, 2]
    length = float(np.percentile(along, 99.0) - np.percentile(along, 1.0))
    if length > MAX_LENGTH_M:
        return None
    flat = np.sqrt(max(variance[0], 0.0)) < FLAT_M + FLAT_NOISE_PER_M * centre[2] ** 2
    worth = min(area / 0.35, 1.0) * min(length / 1.0, 1.0)
    worth *= 0.3 if flat or area > USUAL_BLOB_M2 else 1.0
    ahead = intrinsics.project(np.stack([centre, centre + 0.05 * axes[:, 2]]))
    return Blob(pixel, centre, worth, _regions(pixel, ahead[1] - ahead[0], centre[2], intrinsics))


def _regions(
    pixel: NDArray[np.float64], along: NDArray[np.float64], z_m: float, intrinsics: Intrinsics
) -> tuple[Region, ...]:
    """Return the regions of a body whose outline is known, and which way its length points."""
    first = along / max(float(np.linalg.norm(along)), 1e-9)
    axes = np.stack([first, [-first[1], first[0]]])
    place = pixel @ axes.T
    low, high = np.percentile(place, 1.0, axis=0), np.percentile(place, 99.0, axis=0)
    centre = (low + high) / 2.0 @ axes
    half = (high - low) / 2.0
    size = 2.5 * float(np.hypot(half.max(), 0.6 * half.min()))
    # Knees and arms may be drawn in, and parts hidden: no body is smaller than this.
    size = float(np.clip(size, *(np.array(REGION_M) * intrinsics.fx / z_m)))
    ups = axes * np.where(axes[:, 1:] > 0.0, -1.0, 1.0)  # upwards in the image first
    spot = float(centre[0]), float(centre[1])
    return tuple(
        Region(spot, size, float(np.arctan2(up[0], -up[1])))
        for up in (ups[0], -ups[0], ups[1], -ups[1])
    )
