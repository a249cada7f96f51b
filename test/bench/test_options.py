import importlib.util
import json
from types import SimpleNamespace

import pytest
from clips import Answering, AnsweringNaively, Clip

from lbp_rehab import cli
from lbp_rehab.bench import cases, pose
from lbp_rehab.bench.run_case import run_case


def test_without_the_optional_part_the_command_says_what_to_install(monkeypatch, capsys):
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "anny" else there(name)
    )
    assert cli.main(["bench", "pose", "--frames", "10"]) == 2
    error = capsys.readouterr().err
    assert "anny" in error
    assert "lbp-rehab[synthetic]" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["pose", "--frames", "0"], ["pelvis", "--seed", "-1"], ["emg", "--jobs", "0"]]
)
def test_options_that_make_no_sense_are_refused(words, capsys):
    assert cli.main(["bench", *words]) == 2
    assert capsys.readouterr().err.startswith("lbp-rehab: ")


@pytest.mark.parametrize(
    ("option", "target"),
    [
        ("--page", "file"),
        ("--page", "file/under"),
        ("--json", "."),
        ("--json", "missing/x.json"),
        ("--json", "file/x.json"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_run(
    option, target, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cases, "draw", lambda *_: pytest.fail("the run began"))
    words = ["bench", "pose", "--frames", "10", option, str(tmp_path / target)]
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("lbp-rehab: ")
    assert str(tmp_path / target) in error
    assert len(error.splitlines()) == 1


def run_exactly(clip):
    return run_case(clip, lambda: Answering(clip), lambda: AnsweringNaively(clip, (0, 0, 0.1)))


def test_the_command_draws_measures_prints_and_writes(monkeypatch, tmp_path, capsys):
    drawn = []

    def pose_cases(seed, frames):
        drawn.append((seed, frames))
        return [Clip(name="a"), Clip(name="b", exercise="plank")]

    generator = SimpleNamespace(pose_cases=pose_cases)
    monkeypatch.setattr(importlib, "import_module", _with(generator))
    monkeypatch.setattr(cases, "NEEDED", ())
    monkeypatch.setattr(pose, "run_case", run_exactly)
    words = ["bench", "pose", "--seed", "7", "--frames", "80", "--jobs", "1"]
    out = tmp_path / "pose.json"
    assert cli.main([*words, "--json", str(out), "--page", str(tmp_path / "page")]) == 0
    assert drawn == [(7, 80)]
    row = "| mean error (MPJPE) | 0.0 mm [0.0, 0.0], 100 % answered | 100.0 mm [100.0, 100.0], "
    assert row in capsys.readouterr().out
    figures = json.loads(out.read_text())
    assert (figures["seed"], figures["frames"]) == (7, 80)
    assert (tmp_path / "page" / "pose.md").is_file()


def _with(generator):
    real = importlib.import_module
    return lambda name, *a: generator if name == cases.GENERATOR else real(name, *a)
