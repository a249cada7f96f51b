"""Between the messages of quality and of cues, and the feedback core's dataclasses."""

from __future__ import annotations

import math
from functools import lru_cache

from lbp_rehab import msg
from lbp_rehab.feedback.gain import expected_points
from lbp_rehab.feedback.texts import GRADES
from lbp_rehab.feedback.types import Cue, FaultsNow, Output, Problem, RepetitionDone
from lbp_rehab.nodes import convert
from lbp_rehab.quality.exercise import Exercise, load_exercise


@lru_cache
def exercise_of(name: str) -> Exercise:
    """Return an exercise, read once; raises InputError if there is none of that name."""
    return load_exercise(name)


def value_of(estimate: msg.Estimate) -> float | None:
    """Return the value of an estimate if there is one.

    Not even an estimate that contradicts itself may keep a patient from being stopped, so that
    nothing is raised.
    """
    known = estimate.status != msg.Estimate.UNKNOWN and math.isfinite(estimate.value)
    return float(estimate.value) if known else None


def from_repetition(message: msg.Repetition, count: int) -> RepetitionDone:
    """Return a finished repetition; `count` are the complete ones with it."""
    exercise = exercise_of(message.exercise)
    return RepetitionDone(
        stamp_ns=convert.to_ns(message.end),
        index=message.index,
        complete=message.outcome == msg.Repetition.OUTCOME_COMPLETE,
        count=count,
        grade=GRADES[message.grade - 1] if message.grade else "",
        problems=tuple(_problem(fault, exercise, fault.points_lost) for fault in message.faults),
        not_assessed=tuple(message.not_assessed),
    )


def from_live(message: msg.QualityLive, repetition: int) -> FaultsNow:
    """Return the faults present, with the points that they are expected to cost."""
    exercise = exercise_of(message.exercise)
    return FaultsNow(
        stamp_ns=convert.to_ns(message.header.stamp),
        repetition=repetition,
        problems=tuple(
            _problem(fault, exercise, expected_points(exercise, fault.id, _excess(fault)))
            for fault in message.faults
        ),
    )


def to_cue(
    cue: Cue,
    of: msg.Repetition | msg.QualityLive | msg.SessionState,
    stamp_ns: int,
    *,
    language: str,
    output: Output,
    wav: str,
) -> msg.Cue:
    """Return the message of a cue that answers another message."""
    message = msg.Cue(
        person_id=of.person_id,
        session_id=of.session_id,
        set_index=of.set_index,
        text=cue.text,
        language=language,
        severity=int(cue.severity),
        answers=cue.answers,
        exercise=of.exercise,
        repetition=cue.repetition,
        event_stamp=convert.to_stamp(cue.event_stamp_ns),
        output=int(output),
        wav_path="" if output == Output.TEXT_ONLY else wav,
    )
    message.header.stamp = convert.to_stamp(stamp_ns)
    return message


def _problem(fault: msg.Fault, exercise: Exercise, points: float) -> Problem:
    start_ns = convert.to_ns(fault.start)
    cue = exercise.cues.get(fault.id, "")  # one that is not known can still be unsafe
    return Problem(fault.id, cue, fault.severity, points, start_ns)


def _excess(fault: msg.Fault) -> float:
    measured = value_of(fault.measured)
    if measured is None:
        return 0.0
    above = measured - fault.allowed_max if fault.has_max else 0.0
    below = fault.allowed_min - measured if fault.has_min else 0.0
    return max(above, below, 0.0)
