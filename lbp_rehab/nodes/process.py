"""A process of one node or several: spun until told to stop, and closed whatever happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy._rclpy_pybind11 import RCLError, RCLInvalidROSArgsError
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from lbp_rehab.errors import InputError

if TYPE_CHECKING:
    from lbp_rehab.nodes.base import LbpNode

EXIT_INPUT_ERROR = 2  # the supervisor does not restart a node that ends with this
EXIT_DEFECT = 1
DRAIN_S = 1.0  # after a recording is over, for what still is on its way between the nodes
SPIN_S = 0.05  # the longest wait for one callback
LAST_WORDS_S = 0.5  # for what closing nodes publish or answer


def run(kind: type[LbpNode], arguments: Sequence[str] | None = None) -> int:
    """Run one node until it is told to stop, and return the exit code of the process."""
    return run_together([kind], arguments)


def run_together(
    kinds: Sequence[type[LbpNode]],
    arguments: Sequence[str] | None = None,
    options: Sequence[dict[str, Any]] | None = None,
) -> int:
    """Run several nodes in one process and one thread, as ``lbp-rehab run --composed`` does.

    They end on SIGINT, on SIGTERM, and when one of them calls `LbpNode.finish`. Every node is
    closed while the context still lives, whatever the others raise.

    Returns
    -------
    int
        0; 2 if a node refused its input (one sentence on stderr); 1 after a defect (traceback).
    """
    try:
        # rclpy's own handlers would end the context before the nodes have said their last words.
        rclpy.init(
            args=list(arguments) if arguments is not None else None,
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except RCLError as error:
        return _refuse_arguments(error)
    executor = SingleThreadedExecutor()
    stop = _stop_on_signal(executor)
    nodes: list[LbpNode] = []

    def work() -> None:
        for index, kind in enumerate(kinds):
            node = kind(**(options[index] if options else {}))
            nodes.append(node)
            executor.add_node(node)
            node.finished.add_done_callback(lambda finished: _pass_on(finished, stop))
        executor.spin_until_future_complete(stop)
        if stop.done():
            stop.result()  # raises what a node finished with
        if len(nodes) > 1 and any(node.finished.done() for node in nodes):
            _spin(executor, DRAIN_S)

    try:
        return max(_guarded(work), *_close(nodes, executor))
    finally:
        for node in nodes:
            node.destroy_node()
        executor.shutdown(timeout_sec=1.0)
        rclpy.try_shutdown()


def _guarded(step: Callable[[], None]) -> int:
    """Take a step; say what it raises and return the exit code."""
    try:
        step()
    except (KeyboardInterrupt, ExternalShutdownException, ShutdownException):
        pass
    except InputError as error:
        print(f"lbp_rehab: {error}", file=sys.stderr)
        return EXIT_INPUT_ERROR
    except RCLInvalidROSArgsError as error:
        return _refuse_arguments(error)
    except Exception:
        traceback.print_exc()
        return EXIT_DEFECT
    return 0


def _close(nodes: Sequence[LbpNode], executor: SingleThreadedExecutor) -> list[int]:
    """Close every node; those that listen to the others' last words come last."""
    codes = [0]
    for last in (False, True):
        group = [node for node in nodes if last == node.CLOSES_LAST]
        codes += [_guarded(node.end) for node in group]
        if group and not last:
            codes.append(_guarded(lambda: _spin(executor, LAST_WORDS_S)))
    return codes


def _spin(executor: SingleThreadedExecutor, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # Always the same time: with another one rclpy begins anew with the first node, and those
        # that were added later wait until the earlier ones have nothing left.
        executor.spin_once(timeout_sec=SPIN_S)


def _pass_on(finished: Future, stop: Future) -> None:
    error = finished.exception()
    if stop.done():
        return
    if error is None:
        stop.set_result(None)
    else:
        stop.set_exception(error)


def _refuse_arguments(error: Exception) -> int:
    """Say what rcl says, without the places in its sources."""
    sentence = str(error).splitlines()[0].partition(", at /")[0]
    print(f"lbp_rehab: the ROS arguments are wrong: {sentence}", file=sys.stderr)
    return EXIT_INPUT_ERROR


def _stop_on_signal(executor: SingleThreadedExecutor) -> Future:
    """Return a future that SIGINT and SIGTERM complete, with the context still alive.

    Python handles signals between two instructions of the main thread, which may be waiting inside
    the middleware. The wake-up pipe is written at once, and a thread that reads it ends the wait.
    """
    stop = Future(executor=executor)
    if threading.current_thread() is not threading.main_thread():
        return stop
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        os.read(woken, 1)
        if not stop.done():
            stop.set_result(None)

    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop
