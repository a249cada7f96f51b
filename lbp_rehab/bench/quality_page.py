"""The page ``quality.md``: what ``lbp-rehab bench quality`` found, for an engineer of a lab."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lbp_rehab.bench import plots
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.matching import METHODS, OWN_BEST, THERAPIST
from lbp_rehab.bench.page import machine, number, table, write_page
from lbp_rehab.bench.quality import boundary_errors_s, rank_correlation, scored
from lbp_rehab.bench.quality_asked import (
    BOUNDARY_S,
    CUE_MEDIAN_S,
    CUE_P95_S,
    LEAST_F1,
    asked_table,
    paper,
)
from lbp_rehab.bench.quality_cues import answers
from lbp_rehab.bench.quality_faults import SetRecord
from lbp_rehab.bench.quality_tables import (
    by_exercise,
    by_fault,
    by_fault_of_exercise,
    missed_exercises,
    missed_faults,
    wrong_counts,
)

_COLUMNS = 5
_LEAST_POINTS = 30.0  # that the plots of the score reach
_CUE_ENDS_S, _BOUNDARY_ENDS_S = (-1.0, 4.0), (-1.0, 1.0)
_REFERENCES = {
    OWN_BEST: "another repetition of the same set without fault",
    THERAPIST: "the demonstration in the package",
}


def write(
    folder: Path,
    records: Sequence[SetRecord],
    result: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    """Write ``quality.md`` with its plots into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _plot_faults(folder / "quality_faults.png", result)
    _plot_scores(folder / "quality_scores.png", records)
    _plot_cues(folder / "quality_cues.png", records)
    _plot_boundaries(folder / "quality_boundaries.png", records)
    lines = [
        "# Repetitions, faults and scores on synthetic patients",
        "",
        *_what(result, arguments),
        "## Headline",
        *asked_table(result),
        *_meaning(),
        "## Below what is asked",
        *missed_exercises(result),
        *missed_faults(result),
        *wrong_counts(records),
        "## By exercise",
        *by_exercise(result),
        "![Errors of boundaries](quality_boundaries.png)",
        "",
        "Found less true start and end of the repetitions; what lies farther out is counted in the "
        "last bar.",
        "",
        "## Faults",
        "![F1 of every fault](quality_faults.png)",
        "",
        f"F1 of each fault over all exercises that have it; dashed: {LEAST_F1:g}, below which a "
        "bar is hatched.",
        "",
        *by_fault(result),
        *by_fault_of_exercise(result),
        "## Score",
        "![Points lost against true severity](quality_scores.png)",
        "",
        "Each dot is a repetition: the true severities of its faults together (0: done right), and "
        "the points that it lost.",
        "",
        "## Cues",
        "![Delays of cues](quality_cues.png)",
        "",
        *_cues(result),
        "## Recognition",
        *_recognition(result),
        "## Reference matching",
        *_matching(result),
        "## Left out",
        *_left_out(result),
    ]
    write_page(folder / "quality.md", lines)


def _what(result: dict[str, Any], arguments: argparse.Namespace) -> list[str]:
    where = (
        "The camera stands anywhere"
        if result["any_view"]
        else "The camera stands where the exercise's file advises"
    )
    return [
        f"{result['sets']} sets of {len(result['per_exercise'])} exercises, {result['frames']} "
        "rendered images with depth, through pose, pelvis, breath, scorer, cues, recognition and "
        "matching as in the running graph, without sEMG. About half of the repetitions have a "
        "fault of a severity drawn at random, every fifth set of an exercise is shown from a "
        f"second side too. {where}. Beside them {result['none_sets']} sets of "
        "motions that are none of the exercises. People, styles, rooms and cameras come from "
        "ranges that no training draws from. Synthetic people are synthetic: they "
        "make the faults that we know of, the way we describe them. The figures find what is "
        "wrong and compare methods; they do not promise the same in a clinic. This page was "
        "written by the command:",
        "",
        "```",
        f"lbp-rehab bench quality --seed {arguments.seed} --sets {arguments.sets} "
        f"--jobs {arguments.jobs}{' --any-view' if arguments.any_view else ''} "
        f"--page {arguments.page}",
        "```",
        f"Another `--seed` re-draws everything. Measured on {machine()}; only the delays of cues "
        "depend on it.",
        "",
    ]


def _meaning() -> list[str]:
    return [
        "- **Exact count**: as many complete repetitions as a therapist would count. Where one "
        "goes just about as far as counts, either way is right.",
        "- **Start and end**: the true ones are where the exercise's own measure passes a tenth "
        "of its peak speed.",
        "- **Faults**: there, and found, from moderate on (a third of the full severity); a mild "
        "one is neither. A fault of a repetition that was not seen is missed, a report on a "
        "repetition that was made up is false. A fault that the exercise's file has no rule for "
        "counts as missed each time.",
        "- **False alarms**: moderate or worse, on repetitions without any true fault and on those "
        "made up, over the former.",
        "- **Cues**: from the first moment at which the fault is there to be seen (half of what "
        "is too much; for what is too little the arrival, for haste the end) to the cue that "
        "answers it, computing included, speech not.",
        f"- **Recognition**: the answer 3 s after the first repetition leaves the start position. "
        f"{paper()}",
        "",
    ]


def _cues(result: dict[str, Any]) -> list[str]:
    return [
        f"Half of the cues should come within {CUE_MEDIAN_S:g} s, 95 % within {CUE_P95_S:g} s; "
        "what lies farther out is counted in the last bar. "
        "Not among them are faults that began while the four seconds after another cue still ran, "
        f"which no cue may break ({result['faults_that_waited']}), and those that no cue answers, "
        "be it that they were not found or that another one went before "
        f"({result['faults_without_cue']}).",
        "",
    ]


def _recognition(result: dict[str, Any]) -> list[str]:
    motions = result["recognition_per_motion"]
    known, none = (
        {k: v for k, v in motions.items() if bool(v["recognition_sets"]) == is_exercise}
        for is_exercise in (True, False)
    )
    mistaken = Counter((m["true"], m["said"]) for m in result["recognition_mistaken"])
    return [
        "The motions that are none of the exercises are of "
        f"{len(none)} kinds that neither training nor the choice of any limit has seen.",
        "",
        *table(
            ["exercise", "sets", "right after 3 s", "right at the end of repetitions",
             "time to the right answer, median"],
            [
                [name, str(m["recognition_sets"]),
                 number(m["recognition_accuracy"], 0, percent=True),
                 number(m["recognition_accuracy_at_repetition_ends"], 0, percent=True),
                 number(m["recognition_after_median_s"], 1, "s")]
                for name, m in known.items()
            ],
        ),
        *table(
            ["other motion", "sets", "no exercise said after 3 s", '"none of these" said',
             "no exercise said at any time"],
            [
                [name, str(m["none_sets"]), number(m["none_rejected_share"], 0, percent=True),
                 number(m["none_said_share"], 0, percent=True),
                 number(m["none_never_claimed_share"], 0, percent=True)]
                for name, m in none.items()
            ],
        ),
        "What was said instead, 3 s after the start:",
        "",
        *table(
            ["true", "said", "sets"],
            [[true, said, str(n)] for (true, said), n in sorted(mistaken.items())],
        ),
    ]  # fmt: skip


def _matching(result: dict[str, Any]) -> list[str]:
    lines = [
        "How well a distance ranks repetitions by their true severity: Spearman's correlation, "
        "mean over the exercises, 95 % intervals from drawing people anew 1,000 times. "
        "Repetitions are cut where they truly begin and end. `dtw_...` are dynamic time warping "
        "with different columns ([matching](../matching.md)).",
        "",
    ]
    for name, text in _REFERENCES.items():
        found = result["matching"][name]
        lines += [f"Against {text}, {found['repetitions']} repetitions:", ""]
        if found["spearman"] is None:
            lines += ["Too few repetitions to rank.", ""]
            continue
        low, high = (number(v, 2) for v in found["better_than_dtw_interval"])
        lines += table(
            ["distance", "Spearman", *found["per_exercise"]],
            [
                [m, f"{number(found['spearman'][m], 2)} [{_range(found, m)}]",
                 *(number(e[m], 2) for e in found["per_exercise"].values())]
                for m in METHODS
            ],
        )  # fmt: skip
        lines += [
            f"The embedding's less that of {found['best_baseline']}, the best of the others: "
            f"{number(found['better_than_dtw'], 2)} [{low}, {high}].",
            "",
        ]
    return lines


def _range(found: dict[str, Any], method: str) -> str:
    return ", ".join(number(v, 2) for v in found["spearman_interval"][method])


def _left_out(result: dict[str, Any]) -> list[str]:
    without = ", ".join(result["faults_without_rule"]) or "none"
    undefined = ", ".join(result["no_definition"]) or "none"
    return [
        f"- {result['repetitions_borderline']} repetitions that go just about as far as counts: "
        "counting them is right, and so is not counting them.",
        f"- {result['repetitions_missed']} true repetitions that no found one overlaps: their "
        "boundaries and scores are in no figure, their faults are missed.",
        f"- Faults that were put in and that the exercise's file has no rule for, and so always "
        f"missed: {without}.",
        f"- Exercises that can be drawn and have no file: {undefined}.",
        "- Surface EMG, speech, and other people's skeletons.",
        "",
    ]


def _plot_faults(path: Path, result: dict[str, Any]) -> None:
    there = {
        f"{name.replace('_', ' ')} ({f['repetitions']})": f["f1"]
        for name, f in result["per_fault"].items()
        if f["f1"] is not None
    }
    drawn, (axis,) = plots.figure(1, 1, 8.0, 1.0 + 0.26 * max(len(there), 3))
    values = np.array(list(there.values()), float)
    plots.ranked(axis, list(there), values, LEAST_F1, "F1 (in brackets: repetitions that have it)")
    plots.save(drawn, path)


def _plot_scores(path: Path, records: Sequence[SetRecord]) -> None:
    exercises = {
        name: [records[k] for k in members]
        for name, members in groups(r.info.exercise for r in records).items()
    }
    columns = min(_COLUMNS, len(exercises))
    rows = math.ceil(len(exercises) / columns)
    drawn, axes = plots.figure(rows, columns, 2.4 * columns + 0.4, 2.4 * rows + 0.4)
    most = max(float(scored(some)[1].max(initial=_LEAST_POINTS)) for some in exercises.values())
    for axis, (name, some) in zip(axes, exercises.items(), strict=False):
        plots.dots(axis, name.replace("_", " "), *scored(some), rank_correlation(some))
        axis.set(xlim=(-0.05, 1.05), ylim=(-0.05 * most, 1.05 * most))
    for axis in axes[len(exercises) :]:
        axis.set_visible(False)
    drawn.supxlabel("true severity of the faults (0: none, 1: full)", fontsize=10)
    drawn.supylabel("points lost", fontsize=10)
    plots.save(drawn, path)


def _plot_cues(path: Path, records: Sequence[SetRecord]) -> None:
    drawn, (axis,) = plots.figure(1, 1, 8.0, 3.2)
    plots.histogram(
        axis, {"cues": np.array(answers(records).delays_s)},
        {f"median asked\n{CUE_MEDIAN_S:g} s": CUE_MEDIAN_S,
         f"95 % asked\n{CUE_P95_S:g} s": CUE_P95_S},
        ends=_CUE_ENDS_S, unit="from fault to cue [s]", of="cues",
    )  # fmt: skip
    plots.save(drawn, path)


def _plot_boundaries(path: Path, records: Sequence[SetRecord]) -> None:
    drawn, (axis,) = plots.figure(1, 1, 8.0, 3.2)
    errors_s = boundary_errors_s(records)
    plots.histogram(
        axis, {"start": errors_s[:, 0], "end": errors_s[:, 1]},
        {f"-{BOUNDARY_S:g} s": -BOUNDARY_S, f"{BOUNDARY_S:g} s": BOUNDARY_S},
        ends=_BOUNDARY_ENDS_S, unit="found less true [s]", of="repetitions",
    )  # fmt: skip
    plots.save(drawn, path)
