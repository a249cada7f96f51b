import json
import pickle
import zlib
from dataclasses import replace

import pytest

from lbp_rehab.bench import muscles
from lbp_rehab.bench.quality_case import Instant
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.synthetic.cases import WholeSet, quality_cases
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.training import followed, limits
from lbp_rehab.training.followed import Followed

pytestmark = pytest.mark.usefixtures("synthetic_extra")

RATE_HZ = 12.0
EXERCISE, FAULT = "glute_bridge", "knees_fall_in"


@pytest.fixture(scope="module")
def exact():
    """A set of three repetitions, the second with a fault, as if it were estimated exactly."""
    scenario = Scenario(
        EXERCISE, 3, (Fault(2, FAULT, 0.8),), repetitions=3, split=Split.TRAIN,
        initial_rest_s=3.0, rate_hz=RATE_HZ,
    )  # fmt: skip
    seen = muscles.movement(scenario, RATE_HZ)
    instants = [Instant(s.pose, s.pelvis, s.breath, s.pose, s.pelvis, (0.0, 0.0)) for s in seen]
    return Followed(WholeSet(scenario, len(instants)), tuple(instants))


def test_every_rule_is_measured_in_every_repetition(exact):
    exercise = load_exercise(EXERCISE)
    found = limits.measured(exact, exercise)
    assert set(found) == {rule.id for rule in exercise.faults}
    assert all(len(rows) == 3 for rows in found.values())
    (rule,) = [r for r in exercise.faults if r.id == FAULT]
    before, wrong, after = found[FAULT]
    assert [r.severity for r in found[FAULT]] == [0.0, 0.8, 0.0]
    assert [r.others for r in found["pelvis_drops"]] == [0.0, 0.8, 0.0]
    assert rule.excess(wrong.value) > rule.moderate
    assert max(rule.excess(r.value) for r in (before, after)) < 0.0
    assert wrong.sigma > 0.0


def test_the_table_shows_what_parts_right_from_wrong(exact):
    exercise = load_exercise(EXERCISE)
    lines = limits.table(limits.measured(exact, exercise), exercise)
    at = next(k for k, line in enumerate(lines) if line.startswith(f"  {FAULT} "))
    assert [line.split()[:2] for line in lines[at + 1 : at + 3]] == [
        ["clean", "2"],
        ["severe", "1"],
    ]


@pytest.mark.parametrize("true", [False, True])
def test_a_kept_set_is_judged_as_it_was_made(exact, true):
    record = limits.judged(exact, load_exercise(EXERCISE), true=true)
    assert (record.to_count, record.counted) == (3, 3)
    told = [FAULT in {f.id for f in r.faults} for r in record.found]
    assert told == [False, True, False]
    lost = [100.0 - r.score.value for r in record.found]
    assert lost[1] > max(lost[0], lost[2]) + 5.0
    assert "knees_fall_in: F1 1.0" in "\n".join(limits.figures([record]))


def test_the_sets_are_of_training_people_and_kept_whole(tmp_path, monkeypatch):
    short = [replace(c, frames=2) for c in quality_cases(5, 2, split=Split.TRAIN)]
    monkeypatch.setattr(followed, "quality_cases", lambda *_, split: short)
    followed.main([str(tmp_path), "--sets", "2", "--jobs", "1"])
    kept = [followed.load(path) for path in followed.kept(tmp_path)]
    assert [k.case.exercise for k in kept] == [c.exercise for c in short]
    assert {k.case.scenario.split for k in kept} == {Split.TRAIN}
    assert [len(k.instants) for k in kept] == [2, 2]
    again = pickle.loads(pickle.dumps(kept[0]))
    assert again.instants[1].true_pose.stamp_ns == kept[0].instants[1].true_pose.stamp_ns
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    followed.main([str(tmp_path), "--sets", "2", "--jobs", "1"])  # nothing is left to do
    followed.main([str(tmp_path), "--jobs", "1", "--only", "none"])
    assert {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_the_command_shows_each_exercise_and_all_together(tmp_path, capsys, exact):
    (tmp_path / f"00000-{EXERCISE}.set").write_bytes(zlib.compress(pickle.dumps(exact)))
    limits.main([str(tmp_path), EXERCISE, "--jobs", "1"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"{EXERCISE}\n  pelvis_drops (")
    assert json.loads(shown[shown.index("\n{\n") :])["repetitions"] == 3
    limits.main([str(tmp_path), "plank", "--jobs", "1"])
    assert EXERCISE not in capsys.readouterr().out
