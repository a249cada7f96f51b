import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.feedback.cues import CuePolicy, CueSettings
from lbp_rehab.feedback.texts import GENERAL, fits, known_languages, load_texts
from lbp_rehab.feedback.types import CueSeverity, FaultsNow, Problem, RepetitionDone
from lbp_rehab.quality.exercise import known_exercises, load_exercise

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


def test_an_answer_that_comes_too_late_is_dropped():
    p = policy(max_age_s=1.5)
    assert p.on_repetition(at(2.0), done(0.4, HIPS)) is None
    assert p.too_late == 1
    assert p.on_repetition(at(2.0), done(0.6, HIPS))


def test_severe_faults_are_corrected_during_the_movement_and_milder_ones_are_not():
    severe = Problem("pelvis_drops", "level_pelvis", 3)
    for problem, settings, said in (
        (severe, {}, True),
        (PELVIS, {}, False),
        (severe, {"live_corrections": False}, False),
    ):
        cue = policy(**settings).on_faults(at(0), FaultsNow(at(0), 1, (problem,)))
        assert bool(cue) == said


def test_switched_off_kinds_are_not_said():
    quiet = policy(say_grade=False, say_count=False, praise=False)
    assert quiet.on_repetition(at(0), done(0)) is None
    assert quiet.on_repetition(at(5), done(5, HIPS)).text == "Lift your hips a little higher"


def test_a_clock_that_jumps_back_does_not_silence():
    p = policy()
    p.on_repetition(at(100), done(100, HIPS))
    assert p.on_repetition(at(0), done(0, PELVIS))


@pytest.mark.parametrize("language", known_languages())
def test_every_cue_of_every_exercise_exists_in_every_language(language):
    texts = load_texts(language)
    for name in known_exercises():
        for fault, cue in load_exercise(name).cues.items():
            assert cue in texts, f"{name}: {fault}"
    assert set(GENERAL) <= set(texts)


def test_all_languages_have_the_same_cues_and_no_more_than_are_used():
    assert {"en", "de", "es", "zh"} <= set(known_languages())
    used = {c for e in known_exercises() for c in load_exercise(e).cues.values()} | set(GENERAL)
    for language in known_languages():
        assert set(load_texts(language)) == used


@pytest.mark.parametrize(
    ("text", "language", "short"),
    [
        ("one two three four five six seven eight", "en", True),
        ("one two three four five six seven eight nine", "de", False),
        ("臀部再抬高一点", "zh", True),
        ("臀部再抬高一点" * 3, "zh", False),
    ],
)
def test_what_fits(text, language, short):
    assert fits(text, language) == short


def test_a_wrong_text_file_is_refused_with_its_line(tmp_path):
    (tmp_path / "en.yaml").write_text(
        "fixed: Better\nstop: one two three four five six seven eight nine\n"
    )
    with pytest.raises(InputError, match=r"en\.yaml, line 2: key 'stop' is too long"):
        load_texts("en", tmp_path)
    (tmp_path / "en.yaml").write_text("count: one\n")
    with pytest.raises(InputError, match=r"line 1: key 'count' must hold \{count\}"):
        load_texts("en", tmp_path)
    (tmp_path / "en.yaml").write_text("stop: Stop\n")
    with pytest.raises(InputError, match="'count' is missing"):
        load_texts("en", tmp_path)
    with pytest.raises(InputError, match="no cues in language 'xx'; known are en"):
        load_texts("xx", tmp_path)
