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
CELL, SIDE = (320, 240), 160  # picture, and the view from the side beside it
CAPTION = 40
MARGIN = 0.15  # of the box, around the person
SIDE_MARGIN_M, SIDE_LEAST_M = 0.1, 0.6
AXIS_M = 0.2
# RGB. Truth and estimate differ in brightness and in dots too, for eyes that take red for green.
TRUE_COLOUR, ESTIMATE_COLOUR = (110, 240, 110), (200, 0, 40)
DARK = (24, 24, 24)


def number(value: Any, digits: int = 1, unit: str = "", percent: bool = False) -> str:
    """Return a figure as it stands in a table; a dash where it is not defined."""
    if value is None:
        return "\u2013"
    if percent:
        return f"{100.0 * value:.{digits}f} %"
    near = round(value, digits) + 0.0  # no minus before a zero
    return f"{near:.{digits}f}{' ' + unit if unit else ''}"


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
    side = np.full((CELL[1], SIDE, 3), 255, np.uint8)
    camera = worst.frame.intrinsics
    pairs = (
        (_lines(worst.true_pose, worst.true_pelvis if pelvis else None), TRUE_COLOUR),
        (_lines(worst.pose, worst.pelvis if pelvis else None), ESTIMATE_COLOUR),
    )
    to_side = _side_view(np.concatenate([lines for lines, _ in pairs]))
    for lines, colour in pairs:
        pixel = camera.project(lines.reshape(-1, 3)) @ to_cell[:, :2].T + to_cell[:, 2]
        _draw(picture, pixel.reshape(-1, 2, 2), colour)
        _draw(side, lines[:, :, [2, 1]] * to_side[0] + to_side[1:], colour)
    write_text(side, "from the side", (6, CELL[1] - 8), 0.4)
    caption = np.full((CAPTION, CELL[0] + SIDE, 3), 255, np.uint8)
    text = (
        f"{place}. {error}: {info.name}, frame {worst.index}",
        f"{info.exercise}, {info.view}, {info.condition}",
    )
    for row, line in enumerate(text):
        cv2.putText(
            caption, line, (4, 15 + 17 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, DARK, 1, cv2.LINE_AA
        )
    cell = np.vstack([np.hstack([picture, side]), caption])
    cv2.rectangle(cell, (0, 0), (cell.shape[1] - 1, cell.shape[0] - 1), (200, 200, 200), 1)
    return np.asarray(cell, np.uint8)


def _side_view(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scale and shift from depth and height in metres to the view from the side, shape (3,).

    The camera is at the left and depth runs to the right.
    """
    points = lines[:, :, [2, 1]].reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([SIDE, CELL[1] - 30.0])
    scale = float(min((room / (high - low + 2.0 * SIDE_MARGIN_M)).min(), SIDE / SIDE_LEAST_M))
    return np.array([scale, *(room / 2.0 - scale * (low + high) / 2.0)])


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
