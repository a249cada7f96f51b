"""Skeletons drawn from the front, and the depth image of who lies on a floor."""

import cv2
import numpy as np

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate
from lbp_rehab.pose.landmarks import Landmarks, region_round
from lbp_rehab.pose.types import Support

CAMERA = Intrinsics(320, 240, 110.0, 110.0, 159.5, 119.5)
OVERHEAD = Support(np.array([0.0, 0.0, -1.0]), 0.01, Estimate(2.0, 0.01))
PLACES = {
    0: (0, -0.75), 11: (0.18, -0.5), 12: (-0.18, -0.5), 13: (0.22, -0.2), 14: (-0.22, -0.2),
    15: (0.24, 0.05), 16: (-0.24, 0.05), 23: (0.1, 0), 24: (-0.1, 0), 25: (0.11, 0.4),
    26: (-0.11, 0.4), 27: (0.12, 0.8), 28: (-0.12, 0.8), 29: (0.12, 0.85), 30: (-0.12, 0.85),
    31: (0.14, 0.9), 32: (-0.14, 0.9),
}  # fmt: skip
# Of all keypoints, across and down; those that have no place of their own are at a neighbour's.
FRONT = np.array(
    [PLACES[k if k in PLACES else (0 if k < 11 else 15 + (k - 15) % 2)] for k in range(33)]
)


def skeleton(hip, turn=0.0, scale=60.0, presence=1.0):
    """Return somebody whose trunk points up in the image, or turned clockwise."""
    world = np.zeros((33, 3))
    c, s = np.cos(turn), np.sin(turn)
    world[:, :2] = FRONT @ np.array([[c, s], [-s, c]])
    pixel = np.array(hip) + scale * world[:, :2]
    return Landmarks(pixel, np.ones(33), world, presence, region_round(pixel))


def lying_on_the_floor(*people):
    """Return the depth seen from 2 m above: a floor, and everybody rising to 0.3 m over it."""
    rise = np.zeros((240, 320))
    for person in people:
        mask = np.zeros((240, 320), np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(np.round(person.pixel).astype(np.int32)), 1)
        inner = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
        rise = np.maximum(rise, 0.3 * inner / inner.max())
    return np.round(2000.0 - 1000.0 * rise).astype(np.uint16)
