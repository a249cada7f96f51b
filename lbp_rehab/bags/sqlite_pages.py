"""The rows of an SQLite file that SQLite itself refuses, page by page.

File format: https://www.sqlite.org/fileformat2.html. Rows stand in leaf pages of tables, long ones
go on in a chain of overflow pages. Which table a leaf belongs to is written elsewhere, perhaps in a
damaged page, so rows are told apart by what they hold.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100  # before the first page's own header
DEFAULT_PAGE = 4096
_LEAST_USABLE = 480  # by the format
_LEAF = 0x0D
_LEAF_HEADER = struct.Struct(">BHHHB")
_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # of integers, by serial type
_MAX_COLUMNS = 16


class Cell(NamedTuple):
    """Where a row lies: its number, and the place and length of its first bytes in the file."""

    row: int
    offset: int
    local: int  # bytes in the leaf
    length: int  # bytes in all


class Pages:
    """An SQLite file, not empty, as pages."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = int.from_bytes(head[16:18], "big")
        self._page = 65536 if size == 1 else size
        self._usable = self._page - head[20] if len(head) == HEADER_BYTES else 0
        valid = self._page & (self._page - 1) == 0 and self._usable >= _LEAST_USABLE
        if not head.startswith(MAGIC) or not valid:
            # The first page is damaged; rosbag2 leaves the size as SQLite sets it.
            self._page = self._usable = DEFAULT_PAGE

    def close(self) -> None:
        """Close the file."""
        self._bytes.close()

    def cells(self) -> Iterator[Cell]:
        """Yield the rows of all tables in the order of the file."""
        for start in range(0, len(self._bytes) - self._page + 1, self._page):
            header = start + (HEADER_BYTES if start == 0 else 0)
            if self._bytes[header] == _LEAF:
                yield from self._leaf(start, header)

    def values(self, cell: Cell) -> list[Any] | None:
        """Return the columns of a row: None, int, float, str or bytes; None if it is damaged."""
        data = self._payload(cell)
        if data is None:
            return None
        try:
            return _columns(data)
        except (IndexError, ValueError, struct.error):
            return None

    def head(self, cell: Cell) -> list[Any] | None:
        """Return a row's columns with a last one that is cut where it leaves the leaf."""
        try:
            return _columns(self._bytes[cell.offset : cell.offset + cell.local], cut=True)
        except (IndexError, ValueError, struct.error):
            return None

    def _leaf(self, start: int, header: int) -> Iterator[Cell]:
        _, _, count, _, _ = _LEAF_HEADER.unpack_from(self._bytes, header)
        first = header + 8
        end = start + self._page
        for index in range(min(count, (end - first) // 2)):
            place = first + 2 * index
            offset = start + int.from_bytes(self._bytes[place : place + 2], "big")
            if not first < offset < end:
                continue
            try:
                length, offset = _varint(self._bytes, offset)
                row, offset = _varint(self._bytes, offset)
            except IndexError:
                continue
            local = self._local(length)
            if 0 < length < len(self._bytes) and offset + local <= end:
                yield Cell(row, offset, local, length)

    def _local(self, length: int) -> int:
        """Return how many bytes of a row stand in its leaf."""
        most = self._usable - 35
        if length <= most:
            return length
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (self._usable - 4)
        return local if local <= most else least

    def _payload(self, cell: Cell) -> bytes | None:
        parts = [self._bytes[cell.offset : cell.offset + cell.local]]
        rest = cell.length - cell.local
        at = cell.offset + cell.local
        while rest > 0:
            page = int.from_bytes(self._bytes[at : at + 4], "big")
            at = (page - 1) * self._page
            if page < 1 or at + self._page > len(self._bytes):
                return None
            part = self._bytes[at + 4 : at + 4 + min(rest, self._usable - 4)]
            parts.append(part)
            rest -= len(part)
        return b"".join(parts)


def _varint(data: bytes | mmap.mmap, offset: int) -> tuple[int, int]:
    """Return a number of one to nine bytes and the place behind it."""
    value = 0
    for index in range(9):
        byte = data[offset + index]
        if index == 8:
            return value << 8 | byte, offset + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + index + 1
    raise AssertionError


def _columns(data: bytes, cut: bool = False) -> list[Any]:
    """Return the columns of a record; raises IndexError or ValueError if it is damaged."""
    header_length, at = _varint(data, 0)
    if header_length > len(data):
        raise ValueError
    kinds = []
    while at < header_length:
        kind, at = _varint(data, at)
        kinds.append(kind)
        if len(kinds) > _MAX_COLUMNS:
            raise ValueError
    values: list[Any] = []
    for kind in kinds:
        value, length = _value(data, at, kind)
        at += length
        if at > len(data) and not (cut and len(values) == len(kinds) - 1):
            raise ValueError
        values.append(value)
    return values


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    """Return a column's value and its length."""
    if kind == 0:
        return None, 0
    if kind in _SIZES:
        return int.from_bytes(data[at : at + _SIZES[kind]], "big", signed=True), _SIZES[kind]
    if kind == 7:
        return struct.unpack_from(">d", data, at)[0], 8
    if kind in (8, 9):
        return kind - 8, 0
    if kind < 12:
        raise ValueError
    length = (kind - 12) // 2
    content = data[at : at + length]
    return (content.decode() if kind % 2 else content), length
