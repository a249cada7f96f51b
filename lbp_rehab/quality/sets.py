"""One set of an exercise: until the repetitions are done, or nothing has moved for too long."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lbp_rehab.breath.types import Breath
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.matching.follow import Follower, Similarity
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.exercise import Exercise
from lbp_rehab.quality.repetitions import MOVING
from lbp_rehab.quality.scorer import Event, Scorer
from lbp_rehab.quality.scoring import grade_of
from lbp_rehab.quality.signals import NANOSECONDS
from lbp_rehab.quality.types import Grade, Outcome, RepetitionResult, Side


class ExerciseSet:
    """Runs a scorer and knows when the set is over.

    Parameters
    ----------
    scorer : Scorer
    side : Side
    target : int
        Complete repetitions to do; 0: open end.
    timeout_s : float
        Give up after this long without movement, by the stamps; 0: never.
    follower : Follower, optional
        Of the session: compares the repetitions.

    Attributes
    ----------
    ended : str
        Why the set is over; empty while it goes on.
    done : bool
        Whether all repetitions were done; always False with an open end.
    results : list of RepetitionResult
    similarities : dict of int to Similarity
        By the repetitions' index; empty without a follower.
    """

    def __init__(
        self,
        scorer: Scorer,
        side: Side,
        target: int = 0,
        timeout_s: float = 0.0,
        follower: Follower | None = None,
    ) -> None:
        self.scorer, self.side, self.target = scorer, side, target
        self._follower = follower
        self._timeout_ns = round(timeout_s * NANOSECONDS)
        self._moved_ns: int | None = None
        self.ended = ""
        self.results: list[RepetitionResult] = []
        self.similarities: dict[int, Similarity] = {}

    @property
    def exercise(self) -> Exercise:
        """The exercise that is done."""
        return self.scorer.exercise

    @property
    def done(self) -> bool:
        """Whether all repetitions that were asked for are done."""
        return 0 < self.target <= self.scorer.repetitions

    @property
    def not_assessed(self) -> tuple[str, ...]:
        """Faults that could not be judged in the latest repetition."""
        return self.results[-1].not_assessed if self.results else ()

    def update(
        self,
        stamp_ns: int,
        pose: BodyPose | None = None,
        pelvis: PelvisState | None = None,
        breath: Breath | None = None,
        activation: Activation | None = None,
    ) -> list[Event]:
        """Take inputs as `Scorer.update` does; nothing follows once the set has ended."""
        if self.ended:
            return []
        if self._follower is not None and pose is not None:
            self._follower.see_pose(pose)
        if self._follower is not None and pelvis is not None:
            self._follower.see_pelvis(pelvis)
        events = self._keep(self.scorer.update(pose, pelvis, breath, activation))
        if self._moved_ns is None or self.scorer.phase in MOVING or stamp_ns < self._moved_ns:
            self._moved_ns = stamp_ns
        if self.done:
            self.ended = f"all {self.target} repetitions are done"
        elif self._timeout_ns and stamp_ns - self._moved_ns > self._timeout_ns:
            self.ended = f"no movement for {self._timeout_ns / NANOSECONDS:g} s"
        return events

    def finish(self) -> list[Event]:
        """End the set and return what was still under way."""
        return self._keep(self.scorer.finish())

    def mean_score(self, thresholds: Sequence[float]) -> tuple[Estimate, Grade]:
        """Return the mean score over complete repetitions and its grade."""
        scores = [r.score for r in self.results if r.outcome == Outcome.COMPLETE and r.score.known]
        if not scores:
            return Estimate.unknown(Reason.TOO_EARLY), Grade.UNKNOWN
        n = len(scores)
        sigma = math.sqrt(sum(s.sigma**2 for s in scores)) / n
        mean = Estimate(sum(s.value for s in scores) / n, sigma)
        return mean, grade_of(mean, thresholds)

    def _keep(self, events: list[Event]) -> list[Event]:
        results = [e for e in events if isinstance(e, RepetitionResult)]
        self.results += results
        if self._follower is not None:
            for result in results:
                found = self._follower.compare(result, self.exercise.name)
                self.similarities[result.index] = found
        return events
