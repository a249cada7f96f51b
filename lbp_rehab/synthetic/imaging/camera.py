"""A pinhole camera in the support frame, and what it sees of a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOTHING = -1  # face number where no triangle is seen


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion, in the support frame.

    Attributes
    ----------
    width, height : int
        Pixels.
    focal_px : float
        The same for columns and rows.
    rotation : ndarray, shape (3, 3)
        From the support frame to the optical frame (x right, y down, z forward).
    centre_m : ndarray, shape (3,)
        Where the camera is in the support frame.
    """

    width: int
    height: int
    focal_px: float
    rotation: NDArray[np.float64]
    centre_m: NDArray[np.float64]

    @classmethod
    def looking_at(
        cls,
        target_m: NDArray[np.float64],
        *,
        distance_m: float,
        elevation_rad: float,
        azimuth_rad: float,
        size: tuple[int, int],
        focal_px: float,
        roll_rad: float = 0.0,
    ) -> Camera:
        """Return a camera that has ``target_m`` in its middle.

        Parameters
        ----------
        azimuth_rad : float
            Direction from the target to the camera, from the support frame's x towards y. Straight
            overhead it is the direction of the lower edge of the picture.
        size : tuple of int
            Columns and rows.
        """
        away = np.array(
            [
                np.cos(elevation_rad) * np.cos(azimuth_rad),
                np.cos(elevation_rad) * np.sin(azimuth_rad),
                np.sin(elevation_rad),
            ]
        )
        # Level, and defined straight overhead too: there the azimuth is where the picture's
        # lower edge lies.
        right = np.array([-np.sin(azimuth_rad), np.cos(azimuth_rad), 0.0])
        level = np.stack([right, np.cross(-away, right), -away])
        c, s = np.cos(roll_rad), np.sin(roll_rad)
        roll = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return cls(size[0], size[1], focal_px, roll @ level, target_m + distance_m * away)

    @property
    def principal_px(self) -> tuple[float, float]:
        """Column and row of the optical axis: the middle of the image."""
        return (self.width - 1) / 2.0, (self.height - 1) / 2.0

    def shifted(
        self,
        offset_m: tuple[float, float, float],
        size: tuple[int, int],
        focal_px: float,
        turn: NDArray[np.float64] | None = None,
    ) -> Camera:
        """Return a second camera fixed to this one.

        Parameters
        ----------
        offset_m : tuple of float
            Where it is in this camera's optical frame.
        size : tuple of int
            Columns and rows.
        focal_px : float
        turn : ndarray, shape (3, 3), optional
            From this camera's optical frame to the other's.
        """
        centre_m = self.centre_m + np.array(offset_m) @ self.rotation
        rotation = self.rotation if turn is None else turn @ self.rotation
        return Camera(size[0], size[1], focal_px, rotation, centre_m)

    def to_optical(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points of the support frame (n, 3) in the optical frame, metres."""
        return (points_m - self.centre_m) @ self.rotation.T

    def project(self, optical_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return columns and rows (n, 2) of points of the optical frame (n, 3)."""
        principal = np.array(self.principal_px)
        return self.focal_px * optical_m[:, :2] / optical_m[:, 2:] + principal

    def rays(self) -> NDArray[np.float64]:
        """Return each pixel's ray in the support frame, with depth 1, shape (h, w, 3)."""
        cx, cy = self.principal_px
        x = (np.arange(self.width) - cx) / self.focal_px
        y = (np.arange(self.height) - cy) / self.focal_px
        rays = np.empty((self.height, self.width, 3))
        rays[...] = self.rotation[2]
        rays += x[None, :, None] * self.rotation[0] + y[:, None, None] * self.rotation[1]
        return rays


@dataclass(frozen=True)
class MeshView:
    """What a camera sees of a mesh.

    Attributes
    ----------
    depth_m : ndarray, shape (h, w)
        Along the optical axis; infinite where there is nothing.
    face : ndarray of int32, shape (h, w)
        `NOTHING` where there is nothing.
    weights : ndarray, shape (h, w, 3)
        Barycentric coordinates on the face, corrected for perspective.
    """

    depth_m: NDArray[np.float32]
    face: NDArray[np.int32]
    weights: NDArray[np.float32]
