"""Scores an exercise: pose, pelvis, breath and muscles in, live quality and repetitions out."""

from __future__ import annotations

import math
import secrets
import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from lbp_rehab import msg
from lbp_rehab.action import RunExerciseSet
from lbp_rehab.errors import InputError
from lbp_rehab.matching.follow import Follower, read_demonstrations
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert_quality import from_activation, to_live, to_repetition, to_session
from lbp_rehab.nodes.convert_wire import read_body_pose, read_breath, read_pelvis_state
from lbp_rehab.nodes.exercise_action import ExerciseAction
from lbp_rehab.nodes.parameters import EXERCISE_FOLDER, Parameter, exercise_folder
from lbp_rehab.quality.exercise import known_exercises, shared_exercise
from lbp_rehab.quality.scorer import ClockReset, Scorer, ScorerSettings
from lbp_rehab.quality.sets import ExerciseSet
from lbp_rehab.quality.types import (
    LiveQuality,
    RepetitionResult,
    Session,
    SessionPhase,
    SetLabels,
    Side,
)

SIDES = ("none", "left", "right")


class QualityScorer(LbpNode):
    """Counts and scores the repetitions of one exercise set at a time."""

    NAME = "quality_scorer"
    PARAMETERS = (
        Parameter(
            "exercise", "", "exercise to run at once, name or path; empty: wait for the action"
        ),
        EXERCISE_FOLDER,
        Parameter(
            "side", "none", "side that works; none: as the exercise file says", choices=SIDES
        ),
        Parameter("repetitions", 0, "of the exercise run at once; 0: open end", 0, 1000),
        Parameter("person_id", "", "pseudonymous id of the patient, never a name"),
        Parameter("session_id", "", "id of the session; empty: a random one"),
        Parameter("missing_after_s", 1.0, "[s] an input silent for longer is missing", 0.1, 10.0),
        Parameter("wait_s", 0.3, "[s] a repetition waits this long for late inputs", 0.0, 2.0),
        Parameter("min_confidence", 0.95, "a less sure fault is not reported", 0.5, 1.0),
        Parameter(
            "grade_thresholds",
            [60.0, 75.0, 85.0, 95.0],
            "scores from which: qualified, good, excellent, super excellent",
            0.0,
            100.0,
        ),
        Parameter(
            "demonstrations", "", "file that repetitions are compared with; empty: ours; none: off"
        ),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        thresholds = self.settings["grade_thresholds"]
        if len(thresholds) != 4 or thresholds != sorted(set(thresholds)):
            raise InputError("parameter 'grade_thresholds' must be four rising numbers")
        self._folder = exercise_folder(self.settings)
        known_exercises(self._folder)  # a wrong folder is told at once
        self._follower = Follower(read_demonstrations(self.settings["demonstrations"]))
        self._session_id = self.settings["session_id"] or secrets.token_hex(4)
        self._set: ExerciseSet | None = None
        self._sets = self._resets = 0
        self._stamp_ns = 0
        self._told = False
        self._publish_live = self.advertise(msg.QualityLive, "quality/live", qos.RESULT)
        self._publish_repetition = self.advertise(msg.Repetition, "quality/repetition", qos.RESULT)
        self._publish_session = self.advertise(msg.SessionState, "session/state", qos.LATCHED)
        if self.settings["exercise"]:
            side = Side[self.settings["side"].upper()]
            self._begin(self.settings["exercise"], side, self.settings["repetitions"], 0.0)
        self.subscribe(msg.BodyPose, "body/pose", self._on_pose, qos.RESULT, raw=True)
        self.subscribe(msg.PelvisState, "pelvis/state", self._on_pelvis, qos.RESULT, raw=True)
        self.subscribe(msg.Breath, "body/breath", self._on_breath, qos.RESULT, raw=True)
        self.subscribe(msg.EmgActivation, "emg/activation", self._on_activation, qos.RESULT)
        self._action = ExerciseAction(self, self._begin_goal, self._end)

    def _on_pose(self, data: bytes) -> None:
        pose = read_body_pose(data)
        self._update(pose.stamp_ns, pose=pose)

    def _on_pelvis(self, data: bytes) -> None:
        pelvis = read_pelvis_state(data)
        self._update(pelvis.stamp_ns, pelvis=pelvis)

    def _on_breath(self, data: bytes) -> None:
        breath = read_breath(data)
        self._update(breath.stamp_ns, breath=breath)

    def _on_activation(self, message: msg.EmgActivation) -> None:
        self._update(convert.to_ns(message.header.stamp), activation=from_activation(message))

    def _update(self, stamp_ns: int, **inputs: Any) -> None:
        self._stamp_ns = stamp_ns
        if self._set is None:
            return
        if not self._told:
            self._told = True
            self._say(SessionPhase.EXERCISING, stamp_ns)
        for event in self._set.update(stamp_ns, **inputs):
            self._tell(event)
        if self._set is not None and self._set.ended:
            self._end(self._set.ended)

    def _tell(self, event: LiveQuality | RepetitionResult | ClockReset) -> None:
        assert self._set is not None
        if isinstance(event, ClockReset):
            self._resets += 1
            self.get_logger().warning(f"the stamps jumped back by {event.back_by_s:.1f} s")
        elif isinstance(event, LiveQuality):
            live = to_live(event, self._labels(self._set))
            self._publish_live(live)
            self._action.feedback(live)
        else:
            like = self._set.similarities.get(event.index)
            self._publish_repetition(to_repetition(event, self._labels(self._set), like))
            self._say(SessionPhase.EXERCISING, event.end_ns)

    # One set

    def _begin(self, name: str, side: Side, target: int, timeout_s: float) -> None:
        exercise = shared_exercise(name, self._folder)
        settings = ScorerSettings(
            grade_thresholds=self.settings["grade_thresholds"],
            min_confidence=self.settings["min_confidence"],
            missing_after_s=self.settings["missing_after_s"],
            wait_s=self.settings["wait_s"],
        )
        self._sets += 1
        self._set = ExerciseSet(
            Scorer(exercise, settings, side),
            side or exercise.side,
            target,
            timeout_s,
            self._follower,
        )
        self._told = self._stamp_ns > 0  # else with the first stamp: no clock is read
        if self._told:
            self._say(SessionPhase.EXERCISING, self._stamp_ns)

    def _end(self, why: str) -> None:
        finished, stamp_ns = self._set, self._stamp_ns
        if finished is None:
            return
        for event in finished.finish():
            self._tell(event)
        self._say(SessionPhase.FINISHED if finished.done else SessionPhase.ABORTED, stamp_ns)
        self._set = None
        self._action.ended(self._result(finished, why))

    def _labels(self, of: ExerciseSet) -> SetLabels:
        return SetLabels(
            self._session_id, self._sets, self.settings["person_id"], of.exercise.name, of.side
        )

    def _say(self, phase: SessionPhase, stamp_ns: int) -> None:
        if (now := self._set) is not None:
            person, done = self.settings["person_id"], now.scorer.repetitions
            session = Session(
                stamp_ns, self._session_id, person, phase, now.exercise.name, now.side,
                self._sets, done, now.target,
            )  # fmt: skip
            self._publish_session(to_session(session))

    def _begin_goal(self, goal: RunExerciseSet.Goal) -> None:
        if self._action.held():
            raise InputError("the set of another goal is running; cancel it first")
        if goal.side not in set(Side):
            raise InputError(f"side is {goal.side}; it must be a SIDE_ constant")
        if not (math.isfinite(goal.timeout_s) and goal.timeout_s >= 0):
            raise InputError(f"timeout_s is {goal.timeout_s}; it must be 0 or more, and finite")
        # A goal that is refused must not end what is running.
        shared_exercise(goal.exercise, self._folder)
        self._end("a goal takes its place")
        self._begin(goal.exercise, Side(goal.side), goal.repetitions, goal.timeout_s)

    def _result(self, finished: ExerciseSet, why: str) -> RunExerciseSet.Result:
        labels = self._labels(finished)
        score, grade = finished.mean_score(self.settings["grade_thresholds"])
        return RunExerciseSet.Result(
            success=finished.done,
            message=why,
            session_id=labels.session_id,
            set_index=labels.set_index,
            repetitions=[
                to_repetition(r, labels, finished.similarities.get(r.index))
                for r in finished.results
            ],
            score=convert.to_estimate(score),
            grade=int(grade),
        )

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Report the exercise and what does not arrive."""
        if self._set is None:
            return DiagnosticStatus.OK, "waiting for an exercise", {}
        missing = self._set.scorer.missing(self._stamp_ns)
        values = {
            "exercise": self._set.exercise.name,
            "repetitions": str(self._set.scorer.repetitions),
            "clock_resets": str(self._resets),
            "not_assessed": ", ".join(self._set.not_assessed),
            "not_compared": self._follower.lacking,
        }
        if missing:
            return DiagnosticStatus.WARN, f"nothing arrives on {', '.join(missing)}", values
        return DiagnosticStatus.OK, f"scoring {self._set.exercise.name}", values

    def close(self) -> None:
        """End the set and the action server."""
        self._end("the node stops")
        self._action.close()


def main() -> int:
    """Run the node."""
    return run(QualityScorer)


if __name__ == "__main__":
    sys.exit(main())
