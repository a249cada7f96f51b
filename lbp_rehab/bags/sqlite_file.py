"""A ``.db3`` file of rosbag2: through SQLite where it is sound, else page by page.

Tables by rosbag2_storage_sqlite3: ``topics(id, name, type, serialization_format)``, since Foxy with
``offered_qos_profiles``, since Iron with ``type_description_hash``; ``messages(id, topic_id,
timestamp, data)``; since Iron ``message_definitions(id, topic_type, encoding,
encoded_message_definition, type_description_hash)``.

SQLite keeps no checksums: damage inside a message is not seen, only damage to what holds the
messages together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.sqlite_pages import Cell, Pages
from lbp_rehab.bags.storage import (
    SERIALIZATION,
    Stored,
    add_warning,
    other_serialization,
    other_type,
    qos_of,
)
from lbp_rehab.errors import InputError

# Structure damaged so that SQLite goes round in circles is told by a row taking less than this.
_LEAST_ROW_BYTES = 6
_DAMAGE = (sqlite3.Error, UnicodeDecodeError, OverflowError, ValueError, TypeError)


class _Row(NamedTuple):
    """A message without its data; ordered as messages are read."""

    log_time_ns: int
    id: int
    topic_id: int


class SqliteFile:
    """See `lbp_rehab.bags.storage.Storage`.

    Raises
    ------
    InputError
        If nothing of the file can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.topics: dict[str, Topic] = {}
        self.warnings: list[str] = []
        self._names: dict[int, str] = {}  # of topics, by id
        self._other: dict[int, str] = {}  # likewise, of topics that are left out
        self._rows: list[_Row] = []
        self._cells: dict[int, Cell] = {}  # by message, of a damaged file
        self._pages: Pages | None = None
        self._checked = False
        self._database: sqlite3.Connection | None = None
        try:
            self._database = _connect(path)
            self._read_tables(self._database)
        except _DAMAGE as error:
            if path.stat().st_size:
                self._read_pages(error)
            if not self._rows and not self.topics:
                self.close()
                raise InputError(
                    f"'{path}' cannot be read: no messages and no topics are found in it "
                    f"({_sentence(error)})"
                ) from error

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
        if self._pages is not None:
            self._pages.close()

    def counts(self) -> dict[str, int]:
        """Return the number of messages by topic, topics without any included."""
        counts = dict.fromkeys(self.topics, 0)
        for row in self._rows:
            counts[self._names[row.topic_id]] += 1
        return counts

    def span_ns(self) -> tuple[int, int] | None:
        """Return the log times of the first and the last message, or None without messages."""
        if not self._rows:
            return None
        return self._rows[0].log_time_ns, self._rows[-1].log_time_ns

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[Stored]:
        """Yield messages by log time, from `start_ns` on and before `end_ns`."""
        self._check()
        for row in self._rows:
            topic = self._names[row.topic_id]
            if topics is not None and topic not in topics:
                continue
            if start_ns is not None and row.log_time_ns < start_ns:
                continue
            if end_ns is not None and row.log_time_ns >= end_ns:
                return
            data = self._data(row.id)
            if data is None:
                self._warn("a message of it that lies in damaged pages was left out")
                continue
            yield Stored(row.log_time_ns, row.log_time_ns, topic, data)

    def _data(self, message: int) -> bytes | None:
        if self._pages is not None:
            values = self._pages.values(self._cells[message])
            return values[-1] if values and isinstance(values[-1], bytes) else None
        assert self._database is not None
        try:
            (data,) = self._database.execute(
                "SELECT data FROM messages WHERE id = ?", (message,)
            ).fetchone()
            return bytes(data)
        except _DAMAGE:
            return None

    def _read_tables(self, database: sqlite3.Connection) -> None:
        # A view could do anything.
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = {name for (name,) in database.execute(query)}
        if not {"messages", "topics"} <= tables:
            raise ValueError("it has no tables of messages and topics")
        columns = [row[1] for row in database.execute("PRAGMA table_info(topics)")]
        for values in database.execute("SELECT * FROM topics ORDER BY id"):
            row = dict(zip(columns, values, strict=True))
            topic = Topic(
                row["name"],
                row["type"],
                type_hash=row.get("type_description_hash") or "",
                qos=qos_of(row.get("offered_qos_profiles") or ""),
            )
            self._add_topic(row["id"], topic, row["serialization_format"])
        if "message_definitions" in tables:
            self._add_definitions(
                database.execute(
                    "SELECT topic_type, encoding, encoded_message_definition FROM "
                    "message_definitions"
                )
            )
        limit = self.path.stat().st_size // _LEAST_ROW_BYTES
        rows = []
        for row in database.execute("SELECT timestamp, id, topic_id FROM messages NOT INDEXED"):
            rows.append(_Row(*map(int, row)))
            if len(rows) > limit:
                raise ValueError("its pages point in circles")
        self._take_rows(rows)

    def _check(self) -> None:
        """Let SQLite look at its structure once, before messages are read; it reads all pages."""
        if self._checked or self._pages is not None or self._database is None:
            return
        self._checked = True
        try:
            verdict = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            verdict = str(error)
        if verdict != "ok":
            self._read_pages(ValueError(verdict))

    def _read_pages(self, reason: Exception) -> None:
        """Take what the pages hold."""
        self._pages = Pages(self.path)
        rows: dict[int, _Row] = {}
        found, definitions = [], []
        for cell in self._pages.cells():
            head = self._pages.head(cell)
            if head is None:
                continue
            if _is_message(head):
                # One of each id: a page may lie in two places, or have been given up.
                known = self._cells.get(cell.row)
                if known is None or not _is_message(self._pages.values(known) or []):
                    rows[cell.row] = _Row(head[2], cell.row, head[1])
                    self._cells[cell.row] = cell
            elif len(head) >= 4 and (values := self._pages.values(cell)) is not None:
                if _is_topic(values):
                    found.append((cell.row, values))
                elif _is_definition(values):
                    definitions.append(values[1:4])
        for number, values in sorted(found, key=lambda item: item[0]):
            # SQLite may have read them before it met the damage.
            if number not in self._names and number not in self._other:
                _, name, kind, form, *rest = values
                qos, type_hash = (*rest, "", "")[:2]
                topic = Topic(name, kind, type_hash=type_hash, qos=qos_of(qos))
                self._add_topic(number, topic, form)
        self._add_definitions(definitions)
        self._warn(f"SQLite refuses it ({_sentence(reason)}); its messages were read page by page")
        self._take_rows(rows.values())

    def _take_rows(self, rows: Iterable[_Row]) -> None:
        every = list(rows)
        self._rows = sorted(row for row in every if row.topic_id in self._names)
        known = self._names.keys() | self._other.keys()
        if lost := sum(row.topic_id not in known for row in every):
            self._warn(f"{lost} messages were left out: what says their topics is lost")

    def _add_topic(self, number: int, topic: Topic, form: str) -> None:
        if not isinstance(topic.name, str) or not isinstance(topic.type, str):
            raise ValueError("its table of topics is damaged")
        known = self.topics.get(topic.name, topic)
        if form == SERIALIZATION and known.type == topic.type:
            self.topics[topic.name] = known
            self._names[number] = topic.name
            return
        self._other[number] = topic.name
        if form != SERIALIZATION:
            sentence = other_serialization(topic.name, str(form))
        else:
            sentence = other_type(self.path, topic.name, known.type, topic.type)
        add_warning(self.warnings, sentence)

    def _add_definitions(self, rows: Iterable[Any]) -> None:
        for kind, encoding, text in rows:
            for name, topic in self.topics.items():
                if topic.type == kind and encoding in ("ros2msg", "ros2idl"):
                    self.topics[name] = replace(topic, definition=str(text), encoding=encoding)

    def _warn(self, what: str) -> None:
        add_warning(self.warnings, f"{self.path.name} is damaged: {what}")


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database so that it is never written to."""
    # What a killed recorder had not moved from its log is read too; else the file is as it is.
    log = path.with_name(path.name + "-wal")
    how = "mode=ro" if log.is_file() and log.stat().st_size else "mode=ro&immutable=1"
    # The player reads in a thread of its own.
    database = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{how}", uri=True, check_same_thread=False
    )
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


def _is_message(values: list[Any]) -> bool:
    return (
        len(values) == 4
        and values[0] is None
        and isinstance(values[1], int)
        and isinstance(values[2], int)
        and isinstance(values[3], bytes)
    )


def _is_topic(values: list[Any]) -> bool:
    return (
        4 <= len(values) <= 6
        and values[0] is None
        and all(isinstance(value, str) for value in values[1:])
        and values[1] != ""
        and "/" in values[2]
    )


def _is_definition(values: list[Any]) -> bool:
    return (
        len(values) == 5
        and values[0] is None
        and all(isinstance(value, str) for value in values[1:])
        and values[2] in ("ros2msg", "ros2idl", "unknown", "")
    )


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
