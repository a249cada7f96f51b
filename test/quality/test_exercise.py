import re

import pytest
import yaml

from lbp_rehab import paths
from lbp_rehab.errors import InputError
from lbp_rehab.quality.exercise import known_exercises, load_exercise, read_exercise
from lbp_rehab.quality.types import Phase, SubScoreKind

FOLDER = paths.config_dir() / "exercises"


@pytest.fixture
def edited(tmp_path):
    """Write a copy of the glute bridge with one text replaced; return its reader and the line."""

    def edit(old, new):
        text = (FOLDER / "glute_bridge.yaml").read_text()
        assert text.count(old) == 1
        path = tmp_path / "glute_bridge.yaml"
        path.write_text(text.replace(old, new))
        return path, text[: text.index(old)].count("\n") + 1

    return edit


@pytest.mark.parametrize("name", known_exercises())
def test_every_exercise_file_loads(name):
    exercise = load_exercise(name)
    assert exercise.name == name
    assert sum(exercise.weights.values()) == pytest.approx(1.0)
    assert set(exercise.tempo) == {Phase.OUT, Phase.HOLD, Phase.RETURN}
    assert exercise.dose.repetitions >= 1


def test_angles_are_written_in_degrees_and_held_in_radians():
    exercise = load_exercise("glute_bridge")
    assert exercise.target_near == pytest.approx(3.054326, abs=1e-6)
    assert exercise.direction == 1.0
    assert load_exercise("forward_bend").direction == -1.0
    assert exercise.weights[SubScoreKind.RANGE] == pytest.approx(0.25)


def test_an_unknown_exercise_lists_the_known_ones():
    with pytest.raises(InputError, match=r"no_such.*forward_bend, glute_bridge"):
        load_exercise("no_such")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("posture: supine", "posture: floating", "posture"),
        ("title: Glute bridge", "titel: Glute bridge", "titel"),
        ("measure: pelvis_obliquity", "measure: pelvis_obliqueness", "faults.pelvis_drops.measure"),
        ("start: [95 deg, 152 deg]", "start: [95, 152]", "primary.start"),
        ("start: [95 deg, 152 deg]", "start: [152 deg, 95 deg]", "primary.start"),
        ("start: [95 deg, 152 deg]", "start: 95 deg", "primary.start"),
        ("allowed: [-0.06, inf]", "allowed: [-0.06 deg, inf]", "faults.knees_fall_in.allowed"),
        ("counts_from: 0.6", "counts_from: often", "primary.counts_from"),
        ("counts_from: 0.6", "counts_from: 0.01", "primary.counts_from"),
        ("target: [175 deg, 200 deg]", "target: [140 deg, 200 deg]", "primary.target"),
        ("rest: 60 s", "rest: 60 deg", "dose.rest"),
        ("sets: 3", "sets: 2.5", "dose.sets"),
        ("{range: 0.25, alignment", "{reach: 0.25, alignment", "weights.reach"),
        ("gluteus_maximus: {", "gluteus: {", "muscles.gluteus"),
        ("activation: [0, 0.6]", "activation: [0.1, 0.6]", "muscles.erector_spinae.activation"),
        ("onset: [-inf, ", "onset: [-1 s, ", "muscles.multifidus.onset"),
        ("mean: [0.4, inf]", "mean: [-inf, inf]", "muscles.local_share.mean"),
        (
            "phases: [hold], cue: relax",
            "phases: [top], cue: relax",
            "muscles.erector_spinae.phases",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_key(edited, old, new, key):
    path, line = edited(old, new)
    with pytest.raises(InputError) as error:
        read_exercise(path)
    if key == "titel":  # the missing key is met first, at the top of the file
        assert "key 'title' is missing" in str(error.value)
    else:
        assert re.search(
            rf"glute_bridge\.yaml, line {line}: key '{re.escape(key)}'", str(error.value)
        )


def test_a_key_that_nobody_asked_for_is_refused(edited):
    path, line = edited("counts_from: 0.6", "counts_from: 0.6\n  smooth: true")
    with pytest.raises(InputError, match=rf"line {line + 1}: key 'primary.smooth' is unknown"):
        read_exercise(path)


def test_a_missing_key_is_named_with_the_line_of_its_mapping(edited):
    path, _ = edited("    cue: level_pelvis\n", "")
    with pytest.raises(InputError, match=r"line \d+: key 'faults.pelvis_drops.cue' is missing"):
        read_exercise(path)


def test_a_key_that_stands_twice_is_refused(edited):
    path, line = edited("title: Glute bridge", "title: Glute bridge\ntitle: Bridge")
    with pytest.raises(InputError, match=rf"line {line + 1}: key 'title' stands twice"):
        read_exercise(path)


def test_broken_yaml_names_the_line(edited):
    path, line = edited("title: Glute bridge", "title: [Glute bridge")
    with pytest.raises(InputError, match=r"glute_bridge\.yaml, line \d+: not valid YAML"):
        read_exercise(path)
    assert line


def test_the_name_must_be_that_of_the_file(edited):
    path, _ = edited("name: glute_bridge", "name: bridge")
    with pytest.raises(InputError, match=r"the file is called 'glute_bridge\.yaml'"):
        read_exercise(path)


def test_files_hold_no_more_than_yaml_itself():
    for name in known_exercises():
        assert isinstance(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()), dict)
