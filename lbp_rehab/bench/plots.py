"""The plots of the benchmark's pages; blue and orange are told apart by every kind of sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lbp_rehab.bench.angles import Fit
from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA, chi_square_quantile

Array = NDArray[np.float64]

# Okabe and Ito's colours.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
STYLE: Any = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.alpha": 0.25,
}  # fmt: skip
DPI = 100
_MOST_DOTS = 400  # of one scatter
_BARS = 40  # of a histogram


def figure(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return an empty figure and its axes, row by row."""
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawn)
        axes = drawn.subplots(rows, columns, squeeze=False)
    return drawn, list(axes.ravel())


def save(drawn: Figure, path: Path) -> None:
    """Write a plot as a small PNG; the same plot gives the same bytes."""
    drawn.savefig(path, dpi=DPI, metadata={"Software": None})


def shares(axis: Axes, ours: Array, naive: Array, *, most: float, unit: str, of: str) -> None:
    """Draw the share whose error is at most x; an unknown one never is."""
    for error, colour, style, label in (
        (ours, BLUE, "-", "ours"), (naive, ORANGE, "--", "naive peer"),
    ):  # fmt: skip
        known = np.sort(error[np.isfinite(error)])
        if known.size:
            share = np.arange(1, known.size + 1) / error.size
            thin = np.unique(np.linspace(0, known.size - 1, 2000).astype(int))
            axis.plot(known[thin], share[thin], style, color=colour, lw=1.8, label=label)
    axis.set(xlim=(0, most), ylim=(0, 1), xlabel=f"error [{unit}]", ylabel=f"share of all {of}")
    axis.set_title("share within an error", fontsize=9)
    axis.legend(frameon=False, loc="lower right")


def spreads(axis: Axes, groups: Sequence[tuple[str, Array]], unit: str, title: str) -> None:
    """Draw the middle half and the 5th to 95th percentile of the errors of each group."""
    there = [(name, e[np.isfinite(e)]) for name, e in groups]
    for k, (_, errors) in enumerate(reversed(there)):
        if errors.size:
            low, left, middle, right, high = np.percentile(errors, [5, 25, 50, 75, 95])
            axis.plot([low, high], [k, k], color=BLUE, lw=1)
            axis.plot([left, right], [k, k], color=BLUE, lw=6, alpha=0.55, solid_capstyle="butt")
            axis.plot([middle], [k], "|", color="k", ms=9)
            axis.plot([errors.mean()], [k], "D", color=ORANGE, ms=4)
    axis.set_yticks(range(len(there)), [name for name, _ in reversed(there)])
    axis.set(xlabel=f"error [{unit}]")
    axis.set_xlim(left=0)
    axis.set_title(title, fontsize=9)


def bars(axis: Axes, names: Sequence[str], ours: Array, naive: Array, unit: str) -> None:
    """Draw two bars a name, ours and the peer's."""
    place = np.arange(len(names))
    axis.barh(place - 0.2, ours, 0.38, color=BLUE, label="ours")
    axis.barh(
        place + 0.2, naive, 0.38, color=ORANGE, hatch="///", edgecolor="w", label="naive peer"
    )
    axis.set_yticks(place, list(names))
    axis.invert_yaxis()
    axis.set_xlabel(f"mean error [{unit}]")
    axis.legend(frameon=False)


def calibration(axis: Axes, squared: Array, dof: int) -> None:
    """Draw how often the truth lies in the region that should hold it a share p of the time."""
    nominal = np.linspace(0.0, 1.0, 101)[1:-1]
    limit = np.array([chi_square_quantile(p, dof) for p in nominal])
    axis.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="honest")
    if squared.size:
        actual = np.searchsorted(np.sort(squared), limit, "right") / squared.size
        axis.plot(nominal, actual, color=BLUE, lw=1.8, label="ours")
    for share, name in ((ONE_SIGMA, "1 sigma"), (TWO_SIGMA, "2 sigma")):
        axis.axvline(share, color=GREY, lw=0.8)
        axis.text(share, 0.02, f" {name}", rotation=90, va="bottom", ha="right", fontsize=8)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="should hold the truth", ylabel="does hold it")
    axis.set_title("calibration: below the line is over-confident", fontsize=9)
    axis.legend(frameon=False, loc="upper left")


def sharpness(axis: Axes, sigma: Array, error: Array, unit: str) -> None:
    """Draw the root mean square error of the answers of like sigma against that sigma."""
    if sigma.size:
        edges = np.unique(np.percentile(sigma, np.linspace(0, 100, 13)))
        group = np.clip(np.searchsorted(edges, sigma, "right") - 1, 0, max(len(edges) - 2, 0))
        members = [group == g for g in range(len(edges) - 1 or 1)]
        x = [float(sigma[m].mean()) for m in members if m.any()]
        y = [float(np.sqrt((error[m] ** 2).mean())) for m in members if m.any()]
        axis.plot(x, y, "o-", color=BLUE, ms=4, lw=1.2)
        most = 1.1 * max(*x, *y)
        axis.plot([0, most], [0, most], color=GREY, lw=1, ls=":")
    axis.set(xlabel=f"sigma given [{unit}]", ylabel=f"error found, RMS [{unit}]")
    axis.set_title("does a larger sigma mean a larger error?", fontsize=9)


def ranked(axis: Axes, names: Sequence[str], values: Array, limit: float, unit: str) -> None:
    """Draw a bar a name, the largest at the top; what is below the limit is orange and hatched."""
    order = np.argsort(values, kind="stable")
    for place, k in enumerate(order):
        low = values[k] < limit
        axis.barh(
            place, values[k], 0.7, color=ORANGE if low else BLUE, hatch="///" if low else None,
            edgecolor="w",
        )  # fmt: skip
        text = axis.text(
            values[k] + 0.01, place, f"{values[k]:.2f}", va="center", fontsize=9, zorder=3
        )
        text.set_bbox({"facecolor": "w", "edgecolor": "none", "pad": 0.5})
    axis.set_yticks(range(len(values)), [names[k] for k in order])
    axis.axvline(limit, color="k", lw=1, ls="--")
    axis.set(xlim=(0, 1.08), ylim=(-0.6, len(values) - 0.4), xlabel=unit)
    axis.grid(visible=False, axis="y")


def histogram(
    axis: Axes, values: Mapping[str, Array], limits: Mapping[str, float], *,
    ends: tuple[float, float], unit: str, of: str,
) -> None:  # fmt: skip
    """Draw how often each value comes up, and dashed lines at named limits.

    What lies beyond an end is counted in the last bar there.
    """
    edges = np.linspace(*ends, _BARS + 1)
    within = [np.clip(v, edges[0], edges[-1]) for v in values.values()]
    axis.hist(within, edges.tolist(), color=[BLUE, ORANGE][: len(within)], label=list(values))
    for name, limit in limits.items():
        axis.axvline(limit, color="k", lw=1, ls="--")
        # In the axis's height, above the bars.
        axis.text(
            limit, 1.0, name, ha="center", va="bottom", fontsize=9,
            transform=axis.get_xaxis_transform(),
        )  # fmt: skip
    axis.set(xlim=ends, xlabel=unit, ylabel=of)
    if len(within) > 1:
        axis.legend(frameon=False)


def dots(axis: Axes, name: str, x: Array, y: Array, correlation: float | None) -> None:
    """Draw one value against another, with the rank correlation in the title."""
    axis.plot(x, y, "o", color=BLUE, ms=4, alpha=0.55, mew=0)
    said = "no rank correlation" if correlation is None else f"Spearman {correlation:.2f}"
    axis.set_title(f"{name}\n{said}, n = {len(x)}", fontsize=9)


def follows(axis: Axes, name: str, ours: tuple[Array, Array], naive: tuple[Array, Array],
            fit: Fit) -> None:  # fmt: skip
    """Draw estimate against truth of one exercise in degrees, with the line of equality."""
    shown = [np.array([-5.0, 5.0])]
    for (value, truth), colour, marker, label in (
        (naive, ORANGE, "x", "naive peer"), (ours, BLUE, ".", "ours"),
    ):  # fmt: skip
        thin = np.unique(np.linspace(0, len(value) - 1, min(len(value), _MOST_DOTS)).astype(int))
        x, y = np.rad2deg(truth[thin]), np.rad2deg(value[thin])
        axis.plot(x, y, marker, color=colour, ms=3, alpha=0.5, mew=0.7, label=label)
        # The peer's outliers may lie outside: they would squeeze everything else.
        shown += [x, y] if colour == BLUE else [x]
    low, high = (float(f(np.concatenate(shown))) for f in (np.min, np.max))
    ends = (low - 0.05 * (high - low), high + 0.05 * (high - low))
    axis.plot(ends, ends, color=GREY, lw=1, ls=":")
    axis.set(xlim=ends, ylim=ends)
    slope = "no slope" if fit.slope is None else f"slope {fit.slope:.2f}, r {fit.correlation:.2f}"
    axis.set_title(f"{name}\n{slope}", fontsize=8)
