import json
import subprocess
import sys
import threading
from pathlib import Path

from lbp_rehab.bags import BagReader, BagWriter, Topic, summary
from lbp_rehab.bags.background import BackgroundWriter

SECOND = 1_000_000_000
TOPIC = Topic("/a", "std_msgs/msg/String")
DEADLINE_S = 20.0


class HeldWriter(BagWriter):
    """A disk that stands still until it is let go."""

    def __init__(self, folder):
        super().__init__(folder)
        self.reached, self.let_go = threading.Event(), threading.Event()

    def write(self, *arguments):
        self.reached.set()
        assert self.let_go.wait(DEADLINE_S)
        super().write(*arguments)


def test_what_does_not_fit_the_queue_is_counted_and_the_rest_written(tmp_path):
    held = HeldWriter(tmp_path / "b")
    writer = BackgroundWriter(held, capacity_bytes=10_000)
    writer.add_topic(TOPIC)
    for index in range(25):
        writer.write("/a", bytes(1000), index * SECOND, index * SECOND)
    assert held.reached.wait(DEADLINE_S)
    assert writer.lost == {"/a": 15}
    assert writer.waiting_bytes == 10_000
    held.let_go.set()
    writer.close()
    assert writer.counts == {"/a": 10}
    with BagReader(tmp_path / "b") as bag:
        assert [m.log_time_ns for m in bag.messages()] == [i * SECOND for i in range(10)]


# A limit on the size of files stands in for a full disk. It holds for a whole process, whose output
# may be a file too, so each of these runs in a process of its own and answers through a pipe.
LIMITED = """
import json, resource, sys
from pathlib import Path
from lbp_rehab.bags import BagWriter, Topic
from lbp_rehab.bags.background import BackgroundWriter
from lbp_rehab.errors import InputError

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

def closed(writer):
    try:
        writer.close()
    except InputError as error:
        return str(error)

folder, topic = Path(sys.argv[1]), Topic("/a", "std_msgs/msg/String")
"""
FILLS_UP = """
writer = BackgroundWriter(BagWriter(folder), capacity_bytes=10**9)
writer.add_topic(topic)
limit_files(200_000)
for index in range(100):
    writer.write("/a", bytes(10_000), index * 10**9, index * 10**9)
print(json.dumps([closed(writer), writer.lost["/a"], writer.counts["/a"]]))
"""
FILLS_UP_AT_THE_END = """
writer = BagWriter(folder, flush_period_s=100.0)
writer.add_topic(topic)
writer.write("/a", bytes(50_000), 0)
limit_files(10_000)
print(json.dumps([closed(writer), closed(writer)]))
"""


def run_limited(script: str, folder: Path) -> list:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED + script, str(folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_full_disk_ends_the_recording_with_one_sentence_and_a_readable_bag(tmp_path):
    error, lost, written = run_limited(FILLS_UP, tmp_path / "b")
    assert "cannot write the bag" in error
    assert "\n" not in error
    assert lost + written == 100
    assert written <= summary(tmp_path / "b").message_count <= 20
    assert written >= 15


def test_a_disk_that_fills_up_at_the_end_is_reported_too(tmp_path):
    error, when_closed_again = run_limited(FILLS_UP_AT_THE_END, tmp_path / "b")
    assert "cannot write the bag" in error
    assert when_closed_again is None
    assert not (tmp_path / "b" / "metadata.yaml").exists()
