"""Languages of what is said to a patient, and how long a text may be in each."""

from __future__ import annotations

from pathlib import Path

from lbp_rehab import paths

MAX_WORDS = 8
LANGUAGES_WITHOUT_SPACES = ("zh", "ja", "th")
MAX_CHARACTERS_WITHOUT_SPACES = 14  # about eight words of two characters, said in under 4 s


def known_languages(folder: Path | None = None) -> tuple[str, ...]:
    """Return the languages for which there are texts, as BCP 47.

    Parameters
    ----------
    folder : Path, optional
        Default: ``config/cues``.
    """
    folder = folder or paths.config_dir() / "cues"
    return tuple(sorted(p.stem for p in folder.glob("*.yaml")))


def fits(text: str, language: str) -> bool:
    """Whether a text is short enough to be taken in while moving."""
    if language.split("-", maxsplit=1)[0] in LANGUAGES_WITHOUT_SPACES:
        return len(text) <= MAX_CHARACTERS_WITHOUT_SPACES
    return len(text.split()) <= MAX_WORDS


def longest(language: str) -> str:
    """Return how long a text may be, in words for people."""
    if language.split("-", maxsplit=1)[0] in LANGUAGES_WITHOUT_SPACES:
        return f"{MAX_CHARACTERS_WITHOUT_SPACES} characters"
    return f"{MAX_WORDS} words"
