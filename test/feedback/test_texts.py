import itertools

import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.feedback import texts as wording
from lbp_rehab.feedback.texts import GENERAL, GRADES, load_texts
from lbp_rehab.languages import fits, known_languages
from lbp_rehab.quality.exercise import known_exercises, load_exercise


@pytest.mark.parametrize("language", known_languages())
def test_every_cue_of_every_exercise_exists_in_every_language(language):
    texts = load_texts(language)
    for name in known_exercises():
        exercise = load_exercise(name)
        all_texts = wording.with_own(texts, exercise.texts.get(language, {}))
        assert wording.missing_texts(all_texts, language, name, exercise.cues.values()) == ""
    assert set(GENERAL) <= set(texts)


def test_all_languages_have_the_same_cues_and_no_more_than_are_used():
    assert {"en", "de", "es", "zh"} <= set(known_languages())
    used = {c for e in known_exercises() for c in load_exercise(e).cues.values()} | set(GENERAL)
    for language in known_languages():
        assert set(load_texts(language)) == used


@pytest.mark.parametrize("language", known_languages())
def test_what_is_put_together_is_short_enough_and_complete(language):
    texts = load_texts(language)
    for grade in GRADES[1:]:
        assert texts[f"grade_{grade}"] in wording.set_done(texts, language, grade)
    for key, grade in itertools.product(texts, GRADES):
        said = wording.grade_and_cue(texts, language, texts[key], grade)
        assert key in wording.TEMPLATES or fits(said, language)
    for prompt, breath in (("out", "out"), ("hold", "on"), ("return", "in")):
        parts = texts[f"prompt_{prompt}"], texts[f"breathe_{breath}"]
        both = wording.prompt_and_breath(texts, language, *parts)
        assert all(part in both for part in parts)
        assert fits(both, language)
    counted = wording.count(texts, 12)
    assert "12" in counted
    assert texts["grade_good"] in wording.count_and_grade(texts, language, counted, "good")


def test_after_a_set_nobody_is_told_to_try_again():
    texts = load_texts("en")
    assert wording.set_done(texts, "en", "try_again") == "Set done: keep practising. Rest now"
    assert wording.set_done(texts, "en", "") == "Set done. Rest now"


def test_what_may_be_said_in_a_set_begins_with_the_stop_and_holds_what_the_policy_says():
    texts = load_texts("en")
    likely = wording.likely(texts, "en", ["level_pelvis", "no_such_text"], 3, ["Hold"])
    assert likely[:2] == (texts["stop"], texts["stop_again"])
    assert likely[2:4] == ("Keep your pelvis level", "Hold")
    assert {"3, Good", "Good. Keep your pelvis level", "Set done: Good. Rest now"} <= set(likely)
    assert "4, Good" not in likely
    assert len(set(likely)) == len(likely)


def test_own_texts_count_before_ours_but_never_change_the_stop():
    texts = {"stop": "Stop", "count": "{count}", "level_pelvis": "Level", "breathe_on": "Breathe"}
    own = {"stop": "Go on", "count": "ten", "level_pelvis": "Hips level", "new": "New"}
    assert wording.with_own(texts, own | {"breathe_on": "Go on breathing"}) == {
        "stop": "Stop", "count": "{count}", "level_pelvis": "Hips level", "new": "New",
        "breathe_on": "Go on breathing",
    }  # fmt: skip
    assert texts["level_pelvis"] == "Level"


def test_the_texts_that_an_exercise_lacks_are_named_with_the_file_to_add_them_to():
    sentence = wording.missing_texts(load_texts("de"), "de", "wall_squat", ["stop", "sit_lower"])
    assert sentence == (
        "exercise wall_squat names cues without a text: add sit_lower under texts.de in its file, "
        "or to cues/de.yaml"
    )


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


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            "fixed: Better\nstop: one two three four five six seven eight nine\n",
            r"en\.yaml, line 2: key 'stop' is too long",
        ),
        ("count: one\n", r"line 1: key 'count' must hold \{count\}"),
        ("fixed: Better, {name}\n", r"line 1: key 'fixed' holds \{name\}, which nothing fills in"),
        ("fixed: ''\n", "line 1: key 'fixed' must be text"),
        ("fixed: Better\nfixed: Good\n", "line 2: key 'fixed' stands twice"),
        ("stop: Stop\n", "'count' is missing"),
        ("- stop\n", "line 1: must be a mapping"),
    ],
)
def test_a_wrong_text_file_is_refused_with_its_line(tmp_path, content, complaint):
    (tmp_path / "en.yaml").write_text(content)
    with pytest.raises(InputError, match=complaint):
        load_texts("en", tmp_path)


def test_an_unknown_language_is_refused_with_the_known_ones(tmp_path):
    (tmp_path / "en.yaml").write_text("stop: Stop\n")
    with pytest.raises(InputError, match="no cues in language 'xx'; known are en"):
        load_texts("xx", tmp_path)
