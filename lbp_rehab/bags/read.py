"""Read the messages of a bag by time: rosbag2 in MCAP or sqlite3, finished or torn."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.errors import ReaderError

from lbp_rehab.bags import metadata
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.scan import ScannedFile, is_finished
from lbp_rehab.errors import InputError

_ENCODINGS = {MessageDefinitionFormat.MSG: "ros2msg", MessageDefinitionFormat.IDL: "ros2idl"}


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
    """

    topic: str
    type: str
    log_time_ns: int
    data: bytes = field(repr=False)


class BagReader:
    """An open bag; to be used in a ``with`` statement.

    Parameters
    ----------
    path : str or Path
        The folder of a bag, or one of its ``.mcap`` or ``.db3`` files.

    Attributes
    ----------
    topics : dict of str to Topic
    counts : dict of str to int
        Messages by topic.
    start_ns, end_ns : int
        Log time of the first and the last message; both 0 without messages.
    warnings : list of str
        What is missing or damaged, one sentence each; empty for a whole bag.

    Raises
    ------
    InputError
        If there is no bag, or nothing can be read of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.topics: dict[str, Topic] = {}
        self.counts: dict[str, int] = {}
        self.start_ns = 0
        self.end_ns = 0
        self.warnings: list[str] = []
        self._parts: list[Reader | ScannedFile] = []
        try:
            self._open()
        except InputError:
            self.close()
            raise
        except Exception as error:  # damaged bytes cause errors of any kind in rosbags
            self.close()
            raise InputError(f"cannot read the bag '{path}': {_sentence(error)}") from error

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[BagMessage]:
        """Yield messages by log time; those of the same time in the order of their recording.

        Parameters
        ----------
        topics : collection of str, optional
            Only these; default all.
        start_ns, end_ns : int, optional
            Only messages from the first (included) to the second (excluded).

        Raises
        ------
        InputError
            If the bag turns out to be damaged.
        """
        for part in self._parts:
            if isinstance(part, ScannedFile):
                for found in part.messages(topics, start_ns, end_ns):
                    kind = self.topics[found.topic].type
                    yield BagMessage(found.topic, kind, found.log_time_ns, found.data)
                continue
            wanted = [c for c in part.connections if topics is None or c.topic in topics]
            if not wanted:
                continue
            try:
                for connection, log_time, data in part.messages(wanted, start_ns, end_ns):
                    # A view of the file's memory in some storages.
                    yield BagMessage(connection.topic, connection.msgtype, log_time, bytes(data))
            except Exception as error:  # damaged bytes cause errors of any kind in rosbags
                raise InputError(
                    f"the bag '{self.path}' is damaged ({_sentence(error)}); recover it to a new "
                    "bag first"
                ) from error

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            with suppress(ReaderError):
                part.close()
        self._parts.clear()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> None:
        files = storage_files(self.path)
        torn = [file for file in files if file.suffix == ".mcap" and not is_finished(file)]
        if self.path.is_dir() and not torn and (self.path / metadata.FILE_NAME).is_file():
            try:
                self._add_finished(self.path)
                return
            except Exception as error:  # damaged bytes cause errors of any kind in rosbags
                self.warnings.append(
                    f"{metadata.FILE_NAME} does not serve ({_sentence(error)}), so the bag's files "
                    "were read without it"
                )
        elif self.path.is_dir() and not (self.path / metadata.FILE_NAME).is_file():
            self.warnings.append(
                f"{metadata.FILE_NAME} is missing, as after a recorder was killed; the bag's files "
                "were read without it"
            )
        for file in files:
            if file in torn:
                self._add_scanned(ScannedFile(file))
            else:
                self._add_finished(file)

    def _add_finished(self, path: Path) -> None:
        reader = Reader(path)
        reader.open()
        self._parts.append(reader)
        counts: dict[str, int] = {}
        for connection in reader.connections:
            self.topics.setdefault(connection.topic, _topic(connection))
            counts[connection.topic] = counts.get(connection.topic, 0) + connection.msgcount
        span = (reader.start_time, reader.end_time - 1) if reader.message_count else None
        self._add(counts, span)

    def _add_scanned(self, file: ScannedFile) -> None:
        self._parts.append(file)
        self.warnings += file.warnings
        for name, topic in file.topics.items():
            self.topics.setdefault(name, topic)
        self._add(file.counts(), file.span_ns())

    def _add(self, counts: dict[str, int], span_ns: tuple[int, int] | None) -> None:
        if span_ns is not None:
            empty = not any(self.counts.values())
            self.start_ns = span_ns[0] if empty else min(self.start_ns, span_ns[0])
            self.end_ns = max(self.end_ns, span_ns[1])
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count


def storage_files(path: Path) -> list[Path]:
    """Return the data files of a bag in the order of their recording.

    Raises
    ------
    InputError
        If there is none.
    """
    if path.is_file() and path.suffix in (".mcap", ".db3"):
        return [path]
    if not path.exists():
        raise InputError(f"there is no bag '{path}'; give the folder of a recording")
    # rosbag2 packs whole files on request: NAME_0.db3.zstd.
    files = [
        file
        for pattern in ("*.mcap", "*.db3", "*.mcap.zstd", "*.db3.zstd")
        for file in (path.glob(pattern) if path.is_dir() else ())
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


def _topic(connection: Connection) -> Topic:
    qos = (
        connection.ext.offered_qos_profiles
        if isinstance(connection.ext, ConnectionExtRosbag2)
        else []
    )
    definition = connection.msgdef
    return Topic(
        connection.topic,
        connection.msgtype,
        definition.data,
        _ENCODINGS.get(definition.format, ""),
        connection.digest,
        tuple(qos),
    )


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
