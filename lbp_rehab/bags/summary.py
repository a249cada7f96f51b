"""What is in a bag, at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.bags.read import BagReader, storage_files


@dataclass(frozen=True)
class TopicSummary:
    """A topic of a bag: name, message type and number of messages."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class BagSummary:
    """What is in a bag.

    Attributes
    ----------
    path : Path
    topics : tuple of TopicSummary
        By name.
    message_count : int
    start_ns : int
        Log time of the first message, integer nanoseconds since the epoch; 0 without messages.
    duration_s : float
        From the first message to the last, seconds.
    size_bytes : int
        Of the data files.
    warnings : tuple of str
        What is missing or damaged, one sentence each; empty for a whole bag.
    """

    path: Path
    topics: tuple[TopicSummary, ...]
    message_count: int
    start_ns: int
    duration_s: float
    size_bytes: int
    warnings: tuple[str, ...]


def summary(path: Path, check: bool = False) -> BagSummary:
    """Return what is in a bag, MCAP or sqlite3, finished or torn.

    Parameters
    ----------
    path : Path
    check : bool
        Whether to read all messages, which finds all damage; else what the files say of themselves.

    Raises
    ------
    InputError
        If there is no bag, or nothing can be read of it.
    """
    with BagReader(path) as bag:
        counts: Mapping[str, int] = bag.counts
        if check:
            counts = Counter(message.topic for message in bag.messages())
        topics = tuple(
            TopicSummary(name, bag.topics[name].type, counts.get(name, 0))
            for name in sorted(bag.topics)
        )
        return BagSummary(
            path,
            topics,
            sum(counts.values()),
            bag.start_ns,
            (bag.end_ns - bag.start_ns) / 1e9,
            sum(file.stat().st_size for file in storage_files(path)),
            tuple(bag.warnings),
        )
