import json
import re
from pathlib import Path

import pytest

from lbp_rehab import cli, paths
from lbp_rehab.errors import InputError
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import known_exercises, load_exercise
from lbp_rehab.quality.schema import json_schema

FOLDER = paths.config_dir() / "exercises"
COMMANDS = Path(__file__).parents[2] / "docs" / "commands.md"


def run(*words):
    return cli.main(["exercises", *map(str, words)])


def figures(capsys, *words):
    code = run(*words, "--json", "-")
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def own(tmp_path):
    """A copy of the clam with one text replaced."""

    def write(old, new):
        text = (FOLDER / "clam.yaml").read_text()
        assert old in text
        path = tmp_path / "clam.yaml"
        path.write_text(text.replace(old, new))
        return path

    return write


def test_every_exercise_is_listed_with_its_camera_and_faults(capsys):
    assert run() == 0
    out = capsys.readouterr().out
    for name in known_exercises():
        exercise = load_exercise(name)
        assert f"{name}: {exercise.title}" in out
        for rule in exercise.faults:
            assert rule.id in out
    assert re.search(r"bird_dog.*\n.*quadruped; side: either", out)
    assert "camera: From the front" in out


def test_right_files_are_ok(capsys):
    assert run("--check", *sorted(FOLDER.glob("*.yaml"))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(known_exercises())
    assert all(line.endswith(": ok") for line in lines)


def test_a_wrong_file_is_one_sentence_and_a_code_and_the_others_are_checked(own, capsys):
    wrong = own("title: Clam", "titel: Clam")
    assert run("--check", wrong, FOLDER / "plank.yaml", wrong.parent / "none.yaml") == 1
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "clam.yaml, line 2: key 'title' is missing"
    assert second.endswith("plank.yaml: ok")
    assert "there is no exercise file" in third


def test_a_cue_without_a_text_is_said_for_each_language(own, capsys):
    path = own("cue: hips_stacked", "cue: stack_them")
    path.write_text(path.read_text() + "texts: {de: {stack_them: Hüften übereinander}}\n")
    code, found = figures(capsys, "--check", path)
    assert code == 0
    (row,) = found["checked"]
    assert row["ok"]
    assert row["without_text"] == {language: ["stack_them"] for language in ("en", "es", "zh")}
    run("--check", path)
    assert "not said in 'en', for want of a text: stack_them" in capsys.readouterr().out


def test_a_misspelt_cue_is_told_what_it_may_have_been(own, capsys):
    assert run("--check", own("cue: hips_stacked", "cue: hips_staked")) == 0
    said = capsys.readouterr().out
    assert "'hips_staked' has no text in any language; did you mean hips_stacked?" in said
    path = own("cue: hips_stacked", "cue: stack_them")
    path.write_text(path.read_text() + "texts: {en: {stack_then: Stack your hips}}\n")
    assert run("--check", path) == 1
    assert "names; did you mean stack_them?" in capsys.readouterr().out


def test_a_colon_in_a_text_is_told_how_to_be_written(own, capsys):
    assert run("--check", own("title: Clam", "title: Clam: open it")) == 1
    assert "a text that holds ':' must stand in quotes" in capsys.readouterr().out


def test_a_name_whose_file_lies_here_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wall_squat.yaml").touch()
    with pytest.raises(InputError, match=r"for the file here write 'wall_squat\.yaml'"):
        load_exercise("wall_squat")


def test_every_measure_is_listed_with_unit_topic_and_meaning(capsys):
    code, found = figures(capsys, "--measures")
    assert code == 0
    rows = {row["name"]: row for row in found["measures"]}
    assert set(rows) == set(measures.NAMES)
    assert rows["work_knee_flexion"]["unit"] == "rad"
    assert rows["belly_rise"] | {"meaning": ""} == {
        "name": "belly_rise", "topic": "body/breath", "unit": "m", "meaning": ""
    }  # fmt: skip
    assert all(len(row["meaning"]) > 10 for row in rows.values())
    run("--measures")
    out = capsys.readouterr().out
    assert "knee_flexion, knee_flexion_l" in out
    assert "written as 5 deg" in out


def test_the_schema_is_printed_as_published(capsys):
    assert run("--schema") == 0
    out = capsys.readouterr().out
    assert json.loads(out) == json_schema()
    assert out == (paths.config_dir() / "exercises.schema.json").read_text(encoding="utf-8")


def test_keys_are_as_documented(own, capsys):
    text = COMMANDS.read_text(encoding="utf-8")
    section = text.split("### exercises\n")[1].split("\n### ")[0]
    for words in ((), ("--measures",), ("--check", own("Clam", "Clam"))):
        _, found = figures(capsys, *words)
        ((key, rows),) = found.items()
        (line,) = [each for each in section.splitlines() if each.startswith(f"| `{key}` |")]
        assert set(rows[0]) <= set(re.findall(r"`(\w+)`", line)), key
