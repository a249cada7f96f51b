"""Raw images from the compressed ones that image_transport's plug-ins publish.

Formats: compressed_image_transport and compressed_depth_image_transport, whose depth images carry a
12-byte header (an enum and two parameters, 4 bytes each) before the PNG.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError

COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
DEPTH_HEADER_BYTES = 12
_PNG_MAGIC = b"\x89PNG"


class Transport(Enum):
    """The last part of a compressed topic's name."""

    COMPRESSED = "compressed"
    COMPRESSED_DEPTH = "compressedDepth"


@dataclass(frozen=True)
class RawImage:
    """A decoded image.

    Attributes
    ----------
    pixels : ndarray of shape (height, width, 3) uint8, or (height, width) uint16
    encoding : str
        ``rgb8`` or ``16UC1``, as in ``sensor_msgs/Image``.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    encoding: str


def split_topic(topic: str) -> tuple[str, Transport] | None:
    """Return the base topic and the transport of a compressed topic's name; None for others."""
    base, _, last = topic.rpartition("/")
    for transport in Transport:
        if base and last == transport.value:
            return base, transport
    return None


def decode(transport: Transport, description: str, data: bytes) -> RawImage:
    """Decode the data of a ``sensor_msgs/CompressedImage``.

    Parameters
    ----------
    transport : Transport
    description : str
        The message's ``format``, such as ``rgb8; jpeg compressed bgr8``.
    data : bytes

    Returns
    -------
    RawImage
        Colour and grey as rgb8; 16-bit images as 16UC1, exact.

    Raises
    ------
    InputError
        If the data is of another format or damaged.
    """
    depth = transport == Transport.COMPRESSED_DEPTH
    if depth and not description.startswith("16UC1"):
        raise InputError(
            f"depth images of format '{description}' are not decoded, only 16UC1 ones; play with "
            "decompress_images:=false"
        )
    if depth:
        data = data[DEPTH_HEADER_BYTES:]
        if not data.startswith(_PNG_MAGIC):
            raise InputError(
                f"a depth image of format '{description}' holds no PNG; play with "
                "decompress_images:=false"
            )
    pixels = None
    if data:
        flags = cv2.IMREAD_UNCHANGED if data.startswith(_PNG_MAGIC) else cv2.IMREAD_COLOR
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or (depth and (pixels.dtype != np.uint16 or pixels.ndim != 2)):
        raise InputError(
            f"a compressed image of format '{description}' is damaged and cannot be decoded"
        )
    if pixels.dtype == np.uint16 and pixels.ndim == 2:
        return RawImage(np.asarray(pixels, np.uint16), "16UC1")
    if pixels.dtype != np.uint8:
        raise InputError(f"a compressed image of format '{description}' is not an 8-bit one")
    return RawImage(_to_rgb(np.asarray(pixels, np.uint8), description), "rgb8")


def raw_pixels(message: Any, topic: str, dtype: str, channels: int) -> NDArray[Any]:
    """Return the pixels of a ``sensor_msgs/Image``, without the padding of its rows.

    Parameters
    ----------
    message : sensor_msgs/Image
        Of any library.
    topic : str
        For the error's sentence.
    dtype : str
    channels : int

    Returns
    -------
    ndarray, shape (height, width, channels)

    Raises
    ------
    InputError
        If the image is shorter than it says.
    """
    row = message.width * channels * np.dtype(dtype).itemsize
    size = message.step * message.height
    if message.step < row or len(message.data) < size:
        raise InputError(f"{topic}: an image is shorter than it says")
    rows = np.asarray(message.data, np.uint8)[:size].reshape(message.height, message.step)
    rows = np.ascontiguousarray(rows[:, :row])
    return rows.view(dtype).reshape(message.height, message.width, channels)


def _to_rgb(pixels: NDArray[np.uint8], description: str) -> NDArray[np.uint8]:
    """Return RGB of OpenCV's grey, BGR or BGRA."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    codes = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    if channels not in codes:
        raise InputError(f"a compressed image of format '{description}' has {channels} channels")
    return np.asarray(cv2.cvtColor(pixels, codes[channels]), np.uint8)
