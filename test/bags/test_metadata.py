"""What rosbag2 of Jazzy expects of a bag, by its sources.

- rosbag2_storage/include/rosbag2_storage/yaml.hpp and src/rosbag2_storage/qos.cpp decode
  ``metadata.yaml``: ``ros2 bag info`` and the player read a bag through them.
- rosbag2_storage_mcap/src/mcap_storage.cpp, ``read_metadata``, reads the version by which it
  decodes the channels' QoS from the metadata record ``rosbag2`` of each file.
- rosbag2_cpp/src/rosbag2_cpp/writers/sequential_writer.cpp, ``format_storage_uri``, names the files
  of a split bag; readers/sequential_reader.cpp opens them in the order of ``relative_file_paths``.
"""

import yaml
from mcap.reader import make_reader

from lbp_rehab.bags import BagWriter, Split
from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.metadata import FILE_NAME, FileSpan, Topic, describe
from lbp_rehab.bags.qos import DEFAULT_QOS

NAMES = {
    "history": {"system_default", "keep_last", "keep_all", "unknown"},
    "reliability": {"system_default", "reliable", "best_effort", "best_available", "unknown"},
    "durability": {"system_default", "transient_local", "volatile", "best_available", "unknown"},
    "liveliness": {"system_default", "automatic", "manual_by_topic", "best_available", "unknown"},
}


def is_uint64(value):
    return type(value) is int and 0 <= value < 2**64


def check_bag(node):
    """Decode as convert<BagMetadata>::decode does; every key it asks for must be there."""
    assert node["version"] == 9
    assert node["storage_identifier"] == "mcap"
    assert is_uint64(node["duration"]["nanoseconds"])
    assert is_uint64(node["starting_time"]["nanoseconds_since_epoch"])
    assert is_uint64(node["message_count"])
    assert type(node["topics_with_message_count"]) is list
    for topic in node["topics_with_message_count"]:
        check_topic(topic["topic_metadata"])
        assert is_uint64(topic["message_count"])
    assert node["relative_file_paths"]
    assert all(type(path) is str for path in node["relative_file_paths"])
    assert node["compression_format"] == node["compression_mode"] == ""
    for file in node["files"]:
        assert type(file["path"]) is str
        assert is_uint64(file["starting_time"]["nanoseconds_since_epoch"])
        assert is_uint64(file["duration"]["nanoseconds"])
        assert is_uint64(file["message_count"])
    assert all(type(part) is str for pair in node["custom_data"].items() for part in pair)
    assert node["ros_distro"] == "jazzy"


def check_topic(node):
    assert all(type(node[key]) is str for key in ("name", "type", "type_description_hash"))
    assert node["serialization_format"] == "cdr"
    check_qos(node["offered_qos_profiles"])


def check_qos(profiles):
    assert type(profiles) is list
    for profile in profiles:
        for policy, names in NAMES.items():
            assert profile[policy] in names
        assert type(profile["depth"]) is int
        assert 0 <= profile["depth"] < 2**31
        assert type(profile["avoid_ros_namespace_conventions"]) is bool
        for duration in ("deadline", "lifespan", "liveliness_lease_duration"):
            assert is_uint64(profile[duration]["sec"])
            assert is_uint64(profile[duration]["nsec"])


def test_metadata_is_what_rosbag2_decodes(recording):
    bag = recording()
    bag.fill(count=30, flush_every=10)
    bag.writer.close()
    text = (bag.folder / FILE_NAME).read_text()
    assert "&" not in text  # no anchors
    node = yaml.safe_load(text)["rosbag2_bagfile_information"]
    check_bag(node)
    assert node["message_count"] == 30
    assert node["duration"]["nanoseconds"] == 290_000_000
    assert node["relative_file_paths"] == ["bag_0.mcap"]
    assert [t["topic_metadata"]["name"] for t in node["topics_with_message_count"]] == ["/a", "/b"]
    (profile,) = node["topics_with_message_count"][0]["topic_metadata"]["offered_qos_profiles"]
    assert (profile["history"], profile["depth"]) == ("keep_last", 10)
    assert profile["deadline"] == {"sec": 9223372036, "nsec": 854775807}


def test_mcap_file_carries_what_rosbag2s_plugin_reads(recording):
    bag = recording()
    bag.fill(count=30, flush_every=10)
    bag.writer.close()
    with bag.file.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        assert reader.get_header().profile == "ros2"
        found = reader.get_summary()
        messages = [(c.topic, m.log_time) for _, c, m in reader.iter_messages()]
        records = {record.name: record.metadata for record in reader.iter_metadata()}
    assert messages == [(topic, time) for topic, time, _ in bag.written]
    assert found.statistics.message_count == 30
    assert len(found.chunk_indexes) == 3
    assert all(index.message_index_length > 0 for index in found.chunk_indexes)
    (schema,) = found.schemas.values()
    assert (schema.name, schema.encoding) == ("std_msgs/msg/String", "ros2msg")
    for channel in found.channels.values():
        assert channel.message_encoding == "cdr"
        assert set(channel.metadata) == {"offered_qos_profiles", "topic_type_hash"}
        assert channel.metadata["topic_type_hash"].startswith("RIHS01_")
        check_qos(yaml.safe_load(channel.metadata["offered_qos_profiles"]))
    check_bag(yaml.safe_load(records["rosbag2"]["serialized_metadata"]))


def test_a_bag_without_messages_has_rosbag2s_starting_time():
    topics = {"/a": Topic("/a", "std_msgs/msg/String")}
    node = describe([FileSpan("b_0.mcap", 0, 0, 0)], topics, {}, {"who": "we"})
    check_bag(node)
    assert node["starting_time"]["nanoseconds_since_epoch"] == 2**63 - 1
    assert node["duration"]["nanoseconds"] == 0
    assert node["custom_data"] == {"who": "we"}


def test_every_file_of_a_split_bag_is_what_rosbag2_opens(tmp_path):
    known = installed("std_msgs/msg/String")
    topic = Topic(
        "/a", "std_msgs/msg/String", known.text, "ros2msg", known.type_hash, (DEFAULT_QOS,)
    )
    with BagWriter(tmp_path / "bag", split=Split(max_duration_s=1.0)) as writer:
        writer.add_topic(topic)
        for index in range(40):
            writer.write("/a", b"\x00\x01\x00\x00", index * 100_000_000)
    node = yaml.safe_load((tmp_path / "bag" / FILE_NAME).read_text())["rosbag2_bagfile_information"]
    check_bag(node)
    names = [f"bag_{part}.mcap" for part in range(4)]
    assert node["relative_file_paths"] == [row["path"] for row in node["files"]] == names
    assert sum(row["message_count"] for row in node["files"]) == node["message_count"] == 40
    for part, row in enumerate(node["files"]):
        with (tmp_path / "bag" / row["path"]).open("rb") as stream:
            reader = make_reader(stream, validate_crcs=True)
            found = reader.get_summary()
            (record,) = (r for r in reader.iter_metadata() if r.name == "rosbag2")
            assert len(list(reader.iter_messages())) == row["message_count"]
        statistics = found.statistics
        assert statistics.message_start_time == row["starting_time"]["nanoseconds_since_epoch"]
        duration = statistics.message_end_time - statistics.message_start_time
        assert duration == row["duration"]["nanoseconds"]
        (channel,) = found.channels.values()
        check_qos(yaml.safe_load(channel.metadata["offered_qos_profiles"]))
        about = yaml.safe_load(record.metadata["serialized_metadata"])
        check_bag(about)
        assert about["relative_file_paths"] == names[: part + 1]
