"""Where a camera stands: random views that see a whole movement, named views, names of views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.rgbd import Preset
from lbp_rehab.synthetic.imaging.rooms import Room

LOWEST_RAD, HIGHEST_RAD = float(np.radians(8.0)), float(np.pi / 2)
_TRIES = 200
_STANDING_RAD = float(np.radians(40.0))  # nobody watches a standing patient from above
_LYING_LOW_RAD, _BESIDE_RAD = float(np.radians(25.0)), float(np.radians(60.0))
_NEAREST_M, _MEDIAN_M = 1.0, 1.5  # of the points to a drawn camera, and of half of them
_ROLL_RAD = float(np.radians(4.0))
_IN_FRONT_M = 0.2  # of every camera, the nearest point
_CROPPED, _KEPT = 0.08, 0.85  # share of views that crop, and of the points that those keep
_LYING = frozenset({Posture.SUPINE, Posture.PRONE, Posture.SIDE_LEFT, Posture.SIDE_RIGHT})
_LOW_RAD, _OBLIQUE_RAD, _HIGH_RAD = (float(np.radians(d)) for d in (25.0, 50.0, 72.0))


class Elevation(str, Enum):
    """How high a camera stands over what it sees."""

    LOW = "low"
    OBLIQUE = "oblique"
    HIGH = "high"
    OVERHEAD = "overhead"


class Side(str, Enum):
    """From which side of the patient a camera looks."""

    HEAD = "head"
    FEET = "feet"
    LEFT = "left"
    RIGHT = "right"
    FRONT = "front"
    BEHIND = "behind"


# What x and y of the support frame are for the patient: (towards x, -x, y, -y).
_FACES_DOWN = (Side.HEAD, Side.FEET, Side.LEFT, Side.RIGHT)
_UPRIGHT = (Side.FRONT, Side.BEHIND, Side.LEFT, Side.RIGHT)
_SIDES: dict[Posture, tuple[Side, Side, Side, Side]] = {
    Posture.SUPINE: (Side.HEAD, Side.FEET, Side.RIGHT, Side.LEFT),
    Posture.PRONE: _FACES_DOWN,
    Posture.QUADRUPED: _FACES_DOWN,
    Posture.SIDE_RIGHT: (Side.HEAD, Side.FEET, Side.FRONT, Side.BEHIND),
    Posture.SIDE_LEFT: (Side.HEAD, Side.FEET, Side.BEHIND, Side.FRONT),
}


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

    With the direction given, a point is in the picture where ``|x - cx| <= tan (z - cz)`` holds in
    axes parallel to the camera's: the nearest camera that sees all follows without iteration.

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
    middle = (points_m.min(axis=0) + points_m.max(axis=0)) / 2.0
    rotation = _camera(view, middle, 1.0, kind).rotation
    points = (points_m - middle) @ rotation.T  # the camera's axes, round the middle
    depth = points[:, 2]
    if view.distance_m is None:
        tan = np.array(kind.seen_tan) / margin
        across, along = points[:, :2], tan * depth[:, None]
        room = (across + along).min(axis=0) - (across - along).max(axis=0)
        back = float((room / (2.0 * tan)).min())
    else:
        back = -view.distance_m
    back = min(back, float(depth.min()) - _IN_FRONT_M)
    aside = [_centred(points[:, k], depth - back) for k in range(2)]
    target = middle + np.array([*aside, 0.0]) @ rotation
    return _camera(view, target, -back, kind)


def _centred(across: NDArray[np.float64], depth: NDArray[np.float64]) -> float:
    """Return from where points reach equally far to both sides of the axis."""
    low, high = float(across.min()), float(across.max())
    for _ in range(50):  # what reaches farther to one side falls as the camera moves there
        half = (low + high) / 2.0
        slope = (across - half) / depth
        low, high = (half, high) if slope.min() + slope.max() > 0 else (low, half)
    return (low + high) / 2.0


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


def seen_share(camera: Camera, kind: Preset, points_m: NDArray[np.float64]) -> float:
    """Return the share of points in the pictures of both the colour and the depth camera."""
    inside = np.ones(len(points_m), bool)
    for eye in (camera, kind.depth_camera(camera)):
        optical = eye.to_optical(points_m)
        ahead = np.maximum(optical[:, 2], 1e-6)
        pixel = eye.project(np.column_stack([optical[:, :2], ahead]))
        inside &= (optical[:, 2] > _IN_FRONT_M / 2.0) & (pixel >= 0.0).all(axis=1)
        inside &= (pixel <= np.array([eye.width, eye.height]) - 1.0).all(axis=1)
    return float(inside.mean())


def sample_view(
    rng: np.random.Generator,
    points_m: NDArray[np.float64],
    kind: Preset,
    room: Room | None = None,
    *,
    posture: Posture = Posture.UNKNOWN,
) -> Camera:
    """Draw a camera: any side, low to overhead, everything in view, at a useful distance.

    Parameters
    ----------
    rng : numpy.random.Generator
    points_m : ndarray, shape (n, 3)
        What the movement sweeps, in the support frame.
    kind : Preset
    room : Room, optional
        Whose walls and furniture the camera keeps away from.
    posture : Posture
        A low camera looks at those who lie from beside, not over their feet or head; a standing
        patient is not watched from above.

    Raises
    ------
    InputError
        If the points cannot be seen at a useful distance.
    """
    nearest, farthest = kind.useful_m
    nearest = max(nearest, _MEDIAN_M)
    crops = rng.uniform() < _CROPPED
    for attempt in range(_TRIES):
        view = _direction(rng, posture)
        crops = crops and attempt <= _TRIES // 2
        margin = rng.uniform(0.85, 1.0) if crops else rng.uniform(1.03, 1.35)
        if attempt > _TRIES // 2:
            margin = 1.04
        camera = place(view, points_m, kind, float(margin))
        depth = camera.to_optical(points_m)[:, 2]
        short = max(nearest - float(np.median(depth)), _NEAREST_M - float(depth.min()))
        if short > 0.0:  # a wide camera would have to be too near
            back = (short + rng.uniform(0.0, 0.4)) * camera.rotation[2]
            camera = replace(camera, centre_m=camera.centre_m - back)
            depth = camera.to_optical(points_m)[:, 2]
        kept = seen_share(camera, kind, points_m)
        wanted = _KEPT <= kept < 1.0 if crops else kept == 1.0
        if float(np.median(depth)) > farthest or not wanted:
            continue
        if room is None or (room.holds(camera.centre_m) and room.is_free(camera.centre_m)):
            return camera
    raise InputError(
        f"no view of the {kind.name} camera at {nearest:g} to {farthest:g} m sees the whole "
        "movement; choose a wider camera or a larger room"
    )


def _direction(rng: np.random.Generator, posture: Posture) -> View:
    """Draw from where a camera looks: uniform in the sine, as directions are on a sphere."""
    standing = posture == Posture.STANDING
    overhead = rng.uniform() < 0.15 and not standing
    sine = rng.uniform(np.sin(LOWEST_RAD), np.sin(_STANDING_RAD if standing else HIGHEST_RAD))
    elevation = HIGHEST_RAD - abs(rng.normal(0.0, 0.08)) if overhead else np.arcsin(sine)
    azimuth = rng.uniform(-np.pi, np.pi)
    if posture in _LYING and elevation < _LYING_LOW_RAD:
        azimuth = np.copysign(np.pi / 2, azimuth) + rng.uniform(-_BESIDE_RAD, _BESIDE_RAD)
    return View(float(elevation), float(azimuth), roll_rad=float(rng.normal(0.0, _ROLL_RAD)))


def azimuth_towards(posture: Posture, side: str) -> float:
    """Return the azimuth of a camera that looks at a patient from a side, radians.

    Parameters
    ----------
    posture : Posture
    side : str
        A value of `Side` that the posture has.

    Raises
    ------
    InputError
        If the posture has no such side, such as the front of who lies on the back.
    """
    sides = [s.value for s in _SIDES.get(posture, _UPRIGHT)]
    if side not in sides:
        raise InputError(f"a camera cannot look from the {side}; here are {', '.join(sides)}")
    return (0.0, np.pi, np.pi / 2, -np.pi / 2)[sides.index(side)]


def view_name(camera: Camera, posture: Posture = Posture.SUPINE) -> ViewName:
    """Return how a camera looks at a patient, with the patient's own sides."""
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
    sides = _SIDES.get(posture, _UPRIGHT)
    lengthways = abs(away[0]) >= abs(away[1])
    return ViewName(height, sides[(0 if lengthways else 2) + (away[0 if lengthways else 1] <= 0)])
