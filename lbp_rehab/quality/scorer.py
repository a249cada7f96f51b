"""Scores an exercise while it is done: poses, pelvis and activation in, events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lbp_rehab.breath.types import Breath
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality import measures
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.exercise import RANGE_SHORT, Exercise
from lbp_rehab.quality.live import LiveFault, LiveHesitation, LiveRange, Moment, moment
from lbp_rehab.quality.movement import Moments, find_moments
from lbp_rehab.quality.repetitions import MOVING, Segment, Segmenter, SegmenterSettings
from lbp_rehab.quality.scoring import DEFAULT_THRESHOLDS, Scored, score
from lbp_rehab.quality.signals import NANOSECONDS, Zero
from lbp_rehab.quality.track import Track
from lbp_rehab.quality.two_way import TwoWaySegmenter
from lbp_rehab.quality.types import (
    ClockReset,
    FaultFinding,
    Grade,
    LiveQuality,
    Outcome,
    Phase,
    RepetitionResult,
    Side,
    SubScoreKind,
)

Event = LiveQuality | RepetitionResult | ClockReset
STILL_SHARE = 0.15  # of the way to the target: who moves less than this is still
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
    side : Side
        The side that works, if the exercise leaves it open; NONE: either, as the movement tells.
    """

    def __init__(
        self,
        exercise: Exercise,
        settings: ScorerSettings | None = None,
        side: Side = Side.NONE,
    ) -> None:
        self.exercise = exercise
        self.settings = settings or ScorerSettings()
        self.repetitions = 0
        self._index = 0
        used = exercise.used_measures()
        self._of_source = {
            source: sorted(m for m in used if measures.source(m) == source)
            for source in measures.SOURCES
        }
        self._primary_source = measures.source(exercise.primary)
        self._primaries = exercise.primaries(side)
        self._sides = tuple(self._primaries)
        self._reset()

    def _reset(self) -> None:
        self._tracks = {m: Track(m) for m in self.exercise.used_measures()}
        self._zeros = {}
        if self.exercise.from_rest:
            still = STILL_SHARE * abs(self.exercise.target_near)
            direction = self.exercise.direction if len(self.exercise.nears) == 1 else 0.0
            self._zeros = {name: Zero(still, direction) for name in self._primaries.values()}
        self._segmenter = self._new_segmenter()
        self._live = [
            LiveFault(self.exercise, rule, side)
            for rule in self.exercise.faults
            for side in self._sides
        ]
        self._live_range = LiveRange(self.exercise)
        self._live_stops = [LiveHesitation(self.exercise, r) for r in self.exercise.hesitations]
        self._leading = self._sides[0]
        self._moment = Moment(0, Phase.UNKNOWN, self._leading, arrived=False)
        self._present: dict[str, FaultFinding] = {}
        self._latest: dict[str, int] = {}
        self._first_ns: int | None = None
        self._pending: list[Segment] = []

    def _new_segmenter(self) -> Segmenter | TwoWaySegmenter:
        exercise, settings = self.exercise, self.settings.segmenter
        start, counts_from = exercise.start, exercise.counts_from
        nears = tuple(exercise.nears.values())
        if len(nears) == 2:
            return TwoWaySegmenter(start, nears, counts_from, settings)
        return Segmenter(start, nears[0], counts_from, settings)

    @property
    def phase(self) -> Phase:
        """The present phase of the movement."""
        return self._segmenter.phase

    def update(
        self,
        pose: BodyPose | None = None,
        pelvis: PelvisState | None = None,
        breath: Breath | None = None,
        activation: Activation | None = None,
    ) -> list[Event]:
        """Take one or more inputs and return what follows from them, in the order of time."""
        events: list[Event] = []
        for source, item in (
            (measures.EMG, activation),
            (measures.BREATH, breath),
            (measures.PELVIS, pelvis),
            (measures.POSE, pose),
        ):
            if item is not None:
                values = {m: measures.read(m, item) for m in self._of_source[source]}
                events += self._take(source, item.stamp_ns, values)
        return events

    def finish(self) -> list[Event]:
        """End the set: score what waits, and report a repetition under way as aborted."""
        waiting = self._pending + self._segmenter.stop()
        self._pending = []
        events: list[Event] = [r for s in waiting if (r := self._result(s)) is not None]
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
        for name, zero in self._zeros.items():
            if name in values:
                values[name] = zero.update(stamp_ns, values[name])
        values = {name: self._tracks[name].add(stamp_ns, v) for name, v in values.items()}
        if source == self._primary_source:
            primary = self._primary(values)
            self._pending += self._segmenter.step(stamp_ns, primary)
            self._moment = moment(
                stamp_ns, self._segmenter, self.exercise.counts_from, self._leading
            )
            self._note(
                RANGE_SHORT,
                self._live_range.update(
                    primary, self._segmenter.progress, self._moment, self.settings.min_confidence
                ),
            )
            for stop in self._live_stops:
                found = stop.update(
                    self._segmenter.progress, self._moment, self.settings.min_confidence
                )
                self._note(stop.rule.id, found)
        else:
            self._check_silence(stamp_ns)
        self._watch(stamp_ns, values)
        events += self._score_ready(stamp_ns)
        if source == self._primary_source:
            events.append(self._live_quality(stamp_ns))
        return events

    def _check_silence(self, stamp_ns: int) -> None:
        """Let the other inputs' stamps tell that the primary one has stopped."""
        last_ns = self._latest.get(self._primary_source)
        lost_ns = round(self.settings.segmenter.lost_s * NANOSECONDS)
        if last_ns is not None and stamp_ns - last_ns > lost_ns:
            self._pending += self._segmenter.stop()

    def _primary(self, values: dict[str, Estimate]) -> Estimate:
        """Return the primary measure of the side that is further on its way."""
        exercise = self.exercise
        known = {s: values[n] for s, n in self._primaries.items() if values[n].known}
        if not known:
            return values[self._primaries[self._leading]]
        further = max(known, key=lambda s: exercise.direction * known[s].value)
        if len(known) < len(self._primaries):
            # The side that is not seen may be the one that works, unless the other one does.
            low, high = exercise.start
            if low <= known[further].value <= high:
                return next(values[n] for s, n in self._primaries.items() if s not in known)
        self._leading = further
        return known[further]

    def _watch(self, stamp_ns: int, values: dict[str, Estimate]) -> None:
        now = replace(self._moment, stamp_ns=stamp_ns)
        for fault in self._live:
            if fault.measure in values:
                found = fault.update(values[fault.measure], now, self.settings.min_confidence)
                if fault.side == now.leading:
                    self._note(fault.rule.id, found)

    def _note(self, fault: str, found: FaultFinding | None) -> None:
        self._present.pop(fault, None)
        if found is not None:
            self._present[fault] = found

    def _live_quality(self, stamp_ns: int) -> LiveQuality:
        missing = self.missing(stamp_ns)
        moving = self.phase in MOVING
        faults = tuple(
            f for f in self._present.values() if moving and self._source_of(f) not in missing
        )
        return LiveQuality(
            stamp_ns, self.phase, self._segmenter.progress, self.repetitions, faults, missing
        )

    def _source_of(self, fault: FaultFinding) -> str:
        by_measure = fault.kind == SubScoreKind.ALIGNMENT
        return measures.source(fault.body_part) if by_measure else self._primary_source

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
            result = self._result(self._pending.pop(0))
            if result is not None:
                events.append(result)
        return events

    def _result(self, segment: Segment) -> RepetitionResult | None:
        """Return the score of a repetition; None if it may be no movement at all."""
        exercise = self.exercise
        moments, side = None, self._worked(segment)
        if segment.outcome != Outcome.ABORTED:
            track = self._tracks[self._primaries[side]]
            moments = find_moments(track, segment, exercise.direction)
        if moments is not None and moments.excursion.value < moments.excursion.sigma:
            return None
        self._index += 1
        if moments is None:
            unknown = Estimate.unknown(Reason.TOO_EARLY)
            return RepetitionResult(
                self._index, Outcome.ABORTED, segment.left_ns, segment.end_ns, segment.end_ns,
                unknown, unknown, Grade.UNKNOWN, (), (), (), side,
            )  # fmt: skip
        reached = self._reached(moments)
        self.repetitions += reached
        scored: Scored = score(
            exercise,
            moments,
            self._tracks,
            segment.earliest_ns,
            side=side,
            thresholds=self.settings.grade_thresholds,
            min_confidence=self.settings.min_confidence,
        )
        return RepetitionResult(
            index=self._index,
            outcome=Outcome.COMPLETE if reached else Outcome.PARTIAL,
            start_ns=moments.start_ns,
            target_ns=moments.target_ns,
            end_ns=moments.end_ns,
            range_of_motion=(
                moments.excursion if moments.top_seen else Estimate.unknown(Reason.OCCLUDED)
            ),
            score=scored.score,
            grade=scored.grade,
            sub_scores=scored.sub_scores,
            faults=scored.faults,
            not_assessed=scored.not_assessed,
            side=side,
        )

    def _worked(self, segment: Segment) -> Side:
        """Return the side that went furthest."""
        if len(self._sides) == 1:
            return self._sides[0]

        def furthest(side: Side) -> float:
            track = self._tracks[self._primaries[side]]
            _, values, _ = track.between(segment.left_ns, segment.end_ns)
            direction = self.exercise.direction
            return float((direction * values).max()) if len(values) else -np.inf

        return max(self._sides, key=furthest)

    def _reached(self, moments: Moments) -> bool:
        """Whether it went far enough to be counted, to both sides where there are two.

        Who was out of view at the furthest point has the benefit of the doubt.
        """
        nears, ways = self.exercise.nears, moments.ways
        return len(ways) == len(nears) and all(
            not way.top_seen
            or way.excursion.value / abs(nears[way.direction] - way.rest)
            >= self.exercise.complete_from
            for way in ways
        )
