"""Between the messages of quality and of cues, and the feedback core's dataclasses."""

from __future__ import annotations

import math
from pathlib import Path

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.feedback.texts import grade_name
from lbp_rehab.feedback.types import Cue, FaultsNow, Output, Problem, RepetitionDone
from lbp_rehab.nodes import convert
from lbp_rehab.quality.exercise import Exercise, load_exercise


def exercise_of(name: str, folder: Path | None) -> tuple[Exercise | None, str]:
    """Return the exercise of a set, or why there is none: the set can do without its file."""
    try:
        return load_exercise(name, folder), ""
    except InputError as error:
        return None, f"no corrections, only counts, grades and stops: {error}"


def value_of(estimate: msg.Estimate) -> float | None:
    """Return the value of an estimate if there is one.

    Not even an estimate that contradicts itself may keep a patient from being stopped, so that
    nothing is raised.
    """
    known = estimate.status != msg.Estimate.UNKNOWN and math.isfinite(estimate.value)
    return float(estimate.value) if known else None


def from_repetition(
    message: msg.Repetition, exercise: Exercise | None, count: int
) -> RepetitionDone:
    """Return a finished repetition; `count` are the complete ones with it."""
    return RepetitionDone(
        stamp_ns=convert.to_ns(message.end),
        index=message.index,
        complete=message.outcome == msg.Repetition.OUTCOME_COMPLETE,
        count=count,
        grade=grade_name(message.grade),
        problems=tuple(_problem(fault, exercise) for fault in message.faults),
        not_assessed=tuple(message.not_assessed),
    )


def from_live(message: msg.QualityLive, exercise: Exercise | None, repetition: int) -> FaultsNow:
    """Return the faults that are present."""
    return FaultsNow(
        stamp_ns=convert.to_ns(message.header.stamp),
        repetition=repetition,
        problems=tuple(_problem(fault, exercise) for fault in message.faults),
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


def _problem(fault: msg.Fault, exercise: Exercise | None) -> Problem:
    start_ns = convert.to_ns(fault.start)
    # One that is not known can still be unsafe.
    cue = exercise.cues.get(fault.id, "") if exercise else ""
    return Problem(fault.id, cue, fault.severity, fault.points_lost, start_ns)
