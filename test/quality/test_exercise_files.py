"""What a therapist writes and reads: the file, its page, its schema and its pictures."""

import importlib.util
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from lbp_rehab import paths
from lbp_rehab.errors import InputError
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import (
    known_exercises,
    load_exercise,
    read_exercise,
    shared_exercise,
)
from lbp_rehab.quality.keys import CHOSEN, KEYS
from lbp_rehab.quality.meanings import MEANINGS, measure_rows, stem
from lbp_rehab.quality.schema import json_schema
from lbp_rehab.quality.strict_yaml import Table
from lbp_rehab.quality.types import Outcome

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "exercises.md").read_text(encoding="utf-8")
FOLDER = paths.config_dir() / "exercises"
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def example():
    """The file that the page builds step by step."""
    steps = PAGE.split("## A new exercise")[1].split("\n## ")[0]
    return "\n".join(YAML.findall(steps))


@pytest.fixture
def write(tmp_path):
    def write(text, name="hip_hinge"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def with_texts(texts):
    return example().split("texts:\n")[0] + texts


# The worked example


def test_the_example_is_counted_and_its_round_back_is_found(write, patient):
    exercise = read_exercise(write(example()))
    period_s, n = 4.0, 3

    def bent(t):
        return sum(patient.cycle(t, 1.0 + k * period_s, 1.5, 0.5, 1.5) for k in range(n))

    def pelvis(t):
        round_back = 40.0 * patient.deg * bent(t) * (1.0 + period_s < t < 1.0 + 2 * period_s)
        return patient.pelvis_state(t, lumbar_flexion=float(round_back))

    played = patient.play(
        exercise,
        1.0 + n * period_s + 1.0,
        pose=lambda t: patient.body_pose(t, patient.standing(1.4 * float(bent(t)))),
        pelvis=pelvis,
    )
    assert [r.outcome for r in played.repetitions] == [Outcome.COMPLETE] * n
    found = [{f.id for f in r.faults if f.points_lost > 5} for r in played.repetitions]
    assert found == [set(), {"back_rounds"}, set()]
    assert exercise.texts["en"][exercise.cues["back_rounds"]] == "Keep your back long"


def test_what_the_page_says_of_mistakes_is_what_is_said(write):
    quoted = " ".join(re.findall(r"^> (.*)$", PAGE, re.MULTILINE))
    first = YAML.findall(PAGE.split("## A new exercise")[1])[0]
    for wrong in (first, example().replace("measure: lumbar_flexion", "measure: lumbar_flexon")):
        with pytest.raises(InputError) as error:
            read_exercise(write(wrong))
        assert str(error.value) in quoted


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_exercises_in_the_documentation_are_right(page, write):
    for block in YAML.findall(page.read_text(encoding="utf-8")):
        if "\nprimary:" in block:
            name = yaml.safe_load(block)["name"]
            assert read_exercise(write(block, name)).name == name


# The page, its tables and pictures


def tables():
    spec = importlib.util.spec_from_file_location("exercise_tables", DOCS / "exercise_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_facts_and_schema_are_those_of_the_files():
    assert tables().main(["--check"]) == 0


def test_a_stale_page_is_noticed_and_mended(tmp_path, monkeypatch):
    script = tables()
    monkeypatch.setattr(script, "PAGE", tmp_path / "exercises.md")
    monkeypatch.setattr(script, "SCHEMA", tmp_path / "schema.json")
    script.PAGE.write_text(PAGE.replace("`glute_bridge`: supine", "`glute_bridge`: prone"))
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert script.PAGE.read_text(encoding="utf-8") == PAGE
    assert json.loads(script.SCHEMA.read_text()) == json_schema()


@pytest.mark.parametrize("name", known_exercises())
def test_every_exercise_has_a_small_picture_on_the_page(name):
    path = DOCS / "images" / "exercises" / f"{name}.jpg"
    assert f"](images/exercises/{name}.jpg)" in PAGE
    assert path.stat().st_size < 40_000
    height, width = cv2.imread(str(path)).shape[:2]
    parts = 3 if load_exercise(name).second else 2
    assert (height, width) == (240, 320 * parts - 2)


def test_every_measure_has_one_meaning_and_stands_on_the_page():
    assert {stem(name) for name in measures.NAMES} == set(MEANINGS)
    listed = [name for row in measure_rows() for name in row.names]
    assert sorted(listed) == sorted(measures.NAMES)
    for name in listed:
        assert f"`{name}`" in PAGE


# The keys: what the loader takes, what the page lists, what the schema allows

EVERYTHING = """
name: everything
title: Everything
posture: kneeling
side: either
camera: {advice: Anywhere, sides: [front], elevation: [0 deg, 90 deg]}
primary:
  measure: work_hip_extension
  reference: rest
  start: [-5 deg, 5 deg]
  target: [20 deg, inf]
  second: [-inf, -20 deg]
  counts_from: 0.3
phases:
  out:
    duration: [1 s, 2 s]
    zero_at: [0.2 s, 5 s]
    too_short: a
    too_long: b
    hesitation: {id: painful_arc, allowed: 1 s, zero_at: 2 s, cue: c}
  hold: {duration: [0 s, inf]}
  return:
    duration: [1 s, inf]
    too_short: a
    hesitation: {id: painful_return, allowed: 1 s, zero_at: 2 s, cue: c}
  whole: {duration: [3 s, 9 s], zero_at: [1 s, 20 s], too_short: a, too_long: b}
range: {cue: d, points: 50}
control: {sparc: [-4, -2], cue: e}
symmetry: {left: knee_flexion_l, right: knee_flexion_r, allowed: 1 deg, zero_at: 5 deg, cue: f}
faults:
  one:
    {measure: hip_height, allowed: [0.1, inf], reference: absolute, phases: [out, hold, return],
    demand: reach, moderate: .1, severe: 0.2, unsafe: 1, points: 40, at_least: 0.5 s, cue: g}
  two:
    {measure: belly_rise, allowed: [-2 mm, 3 cm], reference: start, phases: [hold],
    moderate: 0.01 m, severe: 20 mm, points: 40, cue: h}
muscles:
  multifidus:
    {activation: [0.1, inf], onset: [-inf, 0.1 s], fatigue: [-0.3, inf], phases: [out], cue: i,
    onset_cue: j, fatigue_cue: k}
  local_share: {mean: [0.4, inf], phases: [out], cue: l}
weights: {range: 1, alignment: 2, control: 1, tempo: 1, symmetry: 1, muscle: 1}
dose: {sets: 1, repetitions: 2, rest: 3 s, days_per_week: 4}
texts:
  en: {a: Slower}
  zh: {a: 慢一点}
"""


def patterns():
    """Each key's pattern over the dotted keys of a file."""
    found = {}
    for key in KEYS:
        parts = []
        for word in key.path.split("."):
            chosen = "|".join(CHOSEN[word]) if word in CHOSEN else word.replace("/", "|")
            parts.append(f"(?:{chosen or '[a-z_]+'})")
        found[key.path] = re.compile(r"\.".join(parts))
    return found


def test_the_table_of_keys_is_what_the_loader_takes(write, monkeypatch):
    asked, nested = set(), set()

    def listen(name, into):
        original = getattr(Table, name)

        def listening(self, key, *rest, **options):
            into.add(self.full(key))
            return original(self, key, *rest, **options)

        monkeypatch.setattr(Table, name, listening)

    listen("table", nested)
    listen("optional_table", nested)
    listen("_take", asked)
    listen("has", asked)
    listen("number", asked)
    read_exercise(write(EVERYTHING, "everything"))
    leaves = asked - nested - {"symmetry", "muscles"}  # asked for by the weights
    known = patterns()
    for key in leaves:
        assert any(p.fullmatch(key) for p in known.values()), f"{key} is not in KEYS"
    for path, pattern in known.items():
        assert any(pattern.fullmatch(key) for key in leaves), f"nothing takes {path}"
        assert f"| `{path}` |" in PAGE


def errors(value, schema, root):
    """What is wrong by the part of JSON Schema that `json_schema` uses."""
    if "$ref" in schema:
        return errors(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema and all(errors(value, each, root) for each in schema["anyOf"]):
        return [f"{value!r} is none of the kinds"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{value!r} is not in the list"]
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{value!r} is no {schema['type']}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{value!r} does not match"]
    found = []
    if isinstance(value, list):
        limits = schema.get("minItems", 0), schema.get("maxItems", len(value))
        found += [] if limits[0] <= len(value) <= limits[1] else [f"{value!r} is too long or short"]
        found += [e for item in value for e in errors(item, schema["items"], root)]
    elif isinstance(value, dict):
        found += [f"{key} is missing" for key in schema["required"] if key not in value]
        found += ["too few"] * (len(value) < schema.get("minProperties", 0))
        allowed = schema.get("propertyNames", {}).get("enum", value)
        for key, inner in value.items():
            below = schema["properties"].get(key, schema["additionalProperties"])
            wrong = below is False or key not in allowed
            found += [f"{key} is unknown"] if wrong else errors(inner, below, root)
    return found


def test_the_schema_takes_every_file_and_the_example():
    schema = json_schema()
    texts = [(FOLDER / f"{name}.yaml").read_text() for name in known_exercises()]
    for text in [*texts, EVERYTHING, example()]:
        assert errors(yaml.safe_load(text), schema, schema) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("posture: kneeling", "posture: floating", "'floating' is not in the list"),
        ("  reference: rest\n", "  refrence: rest\n", "refrence is unknown"),
        ("work_hip_extension", "work_hip", "'work_hip' is not in the list"),
        ("counts_from: 0.3", "counts_from: 30 %", "is none of the kinds"),
        ("duration: [3 s, 9 s]", "duration: [3, 9]", "3 is no string"),
        ("duration: [3 s, 9 s]", "duration: [3 s]", "too long or short"),
        ("title: Everything\n", "", "title is missing"),
        ("  multifidus:", "  biceps:", "biceps is unknown"),
        ("rest: 3 s", "rest: 3 deg", "does not match"),
        ("sets: 1", "sets: many", "no integer"),
        ("  zh: {a", "  xx: {a", "xx is unknown"),
        ("control: {sparc: [-4, -2], cue: e}\n", "control: {sparc: [-4, -2]}\n", "cue is missing"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(write, old, new, says):
    assert EVERYTHING.count(old) == 1
    wrong, schema = EVERYTHING.replace(old, new), json_schema()
    assert says in " ".join(errors(yaml.safe_load(wrong), schema, schema))
    with pytest.raises(InputError):
        read_exercise(write(wrong, "everything"))


# Own texts


def test_own_texts_are_kept_by_language(write):
    exercise = read_exercise(write(example()))
    assert set(exercise.texts) == {"en", "de"}
    assert exercise.texts["de"]["long_back"] == "Lassen Sie den Rücken lang"
    assert read_exercise(write(with_texts(""))).texts == {}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ("texts:\n  xx:\n    long_back: Hm\n", r"key 'texts\.xx' is no language; known are de, en"),
        ("texts:\n  en:\n    long_bck: Hm\n", r"key 'texts\.en\.long_bck' is the text of a cue"),
        (
            "texts:\n  en:\n    long_back: one two three four five six seven eight nine\n",
            r"key 'texts\.en\.long_back' is too long; use at most 8 words",
        ),
        ("texts:\n  zh:\n    long_back: " + "长" * 15 + "\n", "at most 14 characters"),
        ('texts:\n  en:\n    long_back: "{count} more"\n', "holds '{', which nothing fills in"),
        ("texts:\n  en:\n    long_back: ''\n", r"key 'texts\.en\.long_back' must be text"),
    ],
)
def test_wrong_texts_are_refused_with_line_and_key(write, texts, says):
    text = with_texts(texts)
    line = text[: text.index("texts:\n")].count("\n") + (3 if "xx" not in texts else 2)
    with pytest.raises(InputError, match=rf"hip_hinge\.yaml, line {line}: .*{says}"):
        read_exercise(write(text))


# Where files are found


def test_an_exercise_is_found_by_path_and_by_name_in_a_folder(write):
    path = write(example())
    assert load_exercise(str(path)) == load_exercise("hip_hinge", path.parent)
    assert set(known_exercises(path.parent)) == {*known_exercises(), "hip_hinge"}
    assert load_exercise("glute_bridge", path.parent) == load_exercise("glute_bridge")


def test_an_own_file_takes_the_place_of_ours(write):
    ours = (FOLDER / "glute_bridge.yaml").read_text()
    path = write(ours.replace("title: Glute bridge", "title: My bridge"), "glute_bridge")
    assert load_exercise("glute_bridge", path.parent).title == "My bridge"
    assert load_exercise("glute_bridge").title == "Glute bridge"


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no exercise file 'none/such\.yaml'"):
        load_exercise("none/such.yaml")
    with pytest.raises(InputError, match="no folder of exercises"):
        known_exercises(tmp_path / "none")


def test_a_path_must_lead_where_its_name_leads_the_other_nodes(write, tmp_path):
    path = write(example())
    assert shared_exercise(str(path), tmp_path).name == "hip_hinge"
    assert shared_exercise(str(FOLDER / "clam.yaml")) == load_exercise("clam")
    with pytest.raises(InputError, match="'exercise_folder'"):
        shared_exercise(str(path))
    ours = (FOLDER / "clam.yaml").read_text()
    other = write(ours.replace("title: Clam", "title: Other clam"), "clam")
    with pytest.raises(InputError, match="'exercise_folder'"):
        shared_exercise(str(other))


def test_pictures_show_more_than_one_colour_and_the_target_differs_from_the_start():
    for path in (DOCS / "images" / "exercises").glob("*.jpg"):
        image = cv2.imread(str(path)).astype(float)
        blue, _, red = np.moveaxis(image, -1, 0)
        # The mat is red and lies in the lower half; in another order of colours it would be blue.
        lower = slice(image.shape[0] // 2, None)
        assert (red - blue)[lower].max() > 60
        assert np.abs(image[20:, :318] - image[20:, 320:638]).mean() > 0.5
