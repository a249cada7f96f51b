"""How long it takes from the moment a fault is there to the cue that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lbp_rehab.bench.figures import Summary, statistic
from lbp_rehab.bench.quality_faults import SetRecord, level, reported_as
from lbp_rehab.quality.types import Severity
from lbp_rehab.stamps import NANOSECONDS

# A cue is for the fault that is there, or was until a moment ago.
AFTER_NS = 2 * NANOSECONDS
INTERVAL_NS = 4 * NANOSECONDS  # the least time between two cues


@dataclass(frozen=True)
class Answers:
    """How the true faults of some sets, moderate and above, were answered by cues.

    Attributes
    ----------
    delays_s : tuple of float
        From the first moment of a fault to the cue that answers it.
    waited : int
        Faults that began while the four seconds after another cue still ran: their delay would be
        that of the law of one cue in four seconds.
    unanswered : int
        Faults without a cue, be it that they were not found or that another one went before.
    """

    delays_s: tuple[float, ...]
    waited: int
    unanswered: int


def answers(records: Sequence[SetRecord]) -> Answers:
    """Return how the faults of some sets were answered."""
    each = [_answers(r) for r in records]
    return Answers(
        tuple(d for a in each for d in a.delays_s),
        sum(a.waited for a in each),
        sum(a.unanswered for a in each),
    )


def delays_s(records: Sequence[SetRecord], fault: str) -> list[float]:
    """Return how long the cues for one fault took."""
    return [d for r in records for d in _answers(r, fault).delays_s]


def _answers(record: SetRecord, only: str = "") -> Answers:
    delays = []
    waited = unanswered = 0
    for made in record.true:
        for name, severity in made.faults.items():
            onset_ns = made.onsets_ns.get(name)
            if only not in ("", name) or onset_ns is None or level(severity) < Severity.MODERATE:
                continue
            ids = reported_as(name, record.rules)
            answer = next(
                (
                    c
                    for c in record.cues
                    if c.answers in ids and made.start_ns <= c.stamp_ns <= made.end_ns + AFTER_NS
                ),
                None,
            )
            if answer is None:
                unanswered += 1
                continue
            before = [c.stamp_ns for c in record.cues if c.stamp_ns < answer.stamp_ns]
            if before and onset_ns < before[-1] + INTERVAL_NS:
                waited += 1
                continue
            delays.append((answer.stamp_ns - onset_ns) / NANOSECONDS)
    return Answers(tuple(delays), waited, unanswered)


def cue_figures(records: Sequence[SetRecord]) -> Summary:
    """Return median and 95th percentile of the delays, and how many faults have none."""
    heard = answers(records)
    delays_s = np.array(heard.delays_s)
    return {
        "cues_measured": len(delays_s),
        "cue_median_s": statistic(np.median, delays_s, 3),
        "cue_p95_s": statistic(lambda v: np.quantile(v, 0.95), delays_s, 3),
        "faults_that_waited": heard.waited,
        "faults_without_cue": heard.unanswered,
    }
