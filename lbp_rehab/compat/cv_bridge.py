"""Stand-in for cv_bridge: Image messages to numpy arrays and back, without its C++ part."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

# encoding: (numpy type, channels)
ENCODINGS: dict[str, tuple[str, int]] = {
    "rgb8": ("u1", 3), "bgr8": ("u1", 3), "rgba8": ("u1", 4), "bgra8": ("u1", 4),
    "mono8": ("u1", 1), "mono16": ("u2", 1),
    "8UC1": ("u1", 1), "8UC3": ("u1", 3), "16UC1": ("u2", 1), "32FC1": ("f4", 1),
}  # fmt: skip
CONVERSIONS = {
    ("rgb8", "bgr8"): cv2.COLOR_RGB2BGR, ("bgr8", "rgb8"): cv2.COLOR_BGR2RGB,
    ("rgba8", "rgb8"): cv2.COLOR_RGBA2RGB, ("bgra8", "rgb8"): cv2.COLOR_BGRA2RGB,
    ("rgba8", "bgr8"): cv2.COLOR_RGBA2BGR, ("bgra8", "bgr8"): cv2.COLOR_BGRA2BGR,
    ("mono8", "rgb8"): cv2.COLOR_GRAY2RGB, ("mono8", "bgr8"): cv2.COLOR_GRAY2BGR,
    ("rgb8", "mono8"): cv2.COLOR_RGB2GRAY, ("bgr8", "mono8"): cv2.COLOR_BGR2GRAY,
}  # fmt: skip


class CvBridgeError(TypeError):
    """The image cannot be converted."""


class CvBridge:
    """Converts as cv_bridge does; an image that needs no conversion is a view of the message."""

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> NDArray[Any]:
        """Return the image as an array, shape (h, w) or (h, w, channels)."""
        encoding = img_msg.encoding
        if encoding not in ENCODINGS:
            raise CvBridgeError(f"encoding '{encoding}' is not supported")
        kind, channels = ENCODINGS[encoding]
        dtype = np.dtype(kind).newbyteorder(">" if img_msg.is_bigendian else "<")
        height, width, step = img_msg.height, img_msg.width, img_msg.step
        row = width * channels * dtype.itemsize
        if step < row or len(img_msg.data) < height * step:
            raise CvBridgeError(
                f"{width}x{height} {encoding} needs {height * row} bytes, the message has "
                f"{len(img_msg.data)} with {step} a row"
            )
        rows = np.frombuffer(img_msg.data, np.uint8, height * step).reshape(height, step)
        image = rows[:, :row].view(dtype).reshape(height, width, channels)
        image = image[:, :, 0] if channels == 1 else image
        if desired_encoding in ("passthrough", encoding):
            return image
        if ENCODINGS.get(desired_encoding) == ENCODINGS[encoding] and channels == 1:
            return image
        if (encoding, desired_encoding) not in CONVERSIONS:
            raise CvBridgeError(f"encoding '{encoding}' cannot be turned into '{desired_encoding}'")
        return cv2.cvtColor(image, CONVERSIONS[encoding, desired_encoding])

    def cv2_to_imgmsg(
        self, cvim: NDArray[Any], encoding: str = "passthrough", header: Header | None = None
    ) -> Image:
        """Return the message of an array."""
        channels = cvim.shape[2] if cvim.ndim == 3 else 1
        if encoding == "passthrough":
            names = {"uint8": "8UC", "uint16": "16UC", "float32": "32FC"}
            encoding = f"{names.get(cvim.dtype.name, cvim.dtype.name)}{channels}"
        if ENCODINGS.get(encoding) != (cvim.dtype.str[1:], channels):
            raise CvBridgeError(
                f"an array of {cvim.dtype} with {channels} channels is not '{encoding}'"
            )
        message = Image(height=cvim.shape[0], width=cvim.shape[1], encoding=encoding)
        if header is not None:
            message.header = header
        message.step = cvim.shape[1] * channels * cvim.dtype.itemsize
        message.data = cvim.tobytes()  # bytes are taken over at once; an array would be walked
        return message
