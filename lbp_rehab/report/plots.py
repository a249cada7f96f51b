"""The figures of a page."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lbp_rehab.report.load import Series, Session

mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
BLUE, ORANGE, GREY, GREEN = "#1f6fd6", "#e07b00", "#555555", "#2a8f4f"
SEVERITY = {0: GREEN, 1: GREY, 2: ORANGE, 3: "#c0202a"}


def timeline(session: Session) -> Figure:
    """Draw the pelvis, the movement, the muscles and the cues over one time axis."""
    rows = 2 + bool(session.progress) + bool(session.activation)
    figure = Figure(figsize=(11, 2.3 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    relative = session.pelvis.get("tilt_relative")
    suffix = "_relative" if relative is not None and np.isfinite(relative.value).any() else ""
    where = "to neutral" if suffix else "to gravity"
    _angle(axes[0], session, f"tilt{suffix}", BLUE, f"pelvic tilt {where} [deg]\nanterior +")
    _angle(axes[1], session, "obliquity", ORANGE, "obliquity to gravity [deg]\nright up +")
    place = 2
    if session.progress:
        _progress(axes[place], session)
        place += 1
    if session.activation:
        _muscles(axes[place], session)
    axes[-1].set_xlabel("time [s]")
    for axis in axes:
        _shade_repetitions(axis, session)
        axis.grid(alpha=0.25)
    return figure


def _angle(axis: Axes, session: Session, name: str, colour: str, label: str) -> None:
    series = session.pelvis.get(name)
    if series is not None:
        value, sigma = np.rad2deg(series.value), np.rad2deg(series.sigma)
        axis.fill_between(
            series.t, value - sigma, value + sigma, color=colour, alpha=0.18, lw=0, label="1 sigma"
        )
        axis.plot(series.t, value, color=colour, lw=1.4, label="measured")
    truth = session.truth.get(name)
    if truth is not None and np.isfinite(truth.value).any():
        axis.plot(truth.t, np.rad2deg(truth.value), color="k", lw=0.9, ls="--", label="truth")
    axis.set_ylabel(label)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper right", ncols=3, frameon=False)


def _progress(axis: Axes, session: Session) -> None:
    series: Series = session.progress  # type: ignore[assignment]
    axis.plot(series.t, series.value, color=GREEN, lw=1.4)
    axis.set_ylabel("movement [0 rest, 1 target]")
    top = 1.3
    axis.set_ylim(-0.15, top + 0.12)
    for repetition in session.repetitions:
        middle = session.seconds(repetition.target)
        text = f"{repetition.score.value:.0f}" if repetition.score.status else "unknown"
        axis.text(middle, 1.08, text, ha="center", weight="bold", color=GREEN)
    for cue in session.cues:
        t = session.seconds(cue.header.stamp)
        axis.plot([t], [top], "v", color=SEVERITY.get(cue.severity, GREY), ms=5)


def _muscles(axis: Axes, session: Session) -> None:
    step = 1.0
    scale = max(
        (float(np.nanmax(s.value)) for s in session.activation.values()
         if np.isfinite(s.value).any()), default=1.0,
    )  # fmt: skip
    labels = list(session.activation)
    for k, label in enumerate(reversed(labels)):
        series = session.activation[label]
        axis.fill_between(
            series.t, k, k + series.value / max(scale, 1e-12) * step * 0.95, color=BLUE, lw=0,
            alpha=0.75,
        )  # fmt: skip
    axis.set_yticks(np.arange(len(labels)) + 0.2, list(reversed(labels)), fontsize=7)
    axis.set_ylabel(f"sEMG, full row = {scale:.2g}\n{session.activation_unit}")


def _shade_repetitions(axis: Axes, session: Session) -> None:
    for repetition in session.repetitions:
        axis.axvspan(
            session.seconds(repetition.start), session.seconds(repetition.end), color="k",
            alpha=0.05, lw=0,
        )  # fmt: skip
