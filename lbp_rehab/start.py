"""Starts one node: ``python -m lbp_rehab.start NAME --ros-args ...``, what the executables call."""

from __future__ import annotations

import importlib
import os
import signal
import sys


def start(name: str) -> int:
    """Run the node of a module in `lbp_rehab.nodes` and return the exit code.

    Until its libraries are loaded there is nothing to close, so a signal ends the process at once
    instead of with a traceback out of an import.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    return int(importlib.import_module(f"lbp_rehab.nodes.{name}").main())


if __name__ == "__main__":
    sys.exit(start(sys.argv.pop(1)))
