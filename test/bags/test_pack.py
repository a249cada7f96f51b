import errno

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from lbp_rehab.bags import BagReader, Topic
from lbp_rehab.bags.images import Transport, decode
from lbp_rehab.bags.pack import ImageFormat, Packing, PackingWriter
from lbp_rehab.errors import InputError

SECOND = 1_000_000_000
IMAGE = "sensor_msgs/msg/Image"
RNG = np.random.default_rng(5)


def image(pixels, encoding, **fields):
    message = Image(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        step=pixels.strides[0],
        data=pixels.tobytes(),
        **fields,
    )
    message.header.stamp.sec, message.header.frame_id = 7, "camera"
    return serialize_message(message)


def smooth(channels):
    ramp = np.linspace(0, 200, 64)[None, :, None] + np.linspace(0, 50, 48)[:, None, None]
    return np.repeat(ramp, channels, axis=2).astype(np.uint8)


def written(folder, packing, messages):
    with PackingWriter(folder, packing) as writer:
        for topic, kind in {"/c": IMAGE, "/d": IMAGE, "/s": "std_msgs/msg/String"}.items():
            writer.add_topic(Topic(topic, kind))
        for index, (topic, data) in enumerate(messages):
            writer.write(topic, data, index * SECOND, index * SECOND + 1)
    with BagReader(folder) as bag:
        assert bag.warnings == []
        return bag.topics, list(bag.messages())


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8"])
@pytest.mark.parametrize("form", list(ImageFormat))
def test_colour_is_packed_as_image_transport_does(tmp_path, encoding, form):
    pixels = smooth(1 if encoding == "mono8" else 3)
    if encoding != "mono8":
        pixels[..., 0] //= 2
    topics, (found,) = written(tmp_path / "b", Packing(form), [("/c", image(pixels, encoding))])
    assert (found.topic, found.type) == ("/c/compressed", "sensor_msgs/msg/CompressedImage")
    assert topics["/c/compressed"].definition.startswith("# This message contains a compressed")
    assert (found.log_time_ns, found.publish_time_ns) == (0, 1)
    message = deserialize_message(found.data, CompressedImage)
    assert message.format.startswith(f"{encoding}; {form.value} compressed")
    assert (message.header.stamp.sec, message.header.frame_id) == (7, "camera")
    shown = decode(Transport.COMPRESSED, message.format, bytes(message.data)).pixels
    expected = pixels[..., ::-1] if encoding == "bgr8" else np.broadcast_to(pixels, (48, 64, 3))
    limit = 0 if form == ImageFormat.PNG else 6
    assert np.abs(shown.astype(int) - expected).max() <= limit


def test_depth_is_packed_exactly(tmp_path):
    depth = RNG.integers(0, 65536, (48, 64, 1), dtype=np.uint16)
    _, (found,) = written(tmp_path / "b", Packing(), [("/d", image(depth, "16UC1"))])
    assert found.topic == "/d/compressedDepth"
    message = deserialize_message(found.data, CompressedImage)
    shown = decode(Transport.COMPRESSED_DEPTH, message.format, bytes(message.data))
    np.testing.assert_array_equal(shown.pixels, depth[..., 0])
    assert shown.encoding == "16UC1"


def test_what_cannot_be_packed_stays_as_it_is_and_nothing_is_lost(tmp_path):
    metres = image(RNG.normal(size=(4, 5, 1)).astype(np.float32), "32FC1")
    short = image(smooth(3), "rgb8")[:-5000]
    broken = b"\x00\x01\x00\x00"
    turned = image(np.zeros((4, 5, 1), np.uint16), "16UC1", is_bigendian=1)
    text = serialize_message(String(data="text"))
    messages = [("/d", metres), ("/c", short), ("/c", broken), ("/d", turned), ("/s", text)]
    _, found = written(tmp_path / "b", Packing(), messages)
    assert [(m.topic, m.data) for m in found] == messages


def test_a_topic_that_is_recorded_packed_itself_stays_raw(tmp_path):
    raw = image(smooth(3), "rgb8")
    with PackingWriter(tmp_path / "b", Packing()) as writer:
        writer.add_topic(Topic("/c", IMAGE))
        writer.add_topic(Topic("/c/compressed", "sensor_msgs/msg/CompressedImage"))
        writer.write("/c", raw, 0)
        writer.write("/c/compressed", b"\x00\x01\x00\x00", 1)
        assert writer.counts == {"/c": 1, "/c/compressed": 1}


def test_topics_without_images_are_in_the_bag_too(tmp_path):
    topics, _ = written(tmp_path / "b", Packing(), [("/c", image(smooth(3), "rgb8"))])
    assert set(topics) == {"/c/compressed", "/d", "/s"}


def test_an_image_that_a_full_disk_refuses_is_counted(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = PackingWriter(tmp_path / "b", Packing())
    writer.add_topic(Topic("/d", IMAGE))
    monkeypatch.setattr("lbp_rehab.bags.write._File.add_topic", full)
    with pytest.raises(InputError, match="the disk is full"):
        writer.write("/d", image(np.zeros((4, 5, 1), np.uint16), "16UC1"), 0)
    assert writer.lost == {"/d/compressedDepth": 1}
    assert writer.counts.total() == 0
