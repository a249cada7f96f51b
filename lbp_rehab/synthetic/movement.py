"""A set of repetitions as continuous degrees of freedom over time, with faults on demand.

Each degree of freedom is a chain of minimum-jerk movements (Flash and Hogan 1985, J Neurosci
5:1688) between rests, so that position, velocity and acceleration are continuous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError

GLUTE_BRIDGE = "glute_bridge"


class Dof(IntEnum):
    """Degrees of freedom of a movement; the number is the column in `Movement.at`.

    ``LIFT`` is the fraction of the full range (1: the hips reach the shoulder-knee line). The rest
    are radians: ``OBLIQUITY`` of the pelvis, positive with the right side up; ``LUMBAR_FLEXION``
    beyond what the lift itself brings; ``KNEE_ABDUCTION``, positive with the knees apart.
    """

    LIFT = 0
    OBLIQUITY = 1
    LUMBAR_FLEXION = 2
    KNEE_ABDUCTION = 3


@dataclass(frozen=True)
class Fault:
    """A named fault of execution in one repetition.

    Attributes
    ----------
    repetition : int
        1 for the first.
    name : str
        A key of `FAULTS`.
    severity : float
        0 (none) to 1 (as in the description in `FAULTS`).
    """

    repetition: int
    name: str
    severity: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise InputError(
                f"there is no fault {self.name!r} of the glute bridge: use {', '.join(FAULTS)}"
            )
        if not 0.0 <= self.severity <= 1.0:
            raise InputError(f"the severity {self.severity} must lie between 0 and 1")


# What each fault does at severity 1.
PELVIS_DROP_RAD = float(np.radians(10.0))
HIPS_LOW_FRACTION = 0.5
KNEES_IN_RAD = float(np.radians(20.0))
OVER_EXTENSION_RAD = float(np.radians(18.0))
HURRY_FRACTION = 0.5
FAULTS: dict[str, str] = {
    "pelvis_drops": "the left side of the pelvis sinks by 10 degrees at the top",
    "hips_low": "the hips turn back at half of their range",
    "knees_fall_in": "the knees fall in by 20 degrees",
    "lumbar_overextension": "the lumbar spine extends by 18 degrees at the top",
    "too_fast": "lift, hold and lowering take half of their time",
}


@dataclass(frozen=True)
class Tempo:
    """Mean durations in seconds of a set, and how much they vary from repetition to repetition."""

    initial_rest_s: float = 4.0
    lift_s: float = 1.4
    hold_s: float = 1.2
    lower_s: float = 1.4
    rest_s: float = 0.5
    variation: float = 0.07


@dataclass(frozen=True)
class Repetition:
    """When one repetition happens, in seconds from the start of the recording.

    Attributes
    ----------
    start_s, top_s, hold_end_s, end_s : float
        Leaving the start position, reaching the top, leaving it, back at the start position.
    amplitude : float
        Fraction of the full range that is reached.
    faults : tuple of Fault
    """

    index: int
    start_s: float
    top_s: float
    hold_end_s: float
    end_s: float
    amplitude: float
    faults: tuple[Fault, ...]

    def severity(self, name: str) -> float:
        """Return the severity of a fault, 0 if the repetition does not have it."""
        return max((f.severity for f in self.faults if f.name == name), default=0.0)


@dataclass(frozen=True)
class Movement:
    """A whole set.

    Attributes
    ----------
    knots_s : ndarray, shape (k,)
        Times between which each degree of freedom makes one minimum-jerk movement.
    values : ndarray, shape (k, len(Dof))
        Degrees of freedom at the knots.
    """

    exercise: str
    duration_s: float
    knots_s: NDArray[np.float64]
    values: NDArray[np.float64]
    repetitions: tuple[Repetition, ...]

    def at(self, t_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the degrees of freedom at times ``t_s`` (n,), shape (n, len(Dof))."""
        left, fraction, _ = self._segment(np.atleast_1d(np.asarray(t_s, dtype=float)))
        return self.values[left] + minimum_jerk(fraction)[:, None] * self._steps()[left]

    def rate(self, t_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the time derivatives in 1/s or rad/s at times ``t_s`` (n,), like `at`."""
        left, u, length = self._segment(np.atleast_1d(np.asarray(t_s, dtype=float)))
        speed = 30.0 * u**2 * (1.0 - u) ** 2 / length
        return speed[:, None] * self._steps()[left]

    def _steps(self) -> NDArray[np.float64]:
        return np.diff(self.values, axis=0)

    def _segment(
        self, t_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        left = np.clip(
            np.searchsorted(self.knots_s, t_s, side="right") - 1, 0, len(self.knots_s) - 2
        )
        length = np.diff(self.knots_s)[left]
        return left, np.clip((t_s - self.knots_s[left]) / length, 0.0, 1.0), length


def minimum_jerk(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the minimum-jerk course from 0 to 1 at the fractions ``u`` of its duration."""
    return u**3 * (10.0 + u * (-15.0 + 6.0 * u))


def glute_bridge(
    seed: int,
    repetitions: int = 5,
    faults: Sequence[Fault] = (),
    tempo: Tempo | None = None,
) -> Movement:
    """Return a set of glute bridges that vary as a person's repetitions do.

    Parameters
    ----------
    seed : int
        Decides the variation; the same seed gives the same movement.
    repetitions : int
        How many, at least 1.
    faults : sequence of Fault
    tempo : Tempo, optional

    Raises
    ------
    InputError
        If there is no repetition, or a fault names one that is not made.
    """
    if repetitions < 1:
        raise InputError(f"a set needs at least one repetition, not {repetitions}")
    for fault in faults:
        if not 1 <= fault.repetition <= repetitions:
            raise InputError(
                f"the fault {fault.name} is for repetition {fault.repetition}, "
                f"but the set has {repetitions}"
            )
    tempo = tempo or Tempo()
    rng = np.random.default_rng([seed, 1])
    now = tempo.initial_rest_s
    knots, values = [0.0], [np.zeros(len(Dof))]
    made = []
    for index in range(1, repetitions + 1):
        own = tuple(f for f in faults if f.repetition == index)
        rep = _repetition(index, now, own, tempo, rng)
        top = _top(rep, rng)
        hold = top.copy()
        hold[Dof.LIFT] -= abs(rng.normal(0.0, 0.02))  # nobody holds quite still
        hold[Dof.OBLIQUITY] += rng.normal(0.0, np.radians(0.4))
        knots += [rep.start_s, rep.top_s, rep.hold_end_s, rep.end_s]
        values += [np.zeros(len(Dof)), top, hold, np.zeros(len(Dof))]
        made.append(rep)
        now = rep.end_s + tempo.rest_s * _varied(tempo, rng)
    duration_s = made[-1].end_s + tempo.rest_s
    return Movement(
        exercise=GLUTE_BRIDGE,
        duration_s=duration_s,
        knots_s=np.array([*knots, duration_s]),
        values=np.array([*values, np.zeros(len(Dof))]),
        repetitions=tuple(made),
    )


def _repetition(
    index: int, start_s: float, faults: tuple[Fault, ...], tempo: Tempo, rng: np.random.Generator
) -> Repetition:
    severity = {f.name: f.severity for f in faults}
    pace = 1.0 - HURRY_FRACTION * severity.get("too_fast", 0.0)
    top_s = start_s + pace * tempo.lift_s * _varied(tempo, rng)
    hold_end_s = top_s + pace * tempo.hold_s * _varied(tempo, rng)
    end_s = hold_end_s + pace * tempo.lower_s * _varied(tempo, rng)
    amplitude = float(np.clip(rng.normal(1.0, 0.02), 0.95, 1.05))
    amplitude *= 1.0 - HIPS_LOW_FRACTION * severity.get("hips_low", 0.0)
    return Repetition(index, start_s, top_s, hold_end_s, end_s, amplitude, faults)


def _top(rep: Repetition, rng: np.random.Generator) -> NDArray[np.float64]:
    top = np.zeros(len(Dof))
    top[Dof.LIFT] = rep.amplitude
    top[Dof.OBLIQUITY] = rng.normal(0.0, np.radians(0.7))
    top[Dof.OBLIQUITY] += rep.severity("pelvis_drops") * PELVIS_DROP_RAD
    top[Dof.LUMBAR_FLEXION] = rng.normal(0.0, np.radians(1.0))
    top[Dof.LUMBAR_FLEXION] -= rep.severity("lumbar_overextension") * OVER_EXTENSION_RAD
    top[Dof.KNEE_ABDUCTION] = rng.normal(0.0, np.radians(1.0))
    top[Dof.KNEE_ABDUCTION] -= rep.severity("knees_fall_in") * KNEES_IN_RAD
    return top


def _varied(tempo: Tempo, rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(1.0, tempo.variation), 0.7, 1.3))
