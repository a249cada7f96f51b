"""The node over real DDS, in one executor with the test's own node."""

import os
import time
import wave

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.feedback_speaker import FeedbackSpeaker
from lbp_rehab.paths import config_dir

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
        self.session = self.node.create_publisher(msg.SessionState, "session/state", qos.LATCHED)
        self.cues = []
        self.node.create_subscription(msg.Cue, "feedback/cue", self.cues.append, qos.RESULT)
        self.speaker = None

    def start(self, **parameters):
        overrides = [rclpy.Parameter(k, value=v) for k, v in parameters.items()]
        self.speaker = FeedbackSpeaker(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(self.speaker)
        self.until(lambda: self.repetition.get_subscription_count() == 1)
        self.until(lambda: self.live.get_subscription_count() == 1)
        self.until(lambda: self.session.get_subscription_count() == 1)
        self.until(lambda: self.speaker.count_subscribers("feedback/cue") == 1)

    def until(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            self.executor.spin_once(timeout_sec=0.05)

    def now(self, earlier_s=0.0):
        return convert.to_stamp(self.node.get_clock().now().nanoseconds - round(earlier_s * 1e9))

    def bridge(self, *faults, earlier_s=0.0, index=1, score=80.0, exercise="glute_bridge"):
        self.repetition.publish(
            msg.Repetition(
                person_id="p7",
                session_id="s1",
                set_index=2,
                exercise=exercise,
                index=index,
                outcome=msg.Repetition.OUTCOME_COMPLETE,
                score=convert.to_estimate(Estimate(score, 1.0)),
                grade=msg.Repetition.GRADE_GOOD,
                end=self.now(earlier_s),
                faults=list(faults),
            )
        )

    def moment(self, *faults, phase=msg.QualityLive.PHASE_OUT):
        live = msg.QualityLive(
            session_id="s1", set_index=2, exercise="glute_bridge", phase=phase, faults=list(faults)
        )
        live.header.stamp = self.now()
        self.live.publish(live)

    def state(self, state, done=0, target=10):
        message = msg.SessionState(
            person_id="p7",
            session_id="s1",
            state=state,
            exercise="glute_bridge",
            set_index=2,
            repetitions_done=done,
            repetitions_target=target,
        )
        message.header.stamp = self.now()
        self.session.publish(message)

    def close(self):
        if self.speaker is not None:
            self.speaker.close()
            self.speaker.destroy_node()
        self.node.destroy_node()
        self.executor.shutdown()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph(silent):
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


def own_bridge(folder, texts, name="my_bridge"):
    ours = (config_dir() / "exercises" / "glute_bridge.yaml").read_text()
    new = ours.replace("name: glute_bridge", f"name: {name}").replace("level_pelvis", "be_level")
    (folder / f"{name}.yaml").write_text(new + texts)


DROPS = msg.Fault(id="pelvis_drops", severity=msg.Fault.SEVERITY_MODERATE, points_lost=20.0)


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Good. Both hips level"), ("de", "Gut. Beide Hüften gleich hoch")]
)
def test_the_texts_of_an_own_exercise_are_said(graph, tmp_path, language, text):
    texts = (
        "texts:\n  en: {be_level: Both hips level}\n  de: {be_level: Beide Hüften gleich hoch}\n"
    )
    own_bridge(tmp_path, texts)
    graph.start(
        wav_folder=str(tmp_path), mute=True, exercise_folder=str(tmp_path), language=language
    )
    graph.bridge(DROPS, exercise="my_bridge")
    graph.until(lambda: graph.cues)
    assert (graph.cues[0].text, graph.cues[0].answers) == (text, "pelvis_drops")
    assert "without a text" not in graph.speaker.health()[1]


def test_a_cue_without_a_text_is_told_and_the_rest_is_said(graph, tmp_path):
    own_bridge(tmp_path, "")
    graph.start(wav_folder=str(tmp_path), mute=True, exercise_folder=str(tmp_path))
    graph.bridge(DROPS, HIPS_LOW, exercise="my_bridge")
    graph.until(lambda: graph.cues)
    assert graph.cues[0].answers == "range_short"
    assert "my_bridge names cues without a text: add be_level" in graph.speaker.health()[1]


def test_the_next_set_has_the_texts_of_its_own_exercise(graph, tmp_path):
    own_bridge(tmp_path, "texts:\n  en: {lift_hips_higher: Up with the hips}\n")
    graph.start(
        wav_folder=str(tmp_path), mute=True, exercise_folder=str(tmp_path), min_interval_s=0.0
    )
    graph.bridge(HIPS_LOW, exercise="my_bridge")
    graph.until(lambda: len(graph.cues) == 1)
    graph.repetition.publish(
        msg.Repetition(
            session_id="s1", set_index=3, exercise="glute_bridge", index=1, end=graph.now(),
            outcome=msg.Repetition.OUTCOME_COMPLETE, faults=[HIPS_LOW],
        )
    )  # fmt: skip
    graph.until(lambda: len(graph.cues) == 2)
    assert graph.cues[0].text == "Good. Up with the hips"
    assert graph.cues[1].text == "Lift your hips a little higher"


def test_an_exercise_without_a_file_is_counted_and_stopped_and_told(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True, min_interval_s=0.0)
    graph.bridge(HIPS_LOW, exercise="unheard_of")
    graph.until(lambda: len(graph.cues) == 1)
    assert graph.cues[0].text == "1, Good"
    level, sentence, _ = graph.speaker.health()
    assert level == b"\x01"
    assert "no corrections, only counts, grades and stops: there is no exercise" in sentence
    unsafe = msg.Fault(id="x", severity=msg.Fault.SEVERITY_UNSAFE)
    graph.bridge(unsafe, exercise="unheard_of", index=2)
    graph.until(lambda: len(graph.cues) == 2)
    assert graph.cues[1].severity == msg.Cue.SEVERITY_STOP


@pytest.mark.parametrize("fault", ["lumbar_overextension", "not_in_the_exercise_file"])
def test_an_unsafe_movement_is_stopped_at_once(graph, tmp_path, fault):
    graph.start(wav_folder=str(tmp_path), mute=True)
    graph.bridge()
    graph.until(lambda: graph.cues)
    graph.moment(msg.Fault(id=fault, severity=msg.Fault.SEVERITY_UNSAFE))
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


def moderate(graph, fault, points):
    """Return a fault that began 0.3 s ago and would cost so many points."""
    return msg.Fault(
        id=fault,
        severity=msg.Fault.SEVERITY_MODERATE,
        points_lost=points,
        start=graph.now(earlier_s=0.3),
    )


def test_a_moderate_fault_is_corrected_during_the_movement(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True)
    fault = moderate(graph, "pelvis_drops", 10.0)
    graph.moment(fault)
    graph.until(lambda: graph.cues)
    (cue,) = graph.cues
    assert (cue.text, cue.answers) == ("Keep your pelvis level", "pelvis_drops")
    assert (cue.event_stamp, cue.repetition) == (fault.start, 1)


@pytest.mark.parametrize("dearer", ["pelvis_drops", "knees_fall_in"])
def test_during_the_movement_the_fault_that_will_cost_most_is_corrected(graph, tmp_path, dearer):
    graph.start(wav_folder=str(tmp_path), mute=True)
    graph.moment(
        *(
            moderate(graph, f, 18.0 if f == dearer else 2.0)
            for f in ("pelvis_drops", "knees_fall_in")
        )
    )
    graph.until(lambda: graph.cues)
    assert graph.cues[0].answers == dearer


def test_the_set_is_graded_by_its_mean_after_its_last_repetition(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True, min_interval_s=0.0)
    graph.state(msg.SessionState.STATE_EXERCISING, target=2)
    graph.until(lambda: graph.speaker.received["session/state"] == 1)
    for index, score in ((1, 80.0), (2, 96.0)):
        graph.bridge(index=index, score=score)
        graph.until(lambda index=index: len(graph.cues) == index)
    graph.state(msg.SessionState.STATE_FINISHED, done=2, target=2)
    graph.until(lambda: len(graph.cues) == 3)
    cue = graph.cues[2]
    assert (cue.text, cue.answers, cue.repetition) == ("Set done: Excellent. Rest now", "set", 0)
    assert (cue.person_id, cue.session_id, cue.set_index) == ("p7", "s1", 2)


def test_the_grade_of_a_set_waits_for_its_turn(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True, min_interval_s=0.5)
    graph.state(msg.SessionState.STATE_EXERCISING)
    graph.bridge()
    graph.until(lambda: graph.cues)
    graph.state(msg.SessionState.STATE_FINISHED, done=1)
    graph.until(lambda: len(graph.cues) == 2)
    first, second = (convert.to_ns(cue.header.stamp) for cue in graph.cues)
    assert graph.cues[1].answers == "set"
    assert second - first >= 500_000_000


def test_a_set_that_was_broken_off_is_not_graded_unless_its_end_was_open(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True, min_interval_s=0.0)
    graph.bridge()
    graph.until(lambda: graph.cues)
    for target, cues in ((10, 1), (0, 2)):
        graph.state(msg.SessionState.STATE_ABORTED, done=1, target=target)
        graph.until(
            lambda target=target: graph.speaker.received["session/state"] >= 2 - target / 10
        )
        graph.until(lambda cues=cues: len(graph.cues) == cues)


def test_who_joins_a_set_in_the_middle_counts_on(graph, tmp_path):
    graph.state(msg.SessionState.STATE_EXERCISING, done=4)
    graph.start(wav_folder=str(tmp_path), mute=True)
    graph.until(lambda: graph.speaker.received["session/state"] == 1)
    graph.bridge(index=5)
    graph.until(lambda: graph.cues)
    assert graph.cues[0].text == "5, Good"


def test_prompts_lead_through_the_phases_if_asked_for(graph, tmp_path):
    graph.start(wav_folder=str(tmp_path), mute=True, prompts="both", min_interval_s=0.0)
    for count, phase in ((1, msg.QualityLive.PHASE_OUT), (2, msg.QualityLive.PHASE_RETURN)):
        graph.moment(phase=phase)
        graph.until(lambda count=count: len(graph.cues) == count)
    assert [cue.text for cue in graph.cues] == [
        "Move slowly. Breathe out",
        "Slowly back. Breathe in",
    ]
    assert {(cue.severity, cue.answers) for cue in graph.cues} == {(msg.Cue.SEVERITY_INFO, "tempo")}


def test_what_a_set_may_need_is_spoken_in_advance(graph, tmp_path):
    pytest.importorskip("espeakng_loader")
    graph.start(wav_folder=str(tmp_path))
    graph.state(msg.SessionState.STATE_EXERCISING)
    graph.until(lambda: graph.speaker.received["session/state"] == 1)
    speaker = graph.speaker._speaker
    speaker.wait_prepared()
    for text in ("Keep your pelvis level", "Good. Keep your pelvis level", "10, Good"):
        assert speaker.store.has(graph.speaker._saying(text))


def test_a_plug_in_voice_that_fails_is_told_and_espeak_speaks(graph, tmp_path, plug_in):
    pytest.importorskip("espeakng_loader")
    command = plug_in("import sys; sys.exit('no such model')")
    graph.start(wav_folder=str(tmp_path / "voice"), voice_command=command)
    graph.bridge()
    graph.until(lambda: graph.cues)
    graph.speaker._speaker.wait()
    assert (tmp_path / "voice" / graph.cues[0].wav_path).exists()
    level, sentence, values = graph.speaker.health()
    assert level == b"\x01"
    assert "no such model; eSpeak NG speaks instead" in sentence
    assert values["voice_fallbacks"] == "1"


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"voice_command": "piper"}, "voice_command"),
        ({"grade_thresholds": [60.0, 50.0, 80.0, 90.0]}, "four rising numbers"),
        ({"exercise_folder": "/no/such"}, "no folder of exercises '/no/such'"),
        ({"live_from": "now and then"}, "choose one of mild, moderate, severe, never"),
    ],
)
def test_a_wrong_parameter_is_refused(graph, parameters, complaint):
    with pytest.raises(InputError, match=complaint):
        graph.start(**parameters)
