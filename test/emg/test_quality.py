"""Each planted fault is found, and clean channels are not accused."""

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.filters import BandFilter, FilterDesign, FilterSettings
from lbp_rehab.emg.quality import QualityMonitor, QualitySettings
from lbp_rehab.emg.types import Quality
from lbp_rehab.estimate import Reason

RATE_HZ = 2000.0


def clean(emg, n, channels):
    """Return rest at 3 uV with bursts of 0.1, 0.5 and 1 mV."""
    t = np.arange(n) / RATE_HZ
    level = np.select([t % 4 > 3, t % 4 > 2, t % 4 > 1], [1e-3, 5e-4, 1e-4], 3e-6)
    return emg(RATE_HZ, n, channels) * level[:, None]


def plant(kind, x):
    t = np.arange(len(x)) / RATE_HZ
    rng = np.random.default_rng(1)
    if kind == "flat":
        return np.full_like(x, 1.2e-3)
    if kind == "stuck at the rail":
        return np.full_like(x, 5e-3) + 1e-5 * (rng.random(len(x)) < 0.3)
    if kind == "clipped":
        return np.clip(20 * x, -2e-3, 2e-3)
    if kind == "mains":
        return x / 100 + 4e-4 * np.sin(2 * np.pi * 50 * t) + 1e-4 * np.sin(2 * np.pi * 150 * t)
    if kind == "white":
        return 2e-4 * rng.standard_normal(len(x))
    if kind == "moved":
        return x / 100 + 2e-3 * np.sin(2 * np.pi * 4 * t) ** 3
    if kind == "knocked":
        return x + 0.03 * (np.abs(t % 1 - 0.5) < 0.01)
    return x + 1.4e-5 * rng.standard_normal(len(x))


FAULTS = {
    "flat": Quality.FLAT,
    "stuck at the rail": Quality.SATURATED,
    "clipped": Quality.SATURATED,
    "mains": Quality.ELECTRODE_OFF,
    "white": Quality.ELECTRODE_OFF,
    "moved": Quality.ARTEFACT,
    "knocked": Quality.ARTEFACT,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_is_found_and_makes_the_channel_unknown(emg, chunks_of, run_all, kind):
    x = clean(emg, 16000, 3)
    x[:, 1] = plant(kind, x[:, 1])
    result = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 50))
    late = [a for a in result if a.stamp_ns > result[0].stamp_ns + 2_000_000_000]
    found = [a.muscles[1].channel.quality for a in late]
    share = np.mean([q == FAULTS[kind] for q in found])
    # Clipping shows only while the signal is large enough.
    assert share > (0.6 if kind == "clipped" else 0.95)
    for instant in late:
        faulty = instant.muscles[1]
        if not faulty.channel.quality.usable:
            assert not faulty.envelope.known
            assert faulty.envelope.reason == faulty.activation.reason == Reason.SENSOR_FAULT
        assert instant.muscles[0].channel.quality == Quality.GOOD
        assert instant.muscles[2].channel.quality == Quality.GOOD
        assert instant.muscles[0].envelope.known


@pytest.mark.parametrize("rate_hz", [250.0, 1000.0, 2000.0])
def test_clean_channels_with_bursts_are_good(emg, chunks_of, run_all, rate_hz):
    n = round(20 * rate_hz)
    t = np.arange(n) / rate_hz
    level = np.where(t % 4 > 2, 5e-4, 2e-6)[:, None]
    x = emg(rate_hz, n, 8) * level + 0.02  # electrode offset
    result = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, rate_hz, round(rate_hz / 40)))
    judged = [m.channel.quality for a in result for m in a.muscles]
    good = sum(q == Quality.GOOD for q in judged)
    assert good > 0.98 * sum(q != Quality.UNKNOWN for q in judged)
    assert not any(q in FAULTS.values() for q in judged)


def test_noise_that_only_disturbs_is_noisy(emg, chunks_of, run_all):
    x = clean(emg, 8000, 1)
    x[:] = 3e-6 * x / x.std()
    x[:, 0] = plant("noisy", x[:, 0])
    result = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 50))
    assert result[-1].muscles[0].channel.quality == Quality.NOISY
    assert result[-1].muscles[0].envelope.known


def test_a_fault_that_passes_is_forgiven(emg, chunks_of, run_all):
    x = 5e-5 * emg(RATE_HZ, 16000, 1)
    x[4000:8000] = 0
    result = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 50))
    seen = {round((a.stamp_ns - result[0].stamp_ns) / 1e9, 2): a.muscles[0] for a in result}
    assert seen[3.5].channel.quality == Quality.FLAT
    assert seen[7.5].channel.quality == Quality.GOOD


def judged(raw, rate_hz=RATE_HZ, **settings):
    """Return (time, verdict) of one channel at every judgement."""
    chosen = QualitySettings(**settings)
    monitor = QualityMonitor(rate_hz, 1, 50.0, chosen)
    band = BandFilter(FilterDesign(rate_hz, FilterSettings()))
    hop, verdicts = round(chosen.hop_s * rate_hz), []
    for i in range(0, len(raw) - hop + 1, hop):
        part = raw[i : i + hop, None]
        monitor.update(part, band(part))
        verdicts.append(((i + hop) / rate_hz, monitor.judge()[0]))
    return verdicts


def between(verdicts, begin_s, end_s):
    return {quality for at, quality in verdicts if begin_s < at <= end_s}


def first(verdicts, quality):
    return next((at for at, verdict in verdicts if verdict is quality), None)


@pytest.mark.parametrize("working", [False, True])
def test_a_short_jerk_of_a_lead_is_an_artefact_at_once(emg, working):
    t = np.arange(12000) / RATE_HZ
    x = (2e-4 if working else 3e-6) * emg(RATE_HZ, 12000, 1)[:, 0]
    jerk = np.where((t >= 2.5) & (t < 2.7), 6e-4 * np.sin(np.pi * (t - 2.5) / 0.2), 0.0)
    verdicts = judged(x + jerk)
    assert 2.5 < first(verdicts, Quality.ARTEFACT) <= 2.65
    assert between(verdicts, 2.65, 2.75) == {Quality.ARTEFACT}
    assert between(verdicts, 4.0, 6.0) == {Quality.GOOD}
    # The whole window alone sees it later, or not at all beside a contraction.
    slow = first(judged(x + jerk, jerk_v=1.0), Quality.ARTEFACT)
    assert slow is None or slow > first(verdicts, Quality.ARTEFACT)


def test_a_contraction_is_no_jerk(emg):
    t = np.arange(12000) / RATE_HZ
    level = np.where(t % 2 > 1, 1e-3, 3e-6)
    assert Quality.ARTEFACT not in between(judged(emg(RATE_HZ, 12000, 1)[:, 0] * level), 0, 6)


def test_white_noise_under_a_contraction_is_not_forgotten(emg):
    t = np.arange(16000) / RATE_HZ
    work = emg(RATE_HZ, 16000, 1)[:, 0] * np.where((t > 2.5) & (t < 5), 2e-4, 2e-6)
    white = 4e-5 * np.random.default_rng(2).standard_normal(len(t)) * (t < 5.5)
    verdicts = judged(work + white)
    assert between(verdicts, 1.0, 5.4) == {Quality.ELECTRODE_OFF}
    assert between(verdicts, 6.6, 8.0) == {Quality.GOOD}
    # The same contraction over a skin contact that was never seen open is not accused.
    assert Quality.ELECTRODE_OFF not in between(judged(work), 0.0, 8.0)


@pytest.mark.parametrize("level_v", [3e-6, 3e-4])
def test_a_flat_line_is_seen_within_three_tenths_of_a_second(emg, level_v):
    x = level_v * emg(RATE_HZ, 8000, 1)[:, 0]
    x[5000:] = x[5000]
    verdicts = judged(x)
    assert between(verdicts, 1.0, 2.5) == {Quality.GOOD}
    assert 2.5 < first(verdicts, Quality.FLAT) <= 2.8
    assert between(verdicts, 2.8, 4.0) == {Quality.FLAT}


@pytest.mark.parametrize(
    ("mains_v", "verdict"),
    [(10e-6, Quality.GOOD), (40e-6, Quality.NOISY), (150e-6, Quality.ELECTRODE_OFF)],
)
def test_mains_disturb_before_they_mean_that_the_electrode_is_off(emg, mains_v, verdict):
    t = np.arange(8000) / RATE_HZ
    x = 3e-6 * emg(RATE_HZ, 8000, 1)[:, 0] + mains_v * np.sqrt(2) * np.sin(2 * np.pi * 50 * t)
    assert between(judged(x), 1.0, 4.0) == {verdict}


def line(t, rms_v):
    return rms_v * np.sqrt(2) * np.sin(2 * np.pi * 50 * t)


def test_an_electrode_put_back_in_the_middle_of_a_contraction_is_believed(emg):
    t = np.arange(20000) / RATE_HZ
    bare = (t > 3) & (t < 5)
    work = emg(RATE_HZ, 20000, 1)[:, 0] * np.where(t > 2, 2e-4, 2e-6)
    noise = 3e-5 * np.random.default_rng(3).standard_normal(len(t))
    verdicts = judged(np.where(bare, noise + line(t, 5e-4), work))
    assert between(verdicts, 4.0, 5.0) == {Quality.ELECTRODE_OFF}
    assert between(verdicts, 6.3, 10.0) == {Quality.GOOD}


def test_mains_and_noise_that_rise_together_mean_that_the_contact_goes(emg):
    t = np.arange(16000) / RATE_HZ
    muscle = emg(RATE_HZ, 16000, 1)[:, 0] * np.where((t > 4) & (t < 6), 1e-4, 1e-6)
    noise = 1.2e-5 * np.random.default_rng(4).standard_normal(len(t))
    both = judged(muscle + noise + line(t, 4.5e-5))
    assert between(both, 1.0, 8.0) == {Quality.ELECTRODE_OFF}  # under a contraction as well
    # One of them alone only disturbs.
    assert Quality.ELECTRODE_OFF not in between(judged(muscle + noise), 1.0, 8.0)
    assert Quality.ELECTRODE_OFF not in between(judged(muscle + line(t, 4.5e-5)), 1.0, 8.0)
