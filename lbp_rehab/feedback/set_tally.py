"""Counts the repetitions of a set and grades the whole."""

from __future__ import annotations

from collections.abc import Sequence

from lbp_rehab.estimate import Estimate
from lbp_rehab.feedback.texts import grade_name
from lbp_rehab.quality.scoring import grade_of


class SetTally:
    """One set at a time, told apart by session and number of the set.

    Attributes
    ----------
    count : int
        Complete repetitions.
    index : int
        Of the latest repetition, whatever its outcome; 0 before the first.
    over : bool
        Whether the end of this set has been answered.
    """

    def __init__(self) -> None:
        self._key: tuple[str, int] | None = None
        self._clear(0)

    def _clear(self, done: int) -> None:
        self.count, self.index, self.over = done, done, False
        self._scores: list[float] = []

    def enter(self, session: str, number: int, done: int = 0) -> bool:
        """Begin a set unless it is the present one; return whether it is new.

        Parameters
        ----------
        done : int
            Complete repetitions that went before, for one that comes in the middle of a set.
        """
        if (session, number) == self._key:
            return False
        self._key = (session, number)
        self._clear(done)
        return True

    def is_in(self, session: str, number: int) -> bool:
        """Whether this set is the present one and goes on."""
        return (session, number) == self._key and not self.over

    def add(self, index: int, complete: bool, score: float | None) -> None:
        """Take a finished repetition; the first one of a scorer that was restarted begins anew."""
        if index <= self.index:
            self._clear(0)
        self.index = index
        self.count += complete
        if complete and score is not None:
            self._scores.append(score)

    def grade(self, thresholds: Sequence[float]) -> str:
        """Return the name of the grade of the mean score of complete repetitions, or nothing."""
        if not self._scores:
            return ""
        mean = Estimate(sum(self._scores) / len(self._scores), 0.0)
        return grade_name(grade_of(mean, thresholds))
