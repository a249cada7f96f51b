"""sEMG from a CSV file, handed out in real time."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.types import NANOSECONDS, Channel, EmgChunk
from lbp_rehab.emg.units import is_voltage, volts_per
from lbp_rehab.errors import InputError

TIME_NAMES = ("time", "t", "time_s", "time (s)", "time [s]", "timestamp", "seconds")
SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
# A step of the time column longer than this many periods is a gap, not rounding.
GAP_PERIODS = 2.5


@dataclass(frozen=True)
class Recording:
    """A whole file.

    Attributes
    ----------
    labels : tuple of str
    data : ndarray of float32, shape (n, c)
        Volts.
    rate_hz : float
    index : ndarray of int, shape (n,)
        Index of each row, lost rows counted.
    """

    labels: tuple[str, ...]
    data: NDArray[np.float32]
    rate_hz: float
    index: NDArray[np.int64]


def read_csv(path: Path, unit: str = "", rate: str = "", time: str = "") -> Recording:
    """Read a CSV or CSV.gz file of sEMG.

    With a header, its first row names the columns and a second row may give their units. Without
    one, the first column is time in seconds and the rest are channels ``emg1``, ``emg2``...

    Parameters
    ----------
    path : Path
    unit : str
        Unit of all channels where the file does not say.
    rate : str
        Sampling rate in Hz where there is no time column.
    time : str
        Name of the time column; empty: one of the usual names.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or leaves unit or rate open.
    """
    text = _read_text(path)
    first = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [cell.strip() for cell in next(rows, [])]
    skip, units = 0, [""] * len(header)
    if header and not all(map(_is_number, header)):
        skip = 1
        second = [cell.strip() for cell in next(rows, [])]
        if not any(map(_is_number, second)):
            skip, units = 2, second
    else:
        header = ["time", *(f"emg{k}" for k in range(1, len(header)))]
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=delimiter, skiprows=skip, ndmin=2)
    except ValueError as error:
        raise InputError(
            f"{path.name} is no table of numbers ({str(error).rstrip('.')}); save it as CSV with "
            "one row per instant"
        ) from None
    if len(table) < 2 or table.shape[1] != len(header) or len(units) != len(header):
        raise InputError(
            f"{path.name} has {len(header)} column names, {table.shape[1]} columns and "
            f"{len(table)} rows of numbers; it needs as many names as columns and 2 rows or more"
        )
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1))) + skip + 1
        raise InputError(f"{path.name}, line {row}: not a finite number; remove or mend the row")

    column = _time_column(header, time, path)
    keep = [k for k in range(len(header)) if k != column]
    scale = [_scale(units[k], unit, header[k], path) for k in keep]
    if column is None:
        if not (_is_number(rate) and float(rate) > 0):
            raise InputError(
                f"{path.name} has no time column; give the sampling rate, e.g. "
                f"file:{path.name}?rate=1000"
            )
        rate_hz, index = float(rate), np.arange(len(table), dtype=np.int64)
    else:
        seconds = table[:, column] * SECONDS.get(units[column].lower(), 1.0)
        rate_hz, index = _rate_and_index(seconds, path)
    data = np.ascontiguousarray(table[:, keep] * scale, np.float32)
    return Recording(tuple(header[k] for k in keep), data, rate_hz, index)


class FileSource(EmgSource):
    """A CSV file played once at its own pace, see `read_csv` for the options."""

    def __init__(
        self, path: str, chunk_s: float, unit: str = "", rate: str = "", time: str = ""
    ) -> None:
        self._path = Path(path).expanduser()
        self._chunk_s = chunk_s
        self._options = (unit, rate, time)
        self._recording: Recording | None = None
        self._start_ns = 0
        self._row = 0

    def open(self, now_ns: int) -> None:
        """Read the file; its first sample gets this time."""
        self._recording = read_csv(self._path, *self._options)
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

    def _time_ns(self, index: int) -> int:
        assert self._recording is not None
        return self._start_ns + round(index / self._recording.rate_hz * NANOSECONDS)


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no sEMG file {path}; check the path") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"the sEMG file {path.name} cannot be read: {error}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _time_column(header: list[str], wanted: str, path: Path) -> int | None:
    if wanted:
        if wanted not in header:
            raise InputError(f"{path.name} has no column '{wanted}'; it has {', '.join(header)}")
        return header.index(wanted)
    return next((k for k, name in enumerate(header) if name.lower() in TIME_NAMES), None)


def _scale(cell: str, option: str, label: str, path: Path) -> float:
    unit = cell if is_voltage(cell) else option or cell
    if not unit:
        raise InputError(
            f"{path.name} does not say the unit of '{label}'; give it, e.g. "
            f"file:{path.name}?unit=uV"
        )
    return volts_per(unit)


def _rate_and_index(seconds: NDArray[np.float64], path: Path) -> tuple[float, NDArray[np.int64]]:
    """Return the rate and the index of each row, from a time column that may be rounded."""
    step = np.diff(seconds)
    if (step < 0).any() or seconds[-1] <= seconds[0]:
        row = int(np.argmax(step < 0)) + 2
        raise InputError(f"{path.name}: time goes back at sample {row}; sort the rows by time")
    period = (seconds[-1] - seconds[0]) / len(step)
    gap = np.zeros(len(step), bool)
    # Twice: a long gap inflates the first estimate of the period.
    for _ in range(2):
        gap = step > GAP_PERIODS * period
        period = float(step[~gap].mean())
    advance = np.where(gap, np.rint(step / period), 1).astype(np.int64)
    return 1.0 / period, np.concatenate([[0], np.cumsum(advance)])
