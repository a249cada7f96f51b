"""Says which exercise the patient does: pose and pelvis in, recognition out."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from lbp_rehab import msg
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert_recognition import to_recognition
from lbp_rehab.nodes.convert_wire import read_body_pose, read_pelvis_state
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.recognition.pairing import Pair, PelvisPairing
from lbp_rehab.recognition.recogniser import Answer, Recogniser, Recognition, Settings
from lbp_rehab.stamps import NANOSECONDS

_DEFAULTS = Settings()
REPEAT_NS = NANOSECONDS  # what has not changed is said again after this long


class ExerciseRecogniser(LbpNode):
    """See the parameter table and `lbp_rehab.recognition.recogniser`."""

    NAME = "exercise_recogniser"
    PARAMETERS = (
        Parameter("period_s", _DEFAULTS.period_s, "time between two looks [s]", 0.05, 2.0),
        Parameter(
            "fade_s", _DEFAULTS.fade_s,
            "time of movement in which older evidence fades to 37 % [s]", 0.1, 60.0,
        ),
        Parameter(
            "stay_s", _DEFAULTS.stay_s,
            "the same of the slower evidence that leaving an exercise needs too [s]", 0.1, 60.0,
        ),
        Parameter(
            "decide", _DEFAULTS.decide, "an exercise is said from this probability", 0.5, 0.999
        ),
        Parameter(
            "reject", _DEFAULTS.reject, "none of these is said from this probability", 0.5, 0.999
        ),
        Parameter(
            "strict", _DEFAULTS.strict, "reject movement that the exercises' own are never like"
        ),
        Parameter(
            "least_movement_s", _DEFAULTS.least_movement_s,
            "movement to be seen before an exercise is said [s]", 0.0, 10.0,
        ),
        Parameter(
            "reject_after_s", _DEFAULTS.reject_after_s,
            "movement to be seen before none of these is said [s]", 0.0, 10.0,
        ),
        Parameter(
            "forget_s", _DEFAULTS.forget_s, "rest that ends a decision [s]", 1.0, 3600.0
        ),
        Parameter("pelvis_wait_s", 0.1, "a pose waits this long for its pelvis [s]", 0.0, 1.0),
    )  # fmt: skip

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        chosen = {f.name: self.settings[f.name] for f in fields(Settings)}
        self._recogniser = Recogniser(Settings(**chosen))
        self._pairing = PelvisPairing(self.settings["pelvis_wait_s"])
        self._published: Recognition | None = None
        self._now: Recognition | None = None
        self._poses = self._without_pelvis = 0
        self._publish = self.advertise(msg.Recognition, "exercise/recognition", qos.RESULT)
        self.subscribe(msg.BodyPose, "body/pose", self._on_pose, qos.RESULT, raw=True)
        self.subscribe(msg.PelvisState, "pelvis/state", self._on_pelvis, qos.RESULT, raw=True)

    def _on_pose(self, data: bytes) -> None:
        self._use(self._pairing.add_pose(read_body_pose(data)))

    def _on_pelvis(self, data: bytes) -> None:
        self._use(self._pairing.add_pelvis(read_pelvis_state(data)))

    def _use(self, pairs: list[Pair]) -> None:
        for pose, pelvis in pairs:
            self._poses += 1
            self._without_pelvis += pelvis is None
            self._now = self._recogniser.update(pose, pelvis)
            if self._published is None or _is_news(self._published, self._now):
                self._published = self._now
                self._publish(to_recognition(self._now, pose.person_id))

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say what is recognised, and whether the pelvis arrives."""
        now = self._now
        if now is None:
            return DiagnosticStatus.WARN, "waiting for body/pose", {}
        values = {
            "answer": now.answer.name,
            "exercise": now.exercise or "",
            "probability": f"{now.probability:.2f}",
            "resting": str(now.resting).lower(),
            "poses_without_pelvis": str(self._without_pelvis),
        }
        if self._without_pelvis == self._poses:
            sentence = "no pelvis/state fits a pose: breathing and pelvic tilt look like rest"
            return DiagnosticStatus.WARN, sentence, values
        if now.answer == Answer.UNDECIDED:
            return DiagnosticStatus.OK, f"undecided: {now.reason.name}", values
        return DiagnosticStatus.OK, f"recognised: {now.exercise or 'none of these'}", values


def _is_news(said: Recognition, now: Recognition) -> bool:
    """Whether something else is known than was said, or it was said long ago."""
    same = all(
        getattr(said, name) == getattr(now, name)
        for name in ("answer", "exercise", "since_ns", "track_id", "resting", "reason")
    )
    return not same or not 0 <= now.stamp_ns - said.stamp_ns < REPEAT_NS


def main() -> int:
    """Run the node."""
    return run(ExerciseRecogniser)


if __name__ == "__main__":
    sys.exit(main())
