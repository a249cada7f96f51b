"""Time, messages and calls among nodes in one thread, in an order that nothing but the input sets.

What is sent at an instant reaches its readers one message after the other, in the order of
sending; each message its readers in the order in which they began to listen. Time goes on only
when nothing is left to do, to the next timer or message. No clock is read.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CLOCK_TOPIC = "/clock"

Service = Callable[[bytes, Callable[[bytes], None]], None]


@dataclass(frozen=True)
class Sent:
    """A message that a node published.

    Attributes
    ----------
    topic, type : str
        Such as ``/body/pose`` and ``lbp_rehab/msg/BodyPose``.
    time_ns : int
        Of the replay, when it was published.
    data : bytes
        CDR as ROS transports it.
    """

    topic: str
    type: str
    time_ns: int
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Terms:
    """What decides whether a reader hears a writer: rules of ROS 2's quality of service.

    Attributes
    ----------
    reliable, latched : bool
    depth : int
        How many messages a latched writer keeps for who listens later; 0: all.
    """

    reliable: bool = True
    latched: bool = False
    depth: int = 10

    def heard_by(self, reader: Terms) -> bool:
        """Whether a reader that asks for its terms is given what these offer."""
        return (self.reliable or not reader.reliable) and (self.latched or not reader.latched)


class Reader:
    """Somebody who listens to a topic."""

    def __init__(self, topic: str, terms: Terms, take: Callable[[bytes], None]) -> None:
        self.topic, self.terms, self.take = topic, terms, take
        self.listens = True


class Writer:
    """Somebody who publishes on a topic; what it has latched, it keeps."""

    def __init__(self, topic: str, kind: str, terms: Terms) -> None:
        self.topic, self.kind, self.terms = topic, kind, terms
        kept = (terms.depth or None) if terms.latched else 0
        self.kept: deque[bytes] = deque(maxlen=kept)


class Alarm:
    """A timer: rings every period until it is cancelled."""

    def __init__(self, world: World, period_ns: int, ring: Callable[[], None]) -> None:
        self.period_ns = period_ns
        self._world, self._ring = world, ring
        self.due_ns: int | None = None

    @property
    def cancelled(self) -> bool:
        """Whether it does not ring."""
        return self.due_ns is None

    def reset(self) -> None:
        """Ring one period from now, and so on."""
        self.due_ns = self._world.now_ns + self.period_ns
        self._world.set_alarm(self)

    def cancel(self) -> None:
        """Ring no more."""
        self.due_ns = None

    def ring(self) -> None:
        """Ring, and again after a period unless something else was said meanwhile."""
        assert self.due_ns is not None
        due_ns = self.due_ns = self.due_ns + self.period_ns
        self._ring()
        if self.due_ns == due_ns:
            self._world.set_alarm(self)


class World:
    """Where replayed nodes meet.

    Parameters
    ----------
    start_ns : int
        Time at which the nodes are made.
    on_sent : callable
        Hears every message that a node publishes, in order.
    clock : callable, optional
        Makes the message of ``/clock`` of a time, which whoever listens there hears at every new
        instant before anything else.

    Attributes
    ----------
    now_ns : int
    readers : dict of str to list of Reader
        By topic.
    writers : dict of str to list of Writer
        Of the nodes, by topic.
    services : dict of str to callable
        By name; takes a serialised request, and what to do with the serialised response.
    callers : set of str
        Services that a node may call.
    unheard : set of (str, str)
        Topics that somebody listens to on terms that a writer does not offer, and those terms.
    unreadable : Counter of str
        By topic, how often a reader could not understand a message.
    parameters : dict of str to dict
        Of each node by its full name.
    read : dict of str to (bytes, object)
        By topic, what was read last and as what: its other readers come right after the first.
    """

    def __init__(
        self,
        start_ns: int,
        on_sent: Callable[[Sent], None] = lambda _: None,
        clock: Callable[[int], bytes] | None = None,
    ) -> None:
        self.now_ns = start_ns
        self.readers: dict[str, list[Reader]] = {}
        self.writers: dict[str, list[Writer]] = {}
        self.unheard: set[tuple[str, str]] = set()
        self.unreadable: Counter[str] = Counter()
        self.services: dict[str, Service] = {}
        self.callers: set[str] = set()
        self.parameters: dict[str, dict[str, Any]] = {}
        self.read: dict[str, tuple[bytes, Any]] = {}
        self._on_sent, self._clock = on_sent, clock
        self._jobs: deque[Callable[[], None]] = deque()
        self._alarms: list[tuple[int, int, Alarm]] = []
        self._order = 0
        self._idle: list[Callable[[], bool]] = []

    # Topics

    def listen(self, topic: str, terms: Terms, take: Callable[[bytes], None]) -> Reader:
        """Let somebody hear what is published on a topic, beginning with what is latched."""
        reader = Reader(topic, terms, take)
        self.readers.setdefault(topic, []).append(reader)
        for writer in self.writers.get(topic, []):
            if self._match(writer, reader) and terms.latched:
                for data in writer.kept:
                    self._deliver(reader, data)
        return reader

    def leave(self, reader: Reader) -> None:
        """End a reader; what is on its way to it does not arrive."""
        reader.listens = False
        self.readers[reader.topic].remove(reader)

    def offer(self, topic: str, kind: str, terms: Terms) -> Writer:
        """Let somebody publish on a topic."""
        writer = Writer(topic, kind, terms)
        self.writers.setdefault(topic, []).append(writer)
        for reader in self.readers.get(topic, []):
            self._match(writer, reader)
        return writer

    def withdraw(self, writer: Writer) -> None:
        """End a writer."""
        self.writers[writer.topic].remove(writer)

    def send(self, writer: Writer, data: bytes) -> None:
        """Publish a message of a node."""
        self._on_sent(Sent(writer.topic, writer.kind, self.now_ns, data))
        self.play(writer, data)

    def play(self, writer: Writer, data: bytes) -> None:
        """Publish a message that is not to be told, as one of the recording."""
        writer.kept.append(data)
        for reader in self.readers.get(writer.topic, []):
            if writer.terms.heard_by(reader.terms):
                self._deliver(reader, data)

    def _match(self, writer: Writer, reader: Reader) -> bool:
        heard = writer.terms.heard_by(reader.terms)
        if not heard:
            lacking = (
                "reliable" if reader.terms.reliable and not writer.terms.reliable else "latched"
            )
            self.unheard.add((writer.topic, lacking))
        return heard

    def _deliver(self, reader: Reader, data: bytes) -> None:
        self.later(lambda: reader.take(data) if reader.listens else None)

    # Services

    def call(self, name: str, request: bytes, reply: Callable[[bytes], None]) -> None:
        """Call a service now; as in ROS, nothing comes back if there is none."""
        if (service := self.services.get(name)) is not None:
            service(request, reply)

    def made(self, node: str, parameters: dict[str, Any]) -> None:
        """Note a node's parameters."""
        self.parameters[node] = parameters

    def not_read(self, topic: str) -> None:
        """Count a message that a reader could not understand."""
        self.unreadable[topic] += 1

    # Work

    def turn(self, key: int | str, act: Callable[[], Any]) -> Any:
        """Let a node act by itself: be made, or end."""
        return act()

    def later(self, job: Callable[[], None]) -> None:
        """Do something at this instant, after all that is to be done before it."""
        self._jobs.append(job)

    def until(self, step: Callable[[], bool]) -> None:
        """Take a step now and whenever something was done, until it says that it was the last."""
        if not step():
            self._idle.append(step)

    def drain(self) -> None:
        """Do all that is to be done at this instant."""
        while True:
            while self._jobs:
                self._jobs.popleft()()
            waiting = len(self._idle)
            self._idle = [step for step in self._idle if not step()]
            if not self._jobs and len(self._idle) == waiting:
                return

    # Time

    def alarm(self, period_ns: int, ring: Callable[[], None], *, start: bool = True) -> Alarm:
        """Return a timer.

        Parameters
        ----------
        period_ns : int
            At least one nanosecond; less is taken as that.
        ring : callable
        start : bool
            Whether it runs at once.
        """
        alarm = Alarm(self, max(period_ns, 1), ring)
        if start:
            alarm.reset()
        return alarm

    def set_alarm(self, alarm: Alarm) -> None:
        """Remember when a timer rings next."""
        assert alarm.due_ns is not None
        self._order += 1
        heapq.heappush(self._alarms, (alarm.due_ns, self._order, alarm))

    def go_to(self, time_ns: int) -> None:
        """Let timers ring up to and including an instant, which is now then.

        A time before now, as after a jump of the recorder's clock, only sets the time: timers run
        on by their periods.
        """
        if time_ns < self.now_ns:
            self._shift(time_ns - self.now_ns)
            self._set(time_ns)
        while self._alarms and self._alarms[0][0] <= time_ns:
            due_ns, _, alarm = heapq.heappop(self._alarms)
            if alarm.due_ns != due_ns:
                continue  # cancelled, or set anew
            if due_ns > self.now_ns:
                self._set(due_ns)
            self.later(alarm.ring)
            self.drain()
        if time_ns > self.now_ns:
            self._set(time_ns)

    def _set(self, time_ns: int) -> None:
        self.now_ns = time_ns
        self.tell_time()

    def tell_time(self) -> None:
        """Let whoever listens to ``/clock`` hear the time."""
        listening = self.readers.get(CLOCK_TOPIC, [])
        if self._clock is not None and listening:
            data = self._clock(self.now_ns)
            for reader in listening:
                self._deliver(reader, data)
        self.drain()

    def _shift(self, by_ns: int) -> None:
        alarms = [(due, order, a) for due, order, a in self._alarms if a.due_ns == due]
        for _, _, alarm in alarms:
            assert alarm.due_ns is not None
            alarm.due_ns += by_ns
        self._alarms = [(due + by_ns, order, alarm) for due, order, alarm in alarms]
        heapq.heapify(self._alarms)
