"""Runs the graph without a ROS installation: one supervised process a node, or all in one."""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from lbp_rehab import environment
from lbp_rehab.graph import NodeSpec
from lbp_rehab.start import EXIT_INTERRUPTED, loading

FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 5.0
HEALTHY_S = 10.0  # running this long resets the back-off
END_GRACE_S = 6.0  # from SIGINT to SIGTERM, and again to SIGKILL
DRAIN_S = 1.0  # after a played bag is over, for what still is on its way
POLL_S = 0.05
EXIT_DEFECT, EXIT_INPUT_ERROR = 1, 2  # of lbp_rehab.nodes.process
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _end_with_parent() -> None:
    """Ask the kernel to interrupt this process when the supervisor dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


@dataclass
class Process:
    """A node's process and its history."""

    spec: NodeSpec
    popen: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    backoff_s: float = FIRST_BACKOFF_S
    restart_at_s: float = 0.0
    restarts: int = 0
    done: bool = False

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.popen is not None and self.popen.poll() is None


class Supervisor:
    """Starts every node in a process of its own, restarts what dies, ends all cleanly.

    The nodes are told to end by SIGINT, the recorder after all others so that it misses nothing.
    A node that ends with the code for wrong input is not restarted: the whole graph ends, since
    the input will not mend itself. Nor is one that plays a recording: its end is the graph's.
    """

    def __init__(self, specs: Sequence[NodeSpec], say: Callable[[str], None] | None = None) -> None:
        self.processes = {spec.name: Process(spec) for spec in specs}
        self._say = say or (lambda text: print(text, file=sys.stderr, flush=True))
        self._stop = False
        self._environment = dict(os.environ)
        environment.apply(self._environment)

    def start(self) -> None:
        """Start every node."""
        for process in self.processes.values():
            self._start(process)

    def stop(self, *_: object) -> None:
        """Ask `run` to end."""
        self._stop = True

    def run(self, until: Callable[[], bool] = lambda: False) -> int:
        """Watch the nodes until told to stop, ``until`` is true, or a node meets wrong input.

        Returns
        -------
        int
            0; 2 if a node refused its input; the code of a node that failed and is not restarted,
            1 if a signal killed it.
        """
        handlers = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        code = 0
        try:
            while not self._stop and not until():
                code = self.watch()
                if code:
                    break
                if self.over():
                    time.sleep(DRAIN_S)
                    break
                time.sleep(POLL_S)
        finally:
            self.end()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return code

    def over(self) -> bool:
        """Whether a node that plays something has finished; the graph then has nothing to do."""
        return any(p.done for p in self.processes.values())

    def watch(self) -> int:
        """Look at every process once; return the exit code if the graph must end."""
        now = time.monotonic()
        for name, process in self.processes.items():
            if process.done or process.running:
                continue
            if process.popen is not None:
                code = process.popen.wait()
                process.popen = None
                if code == EXIT_INPUT_ERROR:
                    return EXIT_INPUT_ERROR
                if code and not process.spec.respawn:
                    self._say(f"{name} ended with {_describe(code)}; the session ends")
                    return max(code, EXIT_DEFECT)
                if not process.spec.respawn or (code == 0 and process.spec.ends_session):
                    process.done = True
                    continue
                if now - process.started_s > HEALTHY_S:
                    process.backoff_s = FIRST_BACKOFF_S
                process.restart_at_s = now + process.backoff_s
                process.backoff_s = min(2 * process.backoff_s, LONGEST_BACKOFF_S)
                self._say(f"{name} ended with {_describe(code)}; it is started again")
            elif now >= process.restart_at_s:
                process.restarts += 1
                process.spec = _restarted(process.spec, process.restarts)
                self._start(process)
        return 0

    def end(self) -> None:
        """End all nodes: SIGINT, then SIGTERM, then SIGKILL; the recorder last."""
        last = [p for p in self.processes.values() if p.spec.name == "recorder"]
        others = [p for p in self.processes.values() if p.spec.name != "recorder"]
        for group in (others, last):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                alive = [p.popen for p in group if p.popen is not None and p.running]
                for popen in alive:
                    popen.send_signal(number)
                deadline = time.monotonic() + END_GRACE_S
                while any(p.poll() is None for p in alive) and time.monotonic() < deadline:
                    time.sleep(POLL_S)

    def _start(self, process: Process) -> None:
        process.popen = subprocess.Popen(
            process.spec.command(),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the nodes through us, in our order
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - no threads run here yet
        )
        process.started_s = time.monotonic()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()


def run_composed(specs: Sequence[NodeSpec]) -> int:
    """Run every node in this process, on one thread."""
    environment.apply()
    options = [{"cli_args": spec.ros_arguments(), "use_global_arguments": False} for spec in specs]
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.nodes.base import node_class  # noqa: PLC0415
        from lbp_rehab.nodes.process import run_together  # noqa: PLC0415

        classes = [node_class(importlib.import_module(spec.module)) for spec in specs]
        return run_together(classes, [], options)


def _describe(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _restarted(spec: NodeSpec, count: int) -> NodeSpec:
    """Return the spec for the next start, in the middle of a session.

    A recorder goes on in a new bag, the torn one stays. The pelvis keeps no neutral over its death,
    and a patient who holds still by now may be in mid-exercise: only the service takes a new one.
    """
    if spec.name == "pelvic_angle_estimator":
        return replace(spec, parameters={**spec.parameters, "auto_neutral": False})
    if spec.name != "recorder":
        return spec
    first = str(spec.parameters["output"])
    base = first.removesuffix(f"_part{count}")
    number = count + 1
    while Path(f"{base}_part{number}").exists():
        number += 1
    return replace(spec, parameters={**spec.parameters, "output": f"{base}_part{number}"})
