"""A recorded bag as a camera: its images, paired by stamp, raw or compressed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport, decode, raw_pixels
from lbp_rehab.camera.sources import Shot, SourceSettings
from lbp_rehab.camera.types import Intrinsics, to_millimetres
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import to_ns

COLOR = "color/image_raw"
DEPTH = "aligned_depth_to_color/image_raw"
INFO = "color/camera_info"
PAIR_NS = 15_000_000  # colour and depth of one instant differ by less
WAIT = 3  # colour images that may wait for their depth


class BagSource:
    """The colour, aligned depth and camera info topics of a bag, whatever their prefix."""

    def __init__(self, path: Path, settings: SourceSettings) -> None:
        self.name = path.name
        self._path, self._loop = path, settings.loop
        self._types = get_typestore(Stores.ROS2_JAZZY)
        with BagReader(path) as bag:
            self._color = _topic(bag, COLOR, Transport.COMPRESSED)
            self._depth = _topic(bag, DEPTH, Transport.COMPRESSED_DEPTH)
            self._info = _topic(bag, INFO, None)
        if self._color is None or self._info is None:
            raise InputError(
                f"the bag '{path}' holds no camera: it lacks a topic that ends in "
                f"{COLOR if self._color is None else INFO}"
            )

    def shots(self) -> Iterator[Shot]:
        """Yield the recorded frames with their recorded distances in time."""
        base_ns = 0
        while True:
            last = 0
            first: int | None = None
            for stamp_ns, shot in self._pass():
                first = stamp_ns if first is None else first
                offset = stamp_ns - first
                period, last = offset - last, offset
                yield Shot(base_ns + offset, shot.color, shot.depth, shot.intrinsics, shot.bad)
            if first is None or not self._loop:
                return
            base_ns += last + max(period, 1)

    def close(self) -> None:
        """Nothing is held open between frames."""

    def _pass(self) -> Iterator[tuple[int, Shot]]:
        camera: Intrinsics | None = None
        waiting: dict[int, NDArray[Any]] = {}
        depths: dict[int, NDArray[Any]] = {}
        topics = [t for t in (self._color, self._depth, self._info) if t]
        with BagReader(self._path) as bag:
            for recorded in bag.messages(topics):
                message: Any = self._types.deserialize_cdr(recorded.data, recorded.type)
                stamp_ns = to_ns(message.header.stamp)
                if recorded.topic == self._info:
                    k = message.k
                    camera = Intrinsics(message.width, message.height, k[0], k[4], k[2], k[5])
                    continue
                try:
                    pixels = _pixels(message, recorded.topic, recorded.type)
                except InputError as error:
                    if camera is not None:
                        blank = np.zeros((camera.height, camera.width, 3), np.uint8)
                        yield stamp_ns, Shot(0, blank, None, camera, str(error))
                    continue
                (depths if recorded.topic == self._depth else waiting)[stamp_ns] = pixels
                if camera is not None:
                    limit = WAIT if self._depth else 0
                    yield from _matched(waiting, depths, camera, limit)
            if camera is not None:
                yield from _matched(waiting, depths, camera, 0)


def _matched(
    waiting: dict[int, NDArray[Any]],
    depths: dict[int, NDArray[Any]],
    camera: Intrinsics,
    limit: int,
) -> Iterator[tuple[int, Shot]]:
    """Yield, in order, the colour images whose depth is there or has been waited for."""
    for stamp_ns in sorted(waiting):
        near = min(depths, key=lambda d: abs(d - stamp_ns), default=None)
        if near is not None and abs(near - stamp_ns) <= PAIR_NS:
            depth = depths.pop(near)
        elif len(waiting) > limit:
            depth = None
        else:
            return
        for old in [d for d in depths if d < stamp_ns - PAIR_NS]:
            del depths[old]
        yield stamp_ns, Shot(0, waiting.pop(stamp_ns), depth, camera)


def _topic(bag: BagReader, ending: str, transport: Transport | None) -> str | None:
    """Return the topic that ends so, raw before compressed; None if there is none."""
    endings = [ending] + ([f"{ending}/{transport.value}"] if transport else [])
    for wanted in endings:
        for topic in sorted(bag.topics):
            if topic.endswith("/" + wanted) and bag.counts.get(topic):
                return topic
    return None


def _pixels(message: Any, topic: str, kind: str) -> NDArray[Any]:
    if kind == COMPRESSED_TYPE:
        transport = Transport(topic.rpartition("/")[2])
        return decode(transport, message.format, bytes(message.data)).pixels
    shapes = {
        "rgb8": ("u1", 3),
        "bgr8": ("u1", 3),
        "16UC1": ("u2", 1),
        "mono16": ("u2", 1),
        "32FC1": ("f4", 1),
    }
    if message.encoding not in shapes:
        raise InputError(f"{topic}: encoding '{message.encoding}' is not supported")
    image = raw_pixels(message, topic, *shapes[message.encoding])
    if message.encoding == "32FC1":
        return to_millimetres(image[:, :, 0])
    if message.encoding == "bgr8":
        return np.ascontiguousarray(image[:, :, ::-1])
    return image[:, :, 0] if image.shape[2] == 1 else image
