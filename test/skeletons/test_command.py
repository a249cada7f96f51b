import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from lbp_rehab import cli
from lbp_rehab.skeletons.layouts import LAYOUTS

PAGE = Path(__file__).parent.parent.parent / "docs" / "skeletons.md"


def run(*words):
    return cli.main(["score", *map(str, words)])


@pytest.fixture
def arguments(kinect):
    return (kinect, "--skeleton", "kinect25", "--exercise", "forward_bend")


def test_repetitions_are_told_with_their_evidence(arguments, capsys):
    assert run(*arguments) == 0
    out = capsys.readouterr().out
    assert "1. complete, 2." in out
    assert "of 100 (95 %:" in out
    assert "not assessed:" in out
    assert "Forward bend: 3 complete repetitions" in out


def test_json_to_stdout_is_alone_there(arguments, capsys):
    assert run(*arguments, "--json", "-") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["complete"] == 3
    assert found["lost"]["rows_torn"] == 0
    assert "3 complete repetitions" in captured.err


def test_keys_of_the_figures_are_as_documented(arguments, capsys):
    run(*arguments, "--rate", 90, "--json", "-")  # three times too fast
    found = json.loads(capsys.readouterr().out)
    section = PAGE.read_text(encoding="utf-8").split("## JSON\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`|]+)` \|", section, re.MULTILINE)
    inner = {f"repetitions[].{key}" for key in found["repetitions"][0]}
    faults = [f for r in found["repetitions"] for f in r["faults"]]
    inner |= {f"repetitions[].faults[].{key}" for key in faults[0]}
    assert set(rows) == set(found) | inner


def test_a_plot_is_written(arguments, tmp_path):
    path = tmp_path / "plot.png"
    assert run(*arguments, "--plot", path) == 0
    assert cv2.imread(str(path)).shape[1] > 500


def test_axes_and_units_can_be_told(tmp_path, bends, write, joints_of, capsys):
    layout = LAYOUTS["blazepose33"]
    joints = joints_of(bends, layout, up="z", left_handed=True)
    path = write(tmp_path / "a.csv", layout, joints, scale=1000.0, time=False, header=False)
    code = run(
        path, "--skeleton", "blazepose33", "--exercise", "forward_bend", "--rate", 30, "--up=z",
        "--left-handed", "--unit", "mm", "--sigma-mm", 5, "--up-sigma-deg", 1, "--json", "-",
    )  # fmt: skip
    assert code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["complete"] == 3
    assert found["notes"] == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["--skeleton", "kinect"], "there is no skeleton layout 'kinect'"),
        (["--exercise", "squat"], "there is no exercise 'squat'"),
        (["--exercise", "squat.yaml"], "there is no exercise file 'squat.yaml'"),
        (["--sigma-mm", "-1"], "a sigma of -1 mm must be above 0"),
        (["--sigma-mm", "nan"], "--sigma-mm must be a number"),
        (["--up", "w"], "up is 'w'; choose one of"),
        (["--rate", "0.1"], "a rate of 0.1 rows a second"),
        (["--plot", "no/such/folder/a.png"], "there is no folder for the plot"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments, capsys, changes, says):
    assert run(*arguments, *changes) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lbp-rehab: ")
    assert says in captured.err
    assert captured.err.count("\n") == 1


def test_what_was_left_out_is_said_on_the_screen(arguments, kinect, capsys):
    kinect.write_text(kinect.read_text()[:-200])
    assert run(*arguments) == 0
    assert "is torn: left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("block", "file", "starts_s"),
    [
        (0, "JointPositionExercise1.csv", [0.4, 3.8, 7.3, 11.3]),
        (1, "JointPositionExercise5.csv", [5.0, 8.1, 12.9]),
    ],
)
def test_the_exercises_of_the_page_count_kimore_as_it_says(
    kimore, tmp_path, capsys, block, file, *, starts_s
):
    blocks = [b for b in PAGE.read_text(encoding="utf-8").split("```") if b.startswith("yaml\n")]
    exercise = blocks[block].removeprefix("yaml\n")
    path = tmp_path / f"{exercise.split()[1]}.yaml"
    path.write_text(exercise)
    code = run(
        kimore / file, "--skeleton", "kinect25", "--exercise", path, "--rate", 30, "--json", "-"
    )
    assert code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["complete"] == len(found["repetitions"]) == len(starts_s)
    assert np.allclose([r["start_s"] for r in found["repetitions"]], starts_s, atol=0.4)


def test_the_table_of_joints_is_that_of_the_layouts():
    section = PAGE.read_text(encoding="utf-8").split("## Layouts\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("| ")]
    head, body = rows[0], [r for r in rows[1:] if r[0].strip().isdigit()]
    names = [cell.strip(" `") for cell in head if cell.strip()]
    assert names == list(LAYOUTS)
    for column, layout in enumerate(LAYOUTS.values(), start=1):
        cells = [row[column].strip() if column < len(row) else "" for row in body]
        bold = {cell.strip("*") for cell in cells if cell.startswith("**")}
        assert [cell.strip("*") for cell in cells if cell] == list(layout.joints)
        assert bold == set(layout.points.values())
