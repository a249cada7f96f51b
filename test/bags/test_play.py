from itertools import pairwise

import pytest
from rosbags.interfaces import QosDurability, QosReliability

from lbp_rehab.bags import BagReader, Topic
from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport
from lbp_rehab.bags.play import Act, Selection, schedule, select, span_ns
from lbp_rehab.bags.qos import DEFAULT_QOS, offer, request
from lbp_rehab.bags.topics import matches
from lbp_rehab.errors import InputError

SECOND = 1_000_000_000
STRING = "std_msgs/msg/String"
BEST_EFFORT = DEFAULT_QOS._replace(reliability=QosReliability.BEST_EFFORT)
LATCHED = DEFAULT_QOS._replace(durability=QosDurability.TRANSIENT_LOCAL)


@pytest.fixture
def bag(recording):
    """A bag with messages at 0.0, 0.1, ... 1.0 s after its start, on /a and /b in turn."""
    made = recording()
    made.topic("/a")
    made.topic("/b")
    for index in range(11):
        made.write(("/a", "/b")[index % 2], (100 * SECOND) + index * SECOND // 10, bytes([index]))
    made.writer.close()
    with BagReader(made.folder) as reader:
        yield reader


def played(bag, selection, rate=1.0, offset_ns=0):
    return list(schedule(bag, select(bag.topics, selection), selection, rate, offset_ns))


def test_pace_is_the_recorded_one_times_the_rate(bag):
    due = played(bag, Selection(), rate=2.0, offset_ns=7)
    assert [d.at_ns for d in due] == [7 + i * SECOND // 20 for i in range(11)]
    assert [d.message.data[0] for d in due] == list(range(11))
    assert [d.log_time_ns for d in due] == [d.message.log_time_ns for d in due]


def test_span_begins_at_once_and_includes_both_ends(bag):
    due = played(bag, Selection(start_s=0.3, end_s=0.7))
    assert [d.message.data[0] for d in due] == [3, 4, 5, 6, 7]
    assert due[0].at_ns == 0
    assert due[-1].at_ns == 4 * SECOND // 10


def test_topics_and_exclusions(bag):
    assert {d.message.topic for d in played(bag, Selection(topics=("/a",)))} == {"/a"}
    assert {d.message.topic for d in played(bag, Selection(exclude=("/[a]", "/truth/.*")))} == {
        "/b"
    }
    with pytest.raises(InputError, match="no topic of the bag is selected"):
        played(bag, Selection(topics=("/c",)))


def test_clock_ticks_at_100_hz_of_real_time_and_before_each_message(bag):
    due = played(bag, Selection(clock=True), rate=0.5)
    ticks = [d for d in due if d.act == Act.CLOCK]
    assert [d.at_ns for d in due] == sorted(d.at_ns for d in due)
    assert [d.log_time_ns for d in ticks] == sorted(d.log_time_ns for d in ticks)
    assert max(b.at_ns - a.at_ns for a, b in pairwise(ticks)) <= 10_000_000
    for before, now in pairwise(due):
        if now.act == Act.MESSAGE:
            assert before.act == Act.CLOCK
            assert before.log_time_ns == now.log_time_ns
    assert all(d.log_time_ns == 100 * SECOND + d.at_ns // 2 for d in due)


def test_a_recorded_clock_is_not_played_beside_our_own():
    topics = {name: Topic(name, STRING) for name in ("/clock", "/a")}
    assert [o.name for o in select(topics, Selection(clock=True))] == ["/a"]
    assert [o.name for o in select(topics, Selection())] == ["/clock", "/a"]


def test_an_empty_span_is_refused(bag):
    with pytest.raises(InputError, match=r"1\.0 s long and holds 11 messages"):
        span_ns(bag, Selection(start_s=5.0))
    with pytest.raises(InputError, match="nothing to play"):
        span_ns(bag, Selection(start_s=0.8, end_s=0.2))


def test_compressed_images_are_played_raw_unless_the_raw_ones_are_there():
    topics = {
        "/c/compressed": Topic("/c/compressed", COMPRESSED_TYPE),
        "/d/compressedDepth": Topic("/d/compressedDepth", COMPRESSED_TYPE),
        "/e/compressed": Topic("/e/compressed", COMPRESSED_TYPE),
        "/e": Topic("/e", "sensor_msgs/msg/Image"),
    }
    found = {o.source: (o.name, o.type, o.transport) for o in select(topics, Selection())}
    image = "sensor_msgs/msg/Image"
    assert found == {
        "/c/compressed": ("/c", image, Transport.COMPRESSED),
        "/d/compressedDepth": ("/d", image, Transport.COMPRESSED_DEPTH),
        "/e/compressed": ("/e/compressed", COMPRESSED_TYPE, None),
        "/e": ("/e", image, None),
    }
    as_recorded = select(topics, Selection(decompress_images=False))
    assert all(o.transport is None and o.name == o.source for o in as_recorded)


def test_offered_qos_is_the_recorded_one_where_the_publishers_agreed():
    assert offer([]) == DEFAULT_QOS
    assert offer([BEST_EFFORT, BEST_EFFORT]).reliability == QosReliability.BEST_EFFORT
    assert offer([LATCHED]).durability == QosDurability.TRANSIENT_LOCAL
    assert offer([LATCHED._replace(depth=0)]).depth == DEFAULT_QOS.depth
    assert offer([BEST_EFFORT, DEFAULT_QOS]) == DEFAULT_QOS


def test_requested_qos_matches_every_publisher():
    assert request([DEFAULT_QOS, DEFAULT_QOS]) == (True, False)
    assert request([DEFAULT_QOS, BEST_EFFORT]) == (False, False)
    assert request([LATCHED, LATCHED]) == (True, True)
    assert request([LATCHED, DEFAULT_QOS]) == (True, False)
    assert request([]) == (False, False)


def test_patterns_match_whole_names():
    assert matches("/camera/color", ["/camera/.*"])
    assert matches("/anything", ["*"])
    assert not matches("/camera/color", ["/camera"])
    assert not matches("/camera", [""])
    with pytest.raises(InputError, match="not a regular expression"):
        matches("/a", ["("])
