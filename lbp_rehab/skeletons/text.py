"""A scored recording as text for the screen and as figures for JSON."""

from __future__ import annotations

import math
from typing import Any

from lbp_rehab.estimate import Estimate
from lbp_rehab.quality.types import FaultFinding, Outcome, RepetitionResult, SubScore
from lbp_rehab.skeletons.score import ScoredSet
from lbp_rehab.stamps import NANOSECONDS

Z95 = 1.96  # half-width of a 95 % interval in sigmas


def text(scored: ScoredSet) -> str:
    """Return all repetitions with their evidence, for people: degrees and seconds."""
    lines = [f"note: {report}" for report in scored.reports]
    lines.append("")
    for result in scored.results:
        lines += _repetition(result)
    complete = sum(r.outcome == Outcome.COMPLETE for r in scored.results)
    summary = f"{scored.exercise.title}: {complete} complete repetitions"
    if others := len(scored.results) - complete:
        summary += f", {others} others"
    if scored.mean_score.known:
        summary += f", mean score {_score(scored.mean_score)}, {_name(scored.grade)}"
    lines.append(f"{summary}. No sEMG: muscles not assessed. Not a medical device.")
    return "\n".join(lines)


def figures(scored: ScoredSet) -> dict[str, Any]:
    """Return the same with stable keys in SI units; docs/skeletons.md describes them."""
    return {
        "exercise": scored.exercise.name,
        "frames": len(scored.time_s),
        "duration_s": _rounded(float(scored.time_s[-1])),
        "primary_known_share": _rounded(scored.known_share),
        "notes": list(scored.reports),
        "complete": sum(r.outcome == Outcome.COMPLETE for r in scored.results),
        "mean_score": _estimate(scored.mean_score),
        "grade": scored.grade.name.lower(),
        "repetitions": [_figures_of(r) for r in scored.results],
    }


def _repetition(result: RepetitionResult) -> list[str]:
    start_s, end_s = (ns / NANOSECONDS for ns in (result.start_ns, result.end_ns))
    side = f" {_name(result.side)}," if result.side else ""
    head = f"{result.index}.{side} {_name(result.outcome)}, {start_s:.1f} to {end_s:.1f} s"
    if result.score.known:
        head += f": {_score(result.score)}, {_name(result.grade)}"
    lines = [head]
    if result.sub_scores:
        parts = ", ".join(_part(s) for s in result.sub_scores)
        lines.append(f"   {parts}")
    lines += [f"   - {_evidence(fault)}" for fault in result.faults]
    if result.not_assessed:
        lines.append(f"   not assessed: {', '.join(result.not_assessed)}")
    return lines


def _part(part: SubScore) -> str:
    value = f"{part.value.value:.0f}" if part.value.known else "unknown"
    return f"{_name(part.kind)} {value}"


def _score(score: Estimate) -> str:
    low, high = interval(score)
    return f"{score.value:.0f} of 100 (95 %: {low:.0f} to {high:.0f})"


def interval(score: Estimate) -> tuple[float, float]:
    """Return the 95 % interval of a score, within 0 to 100."""
    half = Z95 * score.sigma
    return max(score.value - half, 0.0), min(score.value + half, 100.0)


def _evidence(fault: FaultFinding) -> str:
    start_s, end_s = (ns / NANOSECONDS for ns in (fault.start_ns, fault.end_ns))
    scale, unit = (180.0 / math.pi, " deg") if fault.unit == "rad" else (1.0, _unit(fault.unit))
    digits = 0 if fault.unit == "rad" else 2

    def shown(value: float) -> str:
        return f"{scale * value:.{digits}f}"

    low, high = fault.allowed_min, fault.allowed_max
    if math.isfinite(low) and math.isfinite(high):
        allowed = f"{shown(low)} to {shown(high)}"
    elif math.isfinite(high):
        allowed = f"at most {shown(high)}"
    else:
        allowed = f"at least {shown(low)}"
    return (
        f"{fault.id} ({_name(fault.severity)}, -{fault.points_lost:.1f}): {fault.body_part} "
        f"{shown(fault.measured.value)} +- {shown(fault.measured.sigma)}{unit}, allowed {allowed}, "
        f"{start_s:.1f} to {end_s:.1f} s"
    )


def _unit(unit: str) -> str:
    """Return how a unit is written; the number without one is the smoothness SPARC."""
    return {"fraction": "", "1": " (SPARC)"}.get(unit, f" {unit}")


def _name(member: Any) -> str:
    return str(member.name).lower().replace("_", " ")


def _figures_of(result: RepetitionResult) -> dict[str, Any]:
    return {
        "index": result.index,
        "side": result.side.name.lower(),
        "outcome": result.outcome.name.lower(),
        "start_s": _rounded(result.start_ns / NANOSECONDS),
        "target_s": _rounded(result.target_ns / NANOSECONDS),
        "end_s": _rounded(result.end_ns / NANOSECONDS),
        "range_of_motion": _estimate(result.range_of_motion),
        "score": _estimate(result.score),
        "score_interval": [_rounded(v) for v in interval(result.score)]
        if result.score.known
        else None,
        "grade": result.grade.name.lower(),
        "sub_scores": {
            s.kind.name.lower(): {
                **_estimate(s.value),
                "weight": _rounded(s.weight),
                "points_lost": _rounded(s.points_lost),
            }
            for s in result.sub_scores
        },
        "faults": [_fault(f) for f in result.faults],
        "not_assessed": list(result.not_assessed),
    }


def _fault(fault: FaultFinding) -> dict[str, Any]:
    return {
        "id": fault.id,
        "kind": fault.kind.name.lower(),
        "severity": fault.severity.name.lower(),
        "confidence": _rounded(fault.confidence),
        "body_part": fault.body_part,
        "unit": fault.unit,
        "measured": _estimate(fault.measured),
        "allowed": [
            _rounded(v) if math.isfinite(v) else None
            for v in (fault.allowed_min, fault.allowed_max)
        ],
        "start_s": _rounded(fault.start_ns / NANOSECONDS),
        "end_s": _rounded(fault.end_ns / NANOSECONDS),
        "points_lost": _rounded(fault.points_lost),
    }


def _estimate(value: Estimate) -> dict[str, Any]:
    if not value.known:
        return {"value": None, "sigma": None, "reason": value.reason.name.lower()}
    return {"value": _rounded(value.value), "sigma": _rounded(value.sigma), "reason": None}


def _rounded(value: float) -> float:
    return round(float(value), 4)
