import argparse
import importlib
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
from quality_made import S, recognised, record, true, whole_sets

from lbp_rehab import cli
from lbp_rehab.bench import cases, quality, quality_page, recognition
from lbp_rehab.bench.quality_asked import ASKED, Asked, asked_table
from lbp_rehab.bench.quality_cues import answers, cue_figures
from lbp_rehab.bench.quality_faults import SaidCue

OTHERS = [recognised("punching", "none"), recognised("swimming", "plank")]


@pytest.fixture(scope="module")
def result():
    return {**quality.figures(whole_sets(), OTHERS, 3, ["bird_dog"]), "any_view": False}


def written(folder, result):
    arguments = argparse.Namespace(
        seed=3, sets=6, jobs=2, any_view=False, page=Path("docs/benchmarks")
    )
    quality_page.write(folder, whole_sets(), result, arguments)
    return (folder / "quality.md").read_text(encoding="utf-8")


def test_the_page_shows_figures_pictures_and_a_command_that_is_understood(tmp_path, result):
    text = written(tmp_path, result)
    pictures = re.findall(r"\]\(([\w.]+\.png)\)", text)
    assert len(pictures) == 4
    for name in pictures:
        assert cv2.imread(str(tmp_path / name)) is not None
    (block,) = re.findall(r"^```\n(lbp-rehab .*)\n```", text, re.MULTILINE)
    given = cli.parser().parse_args(block.split()[1:])
    assert (given.seed, given.sets, given.page) == (3, 6, Path("docs/benchmarks"))
    assert "nan" not in text
    assert "None" not in text
    assert "97.54 %" in text


def test_the_page_s_tables_have_the_figures_of_the_records(tmp_path, result):
    lines = written(tmp_path, result).splitlines()
    assert "| sets with the exact count | 50.0 % | 6 sets | at least 98.0 % | **no** |" in lines
    # Of two moderate and severe repetitions a set, those of the bridge are found.
    assert "| pelvis_drops | 12 | 1.00 | 0.50 | 0.67 | 0.50 |" in lines
    assert "| clam | pelvis_drops | 6 | \u2013 | 0.00 | 0.00 | \u2013 |" in lines
    assert "| clam | Spearman | -1.000 | 0.900 | 3 |" in lines
    assert not any(line.startswith("| glute_bridge | Spearman") for line in lines)
    assert "| `clam-0` | low left | one | 5 | 4 |" in lines
    assert "| clam | plank | 3 |" in lines
    assert "| swimming | plank | 1 |" in lines
    assert "| punching | 1 | 100 % | 100 % | 100 % |" in lines
    assert "| embedding | 1.00 [1.00, 1.00] | 1.00 | 1.00 |" in lines
    assert any("bird_dog" in line for line in lines if line.startswith("- Exercises"))


def test_the_same_records_give_the_same_files(tmp_path, result):
    for folder in ("a", "b"):
        written(tmp_path / folder, result)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_page_of_hardly_anything_can_be_written(tmp_path):
    one = record([true(0, 4)], [])
    empty = {**quality.figures([one], [], 0, []), "any_view": True}
    arguments = argparse.Namespace(seed=0, sets=1, jobs=1, any_view=True, page=tmp_path)
    quality_page.write(tmp_path, [one], empty, arguments)
    text = (tmp_path / "quality.md").read_text(encoding="utf-8")
    assert "--any-view" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("asked", "value", "met"),
    [
        (Asked("", "x", "", 0.98), 0.98, True),
        (Asked("", "x", "", 0.98), 0.9799, False),
        (Asked("", "x", "", 0.2, at_most=True), 0.2, True),
        (Asked("", "x", "", 0.2, at_most=True), 0.21, False),
        (Asked("", "x", "", 0.0, above=True), 0.0, False),
        (Asked("", "x", "", 0.0, above=True), 0.001, True),
        (Asked("", "x", ""), 1.0, None),
        (Asked("", "x", "", 0.5), None, None),
    ],
)
def test_a_limit_is_kept_or_not(asked, value, met):
    assert asked.met({"x": value}) is met


def test_every_asked_figure_is_among_the_figures(result):
    assert all(asked.value(result) is not None for asked in ASKED if "views" not in asked.key)
    rows = asked_table(result)
    assert len(rows) == len(ASKED) + 3
    assert sum("| yes |" in row for row in rows) > 0


def with_cues(onsets_s, *cues_s):
    truth = [
        replace(true(t, t + 3, pelvis_drops=0.8), onsets_ns={"pelvis_drops": round((t + 1) * S)})
        for t in onsets_s
    ]
    cues = tuple(SaidCue(round(t * S), "pelvis_drops", live=True) for t in cues_s)
    return replace(record(truth, []), cues=cues)


def test_a_cue_is_late_by_the_time_since_the_fault_was_there():
    heard = answers([with_cues((0, 10), 1.5, 12.0)])
    assert heard.delays_s == (0.5, 1.0)
    said = cue_figures([with_cues((0, 10), 1.5, 12.0)])
    assert (said["cue_median_s"], said["cues_measured"]) == (0.75, 2)


def test_a_fault_that_waited_for_another_cue_or_got_none_has_no_delay():
    # The second begins 3.5 s after the first cue, which keeps the voice for 4 s.
    waited = answers([with_cues((0, 4), 1.5, 5.6)])
    assert (waited.delays_s, waited.waited, waited.unanswered) == ((0.5,), 1, 0)
    silent = answers([with_cues((0, 10), 1.5)])
    assert (silent.delays_s, silent.waited, silent.unanswered) == ((0.5,), 0, 1)


def test_the_command_runs_sets_and_other_motions_together(monkeypatch, tmp_path, capsys):
    drawn = []

    def quality_cases(seed, sets, any_view):
        drawn.append((seed, sets, any_view))
        return whole_sets()

    generator = SimpleNamespace(quality_cases=quality_cases)
    real = importlib.import_module
    monkeypatch.setattr(
        importlib,
        "import_module",
        lambda name, *a: generator if name == cases.GENERATOR else real(name, *a),
    )
    monkeypatch.setattr(cases, "NEEDED", ())
    monkeypatch.setattr(recognition, "none_cases", lambda *_: OTHERS)
    monkeypatch.setattr(quality, "run_any", lambda case: case)
    words = ["bench", "quality", "--seed", "7", "--sets", "6", "--jobs", "1", "--any-view"]
    out = tmp_path / "quality.json"
    assert cli.main([*words, "--json", str(out), "--page", str(tmp_path / "page")]) == 0
    assert drawn == [(7, 6, True)]
    assert "| sets with the exact count | 50.0 % | 6 sets | at least 98.0 % | **no** |" in (
        capsys.readouterr().out
    )
    figures = json.loads(out.read_text())
    asked = ("repetition_exact_share", "fault_macro_f1", "false_alarms_per_clean_repetition",
             "score_spearman", "recognition_accuracy", "none_rejected_share", "cue_median_s",
             "cue_p95_s", "per_exercise", "per_fault")  # fmt: skip
    assert all(figures[key] is not None for key in asked)
    assert (figures["sets"], figures["none_sets"]) == (6, 2)
    assert (tmp_path / "page" / "quality.md").is_file()
