"""From arrays to the figures of a JSON document: rounded, null where undefined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.records import CaseRecord

Summary = dict[str, Any]
BY = ("exercise", "view", "condition")


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
) -> dict[str, dict[str, Summary]]:
    """Return the summary of each exercise, view and condition as per_exercise and so on."""
    return {
        f"per_{key}": {
            name: summarise([records[k] for k in members])
            for name, members in groups(getattr(r.info, key) for r in records).items()
        }
        for key in BY
    }
