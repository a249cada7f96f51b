"""Colour images of a recording, raw or compressed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport, decode, split_topic
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.nodes.images import to_rgb

COLOR = "/color/image_raw"


def colour_topic(bag: BagReader) -> str | None:
    """Return the topic of the colour images, rather raw than compressed; None if there is none."""
    names = [n for n in bag.topics if n.endswith((COLOR, f"{COLOR}/compressed"))]
    return min(names, key=lambda n: (not n.endswith(COLOR), n), default=None)


def colour_images(
    bag: BagReader, stamps_ns: Collection[int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the colour images of some stamps.

    Yields
    ------
    int
        Stamp.
    ndarray, shape (height, width, 3)
        RGB.
    """
    name = colour_topic(bag)
    if name is None:
        return
    topic, left = bag.topics[name], set(stamps_ns)
    decoder = Decoder(topic)
    for recorded in bag.messages({name}):
        stamp_ns = decoder.stamp_ns(recorded.data, recorded.log_time_ns)
        if stamp_ns not in left:
            continue
        left.remove(stamp_ns)
        message = decoder(recorded.data)
        if topic.type == COMPRESSED_TYPE:
            split = split_topic(name)
            transport = split[1] if split else Transport.COMPRESSED
            pixels = decode(transport, message.format, bytes(message.data)).pixels
            yield stamp_ns, np.asarray(pixels, np.uint8)
        else:
            yield stamp_ns, to_rgb(message)
        if not left:
            return
