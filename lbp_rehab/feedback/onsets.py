"""Since when each fault has been present, and since when as badly as now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lbp_rehab.feedback.types import FaultsNow
from lbp_rehab.stamps import NANOSECONDS

JUST_SEEN_NS = NANOSECONDS // 5  # six frames of a camera at 30 Hz


@dataclass(frozen=True)
class Onset:
    """A fault became present, worse, or has lasted: an event that a cue can answer.

    Attributes
    ----------
    severity : int
    start_ns : int
        When that was.
    seen_ns : int
        When it was first reported; later than the start by as long as it takes to be sure.
    """

    severity: int
    start_ns: int
    seen_ns: int

    def is_fresh(self, stamp_ns: int, now_ns: int, max_age_ns: int) -> bool:
        """Whether a cue would still come in time: soon after the start or the first report."""
        return now_ns - self.start_ns <= max_age_ns or stamp_ns - self.seen_ns <= JUST_SEEN_NS


class Onsets:
    """Follows the faults that are present.

    Parameters
    ----------
    lasting_ns : int
        A fault present for longer is a new event.
    """

    def __init__(self, lasting_ns: int) -> None:
        self._lasting_ns = lasting_ns
        self._present: dict[str, Onset] = {}

    def update(self, event: FaultsNow) -> Mapping[str, Onset]:
        """Take the faults of an instant and return the onset of each."""
        now_ns = event.stamp_ns
        present = {}
        for problem in event.problems:
            onset = self._present.get(problem.id)
            if onset is None or now_ns < onset.seen_ns:
                start_ns = problem.start_ns if 0 < problem.start_ns <= now_ns else now_ns
                onset = Onset(problem.severity, start_ns, now_ns)
            elif problem.severity > onset.severity:
                onset = Onset(problem.severity, now_ns, now_ns)
            elif now_ns - onset.start_ns >= self._lasting_ns:
                onset = Onset(onset.severity, now_ns, now_ns)
            present[problem.id] = onset
        self._present = present
        return present
