"""The node over real DDS, in one executor with the test's own node."""

import os
import time

import numpy as np
import pytest
import rclpy
from lbp_rehab.action import RunExerciseSet
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.quality_scorer import QualityScorer

pytestmark = pytest.mark.graph
DOMAIN = 71
DEADLINE_S = 40.0
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
            (msg.SessionState, "session/state", qos.LATCHED, self.states),
        ):
            self.node.create_subscription(kind, topic, kept.append, profile)
        self.client = ActionClient(self.node, RunExerciseSet, "run_exercise_set")
        self.scorer = None
        self.t = 0.0

    def start(self, **parameters):
        overrides = [rclpy.Parameter(k, value=v) for k, v in parameters.items()]
        self.scorer = QualityScorer(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(self.scorer)
        self.until(lambda: self.poses.get_subscription_count() == 1)
        self.until(lambda: self.scorer.count_subscribers("quality/live") == 1)
        self.until(lambda: self.scorer.count_subscribers("quality/repetition") == 1)
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


def test_an_unknown_exercise_ends_the_node_with_a_sentence(graph):
    with pytest.raises(InputError, match="known are"):
        graph.start(exercise="no_such")
