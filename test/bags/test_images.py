import cv2
import numpy as np
import pytest

from lbp_rehab.bags.images import Transport, decode, split_topic
from lbp_rehab.errors import InputError

RNG = np.random.default_rng(3)
DEPTH = RNG.integers(0, 65536, (48, 64), dtype=np.uint16)
SMOOTH = np.add.outer(np.arange(48), np.arange(64))
COLOUR = np.stack([SMOOTH, 2 * SMOOTH, 255 - SMOOTH], axis=-1).astype(np.uint8)


def packed(extension: str, pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(extension, pixels)
    assert done
    return data.tobytes()


def test_depth_is_decoded_exactly():
    data = bytes(12) + packed(".png", DEPTH)
    image = decode(Transport.COMPRESSED_DEPTH, "16UC1; compressedDepth png", data)
    assert image.encoding == "16UC1"
    np.testing.assert_array_equal(image.pixels, DEPTH)


def test_depth_in_a_plain_png_is_decoded_exactly():
    image = decode(Transport.COMPRESSED, "16UC1; png compressed ", packed(".png", DEPTH))
    assert image.encoding == "16UC1"
    np.testing.assert_array_equal(image.pixels, DEPTH)


def test_png_colour_is_decoded_exactly_as_rgb():
    data = packed(".png", cv2.cvtColor(COLOUR, cv2.COLOR_RGB2BGR))
    image = decode(Transport.COMPRESSED, "rgb8; png compressed bgr8", data)
    assert image.encoding == "rgb8"
    np.testing.assert_array_equal(image.pixels, COLOUR)


def test_jpeg_colour_keeps_its_channels():
    data = packed(".jpg", cv2.cvtColor(COLOUR, cv2.COLOR_RGB2BGR))
    image = decode(Transport.COMPRESSED, "rgb8; jpeg compressed bgr8", data)
    assert np.abs(image.pixels.astype(int) - COLOUR).mean() < 3.0


def test_grey_becomes_rgb():
    grey = COLOUR[..., 0]
    for extension, tolerance in ((".png", 0), (".jpg", 6)):
        image = decode(Transport.COMPRESSED, f"mono8; {extension}", packed(extension, grey))
        assert image.pixels.shape == (48, 64, 3)
        assert np.abs(image.pixels.astype(int) - grey[..., None]).max() <= tolerance


@pytest.mark.parametrize(
    ("transport", "description", "data"),
    [
        (Transport.COMPRESSED, "jpeg", b""),
        (Transport.COMPRESSED, "jpeg", b"\xff\xd8\xff" + bytes(50)),
        (Transport.COMPRESSED_DEPTH, "32FC1; compressedDepth", bytes(100)),
        (Transport.COMPRESSED_DEPTH, "16UC1; compressedDepth rvl", bytes(100)),
        (Transport.COMPRESSED_DEPTH, "16UC1; compressedDepth png", bytes(5)),
        (Transport.COMPRESSED_DEPTH, "16UC1", bytes(12) + packed(".png", COLOUR)),
        (Transport.COMPRESSED_DEPTH, "16UC1", bytes(12) + packed(".png", DEPTH)[:40]),
    ],
)
def test_other_and_damaged_images_are_refused_in_one_sentence(transport, description, data):
    with pytest.raises(InputError):
        decode(transport, description, data)


def test_base_topics():
    assert split_topic("/camera/color/image_raw/compressed") == (
        "/camera/color/image_raw",
        Transport.COMPRESSED,
    )
    assert split_topic("/d/compressedDepth") == ("/d", Transport.COMPRESSED_DEPTH)
    assert split_topic("/compressed") is None
    assert split_topic("/camera/image_raw") is None
