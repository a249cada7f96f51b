"""What `EmgCheck` found, in words and as a table for a terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lbp_rehab.emg.check import GOOD_REST_V, MOST_REST_V, ChannelReport, CheckReport
from lbp_rehab.emg.types import Quality, Side

_SIDES = {Side.LEFT: "left", Side.RIGHT: "right", Side.NONE: ""}
WORDS = {
    Quality.UNKNOWN: "not judged yet",
    Quality.GOOD: "good",
    Quality.NOISY: "noisy",
    Quality.ELECTRODE_OFF: "electrode off",
    Quality.SATURATED: "out of range",
    Quality.FLAT: "flat",
    Quality.ARTEFACT: "movement",
}
MARKS = {
    Quality.UNKNOWN: "?", Quality.GOOD: "+", Quality.NOISY: "!", Quality.ELECTRODE_OFF: "x",
    Quality.SATURATED: "x", Quality.FLAT: "x", Quality.ARTEFACT: "x",
}  # fmt: skip
ADVICE = {
    Quality.UNKNOWN: "wait a second",
    Quality.NOISY: "clean the skin, press the electrode on, keep mains cables away",
    Quality.ELECTRODE_OFF: "press it on, check the cable",
    Quality.SATURATED: "check the reference electrode, lower the amplifier's gain",
    Quality.FLAT: "check that the channel is plugged in and switched on",
    Quality.ARTEFACT: "hold still; tape the cable down",
}
_ANSI = {
    Quality.GOOD: "1;36", Quality.NOISY: "1;33", Quality.UNKNOWN: "2",
    Quality.ELECTRODE_OFF: "1;35", Quality.SATURATED: "1;35", Quality.FLAT: "1;35",
    Quality.ARTEFACT: "1;35",
}  # fmt: skip
BAR_FROM_V, BAR_TO_V = 1e-6, 1e-3  # the bar is logarithmic: noise at rest to a strong contraction
_BAR_CELLS = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class _Column:
    """A column of the table."""

    title: str
    unit: str
    width: int
    left: bool = False


_NAME = _Column("channel", "", 20, left=True)
_PLACE = _Column("muscle", "", 23, left=True)
_QUALITY = _Column("quality", "", 16, left=True)
_NUMBERS = (
    _Column("rest", "uV RMS", 7),
    _Column("mains", "uV RMS", 7),
    _Column("heart", "uV", 6),
    _Column("drift", "uV", 7),
    _Column("p-p", "uV", 7),
    _Column("usable", "%", 6),
)
_LEVEL = _Column("now", "1 uV to 1 mV", _BAR_CELLS + 2, left=True)


def place_name(report: ChannelReport) -> str:
    """Return muscle and side in words."""
    muscle = report.channel.muscle.name.lower().replace("_", " ")
    return f"{muscle} {_SIDES[report.channel.side]}".strip()


def advice(report: ChannelReport) -> str:
    """Return what to do about a channel; empty if nothing."""
    quality = report.channel.quality
    if quality in ADVICE:
        return ADVICE[quality]
    if report.rest_v is not None and report.rest_v > MOST_REST_V:
        return (
            f"{1e6 * report.rest_v:.0f} uV at rest, at most {1e6 * MOST_REST_V:.0f} will do: relax "
            "the muscle, or clean the skin and place the electrode anew"
        )
    if report.rest_v is not None and report.rest_v > GOOD_REST_V:
        return (
            f"{1e6 * report.rest_v:.1f} uV at rest, below {1e6 * GOOD_REST_V:.0f} is good: relax "
            "the muscle, or clean the skin"
        )
    return ""


def verdict(report: CheckReport) -> str:
    """Return the result in a sentence."""
    n = len(report.channels)
    if not report.faulty:
        noted = sum(1 for c in report.channels if advice(c))
        more = f"; {noted} could be better" if noted else ""
        return f"All {n} channels are usable{more}." if n != 1 else f"The channel is usable{more}."
    usable = n - len(report.faulty)
    verb = "is" if usable == 1 else "are"
    return f"{usable or 'None'} of {n} channels {verb} usable; not {_bad(report)}."


def headline(report: CheckReport, stated_hz: float = 0.0) -> str:
    """Return source, rate, samples and losses in a line.

    Parameters
    ----------
    stated_hz : float
        Rate that the source states; 0: what its first chunk said.
    """
    if not report.channels:
        return "no samples yet"
    stated = stated_hz or report.stated_hz
    mains = f"mains {report.mains_hz:.0f} Hz" if report.mains_hz else "looking for the mains"
    return (
        f"{report.source}: {len(report.channels)} channels, stated {stated:g} Hz, measured "
        f"{report.measured_hz:.2f} Hz, {report.seconds:.1f} s, {report.samples} samples, "
        f"{report.lost} lost, {mains}"
    )


def line(report: CheckReport) -> str:
    """Return a line for a log, one a second."""
    if not report.channels:
        return "no samples yet"
    head = f"{report.seconds:6.1f} s  {report.lost} lost  {report.measured_hz:.1f} Hz"
    if any(c.channel.quality is Quality.UNKNOWN for c in report.channels):
        return f"{head}  not judged yet"
    parts = [head, f"{len(report.channels) - len(report.faulty)}/{len(report.channels)} usable"]
    rests = [(c.rest_v, c.channel.label) for c in report.channels if c.rest_v is not None]
    if rests:
        volts, label = max(rests)
        parts.append(f"highest rest {1e6 * volts:.1f} uV ({label})")
    mains = max(report.channels, key=lambda c: c.mains_v)
    parts.append(f"highest mains {1e6 * mains.mains_v:.1f} uV ({mains.channel.label})")
    if report.faulty:
        parts.append(f"not usable: {_bad(report)}")
    return "  ".join(parts)


def table(
    report: CheckReport, width: int = 120, *, colour: bool = False, blocks: bool = True
) -> list[str]:
    """Return the lines of the table and what to do.

    Parameters
    ----------
    width : int
        Columns of the terminal; the muscle, then the bar, then the rest are left out if need be.
    colour : bool
        Whether to colour the quality.
    blocks : bool
        Whether the terminal shows block characters.
    """
    columns = [_NAME, _PLACE, _QUALITY, *_NUMBERS, _LEVEL]
    for spare in (_PLACE, _LEVEL, _NUMBERS[4], _NUMBERS[3], _NUMBERS[2]):
        if sum(c.width + 1 for c in columns) > width:
            columns.remove(spare)
    lines = [
        _joined(columns, [c.title for c in columns]),
        _joined(columns, [c.unit for c in columns]),
    ]
    for channel in report.channels:
        quality = channel.channel.quality
        cells = {
            _NAME: channel.channel.label,
            _PLACE: place_name(channel),
            _QUALITY: f"{MARKS[quality]} {WORDS[quality]}",
            _LEVEL: bar(channel.level_v, blocks=blocks),
        } | dict(zip(_NUMBERS, _figures(channel), strict=True))
        text = _joined(columns, [cells[c] for c in columns])
        if colour:
            cell = _padded(_QUALITY, cells[_QUALITY])
            text = text.replace(cell, f"\x1b[{_ANSI[quality]}m{cell}\x1b[0m", 1)
        lines.append(text)
    said = [
        f"  {c.channel.label}, {WORDS[c.channel.quality]}: {advice(c)}"
        for c in report.channels
        if advice(c)
    ]
    return [*lines, *(["", *said] if said else [])]


def bar(volts: float, *, blocks: bool = True) -> str:
    """Return a level as a bar, logarithmic."""
    span = math.log10(BAR_TO_V / BAR_FROM_V)
    share = math.log10(max(volts, BAR_FROM_V) / BAR_FROM_V) / span
    eighths = round(8 * _BAR_CELLS * min(share, 1.0))
    if not blocks:
        return "[" + ("#" * (eighths // 8)).ljust(_BAR_CELLS, ".") + "]"
    full, part = divmod(eighths, 8)
    cells = _EIGHTHS[8] * full + (_EIGHTHS[part] if part else "")
    return "▕" + cells.ljust(_BAR_CELLS) + "▏"


def _bad(report: CheckReport) -> str:
    return ", ".join(f"{c.channel.label} ({WORDS[c.channel.quality]})" for c in report.faulty)


def _figures(channel: ChannelReport) -> list[str]:
    def micro(value: float | None, digits: int) -> str:
        if value is None:
            return "-"
        return f"{1e6 * value:.{digits if abs(value) < 1e-3 else 0}f}"

    return [
        micro(channel.rest_v, 1),
        micro(channel.mains_v, 1),
        micro(channel.heart_v, 0),
        micro(channel.drift_v, 0),
        micro(channel.peak_to_peak_v, 0),
        "-" if channel.usable is None else f"{100 * channel.usable:.0f}",
    ]


def _padded(column: _Column, text: str) -> str:
    text = text if len(text) <= column.width else text[: column.width - 1] + "~"
    return text.ljust(column.width) if column.left else text.rjust(column.width)


def _joined(columns: list[_Column], cells: list[str]) -> str:
    return " ".join(_padded(c, t) for c, t in zip(columns, cells, strict=True)).rstrip()
