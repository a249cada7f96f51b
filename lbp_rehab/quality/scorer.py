"""Scores an exercise while it is done: poses, pelvis and activation in, events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality import measures
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.exercise import Exercise
from lbp_rehab.quality.faults import LiveFault
from lbp_rehab.quality.movement import find_moments
from lbp_rehab.quality.repetitions import MOVING, Segment, Segmenter, SegmenterSettings
from lbp_rehab.quality.scoring import DEFAULT_THRESHOLDS, Scored, score
from lbp_rehab.quality.signals import NANOSECONDS
from lbp_rehab.quality.track import Track
from lbp_rehab.quality.types import (
    ClockReset,
    FaultFinding,
    Grade,
    LiveQuality,
    Outcome,
    Phase,
    RepetitionResult,
)

Event = LiveQuality | RepetitionResult | ClockReset
LATE_NS = NANOSECONDS // 2  # an older stamp than this is a clock that jumped back, not a late one


@dataclass(frozen=True)
class ScorerSettings:
    """What is not the exercise's own.

    Attributes
    ----------
    grade_thresholds : sequence of float
        Four rising scores.
    min_confidence : float
        A fault that is less sure is not reported.
    missing_after_s : float
        An input that has been silent for longer is missing.
    wait_s : float
        A finished repetition waits this long, by the stamps, for the other inputs to catch up.
    segmenter : SegmenterSettings
    """

    grade_thresholds: Sequence[float] = DEFAULT_THRESHOLDS
    min_confidence: float = 0.95
    missing_after_s: float = 1.0
    wait_s: float = 0.3
    segmenter: SegmenterSettings = field(default_factory=SegmenterSettings)


class Scorer:
    """Counts and scores the repetitions of one set.

    Each input is stored by its own stamp; nothing waits for anything but a finished repetition.

    Parameters
    ----------
    exercise : Exercise
    settings : ScorerSettings
    """

    def __init__(self, exercise: Exercise, settings: ScorerSettings | None = None) -> None:
        self.exercise = exercise
        self.settings = settings or ScorerSettings()
        self.repetitions = 0
        self._index = 0
        used = exercise.used_measures()
        self._of_source = {
            source: sorted(m for m in used if measures.source(m) == source)
            for source in (measures.POSE, measures.PELVIS, measures.EMG)
        }
        self._primary_source = measures.source(exercise.primary)
        self._reset()

    def _reset(self) -> None:
        self._tracks = {m: Track() for m in self.exercise.used_measures()}
        self._segmenter = Segmenter(
            self.exercise.start,
            self.exercise.target_near,
            self.exercise.counts_from,
            self.settings.segmenter,
        )
        self._live = {rule.id: LiveFault(rule) for rule in self.exercise.faults}
        self._present: dict[str, FaultFinding] = {}
        self._latest: dict[str, int] = {}
        self._first_ns: int | None = None
        self._pending: list[Segment] = []

    @property
    def phase(self) -> Phase:
        """The present phase of the movement."""
        return self._segmenter.phase

    def update(
        self,
        pose: BodyPose | None = None,
        pelvis: PelvisState | None = None,
        activation: Activation | None = None,
    ) -> list[Event]:
        """Take one or more inputs and return what follows from them, in the order of time."""
        events: list[Event] = []
        if activation is not None:
            values = {
                m: measures.from_activation(m, activation) for m in self._of_source[measures.EMG]
            }
            events += self._take(measures.EMG, activation.stamp_ns, values)
        if pelvis is not None:
            values = {m: measures.from_pelvis(m, pelvis) for m in self._of_source[measures.PELVIS]}
            events += self._take(measures.PELVIS, pelvis.stamp_ns, values)
        if pose is not None:
            values = {m: measures.from_pose(m, pose) for m in self._of_source[measures.POSE]}
            events += self._take(measures.POSE, pose.stamp_ns, values)
        return events

    def finish(self) -> list[Event]:
        """End the set: score what waits, and report a repetition under way as aborted."""
        waiting = self._pending + self._segmenter.stop()
        self._pending = []
        events: list[Event] = [self._result(segment) for segment in waiting]
        return events

    def missing(self, stamp_ns: int) -> tuple[str, ...]:
        """Return the topics that the exercise uses and that do not arrive."""
        limit_ns = round(self.settings.missing_after_s * NANOSECONDS)
        return tuple(
            source
            for source, names in self._of_source.items()
            if names and stamp_ns - self._latest.get(source, -(10**18)) > limit_ns
        )

    def _take(self, source: str, stamp_ns: int, values: dict[str, Estimate]) -> list[Event]:
        events: list[Event] = []
        last_ns = self._latest.get(source)
        if last_ns is not None and stamp_ns <= last_ns:
            if last_ns - stamp_ns <= LATE_NS:
                return []
            self._reset()
            events.append(ClockReset(stamp_ns, (last_ns - stamp_ns) / NANOSECONDS))
        self._latest[source] = stamp_ns
        for name, value in values.items():
            self._tracks[name].add(stamp_ns, value)
        self._watch(stamp_ns, values)
        if source == self._primary_source:
            primary = values[self.exercise.primary]
            self._pending += self._segmenter.step(stamp_ns, primary)
            if self.phase == Phase.REST:
                for fault in self._live.values():
                    fault.rest()
        else:
            self._check_silence(stamp_ns)
        events += self._score_ready(stamp_ns)
        if source == self._primary_source:
            events.append(self._live_quality(stamp_ns))
        return events

    def _check_silence(self, stamp_ns: int) -> None:
        """Let the other inputs' stamps tell that the primary one has stopped."""
        last_ns = self._latest.get(self._primary_source)
        lost_ns = round(self.settings.segmenter.lost_s * NANOSECONDS)
        if last_ns is not None and stamp_ns - last_ns > lost_ns:
            self._pending += self._segmenter.step(stamp_ns, Estimate.unknown(Reason.MISSING_INPUT))

    def _watch(self, stamp_ns: int, values: dict[str, Estimate]) -> None:
        for fault in self._live.values():
            rule = fault.rule
            if rule.measure not in values:
                continue
            found = fault.update(
                stamp_ns,
                values[rule.measure],
                self.phase in rule.phases,
                self.settings.min_confidence,
            )
            self._present.pop(rule.id, None)
            if found is not None:
                self._present[rule.id] = found

    def _live_quality(self, stamp_ns: int) -> LiveQuality:
        missing = self.missing(stamp_ns)
        moving = self.phase in MOVING
        faults = tuple(
            f
            for f in self._present.values()
            if moving and measures.source(f.body_part) not in missing
        )
        return LiveQuality(
            stamp_ns, self.phase, self._segmenter.progress, self.repetitions, faults, missing
        )

    def _score_ready(self, stamp_ns: int) -> list[Event]:
        """Score the finished repetitions for which every living input has caught up."""
        events: list[Event] = []
        missing = self.missing(stamp_ns)
        wait_ns = round(self.settings.wait_s * NANOSECONDS)
        while self._pending:
            end_ns = self._pending[0].end_ns
            behind = any(
                self._latest.get(s, 0) < end_ns
                for s, names in self._of_source.items()
                if names and s not in missing
            )
            if behind and stamp_ns - end_ns < wait_ns:
                break
            events.append(self._result(self._pending.pop(0)))
        return events

    def _result(self, segment: Segment) -> RepetitionResult:
        exercise = self.exercise
        self._index += 1
        moments = None
        if segment.outcome != Outcome.ABORTED:
            moments = find_moments(self._tracks[exercise.primary], segment, exercise.direction)
        if moments is None:
            unknown = Estimate.unknown(Reason.TOO_EARLY)
            return RepetitionResult(
                self._index, Outcome.ABORTED, segment.left_ns, segment.end_ns, segment.end_ns,
                unknown, unknown, Grade.UNKNOWN, (), (), (),
            )  # fmt: skip
        rest = moments.peak.value - exercise.direction * moments.excursion.value
        progress = moments.excursion.value / abs(exercise.target_near - rest)
        reached = progress >= self.settings.segmenter.reached
        self.repetitions += reached
        scored: Scored = score(
            exercise,
            moments,
            self._tracks,
            segment.earliest_ns,
            thresholds=self.settings.grade_thresholds,
            min_confidence=self.settings.min_confidence,
        )
        return RepetitionResult(
            index=self._index,
            outcome=Outcome.COMPLETE if reached else Outcome.PARTIAL,
            start_ns=moments.start_ns,
            target_ns=moments.target_ns,
            end_ns=moments.end_ns,
            range_of_motion=moments.excursion,
            score=scored.score,
            grade=scored.grade,
            sub_scores=scored.sub_scores,
            faults=scored.faults,
            not_assessed=scored.not_assessed,
        )
