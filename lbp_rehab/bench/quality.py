"""``lbp-rehab bench quality``: repetitions, faults and scores of the whole pipeline on images.

Pose, pelvis and scorer run as in the graph, without sEMG, and so do recognition and matching; what
they report is held against the movement as it was made.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import cases, matching, options, recognition
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.figures import Summary, rounded, statistic
from lbp_rehab.bench.quality_asked import BOUNDARY_S, asked_table
from lbp_rehab.bench.quality_case import run_any
from lbp_rehab.bench.quality_cues import cue_figures
from lbp_rehab.bench.quality_faults import (
    SetRecord,
    count_fault,
    made_up,
    pair,
    reported_as,
)
from lbp_rehab.bench.statistics import LEAST_FOR_RANKS, correlation, ranks_of
from lbp_rehab.quality.exercise import known_exercises
from lbp_rehab.quality.types import Severity
from lbp_rehab.stamps import NANOSECONDS


def figures(
    records: Sequence[SetRecord],
    others: Sequence[recognition.RecognitionRecord],
    seed: int,
    undefined: Sequence[str],
) -> dict[str, Any]:
    """Return all figures of the benchmark; the keys are described in ``docs/commands.md``.

    Parameters
    ----------
    others : sequence of RecognitionRecord
        Of motions that are none of the exercises.
    undefined : sequence of str
        Exercises that were drawn and have no file in ``config/exercises``.
    """
    return {
        "seed": seed,
        **summarise(records),
        **recognition.figures([*(r.recognised for r in records if r.recognised), *others]),
        **matching.figures([c for r in records for c in r.compared], seed),
        "no_definition": sorted(undefined),
        "per_fault": {name: _fault(records, name) for name in _names(records)},
        "per_exercise": {
            name: {
                **summarise([records[k] for k in members]),
                "per_fault": {
                    fault: _fault([records[k] for k in members], fault)
                    for fault in _names([records[k] for k in members])
                },
            }
            for name, members in groups(r.info.exercise for r in records).items()
        },
    }


def summarise(records: Sequence[SetRecord]) -> Summary:
    """Return the figures of some sets."""
    pairs = [p for r in records for p in pair(r)]
    late_s = boundary_errors_s(records)
    f1 = [count_fault(records, name).f1 for name in _names(records)]
    there = [v for v in f1 if v is not None]
    clean = [found for true, found in pairs if not true.faults]
    invented = [found for r in records for found in made_up(r)]
    alarms = sum(
        f.severity >= Severity.MODERATE for found in clean + invented for f in found.faults
    )
    ranks = [v for v in (rank_correlation(g) for g in _by_exercise(records)) if v is not None]
    exact = [r.exact for r in records]
    views = view_differences(records)
    return {
        "sets": len(records),
        "frames": sum(r.frames for r in records),
        "repetitions": sum(r.to_count for r in records),
        "repetitions_found": sum(r.counted for r in records),
        "repetitions_borderline": sum(t.borderline for r in records for t in r.true),
        "repetitions_matched": len(pairs),
        "repetitions_missed": sum(len(r.true) for r in records) - len(pairs),
        "repetition_exact_share": rounded(float(np.mean(exact)), 4) if exact else None,
        "boundary_mae_s": statistic(lambda v: np.abs(v).mean(), late_s, 3),
        "boundary_within_share": (
            rounded(float((np.abs(late_s) <= BOUNDARY_S).mean()), 4) if late_s.size else None
        ),
        "fault_kinds": len(there),
        "fault_macro_f1": rounded(float(np.mean(there)), 4) if there else None,
        "fault_least_f1": rounded(min(there), 4) if there else None,
        "clean_repetitions": len(clean),
        "made_up_repetitions": len(invented),
        "false_alarms_per_clean_repetition": (rounded(alarms / len(clean), 4) if clean else None),
        "exercises_ranked": len(ranks),
        "score_spearman": rounded(float(np.mean(ranks)), 4) if ranks else None,
        "score_spearman_least": rounded(min(ranks), 4) if ranks else None,
        **cue_figures(records),
        "score_between_views_median": rounded(float(np.median(views)), 2) if views else None,
        "repetitions_from_two_views": len(views),
        "faults_without_rule": sorted(
            {
                f"{r.info.exercise}: {name}"
                for r in records
                for t in r.true
                for name in t.faults
                if not set(reported_as(name, r.rules)) & r.rules
            }
        ),
    }


def boundary_errors_s(records: Sequence[SetRecord]) -> NDArray[np.float64]:
    """Return found less true start and end of the matched repetitions, shape (n, 2)."""
    return (
        np.array(
            [
                (found.start_ns - true.start_ns, found.end_ns - true.end_ns)
                for r in records
                for true, found in pair(r)
            ],
            float,
        ).reshape(-1, 2)
        / NANOSECONDS
    )


def view_differences(records: Sequence[SetRecord]) -> list[float]:
    """Return how far the scores of the same repetition are apart when seen from two sides."""
    apart = []
    for members in groups(r.twin for r in records).values():
        if len(members) != 2 or not records[members[0]].twin:
            continue
        scores = [
            {t.start_ns: f.score.value for t, f in pair(records[k]) if f.score.known}
            for k in members
        ]
        apart += [abs(scores[0][t] - scores[1][t]) for t in scores[0].keys() & scores[1].keys()]
    return apart


def _names(records: Sequence[SetRecord]) -> list[str]:
    return sorted({name for r in records for t in r.true for name in t.faults})


def _by_exercise(records: Sequence[SetRecord]) -> list[list[SetRecord]]:
    named = groups(r.info.exercise for r in records)
    return [[records[k] for k in members] for members in named.values()]


def scored(records: Sequence[SetRecord]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sum of the true severities and the points lost of what was given a score."""
    known = [(t, f) for r in records for t, f in pair(r) if f.score.known]
    severity = np.array([sum(t.faults.values()) for t, _ in known], float)
    return severity, np.array([100.0 - f.score.value for _, f in known], float)


def rank_correlation(records: Sequence[SetRecord]) -> float | None:
    """Return Spearman's correlation of points lost with the sum of the true severities.

    None where all severities are the same; 0 where they differ and the points do not.
    """
    severity, lost = scored(records)
    if len(lost) < LEAST_FOR_RANKS or np.ptp(severity) == 0:
        return None
    return correlation(ranks_of(lost), ranks_of(severity))


def _fault(records: Sequence[SetRecord], name: str) -> Summary:
    counted = count_fault(records, name)
    errors = counted.level_errors
    return {
        "repetitions": counted.hits + counted.misses,
        "precision": rounded(counted.precision, 4),
        "recall": rounded(counted.recall, 4),
        "f1": rounded(counted.f1, 4),
        "severity_mae_levels": rounded(float(np.mean(errors)), 2) if errors else None,
    }


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    options.check(arguments, arguments.sets)
    drawn = cases.draw("quality", arguments.seed, arguments.sets, any_view=arguments.any_view)
    from lbp_rehab.synthetic.motion.programs import PROGRAMS  # noqa: PLC0415

    undefined = sorted(set(PROGRAMS) - set(known_exercises()))
    others = recognition.none_cases(arguments.seed, arguments.sets)
    done = cases.work_off(run_any, [*drawn, *others], arguments.jobs)
    records = [r for r in done if isinstance(r, SetRecord)]
    of_others = [r for r in done if isinstance(r, recognition.RecognitionRecord)]
    result = {
        **figures(records, of_others, arguments.seed, undefined),
        "any_view": arguments.any_view,
    }
    if arguments.page:
        from lbp_rehab.bench import quality_page  # noqa: PLC0415

        quality_page.write(arguments.page, records, result, arguments)
    return result


def text(result: dict[str, Any]) -> str:
    """Return the headline for the screen."""
    lines = asked_table(result)
    if result["no_definition"]:
        lines.append(f"No definition yet: {', '.join(result['no_definition'])}")
    return "\n".join(lines)
