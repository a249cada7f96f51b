"""A node that works ahead in a process of its own, and messages that nodes share."""

import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage

from lbp_rehab.bags import BagReader, BagWriter
from lbp_rehab.bags.play import Selection, select
from lbp_rehab.errors import InputError
from lbp_rehab.graph import SessionOptions
from lbp_rehab.paths import resource_dir
from lbp_rehab.replay import nodes as replayed_nodes
from lbp_rehab.replay.canonical import canonical
from lbp_rehab.replay.lockstep import replay
from lbp_rehab.replay.session import parts

SAMPLE = resource_dir() / "sample" / "glute_bridge"
COLOUR = "/camera/color/image_raw/compressed"
BEGINNING = Selection(end_s=1.5)


def played(bag, ahead=False, **options):
    sent = []
    with BagReader(bag) as reader:
        topics = {output.name for output in select(reader.topics, Selection())}
        chosen = parts(topics, SessionOptions(exercise="glute_bridge", **options), bag)
        result = replay(reader, chosen, sent.append, BEGINNING, ahead=ahead)
    return result, sent


def test_everything_is_sent_in_the_same_order_whether_a_node_works_ahead_or_not():
    result, sent = played(SAMPLE)
    ahead, sent_ahead = played(SAMPLE, ahead=True)
    assert result.sent["/body/pose"] > 5
    assert sent == sent_ahead
    assert ahead == result


def test_what_the_node_ahead_refuses_is_told():
    with pytest.raises(InputError, match="gravity"):
        played(SAMPLE, ahead=True, gravity="sideways")


def test_an_image_that_cannot_be_decoded_is_told_by_the_node_ahead(tmp_path):
    torn = CompressedImage(format="rgb8; jpeg compressed bgr8", data=b"no image")
    with BagReader(SAMPLE) as reader, BagWriter(tmp_path / "bag") as writer:
        for topic in reader.topics.values():
            writer.add_topic(topic)
        for k, message in enumerate(reader.messages(end_ns=reader.start_ns + 400_000_000)):
            damaged = message.topic == COLOUR and k % 2
            data = bytes(serialize_message(torn)) if damaged else message.data
            writer.write(message.topic, data, message.log_time_ns)
    result, _ = played(tmp_path / "bag")
    ahead, _ = played(tmp_path / "bag", ahead=True)
    assert any(COLOUR in warning for warning in result.warnings)
    assert ahead == result


def test_our_nodes_leave_the_messages_that_they_share_as_they_came(monkeypatch):
    shared = []
    read = replayed_nodes.deserialize_message

    def noted(data, kind):
        message = read(data, kind)
        shared.append((data, kind, message))
        return message

    monkeypatch.setattr(replayed_nodes, "deserialize_message", noted)
    played(SAMPLE)
    assert len(shared) > 100
    for data, kind, message in shared:
        name = replayed_nodes.type_name(kind)
        if "/msg/" in name:
            assert canonical(name, bytes(serialize_message(message))) == canonical(name, data)
