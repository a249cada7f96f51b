"""What a page of a comparison shows: courses old against new, and frames with both skeletons."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lbp_rehab.bags import BagReader
from lbp_rehab.compare.comparison import Aligned, Column, Comparison
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.compare.fields import constant
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.convert import from_body_pose
from lbp_rehab.pose.overlay import draw
from lbp_rehab.report.frames import colour_images, colour_topic
from lbp_rehab.stamps import to_ns

GOLDEN, CHANGED, RED = "#8a8a8a", "#1f6fd6", "#c0202a"
GOLDEN_RGB = (200, 200, 200)
COURSE = 3  # messages; fewer are read in the table


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100, format="png")
    return buffer.getvalue()


def courses(aligned: Aligned, paths: Sequence[str], whole: Comparison) -> Figure | None:
    """Draw fields over time, golden against new, with what is missing or too much.

    None if no field is a number, or if there are too few messages for a course.
    """
    columns = {
        path: column
        for path, column in aligned.columns(paths).items()
        if (np.isfinite(column.golden) | np.isfinite(column.new)).sum() >= COURSE
    }
    if not columns:
        return None
    figure = Figure(figsize=(10, 2.4 * len(columns)), layout="constrained")
    FigureCanvasAgg(figure)
    with mpl.rc_context({"font.size": 8}):
        axes = figure.subplots(
            2 * len(columns), 1, sharex=True, height_ratios=[2, 1] * len(columns)
        )
        for k, (path, column) in enumerate(columns.items()):
            _course(axes[2 * k], axes[2 * k + 1], path, column, whole)
        above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.0}
        axes[0].legend(ncols=2, frameon=False, **above)
        axes[-1].set_xlabel("time [s]")
        _strays(axes[-1], aligned, whole)
    return figure


def _course(axis: Axes, below: Axes, path: str, column: Column, whole: Comparison) -> None:
    t = (column.stamps_ns - whole.start_ns) / 1e9
    marker = "o" if len(t) < 40 else ""
    axis.plot(t, column.golden, color=GOLDEN, lw=3, marker=marker, ms=6, label="golden")
    axis.plot(t, column.new, color=CHANGED, lw=1.2, marker=marker, ms=3, label="new")
    axis.set_title(path, loc="left", fontsize=8)
    apart = column.new - column.golden
    below.fill_between(t, 0, apart, color=RED, alpha=0.5, lw=0, step="mid")
    below.set_ylabel("new - golden", fontsize=6)
    for each in (axis, below):
        each.grid(alpha=0.25)
        each.spines[["top", "right"]].set_visible(False)


def _strays(axis: Axes, aligned: Aligned, whole: Comparison) -> None:
    for side, marker in ((1, "v"), (0, "^")):
        stray = [p[1 - side] for p in aligned.pairs if p[side] is None]
        t = [whole.seconds(row.stamp_ns) for row in stray if row is not None]
        if t:
            label = "missing" if side == 1 else "too many"
            place = np.full(len(t), 0.03)
            axis.plot(
                t, place, marker, color=RED, ms=4, transform=axis.get_xaxis_transform(), label=label
            )
            axis.legend(loc="upper right", ncols=4, frameon=False)


def repetitions(aligned: Aligned, whole: Comparison) -> Figure | None:
    """Draw the repetitions of both recordings as bars with scores and faults; None without any."""
    both = [[], []]  # type: list[list[Any]]
    for pair in aligned.pairs:
        for side, message in enumerate(aligned.decoded(pair)):
            if message is not None:
                both[side].append(message)
    if not any(both):
        return None
    figure = Figure(figsize=(10, 2.2), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for row, (messages, colour) in enumerate(zip(both, (GOLDEN, CHANGED), strict=True)):
        for message in messages:
            _bar(axis, message, 1 - row, colour, whole)
    axis.set_yticks([1, 0], ["golden", "new"])
    axis.set_ylim(-0.6, 1.6)
    axis.set_xlabel("time [s]")
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _bar(axis: Axes, message: Any, row: int, colour: str, whole: Comparison) -> None:
    start, end = (whole.seconds(to_ns(t)) for t in (message.start, message.end))
    axis.barh(row, end - start, left=start, height=0.5, color=colour, alpha=0.35, edgecolor=colour)
    score = f"{message.score.value:.0f}" if message.score.status else "?"
    grade = constant(message, "grade", message.grade).lower().replace("_", " ")
    axis.text((start + end) / 2, row + 0.08, f"{score}\n{grade}", ha="center", va="center", size=7)
    for fault in message.faults:
        left, right = (whole.seconds(to_ns(t)) for t in (fault.start, fault.end))
        axis.plot([left, right], [row - 0.33] * 2, color=RED, lw=2, solid_capstyle="butt")


def worst_moments(whole: Comparison, most: int = 6) -> list[int]:
    """Return the stamps at which fields are furthest off, of the worst topics first."""
    found: list[int] = []
    for topic in whole.topics:
        for field in topic.fields[:2]:
            if all(abs(field.worst_ns - stamp) > 200_000_000 for stamp in found):
                found.append(field.worst_ns)
    return sorted(found[:most])


def frames(
    recordings: Sequence[BagReader], golden: BagReader, new: BagReader, stamps_ns: Collection[int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the colour frames nearest to some stamps, with the golden and the new skeleton.

    Parameters
    ----------
    recordings : sequence of BagReader
        The first that holds colour images counts; without one nothing comes.
    golden, new : BagReader
    stamps_ns : collection of int

    Yields
    ------
    int
        Stamp of the frame.
    ndarray, shape (height, width, 3)
        RGB.
    """
    poses = [_poses(bag) for bag in (golden, new)]
    known = np.array(sorted(set(poses[0]) | set(poses[1])), np.int64)
    if not len(known):
        return
    wanted = {int(known[np.argmin(np.abs(known - stamp))]) for stamp in stamps_ns}
    with_images = next((bag for bag in recordings if colour_topic(bag) is not None), None)
    if with_images is None:
        return
    for stamp_ns, image in colour_images(with_images, wanted):
        for side, colour in ((0, GOLDEN_RGB), (1, None)):
            message = poses[side].get(stamp_ns)
            with suppress(InputError):  # a pose that is wrong in itself cannot be drawn
                if message is not None:
                    image = draw(image, from_body_pose(message), colour=colour)  # noqa: PLW2901
        yield stamp_ns, image


def _poses(bag: BagReader) -> dict[int, Any]:
    topic = next((t for t in bag.topics if t.endswith("/body/pose") and "/truth/" not in t), None)
    if topic is None:
        return {}
    decoder = Decoder(bag.topics[topic])
    return {decoder.stamp_ns(m.data, m.log_time_ns): decoder(m.data) for m in bag.messages({topic})}
