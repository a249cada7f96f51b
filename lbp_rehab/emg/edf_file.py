"""sEMG from an EDF, EDF+, BDF or BDF+ file, through edfio."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.channels import parse_label
from lbp_rehab.emg.recording import FileOptions, Recording, check_samples
from lbp_rehab.emg.types import Muscle
from lbp_rehab.emg.units import choose_voltages
from lbp_rehab.errors import InputError

# Where the header keeps them (Kemp and Olivan 2003, Clin Neurophysiol 114:1755, www.edfplus.info).
FIXED_BYTES, SIGNAL_BYTES, PER_RECORD_OFFSET = 256, 256, 216
ONSET = re.compile(rb"([+-]\d+(?:\.\d+)?)\x14\x14")  # the annotation that keeps a record's time


def read_edf(path: Path, options: FileOptions) -> Recording:
    """Read the voltages of one rate; annotations are ignored, a discontinuous file has gaps.

    If signals have several rates, that of most of the signals that are named as sEMG counts.

    Raises
    ------
    InputError
        If edfio is missing, or the file cannot be read or has no voltages.
    """
    try:
        import edfio  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "reading EDF needs edfio; install it with: pip install 'lbp-rehab[emg]'"
        ) from None
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            if path.suffix.lower() == ".bdf":
                file: Any = edfio.read_bdf(path)
            else:
                file = edfio.read_edf(path, lazy_load_data=False)
    except Exception as error:  # whatever a torn header makes edfio stumble over
        raise InputError(
            f"{path.name} is no {path.suffix[1:].upper()} file, or is torn: {error}"
        ) from None
    signals = file.signals
    reports: tuple[str, ...] = ()
    if said:
        reports = (f"{path.name} is cut off; the {file.num_data_records} whole records are used",)
    found = choose_voltages(
        [signal.label for signal in signals],
        [signal.physical_dimension for signal in signals],
        options.unit,
        options.mapped,
        source=path.name,
        hint=f"file:{path.name}?unit=uV",
    )
    rates = [signals[k].sampling_frequency for k in found.columns]
    rate_hz = _rate([signals[k] for k in found.columns], found.labels, options)
    keep = [k for k, rate in enumerate(rates) if rate == rate_hz]
    other = [f"'{found.labels[k]}' ({r:g} Hz)" for k, r in enumerate(rates) if r != rate_hz]
    if other:
        reports += (f"{path.name}: left out, not at {rate_hz:g} Hz: {', '.join(other)}",)
    labels = tuple(found.labels[k] for k in keep)
    volts = np.column_stack([signals[found.columns[k]].data for k in keep]) * found.scale[keep]
    check_samples(volts, labels, path.name)
    index = np.arange(len(volts), dtype=np.int64)
    if (onsets := _onsets(path)) is not None and len(onsets) == file.num_data_records:
        per_record = len(volts) // len(onsets)
        steps = np.diff(onsets) * rate_hz
        # A record that begins too early overlaps the one before; no sample is moved back.
        advance = np.maximum(np.rint(steps).astype(np.int64), per_record)
        starts = np.concatenate([[0], np.cumsum(advance)])
        index = (starts[:, None] + np.arange(per_record)).ravel()
    return Recording(labels, volts.astype(np.float32), rate_hz, index, found.reports + reports)


def _rate(signals: list[Any], labels: tuple[str, ...], options: FileOptions) -> float:
    """Return the rate of most sEMG signals; of most voltages if none is named so."""

    def is_emg(signal: Any, label: str) -> bool:
        text = f"{label} {signal.transducer_type}".lower()
        named = parse_label(label).muscle is not Muscle.OTHER
        return named or "emg" in text or label in options.mapped

    emg = [s for s, label in zip(signals, labels, strict=True) if is_emg(s, label)] or signals
    counts = Counter(float(signal.sampling_frequency) for signal in emg)
    return max(counts, key=lambda rate: (counts[rate], rate))


def _onsets(path: Path) -> NDArray[np.float64] | None:
    """Return when each record of a discontinuous file begins, in seconds; None for others."""
    raw = path.read_bytes()
    if raw[192:197] not in (b"EDF+D", b"BDF+D"):
        return None
    count = int(raw[252:256])
    width = 3 if raw[0] == 0xFF else 2  # bytes of a sample
    labels = [raw[FIXED_BYTES + 16 * k :][:16].decode("latin-1").strip() for k in range(count)]
    sizes = FIXED_BYTES + PER_RECORD_OFFSET * count
    per_record = [width * int(raw[sizes + 8 * k :][:8]) for k in range(count)]
    notes = next((k for k, label in enumerate(labels) if label.endswith("Annotations")), None)
    if notes is None:
        return None
    begin, length = sum(per_record[:notes]), per_record[notes]
    records = raw[FIXED_BYTES + SIGNAL_BYTES * count :]
    size = sum(per_record)
    onsets: list[float] = []
    for at in range(0, len(records) - size + 1, size):
        match = ONSET.match(records[at + begin : at + begin + length])
        if match is None:
            raise InputError(f"{path.name}: record {len(onsets) + 1} does not say when it begins")
        onsets.append(float(match.group(1)))
    return np.array(onsets)
