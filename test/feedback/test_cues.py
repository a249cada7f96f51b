import pytest

from lbp_rehab.feedback.cues import CuePolicy, CueSettings
from lbp_rehab.feedback.texts import load_texts
from lbp_rehab.feedback.types import (
    CueSeverity,
    FaultsNow,
    Problem,
    Prompt,
    RepetitionDone,
    SetDone,
)

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
HIPS = Problem("range_short", "lift_hips_higher", 2, 9.0)
PELVIS = Problem("pelvis_drops", "level_pelvis", 2, 6.0)
UNSAFE = Problem("lumbar_overextension", "ribs_down", 4, 3.0)


def at(seconds):
    return T0 + round(seconds * SECOND)


def done(seconds, *problems, index=1, grade="good", complete=True, count=None):
    return RepetitionDone(at(seconds), index, complete, count or index, grade, tuple(problems))


def policy(**settings):
    return CuePolicy(load_texts("en"), "en", CueSettings(**settings))


def test_the_correction_that_costs_most_comes_first_with_the_grade():
    cue = policy().on_repetition(at(0.1), done(0.0, PELVIS, HIPS))
    assert cue.text == "Good. Lift your hips a little higher"
    assert (cue.severity, cue.answers, cue.repetition) == (CueSeverity.CORRECTION, "range_short", 1)
    assert cue.event_stamp_ns == at(0.0)


def test_a_grade_that_would_make_it_too_long_is_left_out():
    long = Problem("bend", "bend_further_if_comfortable", 2, 9.0)
    texts = {
        **load_texts("en"),
        "bend_further_if_comfortable": "Bend a bit further if it feels comfortable",
    }
    cue = CuePolicy(texts, "en").on_repetition(at(0), done(0, long, grade="super_excellent"))
    assert cue.text == "Bend a bit further if it feels comfortable"


def test_safety_comes_before_everything():
    cue = policy().on_repetition(at(0.1), done(0.0, HIPS, UNSAFE))
    assert cue.severity == CueSeverity.STOP
    assert cue.answers == "lumbar_overextension"


def test_praise_comes_when_a_fault_of_the_repetition_before_is_gone():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    cue = p.on_repetition(at(5), done(5, index=2))
    assert cue.severity == CueSeverity.PRAISE
    assert cue.answers == "range_short"
    assert "Much better" in cue.text


def test_a_correction_comes_before_praise():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    assert p.on_repetition(at(5), done(5, PELVIS, index=2)).answers == "pelvis_drops"


def test_without_anything_to_correct_it_counts_and_grades():
    cue = policy().on_repetition(at(0), done(0, index=3))
    assert (cue.text, cue.severity, cue.answers) == ("3, Good", CueSeverity.INFO, "repetition")


def test_a_partial_repetition_is_not_counted_but_graded():
    cue = policy().on_repetition(at(0), done(0, complete=False, grade="try_again"))
    assert (cue.text, cue.answers) == ("Try again", "grade")


def test_an_aborted_repetition_says_nothing():
    assert policy().on_repetition(at(0), done(0, complete=False, grade="")) is None


def test_a_fault_that_costs_little_is_not_corrected():
    small = Problem("range_short", "lift_hips_higher", 1, 1.0)
    assert policy().on_repetition(at(0), done(0, small)).answers == "repetition"


def test_a_mild_unsafe_fault_comes_before_a_costly_severe_one_also_during_the_movement():
    costly = Problem("pelvis_drops", "level_pelvis", 3, 40.0)
    cheap = Problem("lumbar_overextension", "ribs_down", 4, 0.5)
    for order in ((costly, cheap), (cheap, costly)):
        live = policy().on_faults(at(0), FaultsNow(at(0), 1, order))
        after = policy().on_repetition(at(0), done(0, *order))
        for cue in (live, after):
            assert (cue.severity, cue.answers) == (CueSeverity.STOP, "lumbar_overextension")


def test_below_unsafe_the_points_decide_and_not_the_severity():
    severe_but_cheap = Problem("pelvis_drops", "level_pelvis", 3, 4.0)
    live = policy().on_faults(at(0), FaultsNow(at(0), 1, (severe_but_cheap, HIPS)))
    after = policy().on_repetition(at(0), done(0, severe_but_cheap, HIPS))
    assert live.answers == after.answers == "range_short"


def test_two_cues_are_at_least_four_seconds_apart():
    p = policy()
    assert p.on_repetition(at(0), done(0, HIPS))
    assert p.on_repetition(at(3.9), done(3.9, PELVIS, index=2)) is None
    assert p.on_repetition(at(4.0), done(4.0, PELVIS, index=3))


def test_a_stop_does_not_wait():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    cue = p.on_faults(at(0.5), FaultsNow(at(0.5), 2, (UNSAFE,)))
    assert cue.severity == CueSeverity.STOP


def test_a_stop_is_not_repeated_at_every_frame_but_again_after_the_interval():
    p = policy()
    given = [p.on_faults(at(k / 30), FaultsNow(at(k / 30), 1, (UNSAFE,))) for k in range(240)]
    assert [k for k, cue in enumerate(given) if cue] == [0, 120]


def test_the_same_is_not_said_twice_in_a_row():
    p = policy()
    assert p.on_repetition(at(0), done(0, HIPS, PELVIS)).answers == "range_short"
    assert p.on_repetition(at(5), done(5, HIPS, PELVIS, index=2)).answers == "pelvis_drops"
    assert p.on_repetition(at(10), done(10, HIPS, PELVIS, index=3)).answers == "range_short"


def test_the_same_is_said_again_if_its_severity_rises():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    worse = Problem("range_short", "lift_hips_higher", 3, 20.0)
    assert p.on_repetition(at(5), done(5, worse, index=2)).answers == "range_short"


def test_the_same_is_said_again_if_it_costs_clearly_more_and_not_if_only_a_little():
    for points, said in ((13.0, None), (14.0, "range_short")):
        p = policy(say_count=False, say_grade=False)
        p.on_repetition(at(0), done(0, HIPS))
        worse = Problem("range_short", "lift_hips_higher", 2, points)
        cue = p.on_repetition(at(5), done(5, worse, index=2))
        assert (cue and cue.answers) == said


def test_what_was_said_live_is_not_said_again_when_the_same_repetition_has_cost_its_full_points():
    p = policy(say_count=False, say_grade=False)
    early = Problem("pelvis_drops", "level_pelvis", 2, 8.0, at(0))
    assert p.on_faults(at(0.4), FaultsNow(at(0.4), 1, (early,))).answers == "pelvis_drops"
    full = Problem("pelvis_drops", "level_pelvis", 2, 20.0)
    assert p.on_repetition(at(5), done(5, full, index=1)) is None
    assert p.on_repetition(at(10), done(10, full, index=2)) is None
    worse = Problem("pelvis_drops", "level_pelvis", 2, 25.0)
    assert p.on_repetition(at(15), done(15, worse, index=3)).answers == "pelvis_drops"


def test_a_fault_that_only_costs_more_while_it_grows_is_not_corrected_twice_in_a_repetition():
    p = policy()
    p.on_faults(at(0), FaultsNow(at(0), 1, (Problem("pelvis_drops", "level_pelvis", 2, 8.0),)))
    for seconds in (4.5, 5.5, 10.5):  # as it lasts, it is a new event
        grown = Problem("pelvis_drops", "level_pelvis", 2, 20.0)
        assert p.on_faults(at(seconds), FaultsNow(at(seconds), 1, (grown,))) is None


def test_another_grade_alone_is_not_the_same():
    p = policy()
    said = [
        p.on_repetition(at(5 * k), done(5 * k, index=k, complete=False, grade=grade))
        for k, grade in enumerate(["try_again", "try_again", "qualified"], 1)
    ]
    assert [cue and cue.text for cue in said] == ["Try again", None, "Okay"]


def test_a_second_stop_in_a_row_has_other_words():
    p = policy()
    texts = [p.on_faults(at(k), FaultsNow(at(k), k, (UNSAFE,))).text for k in (0, 5, 10)]
    assert texts[0] == texts[2] != texts[1]


def test_a_stop_at_the_end_of_a_repetition_does_not_wait():
    p = policy()
    p.on_faults(at(0), FaultsNow(at(0), 1, (PELVIS,)))
    cue = p.on_repetition(at(1), done(1, UNSAFE))
    assert (cue.severity, cue.urgent) == (CueSeverity.STOP, True)


def test_after_a_stop_the_repetition_is_answered_with_how_to_do_it():
    p = policy(say_grade=False)
    p.on_faults(at(0), FaultsNow(at(0), 1, (UNSAFE,)))
    cue = p.on_repetition(at(4), done(4, UNSAFE, HIPS, index=1))
    assert (cue.severity, cue.text) == (CueSeverity.CORRECTION, "Draw your ribs down")
    again = p.on_repetition(at(9), done(9, UNSAFE, index=2))
    assert again.severity == CueSeverity.STOP


def live(p, seconds, *problems, repetition=1):
    return p.on_faults(at(seconds), FaultsNow(at(seconds), repetition, problems))


def test_a_live_correction_answers_the_onset_of_the_fault():
    cue = live(policy(), 0.4, Problem("pelvis_drops", "level_pelvis", 2, 8.0, at(0.1)))
    assert cue.event_stamp_ns == at(0.1)


def test_a_fault_that_could_not_be_answered_soon_after_its_onset_waits_for_the_repetition():
    p = policy()
    p.on_repetition(at(0), done(0))
    drop = Problem("pelvis_drops", "level_pelvis", 2, 8.0, at(1.0))
    assert not any(live(p, 1.3 + k / 30, drop, repetition=2) for k in range(120))
    assert p.on_repetition(at(6), done(6, drop, index=2)).answers == "pelvis_drops"


def test_a_fault_that_is_recognised_slowly_is_corrected_when_it_is_recognised():
    slow = Problem("pelvis_drops", "level_pelvis", 2, 8.0, at(1.0))
    assert live(policy(max_age_s=1.5), 3.0, slow).answers == "pelvis_drops"


def test_a_fault_that_lasts_is_answered_when_there_is_room():
    p = policy()
    p.on_repetition(at(0), done(0))
    sag = Problem("pelvis_drops", "level_pelvis", 2, 8.0, at(1.0))
    said = [k / 10 for k in range(13, 150) if live(p, k / 10, sag, repetition=2)]
    assert said == [6.0]  # five seconds after its onset, and not twice in a row


def test_a_fault_that_gets_worse_during_the_movement_is_a_new_event():
    p = policy()
    live(p, 0.0, Problem("pelvis_drops", "level_pelvis", 2, 8.0))
    severe = Problem("pelvis_drops", "level_pelvis", 3, 20.0)
    assert live(p, 3.9, severe) is None
    cue = live(p, 4.0, severe)
    assert (cue.answers, cue.event_stamp_ns) == ("pelvis_drops", at(3.9))


@pytest.mark.parametrize(("interrupts", "answers"), [(False, None), (True, "pelvis_drops")])
def test_a_live_correction_waits_for_a_count_unless_it_may_cut_it_off(interrupts, answers):
    p = policy(interrupt_info=interrupts)
    p.on_repetition(at(0), done(0))
    cue = live(p, 1.0, PELVIS, repetition=2)
    assert (cue and cue.answers) == answers
    assert cue is None or cue.urgent
    assert live(p, 2.0, HIPS, repetition=2) is None


def test_praise_is_for_a_fault_that_was_cued_and_not_for_one_that_was_only_there():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS, PELVIS))
    p.on_repetition(at(1), done(1, HIPS, index=2))  # too soon to say anything
    cue = p.on_repetition(at(6), done(6, HIPS, index=3))
    assert cue.severity == CueSeverity.INFO
    cue = p.on_repetition(at(11), done(11, index=4))
    assert (cue.severity, cue.answers) == (CueSeverity.PRAISE, "range_short")
    for k in (5, 6):
        assert p.on_repetition(at(5 * k), done(5 * k, index=k)).severity == CueSeverity.INFO


def test_praise_that_found_no_room_is_given_after_the_next_repetition():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    assert p.on_repetition(at(3), done(3, index=2)) is None
    assert p.on_repetition(at(6), done(6, index=3)).severity == CueSeverity.PRAISE


def test_a_fault_corrected_live_is_not_praised_for_the_same_repetition():
    p = policy()
    live(p, 0, PELVIS, repetition=1)
    assert p.on_repetition(at(4), done(4, index=1)).severity == CueSeverity.INFO
    assert p.on_repetition(at(8), done(8, index=2)).severity == CueSeverity.PRAISE


def test_nobody_is_praised_for_what_was_not_assessed():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    unseen = RepetitionDone(at(5), 2, True, 2, "good", (), ("range_short",))
    assert p.on_repetition(at(5), unseen).severity == CueSeverity.INFO
    assert p.on_repetition(at(10), done(10, index=3)).severity == CueSeverity.PRAISE


def test_nobody_is_praised_while_something_else_goes_wrong():
    """PELVIS was told a moment ago, so that it is not said again; the praise waits."""
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    live(p, 5, PELVIS, repetition=2)
    assert p.on_repetition(at(10), done(10, PELVIS, index=2)).severity == CueSeverity.INFO
    assert p.on_repetition(at(15), done(15, index=3)).severity == CueSeverity.PRAISE


def test_a_fault_without_a_text_is_passed_over():
    p = policy()
    unknown = Problem("new_fault", "no_such_text", 3, 30.0)
    assert live(p, 0, unknown) is None
    assert p.on_repetition(at(0), done(0, unknown, HIPS)).answers == "range_short"


def test_the_set_is_graded_as_soon_as_the_answer_to_its_last_repetition_lets_it():
    p = policy()
    p.on_repetition(at(0), done(0, index=10))
    assert p.on_set(at(0.1), SetDone(at(0.1), "excellent")) is None
    assert p.on_tick(at(3.9)) is None
    cue = p.on_tick(at(4.0))
    assert (cue.text, cue.answers) == ("Set done: Excellent. Rest now", "set")
    assert (cue.repetition, cue.event_stamp_ns) == (0, at(0.1))
    assert p.on_tick(at(9.0)) is None


def test_the_end_of_a_set_is_said_at_once_if_nothing_else_was():
    assert policy().on_set(at(0), SetDone(at(0), "")).text == "Set done. Rest now"
    quiet = policy(say_grade=False).on_set(at(0), SetDone(at(0), "good"))
    assert quiet.text == "Set done. Rest now"


def test_the_end_of_a_set_is_not_said_late_or_in_the_next_one():
    p = policy()
    p.on_repetition(at(0), done(0))
    p.on_set(at(0), SetDone(at(0), "good"))
    assert p.on_tick(at(6)) is None
    assert p.too_late == 1
    p.on_repetition(at(10), done(10, index=2))
    assert p.on_set(at(10), SetDone(at(10), "good")) is None
    p.reset()
    assert p.on_tick(at(14)) is None


def test_a_new_set_does_not_shorten_the_interval():
    p = policy()
    p.on_repetition(at(0), done(0, HIPS))
    p.reset()
    assert p.on_repetition(at(2), done(2, PELVIS)) is None


def prompt(seconds, text="Move slowly", repetition=1):
    return Prompt(at(seconds), repetition, text, "tempo")


def test_a_prompt_obeys_the_spacing_comes_in_time_and_not_twice():
    p = policy()
    cue = p.on_prompt(at(0), prompt(0))
    assert (cue.text, cue.severity, cue.answers) == ("Move slowly", CueSeverity.INFO, "tempo")
    assert p.on_prompt(at(3), prompt(3, "Slowly back")) is None
    assert p.on_prompt(at(4.1), prompt(3, "Slowly back")) is None  # its moment is over
    assert p.on_prompt(at(8), prompt(8)) is None  # the same in a row
    assert p.on_prompt(at(8), prompt(8, "Slowly back")).text == "Slowly back"
    assert p.on_prompt(at(13), None) is None


def test_prompts_give_way_in_a_repetition_that_has_something_to_correct():
    p = policy(min_interval_s=4.0)
    p.on_repetition(at(0), done(0))
    live(p, 3.0, PELVIS, repetition=2)
    assert p.on_prompt(at(5), prompt(5, repetition=2)) is None
    assert p.on_repetition(at(6), done(6, PELVIS, index=2)).answers == "pelvis_drops"
    assert p.on_prompt(at(10), prompt(10, repetition=3))


def test_an_answer_that_comes_too_late_is_dropped():
    p = policy(max_age_s=1.5)
    assert p.on_repetition(at(2.0), done(0.4, HIPS)) is None
    assert p.too_late == 1
    assert p.on_repetition(at(2.0), done(0.6, HIPS))


@pytest.mark.parametrize(
    ("live_from", "said_from"), [("mild", 1), ("moderate", 2), ("severe", 3), ("never", 4)]
)
def test_faults_are_corrected_during_the_movement_from_the_chosen_severity_on(live_from, said_from):
    for severity in (1, 2, 3, 4):
        problem = Problem("pelvis_drops", "level_pelvis", severity)
        cue = policy(live_from=live_from).on_faults(at(0), FaultsNow(at(0), 1, (problem,)))
        assert bool(cue) == (severity >= said_from)


def test_moderate_faults_are_corrected_during_the_movement_unless_told_otherwise():
    assert CueSettings().live_from == "moderate"


def test_switched_off_kinds_are_not_said():
    quiet = policy(say_grade=False, say_count=False, praise=False)
    assert quiet.on_repetition(at(0), done(0)) is None
    assert quiet.on_repetition(at(5), done(5, HIPS)).text == "Lift your hips a little higher"


def test_a_clock_that_jumps_back_does_not_silence():
    p = policy()
    p.on_repetition(at(100), done(100, HIPS))
    assert p.on_repetition(at(0), done(0, PELVIS))
