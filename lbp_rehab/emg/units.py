"""Electrical units as sEMG devices and files write them."""

from __future__ import annotations

from lbp_rehab.errors import InputError

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
