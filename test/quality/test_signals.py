import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.signals import LowPass, smooth, spectral_arc_length
from lbp_rehab.quality.track import Track

SECOND = 1_000_000_000


def test_a_line_is_smoothed_into_itself_with_its_slope_also_at_the_ends_and_over_gaps():
    times = np.sort(np.random.default_rng(0).uniform(0.0, 3.0, 60))
    times = times[(times < 1.0) | (times > 1.6)]
    fit = smooth(times, 2.0 + 3.0 * times, np.full(len(times), 0.1), 0.15)
    assert fit.value == pytest.approx(2.0 + 3.0 * times)
    assert fit.slope == pytest.approx(np.full(len(times), 3.0))


def test_the_sigma_of_smoothing_is_the_scatter_of_its_result():
    rng = np.random.default_rng(1)
    times = np.arange(0.0, 2.0, 1 / 30)
    sigma = np.full(len(times), 0.5)
    drawn = [smooth(times, sigma * rng.standard_normal(len(times)), sigma, 0.1) for _ in range(500)]
    middle = [fit.value[30] for fit in drawn]
    assert drawn[0].sigma[30] == pytest.approx(np.std(middle), rel=0.12)


def test_the_low_pass_depends_on_the_stamps_and_not_on_the_number_of_samples():
    outputs = []
    for step in (SECOND // 30, SECOND // 300):
        low_pass = LowPass(0.3)
        low_pass.update(0, Estimate(0.0, 0.1))
        for k in range(1, SECOND // step + 1):
            low_pass.update(k * step, Estimate(1.0, 0.1))
        outputs.append(low_pass.value)
    assert outputs == pytest.approx([1.0 - np.exp(-1 / 0.3)] * 2, abs=1e-6)


def test_the_low_pass_bridges_no_gap():
    low_pass = LowPass(10.0)
    low_pass.update(0, Estimate(0.0, 0.1))
    assert low_pass.update(SECOND, Estimate(5.0, 0.1)) == 5.0


def test_sparc_of_a_minimum_jerk_movement_is_that_of_the_literature_and_scale_free():
    def speed(duration_s, amplitude=1.0):
        u = np.arange(0.0, duration_s, 0.01) / duration_s
        return amplitude * (u**2 - 2 * u**3 + u**4)

    # Balasubramanian et al. 2015: a single bell-shaped movement has about -1.4.
    values = [spectral_arc_length(speed(d, a), 100.0) for d, a in ((1, 1), (2, 1), (4, 7))]
    assert values == pytest.approx([values[0]] * 3, abs=0.03)
    assert values[0] == pytest.approx(-1.41, abs=0.05)


def test_sparc_falls_with_each_further_submovement():
    u = np.linspace(0.0, 1.0, 300)
    values = [spectral_arc_length(np.sin(n * np.pi * u) ** 2, 100.0) for n in (1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)


def test_a_track_keeps_no_unknown_or_late_sample_and_says_why_it_is_empty():
    track = Track()
    track.add(SECOND, Estimate.unknown(Reason.OCCLUDED))
    assert track.mean(0, 10 * SECOND).reason == Reason.OCCLUDED
    track.add(2 * SECOND, Estimate(1.0, 0.1))
    track.add(SECOND, Estimate(9.0, 0.1))
    assert track.mean(0, 10 * SECOND).value == 1.0


def test_a_track_forgets_what_is_long_past():
    track = Track()
    for k in range(400):
        track.add(k * SECOND, Estimate(float(k), 0.1))
    times, values, _ = track.between(0, 400 * SECOND)
    assert values[-1] == 399.0
    assert len(times) <= 241


def test_a_track_of_an_angle_that_turns_over_goes_on_where_it_was():
    track = Track("pelvis_rotation")
    true = np.linspace(3.0, 3.4, 5)
    for k, value in enumerate(true):
        wrapped = float(np.arctan2(np.sin(value), np.cos(value)))
        track.add(k * 1_000_000_000, Estimate(wrapped, 0.01))
    _, values, _ = track.between(0, 10_000_000_000)
    np.testing.assert_allclose(values, true, atol=1e-12)


def test_an_angle_that_turns_over_goes_on_where_it_was():
    track = Track("pelvis_rotation")
    track.add(0, Estimate(3.1, 0.01))
    assert track.add(SECOND // 30, Estimate(-3.1, 0.01)).value == pytest.approx(2 * np.pi - 3.1)
    assert Track("pelvis_tilt").add(0, Estimate(-3.1, 0.01)).value == -3.1
