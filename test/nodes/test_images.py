import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.images import to_frame, to_images

RNG = np.random.default_rng(0)
CAMERA = Intrinsics(64, 48, 60.0, 61.0, 31.5, 23.5)


def frame():
    color = RNG.integers(0, 255, (48, 64, 3), np.uint8)
    depth = RNG.integers(0, 5000, (48, 64)).astype(np.uint16)
    return RgbdFrame(123_456_789, "camera", color, depth, CAMERA)


def test_a_frame_survives_the_messages():
    before = frame()
    after = to_frame(*to_images(before))
    np.testing.assert_array_equal(after.color, before.color)
    np.testing.assert_array_equal(after.depth, before.depth)
    assert (after.stamp_ns, after.frame_id) == (before.stamp_ns, before.frame_id)
    assert (after.intrinsics.fx, after.intrinsics.cy) == (60.0, 23.5)


def test_bgr_and_padded_rows_are_read():
    before = frame()
    color, depth, info = to_images(before)
    padded = np.zeros((48, 200), np.uint8)
    padded[:, :192] = before.color[:, :, ::-1].reshape(48, 192)
    color = Image(height=48, width=64, encoding="bgr8", step=200, data=padded.tobytes())
    np.testing.assert_array_equal(to_frame(color, depth, info).color, before.color)


def test_depth_in_metres_is_turned_into_millimetres():
    color, _, info = to_images(frame())
    metres = np.full((48, 64), 1.234, np.float32)
    metres[0, 0] = np.nan
    depth = Image(height=48, width=64, encoding="32FC1", step=256, data=metres.tobytes())
    found = to_frame(color, depth, info).depth
    assert found[0, 0] == 0
    assert found[1, 1] == 1234


def wrong_size(color, depth, info):
    depth.width, depth.height, depth.step = 32, 24, 64
    depth.data = depth.data[: 24 * 64]


def wrong_encoding(color, depth, info):
    depth.encoding = "rgb8"


def wrong_color(color, depth, info):
    color.encoding = "yuv422"


def short_data(color, depth, info):
    color.data = color.data[:100]


def wrong_info(color, depth, info):
    info.width = 65


def no_focal_length(color, depth, info):
    info.k = np.zeros(9)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (wrong_size, "32x24"),
        (wrong_encoding, "rgb8"),
        (wrong_color, "yuv422"),
        (short_data, "bytes"),
        (wrong_info, "camera_info says 65x48"),
        (no_focal_length, "calibrate"),
    ],
)
def test_a_bad_image_is_refused_in_one_sentence(damage, says):
    color, depth, info = to_images(frame())
    damage(color, depth, info)
    with pytest.raises(InputError, match=says):
        to_frame(color, depth, info)


def test_an_empty_camera_info_is_refused():
    color, depth, _ = to_images(frame())
    with pytest.raises(InputError, match="focal length"):
        to_frame(color, depth, CameraInfo(width=64, height=48))
