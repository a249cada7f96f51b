"""Counts repetitions as they happen: a state machine on the progress of the primary measure."""

from __future__ import annotations

from dataclasses import dataclass

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.signals import NANOSECONDS, LowPass
from lbp_rehab.quality.types import Outcome, Phase

MOVING = (Phase.OUT, Phase.HOLD, Phase.RETURN)
HALF_WAY = 0.5  # progress
GAIN = 0.05  # progress by less than this is going no further


@dataclass(frozen=True)
class SegmenterSettings:
    """Thresholds in progress: 0 is the patient's own start position, 1 the target.

    Attributes
    ----------
    leave, back : float
        The start position is left above ``leave`` and reached again below ``back``.
    reached : float
        From here on the target counts as reached.
    turn : float
        The movement has turned when it is this far from its extreme.
    split_below : float
        Turning outwards again below this starts the next repetition.
    still_per_s : float
        Slower than this is standing still.
    settle_s : float
        Below ``back`` for this long, the repetition is over even if it still creeps.
    stall_s : float
        Standing still for this long midway ends the repetition as aborted.
    lost_s : float
        Unknown for longer than this ends the repetition as aborted.
    away_s : float
        The same beyond half of the way, if it comes back in view there: what the movement hides
        is seen again on the way back.
    between_s : float
        Least rest between the two extremes of a movement that ends the repetition.
    fast_s, slow_s : float
        Time constants of the filters of position and, by their difference, of speed.
    """

    leave: float = 0.2
    back: float = 0.12
    reached: float = 0.9
    turn: float = 0.15
    split_below: float = 0.4
    still_per_s: float = 0.1
    settle_s: float = 0.5
    stall_s: float = 8.0
    lost_s: float = 2.0
    away_s: float = 10.0
    between_s: float = 1.2
    fast_s: float = 0.1
    slow_s: float = 0.3


@dataclass(frozen=True)
class Segment:
    """A repetition as the state machine saw it; stamps are when it noticed.

    Attributes
    ----------
    outcome : Outcome
        By the filtered progress.
    earliest_ns : int
        The repetition began after this: the end of the one before, or when rest was first seen.
    left_ns, end_ns : int
    rest : float
        Start position in the unit of the measure.
    extreme : int
        0 if it went to the target, 1 if to the second extreme.
    second : Segment or None
        The way to the other extreme, where the repetition has two.
    """

    outcome: Outcome
    earliest_ns: int
    left_ns: int
    end_ns: int
    rest: float
    extreme: int = 0
    second: Segment | None = None


class Segmenter:
    """Online segmentation of one measure into repetitions.

    Parameters
    ----------
    start : tuple of float
        Range of the start position.
    target_near : float
        The value that counts as the target.
    counts_from : float
        Progress below which a movement is no repetition.
    settings : SegmenterSettings

    Attributes
    ----------
    follows_rest : bool
        Whether the start position follows the patient who lies or stands still.
    """

    def __init__(
        self,
        start: tuple[float, float],
        target_near: float,
        counts_from: float,
        settings: SegmenterSettings | None = None,
    ) -> None:
        self._start, self._target = start, target_near
        self._counts_from = counts_from
        self._s = settings or SegmenterSettings()
        self._start_near = min(start, key=lambda v: abs(v - target_near))
        self.follows_rest = True
        self.reset()

    def reset(self) -> None:
        """Forget the past, as after a jump of the clock."""
        self.phase = Phase.UNKNOWN
        self.progress = Estimate.unknown(Reason.TOO_EARLY)
        self._fast, self._slow = LowPass(self._s.fast_s), LowPass(self._s.slow_s)
        self._rest = self._start_near
        self._known_ns: int | None = None
        self._free_ns = 0
        self._left_ns = 0
        self._last = self._peak = self._trough = 0.0
        self._trough_ns = 0
        self._back_ns: int | None = None
        self._still_ns = 0
        self._moved_ns = 0
        self._anchor, self._anchor_ns = 0.0, 0
        self._gained, self._gained_ns = 0.0, 0

    def step(self, stamp_ns: int, estimate: Estimate) -> list[Segment]:
        """Take one sample of the measure, known or not; stamps must rise."""
        ended = self._check_lost(stamp_ns)
        if not estimate.known:
            self.progress = Estimate.unknown(estimate.reason)
            return ended
        if self._known_ns is None or self.phase == Phase.UNKNOWN:
            self._free_ns = stamp_ns
        known_ns, self._known_ns = self._known_ns, stamp_ns
        value = self._fast.update(stamp_ns, estimate)
        lag = self._s.slow_s - self._s.fast_s
        speed = (value - self._slow.update(stamp_ns, estimate)) / lag / self._span()
        if abs(speed) > self._s.still_per_s:
            self._moved_ns = stamp_ns
        in_start = (value - self._start_near) * self._span() <= 0
        if self.phase == Phase.UNKNOWN and in_start:
            self.phase = Phase.REST
            self._rest = min(max(value, self._start[0]), self._start[1])
        if self.phase == Phase.REST and in_start and self.follows_rest:
            self._track_rest(value, speed, stamp_ns, known_ns)
        p = (value - self._rest) / self._span()
        if (
            known_ns is not None
            and stamp_ns - known_ns > self._s.lost_s * NANOSECONDS
            and p < HALF_WAY
        ):
            ended += self._give_up(known_ns)
        self._last = p
        self.progress = Estimate(
            min(max(p, 0.0), 1.0), self._fast.variance**0.5 / abs(self._span())
        )
        if self.phase in MOVING:
            ended += self._move(stamp_ns, p, speed, in_start)
        elif self.phase == Phase.REST and p > self._s.leave:
            self._begin(stamp_ns, p)
        return ended

    @property
    def still_s(self) -> float:
        """For how long the patient has stood still, wherever that is."""
        return ((self._known_ns or 0) - self._moved_ns) / NANOSECONDS

    @property
    def no_further_s(self) -> float:
        """For how long a repetition under way has gone no further."""
        return ((self._known_ns or 0) - self._gained_ns) / NANOSECONDS

    @property
    def turned(self) -> bool:
        """Whether the way to the target is over."""
        return self.phase == Phase.RETURN

    def stop(self) -> list[Segment]:
        """End the set: a repetition under way is aborted, unless it is as good as over."""
        if self._known_ns is None:
            return []
        if self.phase == Phase.RETURN and self._last < self._s.leave:
            ended, self.phase = self._finish(self._known_ns), Phase.UNKNOWN
            return ended
        return self._give_up(self._known_ns)

    def _span(self) -> float:
        return self._target - self._rest

    def _track_rest(self, value: float, speed: float, stamp_ns: int, known_ns: int | None) -> None:
        """Let the start position follow the patient while they lie or stand still."""
        p = (value - self._rest) / self._span()
        if known_ns is None or abs(speed) > self._s.still_per_s or p > self._s.back:
            return
        gain = min((stamp_ns - known_ns) / NANOSECONDS / self._s.settle_s, 1.0)
        rest = self._rest + gain * (value - self._rest)
        self._rest = min(max(rest, self._start[0]), self._start[1])

    def _begin(self, stamp_ns: int, p: float) -> None:
        self.phase = Phase.OUT
        self._left_ns = self._anchor_ns = stamp_ns
        self._peak = self._anchor = self._gained = p
        self._gained_ns = stamp_ns
        self._back_ns = None

    def _check_lost(self, stamp_ns: int) -> list[Segment]:
        if self._known_ns is None:
            return []
        away = self.phase in MOVING and self._last > HALF_WAY
        lost_ns = (self._s.away_s if away else self._s.lost_s) * NANOSECONDS
        return self._give_up(self._known_ns) if stamp_ns - self._known_ns > lost_ns else []

    def _give_up(self, end_ns: int) -> list[Segment]:
        ended = []
        if self.phase in MOVING and self._peak >= self._counts_from:
            ended = [self._segment(Outcome.ABORTED, end_ns)]
        self.phase = Phase.UNKNOWN
        self.progress = Estimate.unknown(Reason.TOO_EARLY)
        return ended

    def _segment(self, outcome: Outcome, end_ns: int) -> Segment:
        segment = Segment(outcome, self._free_ns, self._left_ns, end_ns, self._rest)
        self._free_ns = end_ns
        return segment

    def _finish(self, end_ns: int) -> list[Segment]:
        if self._peak < self._counts_from:
            return []
        reached = self._peak >= self._s.reached
        return [self._segment(Outcome.COMPLETE if reached else Outcome.PARTIAL, end_ns)]

    def _move(self, stamp_ns: int, p: float, speed: float, in_start: bool) -> list[Segment]:
        s = self._s
        self._peak = max(self._peak, p)
        if p > self._gained + GAIN:
            self._gained, self._gained_ns = p, stamp_ns
        if abs(p - self._anchor) > 0.5 * s.turn:
            self._anchor, self._anchor_ns = p, stamp_ns
        elif (
            stamp_ns - self._anchor_ns > s.stall_s * NANOSECONDS
            and self.phase != Phase.HOLD
            and not in_start
        ):
            return self._give_up(stamp_ns)
        if self.phase == Phase.RETURN and p < self._trough:
            self._trough, self._trough_ns = p, stamp_ns
        if self._is_back(stamp_ns, p, speed, in_start):
            ended = self._finish(stamp_ns)
            self.phase = Phase.REST
            return ended
        if self.phase != Phase.HOLD and p >= s.reached:
            ended = self._turn_out(stamp_ns, p) if self.phase == Phase.RETURN else []
            self.phase = Phase.HOLD
            return ended
        limit = s.reached if self.phase == Phase.HOLD else self._peak
        if self.phase != Phase.RETURN and p < limit - s.turn:
            self.phase = Phase.RETURN
            self._trough, self._trough_ns = p, stamp_ns
        elif self.phase == Phase.RETURN and p > self._trough + s.turn:
            return self._turn_out(stamp_ns, p)
        return []

    def _turn_out(self, stamp_ns: int, p: float) -> list[Segment]:
        """Go outwards again: the next repetition if the way back was far enough."""
        ended = []
        if self._trough < self._s.split_below:
            ended = self._finish(self._trough_ns)
            self._begin(stamp_ns, p)
        self.phase = Phase.OUT
        return ended

    def _is_back(self, stamp_ns: int, p: float, speed: float, in_start: bool) -> bool:
        """Whether the start position is reached: settled, or still enough near it."""
        if abs(speed) > self._s.still_per_s:
            self._still_ns = stamp_ns
        still = stamp_ns - self._still_ns > self._s.settle_s * NANOSECONDS
        if p >= self._s.back:
            self._back_ns = None
            near = self.phase == Phase.RETURN or self._peak < self._counts_from
            if not (near and in_start and still and p < self._s.split_below):
                return False
            # The patient rests a little further on: that is the start position from now on.
            self._rest += p * self._span()
            return True
        if self._back_ns is None:
            self._back_ns = stamp_ns
        waited = stamp_ns - self._back_ns > self._s.settle_s * NANOSECONDS
        return waited or speed > -self._s.still_per_s
