"""Which muscle and side a device's channel label stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lbp_rehab.emg.types import Channel, Muscle, Side
from lbp_rehab.errors import InputError

# Abbreviations in common use (SENIAM, ISEK); a longer word also matches by its beginning.
_MUSCLES = {
    Muscle.MULTIFIDUS: ("mf", "lmf", "mult", "multifidus", "multifidi"),
    Muscle.ERECTOR_SPINAE: ("es", "erector", "erectorspinae", "longissimus", "iliocostalis"),
    Muscle.INTERNAL_OBLIQUE: ("io", "tra", "internal", "internaloblique", "transversus"),
    Muscle.EXTERNAL_OBLIQUE: ("eo", "external", "externaloblique"),
    Muscle.RECTUS_ABDOMINIS: ("ra", "rectusabdominis", "abdominis"),
    Muscle.GLUTEUS_MAXIMUS: ("gmax", "glutmax", "maximus", "gluteusmaximus"),
}
_SIDES = {Side.LEFT: ("l", "left"), Side.RIGHT: ("r", "right")}
_CODES = {word: muscle for muscle, words in _MUSCLES.items() for word in words}
_SIDE_WORDS = {word: side for side, words in _SIDES.items() for word in words}


@dataclass(frozen=True)
class Placement:
    """Where an electrode is."""

    muscle: Muscle
    side: Side = Side.NONE


def parse_label(label: str) -> Placement:
    """Return the muscle and side that a label such as "multifidus_l", "LMF" or "R ES" names.

    A label that names no muscle of the list gives `Muscle.OTHER`.
    """
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", label)
    words = [w for w in re.split(r"[^A-Za-z0-9]+", spaced.lower()) if w]
    muscle, side = Muscle.OTHER, Side.NONE
    for word in words:
        if word in _SIDE_WORDS:
            side = _SIDE_WORDS[word]
        elif muscle is Muscle.OTHER:
            muscle, attached = _parse_word(word)
            side = attached or side
    return Placement(muscle, side)


def _parse_word(word: str) -> tuple[Muscle, Side]:
    # "lmf" alone is left multifidus; "lmf" with a side word of its own is lumbar multifidus, which
    # the side word then overrules.
    for side, prefix in ((Side.LEFT, "l"), (Side.RIGHT, "r")):
        for stem, where in ((word[1:], word[:1]), (word[:-1], word[-1:])):
            if where == prefix and stem in _CODES:
                return _CODES[stem], side
    return _CODES.get(word, Muscle.OTHER), Side.NONE


def parse_channel_map(rows: Iterable[str]) -> dict[str, Placement]:
    """Return label -> placement from rows such as "EMG 1=multifidus:left".

    Parameters
    ----------
    rows : iterable of str
        "label=muscle" or "label=muscle:side"; empty rows are skipped.

    Raises
    ------
    InputError
        If a row cannot be read, or a label stands twice.
    """
    placements: dict[str, Placement] = {}
    for row in rows:
        if not row.strip():
            continue
        label, equals, place = row.rpartition("=")
        name, _, side = place.partition(":")
        try:
            muscle_value = Muscle[name.strip().upper()]
            side_value = Side[(side.strip() or "none").upper()]
        except KeyError:
            equals = ""
        if not equals:
            raise InputError(
                f"channel_map: '{row}' must read 'label=muscle:side' with a muscle of "
                f"{', '.join(m.name.lower() for m in Muscle)} and a side of left, right, none"
            )
        if label.strip() in placements:
            raise InputError(f"channel_map: label '{label.strip()}' stands twice; keep one row")
        placements[label.strip()] = Placement(muscle_value, side_value)
    return placements


def name_channels(
    channels: Sequence[Channel], placements: Mapping[str, Placement]
) -> tuple[Channel, ...]:
    """Return the channels with muscle and side.

    By the map where it names the label, else as the channel says itself, else by its label.
    """
    named = []
    for channel in channels:
        place = placements.get(channel.label)
        if place is None and channel.muscle is Muscle.UNKNOWN:
            place = parse_label(channel.label)
        named.append(replace(channel, muscle=place.muscle, side=place.side) if place else channel)
    return tuple(named)


def missing_labels(labels: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted labels that the stream does not have, sorted."""
    return tuple(sorted(set(wanted) - set(labels)))
