"""``python -m lbp_rehab.training.limits FOLDER``: how the limits part right from wrong.

Scores what `training.followed` kept with the files in ``config/exercises`` as they are now, and
shows for every fault where its quantity lies in repetitions without and with it. A limit is set
by hand between the two: by what the exercise is for, so that training people lose nothing where
they do it right.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lbp_rehab.bench.cases import groups, work_off
from lbp_rehab.bench.quality import rank_correlation, summarise
from lbp_rehab.bench.quality_case import Judged
from lbp_rehab.bench.quality_cues import delays_s
from lbp_rehab.bench.quality_faults import SetRecord, count_fault, pair, reported_as
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import Exercise, load_exercise
from lbp_rehab.quality.scorer import ScorerSettings
from lbp_rehab.training.followed import Followed, kept, load

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Measured:
    """What the scorer measured for one rule in one repetition.

    Attributes
    ----------
    severity : float
        True severity of the fault that the rule tells; 0: not there.
    others : float
        Of all other faults together.
    """

    value: float
    sigma: float
    severity: float
    others: float


def judged(
    followed: Followed,
    exercise: Exercise,
    settings: ScorerSettings | None = None,
    *,
    true: bool = False,
) -> SetRecord:
    """Return what an exercise's file makes of a set; ``true``: of its exact pose and pelvis."""
    running = Judged(followed.case, exercise, settings)
    for now in followed.instants:
        pose, pelvis = (now.true_pose, now.true_pelvis) if true else (now.pose, now.pelvis)
        running.add(pose, pelvis, now.breath)
        running.add_truth(now.true_pose, now.true_pelvis, now.breath_m)
    return running.record()


def measured(followed: Followed, exercise: Exercise) -> dict[str, list[Measured]]:
    """Return by rule what is measured in every repetition, be it a fault or not."""
    # No value is inside these ranges, so that each repetition is told the furthest one,
    # however sure.
    open_rules = tuple(
        replace(
            rule,
            low=_beyond(rule.low, rule.high),
            high=_beyond(rule.high, rule.low),
            points=1e-6,
        )
        for rule in exercise.faults
    )
    settings = ScorerSettings(min_confidence=0.0)
    record = judged(followed, replace(exercise, faults=open_rules), settings)
    found: dict[str, list[Measured]] = {rule.id: [] for rule in exercise.faults}
    for made, result in pair(record):
        for fault in result.faults:
            if fault.id not in found:
                continue
            told = [s for n, s in made.faults.items() if fault.id in reported_as(n, record.rules)]
            severity = max(told, default=0.0)
            others = sum(made.faults.values()) - severity
            value = fault.measured
            found[fault.id].append(Measured(value.value, value.sigma, severity, others))
    return found


def _beyond(end: float, other: float) -> float:
    """Return an end of a range that nothing is inside of: far off if it is the only one."""
    if math.isinf(end):
        return end
    return math.copysign(1e6, other) if math.isinf(other) else 0.5 * (end + other)


def table(found: Mapping[str, Sequence[Measured]], exercise: Exercise) -> list[str]:
    """Return lines of quantiles: without the fault, mild, and from moderate on."""
    lines = []
    for rule in exercise.faults:
        scale, unit = _scale(rule.measure)
        low, high = rule.low * scale, rule.high * scale
        lines.append(
            f"  {rule.id} ({rule.measure}, {unit}): allowed {low:.1f} to {high:.1f}, "
            f"moderate {rule.moderate * scale:.1f}, severe {rule.severe * scale:.1f}"
        )
        rows = found[rule.id]
        of = {
            "clean": [r for r in rows if r.severity == 0 and r.others == 0],
            "others": [r for r in rows if r.severity == 0 and r.others > 0],
            "mild": [r for r in rows if 0 < r.severity <= 1 / 3],
            "moderate": [r for r in rows if 1 / 3 < r.severity <= 2 / 3],
            "severe": [r for r in rows if r.severity > 2 / 3],
        }
        for name, members in of.items():
            if not members:
                continue
            q = np.quantile([r.value * scale for r in members], _QUANTILES)
            sigma = np.median([r.sigma * scale for r in members])
            shown = " ".join(f"{v:7.1f}" for v in q)
            lines.append(f"    {name:9}{len(members):4} {shown}   sigma {sigma:.1f}")
    return lines


def _scale(measure: str) -> tuple[float, str]:
    unit = measures.unit(measure)
    return {"rad": (180.0 / math.pi, "deg"), "m": (100.0, "cm")}.get(unit, (1.0, unit))


def figures(records: Sequence[SetRecord]) -> list[str]:
    """Return lines of how the sets of an exercise were counted, scored and corrected."""
    found = summarise(records)
    lines = [
        f"  exact {found['repetition_exact_share']}, boundaries {found['boundary_mae_s']} s, "
        f"false alarms {found['false_alarms_per_clean_repetition']} in "
        f"{found['clean_repetitions']}, made up {found['made_up_repetitions']}, "
        f"Spearman {rank_correlation(records) or 0.0:.2f}, "
        f"cue {found['cue_median_s']} s (p95 {found['cue_p95_s']})"
    ]
    for fault in sorted({n for r in records for t in r.true for n in t.faults}):
        count = count_fault(records, fault)
        late = ", ".join(f"{d:.1f}" for d in sorted(delays_s(records, fault)))
        lines.append(
            f"  {fault}: F1 {count.f1 if count.f1 is None else round(count.f1, 2)} "
            f"(found {count.hits}, missed {count.misses}, false {count.alarms})"
            + (f", cues after {late} s" if late else "")
        )
    return lines


Scored = tuple[SetRecord, dict[str, list[Measured]]]


def _score(job: tuple[Path, bool]) -> Scored:
    path, true = job
    followed = load(path)
    exercise = load_exercise(followed.case.exercise)
    return judged(followed, exercise, true=true), measured(followed, exercise)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables of each exercise, and the figures of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("exercises", nargs="*", help="default: all")
    parser.add_argument("--true", action="store_true", help="score the exact pose and pelvis")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args(arguments)
    jobs = [
        (path, wanted.true)
        for path in kept(wanted.folder)
        if not wanted.exercises or path.stem.partition("-")[2] in wanted.exercises
    ]
    done: list[Scored] = work_off(_score, jobs, wanted.jobs)
    for name, members in groups(record.info.exercise for record, _ in done).items():
        exercise, records = load_exercise(name), [done[k][0] for k in members]
        found = {
            rule.id: [row for k in members for row in done[k][1][rule.id]]
            for rule in exercise.faults
        }
        print("\n".join([name, *table(found, exercise), *figures(records)]), flush=True)
    print(json.dumps(summarise([record for record, _ in done]), indent=2))


if __name__ == "__main__":
    # By its own name, so that what the workers return can be read.
    from lbp_rehab.training import limits  # noqa: PLW0406

    limits.main()
