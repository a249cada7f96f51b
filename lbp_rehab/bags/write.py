"""Write a rosbag2 folder that a kill at any moment leaves readable.

The MCAP file grows chunk by chunk. A chunk is closed and handed to the operating system at least
every `flush_period_s` of log time and whenever `BagWriter.flush` is called, so that whatever ends
the process takes no more than what came since. Only a loss of power can take more: data that the
operating system had accepted and not yet put on the disk.

A bag may be split: then each file is finished when the next begins, and can be read alone.
"""

from __future__ import annotations

import errno
from collections import Counter, deque
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mcap.writer import CompressionType, Writer
from rosbags.interfaces import QosDurability

from lbp_rehab.bags import metadata
from lbp_rehab.bags.metadata import FileSpan, Topic
from lbp_rehab.errors import InputError

LIBRARY = "lbp_rehab"
PROFILE = "ros2"  # MCAP's registry of profiles
CHUNK_BYTES = 4 * 1024 * 1024
DEFAULT_FLUSH_PERIOD_S = 0.5
_CHUNKS_PER_FILE = 8  # at least, so that a small limit of size is kept


class Compression(Enum):
    """How the chunks of the MCAP file are packed."""

    NONE = "none"
    ZSTD = "zstd"


_MCAP_COMPRESSION = {
    Compression.NONE: CompressionType.NONE,
    Compression.ZSTD: CompressionType.ZSTD,
}


@dataclass(frozen=True)
class Split:
    """When a new file begins, by rosbag2's rule: with the first message after a limit is reached.

    Attributes
    ----------
    max_bytes : int
        Of a file on the disk; 0: no limit.
    max_duration_s : float
        From a file's first message, by log time; 0: no limit.
    """

    max_bytes: int = 0
    max_duration_s: float = 0.0


NEVER = Split()


class _Kept(NamedTuple):
    data: bytes
    publish_time_ns: int


class BagWriter:
    """Appends serialised messages to a new bag.

    In a split bag, every file repeats what it needs to be read alone: the types and topics, and of
    latched (transient local) topics the last messages, as many as their publishers keep. Repeated
    messages have the log time at which the file begins, and their old publish time.

    Parameters
    ----------
    folder : Path
        The bag; must not exist.
    compression : Compression
        Default none: raw RGB-D comes at 46 MB/s.
    flush_period_s : float
        Longest span of log time, seconds, that stays in memory.
    split : Split
        Default: one file.

    Attributes
    ----------
    topics : dict of str to Topic
    custom_data : dict of str to str
        Goes into ``metadata.yaml`` when the bag is closed.
    counts, lost : Counter
        By topic: the messages accepted, without repeated ones; those of them that a failing disk
        kept out of the file.

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
        split: Split = NEVER,
    ) -> None:
        self.folder = folder
        self.topics: dict[str, Topic] = {}
        self.custom_data: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._split = split
        self._compression = compression
        self._flush_period_ns = round(flush_period_s * 1e9)
        self._unflushed: Counter[str] = Counter()
        self._unflushed_since_ns: int | None = None
        self._in_files: Counter[str] = Counter()  # by topic, repeated ones included
        self._done: list[FileSpan] = []
        self._latched: dict[str, deque[_Kept]] = {}
        self._closed = False
        _create(folder)
        self._begin_file()

    def add_topic(self, topic: Topic) -> None:
        """Make a topic known; must come before its first message, a second time does nothing."""
        if topic.name in self.topics:
            return
        try:
            self._file.add_topic(topic)
        except OSError as error:
            raise self._abandon(error) from error
        self.topics[topic.name] = topic
        if topic.qos and all(q.durability == QosDurability.TRANSIENT_LOCAL for q in topic.qos):
            self._latched[topic.name] = deque(maxlen=max(1, sum(q.depth for q in topic.qos)))

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
        self.counts[topic] += 1
        self._unflushed[topic] += 1
        try:
            if self._is_full(log_time_ns):
                self._next_file(log_time_ns)
            self._append(topic, data, log_time_ns, publish_time)
        except OSError as error:
            raise self._abandon(error) from error
        if topic in self._latched:
            self._latched[topic].append(_Kept(data, publish_time))
        if self._unflushed_since_ns is None:
            self._unflushed_since_ns = log_time_ns
        # Also when a simulated clock jumps back.
        if abs(log_time_ns - self._unflushed_since_ns) >= self._flush_period_ns:
            self.flush()

    def flush(self) -> None:
        """Close the chunk and hand it to the operating system."""
        self._unflushed_since_ns = None
        try:
            self._file.writer.flush()
        except OSError as error:
            raise self._abandon(error) from error
        self._unflushed.clear()

    def close(self) -> None:
        """Finish the MCAP file and write ``metadata.yaml``; a second time does nothing."""
        if self._closed:
            return
        self.flush()
        try:
            self._finish_file()
            metadata.write(self.folder, self._description())
        except OSError as error:
            raise self._abandon(error) from error
        self._closed = True

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _append(self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int) -> None:
        self._file.write(topic, data, log_time_ns, publish_time_ns)
        self._in_files[topic] += 1

    def _is_full(self, log_time_ns: int) -> bool:
        file = self._file
        long = self._split.max_duration_s * 1e9
        return file.count > 0 and (
            0 < self._split.max_bytes <= file.size or 0 < long < log_time_ns - file.start_ns
        )

    def _begin_file(self) -> None:
        name = f"{self.folder.name}_{len(self._done)}.mcap"
        limit = self._split.max_bytes // _CHUNKS_PER_FILE or CHUNK_BYTES
        try:
            stream = (self.folder / name).open("xb")
            self._file = _File(stream, min(CHUNK_BYTES, limit), self._compression)
            self._file.begin()
        except OSError as error:
            raise self._abandon(error) from error

    def _next_file(self, log_time_ns: int) -> None:
        self._finish_file()
        self._begin_file()
        for topic in self.topics.values():
            self._file.add_topic(topic)
        for name, kept in self._latched.items():
            for message in kept:
                self._append(name, message.data, log_time_ns, message.publish_time_ns)

    def _finish_file(self) -> None:
        span = self._file.span()
        self._done.append(span)
        # rosbag2's reader takes the metadata's version from here.
        self._file.finish({"serialized_metadata": metadata.text(self._description())})

    def _description(self) -> dict[str, object]:
        return metadata.describe(self._done, self.topics, self._in_files, self.custom_data)

    def _abandon(self, error: OSError) -> InputError:
        """Close the file as it is, so that what was flushed stays readable."""
        self._closed = True
        if hasattr(self, "_file"):
            self._file.abandon()
        self.counts -= self._unflushed
        self.lost += self._unflushed
        self._unflushed.clear()
        return InputError(
            f"cannot write the bag '{self.folder}' ({_reason(error)}); what was written before can "
            "be read, so make room or choose another folder and record again"
        )


class _File:
    """One MCAP file of a bag."""

    def __init__(self, stream: BinaryIO, chunk_bytes: int, compression: Compression) -> None:
        self._stream = stream
        self.writer = Writer(
            stream, chunk_size=chunk_bytes, compression=_MCAP_COMPRESSION[compression]
        )
        self.count = 0
        self.start_ns = self.end_ns = 0
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    @property
    def size(self) -> int:
        """Return the bytes written, without the chunk in the making."""
        return self._stream.tell()

    def begin(self) -> None:
        self.writer.start(profile=PROFILE, library=LIBRARY)
        self._stream.flush()

    def add_topic(self, topic: Topic) -> None:
        about = {
            "offered_qos_profiles": metadata.qos_text(topic.qos),
            "topic_type_hash": topic.type_hash,
        }
        if topic.type not in self._schemas:
            self._schemas[topic.type] = self.writer.register_schema(
                topic.type, topic.encoding, topic.definition.encode()
            )
        self._channels[topic.name] = self.writer.register_channel(
            topic.name, "cdr", self._schemas[topic.type], about
        )

    def write(self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int) -> None:
        self.start_ns = min(log_time_ns, self.start_ns) if self.count else log_time_ns
        self.end_ns = max(log_time_ns, self.end_ns) if self.count else log_time_ns
        self.count += 1
        self.writer.add_message(
            self._channels[topic], log_time=log_time_ns, data=data, publish_time=publish_time_ns
        )

    def span(self) -> FileSpan:
        return FileSpan(Path(self._stream.name).name, self.start_ns, self.end_ns, self.count)

    def finish(self, about: dict[str, str]) -> None:
        self.writer.add_metadata("rosbag2", about)
        self.writer.finish()
        self._stream.close()

    def abandon(self) -> None:
        raw = getattr(self._stream, "raw", self._stream)
        if not raw.closed:
            raw.close()


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
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
