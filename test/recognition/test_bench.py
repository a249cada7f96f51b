"""The benchmark's figures from records whose truth is known."""

import numpy as np
import pytest

from lbp_rehab.bench.recognition import RecognitionRecord, figures, none_cases
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.others import UNSEEN

SECOND = 1_000_000_000


def record(name, *said, starts=(2.0, 8.0), ends=(6.0, 12.0)):
    """Return a set in which ``said`` is (from which second, what)."""
    stamps = np.arange(150) * SECOND // 10
    words = [""] * 150
    for since_s, word in said:
        words[round(since_s * 10) :] = [word] * (150 - round(since_s * 10))
    return RecognitionRecord(
        name,
        stamps,
        tuple(words),
        *((np.array(v) * SECOND).astype(np.int64) for v in (starts, ends)),
    )


def test_what_is_said_three_seconds_after_the_start_counts():
    in_time = record("plank", (4.0, "plank"))
    late = record("plank", (5.5, "plank"))
    said = figures([in_time, late])
    assert said["recognition_accuracy"] == 0.5
    assert said["recognition_accuracy_at_repetition_ends"] == 1.0
    assert said["recognition_after_median_s"] == pytest.approx((2.0 + 3.5) / 2)
    assert said["recognition_mistaken"] == [{"true": "plank", "said": "undecided"}]
    assert said["none_rejected_share"] is None


def test_rejection_is_that_no_exercise_is_said():
    undecided = record("squat")
    rejected = record("squat", (3.0, "none"))
    later = record("squat", (3.0, "none"), (9.0, "plank"))
    mistaken = record("squat", (3.0, "forward_bend"))
    said = figures([undecided, rejected, later, mistaken])
    assert said["none_rejected_share"] == 0.75
    assert said["none_said_share"] == 0.5
    assert said["none_never_claimed_share"] == 0.5
    assert said["recognition_accuracy"] is None
    assert said["recognition_per_motion"]["squat"]["none_sets"] == 4


def test_one_set_of_another_motion_for_four_of_exercises_and_each_kind_once():
    pytest.importorskip("numba")
    few, many = none_cases(0, 4), none_cases(0, 104)
    assert sorted(c.exercise for c in few) == sorted(UNSEEN)
    assert len(many) == 26
    assert {c.exercise for c in many} == set(UNSEEN)
    assert [c.scenario for c in many[:3]] == [c.scenario for c in none_cases(0, 104)[:3]]
    assert {c.scenario.split for c in many} == {Split.TEST}
    assert many[0].scenario.seed != none_cases(1, 104)[0].scenario.seed
