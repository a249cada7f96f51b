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
        Points of the total that a correction would win back; expected ones while it is present.
    start_ns : int
        First instant outside the allowed range; 0 if that is not known.
    """

    id: str
    cue: str
    severity: int
    points_lost: float = 0.0
    start_ns: int = 0


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
    not_assessed : tuple of str
        Faults of which it is not known whether they were there.
    """

    stamp_ns: int
    index: int
    complete: bool
    count: int
    grade: str
    problems: tuple[Problem, ...]
    not_assessed: tuple[str, ...] = ()


@dataclass(frozen=True)
class FaultsNow:
    """Faults that are present while the movement goes on; none is an event too."""

    stamp_ns: int
    repetition: int
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """What comes next in the movement.

    Attributes
    ----------
    stamp_ns : int
        When it was due.
    kind : str
        "tempo" or "breathing".
    """

    stamp_ns: int
    repetition: int
    text: str
    kind: str


@dataclass(frozen=True)
class SetDone:
    """The end of a set; the grade is empty if there is none."""

    stamp_ns: int
    grade: str


@dataclass(frozen=True)
class Cue:
    """One thing to say.

    Attributes
    ----------
    text : str
        At most eight words.
    answers : str
        Fault id, "repetition", "grade", "set", "tempo" or "breathing".
    repetition : int
        Its index; 0 for a set.
    event_stamp_ns : int
        The event that it answers: the end of a repetition or set, the onset of a fault that is
        present (or the instant at which it got worse), the beginning of a phase.
    urgent : bool
        Whether it cuts off what is being said.
    """

    text: str
    severity: CueSeverity
    answers: str
    repetition: int
    event_stamp_ns: int
    urgent: bool = False
