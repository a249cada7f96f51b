import itertools

import pytest

from lbp_rehab.feedback.cues import CuePolicy
from lbp_rehab.feedback.prompts import Prompter
from lbp_rehab.feedback.texts import load_texts
from lbp_rehab.quality.types import Phase

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
OUT, HOLD, RETURN, REST = Phase.OUT, Phase.HOLD, Phase.RETURN, Phase.REST
PHASES = [(REST, 1.0), (OUT, 2.0), (HOLD, 3.0), (RETURN, 2.0), (REST, 1.0)]


def frames(phases, rate_hz=20):
    """Yield the stamp and phase of each frame of phases with their durations."""
    count = 0
    for phase, duration_s in phases:
        for _ in range(round(duration_s * rate_hz)):
            yield T0 + count * SECOND // rate_hz, phase
            count += 1


def prompts(kind, hold_s, phases=PHASES):
    """Return each prompt that was due, with the time in seconds, in the order of time."""
    prompter = Prompter(load_texts("en"), "en", kind)
    prompter.begin(hold_s)
    found = []
    for stamp_ns, phase in frames(phases):
        due = prompter.update(stamp_ns, phase, 1)
        row = due and ((due.stamp_ns - T0) / SECOND, due.text)
        if row and row not in found:
            found.append(row)
            assert due.stamp_ns == stamp_ns
    return found


def test_tempo_leads_out_into_the_hold_and_back_once_it_was_held_long_enough():
    assert prompts("tempo", 2.0) == [(1.0, "Move slowly"), (3.0, "Hold"), (5.0, "Slowly back")]


def test_the_way_back_is_prompted_when_it_begins_if_that_is_sooner():
    assert prompts("tempo", 5.0) == [(1.0, "Move slowly"), (3.0, "Hold"), (6.0, "Slowly back")]


def test_an_exercise_without_a_hold_is_not_told_to_hold():
    assert prompts("tempo", 0.0) == [(1.0, "Move slowly"), (6.0, "Slowly back")]


def test_breath_goes_out_on_the_effort_and_in_on_the_way_back():
    assert prompts("breathing", 1.0) == [(1.0, "Breathe out"), (4.0, "Breathe in")]


def test_in_a_long_hold_the_breath_goes_on():
    phases = [(OUT, 2.0), (HOLD, 10.0), (RETURN, 2.0)]
    found = [text for _, text in prompts("breathing", 8.0, phases)]
    assert found == ["Breathe out", "Keep breathing", "Breathe in"]


def test_both_come_in_one_prompt():
    assert [text for _, text in prompts("both", 1.0)] == [
        "Move slowly. Breathe out",
        "Hold",
        "Slowly back. Breathe in",
    ]


def test_none_is_none_and_a_rest_has_no_prompt():
    assert prompts("none", 2.0) == []
    prompter = Prompter(load_texts("en"), "en", "both")
    prompter.update(T0, OUT, 1)
    assert prompter.update(T0 + SECOND, REST, 1) is None


def test_an_unknown_phase_changes_nothing():
    assert prompts("tempo", 2.0, [(OUT, 1.0), (Phase.UNKNOWN, 0.5), (OUT, 1.0)]) == [
        (0.0, "Move slowly")
    ]


def test_all_that_is_prompted_can_be_spoken_in_advance():
    prompter = Prompter(load_texts("en"), "en", "both")
    prompter.begin(2.0)
    assert set(prompter.texts()) == {text for _, text in prompts("both", 2.0)}


@pytest.mark.parametrize("kind", ["tempo", "breathing", "both"])
def test_through_the_policy_prompts_stay_four_seconds_apart_and_on_time(kind):
    texts = load_texts("en")
    policy, prompter = CuePolicy(texts, "en"), Prompter(texts, "en", kind)
    prompter.begin(1.0)
    said = []
    for stamp_ns, phase in frames(PHASES * 5):
        cue = policy.on_prompt(stamp_ns, prompter.update(stamp_ns, phase, 1))
        if cue:
            said.append((stamp_ns, cue))
            assert stamp_ns - cue.event_stamp_ns <= SECOND
    assert len(said) >= 5
    for (before_ns, before), (after_ns, after) in itertools.pairwise(said):
        assert after_ns - before_ns >= 4 * SECOND
        assert before.text != after.text
