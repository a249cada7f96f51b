"""What is played of a bag, under which name, with which QoS and when: a schedule of given times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from rosbags.interfaces import Qos

from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport, split_topic
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.qos import offer
from lbp_rehab.bags.read import BagMessage, BagReader
from lbp_rehab.bags.topics import matches
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

CLOCK_TOPIC = "/clock"
CLOCK_PERIOD_NS = 10_000_000  # of real time


@dataclass(frozen=True)
class Selection:
    """What is played.

    Attributes
    ----------
    topics : tuple of str
        Regular expressions, each of which matches whole topic names; empty or ``*``: all.
    exclude : tuple of str
        Likewise; these win.
    start_s, end_s : float
        Span of the bag, seconds after its first message; an end of 0 is the bag's end.
    decompress_images : bool
        Whether compressed images are played as raw ones on their base topic.
    clock : bool
        Whether ``/clock`` is made from the log times, and a recorded one left out.
    """

    topics: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    start_s: float = 0.0
    end_s: float = 0.0
    decompress_images: bool = True
    clock: bool = False


@dataclass(frozen=True)
class Output:
    """A topic as it is played.

    Attributes
    ----------
    source : str
        The topic's name in the bag.
    name, type : str
        As published.
    qos : rosbags.interfaces.Qos
        What is offered.
    transport : Transport, optional
        Of a compressed image that is to be decoded.
    """

    source: str
    name: str
    type: str
    qos: Qos
    transport: Transport | None = None


class Act(Enum):
    """What is due: a message of the bag, or a clock tick."""

    MESSAGE = "message"
    CLOCK = "clock"


@dataclass(frozen=True)
class Due:
    """One thing to publish.

    Attributes
    ----------
    at_ns : int
        Nanoseconds of real time after the start of playing.
    log_time_ns : int
        The bag's time at that moment.
    act : Act
    message : BagMessage, optional
        None for a clock tick.
    """

    at_ns: int
    log_time_ns: int
    act: Act
    message: BagMessage | None = None


def select(topics: Mapping[str, Topic], selection: Selection) -> list[Output]:
    """Return the topics that are played.

    A compressed image whose base topic is played as well stays compressed.

    Raises
    ------
    InputError
        If nothing is selected.
    """
    names = [
        name
        for name in topics
        if (not selection.topics or matches(name, selection.topics))
        and not matches(name, selection.exclude)
        and not (selection.clock and name == CLOCK_TOPIC)
    ]
    taken = set(names)
    outputs = []
    for name in names:
        output = Output(name, name, topics[name].type, offer(topics[name].qos))
        split = split_topic(name) if topics[name].type == COMPRESSED_TYPE else None
        if selection.decompress_images and split is not None and split[0] not in taken:
            base, transport = split
            taken.add(base)
            output = replace(output, name=base, type="sensor_msgs/msg/Image", transport=transport)
        outputs.append(output)
    if not outputs:
        raise InputError(
            "no topic of the bag is selected; its topics are "
            + (", ".join(sorted(topics)) or "none")
        )
    return outputs


def schedule(
    bag: BagReader, outputs: Sequence[Output], selection: Selection, rate: float, offset_ns: int = 0
) -> Iterator[Due]:
    """Yield what is due, in order, for one pass through the bag.

    Parameters
    ----------
    bag : BagReader
    outputs : sequence of Output
    selection : Selection
    rate : float
        Bag seconds per real second.
    offset_ns : int
        Real time at which the pass begins.

    Raises
    ------
    InputError
        If the selected span is empty.
    """
    first_ns, last_ns = span_ns(bag, selection)
    sources = {output.source for output in outputs}
    next_tick_ns = offset_ns

    def due_at(log_time_ns: int) -> int:
        return offset_ns + round((log_time_ns - first_ns) / rate)

    def ticks_until(at_ns: int) -> Iterator[Due]:
        nonlocal next_tick_ns
        while selection.clock and next_tick_ns < at_ns:
            log_time = first_ns + round((next_tick_ns - offset_ns) * rate)
            yield Due(next_tick_ns, log_time, Act.CLOCK)
            next_tick_ns += CLOCK_PERIOD_NS

    for message in bag.messages(sources, first_ns, last_ns + 1):
        at_ns = due_at(message.log_time_ns)
        yield from ticks_until(at_ns)
        if selection.clock:
            # Before the message, so that its receiver's clock already stands at it.
            yield Due(at_ns, message.log_time_ns, Act.CLOCK)
        yield Due(at_ns, message.log_time_ns, Act.MESSAGE, message)
    yield from ticks_until(due_at(last_ns))


def span_ns(bag: BagReader, selection: Selection) -> tuple[int, int]:
    """Return the first and the last log time that are played, both included.

    Raises
    ------
    InputError
        If nothing lies between them.
    """
    first = bag.start_ns + round(selection.start_s * NANOSECONDS)
    last = bag.end_ns
    if selection.end_s > 0:
        last = min(last, bag.start_ns + round(selection.end_s * NANOSECONDS))
    if first > last or not any(bag.counts.values()):
        length_s = (bag.end_ns - bag.start_ns) / NANOSECONDS
        raise InputError(
            f"nothing to play from {selection.start_s:g} s on: the bag '{Path(bag.path).name}' is "
            f"{length_s:.1f} s long and holds {sum(bag.counts.values())} messages; mend start_s "
            "and end_s"
        )
    return first, last
