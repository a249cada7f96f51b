"""The frequency of the mains is found by itself, and a wrong first belief is given up."""

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.mains import MainsFinder


def hum(mains_hz, rate_hz, n, volts=5e-6):
    t = np.arange(n)[:, None] / rate_hz
    return volts * (np.sin(2 * np.pi * mains_hz * t) + 0.2 * np.sin(6 * np.pi * mains_hz * t + 1))


@pytest.mark.parametrize("mains_hz", [49.9, 50.0, 50.1, 59.9, 60.0, 60.1])
@pytest.mark.parametrize("rate_hz", [250.0, 1000.0, 2000.0])
def test_found_in_a_second(emg, mains_hz, rate_hz):
    n = round(3 * rate_hz)
    finder = MainsFinder(rate_hz)
    x = 5e-6 * emg(rate_hz, n, 6) + hum(mains_hz, rate_hz, n)
    assert not finder.update(x[: round(0.9 * rate_hz)])
    assert finder.update(x[round(0.9 * rate_hz) :])
    assert finder.mains_hz == round(mains_hz, -1)


def test_a_line_that_comes_later_is_believed_and_noise_is_not(emg):
    finder = MainsFinder(1000.0)
    x = 5e-6 * emg(1000.0, 30_000, 6)
    finder.update(x[:10_000])
    first = finder.mains_hz
    assert first in (50.0, 60.0)
    assert not finder.update(x[10_000:20_000])
    other = 110.0 - first
    assert finder.update(x[20_000:] + hum(other, 1000.0, 10_000))
    assert finder.mains_hz == other


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_the_pipeline_notches_what_is_there(emg, chunks_of, run_all, mains_hz):
    quiet = 2e-6 * emg(1000.0, 6000, 3)
    loud = quiet + hum(mains_hz, 1000.0, 6000, 30e-6)
    pipelines = [EmgPipeline(PipelineSettings()) for _ in range(2)]
    truth, got = (
        run_all(p, chunks_of(x, 1000.0, 25)) for p, x in zip(pipelines, (quiet, loud), strict=True)
    )
    assert f"mains found at {mains_hz:g} Hz" in pipelines[1].notes
    for a, b in zip(truth[150:], got[150:], strict=True):
        for one, other in zip(a.muscles, b.muscles, strict=True):
            assert other.envelope.value == pytest.approx(one.envelope.value, rel=0.4)
