"""Tests of the calibration from a file, and what is kept of the contractions."""

from pathlib import Path

import pytest
import yaml

from lbp_rehab.emg.channels import Placement
from lbp_rehab.emg.mvc_guide import MvcGuide
from lbp_rehab.emg.mvc_tests import read_mvc_tests
from lbp_rehab.emg.types import Channel, Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.emg.mvc_trial import MvcTrial
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, LABELS

OURS = Path(__file__).parents[2] / "config" / "mvc_tests.yaml"
PATIENT = tuple(
    Channel(label, muscle, side) for label, (muscle, side) in zip(LABELS, CHANNELS, strict=True)
)
GOOD = {
    "hold_s": 3,
    "tests": [
        {"name": "back", "say": "Lift.", "muscles": ["multifidus:left", "multifidus:right"]},
        {"name": "curl-up", "say": "Curl.", "muscles": ["rectus_abdominis:left"]},
    ],
}


@pytest.fixture
def tests_of(tmp_path):
    def write(content):
        path = tmp_path / "tests.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return read_mvc_tests(path)

    return write


def test_our_file_brings_each_muscle_and_side_to_its_maximum_once():
    tests = read_mvc_tests(OURS)
    places = [place for test in tests.tests for place in test.places]
    assert len(places) == len(set(places))
    assert set(places) == {Placement(*channel) for channel in CHANNELS}


def test_our_file_asks_for_what_the_synthetic_patient_does():
    asked = {frozenset(test.labels(PATIENT)) for test in read_mvc_tests(OURS).tests}
    assert asked == {frozenset(done.labels) for done in MvcTrial().contractions()}


def test_names_are_found_however_they_are_written(tests_of):
    tests = tests_of(GOOD)
    assert [t.name for t in tests.only(["Curl_up", " back"]).tests] == ["back", "curl-up"]
    assert tests.only([]) == tests
    with pytest.raises(InputError, match="no test 'jump'; choose of 'back', 'curl-up'"):
        tests.only(["back", "jump"])


def changed(**change):
    return GOOD | {"tests": [GOOD["tests"][0] | change, GOOD["tests"][1]]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("tests: [", "no?t? ?valid YAML"),
        ("- 1", "must hold 'hold_s' and 'tests'"),
        (GOOD | {"rest": 3}, "and nothing else"),
        (GOOD | {"hold_s": 0.5}, "must be 1 to 60 seconds"),
        (GOOD | {"hold_s": True}, "must be 1 to 60 seconds"),
        (GOOD | {"hold_s": float("nan")}, "must be 1 to 60 seconds"),
        (GOOD | {"tests": []}, "must be a list of tests"),
        (GOOD | {"tests": ["back"]}, "test 1: write name, say and muscles"),
        (changed(say=""), "test 1: 'say' must be a text"),
        (changed(muscles=[]), "'back': 'muscles' must be a list"),
        (changed(muscles=["multifidus:both"]), "'multifidus:both' must read muscle:side"),
        (changed(muscles=["rectus_abdominis:left"]), "calibrates rectus_abdominis:left twice"),
        (changed(name="Curl up"), "two tests of one name"),
    ],
)
def test_a_wrong_file_is_one_sentence(tests_of, content, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        tests_of(content)
    assert "\n" not in str(error.value).partition("YAML")[0]


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="check the path"):
        read_mvc_tests(tmp_path / "none.yaml")


@pytest.fixture
def guide(tests_of):
    channels = (
        Channel("LMF", Muscle.MULTIFIDUS, Side.LEFT),
        Channel("RMF", Muscle.MULTIFIDUS, Side.RIGHT),
        Channel("ECG", Muscle.OTHER, Side.NONE),
    )
    return MvcGuide(tests_of(GOOD), channels)


def test_only_tests_that_have_a_channel_are_done(guide):
    assert [(s.name, s.labels) for s in guide.steps] == [("back", ("LMF", "RMF"))]
    assert guide.left_out == ("curl-up",)


def test_the_highest_repeat_counts_and_the_two_best_are_compared(guide):
    assert guide.highest_v(["LMF", "RMF"]) == [0.0, 0.0]
    for left, right in ((1e-4, 3e-4), (4e-4, 2.91e-4), (3e-4, 1e-4)):
        guide.add({"LMF": left, "RMF": right}, {})
    assert guide.highest_v(["RMF", "LMF"]) == [3e-4, 4e-4]
    assert guide.spread("LMF") == pytest.approx(0.25)
    assert guide.spread("RMF") == pytest.approx(0.03)
    assert guide.spread("ECG") is None
    assert guide.uneven() == ["LMF"]
    lines = guide.table(())
    assert lines[1].split() == ["LMF", "0.400", "25", "%", "uneven,", "above", "10", "%:", "repeat"]
    assert lines[2].split() == ["RMF", "0.300", "3", "%"]
    assert "no test here is for it" in lines[3]
    assert guide.missing(()) == ["ECG"]
    assert guide.to_repeat(()) == ["back"]


def test_a_weak_repeat_after_a_good_one_does_not_undo_it(guide):
    guide.add({"LMF": 1e-4}, {"RMF": "push harder"})
    assert guide.missing({"ECG"}) == ["RMF"]
    assert guide.table(())[2].endswith("not calibrated: push harder")
    guide.add({"RMF": 2e-4}, {"LMF": "push harder"})
    assert guide.missing({"ECG"}) == []
    assert guide.to_repeat({"ECG"}) == []


def test_what_was_calibrated_before_is_not_missing_but_said(guide):
    guide.add({"LMF": 1e-4}, {"RMF": "push harder"})
    assert guide.missing({"RMF", "ECG"}) == []
    assert guide.table({"RMF"})[2].endswith("as calibrated before: push harder")


def test_figures_hold_each_channel(guide):
    guide.add({"LMF": 1e-4}, {"RMF": "push harder"})
    figures = guide.figures({"ECG"}, "p7, session s1")
    assert figures["channels"][0] == {
        "label": "LMF", "place": "multifidus:left", "test": "back", "mvc_v": 1e-4,
        "repeats_v": [1e-4], "spread": None, "calibrated_before": False, "refused": None,
    }  # fmt: skip
    assert figures["channels"][1]["mvc_v"] is None
    assert figures["channels"][1]["refused"] == "push harder"
    assert figures["channels"][2]["test"] is None
    assert figures["not_calibrated"] == ["RMF"]
    assert figures["stored"] == "p7, session s1"
