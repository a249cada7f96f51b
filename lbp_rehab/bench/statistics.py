"""Percentiles of latencies, and rank correlations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_FOR_RANKS = 5  # repetitions of an exercise


def percentiles_ms(latencies_ns: Sequence[int]) -> dict[str, float]:
    """Return p50_ms, p90_ms, p99_ms and max_ms, rounded to a microsecond; nothing for none."""
    if not latencies_ns:
        return {}
    ms = np.asarray(latencies_ns, float) / 1e6
    values = np.percentile(ms, [50, 90, 99, 100])
    names = ("p50_ms", "p90_ms", "p99_ms", "max_ms")
    return {name: round(float(v), 3) for name, v in zip(names, values, strict=True)}


def ranks_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks, those of equal values their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - 0.5 * (counts - 1))[inverse])


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return Pearson's correlation, of ranks Spearman's; 0 if either does not vary."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0.0 else 0.0
