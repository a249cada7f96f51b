"""What makes a scene hard: a blanket, something in the way, a therapist, little light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.clothes import Dressed, dress
from lbp_rehab.synthetic.imaging.colour import ColourSensor
from lbp_rehab.synthetic.imaging.props import Blanket, box, chair, ellipsoid, turned
from lbp_rehab.synthetic.imaging.rgbd import Preset, misregistered
from lbp_rehab.synthetic.imaging.rooms import Room
from lbp_rehab.synthetic.imaging.surfaces import Colour, Mesh
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.postures.poser import Habit
from lbp_rehab.synthetic.motion.postures.standing import Standing
from lbp_rehab.synthetic.person.people import body_of, sample

LYING = frozenset({Posture.SUPINE, Posture.PRONE, Posture.SIDE_LEFT, Posture.SIDE_RIGHT})
_ONLOOKER_SEED = 1_000_003  # people who are not the patient are other people
_WALK_M_PER_S, _STEP_HZ = 0.7, 0.9


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
        Half the length of the line.
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
        period_s = 4.0 * self.half_m / _WALK_M_PER_S
        way = (t_s / period_s + self.phase) % 1.0
        forwards = way < 0.5
        place = self.half_m * (4.0 * way - 1.0 if forwards else 3.0 - 4.0 * way)
        step = 2.0 * np.pi * _STEP_HZ * t_s
        row = np.zeros(len(Dof))
        for side, sign in (("l", 1.0), ("r", -1.0)):
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
    """

    room: Room
    kind: Preset
    props: tuple[Mesh, ...] = ()
    blankets: tuple[Blanket, ...] = ()
    walkers: tuple[Walker, ...] = ()

    @property
    def people(self) -> list[Dressed]:
        """The dressed people beside the patient."""
        return [walker.dressed for walker in self.walkers]


@dataclass(frozen=True)
class _Place:
    """What a condition is made from."""

    draws: Draws
    camera: Camera
    posture: Posture
    sweep_m: NDArray[np.float64]
    split: Split


def _clear(stage: Staging, at: _Place) -> Staging:
    return stage


def _blanket(stage: Staging, at: _Place) -> Staging:
    """Cover the legs, often up to the pelvis; those who do not lie wear none."""
    if at.posture not in LYING:
        return stage
    low, high = at.sweep_m[:, 0].min(), at.sweep_m[:, 0].max()
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
    draws = at.draws
    target = at.sweep_m[int(draws.rng.integers(len(at.sweep_m)))]
    share = draws.uniform(0.25, 0.5)  # of the way from the patient to the camera
    spot = target + share * (at.camera.centre_m - target)
    half = draws.uniform(0.10, 0.24) * (1.0 - share)
    floor_m = -stage.room.height_m
    if spot[2] > 0.6 or stage.room.support == "bed":  # a lamp's arm, a shelf, a tray
        corner = np.array([half, 0.6 * half, 0.03])
        shape = box(_point(spot - corner), _point(spot + corner), _plain(draws))
    elif draws.flip():
        yaw = float(np.arctan2(*(at.camera.centre_m - target)[1::-1]))
        shape = turned(chair(_plain(draws), _plain(draws)), yaw, (spot[0], spot[1], floor_m))
    else:
        radius = max(half, 0.1)
        shape = ellipsoid((spot[0], spot[1], floor_m + radius), (radius,) * 3, _plain(draws))
    return replace(stage, props=(*stage.props, shape))


def _therapist(stage: Staging, at: _Place) -> Staging:
    draws = at.draws
    seed = _ONLOOKER_SEED + int(draws.rng.integers(1_000_000))
    person = sample(seed, at.split)
    dressed = dress(body_of(person), person.outfit)
    centre = at.sweep_m.mean(axis=0)
    away = (at.camera.centre_m - centre)[:2]
    # Between patient and camera, behind the patient, or beside; overhead: beside.
    away = away / np.linalg.norm(away) if np.linalg.norm(away) > 0.5 else np.array([0.0, 1.0])
    side = 1.0 if draws.flip(0.6) else -1.0
    reach = stage.room.half_m[0] * abs(away[0]) + stage.room.half_m[1] * abs(away[1])
    middle = centre[:2] + side * away * (reach + draws.uniform(0.25, 0.45))
    walker = Walker(
        dressed,
        np.array([*middle, -stage.room.height_m]),
        np.array([-away[1], away[0]]),
        draws.uniform(1.0, 1.8),
        float(draws.rng.uniform()),
    )
    return replace(stage, walkers=(walker,))


def _dark(stage: Staging, at: _Place) -> Staging:
    draws, light = at.draws, stage.room.light
    dim = draws.uniform(0.12, 0.35)
    dimmed = replace(light, sun=dim * light.sun, fill=dim * light.fill, ambient=dim * light.ambient)
    noisy = ColourSensor(read=draws.uniform(3.0, 6.0), photon=draws.uniform(3.0, 6.0), exposure=1.0)
    return replace(
        stage, room=replace(stage.room, light=dimmed), kind=replace(stage.kind, colour=noisy)
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
    posture: Posture,
    sweep_m: NDArray[np.float64],
    split: Split,
) -> Staging:
    """Return the scene of a condition.

    Parameters
    ----------
    condition : str
        One of `CONDITIONS` of `scenario`.
    sweep_m : ndarray, shape (n, 3)
        Points that the movement reaches.
    """
    kind = replace(kind, colour=kind.colour if kind.name == "ideal" else ColourSensor.sample(draws))
    stage = Staging(room, kind)
    return _MAKERS[condition](stage, _Place(draws, camera, posture, sweep_m, split))


def _point(place: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(place[0]), float(place[1]), float(place[2])


def _plain(draws: Draws) -> Colour:
    value = draws.uniform(0.2, 0.9)
    tint = [draws.uniform(0.75, 1.0) for _ in range(3)]
    return (value * tint[0], value * tint[1], value * tint[2])
