"""What the scorer finds, the policy can say: the two cores together, without ROS."""

import itertools

import numpy as np
import pytest

from lbp_rehab.feedback.cues import CuePolicy, CueSettings
from lbp_rehab.feedback.texts import GRADES, load_texts
from lbp_rehab.feedback.types import CueSeverity, FaultsNow, Problem, RepetitionDone
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


SECOND = 1_000_000_000
FRAME_NS = SECOND // 30
RECOGNISED_NS = 3 * SECOND // 10  # the scorer is sure of a fault this long after its onset


def session(seed, settings, repetitions=60):
    """Play repetitions with random faults, frame by frame; return each cue with its stamp."""
    rng = np.random.default_rng(seed)
    policy = CuePolicy(load_texts("en"), "en", settings)
    cues = load_exercise("glute_bridge").cues
    ids, now_ns, said = sorted(cues), 1_700_000_000 * SECOND, []
    for index in range(1, repetitions + 1):
        end_ns = now_ns + round(rng.uniform(2.0, 9.0) * SECOND)
        faults = []
        for fault in rng.choice(ids, size=rng.integers(0, 3), replace=False):
            onset_ns = int(rng.integers(now_ns, end_ns))
            severity = int(rng.choice([1, 2, 3, 4], p=[0.3, 0.4, 0.25, 0.05]))
            points = 6.0 * severity
            faults.append(Problem(str(fault), cues[str(fault)], severity, points, onset_ns))
        while now_ns < end_ns:
            seen = tuple(f for f in faults if now_ns - f.start_ns >= RECOGNISED_NS)
            said.append((now_ns, policy.on_faults(now_ns, FaultsNow(now_ns, index, seen))))
            now_ns += FRAME_NS
        grade = str(rng.choice(GRADES))
        done = RepetitionDone(now_ns, index, True, index, grade, tuple(faults))
        now_ns += int(rng.integers(0, SECOND // 3))
        said.append((now_ns, policy.on_repetition(now_ns, done)))
    return [(stamp_ns, cue) for stamp_ns, cue in said if cue]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("live_from", ["mild", "moderate", "never"])
def test_whatever_happens_cues_keep_their_distance_come_in_time_and_do_not_repeat(seed, live_from):
    said = session(seed, CueSettings(live_from=live_from))
    assert len(said) > 20
    for (before_ns, before), (now_ns, cue) in itertools.pairwise(said):
        if cue.severity != CueSeverity.STOP:
            assert now_ns - before_ns >= 4 * SECOND
        assert cue.text != before.text or cue.severity == CueSeverity.CORRECTION  # it got worse
        if cue.severity != CueSeverity.STOP:
            assert now_ns - cue.event_stamp_ns <= 1.5 * SECOND


@pytest.mark.parametrize("seed", range(3))
def test_a_live_correction_follows_its_fault_within_a_second_and_a_half(seed):
    said = session(seed, CueSettings(say_count=False, say_grade=False, praise=False))
    waits_s = [
        (now_ns - cue.event_stamp_ns) / SECOND
        for now_ns, cue in said
        if cue.severity == CueSeverity.CORRECTION
    ]
    assert len(waits_s) > 15
    assert np.median(waits_s) <= 0.8
    assert np.percentile(waits_s, 95) <= 1.5
