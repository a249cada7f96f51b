"""Which muscle and side a device's channel label stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
_NUMBERED = re.compile(r"emg\d+")
_SIDE_WORDS = {word: side for side, words in _SIDES.items() for word in words}


@dataclass(frozen=True)
class Placement:
    """Where an electrode is."""

    muscle: Muscle
    side: Side = Side.NONE

    def __str__(self) -> str:
        return f"{self.muscle.name.lower()}:{self.side.name.lower()}"


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


PLACES = (
    f"with a muscle of {', '.join(m.name.lower() for m in Muscle)} and a side of left, right, none"
)


def parse_placement(text: str) -> Placement | None:
    """Return what ``muscle`` or ``muscle:side`` names; None if it names nothing."""
    name, _, side = text.partition(":")
    try:
        return Placement(Muscle[name.strip().upper()], Side[(side.strip() or "none").upper()])
    except KeyError:
        return None


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
        label, equals, text = row.rpartition("=")
        place = parse_placement(text)
        if not equals or place is None:
            raise InputError(f"channel_map: '{row}' must read 'label=muscle:side' {PLACES}")
        if label.strip() in placements:
            raise InputError(f"channel_map: label '{label.strip()}' stands twice; keep one row")
        placements[label.strip()] = place
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


@dataclass(frozen=True)
class Selection:
    """What a channel map makes of the channels of one stream.

    Attributes
    ----------
    columns : tuple of int
        The channels that are passed on.
    channels : tuple of Channel
        These with muscle and side.
    missing : tuple of str
        One sentence on each channel of the map that the stream lacks.
    unmapped : tuple of str
        Labels that are neither mapped nor ignored.
    """

    columns: tuple[int, ...]
    channels: tuple[Channel, ...]
    missing: tuple[str, ...]
    unmapped: tuple[str, ...]


@dataclass(frozen=True)
class ChannelMap:
    """Which muscle each channel of a device measures, in any order.

    Attributes
    ----------
    placements : mapping of (str or int) to Placement
        By label, or by number from 1 for a device without names.
    ignored : frozenset of (str or int)
        Channels that are not passed on.
    where : mapping of (str or int) to str
        Place of each in the user's file, for sentences.
    complete : bool
        Whether the map is meant to name every channel, so that others are worth telling.
    """

    placements: Mapping[str | int, Placement]
    ignored: frozenset[str | int] = frozenset()
    where: Mapping[str | int, str] = field(default_factory=dict)
    complete: bool = False

    @property
    def labels(self) -> frozenset[str]:
        """Labels that are mapped; a device without names calls its third channel ``emg3``."""
        return frozenset(k if isinstance(k, str) else f"emg{k}" for k in self.placements)

    def overruled(self, rows: Mapping[str, Placement]) -> ChannelMap:
        """Return the map with rows that count more.

        Raises
        ------
        InputError
            If two channels are mapped to one muscle and side.
        """
        placements = dict(self.placements)
        placements.update(rows.items())
        merged = ChannelMap(placements, self.ignored - set(rows), self.where, self.complete)
        taken: dict[Placement, str | int] = {}
        for key, place in merged.placements.items():
            if place.muscle not in (Muscle.OTHER, Muscle.UNKNOWN) and place in taken:
                raise InputError(
                    f"{merged.place_of(key)}: '{key}' and '{taken[place]}' are both "
                    f"{place}; one muscle and side has one channel"
                )
            taken[place] = key
        return merged

    def place_of(self, key: str | int) -> str:
        """Return where the user wrote of a channel."""
        return self.where.get(key, "channel_map")

    def select(self, channels: Sequence[Channel]) -> Selection:
        """Return what becomes of a stream's channels.

        A channel that the map does not name goes by what it says itself, else by its label, unless
        the map has that muscle and side elsewhere.
        """
        labels = [channel.label for channel in channels]
        found = {key: _column(key, labels) for key in (*self.placements, *self.ignored)}
        by_column = {c: self.placements[k] for k, c in found.items() if k in self.placements}
        # A label is surer than a number.
        by_column |= {found[k]: p for k, p in self.placements.items() if isinstance(k, str)}
        left = {found[key] for key in self.ignored}
        columns = tuple(k for k in range(len(labels)) if k not in left)
        named = []
        for k in columns:
            if (place := by_column.get(k)) is not None:
                named.append(replace(channels[k], muscle=place.muscle, side=place.side))
                continue
            (guess,) = name_channels([channels[k]], {})
            if Placement(guess.muscle, guess.side) in by_column.values():
                guess = replace(guess, muscle=Muscle.OTHER, side=Side.NONE)
            named.append(guess)
        return Selection(
            columns,
            tuple(named),
            tuple(
                f"{self.place_of(key)}: the stream has no channel "
                f"{_quoted(key)}; it has {', '.join(labels)}"
                for key in self.placements
                if found[key] is None
            ),
            tuple(labels[k] for k in columns if k not in by_column),
        )


def _column(key: str | int, labels: Sequence[str]) -> int | None:
    """Return the place of a label or of a number from 1; None if the stream lacks it."""
    label = key if isinstance(key, str) else f"emg{key}"
    if label in labels:
        return labels.index(label)
    # Numbered channels of which some were left out keep their numbers.
    named = not any(_NUMBERED.fullmatch(label) for label in labels)
    return key - 1 if isinstance(key, int) and named and key <= len(labels) else None


def _quoted(key: str | int) -> str:
    return f"'{key}'" if isinstance(key, str) else str(key)
