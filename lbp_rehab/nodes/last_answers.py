"""Lets the answers to those who wait go out before a node ends."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.node import Node

PATIENCE_S = 1.0  # an answer needs a few steps of the executor; without one, closing goes on
SENDING_STEPS = 10  # of the executor, in which a finished task's answer goes to who waits for it


def let_answers_out(node: Node, answered: Callable[[], bool]) -> None:
    """Spin a node that is closing until its answers are sent; to be called from ``close``.

    An answer is sent by a task of the executor, which has stopped spinning by then.

    Parameters
    ----------
    node : Node
        Without an executor, or with nothing to answer, nothing is done.
    answered : callable
        Says whether all tasks that answer are finished.
    """
    executor = node.executor
    if executor is None or answered():
        return
    deadline_s = time.monotonic() + PATIENCE_S
    try:
        while not answered() and time.monotonic() < deadline_s:
            executor.spin_once(timeout_sec=0.05)
        for _ in range(SENDING_STEPS):
            executor.spin_once(timeout_sec=0.01)
    except Exception as error:  # of any node in the executor; this one must still close
        node.get_logger().warning(f"an answer may be lost while closing: {error!r}")
