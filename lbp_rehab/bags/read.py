"""Read the messages of a bag by time: rosbag2 in MCAP or sqlite3, finished, torn or damaged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rosbags.interfaces import QosDurability

from lbp_rehab.bags import metadata, versions
from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.mcap_file import McapFile
from lbp_rehab.bags.metadata import Described, Topic
from lbp_rehab.bags.packed import SUFFIX, ZSTD_MAGIC, unpack, unpack_file
from lbp_rehab.bags.sqlite_file import SqliteFile
from lbp_rehab.bags.storage import (
    SERIALIZATION,
    Source,
    Storage,
    add_warning,
    in_order,
    other_serialization,
)
from lbp_rehab.errors import InputError

_STORAGES: dict[str, type[Storage]] = {".mcap": McapFile, ".db3": SqliteFile}


@dataclass(frozen=True)
class BagMessage:
    """One message of a bag.

    Attributes
    ----------
    topic, type : str
    log_time_ns : int
        When the recorder received it, integer nanoseconds.
    data : bytes
        CDR as ROS transports it.
    publish_time_ns : int
        When it was sent; the log time where the bag does not say.
    """

    topic: str
    type: str
    log_time_ns: int
    data: bytes = field(repr=False)
    publish_time_ns: int = 0


class BagReader:
    """An open bag; to be used in a ``with`` statement.

    Split and packed bags (zstd, of files or of messages) are read like any other; whole packed
    files are unpacked to the folder of temporary files first.

    Parameters
    ----------
    path : str or Path
        The folder of a bag, or one of its ``.mcap`` or ``.db3`` files, packed or not.
    as_installed : bool
        Whether messages of other versions of their types are given as the installed versions; see
        `lbp_rehab.bags.versions`. Topics of which that cannot be done are left out and said.

    Attributes
    ----------
    topics : dict of str to Topic
    counts : dict of str to int
        Messages by topic, as the files say; damage that only reading finds is not taken off.
    start_ns, end_ns : int
        Log time of the first and the last message; both 0 without messages.

    Raises
    ------
    InputError
        If there is no bag, or nothing can be read of it.
    """

    def __init__(self, path: str | Path, as_installed: bool = False) -> None:
        self.path = Path(path)
        self.topics: dict[str, Topic] = {}
        self.counts: dict[str, int] = {}
        self.start_ns = 0
        self.end_ns = 0
        self._warnings: list[str] = []
        self._parts: list[Storage] = []
        self._unpacked: TemporaryDirectory[str] | None = None
        self._converters: dict[str, Callable[[bytes], bytes]] = {}
        try:
            self._open()
            if as_installed:
                self._convert_topics()
        except BaseException:
            self.close()
            raise

    @property
    def warnings(self) -> list[str]:
        """What is missing or damaged, one sentence each; more may be found while reading."""
        found = [warning for part in self._parts for warning in part.warnings]
        return list(dict.fromkeys(self._warnings + found))

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[BagMessage]:
        """Yield messages by log time; those of the same time in the order of their recording.

        What turns out to be damaged is left out and said in `warnings`. Latched messages that a
        split recording repeats in each file come once.

        Parameters
        ----------
        topics : collection of str, optional
            Only these; default all.
        start_ns, end_ns : int, optional
            Only messages from the first (included) to the second (excluded).
        """
        sources = [
            Source(span[0], partial(part.messages, self._chosen(part, topics), start_ns, end_ns))
            for part in self._parts
            if (span := part.span_ns()) is not None
            and (start_ns is None or span[1] >= start_ns)
            and (end_ns is None or span[0] < end_ns)
        ]
        damaged = 0
        latched = self._latched() if len(sources) > 1 else set()
        seen: set[tuple[str, int, bytes]] = set()
        for log_time, publish_time, topic, data in in_order(sources):
            if topic in latched:
                # The recorder repeats them in each file; whoever reads all files has them.
                if (topic, publish_time, data) in seen:
                    continue
                seen.add((topic, publish_time, data))
            content = data
            # No CDR begins like this, so the bag need not say that its messages are packed.
            if data.startswith(ZSTD_MAGIC):
                content, whole = unpack(data, "zstd")
                if not whole:
                    damaged += 1
                    continue
            if topic in self._converters:
                try:
                    content = self._converters[topic](content)
                except Exception:  # damaged bytes cause errors of any kind in the parser
                    damaged += 1
                    continue
            yield BagMessage(topic, self.topics[topic].type, log_time, content, publish_time)
        if damaged:
            add_warning(
                self._warnings,
                f"{damaged} messages were left out: they are damaged",
            )

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()
        if self._unpacked is not None:
            self._unpacked.cleanup()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> None:
        files = storage_files(self.path)
        described = self._described(files)
        if described is not None:
            named = [self.path / name for name in described.files]
            for file in sorted(set(files) - set(named)):
                self._warnings.append(
                    f"{file.name} was not read: {metadata.FILE_NAME} does not name it; without "
                    f"{metadata.FILE_NAME} it is read as well"
                )
            files = named
        failed: list[InputError] = []
        for file in files:
            try:
                self._parts.append(self._opened(file))
            except InputError as error:
                failed.append(error)
        if not self._parts:
            raise failed[0]
        self._warnings += [str(error) for error in failed]
        self._settle_topics()
        for part in self._parts:
            self._add(part)
        if described is not None:
            self._compare(described)

    def _described(self, files: list[Path]) -> Described | None:
        """Return what ``metadata.yaml`` says, if it is there and serves."""
        if not self.path.is_dir():
            return None
        if not (self.path / metadata.FILE_NAME).is_file():
            self._warnings.append(
                f"{metadata.FILE_NAME} is missing, as after a recorder was killed; the bag's files "
                "were read without it"
            )
            return None
        try:
            described = metadata.read(self.path)
            if set(described.files) - {file.name for file in files}:
                raise InputError("it names files that are not of a bag")
            return described
        except InputError as error:
            self._warnings.append(
                f"{metadata.FILE_NAME} does not serve ({_sentence(error)}), so the bag's files "
                "were read without it"
            )
            return None

    def _opened(self, file: Path) -> Storage:
        if file.suffix == SUFFIX:
            if self._unpacked is None:
                self._unpacked = TemporaryDirectory(prefix="lbp_rehab_bag_")
            packed, (file, whole) = file, unpack_file(file, Path(self._unpacked.name))
            if not whole:
                self._warnings.append(
                    f"{packed.name} is damaged or breaks off; it was unpacked up to there"
                )
        try:
            return _STORAGES[file.suffix](file)  # type: ignore[call-arg]
        except OSError as error:
            raise InputError(f"'{file}' cannot be read: {error.strerror or error}") from error

    def _settle_topics(self) -> None:
        """Take the topics of all files; of two types under one name the one with most messages."""
        counts: Counter[tuple[str, str]] = Counter()
        for part in self._parts:
            of_part = part.counts()
            counts.update({(n, topic.type): of_part[n] for n, topic in part.topics.items()})
        for part in self._parts:
            for name, topic in part.topics.items():
                known = self.topics.setdefault(name, topic)
                if counts[name, topic.type] > counts[name, known.type]:
                    self.topics[name] = topic
        for name, kind in counts:
            if kind != (chosen := self.topics[name].type):
                self._warnings.append(
                    f"{name} has messages of {chosen} and of {kind}; the latter were left out"
                )

    def _add(self, part: Storage) -> None:
        chosen = self._chosen(part, None)
        span, empty = part.span_ns(), not any(self.counts.values())
        if span is not None:
            self.start_ns = span[0] if empty else min(self.start_ns, span[0])
            self.end_ns = max(self.end_ns, span[1])
        for name, count in part.counts().items():
            if name in chosen:
                self.counts[name] = self.counts.get(name, 0) + count

    def _chosen(self, part: Storage, topics: Collection[str] | None) -> set[str]:
        """Return the topics of a part that are read: the wanted ones of the bag's type."""
        return {
            name
            for name, topic in part.topics.items()
            if name in self.topics
            and topic.type == self.topics[name].type
            and (topics is None or name in topics)
        }

    def _convert_topics(self) -> None:
        for name, topic in list(self.topics.items()):
            try:
                converter = versions.converter(topic)
            except InputError as error:
                self._warnings.append(f"{name} was left out: {error}")
                del self.topics[name], self.counts[name]
                continue
            if converter is not None:
                known = installed(topic.type)
                self._converters[name] = converter
                self.topics[name] = replace(
                    topic,
                    definition=known.text,
                    encoding=known.encoding,
                    type_hash=known.type_hash,
                )
                self._warnings.append(
                    f"{name} was recorded with another version of {topic.type} and is converted"
                )

    def _latched(self) -> set[str]:
        return {
            name
            for name, topic in self.topics.items()
            if topic.qos and all(q.durability == QosDurability.TRANSIENT_LOCAL for q in topic.qos)
        }

    def _compare(self, described: Described) -> None:
        """Fill in what the files leave open, and say what they lack."""
        for name, topic in described.topics.items():
            known = self.topics.get(name)
            if known is None:
                self.topics[name] = topic
                self.counts[name] = 0
            elif known.type == topic.type:
                self.topics[name] = replace(
                    known, type_hash=known.type_hash or topic.type_hash, qos=known.qos or topic.qos
                )
        found = sum(self.counts.values())
        for name, form in described.formats.items():
            if form != SERIALIZATION and name in self.topics:
                add_warning(self._warnings, other_serialization(name, form))
                del self.topics[name], self.counts[name]
        if found != described.message_count:
            self._warnings.append(
                f"{metadata.FILE_NAME} tells of {described.message_count} messages, the files hold "
                f"{found}"
            )


def storage_files(path: Path) -> list[Path]:
    """Return the data files of a bag in the order of their recording.

    Raises
    ------
    InputError
        If there is none.
    """
    # rosbag2 packs whole files on request: NAME_0.db3.zstd.
    if path.is_file() and path.name.removesuffix(SUFFIX).endswith(tuple(_STORAGES)):
        return [path]
    if not path.exists():
        raise InputError(f"there is no bag '{path}'; give the folder of a recording")
    files = [
        file
        for ending in _STORAGES
        for pattern in (f"*{ending}", f"*{ending}{SUFFIX}")
        for file in (path.glob(pattern) if path.is_dir() else ())
        # A recorder that was killed while it packed a file leaves both.
        if file.suffix != SUFFIX or not file.with_suffix("").exists()
    ]
    if not files:
        raise InputError(
            f"'{path}' is no bag: it holds no .mcap and no .db3 file; give the folder of a "
            "recording"
        )
    return sorted(files, key=_part_number)


def _part_number(file: Path) -> tuple[int, str]:
    match = re.search(r"_(\d+)\.", file.name)
    return (int(match[1]) if match else 0, file.name)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
