import os
import random
import signal
import subprocess
import sys

import pytest

from lbp_rehab.bags import BagReader, Compression, recover, summary
from lbp_rehab.bags.mcap_file import McapFile
from lbp_rehab.bags.metadata import FILE_NAME
from lbp_rehab.errors import InputError

SECOND = 1_000_000_000


def read(path):
    with BagReader(path) as reader:
        found = [(m.topic, m.log_time_ns, m.data) for m in reader.messages()]
        return found, reader.warnings


@pytest.mark.parametrize("compression", list(Compression))
def test_a_bag_cut_anywhere_gives_every_message_before_the_last_flush(
    recording, tmp_path, compression
):
    bag = recording(compression=compression)
    bag.fill(count=400, flush_every=20)
    bag.writer.close()
    whole = bag.file.read_bytes()
    first_flush = bag.flushed[0][0]
    for cut in sorted(random.Random(7).sample(range(8, len(whole)), 50)):
        torn = tmp_path / f"torn_{cut}"
        torn.mkdir()
        (torn / "torn_0.mcap").write_bytes(whole[:cut])
        found, warnings = read(torn)
        safe = max((count for size, count in bag.flushed if size <= cut), default=0)
        assert len(found) >= safe, f"cut at {cut}"
        assert found == bag.written[: len(found)], f"cut at {cut}"
        assert len(warnings) == 2, f"cut at {cut}"
        assert ("metadata.yaml is missing" in warnings[0], "breaks off" in warnings[1]) == (
            True,
            True,
        )
    assert first_flush < len(whole) / 10


def test_whole_messages_of_a_chunk_that_breaks_off_are_read(recording, tmp_path):
    bag = recording()
    bag.fill(count=100, flush_every=100)
    (tmp_path / "half.mcap").write_bytes(bag.file.read_bytes()[: bag.flushed[0][0] // 2])
    found, _ = read(tmp_path / "half.mcap")
    assert 30 < len(found) < 70
    assert found == bag.written[: len(found)]


def test_a_torn_file_in_a_bag_with_metadata_is_read_too(recording):
    bag = recording()
    bag.fill(count=100, flush_every=10)
    bag.writer.close()
    bag.file.write_bytes(bag.file.read_bytes()[: bag.flushed[4][0]])
    found, warnings = read(bag.folder)
    assert found == bag.written[:50]
    assert len(warnings) == 2
    assert "tells of 100 messages, the files hold 50" in warnings[0]
    assert "breaks off" in warnings[1]


@pytest.mark.parametrize("content", ["", "rosbag2_bagfile_information: {", "a: 1"])
def test_unusable_metadata_costs_a_warning_only(recording, content):
    bag = recording()
    bag.fill(count=20, flush_every=10)
    bag.writer.close()
    (bag.folder / FILE_NAME).write_text(content)
    found, warnings = read(bag.folder)
    assert found == bag.written
    assert len(warnings) == 1
    assert "metadata.yaml does not serve" in warnings[0]


def test_a_damaged_chunk_is_left_out_and_named_and_the_rest_recovered(recording, tmp_path):
    bag = recording()
    bag.fill(count=100, flush_every=10)
    bag.writer.close()
    content = bytearray(bag.file.read_bytes())
    content[(bag.flushed[3][0] + bag.flushed[2][0]) // 2] ^= 0xFF  # in the fourth chunk
    bag.file.write_bytes(content)
    found, warnings = read(bag.folder)
    assert found == bag.written[:30] + bag.written[40:]
    assert len(warnings) == 1
    assert "a chunk was left out (its checksum is wrong)" in warnings[0]
    assert summary(bag.folder).warnings == ()  # the damage is found by reading
    checked = summary(bag.folder, check=True)
    assert (checked.message_count, list(checked.warnings)) == (90, warnings)
    mended = recover(bag.folder, tmp_path / "mended")
    assert len(mended.warnings) == 1
    assert "is damaged at byte" in mended.warnings[0]
    assert read(mended.folder) == (found, [])


def test_hopeless_files_are_refused_in_one_sentence(tmp_path):
    for name, content in {"empty": b"", "short": b"\x89MC", "other": b"x" * 5000}.items():
        (tmp_path / f"{name}.mcap").write_bytes(content)
        with pytest.raises(InputError, match="not an MCAP file"):
            BagReader(tmp_path / f"{name}.mcap")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="no bag"):
        BagReader(tmp_path / "nothing")
    with pytest.raises(InputError, match="there is no bag"):
        BagReader(tmp_path / "absent")


def test_recovered_bag_is_finished_and_the_torn_one_untouched(recording, tmp_path):
    bag = recording()
    bag.fill(count=200, flush_every=20)
    torn = tmp_path / "torn"
    torn.mkdir()
    content = bag.file.read_bytes()[:-37]
    (torn / "torn_0.mcap").write_bytes(content)
    seen = []
    mended = recover(torn, progress=lambda done, total: seen.append((done, total)))
    assert mended.folder == tmp_path / "torn_recovered"
    assert sum(mended.counts.values()) == len(seen) == seen[-1][1]
    found, warnings = read(mended.folder)
    assert found == bag.written[: len(found)]
    assert len(found) >= 199
    assert warnings == []
    assert [file.name for file in torn.iterdir()] == ["torn_0.mcap"]
    assert (torn / "torn_0.mcap").read_bytes() == content
    # Publish times, types and QoS survive as well.
    (file,) = mended.folder.glob("*.mcap")
    old, new = McapFile(torn / "torn_0.mcap"), McapFile(file)
    assert list(old.messages()) == list(new.messages())
    assert old.topics == new.topics
    assert all(m.publish_time_ns == m.log_time_ns - 1000 for m in new.messages())


def test_stamps_alone_bring_the_messages_to_the_disk(tmp_path):
    from lbp_rehab.bags import BagWriter, Topic

    writer = BagWriter(tmp_path / "b", flush_period_s=0.5)
    writer.add_topic(Topic("/a", "std_msgs/msg/String"))
    for index in range(100):
        now = index * SECOND // 100
        writer.write("/a", b"\x00\x01\x00\x00", now)
        if index >= 50:
            on_disk = summary(tmp_path / "b")
            assert now - (on_disk.start_ns + on_disk.duration_s * 1e9) <= 0.51 * SECOND


def test_sigkill_costs_at_most_the_last_second(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from lbp_rehab.bags import BagWriter, Topic\n"
        "writer = BagWriter(pathlib.Path(sys.argv[1]))\n"
        "writer.add_topic(Topic('/a', 'std_msgs/msg/String'))\n"
        "stamp = 0\n"
        "while True:\n"
        "    writer.write('/a', bytes(5000), stamp)\n"
        "    print(stamp, flush=True)\n"
        "    stamp += 10_000_000\n"
    )
    folder = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    stamp = 0
    while stamp < 7.3 * SECOND:
        stamp = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    rest = child.communicate(timeout=30)[0].split()
    last = int(rest[-1]) if rest else stamp
    found, _ = read(folder)
    assert last - found[-1][1] <= SECOND
    assert [m[1] for m in found] == list(range(0, found[-1][1] + 1, 10_000_000))


def test_topics_and_spans_are_chosen_in_a_torn_bag_as_in_a_whole_one(recording, tmp_path):
    bag = recording()
    bag.fill(count=100, flush_every=10)
    bag.writer.close()
    (tmp_path / "torn.mcap").write_bytes(bag.file.read_bytes()[:-8])
    start, end = bag.written[20][1], bag.written[60][1]
    with BagReader(bag.folder) as whole, BagReader(tmp_path / "torn.mcap") as torn:
        expected = [m.data for m in whole.messages({"/a"}, start, end)]
        assert [m.data for m in torn.messages({"/a"}, start, end)] == expected
        assert (torn.start_ns, torn.end_ns) == (whole.start_ns, whole.end_ns)
        assert torn.topics == whole.topics
    assert expected == [data for topic, _, data in bag.written[20:60] if topic == "/a"]
