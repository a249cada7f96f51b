"""Services and actions that were called while a recording was made, over real DDS, and replayed."""

import time

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from lbp_rehab.action import RunExerciseSet
from lbp_rehab.srv import CalibrateNeutral
from rclpy.action import ActionClient, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message
from rclpy.task import Future
from std_msgs.msg import Float64, String

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import Selection
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.recorder import Recorder
from lbp_rehab.replay.lockstep import Part, replay

pytestmark = pytest.mark.graph
DEADLINE_S = 40.0
EVENTS = "/reset/_service_event"


class Sum(LbpNode):
    """Sums what comes; a service sets the sum once two more have come, and says how far it was."""

    NAME = "sum"

    def __init__(self, **options):
        super().__init__(**options)
        self.state, self.waiting = 0.0, []
        self.out = self.advertise(Float64, "sum", qos.RESULT)
        self.subscribe(Float64, "raw", self.take, qos.RESULT)
        # Reentrant: numbers must come in while the service waits for them.
        group = ReentrantCallbackGroup()
        self.serve(CalibrateNeutral, "reset", self.reset, callback_group=group)

    def take(self, message):
        self.state += message.data
        for pending in self.waiting:
            pending[0] -= 1
            if not pending[0]:
                pending[1].set_result(None)
        self.waiting = [pending for pending in self.waiting if pending[0]]
        self.out(Float64(data=self.state))

    async def reset(self, request, response):
        if request.duration_s < 0:
            raise InputError("a duration has no sign")
        done = Future(executor=self.executor)
        self.waiting.append([2, done])
        await done
        response.n_samples, self.state = round(self.state), request.duration_s
        return response


class Works(LbpNode):
    """Tells what happens to goals, each of which ends with the third message after it."""

    NAME = "works"

    def __init__(self, **options):
        super().__init__(**options)
        self.heard, self.goal, self.done = 0, None, None
        self.out = self.advertise(String, "told", qos.RESULT)
        self.subscribe(Float64, "raw", self.take, qos.RESULT)
        self.serve_action(
            RunExerciseSet, "work", execute_callback=self.execute, goal_callback=self.judge,
            handle_accepted_callback=self.accepted, cancel_callback=self.cancel,
        )  # fmt: skip

    def tell(self, what):
        self.out(String(data=f"{self.heard} {what}"))

    def take(self, message):
        self.heard += 1
        if self.goal is not None and self.heard % 3 == 0:
            self.done.set_result("done")

    def judge(self, request):
        self.tell(f"asked for {request.exercise}")
        return GoalResponse.ACCEPT if request.repetitions else GoalResponse.REJECT

    def accepted(self, goal):
        self.goal, self.done = goal, Future(executor=self.executor)
        goal.execute()

    def cancel(self, goal):
        self.done.set_result("cancelled")
        return CancelResponse.ACCEPT

    async def execute(self, goal):
        why = await self.done
        self.tell(f"{goal.request.exercise} {why} {goal.is_cancel_requested}")
        goal.canceled() if goal.is_cancel_requested else goal.succeed()
        self.goal = None
        return RunExerciseSet.Result()


class Live:
    """A node, a recorder and the test's own node that sends and asks, in one executor."""

    def __init__(self, domain, kind, bag):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.node = rclpy.create_node("test", context=self.context)
        self.recorder = Recorder(
            context=self.context,
            parameter_overrides=[Parameter("output", value=str(bag))],
        )
        self.made = kind(context=self.context)
        for node in (self.node, self.recorder, self.made):
            self.executor.add_node(node)
        self.raw = self.node.create_publisher(Float64, "raw", qos.RESULT)
        self.until(lambda: self.raw.get_subscription_count() == 2)
        self.until(self.made.out.matched)

    def until(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            self.executor.spin_once(timeout_sec=0.02)

    def send(self, *values):
        """Send numbers, each of which is in the recording before the next thing happens."""
        for value in values:
            before = self.recorder.received["/raw"]
            self.raw.publish(Float64(data=float(value)))
            self.until(lambda n=before: self.recorder.received["/raw"] > n)
            self.until(lambda: self.made.received["raw"] == self.recorder.received["/raw"])
            self.answers_are_recorded()

    def answers_are_recorded(self):
        for topic, count in self.made.sent.items():
            self.until(lambda t=topic, n=count: self.recorder.received[f"/{t}"] == n)

    def recorded(self, topic):
        """Wait for this topic to be recorded, and return how much of it is."""
        self.until(lambda: self.node.count_subscribers(topic) == 1)
        return self.recorder.received[topic]

    def asked(self, future, topic, before):
        self.until(lambda: self.recorder.received[topic] > before)
        return future

    def close(self):
        self.answers_are_recorded()
        self.executor.shutdown()
        for node in (self.made, self.recorder):
            node.end()
        for node in (self.made, self.recorder, self.node):
            node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def live(ros_domain, tmp_path):
    opened = []

    def start(kind):
        opened.append(Live(ros_domain, kind, tmp_path / "bag"))
        return opened[0]

    yield start
    for one in opened:
        if one.context.ok():
            one.close()


def replayed(folder, *parts, **options):
    sent = []
    with BagReader(folder) as bag:
        return replay(bag, parts, sent.append, **options), sent


def values(messages, topic, kind):
    return [deserialize_message(m.data, kind).data for m in messages if m.topic == topic]


@pytest.fixture
def sums(live, tmp_path):
    """A recording in which a sum was set twice, and one call was refused."""
    graph = live(Sum)
    client = graph.node.create_client(CalibrateNeutral, "reset")
    graph.until(client.service_is_ready)
    graph.recorded(EVENTS)
    graph.send(1, 2, 3)
    for duration_s in (10.0, -1.0, 20.0):
        before = graph.recorder.received[EVENTS]
        call = client.call_async(CalibrateNeutral.Request(duration_s=duration_s))
        graph.asked(call, EVENTS, before)
        graph.send(4, 5)
        graph.until(call.done)
        graph.send(6)
        assert call.result().n_samples == {10.0: 15, -1.0: 0, 20.0: 40}[duration_s]
    graph.until(lambda: graph.recorder.received[EVENTS] == 6)
    graph.close()
    return tmp_path / "bag"


def test_calls_of_services_are_recorded_with_what_was_asked_and_answered(sums):
    with BagReader(sums) as bag:
        topic = bag.topics[EVENTS]
        assert topic.type == "lbp_rehab/srv/CalibrateNeutral_Event"
        assert topic.definition.startswith("service_msgs/ServiceEventInfo info")
        events = [
            deserialize_message(m.data, CalibrateNeutral.Event) for m in bag.messages({EVENTS})
        ]
    kinds = [e.info.event_type for e in events]
    assert sorted(kinds) == [1, 1, 1, 2, 2, 2]
    assert [e.request[0].duration_s for e in events if e.request] == [10.0, -1.0, 20.0]
    assert {e.response[0].message for e in events if e.response} == {"", "a duration has no sign"}


def test_a_service_does_in_the_replay_what_it_did_when_it_was_recorded(sums):
    with BagReader(sums) as bag:
        recorded = values(bag.messages({"/sum"}), "/sum", Float64)
    assert recorded == [1, 3, 6, 10, 15, 16, 20, 25, 31, 35, 40, 26]
    first, sent = replayed(sums, Part(Sum))
    assert values(sent, "/sum", Float64) == recorded
    assert first.fed == {"/raw": 12, EVENTS: 3}
    second, _ = replayed(sums, Part(Sum))
    assert first.digests == second.digests


def test_calls_can_be_left_out(sums):
    result, sent = replayed(sums, Part(Sum), selection=Selection(exclude=(".*/_service_event",)))
    assert values(sent, "/sum", Float64)[-1] == 6 + 3 * 15
    assert result.fed == {"/raw": 12}


class Caller(Node):
    def __init__(self):
        super().__init__("caller")
        self.create_client(CalibrateNeutral, "reset")


def test_what_a_replayed_node_calls_itself_is_not_called_twice(sums):
    result, _ = replayed(sums, Part(Sum), Part(Caller))
    assert result.fed == {"/raw": 12}
    assert any("calls of /reset are left out" in warning for warning in result.warnings)


def test_goals_and_cancellations_of_an_action_are_replayed(live, tmp_path):
    graph = live(Works)
    client = ActionClient(graph.node, RunExerciseSet, "work")
    graph.until(client.server_is_ready)
    goals, cancels = (f"/work/_action/{n}_goal/_service_event" for n in ("send", "cancel"))
    graph.recorded(goals)
    graph.recorded(cancels)
    results = []
    for name, repetitions in (("first", 1), ("refused", 0), ("second", 1)):
        before = graph.recorder.received[goals]
        goal = RunExerciseSet.Goal(exercise=name, repetitions=repetitions)
        call = graph.asked(client.send_goal_async(goal), goals, before)
        graph.until(call.done)
        if not call.result().accepted:
            continue
        graph.send(1)
        if name == "second":
            cancel = graph.asked(call.result().cancel_goal_async(), cancels, 0)
            graph.until(cancel.done)
        else:
            graph.send(2, 3)
        result = call.result().get_result_async()
        graph.until(result.done)
        results.append(result.result().status)
        graph.send(4)
    assert results == [GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED]
    client.destroy()
    graph.close()

    with BagReader(tmp_path / "bag") as bag:
        recorded = values(bag.messages({"/told"}), "/told", String)
    assert recorded == [
        "0 asked for first", "3 first done False", "4 asked for refused", "4 asked for second",
        "5 second cancelled True",
    ]  # fmt: skip
    first, sent = replayed(tmp_path / "bag", Part(Works))
    assert values(sent, "/told", String) == recorded
    assert first.fed == {"/raw": 6, goals: 3, cancels: 1}
    second, _ = replayed(tmp_path / "bag", Part(Works))
    assert first.digests == second.digests
