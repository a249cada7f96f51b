"""sEMG from the analog channels of a C3D file, through ezc3d."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lbp_rehab.emg.recording import FileOptions, Recording, check_samples
from lbp_rehab.emg.units import choose_voltages
from lbp_rehab.errors import InputError


def read_c3d(path: Path, options: FileOptions) -> Recording:
    """Read the analog channels that are voltages, at the analog rate; force plates stay out.

    Raises
    ------
    InputError
        If ezc3d is missing, or the file cannot be read or has no analog voltages.
    """
    try:
        import ezc3d  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "reading C3D needs ezc3d; install it with: pip install 'lbp-rehab[emg]'"
        ) from None
    try:
        file = ezc3d.c3d(str(path))
    except Exception as error:  # the reader's C++ exceptions of many kinds
        raise InputError(f"{path.name} is no C3D file, or is torn: {error}") from None
    analog = file["parameters"]["ANALOG"]
    data = np.asarray(file["data"]["analogs"], float)[0].T
    rate_hz = float(file["header"]["analogs"]["frame_rate"])
    count = data.shape[1]
    labels = [*analog.get("LABELS", {}).get("value", []), *[""] * count][:count]
    units = [*analog.get("UNITS", {}).get("value", []), *[""] * count][:count]
    found = choose_voltages(
        labels,
        units,
        options.unit,
        options.mapped,
        source=f"{path.name} (analog)",
        hint=f"file:{path.name}?unit=V",
    )
    if rate_hz <= 0:
        raise InputError(f"{path.name} states an analog rate of {rate_hz:g} Hz; mend its header")
    volts = data[:, found.columns] * found.scale
    check_samples(volts, found.labels, path.name)
    index = np.arange(len(volts), dtype=np.int64)
    return Recording(found.labels, volts.astype(np.float32), rate_hz, index, found.reports)
