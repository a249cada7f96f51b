"""Texts of the cues in each language, from ``config/cues/LANGUAGE.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from lbp_rehab import paths
from lbp_rehab.errors import InputError
from lbp_rehab.languages import fits, known_languages, longest

GRADES = ("try_again", "qualified", "good", "excellent", "super_excellent")
# Texts that are put together, and what stands in them.
TEMPLATES = {
    "count": ("count",),
    "count_and_grade": ("count", "grade"),
    "grade_and_cue": ("grade", "cue"),
    "prompt_and_breath": ("prompt", "breath"),
    "set_done_with_grade": ("grade",),
}
PROMPTS = ("prompt_out", "prompt_hold", "prompt_return", "breathe_out", "breathe_on", "breathe_in")
# Texts that no exercise names.
GENERAL = (
    *TEMPLATES, "fixed", "stop", "stop_again", "set_done", "set_done_try_again", *PROMPTS,
    *(f"grade_{g}" for g in GRADES),
)  # fmt: skip
_FIELD = re.compile(r"\{(\w*)\}")


def grade_name(grade: int) -> str:
    """Return the name of a grade of ``Repetition.msg``; empty if there is none."""
    return GRADES[grade - 1] if grade else ""


def load_texts(language: str, folder: Path | None = None) -> Mapping[str, str]:
    """Load the texts of a language, cue id to text.

    Raises
    ------
    InputError
        If there is no such language, or a text is missing, empty or too long; with the line.
    """
    folder = folder or paths.config_dir() / "cues"
    if language not in known_languages(folder):
        known = ", ".join(known_languages(folder))
        raise InputError(f"there are no cues in language '{language}'; known are {known}")
    path = folder / f"{language}.yaml"
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path.name}: not valid YAML: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path.name}, line 1: must be a mapping of cue ids to texts")
    texts: dict[str, str] = {}
    for key, value in root.value:
        where = f"{path.name}, line {key.start_mark.line + 1}: key '{key.value}'"
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise InputError(f"{where} must be text")
        if key.value in texts:
            raise InputError(f"{where} stands twice")
        absent = [f for f in TEMPLATES.get(key.value, ()) if f"{{{f}}}" not in value.value]
        if absent:
            raise InputError(f"{where} must hold {{{absent[0]}}}")
        strange = sorted(set(_FIELD.findall(value.value)) - set(TEMPLATES.get(key.value, ())))
        if strange:
            raise InputError(f"{where} holds {{{strange[0]}}}, which nothing fills in")
        if key.value not in TEMPLATES and not fits(value.value, language):
            raise InputError(f"{where} is too long; use at most {longest(language)}")
        texts[key.value] = value.value
    for cue in GENERAL:
        if cue not in texts:
            raise InputError(f"{path.name}: the text of '{cue}' is missing; add it")
    return texts


def with_own(texts: Mapping[str, str], own: Mapping[str, str]) -> Mapping[str, str]:
    """Return the texts with an exercise's own ones; the stop, counts and grades stay ours."""
    kept = set(GENERAL) - set(PROMPTS)
    return {**texts, **{cue: text for cue, text in own.items() if cue not in kept}}


def missing_texts(
    texts: Mapping[str, str], language: str, exercise: str, cues: Iterable[str]
) -> str:
    """Return a sentence that says which texts of an exercise are missing; empty if none is."""
    missing = sorted(set(cues) - set(texts))
    if not missing:
        return ""
    return (
        f"exercise {exercise} names cues without a text: add {', '.join(missing)} under "
        f"texts.{language} in its file, or to cues/{language}.yaml"
    )


def count(texts: Mapping[str, str], number: int) -> str:
    """Return a count as it is said."""
    return _fill(texts, "count", count=str(number))


def count_and_grade(texts: Mapping[str, str], language: str, counted: str, grade: str) -> str:
    """Return a count with the grade, or without if both are too long."""
    both = _fill(texts, "count_and_grade", count=counted, grade=texts[f"grade_{grade}"])
    return both if fits(both, language) else counted


def grade_and_cue(texts: Mapping[str, str], language: str, cue: str, grade: str) -> str:
    """Return a cue with the grade in front, or without if both are too long."""
    both = _fill(texts, "grade_and_cue", cue=cue, grade=texts[f"grade_{grade}"])
    return both if fits(both, language) else cue


def prompt_and_breath(texts: Mapping[str, str], language: str, prompt: str, breath: str) -> str:
    """Return a prompt of the tempo with one of the breath, or without if both are too long."""
    both = _fill(texts, "prompt_and_breath", prompt=prompt, breath=breath)
    return both if fits(both, language) else prompt


def set_done(texts: Mapping[str, str], language: str, grade: str) -> str:
    """Return what is said after a set; without the grade if there is none or it is too long."""
    if not grade:
        return texts["set_done"]
    if grade == GRADES[0]:  # after the last repetition "try again" would be misunderstood
        return texts["set_done_try_again"]
    graded = _fill(texts, "set_done_with_grade", grade=texts[f"grade_{grade}"])
    return graded if fits(graded, language) else texts["set_done"]


def likely(
    texts: Mapping[str, str],
    language: str,
    cues: Iterable[str],
    repetitions: int,
    prompts: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return what may be said during a set, the most urgent first, each once.

    Parameters
    ----------
    cues : iterable of str
        Cue ids of the exercise.
    repetitions : int
        Of the set; counts beyond are left out.
    prompts : iterable of str
        Texts of the prompts.
    """
    named = [texts[cue] for cue in cues if cue in texts]
    counts = [count(texts, k + 1) for k in range(repetitions)]
    said = [texts["stop"], texts["stop_again"], *named, *prompts, texts["fixed"]]
    said += [
        count_and_grade(texts, language, counted, grade) for counted in counts for grade in GRADES
    ]
    said += [texts[f"grade_{grade}"] for grade in GRADES]
    said += [set_done(texts, language, grade) for grade in ("", *GRADES)]
    said += [
        grade_and_cue(texts, language, cue, grade)
        for grade in GRADES
        for cue in (*named, texts["fixed"])
    ]
    return tuple(dict.fromkeys(said))


def _fill(texts: Mapping[str, str], key: str, **fields: str) -> str:
    """Fill a template; what is filled in may hold braces itself."""
    return _FIELD.sub(lambda match: fields[match.group(1)], texts[key])
