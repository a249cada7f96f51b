"""sEMG from a stream of an XDF file (LSL's recorder), through pyxdf."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from lbp_rehab.emg.recording import (
    FileOptions,
    Recording,
    check_samples,
    compare_rates,
    rate_and_index_of_stamps,
)
from lbp_rehab.emg.units import choose_voltages
from lbp_rehab.errors import InputError

PROPERTIES = ("name", "type", "source_id")


class _Errors(logging.Handler):
    """Keeps what pyxdf says of a damaged file, which it otherwise only logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def read_xdf(path: Path, options: FileOptions) -> Recording:
    """Read one stream with its clock synchronised; breaks of its stamps are gaps.

    The stream is that which has the wanted properties; without any, the only one of type EMG.

    Raises
    ------
    InputError
        If pyxdf is missing, the file cannot be read, or not exactly one stream fits.
    """
    try:
        import pyxdf  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "reading XDF needs pyxdf; install it with: pip install 'lbp-rehab[emg]'"
        ) from None
    logger, errors = logging.getLogger("pyxdf"), _Errors()
    logger.addHandler(errors)
    propagate, logger.propagate = logger.propagate, False
    try:
        streams, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    except Exception as error:  # whatever a torn file makes pyxdf stumble over
        raise InputError(f"{path.name} is no XDF file, or is torn: {error}") from None
    finally:
        logger.removeHandler(errors)
        logger.propagate = propagate
    stream = _choose(streams, options, path)
    info, rows = stream["info"], stream["time_series"]
    stated_hz = float(info["nominal_srate"][0])
    if stated_hz <= 0 or isinstance(rows, list):
        raise InputError(f"{path.name}: the stream '{_text(info, 'name')}' has no sampling rate")
    labels, units = _channels(info)
    found = choose_voltages(
        labels,
        units,
        options.unit,
        options.mapped,
        source=path.name,
        hint=f"file:{path.name}?unit=uV",
    )
    volts = rows[:, found.columns].astype(float) * found.scale
    check_samples(volts, found.labels, path.name)
    rate_hz, index = rate_and_index_of_stamps(stream["time_stamps"], path.name)
    reports = found.reports + compare_rates(stated_hz, rate_hz, "time of the samples", path.name)
    if errors.said:
        reports += (f"{path.name} is cut off or damaged; what could be read is used",)
    return Recording(found.labels, volts.astype(np.float32), rate_hz, index, reports)


def _text(info: dict[str, Any], key: str) -> str:
    value = (info.get(key) or [""])[0]
    return value.strip() if isinstance(value, str) else ""


def _choose(streams: list[dict[str, Any]], options: FileOptions, path: Path) -> dict[str, Any]:
    wanted = {key: value for key in PROPERTIES if (value := getattr(options, key))}
    wanted = wanted or {"type": "EMG"}
    fit = [s for s in streams if all(_text(s["info"], k) == v for k, v in wanted.items())]
    if len(fit) == 1:
        return fit[0]
    has = [f"'{_text(s['info'], 'name')}' ({_text(s['info'], 'type')})" for s in streams]
    what = " and ".join(f"{key}={value}" for key, value in wanted.items())
    raise InputError(
        f"{path.name} has {len(fit)} streams with {what}; choose one of "
        f"{', '.join(has) or 'none'} by file:{path.name}?name=NAME"
    )


def _channels(info: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return label and unit of each channel, empty where the description says none."""
    count = int(info["channel_count"][0])
    described = (info.get("desc") or [None])[0] or {}
    group = (described.get("channels") or [None])[0] or {}
    rows = [row if isinstance(row, dict) else {} for row in group.get("channel") or []]
    rows = (rows + [{}] * count)[:count]
    return [_text(row, "label") for row in rows], [_text(row, "unit") for row in rows]
