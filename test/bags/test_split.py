import pytest
import yaml
from rosbags.interfaces import QosDurability

from lbp_rehab.bags import BagReader, BagWriter, Compression, Split, Topic, summary
from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.metadata import FILE_NAME
from lbp_rehab.bags.qos import DEFAULT_QOS

SECOND = 1_000_000_000
KIND = "std_msgs/msg/String"
LATCHED = DEFAULT_QOS._replace(durability=QosDurability.TRANSIENT_LOCAL, depth=1)


def record(folder, split, count=100, size=10_000, compression=Compression.NONE):
    """Write messages 0.1 s apart of one topic, and two latched ones at the beginning."""
    known = installed(KIND)
    written = []
    with BagWriter(folder, compression, 0.1, split) as writer:
        for name, qos in (("/a", DEFAULT_QOS), ("/map", LATCHED), ("/silent", DEFAULT_QOS)):
            writer.add_topic(Topic(name, KIND, known.text, known.encoding, known.type_hash, (qos,)))
        for index in range(count):
            written.append(("/a", SECOND + index * SECOND // 10, bytes([index]) * size))
            if index in (0, 2):
                written.append(("/map", written[-1][1], b"map" + bytes([index])))
        for topic, time, data in written:
            writer.write(topic, data, time, time - 5)
    return writer, written


def read(path, **options):
    with BagReader(path) as bag:
        found = [(m.topic, m.log_time_ns, m.data) for m in bag.messages(**options)]
        assert bag.warnings == []
    return found


def test_a_bag_is_split_by_time_and_named_as_rosbag2_names_it(tmp_path):
    writer, written = record(tmp_path / "bag", Split(max_duration_s=2.5))
    names = [f"bag_{part}.mcap" for part in range(4)]
    assert sorted(f.name for f in writer.folder.glob("*.mcap")) == names
    assert read(writer.folder) == written
    node = yaml.safe_load((writer.folder / FILE_NAME).read_text())["rosbag2_bagfile_information"]
    assert node["relative_file_paths"] == [row["path"] for row in node["files"]] == names
    # 26 messages within 2.5 s; the latched one is repeated in each file.
    assert [row["message_count"] for row in node["files"]] == [28, 27, 27, 23]
    starts = [row["starting_time"]["nanoseconds_since_epoch"] for row in node["files"]]
    assert starts == [SECOND + part * 26 * SECOND // 10 for part in range(4)]
    assert {row["duration"]["nanoseconds"] for row in node["files"][:3]} == {2_500_000_000}
    assert node["message_count"] == 105
    counts = {
        t["topic_metadata"]["name"]: t["message_count"] for t in node["topics_with_message_count"]
    }
    assert counts == {"/a": 100, "/map": 5, "/silent": 0}
    assert writer.counts == {"/a": 100, "/map": 2}


@pytest.mark.parametrize("compression", list(Compression))
def test_a_bag_is_split_by_size(tmp_path, compression):
    limit = 200_000 if compression == Compression.NONE else 2_000
    writer, written = record(tmp_path / "bag", Split(max_bytes=limit), compression=compression)
    files = sorted(writer.folder.glob("*.mcap"))
    assert len(files) >= 3
    # The limit is passed by what stands in memory at most, and the summary.
    assert all(file.stat().st_size < 1.2 * limit + 15_000 for file in files)
    assert all(file.stat().st_size >= limit for file in files[:-1])
    assert read(writer.folder) == written


def test_each_file_reads_alone_with_its_types_and_the_last_latched_message(tmp_path):
    writer, written = record(tmp_path / "bag", Split(max_duration_s=2.5))
    (_, begin, _) = written[54]  # the first of the third file
    with BagReader(writer.folder / "bag_2.mcap") as bag:
        whole = BagReader(writer.folder)
        assert bag.topics == whole.topics
        whole.close()
        (latched,) = bag.messages({"/map"})
    assert (latched.log_time_ns, latched.data) == (begin, b"map\x02")
    assert latched.publish_time_ns == SECOND + 2 * SECOND // 10 - 5
    assert read(writer.folder / "bag_2.mcap", topics={"/a"}) == written[54:80]


def test_a_split_bag_of_a_killed_recorder_is_read(tmp_path):
    writer, written = record(tmp_path / "bag", Split(max_duration_s=2.5))
    (writer.folder / FILE_NAME).unlink()
    last = writer.folder / "bag_3.mcap"
    last.write_bytes(last.read_bytes()[:-100])
    with BagReader(writer.folder) as bag:
        found = [(m.topic, m.log_time_ns, m.data) for m in bag.messages()]
        assert len(bag.warnings) == 2
    assert found == written


def test_a_bag_of_other_or_no_limit_is_one_file(tmp_path):
    for name, split in {"no": Split(), "large": Split(10**9, 1000.0)}.items():
        writer, written = record(tmp_path / name, split)
        assert [f.name for f in writer.folder.glob("*.mcap")] == [f"{name}_0.mcap"]
        assert read(writer.folder) == written
        assert summary(writer.folder).message_count == 102
