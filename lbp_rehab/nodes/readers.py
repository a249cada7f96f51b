"""Waiting for readers before a recording begins, so that none of them misses its start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from rclpy.node import Node

from lbp_rehab.errors import InputError

PERIOD_S = 0.02
SETTLE_S = 0.5  # a reader may see us a little after we see it


def parse(entries: Sequence[str]) -> dict[str, int]:
    """Return the number of readers to wait for by topic, from ``TOPIC`` or ``TOPIC=N``.

    Raises
    ------
    InputError
        If an entry is neither.
    """
    wanted = {}
    for entry in filter(None, entries):
        topic, _, count = entry.partition("=")
        if count and not count.isdigit():
            raise InputError(f"wait_for '{entry}' is neither TOPIC nor TOPIC=N with a number N")
        wanted[topic] = int(count or 1)
    return wanted


def wait(
    node: Node,
    wanted: dict[str, int],
    timeout_s: float,
    stop: threading.Event,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Wait, on a thread of the node's own, until every topic has its readers.

    After the timeout the node goes on and says which topics lack readers.
    """
    deadline = time.monotonic() + timeout_s
    missing = wanted
    while missing and time.monotonic() < deadline and not stop.wait(PERIOD_S):
        meanwhile()
        missing = {t: n for t, n in missing.items() if node.count_subscribers(t) < n}
    if stop.is_set():
        return
    if missing:
        node.get_logger().warning(
            f"beginning without enough subscribers on {', '.join(missing)}: none came in time"
        )
    elif wanted:
        stop.wait(SETTLE_S)
