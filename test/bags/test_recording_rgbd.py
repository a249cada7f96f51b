"""A recording of a real RGB-D camera, compressed and back."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.images import Transport, decode

DATA = Path("../shared/data/realsense_rgbd")
SECOND = 1_000_000_000
TYPE = "sensor_msgs/msg/CompressedImage"
TOPICS = {
    Transport.COMPRESSED: "/color/compressed",
    Transport.COMPRESSED_DEPTH: "/depth/compressedDepth",
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the RealSense frames are not here")
def test_real_frames_come_back_exactly(recording):
    colours, depths = (sorted((DATA / kind).glob("*.png")) for kind in ("color", "depth"))
    bag = recording()
    for topic in TOPICS.values():
        bag.topic(topic, TYPE)
    for index, (colour, depth) in enumerate(zip(colours, depths, strict=True)):
        for transport, form, data in (
            (Transport.COMPRESSED, "bgr8; png compressed bgr8", colour.read_bytes()),
            (
                Transport.COMPRESSED_DEPTH,
                "16UC1; compressedDepth png",
                bytes(12) + depth.read_bytes(),
            ),
        ):
            message = CompressedImage(format=form, data=data)
            bag.write(TOPICS[transport], index * SECOND // 10, serialize_message(message))
    bag.writer.close()

    with BagReader(bag.folder) as reader:
        assert set(reader.counts.values()) == {len(colours)}
        for transport, files, code in (
            (Transport.COMPRESSED, colours, cv2.COLOR_BGR2RGB),
            (Transport.COMPRESSED_DEPTH, depths, None),
        ):
            for file, found in zip(files, reader.messages({TOPICS[transport]}), strict=True):
                message = deserialize_message(found.data, CompressedImage)
                image = decode(transport, message.format, bytes(message.data))
                truth = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
                truth = truth if code is None else cv2.cvtColor(truth, code)
                np.testing.assert_array_equal(image.pixels, truth)
