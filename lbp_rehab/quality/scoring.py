"""Scores a finished repetition: sub-scores, faults and the points that they add up to.

``score = sum_k w_k s_k`` over the known sub-scores, the weights renormalised to 1; each sub-score
is ``s_k = 100 - sum of its deductions`` (at least 0) and each deduction is one fault with its
evidence. So both the sub-scores' and the faults' lost points add up to ``100 - score``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality import measures, muscles
from lbp_rehab.quality.exercise import (
    JERKY,
    RANGE_SHORT,
    TOO_FAST,
    TOO_SLOW,
    UNEVEN,
    Exercise,
)
from lbp_rehab.quality.faults import (
    Deduction,
    assess,
    confidence,
    rectified_sigma,
)
from lbp_rehab.quality.movement import Moments, control, hesitation
from lbp_rehab.quality.rules import Judged
from lbp_rehab.quality.signals import NANOSECONDS
from lbp_rehab.quality.track import Track, Tracks
from lbp_rehab.quality.types import (
    FaultFinding,
    Grade,
    Severity,
    Side,
    SubScore,
    SubScoreKind,
)

DEFAULT_THRESHOLDS = (60.0, 75.0, 85.0, 95.0)
SIGMA_FLOOR = 0.01  # points; a score is never exact
# Severity of the built-in faults by the share of their sub-score that they cost.
MODERATE_SHARE, SEVERE_SHARE = 0.25, 0.6


@dataclass(frozen=True)
class Scored:
    """What `score` returns; the fields are those of `RepetitionResult`."""

    score: Estimate
    grade: Grade
    sub_scores: tuple[SubScore, ...]
    faults: tuple[FaultFinding, ...]
    not_assessed: tuple[str, ...]


def grade_of(score: Estimate, thresholds: Sequence[float] = DEFAULT_THRESHOLDS) -> Grade:
    """Return the grade: below the first of four rising thresholds "try again", and so on up."""
    if not score.known:
        return Grade.UNKNOWN
    return Grade(1 + sum(score.value >= t for t in thresholds))


def severity_of_share(share: float) -> Severity:
    """Return the severity of a built-in fault by the share of its sub-score that it costs."""
    return Severity(1 + (share >= MODERATE_SHARE) + (share >= SEVERE_SHARE))


def score(
    exercise: Exercise,
    moments: Moments,
    tracks: Tracks,
    earliest_ns: int,
    *,
    side: Side = Side.NONE,
    thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
    min_confidence: float = 0.95,
) -> Scored:
    """Score one repetition.

    Parameters
    ----------
    exercise : Exercise
    moments : Moments
        When its phases were.
    tracks : mapping of str to Track
        The samples of every measure that the exercise uses.
    earliest_ns : int
        End of the repetition before: the start position is not looked for before it.
    side : Side
        The side that worked; NONE if the exercise has none.
    thresholds : sequence of float
        Four rising grade thresholds.
    min_confidence : float
        A fault that is less sure costs no points.

    Returns
    -------
    Scored
    """
    judge = _Judge(exercise, moments, tracks, earliest_ns, side=side, min_confidence=min_confidence)
    parts = {kind: judge.part(kind) for kind in exercise.weights}
    known = sum(w for k, w in exercise.weights.items() if isinstance(parts[k], list))
    sub_scores, faults, variance = [], [], 0.0
    for kind, weight in exercise.weights.items():
        deductions = parts[kind]
        if isinstance(deductions, Reason):
            sub_scores.append(SubScore(kind, Estimate.unknown(deductions), 0.0, 0.0))
            continue
        share = weight / known
        total = sum(d.points for d in deductions)
        cap = min(1.0, 100.0 / total) if total > 0 else 1.0
        lost = share * cap * total
        sigma = math.sqrt(sum(d.sigma**2 for d in deductions))
        value = Estimate(max(100.0 - cap * total, 0.0), min(max(sigma, SIGMA_FLOOR), 100.0))
        variance += (share * value.sigma) ** 2
        sub_scores.append(SubScore(kind, value, share, lost))
        faults += [
            replace(d.finding, points_lost=share * cap * d.points)
            for d in deductions
            if d.points > 0
        ]
    if known == 0:
        total_score = Estimate.unknown(Reason.MISSING_INPUT)
    else:
        lost = sum(s.points_lost for s in sub_scores)
        total_score = Estimate(max(100.0 - lost, 0.0), math.sqrt(variance))
    return Scored(
        total_score,
        grade_of(total_score, thresholds),
        tuple(sub_scores),
        tuple(sorted(faults, key=lambda f: (-f.points_lost, f.id))),
        tuple(judge.not_assessed),
    )


class _Judge:
    """Computes the deductions of each sub-score; a Reason where there is nothing to judge."""

    def __init__(
        self,
        exercise: Exercise,
        moments: Moments,
        tracks: Tracks,
        earliest_ns: int,
        *,
        side: Side,
        min_confidence: float,
    ) -> None:
        self._exercise, self._moments, self._tracks = exercise, moments, tracks
        self._earliest_ns, self._min_confidence = earliest_ns, min_confidence
        self._side, self._primary = side, measures.of_side(exercise.primary, side)
        self.not_assessed: list[str] = []

    def part(self, kind: SubScoreKind) -> list[Deduction] | Reason:
        return {
            SubScoreKind.RANGE: self._range,
            SubScoreKind.ALIGNMENT: self._alignment,
            SubScoreKind.CONTROL: self._control,
            SubScoreKind.TEMPO: self._tempo,
            SubScoreKind.SYMMETRY: self._symmetry,
            SubScoreKind.MUSCLE: self._muscle,
        }[kind]()

    def _deduct(
        self,
        fault: str,
        kind: SubScoreKind,
        *,
        body_part: str,
        unit: str,
        measured: Estimate,
        allowed: tuple[float, float],
        points_per_unit: float,
        interval: tuple[int, int],
        most: float = 100.0,
    ) -> Deduction:
        """Deduct in proportion to the excess over the allowed range, at most ``most``."""
        low, high = allowed
        excess = max(measured.value - high, low - measured.value)
        points = min(max(points_per_unit * excess, 0.0), most)
        finding = FaultFinding(
            id=fault,
            kind=kind,
            severity=severity_of_share(points / most),
            confidence=confidence(excess, measured.sigma),
            body_part=body_part,
            unit=unit,
            measured=measured,
            allowed_min=low,
            allowed_max=high,
            start_ns=interval[0],
            end_ns=interval[1],
        )
        sigma = min(points_per_unit * rectified_sigma(excess, measured.sigma), most)
        return Deduction(finding, points, sigma)

    def _range(self) -> list[Deduction] | Reason:
        """Full from the near end of the target; `range_points` are gone where it just counts."""
        exercise, moments = self._exercise, self._moments
        found = []
        for way in moments.ways:
            near = exercise.nears[way.direction]
            if not way.top_seen and way.direction * (near - way.peak.value) > 0:
                self.not_assessed.append(RANGE_SHORT)
                return Reason.OCCLUDED
            span = abs(near - way.rest) * (1.0 - exercise.counts_from)
            found.append(
                self._deduct(
                    RANGE_SHORT,
                    SubScoreKind.RANGE,
                    body_part=self._primary,
                    unit=exercise.unit,
                    measured=way.peak,
                    allowed=(near, math.inf) if way.direction > 0 else (-math.inf, near),
                    points_per_unit=exercise.range_points / span,
                    interval=(way.target_ns, way.target_ns),
                    most=exercise.range_points,
                )
            )
        return [max(found, key=lambda d: d.points)]

    def _alignment(self) -> list[Deduction] | Reason:
        found, reason = [], Reason.MISSING_INPUT
        for rule in self._exercise.faults:
            track = self._tracks[measures.of_side(rule.measure, self._side)]
            deduction = assess(rule, track, self._moments, self._earliest_ns, self._min_confidence)
            if deduction is None:
                self.not_assessed.append(rule.id)
                reason = track.reason
            else:
                found.append(deduction)
        return found or reason

    def _control(self) -> list[Deduction] | Reason:
        exercise, moments = self._exercise, self._moments
        sparc = control(self._tracks[self._primary], moments)
        if not sparc.known:
            return sparc.reason
        jerky = self._deduct(
            JERKY,
            SubScoreKind.CONTROL,
            body_part=self._primary,
            unit="1",
            measured=sparc,
            allowed=(exercise.sparc_full, math.inf),
            points_per_unit=100.0 / (exercise.sparc_full - exercise.sparc_zero),
            interval=(moments.start_ns, moments.end_ns),
        )
        return [jerky, *self._hesitations()]

    def _hesitations(self) -> list[Deduction]:
        found = []
        for rule in self._exercise.hesitations:
            slow_s, interval = hesitation(self._tracks[self._primary], self._moments, rule.phase)
            if not slow_s.known:
                self.not_assessed.append(rule.id)
                continue
            found.append(
                self._deduct(
                    rule.id,
                    SubScoreKind.CONTROL,
                    body_part=f"{rule.phase.name.lower()}_hesitation",
                    unit="s",
                    measured=slow_s,
                    allowed=(0.0, rule.allowed_s),
                    points_per_unit=100.0 / (rule.zero_at_s - rule.allowed_s),
                    interval=interval,
                )
            )
        return found

    def _tempo(self) -> list[Deduction] | Reason:
        """Each phase costs at most a third, the whole all, where the rule says none is left."""
        exercise, moments = self._exercise, self._moments
        rules = [
            (f"{p.name.lower()}_too_short", f"{p.name.lower()}_too_long", p.name.lower(), rule,
             moments.interval(p))
            for p, rule in exercise.tempo.items()
        ]  # fmt: skip
        ends = (moments.start_ns, moments.end_ns)
        rules.append((TOO_FAST, TOO_SLOW, "repetition", exercise.whole, ends))
        found = []
        for short, long, name, rule, interval in rules:
            most = 100.0 if name == "repetition" else 100.0 / len(exercise.tempo)
            took_s = Estimate((interval[1] - interval[0]) / NANOSECONDS, self._stamp_sigma())
            for fault, cue, allowed, over_s in (
                (short, rule.too_short, (rule.low_s, math.inf), rule.low_s - rule.none_low_s),
                (long, rule.too_long, (-math.inf, rule.high_s), rule.none_high_s - rule.high_s),
            ):
                if cue is None:
                    continue
                found.append(
                    self._deduct(
                        fault,
                        SubScoreKind.TEMPO,
                        body_part=f"{name}_duration",
                        unit="s",
                        measured=took_s,
                        allowed=allowed,
                        points_per_unit=most / over_s,
                        interval=interval,
                        most=most,
                    )
                )
        return found

    def _stamp_sigma(self) -> float:
        """Two ends, each known to about one sample interval."""
        times, _, _ = self._tracks[self._primary].between(
            self._moments.start_ns, self._moments.end_ns
        )
        return math.sqrt(2.0) * float(times[-1] - times[0]) / max(len(times) - 1, 1)

    def _symmetry(self) -> list[Deduction] | Reason:
        """Mean difference of the two sides over the repetition."""
        rule, moments = self._exercise.symmetry, self._moments
        if rule is None:
            return Reason.MISSING_INPUT
        ends = (moments.start_ns, moments.end_ns)
        left, right = (self._tracks[m].mean(*ends) for m in (rule.left, rule.right))
        for side in (left, right):
            if not side.known:
                self.not_assessed.append(UNEVEN)
                return side.reason
        count = min(self._count(self._tracks[m], ends) for m in (rule.left, rule.right))
        sigma = math.hypot(left.sigma, right.sigma) / math.sqrt(count)
        return [
            self._deduct(
                UNEVEN,
                SubScoreKind.SYMMETRY,
                body_part=f"{rule.right} - {rule.left}",
                unit=measures.unit(rule.left),
                measured=Estimate(right.value - left.value, sigma),
                allowed=(-rule.allowed, rule.allowed),
                points_per_unit=100.0 / (rule.zero_at - rule.allowed),
                interval=ends,
            )
        ]

    @staticmethod
    def _count(track: Track, ends: tuple[int, int]) -> int:
        return max(len(track.between(*ends)[0]), 1)

    def _muscle(self) -> list[Deduction] | Reason:
        start_sigma_s = self._stamp_sigma() / math.sqrt(2.0)
        found, unknown = muscles.judge(
            self._exercise.muscles, self._tracks, self._moments, start_sigma_s
        )
        self.not_assessed += unknown
        if not found:
            return next(reversed(unknown.values()), Reason.MISSING_INPUT)
        deductions = []
        for judged in found:
            limit = judged.limit
            deduction = self._deduct(
                limit.id,
                SubScoreKind.MUSCLE,
                body_part=limit.measure,
                unit=measures.unit(limit.measure),
                measured=judged.measured,
                allowed=(limit.low, limit.high),
                points_per_unit=judged.most / limit.lost_over,
                interval=judged.interval,
                most=judged.most,
            )
            unsure = deduction.finding.confidence < self._min_confidence
            if limit.judged == Judged.FATIGUE and unsure:
                deduction = replace(deduction, points=0.0)
            deductions.append(deduction)
        return deductions
