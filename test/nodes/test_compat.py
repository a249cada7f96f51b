from types import SimpleNamespace

import numpy as np
import pytest

from lbp_rehab.compat.cv_bridge import CvBridge, CvBridgeError
from lbp_rehab.compat.message_filters import ApproximateTimeSynchronizer, SimpleFilter


def message(ms, name=""):
    seconds, rest = divmod(round(ms * 1e6), 1_000_000_000)
    stamp = SimpleNamespace(sec=seconds, nanosec=rest)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), name=name, ms=ms)


@pytest.fixture
def synchroniser():
    a, b = SimpleFilter(), SimpleFilter()
    both = ApproximateTimeSynchronizer([a, b], 5, 0.010)
    groups = []
    both.registerCallback(lambda x, y: groups.append((x.ms, y.ms)))
    return a.signalMessage, b.signalMessage, groups


def test_pairs_within_the_slop_are_grouped_whichever_comes_first(synchroniser):
    a, b, groups = synchroniser
    a(message(0))
    b(message(4))
    b(message(38))
    a(message(33))
    assert groups == [(0, 4), (33, 38)]


def test_a_message_without_partner_is_passed_over(synchroniser):
    a, b, groups = synchroniser
    a(message(0))
    a(message(33))
    b(message(34))
    b(message(1))
    assert groups == [(33, 34)]


def test_old_messages_are_forgotten_beyond_the_queue(synchroniser):
    a, b, groups = synchroniser
    for k in range(6):
        a(message(33 * k))
    b(message(0))
    b(message(33))
    assert groups == [(33, 33)]


def test_thirty_pairs_with_jitter_all_arrive(synchroniser):
    a, b, groups = synchroniser
    rng = np.random.default_rng(0)
    for k in range(30):
        a(message(33.3 * k + rng.uniform(0, 4)))
        b(message(33.3 * k + rng.uniform(0, 4)))
    assert len(groups) == 30


@pytest.mark.parametrize(
    ("encoding", "dtype", "channels"),
    [("rgb8", np.uint8, 3), ("mono8", np.uint8, 1), ("16UC1", np.uint16, 1),
     ("32FC1", np.float32, 1)],
)  # fmt: skip
def test_images_survive_the_bridge(encoding, dtype, channels):
    shape = (6, 8, 3) if channels == 3 else (6, 8)
    image = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    bridge = CvBridge()
    found = bridge.imgmsg_to_cv2(bridge.cv2_to_imgmsg(image, encoding))
    np.testing.assert_array_equal(found, image)


def test_big_endian_images_are_read():
    bridge = CvBridge()
    image = np.arange(48, dtype=np.uint16).reshape(6, 8)
    swapped = bridge.cv2_to_imgmsg(image, "16UC1")
    swapped.data = image.byteswap().tobytes()
    swapped.is_bigendian = 1
    np.testing.assert_array_equal(bridge.imgmsg_to_cv2(swapped), image)


def test_colours_are_swapped_on_request():
    bridge = CvBridge()
    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 0] = 200
    found = bridge.imgmsg_to_cv2(bridge.cv2_to_imgmsg(image, "rgb8"), "bgr8")
    assert found[0, 0].tolist() == [0, 0, 200]


def test_an_array_of_another_type_is_refused():
    with pytest.raises(CvBridgeError):
        CvBridge().cv2_to_imgmsg(np.zeros((2, 2), np.float64), "16UC1")
