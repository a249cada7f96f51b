"""Which column of a skeleton CSV is what: from its header, or from how many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lbp_rehab.errors import InputError
from lbp_rehab.skeletons.layouts import LAYOUTS, Layout, Scale, plain

_TITLE = re.compile(
    r"^(?P<joint>.*?)[\s_.:\-\[(]*"
    r"(?P<what>x|y|z|conf|confidence|score|visibility|state|status|trackingstate|tracking_state)"
    r"[\])]*$",
    re.IGNORECASE,
)
_STATES = ("state", "status", "trackingstate", "tracking_state")
# Name of a time column to its unit; empty: the steps tell.
_TIMES = {
    "time": "", "t": "", "timestamp": "", "stamp": "", "times": "s", "timems": "ms", "timeus": "us",
    "timens": "ns", "timestamps": "s", "timestampms": "ms", "timestampus": "us",
    "timestampns": "ns",
}  # fmt: skip
_WORDS = {
    "nottracked": 0.0, "none": 0.0, "inferred": 1.0, "low": 1.0, "tracked": 2.0, "medium": 2.0,
    "high": 3.0,
}  # fmt: skip
MOST_NAMED = 4  # columns or joints that a sentence names


@dataclass(frozen=True)
class Columns:
    """Where everything stands in a row.

    Attributes
    ----------
    width : int
        How many columns a row has.
    time : int or None
    time_unit : str
        "s", "ms", "us" or "ns"; empty if the file does not say.
    xyz : tuple of (int, int, int) or None, one a joint
        None: the file lacks the joint.
    fourth : tuple of int or None, one a joint
    scale : Scale
        Of the fourth column.
    reports : tuple of str
    """

    width: int
    time: int | None
    time_unit: str
    xyz: tuple[tuple[int, int, int] | None, ...]
    fourth: tuple[int | None, ...]
    scale: Scale
    reports: tuple[str, ...] = ()


def number(cell: str) -> float | None:
    """Return the number in a cell; NaN if it is empty, None if it holds something else."""
    text = cell.strip()
    if not text:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return _WORDS.get(plain(text))


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row names columns."""
    return any(number(cell) is None for cell in cells)


def by_count(width: int, layout: Layout, file: str) -> Columns:
    """Return the columns of a file without a header: x, y, z and perhaps a fourth a joint.

    Raises
    ------
    InputError
        If so many columns are not the layout's; it says whose they would be.
    """
    per_joint, timed = _shape(width, layout) or (0, 0)
    if not per_joint:
        fitting = [name for name, other in LAYOUTS.items() if _shape(width, other)]
        hint = f"so many are those of {' or '.join(fitting)}" if fitting else _expected(layout)
        raise InputError(f"{file} has {width} columns, which is not {layout.name}: {hint}")
    starts = [timed + per_joint * i for i in range(len(layout.joints))]
    return Columns(
        width=width,
        time=0 if timed else None,
        time_unit="",
        xyz=tuple((s, s + 1, s + 2) for s in starts),
        fourth=tuple(s + 3 if per_joint == 4 else None for s in starts),
        scale=layout.scale,
    )


def _shape(width: int, layout: Layout) -> tuple[int, int] | None:
    """Return columns a joint and columns before the joints, if so many columns fit a layout."""
    n = len(layout.joints)
    shapes = {4 * n: (4, 0), 4 * n + 1: (4, 1), 3 * n: (3, 0), 3 * n + 1: (3, 1)}
    return shapes.get(width)


def _expected(layout: Layout) -> str:
    n = len(layout.joints)
    return (
        f"without a header it must have {3 * n} (x, y, z of {n} joints) or {4 * n} (with a "
        f"state or confidence), or one more with the time first"
    )


def by_header(cells: Sequence[str], layout: Layout, file: str) -> Columns:
    """Return the columns that a header names, in whatever order.

    Raises
    ------
    InputError
        If it names a column twice, a joint not wholly, or no joint of the layout.
    """
    time, time_unit = None, ""
    places: dict[tuple[int, str], int] = {}
    states = False
    ignored = []
    for column, cell in enumerate(cells):
        name = plain(cell)
        if name in _TIMES and time is None:
            time, time_unit = column, _TIMES[name]
            continue
        match = _TITLE.match(cell.strip())
        joint = layout.index(match["joint"]) if match else None
        if match is None or joint is None:
            ignored += [cell.strip()] if cell.strip() else []
            continue
        what = match["what"].lower()
        kind = what if what in "xyz" else "fourth"
        if (joint, kind) in places:
            raise InputError(f"{file} names {layout.joints[joint]} {what} twice in its header")
        places[joint, kind] = column
        states = states or what in _STATES
    _check_names(places, layout, cells, file)
    found = [
        (places[i, "x"], places[i, "y"], places[i, "z"]) if (i, "x") in places else None
        for i in range(len(layout.joints))
    ]
    return Columns(
        width=len(cells),
        time=time,
        time_unit=time_unit,
        xyz=tuple(found),
        fourth=tuple(places.get((i, "fourth")) for i in range(len(layout.joints))),
        scale=layout.scale if states or layout.scale == Scale.AZURE else Scale.FRACTION,
        reports=_reports(found, ignored, layout),
    )


def _check_names(
    places: dict[tuple[int, str], int], layout: Layout, cells: Sequence[str], file: str
) -> None:
    joints = {joint for joint, kind in places if kind != "fourth"}
    if not joints:
        found = {name: _matches(cells, other) for name, other in LAYOUTS.items()}
        best = max(found, key=lambda name: found[name])
        hint = f"; they are those of {best}" if found[best] else " (docs/skeletons.md lists them)"
        raise InputError(f"the header of {file} names no joint of {layout.name}{hint}")
    for joint in sorted(joints):
        lacking = [axis for axis in "xyz" if (joint, axis) not in places]
        if lacking:
            raise InputError(
                f"the header of {file} has no {lacking[0]} of {layout.joints[joint]}; each joint "
                "needs x, y and z"
            )


def _matches(cells: Sequence[str], layout: Layout) -> int:
    titles = (_TITLE.match(cell.strip()) for cell in cells)
    return sum(m is not None and layout.index(m["joint"]) is not None for m in titles)


def _reports(found: Sequence[object], ignored: list[str], layout: Layout) -> tuple[str, ...]:
    lacking = [n for n, place in zip(layout.joints, found, strict=True) if place is None]
    said = []
    if lacking:
        said.append(f"the file has no columns of {_list(lacking)}: unknown throughout")
    if ignored:
        said.append(f"columns that are no joint of {layout.name} are not used: {_list(ignored)}")
    return tuple(said)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
