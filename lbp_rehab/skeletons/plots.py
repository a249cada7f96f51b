"""A plot of a scored recording."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lbp_rehab.quality.types import Outcome, RepetitionResult, Severity
from lbp_rehab.skeletons.score import ScoredSet
from lbp_rehab.stamps import NANOSECONDS

BLUE, VIOLET, GREY, GREEN = "#1f6fd6", "#8a3fc0", "#555555", "#2a8f4f"
UNITS = {"rad": "deg", "m": "m", "fraction": "-"}
FAULTS = {
    Severity.MILD: GREY,
    Severity.MODERATE: "#e07b00",
    Severity.SEVERE: "#c0202a",
    Severity.UNSAFE: "#7a0010",
}
ROW_INCHES = 0.22  # of a fault's line
LETTERS = {Outcome.COMPLETE: "", Outcome.PARTIAL: "partial", Outcome.ABORTED: "aborted"}


def plot(scored: ScoredSet) -> Figure:
    """Draw the primary measure over time, the repetitions and when which fault was there."""
    names = sorted({f.id for r in scored.results for f in r.faults})
    low = max(len(names), 1) * ROW_INCHES + 0.3
    figure = Figure(figsize=(11, 3.7 + low), layout="constrained")
    figure.suptitle(scored.exercise.title)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 1, height_ratios=[3.4, low])
    top = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=top)
    _measure(top, scored)
    _faults(below, scored, names)
    for axis in (top, below):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        for result in scored.results:
            axis.axvspan(*_span(result), color="k", alpha=0.06, lw=0)
    top.tick_params(labelbottom=False)
    below.set_xlabel("time [s]")
    return figure


def _span(result: RepetitionResult) -> tuple[float, float]:
    return result.start_ns / NANOSECONDS, result.end_ns / NANOSECONDS


def _measure(axis: Axes, scored: ScoredSet) -> None:
    exercise = scored.exercise
    scale = float(np.rad2deg(1.0)) if exercise.unit == "rad" else 1.0
    for (name, curve), colour in zip(scored.primary.items(), (BLUE, VIOLET), strict=False):
        value, sigma = scale * curve.value, scale * curve.sigma
        axis.fill_between(
            scored.time_s, value - sigma, value + sigma, color=colour, alpha=0.18, lw=0,
            label="1 sigma",
        )  # fmt: skip
        axis.plot(scored.time_s, value, color=colour, lw=1.3, label=name)
    for name, band, colour in (
        ("start", exercise.start, GREY), ("target", exercise.target, GREEN),
    ):  # fmt: skip
        axis.axhspan(*(scale * v for v in band), color=colour, alpha=0.10, lw=0, label=name)
    axis.set_ylabel(f"{exercise.primary} [{UNITS[exercise.unit]}]")
    for result in scored.results:
        said = f"{result.score.value:.0f}" if result.score.known else "no score"
        axis.text(
            sum(_span(result)) / 2, 1.01, f"{said} {LETTERS[result.outcome]}".strip(),
            transform=axis.get_xaxis_transform(), ha="center", weight="bold", color=GREEN,
        )  # fmt: skip
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _faults(axis: Axes, scored: ScoredSet, names: list[str]) -> None:
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_ylim(-0.7, max(len(names), 1) - 0.3)
    if not names:
        axis.text(0.5, 0.5, "no faults", transform=axis.transAxes, ha="center", color=GREY)
    for result in scored.results:
        for fault in result.faults:
            start_s, end_s = fault.start_ns / NANOSECONDS, fault.end_ns / NANOSECONDS
            axis.plot(
                [start_s, max(end_s, start_s + 0.05)], [names.index(fault.id)] * 2,
                color=FAULTS[fault.severity], lw=5, solid_capstyle="butt",
            )  # fmt: skip
    for severity, colour in FAULTS.items():
        if any(f.severity == severity for r in scored.results for f in r.faults):
            axis.plot([], [], color=colour, lw=5, label=severity.name.lower())
    if names:
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
