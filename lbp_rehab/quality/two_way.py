"""Segmentation of movements that go to both sides of the start, such as the cat-camel."""

from __future__ import annotations

from dataclasses import replace

from lbp_rehab.estimate import Estimate
from lbp_rehab.quality.repetitions import MOVING, Segment, Segmenter, SegmenterSettings
from lbp_rehab.quality.signals import NANOSECONDS
from lbp_rehab.quality.types import Outcome, Phase


class TwoWaySegmenter:
    """Two segmenters of one measure; what they find one right after the other is one repetition.

    It does not matter which extreme comes first. One extreme without the other is a partial
    repetition.

    Parameters
    ----------
    start : tuple of float
        Range of the start position.
    nears : tuple of float
        The values at the two extremes from which they count as reached.
    counts_from : float
    settings : SegmenterSettings
    """

    def __init__(
        self,
        start: tuple[float, float],
        nears: tuple[float, float],
        counts_from: float,
        settings: SegmenterSettings | None = None,
    ) -> None:
        self._settings = settings or SegmenterSettings()
        self._ways = [Segmenter(start, near, counts_from, self._settings) for near in nears]
        self._first: Segment | None = None

    @property
    def phase(self) -> Phase:
        """The phase of the way that is gone; between the two it is the hold."""
        moving = next((w.phase for w in self._ways if w.phase in MOVING), None)
        if self._first is not None:
            return Phase.RETURN if moving == Phase.RETURN else Phase.HOLD
        if moving is not None:
            return Phase.OUT if moving == Phase.OUT else Phase.HOLD
        phases = {w.phase for w in self._ways}
        return Phase.REST if Phase.REST in phases else Phase.UNKNOWN

    @property
    def progress(self) -> Estimate:
        """The progress towards the extreme that is nearer."""
        return max((w.progress for w in self._ways), key=lambda p: p.value if p.known else -1.0)

    @property
    def still_s(self) -> float:
        """For how long the patient has stood still, wherever that is."""
        return min(w.still_s for w in self._ways)

    @property
    def no_further_s(self) -> float:
        """For how long the way to an extreme has gone no further."""
        return next((w.no_further_s for w in self._ways if w.phase in MOVING), 0.0)

    @property
    def turned(self) -> bool:
        """Whether the way to the target is over, be there another extreme or not."""
        gone = self._first is not None and self._first.extreme == 0
        return gone or self._ways[0].turned

    def step(self, stamp_ns: int, estimate: Estimate) -> list[Segment]:
        """Take one sample of the measure, known or not; stamps must rise."""
        ended: list[Segment] = []
        for extreme, way in enumerate(self._ways):
            # Who holds the other extreme does not rest there.
            way.follows_rest = self._ways[1 - extreme].phase not in MOVING
            for segment in way.step(stamp_ns, estimate):
                ended += self._join(replace(segment, extreme=extreme))
        waits = self._first is not None and stamp_ns - self._first.end_ns > (
            self._settings.between_s * NANOSECONDS
        )
        if waits and not any(w.phase in MOVING for w in self._ways):
            ended += self._alone()
        return ended

    def stop(self) -> list[Segment]:
        """End the set: a repetition under way is aborted."""
        ended: list[Segment] = []
        for extreme, way in enumerate(self._ways):
            for segment in way.stop():
                ended += self._join(replace(segment, extreme=extreme))
        return ended + self._alone()

    def _alone(self) -> list[Segment]:
        first, self._first = self._first, None
        if first is None:
            return []
        outcome = Outcome.ABORTED if first.outcome == Outcome.ABORTED else Outcome.PARTIAL
        return [replace(first, outcome=outcome)]

    def _join(self, segment: Segment) -> list[Segment]:
        first = self._first
        if segment.outcome == Outcome.ABORTED:
            # What was lost or broken off midway ends the repetition, whichever way it went.
            self._first = None
            if first is None:
                return [segment]
            return [replace(first, outcome=segment.outcome, end_ns=segment.end_ns)]
        if first is None:
            self._first = segment
            return []
        if first.extreme == segment.extreme:
            ended = self._alone()
            self._first = segment
            return ended
        self._first = None
        return [
            replace(
                first,
                outcome=max(first.outcome, segment.outcome),
                end_ns=segment.end_ns,
                second=segment,
            )
        ]
