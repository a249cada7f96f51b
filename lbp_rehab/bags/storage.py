"""What every data file of a bag offers, whatever its format, and how several are read by time."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from rosbags.interfaces import Qos
from rosbags.rosbag2.metadata import parse_qos

from lbp_rehab.bags.metadata import Topic

SERIALIZATION = "cdr"


class Stored(NamedTuple):
    """A message as a file keeps it; times are integer nanoseconds."""

    log_time_ns: int
    publish_time_ns: int
    topic: str
    data: bytes


class Storage(Protocol):
    """An open data file of a bag.

    Attributes
    ----------
    path : Path
    topics : dict of str to Topic
        In the order of their appearance.
    warnings : list of str
        What is missing or damaged, one sentence each; grows while messages are read.
    """

    path: Path
    topics: dict[str, Topic]
    warnings: list[str]

    def counts(self) -> dict[str, int]:
        """Return the number of messages by topic, topics without any included."""

    def span_ns(self) -> tuple[int, int] | None:
        """Return the log times of the first and the last message, or None without messages."""

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[Stored]:
        """Yield messages by log time, from `start_ns` on and before `end_ns`."""

    def close(self) -> None:
        """Close the file."""


class Source(NamedTuple):
    """Messages in order of time, none before `start_ns`."""

    start_ns: int
    open: Callable[[], Iterator[Stored]]


def in_order(sources: Iterable[Source]) -> Iterator[Stored]:
    """Merge sources by time; at equal times in the given order.

    A source is opened when its time has come and forgotten when it is through, so that of a long
    bag little is held at once.
    """
    waiting = deque(sorted(enumerate(sources), key=lambda row: (row[1].start_ns, row[0])))
    heap: list[tuple[int, int, Stored, Iterator[Stored]]] = []
    while waiting or heap:
        while waiting and (not heap or waiting[0][1].start_ns <= heap[0][0]):
            order, source = waiting.popleft()
            _advance(heap, order, source.open())
        if heap:
            _, order, stored, rest = heapq.heappop(heap)
            yield stored
            _advance(heap, order, rest)


def _advance(
    heap: list[tuple[int, int, Stored, Iterator[Stored]]], order: int, rest: Iterator[Stored]
) -> None:
    if (stored := next(rest, None)) is not None:
        heapq.heappush(heap, (stored.log_time_ns, order, stored, rest))


def qos_of(text: str) -> tuple[Qos, ...]:
    """Return the offered profiles of their YAML text; none where it cannot be understood."""
    try:
        return tuple(parse_qos(text))
    except Exception:  # damaged text causes errors of any kind in the parser
        return ()


def other_serialization(topic: str, form: str) -> str:
    """Return the sentence for a topic that is not CDR."""
    return f"{topic} was left out: its messages are '{form}', only {SERIALIZATION} is read"


def other_type(path: Path, topic: str, kind: str, other: str) -> str:
    """Return the sentence for a second type under one name."""
    return f"{topic} has messages of {kind} and of {other} in {path.name}; the latter were left out"


def add_warning(warnings: list[str], sentence: str) -> None:
    """Add a sentence that is not there yet."""
    if sentence not in warnings:
        warnings.append(sentence)
