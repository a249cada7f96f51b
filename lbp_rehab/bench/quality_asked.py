"""What is asked of the scorer, and the table of whether it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lbp_rehab.bench.matching import OWN_BEST, THERAPIST
from lbp_rehab.bench.page import number, table
from lbp_rehab.bench.recognition import DECIDE_S, PAPER_ACCURACY

EXACT_SHARE = 0.98
BOUNDARY_S = 0.2
MACRO_F1, LEAST_F1 = 0.90, 0.80
FALSE_ALARMS = 0.05  # of a clean repetition
SPEARMAN = 0.9  # within each exercise
BETWEEN_VIEWS = 5.0  # points
RECOGNISED = 0.976
REJECTED = 0.90
CUE_MEDIAN_S, CUE_P95_S = 0.8, 1.5


@dataclass(frozen=True)
class Asked:
    """A figure and its limit.

    Attributes
    ----------
    key : str
        In the result, with a dot between the keys of groups.
    of : str
        Of how many it is, with keys of the result in braces.
    limit : float or None
        None: the figure stands beside the asked ones.
    at_most, above : bool
        Whether less is better; whether more is, and the limit itself is not enough.
    """

    name: str
    key: str
    of: str
    limit: float | None = None
    at_most: bool = False
    above: bool = False
    digits: int = 2
    unit: str = ""
    percent: bool = False

    def value(self, result: dict[str, Any]) -> float | None:
        """Return the figure; None where it is not defined."""
        found: Any = result
        for key in self.key.split("."):
            found = found.get(key)
            if found is None:
                return None
        return float(found)

    def met(self, result: dict[str, Any]) -> bool | None:
        """Return whether the limit is kept; None without a limit or a figure."""
        value = self.value(result)
        if value is None or self.limit is None:
            return None
        if self.at_most:
            return value <= self.limit
        return value > self.limit if self.above else value >= self.limit

    def row(self, result: dict[str, Any]) -> list[str]:
        """Return the figure as a row of the table."""
        asked = ""
        if self.limit is not None:
            kind = "at most" if self.at_most else "above" if self.above else "at least"
            asked = f"{kind} {number(self.limit, self.digits, self.unit, self.percent)}"
        reached = {True: "yes", False: "**no**", None: ""}[self.met(result)]
        shown = number(self.value(result), self.digits, self.unit, self.percent)
        return [self.name, shown, self.of.format_map(result), asked, reached]


ASKED: tuple[Asked, ...] = (
    Asked("sets with the exact count", "repetition_exact_share", "{sets} sets", EXACT_SHARE,
          digits=1, percent=True),
    Asked("start and end of a repetition, mean absolute error", "boundary_mae_s",
          "{repetitions_matched} repetitions", BOUNDARY_S, at_most=True, unit="s"),
    Asked("of these within 0.2 s", "boundary_within_share", "", digits=1, percent=True),
    Asked("faults, macro F1", "fault_macro_f1", "{fault_kinds} faults", MACRO_F1),
    Asked("lowest F1 of a fault", "fault_least_f1", "{fault_kinds} faults", LEAST_F1),
    Asked("false alarms a clean repetition", "false_alarms_per_clean_repetition",
          "{clean_repetitions} repetitions", FALSE_ALARMS, at_most=True),
    Asked("score against true severity, lowest Spearman of an exercise", "score_spearman_least",
          "{exercises_ranked} exercises", SPEARMAN),
    Asked("its mean over the exercises", "score_spearman", ""),
    Asked("score from two sides, median difference", "score_between_views_median",
          "{repetitions_from_two_views} repetitions", BETWEEN_VIEWS, at_most=True, digits=1,
          unit="points"),
    Asked(f"exercise recognised {DECIDE_S:.0f} s after the first movement begins",
          "recognition_accuracy", "{recognition_sets} sets", RECOGNISED, digits=1, percent=True),
    Asked("no exercise said then, of motions that are none", "none_rejected_share",
          "{none_sets} sets", REJECTED, digits=1, percent=True),
    Asked('"none of these" said then in so many words', "none_said_share", "{none_sets} sets",
          digits=1, percent=True),
    Asked("fault to cue, median", "cue_median_s", "{cues_measured} cues", CUE_MEDIAN_S,
          at_most=True, unit="s"),
    Asked("fault to cue, 95th percentile", "cue_p95_s", "{cues_measured} cues", CUE_P95_S,
          at_most=True, unit="s"),
    Asked("matching with the own best: Spearman above that of the best DTW",
          f"matching.{OWN_BEST}.better_than_dtw",
          f"{{matching[{OWN_BEST}][repetitions]}} repetitions", 0.0, above=True),
    Asked("matching with the demonstration: Spearman above that of the best DTW",
          f"matching.{THERAPIST}.better_than_dtw",
          f"{{matching[{THERAPIST}][repetitions]}} repetitions", 0.0, above=True),
)  # fmt: skip


def asked_table(result: dict[str, Any]) -> list[str]:
    """Return the table of the headline."""
    return table(["", "ours", "of", "asked", "reached"], [a.row(result) for a in ASKED])


def paper() -> str:
    """Return how the paper's accuracy of recognition compares."""
    return (
        f"MPL-CNN's {100.0 * PAPER_ACCURACY:.2f} % (2024) was on other exercises, real people and "
        "other data; the two cannot be compared."
    )
