"""Percentiles of latencies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percentiles_ms(latencies_ns: Sequence[int]) -> dict[str, float]:
    """Return p50_ms, p90_ms, p99_ms and max_ms, rounded to a microsecond; nothing for none."""
    if not latencies_ns:
        return {}
    ms = np.asarray(latencies_ns, float) / 1e6
    values = np.percentile(ms, [50, 90, 99, 100])
    names = ("p50_ms", "p90_ms", "p99_ms", "max_ms")
    return {name: round(float(v), 3) for name, v in zip(names, values, strict=True)}
