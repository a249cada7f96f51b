"""Between the recognition core's dataclasses and its message."""

from __future__ import annotations

from lbp_rehab import msg
from lbp_rehab.nodes.convert import to_stamp
from lbp_rehab.recognition.recogniser import Answer, Recognition

_STATES = {
    Answer.UNDECIDED: msg.Recognition.STATE_UNDECIDED,
    Answer.EXERCISE: msg.Recognition.STATE_EXERCISE,
    Answer.NONE_OF_THESE: msg.Recognition.STATE_NONE,
}


def to_recognition(said: Recognition, person_id: str) -> msg.Recognition:
    """Return the message of what is known of the exercise."""
    message = msg.Recognition(
        person_id=person_id,
        track_id=said.track_id,
        state=_STATES[said.answer],
        exercise=said.exercise or "",
        probability=said.probability,
        runner_up=said.runner_up or "",
        runner_up_probability=said.runner_up_probability,
        since=to_stamp(said.since_ns),
        resting=said.resting,
        reason=int(said.reason),
    )
    message.header.stamp = to_stamp(said.stamp_ns)
    return message
