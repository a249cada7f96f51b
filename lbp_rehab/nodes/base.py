"""What every node shares: parameters from a table, guarded callbacks, diagnostics, a clean end."""

from __future__ import annotations

import inspect
import traceback
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.service_introspection import ServiceIntrospectionState
from rclpy.task import Future

from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.action_server import RecordedActionServer
from lbp_rehab.nodes.parameters import Parameter, check_change, declare
from lbp_rehab.nodes.process import run

__all__ = ["LbpNode", "Output", "node_class", "run"]

DIAGNOSTICS_PERIOD_S = 1.0  # REP-107 asks for about 1 Hz


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
    ACTION_SERVER: ClassVar[Callable[..., Any]] = RecordedActionServer  # of a replay: another
    CLOSES_LAST: ClassVar[bool] = False  # after the others of its process, to hear their last words

    def __init__(self, **node_options: Any) -> None:
        super().__init__(self.NAME, **node_options)
        self.settings: dict[str, Any] = declare(self, self.PARAMETERS)
        self.received: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.finished = Future()  # completed by `finish`, also before anybody waits for it
        self._ended = False
        self._last_drop = ""
        self._said: set[str] = set()
        self.add_on_set_parameters_callback(lambda p: check_change(self.PARAMETERS, p))
        self.add_post_set_parameters_callback(self._apply_change)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.RESULT)
        self.every(DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)

    # Wiring

    def subscribe(
        self,
        kind: type,
        topic: str,
        handler: Callable[[Any], None],
        profile: QoSProfile,
        *,
        raw: bool = False,
    ) -> Any:
        """Subscribe with a guarded callback: a message the handler refuses is dropped, counted.

        ``raw``: the handler takes the message as it was serialised.
        """
        return self.create_subscription(kind, topic, self.guard(topic, handler), profile, raw=raw)

    def guard(self, topic: str, handler: Callable[..., None]) -> Callable[..., None]:
        """Wrap a callback so that no message can end the node."""

        def guarded(*messages: Any) -> None:
            if self._ended:
                return
            self.received[topic] += 1
            try:
                handler(*messages)
            except InputError as error:
                self.drop(topic, str(error))
            except Exception as error:  # a defect of ours must not end a session with a patient
                self.drop(topic, f"internal error: {error!r}", detail=traceback.format_exc())

        return guarded

    def every(self, period_s: float, handler: Callable[[], None]) -> Any:
        """Call a handler periodically; what it raises is logged and counted, and the node goes on.

        The timer runs on the steady clock, so also while simulated time stands still.
        """
        name = f"timer {handler.__name__.strip('_')}"

        def guarded() -> None:
            try:
                handler()
            except Exception as error:
                self._fail(name, error)

        return self.create_timer(period_s, guarded, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def serve(self, kind: type, name: str, handler: Callable[..., Any], **options: Any) -> Any:
        """Offer a service; a request that the handler cannot serve is answered all the same.

        Parameters
        ----------
        kind : type
        name : str
        handler : callable
            Takes request and response and returns the response; may be a coroutine function.
            What it raises is logged and counted. The caller gets an empty response, with the
            reason in ``message`` if the response has such a field.
        **options
            Of ``create_service``.
        """

        async def guarded(request: Any, response: Any) -> Any:
            try:
                answer = handler(request, response)
                return await answer if inspect.isawaitable(answer) else answer
            except Exception as error:
                why = self._fail(f"service {name}", error)
                refusal = type(response)()
                if hasattr(refusal, "message"):
                    refusal.message = why
                return refusal

        service = self.create_service(kind, name, guarded, **options)
        # What is asked and answered is published beside it, to be recorded and replayed.
        contents = ServiceIntrospectionState.CONTENTS
        service.configure_introspection(self.get_clock(), qos.RESULT, contents)
        return service

    def serve_action(self, kind: Any, name: str, **callbacks: Any) -> Any:
        """Offer an action, of which is published too what is asked.

        Parameters
        ----------
        kind : type
        name : str
        **callbacks
            Of ``rclpy.action.ActionServer``.
        """
        return self.ACTION_SERVER(self, kind, name, **callbacks)

    def advertise(self, kind: type, topic: str, profile: QoSProfile) -> Output:
        """Create a publisher that counts; call it with a message to publish."""
        return Output(self.create_publisher(kind, topic, profile), topic, self.sent)

    def drop(self, topic: str, why: str, detail: str = "") -> None:
        """Count a message that could not be used; say each kind of reason once in the log."""
        self._count_drop(topic, why, f"dropped a message on {topic}: {why}\n{detail}")

    def _fail(self, what: str, error: Exception) -> str:
        """Count a call that failed, say it once in the log, and return why."""
        if isinstance(error, InputError):
            why, detail = str(error), ""
        else:
            why, detail = f"internal error: {error!r}", traceback.format_exc()
        self._count_drop(what, why, f"{what} failed: {why}\n{detail}")
        return why

    def _count_drop(self, what: str, why: str, text: str) -> None:
        self.dropped[what] += 1
        self._last_drop = f"{what}: {why}"
        if (key := f"{what} {why[:40]}") not in self._said:
            self._said.add(key)
            self.get_logger().warning(text.rstrip())

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
            name=f"lbp_rehab: {self.get_fully_qualified_name().lstrip('/')}",
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

    # The end

    def finish(self, error: Exception | None = None) -> None:
        """Ask for the end of the process, from any thread; an error decides its exit code."""
        if self.finished.done():
            return
        if error is None:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)

    def end(self) -> None:
        """Take no more messages, stop the timers, and close."""
        self._ended = True
        for timer in self.timers:
            timer.cancel()
        self.close()

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
