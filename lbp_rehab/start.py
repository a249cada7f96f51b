"""Starts one node: ``python -m lbp_rehab.start NAME --ros-args ...``, what the executables call."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130  # what a shell gives for SIGINT


@contextmanager
def loading(exit_code: int) -> Iterator[None]:
    """Let a signal end the process at once, until the nodes handle it themselves.

    While libraries load there is nothing to close, and KeyboardInterrupt out of an import is a
    traceback, or another exception altogether if it meets an extension module.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: os._exit(exit_code)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def start(name: str) -> int:
    """Run the node of a module in `lbp_rehab.nodes` and return the exit code."""
    with loading(exit_code=0):
        return int(importlib.import_module(f"lbp_rehab.nodes.{name}").main())


if __name__ == "__main__":
    sys.exit(start(sys.argv.pop(1)))
