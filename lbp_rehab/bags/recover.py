"""Make a finished bag of a torn or damaged one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.bags.read import BagReader
from lbp_rehab.bags.write import BagWriter, Compression


@dataclass(frozen=True)
class Recovery:
    """What a recovery brought.

    Attributes
    ----------
    folder : Path
        The new bag.
    counts : dict of str to int
        Messages by topic.
    warnings : tuple of str
        What was missing or damaged in the old bag, one sentence each.
    """

    folder: Path
    counts: dict[str, int]
    warnings: tuple[str, ...]


def recover(
    source: Path,
    target: Path | None = None,
    compression: Compression = Compression.NONE,
    progress: Callable[[int, int], None] | None = None,
) -> Recovery:
    """Copy all that can be read of a bag to a new, finished one in MCAP.

    The old one stays as it is.

    Parameters
    ----------
    source : Path
        The folder of the bag, or one of its files.
    target : Path, optional
        The new folder; must not exist. Default: beside the old one, ``_recovered`` appended.
    compression : Compression
        Of the new bag.
    progress : callable, optional
        Called with the messages done and the messages in all.

    Raises
    ------
    InputError
        If nothing can be read of the bag, or the new one cannot be written.
    """
    folder = target or source.with_name(f"{source.stem}_recovered")
    with BagReader(source) as bag, BagWriter(folder, compression) as writer:
        for topic in bag.topics.values():
            writer.add_topic(topic)
        total = sum(bag.counts.values())
        for done, message in enumerate(bag.messages(), start=1):
            writer.write(message.topic, message.data, message.log_time_ns, message.publish_time_ns)
            if progress is not None:
                progress(done, total)
        return Recovery(folder, dict(writer.counts), tuple(bag.warnings))
