"""Median frequency against known spectra; recordings of a maximum."""

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.fatigue import FatigueMonitor, FatigueSettings, median_frequency
from lbp_rehab.emg.filters import emg_spectrum
from lbp_rehab.emg.mvc import MvcRecording, read_mvc
from lbp_rehab.emg.types import Channel, Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status

RATE_HZ = 1000.0


def test_median_frequency_and_sigma_of_a_known_spectrum(emg):
    frequency = np.linspace(0, 500, 50001)
    share = np.cumsum(emg_spectrum(frequency))
    truth = np.interp(0.5, share / share[-1], frequency)
    x = emg(RATE_HZ, 200_000, 2).reshape(200, 1000, 2)
    found = np.array([median_frequency(window, RATE_HZ) for window in x])
    assert found[:, 0].mean() == pytest.approx(truth, rel=0.02)
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.2)


def test_slope_of_a_spectrum_that_slows_down():
    # A carrier sweeping down by 0.5 Hz a second, spread by noise-like phase steps.
    t = np.arange(40_000) / RATE_HZ
    rng = np.random.default_rng(0)
    phase = 2 * np.pi * (110 * t - 0.25 * t**2) + np.cumsum(0.15 * rng.standard_normal(len(t)))
    monitor = FatigueMonitor(RATE_HZ, 1, FatigueSettings())
    active, since = np.array([True]), np.array([1])
    for i in range(0, len(t), 25):
        end_ns = round((i + 25) / RATE_HZ * 1e9) + 1
        monitor.update(np.sin(phase[i : i + 25])[:, None], end_ns, active, since)
    slope = monitor.slope[0]
    assert abs(slope.value + 0.5) < 3 * slope.sigma
    assert slope.sigma < 0.1
    monitor.update(np.zeros((2000, 1)), end_ns + 2_000_000_000, np.array([False]), since)
    assert monitor.median[0].status is Status.HELD


def recorded(emg, chunks_of, run_all, recording, level=1e-4):
    n = 10_000
    t = np.arange(n) / RATE_HZ
    x = emg(RATE_HZ, n, 2) * np.where((t > 5) & (t < 8), level, 2e-6)[:, None]
    channels = (
        Channel("a", Muscle.MULTIFIDUS, Side.LEFT),
        Channel("b", Muscle.MULTIFIDUS, Side.RIGHT),
    )
    for activation in run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 25, channels))[
        150:
    ]:
        if recording.add(activation):
            break
    return recording.result()


def test_mvc_is_the_highest_average_envelope(emg, chunks_of, run_all):
    result = recorded(emg, chunks_of, run_all, MvcRecording(Muscle.UNKNOWN, Side.NONE, 6.0, 0.5))
    assert set(result.mvc_v) == {"a", "b"}
    # The mean absolute value of Gaussian noise, less what lies outside the band; the highest of
    # several averages is a little above the mean.
    for volts in result.mvc_v.values():
        assert 0.95 < volts / (1e-4 * np.sqrt(2 / np.pi) * 0.97) < 1.2


def test_mvc_of_one_side_only(emg, chunks_of, run_all):
    recording = MvcRecording(Muscle.MULTIFIDUS, Side.RIGHT, 6.0, 0.5)
    assert set(recorded(emg, chunks_of, run_all, recording).mvc_v) == {"b"}


def test_mvc_of_rest_or_of_nothing_is_refused(emg, chunks_of, run_all):
    rest = MvcRecording(Muscle.UNKNOWN, Side.NONE, 6.0, 0.5)
    result = recorded(emg, chunks_of, run_all, rest, 2e-6)
    assert result.mvc_v == {}
    assert "push harder" in result.message
    other = MvcRecording(Muscle.GLUTEUS_MAXIMUS, Side.NONE, 6.0, 0.5)
    assert recorded(emg, chunks_of, run_all, other).mvc_v == {}
    assert MvcRecording(Muscle.UNKNOWN, Side.NONE, 1.0, 0.5).result().mvc_v == {}


def test_mvc_file(tmp_path):
    path = tmp_path / "mvc.yaml"
    path.write_text("LMF: 0.00035\nRMF: 4.0e-4\n")
    assert read_mvc(path) == {"LMF": 0.00035, "RMF": 0.0004}
    for text in ("- 1", "LMF: 350", "LMF: high", "LMF: [", ""):
        path.write_text(text)
        with pytest.raises(InputError, match="MVC file mvc"):
            read_mvc(path)
    with pytest.raises(InputError, match="check the path"):
        read_mvc(tmp_path / "none.yaml")
