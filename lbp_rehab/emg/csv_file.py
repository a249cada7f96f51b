"""sEMG from a CSV or CSV.gz file."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np

from lbp_rehab.emg.recording import (
    FileOptions,
    Recording,
    check_samples,
    compare_rates,
    rate_and_index,
)
from lbp_rehab.emg.units import choose_voltages
from lbp_rehab.errors import InputError

TIME_NAMES = ("time", "t", "time_s", "time (s)", "time [s]", "timestamp", "seconds")
SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}


def read_csv(path: Path, options: FileOptions) -> Recording:
    """Read a CSV or CSV.gz file of sEMG.

    With a header, its first row names the columns and a second row may give their units. Without
    one, the first column is time in seconds and the rest are channels ``emg1``, ``emg2``...

    Parameters
    ----------
    path : Path
    options : FileOptions
        ``rate`` serves where there is no time column, and is checked against one.

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
    if not any(header):
        raise InputError(f"{path.name} is empty; it needs rows of numbers")
    skip, units = 0, [""] * len(header)
    if not all(map(_is_number, header)):
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

    column = _time_column(header, options.time, path)
    keep = [k for k in range(len(header)) if k != column]
    found = choose_voltages(
        [header[k] for k in keep],
        [units[k] for k in keep],
        options.unit,
        options.mapped,
        source=path.name,
        hint=f"file:{path.name}?unit=uV",
    )
    reports = found.reports
    stated_hz = _rate(options.rate, column is None, path)
    if column is None:
        rate_hz, index = stated_hz, np.arange(len(table), dtype=np.int64)
    else:
        unit = units[column].lower()
        if unit not in SECONDS:
            raise InputError(f"{path.name}: '{units[column]}' is no unit of time; use s, ms or us")
        rate_hz, index = rate_and_index(table[:, column] * SECONDS[unit], path.name)
        if stated_hz:
            reports += compare_rates(stated_hz, rate_hz, "time column", path.name)
    volts = table[:, [keep[k] for k in found.columns]] * found.scale
    check_samples(volts, found.labels, path.name)
    data = np.ascontiguousarray(volts, np.float32)
    return Recording(found.labels, data, rate_hz, index, reports)


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"the sEMG file {path.name} cannot be read: {error}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _rate(option: str, needed: bool, path: Path) -> float:
    """Return the rate that the user states, 0 if none."""
    if not option and not needed:
        return 0.0
    if not (_is_number(option) and 0 < float(option) < np.inf):
        why = f"{path.name} has no time column" if not option else f"'{option}' is no rate in Hz"
        raise InputError(f"{why}; give the sampling rate, e.g. file:{path.name}?rate=1000")
    return float(option)


def _time_column(header: list[str], wanted: str, path: Path) -> int | None:
    if wanted:
        if wanted not in header:
            raise InputError(f"{path.name} has no column '{wanted}'; it has {', '.join(header)}")
        return header.index(wanted)
    return next((k for k, name in enumerate(header) if name.lower() in TIME_NAMES), None)
