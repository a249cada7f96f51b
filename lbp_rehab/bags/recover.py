"""Make a finished bag of a torn or damaged one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.bags.read import storage_files
from lbp_rehab.bags.scan import ScannedFile
from lbp_rehab.bags.write import BagWriter, Compression
from lbp_rehab.errors import InputError


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
    """Copy all that can be read of an MCAP bag to a new, finished bag; the old one stays as it is.

    Parameters
    ----------
    source : Path
        The folder of the bag, or its ``.mcap`` file.
    target : Path, optional
        The new folder; must not exist. Default: beside the old one, ``_recovered`` appended.
    compression : Compression
        Of the new bag.
    progress : callable, optional
        Called with the messages done and the messages in all.

    Raises
    ------
    InputError
        If the bag is not MCAP, nothing can be read of it, or the new one cannot be written.
    """
    files = storage_files(source)
    if wrong := [file for file in files if file.suffix != ".mcap"]:
        raise InputError(
            f"'{wrong[0]}' is not an MCAP file; only MCAP bags can be recovered, sqlite3 mends its "
            "own files when they are opened"
        )
    folder = target or source.with_name(f"{source.stem}_recovered")
    scanned = [ScannedFile(file) for file in files]
    total = sum(sum(part.counts().values()) for part in scanned)
    done = 0
    with BagWriter(folder, compression) as writer:
        for part in scanned:
            for topic in part.topics.values():
                writer.add_topic(topic)
            for message in part.messages():
                writer.write(
                    message.topic, message.data, message.log_time_ns, message.publish_time_ns
                )
                done += 1
                if progress is not None:
                    progress(done, total)
            part.close()
    warnings = tuple(warning for part in scanned for warning in part.warnings)
    return Recovery(folder, dict(writer.counts), warnings)
