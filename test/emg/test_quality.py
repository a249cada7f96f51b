"""Each planted fault is found, and clean channels are not accused."""

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
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
    return x + 3e-5 * rng.standard_normal(len(x))


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
