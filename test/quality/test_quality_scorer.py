"""The node over real DDS, in one executor with the test's own node."""

import math
import os
import time

import numpy as np
import pytest
import rclpy
from lbp_rehab.action import RunExerciseSet
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message

from lbp_rehab import msg
from lbp_rehab.bags import BagReader
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.convert_quality import to_fault
from lbp_rehab.nodes.quality_scorer import QualityScorer
from lbp_rehab.nodes.recorder import Recorder
from lbp_rehab.paths import config_dir
from lbp_rehab.quality.types import FaultFinding, Severity, SubScoreKind
from lbp_rehab.replay.lockstep import Part, replay

pytestmark = pytest.mark.graph
DOMAIN = 71
DEADLINE_S = 40.0
EVERY_STATE = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BATCH = 20  # poses between two looks at the answers; the queues hold 50


class Graph:
    """The scorer, a camera that shows glute bridges, and a listener."""

    def __init__(self, patient):
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self.patient = patient
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor.add_node(self.node)
        self.poses = self.node.create_publisher(msg.BodyPose, "body/pose", qos.RESULT)
        self.live, self.repetitions, self.states, self.feedback = [], [], [], []
        for kind, topic, profile, kept in (
            (msg.QualityLive, "quality/live", qos.RESULT, self.live),
            (msg.Repetition, "quality/repetition", qos.RESULT, self.repetitions),
            (msg.SessionState, "session/state", EVERY_STATE, self.states),
        ):
            self.node.create_subscription(kind, topic, kept.append, profile)
        self.client = ActionClient(self.node, RunExerciseSet, "run_exercise_set")
        self.scorer = None
        self.t = 0.0

    def start(self, readers=1, **parameters):
        overrides = [rclpy.Parameter(k, value=v) for k, v in parameters.items()]
        self.scorer = QualityScorer(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(self.scorer)
        self.until(lambda: self.poses.get_subscription_count() == readers)
        self.until(lambda: self.scorer.count_subscribers("quality/live") >= 1)
        self.until(lambda: self.scorer.count_subscribers("quality/repetition") >= 1)
        self.until(self.client.server_is_ready)

    def until(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            self.executor.spin_once(timeout_sec=0.05)

    def show(self, seconds, begin_s=1.0, still=False):
        """Show one bridge (or lying still) to the scorer; stamps go on from call to call."""
        for k, u in enumerate(np.arange(0.0, seconds, 1 / 30)):
            x = 0.0 if still else float(self.patient.cycle(u, begin_s, 1.5, 1.5, 1.5))
            body = self.patient.bridge((130 + 45 * x) * self.patient.deg, lift=0.6 * x)
            pose = self.patient.body_pose(self.t + u, body)
            self.poses.publish(convert.to_body_pose(pose))
            if k % BATCH == 0:
                self.drain(k + 1)
        self.drain(k + 1)
        self.shown += k + 1
        self.t += seconds

    shown = 0

    def drain(self, count):
        self.until(lambda: self.scorer.received["body/pose"] >= self.shown + count)

    def send(self, **goal):
        future = self.client.send_goal_async(
            RunExerciseSet.Goal(**goal), feedback_callback=self.feedback.append
        )
        self.until(future.done)
        return future.result()

    def close(self):
        if self.scorer is not None:
            self.scorer.close()
            self.scorer.destroy_node()
        self.client.destroy()
        self.node.destroy_node()
        self.executor.shutdown()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph(patient):
    graph = Graph(patient)
    yield graph
    graph.close()


def test_a_configured_exercise_runs_on_its_own(graph):
    graph.start(exercise="glute_bridge", person_id="p7")
    graph.show(7.0)
    graph.until(lambda: graph.repetitions and graph.states)
    (repetition,) = graph.repetitions
    assert repetition.exercise == "glute_bridge"
    assert repetition.person_id == "p7"
    assert repetition.outcome == msg.Repetition.OUTCOME_COMPLETE
    assert repetition.score.value > 95.0
    assert sum(s.points_lost for s in repetition.sub_scores) == pytest.approx(
        100.0 - repetition.score.value, abs=1e-3
    )
    graph.until(lambda: len(graph.live) == 210)
    assert graph.live[-1].missing == ["pelvis/state", "emg/activation"]
    assert graph.states[-1].state == msg.SessionState.STATE_EXERCISING
    assert graph.states[-1].repetitions_done == 1
    level, sentence, _ = graph.scorer.health()
    assert level == b"\x01"
    assert "pelvis/state" in sentence


def test_an_action_counts_to_its_goal_and_returns_the_repetitions(graph):
    graph.start()
    goal = graph.send(exercise="glute_bridge", repetitions=2)
    assert goal.accepted
    result = goal.get_result_async()
    graph.show(6.5)
    graph.show(6.5)
    graph.until(result.done)
    answer = result.result().result
    assert answer.success
    assert len(answer.repetitions) == 2
    assert answer.score.value > 95.0
    assert answer.grade == msg.Repetition.GRADE_SUPER_EXCELLENT
    assert "all 2 repetitions" in answer.message
    graph.until(lambda: graph.states[-1].state == msg.SessionState.STATE_FINISHED)
    assert len(graph.feedback) > 100


def test_an_action_can_be_cancelled_and_keeps_what_was_done(graph):
    graph.start()
    goal = graph.send(exercise="glute_bridge", repetitions=5)
    result = goal.get_result_async()
    graph.show(6.5)
    cancelled = goal.cancel_goal_async()
    graph.until(result.done)
    assert cancelled.result().goals_canceling
    answer = result.result()
    assert answer.status == 5  # action_msgs/GoalStatus.STATUS_CANCELED
    assert not answer.result.success
    assert answer.result.message == "cancelled"
    assert len(answer.result.repetitions) == 1
    graph.until(lambda: graph.states[-1].state == msg.SessionState.STATE_ABORTED)
    assert graph.send(exercise="glute_bridge", repetitions=1).accepted


def test_a_second_goal_and_a_wrong_one_are_refused(graph):
    graph.start()
    assert not graph.send(exercise="no_such").accepted
    assert graph.send(exercise="glute_bridge").accepted
    assert not graph.send(exercise="glute_bridge").accepted


def test_an_action_gives_up_when_nothing_moves(graph):
    graph.start()
    goal = graph.send(exercise="glute_bridge", repetitions=1, timeout_s=3.0)
    result = goal.get_result_async()
    graph.show(4.0, still=True)
    graph.until(result.done)
    assert result.result().status == 6  # action_msgs/GoalStatus.STATUS_ABORTED
    assert result.result().result.message == "no movement for 3 s"
    assert not result.result().result.score.status


@pytest.mark.parametrize("timeout_s", [math.nan, math.inf, -math.inf, -1.0])
def test_a_goal_with_an_impossible_timeout_is_refused_and_the_node_lives(graph, timeout_s):
    graph.start()
    assert not graph.send(exercise="glute_bridge", timeout_s=timeout_s).accepted
    assert graph.send(exercise="glute_bridge").accepted


def test_a_defect_while_a_goal_is_judged_refuses_it_and_the_node_lives(graph, monkeypatch):
    graph.start()

    def broken(*_):
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(graph.scorer, "_begin", broken)
        assert not graph.send(exercise="glute_bridge").accepted
    goal = graph.send(exercise="glute_bridge")
    assert goal.accepted
    with monkeypatch.context() as patch:
        patch.setattr(graph.scorer._action, "_stop", broken)
        cancelled = goal.cancel_goal_async()
        graph.until(cancelled.done)


def test_an_exercise_by_path_runs_if_its_name_leads_there(graph, tmp_path):
    ours = (config_dir() / "exercises" / "glute_bridge.yaml").read_text()
    path = tmp_path / "my_bridge.yaml"
    path.write_text(ours.replace("name: glute_bridge", "name: my_bridge"))
    graph.start(exercise=str(path), exercise_folder=str(tmp_path))
    graph.show(7.0)
    graph.until(lambda: graph.repetitions)
    assert graph.repetitions[0].exercise == "my_bridge"
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    other = elsewhere / "their_bridge.yaml"
    other.write_text(ours.replace("name: glute_bridge", "name: their_bridge"))
    assert not graph.send(exercise=str(other)).accepted
    assert graph.send(exercise="my_bridge").accepted


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"exercise_folder": "/no/such"}, "no folder of exercises '/no/such'"),
        ({"exercise": "/no/such.yaml"}, "no exercise file"),
    ],
)
def test_a_wrong_place_of_exercises_is_refused(graph, parameters, complaint):
    with pytest.raises(InputError, match=complaint):
        graph.start(**parameters)


def test_a_goal_takes_the_place_of_the_configured_exercise(graph):
    graph.start(exercise="glute_bridge", session_id="s1")
    graph.show(1.0, still=True)
    assert not graph.send(exercise="no_such").accepted
    graph.show(0.5, still=True)
    assert {s.state for s in graph.states} == {msg.SessionState.STATE_EXERCISING}
    goal = graph.send(exercise="glute_bridge", repetitions=1)
    assert goal.accepted
    assert not graph.send(exercise="glute_bridge").accepted
    graph.until(lambda: len(graph.states) == 3)
    assert [(s.state, s.set_index) for s in graph.states] == [
        (msg.SessionState.STATE_EXERCISING, 1),
        (msg.SessionState.STATE_ABORTED, 1),
        (msg.SessionState.STATE_EXERCISING, 2),
    ]
    result = goal.get_result_async()
    graph.show(7.0)
    graph.until(result.done)
    answer = result.result().result
    assert (answer.success, answer.session_id, answer.set_index) == (True, "s1", 2)
    graph.until(lambda: graph.repetitions)
    for message in (*answer.repetitions, *graph.repetitions, graph.live[-1]):
        assert (message.session_id, message.set_index) == ("s1", 2)
    assert (graph.live[0].session_id, graph.live[0].set_index) == ("s1", 1)


def test_a_goal_takes_the_place_of_one_whose_client_is_gone(graph):
    graph.start()
    assert graph.send(exercise="glute_bridge").accepted
    graph.until(graph.scorer._action._listeners)
    graph.show(0.2, still=True)
    graph.client.destroy()
    graph.client = ActionClient(graph.node, RunExerciseSet, "run_exercise_set")
    graph.until(graph.client.server_is_ready)
    graph.until(lambda: graph.send(exercise="glute_bridge", repetitions=3).accepted)
    assert graph.scorer._set.target == 3


def test_two_goals_in_a_row_get_each_their_own_result(graph):
    graph.start()
    first = graph.send(exercise="glute_bridge", repetitions=1)
    first_result = first.get_result_async()
    # The first is over and the second is there before the first one's task could go on.
    graph.scorer._end("for the test")
    second = graph.send(exercise="glute_bridge", repetitions=1)
    assert second.accepted
    graph.until(first_result.done)
    assert first_result.result().result.set_index == 1
    second_result = second.get_result_async()
    graph.show(7.0)
    graph.until(second_result.done)
    assert second_result.result().result.success
    assert second_result.result().result.set_index == 2


def test_a_goal_under_way_is_answered_when_the_node_stops(graph):
    graph.start()
    goal = graph.send(exercise="glute_bridge", repetitions=5)
    result = goal.get_result_async()
    graph.show(0.5, still=True)
    graph.scorer.close()
    graph.executor.remove_node(graph.scorer)
    graph.scorer.destroy_node()
    graph.scorer = None
    graph.until(result.done)
    assert result.result().status == 6  # action_msgs/GoalStatus.STATUS_ABORTED
    assert result.result().result.message == "the node stops"


def test_sets_of_the_action_are_scored_again_in_a_replay(graph, tmp_path):
    output = rclpy.Parameter("output", value=str(tmp_path / "bag"))
    recorder = Recorder(context=graph.context, parameter_overrides=[output])
    graph.executor.add_node(recorder)
    graph.until(lambda: graph.poses.get_subscription_count() == 1)
    graph.start(session_id="s1", readers=2)
    events = "/run_exercise_set/_action/send_goal/_service_event"
    heard = (events, events.replace("send", "cancel"), "/quality/repetition", "/session/state")
    graph.until(lambda: all(graph.node.count_subscribers(topic) for topic in heard))
    assert graph.send(exercise="glute_bridge", repetitions=1).accepted
    graph.show(6.5)
    graph.until(lambda: len(graph.repetitions) == 1)
    graph.until(lambda: recorder.received["/body/pose"] == graph.shown)
    goal = graph.send(exercise="glute_bridge", repetitions=5)
    graph.show(6.5)
    graph.until(lambda: recorder.received["/body/pose"] == graph.shown)
    goal.cancel_goal_async()
    graph.until(lambda: graph.states[-1].state == msg.SessionState.STATE_ABORTED)
    graph.until(lambda: recorder.received["/session/state"] == len(graph.states))
    graph.until(lambda: recorder.received["/quality/repetition"] == len(graph.repetitions))
    graph.executor.remove_node(recorder)
    recorder.end()
    recorder.destroy_node()

    sent = {"/quality/repetition": [], "/session/state": []}

    def keep(message):
        kind = {"/quality/repetition": msg.Repetition, "/session/state": msg.SessionState}
        if message.topic in kind:
            sent[message.topic].append(deserialize_message(message.data, kind[message.topic]))

    part = Part(QualityScorer, ("--ros-args", "-p", "session_id:=s1"))
    with BagReader(tmp_path / "bag") as bag:
        first = replay(bag, [part], keep)
        assert sent["/quality/repetition"] == graph.repetitions
        assert sent["/session/state"] == graph.states
        assert [r.set_index for r in graph.repetitions] == [1, 2]
        assert first.fed[events] == 2
        assert replay(bag, [part]).digests == first.digests


def test_a_limit_that_is_not_there_is_said_so():
    finding = FaultFinding(
        "f", SubScoreKind.ALIGNMENT, Severity.MILD, 1.0, "l_knee", "rad",
        Estimate(1.0, 0.1), -math.inf, 0.5, 0, 1,
    )  # fmt: skip
    fault = to_fault(finding)
    assert (fault.has_min, fault.allowed_min) == (False, 0.0)
    assert (fault.has_max, fault.allowed_max) == (True, 0.5)


def test_an_unknown_exercise_ends_the_node_with_a_sentence(graph):
    with pytest.raises(InputError, match="known are"):
        graph.start(exercise="no_such")
