"""An MCAP file: by its index where it has a sound one, else walked from the front.

Record layout: https://mcap.dev/spec. A finished file ends with a summary that says where everything
is; a killed recorder leaves none, and damage may lie anywhere. Then the file is walked record by
record; where no record can stand, the next one that surely does is looked for.

What is read: every message of a chunk with the right checksum, and the whole messages before the
break of a chunk that is cut. A chunk with a wrong checksum is left out: which of its messages is
wrong cannot be told. Without checksums, as some recorders write, the messages before the damage.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile
from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Footer, Schema, Statistics
from mcap.writer import MCAP0_MAGIC

from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.packed import MAX_BYTES, unpack
from lbp_rehab.bags.storage import (
    SERIALIZATION,
    Source,
    Stored,
    add_warning,
    in_order,
    other_serialization,
    other_type,
    qos_of,
)
from lbp_rehab.errors import InputError

_RECORD = struct.Struct("<BQ")  # opcode, length of what follows
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
_CHUNK = struct.Struct("<QQQII")  # start, end, uncompressed size, CRC, length of the compression
_LENGTH = struct.Struct("<Q")
_FOOTER = _RECORD.size + 20
# Lengths that a record of fixed size must have, and what others have at most and at least: 65,535
# channels of 10 bytes.
_FIXED: dict[int, int] = {Opcode.FOOTER: 20, Opcode.DATA_END: 4, Opcode.SUMMARY_OFFSET: 17}
_MOST: dict[int, int] = dict.fromkeys(
    (Opcode.CHUNK_INDEX, Opcode.STATISTICS, Opcode.ATTACHMENT_INDEX, Opcode.METADATA_INDEX), 1 << 20
)
# How other records are made up: bytes to skip, then a length of 4 or 8 bytes and what it counts.
_PARTS: dict[int, tuple[tuple[int, int], ...]] = {
    Opcode.SCHEMA: ((2, 4), (0, 4), (0, 4)),
    Opcode.CHANNEL: ((4, 4), (0, 4), (0, 4)),
    Opcode.METADATA: ((0, 4), (0, 4)),
    Opcode.ATTACHMENT: ((16, 4), (0, 4), (0, 8)),
    Opcode.MESSAGE_INDEX: ((2, 4),),
    Opcode.HEADER: ((0, 4), (0, 4)),
}
_BEHIND: dict[int, int] = {Opcode.ATTACHMENT: 4}  # a checksum
_LEAST: dict[int, int] = {Opcode.MESSAGE: _MESSAGE.size, Opcode.CHUNK: _CHUNK.size + 8}
# Of a chunk: opcode, length < 2^40, times, size, CRC, compression, packed length < 2^40.
_CHUNK_SHAPE = re.compile(
    rb"\x06.{5}\0{3}.{28}(?:\0{4}|\x03\0{3}lz4|\x04\0{3}zstd).{5}\0{3}", re.DOTALL
)
_LOOSE_SHAPE = re.compile(rb"[\x03-\x05].{5}\0{3}", re.DOTALL)
_CHAIN = 3  # records in a row that make a place trustworthy
# What damaged bytes cause in the parser.
_DAMAGE = (struct.error, ValueError, KeyError, EndOfFile, OverflowError, MemoryError)
_CACHED_CHUNKS = 8


class _Chunk(NamedTuple):
    """Where a chunk lies and which log times it holds."""

    offset: int  # in the file
    start_ns: int
    end_ns: int
    channels: frozenset[int]


class _Place(NamedTuple):
    """Where a message lies: in the file, or in an unpacked chunk."""

    log_time_ns: int
    offset: int  # of the data
    channel: int
    publish_time_ns: int
    length: int


class _Contents(NamedTuple):
    """An unpacked chunk."""

    data: bytes
    places: list[_Place]  # by time
    problem: str


class McapFile:
    """See `lbp_rehab.bags.storage.Storage`.

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
        self._chunks: list[_Chunk] = []
        self._loose: list[_Place] = []  # messages outside of chunks
        self._counts: Counter[int] = Counter()  # by channel
        self._chunked = False
        self._seen: set[int] = set()  # checksums of the chunks that were walked through
        self._contents = lru_cache(maxsize=_CACHED_CHUNKS)(self._unpack)
        with path.open("rb") as file:
            if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
                raise InputError(
                    f"'{path}' is not an MCAP file, or was cut before its first record; nothing "
                    "can be read of it"
                )
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._size = len(self._bytes)
            if not self._read_index():
                self._walk()
                self._loose.sort(key=lambda place: place.log_time_ns)
            self._name_topics()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._contents.cache_clear()
        self._bytes.close()

    def counts(self) -> dict[str, int]:
        """Return the number of messages by topic, topics without any included."""
        counts = dict.fromkeys(self.topics, 0)
        for channel, count in self._counts.items():
            if (topic := self._topic_of(channel)) is not None:
                counts[topic] += count
        return counts

    def span_ns(self) -> tuple[int, int] | None:
        """Return the log times of the first and the last message, or None without messages."""
        spans = [(c.start_ns, c.end_ns) for c in self._chunks if c.channels]
        spans += [(place.log_time_ns, place.log_time_ns) for place in self._loose]
        if not spans:
            return None
        return min(start for start, _ in spans), max(end for _, end in spans)

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[Stored]:
        """Yield messages by log time, from `start_ns` on and before `end_ns`."""
        names = {
            channel: topic
            for channel in self._channels
            if (topic := self._topic_of(channel)) is not None
            and (topics is None or topic in topics)
        }

        def chosen(places: list[_Place], data: bytes | mmap.mmap) -> Iterator[Stored]:
            for place in places:
                if place.channel not in names or (start_ns and place.log_time_ns < start_ns):
                    continue
                if end_ns is not None and place.log_time_ns >= end_ns:
                    return
                yield Stored(
                    place.log_time_ns,
                    place.publish_time_ns,
                    names[place.channel],
                    data[place.offset : place.offset + place.length],
                )

        def of_chunk(offset: int) -> Iterator[Stored]:
            contents = self._contents(offset)
            if contents.problem:
                self._warn_of_chunk(offset, contents)
            return chosen(contents.places, contents.data)

        sources = [
            Source(chunk.start_ns, partial(of_chunk, chunk.offset))
            for chunk in self._chunks
            if not chunk.channels.isdisjoint(names)
            and (start_ns is None or chunk.end_ns >= start_ns)
            and (end_ns is None or chunk.start_ns < end_ns)
        ]
        if self._loose:
            first = self._loose[0].log_time_ns
            sources.append(Source(first, partial(chosen, self._loose, self._bytes)))
        return in_order(sources)

    def _topic_of(self, channel: int) -> str | None:
        """Return the topic of a channel; None of one that is left out."""
        found = self._channels.get(channel)
        if found is None:
            return None
        schema = self._schemas.get(found.schema_id)
        known = self.topics.get(found.topic)
        same = known is not None and schema is not None and known.type == schema.name
        return found.topic if same and found.message_encoding == SERIALIZATION else None

    def _name_topics(self) -> None:
        """Make topics of the channels, and say which messages belong to none."""
        for channel in self._channels.values():
            schema = self._schemas.get(channel.schema_id)
            if schema is None:
                self.warnings.append(
                    f"{self.path.name} lacks the type of {channel.topic}; its messages were left "
                    "out"
                )
                continue
            if channel.message_encoding != SERIALIZATION:
                sentence = other_serialization(channel.topic, channel.message_encoding)
                add_warning(self.warnings, sentence)
                continue
            topic = self.topics.setdefault(
                channel.topic,
                Topic(
                    channel.topic,
                    schema.name,
                    schema.data.decode(errors="replace"),
                    schema.encoding,
                    channel.metadata.get("topic_type_hash", ""),
                    qos_of(channel.metadata.get("offered_qos_profiles", "")),
                ),
            )
            if topic.type != schema.name:
                sentence = other_type(self.path, channel.topic, topic.type, schema.name)
                add_warning(self.warnings, sentence)
        if nameless := sum(
            n for channel, n in self._counts.items() if channel not in self._channels
        ):
            self.warnings.append(
                f"{nameless} messages of {self.path.name} were left out: what says their topics is "
                "lost"
            )

    # The index at the end of a finished file.

    def _read_index(self) -> bool:
        """Take topics, counts and chunks from the summary; False if it does not serve."""
        try:
            summary = self._summary()
            records = list(_records(summary, 0))
            statistics: Statistics | None = None
            chunks: list[ChunkIndex] = []
            for opcode, offset, length in records:
                stream = ReadDataStream(BytesIO(summary[offset : offset + length]))
                if opcode == Opcode.STATISTICS:
                    statistics = Statistics.read(stream)
                elif opcode == Opcode.CHUNK_INDEX:
                    chunks.append(ChunkIndex.read(stream))
                elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                    self._describe(opcode, summary[offset : offset + length])
        except _DAMAGE:
            return False
        if statistics is None or statistics.chunk_count != len(chunks):
            return False
        if not chunks and statistics.message_count:
            return False  # a file without chunks
        if len({chunk.chunk_start_offset for chunk in chunks}) < len(chunks):
            return False
        if not all(self._is_indexed_rightly(chunk) for chunk in chunks):
            return False
        self._chunks = [
            _Chunk(
                chunk.chunk_start_offset,
                chunk.message_start_time,
                chunk.message_end_time,
                # Some recorders leave the index of messages out.
                frozenset(chunk.message_index_offsets or self._channels),
            )
            for chunk in chunks
        ]
        self._counts.update(statistics.channel_message_counts)
        return self._counts.total() == statistics.message_count

    def _summary(self) -> bytes:
        """Return the records of the summary; ValueError if there is none or it is damaged."""
        at = self._size - len(MCAP0_MAGIC) - _FOOTER
        if at < len(MCAP0_MAGIC) or self._bytes[at + _FOOTER :] != MCAP0_MAGIC:
            raise ValueError
        opcode, length = _RECORD.unpack_from(self._bytes, at)
        if opcode != Opcode.FOOTER or length != _FOOTER - _RECORD.size:
            raise ValueError
        begin = at + _RECORD.size
        footer = Footer.read(ReadDataStream(BytesIO(self._bytes[begin : begin + length])))
        if not len(MCAP0_MAGIC) <= footer.summary_start < at:
            raise ValueError
        # The checksum covers the summary and the footer before it.
        crc = zlib.crc32(self._bytes[footer.summary_start : at + _FOOTER - 4])
        if footer.summary_crc not in (0, crc):
            raise ValueError
        return self._bytes[footer.summary_start : at]

    def _is_indexed_rightly(self, index: ChunkIndex) -> bool:
        at = index.chunk_start_offset
        if not self._is_record(at) or self._bytes[at] != Opcode.CHUNK:
            return False
        start, end, *_ = _CHUNK.unpack_from(self._bytes, at + _RECORD.size)
        _, length = _RECORD.unpack_from(self._bytes, at)
        return bool(
            (start, end) == (index.message_start_time, index.message_end_time)
            and length + _RECORD.size == index.chunk_length
        )

    # Record by record.

    def _walk(self) -> None:
        """Take everything from the front to the end, past damage."""
        self._counts.clear()
        self._describe_from_summary()
        shapes = _CHUNK_SHAPE.finditer(self._bytes)
        self._chunked = any(self._chunk_length(match.start()) > 0 for match in shapes)
        position = len(MCAP0_MAGIC)
        # Where to look on after damage: behind a sound chunk; behind the first byte of any other
        # record, whose length may be the damage.
        resume = position
        loose = False  # whether the last record was a message outside of chunks
        while position < self._size:
            if self._is_record(position):
                opcode, length = _RECORD.unpack_from(self._bytes, position)
                if opcode == Opcode.FOOTER:
                    end = position + _FOOTER
                    if self._bytes[end : end + len(MCAP0_MAGIC)] != MCAP0_MAGIC:
                        self._warn_of_damage(position)
                    return
                self._take(opcode, position, length)
                loose = opcode == Opcode.MESSAGE
                resume = position + 1
                position += _RECORD.size + length
                if opcode == Opcode.CHUNK and not self._contents(resume - 1).problem:
                    resume = position
                continue
            cut = self._is_cut_chunk(position)
            found = None if cut else self._next_record(resume)
            if found is None:
                self._take_last(position)
                return
            if loose and found < position:  # it was not as long as it said
                self._counts[self._loose.pop().channel] -= 1
            loose = False
            self._warn_of_damage(min(found, position))
            position, resume = found, found + 1
            if self._is_cut_chunk(position):
                self._take_last(position)
                return
        self._warn_of_no_end()

    def _take_last(self, position: int) -> None:
        """Take what is left of the record in which the file ends."""
        rest = self._size - position
        if self._is_cut_chunk(position):
            self._take_chunk(position)
        if rest >= _RECORD.size:
            opcode, length = _RECORD.unpack_from(self._bytes, position)
            # A cut record has a believable length; any other is damage.
            if not 0 < opcode <= max(Opcode) or not rest - _RECORD.size < length <= MAX_BYTES:
                self._warn_of_damage(position)
                return
        self._warn_of_no_end()

    def _take(self, opcode: int, position: int, length: int) -> None:
        begin = position + _RECORD.size
        if opcode == Opcode.CHUNK:
            self._take_chunk(position)
        elif opcode == Opcode.MESSAGE:
            place = _place(self._bytes, begin, length)
            self._loose.append(place)
            self._counts[place.channel] += 1
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
            try:
                self._describe(opcode, self._bytes[begin : begin + length])
            except _DAMAGE:
                self._warn_of_damage(position)

    def _take_chunk(self, position: int) -> None:
        contents = self._contents(position)
        if contents.problem:
            self._warn_of_chunk(position, contents)
        for opcode, offset, length in _records(contents.data, 0):
            if opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                try:
                    self._describe(opcode, contents.data[offset : offset + length])
                except _DAMAGE:
                    self._warn_of_damage(position)
        if not contents.places:
            return
        digest = zlib.crc32(contents.data)
        if digest in self._seen:  # a block of the disk in two places
            self._warn_of_damage(position)
            return
        self._seen.add(digest)
        self._counts.update(place.channel for place in contents.places)
        self._chunks.append(
            _Chunk(
                position,
                contents.places[0].log_time_ns,
                contents.places[-1].log_time_ns,
                frozenset(place.channel for place in contents.places),
            )
        )

    def _describe(self, opcode: int, body: bytes) -> None:
        """Take a schema or a channel; the first of each number counts."""
        stream = ReadDataStream(BytesIO(body))
        if opcode == Opcode.SCHEMA:
            schema = Schema.read(stream)
            self._schemas.setdefault(schema.id, schema)
        else:
            channel = Channel.read(stream)
            self._channels.setdefault(channel.id, channel)

    def _describe_from_summary(self) -> None:
        """Take schemas and channels from the end, in case that the chunk with them is damaged."""
        try:
            summary = self._summary()
            for opcode, offset, length in _records(summary, 0):
                if opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                    self._describe(opcode, summary[offset : offset + length])
        except _DAMAGE:
            return

    def _is_record(self, position: int) -> bool:
        """Return whether a whole record may stand at a place."""
        if position + _RECORD.size > self._size:
            return False
        opcode, length = _RECORD.unpack_from(self._bytes, position)
        if not 0 < opcode <= max(Opcode) or position + _RECORD.size + length > self._size:
            return False
        if length != _FIXED.get(opcode, length):
            return False
        if not _LEAST.get(opcode, 0) <= length <= _MOST.get(opcode, length):
            return False
        begin = position + _RECORD.size
        if opcode == Opcode.CHUNK:
            return length <= MAX_BYTES and self._chunk_length(position) == length
        if opcode == Opcode.MESSAGE and self._chunked:
            return False  # damage, or it stands in a damaged chunk, which alone could vouch for it
        if opcode == Opcode.MESSAGE and self._channels:
            return _MESSAGE.unpack_from(self._bytes, begin)[0] in self._channels
        if opcode == Opcode.FOOTER:  # that of another file, or a copy, is damage
            return self._size - (begin + length) <= len(MCAP0_MAGIC)
        if opcode == Opcode.HEADER and position != len(MCAP0_MAGIC):
            return False
        return self._has_its_parts(opcode, begin, begin + length)

    def _has_its_parts(self, opcode: int, at: int, end: int) -> bool:
        """Return whether the lengths inside a record add up to its own."""
        for skipped, size in _PARTS.get(opcode, ()):
            at += skipped
            if at + size > end:
                return False
            at += size + int.from_bytes(self._bytes[at : at + size], "little")
        return opcode not in _PARTS or at + _BEHIND.get(opcode, 0) == end

    def _chunk_length(self, position: int) -> int:
        """Return how long a chunk is by its own fields; -1 if it cannot be told."""
        begin = position + _RECORD.size
        if begin + _CHUNK.size + 12 > self._size:
            return -1
        *_, name_length = _CHUNK.unpack_from(self._bytes, begin)
        if name_length not in (0, 3, 4):
            return -1
        (packed,) = _LENGTH.unpack_from(self._bytes, begin + _CHUNK.size + name_length)
        return int(_CHUNK.size + name_length + _LENGTH.size + packed)

    def _is_cut_chunk(self, position: int) -> bool:
        if position + _RECORD.size > self._size or self._bytes[position] != Opcode.CHUNK:
            return False
        _, length = _RECORD.unpack_from(self._bytes, position)
        inside = position + _RECORD.size + length > self._size
        return inside and length <= MAX_BYTES and self._chunk_length(position) == length

    def _next_record(self, begin: int) -> int | None:
        """Return the next place from which records can be read on; None if there is none."""
        chunk = next(
            (
                found
                for match in _CHUNK_SHAPE.finditer(self._bytes, begin)
                if self._is_record(found := match.start()) or self._is_cut_chunk(found)
            ),
            None,
        )
        # Records outside of chunks bear no mark; several in a row are needed.
        loose = next(
            (
                match.start()
                for match in _LOOSE_SHAPE.finditer(
                    self._bytes, begin, self._size if chunk is None else chunk
                )
                if self._begins_a_chain(match.start())
            ),
            None,
        )
        return min((p for p in (chunk, loose) if p is not None), default=None)

    def _begins_a_chain(self, position: int) -> bool:
        count = 0
        while self._is_record(position):
            opcode, length = _RECORD.unpack_from(self._bytes, position)
            position += _RECORD.size + length
            count += 1
            if opcode == Opcode.FOOTER:
                return True
            if count == _CHAIN and not self._chunked:
                return True
        return False

    # Chunks.

    def _unpack(self, position: int) -> _Contents:
        """Return the chunk at a place in the file, as far as it can be read."""
        begin = position + _RECORD.size
        _, length = _RECORD.unpack_from(self._bytes, position)
        _, _, size, crc, name_length = _CHUNK.unpack_from(self._bytes, begin)
        at = begin + _CHUNK.size
        name = self._bytes[at : at + name_length]
        packed = self._bytes[at + name_length + _LENGTH.size : begin + length]
        cut = begin + length > self._size
        if name == b"":
            data, whole = packed, True
        else:
            try:
                data, whole = unpack(packed, name.decode(errors="replace"), min(size, MAX_BYTES))
            except ValueError as error:
                return _Contents(b"", [], str(error))
        if cut:
            return _Contents(data, _places(data)[0], "")
        if crc != 0 and (len(data) != size or zlib.crc32(data) != crc):
            return _Contents(b"", [], "its checksum is wrong")
        places, broken = _places(data)
        if broken or not whole or len(data) != size:
            return _Contents(data, places, "its records are damaged")
        indexed = self._indexed_after(begin + length)
        if crc == 0 and indexed and indexed != Counter(place.channel for place in places):
            return _Contents(data, places, "its records are not those of its index")
        return _Contents(data, places, "")

    def _indexed_after(self, position: int) -> Counter[int]:
        """Return the messages by channel that the records after a chunk tell of."""
        counts: Counter[int] = Counter()
        while self._is_record(position) and self._bytes[position] == Opcode.MESSAGE_INDEX:
            _, length, channel, size = struct.unpack_from("<BQHI", self._bytes, position)
            if size:
                counts[channel] += size // 16
            position += _RECORD.size + length
        return counts

    def _warn_of_chunk(self, position: int, contents: _Contents) -> None:
        what = "read in part" if contents.places else "left out"
        add_warning(
            self.warnings,
            f"{self.path.name} is damaged at byte {position}: a chunk was {what} "
            f"({contents.problem})",
        )

    def _warn_of_damage(self, position: int) -> None:
        add_warning(
            self.warnings,
            f"{self.path.name} is damaged at byte {position} of {self._size} and was read without "
            "that part",
        )

    def _warn_of_no_end(self) -> None:
        add_warning(
            self.warnings,
            f"{self.path.name} breaks off without its end, as a killed recorder leaves it; it was "
            "read up to its last whole message",
        )


def _records(data: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Yield opcode, place and length of the contents of whole records."""
    while position + _RECORD.size <= len(data):
        opcode, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        if position + length > len(data):
            return
        yield opcode, position, length
        position += length


def _place(data: bytes | mmap.mmap, offset: int, length: int) -> _Place:
    channel, _, log_time, publish_time = _MESSAGE.unpack_from(data, offset)
    return _Place(log_time, offset + _MESSAGE.size, channel, publish_time, length - _MESSAGE.size)


def _places(data: bytes) -> tuple[list[_Place], bool]:
    """Return the messages of an unpacked chunk by time, and whether its records break off."""
    places, end = [], 0
    for opcode, offset, length in _records(data, 0):
        if opcode not in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE):
            break
        if opcode == Opcode.MESSAGE:
            if length < _MESSAGE.size:
                break
            places.append(_place(data, offset, length))
        end = offset + length
    places.sort(key=lambda place: place.log_time_ns)
    return places, end != len(data)
