"""Times of the rows of a skeleton file, made to rise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
SLOWEST_HZ, FASTEST_HZ = 4.0, 250.0  # of body trackers; the units lie further apart than that
JUMP_S = 0.5  # back by more is another clock, by less a row out of order; as the scorer takes it
# Between the pieces before and after a jump: longer than the scorer bridges, so that no repetition
# is made of both.
PIECE_GAP_S = 3.0


@dataclass(frozen=True)
class Times:
    """Stamps of the rows that are kept.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Which rows they are.
    stamps_ns : ndarray of int, shape (n,)
        Rising; 0 is the first.
    stray : tuple of int
        Rows left out since they are not later than the one before.
    jumps : tuple of (int, float)
        Rows with which the time begins anew, and by how many seconds it goes back there.
    """

    rows: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]
    stray: tuple[int, ...]
    jumps: tuple[tuple[int, float], ...]


def time_unit(values: Array, file: str) -> str:
    """Return the unit in which the steps of a time column are those of a body tracker.

    Raises
    ------
    InputError
        If there is none.
    """
    steps = np.diff(values)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    for unit, seconds in UNITS.items():
        if step and SLOWEST_HZ <= 1.0 / (step * seconds) <= FASTEST_HZ:
            return unit
    raise InputError(
        f"the time in {file} goes in steps of {step:g}, which is no frame rate of a body tracker "
        "in s, ms, us or ns; give --rate"
    )


def rising(time_s: Array) -> Times:
    """Return stamps that rise, from times that may not.

    A row that is not later than the one before is left out. Where the time goes back by more than
    half a second and goes on from there, a new piece begins: it is laid 3 s after the one before,
    which the scorer takes as a loss of the person.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Finite.
    """
    rows: list[int] = []
    stamps: list[int] = []
    stray: list[int] = []
    jumps: list[tuple[int, float]] = []
    offset_s = -float(time_s[0])
    last_s = -np.inf
    for row, now_s in enumerate(time_s):
        if now_s <= last_s:
            back_s = last_s - now_s
            follows = row + 1 < len(time_s) and now_s < time_s[row + 1] < last_s
            if back_s <= JUMP_S or not follows:
                stray.append(row)
                continue
            jumps.append((row, back_s))
            offset_s += back_s + PIECE_GAP_S
        last_s = float(now_s)
        rows.append(row)
        stamps.append(round((last_s + offset_s) * NANOSECONDS))
    return Times(np.array(rows, np.int64), np.array(stamps, np.int64), tuple(stray), tuple(jumps))
