"""True against reported repetitions of a set, and how each fault was found in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from lbp_rehab.bench.matching import Compared
from lbp_rehab.bench.recognition import RecognitionRecord
from lbp_rehab.bench.records import CaseInfo
from lbp_rehab.quality.types import Outcome, RepetitionResult, Severity

# Faults that fall short of the target are told as that, unless there is a rule of their own.
_SHORT = frozenset({"breath_holding", "hips_low", "no_pelvic_motion"})
_FAST = ("too_fast", "out_too_short", "hold_too_short", "return_too_short")


def reported_as(name: str, rules: Collection[str]) -> tuple[str, ...]:
    """Return the ids by which the scorer may tell a true fault, given those of its exercise."""
    if name in _SHORT and name not in rules:
        return ("range_short",)
    return _FAST if name == "too_fast" else (name,)


@dataclass(frozen=True)
class Repetition:
    """One true repetition.

    Attributes
    ----------
    faults : dict
        Name to severity 0 to 1.
    borderline : bool
        Whether counting it is right either way.
    onsets_ns : dict
        When each fault is there to be seen.
    """

    start_ns: int
    end_ns: int
    counts: bool
    faults: dict[str, float]
    borderline: bool = False
    onsets_ns: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SaidCue:
    """A cue that was published; ``live``: while the movement went on."""

    stamp_ns: int
    answers: str
    live: bool


@dataclass(frozen=True)
class SetRecord:
    """What was true and what was reported of one set.

    Attributes
    ----------
    rules : frozenset of str
        Ids of the faults that the exercise's file can report.
    cues : tuple of SaidCue
    twin : str
        Common to the sets that show the same movement from different sides.
    recognised : RecognitionRecord or None
    compared : tuple of Compared
        The repetitions against the references.
    """

    info: CaseInfo
    frames: int
    true: tuple[Repetition, ...]
    found: tuple[RepetitionResult, ...]
    rules: frozenset[str]
    cues: tuple[SaidCue, ...] = ()
    twin: str = ""
    recognised: RecognitionRecord | None = None
    compared: tuple[Compared, ...] = ()

    @property
    def counted(self) -> int:
        """Repetitions that the scorer counts."""
        return sum(r.outcome == Outcome.COMPLETE for r in self.found)

    @property
    def to_count(self) -> int:
        """Repetitions that a therapist counts."""
        return sum(r.counts for r in self.true)

    @property
    def exact(self) -> bool:
        """Whether the count is right; where one goes as far as just counts, either way is."""
        sure = sum(r.counts and not r.borderline for r in self.true)
        return sure <= self.counted <= sure + sum(r.borderline for r in self.true)


def level(severity: float) -> Severity:
    """Return the severity from 0 to 1 in thirds: mild, moderate, severe."""
    return Severity(int(np.clip(np.ceil(3.0 * severity), 1, 3)))


def pair(record: SetRecord) -> list[tuple[Repetition, RepetitionResult]]:
    """Return true and found repetitions that overlap, the largest overlaps first taken."""
    overlaps = sorted(
        (
            (min(t.end_ns, f.end_ns) - max(t.start_ns, f.start_ns), -i, -j)
            for i, t in enumerate(record.true)
            for j, f in enumerate(record.found)
        ),
        reverse=True,
    )
    pairs, used_true, used_found = [], set(), set()
    for overlap_ns, i, j in overlaps:
        if overlap_ns > 0 and i not in used_true and j not in used_found:
            used_true.add(i)
            used_found.add(j)
            pairs.append((-i, -j))
    return [(record.true[i], record.found[j]) for i, j in sorted(pairs)]


def made_up(record: SetRecord) -> list[RepetitionResult]:
    """Return the found repetitions that go with no true one."""
    matched = {id(found) for _, found in pair(record)}
    return [found for found in record.found if id(found) not in matched]


@dataclass(frozen=True)
class FaultCount:
    """How one fault was found in the repetitions of some sets.

    A fault counts as there, and as reported, from moderate on; a mild one is neither.
    """

    hits: int
    misses: int
    alarms: int
    level_errors: tuple[int, ...]

    @property
    def precision(self) -> float | None:
        """Share of the reports that are true."""
        said = self.hits + self.alarms
        return self.hits / said if said else None

    @property
    def recall(self) -> float | None:
        """Share of the true faults that are reported."""
        there = self.hits + self.misses
        return self.hits / there if there else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None if the fault is never there."""
        if self.hits + self.misses == 0:
            return None
        return 2 * self.hits / (2 * self.hits + self.misses + self.alarms)


def count_fault(records: Sequence[SetRecord], name: str) -> FaultCount:
    """Count one fault over all repetitions that were matched, missed or made up.

    Only sets of the exercises that were drawn with it count.
    """
    hits = misses = alarms = 0
    errors: list[int] = []
    drawn = {r.info.exercise for r in records if any(name in t.faults for t in r.true)}
    for record in records:
        if record.info.exercise not in drawn:
            continue
        ids = reported_as(name, record.rules)
        pairs = pair(record)
        for true, found in pairs:
            severity = true.faults.get(name, 0.0)
            reported = [f.severity for f in found.faults if f.id in ids]
            said = max(reported, default=None)
            loud = said is not None and said >= Severity.MODERATE
            if severity > 0 and level(severity) < Severity.MODERATE:
                continue
            hits += severity > 0 and loud
            misses += severity > 0 and not loud
            alarms += severity == 0 and loud
            if severity > 0 and said is not None:
                errors.append(abs(min(int(said), int(Severity.SEVERE)) - int(level(severity))))
        alarms += sum(
            any(f.id in ids and f.severity >= Severity.MODERATE for f in found.faults)
            for found in made_up(record)
        )
        matched = {id(true) for true, _ in pairs}
        misses += sum(
            level(true.faults[name]) >= Severity.MODERATE
            for true in record.true
            if name in true.faults and id(true) not in matched
        )
    return FaultCount(hits, misses, alarms, tuple(errors))
