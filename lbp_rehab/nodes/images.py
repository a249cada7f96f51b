"""Between image messages and the cores' frames, checked at the door."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from lbp_rehab.bags.images import Transport, decode
from lbp_rehab.camera.types import Intrinsics, RgbdFrame, to_millimetres
from lbp_rehab.compat import CvBridge, CvBridgeError
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.convert import to_ns, to_stamp

DEPTH_ENCODINGS = ("16UC1", "mono16", "32FC1")
_bridge = CvBridge()


def to_images(frame: RgbdFrame) -> tuple[Image, Image | None, CameraInfo]:
    """Return the messages of a frame: colour rgb8, depth 16UC1 in millimetres, camera info."""
    header = Header(stamp=to_stamp(frame.stamp_ns), frame_id=frame.frame_id)
    color = _bridge.cv2_to_imgmsg(frame.color, "rgb8", header)
    depth = None
    if frame.depth is not None:
        depth = _bridge.cv2_to_imgmsg(frame.depth, "16UC1", header)
    k = frame.intrinsics
    info = CameraInfo(
        header=header,
        width=k.width,
        height=k.height,
        distortion_model="plumb_bob",
        d=list(k.distortion) or [0.0] * 5,
        k=[k.fx, 0.0, k.cx, 0.0, k.fy, k.cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[k.fx, 0.0, k.cx, 0.0, 0.0, k.fy, k.cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
    return color, depth, info


def to_intrinsics(info: CameraInfo) -> Intrinsics:
    """Return the pinhole model of a camera info; raises InputError if it holds none."""
    fx, _, cx, _, fy, cy = (float(v) for v in info.k[:6])
    if not (np.isfinite([fx, fy, cx, cy]).all() and fx > 0 and fy > 0):
        raise InputError("camera_info holds no focal length; calibrate the camera")
    return Intrinsics(info.width, info.height, fx, fy, cx, cy, tuple(map(float, info.d)))


def to_frame(color: Image, depth: Image | None, info: CameraInfo) -> RgbdFrame:
    """Return the frame of a colour image, its depth (or None) and the camera info.

    Raises
    ------
    InputError
        If an encoding is not supported, or the sizes of the three differ.
    """
    intrinsics = to_intrinsics(info)
    image = to_rgb(color)
    if (intrinsics.width, intrinsics.height) != (color.width, color.height):
        raise InputError(
            f"the colour image is {color.width}x{color.height} but camera_info says "
            f"{intrinsics.width}x{intrinsics.height}"
        )
    millimetres = None if depth is None else to_depth(depth, intrinsics)
    return RgbdFrame(
        to_ns(color.header.stamp), color.header.frame_id, image, millimetres, intrinsics
    )


def to_depth(message: Image, intrinsics: Intrinsics) -> NDArray[np.uint16]:
    """Return a depth image in millimetres, shape (h, w).

    Raises
    ------
    InputError
        If the encoding is not supported, or the size is not that of the colour camera.
    """
    if message.encoding not in DEPTH_ENCODINGS:
        raise InputError(
            f"depth has encoding '{message.encoding}'; it must be one of "
            f"{', '.join(DEPTH_ENCODINGS)}"
        )
    if (message.width, message.height) != (intrinsics.width, intrinsics.height):
        raise InputError(
            f"depth is {message.width}x{message.height} but colour is {intrinsics.width}x"
            f"{intrinsics.height}; use depth aligned to colour"
        )
    image = _array(message, "passthrough")
    return to_millimetres(image) if image.dtype.kind == "f" else image


def to_rgb(message: Image) -> NDArray[np.uint8]:
    """Return a colour or grey image as RGB, shape (h, w, 3); InputError if it cannot be read."""
    return np.asarray(_array(message, "rgb8"), np.uint8)


def _array(message: Image, encoding: str) -> NDArray:
    try:
        return _bridge.imgmsg_to_cv2(message, encoding)
    except CvBridgeError as error:
        raise InputError(f"an image cannot be read: {error}") from None


def raw_image(transport: Transport, data: bytes) -> Image:
    """Return the raw image of a serialised compressed one, its header untouched.

    Raises
    ------
    InputError
        If it cannot be decoded.
    """
    packed: CompressedImage = deserialize_message(data, CompressedImage)
    image = decode(transport, packed.format, bytes(packed.data))
    height, width = image.pixels.shape[:2]
    return Image(
        header=packed.header,
        height=height,
        width=width,
        encoding=image.encoding,
        is_bigendian=int(sys.byteorder == "big"),
        step=image.pixels.strides[0],
        data=image.pixels.tobytes(),
    )
