"""Small recordings of real message types."""

from __future__ import annotations

import pytest
from rclpy.serialization import serialize_message

from lbp_rehab.bags import BagReader, BagWriter, Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.compare.comparison import compare
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.compare.tolerance import EXACT

START_NS = 1_700_000_000_000_000_000


def type_of(message):
    kind = type(message)
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"


@pytest.fixture
def decoded():
    """Return a function that makes of a message what the comparison sees of it."""

    def decode(message):
        return Decoder(Topic("/it", type_of(message)))(bytes(serialize_message(message)))

    return decode


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a bag of (topic, seconds, message) and opens it."""
    opened = []

    def write(name, rows, definitions=None):
        folder = tmp_path / name
        with BagWriter(folder) as writer:
            for topic, seconds, message in rows:
                kind, data = message if isinstance(message, tuple) else (type_of(message), None)
                known = installed(kind)
                text = (definitions or {}).get(kind, known.text)
                encoding = "ros2msg" if text else ""
                writer.add_topic(Topic(topic, kind, text, encoding, known.type_hash))
                data = bytes(serialize_message(message)) if data is None else data
                writer.write(topic, data, START_NS + round(seconds * 1e9))
        opened.append(BagReader(folder))
        return opened[-1]

    yield write
    for bag in opened:
        bag.close()


@pytest.fixture
def held(written):
    """Return a function that compares two lists of (topic, seconds, message)."""

    def hold(golden, new, tolerance=EXACT, **options):
        return compare(written("golden", golden), written("new", new), tolerance, **options)

    return hold


@pytest.fixture
def at():
    """Return a function that sets the stamp of a message, in seconds."""

    def stamped(seconds, message, field="header.stamp"):
        owner = message
        for name in field.split("."):
            owner = getattr(owner, name)
        ns = START_NS + round(seconds * 1e9)
        owner.sec, owner.nanosec = divmod(ns, 1_000_000_000)
        return message

    return stamped
