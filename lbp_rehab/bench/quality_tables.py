"""The tables of the page ``quality.md``: by exercise and by fault, and what is below the limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lbp_rehab.bench.figures import Summary
from lbp_rehab.bench.page import number, table
from lbp_rehab.bench.quality_asked import (
    BETWEEN_VIEWS,
    BOUNDARY_S,
    EXACT_SHARE,
    FALSE_ALARMS,
    LEAST_F1,
    SPEARMAN,
)
from lbp_rehab.bench.quality_faults import SetRecord

_MOST_SETS = 12  # of those with a wrong count


def by_exercise(result: dict[str, Any]) -> list[str]:
    """Return the table of the exercises."""
    head = ["exercise", "sets", "exact count", "repetitions", "missed", "made up",
            "boundaries [s]", "macro F1", "false alarms a clean repetition", "Spearman",
            "two sides [points]", "cue, median [s]"]  # fmt: skip
    rows = [
        [
            name, str(e["sets"]), number(e["repetition_exact_share"], 0, percent=True),
            str(e["repetitions"]), str(e["repetitions_missed"]), str(e["made_up_repetitions"]),
            number(e["boundary_mae_s"], 2), number(e["fault_macro_f1"], 2),
            number(e["false_alarms_per_clean_repetition"], 2), number(e["score_spearman"], 2),
            number(e["score_between_views_median"]), number(e["cue_median_s"], 2),
        ]
        for name, e in result["per_exercise"].items()
    ]  # fmt: skip
    return table(head, rows)


def by_fault(result: dict[str, Any]) -> list[str]:
    """Return the table of the faults over all exercises."""
    return table(["fault", *_FAULT_HEAD], [[n, *_fault(f)] for n, f in result["per_fault"].items()])


def by_fault_of_exercise(result: dict[str, Any]) -> list[str]:
    """Return the table of the faults of each exercise."""
    rows = [
        [name, fault, *_fault(f)]
        for name, e in result["per_exercise"].items()
        for fault, f in e["per_fault"].items()
    ]
    return table(["exercise", "fault", *_FAULT_HEAD], rows)


_FAULT_HEAD = ("repetitions", "precision", "recall", "F1", "severity off by [levels]")


def _fault(figures: Summary) -> list[str]:
    return [
        str(figures["repetitions"]),
        *(number(figures[key], 2) for key in ("precision", "recall", "f1", "severity_mae_levels")),
    ]


# What is asked of each exercise: name, figure, limit, whether less is better, decimals.
_OF_EXERCISE = (
    ("exact count", "repetition_exact_share", EXACT_SHARE, False, 2),
    ("boundaries [s]", "boundary_mae_s", BOUNDARY_S, True, 2),
    ("false alarms a clean repetition", "false_alarms_per_clean_repetition", FALSE_ALARMS, True, 2),
    ("Spearman", "score_spearman", SPEARMAN, False, 3),
    ("two sides [points]", "score_between_views_median", BETWEEN_VIEWS, True, 1),
)


def missed_exercises(result: dict[str, Any]) -> list[str]:
    """Return the table of the exercises with a figure beyond its limit."""
    rows = [
        [name, what, number(e[key], digits), number(limit, digits), str(e["sets"])]
        for name, e in result["per_exercise"].items()
        for what, key, limit, at_most, digits in _OF_EXERCISE
        if e[key] is not None and (e[key] > limit if at_most else e[key] < limit)
    ]
    if not rows:
        return ["No exercise is beyond a limit.", ""]
    return table(["exercise", "figure", "is", "asked", "sets"], rows)


def missed_faults(result: dict[str, Any]) -> list[str]:
    """Return the table of the faults of an exercise whose F1 is too low, the lowest first."""
    low = sorted(
        (f["f1"], name, fault, f)
        for name, e in result["per_exercise"].items()
        for fault, f in e["per_fault"].items()
        if f["f1"] is not None and f["f1"] < LEAST_F1
    )
    if not low:
        return [f"No fault of an exercise has an F1 below {LEAST_F1:g}.", ""]
    rows = [[name, fault, *_fault(f)] for _, name, fault, f in low]
    return table(["exercise", "fault", *_FAULT_HEAD], rows)


def wrong_counts(records: Sequence[SetRecord]) -> list[str]:
    """Return the table of the sets whose count is wrong, the farthest off first."""
    wrong = sorted(
        (r for r in records if not r.exact),
        key=lambda r: (-abs(r.counted - r.to_count), r.info.name),
    )
    if not wrong:
        return ["Every set has the exact count.", ""]
    rows = [
        [f"`{r.info.name}`", r.info.view, r.info.person, str(r.to_count), str(r.counted)]
        for r in wrong[:_MOST_SETS]
    ]
    return [
        f"{len(wrong)} sets with a wrong count"
        + (f", the {_MOST_SETS} worst:" if len(wrong) > _MOST_SETS else ":"),
        "",
        *table(["set", "view", "person", "to count", "counted"], rows),
    ]
