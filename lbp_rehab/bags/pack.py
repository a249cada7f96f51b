"""Write raw images as compressed ones, as image_transport's plug-ins name and form them.

Colour and grey become JPEG or PNG on ``TOPIC/compressed``, 16-bit depth PNG on
``TOPIC/compressedDepth``, exact. Images of other encodings, and damaged ones, stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.typesys import Stores, get_typestore

from lbp_rehab.bags import definitions
from lbp_rehab.bags.images import COMPRESSED_TYPE, DEPTH_HEADER_BYTES, Transport, raw_pixels
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.write import DEFAULT_FLUSH_PERIOD_S, NEVER, BagWriter, Compression, Split
from lbp_rehab.errors import InputError

IMAGE_TYPE = "sensor_msgs/msg/Image"
DEFAULT_JPEG_QUALITY = 95  # compressed_image_transport's
_FAST_PNG = 1  # of 9; the higher ones save little of images with noise
_COLOR = {"rgb8": 3, "bgr8": 3, "mono8": 1}
_DEPTH = "16UC1"


class ImageFormat(Enum):
    """How colour images are packed."""

    JPEG = "jpeg"
    PNG = "png"


@dataclass(frozen=True)
class Packing:
    """How images are packed; the quality, 1 to 100, is JPEG's."""

    format: ImageFormat = ImageFormat.JPEG
    jpeg_quality: int = DEFAULT_JPEG_QUALITY


class PackingWriter(BagWriter):
    """A `BagWriter` that packs raw images.

    A topic that is recorded in both forms stays raw, so that nothing comes twice.

    Parameters
    ----------
    packing : Packing
    folder, compression, flush_period_s, split
        Of `BagWriter`.
    """

    def __init__(
        self,
        folder: Path,
        packing: Packing,
        compression: Compression = Compression.NONE,
        flush_period_s: float = DEFAULT_FLUSH_PERIOD_S,
        split: Split = NEVER,
    ) -> None:
        super().__init__(folder, compression, flush_period_s, split)
        self._packing = packing
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._given: dict[str, Topic] = {}
        self._compressed = definitions.topic("", COMPRESSED_TYPE)

    def add_topic(self, topic: Topic) -> None:
        """Make a topic known; one of images enters the bag with its first image."""
        self._given.setdefault(topic.name, topic)
        if topic.type != IMAGE_TYPE:
            super().add_topic(topic)

    def write(
        self, topic: str, data: bytes, log_time_ns: int, publish_time_ns: int | None = None
    ) -> None:
        """Append one message, an image packed where that is possible."""
        given = self._given[topic]
        if given.type == IMAGE_TYPE:
            packed = self._packed(topic, data)
            target = given
            if packed is not None:
                topic, data = packed
                target = replace(self._compressed, name=topic, qos=given.qos)
            try:
                super().add_topic(target)
            except InputError:
                self.lost[topic] += 1
                raise
        super().write(topic, data, log_time_ns, publish_time_ns)

    def close(self) -> None:
        """Finish the bag; topics without an image enter it as they are."""
        if not self._closed:
            for topic in self._given.values():
                names = {topic.name, *(f"{topic.name}/{t.value}" for t in Transport)}
                if names.isdisjoint(self.topics):
                    super().add_topic(topic)
        super().close()

    def _packed(self, topic: str, data: bytes) -> tuple[str, bytes] | None:
        """Return the packed message and its topic; None if it is to stay raw."""
        try:
            image: Any = self._store.deserialize_cdr(data, IMAGE_TYPE)
            transport, form, content = _encode(image, topic, self._packing)
        except Exception:  # damaged bytes cause errors of any kind in the parser
            return None
        name = f"{topic}/{transport.value}"
        if name in self._given:
            return None
        message = self._store.types[COMPRESSED_TYPE](
            header=image.header, format=form, data=np.frombuffer(content, np.uint8)
        )
        return name, bytes(self._store.serialize_cdr(message, COMPRESSED_TYPE))


def _encode(image: Any, topic: str, packing: Packing) -> tuple[Transport, str, bytes]:
    """Return transport, format and data of a ``sensor_msgs/CompressedImage``.

    Raises
    ------
    InputError
        If the image is damaged, or of an encoding that is not packed.
    """
    if image.encoding == _DEPTH and not image.is_bigendian:
        depth = raw_pixels(image, topic, "<u2", 1)
        png = _written(".png", depth, [cv2.IMWRITE_PNG_COMPRESSION, _FAST_PNG])
        form = f"{_DEPTH}; compressedDepth png"
        return Transport.COMPRESSED_DEPTH, form, bytes(DEPTH_HEADER_BYTES) + png
    if image.encoding not in _COLOR:
        raise InputError(f"{topic}: images of encoding '{image.encoding}' are not packed")
    pixels = raw_pixels(image, topic, "u1", _COLOR[image.encoding])
    if image.encoding == "rgb8":
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    options = {
        ImageFormat.JPEG: [cv2.IMWRITE_JPEG_QUALITY, packing.jpeg_quality],
        ImageFormat.PNG: [cv2.IMWRITE_PNG_COMPRESSION, _FAST_PNG],
    }
    kind = packing.format.value
    content = _written(f".{kind}", pixels, options[packing.format])
    color = "" if image.encoding == "mono8" else "bgr8"
    return Transport.COMPRESSED, f"{image.encoding}; {kind} compressed {color}", content


def _written(suffix: str, pixels: Any, options: list[int]) -> bytes:
    done, content = cv2.imencode(suffix, pixels, options)
    if not done:
        raise InputError("an image could not be packed")
    return content.tobytes()
