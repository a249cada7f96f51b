"""The node over real DDS: a file in, messages out, a calibration, and its complaints."""

import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from lbp_rehab.msg import EmgActivation, EmgRaw
from lbp_rehab.srv import CalibrateMvc
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import Selection
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.graph import SessionOptions
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.emg_bridge import EmgBridgeNode
from lbp_rehab.nodes.emg_messages import from_emg_raw, to_emg_raw
from lbp_rehab.nodes.recorder import Recorder
from lbp_rehab.replay.lockstep import replay
from lbp_rehab.replay.session import parts

pytestmark = pytest.mark.graph
DEADLINE_S = 40.0
RATE_HZ = 1000.0
PERSON = "p7"


class Graph:
    """Nodes of a private domain in one executor."""

    def __init__(self, context):
        self.context = context
        self.executor = SingleThreadedExecutor(context=context)
        self.observer = rclpy.create_node("observer", context=context)
        self.executor.add_node(self.observer)
        self.nodes = [self.observer]

    def bridge(self, **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = EmgBridgeNode(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def collect(self, kind, topic):
        received = []
        # A busy machine may leave the executor for seconds without time.
        everything = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
        self.observer.create_subscription(kind, topic, received.append, everything)
        return received

    def spin_until(self, condition):
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, "nothing happened in time"
            self.executor.spin_once(timeout_sec=0.05)


@pytest.fixture
def graph(tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=1 + os.getpid() % 101)
    made = Graph(context)
    yield made
    for node in made.nodes:
        if isinstance(node, EmgBridgeNode):
            node.close()
        node.destroy_node()
    made.executor.shutdown(timeout_sec=1.0)
    rclpy.shutdown(context=context)


@pytest.fixture
def recording(tmp_path, emg):
    """Write 8 s of two channels: rest, then from 4 s on a contraction."""
    t = np.arange(8000) / RATE_HZ
    x = emg(RATE_HZ, 8000, 2) * np.where(t > 4, 1e-4, 2e-6)[:, None]
    path = tmp_path / "back.csv"
    rows = np.column_stack([t, x * 1e6])
    np.savetxt(path, rows, delimiter=",", header="time,LMF,RMF\ns,uV,uV", comments="", fmt="%.6g")
    return path, x


def test_file_is_played_calibrated_and_reported(graph, recording):
    path, x = recording
    raw = graph.collect(EmgRaw, "emg/raw")
    activations = graph.collect(EmgActivation, "emg/activation")
    client = graph.observer.create_client(CalibrateMvc, "calibrate_mvc")
    diagnostics = graph.collect(DiagnosticArray, "/diagnostics")
    before_ns = time.time_ns()
    node = graph.bridge(source=f"file:{path}", person_id=PERSON)
    graph.spin_until(client.service_is_ready)
    # The recording of a maximum runs while samples come in, in the one thread of the executor.
    future = client.call_async(CalibrateMvc.Request(duration_s=5.5))
    graph.spin_until(future.done)
    answer = future.result()
    assert answer.success, answer.message
    assert list(answer.labels) == ["LMF", "RMF"]
    for volts in answer.mvc_v:
        assert 0.9 < volts / (1e-4 * np.sqrt(2 / np.pi)) < 1.3
    graph.spin_until(lambda: node._source.finished)
    graph.spin_until(lambda: activations and activations[-1].header.stamp.sec - before_ns / 1e9 > 6)

    data = np.concatenate([from_emg_raw(m).data for m in raw])
    first = raw[0].first_sample  # discovery may take a moment
    np.testing.assert_allclose(data, x[first : first + len(data)], rtol=1e-4, atol=1e-10)
    assert all(m.person_id == PERSON and m.source == "back.csv" for m in raw)
    for a, b in pairwise(raw):
        assert b.first_sample == a.first_sample + a.n_samples
        assert b.lost_before == 0
    stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in activations]
    assert set(np.diff(stamps)) == {20_000_000}
    last = activations[-1].muscles[0]
    assert last.activation.status == Status.MEASURED
    assert 0.4 < last.activation.value < 1.5
    assert last.active
    assert activations[10].muscles[0].activation.reason in (Reason.TOO_EARLY, Reason.NOT_CALIBRATED)
    graph.spin_until(lambda: any("is over" in d.status[0].message for d in diagnostics))
    values = {v.key: v.value for v in diagnostics[-1].status[0].values}
    assert values["rate_hz"] == "1000.00"
    assert values["quality LMF"] == "GOOD"


def test_topic_gives_the_same_activation_as_the_core(graph, emg):
    channels = (Channel("LMF"), Channel("RMF"))
    data = (1e-5 * emg(RATE_HZ, 3000, 2)).astype(np.float32)
    chunks = [
        EmgChunk(10**18 + i * 10**6, RATE_HZ, i, 0, data[i : i + 25], channels, 1e-3, "synthetic")
        for i in range(0, 3000, 25)
    ]
    activations = graph.collect(EmgActivation, "emg/activation")
    node = graph.bridge(source="topic")
    publisher = graph.observer.create_publisher(EmgRaw, "emg/raw", qos.RESULT)
    graph.spin_until(lambda: publisher.get_subscription_count() == 1)
    graph.spin_until(lambda: node.count_subscribers("emg/activation") == 1)
    for sent, chunk in enumerate(chunks, start=1):
        publisher.publish(to_emg_raw(chunk, PERSON))
        graph.spin_until(lambda sent=sent: node.received["emg/raw"] == sent)
    broken = to_emg_raw(chunks[0], PERSON)
    broken.n_samples = 26
    publisher.publish(broken)
    graph.spin_until(lambda: node.dropped["emg/raw"] == 1)
    pipeline = EmgPipeline(PipelineSettings())
    expected = [a for chunk in chunks for a in pipeline.process(chunk)]
    graph.spin_until(lambda: len(activations) == len(expected))
    for message, truth in zip(activations, expected, strict=True):
        assert message.person_id == PERSON
        assert message.delay_s == truth.delay_s
        stamp = message.header.stamp
        assert stamp.sec * 10**9 + stamp.nanosec == truth.stamp_ns
        for got, want in zip(message.muscles, truth.muscles, strict=True):
            assert got.envelope.value == want.envelope.value
            assert got.channel.muscle == 1
    assert "no sEMG source" not in node.health()[1]


def test_what_a_user_can_mend_ends_the_start(graph, recording, tmp_path):
    path, _ = recording
    mvc = tmp_path / "mvc.yaml"
    mvc.write_text(yaml.safe_dump({"LES": 1e-4}))
    for parameters, sentence in (
        ({"source": "file:none.csv"}, "there is no sEMG file"),
        ({"source": f"file:{path}", "mvc_file": str(mvc)}, "'LES'"),
        ({"source": f"file:{path}", "channel_map": ["RES=erector_spinae:right"]}, "'RES'"),
        ({"source": "serial"}, "unknown sEMG source"),
    ):
        with pytest.raises(InputError, match=sentence):
            graph.bridge(**parameters)


def test_missing_stream_is_a_warning_and_calibration_says_so(graph):
    pytest.importorskip("pylsl")
    node = graph.bridge(source="lsl:name=nobody-has-this")
    level, sentence, _ = node.health()
    assert level != b"\x00"
    assert "nobody-has-this" in sentence
    client = graph.observer.create_client(CalibrateMvc, "calibrate_mvc")
    graph.spin_until(client.service_is_ready)
    future = client.call_async(CalibrateMvc.Request(duration_s=0.1))
    graph.spin_until(future.done)
    assert not future.result().success
    assert "no sEMG arrived" in future.result().message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_message_with_a_sample_that_is_not_finite_is_refused(emg, value):
    data = (1e-5 * emg(RATE_HZ, 25, 2)).astype(np.float32)
    data[3, 1] = value
    chunk = EmgChunk(10**18, RATE_HZ, 0, 0, data, (Channel("a"), Channel("b")))
    with pytest.raises(InputError, match="not finite"):
        from_emg_raw(to_emg_raw(chunk, PERSON))


def test_a_source_with_a_sample_that_is_not_finite_publishes_a_declared_gap(graph, emg):
    raw = graph.collect(EmgRaw, "emg/raw")
    activations = graph.collect(EmgActivation, "emg/activation")
    data = (1e-5 * emg(RATE_HZ, 100, 1)).astype(np.float32)
    data[30, 0] = np.nan
    node = graph.bridge(source="lsl:name=none")
    graph.spin_until(lambda: node.count_subscribers("emg/raw") == 1)
    for i in range(0, 100, 25):
        chunk = EmgChunk(10**18 + i * 10**6, RATE_HZ, i, 0, data[i : i + 25], (Channel("a"),))
        node._guarded_chunk(chunk)
    graph.spin_until(lambda: len(raw) == 3)
    assert [m.first_sample for m in raw] == [0, 50, 75]
    assert [m.lost_before for m in raw] == [0, 25, 0]
    assert np.isfinite([v for m in raw for v in m.data]).all()
    assert node.dropped["source"] == 1
    graph.spin_until(lambda: activations)
    reasons = {a.muscles[0].envelope.reason for a in activations}
    assert Reason.MISSING_INPUT in reasons


def test_a_calibration_under_way_fails_when_the_node_stops(graph):
    node = graph.bridge(source="topic")
    client = graph.observer.create_client(CalibrateMvc, "calibrate_mvc")
    graph.spin_until(client.service_is_ready)
    future = client.call_async(CalibrateMvc.Request(duration_s=30.0))
    graph.spin_until(lambda: node._calibration._done is not None)
    node.close()
    graph.executor.remove_node(node)
    graph.nodes.remove(node)
    node.destroy_node()
    graph.spin_until(future.done)
    assert not future.result().success
    assert "the node stops" in future.result().message


def test_a_calibration_during_a_recording_is_made_again_in_a_replay(graph, emg, tmp_path):
    output = Parameter("output", value=str(tmp_path / "bag"))
    recorder = Recorder(context=graph.context, parameter_overrides=[output])
    graph.executor.add_node(recorder)
    graph.nodes.append(recorder)
    node = graph.bridge(source="topic")
    channels = (Channel("LMF"), Channel("RMF"))
    volts = emg(RATE_HZ, 6000, 2) * np.where(np.arange(6000) > 3000, 1e-4, 2e-6)[:, None]
    data = volts.astype(np.float32)
    publisher = graph.observer.create_publisher(EmgRaw, "emg/raw", qos.RESULT)
    client = graph.observer.create_client(CalibrateMvc, "calibrate_mvc")
    event = "/calibrate_mvc/_service_event"
    graph.spin_until(client.service_is_ready)
    graph.spin_until(lambda: publisher.get_subscription_count() == 2)
    graph.spin_until(lambda: node.count_subscribers("emg/activation") == 1)
    graph.spin_until(lambda: node.count_subscribers(event) == 1)
    answer = None
    for sent, i in enumerate(range(0, 6000, 25), start=1):
        chunk = EmgChunk(10**18 + i * 10**6, RATE_HZ, i, 0, data[i : i + 25], channels)
        publisher.publish(to_emg_raw(chunk, PERSON))
        graph.spin_until(lambda n=sent: node.received["emg/raw"] == n)
        graph.spin_until(lambda n=sent: recorder.received["/emg/raw"] == n)
        if i == 3500:
            answer = client.call_async(CalibrateMvc.Request(duration_s=1.0))
            graph.spin_until(lambda: recorder.received[event] == 1)
        if answer is not None and node._calibration._recording is None:
            graph.spin_until(answer.done)  # before the next chunk: it counts from now on
    assert answer.result().success
    graph.spin_until(lambda: recorder.received["/emg/activation"] == node.sent["emg/activation"])
    recorder.end()
    # As `lbp-rehab replay` does, it does not store what was stored when it happened.
    store = tmp_path / "store"
    given = {"emg_bridge": {"ros__parameters": {"mvc_folder": str(store)}}}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(given))
    options = SessionOptions(person=PERSON, params=str(tmp_path / "p.yaml"))
    (part,) = parts({"/emg/raw"}, options, tmp_path / "bag")
    again = []

    def keep(message):
        if message.topic == "/emg/activation":
            again.append(deserialize_message(message.data, EmgActivation))

    with BagReader(tmp_path / "bag") as bag:
        first = replay(bag, [part], keep)
        assert first.fed[event] == 1
        recorded = [m.data for m in bag.messages({"/emg/activation"})]
        assert again == [deserialize_message(data, EmgActivation) for data in recorded]
        assert again[-1].muscles[0].activation.status == Status.MEASURED
        assert replay(bag, [part]).digests == first.digests
        assert not store.exists()
        without = replay(bag, [part], selection=Selection(exclude=(event,)))
        assert without.digests["/emg/activation"] != first.digests["/emg/activation"]


def test_parameter_file_holds_every_default():
    text = (Path(__file__).parents[2] / "config" / "emg_bridge.yaml").read_text()
    values = yaml.safe_load(text)["/**"]["ros__parameters"]
    assert values == {row.name: row.default for row in EmgBridgeNode.PARAMETERS}
