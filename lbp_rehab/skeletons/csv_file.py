"""Skeletons from a CSV file; what is wrong in it is said and costs nothing else."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.skeletons import units
from lbp_rehab.skeletons.columns import Columns, by_count, by_header, is_header, number
from lbp_rehab.skeletons.layouts import Layout, Scale
from lbp_rehab.skeletons.recording import SkeletonRecording, rate_state
from lbp_rehab.skeletons.times import UNITS, Times, rising, time_unit

Array = NDArray[np.float64]

SLOWEST_HZ, FASTEST_HZ = 1.0, 1000.0
MOST_LINES = 5  # line numbers that a sentence names


@dataclass(frozen=True)
class CsvOptions:
    """What a user may say about a file.

    Attributes
    ----------
    rate_hz : float
        Rows a second; 0: the file has a time column.
    unit : str
        "m" or "mm"; empty: as the size of the body tells.
    """

    rate_hz: float = 0.0
    unit: str = ""

    def __post_init__(self) -> None:
        if self.unit not in ("", *units.UNITS):
            raise InputError(f"the unit is '{self.unit}'; choose one of {', '.join(units.UNITS)}")
        if self.rate_hz and not SLOWEST_HZ <= self.rate_hz <= FASTEST_HZ:
            raise InputError(
                f"a rate of {self.rate_hz:g} rows a second must be {SLOWEST_HZ:g} to {FASTEST_HZ:g}"
            )


@dataclass
class _Rows:
    """Rows of numbers, the line of each, and what was wrong with the others."""

    values: list[list[float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)  # counting those left out
    wrong_width: list[int] = field(default_factory=list)
    no_number: list[int] = field(default_factory=list)
    blank: int = 0
    torn: int | None = None


def read_csv(path: Path, layout: Layout, options: CsvOptions | None = None) -> SkeletonRecording:
    """Read a file.

    Parameters
    ----------
    path : Path
    layout : Layout
    options : CsvOptions, optional

    Raises
    ------
    InputError
        If the file cannot be read at all: it is missing or empty, its columns are not the
        layout's, or its rate or unit cannot be known. What is wrong with single rows or joints is
        in the recording's ``reports`` and ``counts``.
    """
    given = options or CsvOptions()
    cells, whole = _cells(path)
    first = next((i for i, row in enumerate(cells) if any(c.strip() for c in row)), None)
    if first is None:
        raise InputError(f"{path.name} is empty; record it again")
    header = is_header(cells[first])
    body = cells[first + 1 :] if header else cells[first:]
    _drop_trailing(body)
    if header:
        columns = by_header(cells[first], layout, path.name)
    else:
        columns = by_count(_usual_width(body), layout, path.name)
    rows = _rows(body, columns, first + 1 + header, whole)
    if not rows.values:
        raise InputError(f"{path.name} has no row of numbers; record it again")
    table = np.array(rows.values)
    kept, times, said = _times(table, columns, rows, given, path.name)
    table = table[kept][times.rows]
    position, status, visibility, broken = _joints(table, columns)
    known = status != Status.UNKNOWN
    if not known.any():
        raise InputError(f"no joint is tracked in {path.name}; check the layout")
    unit = given.unit
    if not unit:
        unit = units.guess_unit(layout, position, known, path.name)
        said.append(f"the coordinates are taken as {unit}, as the size of the body tells")
    position = np.where(known[..., None], position * units.UNITS[unit], 0.0)
    lost, counts = _what_was_lost(rows, times, np.array(rows.lines)[kept], broken)
    return SkeletonRecording(
        layout=layout,
        stamps_ns=times.stamps_ns,
        position=position,
        status=status,
        visibility=visibility,
        reports=(*columns.reports, *said, *lost),
        counts=counts,
    )


def _cells(path: Path) -> tuple[list[list[str]], bool]:
    """Return the cells of every line, and whether the last line is ended."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    lines = text.splitlines()
    sample = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=sample.count)
    if delimiter == ";":
        lines = [line.replace(",", ".") for line in lines]
    return list(csv.reader(lines, delimiter=delimiter)), text.endswith(("\n", "\r"))


def _usual_width(body: Sequence[Sequence[str]]) -> int:
    widths = [len(row) for row in body if any(c.strip() for c in row)]
    return max(set(widths), key=widths.count) if widths else 0


def _drop_trailing(body: list[list[str]]) -> None:
    """Take the empty cell off the end of every row, where most rows end with a delimiter."""
    filled = [row for row in body if any(c.strip() for c in row)]
    ended = sum(not row[-1].strip() for row in filled)
    if 2 * ended > len(filled):
        for row in filled:
            if not row[-1].strip():
                row.pop()


def _rows(body: Sequence[Sequence[str]], columns: Columns, first_line: int, whole: bool) -> _Rows:
    out = _Rows()
    slot = -1
    for i, cells in enumerate(body):
        line = first_line + i
        if not any(c.strip() for c in cells):
            out.blank += slot >= 0
            slot += slot >= 0
            continue
        slot += 1
        if len(cells) != columns.width:
            if i == len(body) - 1 and not whole:
                out.torn = line
            else:
                out.wrong_width.append(line)
            continue
        values = [number(c) for c in cells]
        if any(v is None for v in values):
            out.no_number.append(line)
        out.values.append([float("nan") if v is None else v for v in values])
        out.lines.append(line)
        out.slots.append(slot)
    return out


def _times(
    table: Array, columns: Columns, rows: _Rows, given: CsvOptions, file: str
) -> tuple[NDArray[np.int64], Times, list[str]]:
    """Return the rows that have a time, their times, and what is to be said of them."""
    said = []
    if given.rate_hz:
        if columns.time is not None:
            said.append(f"the time column is not used: --rate {given.rate_hz:g} Hz is")
        return np.arange(len(table)), rising(np.array(rows.slots) / given.rate_hz), said
    if columns.time is None:
        raise InputError(f"{file} has no time column; give --rate in rows a second (Kinect: 30)")
    time = table[:, columns.time]
    kept = np.flatnonzero(np.isfinite(time))
    if not kept.size:
        raise InputError(f"the time column of {file} holds no number; give --rate")
    unit = columns.time_unit or (time_unit(time[kept], file) if len(kept) > 1 else "s")
    if not columns.time_unit and unit != "s":
        said.append(f"the time is taken as {unit}, as its steps tell")
    return kept, rising(time[kept] * UNITS[unit]), said


def _joints(
    table: Array, columns: Columns
) -> tuple[Array, NDArray[np.int64], Array, dict[str, int]]:
    """Return position, status and visibility of every joint, and how many were broken."""
    n, j = len(table), len(columns.xyz)
    position = np.full((n, j, 3), np.nan)
    fourth = np.full((n, j), np.nan)
    told = np.zeros(j, bool)
    for i, place in enumerate(columns.xyz):
        if place is not None:
            position[:, i] = table[:, place]
        if (column := columns.fourth[i]) is not None:
            fourth[:, i], told[i] = table[:, column], True
    status, visibility = rate_state(columns.scale, fourth)
    there = np.array([place is not None for place in columns.xyz])
    # A joint without a state counts as seen.
    status[:, ~told] = int(Status.MEASURED)
    visibility[:, ~told] = 1.0
    finite = np.isfinite(position).all(axis=2)
    # The origin is the tracker itself, or where trackers put what they do not have.
    nowhere = finite & (position == 0.0).all(axis=2)
    meant = status != Status.UNKNOWN
    highest = {Scale.KINECT: 2.0, Scale.AZURE: 3.0, Scale.FRACTION: 1.0}[columns.scale]
    odd = told & ~((fourth >= 0.0) & (fourth <= highest))
    broken = {
        "joints_not_a_number": int((~finite & there & (meant | odd)).sum()),
        "joints_odd_state": int((odd & finite & there).sum()),
    }
    bad = ~finite | nowhere | ~there
    status[bad] = int(Status.UNKNOWN)
    visibility[bad] = 0.0
    return np.nan_to_num(position), status, visibility, broken


def _what_was_lost(
    rows: _Rows, times: Times, lines: NDArray[np.int64], broken: dict[str, int]
) -> tuple[list[str], dict[str, int]]:
    """Return a sentence for each kind of trouble, and the counts."""
    untimed = len(rows.values) - len(lines)
    stray = [int(lines[row]) for row in times.stray]
    counts = {
        "rows": len(times.rows),
        "rows_wrong_width": len(rows.wrong_width),
        "rows_torn": int(rows.torn is not None),
        "rows_without_time": untimed,
        "rows_out_of_order": len(stray),
        "rows_blank": rows.blank,
        "time_jumps": len(times.jumps),
        **broken,
    }
    said = []
    if rows.torn is not None:
        said.append(f"the last line, {rows.torn}, is torn: left out")
    if rows.wrong_width:
        said.append(f"{_lines(rows.wrong_width)} of a wrong number of columns: left out")
    if untimed:
        said.append(f"{untimed} rows without a time: left out")
    if stray:
        said.append(f"{_lines(stray)} not later than the one before: left out")
    if rows.blank:
        said.append(f"{rows.blank} blank rows: nobody was tracked there")
    for row, back_s in times.jumps:
        said.append(
            f"the time jumps back by {back_s:.1f} s at line {int(lines[row])}: a new piece begins "
            "there, and what was under way is not scored"
        )
    if broken["joints_not_a_number"]:
        where = f" (text in {_lines(rows.no_number)})" if rows.no_number else ""
        said.append(
            f"{broken['joints_not_a_number']} joints without three numbers{where}: unknown there"
        )
    if broken["joints_odd_state"]:
        said.append(
            f"{broken['joints_odd_state']} joints with a state or confidence that is none: unknown "
            "there"
        )
    return said, counts


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:MOST_LINES]))
    more = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
    return f"{len(lines)} row{'s'[: len(lines) != 1]} (line {shown}{more})"
