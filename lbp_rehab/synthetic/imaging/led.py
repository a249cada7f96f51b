"""A small LED that lies beside the patient and flashes, see `lbp_rehab.synthetic.sync`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.rooms import Room

LED_LIGHT = 4.0  # coded as the images are; 16 times the light of white
_HEIGHT_M, _RADIUS_M = 0.02, 0.006
_LEAST_RADIUS_PX = 1.5
_BLOOM_PX = 1.0  # width of the soft edge
_RINGS_M = (0.15, 0.25, 0.4, 0.6, 0.9)  # from the patient
_RING_POINTS = 24
_EDGE_SHARE = 0.03  # of the picture's width that is kept from its edges
_BEHIND_M = 0.03  # what hides the LED is nearer by this

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Led:
    """The LED as one camera sees it.

    Attributes
    ----------
    pixel : tuple of float
        Column and row.
    depth_m : float
        Along the optical axis.
    radius_px : float
    """

    pixel: tuple[float, float]
    depth_m: float
    radius_px: float

    def shine(self, colour: NDArray[np.float32], depth_m: NDArray[np.float32]) -> None:
        """Draw the lit LED into an ideal image, unless something stands before it.

        Parameters
        ----------
        colour : ndarray, shape (h, w, 3)
            Coded by a square root; is changed.
        depth_m : ndarray, shape (h, w)
        """
        x, y = self.pixel
        if depth_m[round(y), round(x)] < self.depth_m - _BEHIND_M:
            return
        rows, columns = np.ogrid[: colour.shape[0], : colour.shape[1]]
        away = np.hypot(columns - x, rows - y) - self.radius_px
        share = np.clip(1.0 - away / _BLOOM_PX, 0.0, 1.0).astype(np.float32)[:, :, None]
        colour += share * (np.float32(LED_LIGHT) - colour)


def place_led(room: Room, camera: Camera, body_m: Array, depth_m: NDArray[np.float32]) -> Led:
    """Return where the LED lies: beside the patient, in full view at rest.

    Parameters
    ----------
    room : Room
    camera : Camera
    body_m : ndarray, shape (n, 3)
        Skin of the patient over the whole movement, in the support frame.
    depth_m : ndarray, shape (h, w)
        What the camera sees at rest.

    Raises
    ------
    InputError
        If there is no such place.
    """
    low, high = body_m[:, :2].min(axis=0), body_m[:, :2].max(axis=0)
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    angles = np.arange(_RING_POINTS) * 2.0 * np.pi / _RING_POINTS
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    to_box = directions / np.abs(directions).max(axis=1, keepdims=True)
    edge = _EDGE_SHARE * camera.width
    for ring_m in _RINGS_M:
        ground = middle + to_box * (half + ring_m)
        optical = camera.to_optical(np.column_stack([ground, _heights(room, ground)]))
        ahead = optical[:, 2] > 0.1
        pixels = camera.project(np.where(ahead[:, None], optical, 1.0))
        found = []
        for pixel, depth, front in zip(pixels, optical[:, 2], ahead, strict=True):
            x, y = float(pixel[0]), float(pixel[1])
            room_px = min(x, y, camera.width - 1 - x, camera.height - 1 - y)
            if not front or room_px < edge:
                continue
            radius = max(_LEAST_RADIUS_PX, camera.focal_px * _RADIUS_M / float(depth))
            reach = int(np.ceil(radius + _BLOOM_PX)) + 1
            near = depth_m[
                round(y) - reach : round(y) + reach + 1, round(x) - reach : round(x) + reach + 1
            ]
            if (near > depth - _BEHIND_M).all():
                found.append((room_px, Led((x, y), float(depth), radius)))
        if found:
            return max(found, key=lambda one: one[0])[1]
    raise InputError(
        "there is no place for an LED in this view: choose another view, seed or condition"
    )


def _heights(room: Room, ground_m: Array) -> Array:
    """Return how high the LED is at places of the ground, shape (n,)."""
    centre, half = np.array(room.centre_m), np.array(room.half_m)
    on_support = (np.abs(ground_m - centre) <= half).all(axis=1)
    return np.asarray(np.where(on_support, 0.0, room.floor_z_m) + _HEIGHT_M)
