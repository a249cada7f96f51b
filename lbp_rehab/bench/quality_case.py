"""One set through the whole pipeline: pose, pelvis, breath, scorer and the choice of cues."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lbp_rehab.bench import matching, recognition
from lbp_rehab.bench.cases import SetCase
from lbp_rehab.bench.quality_faults import Repetition, SaidCue, SetRecord
from lbp_rehab.bench.quality_truth import TrueCourse
from lbp_rehab.bench.records import CaseInfo
from lbp_rehab.bench.run_case import NeutralAtRest
from lbp_rehab.breath.estimator import BreathEstimator
from lbp_rehab.breath.types import Breath
from lbp_rehab.feedback.cues import CuePolicy
from lbp_rehab.feedback.set_tally import SetTally
from lbp_rehab.feedback.texts import grade_name, load_texts
from lbp_rehab.feedback.types import FaultsNow, Problem, RepetitionDone
from lbp_rehab.pelvis.estimator import PelvisEstimator
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.estimator import PoseEstimator
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.exercise import Exercise, known_exercises, load_exercise
from lbp_rehab.quality.scorer import Event, Scorer, ScorerSettings
from lbp_rehab.quality.sets import ExerciseSet
from lbp_rehab.quality.types import FaultFinding, LiveQuality, Outcome, RepetitionResult
from lbp_rehab.stamps import NANOSECONDS

LANGUAGE = "en"


def run_any(case: SetCase) -> SetRecord | recognition.RecognitionRecord:
    """Run a set of an exercise, or one of another motion, which is only to be recognised."""
    return run_set(case) if case.exercise in known_exercises() else recognition.run(case)


def run_set(case: SetCase) -> SetRecord:
    """Run a set as the nodes do; a cue is given when the computing of its frame is over.

    Recognition and matching hear the same estimates; they take no part in the cues.
    """
    judged = Judged(case, load_exercise(case.exercise))
    recognised, matched = recognition.Watch(case), matching.Watch(case)
    for now, took_ns in follow(case):
        judged.add(now.pose, now.pelvis, now.breath, took_ns)
        judged.add_truth(now.true_pose, now.true_pelvis, now.breath_m)
        recognised.add(now.pose, now.pelvis)
        matched.add(now.pose, now.pelvis)
    return replace(
        judged.record(), recognised=recognised.record(), compared=tuple(matched.record())
    )


@dataclass(frozen=True)
class Instant:
    """An image as it was estimated, and its truth.

    Attributes
    ----------
    breath_m : tuple of float
        True rise of belly and chest.
    """

    pose: BodyPose
    pelvis: PelvisState
    breath: Breath
    true_pose: BodyPose
    true_pelvis: PelvisState
    breath_m: tuple[float, float]


def follow(case: SetCase) -> Iterator[tuple[Instant, int]]:
    """Run fresh estimators over a set; yield what each image gave, and the ns that it took."""
    pose_of, pelvis_of, breath_of = PoseEstimator(), PelvisEstimator(), BreathEstimator()
    calibration = NeutralAtRest(pelvis_of)
    for item in case:
        begin = time.perf_counter()
        frame = item.frame
        pose = pose_of.update(frame)
        pelvis, sample = pelvis_of.update(pose, frame.depth, frame.intrinsics)
        breath = breath_of.update(pose, frame.depth, frame.intrinsics)
        took_ns = round((time.perf_counter() - begin) * NANOSECONDS)
        calibration.add(sample, pose.stamp_ns, bool(item.neutral))
        breath_m = getattr(item, "breath_m", (0.0, 0.0))
        yield Instant(pose, pelvis, breath, item.pose, item.pelvis, breath_m), took_ns


class Judged:
    """Scores a set frame after frame and listens for its cues, beside the truth.

    Parameters
    ----------
    case : SetCase
    exercise : Exercise
        By which it is judged.
    settings : ScorerSettings, optional
    """

    def __init__(
        self, case: SetCase, exercise: Exercise, settings: ScorerSettings | None = None
    ) -> None:
        self._case, self._exercise = case, exercise
        self._running = ExerciseSet(Scorer(exercise, settings), exercise.side)
        self._course, self._listener = TrueCourse(exercise), Listener(exercise)
        self._frames = 0

    def add(self, pose: BodyPose, pelvis: PelvisState, breath: Breath, took_ns: int = 0) -> None:
        """Take what was estimated of a frame, so long after its stamp."""
        begin = time.perf_counter()
        events = self._running.update(pose.stamp_ns, pose=pose, pelvis=pelvis, breath=breath)
        took_ns += round((time.perf_counter() - begin) * NANOSECONDS)
        self._listener.hear(pose.stamp_ns + took_ns, events)
        self._frames += 1

    def add_truth(self, pose: BodyPose, pelvis: PelvisState, breath_m: tuple[float, float]) -> None:
        """Take the truth of a frame."""
        self._course.add(pose, pelvis, breath_m)

    def record(self) -> SetRecord:
        """End the set."""
        self._running.finish()
        true = []
        for made in self._case.repetitions:
            start_ns, end_ns = self._course.boundaries(made)
            true.append(
                Repetition(
                    start_ns, end_ns, bool(made.counts),
                    {f.name: float(f.severity) for f in made.faults if f.severity > 0},
                    bool(getattr(made, "borderline", False)),
                    dict(getattr(made, "onsets_ns", {})),
                )
            )  # fmt: skip
        return SetRecord(
            CaseInfo.of(self._case), self._frames, tuple(true), tuple(self._running.results),
            frozenset(self._exercise.cues), tuple(self._listener.said),
            str(getattr(self._case, "twin", "")),
        )  # fmt: skip


class Listener:
    """Turns what the scorer says into cues, as feedback_speaker does.

    Parameters
    ----------
    exercise : Exercise

    Attributes
    ----------
    said : list of SaidCue
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._policy = CuePolicy(load_texts(LANGUAGE), LANGUAGE)
        self._tally = SetTally()
        self.said: list[SaidCue] = []

    def hear(self, now_ns: int, events: list[Event]) -> None:
        """Take the events of an instant; a cue that follows is published at ``now_ns``."""
        for event in events:
            cue = None
            if isinstance(event, LiveQuality):
                problems = self._problems(event.faults)
                cue = self._policy.on_faults(
                    now_ns, FaultsNow(event.stamp_ns, self._tally.index + 1, problems)
                )
            elif isinstance(event, RepetitionResult):
                cue = self._policy.on_repetition(now_ns, self._done(event))
            if cue is not None:
                self.said.append(SaidCue(now_ns, cue.answers, isinstance(event, LiveQuality)))

    def _done(self, result: RepetitionResult) -> RepetitionDone:
        complete = result.outcome == Outcome.COMPLETE
        self._tally.add(result.index, complete, result.score.value if result.score.known else None)
        return RepetitionDone(
            stamp_ns=result.end_ns,
            index=result.index,
            complete=complete,
            count=self._tally.count,
            grade=grade_name(result.grade),
            problems=self._problems(result.faults),
            not_assessed=result.not_assessed,
        )

    def _problems(self, faults: tuple[FaultFinding, ...]) -> tuple[Problem, ...]:
        return tuple(
            Problem(f.id, self._exercise.cues[f.id], int(f.severity), f.points_lost, f.start_ns)
            for f in faults
        )
