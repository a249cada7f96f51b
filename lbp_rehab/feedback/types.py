"""Cues as they travel between cores, and the enumerations of ``Cue.msg``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class CueSeverity(IntEnum):
    """Kind of a cue. The numbers are those of ``Cue.msg``."""

    PRAISE = 0
    INFO = 1
    CORRECTION = 2
    STOP = 3


class Output(IntEnum):
    """What became of a cue. The numbers are those of ``Cue.msg``."""

    TEXT_ONLY = 0
    SPOKEN = 1
    FILE = 2


@dataclass(frozen=True)
class Problem:
    """A fault as the choice of a cue needs it.

    Attributes
    ----------
    id, cue : str
        Fault and cue of the exercise file.
    severity : int
        1 mild, 2 moderate, 3 severe, 4 unsafe, as in ``Fault.msg``.
    points_lost : float
    """

    id: str
    cue: str
    severity: int
    points_lost: float = 0.0


@dataclass(frozen=True)
class RepetitionDone:
    """A finished repetition.

    Attributes
    ----------
    stamp_ns : int
        Its end.
    index : int
    complete : bool
    count : int
        Complete repetitions so far.
    grade : str
        Name of the grade in lower case; empty if there is none.
    problems : tuple of Problem
    """

    stamp_ns: int
    index: int
    complete: bool
    count: int
    grade: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class FaultsNow:
    """Faults that are present while the movement goes on."""

    stamp_ns: int
    repetition: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Cue:
    """One thing to say.

    Attributes
    ----------
    text : str
        At most eight words.
    answers : str
        Fault id, "repetition" or "grade".
    event_stamp_ns : int
        The event that it answers.
    """

    text: str
    severity: CueSeverity
    answers: str
    repetition: int
    event_stamp_ns: int
