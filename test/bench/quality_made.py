"""Hand-made records of the quality benchmark: what is true, and what was found."""

from dataclasses import replace

import numpy as np

from lbp_rehab.bench.matching import METHODS, OWN_BEST, THERAPIST, Compared
from lbp_rehab.bench.quality_faults import Repetition, SaidCue, SetRecord
from lbp_rehab.bench.recognition import RecognitionRecord
from lbp_rehab.bench.records import CaseInfo
from lbp_rehab.estimate import Estimate
from lbp_rehab.quality.types import (
    FaultFinding,
    Grade,
    Outcome,
    RepetitionResult,
    Severity,
    SubScoreKind,
)

S = 1_000_000_000
RULES = frozenset({"pelvis_drops", "range_short", "knees_fall_in"})


def finding(name, severity):
    return FaultFinding(
        name, SubScoreKind.ALIGNMENT, severity, 0.99, "x", "rad", Estimate(0.2, 0.01), 0.0, 0.1,
        0, 1, 5.0,
    )  # fmt: skip


def found(start_s, end_s, score=90.0, outcome=Outcome.COMPLETE, **faults):
    return RepetitionResult(
        1, outcome, round(start_s * S), round((start_s + end_s) / 2 * S), round(end_s * S),
        Estimate(1.0, 0.1), Estimate(score, 2.0), Grade.GOOD, (),
        tuple(finding(n, s) for n, s in faults.items()), (),
    )  # fmt: skip


def true(start_s, end_s, counts=True, **faults):
    return Repetition(round(start_s * S), round(end_s * S), counts, faults)


def record(truth, result, exercise="glute_bridge"):
    info = CaseInfo("set", 0, exercise, (), "low left", "clear", "supine", "one")
    return SetRecord(info, 100, tuple(truth), tuple(result), RULES)


def recognised(name, said):
    """Return a set of 10 s that begins to move after 2 s, with the same answer all the time."""
    stamps = np.arange(100) * S // 10
    return RecognitionRecord(
        name, stamps, (said,) * len(stamps), np.array([2 * S]), np.array([8 * S])
    )


def whole_sets():
    """Return sets of two exercises: one almost right, one with faults missed and a wrong count."""
    out = []
    for exercise, right in (("glute_bridge", True), ("clam", False)):
        for person in range(3):
            severities = (0.0, 0.3, 0.6, 0.9, 0.0)
            truth, result, cues, compared = [], [], [], []
            for k, severity in enumerate(severities):
                start, onset = 3 + 6 * k, 4 + 6 * k
                there = {"pelvis_drops": severity} if severity else {}
                made = true(start, start + 4, **there)
                truth.append(replace(made, onsets_ns=dict.fromkeys(there, onset * S)))
                seen = {"pelvis_drops": Severity.SEVERE} if severity > 0.5 and right else {}
                score = 95 - 40 * severity if right else 60 + 40 * severity
                result.append(found(start + 0.1, start + 3.9, score, **seen))
                if seen:
                    cues.append(SaidCue(onset * S + S // 2, "pelvis_drops", True))
                compared += [
                    Compared(exercise, f"{exercise}{person}", reference, severity,
                             (severity, *(1 - severity for _ in METHODS[1:])))
                    for reference in (OWN_BEST, THERAPIST)
                ]  # fmt: skip
            made = record(truth, result if right else result[:-1], exercise)
            out.append(
                replace(
                    made, info=replace(made.info, name=f"{exercise}-{person}"), cues=tuple(cues),
                    recognised=recognised(exercise, exercise if right else "plank"),
                    compared=tuple(compared),
                )
            )  # fmt: skip
    return out
