"""How long it takes from the moment a fault is there to the cue that answers it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lbp_rehab.bench.figures import Summary, rounded
from lbp_rehab.bench.quality_faults import REPORTED_AS, SetRecord, level
from lbp_rehab.quality.types import Severity
from lbp_rehab.stamps import NANOSECONDS

# A cue is for the fault that is there, or was until a moment ago.
AFTER_NS = 2 * NANOSECONDS
INTERVAL_NS = 4 * NANOSECONDS  # the least time between two cues


def cue_delays_s(record: SetRecord) -> list[float]:
    """Return the delays of the cues that answer a true fault from its first moment on.

    A fault that began while the four seconds after another cue still ran is not among them: its
    delay would be that of the law of one cue in four seconds.
    """
    delays = []
    for made in record.true:
        for name, severity in made.faults.items():
            onset_ns = made.onsets_ns.get(name)
            if onset_ns is None or level(severity) < Severity.MODERATE:
                continue
            ids = REPORTED_AS.get(name, (name,))
            answer = next(
                (
                    c
                    for c in record.cues
                    if c.answers in ids and made.start_ns <= c.stamp_ns <= made.end_ns + AFTER_NS
                ),
                None,
            )
            if answer is None:
                continue
            before = [c.stamp_ns for c in record.cues if c.stamp_ns < answer.stamp_ns]
            if before and onset_ns < before[-1] + INTERVAL_NS:
                continue
            delays.append((answer.stamp_ns - onset_ns) / NANOSECONDS)
    return delays


def cue_figures(delays_s: Sequence[float]) -> Summary:
    """Return median and 95th percentile."""
    if not delays_s:
        return {"cues_measured": 0, "cue_median_s": None, "cue_p95_s": None}
    return {
        "cues_measured": len(delays_s),
        "cue_median_s": rounded(float(np.median(delays_s)), 3),
        "cue_p95_s": rounded(float(np.quantile(delays_s, 0.95)), 3),
    }
