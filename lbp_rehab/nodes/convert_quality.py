"""Between the quality core's dataclasses and its messages."""

from __future__ import annotations

import math

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.matching.follow import Similarity
from lbp_rehab.nodes.convert import from_estimate, to_estimate, to_ns, to_stamp
from lbp_rehab.quality.activation import MUSCLES, Activation
from lbp_rehab.quality.types import (
    FaultFinding,
    LiveQuality,
    RepetitionResult,
    Session,
    SetLabels,
    SubScore,
)
from lbp_rehab.stamps import NANOSECONDS

# Of an onset: docs/benchmarks/emg.md, mean absolute error 20 ms.
ONSET_SIGMA_S = 0.025
LONGEST_ON_S = 60.0  # a muscle that has always been on counts as on for so long
_SIDES = {msg.EmgChannel.SIDE_LEFT: "_l", msg.EmgChannel.SIDE_RIGHT: "_r"}


def from_activation(message: msg.EmgActivation) -> Activation:
    """Return what scoring needs of a message; InputError if it contradicts itself."""
    stamp_ns = to_ns(message.header.stamp)
    try:
        rows = {
            f"{MUSCLES[m.channel.muscle - 1]}{_SIDES.get(m.channel.side, '')}": m
            for m in message.muscles
            if 1 <= m.channel.muscle <= len(MUSCLES)
        }
        return Activation(
            stamp_ns,
            {name: from_estimate(m.activation) for name, m in rows.items()},
            from_estimate(message.co_contraction),
            from_estimate(message.asymmetry),
            from_estimate(message.local_share),
            {name: _on_s(m, stamp_ns) for name, m in rows.items()},
            {name: from_estimate(m.fatigue_slope) for name, m in rows.items()},
        )
    except ValueError as error:
        raise InputError(f"an EmgActivation holds a value that is not valid: {error}") from error


def _on_s(muscle: msg.MuscleActivation, stamp_ns: int) -> Estimate:
    """Return for how long a channel has been on; ``active`` means nothing if it is unknown."""
    envelope, activation = from_estimate(muscle.envelope), from_estimate(muscle.activation)
    if not (envelope.known or activation.known):
        return envelope
    on_ns = stamp_ns - to_ns(muscle.since) if muscle.active else 0
    return Estimate(min(max(on_ns, 0) / NANOSECONDS, LONGEST_ON_S), ONSET_SIGMA_S)


def to_fault(fault: FaultFinding) -> msg.Fault:
    """Return the message of a fault."""
    return msg.Fault(
        id=fault.id,
        severity=int(fault.severity),
        confidence=float(fault.confidence),
        body_part=fault.body_part,
        unit=fault.unit,
        measured=to_estimate(fault.measured),
        has_min=math.isfinite(fault.allowed_min),
        has_max=math.isfinite(fault.allowed_max),
        allowed_min=_finite_or_zero(fault.allowed_min),
        allowed_max=_finite_or_zero(fault.allowed_max),
        start=to_stamp(fault.start_ns),
        end=to_stamp(fault.end_ns),
        points_lost=float(fault.points_lost),
    )


def _finite_or_zero(limit: float) -> float:
    return float(limit) if math.isfinite(limit) else 0.0


def to_live(live: LiveQuality, of: SetLabels) -> msg.QualityLive:
    """Return the message of a moment."""
    message = msg.QualityLive(
        person_id=of.person_id,
        session_id=of.session_id,
        set_index=of.set_index,
        exercise=of.exercise,
        side=int(of.side),
        phase=int(live.phase),
        progress=to_estimate(live.progress),
        repetitions=live.repetitions,
        faults=[to_fault(f) for f in live.faults],
        missing=list(live.missing),
    )
    message.header.stamp = to_stamp(live.stamp_ns)
    return message


def to_sub_score(part: SubScore) -> msg.SubScore:
    """Return the message of a part of a score."""
    return msg.SubScore(
        kind=int(part.kind),
        value=to_estimate(part.value),
        weight=float(part.weight),
        points_lost=float(part.points_lost),
    )


def to_repetition(
    result: RepetitionResult, of: SetLabels, similarity: Similarity | None = None
) -> msg.Repetition:
    """Return the message of a repetition, and of what it was compared with."""
    like = similarity or Similarity.unknown(Reason.MISSING_INPUT)
    message = msg.Repetition(
        person_id=of.person_id,
        session_id=of.session_id,
        set_index=of.set_index,
        exercise=of.exercise,
        index=result.index,
        side=int(result.side or of.side),
        outcome=int(result.outcome),
        start=to_stamp(result.start_ns),
        target=to_stamp(result.target_ns),
        end=to_stamp(result.end_ns),
        range_of_motion=to_estimate(result.range_of_motion),
        score=to_estimate(result.score),
        grade=int(result.grade),
        sub_scores=[to_sub_score(s) for s in result.sub_scores],
        faults=[to_fault(f) for f in result.faults],
        not_assessed=list(result.not_assessed),
        own_best_similarity=to_estimate(like.own_best),
        demonstration_similarity=to_estimate(like.demonstration),
        similarity_left_out=list(like.left_out),
    )
    message.header.stamp = to_stamp(result.end_ns)
    return message


def to_session(session: Session) -> msg.SessionState:
    """Return the message of the session's state."""
    message = msg.SessionState(
        session_id=session.session_id,
        person_id=session.person_id,
        state=int(session.phase),
        exercise=session.exercise,
        side=int(session.side),
        set_index=session.set_index,
        repetitions_done=session.repetitions_done,
        repetitions_target=session.repetitions_target,
    )
    message.header.stamp = to_stamp(session.stamp_ns)
    return message
