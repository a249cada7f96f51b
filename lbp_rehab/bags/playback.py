"""When each message of a bag is due: rates that change, pauses, single steps and jumps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lbp_rehab.bags.play import Output, Selection, span_ns
from lbp_rehab.bags.read import BagMessage, BagReader
from lbp_rehab.stamps import NANOSECONDS

CLOCK_PERIOD_NS = 10_000_000  # of real time


class Pace:
    """The place in the bag at a moment of real time.

    Real times are given, in nanoseconds of any clock that runs evenly, so that nothing waits in a
    test. A change counts from its own moment on: nothing is made up for.

    Parameters
    ----------
    place_ns : int
        In the bag.
    now_ns : int
        Real time.
    rate : float
        Bag seconds per real second.
    paused : bool
    """

    def __init__(self, place_ns: int, now_ns: int, rate: float = 1.0, paused: bool = False) -> None:
        self._place_ns, self._since_ns = place_ns, now_ns
        self.rate, self.paused = rate, paused

    def place_ns(self, now_ns: int) -> int:
        """Return the place in the bag."""
        if self.paused:
            return self._place_ns
        return self._place_ns + round((now_ns - self._since_ns) * self.rate)

    def due_ns(self, place_ns: int) -> int:
        """Return the real time at which a place is reached, if it goes on as it does now."""
        return self._since_ns + round((place_ns - self._place_ns) / self.rate)

    def go_to(self, place_ns: int, now_ns: int) -> None:
        """Go on from another place."""
        self._place_ns, self._since_ns = place_ns, now_ns


@dataclass(frozen=True)
class Due:
    """One thing to publish.

    Attributes
    ----------
    log_time_ns : int
        The bag's time, which ``/clock`` shows from now on.
    message : BagMessage, optional
        None for a clock tick.
    late_s : float
        How much later than due.
    """

    log_time_ns: int
    message: BagMessage | None = None
    late_s: float = 0.0


class Playback:
    """One pass through a bag after the other, steered while it goes.

    Parameters
    ----------
    bag : BagReader
    outputs : sequence of Output
        Topics that are played.
    selection : Selection
        Its span is played; ``clock`` makes ticks at 100 Hz of real time, also while paused.
    now_ns : int
        Real time, as in `Pace`.
    rate : float
        Bag seconds per real second.
    paused : bool

    Raises
    ------
    InputError
        If the selected span is empty.
    """

    def __init__(
        self,
        bag: BagReader,
        outputs: Sequence[Output],
        selection: Selection,
        now_ns: int,
        *,
        rate: float = 1.0,
        paused: bool = False,
    ) -> None:
        self.first_ns, self.last_ns = span_ns(bag, selection)
        self._bag, self._clock = bag, selection.clock
        self._sources = {output.source for output in outputs}
        self._pace = Pace(self.first_ns, now_ns, rate, paused)
        self._steps = 0
        self._next_tick_ns = now_ns
        self._target_ns: int | None = None  # where to jump
        self._messages: Iterator[BagMessage]
        self._head: BagMessage | None
        self._begin(self.first_ns, now_ns)

    def next(self, now_ns: int) -> Due | None:
        """Return what is to be published now, which is then done with; None if nothing is.

        The bag is read here and nowhere else, so that one thread reads it.
        """
        if self._target_ns is not None:
            self._begin(self._target_ns, now_ns)
        head = self._head
        if head is not None:
            due_ns = self._pace.due_ns(head.log_time_ns)
            if self._pace.paused and self._steps:
                self._steps -= 1
                self._pace.go_to(head.log_time_ns, now_ns)
                due_ns = now_ns
            elif self._pace.paused or now_ns < due_ns:
                return self._tick(now_ns)
            self._head = next(self._messages, None)
            return Due(head.log_time_ns, head, (now_ns - due_ns) / NANOSECONDS)
        return None if self.over(now_ns) else self._tick(now_ns)

    def wait_ns(self, now_ns: int) -> int | None:
        """Return for how long `next` has nothing; None: until something is changed."""
        if self._target_ns is not None:
            return 0
        moments = [self._next_tick_ns] if self._clock else []
        if not self._pace.paused:
            end_ns = self._head.log_time_ns if self._head is not None else self.last_ns
            moments.append(self._pace.due_ns(end_ns))
        return max(0, min(moments) - now_ns) if moments else None

    def over(self, now_ns: int) -> bool:
        """Whether all messages are out, and ``/clock`` has come to the end of the span."""
        at_end = not self._clock or self._pace.place_ns(now_ns) >= self.last_ns
        return self._head is None and self._target_ns is None and at_end

    def place_s(self, now_ns: int) -> float:
        """Return how far playing has come, seconds after the bag's first message."""
        return (self._place_ns(now_ns) - self._bag.start_ns) / NANOSECONDS

    def set(self, now_ns: int, rate: float, paused: bool) -> None:
        """Go on from here at another rate, or stand still."""
        if (rate, paused) == (self._pace.rate, self._pace.paused):
            return
        self._pace.go_to(self._place_ns(now_ns), now_ns)
        self._pace.rate, self._pace.paused = rate, paused
        self._steps = 0

    def step(self) -> None:
        """Let the next message out while paused."""
        self._steps += self._pace.paused

    def jump(self, to_s: float) -> None:
        """Go on from another second after the bag's first message, inside the selected span."""
        to_ns = self._bag.start_ns + round(to_s * NANOSECONDS)
        self._target_ns = min(max(to_ns, self.first_ns), self.last_ns)

    def restart(self) -> None:
        """Begin again."""
        self._target_ns = self.first_ns

    def _begin(self, place_ns: int, now_ns: int) -> None:
        self._target_ns = None
        self._pace.go_to(place_ns, now_ns)
        self._messages = self._bag.messages(self._sources, place_ns, self.last_ns + 1)
        self._head = next(self._messages, None)
        if self._clock:
            self._next_tick_ns = now_ns  # the place is told at once

    def _place_ns(self, now_ns: int) -> int:
        """Return the place, which is never behind a message that is still to come out."""
        end_ns = self._head.log_time_ns if self._head is not None else self.last_ns
        return min(self._pace.place_ns(now_ns), end_ns)

    def _tick(self, now_ns: int) -> Due | None:
        if not self._clock or now_ns < self._next_tick_ns:
            return None
        self._next_tick_ns = max(self._next_tick_ns + CLOCK_PERIOD_NS, now_ns)
        return Due(self._place_ns(now_ns))
