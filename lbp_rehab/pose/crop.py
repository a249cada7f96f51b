"""The depth image cut out as the 2D estimator's region is: upright, square and of one size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.landmarks import Region

MEDIAN_PX = 5  # of the filter that takes single wrong readings out before the image is thinned


def cut(depth: NDArray[np.uint16], region: Region, side: int) -> NDArray[np.uint16]:
    """Return the readings of a region, each the median of those round it.

    Parameters
    ----------
    depth : ndarray of uint16, shape (h, w)
        Millimetres, 0: no reading.
    region : Region
    side : int

    Returns
    -------
    ndarray of uint16, shape (side, side)
        Millimetres along the optical axis, 0: no reading.
    """
    to_image = region.to_image(side)
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) @ to_image[:, :2].T
    corners += to_image[:, 2]
    size = np.array(depth.shape[::-1])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - MEDIAN_PX, 0, size)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + MEDIAN_PX, 0, size)
    if (high <= low).any():
        return np.zeros((side, side), np.uint16)
    part = cv2.medianBlur(depth[low[1] : high[1], low[0] : high[0]], MEDIAN_PX)
    to_image[:, 2] -= low
    crop = cv2.warpAffine(
        part, to_image, (side, side), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    return np.asarray(crop, np.uint16)


def to_crop(pixel: NDArray[np.float64], region: Region, side: int) -> NDArray[np.float64]:
    """Return where pixels of the image lie in a crop, shape (n, 2) -> (n, 2)."""
    to_image = region.to_image(side)
    return np.asarray((pixel - to_image[:, 2]) @ np.linalg.inv(to_image[:, :2]).T)
