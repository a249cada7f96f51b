import numpy as np
import pytest
from scipy.signal import butter, find_peaks, sosfiltfilt, welch

from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.synthetic import emg
from lbp_rehab.synthetic.movement import Fault, glute_bridge


def envelope(signal):
    band = butter(2, (20.0, 450.0), "bandpass", fs=emg.RATE_HZ, output="sos")
    smooth = butter(2, 2.0, fs=emg.RATE_HZ, output="sos")
    return sosfiltfilt(smooth, np.abs(sosfiltfilt(band, signal, axis=0)), axis=0)


@pytest.fixture(scope="module")
def movement():
    return glute_bridge(seed=1, faults=(Fault(3, "pelvis_drops"),))


@pytest.fixture(scope="module")
def drives(movement):
    return emg.drive(movement, np.arange(round(movement.duration_s * emg.RATE_HZ)) / emg.RATE_HZ)


def test_drive_is_a_fraction_and_low_at_rest(drives):
    assert drives.min() >= 0.0
    assert drives.max() < 0.8
    assert drives[:3000].max() < 0.05


def test_gluteus_and_back_work_in_the_hold_and_the_abdomen_does_not(movement, drives):
    top = round(movement.repetitions[0].top_s * emg.RATE_HZ)
    level = dict(zip(emg.CHANNELS, drives[top], strict=True))
    for side in (Side.LEFT, Side.RIGHT):
        assert level[Muscle.GLUTEUS_MAXIMUS, side] > 0.35
        assert 0.2 < level[Muscle.ERECTOR_SPINAE, side] < 0.5
        assert level[Muscle.RECTUS_ABDOMINIS, side] < 0.08


def test_sinking_side_loses_gluteus_drive(movement, drives):
    top = round(movement.repetitions[2].top_s * emg.RATE_HZ)
    level = dict(zip(emg.CHANNELS, drives[top], strict=True))
    left, right = (level[Muscle.GLUTEUS_MAXIMUS, side] for side in (Side.LEFT, Side.RIGHT))
    assert left < 0.65 * right


def test_envelope_follows_the_drive(drives):
    measured = envelope(emg.measure(drives, seed=1).astype(float))
    for k, (muscle, _) in enumerate(emg.CHANNELS):
        if muscle in (Muscle.GLUTEUS_MAXIMUS, Muscle.ERECTOR_SPINAE, Muscle.MULTIFIDUS):
            assert np.corrcoef(measured[:, k], drives[:, k])[0, 1] > 0.95, emg.LABELS[k]


def test_mvc_makes_fractions_of_the_envelope():
    steady = np.full((20000, len(emg.CHANNELS)), 0.5)
    measured = envelope(emg.measure(steady, seed=2).astype(float)).mean(axis=0)
    for label, value in zip(emg.LABELS, measured, strict=True):
        assert value / emg.mvc_envelopes_v(seed=2)[label] == pytest.approx(0.5, abs=0.05), label


def test_spectrum_is_that_of_surface_emg_with_mains_and_heart():
    rest = emg.measure(np.zeros((60000, len(emg.CHANNELS))), seed=3)
    f, power = welch(rest[:, emg.LABELS.index("erector_spinae_l")], emg.RATE_HZ, nperseg=4000)
    mains = power[np.argmin(abs(f - 50.0))]
    assert mains > 20 * power[(f > 55) & (f < 65)].max()
    assert f[np.argmax(np.where(f > 40, power, 0))] == pytest.approx(50.0)
    trace = rest[:, emg.LABELS.index("rectus_abdominis_l")]
    beats, _ = find_peaks(trace, height=50e-6, distance=400)
    assert len(beats) == pytest.approx(68, abs=4)  # in a minute
    muscle = emg.interference(200000, np.random.default_rng(0))
    assert muscle.std() == pytest.approx(1.0, abs=0.02)
    f, power = welch(muscle, emg.RATE_HZ, nperseg=2000)
    median_hz = f[np.searchsorted(np.cumsum(power), power.sum() / 2)]
    assert 70 < median_hz < 120


def test_same_seed_same_samples(drives):
    first, second = emg.measure(drives, seed=4), emg.measure(drives, seed=4)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert not np.array_equal(first, emg.measure(drives, seed=5))
    assert 50e-6 < np.abs(first).max() < 2e-3
