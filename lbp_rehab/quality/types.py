"""Results of scoring as they travel between cores, and the enumerations of their messages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from lbp_rehab.estimate import Estimate


class Side(IntEnum):
    """Which side works. The numbers are those of ``EmgChannel.msg``."""

    NONE = 0
    LEFT = 1
    RIGHT = 2


class Phase(IntEnum):
    """Phase of the movement. The numbers are those of ``QualityLive.msg``."""

    UNKNOWN = 0
    REST = 1
    OUT = 2
    HOLD = 3
    RETURN = 4


class Outcome(IntEnum):
    """How a repetition ended. The numbers are those of ``Repetition.msg``."""

    COMPLETE = 1
    PARTIAL = 2
    ABORTED = 3


class Grade(IntEnum):
    """Grade of a score. The numbers are those of ``Repetition.msg``."""

    UNKNOWN = 0
    TRY_AGAIN = 1
    QUALIFIED = 2
    GOOD = 3
    EXCELLENT = 4
    SUPER_EXCELLENT = 5


class SubScoreKind(IntEnum):
    """Part of a score. The numbers are those of ``SubScore.msg``."""

    RANGE = 1
    ALIGNMENT = 2
    CONTROL = 3
    TEMPO = 4
    SYMMETRY = 5
    MUSCLE = 6


class Severity(IntEnum):
    """Severity of a fault. The numbers are those of ``Fault.msg``."""

    MILD = 1
    MODERATE = 2
    SEVERE = 3
    UNSAFE = 4


class SessionPhase(IntEnum):
    """What the session does. The numbers are those of ``SessionState.msg``."""

    IDLE = 0
    CALIBRATING = 1
    EXERCISING = 2
    RESTING = 3
    FINISHED = 4
    ABORTED = 5


@dataclass(frozen=True)
class FaultFinding:
    """One fault with its evidence; the core's counterpart of ``Fault.msg``.

    Attributes
    ----------
    id : str
        Key in the exercise file.
    kind : SubScoreKind
        The part of the score that it takes its points from.
    severity : Severity
    confidence : float
        Probability that the quantity is truly outside the allowed range, 0 to 1.
    body_part : str
        Name of the measure.
    unit : str
        "rad", "s", "fraction" or "1".
    measured : Estimate
        The worst value, in ``unit``.
    allowed_min, allowed_max : float
        In ``unit``; minus and plus infinity where there is no limit.
    start_ns, end_ns : int
        First and last instant outside the allowed range.
    points_lost : float
        Points of the total, 0 to 100; while the movement goes on: if it stayed so.
    """

    id: str
    kind: SubScoreKind
    severity: Severity
    confidence: float
    body_part: str
    unit: str
    measured: Estimate
    allowed_min: float
    allowed_max: float
    start_ns: int
    end_ns: int
    points_lost: float = 0.0


@dataclass(frozen=True)
class SubScore:
    """One part of a score; the core's counterpart of ``SubScore.msg``.

    Attributes
    ----------
    kind : SubScoreKind
    value : Estimate
        0 to 100.
    weight : float
        Share of the total that was used; 0 when the value is unknown.
    points_lost : float
        ``weight * (100 - value)``.
    """

    kind: SubScoreKind
    value: Estimate
    weight: float
    points_lost: float


@dataclass(frozen=True)
class LiveQuality:
    """How the exercise goes at one instant; the core's counterpart of ``QualityLive.msg``."""

    stamp_ns: int
    phase: Phase
    progress: Estimate
    repetitions: int
    faults: tuple[FaultFinding, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class RepetitionResult:
    """One finished repetition; the core's counterpart of ``Repetition.msg``.

    Attributes
    ----------
    index : int
        1 for the first repetition of the set, whatever its outcome.
    side : Side
        The side that worked; NONE if the exercise has none.
    start_ns, target_ns, end_ns : int
        Leaving the start position, furthest point, back at the start position.
    range_of_motion : Estimate
        In the unit of the exercise's primary measure.
    score : Estimate
        0 to 100; unknown for an aborted repetition.
    sub_scores : tuple of SubScore
        One of each kind that the exercise weighs.
    faults : tuple of FaultFinding
        Most points lost first. Their points add up to ``100 - score``.
    not_assessed : tuple of str
        Ids of the faults whose measure was unknown throughout.
    """

    index: int
    outcome: Outcome
    start_ns: int
    target_ns: int
    end_ns: int
    range_of_motion: Estimate
    score: Estimate
    grade: Grade
    sub_scores: tuple[SubScore, ...]
    faults: tuple[FaultFinding, ...]
    not_assessed: tuple[str, ...]
    side: Side = Side.NONE


@dataclass(frozen=True)
class SetLabels:
    """What set a result belongs to, as its messages say it."""

    session_id: str
    set_index: int
    person_id: str
    exercise: str
    side: Side


@dataclass(frozen=True)
class ClockReset:
    """The stamps jumped back: what was in progress was dropped, the count goes on."""

    stamp_ns: int
    back_by_s: float


@dataclass(frozen=True)
class Session:
    """State of a session; the core's counterpart of ``SessionState.msg``."""

    stamp_ns: int
    session_id: str
    person_id: str
    phase: SessionPhase
    exercise: str
    side: Side
    set_index: int
    repetitions_done: int
    repetitions_target: int
