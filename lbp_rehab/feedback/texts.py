"""Texts of the cues in each language, from ``config/cues/LANGUAGE.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from lbp_rehab import paths
from lbp_rehab.errors import InputError

MAX_WORDS = 8
LANGUAGES_WITHOUT_SPACES = ("zh", "ja", "th")
MAX_CHARACTERS_WITHOUT_SPACES = 14  # about eight words of two characters, said in under 4 s
GRADES = ("try_again", "qualified", "good", "excellent", "super_excellent")
# Texts that are put together, and what stands in them.
TEMPLATES = {
    "count": ("count",),
    "count_and_grade": ("count", "grade"),
    "grade_and_cue": ("grade", "cue"),
}
# Texts that no exercise names.
GENERAL = (*TEMPLATES, "fixed", "stop", *(f"grade_{g}" for g in GRADES))


def known_languages(folder: Path | None = None) -> tuple[str, ...]:
    """Return the languages for which there are texts, as BCP 47."""
    folder = folder or paths.config_dir() / "cues"
    return tuple(sorted(p.stem for p in folder.glob("*.yaml")))


def fits(text: str, language: str) -> bool:
    """Whether a text is short enough to be taken in while moving."""
    if language.split("-", maxsplit=1)[0] in LANGUAGES_WITHOUT_SPACES:
        return len(text) <= MAX_CHARACTERS_WITHOUT_SPACES
    return len(text.split()) <= MAX_WORDS


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
        if key.value not in TEMPLATES and not fits(value.value, language):
            raise InputError(f"{where} is too long; use at most {MAX_WORDS} words")
        texts[key.value] = value.value
    for cue in GENERAL:
        if cue not in texts:
            raise InputError(f"{path.name}: the text of '{cue}' is missing; add it")
    return texts
