"""What the description of an LSL stream says of its channels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.units import choose_voltages
from lbp_rehab.errors import InputError

SAME_RATE = 1e-3  # relative; two descriptions of one device agree better


@dataclass(frozen=True)
class Layout:
    """Which columns of a stream are read, and what they are.

    Attributes
    ----------
    labels : tuple of str
    columns : tuple of int
        The stream's column of each label.
    scale : ndarray, shape (n,)
        Volts per unit of each.
    rate_hz : float
        What the stream states.
    reports : tuple of str
    """

    labels: tuple[str, ...]
    columns: tuple[int, ...]
    scale: NDArray[np.float64]
    rate_hz: float
    reports: tuple[str, ...] = ()

    def volts(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return samples of the stream, shape (n, c), in volts and in the order of the labels."""
        return (rows[:, self.columns] * self.scale).astype(np.float32)


def describe(info: Any, unit: str, mapped: Collection[str], text_format: int) -> Layout:
    """Read labels, units and rate from a full ``StreamInfo``.

    Parameters
    ----------
    info : pylsl.StreamInfo
    unit : str
        Of the channels of which the description says none.
    mapped : collection of str
        Labels that must not be left out.
    text_format : int
        pylsl's code of a stream of text.

    Raises
    ------
    InputError
        If the stream cannot be used.
    """
    name, rate_hz = info.name(), info.nominal_srate()
    if rate_hz <= 0 or info.channel_format() == text_format:
        raise InputError(
            f"the LSL stream '{name}' has no sampling rate or holds text; choose the sEMG stream "
            "by name"
        )
    labels, units = [], []
    node = info.desc().child("channels").child("channel")
    for _ in range(info.channel_count()):
        labels.append(node.child_value("label"))
        units.append(node.child_value("unit"))
        node = node.next_sibling("channel")
    found = choose_voltages(
        labels,
        units,
        unit,
        mapped,
        source=f"the LSL stream '{name}'",
        hint=f"lsl:name={name}&unit=uV",
    )
    return Layout(found.labels, found.columns, found.scale, rate_hz, found.reports)


def rejoin(old: Layout, new: Layout, name: str) -> Layout:
    """Return the layout of a stream that came back, in the order of the labels before.

    Raises
    ------
    InputError
        If it came back with other channels or another rate.
    """
    if set(old.labels) != set(new.labels):
        gone = sorted(set(old.labels) - set(new.labels))
        added = sorted(set(new.labels) - set(old.labels))
        what = [f"without {', '.join(gone)}"] * bool(gone) + [f"with {', '.join(added)}"] * bool(
            added
        )
        raise InputError(
            f"the LSL stream '{name}' came back {' and '.join(what)}; send the same channels, or "
            "restart emg_bridge to use these"
        )
    if abs(new.rate_hz / old.rate_hz - 1) > SAME_RATE:
        raise InputError(
            f"the LSL stream '{name}' came back at {new.rate_hz:g} Hz instead of "
            f"{old.rate_hz:g} Hz; restart emg_bridge to use it"
        )
    place = [new.labels.index(label) for label in old.labels]
    return Layout(
        old.labels,
        tuple(new.columns[k] for k in place),
        new.scale[place],
        new.rate_hz,
        new.reports,
    )
