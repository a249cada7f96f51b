"""Bags as other recorders leave them."""

import resource
import sqlite3
import struct
from contextlib import contextmanager

import pytest
import zstandard
from mcap.writer import CompressionType
from mcap.writer import Writer as PlainWriter
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from lbp_rehab.bags import BagReader, BagWriter, Split, Topic, recover, summary
from lbp_rehab.bags.metadata import FILE_NAME
from lbp_rehab.errors import InputError

SECOND = 1_000_000_000
STRING = "std_msgs/msg/String"
STORE = get_typestore(Stores.ROS2_JAZZY)
STORE.register(get_types_from_msg("float64 x\n", "nobody_msgs/msg/Thing"))
QOS_V4 = """\
- history: 1
  depth: 10
  reliability: 1
  durability: 1
  deadline: {sec: 9223372036, nsec: 854775807}
  lifespan: {sec: 9223372036, nsec: 854775807}
  liveliness: 1
  liveliness_lease_duration: {sec: 9223372036, nsec: 854775807}
  avoid_ros_namespace_conventions: false
"""


def read(path):
    with BagReader(path) as bag:
        return [(m.topic, m.log_time_ns, m.data) for m in bag.messages()], bag.warnings


def record(folder, plugin, mode=CompressionMode.NONE, first=0, count=50):
    """Write a bag with rosbags, of a known and an unknown type."""
    writer = Writer(folder, version=9, storage_plugin=plugin)
    if mode != CompressionMode.NONE:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    written = []
    with writer:
        known = writer.add_connection("/s", STRING, typestore=STORE)
        strange = writer.add_connection("/thing", "nobody_msgs/msg/Thing", typestore=STORE)
        for index in range(first, first + count):
            connection = strange if index % 5 == 0 else known
            data = b"\x00\x01\x00\x00" + index.to_bytes(4, "little") * 300
            writer.write(connection, index * SECOND, data)
            written.append((connection.topic, index * SECOND, data))
    return written


@pytest.mark.parametrize("with_metadata", [True, False])
@pytest.mark.parametrize(
    ("plugin", "mode"),
    [
        (plugin, mode)
        for plugin in StoragePlugin
        for mode in CompressionMode
        # sqlite3 has no compression of its own.
        if (plugin, mode) != (StoragePlugin.SQLITE3, CompressionMode.STORAGE)
    ],
)
def test_packed_or_not_with_metadata_or_not(tmp_path, plugin, mode, with_metadata):
    written = record(tmp_path / "b", plugin, mode)
    if not with_metadata:
        (tmp_path / "b" / FILE_NAME).unlink()
    found, warnings = read(tmp_path / "b")
    assert found == written
    assert len(warnings) == (not with_metadata)
    about = summary(tmp_path / "b")
    assert {t.name: (t.type, t.count) for t in about.topics} == {
        "/s": (STRING, 40),
        "/thing": ("nobody_msgs/msg/Thing", 10),
    }
    assert (about.start_ns, about.duration_s) == (0, 49.0)
    (file,) = (f for f in (tmp_path / "b").iterdir() if f.name != FILE_NAME)
    assert read(file) == (written, [])


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_a_packed_file_that_breaks_off_is_read_up_to_there(tmp_path, plugin):
    written = record(tmp_path / "b", plugin, CompressionMode.FILE, count=2000)
    (file,) = (tmp_path / "b").glob("*.zstd")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    found, warnings = read(tmp_path / "b")
    assert len(found) > 500
    assert found == [row for row in written if row in set(found)]
    assert any("is damaged or breaks off; it was unpacked up to there" in w for w in warnings)


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_split_files_are_read_in_order_of_time_however_they_are_named(tmp_path, plugin):
    folder, written = tmp_path / "b", []
    folder.mkdir()
    for part, name in enumerate(("b_1", "b_0", "b_10")):
        written += record(tmp_path / name, plugin, first=100 * part)
        (file,) = (f for f in (tmp_path / name).iterdir() if f.name != FILE_NAME)
        file.rename(folder / file.name)
    found, warnings = read(folder)
    assert found == written
    assert len(warnings) == 1
    mended = recover(folder, tmp_path / "new")
    assert read(mended.folder) == (written, [])


def test_a_file_that_metadata_names_and_that_is_gone_is_said(tmp_path):
    with BagWriter(tmp_path / "b", split=Split(max_duration_s=1.0)) as writer:
        writer.add_topic(Topic("/s", STRING))
        for index in range(60):
            writer.write("/s", b"\x00\x01\x00\x00", index * SECOND // 10)
    (tmp_path / "b" / "b_1.mcap").unlink()
    found, warnings = read(tmp_path / "b")
    assert len(found) == 49
    assert warnings == [
        f"{FILE_NAME} does not serve (b_1.mcap is missing), so the bag's files were read without it"
    ]


def test_sqlite_cut_anywhere_gives_its_whole_messages(tmp_path):
    written = record(tmp_path / "b", StoragePlugin.SQLITE3, count=200)
    (file,) = (tmp_path / "b").glob("*.db3")
    whole = file.read_bytes()
    counts = []
    for part in (0.95, 0.6, 0.3):
        file.write_bytes(whole[: int(part * len(whole))])
        found, warnings = read(tmp_path / "b")
        assert set(found) <= set(written)
        assert warnings
        counts.append(len(found))
    assert counts[0] > 180
    assert counts[1] > 100
    assert counts[2] > 40
    mended = recover(tmp_path / "b", tmp_path / "new")
    assert sum(mended.counts.values()) == counts[2]


def test_what_a_killed_recorder_left_in_sqlites_log_is_read(tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    database = sqlite3.connect(folder / "live_0.db3")
    database.execute("PRAGMA journal_mode = WAL")
    rosbag2_tables(database, 3)
    database.execute("INSERT INTO topics VALUES (1, '/s', ?, 'cdr', ?)", (STRING, QOS_V4))
    database.execute("INSERT INTO messages (topic_id, timestamp, data) VALUES (1, 5, x'00010000')")
    database.commit()
    for file in list(folder.iterdir()):  # as they lie while the recorder runs
        (folder / file.name.replace("live", "b")).write_bytes(file.read_bytes())
    database.close()
    for file in folder.glob("live*"):
        file.unlink()
    found, _ = read(folder)
    assert found == [("/s", 5, b"\x00\x01\x00\x00")]


def rosbag2_tables(database, schema):
    """Make the tables of rosbag2's sqlite_storage.cpp: of Eloquent (1), Foxy (2), Humble (3) and
    Jazzy (4)."""
    columns = "id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
    columns += "serialization_format TEXT NOT NULL"
    columns += ", offered_qos_profiles TEXT NOT NULL" if schema >= 2 else ""
    columns += ", type_description_hash TEXT NOT NULL" if schema >= 4 else ""
    database.execute(f"CREATE TABLE topics({columns})")
    database.execute(
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, "
        "timestamp INTEGER NOT NULL, data BLOB NOT NULL)"
    )
    database.execute("CREATE INDEX timestamp_idx ON messages (timestamp ASC)")
    if schema >= 3:
        database.execute("CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT)")
        database.execute("INSERT INTO schema VALUES (?, 'distro')", (schema,))
        database.execute(
            "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, "
            "metadata TEXT NOT NULL)"
        )
    if schema >= 4:
        database.execute(
            "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, "
            "encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL, "
            "type_description_hash TEXT NOT NULL)"
        )


@pytest.mark.parametrize(("schema", "version"), [(1, 2), (2, 4), (3, 5), (4, 9)])
def test_sqlite_of_every_distribution(tmp_path, schema, version):
    folder = tmp_path / "b"
    folder.mkdir()
    database = sqlite3.connect(folder / "b_0.db3")
    rosbag2_tables(database, schema)
    row = [1, "/s", STRING, "cdr", QOS_V4, "RIHS01_" + 64 * "a"]
    row = row[: 4 if schema == 1 else 5 if schema < 4 else 6]
    database.execute(f"INSERT INTO topics VALUES ({', '.join('?' * len(row))})", row)
    if schema >= 4:
        database.execute(
            "INSERT INTO message_definitions VALUES (1, ?, 'ros2msg', 'string data', '')", (STRING,)
        )
    for index in range(10):
        database.execute(
            "INSERT INTO messages (topic_id, timestamp, data) VALUES (1, ?, ?)",
            ((9 - index) * SECOND, b"\x00\x01\x00\x00" + bytes([index])),
        )
    database.commit()
    database.close()
    lines = [
        "rosbag2_bagfile_information:",
        f"  version: {version}",
        "  storage_identifier: sqlite3",
        # The first versions name the folder, too.
        f"  relative_file_paths: [{'b/' if version < 4 else ''}b_0.db3]",
        "  duration: {nanoseconds: 9000000000}",
        "  starting_time: {nanoseconds_since_epoch: 0}",
        "  message_count: 10",
        "  topics_with_message_count:",
        f"    - topic_metadata: {{name: /s, type: {STRING}, serialization_format: cdr}}",
        "      message_count: 10",
        '  compression_format: ""',
        '  compression_mode: ""',
    ]
    (folder / FILE_NAME).write_text("\n".join(lines))
    found, warnings = read(folder)
    assert warnings == []
    assert [(time // SECOND, data[4]) for _, time, data in found] == [(i, 9 - i) for i in range(10)]
    with BagReader(folder) as bag:
        topic = bag.topics["/s"]
    assert len(topic.qos) == (schema >= 2)
    assert topic.type_hash == ("RIHS01_" + 64 * "a" if schema >= 4 else "")
    assert topic.definition == ("string data" if schema >= 4 else "")


@contextmanager
def plain_mcap(path, **options):
    """Give a writer of an MCAP file and the numbers of two types."""
    with path.open("wb") as stream:
        writer = PlainWriter(stream, **options)
        writer.start(profile="ros2")
        schema = writer.register_schema(STRING, "ros2msg", b"string data")
        other = writer.register_schema("std_msgs/msg/Bool", "ros2msg", b"bool data")
        yield writer, schema, other
        writer.finish()


def test_mcap_topics_of_two_types_or_of_no_cdr_are_left_out_and_said(tmp_path):
    with plain_mcap(tmp_path / "b.mcap") as (writer, schema, other):
        channels = [
            writer.register_channel("/a", "cdr", schema),
            writer.register_channel("/a", "cdr", other),
            writer.register_channel("/j", "json", schema),
        ]
        for time, channel in enumerate(channels * 2):
            writer.add_message(channel, time, b"\x00\x01\x00\x00", time)
    found, warnings = read(tmp_path / "b.mcap")
    assert [(topic, time) for topic, time, _ in found] == [("/a", 0), ("/a", 3)]
    assert len(warnings) == 2
    assert f"/a has messages of {STRING} and of std_msgs/msg/Bool" in warnings[0]
    assert "/j was left out: its messages are 'json'" in warnings[1]


def test_mcap_without_chunks_is_read_whole_and_cut(tmp_path):
    file = tmp_path / "b.mcap"
    options = {"use_chunking": False, "compression": CompressionType.NONE}
    with plain_mcap(file, **options) as (writer, schema, _):
        channel = writer.register_channel("/a", "cdr", schema)
        for time in (3, 1, 2):
            writer.add_message(channel, time, bytes([0, 1, 0, 0, time]), time)
    whole = file.read_bytes()
    assert read(file) == ([("/a", t, bytes([0, 1, 0, 0, t])) for t in (1, 2, 3)], [])
    file.write_bytes(whole[: whole.index(bytes([0, 1, 0, 0, 2])) + 3])
    found, warnings = read(file)
    assert [time for _, time, _ in found] == [1, 3]
    assert ["breaks off" in warning for warning in warnings] == [True]


@pytest.mark.parametrize("length", [2**31, 2**40, 2**63, 2**64 - 1])
def test_lengths_of_gigabytes_allocate_nothing(tmp_path, length):
    file = tmp_path / "b.mcap"
    options = {"compression": CompressionType.ZSTD, "chunk_size": 2000}
    with plain_mcap(file, **options) as (writer, schema, _):
        channel = writer.register_channel("/a", "cdr", schema)
        for time in range(100):
            writer.add_message(channel, time, b"\x00\x01\x00\x00" + bytes(200), time)
    whole = file.read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = whole.index(b"\x04\x00\x00\x00zstd") - 37
    assert whole[chunk] == 6
    # Of the header, of the chunk, of what is packed in it, unpacked and packed.
    for place in (9, chunk + 1, chunk + 25, chunk + 45):
        content = bytearray(whole)
        struct.pack_into("<Q", content, place, length)
        file.write_bytes(content)
        found, warnings = read(file)
        assert len(found) >= 80, place
        assert warnings or len(found) == 100, place
    # A frame that promises to be that long.
    (tmp_path / "z.mcap.zstd").write_bytes(
        zstandard.ZstdCompressor(write_content_size=False).compress(whole)[:6] + bytes(50)
    )
    with pytest.raises(InputError):
        BagReader(tmp_path / "z.mcap.zstd")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
