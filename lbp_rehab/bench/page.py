"""Parts of the benchmark's pages: tables in Markdown, the command, the sheet of worst frames."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.figures import BY, FAULTS
from lbp_rehab.bench.records import CaseInfo, Worst
from lbp_rehab.estimate import Status
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.overlay import write as write_text
from lbp_rehab.pose.skeleton import DRAWN, INDEX
from lbp_rehab.pose.types import BodyPose

Image = NDArray[np.uint8]

WORST = 10
SHEET_BYTES = 400_000
COLUMNS = 2
CELL = (320, 240)  # of a picture
SMALL = (160, 120)  # of the view from the side, and of the depth under it
CAPTION = 40
MARGIN = 0.15  # of the box, around the person
SIDE_MARGIN_M, SIDE_LEAST_M = 0.1, 0.8
LEAST_SIGHT = 0.2  # horizontal part of the line of sight; a camera overhead has none
DEPTH_PERCENT = (2.0, 98.0)  # of the depths in sight, from the first colour to the last
AXIS_M = 0.2
# RGB. Truth and estimate differ in brightness and in dots too, for eyes that take red for green.
TRUE_COLOUR, ESTIMATE_COLOUR = (110, 240, 110), (200, 0, 40)
INTERVALS = "In brackets: 95 % confidence intervals, from drawing whole clips anew 1,000 times, of"
LEGEND = (
    "Green is the truth, red with dots the estimate. Beside each picture the same from the side, "
    "a lying body in its length, with the support in grey; under it the depth image, near in "
    "yellow, far in blue, holes in black."
)
DARK, GREY = (24, 24, 24), (150, 150, 150)


def number(value: Any, digits: int = 1, unit: str = "", percent: bool = False) -> str:
    """Return a figure as it stands in a table; a dash where it is not defined."""
    if value is None:
        return "\u2013"
    if percent:
        return f"{100.0 * value:.{digits}f} %"
    near = round(value, digits) + 0.0  # no minus before a zero
    return f"{near:.{digits}f}{' ' + unit if unit else ''}"


def ranged(
    result: dict[str, Any], key: str, digits: int = 1, unit: str = "", percent: bool = False
) -> str:
    """Return a figure with its 95 % confidence interval, if there is one, in brackets."""
    text = number(result[key], digits, unit, percent)
    interval = result.get(f"{key}_ci95")
    if interval is None:
        return text
    factor = 100.0 if percent else 1.0
    low, high = (number(factor * end, digits) for end in interval)
    return f"{text} [{low}, {high}]"


def sentence(text: str, value: float | None) -> list[str]:
    """Return a sentence with a share in place of ``{}``; nothing where the share is not defined."""
    return [] if value is None else [text.format(number(value, 0, percent=True))]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown, first column left, the others right."""
    line = "|---|" + "---:|" * (len(head) - 1)
    return [_row(head), line, *(_row(row) for row in rows), ""]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def command(kind: str, arguments: argparse.Namespace) -> list[str]:
    """Return the command that makes the page, as a block."""
    return [
        "```",
        f"lbp-rehab bench {kind} --seed {arguments.seed} --frames {arguments.frames} "
        f"--jobs {arguments.jobs} --page {arguments.page}",
        "```",
        "",
    ]


def machine() -> str:
    """Return on what the times were measured."""
    return (
        f"{os.cpu_count()} {platform.machine()} cores, no GPU, "
        f"Python {platform.python_version()}, one thread an estimator"
    )


def write_page(path: Path, lines: Sequence[str]) -> None:
    """Write a page, each line as it is."""
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def ten_worst(
    found: Sequence[tuple[CaseInfo, Worst | None]],
) -> list[tuple[CaseInfo, Worst]]:
    """Return the worst frames of different cases, largest error first."""
    there = [(info, worst) for info, worst in found if worst is not None]
    return sorted(there, key=lambda pair: (-pair[1].error, pair[0].name))[:WORST]


def group_tables(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the groups of a result by the name of what they share."""
    found = [(key, result[f"per_{key}"]) for key in BY if f"per_{key}" in result]
    faults = {k.replace("_", " "): result[k] for k in FAULTS if k in result}
    return [*found, ("fault", faults)]


def worst_table(chosen: Sequence[tuple[CaseInfo, Worst]], unit: str, digits: int) -> list[str]:
    """Return the captions of the sheet as a table."""
    return table(
        ["", "case", "frame", "exercise", "view", "condition", "error"],
        [
            [
                str(k + 1), f"`{info.name}`", str(worst.index), info.exercise, info.view,
                info.condition, number(worst.error, digits, unit),
            ]
            for k, (info, worst) in enumerate(chosen)
        ],
    )  # fmt: skip


def contact_sheet(
    chosen: Sequence[tuple[CaseInfo, Worst]], unit: str, digits: int, pelvis: bool
) -> bytes:
    """Return the frames side by side as one JPEG of at most `SHEET_BYTES`.

    Parameters
    ----------
    pelvis : bool
        Draw the axes of the pelvis (anterior and cranial) into the skeletons.
    """
    cells = [
        _cell(k + 1, info, worst, f"{number(worst.error, digits, unit)}", pelvis)
        for k, (info, worst) in enumerate(chosen)
    ]
    while len(cells) % COLUMNS:
        cells.append(np.full_like(cells[0], 255))
    rows = [np.hstack(cells[k : k + COLUMNS]) for k in range(0, len(cells), COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    encoded = b""
    for quality in range(85, 10, -5):
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        encoded = cv2.imencode(".jpg", sheet, options)[1].tobytes()
        if len(encoded) <= SHEET_BYTES:
            break
    return encoded


def _cell(place: int, info: CaseInfo, worst: Worst, error: str, pelvis: bool) -> Image:
    """Return one picture with its view from the side and two lines of text."""
    to_cell = _crop(worst)
    cut = cv2.warpAffine(worst.frame.color, to_cell, CELL, flags=cv2.INTER_AREA)
    picture: Image = np.asarray(cut, np.uint8)
    side = np.full((SMALL[1], SMALL[0], 3), 255, np.uint8)
    camera = worst.frame.intrinsics
    pairs = (
        (_lines(worst.true_pose, worst.true_pelvis if pelvis else None), TRUE_COLOUR),
        (_lines(worst.pose, worst.pelvis if pelvis else None), ESTIMATE_COLOUR),
    )
    view = SideView(worst.true_pose, np.concatenate([lines for lines, _ in pairs]))
    if view.ground is not None:
        cv2.line(side, (0, view.ground), (SMALL[0], view.ground), GREY, 1)
    for lines, colour in pairs:
        pixel = camera.project(lines.reshape(-1, 3)) @ to_cell[:, :2].T + to_cell[:, 2]
        _draw(picture, pixel.reshape(-1, 2, 2), colour)
        _draw(side, view.pixel(lines), colour)
    write_text(side, "from the side", (4, SMALL[1] - 6), 0.35)
    small = np.vstack([side, _depth(worst, to_cell)])
    caption = np.full((CAPTION, CELL[0] + SMALL[0], 3), 255, np.uint8)
    text = (
        f"{place}. {error}: {info.name}, frame {worst.index}",
        f"{info.exercise}, {info.view}, {info.condition}",
    )
    for row, line in enumerate(text):
        cv2.putText(
            caption, line, (4, 15 + 17 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, DARK, 1, cv2.LINE_AA
        )
    cell = np.vstack([np.hstack([picture, small]), caption])
    cv2.rectangle(cell, (0, 0), (cell.shape[1] - 1, cell.shape[0] - 1), (200, 200, 200), 1)
    return np.asarray(cell, np.uint8)


def _depth(worst: Worst, to_cell: NDArray[np.float64]) -> Image:
    """Return the depth of the picture in small, near in yellow, far in blue, holes black."""
    out = np.zeros((SMALL[1], SMALL[0], 3), np.uint8)
    if worst.frame.depth is not None:
        scale = SMALL[0] / CELL[0]
        # A mean of depths of two things, or of a depth and a hole, is the depth of nothing.
        depth = cv2.warpAffine(worst.frame.depth, scale * to_cell, SMALL, flags=cv2.INTER_NEAREST)
        read = depth > 0
        if read.any():
            near, far = np.percentile(depth[read], DEPTH_PERCENT)
            share = np.clip((far - depth) / max(far - near, 1.0), 0.0, 1.0)
            grey = np.round(255.0 * share).astype(np.uint8)
            colours = cv2.applyColorMap(grey, cv2.COLORMAP_CIVIDIS)[..., ::-1]
            out[read] = colours[read]
    write_text(out, "depth", (4, SMALL[1] - 6), 0.35)
    return out


class SideView:
    """Looks at a body from the side: at a lying one along its shortest horizontal axis.

    At an upright one it looks across the camera's line of sight, the camera at the left.

    Parameters
    ----------
    true : BodyPose
        Gravity and the support are its own.
    lines : ndarray, shape (n, 2, 3)
        Everything that must find room.

    Attributes
    ----------
    ground : int or None
        Row of the support's line; None where the support is unknown.
    """

    def __init__(self, true: BodyPose, lines: NDArray[np.float64]) -> None:
        support = true.support
        up = np.array([0.0, -1.0, 0.0]) if support is None else support.up
        flat = true.position - np.outer(true.position @ up, up)
        spread = np.cov((flat - flat.mean(axis=0)).T)
        # The largest spread is horizontal: along the vertical there is none left.
        along = np.linalg.eigh(spread)[1][:, 2]
        sight = np.array([0.0, 0.0, 1.0]) - up[2] * up
        upright = np.ptp(true.position @ up) > np.ptp(true.position @ along)
        if upright and np.linalg.norm(sight) > LEAST_SIGHT:
            along = sight / np.linalg.norm(sight)
        if along[2] < 0:
            along = -along  # what is far from the camera is at the right
        self._axes = np.stack([along, -up])
        points = lines.reshape(-1, 3) @ self._axes.T
        low, high = points.min(axis=0), points.max(axis=0)
        level = None
        if support is not None and support.height.known:
            level = support.height.value  # downwards from the camera
            low[1], high[1] = min(low[1], level), max(high[1], level)
        span = high - low + 2.0 * SIDE_MARGIN_M
        room = np.array(SMALL, float)
        self._scale = float(min((room / span).min(), room[0] / SIDE_LEAST_M))
        self._shift = room / 2.0 - self._scale * (low + high) / 2.0
        self.ground = None if level is None else round(self._scale * level + self._shift[1])

    def pixel(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points, shape (..., 3), are in the view, shape (..., 2)."""
        return np.asarray(points @ self._axes.T * self._scale + self._shift)


def _lines(pose: BodyPose, state: PelvisState | None) -> NDArray[np.float64]:
    """Return the bones in front of the camera, and the pelvis's axes, shape (n, 2, 3)."""
    there = (pose.status != Status.UNKNOWN) & (pose.position[:, 2] > 0.05)
    ends = [
        pose.position[[i, j]]
        for i, j in ((INDEX[a], INDEX[b]) for a, b in DRAWN)
        if there[i] and there[j]
    ]
    if state is not None and state.axes is not None and state.origin is not None:
        for axis in (0, 2):
            ends.append(np.stack([state.origin, state.origin + AXIS_M * state.axes[:, axis]]))
    return np.array(ends, float).reshape(-1, 2, 3)


def _draw(image: Image, ends: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """Draw lines: the truth broad, the estimate thin over it and with dots at its ends."""
    true = colour == TRUE_COLOUR
    # Far outside the picture OpenCV's integers would overflow.
    whole = np.clip(np.round(ends), -10_000, 10_000).astype(int).tolist()
    if true:
        for a, b in whole:
            cv2.line(image, a, b, DARK, 4, cv2.LINE_AA)
    for a, b in whole:
        cv2.line(image, a, b, colour, 2 if true else 1, cv2.LINE_AA)
        for end in () if true else (a, b):
            cv2.circle(image, end, 2, colour, cv2.FILLED, cv2.LINE_AA)


def _crop(worst: Worst) -> NDArray[np.float64]:
    """Return the 2x3 map from the image to the cell that shows both skeletons."""
    height, width = worst.frame.color.shape[:2]
    located = (worst.pose.pixel != -1.0).all(axis=1)
    points = np.concatenate([worst.true_pose.pixel, worst.pose.pixel[located]])
    points = np.clip(points, 0, [width - 1, height - 1])
    low, high = points.min(axis=0), points.max(axis=0)
    span = (high - low) * (1.0 + 2.0 * MARGIN) + 1.0
    scale = float(min(CELL[0] / span[0], CELL[1] / span[1]))
    # Not beyond twice the pixels, and never less than the whole image.
    scale = float(np.clip(scale, CELL[0] / width, 2.0))
    shift = np.array(CELL) / 2.0 - scale * (low + high) / 2.0
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
