"""The heart is found by all channels together and subtracted from each, and nothing else is."""

import numpy as np
import pytest
from scipy import signal

from lbp_rehab.emg.filters import BandFilter, FilterDesign, FilterSettings
from lbp_rehab.emg.heart import BEFORE_S, HeartRemover


def heart(rate_hz, seconds, channels, seed=0, bpm=70.0):
    """Return beats of height 60 to 0 uV, and when they are."""
    rng = np.random.default_rng(seed)
    n, times, t = round(seconds * rate_hz), [], 0.5
    while t < seconds - 0.5:
        times.append(t)
        t += 60 / bpm * (1 + 0.03 * rng.standard_normal())
    x = np.zeros(n)
    grid = np.arange(n) / rate_hz
    for at in times:
        for after, height, width in ((-0.03, -0.12, 0.010), (0, 1, 0.011), (0.03, -0.22, 0.011)):
            x += height * np.exp(-0.5 * ((grid - at - after) / width) ** 2)
    return 60e-6 * x[:, None] * np.linspace(1, 0, channels), np.array(times)


def cleaned(raw, rate_hz, chunk):
    design = FilterDesign(rate_hz, FilterSettings())
    band_filter, remover = BandFilter(design), HeartRemover(rate_hz, raw.shape[1])
    parts, bands, beats = [], [], []
    for i in range(0, len(raw), chunk):
        part = raw[i : i + chunk]
        bands.append(band_filter(part))
        parts.append(remover(part, bands[-1]))
        beats += [b for b in remover.beats if not beats or b > beats[-1]]
    return np.concatenate(bands), np.concatenate(parts), np.array(beats), remover


@pytest.mark.parametrize("rate_hz", [250.0, 1000.0, 2000.0])
def test_beats_are_found_and_taken_out_of_resting_muscle(emg, rate_hz):
    seconds, channels = 60, 8
    beats, times = heart(rate_hz, seconds, channels)
    muscle = 3e-6 * emg(rate_hz, len(beats), channels)
    band, clean, found, remover = cleaned(muscle + beats, rate_hz, round(0.025 * rate_hz))
    truth = BandFilter(FilterDesign(rate_hz, FilterSettings()))(muscle)[: len(clean)]
    late = slice(round(15 * rate_hz), None)
    before = (band[: len(clean)] - truth)[late].std(axis=0)
    after = (clean - truth)[late].std(axis=0)
    assert (after[:5] < 0.3 * before[:5]).all()
    assert after[-1] < 0.3e-6  # a channel without a heart keeps what it has
    wanted = times[(times > 8) & (times < seconds - 1)]
    nearest = np.abs(found[None] / rate_hz - 0.01 - wanted[:, None]).min(axis=1)
    assert (nearest < 0.03).all()
    assert len(found[found > 8 * rate_hz]) <= len(wanted) + 2
    assert len(clean) == len(band) - remover.delay


def test_a_contraction_hides_no_beat_of_the_other_channels_and_spoils_no_mean_beat(emg):
    beats, times = heart(1000.0, 60, 6)
    muscle = 3e-6 * emg(1000.0, 60_000, 6)
    muscle[25_000:31_000, :3] *= 60
    _, clean, found, _ = cleaned(muscle + beats, 1000.0, 25)
    truth = BandFilter(FilterDesign(1000.0, FilterSettings()))(muscle)[: len(clean)]
    after = slice(33_000, None)
    assert (clean - truth)[after].std(axis=0).max() < 2e-6
    assert abs(len(found[found > 8000]) - (times > 8).sum()) <= 2


def test_muscle_alone_is_left_as_it_is(emg):
    muscle = 3e-6 * emg(1000.0, 40_000, 6)
    muscle[10_000:12_000] *= 30
    muscle[20_000:20_300] *= 50
    band, clean, found, _ = cleaned(muscle, 1000.0, 25)
    np.testing.assert_array_equal(clean, band[: len(clean)])
    assert not len(found)


def test_any_chunks_give_the_same_bits_and_a_flush_gives_the_rest(emg):
    beats, _ = heart(1000.0, 20, 3)
    raw = 3e-6 * emg(1000.0, 20_000, 3) + beats
    _, first, _, remover = cleaned(raw, 1000.0, 25)
    for chunk in (1, 333, 20_000):
        _, other, _, _ = cleaned(raw, 1000.0, chunk)
        np.testing.assert_array_equal(other, first)
    assert len(first) + len(remover.flush()) == len(raw)


def test_a_gap_forgets_the_samples_but_not_the_beat(emg):
    beats, times = heart(1000.0, 40, 4)
    raw = 3e-6 * emg(1000.0, 40_000, 4) + beats
    band = BandFilter(FilterDesign(1000.0, FilterSettings()))(raw)
    remover = HeartRemover(1000.0, 4)
    remover(raw[:20_000], band[:20_000])
    remover.restart()
    remover.beats.clear()
    out = remover(raw[30_000:], band[30_000:])
    assert len(out) == 10_000 - remover.delay
    # The first beat after the gap is found at once.
    wanted = times[times > 30 + BEFORE_S + 0.05][0] - 10
    assert remover.beats[0] / 1000 == pytest.approx(wanted, abs=0.03)
    assert signal.correlate(out[:, 0], out[:, 0]).size
