"""What is played of a bag, under which name and with which QoS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rosbags.interfaces import Qos

from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport, split_topic
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.qos import offer
from lbp_rehab.bags.read import BagReader
from lbp_rehab.bags.topics import matches
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

CLOCK_TOPIC = "/clock"


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
