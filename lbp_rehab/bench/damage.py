"""Damaged bags, to see whether every readable message is recovered and what is lost is said.

Small bags of every form that recorders write are damaged by a seeded random generator and read.
What must come back is computed from the whole files and the places of the damage, not by the
reader:

- MCAP: the messages of a chunk of which no byte is touched; of a chunk in which the file breaks
  off, those before the end, as far as the compression gives them; of a touched chunk without
  checksum and compression, those before the first touched byte. Without chunks: a message of which
  neither its record nor the next three is touched. Always: if its type and topic stand in an
  untouched place, in the summary at the end or where they first come.
- sqlite3: the messages of which no page is touched or moved, if the topics' pages are not.
- packed files: the same for what is unpacked before the first touched byte.

Besides: no error but `InputError`; no bag takes longer than 10 s; whatever is lost, there is a
sentence; and where there are checksums, nothing is given out that was not recorded.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from mcap.writer import CompressionType
from mcap.writer import Writer as PlainWriter
from numpy.random import Generator
from numpy.typing import NDArray
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from tqdm import tqdm

from lbp_rehab.bags import BagReader, BagWriter, Compression, definitions
from lbp_rehab.bags.definitions import installed
from lbp_rehab.errors import InputError

LIMIT_S = 10.0
KIND = "std_msgs/msg/String"
TOPICS = ("/a", "/b")
PERIOD_NS = 10_000_000
Message = tuple[str, int, bytes]  # topic, log time, data
Span = tuple[int, int]
PAGE = 4096  # of SQLite
MAGIC: Span = (0, 8)  # of MCAP
_RECORD = struct.Struct("<BQ")
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 3, 4, 5, 6, 0x0F


@dataclass(frozen=True)
class Need:
    """What must be untouched so that a message is readable: in one file, all of `spans`.

    Attributes
    ----------
    spans : tuple of (begin, end)
    either : tuple of (begin, end)
        Places of its type and topic, of which one suffices.
    end : int
        Of the message in its chunk, the last of the spans, when that is not compressed: enough
        where the file is cut behind it; and without checksum, where the chunk is touched behind it.
    unpacked_end : int
        Likewise of a compressed chunk, counted in what is unpacked of `packed_begin` on.
    packed_begin : int
    has_checksum : bool
    """

    spans: tuple[Span, ...]
    either: tuple[Span, ...] = ()
    end: int = 0
    unpacked_end: int = 0
    packed_begin: int = 0
    has_checksum: bool = False


@dataclass(frozen=True)
class Sample:
    """A whole bag.

    Attributes
    ----------
    folder : Path
    needs : dict of str to list of (Message, Need)
        By data file.
    checked : bool
        Whether checksums cover all messages.
    fixed : bool
        Whether nothing may have moved: places in it are absolute.
    """

    folder: Path
    needs: dict[str, list[tuple[Message, Need]]]
    checked: bool = False
    fixed: bool = False

    @property
    def messages(self) -> list[Message]:
        """Return all messages."""
        return [message for rows in self.needs.values() for message, _ in rows]


@dataclass
class Outcome:
    """Sums over all bags."""

    bags: int = 0
    refused: int = 0
    messages: int = 0
    readable: int = 0
    recovered: int = 0
    beyond: int = 0
    slowest_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Damage and read the bags, and return the figures."""
    if arguments.bags < 1:
        raise InputError(f"--bags is {arguments.bags}; give at least 1")
    with tempfile.TemporaryDirectory(prefix="lbp_rehab_damage_") as folder:
        outcome = run(arguments.bags, arguments.seed, Path(folder))
    return {
        "bags": outcome.bags,
        "refused_with_a_sentence": outcome.refused,
        "messages": outcome.messages,
        "readable": outcome.readable,
        "readable_recovered": outcome.recovered,
        "recovered_beyond": outcome.beyond,
        "slowest_s": round(outcome.slowest_s, 3),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "by_form": dict(sorted(outcome.kinds.items())),
        "failures": outcome.failures,
    }


def run(bags: int, seed: int, folder: Path, show: bool = True) -> Outcome:
    """Damage and read bags in a folder.

    Parameters
    ----------
    bags, seed : int
    folder : Path
        Empty.
    show : bool
        Whether to show a progress bar when it takes long.
    """
    samples = {name: make(folder / "whole" / name) for name, make in SAMPLES.items()}
    names = list(samples)
    outcome = Outcome()
    for index in tqdm(range(bags), unit="bag", delay=2.0, disable=not show):
        random = np.random.default_rng([seed, index])
        name = names[index % len(names)]
        sample = samples[name]
        target = folder / "damaged"
        shutil.copytree(sample.folder, target / sample.folder.name)
        damages = _damage(target / sample.folder.name, sample, random)
        case = f"bag {index} of seed {seed}, {name}: {', '.join(damages.said)}"
        _read(target / sample.folder.name, sample, damages, case, outcome)
        outcome.kinds[name] += 1
        shutil.rmtree(target)
    return outcome


def _read(bag: Path, sample: Sample, damages: Damages, case: str, outcome: Outcome) -> None:
    expected = _readable(sample, damages)
    found: Counter[Message] = Counter()
    begin = time.perf_counter()
    try:
        with BagReader(bag) as reader:
            for message in reader.messages():
                found[(message.topic, message.log_time_ns, message.data)] += 1
            said = bool(reader.warnings) and all(reader.warnings)
            breaks_off = any("breaks off" in warning for warning in reader.warnings)
    except InputError as error:
        said, breaks_off = bool(str(error)), False
        outcome.refused += 1
    except Exception as error:
        outcome.failures.append(f"{case}: {type(error).__name__}: {error}")
        return
    took_s = time.perf_counter() - begin
    written = Counter(sample.messages)
    missing = expected - found
    outcome.bags += 1
    outcome.slowest_s = max(outcome.slowest_s, took_s)
    outcome.messages += written.total()
    outcome.readable += expected.total()
    outcome.recovered += expected.total() - missing.total()
    outcome.beyond += ((found & written) - expected).total()
    problems = {
        f"{missing.total()} of {expected.total()} readable messages are missing": missing.total(),
        "messages are lost without a sentence": found.total() < written.total() and not said,
        # The checksum of a chunk that breaks off cannot be compared.
        "wrong messages are given out": sample.checked
        and not breaks_off
        and (found - written).total(),
        f"it took {took_s:.1f} s": took_s > LIMIT_S,
    }
    outcome.failures += [f"{case}: {what}" for what, is_so in problems.items() if is_so]


# What is readable.


@dataclass
class Damages:
    """What was done to a bag.

    Attributes
    ----------
    moved : dict of str to ndarray
        By touched file: where each byte of the whole file is now; -1 if it is lost.
    sizes : dict of str to int
        Of the touched files, in bytes.
    lost : set of str
        Files that are gone.
    said : list of str
    """

    moved: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)


def _readable(sample: Sample, damages: Damages) -> Counter[Message]:
    readable: Counter[Message] = Counter()
    for name, rows in sample.needs.items():
        if name in damages.lost:
            continue
        moved = damages.moved.get(name)
        size = damages.sizes.get(name, 0)
        content = (sample.folder / name).read_bytes()
        if name.endswith(".zstd") and moved is not None:
            moved = _unpacked_before_damage(content, moved)
            size = -1
        for message, need in rows:
            if moved is None or _is_untouched(need, moved, size, content, sample.fixed):
                readable[message] += 1
    return readable


def _is_untouched(
    need: Need, moved: NDArray[np.int64], size: int, content: bytes, fixed: bool
) -> bool:
    """Return whether a message of a touched file must be read.

    Parameters
    ----------
    need : Need
    moved : ndarray
        Where each byte of the whole file is now.
    size : int
        Of the file as it is now.
    content : bytes
        Of the whole file.
    fixed : bool
    """
    if need.either and not any(_intact(span, moved, fixed) for span in need.either):
        return False
    if not all(_intact(span, moved, fixed) for span in need.spans[:-1]):
        return False
    begin, end = need.spans[-1]
    if _intact((begin, end), moved, fixed):
        return True
    if need.end and not need.has_checksum:
        return _intact((begin, need.end), moved, fixed)
    # Where the file breaks off in the chunk, and what of it is left.
    run = moved[begin:end]
    kept = int(np.argmax(np.diff(run, append=-2) != 1)) + 1 if run[0] >= 0 else 0
    if not kept or run[kept - 1] != size - 1:
        return False
    if need.end:
        return begin + kept >= need.end
    if need.unpacked_end and begin + kept > need.packed_begin:
        packed = content[need.packed_begin : begin + kept]
        unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
        return len(unpacked) >= need.unpacked_end
    return False


def _intact(span: Span, moved: NDArray[np.int64], fixed: bool) -> bool:
    part = moved[span[0] : span[1]]
    if len(part) < span[1] - span[0] or (part < 0).any():
        return False
    in_one_piece = bool((np.diff(part) == 1).all())
    return in_one_piece and (not fixed or bool(part[0] == span[0]))


def _unpacked_before_damage(packed: bytes, moved: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the same of the unpacked file: only what comes before the damage is left."""
    touched = np.flatnonzero(moved != np.arange(len(moved)))
    begin = int(touched[0]) if len(touched) else len(moved)
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(packed[:begin])
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    where = np.full(len(whole), -1, np.int64)
    where[: len(unpacked)] = np.arange(len(unpacked))
    return where


# Damage.


def _damage(bag: Path, sample: Sample, random: Generator) -> Damages:
    damages = Damages()
    for _ in range(random.integers(1, 4)):
        kind = random.choice(["data", "data", "data", "metadata", "files"])
        if kind == "metadata":
            damages.said.append(_damage_metadata(bag / "metadata.yaml", random))
        elif kind == "files" and len(sample.needs) > 1:
            damages.said.append(_damage_files(bag, sample, damages, random))
        else:
            names = sorted(set(sample.needs) - damages.lost)
            if not names or any(said.startswith("swapped") for said in damages.said):
                continue
            name = str(random.choice(names))
            damages.said.append(f"{name} {_damage_data(bag / name, name, damages, random)}")
    return damages


def _damage_data(file: Path, name: str, damages: Damages, random: Generator) -> str:
    """Damage a file in one of the ways of `WAYS` and note where its bytes are now."""
    old = np.fromfile(file, np.uint8)
    if len(old) == 0:
        return "empty already"
    way = str(random.choice(list(WAYS)))
    # The origin of every byte of the new file; -1 of those that were put there.
    origin = WAYS[way](len(old), random)
    source = np.where(origin.real >= 0, origin.real, 0).astype(np.int64)
    new = old[source]
    written = origin.real < 0
    new[written] = (-origin.real[written] - 1).astype(np.uint8)
    new ^= origin.imag.astype(np.uint8)
    kept = ~written & (origin.imag == 0)
    before = damages.moved.get(name)
    total = len(old) if before is None else len(before)
    inverse = np.full(len(old), -1, np.int64)
    places = np.flatnonzero(kept)
    # A byte that is in two places counts where it was first; one put there that was there anyway
    # is untouched.
    order = places[::-1]
    inverse[source[order]] = order
    if len(new) == len(old):
        same = new == old
        inverse[same] = np.flatnonzero(same)
        inverse[~same & (inverse == np.arange(len(old)))] = -1
    if before is None:
        damages.moved[name] = inverse
    else:
        damages.moved[name] = np.where(before >= 0, inverse[np.maximum(before, 0)], -1)
    assert len(damages.moved[name]) == total
    damages.sizes[name] = len(new)
    new.tofile(file)
    return way


# Each returns, for every byte of the new file, the place in the old one it is taken from (real
# part; -1 - value for a new byte) and what it is XORed with (imaginary part).
def _flip(size: int, random: Generator) -> NDArray[np.complex128]:
    origin = np.arange(size).astype(np.complex128)
    where = random.integers(0, size, random.integers(1, 20))
    for place in where:
        origin[place] = place + 1j * (1 << int(random.integers(8)))
    return origin


def _cut(size: int, random: Generator) -> NDArray[np.complex128]:
    return np.arange(random.integers(0, size)).astype(np.complex128)


def _block(size: int, random: Generator) -> Span:
    length = min(int(random.choice([16, 512, 4096, 20000])), size)
    begin = int(random.integers(0, size - length + 1))
    if random.integers(2):  # as disks lose them
        begin -= begin % 512
    return begin, begin + length


def _zero(size: int, random: Generator) -> NDArray[np.complex128]:
    origin = np.arange(size).astype(np.complex128)
    begin, end = _block(size, random)
    origin[begin:end] = -1
    return origin


def _noise(size: int, random: Generator) -> NDArray[np.complex128]:
    origin = np.arange(size).astype(np.complex128)
    begin, end = _block(size, random)
    origin[begin:end] = -1 - random.integers(0, 256, end - begin)
    return origin


def _overwrite(size: int, random: Generator) -> NDArray[np.complex128]:
    origin = np.arange(size).astype(np.complex128)
    begin, end = _block(size, random)
    target = int(random.integers(0, size - (end - begin) + 1))
    target -= target % 512 if target % 2 else 0
    origin[target : target + end - begin] = np.arange(begin, end)
    return origin


def _insert(size: int, random: Generator) -> NDArray[np.complex128]:
    begin, end = _block(size, random)
    place = int(random.integers(0, size))
    every = np.arange(size)
    return np.concatenate([every[:place], every[begin:end], every[place:]]).astype(np.complex128)


def _drop(size: int, random: Generator) -> NDArray[np.complex128]:
    begin, end = _block(size, random)
    return np.delete(np.arange(size), slice(begin, end)).astype(np.complex128)


WAYS: dict[str, Callable[[int, Generator], NDArray[np.complex128]]] = {
    "flipped": _flip,
    "cut": _cut,
    "zeroed": _zero,
    "noised": _noise,
    "overwritten with a block of itself": _overwrite,
    "with a block twice": _insert,
    "without a block": _drop,
}


def _damage_metadata(file: Path, random: Generator) -> str:
    if not file.exists():
        return "metadata.yaml missing"
    text = file.read_bytes()
    way = int(random.integers(4))
    if way == 0:
        file.unlink()
        return "metadata.yaml deleted"
    if way == 1:
        file.write_bytes(text[: random.integers(0, len(text) + 1)])
        return "metadata.yaml cut"
    if way == 2:
        content = bytearray(text)
        for place in random.integers(0, max(len(content), 1), 5 if content else 0):
            content[place] = int(random.integers(256))
        file.write_bytes(content)
        return "metadata.yaml garbled"
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[int(random.integers(len(lines)))]
    file.write_bytes(b"".join(lines))
    return "metadata.yaml lacks a line"


def _damage_files(bag: Path, sample: Sample, damages: Damages, random: Generator) -> str:
    names = sorted(set(sample.needs) - damages.lost)
    if len(names) < 2 or any(said.startswith("swapped") for said in damages.said):
        return "files as they are"  # the notes are of one file
    first, second = (str(n) for n in random.choice(names, 2, replace=False))
    if random.integers(2):
        (bag / first).unlink()
        damages.lost.add(first)
        return f"{first} deleted"
    if damages.moved:
        return "files as they are"
    (bag / first).rename(bag / "aside")
    (bag / second).rename(bag / first)
    (bag / "aside").rename(bag / second)
    return f"swapped {first} and {second}"


# Whole bags.


def _content(random: Generator, count: int, first: int = 0) -> list[Message]:
    """Return messages of two topics, each with a content of its own, some long."""
    messages = []
    for index in range(first, first + count):
        token = (0xA5000000 + index).to_bytes(4, "big") + index.to_bytes(4, "little")
        size = int(random.choice([4, 40, 150, 2000]))
        data = b"\x00\x01\x00\x00" + token * size
        messages.append((TOPICS[index % 2], (index + 1) * PERIOD_NS, data))
    return messages


def _own(folder: Path, compression: Compression) -> Sample:
    messages = _content(np.random.default_rng(3), 120)
    with BagWriter(folder, compression, flush_period_s=0.1) as writer:
        for topic in TOPICS:
            writer.add_topic(definitions.topic(topic, KIND))
        for topic, log_time, data in messages:
            writer.write(topic, data, log_time)
    file = folder / f"{folder.name}_0.mcap"
    return Sample(folder, {file.name: _mcap_needs(file, messages)}, checked=True)


def _foreign(
    folder: Path,
    plugin: StoragePlugin,
    mode: CompressionMode = CompressionMode.NONE,
    count: int = 120,
) -> Sample:
    """Return a bag by another recorder."""
    messages = _content(np.random.default_rng(4), count)
    store = get_typestore(Stores.ROS2_JAZZY)
    writer = Writer(folder, version=9, storage_plugin=plugin)
    if mode != CompressionMode.NONE:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections = {
            topic: writer.add_connection(topic, KIND, typestore=store) for topic in TOPICS
        }
        for topic, log_time, data in messages:
            writer.write(connections[topic], log_time, data)
    (file,) = (f for f in folder.iterdir() if f.name != "metadata.yaml")
    packed = file.suffix == ".zstd"
    whole = file
    if packed:
        whole = folder.parent / file.stem
        whole.write_bytes(
            zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
        )
    if plugin == StoragePlugin.SQLITE3:
        needs = _sqlite_needs(whole, messages, mode == CompressionMode.MESSAGE)
    else:
        needs = _mcap_needs(whole, messages)
    if packed:
        whole.unlink()
    return Sample(folder, {file.name: needs}, fixed=plugin == StoragePlugin.SQLITE3 or packed)


def _plain(folder: Path) -> Sample:
    """Return an MCAP file without chunks."""
    messages = _content(np.random.default_rng(5), 80)
    known = installed(KIND)
    folder.mkdir(parents=True)
    file = folder / f"{folder.name}_0.mcap"
    with file.open("wb") as stream:
        writer = PlainWriter(stream, compression=CompressionType.NONE, use_chunking=False)
        writer.start(profile="ros2")
        schema = writer.register_schema(KIND, "ros2msg", known.text.encode())
        channels = {topic: writer.register_channel(topic, "cdr", schema) for topic in TOPICS}
        for topic, log_time, data in messages:
            writer.add_message(channels[topic], log_time, data, log_time)
        writer.finish()
    return Sample(folder, {file.name: _mcap_needs(file, messages)})


def _split(folder: Path, plugin: StoragePlugin) -> Sample:
    """Return a bag of three files, without metadata.yaml."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(6)
    store = get_typestore(Stores.ROS2_JAZZY)
    needs = {}
    for part in range(3):
        messages = _content(random, 40, 40 * part)
        single = folder.parent / "single"
        with Writer(single, version=9, storage_plugin=plugin) as writer:
            connections = {t: writer.add_connection(t, KIND, typestore=store) for t in TOPICS}
            for topic, log_time, data in messages:
                writer.write(connections[topic], log_time, data)
        (old,) = (f for f in single.iterdir() if f.name != "metadata.yaml")
        file = folder / f"{folder.name}_{part}{old.suffix}"
        old.rename(file)
        shutil.rmtree(single)
        if plugin == StoragePlugin.SQLITE3:
            needs[file.name] = _sqlite_needs(file, messages, False)
        else:
            needs[file.name] = _mcap_needs(file, messages)
    return Sample(folder, needs, fixed=plugin == StoragePlugin.SQLITE3)


def _mcap_needs(file: Path, messages: list[Message]) -> list[tuple[Message, Need]]:
    """Return what each message of a whole MCAP file needs, by its time."""
    content = file.read_bytes()
    by_time = {message[1]: message for message in messages}
    needs: list[tuple[Message, Need]] = []
    records = []
    position = 8
    while position < len(content) - 8:
        opcode, length = _RECORD.unpack_from(content, position)
        records.append((opcode, position, position + _RECORD.size + length))
        position = records[-1][2]
    data_end = next(begin for opcode, begin, _ in records if opcode == _DATA_END)
    last_chunk = max((end for opcode, _, end in records if opcode == _CHUNK), default=data_end)
    summary = (last_chunk, len(content))
    first: Span | None = None  # of the record or chunk that describes the channels
    for index, (opcode, begin, end) in enumerate(records):
        if opcode == _CHUNK:
            first = first or (begin, end)
            needs += _chunk_needs(content, begin, end, by_time, (first, summary))
        elif opcode in (_SCHEMA, _CHANNEL) and begin < data_end:
            first = (first[0] if first else begin, end)
        elif opcode == _MESSAGE:
            assert first is not None
            (log_time,) = struct.unpack_from("<Q", content, begin + _RECORD.size + 6)
            after = records[min(index + 3, len(records) - 1)][2]
            needs.append((by_time[log_time], Need((MAGIC, (begin, after)), (first, summary))))
    assert len(needs) == len(messages)
    return needs


def _chunk_needs(
    content: bytes,
    begin: int,
    end: int,
    by_time: dict[int, Message],
    either: tuple[Span, Span],
) -> list[tuple[Message, Need]]:
    fields = begin + _RECORD.size
    _, _, _, crc, name_length = struct.unpack_from("<QQQII", content, fields)
    name = content[fields + 32 : fields + 32 + name_length]
    inside = fields + 32 + name_length + 8
    records = content[inside:end]
    if name == b"zstd":
        records = zstandard.ZstdDecompressor().decompressobj().decompress(records)
    needs = []
    position = 0
    while position < len(records):
        opcode, length = _RECORD.unpack_from(records, position)
        after = position + _RECORD.size + length
        if opcode == _MESSAGE:
            (log_time,) = struct.unpack_from("<Q", records, position + _RECORD.size + 6)
            need = Need(
                (MAGIC, (begin, end)),
                (either[0] if either[0] != (begin, end) else (begin, inside + after), either[1]),
                end=0 if name else inside + after,
                unpacked_end=after if name else 0,
                packed_begin=inside,
                has_checksum=crc != 0,
            )
            needs.append((by_time[log_time], need))
        position = after
    return needs


def _sqlite_needs(file: Path, messages: list[Message], packed: bool) -> list[tuple[Message, Need]]:
    """Return what each message of a whole sqlite3 file needs: the pages that its bytes lie in."""
    content = file.read_bytes()
    with sqlite3.connect(file) as database:
        rows = {row[0]: row[1] for row in database.execute("SELECT timestamp, data FROM messages")}
    database.close()
    pages = [content[i : i + PAGE] for i in range(0, len(content), PAGE)]
    described = tuple(
        (PAGE * i, PAGE * (i + 1)) for i, page in enumerate(pages) if KIND.encode() in page
    )
    needs = []
    for message in messages:
        data = rows[message[1]]
        spans = _pages_of(data, message[2], pages, packed)
        needs.append((message, Need((*described, *spans))))
    return needs


def _pages_of(data: bytes, plain: bytes, pages: list[bytes], packed: bool) -> tuple[Span, ...]:
    """Return the pages that hold a row; the whole file if they are not all found."""
    if packed:  # short, so in one page
        found = [i for i, page in enumerate(pages) if data in page]
        complete = len(found) == 1
    else:
        token = plain[4:12]
        turned = [token[i:] + token[:i] for i in range(8)]
        held = [max(_run(page, turn) for turn in turned) for page in pages]
        found = [i for i, length in enumerate(held) if length]
        complete = sum(held) >= len(data) - 4 - 14 * len(found)
    if not complete:
        return ((0, PAGE * len(pages)),)
    return tuple((PAGE * i, PAGE * (i + 1)) for i in found)


def _run(page: bytes, token: bytes) -> int:
    return page.count(token) * len(token)


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "mcap": lambda folder: _own(folder, Compression.NONE),
    "mcap zstd": lambda folder: _own(folder, Compression.ZSTD),
    "mcap without checksums": lambda folder: _foreign(folder, StoragePlugin.MCAP),
    "mcap zstd without checksums": lambda folder: _foreign(
        folder, StoragePlugin.MCAP, CompressionMode.STORAGE
    ),
    "mcap without chunks": _plain,
    "mcap split": lambda folder: _split(folder, StoragePlugin.MCAP),
    "mcap file zstd": lambda folder: _foreign(folder, StoragePlugin.MCAP, CompressionMode.FILE),
    "mcap message zstd": lambda folder: _foreign(
        folder, StoragePlugin.MCAP, CompressionMode.MESSAGE
    ),
    "sqlite3": lambda folder: _foreign(folder, StoragePlugin.SQLITE3),
    "sqlite3 split": lambda folder: _split(folder, StoragePlugin.SQLITE3),
    "sqlite3 file zstd": lambda folder: _foreign(
        folder, StoragePlugin.SQLITE3, CompressionMode.FILE
    ),
    "sqlite3 message zstd": lambda folder: _foreign(
        folder, StoragePlugin.SQLITE3, CompressionMode.MESSAGE
    ),
}
