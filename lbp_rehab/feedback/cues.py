"""Chooses what to say: one short cue at a time, the most important first, and not too often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lbp_rehab.feedback import texts as wording
from lbp_rehab.feedback.onsets import Onsets
from lbp_rehab.feedback.types import (
    Cue,
    CueSeverity,
    FaultsNow,
    Problem,
    Prompt,
    RepetitionDone,
    SetDone,
)
from lbp_rehab.stamps import NANOSECONDS

LIVE_FROM = ("mild", "moderate", "severe", "never")  # severity of Fault.msg is the index + 1
MODERATE, UNSAFE = 2, 4  # of Fault.msg


@dataclass(frozen=True)
class CueSettings:
    """How cues are given.

    Attributes
    ----------
    min_interval_s : float
        Least time between two cues; a stop cue does not wait.
    max_age_s : float
        A cue for an older event comes too late and is dropped.
    prompt_age_s : float
        The same for a prompt, which must meet the movement.
    min_points : float
        A fault of a repetition that costs less is not worth a correction.
    worse_points : float
        A fault that costs this much more has got worse, so that its cue may be said again.
    lasting_s : float
        A fault that is present for longer is a new event, each time.
    live_from : str
        Severity from which faults are corrected while the movement goes on, one of `LIVE_FROM`;
        unsafe ones are always stopped.
    interrupt_info : bool
        Whether a correction during the movement does not wait for a count, grade, praise or
        prompt, but cuts it off.
    say_grade, say_count, praise : bool
    """

    min_interval_s: float = 4.0
    max_age_s: float = 1.5
    prompt_age_s: float = 1.0
    min_points: float = 2.0
    worse_points: float = 5.0
    lasting_s: float = 5.0
    live_from: str = "moderate"
    interrupt_info: bool = False
    say_grade: bool = True
    say_count: bool = True
    praise: bool = True


@dataclass(frozen=True)
class _Candidate:
    text: str  # without the grade
    kind: CueSeverity
    answers: str
    repetition: int
    event_ns: int
    severity: int = 0  # of the fault; it and the points let a cue be said again if they rise
    points: float = 0.0


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
        self._live_severity = 1 + LIVE_FROM.index(self._settings.live_from)
        self.too_late = 0
        self.late_by_s = 0.0
        self._last_ns: int | None = None
        self._last: _Candidate | None = None
        self.reset()

    def reset(self, texts: Mapping[str, str] | None = None) -> None:
        """Begin a set: forget the faults of the one before, but not what was said last.

        Parameters
        ----------
        texts : mapping of str to str, optional
            Those of the set, if it has its own.
        """
        self._texts = self._texts if texts is None else texts
        self._onsets = Onsets(round(self._settings.lasting_s * NANOSECONDS))
        self._corrected: dict[str, int] = {}  # fault to the repetition in which it was told
        self._stopped: tuple[str, int] | None = None  # fault and repetition
        self._troubled = -1  # repetition that has shown a fault to be corrected
        self._set: SetDone | None = None

    def on_repetition(self, now_ns: int, event: RepetitionDone) -> Cue | None:
        """Answer a finished repetition: correction, else praise, else count; with the grade."""
        self._remember(event)
        fixed = self._fixed(event)
        if self._is_late(now_ns, event.stamp_ns):
            return None
        for candidate in self._of_repetition(event, fixed):
            if candidate.kind == CueSeverity.STOP:
                return self._stop(now_ns, candidate)
            if not self._may_speak(now_ns):
                return None
            if self._is_new(candidate):
                if candidate.kind == CueSeverity.PRAISE:
                    for fault in fixed:
                        del self._corrected[fault]
                return self._give(now_ns, candidate, self._with_grade(candidate, event.grade))
        return None

    def on_faults(self, now_ns: int, event: FaultsNow) -> Cue | None:
        """Answer faults while the movement goes on: stop if unsafe, else correct one of them."""
        onsets = self._onsets.update(event)
        if not event.problems or self._is_late(now_ns, event.stamp_ns):
            return None
        worth_it = [p for p in self._most_important_first(event.problems) if self._is_live(p)]
        if not worth_it:
            return None
        self._troubled = event.repetition
        if worth_it[0].severity >= UNSAFE:
            onset_ns = onsets[worth_it[0].id].start_ns
            return self._stop(now_ns, self._of_problem(worth_it[0], event.repetition, onset_ns))
        free = self._may_speak(now_ns)
        cuts_off = not free and self._settings.interrupt_info and self._has_only_informed()
        if not (free or cuts_off):
            return None
        max_age_ns = round(self._settings.max_age_s * NANOSECONDS)
        for problem in worth_it:
            onset = onsets[problem.id]
            candidate = self._of_problem(problem, event.repetition, onset.start_ns)
            if onset.is_fresh(event.stamp_ns, now_ns, max_age_ns) and self._is_new(candidate):
                return self._give(now_ns, candidate, candidate.text, urgent=cuts_off)
        return None

    def on_prompt(self, now_ns: int, prompt: Prompt | None) -> Cue | None:
        """Say what comes next, unless there is, or in this repetition was, something to correct."""
        if prompt is None or prompt.repetition == self._troubled or not self._may_speak(now_ns):
            return None
        candidate = _Candidate(
            prompt.text, CueSeverity.INFO, prompt.kind, prompt.repetition, prompt.stamp_ns
        )
        in_time = now_ns - prompt.stamp_ns <= self._settings.prompt_age_s * NANOSECONDS
        return self._give(now_ns, candidate) if in_time and self._is_new(candidate) else None

    def on_set(self, now_ns: int, event: SetDone) -> Cue | None:
        """Answer the end of a set, now or as soon as the last cue lets it (see `on_tick`)."""
        self._set = event
        return self.on_tick(now_ns)

    def on_tick(self, now_ns: int) -> Cue | None:
        """Say what was waiting for its turn; to be called now and then."""
        done, settings = self._set, self._settings
        if done is None:
            return None
        # The last repetition is answered at the same instant, and the set only after it.
        if now_ns - done.stamp_ns > (settings.min_interval_s + settings.max_age_s) * NANOSECONDS:
            self._set = None
            self.too_late += 1
            return None
        if not self._may_speak(now_ns):
            return None
        self._set = None
        text = wording.set_done(
            self._texts, self._language, done.grade if settings.say_grade else ""
        )
        return self._give(now_ns, _Candidate(text, CueSeverity.INFO, "set", 0, done.stamp_ns))

    def _of_repetition(self, event: RepetitionDone, fixed: list[str]) -> list[_Candidate]:
        settings, texts = self._settings, self._texts
        found = []
        for problem in self._most_important_first(event.problems):
            if self._stopped == (problem.id, event.index) and problem.cue in texts:
                advice = replace(problem, severity=UNSAFE - 1)  # it was stopped: now how to do it
                found.append(self._of_problem(advice, event.index, event.stamp_ns))
            elif problem.severity >= UNSAFE or problem.points_lost >= settings.min_points:
                found.append(self._of_problem(problem, event.index, event.stamp_ns))
        # Praise for one thing is heard as praise for all: not beside something that went wrong.
        wrong = any(p.severity >= MODERATE for p in event.problems)
        if fixed and settings.praise and not wrong:
            found.append(
                _Candidate(
                    texts["fixed"], CueSeverity.PRAISE, fixed[0], event.index, event.stamp_ns
                )
            )
        if event.complete and settings.say_count:
            count, answers = wording.count(texts, event.count), "repetition"
        else:
            count, answers = "", "grade"
        if count or (event.grade and settings.say_grade):
            # A grade alone is told apart from the one before by its text.
            text = count or texts[f"grade_{event.grade}"]
            found.append(_Candidate(text, CueSeverity.INFO, answers, event.index, event.stamp_ns))
        return found

    def _remember(self, event: RepetitionDone) -> None:
        """Take what the last cue's fault has cost in the end, for the question if it got worse."""
        last = self._last
        if last is not None and last.repetition == event.index:
            cost = [p.points_lost for p in event.problems if p.id == last.answers]
            self._last = replace(last, points=max([last.points, *cost]))

    def _fixed(self, event: RepetitionDone) -> list[str]:
        """Return the faults that were corrected before this repetition and are gone."""
        there = {p.id for p in event.problems if p.points_lost >= self._settings.min_points}
        there |= {p.id for p in event.problems if p.severity >= UNSAFE} | set(event.not_assessed)
        return [
            fault
            for fault, told in self._corrected.items()
            if event.complete and told < event.index and fault not in there
        ]

    def _most_important_first(self, problems: Iterable[Problem]) -> list[Problem]:
        """Sort by safety, then by the points that a correction would win back."""
        told = [p for p in problems if p.severity >= UNSAFE or p.cue in self._texts]
        return sorted(told, key=lambda p: (p.severity < UNSAFE, -p.points_lost, -p.severity, p.id))

    def _is_live(self, problem: Problem) -> bool:
        return problem.severity >= self._live_severity

    def _of_problem(self, problem: Problem, repetition: int, event_ns: int = 0) -> _Candidate:
        stop = problem.severity >= UNSAFE
        return _Candidate(
            self._texts["stop" if stop else problem.cue],
            CueSeverity.STOP if stop else CueSeverity.CORRECTION,
            problem.id,
            repetition,
            event_ns,
            problem.severity,
            problem.points_lost,
        )

    def _stop(self, now_ns: int, candidate: _Candidate) -> Cue | None:
        """Stop at once; not at every frame, and the second time in other words."""
        last = self._last
        if last is not None and last.kind == CueSeverity.STOP:
            if not self._may_speak(now_ns):
                return None
            if last.text == candidate.text:
                candidate = replace(candidate, text=self._texts["stop_again"])
        self._stopped = (candidate.answers, candidate.repetition)
        return self._give(now_ns, candidate, urgent=True)

    def _is_late(self, now_ns: int, stamp_ns: int) -> bool:
        late = now_ns - stamp_ns > self._settings.max_age_s * NANOSECONDS
        self.too_late += late
        self.late_by_s = (now_ns - stamp_ns) / NANOSECONDS if late else 0.0
        return late

    def _may_speak(self, now_ns: int) -> bool:
        if self._last_ns is None or now_ns < self._last_ns:  # a clock that jumped back
            return True
        return now_ns - self._last_ns >= self._settings.min_interval_s * NANOSECONDS

    def _has_only_informed(self) -> bool:
        return self._last is not None and self._last.kind <= CueSeverity.INFO

    def _is_new(self, candidate: _Candidate) -> bool:
        last = self._last
        if last is None or candidate.text != last.text:
            return True
        # Within a repetition the expected points only grow towards what the fault will cost.
        dearer = candidate.points >= last.points + self._settings.worse_points
        again = candidate.repetition != last.repetition
        return candidate.severity > last.severity or (candidate.severity > 0 and again and dearer)

    def _with_grade(self, candidate: _Candidate, grade: str) -> str:
        if not (grade and self._settings.say_grade) or candidate.answers == "grade":
            return candidate.text
        count = candidate.answers == "repetition"
        combine = wording.count_and_grade if count else wording.grade_and_cue
        return combine(self._texts, self._language, candidate.text, grade)

    def _give(
        self, now_ns: int, candidate: _Candidate, text: str = "", urgent: bool = False
    ) -> Cue:
        self._last_ns, self._last = now_ns, candidate
        if candidate.kind in (CueSeverity.CORRECTION, CueSeverity.STOP):
            self._corrected[candidate.answers] = candidate.repetition
        return Cue(
            text or candidate.text,
            candidate.kind,
            candidate.answers,
            candidate.repetition,
            candidate.event_ns,
            urgent,
        )
