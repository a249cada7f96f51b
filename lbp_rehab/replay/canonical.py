"""The same bytes for the same message: zeros where a serialised message holds nothing.

CDR aligns numbers, and Fast-CDR leaves in the gaps whatever the memory held before; rclpy returns
more bytes than it filled. Two messages with the same values so differ in bytes that mean nothing,
which would make their checksums differ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from rosidl_parser.definition import (
    AbstractSequence,
    AbstractString,
    AbstractWString,
    Array,
    BasicType,
    NamespacedType,
)

from lbp_rehab.bags.definitions import message_class

HEADER_BYTES = 4  # representation and options, before the first field; alignment begins after it
_SIZES = {
    "boolean": 1, "octet": 1, "char": 1, "uint8": 1, "int8": 1, "int16": 2, "uint16": 2,
    "int32": 4, "uint32": 4, "float": 4, "int64": 8, "uint64": 8, "double": 8,
}  # fmt: skip

# Takes the buffer and the place of a value, clears the gaps in it, and returns the place after it.
Walk = Callable[[bytearray, int], int]


def canonical(type_name: str, data: bytes) -> bytes:
    """Return a serialised message with zeros between its fields and nothing behind the last.

    Parameters
    ----------
    type_name : str
        Such as ``sensor_msgs/msg/Image``; of an installed type.
    data : bytes
        CDR with its header.
    """
    walk = _walk_of_type(type_name)
    if walk is None:
        return data
    buffer = bytearray(data)
    try:
        end = walk(buffer, HEADER_BYTES)
    except ValueError:  # damaged: whoever reads it will say so
        return data
    return bytes(buffer[:end]) if end <= len(data) else data


@cache
def _walk_of_type(type_name: str) -> Walk | None:
    """Return the walk through a type; None if it is not known or holds what cannot be walked."""
    kind = message_class(type_name)
    if kind is None:
        return None
    try:
        return _joined(_steps_of_struct(kind))
    except NotImplementedError:
        return None


# A step is the size of a number, or the walk through something of variable size.
Step = int | Walk


def _steps_of_struct(kind: Any) -> list[Step]:
    return [step for slot in kind.SLOT_TYPES for step in _steps(slot)]


def _steps(slot: Any) -> list[Step]:
    if isinstance(slot, BasicType):
        if slot.typename not in _SIZES:
            raise NotImplementedError(slot.typename)
        return [_SIZES[slot.typename]]
    if isinstance(slot, AbstractWString):
        raise NotImplementedError("wstring")
    if isinstance(slot, AbstractString):
        return [_walk_string]
    if isinstance(slot, NamespacedType):
        kind = message_class("/".join([*slot.namespaces, slot.name]))
        if kind is None:
            raise NotImplementedError(slot.name)
        return _steps_of_struct(kind)
    if isinstance(slot, Array):
        return _steps(slot.value_type) * slot.size
    assert isinstance(slot, AbstractSequence)
    return [_sequence(_steps(slot.value_type))]


def _joined(steps: list[Step]) -> Walk:
    """Return one walk through several steps; numbers in a row are walked at once."""
    walks: list[Walk] = []
    numbers: list[int] = []
    for step in [*steps, None]:
        if isinstance(step, int):
            numbers.append(step)
            continue
        if numbers:
            walks.append(_numbers(tuple(numbers)))
            numbers = []
        if step is not None:
            walks.append(step)
    if len(walks) == 1:
        return walks[0]

    def walk(buffer: bytearray, at: int) -> int:
        for part in walks:
            at = part(buffer, at)
        return at

    return walk


def _numbers(sizes: tuple[int, ...]) -> Walk:
    # Where the gaps are depends on the place of the first number alone, and on that modulo 8.
    gaps_of, length_of = [], []
    for begin in range(8):
        at, gaps = begin, []
        for size in sizes:
            if gap := -at % size:
                gaps.append((at - begin, at - begin + gap, bytes(gap)))
            at += gap + size
        gaps_of.append(gaps)
        length_of.append(at - begin)

    def walk(buffer: bytearray, at: int) -> int:
        begin = (at - HEADER_BYTES) % 8
        for first, last, zeros in gaps_of[begin]:
            buffer[at + first : at + last] = zeros
        return at + length_of[begin]

    return walk


def _count(buffer: bytearray, at: int) -> tuple[int, int]:
    """Return the number that begins a string or a sequence, and the place after it."""
    gap = -(at - HEADER_BYTES) % 4
    if gap:
        buffer[at : at + gap] = bytes(gap)
    at += gap + 4
    count = int.from_bytes(buffer[at - 4 : at], "little")
    if at + count > len(buffer):  # each element takes a byte at least
        raise ValueError("longer than the message")
    return count, at


def _walk_string(buffer: bytearray, at: int) -> int:
    length, at = _count(buffer, at)
    if length:
        buffer[at + length - 1] = 0  # its end, which readers pass over
    return at + length


def _sequence(steps: list[Step]) -> Walk:
    only = steps[0] if len(steps) == 1 else None
    if isinstance(only, int):
        size = only

        def walk_numbers(buffer: bytearray, at: int) -> int:
            count, at = _count(buffer, at)
            if count == 0:
                return at
            gap = -(at - HEADER_BYTES) % size
            if gap:
                buffer[at : at + gap] = bytes(gap)
            return at + gap + count * size

        return walk_numbers
    element = _joined(steps)

    def walk(buffer: bytearray, at: int) -> int:
        count, at = _count(buffer, at)
        for _ in range(count):
            at = element(buffer, at)
        return at

    return walk
