import resource
import threading

import pytest

from lbp_rehab.bags import BagReader, BagWriter, Topic, summary
from lbp_rehab.bags.background import BackgroundWriter
from lbp_rehab.errors import InputError

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


@pytest.fixture
def file_size_limit():
    """Return a function that lets no file grow beyond a size, as a full disk does."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


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


def test_a_full_disk_ends_the_recording_with_one_sentence_and_a_readable_bag(
    tmp_path, file_size_limit
):
    writer = BackgroundWriter(BagWriter(tmp_path / "b"), capacity_bytes=10**9)
    writer.add_topic(TOPIC)
    file_size_limit(200_000)
    for index in range(100):
        writer.write("/a", bytes(10_000), index * SECOND, index * SECOND)
    with pytest.raises(InputError, match="cannot write the bag") as caught:
        writer.close()
    assert "\n" not in str(caught.value)
    assert writer.lost["/a"] + writer.counts["/a"] == 100
    assert writer.counts["/a"] <= summary(tmp_path / "b").message_count <= 20
    assert writer.counts["/a"] >= 15


def test_a_disk_that_fills_up_at_the_end_is_reported_too(tmp_path, file_size_limit):
    writer = BagWriter(tmp_path / "b", flush_period_s=100.0)
    writer.add_topic(TOPIC)
    writer.write("/a", bytes(50_000), 0)
    file_size_limit(10_000)
    with pytest.raises(InputError, match="cannot write the bag"):
        writer.close()
    writer.close()
    assert not (tmp_path / "b" / "metadata.yaml").exists()
