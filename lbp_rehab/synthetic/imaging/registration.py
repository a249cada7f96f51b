"""Depth of one camera in the pixels of another beside it."""
# ruff: noqa: PLR0917  (numba takes positional arguments, and flat ones fastest)

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lbp_rehab.synthetic.imaging.camera import Camera


class Registration:
    """Moves depth images into a colour camera's pixels, as ``align_depth`` of a driver does.

    Each depth pixel covers the colour pixels between its projected corners; the nearest wins. What
    the depth camera does not see, because something nearer is before it, stays without depth.

    Parameters
    ----------
    depth_camera, colour_camera : Camera
    error_rad : tuple of float
        Rotation vector in the colour camera's optical frame by which the calibration is wrong.
    """

    def __init__(
        self,
        depth_camera: Camera,
        colour_camera: Camera,
        error_rad: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        wrong = Rotation.from_rotvec(error_rad).as_matrix()
        between = colour_camera.rotation @ depth_camera.rotation.T
        self._turn = wrong @ between
        offset = depth_camera.centre_m - colour_camera.centre_m
        self._offset = wrong @ colour_camera.rotation @ offset
        self._from = (depth_camera.focal_px, *depth_camera.principal_px)
        self._to = (colour_camera.focal_px, *colour_camera.principal_px)
        self._shape = (colour_camera.height, colour_camera.width)
        self._same = (
            np.allclose(self._turn, np.eye(3), atol=1e-12)
            and np.allclose(self._offset, 0.0, atol=1e-12)
            and self._from == self._to
            and self._shape == (depth_camera.height, depth_camera.width)
        )

    def align(self, depth_mm: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Return millimetres in the colour camera's pixels, 0 where there is no depth."""
        if self._same:
            return depth_mm
        result = np.zeros(self._shape, np.uint16)
        _align(depth_mm, self._turn, self._offset, self._from, self._to, result)
        return result


@numba.njit(cache=True)
def _align(depth_mm, turn, offset, source, target, result):  # type: ignore[no-untyped-def]
    focal, cx, cy = source
    to_focal, to_cx, to_cy = target
    height, width = result.shape
    t00, t01, t02 = turn[0, 0], turn[0, 1], turn[0, 2]
    t10, t11, t12 = turn[1, 0], turn[1, 1], turn[1, 2]
    t20, t21, t22 = turn[2, 0], turn[2, 1], turn[2, 2]
    shift_x, shift_y, shift_z = offset[0], offset[1], offset[2]
    pixel = 1.0 / focal
    for i in range(depth_mm.shape[0]):
        low_y = (i - 0.5 - cy) * pixel
        for j in range(depth_mm.shape[1]):
            if depth_mm[i, j] == 0:
                continue
            z = 0.001 * depth_mm[i, j]
            low_x = (j - 0.5 - cx) * pixel
            near = t20 * low_x + t21 * low_y + t22
            depth = z * (near + 0.5 * pixel * (t20 + t21)) + shift_z
            value = int(1000.0 * depth + 0.5)
            if depth < 0.05 or value > 65535:
                continue
            k = to_focal / depth
            ax = k * (z * (t00 * low_x + t01 * low_y + t02) + shift_x) + to_cx
            ay = k * (z * (t10 * low_x + t11 * low_y + t12) + shift_y) + to_cy
            step = k * z * pixel
            bx, by = ax + step * (t00 + t01), ay + step * (t10 + t11)
            # Corners are rounded, so that a small footprint still reaches a pixel.
            left, right = int(min(ax, bx) + 8.5) - 8, int(np.ceil(max(ax, bx) - 0.5))
            top, bottom = int(min(ay, by) + 8.5) - 8, int(np.ceil(max(ay, by) - 0.5))
            for row in range(max(top, 0), min(bottom, height - 1) + 1):
                for column in range(max(left, 0), min(right, width - 1) + 1):
                    before = result[row, column]
                    if before == 0 or value < before:
                        result[row, column] = value
