"""Listening to a running graph while watching its processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
from rclpy.executors import Executor

from lbp_rehab.errors import InputError
from lbp_rehab.runner import Supervisor

WATCH_S = 0.5  # between two looks at the processes


class Spinner:
    """Spins a listener's executor and looks after the graph.

    Parameters
    ----------
    executor : Executor
    supervisor : Supervisor
        Of the graph's processes.
    check : callable, optional
        What else is looked after; raises InputError.
    """

    def __init__(
        self, executor: Executor, supervisor: Supervisor, check: Callable[[], None] = lambda: None
    ) -> None:
        self._executor, self._supervisor, self._check = executor, supervisor, check
        self._watch = 0.0

    def until(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Listen until something is done or a time is over.

        Raises
        ------
        InputError
            If a node refused its input.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not done():
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > self._watch:
                self._watch = time.monotonic() + WATCH_S
                if self._supervisor.watch():
                    raise InputError("a node refused its input; its own message says why")
                self._check()

    def wait(self, seconds: float) -> None:
        """Listen for some time."""
        self.until(lambda: False, seconds)


def usage(supervisor: Supervisor) -> dict[str, tuple[float, int]]:
    """Return the CPU seconds and resident bytes of each node's process that runs."""
    out = {}
    for name, process in supervisor.processes.items():
        if process.popen is not None and process.running:
            seen = psutil.Process(process.popen.pid)
            times = seen.cpu_times()
            out[name] = (times.user + times.system, seen.memory_info().rss)
    return out
