import numpy as np

from lbp_rehab.pose.smoothing import OneEuro, OneEuroSettings

FRAME_NS = 33_333_333
KNOWN = np.array([True])


def run(signal, settings=None, period_ns=FRAME_NS):
    smooth = OneEuro(1, settings or OneEuroSettings())
    return np.array(
        [
            smooth(k * period_ns, np.array([[x, 0.0, 0.0]]), KNOWN)[0, 0]
            for k, x in enumerate(signal)
        ]
    )


def test_a_constant_stays_and_the_first_value_passes():
    np.testing.assert_array_equal(run([1.5] * 20), 1.5)


def test_noise_at_rest_is_damped():
    noise = np.random.default_rng(0).normal(0, 0.01, 600)
    out = run(noise)
    assert out[100:].std() < 0.6 * noise[100:].std()


def test_fast_movement_is_followed_with_little_lag():
    t = np.arange(150) * FRAME_NS / 1e9
    moving = 0.3 * np.sin(2 * np.pi * 0.5 * t)
    assert np.abs(run(moving) - moving)[30:].max() < 0.05


def test_the_result_depends_on_stamps_not_on_the_number_of_calls():
    slow = run(np.linspace(0, 1, 31), period_ns=FRAME_NS)
    fast = run(np.linspace(0, 1, 61), period_ns=FRAME_NS // 2)
    assert abs(slow[-1] - fast[-1]) < 0.02


def test_after_a_gap_the_filter_starts_anew():
    smooth = OneEuro(1, OneEuroSettings(max_gap_s=0.5))
    smooth(0, np.zeros((1, 3)), KNOWN)
    assert smooth(600_000_000, np.ones((1, 3)), KNOWN)[0, 0] == 1.0


def test_an_unknown_point_does_not_enter_the_filter():
    smooth = OneEuro(1, OneEuroSettings())
    smooth(0, np.ones((1, 3)), KNOWN)
    smooth(FRAME_NS, np.zeros((1, 3)), np.array([False]))
    assert smooth(2 * FRAME_NS, np.ones((1, 3)), KNOWN)[0, 0] == 1.0
