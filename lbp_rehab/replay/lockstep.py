"""Feed a recording to real nodes in lockstep: message by message, each worked off before the next.

No clock is read, nothing waits and nothing runs side by side, so the same recording, nodes and
parameters give the same bytes on every topic, as fast as the machine can.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import rclpy
from rclpy.node import Node
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from rosbags.interfaces import Qos, QosDurability, QosReliability

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.definitions import message_class
from lbp_rehab.bags.play import CLOCK_TOPIC, Output, Selection, select, span_ns
from lbp_rehab.bags.topics import is_service_event
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.images import raw_image
from lbp_rehab.replay import calls
from lbp_rehab.replay.ahead import END, FED, MAKE, Act, Ahead, Ghost, Scribe
from lbp_rehab.replay.nodes import clock_message, in_world
from lbp_rehab.replay.world import Sent, Terms, World, Writer


@dataclass(frozen=True)
class Part:
    """A node to replay.

    Attributes
    ----------
    kind : type
        Any class derived from ``rclpy.node.Node``.
    arguments : tuple of str
        As after its command: ``--ros-args -p key:=value``.
    options : dict
        Keyword arguments of the class.
    """

    kind: type[Node]
    arguments: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


class Lockstep:
    """Nodes that a replay feeds; to be used in a ``with`` statement, which ends them.

    Parameters
    ----------
    parts : sequence of Part
        Made and, at the end, closed in this order.
    start_ns : int
        Time at which they are made.
    on_sent : callable
        Hears every message that they publish, in order.
    acts : iterator of tuple, optional
        What the first of them did in a process of its own; see `lbp_rehab.replay.ahead`.
    world : World, optional
        In place of one with that start.

    Attributes
    ----------
    nodes : list of rclpy.node.Node
    world : World
    ghost : Ghost or None
        In place of the first node, if that works ahead.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        start_ns: int,
        on_sent: Callable[[Sent], None] = lambda _: None,
        acts: Iterator[Act] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World(start_ns, on_sent, clock_message)
        self.ghost = None if acts is None else Ghost(self.world, acts)
        self.nodes: list[Node] = []
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        try:
            if self.ghost is not None:
                self.ghost.turn(MAKE)
                parts = parts[1:]
            for part in parts:
                self.nodes.append(self.world.turn(MAKE, partial(self._make, part)))
            self.world.drain()
        except BaseException:
            self._destroy()
            raise

    def _make(self, part: Part) -> Node:
        kind = in_world(part.kind, self.world, self._context, part.arguments)
        node = kind(**part.options)
        self.world.made(node.get_fully_qualified_name(), _parameters(node))
        return node

    def end(self) -> None:
        """Let the nodes say their last words."""
        if self.ghost is not None:
            self.ghost.turn(END)
            self.world.drain()
        for node in self.nodes:
            if isinstance(node, LbpNode):
                self.world.turn(END, node.end)
                self.world.drain()

    def __enter__(self) -> Lockstep:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.end()
        finally:
            self._destroy()

    def _destroy(self) -> None:
        for node in self.nodes:
            node.destroy_node()
        self.nodes.clear()
        rclpy.try_shutdown(context=self._context)


@dataclass(frozen=True)
class Replayed:
    """What a replay took and gave.

    Attributes
    ----------
    fed, sent : dict of str to int
        Messages by topic; of a service, its calls.
    digests : dict of str to str
        SHA-256 of each topic that was published: of all times and bytes, in order.
    warnings : tuple of str
        What could not be fed, a sentence each.
    start_ns, end_ns : int
        Of the recording.
    parameters : dict of str to dict
        Of each node by its full name, as it was made.
    """

    fed: dict[str, int]
    sent: dict[str, int]
    digests: dict[str, str]
    warnings: tuple[str, ...]
    start_ns: int
    end_ns: int
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)


class Digests:
    """SHA-256 of topics as their messages come."""

    def __init__(self) -> None:
        self._of: dict[str, Any] = {}
        self.counts: Counter[str] = Counter()

    def add(self, sent: Sent) -> None:
        """Take a message."""
        if (digest := self._of.get(sent.topic)) is None:
            digest = self._of[sent.topic] = hashlib.sha256()
        digest.update(struct.pack("<qq", sent.time_ns, len(sent.data)))
        digest.update(sent.data)
        self.counts[sent.topic] += 1

    def hexadecimal(self) -> dict[str, str]:
        """Return them by topic."""
        return {topic: self._of[topic].hexdigest() for topic in sorted(self._of)}


def replay(
    bag: BagReader,
    parts: Sequence[Part],
    on_sent: Callable[[Sent], None] = lambda _: None,
    selection: Selection | None = None,
    progress: Callable[[int], None] = lambda _: None,
    *,
    ahead: bool = False,
) -> Replayed:
    """Feed a recording to nodes.

    What a node publishes itself is not taken from the recording, nor is what none of them hears.
    Services and actions are asked again what they were asked while it was made.

    Parameters
    ----------
    bag : BagReader
    parts : sequence of Part
    on_sent : callable
        Hears every message that the nodes publish, in order.
    selection : Selection, optional
        Of topics and time; default: all.
    progress : callable
        Is told the time of the recording now and then, nanoseconds.
    ahead : bool
        Whether the first node works in a process of its own, to the same bytes. It must not hear
        the others or be called by them.

    Raises
    ------
    InputError
        If nothing of the recording can be fed, or a node refuses its parameters.
    """
    chosen = selection or Selection()
    first_ns, last_ns = span_ns(bag, chosen)
    digests, fed, warnings = Digests(), Counter[str](), list[str]()

    def hear(sent: Sent) -> None:
        digests.add(sent)
        on_sent(sent)

    # Calls may be of a service of the first node, and by what the others answered.
    called = any(count for name, count in bag.counts.items() if is_service_event(name))
    ahead = ahead and not called
    with ExitStack() as stack:
        acts = None
        if ahead:
            acts = stack.enter_context(Ahead(bag.path, parts[0], chosen)).acts()
        lockstep = stack.enter_context(Lockstep(parts, first_ns, hear, acts))
        world, ghost = lockstep.world, lockstep.ghost

        def ready(output: Output, writer: Writer, data: bytes) -> bytes:
            if ghost is not None and ghost.hears(output.name):
                if refusal := ghost.fed(output.name):
                    raise InputError(refusal)
                if ghost.alone(output.name) and not writer.terms.latched:
                    return b""
            return _ready(output, data)

        for topic, count, time_ns in _feed(bag, chosen, world, ready, warnings):
            fed[topic] += count
            progress(time_ns)
    warnings += [
        f"{topic}: {count} messages are damaged and were not heard"
        for topic, count in sorted(world.unreadable.items())
    ]
    # Some damage is only found while the bag is read.
    said = (*bag.warnings, *warnings)
    return Replayed(
        dict(+fed),
        dict(digests.counts),
        digests.hexadecimal(),
        said,
        first_ns,
        last_ns,
        world.parameters,
    )


def _parameters(node: Node) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: node.get_parameter(name).value for name in sorted(node.get_parameters_by_prefix(""))
    }
    return {k: list(v) if isinstance(v, array) else v for k, v in values.items()}


def replay_ahead(path: Path, part: Part, selection: Selection, out: BinaryIO) -> None:
    """Feed a recording to a node whose acts are told; see `lbp_rehab.replay.ahead`."""
    with BagReader(path, as_installed=True) as bag:
        start_ns, _ = span_ns(bag, selection)
        scribe = Scribe(start_ns, clock_message, out)

        def ready(output: Output, writer: Writer, data: bytes) -> bytes:
            try:
                data = _ready(output, data)
            except InputError as error:
                scribe.tell(FED, output.name, str(error))
                raise
            scribe.tell(FED, output.name, "")
            return data

        with Lockstep([part], start_ns, world=scribe):
            for _ in _feed(bag, selection, scribe, ready, []):
                scribe.flush()
        scribe.flush()


def _feed(
    bag: BagReader,
    selection: Selection,
    world: World,
    ready: Callable[[Output, Writer, bytes], bytes],
    warnings: list[str],
) -> Iterator[tuple[str, int, int]]:
    """Feed a recording to a world; yield the topic, how many messages were fed, and the time.

    ``ready`` makes of a message of the bag what is fed.
    """
    first_ns, last_ns = span_ns(bag, selection)
    selected = [output.source for output in select(bag.topics, selection)]
    asked = calls.find({name: bag.topics[name] for name in selected}, world, warnings)
    feeds = _feeds(bag, selection, world, warnings)
    for message in bag.messages(feeds.keys() | asked.keys(), first_ns, last_ns + 1):
        world.go_to(message.log_time_ns)
        if message.topic in asked:
            count = asked[message.topic].repeat(message.data, world)
            world.drain()
            yield message.topic, count, message.log_time_ns
            continue
        output, writer = feeds[message.topic]
        try:
            data = ready(output, writer, message.data)
        except InputError as error:
            warnings.append(f"{message.topic}: {error}")
            continue
        world.play(writer, data)
        world.drain()
        yield writer.topic, 1, message.log_time_ns
    world.go_to(last_ns)


def _feeds(
    bag: BagReader, selection: Selection, world: World, warnings: list[str]
) -> dict[str, tuple[Output, Writer]]:
    """Return by topic of the recording what is fed of it, as whom."""
    made = {topic for topic, writers in world.writers.items() if writers}
    feeds = {}
    for output in select(bag.topics, selection):
        if output.name in made or output.name == CLOCK_TOPIC or output.name not in world.readers:
            continue
        if message_class(output.type) is None:
            warnings.append(f"{output.source} is not fed: its type {output.type} is not installed")
            continue
        writer = world.offer(output.name, output.type, _terms(output.qos))
        feeds[output.source] = (output, writer)
    if not feeds:
        wanted = ", ".join(sorted(set(world.readers) - made - {CLOCK_TOPIC})) or "nothing"
        raise InputError(
            f"the bag '{bag.path}' holds nothing that the nodes hear; they listen to {wanted}"
        )
    return feeds


def _ready(output: Output, data: bytes) -> bytes:
    """Return a message as it is fed: a compressed image as a raw one where that is wanted."""
    if output.transport is None:
        return data
    return bytes(serialize_message(raw_image(output.transport, data)))


def _terms(qos: Qos) -> Terms:
    return Terms(
        reliable=qos.reliability != QosReliability.BEST_EFFORT,
        latched=qos.durability == QosDurability.TRANSIENT_LOCAL,
        depth=qos.depth,
    )
