"""A page over many replays: what changed where, and how the patients went on."""

from __future__ import annotations

import base64
import html
import io
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lbp_rehab.errors import InputError
from lbp_rehab.replay.jobs import Outcome
from lbp_rehab.report.page import STYLE
from lbp_rehab.stamps import NANOSECONDS

SENTENCES = 3  # of a recording
Scores = tuple[float, float, float]  # lowest, mean, highest


def write_summary(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        HTML file; the recordings' own pages are beside it.
    outcomes : sequence of Outcome

    Raises
    ------
    InputError
        If it cannot be written.
    """
    wrong = [o for o in outcomes if not o.passed]
    compared = sum(o.comparison is not None for o in outcomes)
    verdict = f"{len(wrong)} of {len(outcomes)} recordings changed or failed"
    if not wrong:
        verdict = f"{len(outcomes)} recordings" + (", all as before" if compared else " replayed")
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>lbp_rehab replays</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style>",
        f"<h1>{verdict}</h1>",
        _table(sorted(outcomes, key=_worst_first), path.parent),
        _trends(outcomes),
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror}") from None


def _worst_first(outcome: Outcome) -> tuple[bool, int, str]:
    comparison = outcome.comparison
    wrong = sum(not t.passed for t in comparison.topics) if comparison else 0
    return not outcome.error, -wrong, outcome.job.name


def _table(outcomes: Sequence[Outcome], folder: Path) -> str:
    rows = []
    for outcome in outcomes:
        name = html.escape(outcome.job.name)
        page = outcome.job.page
        if page is not None and page.is_file():
            name = f"<a href='{html.escape(page.name)}'>{name}</a>"
        if outcome.replayed is None:
            rows.append(f"<tr><td>{name}<td colspan=5>{html.escape(outcome.error)}")
            continue
        figures = outcome.figures()
        scores = [r.score for r in outcome.repetitions if r.score is not None]
        rows.append(
            f"<tr><td>{name}<td class=n>{figures['recording_s']:.0f}"
            f"<td class=n>{figures['realtime_factor']}<td class=n>{len(outcome.repetitions)}"
            f"<td class=n>{f'{np.mean(scores):.0f}' if scores else ''}<td>{_changed(outcome)}"
        )
    return (
        "<table><tr><th>recording<th class=n>[s]<th class=n>times real time"
        "<th class=n>repetitions<th class=n>mean score<th>against the golden recording"
        + "".join(rows)
        + "</table>"
    )


def _changed(outcome: Outcome) -> str:
    comparison = outcome.comparison
    if comparison is None:
        return ""
    if comparison.passed:
        return "as before"
    wrong = sum(not t.passed for t in comparison.topics)
    topics = f"{wrong} topic{'s' if wrong > 1 else ''}"
    lines = [f"{topics}, first {comparison.origin}", *comparison.sentences[:SENTENCES]]
    return "<br>".join(html.escape(line) for line in lines)


def _trends(outcomes: Sequence[Outcome]) -> str:
    """Scores over the recordings' dates: a panel for each person and exercise."""
    points: dict[tuple[str, str], list[tuple[int, Scores, float]]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.replayed is None:
            continue
        for exercise in sorted({r.exercise for r in outcome.repetitions}):
            of_it = [r for r in outcome.repetitions if r.exercise == exercise]
            scores = [r.score for r in of_it if r.score is not None]
            if scores:
                faults = sum(len(r.faults) for r in of_it) / len(of_it)
                points[outcome.person, exercise].append(
                    (
                        outcome.replayed.start_ns,
                        (min(scores), float(np.mean(scores)), max(scores)),
                        faults,
                    )
                )
    if not points:
        return ""
    rows = math.ceil(len(points) / 2)
    figure = Figure(figsize=(10, 2.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 2, squeeze=False)
    for axis, ((person, exercise), found) in zip(axes.flat, sorted(points.items()), strict=False):
        found.sort()
        place = np.arange(len(found))
        lowest, means, highest = np.array([p[1] for p in found]).T
        spans = means - lowest, highest - means
        axis.errorbar(place, means, spans, color="#1f6fd6", marker="o", capsize=3)
        for k, point in enumerate(found):
            text = f"{point[2]:.1f}"
            axis.annotate(text, (k, means[k]), xytext=(4, 4), textcoords="offset points", size=7)
        axis.set_xticks(place, [_date(p[0]) for p in found], fontsize=7)
        axis.set_ylim(0, 105)
        who = f"{person}: " if person else ""
        axis.set_title(f"{who}{exercise.replace('_', ' ')}", loc="left", fontsize=9)
        axis.grid(alpha=0.25)
    for axis in list(axes.flat)[len(points) :]:
        axis.set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100, format="png")
    picture = base64.b64encode(buffer.getvalue()).decode()
    return (
        f"<h2>Trends</h2><img alt='scores over recordings' src='data:image/png;base64,{picture}'>"
        "<p class=note>Mean score of each recording's repetitions, bars from the lowest to the "
        "highest; beside it the faults in a repetition.</p>"
    )


def _date(start_ns: int) -> str:
    when = datetime.fromtimestamp(start_ns / NANOSECONDS, timezone.utc)
    return when.strftime("%Y-%m-%d\n%H:%M")
