"""How hard each muscle works at any time of a movement, in one person's own style.

The drive is a function of time alone: the truth that electrodes then measure with all their faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.emg.compensation import COMPENSATION, FAULT_EFFECTS, LOCAL, Change, Where
from lbp_rehab.synthetic.emg.recruitment import (
    CHANNELS,
    MUSCLES,
    ONE_SIDED,
    RECRUITMENT,
    SECOND,
    Course,
    Recruitment,
)
from lbp_rehab.synthetic.emg.style import MuscleStyle
from lbp_rehab.synthetic.motion.dof import Dof

Array = NDArray[np.float64]

# Peak speed of a minimum-jerk repetition whose way to the top takes 1.4 s.
USUAL_SPEED_HZ = 1.875 / 1.4
_GRID_S = 0.01
_STILL_HZ = 1e-3  # a level that changes more slowly than this stands still

# What shows to which side a fault goes that may go to either: positive is to the left.
_SIDE_OF_FAULT: dict[str, Dof] = {
    "pelvis_drops": Dof.PELVIS_TURN,
    "knees_swing": Dof.L_KNEE_OUT,
    "deviates": Dof.THORAX_LIST,
}


class Fault(Protocol):
    """A fault of a repetition."""

    @property
    def name(self) -> str:
        """One of the exercise's in `FAULT_EFFECTS`."""

    @property
    def severity(self) -> float:
        """0 to 1."""


class Repetition(Protocol):
    """When a repetition happens and what is wrong with it."""

    @property
    def start_s(self) -> float:
        """When the start position is left."""

    @property
    def top_s(self) -> float:
        """When the top is reached."""

    @property
    def hold_end_s(self) -> float:
        """When the top, or the second of two, is left."""

    @property
    def end_s(self) -> float:
        """When the start position is reached again."""

    @property
    def faults(self) -> Sequence[Fault]:
        """What is wrong with it."""


class Breathing(Protocol):
    """How the patient breathes at rest: in from time 0 on, for half a period."""

    @property
    def breath_hz(self) -> float:
        """Breaths a second."""


class Movement(Protocol):
    """What the muscles need to know of a movement."""

    @property
    def exercise(self) -> str:
        """A key of `RECRUITMENT`."""

    @property
    def duration_s(self) -> float:
        """How long it is."""

    @property
    def repetitions(self) -> Sequence[Repetition]:
        """In the order of time."""

    @property
    def style(self) -> Breathing:
        """How the person moves."""

    @property
    def rest(self) -> Array:
        """The start position, by `Dof`."""

    def at(self, t_s: Array | float) -> Array:
        """Return the degrees of freedom, shape (n, len(Dof))."""

    def level(self, t_s: Array) -> Array:
        """Return 0 (start position) to 1 (top) of the left and the right side, shape (n, 2)."""

    def level_rate(self, t_s: Array) -> Array:
        """Return the derivative of `level` in 1/s."""

    def fault_level(self, name: str, t_s: Array) -> Array:
        """Return how much of a fault shows, 0 to its severity, shape (n,)."""


class Drive(Protocol):
    """How hard each muscle works at any time."""

    def at(self, t_s: Array) -> Array:
        """Return the drives at times ``t_s`` (n,), shape (n, 12), 0 to 1 of the maximum."""

    def rest(self, t_s: Array) -> Array:
        """Return the part of the drives that there is at rest, shape (n, 12)."""

    def speed(self, t_s: Array) -> Array:
        """Return the speed of the movement over that of a usual repetition, shape (n,)."""


class MuscleDrive:
    """The drives of the twelve channels through a movement.

    Parameters
    ----------
    movement : Movement
    style : MuscleStyle

    Raises
    ------
    InputError
        If the exercise or one of its faults is not in the tables.
    """

    def __init__(self, movement: Movement, style: MuscleStyle) -> None:
        if movement.exercise not in RECRUITMENT:
            raise InputError(
                f"no muscle recruitment is known of the exercise {movement.exercise!r}: use "
                f"{', '.join(RECRUITMENT)}"
            )
        self.movement, self.style = movement, style
        self._rows = RECRUITMENT[movement.exercise]
        self._second_rows = SECOND.get(movement.exercise)
        self._one_sided = movement.exercise in ONE_SIDED
        effects = FAULT_EFFECTS[movement.exercise]
        occurring = {fault.name for rep in movement.repetitions for fault in rep.faults}
        if unknown := sorted(occurring - effects.keys()):
            raise InputError(
                f"no effect on the muscles is known of the fault {unknown[0]!r} of "
                f"{movement.exercise}: use {', '.join(effects)}"
            )
        self._effects = {name: effects[name] for name in sorted(occurring)}
        reps = movement.repetitions
        self._near = {
            name: np.array([self._near_side(name, rep) for rep in reps]) for name in self._effects
        }
        self._between_s = [self._between(rep) for rep in reps] if self._second_rows else []
        # Halfway between two repetitions everything that a repetition has of its own changes.
        self._borders = np.array([(a.end_s + b.start_s) / 2 for a, b in pairwise(reps)])
        self._turns_s = [self._turns(side) for side in (0, 1)]
        self._late_s = np.array(
            [self._lateness(rep) for rep in reps] or [style.compensation * COMPENSATION.late_s]
        )
        spread = np.random.default_rng([style.seed, 35]).normal(size=(max(len(reps), 1), 1 + 12))
        self._effort = np.exp(style.variation * (0.8 * spread[:, :1] + 0.6 * spread[:, 1:]))

    def at(self, t_s: Array) -> Array:
        """Return the drives at times ``t_s`` (n,), shape (n, 12), 0 to 1 of the maximum."""
        n = len(t_s)
        repetition = np.searchsorted(self._borders, t_s, side="right")
        late = self._late_s[repetition]
        shifted = np.concatenate(
            [
                t_s + lead - (late if muscle in LOCAL else 0.0)
                for muscle, lead in zip(MUSCLES, self.style.lead_s, strict=True)
            ]
        )
        level = self.movement.level(shifted).reshape(len(MUSCLES), n, 2)
        speed = self.movement.level_rate(shifted).reshape(len(MUSCLES), n, 2) / USUAL_SPEED_HZ
        shown = {
            name: self.movement.fault_level(name, shifted).reshape(len(MUSCLES), n)
            for name in self._effects
        }
        work = np.empty((n, len(CHANNELS)))
        for k, (muscle, side) in enumerate(CHANNELS):
            m, own = MUSCLES.index(muscle), 0 if side == Side.LEFT else 1
            at_s = shifted.reshape(-1, n)[m]
            asked = self._asked(self._rows[muscle], at_s, level[m], speed[m], own)
            if self._second_rows:
                second = self._asked(self._second_rows[muscle], at_s, level[m], speed[m], own)
                asked = np.where(self._in_second(at_s), second, asked)
            factor, added = np.ones(n), np.zeros(n)
            for name, effect in self._effects.items():
                for change in effect.changes:
                    if change.muscle == muscle:
                        near = self._near[name][repetition]
                        part = shown[name][m] * _share(change, own, level[m], near)
                        factor += (change.factor - 1.0) * part
                        added += change.added * part
            for change in COMPENSATION.changes:
                if change.muscle == muscle:
                    part = self.style.compensation * np.clip(level[m].max(axis=1), 0.0, 1.0)
                    factor *= 1.0 + (change.factor - 1.0) * self.style.compensation
                    added += change.added * part
            work[:, k] = self.style.gain[k] * (asked * np.maximum(factor, 0.0) + added)
        work *= self._effort[repetition] * self.style.waves(t_s)
        return np.clip(self.rest(t_s) + work, 0.0, 1.0)

    def rest(self, t_s: Array) -> Array:
        """Return the part of the drives that the start position asks for, shape (n, 12)."""
        breath = np.sin(2.0 * np.pi * self.movement.style.breath_hz * t_s)
        if self.movement.exercise == "breathing":  # has the breath as its level
            breath[:] = 0.0
        columns = []
        for k, (muscle, _) in enumerate(CHANNELS):
            # Abdominal muscles are more active while breathing out (De Troyer et al. 1990).
            swing = 0.2 if muscle == Muscle.INTERNAL_OBLIQUE else 0.05
            columns.append(
                self._rows[muscle].tonic * self.style.tonic_gain[k] * (1.0 - swing * breath)
            )
        return np.stack(columns, axis=1)

    def speed(self, t_s: Array) -> Array:
        """Return the speed of the faster side over that of a usual repetition, shape (n,)."""
        return np.abs(self.movement.level_rate(t_s)).max(axis=1) / USUAL_SPEED_HZ

    def _asked(self, row: Recruitment, t_s: Array, level: Array, speed: Array, own: int) -> Array:
        """Return what the movement asks of a channel: the table alone."""
        asked = self._work(row.course, row.hold, t_s, level, own)
        asked += row.burst * np.maximum(speed[:, own], 0.0)
        if self._one_sided:
            other = 1 - own
            asked += self._work(row.course, row.other, t_s, level, other)
            burst = row.burst * row.other / row.hold if row.hold else row.burst
            asked += burst * np.maximum(speed[:, other], 0.0)
        return asked

    def _work(self, course: Course, hold: float, t_s: Array, level: Array, side: int) -> Array:
        out, back = (
            np.interp(level[:, side], *np.transpose(curve)) for curve in (course.out, course.back)
        )
        outward = np.searchsorted(self._turns_s[side], t_s, side="right") % 2 == 0
        return hold * np.where(outward, out, back)

    def _turns(self, side: int) -> Array:
        """Return when a side turns from the way out to the way back and back again.

        A pause on the way is no turn.
        """
        t_s = np.arange(0.0, self.movement.duration_s, _GRID_S)
        rate = self.movement.level_rate(t_s)[:, side]
        moving = np.flatnonzero(np.abs(rate) > _STILL_HZ)
        outward = np.concatenate([[True], rate[moving] > 0.0])
        turned = np.flatnonzero(outward[1:] != outward[:-1])
        return t_s[moving[turned]] - _GRID_S

    def _lateness(self, repetition: Repetition) -> float:
        effects = FAULT_EFFECTS[self.movement.exercise]
        late = [fault.severity * effects[fault.name].late_s for fault in repetition.faults]
        return self.style.compensation * COMPENSATION.late_s + max(late, default=0.0)

    def _near_side(self, name: str, repetition: Repetition) -> int:
        """Return to which side a fault goes: 0 left, 1 right."""
        dof = _SIDE_OF_FAULT.get(name)
        if dof is None:
            return 0
        return int(self.movement.at(repetition.top_s)[0, dof] < self.movement.rest[dof])

    def _between(self, repetition: Repetition) -> tuple[float, float]:
        """Return when a repetition sets off a second time, if it does, and when it ends."""
        t_s = np.arange(repetition.top_s, repetition.hold_end_s, _GRID_S)
        level = self.movement.level(t_s).max(axis=1)
        lowest = int(level.argmin())
        return (float(t_s[lowest]) if level[lowest] < 0.5 else repetition.end_s), repetition.end_s

    def _in_second(self, t_s: Array) -> NDArray[np.bool_]:
        """Return when a repetition is on the way to its second extreme, or back from it."""
        inside = np.zeros(len(t_s), bool)
        for start_s, end_s in self._between_s:
            inside |= (t_s >= start_s) & (t_s < end_s)
        return inside


def _share(change: Change, own: int, level: Array, near: NDArray[np.int64]) -> Array:
    """Return how much a change concerns the channel of side ``own`` (0 left, 1 right), 0 to 1.

    ``level`` (n, 2) and ``near`` (n,), the side to which the fault goes, are of the same instants.
    """
    if change.where == Where.BOTH:
        return np.ones(len(level))
    if change.where in (Where.NEAR, Where.FAR):
        return np.where((near == own) == (change.where == Where.NEAR), 1.0, 0.0)
    total = np.maximum(level.sum(axis=1), 1e-9)
    moving: Array = level[:, own if change.where == Where.OWN else 1 - own]
    return moving / total
