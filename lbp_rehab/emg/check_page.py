"""What `EmgCheck` found as figures, and as one HTML file that needs nothing else."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.check import SHOWN_S, ChannelReport, CheckReport, EmgCheck
from lbp_rehab.emg.check_measures import columns, density_v
from lbp_rehab.emg.check_text import MARKS, WORDS, advice, place_name, verdict
from lbp_rehab.emg.types import Quality

Array = NDArray[np.float64]

TRACE_PX, SPECTRUM_PX, HEIGHT_PX = 620, 300, 84
SHOWN_HZ = 500.0
# Of the spectrum: from below an amplifier's noise to above a strong mains line.
FLOOR_V, TOP_V = 1e-8, 1e-4
LEAST_SCALE_UV = 10.0
HARMONICS = 5

STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #5c6570; --line: #d5dae0; --back: #fff;
  --card: #f6f7f9; --trace: #0b5fa5; --good: #0068a8; --noisy: #8a5a00; --bad: #b03a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a3abb5; --line: #3a414a;
  --back: #14171a; --card: #1c2024; --trace: #6db7f2; --good: #6db7f2; --noisy: #f0b429;
  --bad: #ff8a5c; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 76rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .3rem } h2 { font-size: 1.1rem; margin: 1.6rem 0 .5rem }
.verdict { font-size: 1.1rem; font-weight: 600; margin: .4rem 0 }
.soft { color: var(--soft); font-size: .87rem; margin: .2rem 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin-top: .8rem }
th, td { text-align: left; padding: .28rem .55rem; border-bottom: 1px solid var(--line);
  vertical-align: top }
th { border-bottom: 2px solid var(--soft); font-weight: 600; white-space: nowrap }
th small { color: var(--soft); font-weight: 400; display: block }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.q { font-weight: 600; white-space: nowrap } .q b { display: inline-block; width: 1.1em }
.good { color: var(--good) } .noisy { color: var(--noisy) } .bad { color: var(--bad) }
.unknown { color: var(--soft) } td small { color: var(--soft); display: block }
td:first-child { white-space: nowrap }
.bar { background: var(--line); height: .6rem; width: 7rem; margin-top: .35rem }
.bar i { display: block; height: 100%; background: var(--trace) }
"""
_PLOTS = """
.plots { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); gap: .3rem 1rem }
.plots h3 { grid-column: 1 / -1; font-size: .92rem; margin: .5rem 0 0 }
svg { width: 100%; height: auto; background: var(--card); display: block }
svg text { fill: var(--soft); font: 10px system-ui, sans-serif }
svg .grid { stroke: var(--line); stroke-width: 1; fill: none }
svg .mark { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 3 3; fill: none }
svg .trace { stroke: var(--trace); stroke-width: 1; fill: var(--trace); fill-opacity: .35 }
svg .curve { stroke: var(--trace); stroke-width: 1.2; fill: none }
"""
_CLASSES = {Quality.GOOD: "good", Quality.NOISY: "noisy", Quality.UNKNOWN: "unknown"}
_HEADS = (
    ("channel", "", ""), ("quality", "", ""), ("rest", "&micro;V RMS", "n"),
    ("mains", "&micro;V RMS", "n"), ("heart", "&micro;V peak", "n"),
    ("offset", "&micro;V", "n"), ("drift", "&micro;V below 2 Hz", "n"),
    ("peak to peak", "&micro;V in 1 s", "n"), ("usable", "% of time", "n"),
)  # fmt: skip


def figures(report: CheckReport) -> dict[str, Any]:
    """Return the figures with stable keys; microvolts, None where something is not known."""
    return {
        "verdict": verdict(report) if report.channels else "",
        "source": report.source,
        "stated_rate_hz": round(report.stated_hz, 4),
        "measured_rate_hz": round(report.measured_hz, 4),
        "seconds": round(report.seconds, 3),
        "samples": report.samples,
        "lost": report.lost,
        "mains_hz": report.mains_hz,
        "notes": list(report.notes),
        "channels": [_channel_figures(c) for c in report.channels],
    }


def page(check: EmgCheck, heading: str, reports: tuple[str, ...] = ()) -> str:
    """Return a page of the result as one HTML file.

    Parameters
    ----------
    check : EmgCheck
        With samples.
    heading : str
        Source, rate, samples and losses.
    reports : tuple of str
        What the source said.
    """
    report, band, raw, rate_hz = check.report(), check.band(), check.raw(), check.rate_hz
    said = "".join(f"<p class=soft>{html.escape(s)}</p>" for s in (*report.notes, *reports))
    plots = "".join(
        f"<h3>{html.escape(c.channel.label)} <span class='{_class(c)}'>{_word(c)}</span></h3>"
        f"{_trace(band[:, k], rate_hz)}{_spectrum(raw[:, k], rate_hz, report.mains_hz)}"
        for k, c in enumerate(report.channels)
    )
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>sEMG check</title><style>{STYLE}{_PLOTS}</style></head><body>\n"
        f"<h1>sEMG check</h1><p class=verdict>{html.escape(verdict(report))}</p>"
        f"<p class=soft>{html.escape(heading)}</p>{said}\n{_table(report)}\n"
        f"<h2>Signal</h2><p class=soft>Left: the latest {SHOWN_S:.0f} s, band-passed "
        f"(20 to 450 Hz, mains taken out). Right: amplitude density of the raw signal, 0 to "
        f"{SHOWN_HZ:.0f} Hz and {1e6 * FLOOR_V:g} to {1e6 * TOP_V:g} &micro;V/&radic;Hz; dashed: "
        f"the mains and its multiples.</p><div class=plots>{plots}</div>\n"
        "<p class=soft>Research software, not a medical device.</p></body></html>\n"
    )


def scale_uv(low: Array, high: Array) -> float:
    """Return a round half height of a plot that holds a signal of volts."""
    with np.errstate(invalid="ignore"):
        known = np.concatenate([low[np.isfinite(low)], high[np.isfinite(high)]])
    largest = 1e6 * float(np.abs(known).max()) if len(known) else 0.0
    step = 10.0 ** np.floor(np.log10(max(largest, LEAST_SCALE_UV)))
    return float(next(m * step for m in (1.0, 2.0, 5.0, 10.0) if m * step >= largest - 1e-9))


def _table(report: CheckReport) -> str:
    heads = "".join(
        f"<th class='{kind}'>{name}<small>{unit or '&nbsp;'}</small>" for name, unit, kind in _HEADS
    )
    return f"<table><tr>{heads}{''.join(_row(c) for c in report.channels)}</table>"


def _row(c: ChannelReport) -> str:
    do = advice(c)
    numbers = (c.rest_v, c.mains_v, c.heart_v, c.offset_v, c.drift_v, c.peak_to_peak_v)
    cells = "".join(f"<td class=n>{_micro(v, 1 if k < 2 else 0)}" for k, v in enumerate(numbers))
    usable = "&ndash;" if c.usable is None else f"{100 * c.usable:.0f}"
    return (
        f"<tr><td>{html.escape(c.channel.label)}<small>{html.escape(place_name(c))}</small>"
        f"<td><span class='q {_class(c)}'><b>{MARKS[c.channel.quality]}</b>{_word(c)}</span>"
        f"<small>{html.escape(do).replace(' uV', ' &micro;V')}</small>{cells}<td class=n>{usable}"
    )


def _trace(volts: Array, rate_hz: float) -> str:
    """Return the signal as an area between the smallest and largest value of each column."""
    n = round(SHOWN_S * rate_hz)
    padded = np.full((n, 1), np.nan)
    padded[n - min(n, len(volts)) :, 0] = volts[-n:]
    low, high = columns(padded, TRACE_PX)
    scale = scale_uv(low, high)
    y = HEIGHT_PX / 2 - 1e6 / scale * (HEIGHT_PX / 2 - 6) * np.stack([low[:, 0], high[:, 0]])
    known = np.isfinite(y[0])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    paths = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        there = [f"{x},{y[1, x]:.1f}" for x in range(first, end)]
        back = [f"{x},{y[0, x]:.1f}" for x in range(end - 1, first - 1, -1)]
        paths.append(f"<path class=trace d='M{' '.join(there + back)}Z'/>")
    seconds = "".join(
        f"<path class=grid d='M{TRACE_PX * k / SHOWN_S:.0f} 0V{HEIGHT_PX}'/>"
        for k in range(1, int(SHOWN_S))
    )
    middle = HEIGHT_PX / 2
    return (
        f"<svg viewBox='0 0 {TRACE_PX} {HEIGHT_PX}' role='img' aria-label='signal'>{seconds}"
        f"<path class=grid d='M0 {middle}H{TRACE_PX}'/>{''.join(paths)}"
        f"<text x='4' y='11'>&plusmn;{scale:g} &micro;V</text>"
        f"<text x='{TRACE_PX - 4}' y='{HEIGHT_PX - 4}' text-anchor='end'>1 s a line</text></svg>"
    )


def _spectrum(volts: Array, rate_hz: float, mains_hz: float) -> str:
    """Return the amplitude density, logarithmic, with the mains marked."""
    if len(volts) < rate_hz:
        return "<svg viewBox='0 0 300 84' role='img' aria-label='no spectrum yet'></svg>"
    frequency, density = density_v(volts[:, None], rate_hz)
    shown = (frequency > 0.0) & (frequency <= SHOWN_HZ)
    x = SPECTRUM_PX * frequency[shown] / SHOWN_HZ
    share = np.log10(np.clip(density[shown, 0], FLOOR_V, TOP_V) / FLOOR_V)
    y = HEIGHT_PX - share / np.log10(TOP_V / FLOOR_V) * HEIGHT_PX
    curve = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    decades = "".join(
        f"<path class=grid d='M0 {HEIGHT_PX * k / 4:.0f}H{SPECTRUM_PX}'/>" for k in range(1, 4)
    )
    lines = [k * mains_hz for k in range(1, HARMONICS + 1) if 0.0 < k * mains_hz < SHOWN_HZ]
    marks = "".join(
        f"<path class=mark d='M{SPECTRUM_PX * hz / SHOWN_HZ:.1f} 14V{HEIGHT_PX}'/>" for hz in lines
    )
    label = (
        f"<text x='{SPECTRUM_PX * mains_hz / SHOWN_HZ:.1f}' y='11' text-anchor='middle'>"
        f"{mains_hz:.0f} Hz</text>"
        if lines
        else ""
    )
    return (
        f"<svg viewBox='0 0 {SPECTRUM_PX} {HEIGHT_PX}' role='img' aria-label='spectrum'>{decades}"
        f"{marks}<polyline class=curve points='{curve}'/>{label}"
        f"<text x='{SPECTRUM_PX - 4}' y='{HEIGHT_PX - 4}' text-anchor='end'>{SHOWN_HZ:.0f} Hz"
        "</text></svg>"
    )


def _channel_figures(c: ChannelReport) -> dict[str, Any]:
    def micro(value: float | None) -> float | None:
        return None if value is None else round(1e6 * value, 2)

    return {
        "label": c.channel.label,
        "muscle": c.channel.muscle.name.lower(),
        "side": c.channel.side.name.lower(),
        "place": place_name(c),
        "quality": c.channel.quality.name.lower(),
        "usable_now": c.channel.quality.usable,
        "word": WORDS[c.channel.quality],
        "advice": advice(c),
        "rest_uv": micro(c.rest_v),
        "level_uv": micro(c.level_v),
        "mains_uv": micro(c.mains_v),
        "heart_uv": micro(c.heart_v),
        "offset_uv": micro(c.offset_v),
        "drift_uv": micro(c.drift_v),
        "peak_to_peak_uv": micro(c.peak_to_peak_v),
        "usable_share": None if c.usable is None else round(c.usable, 4),
    }


def _class(c: ChannelReport) -> str:
    return _CLASSES.get(c.channel.quality, "bad")


def _word(c: ChannelReport) -> str:
    return html.escape(WORDS[c.channel.quality])


def _micro(value: float | None, digits: int) -> str:
    return "&ndash;" if value is None else f"{round(1e6 * value, digits) + 0.0:.{digits}f}"
