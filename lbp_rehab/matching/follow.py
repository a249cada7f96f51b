"""Compares each scored repetition with the person's own best one and with a demonstration."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.matching.matcher import Match, Matcher, demonstrations_path
from lbp_rehab.matching.reference import OwnBest, Reference, read_references
from lbp_rehab.matching.repetition import Repetition, repetition
from lbp_rehab.pelvis.types import Method, PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.types import Outcome, RepetitionResult
from lbp_rehab.recognition.observation import JOINTS, Course, Observation, observe
from lbp_rehab.stamps import NANOSECONDS

KEPT_NS = 60 * NANOSECONDS
NO_DEMONSTRATIONS = "none"  # instead of a path
# A pelvis that comes later than this after its pose is left out, and so is a pose out of order; one
# that is older still is a clock that jumped back.
_LATE_NS = NANOSECONDS // 2
_REFERENCE_SEEN = 0.5  # of a repetition's joints, for others to be compared with it
_PARTS = (*JOINTS, "pelvis")


@dataclass(frozen=True)
class Similarity:
    """How alike a repetition is to others.

    Attributes
    ----------
    own_best : Estimate
        0 to 100, to the person's own best repetition before it.
    demonstration : Estimate
        0 to 100, to the demonstration of the exercise.
    left_out : tuple of str
        Joints, or "pelvis", that either comparison had to do without.
    """

    own_best: Estimate
    demonstration: Estimate
    left_out: tuple[str, ...] = ()

    @classmethod
    def unknown(cls, reason: Reason) -> Similarity:
        """Return that nothing could be compared."""
        return cls(Estimate.unknown(reason), Estimate.unknown(reason))


class Follower:
    """Sees a session, and compares its repetitions as they are scored.

    The network is loaded with the first repetition that there is something to compare with.

    Parameters
    ----------
    demonstrations : sequence of Reference
    matcher : Matcher, optional
        Instead of the one in ``resource/models``.
    """

    def __init__(
        self, demonstrations: Sequence[Reference] = (), matcher: Matcher | None = None
    ) -> None:
        self._demonstrations = tuple(demonstrations)
        self._matcher = matcher
        self._best = OwnBest()
        self._seen: deque[Observation] = deque()
        self._poses: deque[BodyPose] = deque()  # whose pelvis may still come
        self._track_id: int | None = None
        self.lacking = ""  # why the latest repetition could not be compared

    def see_pose(self, pose: BodyPose) -> None:
        """Take a pose; with a clock that jumps back, or another person, the past is forgotten."""
        if self._seen and (late_ns := self._seen[-1].stamp_ns - pose.stamp_ns) >= 0:
            if late_ns <= _LATE_NS:
                return
            self._forget()
        seen = observe(pose)
        if seen is None:
            return
        if seen.known.any() and pose.track_id != self._track_id:
            self._forget()
            self._track_id = pose.track_id
        self._seen.append(seen)
        self._poses.append(pose)
        while self._poses[0].stamp_ns < pose.stamp_ns - _LATE_NS:
            self._poses.popleft()
        while self._seen[0].stamp_ns < pose.stamp_ns - KEPT_NS:
            self._seen.popleft()

    def see_pelvis(self, pelvis: PelvisState) -> None:
        """Take a pelvis; it counts with the pose of the same stamp, which must have come before."""
        if pelvis.method != Method.SURFACE:
            return  # says nothing that the pose does not
        for back, pose in enumerate(reversed(self._poses), start=1):
            if pose.stamp_ns == pelvis.stamp_ns:
                both = observe(pose, pelvis)
                if both is not None:
                    self._seen[-back] = both
                return

    def compare(self, result: RepetitionResult, exercise: str) -> Similarity:
        """Compare a repetition with what there is; it may then become the own best.

        Parameters
        ----------
        result : RepetitionResult
            Just scored. Without a score there is nothing to compare.
        exercise : str
        """
        if not result.score.known:
            return Similarity.unknown(result.score.reason)
        if not self._seen or self._seen[0].stamp_ns > result.start_ns:
            # Without gravity nothing is kept, else its beginning was not seen.
            return Similarity.unknown(Reason.TOO_UNCERTAIN if self._seen else Reason.NO_GRAVITY)
        side, self.lacking = result.side.name.lower(), ""
        try:
            made = repetition(Course.of(list(self._seen)), result.start_ns, result.end_ns)
            own = self._match(made, self._best.get(exercise, side), side, Reason.TOO_EARLY)
            shown = self._match(
                made, self._demonstration(exercise, side), side, Reason.MISSING_INPUT
            )
        except InputError as error:
            self.lacking = str(error)
            return Similarity.unknown(Reason.TOO_UNCERTAIN)
        if result.outcome == Outcome.COMPLETE and made.seen_share >= _REFERENCE_SEEN:
            reference = Reference(exercise, side, f"repetition {result.index}", made)
            self._best.offer(reference, result.score.value)
        left_out = {*own.left_out, *shown.left_out}
        return Similarity(
            own.similarity, shown.similarity, tuple(part for part in _PARTS if part in left_out)
        )

    def _match(
        self, made: Repetition, reference: Reference | None, side: str, otherwise: Reason
    ) -> Match:
        if reference is None:
            unknown = Estimate.unknown(otherwise)
            return Match(unknown, unknown, ())
        if self._matcher is None:
            self._matcher = Matcher()
        return self._matcher.match(made, reference, side)

    def _demonstration(self, exercise: str, side: str) -> Reference | None:
        """Return the exercise's demonstration, of the same side if there is one."""
        those = [r for r in self._demonstrations if r.exercise == exercise]
        return next((r for r in those if r.side == side), those[0] if those else None)

    def _forget(self) -> None:
        self._seen.clear()
        self._poses.clear()


def read_demonstrations(where: str) -> list[Reference]:
    """Return the demonstrations of a file; of the package where empty, none where "none".

    Raises
    ------
    InputError
        If the file is missing or broken.
    """
    if where == NO_DEMONSTRATIONS:
        return []
    return read_references(Path(where).expanduser() if where else demonstrations_path())
