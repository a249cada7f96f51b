"""The source side of the sEMG bridge: opens a source, names its channels, tells of its troubles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lbp_rehab.emg.channel_file import read_channel_file
from lbp_rehab.emg.channels import ChannelMap, Selection, missing_labels, parse_channel_map
from lbp_rehab.emg.sources import EmgSource, open_source
from lbp_rehab.emg.types import Channel, EmgChunk, check_chunk
from lbp_rehab.errors import InputError


class EmgInput:
    """Chunks with muscles and sides, from a source or from messages.

    Parameters
    ----------
    settings : mapping
        ``source``, ``chunk_s``, ``channel_map`` and ``channel_file``.
    calibrated : collection of str
        Labels that the MVC file names.
    tell : callable
        Takes a sentence for the log.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        calibrated: Collection[str],
        tell: Callable[[str], object],
    ) -> None:
        path = settings["channel_file"]
        base = read_channel_file(Path(path).expanduser()) if path else ChannelMap({})
        self._map = base.overruled(parse_channel_map(settings["channel_map"]))
        self._calibrated = set(calibrated)
        self.source: EmgSource | None = open_source(
            settings["source"], settings["chunk_s"], self._map.labels
        )
        self._tell = tell
        self._told: set[str] = set()
        self._opened = False
        self._refused = 0  # samples that were not passed on since the last good chunk
        self._selection: Selection | None = None
        self._selected_of: tuple[Channel, ...] = ()
        self.missing: tuple[str, ...] = ()

    def open(self, now_ns: int) -> bool:
        """Open the source once; return whether this call did.

        Raises InputError if a channel that the user names is not in a source whose channels are
        known at once; a stream's are checked when it comes.
        """
        if self._opened or self.source is None:
            return False
        self.source.open(now_ns)
        self._opened = True
        if labels := self.source.labels:
            missing = self._look_at(tuple(Channel(label) for label in labels)).missing
            if missing:
                raise InputError(missing[0])
            if lacking := missing_labels(labels, self._calibrated):
                raise InputError(
                    f"mvc_file names '{lacking[0]}', which the sEMG source does not have; it has "
                    f"{', '.join(labels)}"
                )
        return True

    def chunks(self, now_ns: int) -> Iterator[EmgChunk]:
        """Yield what the source has by now, and log what it reports."""
        if self.source is None:
            return
        while (chunk := self.source.read(now_ns)) is not None:
            yield chunk
        for report in self.source.reports():
            self._say(report)

    def accept(self, chunk: EmgChunk) -> EmgChunk:
        """Check a source's chunk and return it named; a refused one is declared by the next."""
        try:
            check_chunk(chunk)
        except InputError:
            self._refused += chunk.lost_before + len(chunk.data)
            raise
        lost, self._refused = chunk.lost_before + self._refused, 0
        return self.name(replace(chunk, lost_before=lost))

    def name(self, chunk: EmgChunk) -> EmgChunk:
        """Return a chunk of the channels that are not ignored, with muscle and side."""
        if self._selection is None or chunk.channels != self._selected_of:
            self._selection = self._look_at(chunk.channels)
            self._selected_of = chunk.channels
        kept = self._selection
        whole = len(kept.columns) == len(chunk.channels)
        data = chunk.data if whole else chunk.data[:, kept.columns]
        return replace(chunk, channels=kept.channels, data=data)

    def values(self) -> dict[str, str]:
        """Return what ``/diagnostics`` shows of the source."""
        counts = self.source.counts if self.source is not None else {}
        return {key: str(count) for key, count in counts.items()}

    def close(self) -> None:
        """Let go of the source."""
        if self.source is not None:
            self.source.close()

    def _look_at(self, channels: tuple[Channel, ...]) -> Selection:
        selection = self._map.select(channels)
        lacking = missing_labels([c.label for c in channels], self._calibrated)
        self.missing = (*selection.missing, *(f"mvc_file: '{label}'" for label in lacking))
        for sentence in selection.missing:
            self._say(sentence)
        if self._map.complete and selection.unmapped:
            self._say(
                f"channels that the channel file neither maps nor ignores go by their label: "
                f"{', '.join(selection.unmapped)}"
            )
        return selection

    def _say(self, sentence: str) -> None:
        """Log a sentence the first time."""
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence)
