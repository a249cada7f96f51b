"""The fixture ``replay`` in the tests of another package, run as its developers run them."""

import os
from pathlib import Path

import pytest
from rclpy.serialization import serialize_message
from std_msgs.msg import Float64

import lbp_rehab
from lbp_rehab.bags import BagReader, BagWriter, Topic
from lbp_rehab.replay import provenance

pytest_plugins = ["pytester"]

START_NS = 1_700_000_000_000_000_000
LAB = """
from rclpy.node import Node
from std_msgs.msg import Float64

class Smoother(Node):
    def __init__(self):
        super().__init__("smoother")
        self.gain = self.declare_parameter("gain", 0.5).value
        self.state = 0.0
        self.out = self.create_publisher(Float64, "smooth", 10)
        self.create_subscription(Float64, "raw", self.take, 10)

    def take(self, message):
        self.state += self.gain * (message.data - self.state)
        self.out.publish(Float64(data=self.state))
"""
TESTS = """
import pytest
from lab import Smoother

@pytest.mark.replay("data/day", golden="golden/smooth")
def test_as_before(replay):
    result = replay(Smoother)
    assert [m.data for m in result.messages("/smooth")][0] == 0.0
    result.check()
"""
PLUGIN = "lbp_rehab.replay.pytest_plugin"


@pytest.fixture
def lab(pytester, monkeypatch):
    """Make another package: its node, its test and a recording."""
    (pytester.path / "data").mkdir()
    with BagWriter(pytester.path / "data" / "day") as writer:
        writer.add_topic(Topic("/raw", "std_msgs/msg/Float64"))
        for k in range(20):
            data = bytes(serialize_message(Float64(data=float(k % 7))))
            writer.write("/raw", data, START_NS + k * 100_000_000)
    here = str(Path(lbp_rehab.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, str(pytester.path)]))
    pytester.makeconftest(f"pytest_plugins = ['{PLUGIN}']")
    pytester.makepyfile(lab=LAB, test_lab=TESTS)
    return pytester


def test_golden_recordings_are_made_kept_and_told_apart_from_changes(lab):
    first = lab.runpytest_subprocess()
    first.assert_outcomes(failed=1)
    first.stdout.fnmatch_lines(["*there is no golden recording *golden/smooth'; make it with *"])

    lab.runpytest_subprocess("--update-golden").assert_outcomes(passed=1)
    with BagReader(lab.path / "golden" / "smooth") as bag:
        assert bag.counts["/smooth"] == 20
    made = provenance.read(lab.path / "golden" / "smooth")
    assert made.recording == "../../data/day"
    lab.runpytest_subprocess().assert_outcomes(passed=1)

    (lab.path / "lab.py").write_text(LAB.replace("0.5", "0.6"))
    changed = lab.runpytest_subprocess()
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(
        ["/smooth changed first", "- /smooth: data is *, not *, in 19 of 20 messages, *", "page: *"]
    )
    page = next(line for line in changed.outlines if line.startswith("page: "))
    assert "data:image/png" in Path(page.removeprefix("page: ")).read_text()
    assert "Traceback" not in changed.stdout.str()


def test_what_is_wrong_in_a_test_is_said(lab):
    lab.makepyfile(
        test_lab="""
import pytest
from lab import Smoother

def test_no_marker(replay):
    replay(Smoother)

@pytest.mark.replay("data/day", colour="red")
def test_no_such_option(replay):
    replay(Smoother)

@pytest.mark.replay("data/day", tolerance="nowhere.yaml")
def test_no_tolerance(replay):
    replay(Smoother)

@pytest.mark.replay("data/night")
def test_no_recording(replay):
    replay(Smoother)

@pytest.mark.replay("data/day", exclude=["/raw"])
def test_nothing_to_feed(replay):
    replay(Smoother)

@pytest.mark.replay("data/day")
def test_no_golden(replay):
    replay(Smoother).check()

@pytest.mark.replay("data/day")
def test_no_topic(replay):
    replay(Smoother).messages("/other")

@pytest.mark.replay("data/day", end_s=0.55)
def test_good(replay):
    assert replay(Smoother).replayed.fed == {"/raw": 6}
"""
    )
    found = lab.runpytest_subprocess("--update-golden")
    found.assert_outcomes(passed=1, failed=4, errors=3)
    text = found.stdout.str()
    for sentence in (
        "the fixture 'replay' needs a marker: @pytest.mark.replay(BAG)",
        "@pytest.mark.replay: *'colour'",
        "@pytest.mark.replay: cannot read the tolerances",
        "there is no bag '*data/night'",
        "no topic of the bag is selected",
        "there is no golden recording to hold it against",
        "nothing was published on /other, but on ",
    ):
        found.stdout.fnmatch_lines([f"*{sentence}*"])
    assert "PytestUnknownMarkWarning" not in text


@pytest.mark.parametrize("named_too", [False, True])
def test_an_installed_plugin_is_found_and_may_be_named_as_well(named_too, lab):
    info = lab.path / "another-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: another\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{PLUGIN} = {PLUGIN}\n")
    if not named_too:
        (lab.path / "conftest.py").unlink()
    lab.runpytest_subprocess("--update-golden").assert_outcomes(passed=1)
