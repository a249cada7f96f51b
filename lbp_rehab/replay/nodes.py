"""Any rclpy node in a `World` instead of DDS: the same class, its topics, timers and services.

`in_world` puts a class between a node's own and ``rclpy.node.Node`` that makes publishers,
subscriptions, timers, services and clients of the world. Parameters, remappings, namespaces, logs
and the clock are rclpy's own; time comes from ``/clock``, as ``use_sim_time`` wants it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from rcl_interfaces.msg import ParameterEvent
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.task import Future, Task
from rosgraph_msgs.msg import Clock

from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.convert import to_stamp
from lbp_rehab.nodes.wire import Filled, type_name
from lbp_rehab.replay.actions import WorldActionServer
from lbp_rehab.replay.canonical import canonical
from lbp_rehab.replay.world import Alarm, Reader, Terms, World, Writer
from lbp_rehab.stamps import NANOSECONDS

Kind = TypeVar("Kind", bound=Node)


def clock_message(time_ns: int) -> bytes:
    """Return a serialised ``/clock``."""
    return bytes(serialize_message(Clock(clock=to_stamp(time_ns))))


def in_world(
    kind: type[Kind], world: World, context: Any, arguments: Sequence[str] = ()
) -> type[Kind]:
    """Return a node's class of which all instances live in a world.

    Parameters
    ----------
    kind : type
    world : World
    context : rclpy.Context
    arguments : sequence of str
        As after a command: ``--ros-args -r __ns:=/lab -p key:=value``. Those of the process do not
        count.
    """
    members = {
        "world": world,
        "ACTION_SERVER": partial(WorldActionServer, world),
        "world_context": context,
        "arguments": tuple(arguments),
        "__module__": kind.__module__,
    }
    return type(kind.__name__, (kind, _WorldNode), members)


class _Publisher:
    def __init__(self, world: World, writer: Writer, kind: type, profile: QoSProfile) -> None:
        self._world, self._writer = world, writer
        self.msg_type, self.qos_profile = kind, profile
        self.topic = self.topic_name = writer.topic

    def publish(self, message: Any) -> None:
        if isinstance(message, ParameterEvent):
            # The first one is made before the node's clock is simulated.
            message.stamp = to_stamp(self._world.now_ns)
        if isinstance(message, Filled):  # is canonical
            data: bytes = message
        else:
            data = message if isinstance(message, bytes) else bytes(serialize_message(message))
            data = canonical(self._writer.kind, data)
        self._world.send(self._writer, data)

    def get_subscription_count(self) -> int:
        readers = self._world.readers.get(self.topic, [])
        return sum(self._writer.terms.heard_by(r.terms) for r in readers)

    def wait_for_all_acked(self, timeout: Any = None) -> bool:
        return True

    def assert_liveliness(self) -> None:
        pass

    def destroy(self) -> None:
        self._world.withdraw(self._writer)


class _Subscription:
    def __init__(self, world: World, reader: Reader, kind: type, profile: QoSProfile) -> None:
        self._world, self._reader = world, reader
        self.msg_type, self.qos_profile = kind, profile
        self.topic = self.topic_name = reader.topic

    def get_publisher_count(self) -> int:
        writers = self._world.writers.get(self.topic, [])
        return sum(w.terms.heard_by(self._reader.terms) for w in writers)

    def destroy(self) -> None:
        if self._reader.listens:
            self._world.leave(self._reader)


class _Timer:
    def __init__(self, alarm: Alarm, world: World, clock: Any) -> None:
        self._alarm, self._world, self.clock = alarm, world, clock
        self.timer_period_ns = alarm.period_ns

    def cancel(self) -> None:
        self._alarm.cancel()

    def reset(self) -> None:
        self._alarm.reset()

    def is_canceled(self) -> bool:
        return self._alarm.cancelled

    def is_ready(self) -> bool:
        return self._alarm.due_ns is not None and self._alarm.due_ns <= self._world.now_ns

    def time_until_next_call(self) -> int | None:
        due_ns = self._alarm.due_ns
        return None if due_ns is None else due_ns - self._world.now_ns

    def time_since_last_call(self) -> int:
        left_ns = self.time_until_next_call()
        return 0 if left_ns is None else self.timer_period_ns - left_ns

    def destroy(self) -> None:
        self._alarm.cancel()


class _Service:
    def __init__(self, world: World, name: str, kind: Any, answer: Callable[..., Any]) -> None:
        self._world, self.srv_name, self.srv_type, self.callback = world, name, kind, answer
        world.services[name] = self.take

    def take(self, request: bytes, reply: Callable[[bytes], None]) -> None:
        """Answer a serialised request."""
        asked = deserialize_message(request, self.srv_type.Request)
        run(
            self._world,
            lambda: self.callback(asked, self.srv_type.Response()),
            lambda response: reply(bytes(serialize_message(response))),
        )

    def configure_introspection(self, *_: Any) -> None:
        pass  # what is asked comes from the recording

    def destroy(self) -> None:
        if self._world.services.get(self.srv_name) == self.take:
            del self._world.services[self.srv_name]


class _Client:
    def __init__(self, world: World, name: str, kind: Any, executor: Any) -> None:
        self._world, self._executor = world, executor
        self.srv_name, self.srv_type = name, kind
        world.callers.add(name)

    def service_is_ready(self) -> bool:
        return self.srv_name in self._world.services

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        return self.service_is_ready()

    def call_async(self, request: Any) -> Future:
        future = Future(executor=self._executor)
        data = bytes(serialize_message(request))

        def reply(response: bytes) -> None:
            future.set_result(deserialize_message(response, self.srv_type.Response))

        self._world.later(lambda: self._world.call(self.srv_name, data, reply))
        return future

    def configure_introspection(self, *_: Any) -> None:
        pass

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        raise RuntimeError(
            f"{self.srv_name} is called and waited for, which would wait for ever in one thread; "
            "use call_async"
        )

    def remove_pending_request(self, future: Future) -> None:
        future.cancel()

    def destroy(self) -> None:
        pass


class _Executor:
    """What nodes use of the executor that they are in."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create_task(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Task:
        task = Task(call, args, kwargs, executor=self)
        self._world.later(lambda: self._world.until(lambda: _step(task)))
        return task

    def spin_once(self, timeout_sec: float | None = None) -> None:
        self._world.drain()

    def wake(self) -> None:
        pass


class _WorldNode(Node):
    world: ClassVar[World]
    world_context: ClassVar[Any]
    arguments: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        node_name: str,
        *,
        context: Any = None,
        cli_args: list[str] | None = None,
        use_global_arguments: bool = True,
        enable_rosout: bool = True,
        parameter_overrides: list[Parameter] | None = None,
        **others: Any,
    ) -> None:
        self._executor = _Executor(self.world)
        simulated = Parameter("use_sim_time", value=True)
        super().__init__(
            node_name,
            context=self.world_context,
            cli_args=[*(cli_args or []), *self.arguments],
            use_global_arguments=False,
            enable_rosout=False,
            parameter_overrides=[*(parameter_overrides or []), simulated],
            **others,
        )
        # Else its clock would stand at 0 while the node is made.
        self.world.tell_time()

    @property
    def executor(self) -> Any:
        return self._executor

    @executor.setter
    def executor(self, new: Any) -> None:
        raise RuntimeError("a replayed node is in no executor")

    def create_publisher(self, msg_type: Any, topic: str, qos_profile: Any, **others: Any) -> Any:
        profile = self._validate_qos_or_depth_parameter(qos_profile)
        name = self.resolve_topic_name(topic)
        writer = self.world.offer(name, type_name(msg_type), terms(profile))
        return _keep(self._publishers, _Publisher(self.world, writer, msg_type, profile))

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        qos_profile: Any,
        *,
        raw: bool = False,
        **others: Any,
    ) -> Any:
        profile = self._validate_qos_or_depth_parameter(qos_profile)
        world, wants_info = self.world, _takes_two(callback)
        name = self.resolve_topic_name(topic)
        # Our nodes leave messages as they came and may share them; others might change theirs.
        read = _read_once if isinstance(self, LbpNode) else _read

        def take(data: bytes) -> None:
            try:
                message = data if raw else read(world, name, data, msg_type)
            except RuntimeError:  # rclpy's RMWError: damaged in the recording
                world.not_read(name)
                return
            if wants_info:
                info = {"source_timestamp": world.now_ns, "received_timestamp": world.now_ns}
                run(world, lambda: callback(message, info))
            else:
                run(world, lambda: callback(message))

        reader = world.listen(name, terms(profile), take)
        return _keep(self._subscriptions, _Subscription(world, reader, msg_type, profile))

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], Any],
        callback_group: Any = None,
        clock: Any = None,
        autostart: bool = True,
    ) -> Any:
        period_ns = int(float(timer_period_sec) * NANOSECONDS)
        world = self.world
        alarm = world.alarm(period_ns, lambda: run(world, callback), start=autostart)
        return _keep(self._timers, _Timer(alarm, world, clock or self._clock))

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callable[..., Any], **others: Any
    ) -> Any:
        return _keep(
            self._services,
            _Service(self.world, self.resolve_service_name(srv_name), srv_type, callback),
        )

    def create_client(self, srv_type: Any, srv_name: str, **others: Any) -> Any:
        name = self.resolve_service_name(srv_name)
        return _keep(self._clients, _Client(self.world, name, srv_type, self._executor))

    def destroy_publisher(self, publisher: Any) -> bool:
        return _destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Any) -> bool:
        return _destroy(self._subscriptions, subscription)

    def destroy_timer(self, timer: Any) -> bool:
        return _destroy(self._timers, timer)

    def destroy_service(self, service: Any) -> bool:
        return _destroy(self._services, service)

    def destroy_client(self, client: Any) -> bool:
        return _destroy(self._clients, client)

    def count_publishers(self, topic_name: str) -> int:
        return len(self.world.writers.get(self.resolve_topic_name(topic_name), []))

    def count_subscribers(self, topic_name: str) -> int:
        return len(self.world.readers.get(self.resolve_topic_name(topic_name), []))

    def get_subscriptions_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> Any:
        return []  # who listened to the recorded graph is not known, who listens now does not count


def run(
    world: World, call: Callable[[], Any], done: Callable[[Any], None] = lambda _: None
) -> None:
    """Call a callback of a node, to its end if it is a coroutine; what it raises goes through."""
    result = call()
    if not inspect.iscoroutine(result):
        done(result)
        return

    def step() -> bool:
        try:
            result.send(None)
        except StopIteration as end:
            done(end.value)
            return True
        return False

    world.until(step)


def terms(profile: QoSProfile) -> Terms:
    """Return what of a profile decides who hears whom."""
    keeps_all = profile.history == HistoryPolicy.KEEP_ALL
    return Terms(
        reliable=profile.reliability != ReliabilityPolicy.BEST_EFFORT,
        latched=profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        depth=0 if keeps_all else profile.depth,
    )


def _read(world: World, topic: str, data: bytes, kind: type) -> Any:
    return deserialize_message(data, kind)


def _read_once(world: World, topic: str, data: bytes, kind: type) -> Any:
    """Return the same message to all who read the same bytes, one after the other."""
    before = world.read.get(topic)
    if before is not None and before[0] is data and type(before[1]) is kind:
        return before[1]
    message = deserialize_message(data, kind)
    world.read[topic] = data, message
    return message


def _step(task: Task) -> bool:
    task()
    if task.done() and task.exception() is not None:
        raise task.exception()
    return bool(task.done() or task.cancelled())


def _keep(members: Any, member: Any) -> Any:
    members.append(member)
    return member


def _destroy(members: list[Any], member: Any) -> bool:
    if member not in members:
        return False
    members.remove(member)
    member.destroy()
    return True


def _takes_two(callback: Callable[..., Any]) -> bool:
    """Whether a subscription's callback wants to know when its message came, as rclpy tells it."""
    try:
        inspect.signature(callback).bind(object())
    except TypeError:
        return True
    except ValueError:
        return False  # built in: takes what it is given
    return False
