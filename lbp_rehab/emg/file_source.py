"""sEMG from a file, handed out in real time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from lbp_rehab.emg.c3d_file import read_c3d
from lbp_rehab.emg.csv_file import read_csv
from lbp_rehab.emg.edf_file import read_edf
from lbp_rehab.emg.recording import FileOptions, Recording
from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.types import NANOSECONDS, Channel, EmgChunk
from lbp_rehab.emg.xdf_file import read_xdf
from lbp_rehab.errors import InputError

Reader = Callable[[Path, FileOptions], Recording]
_CSV: tuple[Reader, tuple[str, ...]] = (read_csv, ("unit", "rate", "time"))
_XDF: tuple[Reader, tuple[str, ...]] = (read_xdf, ("unit", "name", "type", "source_id"))
# By the end of the file's name: its reader, and the options that mean something to it.
FORMATS: dict[str, tuple[Reader, tuple[str, ...]]] = {
    ".csv": _CSV,
    ".csv.gz": _CSV,
    ".txt": _CSV,
    ".tsv": _CSV,
    ".edf": (read_edf, ("unit",)),
    ".bdf": (read_edf, ("unit",)),
    ".xdf": _XDF,
    ".xdfz": _XDF,
    ".c3d": (read_c3d, ("unit",)),
}


def read_recording(path: Path, mapped: Collection[str] = (), **options: str) -> Recording:
    """Read a file of any format, chosen by the end of its name.

    Parameters
    ----------
    path : Path
    mapped : collection of str
        Labels that a channel map names.
    **options : str
        Of `FileOptions`.

    Raises
    ------
    InputError
        If the format is not supported, an option means nothing to it, or the file cannot be used.
    """
    name = path.name.lower()
    ending = next((end for end in FORMATS if name.endswith(end)), None)
    if ending is None:
        raise InputError(
            f"{path.name} is of no format that sEMG is read from; use {', '.join(FORMATS)}"
        )
    read, known = FORMATS[ending]
    given = {key: value for key, value in options.items() if value}
    if unknown := sorted(set(given) - set(known)):
        raise InputError(
            f"'{unknown[0]}' means nothing to a file {ending}; it takes {', '.join(known)}"
        )
    if not path.is_file():
        raise InputError(f"there is no sEMG file {path}; check the path")
    if not path.stat().st_size:
        raise InputError(f"{path.name} is empty; record it again")
    return read(path, FileOptions(**given, mapped=mapped))


class FileSource(EmgSource):
    """A file played once at its own pace, see `read_recording` for the options."""

    def __init__(
        self, path: str, chunk_s: float, mapped: Collection[str] = (), **options: str
    ) -> None:
        self._path = Path(path).expanduser()
        self._chunk_s = chunk_s
        self._mapped, self._options = mapped, options
        self._recording: Recording | None = None
        self._reports: tuple[str, ...] = ()
        self._start_ns = 0
        self._row = 0

    def open(self, now_ns: int) -> None:
        """Read the file; its first sample gets this time."""
        self._recording = read_recording(self._path, self._mapped, **self._options)
        self._reports = self._recording.reports
        self._channels = tuple(Channel(label) for label in self._recording.labels)
        self._start_ns, self._row = now_ns, 0

    def read(self, now_ns: int) -> EmgChunk | None:
        """Return the next chunk whose last sample's time has come."""
        recording = self._recording
        if recording is None or self.finished:
            return None
        begin = self._row
        end = min(begin + max(1, round(self._chunk_s * recording.rate_hz)), len(recording.index))
        jumps = np.flatnonzero(np.diff(recording.index[begin:end]) > 1)
        if jumps.size:
            end = begin + int(jumps[0]) + 1
        if self._time_ns(int(recording.index[end - 1])) > now_ns:
            return None
        previous = int(recording.index[begin - 1]) if begin else -1
        first = int(recording.index[begin])
        self._row = end
        return EmgChunk(
            stamp_ns=self._time_ns(first),
            rate_hz=recording.rate_hz,
            first_sample=first,
            lost_before=first - previous - 1,
            data=recording.data[begin:end],
            channels=self._channels,
            source=self._path.name,
        )

    def close(self) -> None:
        """Forget the file."""
        self._recording = None

    @property
    def status(self) -> str:
        """Say when the file is over."""
        return f"{self._path.name} is over" if self.finished else ""

    @property
    def finished(self) -> bool:
        """Whether the whole file was handed out."""
        return self._recording is not None and self._row >= len(self._recording.index)

    @property
    def labels(self) -> tuple[str, ...]:
        """Channel names of the opened file."""
        return self._recording.labels if self._recording else ()

    @property
    def rate_hz(self) -> float:
        """Sampling rate of the opened file; 0 before."""
        return self._recording.rate_hz if self._recording else 0.0

    def reports(self) -> tuple[str, ...]:
        """Return what was left out of the file or is not as it says."""
        reports, self._reports = self._reports, ()
        return reports

    def _time_ns(self, index: int) -> int:
        assert self._recording is not None
        return self._start_ns + round(index / self._recording.rate_hz * NANOSECONDS)
