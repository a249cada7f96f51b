"""What an exercise file demands: rules of tempo, posture, symmetry and muscles, and the dose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from lbp_rehab.quality.types import Phase


class Demand(Enum):
    """What a rule asks of its quantity."""

    STAY = "stay"  # inside the range, all the time
    REACH = "reach"  # the range, at least once


@dataclass(frozen=True)
class TempoRule:
    """How long a phase may last in seconds, and what to say otherwise (None: nothing).

    Attributes
    ----------
    none_low_s, none_high_s : float
        Durations from which all points of the phase are lost.
    """

    low_s: float
    high_s: float
    too_short: str | None
    too_long: str | None
    none_low_s: float
    none_high_s: float


@dataclass(frozen=True)
class HesitationRule:
    """How long a way may all but stand still before its end: a painful arc slows it there.

    Attributes
    ----------
    allowed_s, zero_at_s : float
        Full control score up to ``allowed_s``, none from ``zero_at_s``.
    """

    id: str
    phase: Phase
    allowed_s: float
    zero_at_s: float
    cue: str


@dataclass(frozen=True)
class FaultRule:
    """A quantity that must stay in its range, or reach it, during some phases.

    Attributes
    ----------
    measure : str
        Also with ``work_`` or ``other_`` in front, for the side that works and the other one.
    low, high : float
        Allowed range in the measure's unit; infinite where open.
    from_start : bool
        Whether the quantity is the change since the start of the repetition.
    moderate, severe, unsafe : float
        Excess over the range at which the severity rises; ``unsafe`` is infinite if never.
    points : float
        Points of the alignment sub-score that are lost at the severe excess; in proportion
        below it and, up to 100, above it.
    at_least_s : float
        A shorter excursion is not a fault; values are averaged over about this time.
    """

    id: str
    measure: str
    low: float
    high: float
    from_start: bool
    phases: tuple[Phase, ...]
    moderate: float
    severe: float
    unsafe: float
    points: float
    at_least_s: float
    cue: str
    demand: Demand = Demand.STAY

    def excess(self, value: float) -> float:
        """Return how far a value is outside the allowed range; negative inside."""
        return max(value - self.high, self.low - value)


@dataclass(frozen=True)
class SymmetryRule:
    """Left against right: full score up to ``allowed``, none from ``zero_at``."""

    left: str
    right: str
    allowed: float
    zero_at: float
    cue: str


class Judged(Enum):
    """What of a muscle is judged."""

    MEAN = "mean"  # over the phases
    ONSET = "onset"  # when it switches on, in seconds after the movement begins
    FATIGUE = "fatigue"  # slope of the median frequency over the set, Hz/s


@dataclass(frozen=True)
class MuscleLimit:
    """One range in which a muscle, or how several work together, should stay.

    Attributes
    ----------
    measure : str
    low, high : float
        In the unit of what is judged; infinite where open.
    lost_over : float
        The excess over the range at which all points are lost.
    phases : tuple of Phase
        Over which a mean is taken.
    """

    id: str
    judged: Judged
    measure: str
    low: float
    high: float
    lost_over: float
    phases: tuple[Phase, ...]
    cue: str


@dataclass(frozen=True)
class MuscleRule:
    """What is asked of one muscle, or of several together (one of `INDICES`)."""

    muscle: str
    limits: tuple[MuscleLimit, ...]


@dataclass(frozen=True)
class CameraAdvice:
    """Where the camera should stand to see what the exercise is judged by.

    Attributes
    ----------
    text : str
        For people.
    sides : tuple of str
        Sides of the patient it may look from, of `CAMERA_SIDES`, each give or take 40 deg.
    elevation : tuple of float
        Lowest and highest angle over the horizontal, radians.
    """

    text: str
    sides: tuple[str, ...]
    elevation: tuple[float, float]


CAMERA_SIDES = ("head", "feet", "left", "right", "front", "behind")
CAMERA_SPREAD_RAD = math.radians(40.0)


@dataclass(frozen=True)
class Dose:
    """What is prescribed unless a therapist says otherwise."""

    sets: int
    repetitions: int
    rest_s: float
    days_per_week: int


NO_WHOLE = TempoRule(0.0, math.inf, None, None, 0.0, math.inf)
