import json
from dataclasses import replace

import numpy as np
import pytest
from raising import SECOND, course

from lbp_rehab.errors import InputError
from lbp_rehab.matching.reference import OwnBest, Reference, read_references, write_references
from lbp_rehab.matching.repetition import repetition


def reference(**changed):
    given = repetition(course(lost=("r_toe",)), SECOND, 4 * SECOND)
    return replace(Reference("bird_dog", "left", "a demonstration", given), **changed)


def test_a_file_gives_back_what_was_written(tmp_path):
    path = tmp_path / "references.json"
    write_references(path, [reference(), reference(side="right")])
    first, second = read_references(path)
    assert (first.exercise, first.side, first.title) == ("bird_dog", "left", "a demonstration")
    assert second.side == "right"
    given, found = reference().repetition, first.repetition
    assert found.duration_s == pytest.approx(given.duration_s)
    np.testing.assert_allclose(found.stretch.points, given.stretch.points, atol=1e-4)
    np.testing.assert_array_equal(found.stretch.known, given.stretch.known)
    np.testing.assert_allclose(found.stretch.pelvis, given.stretch.pelvis, atol=1e-4)
    np.testing.assert_array_equal(found.stretch.pelvis_known, given.stretch.pelvis_known)


def changed(key, value):
    def change(said):
        said["references"][0][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda said: said.update(format="other"), "no reference file"),
        (lambda said: said.update(version=2), "version 2"),
        (lambda said: said.pop("references"), "broken"),
        (changed("side", "up"), "side 'up'"),
        (changed("points", []), "broken"),
        (changed("duration_s", -1.0), "out of range"),
        (changed("joints", ["nose"]), "joints"),
    ],
)
def test_a_broken_file_is_refused_with_a_reason(tmp_path, change, says):
    path = tmp_path / "references.json"
    write_references(path, [reference()])
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))
    with pytest.raises(InputError, match=says):
        read_references(path)


def test_a_missing_file_and_what_is_no_json_are_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_references(tmp_path / "none.json")
    path = tmp_path / "text.json"
    path.write_text("a repetition")
    with pytest.raises(InputError, match="not valid JSON"):
        read_references(path)


def test_the_own_best_is_that_of_the_exercise_and_side_with_the_highest_score():
    best = OwnBest()
    assert best.get("bird_dog", "left") is None
    first, second = reference(title="first"), reference(title="second")
    assert best.offer(first, 70.0)
    assert not best.offer(second, 70.0)
    assert best.get("bird_dog", "left") is first
    assert best.offer(second, 71.0)
    assert best.get("bird_dog", "left") is second
    assert best.get("bird_dog", "right") is None
