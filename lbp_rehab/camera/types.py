"""What a camera gives: one colour image with the depth registered to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole model of the colour camera.

    Attributes
    ----------
    width, height : int
        Pixels.
    fx, fy, cx, cy : float
        Focal lengths and principal point in pixels, pixel centres at integers.
    distortion : tuple of float
        Coefficients k1, k2, p1, p2, k3 (ROS ``plumb_bob``); empty: none.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    @classmethod
    def from_field_of_view(cls, width: int, height: int, horizontal_rad: float) -> Intrinsics:
        """Return square pixels and a centred principal point for a given field of view."""
        f = width / 2.0 / np.tan(horizontal_rad / 2.0)
        return cls(width, height, f, f, (width - 1) / 2.0, (height - 1) / 2.0)

    def rays(self, pixel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the directions x/z, y/z, 1 of pixels, shape (n, 2) -> (n, 3).

        Distortion is ignored: aligned depth and colour of RGB-D cameras are nearly free of it.
        """
        x = (pixel[:, 0] - self.cx) / self.fx
        y = (pixel[:, 1] - self.cy) / self.fy
        return np.stack([x, y, np.ones_like(x)], axis=1)

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixels of points in front of the camera, shape (n, 3) -> (n, 2)."""
        z = points[:, 2]
        return np.stack(
            [points[:, 0] / z * self.fx + self.cx, points[:, 1] / z * self.fy + self.cy], axis=1
        )


@dataclass(frozen=True)
class RgbdFrame:
    """One instant of the camera.

    Attributes
    ----------
    stamp_ns : int
        Exposure, nanoseconds of ROS time.
    frame_id : str
        Optical frame of the colour camera.
    color : ndarray of uint8, shape (h, w, 3)
        RGB.
    depth : ndarray of uint16, shape (h, w), or None
        Millimetres along z, registered to the colour image; 0: no reading. None: no depth at all.
    intrinsics : Intrinsics
    """

    stamp_ns: int
    frame_id: str
    color: NDArray[np.uint8]
    depth: NDArray[np.uint16] | None
    intrinsics: Intrinsics


def to_millimetres(metres: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return a depth image in metres (nan or 0: no reading) in millimetres (0: no reading)."""
    finite = np.nan_to_num(metres, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(np.round(finite * 1000.0), 0, 65535).astype(np.uint16)
