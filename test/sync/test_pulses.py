import numpy as np
import pytest

from lbp_rehab.sync.pulses import pulse_onsets

NS = 1_000_000_000


def recording(rate_hz, channels, seconds=10.0, seed=0):
    """Quiet sEMG with mains: stamps, volts and whether samples follow each other."""
    n = round(seconds * rate_hz)
    rng = np.random.default_rng(seed)
    t = np.arange(n) / rate_hz
    volts = 3e-6 * rng.standard_normal((n, channels)) + 4e-6 * np.sin(2 * np.pi * 50 * t)[:, None]
    joined = np.ones(n, bool)
    joined[0] = False
    return 5 * NS + np.round(t * NS).astype(np.int64), volts.astype(np.float32), joined


def add_pulse(volts, at, rate_hz, height=300e-6):
    k = np.arange(len(volts) - at) / rate_hz
    volts[at:] += (height * np.exp(-k / 0.004)).astype(np.float32)[:, None]


@pytest.mark.parametrize("rate_hz", [1000.0, 2000.0])
@pytest.mark.parametrize("channels", [1, 2, 12])
def test_onset_is_found_to_the_sample(rate_hz, channels):
    stamps, volts, joined = recording(rate_hz, channels)
    places = [round(s * rate_hz) for s in (0.51, 1.203, 4.2, 9.9)]
    for at in places:
        add_pulse(volts, at, rate_hz)
    found = pulse_onsets(stamps, volts, joined)
    np.testing.assert_array_equal(found, [[stamps[k - 1], stamps[k]] for k in places])


def test_muscles_that_work_and_the_heart_are_no_pulses():
    stamps, volts, joined = recording(1000.0, 12)
    rng = np.random.default_rng(3)
    volts[3000:6000, :5] += (200e-6 * rng.standard_normal((3000, 5))).astype(np.float32)
    wave = 60e-6 * np.exp(-0.5 * (np.arange(-30, 31) / 10.0) ** 2)
    for beat in range(500, 9900, 900):
        volts[beat - 30 : beat + 31] += wave[:, None].astype(np.float32)
    assert len(pulse_onsets(stamps, volts, joined)) == 0
    add_pulse(volts, 4500, 1000.0)
    np.testing.assert_array_equal(
        pulse_onsets(stamps, volts, joined), [[stamps[4499], stamps[4500]]]
    )


def test_a_dead_channel_does_not_hide_a_pulse():
    stamps, volts, joined = recording(1000.0, 3)
    add_pulse(volts, 700, 1000.0)
    volts[:, :2] = 0.0
    np.testing.assert_array_equal(pulse_onsets(stamps, volts, joined), [[stamps[699], stamps[700]]])
    assert len(pulse_onsets(stamps, np.zeros_like(volts), joined)) == 0


def test_a_jump_over_a_gap_is_no_pulse():
    stamps, volts, joined = recording(1000.0, 4)
    volts[2000:] += np.float32(1e-3)
    joined[2000] = False
    assert len(pulse_onsets(stamps, volts, joined)) == 0


def test_an_edge_that_a_filter_slows_down_begins_at_its_first_sample():
    stamps, volts, joined = recording(2000.0, 4)
    edge = 300e-6 * np.array([0.15, 0.5, 0.85, 1.0])
    volts[900:904] += edge[:, None].astype(np.float32)
    volts[904:] += np.float32(300e-6)
    np.testing.assert_array_equal(pulse_onsets(stamps, volts, joined), [[stamps[899], stamps[900]]])


def test_no_samples_hold_no_pulse():
    empty = np.zeros(0, np.int64), np.zeros((0, 2), np.float32), np.zeros(0, bool)
    assert pulse_onsets(*empty).shape == (0, 2)
