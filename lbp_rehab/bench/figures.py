"""From arrays to the figures of a JSON document: rounded, null where undefined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.records import CaseRecord

Summary = dict[str, Any]
FAULTS = ("with_fault", "without_fault")
BY = ("exercise", "view", "condition", "posture", "camera")


def rounded(value: float | None, digits: int) -> float | None:
    """Return a number with so many decimals; None for none and for what is not finite."""
    if value is None or not np.isfinite(value):
        return None
    return round(float(value), digits)


def statistic(
    function: Callable[[NDArray[np.float64]], Any], values: NDArray[np.float64], digits: int
) -> float | None:
    """Return a statistic of the values that are not nan; None if there are none."""
    there = values[np.isfinite(values)]
    return rounded(function(there), digits) if there.size else None


def rms(values: NDArray[np.float64]) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt((values**2).mean()))


def grouped(
    records: Sequence[CaseRecord], summarise: Callable[[Sequence[CaseRecord]], Summary]
) -> dict[str, Any]:
    """Return the summary of each exercise, view and so on as ``per_exercise`` and so on.

    Beside them ``with_fault`` and ``without_fault``; groups that no case names are left out.
    """
    named = {
        key: groups(label for r in records if (label := getattr(r.info, key)))
        for key in (*BY, "fault")
    }
    out = {
        f"per_{key}": {
            name: summarise([r for r in records if getattr(r.info, key) == name])
            for name in named[key]
        }
        for key in BY
        if named[key]
    }
    faults = {
        name: summarise([r for r in records if r.info.fault == name]) for name in named["fault"]
    }
    return {**out, **faults}
