"""What makes a scene hard: a blanket, something in the way, a therapist, little light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.imaging import props
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.clothes import Dressed, dress
from lbp_rehab.synthetic.imaging.colour import ColourSensor
from lbp_rehab.synthetic.imaging.props import Blanket
from lbp_rehab.synthetic.imaging.rgbd import Preset, misregistered
from lbp_rehab.synthetic.imaging.rooms import Room
from lbp_rehab.synthetic.imaging.surfaces import Colour, Mesh
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.postures.poser import Habit
from lbp_rehab.synthetic.motion.postures.standing import Standing
from lbp_rehab.synthetic.person.people import body_of, sample

# Exercises in which a blanket stays where it is.
BLANKET_EXERCISES = (
    "pelvic_tilt", "glute_bridge", "knee_to_chest", "breathing", "clam", "press_up",
)  # fmt: skip
_ONLOOKER_SEED = 1_000_003  # people who are not the patient are other people
_WALK_M_PER_S, _STEP_HZ = 0.7, 0.9
_LINES, _OBSTACLES = 60, 200  # draws before giving up
# From the middle of a walker to walls, furniture and the edge of the support, and to the camera.
_TO_WALL_M, _TO_FURNITURE_M, _TO_SUPPORT_M, _TO_CAMERA_M = 0.45, 0.35, 0.45, 0.60
_PASSAGE_M = 1.0  # round the support, in which a therapist can walk
_BESIDE_M = 0.33  # from the edge of the support to the middle of somebody who stands still
_STANDING_M = ((-0.2, 0.2), (-0.2, 0.2), (0.3, 0.9, 1.3, 1.7))  # points of a box round a walker
_APART_M = 0.08  # what is in the way keeps from the patient
_FACE = 11  # keypoints of the face, the first ones


@dataclass(frozen=True)
class Walker:
    """A dressed person who walks up and down a line.

    Attributes
    ----------
    dressed : Dressed
    middle_m : ndarray, shape (3,)
        Of the line, on the floor.
    along : ndarray, shape (2,)
        Unit vector of the line.
    half_m : float
        Half the length of the line; 0: the person stands still and looks along it.
    phase : float
        Where on the way the person is at time 0, 0 to 1.
    """

    dressed: Dressed
    middle_m: NDArray[np.float64]
    along: NDArray[np.float64]
    half_m: float
    phase: float

    def surface(self, t_s: float) -> NDArray[np.float64]:
        """Return the posed vertices at a time, shape (n, 3)."""
        poser = self._poser
        walks = self.half_m > 0.0
        period_s = 4.0 * self.half_m / _WALK_M_PER_S
        way = (t_s / period_s + self.phase) % 1.0 if walks else 0.0
        forwards = way < 0.5
        place = self.half_m * (4.0 * way - 1.0 if forwards else 3.0 - 4.0 * way)
        step = 2.0 * np.pi * _STEP_HZ * t_s
        row = np.zeros(len(Dof))
        for side, sign in (("l", 1.0), ("r", -1.0)) if walks else ():
            swing = sign * np.sin(step)
            row[of_side("LEG_FREE", side)] = 1.0
            row[of_side("HIP_FLEXION", side)] = np.radians(6.0 + 22.0 * swing)
            bend = 0.5 + 0.5 * np.cos(step if sign > 0 else step + np.pi)
            row[of_side("KNEE_FLEXION", side)] = np.radians(6.0 + 40.0 * bend)
            row[of_side("SHOULDER_FLEXION", side)] = np.radians(-18.0 * swing)
        pose = poser.pose(row)
        standing = self.dressed.body.skin(pose)
        c, s = self.along if forwards else -self.along
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        moved = standing @ turn.T
        moved[:, 2] -= moved[:, 2].min()
        spot = self.middle_m + place * np.array([*self.along, 0.0])
        return np.asarray(moved + spot)

    @cached_property
    def _poser(self) -> Standing:
        return Standing(self.dressed.body, Habit(), np.zeros(len(Dof)))


@dataclass(frozen=True)
class Swept:
    """Where a movement takes the patient, in the support frame.

    Attributes
    ----------
    points_m : ndarray, shape (n, 3)
        Keypoints from rest to rest.
    middle_m : ndarray, shape (33, 3)
        Keypoints at the middle of the movement.
    surface_m : ndarray, shape (m, 3)
        Some of the skin from rest to rest.
    """

    points_m: NDArray[np.float64]
    middle_m: NDArray[np.float64]
    surface_m: NDArray[np.float64]


@dataclass(frozen=True)
class Staging:
    """What stands round the patient.

    Attributes
    ----------
    room : Room
    kind : Preset
        The camera as it really is.
    props : tuple of Mesh
    blankets : tuple of Blanket
    walkers : tuple of Walker
    mean_grey : float or None
        What the camera makes of the empty room, 0 to 1; None: what its exposure aims at.
    """

    room: Room
    kind: Preset
    props: tuple[Mesh, ...] = ()
    blankets: tuple[Blanket, ...] = ()
    walkers: tuple[Walker, ...] = ()
    mean_grey: float | None = None

    @property
    def people(self) -> list[Dressed]:
        """The dressed people beside the patient."""
        return [walker.dressed for walker in self.walkers]


@dataclass(frozen=True)
class _Place:
    """What a condition is made from."""

    draws: Draws
    camera: Camera
    exercise: str
    swept: Swept
    split: Split


def _clear(stage: Staging, at: _Place) -> Staging:
    return stage


def _blanket(stage: Staging, at: _Place) -> Staging:
    """Cover the legs, often up to the pelvis."""
    if at.exercise not in BLANKET_EXERCISES:
        raise InputError(
            "a blanket needs a patient who lies on the back or side: it cannot stay on in "
            f"{at.exercise}; choose {', '.join(BLANKET_EXERCISES)}"
        )
    along = at.swept.points_m[:, 0]
    low, high = along.min(), along.max()
    reach = at.draws.uniform(0.35, 0.62)
    cloth = Blanket(
        x_m=(float(low) - 0.12, float(low + reach * (high - low))),
        wrinkle_m=at.draws.uniform(0.002, 0.007),
        thickness_m=at.draws.uniform(0.006, 0.025),
        edge_y_m=stage.room.half_m[1],
        colour=_plain(at.draws),
    )
    return replace(stage, blankets=(cloth,))


def _occluder(stage: Staging, at: _Place) -> Staging:
    """Put something on the line from the camera to a part of the patient."""
    points = at.swept.middle_m
    body = np.concatenate([at.swept.points_m, at.swept.surface_m])
    eye = at.camera.centre_m
    shown = _in_picture(at.camera, points)
    for _ in range(_OBSTACLES):
        parts = _obstacle(stage.room, at, shown)
        if not all(_fits(stage.room, part, eye, body) for part in parts):
            continue
        hidden = np.zeros(len(points), bool)
        for part in parts:
            hidden |= props.blocks(part, eye, points) & shown
        if hidden[_FACE:].sum() >= 1 and hidden.sum() <= len(points) / 2:
            return replace(stage, props=(*stage.props, *parts))
    raise InputError(
        "nothing can stand between this camera and this patient: choose another view, seed or "
        "condition"
    )


def _obstacle(room: Room, at: _Place, shown: NDArray[np.bool_]) -> list[Mesh]:
    """Draw a chair, a ball, or a tray or screen on a pole, before a point of the patient."""
    draws, floor = at.draws, room.floor_z_m
    choice = np.flatnonzero(shown[_FACE:]) + _FACE
    target = at.swept.middle_m[int(draws.rng.choice(choice if len(choice) else len(shown)))]
    share = draws.uniform(0.2, 0.6)  # of the way from the patient to the camera
    spot = target + share * (at.camera.centre_m - target)
    x, y, z = (float(v) for v in spot)
    low, high = _ground(room, at.swept, 0.22)
    under = bool(((spot[:2] > low) & (spot[:2] < high)).all())  # the patient or the support
    kind = draws.rng.uniform()
    if not under and z - floor < 0.95 and kind < 0.45:
        yaw = draws.uniform(0.0, 2.0 * np.pi)
        return [props.turned(props.chair(_plain(draws), _plain(draws)), yaw, (x, y, floor))]
    if not under and z - floor < 0.75 and kind < 0.65:
        radius = draws.uniform(0.25, 0.36)
        place = (x, y, floor + radius)
        return [props.ellipsoid(place, (radius,) * 3, _plain(draws), rings=16)]
    half = draws.uniform(0.14, 0.26) * (1.0 - share)
    if under:  # a table over the bed, whose pole stands beside it
        left = y > (low[1] + high[1]) / 2.0
        pole = float(high[1] if left else low[1]) - (0.1 if left else -0.1)
        sides = (y - half, pole + 0.03) if left else (pole - 0.03, y + half)
        ends = (x - half, sides[0], z - 0.015), (x + half, sides[1], z + 0.015)
        return props.stand(*ends, (x, pole), floor, _plain(draws))
    screen = draws.flip()
    tall, deep = (0.7 * half, 0.025) if screen else (0.015, 0.7 * half)
    towards = at.camera.rotation[2]
    size = (deep, half, tall) if abs(towards[0]) > abs(towards[1]) else (half, deep, tall)
    ends = _point(spot - np.array(size)), _point(spot + np.array(size))
    return props.stand(*ends, (x, y), floor, _plain(draws))


def _fits(room: Room, part: Mesh, eye_m: NDArray[np.float64], body_m: NDArray[np.float64]) -> bool:
    """Return whether a thing is in the room, not in furniture, and off camera and patient."""
    low, high = props.bounds(part)
    x0, x1, y0, y1 = room.walls_m
    inside = x0 < low[0] and high[0] < x1 and y0 < low[1] and high[1] < y1
    bottom = room.floor_z_m - 0.001
    if not inside or low[2] < bottom or high[2] > bottom + room.ceiling_m:
        return False
    if ((eye_m > low - 0.12) & (eye_m < high + 0.12)).all():
        return False
    if ((body_m > low - _APART_M) & (body_m < high + _APART_M)).all(axis=1).any():
        return False
    boxes = [props.bounds(mesh) for mesh in room.furniture]
    return not any(((low < b) & (high > a)).all() for a, b in boxes)


def _therapist(stage: Staging, at: _Place) -> Staging:
    draws = at.draws
    seed = _ONLOOKER_SEED + int(draws.rng.integers(1_000_000))
    person = sample(seed, at.split)
    dressed = dress(body_of(person), person.outfit)
    room, line = stage.room, _line(stage.room, at)
    if line is None:  # narrow rooms make way
        for corner in _ground(room, at.swept, _PASSAGE_M):
            room = room.seen_from(np.array([*corner, 0.1]), at.swept.points_m)
        line = _line(room, at)
    middle, along, half_m = line or _beside(room, at)
    spot = np.array([*middle, room.floor_z_m])
    walker = Walker(dressed, spot, along, half_m, float(draws.rng.uniform()))
    return replace(stage, room=room, walkers=(walker,))


_Line = tuple[NDArray[np.float64], NDArray[np.float64], float]


def _line(room: Room, at: _Place) -> _Line | None:
    """Draw where a therapist walks: middle, direction and half the length of a line."""
    draws, rng = at.draws, at.draws.rng
    low, high = _ground(room, at.swept, 0.0)
    x0, x1, y0, y1 = room.walls_m
    first = np.maximum([x0, y0], low - 1.8)
    last = np.minimum([x1, y1], high + 1.8)
    for _ in range(_LINES):
        middle, angle = rng.uniform(first, last), rng.uniform(0.0, 2.0 * np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        longest = draws.uniform(1.0, 1.8)
        for half in (longest, 0.6 * longest, 0.4 * longest):
            steps = np.linspace(-half - 0.15, half + 0.15, 15)[:, None]  # a stride beyond the end
            way = middle + steps * along
            if _open(room, at, way).all() and _stands_in_picture(room, at.camera, way):
                return middle, along, half
    return None


def _beside(room: Room, at: _Place) -> _Line:
    """Return where a therapist stands beside the support and looks at the patient."""
    low, high = _ground(room, at.swept, 0.0)
    grow = _BESIDE_M + 0.01
    share = np.linspace(0.0, 1.0, 9)[:, None]
    corners = [
        np.array([(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])])
        + (grow + more) * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        for more in (0.0, 0.15, 0.4)
    ]
    ring = np.concatenate(
        [c[k] + share * (c[(k + 1) % 4] - c[k]) for c in corners for k in range(4)]
    )
    seen = np.array([_stands_in_picture(room, at.camera, spot[None]) for spot in ring])
    free = _open(room, at, ring, _BESIDE_M)
    best = int(np.argmax(2 * free + seen))
    away = (low + high) / 2.0 - ring[best]
    return ring[best], away / np.linalg.norm(away), 0.0


def _open(
    room: Room, at: _Place, ground_m: NDArray[np.float64], beside_m: float = _TO_SUPPORT_M
) -> NDArray[np.bool_]:
    """Return at which places of the floor, shape (n, 2), somebody has room to stand."""

    def within(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(((ground_m > low) & (ground_m < high)).all(axis=1))

    x0, x1, y0, y1 = room.walls_m
    free = within(np.array([x0, y0]) + _TO_WALL_M, np.array([x1, y1]) - _TO_WALL_M)
    free &= ~within(*_ground(room, at.swept, beside_m))
    free &= np.linalg.norm(ground_m - at.camera.centre_m[:2], axis=1) > _TO_CAMERA_M
    for mesh in room.furniture:
        low, high = props.bounds(mesh)
        free &= ~within(low[:2] - _TO_FURNITURE_M, high[:2] + _TO_FURNITURE_M)
    return free


def _stands_in_picture(room: Room, camera: Camera, ground_m: NDArray[np.float64]) -> bool:
    """Return whether somebody who stands at one of these places is seen."""
    grid = np.stack(np.meshgrid(*_STANDING_M), axis=-1).reshape(-1, 3)
    feet = np.column_stack([ground_m, np.full(len(ground_m), room.floor_z_m)])
    return bool(_in_picture(camera, (feet[:, None] + grid).reshape(-1, 3)).sum() >= 4)


def _ground(
    room: Room, swept: Swept, grow_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of what patient and support cover of the floor."""
    low, high = swept.surface_m[:, :2].min(axis=0), swept.surface_m[:, :2].max(axis=0)
    if room.support != "floor":
        centre, half = np.array(room.centre_m), np.array(room.half_m)
        low, high = np.minimum(low, centre - half), np.maximum(high, centre + half)
    return low - grow_m, high + grow_m


def _in_picture(camera: Camera, points_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    optical = camera.to_optical(points_m)
    ahead = optical[:, 2] > 0.3
    pixel = camera.project(np.where(ahead[:, None], optical, 1.0))
    inside = (pixel >= 0).all(axis=1) & (pixel < [camera.width, camera.height]).all(axis=1)
    return np.asarray(ahead & inside)


def _dark(stage: Staging, at: _Place) -> Staging:
    """Leave so little light that the camera can no longer make up for it."""
    draws = at.draws
    noisy = ColourSensor(read=draws.uniform(3.0, 6.0), photon=draws.uniform(3.0, 6.0))
    return replace(
        stage, kind=replace(stage.kind, colour=noisy), mean_grey=draws.uniform(0.115, 0.195)
    )


def _misregistered(stage: Staging, at: _Place) -> Staging:
    return replace(stage, kind=misregistered(stage.kind, at.draws.rng))


_MAKERS: dict[str, Callable[[Staging, _Place], Staging]] = {
    "clear": _clear,
    "blanket": _blanket,
    "occluder": _occluder,
    "therapist": _therapist,
    "dark": _dark,
    "misregistered": _misregistered,
}


def set_up(
    condition: str,
    draws: Draws,
    room: Room,
    camera: Camera,
    kind: Preset,
    *,
    exercise: str,
    swept: Swept,
    split: Split,
) -> Staging:
    """Return the scene of a condition.

    Parameters
    ----------
    condition : str
        One of `CONDITIONS` of `scenario`.
    exercise : str
        A key of `PROGRAMS`.
    swept : Swept
        Where the movement takes the patient.

    Raises
    ------
    InputError
        If the condition and the exercise or the view do not go together.
    """
    kind = replace(kind, colour=kind.colour if kind.name == "ideal" else ColourSensor.sample(draws))
    stage = Staging(room, kind)
    return _MAKERS[condition](stage, _Place(draws, camera, exercise, swept, split))


def _point(place: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(place[0]), float(place[1]), float(place[2])


def _plain(draws: Draws) -> Colour:
    value = draws.uniform(0.2, 0.9)
    tint = [draws.uniform(0.75, 1.0) for _ in range(3)]
    return (value * tint[0], value * tint[1], value * tint[2])
