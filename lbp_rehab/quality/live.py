"""Faults while the movement goes on: what is wrong now, and what it would cost if it stayed so."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from lbp_rehab.estimate import Estimate
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import RANGE_SHORT, Exercise
from lbp_rehab.quality.faults import confidence, severity
from lbp_rehab.quality.movement import INNER, SLOW_SHARE
from lbp_rehab.quality.repetitions import Segmenter
from lbp_rehab.quality.rules import Demand, FaultRule, HesitationRule
from lbp_rehab.quality.scoring import severity_of_share
from lbp_rehab.quality.signals import NANOSECONDS, LowPass
from lbp_rehab.quality.two_way import TwoWaySegmenter
from lbp_rehab.quality.types import FaultFinding, Phase, Side, SubScoreKind

FILTER_S = 0.1
# A low-pass filter with so much of `at_least` as its time constant averages as long.
FILTER_SHARE, LONG_S = 0.5, 0.5
HELD_S = 0.3  # what was averaged for long must stay outside for so long
REST_FILTER_S = 0.5  # the start position is known better than what moves
SPEED_S = 0.3  # a speed is taken over so long
# Who stands still for this long has arrived: what is not reached by now will not be.
ARRIVED_S = 0.35
# At the target noise may look like movement: who goes no further for so long has arrived too.
NO_FURTHER_S = 0.5


@dataclass(frozen=True)
class Moment:
    """Where the repetition is.

    Attributes
    ----------
    leading : Side
        The side that is further on its way.
    arrived : bool
        Whether the way out is over: the patient stands still there, goes no further, or has turned
        back.
    """

    stamp_ns: int
    phase: Phase
    leading: Side
    arrived: bool


def moment(
    stamp_ns: int, segmenter: Segmenter | TwoWaySegmenter, counts_from: float, leading: Side
) -> Moment:
    """Return where the repetition is, as the segmenter sees it."""
    phase, progress = segmenter.phase, segmenter.progress
    on_its_way = progress.known and progress.value > counts_from
    still = phase in (Phase.OUT, Phase.HOLD) and on_its_way and segmenter.still_s > ARRIVED_S
    at_target = phase == Phase.HOLD and segmenter.no_further_s > NO_FURTHER_S
    return Moment(stamp_ns, phase, leading, still or at_target or segmenter.turned)


class LiveFault:
    """Watches one rule of alignment on one side.

    Parameters
    ----------
    exercise : Exercise
    rule : FaultRule
    side : Side
        NONE if no side works.
    """

    def __init__(self, exercise: Exercise, rule: FaultRule, side: Side) -> None:
        self.rule, self.side = rule, side
        self.measure = measures.of_side(rule.measure, side)
        self._weight = exercise.weights.get(SubScoreKind.ALIGNMENT, 0.0)
        averaged = rule.at_least_s >= LONG_S
        self._held_s = HELD_S if averaged else rule.at_least_s
        self._filter = LowPass(FILTER_SHARE * rule.at_least_s if averaged else FILTER_S)
        self._rest_filter = LowPass(REST_FILTER_S)
        self._rest: Estimate | None = None
        self._since_ns: int | None = None
        self._best: Estimate | None = None  # nearest to the range, in this repetition

    def update(self, estimate: Estimate, now: Moment, min_confidence: float) -> FaultFinding | None:
        """Take a sample; return the fault if it is present now."""
        if not estimate.known:
            self._since_ns = None
            return None
        self._filter.update(now.stamp_ns, estimate)
        value = self._filter.estimate()
        if now.phase == Phase.REST:
            self._rest_filter.update(now.stamp_ns, estimate)
            self._rest, self._best = self._rest_filter.estimate(), None
        if self.rule.from_start:
            if self._rest is None:
                return None
            value = Estimate(
                value.value - self._rest.value, math.hypot(value.sigma, self._rest.sigma)
            )
        if self.side != now.leading:
            self._since_ns = None
            return None
        if self.rule.demand == Demand.REACH:
            return self._unreached(value, now, min_confidence)
        return self._outside(value, now, min_confidence)

    def _outside(self, value: Estimate, now: Moment, min_confidence: float) -> FaultFinding | None:
        excess = self.rule.excess(value.value)
        if now.phase not in self.rule.phases or excess <= 0:
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = now.stamp_ns
        held_s = (now.stamp_ns - self._since_ns) / NANOSECONDS
        if held_s < self._held_s or confidence(excess, value.sigma) < min_confidence:
            return None
        return self._finding(value, self._since_ns, now)

    def _unreached(
        self, value: Estimate, now: Moment, min_confidence: float
    ) -> FaultFinding | None:
        best = self._best
        if now.phase in self.rule.phases and (
            best is None or self.rule.excess(value.value) < self.rule.excess(best.value)
        ):
            best = self._best = value
        if best is None or not now.arrived:
            self._since_ns = None
            return None
        excess = self.rule.excess(best.value)
        if excess <= 0 or confidence(excess, best.sigma) < min_confidence:
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = now.stamp_ns
        return self._finding(best, self._since_ns, now)

    def _finding(self, value: Estimate, since_ns: int, now: Moment) -> FaultFinding:
        rule = self.rule
        excess = rule.excess(value.value)
        return FaultFinding(
            id=rule.id,
            kind=SubScoreKind.ALIGNMENT,
            severity=severity(rule, excess),
            confidence=confidence(excess, value.sigma),
            body_part=self.measure,
            unit=measures.unit(self.measure),
            measured=value,
            allowed_min=rule.low,
            allowed_max=rule.high,
            start_ns=since_ns,
            end_ns=now.stamp_ns,
            points_lost=self._weight * min(rule.points * excess / rule.severe, 100.0),
        )


class LiveHesitation:
    """Watches one rule about standing still midway.

    Parameters
    ----------
    exercise : Exercise
    rule : HesitationRule
    """

    def __init__(self, exercise: Exercise, rule: HesitationRule) -> None:
        self.rule = rule
        self._weight = exercise.weights.get(SubScoreKind.CONTROL, 0.0)
        self._reset()

    def _reset(self) -> None:
        self._recent: deque[tuple[int, float]] = deque()
        self._fastest = 0.0
        self._slow_from_ns: int | None = None

    def update(self, progress: Estimate, now: Moment, min_confidence: float) -> FaultFinding | None:
        """Take how far the movement is; return the fault if it is present now."""
        if not progress.known:
            self._reset()
            return None
        self._recent.append((now.stamp_ns, progress.value))
        width_ns = round(SPEED_S * NANOSECONDS)
        while len(self._recent) > 2 and now.stamp_ns - self._recent[1][0] >= width_ns:
            self._recent.popleft()
        then_ns, before = self._recent[0]
        if now.stamp_ns - then_ns < width_ns:
            return None
        elapsed_s = (now.stamp_ns - then_ns) / NANOSECONDS
        speed = abs(progress.value - before) / elapsed_s
        if now.phase != self.rule.phase:
            # A way may be fastest before it is told from rest.
            self._fastest, self._slow_from_ns = speed, None
            return None
        self._fastest = max(self._fastest, speed)
        inner = INNER[0] <= progress.value <= INNER[1]
        if not inner or speed > SLOW_SHARE * self._fastest:
            self._slow_from_ns = None
            return None
        if self._slow_from_ns is None:
            self._slow_from_ns = then_ns
        slow_s = (now.stamp_ns - self._slow_from_ns) / NANOSECONDS
        # Two ends, each known to one sample interval.
        sigma_s = math.sqrt(2.0) * elapsed_s / (len(self._recent) - 1)
        if confidence(slow_s - self.rule.allowed_s, sigma_s) < min_confidence:
            return None
        return self._finding(Estimate(slow_s, sigma_s), self._slow_from_ns, now)

    def _finding(self, slow_s: Estimate, since_ns: int, now: Moment) -> FaultFinding:
        rule = self.rule
        over_s = slow_s.value - rule.allowed_s
        share = min(over_s / (rule.zero_at_s - rule.allowed_s), 1.0)
        return FaultFinding(
            id=rule.id,
            kind=SubScoreKind.CONTROL,
            severity=severity_of_share(share),
            confidence=confidence(over_s, slow_s.sigma),
            body_part=f"{rule.phase.name.lower()}_hesitation",
            unit="s",
            measured=slow_s,
            allowed_min=0.0,
            allowed_max=rule.allowed_s,
            start_ns=since_ns,
            end_ns=now.stamp_ns,
            points_lost=100.0 * self._weight * share,
        )


class LiveRange:
    """Says that a repetition stopped short of its target, at the first extreme.

    Parameters
    ----------
    exercise : Exercise
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise, self._reached = exercise, exercise.complete_from
        self._weight = exercise.weights.get(SubScoreKind.RANGE, 0.0)
        self._furthest = 0.0
        self._found: FaultFinding | None = None

    def update(
        self, value: Estimate, progress: Estimate, now: Moment, min_confidence: float
    ) -> FaultFinding | None:
        """Take a sample of the primary measure; return the fault if the target was not reached."""
        if now.phase in (Phase.REST, Phase.UNKNOWN):
            self._furthest, self._found = 0.0, None
        if not (value.known and progress.known):
            return None
        if progress.value > self._furthest:
            self._furthest, self._found = progress.value, None
        if self._furthest >= self._reached or not now.arrived or now.phase == Phase.HOLD:
            return None
        if self._found is None:
            self._found = self._finding(value, now)
        if self._found.confidence < min_confidence:
            return None
        return replace(self._found, end_ns=now.stamp_ns)

    def _finding(self, value: Estimate, now: Moment) -> FaultFinding:
        exercise = self._exercise
        near = exercise.target_near
        short = 1.0 - self._furthest
        share = min(short / (1.0 - exercise.counts_from), 1.0)
        open_end = exercise.direction > 0
        return FaultFinding(
            id=RANGE_SHORT,
            kind=SubScoreKind.RANGE,
            severity=severity_of_share(share),
            confidence=confidence(exercise.direction * (near - value.value), value.sigma),
            body_part=measures.of_side(exercise.primary, now.leading),
            unit=exercise.unit,
            measured=value,
            allowed_min=near if open_end else -math.inf,
            allowed_max=math.inf if open_end else near,
            start_ns=now.stamp_ns,
            end_ns=now.stamp_ns,
            points_lost=self._weight * exercise.range_points * share,
        )
