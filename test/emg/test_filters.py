"""Filters against their offline result, their specification and a known modulation."""

import numpy as np
import pytest
from scipy import signal

from lbp_rehab.emg.filters import BandFilter, EnvelopeKind, FilterDesign, FilterSettings, Smoother
from lbp_rehab.errors import InputError

KINDS = list(EnvelopeKind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [[1], [7, 50, 1, 333], [20000]])
@pytest.mark.parametrize("whiten", [False, True])
def test_streaming_equals_offline_for_any_chunking(emg, kind, sizes, whiten):
    design = FilterDesign(1000.0, FilterSettings(kind=kind, whiten=whiten))
    x = emg(1000, 3000, 2) + 0.3
    zi = signal.sosfilt_zi(design.sos)[:, :, None] * x[0]
    band = signal.sosfilt(design.sos, x, axis=0, zi=zi)[0]
    even = signal.sosfilt(design.whitening, band, axis=0) if whiten else band
    if design.envelope_sos is not None:
        envelope = np.maximum(signal.sosfilt(design.envelope_sos, np.abs(even), axis=0), 0)
    else:
        padded = np.concatenate([np.zeros((design.window - 1, 2)), even**2])
        envelope = np.sqrt(
            np.array([padded[i : i + design.window].mean(axis=0) for i in range(len(x))])
        )
    band_filter, smoother, got, i, k = BandFilter(design), Smoother(design), [], 0, 0
    while i < len(x):
        size = sizes[k % len(sizes)]
        part = band_filter(x[i : i + size])
        got.append((part, smoother(part)))
        i, k = i + size, k + 1
    np.testing.assert_array_equal(np.concatenate([g[0] for g in got]), band)
    np.testing.assert_allclose(np.concatenate([g[1] for g in got]), envelope, rtol=1e-9, atol=1e-15)


def test_constant_offset_gives_no_transient():
    design = FilterDesign(1000.0, FilterSettings())
    band = BandFilter(design)(np.full((500, 1), 2.0))
    assert np.abs(band).max() < 1e-9
    assert Smoother(design)(band).max() < 1e-9


@pytest.mark.parametrize(
    ("frequency_hz", "least", "most"),
    [
        (10.0, 0.0, 0.26),
        (20.0, 0.65, 0.75),
        (50.0, 0.0, 1e-9),
        (100.0, 0.0, 1e-9),
        (75.0, 0.95, 1.01),
        (120.0, 0.95, 1.01),
        (450.0, 0.65, 0.75),
    ],
)
def test_gain_of_band_and_notches(frequency_hz, least, most):
    design = FilterDesign(2000.0, FilterSettings())
    gain = float(np.abs(design.response(np.array([frequency_hz])))[0])
    assert least <= gain <= most
    # A sine through the running filter shows the same gain.
    t = np.arange(8000) / 2000.0
    band = BandFilter(design)(np.sin(2 * np.pi * frequency_hz * t)[:, None])
    assert band[6000:].std() * np.sqrt(2) == pytest.approx(gain, abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", [250.0, 1000.0, 2000.0])
def test_delay_is_that_of_a_known_modulation(emg, kind, rate_hz):
    design = FilterDesign(rate_hz, FilterSettings(kind=kind))
    t = np.arange(round(60 * rate_hz)) / rate_hz
    modulation = 1 + 0.8 * np.sin(2 * np.pi * t)
    envelope = Smoother(design)(BandFilter(design)(emg(rate_hz, len(t), 16) * modulation[:, None]))
    late = slice(round(5 * rate_hz), None)
    carrier = np.exp(-2j * np.pi * t[late])
    phase = np.angle((envelope.mean(axis=1)[late] * carrier).mean())
    phase -= np.angle((modulation[late] * carrier).mean())
    assert -phase / (2 * np.pi) == pytest.approx(design.delay_s, abs=0.002)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", [250.0, 2000.0])
def test_relative_sigma_is_that_of_synthetic_noise(emg, kind, rate_hz):
    design = FilterDesign(rate_hz, FilterSettings(kind=kind))
    envelope = Smoother(design)(BandFilter(design)(emg(rate_hz, round(60 * rate_hz), 8)))
    steady = envelope[round(2 * rate_hz) :]
    assert steady.std() / steady.mean() == pytest.approx(design.relative_sigma, rel=0.05)
    second = round(rate_hz)
    means = steady[: len(steady) // second * second].reshape(-1, second, 8).mean(axis=1)
    assert means.std() / steady.mean() == pytest.approx(design.averaged_sigma(1.0), rel=0.15)


def test_upper_edge_is_lowered_below_nyquist_and_said():
    design = FilterDesign(250.0, FilterSettings())
    assert design.high_hz == pytest.approx(112.5)
    assert "112.5 Hz" in design.notes[0]
    assert FilterDesign(1000.0, FilterSettings()).notes == ()


def test_too_slow_a_rate_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="89 Hz or more"):
        FilterDesign(60.0, FilterSettings())


def test_ringing_after_a_stop_is_as_large_as_stated(emg):
    design = FilterDesign(1000.0, FilterSettings())
    share, time_constant_s = design.ringing
    x = emg(1000, 4000, 400)
    x[3000:] = 0
    band = BandFilter(design)(x)
    for after_s in (0.1, 0.2, 0.4):
        rest = band[3000 + round(after_s * 1000) - 10 : 3000 + round(after_s * 1000) + 10].std()
        stated = share * np.exp(-after_s / time_constant_s) * band[2000:3000].std()
        assert rest == pytest.approx(stated, rel=0.25)


@pytest.mark.parametrize("rate_hz", [250.0, 1000.0, 2000.0])
def test_teager_ratio_is_that_of_synthetic_noise(emg, rate_hz):
    design = FilterDesign(rate_hz, FilterSettings())
    x = BandFilter(design)(emg(rate_hz, round(60 * rate_hz), 8))[round(2 * rate_hz) :]
    teager = x[1:-1] ** 2 - x[:-2] * x[2:]
    assert teager.mean() / (x**2).mean() == pytest.approx(design.teager_ratio, rel=0.03)


def test_whitening_keeps_the_size_and_lessens_the_noise_of_the_envelope(emg):
    x = emg(1000.0, 60_000, 8)
    plain, even = (FilterDesign(1000.0, FilterSettings(whiten=w)) for w in (False, True))
    a, b = (Smoother(d)(BandFilter(d)(x))[2000:] for d in (plain, even))
    assert b.mean() == pytest.approx(a.mean(), rel=0.02)
    assert b.std() / b.mean() < 0.9 * a.std() / a.mean()
    assert even.relative_sigma < 0.9 * plain.relative_sigma
