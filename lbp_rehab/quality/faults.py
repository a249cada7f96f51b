"""Faults: where a quantity left its allowed range, how far, how surely, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lbp_rehab.estimate import Estimate
from lbp_rehab.quality import measures
from lbp_rehab.quality.movement import VALUE_WIDTH_S, Moments, beside_gap, mean_before
from lbp_rehab.quality.rules import Demand, FaultRule
from lbp_rehab.quality.signals import NANOSECONDS, smooth
from lbp_rehab.quality.track import Track
from lbp_rehab.quality.types import FaultFinding, Severity, SubScoreKind

RUN_GAP_S = 0.3  # a longer gap in the samples ends an excursion
SIGMA_FLOOR = 1e-9
WHOLE_PHASE = 0.7  # share of the phases' time that counts as all of it


@dataclass(frozen=True)
class Deduction:
    """A finding and the points of its sub-score that it costs, with their 1-sigma."""

    finding: FaultFinding
    points: float
    sigma: float


def confidence(excess: float, sigma: float) -> float:
    """Return the probability that a Gaussian quantity is truly outside its range."""
    return 0.5 * (1.0 + math.erf(excess / max(sigma, SIGMA_FLOOR) / math.sqrt(2.0)))


def rectified_sigma(excess: float, sigma: float) -> float:
    """Return the 1-sigma of ``max(0, x)`` for Gaussian x: also a quantity inside may be outside."""
    if sigma <= 0.0:
        return 0.0
    z = excess / sigma
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    above = confidence(excess, sigma)
    mean = excess * above + sigma * density
    square = (excess**2 + sigma**2) * above + excess * sigma * density
    return math.sqrt(max(square - mean**2, 0.0))


def severity(rule: FaultRule, excess: float) -> Severity:
    """Return the severity of an excess over the allowed range."""
    steps = (rule.moderate, rule.severe, rule.unsafe)
    return Severity(1 + sum(excess >= step for step in steps))


def assess(
    rule: FaultRule, track: Track, moments: Moments, earliest_ns: int, min_confidence: float
) -> Deduction | None:
    """Judge one rule over a finished repetition.

    Parameters
    ----------
    track : Track
        What the rule's measure is on the side that worked.

    Returns
    -------
    Deduction or None
        With 0 points (and the sigma that they may have) if there was no fault; None if the
        quantity was unknown in all phases that count, or where it may have reached its range.
    """
    times, values, sigmas = track.between(moments.start_ns, moments.end_ns)
    inside = np.zeros(len(times), dtype=bool)
    for phase in rule.phases:
        first, last = ((s - moments.start_ns) / NANOSECONDS for s in moments.interval(phase))
        inside |= (times >= first) & (times <= last)
    if not inside.any():
        return None
    offset = Estimate(0.0, 0.0)
    if rule.from_start:
        offset = mean_before(track, moments.start_ns, earliest_ns)
        if not offset.known:
            return None
    # What lasts through a short phase is a fault however short the phase is.
    lasts_s = min(rule.at_least_s, WHOLE_PHASE * float(np.ptp(times[inside])))
    # A box of this duration has this standard deviation.
    fit = smooth(times, values, sigmas, max(VALUE_WIDTH_S, lasts_s / math.sqrt(12.0)))
    value = fit.value - offset.value
    sigma = np.hypot(fit.sigma, offset.sigma)
    excess = np.where(inside, np.maximum(value - rule.high, rule.low - value), -np.inf)
    if rule.demand == Demand.REACH:
        at = np.flatnonzero(inside)
        best = int(at[np.argmin(excess[at])])
        if excess[best] > 0 and beside_gap(times, best):
            return None  # it may have been reached out of view
        run = (int(at[0]), best, int(at[-1])) if excess[best] > 0 else None
        nearest = best
    else:
        run = _worst_run(times, excess, lasts_s)
        nearest = int(np.argmax(excess))
    first, worst, last = run or (nearest, nearest, nearest)
    slope = rule.points / rule.severe
    spread = slope * rectified_sigma(float(excess[worst]), float(sigma[worst]))
    sure = confidence(float(excess[worst]), float(sigma[worst]))
    real = run is not None and sure >= min_confidence
    points = min(slope * float(excess[worst]), 100.0) if real else 0.0
    finding = FaultFinding(
        id=rule.id,
        kind=SubScoreKind.ALIGNMENT,
        severity=severity(rule, float(excess[worst])),
        confidence=sure,
        body_part=track.measure,
        unit=measures.unit(track.measure),
        measured=Estimate(float(value[worst]), float(sigma[worst])),
        allowed_min=rule.low,
        allowed_max=rule.high,
        start_ns=moments.start_ns + round(float(times[first]) * NANOSECONDS),
        end_ns=moments.start_ns + round(float(times[last]) * NANOSECONDS),
    )
    return Deduction(finding, points, min(spread, 100.0))


def _worst_run(
    times: np.ndarray, excess: np.ndarray, at_least_s: float
) -> tuple[int, int, int] | None:
    """Return first, worst and last index of the excursion that goes furthest outside."""
    best: tuple[int, int, int] | None = None
    outside = np.flatnonzero(excess > 0)
    if len(outside) == 0:
        return None
    breaks = (np.diff(outside) > 1) | (np.diff(times[outside]) > RUN_GAP_S)
    for run in np.split(outside, np.flatnonzero(breaks) + 1):
        first, last = int(run[0]), int(run[-1])
        if last == first or times[last] - times[first] < at_least_s:
            continue
        worst = int(run[np.argmax(excess[run])])
        if best is None or excess[worst] > excess[best[1]]:
            best = (first, worst, last)
    return best
