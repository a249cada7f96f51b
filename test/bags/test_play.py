import pytest
from rosbags.interfaces import QosDurability, QosReliability

from lbp_rehab.bags import Topic
from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport
from lbp_rehab.bags.play import Selection, select
from lbp_rehab.bags.qos import DEFAULT_QOS, offer, request
from lbp_rehab.bags.topics import matches
from lbp_rehab.errors import InputError

STRING = "std_msgs/msg/String"
BEST_EFFORT = DEFAULT_QOS._replace(reliability=QosReliability.BEST_EFFORT)
LATCHED = DEFAULT_QOS._replace(durability=QosDurability.TRANSIENT_LOCAL)


def test_a_recorded_clock_is_not_played_beside_our_own():
    topics = {name: Topic(name, STRING) for name in ("/clock", "/a")}
    assert [o.name for o in select(topics, Selection(clock=True))] == ["/a"]
    assert [o.name for o in select(topics, Selection())] == ["/clock", "/a"]


def test_topics_and_exclusions():
    topics = {name: Topic(name, STRING) for name in ("/a", "/b", "/truth/pose")}

    def names(**chosen):
        return [o.name for o in select(topics, Selection(**chosen))]

    assert names(topics=("/a",)) == ["/a"]
    assert names(exclude=("/[a]", "/truth/.*")) == ["/b"]
    with pytest.raises(InputError, match="no topic of the bag is selected"):
        names(topics=("/c",))


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
