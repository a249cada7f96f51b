"""Unpack zstd and lz4 piece by piece: what came before damage is kept, and nothing grows unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    pieces = (data[i : i + _PIECE_BYTES] for i in range(0, len(data), _PIECE_BYTES))
    parts, size, whole = [], 0, True
    for part in _unpacked(pieces, form):
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
            for part in _unpacked(iter(lambda: packed.read(_PIECE_BYTES), b""), "zstd"):
                if part is None:
                    return target, False
                file.write(part)
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be unpacked to '{folder}' ({error.strerror or error}); make room "
            "there or set TMPDIR to another folder"
        ) from error
    return target, True


def _unpacked(pieces: Iterable[bytes], form: str) -> Iterator[bytes | None]:
    """Yield what the pieces hold; at last None if they are damaged or break off."""
    try:
        unpacker = _unpacker(form)
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker.eof:  # one frame after the other
                    unpacker = _unpacker(form)
                yield unpacker.decompress(rest)
                rest = (unpacker.unused_data or b"") if unpacker.eof else b""
        if not unpacker.eof:
            yield None
    except (zstandard.ZstdError, RuntimeError, MemoryError):  # lz4 raises RuntimeError
        yield None


def _unpacker(form: str) -> zstandard.ZstdDecompressionObj | lz4.frame.LZ4FrameDecompressor:
    if form == "lz4":
        return lz4.frame.LZ4FrameDecompressor()
    return zstandard.ZstdDecompressor().decompressobj()
