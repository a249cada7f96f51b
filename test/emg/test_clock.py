"""Jittered stamps give the true times and rate, and gaps are counted."""

import numpy as np
import pytest

from lbp_rehab.emg.clock import RosTime, SampleClock


def test_jitter_is_averaged_and_the_true_rate_found():
    rng = np.random.default_rng(0)
    rate_hz, n = 1003.0, 25
    clock = SampleClock(1000.0)
    errors = []
    for k in range(2000):
        truth = 5000 + k * n / rate_hz
        mean = truth + (n - 1) / 2 / rate_hz + 0.003 * rng.standard_normal()
        first, lost = clock.update(mean, n)
        assert lost == 0
        errors.append(first - truth)
    assert clock.rate_hz == pytest.approx(rate_hz, rel=5e-4)
    assert np.std(errors[400:]) < 0.001
    assert np.std(errors[400:]) == pytest.approx(clock.sigma_s, rel=0.6)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_gap_is_counted_in_samples(interrupted):
    clock = SampleClock(1000.0)
    for k in range(100):
        clock.update(10 + k * 0.025 + 0.012, 25)
    first, lost = clock.update(10 + 2.5 + 0.5 + 0.012, 25, interrupted)
    assert lost == pytest.approx(500, abs=2)
    assert first == pytest.approx(13.0, abs=1e-6)


def test_device_time_on_ros_time_takes_the_prompt_pair():
    ros = RosTime()
    for delay_s in (0.004, 0.0, 0.002):  # between the two clocks' readings
        ros.observe(2_000_000_000, 1.0 + delay_s)
    assert ros.to_ns(1.5) == 2_500_000_000
