"""What the scorer finds, the policy can say: the two cores together, without ROS."""

import numpy as np
import pytest

from lbp_rehab.feedback.cues import CuePolicy
from lbp_rehab.feedback.texts import GRADES, load_texts
from lbp_rehab.feedback.types import Problem, RepetitionDone
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.quality.types import Grade


@pytest.mark.parametrize("grade", [g for g in Grade if g != Grade.UNKNOWN])
def test_every_grade_has_a_text(grade):
    assert GRADES[int(grade) - 1] == grade.name.lower()
    assert f"grade_{grade.name.lower()}" in load_texts("en")


@pytest.mark.parametrize("seed", range(3))
def test_no_spoken_text_is_ever_longer_than_eight_words(seed):
    rng = np.random.default_rng(seed)
    policy = CuePolicy(load_texts("en"), "en")
    cues = load_exercise("glute_bridge").cues
    said = 0
    for k in range(200):
        faults = rng.choice(sorted(cues), size=rng.integers(0, 3), replace=False)
        problems = tuple(
            Problem(str(f), cues[str(f)], int(rng.integers(1, 4)), float(rng.uniform(0, 20)))
            for f in faults
        )
        now_ns = 5_000_000_000 * k
        grade = str(rng.choice(GRADES))
        cue = policy.on_repetition(
            now_ns, RepetitionDone(now_ns, k + 1, True, k + 1, grade, problems)
        )
        if cue:
            said += 1
            assert len(cue.text.split()) <= 8
    assert said > 150
