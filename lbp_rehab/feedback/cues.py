"""Chooses what to say: one short cue at a time, the most important first, and not too often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lbp_rehab.feedback.texts import fits
from lbp_rehab.feedback.types import (
    Cue,
    CueSeverity,
    FaultsNow,
    Problem,
    RepetitionDone,
)
from lbp_rehab.stamps import NANOSECONDS

SEVERE, UNSAFE = 3, 4  # of Fault.msg


@dataclass(frozen=True)
class CueSettings:
    """How cues are given.

    Attributes
    ----------
    min_interval_s : float
        Least time between two cues; a stop cue does not wait.
    max_age_s : float
        A cue for an older event comes too late and is dropped.
    min_points : float
        A fault that costs less is not worth a correction.
    live_corrections : bool
        Whether severe faults are corrected while the movement goes on.
    say_grade, say_count, praise : bool
    """

    min_interval_s: float = 4.0
    max_age_s: float = 1.5
    min_points: float = 2.0
    live_corrections: bool = True
    say_grade: bool = True
    say_count: bool = True
    praise: bool = True


@dataclass(frozen=True)
class _Candidate:
    text: str
    severity: CueSeverity
    answers: str
    worth: int = 0  # severity of the fault, which lets a cue be said again if it rises


class CuePolicy:
    """Turns events into cues. All time comes from the stamps given to it.

    Parameters
    ----------
    texts : mapping of str to str
        Cue id to text.
    language : str
        BCP 47.
    settings : CueSettings

    Attributes
    ----------
    too_late : int
        Events that were not answered because they were too old.
    late_by_s : float
        Age of the latest event, if it was too old; else 0.
    """

    def __init__(
        self, texts: Mapping[str, str], language: str, settings: CueSettings | None = None
    ) -> None:
        self._texts, self._language = texts, language
        self._settings = settings or CueSettings()
        self.too_late = 0
        self.late_by_s = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget the set before."""
        self._last_ns: int | None = None
        self._last: _Candidate | None = None
        self._before: frozenset[str] | None = None

    def on_repetition(self, now_ns: int, event: RepetitionDone) -> Cue | None:
        """Answer a finished repetition: correction, else praise, else count; with the grade."""
        gone = self._gone(event)
        if self._is_late(now_ns, event.stamp_ns) or not self._may_speak(now_ns):
            return None
        candidates = [
            self._of_problem(problem)
            for problem in sorted(
                event.problems, key=lambda p: (p.severity < UNSAFE, -p.points_lost)
            )
            if problem.points_lost >= self._settings.min_points or problem.severity >= UNSAFE
        ]
        if gone and self._settings.praise:
            candidates.append(_Candidate(self._texts["fixed"], CueSeverity.PRAISE, gone))
        if event.complete and self._settings.say_count:
            text = self._texts["count"].replace("{count}", str(event.count))
            candidates.append(_Candidate(text, CueSeverity.INFO, "repetition"))
        elif event.grade and self._settings.say_grade:
            candidates.append(_Candidate("", CueSeverity.INFO, "grade"))
        for candidate in candidates:
            if self._is_new(candidate):
                text = self._with_grade(candidate, event.grade)
                return self._give(now_ns, candidate, text, event.index, event.stamp_ns)
        return None

    def on_faults(self, now_ns: int, event: FaultsNow) -> Cue | None:
        """Answer faults while the movement goes on: stop if unsafe, correct if severe."""
        worst = max(event.problems, key=lambda p: p.severity, default=None)
        if worst is None or self._is_late(now_ns, event.stamp_ns):
            return None
        if worst.severity < UNSAFE and not (
            self._settings.live_corrections and worst.severity >= SEVERE
        ):
            return None
        candidate = self._of_problem(worst)
        stop = candidate.severity == CueSeverity.STOP
        free = self._may_speak(now_ns)
        if not self._is_new(candidate) and not (stop and free):
            return None
        if not (stop or free):
            return None
        return self._give(now_ns, candidate, candidate.text, event.repetition, event.stamp_ns)

    def _gone(self, event: RepetitionDone) -> str:
        """Return a fault of the repetition before that is gone, or nothing."""
        now = frozenset(p.id for p in event.problems if p.points_lost >= self._settings.min_points)
        before, self._before = self._before, now
        gone = sorted((before or frozenset()) - now)
        return gone[0] if gone and event.complete else ""

    def _of_problem(self, problem: Problem) -> _Candidate:
        if problem.severity >= UNSAFE:
            return _Candidate(self._texts["stop"], CueSeverity.STOP, problem.id, UNSAFE)
        return _Candidate(
            self._texts[problem.cue], CueSeverity.CORRECTION, problem.id, problem.severity
        )

    def _is_late(self, now_ns: int, stamp_ns: int) -> bool:
        late = now_ns - stamp_ns > self._settings.max_age_s * NANOSECONDS
        self.too_late += late
        self.late_by_s = (now_ns - stamp_ns) / NANOSECONDS if late else 0.0
        return late

    def _may_speak(self, now_ns: int) -> bool:
        if self._last_ns is None or now_ns < self._last_ns:  # a clock that jumped back
            return True
        return now_ns - self._last_ns >= self._settings.min_interval_s * NANOSECONDS

    def _is_new(self, candidate: _Candidate) -> bool:
        last = self._last
        return last is None or candidate.text != last.text or candidate.worth > last.worth

    def _with_grade(self, candidate: _Candidate, grade: str) -> str:
        if not (grade and self._settings.say_grade) or candidate.severity == CueSeverity.STOP:
            return candidate.text
        spoken = self._texts[f"grade_{grade}"]
        if not candidate.text:
            return spoken
        template = "count_and_grade" if candidate.severity == CueSeverity.INFO else "grade_and_cue"
        both = self._texts[template].replace("{grade}", spoken)
        both = both.replace("{count}", candidate.text).replace("{cue}", candidate.text)
        return both if fits(both, self._language) else candidate.text

    def _give(
        self, now_ns: int, candidate: _Candidate, text: str, repetition: int, event_ns: int
    ) -> Cue:
        self._last_ns, self._last = now_ns, candidate
        return Cue(text, candidate.severity, candidate.answers, repetition, event_ns)
