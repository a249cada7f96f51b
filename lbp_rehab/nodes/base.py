"""What every node shares: parameters from a table, guarded callbacks, diagnostics, a clean end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy._rclpy_pybind11 import RCLError
from rclpy.clock import Clock, ClockType
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.parameters import Parameter, check_change, declare

DIAGNOSTICS_PERIOD_S = 1.0  # REP-107 asks for about 1 Hz
EXIT_INPUT_ERROR = 2  # the supervisor does not restart a node that ends with this


class Output:
    """A publisher to be called with a message."""

    def __init__(self, publisher: Any, topic: str, sent: Counter[str]) -> None:
        self._publisher, self._topic, self._sent = publisher, topic, sent

    def __call__(self, message: Any) -> None:
        """Publish a message."""
        self._publisher.publish(message)
        self._sent[self._topic] += 1

    def matched(self) -> int:
        """Return how many subscriptions are matched."""
        return int(self._publisher.get_subscription_count())


class LbpNode(Node):
    """A thin shell: subclasses wire topics to one call of a core.

    Subclasses set ``NAME`` and ``PARAMETERS`` and create their topics with the methods below
    rather than rclpy's own, so that each callback is guarded, counted and shown in
    ``/diagnostics``, and so that a replay can feed the node without DDS.
    """

    NAME: ClassVar[str]
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()

    def __init__(self, **node_options: Any) -> None:
        super().__init__(self.NAME, **node_options)
        self.settings: dict[str, Any] = declare(self, self.PARAMETERS)
        self.received: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._last_drop = ""
        self._said: set[str] = set()
        self.add_on_set_parameters_callback(lambda p: check_change(self.PARAMETERS, p))
        self.add_post_set_parameters_callback(self._apply_change)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.RESULT)
        # On the steady clock: health is reported also when simulated time stands still.
        self.create_timer(
            DIAGNOSTICS_PERIOD_S,
            self._publish_diagnostics,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    # Wiring

    def subscribe(
        self, kind: type, topic: str, handler: Callable[[Any], None], profile: QoSProfile
    ) -> Any:
        """Subscribe with a guarded callback: a message the handler refuses is dropped, counted."""
        return self.create_subscription(kind, topic, self.guard(topic, handler), profile)

    def guard(self, topic: str, handler: Callable[..., None]) -> Callable[..., None]:
        """Wrap a callback so that no message can end the node."""

        def guarded(*messages: Any) -> None:
            self.received[topic] += 1
            try:
                handler(*messages)
            except InputError as error:
                self.drop(topic, str(error))
            except Exception as error:  # a defect of ours must not end a session with a patient
                self.drop(topic, f"internal error: {error!r}", detail=traceback.format_exc())

        return guarded

    def advertise(self, kind: type, topic: str, profile: QoSProfile) -> Output:
        """Create a publisher that counts; call it with a message to publish."""
        return Output(self.create_publisher(kind, topic, profile), topic, self.sent)

    def drop(self, topic: str, why: str, detail: str = "") -> None:
        """Count a message that could not be used; say each kind of reason once in the log."""
        self.dropped[topic] += 1
        self._last_drop = f"{topic}: {why}"
        if (key := f"{topic} {why[:40]}") not in self._said:
            self._said.add(key)
            self.get_logger().warning(f"dropped a message on {topic}: {why}\n{detail}".rstrip())

    # Diagnostics

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Return level, one sentence and key-value pairs for ``/diagnostics``; to be overridden."""
        return DiagnosticStatus.OK, "running", {}

    def _publish_diagnostics(self) -> None:
        level, sentence, values = self.health()
        if self.dropped:
            values["last_drop"] = self._last_drop
        for name, counter in (
            ("received", self.received),
            ("sent", self.sent),
            ("dropped", self.dropped),
        ):
            values |= {f"{name} {topic}": str(count) for topic, count in sorted(counter.items())}
        status = DiagnosticStatus(
            level=level,
            name=f"lbp_rehab: {self.get_name()}",
            message=sentence,
            hardware_id="",
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _apply_change(self, changed: list[Any]) -> None:
        self.settings |= {p.name: p.value for p in changed if p.name in self.settings}
        self.on_settings_changed()

    def on_settings_changed(self) -> None:
        """React to parameters that changed while running; to be overridden."""

    def close(self) -> None:
        """Release devices and threads; to be overridden."""


def node_class(module: ModuleType) -> type[LbpNode]:
    """Return the node that a module of `lbp_rehab.nodes` defines."""
    name = module.__name__.rpartition(".")[2]
    for member in vars(module).values():
        ours = isinstance(member, type) and issubclass(member, LbpNode) and member is not LbpNode
        if ours and name == member.NAME:
            return member
    raise LookupError(f"{module.__name__} defines no node called {name}")


def run(kind: type[LbpNode], arguments: Sequence[str] | None = None) -> int:
    """Run one node until it is told to stop, and return the exit code of the process."""
    return run_together([kind], arguments)


def run_together(
    kinds: Sequence[type[LbpNode]],
    arguments: Sequence[str] | None = None,
    options: Sequence[dict[str, Any]] | None = None,
) -> int:
    """Run several nodes in one process and one thread, as ``lbp-rehab run --composed`` does."""
    try:
        # rclpy's own handlers would end the context before the nodes have said their last words.
        rclpy.init(
            args=list(arguments) if arguments is not None else None,
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except RCLError as error:
        print(f"lbp_rehab: the ROS arguments are wrong: {_first_line(error)}", file=sys.stderr)
        return EXIT_INPUT_ERROR
    executor = SingleThreadedExecutor()
    stop = _stop_on_signal(executor)
    nodes: list[LbpNode] = []
    code = 0
    try:
        for index, kind in enumerate(kinds):
            node = kind(**(options[index] if options else {}))
            nodes.append(node)
            executor.add_node(node)
        executor.spin_until_future_complete(stop)
    except (KeyboardInterrupt, ExternalShutdownException, ShutdownException):
        pass
    except InputError as error:
        print(f"lbp_rehab: {error}", file=sys.stderr)
        code = EXIT_INPUT_ERROR
    finally:
        for node in nodes:
            try:
                node.close()
            except InputError as error:  # a recorder whose disk is full; the others still close
                print(f"lbp_rehab: {error}", file=sys.stderr)
                code = EXIT_INPUT_ERROR
            node.destroy_node()
        executor.shutdown(timeout_sec=1.0)
        rclpy.try_shutdown()
    return code


def _first_line(error: Exception) -> str:
    """Return what rcl says without the places in its sources."""
    return str(error).splitlines()[0].partition(", at /")[0]


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
        stop.set_result(None)

    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop
