"""Write a rosbag2 folder that a kill at any moment leaves readable.

The MCAP file grows chunk by chunk. A chunk is closed and handed to the operating system at least
every `flush_period_s` of log time and whenever `BagWriter.flush` is called, so that whatever ends
the process takes no more than what came since. Only a loss of power can take more: data that the
operating system had accepted and not yet put on the disk.
"""

from __future__ import annotations

import errno
from collections import Counter
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from mcap.writer import CompressionType, Writer

from lbp_rehab.bags import metadata
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.errors import InputError

LIBRARY = "lbp_rehab"
PROFILE = "ros2"  # MCAP's registry of profiles
CHUNK_BYTES = 4 * 1024 * 1024
DEFAULT_FLUSH_PERIOD_S = 0.5


class Compression(Enum):
    """How the chunks of the MCAP file are packed."""

    NONE = "none"
    ZSTD = "zstd"


_MCAP_COMPRESSION = {
    Compression.NONE: CompressionType.NONE,
    Compression.ZSTD: CompressionType.ZSTD,
}


class BagWriter:
    """Appends serialised messages to a new bag.

    Parameters
    ----------
    folder : Path
        The bag; must not exist.
    compression : Compression
        Default none: raw RGB-D comes at 46 MB/s.
    flush_period_s : float
        Longest span of log time, seconds, that stays in memory.

    Attributes
    ----------
    topics : dict of str to Topic
    custom_data : dict of str to str
        Goes into ``metadata.yaml`` when the bag is closed.
    counts, lost : Counter
        By topic: the messages accepted; those of them that a failing disk kept out of the file.

    Raises
    ------
    InputError
        If the folder exists or cannot be created; by every method, if the file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        compression: Compression = Compression.NONE,
        flush_period_s: float = DEFAULT_FLUSH_PERIOD_S,
    ) -> None:
        self.folder = folder
        self.topics: dict[str, Topic] = {}
        self.custom_data: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._unflushed: Counter[str] = Counter()
        self._flush_period_ns = round(flush_period_s * 1e9)
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._start_ns = 0
        self._end_ns = 0
        self._unflushed_since_ns: int | None = None
        self._file = _create(folder)
        self._writer = Writer(
            self._file, chunk_size=CHUNK_BYTES, compression=_MCAP_COMPRESSION[compression]
        )
        try:
            self._writer.start(profile=PROFILE, library=LIBRARY)
            self._file.flush()
        except OSError as error:
            raise self._abandon(error) from error

    def add_topic(self, topic: Topic) -> None:
        """Make a topic known; must come before its first message, a second time does nothing."""
        if topic.name in self.topics:
            return
        about = {
            "offered_qos_profiles": metadata.qos_text(topic.qos),
            "topic_type_hash": topic.type_hash,
        }
        try:
            if topic.type not in self._schemas:
                self._schemas[topic.type] = self._writer.register_schema(
                    topic.type, topic.encoding, topic.definition.encode()
                )
            self._channels[topic.name] = self._writer.register_channel(
                topic.name, "cdr", self._schemas[topic.type], about
            )
        except OSError as error:
            raise self._abandon(error) from error
        self.topics[topic.name] = topic

    def write(
        self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int | None = None
    ) -> None:
        """Append one message.

        Parameters
        ----------
        topic : str
            A topic made known before.
        data : bytes
            CDR with its 4-byte header, as ROS transports it.
        log_time_ns, publish_time_ns : int
            When it was received and sent; the second defaults to the first.

        Raises
        ------
        ValueError
            If a time is negative: MCAP has none.
        """
        publish_time = log_time_ns if publish_time_ns is None else publish_time_ns
        if log_time_ns < 0 or publish_time < 0:
            raise ValueError(f"{topic}: log time {log_time_ns}, publish time {publish_time}")
        self._start_ns = min(log_time_ns, self._start_ns) if self.counts else log_time_ns
        self._end_ns = max(log_time_ns, self._end_ns) if self.counts else log_time_ns
        self.counts[topic] += 1
        self._unflushed[topic] += 1
        if self._unflushed_since_ns is None:
            self._unflushed_since_ns = log_time_ns
        try:
            self._writer.add_message(
                self._channels[topic],
                log_time=log_time_ns,
                data=data,
                publish_time=publish_time,
            )
        except OSError as error:
            raise self._abandon(error) from error
        # Also when a simulated clock jumps back.
        if abs(log_time_ns - self._unflushed_since_ns) >= self._flush_period_ns:
            self.flush()

    def flush(self) -> None:
        """Close the chunk and hand it to the operating system."""
        self._unflushed_since_ns = None
        try:
            self._writer.flush()
        except OSError as error:
            raise self._abandon(error) from error
        self._unflushed.clear()

    def close(self) -> None:
        """Finish the MCAP file and write ``metadata.yaml``; a second time does nothing."""
        if self._file.closed:
            return
        file_name = Path(self._file.name).name
        information = metadata.describe(
            file_name, self.topics, self.counts, self._start_ns, self._end_ns
        )
        information["custom_data"] = dict(self.custom_data)
        self.flush()
        try:
            # rosbag2's reader takes the metadata's version from here.
            self._writer.add_metadata(
                "rosbag2", {"serialized_metadata": metadata.text(information)}
            )
            self._writer.finish()
            self._file.close()
            metadata.write(self.folder, information)
        except OSError as error:
            raise self._abandon(error) from error

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _abandon(self, error: OSError) -> InputError:
        """Close the file as it is, so that what was flushed stays readable."""
        raw = getattr(self._file, "raw", self._file)
        if not raw.closed:
            raw.close()
        self.counts -= self._unflushed
        self.lost += self._unflushed
        self._unflushed.clear()
        return InputError(
            f"cannot write the bag '{self.folder}' ({_reason(error)}); what was written before can "
            "be read, so make room or choose another folder and record again"
        )


def _create(folder: Path) -> BinaryIO:
    try:
        folder.mkdir(parents=True)
        return (folder / f"{folder.name}_0.mcap").open("xb")
    except FileExistsError as error:
        raise InputError(
            f"the bag '{folder}' already exists and is not overwritten; give another folder"
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot create the bag '{folder}' ({_reason(error)}); give a folder that can be "
            "written"
        ) from error


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return error.strerror or str(error)
