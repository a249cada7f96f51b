"""Prompts that lead through a repetition: when to move, hold and return, and how to breathe."""

from __future__ import annotations

from collections.abc import Mapping

from lbp_rehab.feedback import texts as wording
from lbp_rehab.feedback.types import Prompt
from lbp_rehab.quality.types import Phase
from lbp_rehab.stamps import NANOSECONDS

PROMPTS = ("none", "tempo", "breathing", "both")
LONG_HOLD_S = 3.0  # from here on people tend to hold their breath, and are reminded to go on

_TEMPO = {Phase.OUT: "prompt_out", Phase.HOLD: "prompt_hold", Phase.RETURN: "prompt_return"}
# Breathing out on the effort and in on the way back is common practice in physiotherapy.
_BREATH = {Phase.OUT: "breathe_out", Phase.HOLD: "breathe_on", Phase.RETURN: "breathe_in"}


class Prompter:
    """Follows the phases and says which prompt is due.

    Parameters
    ----------
    texts : mapping of str to str
    language : str
    kind : str
        One of `PROMPTS`.
    """

    def __init__(self, texts: Mapping[str, str], language: str, kind: str = "none") -> None:
        self._texts, self._language = texts, language
        self._tempo, self._breathing = kind in ("tempo", "both"), kind in ("breathing", "both")
        self.begin(0.0)

    def begin(self, hold_s: float) -> None:
        """Begin a set of an exercise whose target is held for at least `hold_s` seconds."""
        self._hold_s = hold_s
        self._phase = self._step = Phase.UNKNOWN
        self._phase_ns = 0
        self._due: Prompt | None = None

    def update(self, stamp_ns: int, phase: Phase, repetition: int) -> Prompt | None:
        """Take the phase of an instant and return the latest prompt, with when it was due.

        The way back is prompted once the target has been held long enough, or at the latest when
        it begins. An unknown phase changes nothing.
        """
        if phase == Phase.UNKNOWN:
            return self._due
        if phase != self._phase or stamp_ns < self._phase_ns:
            self._phase, self._phase_ns = phase, stamp_ns
        held_s = (stamp_ns - self._phase_ns) / NANOSECONDS
        held = phase == Phase.HOLD and 0 < self._hold_s <= held_s
        step = Phase.RETURN if held else phase
        if step != self._step:
            self._step = step
            text, kind = self._text(step)
            self._due = Prompt(stamp_ns, repetition, text, kind) if text else None
        return self._due

    def texts(self) -> tuple[str, ...]:
        """Return every prompt of the set, for a voice that has them spoken in advance."""
        return tuple(text for step in _TEMPO if (text := self._text(step)[0]))

    def _text(self, step: Phase) -> tuple[str, str]:
        """Return text and kind of a step; empty if nothing is said."""
        tempo = self._texts[_TEMPO[step]] if self._tempo and step in _TEMPO else ""
        breath = self._texts[_BREATH[step]] if self._breathing and step in _BREATH else ""
        if step == Phase.HOLD:
            tempo = tempo if self._hold_s > 0 else ""
            breath = breath if self._hold_s >= LONG_HOLD_S else ""
        if tempo and breath:
            return wording.prompt_and_breath(self._texts, self._language, tempo, breath), "tempo"
        return tempo or breath, "tempo" if tempo else "breathing"
