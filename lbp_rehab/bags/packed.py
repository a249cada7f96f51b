"""Unpack zstd and lz4 piece by piece: what came before damage is kept, and nothing grows unseen."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import lz4.frame
import zstandard

from lbp_rehab.errors import InputError

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SUFFIX = ".zstd"
# No message or chunk is larger; a length beyond it is damage.
MAX_BYTES = 1 << 30
# One piece of zstd holds at most 1,366 blocks of 128 KiB.
_PIECE_BYTES = 4096
_DAMAGE = (zstandard.ZstdError, RuntimeError, MemoryError)  # lz4 raises RuntimeError


class Unpacked(NamedTuple):
    """Unpacked bytes, and whether they are all."""

    data: bytes
    whole: bool


def unpack(data: bytes, form: str, limit: int = MAX_BYTES) -> Unpacked:
    """Return what can be unpacked of ``zstd`` or ``lz4`` data, at most `limit` bytes.

    Raises
    ------
    ValueError
        If the form is another.
    """
    if form not in ("zstd", "lz4"):
        raise ValueError(f"unknown compression '{form}'")
    parts, size, whole = [], 0, True
    for part in _unpacked(data, form):
        if part is None or size + len(part) > limit:
            whole = False
            break
        parts.append(part)
        size += len(part)
    return Unpacked(b"".join(parts), whole)


def unpack_file(path: Path, folder: Path) -> tuple[Path, bool]:
    """Unpack ``NAME.zstd`` to ``NAME`` in a folder; return it, and whether it is all.

    Raises
    ------
    InputError
        If there is no room.
    """
    target = folder / path.stem
    try:
        with path.open("rb") as packed, target.open("wb") as file:
            if packed.seek(0, 2) == 0:
                return target, False
            with mmap.mmap(packed.fileno(), 0, access=mmap.ACCESS_READ) as data:
                for part in _unpacked(data, "zstd"):
                    if part is None:
                        return target, False
                    file.write(part)
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be unpacked to '{folder}' ({error.strerror or error}); make room "
            "there or set TMPDIR to another folder"
        ) from error
    return target, True


def _unpacked(data: bytes | mmap.mmap, form: str) -> Iterator[bytes | None]:
    """Yield what the data holds; at last None if it is damaged or breaks off."""
    unpacker = _unpacker(form)
    frame = begin = 0
    while begin < len(data):
        if unpacker.eof:  # one frame after the other
            unpacker, frame = _unpacker(form), begin
        piece = data[begin : begin + _PIECE_BYTES]
        try:
            yield unpacker.decompress(piece)
        except _DAMAGE:
            yield from _before_damage(data, form, frame, begin)
            yield None
            return
        begin += len(piece) - len((unpacker.unused_data or b"") if unpacker.eof else b"")
    if not unpacker.eof:
        yield None


def _before_damage(
    data: bytes | mmap.mmap, form: str, frame: int, begin: int
) -> Iterator[bytes | None]:
    """Yield what a piece holds before its damage, by unpacking its frame once more."""
    unpacker = _unpacker(form)
    for place in range(frame, begin, _PIECE_BYTES):
        unpacker.decompress(data[place : min(place + _PIECE_BYTES, begin)])
    with suppress(*_DAMAGE):
        for place in range(begin, min(begin + _PIECE_BYTES, len(data))):
            yield unpacker.decompress(data[place : place + 1])


def _unpacker(form: str) -> zstandard.ZstdDecompressionObj | lz4.frame.LZ4FrameDecompressor:
    if form == "lz4":
        return lz4.frame.LZ4FrameDecompressor()
    return zstandard.ZstdDecompressor().decompressobj()
