"""Read an MCAP file record by record, so that one without an end or with damage still serves.

Record layout: https://mcap.dev/spec. A finished file ends with a summary that says where everything
is; a recorder that was killed leaves none. Here the file is walked from the front, and everything
up to the last whole record is found: also the whole messages in a chunk that breaks off.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile
from mcap.opcode import Opcode
from mcap.records import Channel, Schema
from mcap.writer import MCAP0_MAGIC
from rosbags.rosbag2.errors import ReaderError
from rosbags.rosbag2.metadata import parse_qos

from lbp_rehab.bags.metadata import Topic
from lbp_rehab.errors import InputError

_RECORD = struct.Struct("<BQ")  # opcode, length of what follows
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
_CHUNK = struct.Struct("<QQQII")  # start, end, uncompressed size, CRC, length of the compression
_FOOTER_BYTES = _RECORD.size + 20
# What damaged bytes cause in unpacking; lz4 raises RuntimeError.
_DAMAGE = (struct.error, ValueError, KeyError, EndOfFile, RuntimeError, zstandard.ZstdError)
_CACHED_CHUNKS = 8


@dataclass(frozen=True)
class ScannedMessage:
    """A message of an MCAP file with both of its times, integer nanoseconds."""

    topic: str
    log_time_ns: int
    publish_time_ns: int
    data: bytes


class _Place(NamedTuple):
    """Where a message lies; ordered as it is read."""

    log_time_ns: int
    block: int  # offset in the file of the chunk, or of the record of a message outside of chunks
    offset: int  # in the unpacked chunk
    channel: int
    publish_time_ns: int
    length: int


def is_finished(path: Path) -> bool:
    """Return whether an MCAP file has its end: footer and closing magic."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < 2 * len(MCAP0_MAGIC) + _FOOTER_BYTES:
            return False
        file.seek(size - len(MCAP0_MAGIC) - _FOOTER_BYTES)
        end = file.read()
    return end[0] == Opcode.FOOTER and end[_FOOTER_BYTES:] == MCAP0_MAGIC


class ScannedFile:
    """An MCAP file as far as it can be read.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    topics : dict of str to Topic
        In the order of their appearance.
    warnings : list of str
        What is missing or damaged, one sentence each.

    Raises
    ------
    InputError
        If the file is no MCAP file at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.topics: dict[str, Topic] = {}
        self.warnings: list[str] = []
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._places: list[_Place] = []
        self._file = path.open("rb")
        self._size = self._file.seek(0, 2)
        self._load = lru_cache(maxsize=_CACHED_CHUNKS)(self._unpack)
        self._file.seek(0)
        if self._file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
            self.close()
            raise InputError(
                f"'{path}' is not an MCAP file, or was cut before its first record; nothing can be "
                "recovered from it"
            )
        self._walk()
        self._places.sort()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def counts(self) -> dict[str, int]:
        """Return the number of messages by topic, topics without any included."""
        counts = dict.fromkeys(self.topics, 0)
        for place in self._places:
            counts[self._channels[place.channel].topic] += 1
        return counts

    def span_ns(self) -> tuple[int, int] | None:
        """Return the log times of the first and the last message, or None without messages."""
        if not self._places:
            return None
        return self._places[0].log_time_ns, self._places[-1].log_time_ns

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[ScannedMessage]:
        """Yield messages by log time, from `start_ns` on and before `end_ns`."""
        for place in self._places:
            topic = self._channels[place.channel].topic
            if topics is not None and topic not in topics:
                continue
            if start_ns is not None and place.log_time_ns < start_ns:
                continue
            if end_ns is not None and place.log_time_ns >= end_ns:
                return
            data = self._load(place.block)[place.offset : place.offset + place.length]
            yield ScannedMessage(topic, place.log_time_ns, place.publish_time_ns, data)

    def _walk(self) -> None:
        position = len(MCAP0_MAGIC)
        while position < self._size:
            self._file.seek(position)
            head = self._file.read(_RECORD.size)
            if len(head) < _RECORD.size:
                break
            opcode, length = _RECORD.unpack(head)
            whole = position + _RECORD.size + length <= self._size
            if opcode == Opcode.FOOTER and whole:
                return
            if opcode == 0 or (not whole and opcode > max(Opcode)):
                self.warnings.append(
                    f"{self.path.name} is damaged at byte {position} of {self._size}; what follows "
                    "cannot be read"
                )
                return
            try:
                self._take(opcode, position, whole)
            except _DAMAGE as error:
                self.warnings.append(
                    f"{self.path.name} is damaged at byte {position} and was read without that "
                    f"part ({error})"
                )
            position += _RECORD.size + length
        self.warnings.append(
            f"{self.path.name} breaks off without its end, as a killed recorder leaves it; it was "
            "read up to its last whole message"
        )

    def _take(self, opcode: int, position: int, whole: bool) -> None:
        if opcode == Opcode.CHUNK:
            self._take_records(self._load(position), position, 0)
        elif not whole:
            return
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE):
            self._take_records(self._load(position), position, 0)

    def _take_records(self, content: bytes, block: int, position: int) -> None:
        """Take the whole records of an unpacked chunk, or the one outside of chunks."""
        while position + _RECORD.size <= len(content):
            opcode, length = _RECORD.unpack_from(content, position)
            position += _RECORD.size
            if position + length > len(content):
                return
            if opcode == Opcode.MESSAGE:
                channel, _, log_time, publish_time = _MESSAGE.unpack_from(content, position)
                if channel not in self._channels:
                    raise ValueError(f"a message of the unknown channel {channel}")
                self._places.append(
                    _Place(
                        log_time,
                        block,
                        position + _MESSAGE.size,
                        channel,
                        publish_time,
                        length - _MESSAGE.size,
                    )
                )
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._take_description(opcode, content[position : position + length])
            position += length

    def _take_description(self, opcode: int, body: bytes) -> None:
        stream = ReadDataStream(BytesIO(body))
        if opcode == Opcode.SCHEMA:
            schema = Schema.read(stream)
            self._schemas[schema.id] = schema
            return
        channel = Channel.read(stream)
        schema = self._schemas[channel.schema_id]
        self._channels[channel.id] = channel
        try:
            qos = tuple(parse_qos(channel.metadata.get("offered_qos_profiles", "")))
        except (ReaderError, TypeError, KeyError):
            qos = ()
        self.topics.setdefault(
            channel.topic,
            Topic(
                channel.topic,
                schema.name,
                schema.data.decode(errors="replace"),
                schema.encoding,
                channel.metadata.get("topic_type_hash", ""),
                qos,
            ),
        )

    def _unpack(self, position: int) -> bytes:
        """Return the records of the chunk at a place, or the single record there.

        Raises ValueError if a whole chunk does not have its checksum.
        """
        self._file.seek(position)
        opcode, length = _RECORD.unpack(self._file.read(_RECORD.size))
        if opcode != Opcode.CHUNK:
            self._file.seek(position)
            return self._file.read(_RECORD.size + length)
        return _unpack_chunk(self._file, min(length, self._size - self._file.tell()), length)


def _unpack_chunk(file: BinaryIO, available: int, length: int) -> bytes:
    body = file.read(available)
    if len(body) < _CHUNK.size:
        return b""
    _, _, size, crc, name_length = _CHUNK.unpack_from(body)
    name = body[_CHUNK.size : _CHUNK.size + name_length].decode()
    packed = body[_CHUNK.size + name_length + 8 :]
    if name == "zstd":
        content = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    elif name == "lz4":
        content = lz4.frame.LZ4FrameDecompressor().decompress(packed)
    elif name == "":
        content = packed
    else:
        raise ValueError(f"unknown compression '{name}'")
    if available == length and (len(content) != size or (crc != 0 and zlib.crc32(content) != crc)):
        raise ValueError("the checksum of a chunk is wrong")
    return content
