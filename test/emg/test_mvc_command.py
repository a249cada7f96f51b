"""The guided calibration of a real bridge over DDS, by a patient who does what is said."""

import io
import json
import os
import threading
import time
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import rclpy
import yaml
from lbp_rehab.msg import EmgRaw
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from lbp_rehab.cli import main
from lbp_rehab.commands import mvc
from lbp_rehab.emg.channels import name_channels
from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.nodes import mvc_client, qos
from lbp_rehab.nodes.emg_bridge import EmgBridgeNode
from lbp_rehab.nodes.emg_messages import to_emg_raw

pytestmark = pytest.mark.graph
RATE_HZ, CHUNK = 1000.0, 25
LABELS = ("LMF", "RMF", "LRA", "RRA")
TESTS = {
    "hold_s": 2.0,
    "tests": [
        {"name": "back", "say": "Lift.", "muscles": ["multifidus:left", "multifidus:right"]},
        {"name": "curl-up", "say": "Curl.",
         "muscles": ["rectus_abdominis:left", "rectus_abdominis:right"]},
    ],
}  # fmt: skip


@dataclass
class Patient:
    """Pushes from the word PUSH to the word relax; its text is what the guide writes."""

    strength_v: dict[str, list[float]] = field(default_factory=dict)  # of each repeat
    on_text: object = None
    text: str = ""
    now: dict[str, float] = field(default_factory=dict)
    repeats: Counter = field(default_factory=Counter)
    encoding = "utf-8"

    def write(self, text):
        self.text += text
        if "/" in text and "for " in text:
            self.asked = text.rpartition("for ")[2].strip().split(", ")
        if text.startswith("PUSH"):
            for label in self.asked:
                given = self.strength_v[label]
                self.now[label] = given[min(self.repeats[label], len(given) - 1)]
                self.repeats[label] += 1
        if text.startswith("relax"):
            self.now = {}
        if self.on_text is not None:
            self.on_text(text)

    def flush(self):
        pass

    def isatty(self):
        return False


class Bridge:
    """An emg_bridge and its sEMG in a thread; signal time runs as fast as it can."""

    def __init__(self, domain, patient, labels, namespace="", **parameters):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.amplifier = rclpy.create_node("amplifier", context=self.context, namespace=namespace)
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.node = EmgBridgeNode(
            context=self.context,
            namespace=namespace,
            parameter_overrides=[*overrides, Parameter("source", value="topic")],
        )
        for node in (self.amplifier, self.node):
            self.executor.add_node(node)
        self.channels = name_channels([Channel(label) for label in labels], {})
        self.patient, self.labels = patient, labels
        self.samples = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        publisher = self.amplifier.create_publisher(EmgRaw, "emg/raw", qos.RESULT)
        while not publisher.get_subscription_count() and not self.stopping.is_set():
            self.executor.spin_once(timeout_sec=0.02)
        rng, first = np.random.default_rng(0), 0
        while not self.stopping.is_set():
            # A tone, so that a contraction's strength is exact; not a multiple of the mains.
            t = (first + np.arange(CHUNK)) / RATE_HZ
            tone = np.sqrt(2) * np.sin(2 * np.pi * 83.0 * t)
            strength = dict(self.patient.now)
            data = 2e-6 * rng.standard_normal((CHUNK, len(self.labels)))
            for k, label in enumerate(self.labels):
                data[:, k] += strength.get(label, 0.0) * tone
            stamp_ns = 10**18 + first * 10**6
            chunk = EmgChunk(stamp_ns, RATE_HZ, first, 0, data.astype(np.float32), self.channels)
            publisher.publish(to_emg_raw(chunk, "p7"))
            first = self.samples = first + CHUNK
            while self.node.received["emg/raw"] < first // CHUNK and not self.stopping.is_set():
                self.executor.spin_once(timeout_sec=0.02)
            self.executor.spin_once(timeout_sec=0.001)

    def rest(self, seconds):
        """Wait until so much of the signal has passed."""
        until, deadline = self.samples + seconds * RATE_HZ, time.monotonic() + 40.0
        while self.samples < until:
            assert time.monotonic() < deadline, "no signal passes"
            time.sleep(0.005)

    def close(self):
        self.stopping.set()
        self.thread.join()
        self.node.close()
        self.executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        self.amplifier.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def patient():
    return Patient({label: [2e-4] for label in LABELS})


@pytest.fixture
def start(ros_domain, patient, monkeypatch):
    made = []

    def begin(labels=LABELS, **parameters):
        made.append(Bridge(ros_domain, patient, labels, **parameters))
        monkeypatch.setattr(mvc, "time", SimpleNamespace(sleep=made[0].rest))
        return made[0]

    yield begin
    for bridge in made:
        bridge.close()


@pytest.fixture
def guide(tmp_path, monkeypatch, patient):
    """Run the command and return exit code and figures."""
    tests, figures = tmp_path / "tests.yaml", tmp_path / "figures.json"
    tests.write_text(yaml.safe_dump(TESTS))

    def work(*options):
        words = ["mvc", "--tests", str(tests), "--rest", "1", "--json", str(figures), *options]
        with redirect_stdout(patient):
            code = main(words)
        return code, json.loads(figures.read_text())

    return work


def test_all_channels_are_calibrated_with_the_highest_repeat_and_stored(
    start, guide, patient, tmp_path
):
    patient.strength_v["RMF"] = [2e-4, 1.5e-4]
    patient.strength_v["LRA"] = [1e-4, 2e-4]
    node = start(mvc_folder=str(tmp_path / "store"), person_id="p7", session="s1").node
    code, figures = guide("--no-wait")
    assert code == 0, patient.text
    rows = {row["label"]: row for row in figures["channels"]}
    volts = {label: row["mvc_v"] for label, row in rows.items()}
    for label in LABELS:
        assert volts[label] == pytest.approx(volts["LMF"], rel=0.03)
        assert len(rows[label]["repeats_v"]) == 2
    assert rows["LMF"]["spread"] < 0.03
    assert rows["RMF"]["spread"] == pytest.approx(0.25, abs=0.03)
    assert rows["LRA"]["spread"] == pytest.approx(0.5, abs=0.03)
    assert figures["uneven"] == ["RMF", "LRA"]
    assert figures["stored"] == "p7, session s1"
    stored = yaml.safe_load((tmp_path / "store" / "p7" / "s1.yaml").read_text())
    assert stored == volts == node._pipeline.mvc_v
    assert "Stored for p7, session s1." in patient.text
    assert 'lbp-rehab mvc --only "back,curl-up"' in patient.text


def test_a_muscle_that_is_too_weak_is_named_and_the_others_are_calibrated(start, guide, patient):
    patient.strength_v["RRA"] = [0.0]
    node = start().node
    code, figures = guide("--no-wait", "--repeats", "1")
    assert code == 1
    assert figures["not_calibrated"] == ["RRA"]
    assert set(node._pipeline.mvc_v) == {"LMF", "RMF", "LRA"}
    assert "RRA: no contraction above rest was seen" in patient.text
    assert "Nothing was stored on disk" in patient.text
    assert 'To repeat: lbp-rehab mvc --only "curl-up"' in patient.text


def test_a_test_that_is_left_out_leaves_what_was_calibrated_before(
    start, guide, patient, tmp_path, monkeypatch
):
    known = tmp_path / "mvc.yaml"
    known.write_text(yaml.safe_dump({"LMF": 1e-3, "RMF": 1e-3}))
    node = start(mvc_file=str(known)).node
    monkeypatch.setattr("sys.stdin", io.StringIO("s\n\n"))
    code, figures = guide("--repeats", "1")
    assert code == 0
    assert [row["calibrated_before"] for row in figures["channels"][:2]] == [True, True]
    assert patient.repeats == {"LRA": 1, "RRA": 1}
    assert node._pipeline.mvc_v["LMF"] == 1e-3
    assert node._pipeline.mvc_v["LRA"] < 1e-3


def test_a_channel_that_no_test_is_for_is_not_calibrated(start, guide, patient):
    start(labels=("LMF", "RMF", "Trigger"))
    code, figures = guide("--no-wait", "--repeats", "1", "--only", "back")
    assert code == 1
    assert figures["not_calibrated"] == ["Trigger"]
    assert "no test here is for it" in patient.text


def test_ctrl_c_leaves_what_was_calibrated_and_tells_it(start, guide, patient):
    def interrupt(text):
        if "2/2 curl-up" in text:
            raise KeyboardInterrupt

    patient.on_text = interrupt
    node = start().node
    code, figures = guide("--no-wait", "--repeats", "1")
    assert code == 130
    assert set(node._pipeline.mvc_v) == {"LMF", "RMF"}
    assert figures["not_calibrated"] == ["LRA", "RRA"]
    assert "Ended before its time." in patient.text
    assert "contraction under way" not in patient.text


def test_the_bridge_of_a_namespace_is_found(start, guide):
    start(namespace="/ward/bed_2")
    assert guide("--no-wait", "--repeats", "1", "--namespace", "ward/bed_2")[0] == 0


def test_a_bridge_of_another_namespace_is_not_taken(start, monkeypatch, capsys):
    monkeypatch.setattr(mvc_client, "FIND_S", 1.0)
    start()
    assert main(["mvc", "--namespace", "ward/bed_2"]) == 2
    assert "no emg_bridge answers at /ward/bed_2/calibrate_mvc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "no emg_bridge answers at /calibrate_mvc"),
        (["--repeats", "0"], "--repeats 0 must be"),
        (["--rest", "nan"], "--rest nan must be"),
        (["--namespace", "2nd floor"], "'2nd floor' is not a ROS namespace"),
        (["--only", "jump"], "there is no test 'jump'"),
        (["--tests", "nowhere.yaml"], "nowhere.yaml cannot be read"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(ros_domain, monkeypatch, capsys, options, sentence):
    monkeypatch.setattr(mvc_client, "FIND_S", 0.5)
    assert main(["mvc", *options]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_without_a_keyboard_it_says_how_to_go_on(start, guide, monkeypatch, capsys):
    start()
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(FileNotFoundError):  # no figures were written
            guide()
    assert "add --no-wait" in capsys.readouterr().err
