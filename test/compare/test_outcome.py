"""What other programs and people are given: JSON, JUnit XML, the page, the command."""

import json
import math
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, String

from lbp_rehab import msg
from lbp_rehab.bags import BagReader
from lbp_rehab.cli import main
from lbp_rehab.compare.comparison import compare
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.compare.outcome import figures, plain, write_junit
from lbp_rehab.compare.page import write_page
from lbp_rehab.compare.pictures import GOLDEN_RGB, frames, worst_moments
from lbp_rehab.compare.tolerance import EXACT
from lbp_rehab.errors import InputError
from lbp_rehab.paths import resource_dir

KEYS = {
    "golden", "new", "passed", "origin", "sentences", "topics", "ignored",
}  # fmt: skip
TOPIC_KEYS = {
    "name", "type", "passed", "golden_messages", "new_messages", "same_bytes", "within_tolerance",
    "beyond_tolerance", "missing_s", "extra_s", "latency_change_s", "verdicts", "fields",
    "fields_left_off",
}  # fmt: skip
FIELD_KEYS = {
    "path", "messages", "first_s", "worst_s", "worst_amount", "allowed", "golden", "new", "hint",
}  # fmt: skip
NAN = math.nan
GOLDEN = [("/b", 1.0, Float64(data=1.0)), ("/a", 1.0, String(data="x")),
          ("/j", 1.0, JointState(position=[1.0, math.inf]))]  # fmt: skip
NEW = [("/b", 1.0, Float64(data=math.nan)), ("/a", 1.0, String(data="\x1b[31m <&>")),
       ("/j", 1.0, JointState(position=[math.nan, -math.inf]))]  # fmt: skip


def strictly(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_json_has_stable_keys_and_nothing_that_json_has_not(held):
    found = strictly(json.dumps(figures(held(GOLDEN, NEW))))
    assert found.keys() == KEYS
    for topic in found["topics"]:
        assert topic.keys() == TOPIC_KEYS
        assert all(field.keys() == FIELD_KEYS for field in topic["fields"])
    by_name = {t["name"]: t for t in found["topics"]}
    assert by_name["/b"]["fields"][0]["new"] is None
    assert by_name["/j"]["fields"][0]["new"] == [None, None]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (np.array([True, False]), [True, False]),
        (np.array([1, 2], np.uint8), [1, 2]),
        (np.array([0.1], np.float32), [0.1]),
        (np.zeros(9), "9 values"),
        (b"abc", "3 bytes"),
        (math.inf, None),
        ("text", "text"),
        (True, True),
    ],
)
def test_values_are_as_json_has_them(leaf, expected):
    assert plain(leaf) == expected


def test_junit_has_a_suite_a_recording_and_a_case_a_topic(held, tmp_path):
    found = held([*GOLDEN, ("/same", 1.0, String())], [*NEW, ("/same", 1.0, String())])
    path = tmp_path / "new" / "junit.xml"
    write_junit(path, [("day_1", found), ("day_2", "there is no bag \x00 'day_2'")])
    first, second = ElementTree.parse(path).getroot()
    assert (first.get("name"), first.get("tests"), first.get("failures")) == ("day_1", "4", "3")
    assert [case.get("name") for case in first] == ["/a", "/b", "/j", "/same"]
    assert {case.get("name") for case in first if case.find("failure") is not None} == {
        "/a", "/b", "/j",
    }  # fmt: skip
    assert "?[31m <&>" in first[0].find("failure").text
    assert (second.get("errors"), second.get("failures", "0")) == ("1", "0")
    assert "there is no bag" in second[0].find("error").get("message")


def test_a_file_that_cannot_be_written_is_one_sentence(held, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_junit(tmp_path / "file" / "junit.xml", [])


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.images, self.links, self.headings, self.text = [], [], [], []
        self._open = []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self._open.append(tag)
        if tag == "img":
            self.images.append(found["src"])
        self.links += [v for k, v in found.items() if k in ("href", "src")]

    def handle_endtag(self, _tag):
        self._open.clear()

    def handle_data(self, data):
        self.text.append(data)
        if self._open[-2:] == ["h2", "code"]:
            self.headings.append(data)


@pytest.fixture
def page(written, tmp_path):
    def make(golden, new, recordings=()):
        a, b = written("golden", golden), written("new", new)
        path = tmp_path / "pages" / "p.html"
        write_page(path, compare(a, b, EXACT), a, b, tolerance=EXACT, recordings=recordings)
        return Page(path)

    return make


def course(topic, values):
    return [(topic, k * 0.1, Float64(data=float(v))) for k, v in enumerate(values)]


def test_a_page_shows_the_topic_where_it_began_first_and_needs_no_network(page):
    golden = course("/rare", range(20)) + course("/often", range(20)) + course("/same", range(3))
    new = (
        course("/rare", [*range(5), 9, *range(6, 20)])
        + course("/often", [*range(8), *range(18, 30)])
        + course("/same", range(3))
    )
    shown = page(golden, new)
    assert shown.headings == ["/rare", "/often"]
    assert len(shown.images) == 2
    assert all(link.startswith("data:image/") for link in shown.links)
    assert "2 of 3 topics changed" in shown.text
    assert "/same" in shown.text


def test_a_page_of_equal_recordings_says_so(page):
    shown = page(GOLDEN[1:2], GOLDEN[1:2])
    assert "all 1 topics as before" in shown.text
    assert shown.images == []


def test_what_messages_say_cannot_become_part_of_the_page(page):
    shown = page([("/a", 0.0, String(data="x"))], [("/a", 0.0, String(data="<script src=x>"))])
    assert shown.links == []
    assert any("<script src=x>" in text for text in shown.text)


def test_repetitions_are_drawn_and_topics_without_numbers_are_not(page, at):
    def repetition(score, **more):
        message = msg.Repetition(score=msg.Estimate(status=1, value=score), grade=2, **more)
        for name, seconds in (("header.stamp", 4.0), ("start", 1.0), ("end", 4.0)):
            at(seconds, message, name)
        return ("/quality/repetition", 4.0, message)

    fault = at(3.0, at(2.0, msg.Fault(id="x"), "start"), "end")
    shown = page([repetition(80.0), GOLDEN[1]], [repetition(70.0, faults=[fault]), NEW[1]])
    assert len(shown.images) == 1


def test_times_are_shown_from_the_beginning_of_the_golden_recording(page, at):
    golden, new = at(3.0, msg.Fault(), "start"), at(3.5, msg.Fault(), "start")
    shown = page([("/f", 1.0, golden)], [("/f", 1.0, new)])
    assert {"at 2.000 s", "at 2.500 s"} <= set(shown.text)


def test_two_messages_are_no_course(page):
    assert page(course("/a", [1, 2]), course("/a", [1, 3])).images == []


def test_a_topic_of_which_only_one_has_messages_has_no_course(page):
    shown = page(course("/a", range(20)), course("/b", range(20)))
    assert shown.images == []
    assert any("does not come any more" in text for text in shown.text)


@pytest.fixture
def sample():
    with BagReader(resource_dir() / "sample" / "glute_bridge") as recording:
        yield recording


def hips(recording, *columns, depth=2.0):
    """Poses of two points at a column of the recording's first frame."""
    topic = next(t for t in recording.topics.values() if "color/image_raw" in t.name)
    first = next(recording.messages({topic.name}))
    stamp = Decoder(topic).stamp_ns(first.data, 0)
    rows = []
    for column in columns:
        pose = msg.BodyPose(image_width=640, image_height=360)
        pose.header.stamp.sec, pose.header.stamp.nanosec = divmod(stamp, 10**9)
        for name, row in (("l_hip", 80.0), ("l_knee", 160.0)):
            point = msg.Keypoint(name=name, status=1, pixel=[column, row], visibility=1.0)
            point.position.x, point.position.z = column / 100, depth
            pose.keypoints.append(point)
        rows.append(("/body/pose", 1.0, pose))
    return rows


def test_the_frame_of_the_worst_moment_shows_both_skeletons(written, sample):
    a, b = written("golden", hips(sample, 50.0)), written("new", hips(sample, 150.0))
    moments = worst_moments(compare(a, b, EXACT))
    ((_, both),) = frames([sample], a, b, moments)
    ((_, golden),) = frames([sample], a, a, moments)
    changed = np.argwhere((both != golden).any(axis=2))
    assert tuple(both[120, 50]) == GOLDEN_RGB
    assert set(changed[:, 1]) <= {*range(40, 60), *range(140, 160)}
    assert (both[120, 150] != golden[120, 150]).any()


def test_a_pose_that_is_wrong_in_itself_is_left_out_of_the_frame(written, sample):
    a, b = written("golden", hips(sample, 50.0)), written("new", hips(sample, 150.0, depth=NAN))
    ((_, image),) = frames([sample], a, b, worst_moments(compare(a, b, EXACT)))
    assert tuple(image[120, 50]) == GOLDEN_RGB


def test_without_images_there_are_no_frames(written, sample):
    a, b = written("golden", hips(sample, 50.0)), written("new", hips(sample, 150.0))
    assert list(frames([a], a, b, worst_moments(compare(a, b, EXACT)))) == []


@pytest.fixture
def bags(written, tmp_path):
    written("golden", course("/a", range(3))).close()
    written("new", course("/a", [0, 1, 5])).close()
    return str(tmp_path / "golden"), str(tmp_path / "new")


def test_the_command_tells_writes_and_ends_with_1_if_something_changed(bags, tmp_path, capsys):
    files = {name: str(tmp_path / f"f.{name}") for name in ("json", "junit", "page")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    assert main(["compare", *bags, *options]) == 1
    out = capsys.readouterr().out
    assert "1 of 1 topics differ, first /a" in out
    assert "- /a: data is 5, not 2, at 0.20 s" in out
    assert strictly((tmp_path / "f.json").read_text())["origin"] == "/a"
    assert ElementTree.parse(files["junit"]).getroot()[0].get("failures") == "1"
    assert Page(tmp_path / "f.page").headings == ["/a"]


def test_the_command_ends_with_0_if_all_is_as_before_or_allowed(bags, tmp_path, capsys):
    assert main(["compare", bags[0], bags[0], "--exact"]) == 0
    rules = tmp_path / "t.yaml"
    rules.write_text("default: {absolute: 3}")
    assert main(["compare", *bags, "--tolerance", str(rules)]) == 0
    capsys.readouterr()
    assert main(["compare", *bags, "--json", "-", "--tolerance", str(rules)]) == 0
    assert strictly(capsys.readouterr().out)["passed"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--topics", "/b"], "neither recording has the topic /b"),
        (["--tolerance", "nowhere.yaml"], "cannot read the tolerances"),
        (["--page", "/proc/p.html"], "cannot write '/proc/p.html'"),
        (["--page", "p.html", "--recording", "nowhere"], "there is no bag 'nowhere'"),
    ],
)
def test_the_command_ends_with_2_on_wrong_input(options, sentence, bags, capsys):
    assert main(["compare", *bags, *options]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
