"""Zeros between the fields: what a message says stays, what the memory held does not."""

import random

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterEvent, ParameterValue
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab import msg
from lbp_rehab.replay.canonical import canonical
from lbp_rehab.replay.nodes import type_name


def some_messages():
    yield ParameterEvent(
        node="/a", new_parameters=[
            ParameterMessage(name=n, value=ParameterValue(type=1, double_array_value=[1.0] * k))
            for k, n in enumerate(("a", "bb", "ccc", "dddd", "eeeee"))
        ],
    )  # fmt: skip
    yield DiagnosticArray(
        header=Header(frame_id="x"),
        status=[
            DiagnosticStatus(level=b"\1", name="n" * k, values=[KeyValue(key="k" * k)])
            for k in range(9)
        ],
    )
    yield CameraInfo(header=Header(frame_id="cam"), distortion_model="plumb_bob", d=[0.1] * 5)
    yield Image(header=Header(frame_id="cam"), encoding="rgb8", data=bytes(range(7)))
    yield MarkerArray(markers=[Marker(ns="m" * k, text="t" * (k % 3)) for k in range(5)])
    yield msg.BodyPose(
        header=Header(frame_id="c"),
        keypoints=[msg.Keypoint(name="k" * (k % 5)) for k in range(33)],
    )
    yield msg.QualityLive(exercise="e")
    yield msg.EmgRaw(person_id="p")


@pytest.mark.parametrize("message", list(some_messages()), ids=lambda m: type(m).__name__)
def test_what_memory_held_between_the_fields_is_cleared_and_the_message_stays(message, capfd):
    kind = type(message)
    name, data = type_name(kind), serialize_message(message)
    clean = canonical(name, data)
    assert deserialize_message(clean, kind) == message
    assert len(clean) <= len(data)
    assert canonical(name, clean) == clean
    # Every byte of which the message does not depend is a gap, and is zero.
    rng = random.Random(0)
    for place in rng.sample(range(4, len(clean)), min(len(clean) - 4, 400)):
        dirty = bytearray(clean)
        dirty[place] ^= 0x55
        try:
            meaningless = deserialize_message(bytes(dirty), kind) == message
        except Exception:  # a length that is none
            continue
        if meaningless and not capfd.readouterr().err:  # where rclpy gives up it does not raise
            assert canonical(name, bytes(dirty)) == clean, place


def test_a_type_that_is_not_installed_is_left_alone():
    assert canonical("nobody/msg/Knows", b"\0\1\0\0abc") == b"\0\1\0\0abc"
