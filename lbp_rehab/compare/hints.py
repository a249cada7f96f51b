"""What the course of a field that changed looks like: late, reversed, scaled, shifted, swapped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.compare.comparison import Aligned, Column, FieldDifference
from lbp_rehab.compare.fields import angular

ENOUGH = 12  # messages; fewer show no course
MOST_LAG = 5  # messages
EXPLAINED = 0.1  # of the difference may be left by a simple cause


def give_hints(aligned: Aligned, fields: Sequence[FieldDifference]) -> None:
    """Set the hint of each field."""
    mirrors = {f.path: mirrored(f.path) for f in fields}
    wanted = set(mirrors) | {m for m in mirrors.values() if m is not None}
    columns = aligned.columns(wanted)
    for found in fields:
        mirror = mirrors[found.path]
        other = columns[mirror] if mirror is not None else None
        found.hint = next(_causes(columns[found.path], other, angular(found.path)), "")


def mirrored(path: str) -> str | None:
    """Return the path of the other side of the body, or None."""
    for here, there in (("l_", "r_"), ("r_", "l_")):
        at = path.find(f"[{here}")
        if at >= 0:
            return path[: at + 1] + there + path[at + 1 + len(here) :]
    return None


def _causes(column: Column, mirror: Column | None, angle: bool) -> Iterator[str]:
    known = np.isfinite(column.golden) & np.isfinite(column.new)
    golden, new = column.golden[known], column.new[known]
    if len(golden) < ENOUGH or np.ptp(golden) == 0:
        return
    apart = _size(new - golden)
    if apart == 0:
        return
    if mirror is not None:
        other = mirror.golden[known]
        if np.isfinite(other).all() and _size(new - other) < EXPLAINED * apart:
            yield "left and right look swapped"
    if (lag := _lag(golden, new, apart)) != 0:
        period_ms = float(np.median(np.diff(column.stamps_ns[known]))) / 1e6
        way = "late" if lag > 0 else "early"
        many = "message" if abs(lag) == 1 else "messages"
        yield f"looks {abs(lag)} {many} ({abs(lag) * period_ms:.0f} ms) {way}"
    if _size(new + golden) < EXPLAINED * apart:
        yield "its sign looks reversed"
    offset = float(np.median(new - golden))
    if _size(new - golden - offset) < EXPLAINED * apart:
        by = f"{math.degrees(offset):+.3g} degrees" if angle else f"{offset:+.3g}"
        yield f"looks shifted by {by}"
    factor = float(golden @ new) / max(float(golden @ golden), 1e-300)
    if _size(new - factor * golden) < EXPLAINED * apart:
        yield f"looks {factor:.3g} times as large"


def _lag(golden: NDArray[np.float64], new: NDArray[np.float64], apart: float) -> int:
    """Return by how many messages the new course follows the golden one; 0: that explains none."""
    left = {
        k: _size(new[MOST_LAG:-MOST_LAG] - np.roll(golden, k)[MOST_LAG:-MOST_LAG])
        for k in range(-MOST_LAG, MOST_LAG + 1)
        if k
    }
    best = min(left, key=lambda k: left[k])
    return best if len(golden) > 2 * MOST_LAG and left[best] < EXPLAINED * apart else 0


def _size(values: NDArray[np.float64]) -> float:
    return float(np.mean(np.abs(values)))
