"""The node over real DDS, in one executor with the test's own node."""

import os
import time
import wave

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from lbp_rehab import msg
from lbp_rehab.feedback import speech
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.feedback_speaker import FeedbackSpeaker

pytestmark = pytest.mark.graph
DOMAIN = 72
DEADLINE_S = 40.0


class Graph:
    def __init__(self):
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor.add_node(self.node)
        self.repetition = self.node.create_publisher(
            msg.Repetition, "quality/repetition", qos.RESULT
        )
        self.live = self.node.create_publisher(msg.QualityLive, "quality/live", qos.RESULT)
        self.cues = []
        self.node.create_subscription(msg.Cue, "feedback/cue", self.cues.append, qos.RESULT)
        self.speaker = None

    def start(self, **parameters):
        overrides = [rclpy.Parameter(k, value=v) for k, v in parameters.items()]
        self.speaker = FeedbackSpeaker(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(self.speaker)
        self.until(lambda: self.repetition.get_subscription_count() == 1)
        self.until(lambda: self.live.get_subscription_count() == 1)
        self.until(lambda: self.speaker.count_subscribers("feedback/cue") == 1)

    def until(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            self.executor.spin_once(timeout_sec=0.05)

    def now(self, earlier_s=0.0):
        return convert.to_stamp(self.node.get_clock().now().nanoseconds - round(earlier_s * 1e9))

    def bridge(self, *faults, earlier_s=0.0):
        self.repetition.publish(
            msg.Repetition(
                person_id="p7",
                session_id="s1",
                set_index=2,
                exercise="glute_bridge",
                index=1,
                outcome=msg.Repetition.OUTCOME_COMPLETE,
                grade=msg.Repetition.GRADE_GOOD,
                end=self.now(earlier_s),
                faults=list(faults),
            )
        )

    def close(self):
        if self.speaker is not None:
            self.speaker.close()
            self.speaker.destroy_node()
        self.node.destroy_node()
        self.executor.shutdown()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph(monkeypatch):
    monkeypatch.setattr(speech, "PLAYERS", ())
    graph = Graph()
    yield graph
    graph.close()


HIPS_LOW = msg.Fault(id="range_short", severity=msg.Fault.SEVERITY_MODERATE, points_lost=9.0)


def test_a_repetition_is_answered_in_text_and_in_a_wav_file(graph, tmp_path):
    pytest.importorskip("espeakng_loader")
    graph.start(wav_folder=str(tmp_path))
    graph.bridge(HIPS_LOW)
    graph.until(lambda: graph.cues)
    (cue,) = graph.cues
    assert cue.text == "Good. Lift your hips a little higher"
    assert (cue.language, cue.exercise, cue.person_id) == ("en", "glute_bridge", "p7")
    assert (cue.severity, cue.answers) == (msg.Cue.SEVERITY_CORRECTION, "range_short")
    assert (cue.session_id, cue.set_index) == ("s1", 2)
    assert cue.output == msg.Cue.OUTPUT_FILE
    graph.speaker._speaker.wait()
    with wave.open(str(tmp_path / cue.wav_path)) as file:
        assert file.getframerate() == 22050
        assert any(file.readframes(file.getnframes()))
    level, sentence, values = graph.speaker.health()
    assert (level, sentence) == (b"\x01", "no sound device: cues go to WAV files only")
    assert values["spoken"] == "1"


def test_muted_it_is_text_only_in_the_chosen_language(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True, language="de")
    graph.bridge()
    graph.until(lambda: graph.cues)
    assert graph.cues[0].text == "1, Gut"
    assert graph.cues[0].output == msg.Cue.OUTPUT_TEXT_ONLY
    assert graph.cues[0].wav_path == ""
    assert list(tmp_path.iterdir()) == []


def test_an_unsafe_movement_is_stopped_at_once(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True)
    graph.bridge()
    graph.until(lambda: graph.cues)
    live = msg.QualityLive(
        exercise="glute_bridge",
        faults=[msg.Fault(id="lumbar_overextension", severity=msg.Fault.SEVERITY_UNSAFE)],
    )
    live.header.stamp = graph.now()
    graph.live.publish(live)
    graph.until(lambda: len(graph.cues) == 2)
    assert graph.cues[1].severity == msg.Cue.SEVERITY_STOP


def test_an_event_from_long_ago_is_not_answered(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True)
    graph.bridge(earlier_s=10.0)
    graph.until(lambda: graph.speaker.health()[2]["too_late"] == "1")
    level, sentence, _ = graph.speaker.health()
    assert level == b"\x01"
    assert "the stamps lag the clock by 10." in sentence
    graph.bridge()
    graph.until(lambda: graph.cues)
    assert [c.answers for c in graph.cues] == ["repetition"]
    assert graph.speaker.health()[2]["too_late"] == "1"
    assert "lag" not in graph.speaker.health()[1]
