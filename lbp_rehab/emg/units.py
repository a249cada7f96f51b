"""Electrical units as sEMG devices and files write them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError

_UNSAID = ("", "none", "unknown", "n/a", "na", "-")  # as files write that they do not know
_VOLTS = {
    "v": 1.0,
    "volt": 1.0,
    "volts": 1.0,
    "mv": 1e-3,
    "millivolt": 1e-3,
    "millivolts": 1e-3,
    "uv": 1e-6,
    "µv": 1e-6,  # micro sign
    "μv": 1e-6,  # Greek mu, which people type as well
    "microvolt": 1e-6,
    "microvolts": 1e-6,
    "nv": 1e-9,
    "nanovolt": 1e-9,
    "nanovolts": 1e-9,
}


def is_voltage(unit: str) -> bool:
    """Whether a text is a unit of voltage."""
    return unit.strip().lower() in _VOLTS


def volts_per(unit: str) -> float:
    """Return how many volts one of the unit is.

    Raises
    ------
    InputError
        If the unit is not one of voltage.
    """
    try:
        return _VOLTS[unit.strip().lower()]
    except KeyError:
        raise InputError(
            f"'{unit}' is no unit of voltage that sEMG comes in; use V, mV, uV or nV"
        ) from None


@dataclass(frozen=True)
class Voltages:
    """The channels of a source that measure a voltage.

    Attributes
    ----------
    labels : tuple of str
    columns : tuple of int
        Their places in the source.
    scale : ndarray, shape (n,)
        Volts per unit of each.
    reports : tuple of str
        One sentence on what was left out, if anything was.
    """

    labels: tuple[str, ...]
    columns: tuple[int, ...]
    scale: NDArray[np.float64]
    reports: tuple[str, ...] = ()


def choose_voltages(
    labels: Sequence[str],
    units: Sequence[str],
    option: str,
    mapped: Collection[str] = (),
    *,
    source: str,
    hint: str,
) -> Voltages:
    """Choose the channels that come in volts.

    Parameters
    ----------
    labels, units : sequence of str
        What the source says of each channel; an empty label becomes ``emgN``, its number.
    option : str
        Unit of the channels of which the source says none.
    mapped : collection of str
        Labels that the channel map names, which must not be left out.
    source, hint : str
        For sentences: what it is, and how a user gives the unit.

    Raises
    ------
    InputError
        If there is no channel, a label stands twice, a unit is missing or is no voltage and the
        channel cannot be left out.
    """
    if not labels:
        raise InputError(f"{source} has no channels; choose another one")
    names = [label.strip() or f"emg{k}" for k, label in enumerate(labels, start=1)]
    twice = [name for k, name in enumerate(names) if name in names[:k]]
    if twice:
        raise InputError(f"{source} has two channels of one label, '{twice[0]}'; rename one")
    columns, scale, left = [], [], []
    for k, (name, said) in enumerate(zip(names, units, strict=True)):
        unit = option if said.strip().lower() in _UNSAID else said
        if not unit:
            raise InputError(f"{source} does not say the unit of '{name}'; give it, e.g. {hint}")
        if said is not unit or is_voltage(unit):
            scale.append(volts_per(unit))
            columns.append(k)
        elif name in mapped:
            raise InputError(
                f"{source} has '{name}' in '{said}', which is no voltage; take it out of the "
                "channel map"
            )
        else:
            left.append(f"'{name}' ({said.strip()})")
    if not columns:
        raise InputError(f"{source} has no channel in volts, only {', '.join(left)}")
    reports = (f"{source}: left out, being no voltage: {', '.join(left)}",) if left else ()
    return Voltages(tuple(names[k] for k in columns), tuple(columns), np.array(scale), reports)
