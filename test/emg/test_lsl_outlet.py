"""Our LSL outlets: what a lab's recorder sees of activation and scores."""

import json
import os
import time

import numpy as np
import pytest
import rclpy
from lbp_rehab.msg import (
    EmgActivation,
    EmgChannel,
    Estimate,
    Fault,
    MuscleActivation,
    QualityLive,
    Repetition,
)
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from lbp_rehab.emg import outlet as outlet_module
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.convert import to_stamp
from lbp_rehab.nodes.lsl_outlet import LslOutletNode

pylsl = pytest.importorskip("pylsl")
pytestmark = pytest.mark.graph
DEADLINE_S = 20.0
PREFIX = f"test{os.getpid()}"


@pytest.fixture
def node(ros_domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    made = LslOutletNode(context=context, parameter_overrides=[Parameter("prefix", value=PREFIX)])
    yield made
    made.close()
    made.destroy_node()
    rclpy.shutdown(context=context)


def known(value):
    return Estimate(status=Estimate.MEASURED, value=value, sigma=0.1)


def unknown():
    return Estimate(reason=Estimate.REASON_NOT_CALIBRATED)


def muscle(label, code, side, activation):
    channel = EmgChannel(label=label, muscle=code, side=side, unit="V")
    return MuscleActivation(channel=channel, activation=activation)


def inlet(stream):
    end = time.monotonic() + DEADLINE_S
    while not (found := pylsl.resolve_byprop("name", f"{PREFIX}_{stream}", 1, 1.0)):
        assert time.monotonic() < end, f"no outlet {stream}"
    made = pylsl.StreamInlet(found[0])
    made.open_stream(DEADLINE_S)
    return made


def pull(source):
    sample, stamp_s = source.pull_sample(DEADLINE_S)
    return sample, stamp_s + source.time_correction(DEADLINE_S)


def lsl_of(ros_ns):
    return pylsl.local_clock() + (ros_ns - time.time_ns()) / 1e9


def activation(stamp_ns, *values):
    left, right = values
    message = EmgActivation(
        muscles=[
            muscle("LMF", EmgChannel.MUSCLE_MULTIFIDUS, EmgChannel.SIDE_LEFT, left),
            muscle("RMF", EmgChannel.MUSCLE_MULTIFIDUS, EmgChannel.SIDE_RIGHT, right),
        ],
        co_contraction=unknown(),
        asymmetry=known(0.25),
        local_share=unknown(),
    )
    message.header.stamp = to_stamp(stamp_ns)
    return message


def test_activation_is_a_regular_stream_that_describes_itself(node):
    start_ns = time.time_ns() - 100_000_000
    handle = node.guard("emg/activation", node._on_activation)
    handle(activation(start_ns, unknown(), unknown()))  # the stream appears
    source = inlet("activation")
    info = source.info(DEADLINE_S)
    assert (info.nominal_srate(), info.channel_format()) == (50.0, pylsl.cf_float32)
    row = info.desc().child("channels").child("channel")
    assert [row.child_value(k) for k in ("label", "muscle", "side", "unit")] == [
        "LMF",
        "multifidus",
        "left",
        "fraction of MVC",
    ]
    assert info.get_channel_labels() == [
        "LMF",
        "RMF",
        "co_contraction",
        "asymmetry",
        "local_share",
    ]
    for k in range(1, 6):
        stamp_ns = start_ns + 20_000_000 * k
        handle(activation(stamp_ns, known(0.1 * k), unknown()))
        sample, stamp_s = pull(source)
        np.testing.assert_allclose(sample, [0.1 * k, np.nan, np.nan, 0.25, np.nan], rtol=1e-6)
        assert stamp_s == pytest.approx(lsl_of(stamp_ns), abs=0.005)
    assert not node.dropped


def test_live_quality_and_repetitions_are_seen(node):
    live, repetitions = inlet("live"), inlet("repetition")
    assert live.info(DEADLINE_S).nominal_srate() == 0.0
    now_ns = time.time_ns()
    message = QualityLive(phase=3, progress=known(0.75), repetitions=4, faults=[Fault(id="drop")])
    message.header.stamp = to_stamp(now_ns)
    node._on_live(message)
    sample, stamp_s = pull(live)
    assert sample == [3.0, 0.75, 4.0, 1.0]
    assert stamp_s == pytest.approx(lsl_of(now_ns), abs=0.005)

    for score, grade in ((known(81.5), Repetition.GRADE_GOOD), (unknown(), 0)):
        message = Repetition(
            index=2, exercise="glute_bridge", score=score, grade=grade, faults=[Fault(id="drop")]
        )
        message.header.stamp = to_stamp(now_ns)
        node._on_repetition(message)
        (text,), stamp_s = pull(repetitions)
        row = json.loads(text)
        assert row["number"] == 2
        assert row["score"] == (81.5 if score.status else None)
        assert row["grade"] == ("good" if grade else "unknown")
        assert row["faults"] == ["drop"]
        assert stamp_s == pytest.approx(lsl_of(now_ns), abs=0.005)


def test_messages_reach_the_outlet_through_the_graph(node):
    executor = SingleThreadedExecutor(context=node.context)
    sender = rclpy.create_node("sender", context=node.context)
    executor.add_node(node)
    executor.add_node(sender)
    publisher = sender.create_publisher(EmgActivation, "emg/activation", 10)
    end = time.monotonic() + DEADLINE_S
    while not node.sent[f"{PREFIX}_activation"]:
        assert time.monotonic() < end, "nothing arrived"
        publisher.publish(activation(time.time_ns(), known(0.5), known(0.5)))
        executor.spin_once(timeout_sec=0.1)
    assert f"{PREFIX}_activation" in node.health()[1]
    sender.destroy_node()
    executor.shutdown(timeout_sec=1.0)


def test_a_wrong_stream_and_a_missing_pylsl_are_one_sentence(ros_domain, monkeypatch):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    try:
        with pytest.raises(InputError, match="names 'score'; choose from activation, live"):
            LslOutletNode(
                context=context,
                parameter_overrides=[
                    Parameter("prefix", value=PREFIX),
                    Parameter("which", value=["score"]),
                ],
            )
        monkeypatch.setitem(__import__("sys").modules, "pylsl", None)
        with pytest.raises(InputError, match="LSL outlets need pylsl"):
            outlet_module.load_pylsl()
    finally:
        rclpy.shutdown(context=context)
