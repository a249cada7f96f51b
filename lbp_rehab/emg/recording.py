"""A whole file of sEMG, whatever its format, and what all formats check."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.clock import GAP_S, RATE_TOLERANCE
from lbp_rehab.errors import InputError

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
    reports : tuple of str
        One sentence each on what was left out or is not as the file says.
    """

    labels: tuple[str, ...]
    data: NDArray[np.float32]
    rate_hz: float
    index: NDArray[np.int64]
    reports: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileOptions:
    """What a user says of a file; empty where the file is to be believed.

    Attributes
    ----------
    unit : str
        Of the channels of which the file says none.
    rate : str
        Sampling rate in Hz, for a CSV file.
    time : str
        Name of the time column of a CSV file.
    name, type, source_id : str
        Of the wanted stream of an XDF file.
    mapped : collection of str
        Labels that a channel map names.
    """

    unit: str = ""
    rate: str = ""
    time: str = ""
    name: str = ""
    type: str = ""
    source_id: str = ""
    mapped: Collection[str] = ()


def check_samples(data: NDArray[np.float64], labels: Collection[str], file: str) -> None:
    """Raise InputError if a file has fewer than 2 samples or one that is not finite."""
    if len(data) < 2:
        raise InputError(f"{file} holds {len(data)} samples a channel; it needs 2 or more")
    finite = np.isfinite(data)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"{file}: sample {row + 1} of '{list(labels)[column]}' is not a finite number; cut it "
            "out or mend it"
        )


def rate_and_index(seconds: NDArray[np.float64], file: str) -> tuple[float, NDArray[np.int64]]:
    """Return the rate and the index of each row, from times that may be rounded.

    Raises InputError if time goes back.
    """
    step = np.diff(seconds)
    if (step < 0).any() or seconds[-1] <= seconds[0]:
        row = int(np.argmax(step < 0)) + 2
        raise InputError(f"{file}: time goes back at sample {row}; sort the rows by time")
    period = (seconds[-1] - seconds[0]) / len(step)
    gap = np.zeros(len(step), bool)
    # Twice: a long gap inflates the first estimate of the period.
    for _ in range(2):
        gap = step > GAP_PERIODS * period
        period = float(step[~gap].mean())
    return 1.0 / period, _index(step, gap, period)


def rate_and_index_of_stamps(
    stamps_s: NDArray[np.float64], file: str
) -> tuple[float, NDArray[np.int64]]:
    """Return the same from stamps made on arrival, which jitter and may go back a little."""
    step = np.diff(stamps_s)
    if (step >= 0).all():
        return rate_and_index(stamps_s, file)
    gap = step > GAP_S
    begins = np.concatenate([[0], np.flatnonzero(gap) + 1])
    ends = np.concatenate([begins[1:], [len(stamps_s)]])
    longest = int(np.argmax(ends - begins))
    piece = stamps_s[begins[longest] : ends[longest]]
    period = float(np.polyfit(np.arange(len(piece)), piece - piece[0], 1)[0])
    if len(piece) < 3 or period <= 0:
        raise InputError(f"{file}: the stamps go back; they are no times of samples")
    return 1.0 / period, _index(step, gap, period)


def _index(step: NDArray[np.float64], gap: NDArray[np.bool_], period: float) -> NDArray[np.int64]:
    advance = np.where(gap, np.maximum(np.rint(step / period), 1), 1).astype(np.int64)
    return np.concatenate([[0], np.cumsum(advance)])


def compare_rates(stated_hz: float, measured_hz: float, what: str, file: str) -> tuple[str, ...]:
    """Return a sentence if the measured rate is not the stated one, else nothing."""
    if abs(measured_hz / stated_hz - 1) <= RATE_TOLERANCE:
        return ()
    return (
        f"{file} states {stated_hz:g} Hz, but its {what} gives {measured_hz:.1f} Hz; the measured "
        "rate is used",
    )
