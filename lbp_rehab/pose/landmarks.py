"""What every 2D estimator takes and gives: regions of an image, people and landmarks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.skeleton import HIPS, SHOULDERS

REGION_SCALE = 1.25  # of a person's region over the circle round the body


@dataclass(frozen=True)
class Region:
    """A square of the image, turned so that the person's trunk points up in it.

    Attributes
    ----------
    centre : tuple of float
        Column and row in pixels.
    size : float
        Side in pixels.
    rotation : float
        Radians, clockwise in the image.
    """

    centre: tuple[float, float]
    size: float
    rotation: float

    @classmethod
    def from_points(cls, centre: NDArray[Any], scale: NDArray[Any]) -> Region:
        """Return the region around the mid-hip point, sized by the point on the body's circle."""
        dx, dy = (scale - centre).tolist()
        rotation = np.pi / 2 - np.arctan2(-dy, dx)
        rotation -= 2 * np.pi * np.floor((rotation + np.pi) / (2 * np.pi))
        size = 2.0 * float(np.hypot(dx, dy)) * REGION_SCALE
        return cls((float(centre[0]), float(centre[1])), size, float(rotation))

    def to_image(self, side: int) -> NDArray[np.float64]:
        """Return the 2x3 map from a ``side`` x ``side`` crop to image pixels."""
        c, s = np.cos(self.rotation), np.sin(self.rotation)
        k = self.size / side
        turn = np.array([[c, -s], [s, c]]) * k
        shift = np.array(self.centre) - turn @ np.array([side / 2.0, side / 2.0])
        return np.column_stack([turn, shift])


@dataclass(frozen=True)
class Person:
    """One person that the detector found.

    Attributes
    ----------
    box : ndarray, shape (4,)
        x0, y0, x1, y1 of the face and shoulders in pixels.
    hip, shoulder : ndarray, shape (2,)
        Midpoints in pixels.
    region : Region
        Where to look for the landmarks.
    score : float
        0 to 1.
    """

    box: NDArray[np.float64]
    hip: NDArray[np.float64]
    shoulder: NDArray[np.float64]
    region: Region
    score: float


@dataclass(frozen=True)
class Landmarks:
    """2D landmarks of one person and the model's own guess of the shape.

    Attributes
    ----------
    pixel : ndarray, shape (33, 2)
        Column and row; may lie outside the image.
    visibility : ndarray, shape (33,)
        Probability that the point is in the image and not hidden.
    world : ndarray, shape (33, 3), or None
        Metres about the mid-hip in axes parallel to the camera's (x right, y down, z forward).
        None: the model has no shape.
    presence : float
        Probability that the region shows a person.
    next_region : Region
        Where to look in the next frame.
    heat : ndarray, shape (33, 6), or None
        How sharp the model's heatmap of each point is: its highest probability, the place of that
        peak less the point (share of the region's side, two numbers), and the second moments xx,
        xy and yy about the point in cells of the heatmap. None: the model has no heatmaps.
    given : ndarray of bool, shape (33,)
        Whether the model knows the point at all; one that it does not know has visibility 0.
    """

    pixel: NDArray[np.float64]
    visibility: NDArray[np.float64]
    world: NDArray[np.float64] | None
    presence: float
    next_region: Region
    heat: NDArray[np.float64] | None = None
    given: NDArray[np.bool_] = field(default_factory=lambda: np.ones(33, bool))


FORESHORTENED = 0.25  # of the circle's radius: a shorter trunk has no sure direction

# Over rendered lying, kneeling and standing people, of BlazePose's own circle round the body.
_CIRCLE = 1.04


def region_round(pixel: NDArray[np.float64], before: Region | None = None) -> Region:
    """Return the region of a person whose points are known, shape (33, 2).

    The centre is the mid-hip point, the circle round it holds every point, and the shoulders are
    upwards. A trunk that points at the camera has no up in the image: then the region stays turned
    as it was ``before``.
    """
    hip = pixel[HIPS].mean(axis=0)
    up = pixel[SHOULDERS].mean(axis=0) - hip
    long = float(np.linalg.norm(up))
    radius = max(float(np.linalg.norm(pixel - hip, axis=1).max()) * _CIRCLE, 1.0)
    region = Region.from_points(hip, hip + radius * up / max(long, 1e-6))
    if before is not None and long < FORESHORTENED * radius:
        return replace(region, rotation=before.rotation)
    return region
