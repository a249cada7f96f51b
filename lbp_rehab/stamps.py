"""The unit of stamps: integer nanoseconds."""

from __future__ import annotations

from typing import Any

NANOSECONDS = 1_000_000_000  # in a second


def to_ns(stamp: Any) -> int:
    """Return a message's stamp, of any library's messages, in integer nanoseconds."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)
