import importlib
import inspect
import sqlite3

import lbp_rehab.msg
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from sensor_msgs.msg import Image

from lbp_rehab.bags import BagReader, BagWriter, Compression, summary
from lbp_rehab.errors import InputError

SECOND = 1_000_000_000
OWN_TYPES = [name for name, kind in inspect.getmembers(lbp_rehab.msg, inspect.isclass)]
TYPES = [f"lbp_rehab/msg/{name}" for name in OWN_TYPES] + ["sensor_msgs/msg/CameraInfo"]


def filled(kind: type, rng: np.random.Generator):
    """Return a message with a value other than the default in every field."""
    return kind(
        **{name: value(form, rng) for name, form in kind.get_fields_and_field_types().items()}
    )


def value(form: str, rng: np.random.Generator):
    if form.startswith("sequence<"):
        inner = form.removeprefix("sequence<").rsplit(">", 1)[0].split(",")[0]
        return [value(inner, rng) for _ in range(3)]
    if form.endswith("]"):
        inner, length = form.removesuffix("]").split("[")
        return [value(inner, rng) for _ in range(int(length))]
    if "/" in form:
        package, name = form.split("/")
        return filled(getattr(importlib.import_module(f"{package}.msg"), name), rng)
    if form.startswith("string"):
        return f"text {rng.integers(1000)}"
    if form == "boolean":
        return True
    if form == "octet":
        return b"\x07"
    if form in ("float", "double"):
        return float(np.float32(rng.normal()))
    return int(rng.integers(1, 100))


@pytest.mark.parametrize("kind", TYPES)
def test_every_message_type_comes_back_to_the_bit_and_is_described_in_the_bag(recording, kind):
    package, name = kind.split("/msg/")
    message = filled(
        getattr(importlib.import_module(f"{package}.msg"), name), np.random.default_rng(1)
    )
    data = serialize_message(message)
    bag = recording()
    bag.topic("/topic", kind)
    bag.write("/topic", 5 * SECOND, data)
    bag.writer.close()

    with BagReader(bag.folder) as reader:
        (found,) = reader.messages()
        topic = reader.topics["/topic"]
    assert (found.topic, found.type, found.log_time_ns, found.data) == (
        "/topic",
        kind,
        5 * SECOND,
        data,
    )
    # A reader that knows no type of ours understands it from the bag alone.
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(topic.definition, kind))
    assert store.hash_rihs01(kind) == topic.type_hash
    again = bytes(store.serialize_cdr(store.deserialize_cdr(data, kind), kind))
    # Not the bytes: the padding between fields is not defined.
    assert deserialize_message(again, type(message)) == message


@pytest.mark.parametrize("compression", list(Compression))
def test_image_comes_back_to_the_bit(recording, compression):
    pixels = np.random.default_rng(2).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    image = Image(height=480, width=640, encoding="rgb8", step=1920, data=pixels.tobytes())
    data = serialize_message(image)
    bag = recording(compression=compression)
    bag.topic("/image", "sensor_msgs/msg/Image")
    for index in range(10):
        bag.write("/image", index * SECOND, data)
    bag.writer.close()
    with BagReader(bag.folder) as reader:
        assert [m.data for m in reader.messages()] == [data] * 10


def test_messages_come_in_the_order_of_their_time_within_topics_and_span(recording):
    bag = recording()
    bag.topic("/a")
    bag.topic("/b")
    for time, topic in ((3, "/a"), (1, "/b"), (2, "/a"), (2, "/b"), (0, "/a")):
        bag.write(topic, time * SECOND, b"\x00\x01\x00\x00" + bytes([time]))
        bag.flush()
    bag.writer.close()
    with BagReader(bag.folder) as reader:
        assert [(m.log_time_ns // SECOND, m.topic) for m in reader.messages()] == [
            (0, "/a"),
            (1, "/b"),
            (2, "/a"),
            (2, "/b"),
            (3, "/a"),
        ]
        chosen = reader.messages({"/a"}, 2 * SECOND, 3 * SECOND)
        assert [(m.log_time_ns, m.topic) for m in chosen] == [(2 * SECOND, "/a")]
        assert (reader.start_ns, reader.end_ns) == (0, 3 * SECOND)


def test_bags_of_other_recorders_are_read(tmp_path):
    store = get_typestore(Stores.ROS2_JAZZY)
    kind = "std_msgs/msg/String"
    for plugin in StoragePlugin:
        folder = tmp_path / plugin.name
        with Writer(folder, version=9, storage_plugin=plugin) as writer:
            connection = writer.add_connection("/s", kind, typestore=store)
            for index in range(20):
                writer.write(connection, index * SECOND, b"\x00\x01\x00\x00" + bytes([index]))
        with BagReader(folder) as reader:
            found = list(reader.messages(None, 4 * SECOND, 8 * SECOND))
            assert reader.warnings == []
        assert [m.log_time_ns // SECOND for m in found] == [4, 5, 6, 7]
        assert summary(folder).message_count == 20


def test_sqlite_bag_without_metadata_is_read(tmp_path):
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(tmp_path / "b", version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection("/s", "std_msgs/msg/String", typestore=store)
        writer.write(connection, SECOND, b"\x00\x01\x00\x00")
    (tmp_path / "b" / "metadata.yaml").unlink()
    found = summary(tmp_path / "b")
    assert found.message_count == 1
    assert len(found.warnings) == 1
    assert "metadata.yaml is missing" in found.warnings[0]


def test_damaged_sqlite_bag_is_refused_in_one_sentence(tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "b_0.db3").write_bytes(b"SQLite format 3\x00" + bytes(5000))
    with pytest.raises(InputError, match="no messages and no topics are found in it"):
        summary(folder)
    with sqlite3.connect(folder / "b_0.db3") as probe, pytest.raises(sqlite3.Error):
        probe.execute("SELECT * FROM messages")


def test_summary_counts_topics_without_messages_too(recording):
    bag = recording()
    bag.topic("/silent")
    bag.fill(30, 10)
    bag.writer.close()
    found = summary(bag.folder)
    assert {t.name: t.count for t in found.topics} == {"/a": 15, "/b": 15, "/silent": 0}
    assert found.duration_s == pytest.approx(0.29)
    assert found.size_bytes == bag.file.stat().st_size
    assert found.warnings == ()


def test_existing_folder_is_never_written_to(recording):
    bag = recording()
    bag.writer.close()
    before = {file.name: file.read_bytes() for file in bag.folder.iterdir()}
    with pytest.raises(InputError, match="already exists"):
        BagWriter(bag.folder)
    assert {file.name: file.read_bytes() for file in bag.folder.iterdir()} == before


def test_unwritable_place_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot create the bag"):
        BagWriter(tmp_path / "file" / "bag")


def test_bag_without_messages_is_a_bag(recording):
    bag = recording()
    bag.topic("/a")
    bag.writer.close()
    found = summary(bag.folder)
    assert found.message_count == 0
    assert found.duration_s == 0.0
    assert [t.name for t in found.topics] == ["/a"]
