"""Draw the figures of ``docs/emg.md``: ``python docs/emg_figures.py``.

Needs the extra ``synthetic``. The figure of the real recordings needs ``../shared/data/emg_back``;
where that is missing, a sentence says so and the old figure stays.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import signal

from lbp_rehab.bench.plots import BLUE, GREY, ORANGE, figure, save
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.filters import (
    BandFilter,
    EnvelopeKind,
    FilterDesign,
    FilterSettings,
    Smoother,
    emg_spectrum,
)
from lbp_rehab.emg.heart import HeartRemover
from lbp_rehab.emg.mains import MainsFinder
from lbp_rehab.emg.sources import open_source
from lbp_rehab.emg.types import NANOSECONDS
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.recruitment import LABELS
from lbp_rehab.synthetic.emg.stream import EmgStream
from lbp_rehab.synthetic.scenario import Scenario

Array = NDArray[np.float64]

OUT = Path(__file__).parent / "images"
DATA = Path(__file__).parent.parent / ".." / "shared" / "data" / "emg_back"
UV = 1e6
SEED = 3


def main() -> int:
    """Draw what can be drawn here."""
    draw_filters(OUT / "emg_filters.png")
    draw_heart(OUT / "emg_heart.png")
    if DATA.is_dir():
        draw_recordings(OUT / "emg_back.png")
    else:
        print(f"emg_back.png is not drawn: {DATA} is not here", file=sys.stderr)
    return 0


def draw_filters(path: Path) -> None:
    """Draw gains of band-pass, notches and whitening, and what a step of the effort becomes."""
    drawn, (gain, spectrum, step) = figure(1, 3, 12, 3.7)
    for rate_hz, colour, style in ((1000.0, ORANGE, "--"), (2000.0, BLUE, "-")):
        design = FilterDesign(rate_hz, FilterSettings())
        notches = 50.0 * np.arange(1, 6)
        f = np.union1d(np.geomspace(3, rate_hz / 2 * 0.999, 6000), notches)
        band = np.abs(design.response(f))
        white = _whitening(design, f)
        label = f"{rate_hz:g} Hz"
        gain.semilogx(f, _db(band), style, color=colour, lw=1.2, label=f"band and notches, {label}")
        gain.semilogx(f, _db(white), style, color=GREY, lw=1.2, label=f"whitening, {label}")
        passed = emg_spectrum(f) * band**2
        spectrum.plot(f, passed / passed.max(), style, color=GREY, lw=1.2)
        passed = passed * white**2
        spectrum.plot(f, passed / passed.max(), style, color=colour, lw=1.2, label=label)
    gain.set(ylim=(-45, 32), xlim=(3, 1000), xlabel="frequency [Hz]", ylabel="gain [dB]")
    gain.set_title("gain", fontsize=9)
    gain.set_xticks(
        [5, 10, 20, 50, 100, 200, 450, 1000], ["5", "10", "20", "50", "100", "200", "450", ""]
    )
    gain.legend(frameon=False, fontsize=7, loc="upper left")
    spectrum.set(xlim=(0, 600), ylim=(0, 1.05), xlabel="frequency [Hz]", ylabel="power, highest 1")
    spectrum.set_title("sEMG assumed, as passed: grey before, colour after whitening", fontsize=9)
    spectrum.legend(frameon=False)
    _draw_step(step)
    save(drawn, path)


def _draw_step(axis: Axes) -> None:
    """Draw the mean envelope of many channels whose effort begins at 0 and ends at 0.6 s."""
    rate_hz, n = 2000.0, 400
    t = np.arange(-1.0, 1.2, 1 / rate_hz)
    f = np.fft.rfftfreq(len(t), 1 / rate_hz)
    noise = np.random.default_rng(0).standard_normal((len(t), n))
    shape = np.sqrt(emg_spectrum(f))[:, None]
    emg = np.fft.irfft(np.fft.rfft(noise, axis=0) * shape, len(t), axis=0)
    effort = np.where((t >= 0) & (t < 0.6), 1.0, 0.0)
    axis.fill_between(t, effort, color=GREY, alpha=0.2, lw=0, label="effort")
    for kind, colour, style in (
        (EnvelopeKind.LOWPASS, BLUE, "-"), (EnvelopeKind.RMS, ORANGE, "--"),
    ):  # fmt: skip
        design = FilterDesign(rate_hz, FilterSettings(kind=kind))
        steady = Smoother(design)(BandFilter(design)(emg))[t > -0.2].mean()
        envelope = Smoother(design)(BandFilter(design)(emg * effort[:, None])).mean(axis=1) / steady
        late = design.delay_s
        axis.plot(t, envelope, style, color=colour, lw=0.8, alpha=0.5)
        label = f"{kind.value}, stamped {late * 1e3:.0f} ms earlier"
        axis.plot(t - late, envelope, style, color=colour, lw=1.6, label=label)
    axis.set(xlim=(-0.1, 1.1), ylim=(0, 1.45), xlabel="time [s]", ylabel="mean envelope / steady")
    axis.set_title("a step of the effort; faint: as it leaves the filters", fontsize=9)
    axis.legend(frameon=False, fontsize=7, loc="upper right")


def draw_heart(path: Path) -> None:
    """Draw a resting channel of the synthetic patient with its heart and without."""
    rate_hz, seconds = 2000.0, 26.0
    # On the back the erector spinae has nothing to do.
    movement = Scenario("breathing", SEED).movement
    stream = EmgStream(movement, ElectrodeSettings(rate_hz=rate_hz), SEED)
    raw = stream.read(round(seconds * rate_hz)).astype(np.float64)
    design = FilterDesign(rate_hz, FilterSettings())
    band = BandFilter(design)(raw)
    remover = HeartRemover(rate_hz, raw.shape[1])
    clean = np.concatenate([remover(raw, band), remover.flush()])
    k = LABELS.index("erector_spinae_l")
    drawn, (above, middle, below) = figure(3, 1, 11, 6.2)
    t = np.arange(len(raw)) / rate_hz
    part = (t >= 0) & (t < 16)
    above.plot(t[part], (raw[part, k] - raw[part, k].mean()) * UV, color=GREY, lw=0.5)
    _title(above, "left erector spinae of a synthetic patient at rest, as measured")
    middle.plot(t[part], band[part, k] * UV, color=ORANGE, lw=0.6, label="band-passed")
    middle.plot(t[part], clean[part, k] * UV, color=BLUE, lw=0.5, label="without the heart")
    _title(middle, "from the start: beats are taken out once they are known")
    part = (t >= 20) & (t < 23)
    below.plot(t[part], band[part, k] * UV, color=ORANGE, lw=0.9, label="band-passed")
    below.plot(t[part], clean[part, k] * UV, color=BLUE, lw=0.8, label="without the heart")
    late = (t >= 16) & (t < 25)
    rms = [part[late, k].std() * UV for part in (band, clean)]
    _title(below, f"later: {rms[0]:.1f} uV RMS before, {rms[1]:.1f} uV after")
    for axis in (above, middle, below):
        axis.set(xlabel="time [s]", ylabel="[uV]")
        axis.margins(x=0)
    for axis in (middle, below):
        _legend(axis)
    save(drawn, path)


def _title(axis: Axes, text: str) -> None:
    axis.set_title(text, loc="left", fontsize=9)


def _legend(axis: Axes) -> None:
    """Put the legend beside the title, where it covers nothing."""
    axis.legend(
        frameon=False, ncols=2, fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.97), borderpad=0
    )


@dataclass(frozen=True)
class _Recording:
    """A recording of one channel and what the pipeline makes of it; volts and seconds."""

    rate_hz: float
    raw: Array
    band: Array
    clean: Array
    stamp_s: Array
    envelope: Array
    active: NDArray[np.bool_]
    high_hz: float
    mains_hz: float


def _read(name: str) -> _Recording:
    source = open_source(f"file:{DATA / name}?unit=V", 0.04)
    assert source is not None
    start_ns = NANOSECONDS
    source.open(start_ns)
    pipeline, instants, parts = EmgPipeline(PipelineSettings()), [], []
    while (chunk := source.read(start_ns + 10**15)) is not None:
        instants += pipeline.process(chunk)
        parts.append(chunk.data)
    print(f"{name}: {'; '.join(pipeline.notes)}")
    raw, rate_hz = np.concatenate(parts).astype(np.float64), source.rate_hz
    finder = MainsFinder(rate_hz)
    finder.update(raw)
    design = FilterDesign(rate_hz, replace(FilterSettings(), mains_hz=finder.mains_hz))
    band = BandFilter(design)(raw)
    remover = HeartRemover(rate_hz, 1)
    clean = np.concatenate([remover(raw, band), remover.flush()])
    rows = [a.muscles[0] for a in instants]
    envelope = [m.envelope.value if m.envelope.known else np.nan for m in rows]
    return _Recording(
        rate_hz,
        raw[:, 0],
        band[:, 0],
        clean[:, 0],
        np.array([a.stamp_ns - start_ns for a in instants]) / NANOSECONDS,
        np.array(envelope),
        np.array([m.active for m in rows]),
        design.high_hz,
        finder.mains_hz,
    )


def draw_recordings(path: Path) -> None:
    """Draw both recordings side by side: raw, band-passed, envelope and spectrum."""
    drawn, axes = figure(4, 2, 12, 9.5)
    for column, (name, title) in enumerate(
        (("Back_resting", "quiet"), ("Back_lifting", "work: lifting"))
    ):
        got = _read(f"{name}.csv.gz")
        raw, band, envelope, spectrum = axes[column::2]
        t = np.arange(len(got.raw)) / got.rate_hz
        raw.plot(t, (got.raw - np.median(got.raw)) * 1e3, color=GREY, lw=0.4)
        raw.set(ylabel="[mV]")
        _title(raw, f"{name} ({title}), as measured")
        band.plot(t, got.band * UV, color=ORANGE, lw=0.4, label="heart in it")
        band.plot(t, got.clean * UV, color=BLUE, lw=0.4, label="heart taken out")
        band.set(ylabel="[uV]", ylim=(-60, 60))
        _title(band, f"band-passed, 20 to {got.high_hz:g} Hz")
        _legend(band)
        envelope.plot(got.stamp_s, got.envelope * UV, color=BLUE, lw=0.9, label="envelope")
        envelope.fill_between(
            got.stamp_s, 0, 20, where=got.active, color=ORANGE, alpha=0.3, lw=0, label="on"
        )
        envelope.set(ylabel="[uV]", ylim=(0, 20))
        _title(envelope, "envelope; gaps: unknown")
        _legend(envelope)
        for axis in (raw, band, envelope):
            axis.set(xlabel="time [s]", xlim=(0, t[-1]))
        _draw_spectrum(spectrum, got)
    save(drawn, path)


def _draw_spectrum(axis: Axes, got: _Recording) -> None:
    for samples, colour, label in ((got.raw, GREY, "measured"), (got.clean, BLUE, "as used")):
        f, power = signal.welch(samples, got.rate_hz, nperseg=round(2 * got.rate_hz))
        axis.semilogy(f[1:], np.sqrt(power[1:]) * UV, color=colour, lw=1, label=label)
    for cut_hz in (20.0, got.high_hz):
        axis.axvline(cut_hz, color=ORANGE, lw=1.2, ls="--")
        axis.text(cut_hz, 300, f" {cut_hz:g} Hz", va="top", fontsize=8, color=ORANGE)
    axis.set(xlim=(0, got.rate_hz / 2), ylim=(1e-2, 500), xlabel="frequency [Hz]")
    axis.set(ylabel="[uV / sqrt(Hz)]")
    _title(axis, f"spectrum; notches for mains of {got.mains_hz:g} Hz")
    axis.legend(frameon=False, fontsize=8, loc="lower left")


def _whitening(design: FilterDesign, f: Array) -> Array:
    assert design.whitening is not None
    _, response = signal.sosfreqz(design.whitening, f, fs=design.rate_hz)
    return np.abs(response)


def _db(gain: Array) -> Array:
    return 20 * np.log10(np.maximum(gain, 1e-9))


if __name__ == "__main__":
    sys.exit(main())
