"""Where a camera stands: random views that see a whole movement, named views, names of views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.rgbd import Preset
from lbp_rehab.synthetic.imaging.rooms import Room

LOWEST_RAD, HIGHEST_RAD = float(np.radians(8.0)), float(np.pi / 2)
_TRIES = 200
_LOW_RAD, _OBLIQUE_RAD, _HIGH_RAD = (float(np.radians(d)) for d in (25.0, 50.0, 72.0))


class Elevation(str, Enum):
    """How high a camera stands over what it sees."""

    LOW = "low"
    OBLIQUE = "oblique"
    HIGH = "high"
    OVERHEAD = "overhead"


class Side(str, Enum):
    """From where a camera looks at somebody who lies on the back."""

    HEAD = "head"
    FEET = "feet"
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class ViewName:
    """A view's place in a report, such as "oblique right"."""

    elevation: Elevation
    side: Side

    def __str__(self) -> str:
        return f"{self.elevation.value} {self.side.value}"


@dataclass(frozen=True)
class View:
    """From where a camera looks.

    Attributes
    ----------
    elevation_rad : float
        0 is level, pi / 2 straight overhead.
    azimuth_rad : float
        From the head (x of the support frame) towards y: the right of somebody supine.
    distance_m : float or None
        None: as far away as is needed to see everything.
    roll_rad : float
    """

    elevation_rad: float
    azimuth_rad: float
    distance_m: float | None = None
    roll_rad: float = 0.0


_DEGREES = {
    "side": (15.0, 90.0),
    "oblique": (40.0, 105.0),
    "overhead": (90.0, 90.0),
    "foot": (30.0, 180.0),
    "head": (30.0, 0.0),
}
VIEWS: tuple[str, ...] = tuple(_DEGREES)


def parse_view(text: str) -> View:
    """Return a view by its name or as "elevation,azimuth[,distance]" in degrees and metres.

    Raises
    ------
    InputError
        If it is neither.
    """
    if text in _DEGREES:
        elevation, azimuth = _DEGREES[text]
        return View(float(np.radians(elevation)), float(np.radians(azimuth)))
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    finite = bool(numbers) and bool(np.isfinite(numbers).all())
    if len(numbers) not in (2, 3) or not finite:
        raise InputError(
            f"cannot read the view {text!r}: give one of {', '.join(VIEWS)}, or elevation, azimuth "
            "and distance such as 40,105,2.2"
        )
    if not 0.0 <= numbers[0] <= 90.0:
        raise InputError(f"the elevation of a view must be 0 to 90 degrees, not {numbers[0]:g}")
    if len(numbers) == 3 and not 0.3 <= numbers[2] <= 10.0:
        raise InputError(f"the distance of a view must be 0.3 to 10 m, not {numbers[2]:g}")
    distance = numbers[2] if len(numbers) == 3 else None
    return View(float(np.radians(numbers[0])), float(np.radians(numbers[1])), distance)


def place(view: View, points_m: NDArray[np.float64], kind: Preset, margin: float = 1.1) -> Camera:
    """Return the camera of a view that has points in its picture and in that of its depth camera.

    Parameters
    ----------
    view : View
    points_m : ndarray, shape (n, 3)
        What the movement sweeps.
    kind : Preset
    margin : float
        The points fill 1 / margin of the width or height that both see; less than 1 crops them. Not
        used where the view has a distance.
    """
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    target, distance = (low + high) / 2.0, view.distance_m or 2.0
    half = kind.focal_px * np.array(kind.seen_tan)
    for _ in range(12):
        camera = _camera(view, target, distance, kind)
        optical = camera.to_optical(points_m)
        if optical[:, 2].min() < 0.2:
            distance *= 1.5
            continue
        pixel = camera.project(optical) - np.array(camera.principal_px)
        middle = (pixel.min(axis=0) + pixel.max(axis=0)) / 2.0
        depth = float(np.median(optical[:, 2]))
        target = target + np.array([*middle, 0.0]) @ camera.rotation * depth / kind.focal_px
        if view.distance_m is None:
            filled = float((np.ptp(pixel, axis=0) / 2.0 / half).max()) * margin
            distance = float(np.clip(distance * (1.0 + 0.8 * (filled - 1.0)), 0.3, 20.0))
    return _camera(view, target, distance, kind)


def _camera(view: View, target: NDArray[np.float64], distance_m: float, kind: Preset) -> Camera:
    return Camera.looking_at(
        target,
        distance_m=distance_m,
        elevation_rad=view.elevation_rad,
        azimuth_rad=view.azimuth_rad,
        size=kind.size,
        focal_px=kind.focal_px,
        roll_rad=view.roll_rad,
    )


def sample_view(
    rng: np.random.Generator,
    points_m: NDArray[np.float64],
    kind: Preset,
    room: Room | None = None,
) -> Camera:
    """Draw a camera: any side, low to overhead, everything in view, at a useful distance.

    Parameters
    ----------
    rng : numpy.random.Generator
    points_m : ndarray, shape (n, 3)
        What the movement sweeps, in the support frame.
    kind : Preset
    room : Room, optional
        Whose walls the camera stays inside.

    Raises
    ------
    InputError
        If the points cannot be seen at a useful distance.
    """
    nearest, farthest = kind.useful_m
    for attempt in range(_TRIES):
        # Uniform in the sine, as directions are on a sphere, with a share straight overhead.
        overhead = rng.uniform() < 0.15
        sine = rng.uniform(np.sin(LOWEST_RAD), 1.0)
        elevation = HIGHEST_RAD - abs(rng.normal(0.0, 0.08)) if overhead else np.arcsin(sine)
        view = View(
            float(elevation),
            float(rng.uniform(-np.pi, np.pi)),
            roll_rad=float(rng.normal(0.0, np.radians(4.0))),
        )
        margin = float(rng.uniform(1.03, 1.35))
        if rng.uniform() < 0.08:
            margin = float(rng.uniform(0.85, 1.0))
        if attempt > _TRIES // 2:
            margin = 1.0
        camera = place(view, points_m, kind, margin)
        depth = camera.to_optical(points_m)[:, 2]
        if np.median(depth) < nearest:  # a wide camera would have to be too near
            distance = rng.uniform(nearest, min(1.6 * nearest, farthest))
            camera = place(replace(view, distance_m=float(distance)), points_m, kind)
            depth = camera.to_optical(points_m)[:, 2]
        useful = 0.8 * nearest <= float(np.median(depth)) <= farthest and depth.min() > 0.5
        if useful and (room is None or room.holds(camera.centre_m)):
            return camera
    raise InputError(
        f"no view of the {kind.name} camera at {nearest:g} to {farthest:g} m sees the whole "
        "movement; choose a wider camera or a larger room"
    )


def view_name(camera: Camera) -> ViewName:
    """Return how a camera looks at a person who lies on the back, head towards x."""
    away = -camera.rotation[2]
    elevation = float(np.arcsin(np.clip(away[2], -1.0, 1.0)))
    if elevation >= _HIGH_RAD:
        height = Elevation.OVERHEAD
        # What the upper edge of the picture points away from.
        away = camera.rotation[1]
    elif elevation >= _OBLIQUE_RAD:
        height = Elevation.HIGH
    else:
        height = Elevation.OBLIQUE if elevation >= _LOW_RAD else Elevation.LOW
    if abs(away[0]) >= abs(away[1]):
        side = Side.HEAD if away[0] > 0 else Side.FEET
    else:
        side = Side.RIGHT if away[1] > 0 else Side.LEFT
    return ViewName(height, side)
