"""What electrodes measure of known drives."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt, welch

from lbp_rehab.emg.types import Muscle, Quality, Side
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.emg import stream as emg
from lbp_rehab.synthetic.emg.amplifier import HIGH_HZ, LOW_HZ, median_frequency_hz, power
from lbp_rehab.synthetic.emg.electrodes import Contact, Electrodes, ElectrodeSettings, Loose
from lbp_rehab.synthetic.emg.fatigue import SLOWING, Fatigue
from lbp_rehab.synthetic.emg.truth import EmgTruth
from lbp_rehab.synthetic.motion.movement import Fault, perform

N = len(emg.CHANNELS)
# Muscles and a perfect amplifier, nothing else.
BARE = ElectrodeSettings(
    cross_talk=0.0, heart=0.0, mains=0.0, drift=0.0, artefacts=0.0, fatigue=0.0, noise_v=0.0,
    adc_bits=0,
)  # fmt: skip


def envelope(signal, rate_hz=emg.RATE_HZ):
    band = butter(2, (20.0, 450.0), "bandpass", fs=rate_hz, output="sos")
    smooth = butter(2, 2.0, fs=rate_hz, output="sos")
    return sosfiltfilt(smooth, np.abs(sosfiltfilt(band, signal, axis=0)), axis=0)


def steady(level, seconds, rate_hz=1000.0):
    return np.full((round(seconds * rate_hz), N), float(level))


def line(signal, rate_hz, at_hz):
    """Return the amplitude of a line at a frequency, over the whole signal."""
    spectrum = 2 * np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) / (len(signal) / 2)
    f = np.fft.rfftfreq(len(signal), 1 / rate_hz)
    return spectrum[abs(f - at_hz) < 0.5].max()


@pytest.fixture(scope="module")
def movement():
    return perform("glute_bridge", seed=1, faults=(Fault(3, "pelvis_drops"),))


def whole(stream):
    return stream.read(stream.n_samples)


# --- the muscle's own signal


def test_envelope_follows_the_drive(movement):
    stream = emg.EmgStream(movement, seed=1)
    drives = stream.drives(stream.times_s(0, stream.n_samples))
    mvc = emg.mvc_envelopes_v(1)
    measured = envelope(whole(stream).astype(float))
    for k, (muscle, _) in enumerate(emg.CHANNELS):
        if muscle in (Muscle.GLUTEUS_MAXIMUS, Muscle.ERECTOR_SPINAE, Muscle.MULTIFIDUS):
            share = measured[:, k] / mvc[emg.LABELS[k]]
            assert np.corrcoef(share, drives[:, k])[0, 1] > 0.95, emg.LABELS[k]
            slope = np.polyfit(drives[:, k], share, 1)[0]
            assert 0.80 < slope < 1.1, emg.LABELS[k]


def test_stream_measures_its_own_drives(movement):
    stream = emg.EmgStream(movement, BARE, seed=12)
    drives = stream.drives(stream.times_s(0, stream.n_samples))
    expected = emg.measure(drives, 12, BARE)
    # The stream takes its drives from a coarser grid.
    difference = np.abs(whole(stream) - expected).max(axis=0) / expected.std(axis=0)
    assert difference.max() < 0.03


def test_bare_signal_is_in_proportion_to_its_drive():
    rms = Electrodes.drawn(4, BARE).mvc_rms_v
    for level in (0.1, 0.4, 1.0):
        measured = emg.measure(steady(level, 40), 4, BARE).astype(float).std(axis=0)
        np.testing.assert_allclose(measured / rms, level, rtol=0.03)


def test_mvc_makes_fractions_of_the_envelope():
    measured = envelope(emg.measure(steady(0.5, 20), 2).astype(float)).mean(axis=0)
    for label, value in zip(emg.LABELS, measured, strict=True):
        assert value / emg.mvc_envelopes_v(2)[label] == pytest.approx(0.5, abs=0.06), label


@pytest.mark.parametrize("rate_hz", [1000.0, 2000.0])
def test_spectrum_is_that_of_the_source(rate_hz):
    settings = replace(BARE, rate_hz=rate_hz)
    signal = emg.measure(steady(1.0, 120, rate_hz), 3, settings)[:, 0].astype(float)
    f, density = welch(signal, rate_hz, nperseg=1000)
    band = (f >= 20) & (f <= 400)
    expected = power(f[band])
    ratio = density[band] / density[band].sum() / (expected / expected.sum())
    assert np.abs(10 * np.log10(ratio)).max() < 1.2
    # Shwedyk's own form, written out.
    at = np.array([100.0])
    by_hand = HIGH_HZ**4 * at**2 / ((at**2 + LOW_HZ**2) * (at**2 + HIGH_HZ**2) ** 2)
    np.testing.assert_allclose(power(at), by_hand)
    assert 70 < median_frequency_hz() < 120


def test_channels_are_independent_without_cross_talk():
    signal = emg.measure(steady(1.0, 60), 5, BARE).astype(float)
    assert np.abs(np.corrcoef(signal.T) - np.eye(N)).max() < 0.04


# --- what the electrode adds


def test_cross_talk_has_its_share():
    settings = replace(BARE, cross_talk=0.08)
    person = Electrodes.drawn(6, settings)
    assert (person.mixing - np.eye(N)).max() < 0.15
    assert (person.mixing > 0).sum() > 2 * N
    k = emg.LABELS.index("erector_spinae_l")
    drives = np.zeros((30000, N))
    drives[:, k] = 1.0
    signal = emg.measure(drives, 6, settings).astype(float)
    share = signal.std(axis=0) / signal[:, k].std()
    np.testing.assert_allclose(share, person.mixing[:, k], atol=1e-6)
    assert 0.05 < share[emg.LABELS.index("multifidus_l")] < 0.15
    assert share[emg.LABELS.index("gluteus_maximus_r")] == 0.0


def test_heart_beats_at_its_times_and_breathes(movement):
    stream = emg.EmgStream(movement, replace(BARE, heart=1.0), seed=7)
    trace = whole(stream)[:, emg.LABELS.index("rectus_abdominis_l")].astype(float)
    rest = replace(BARE, heart=1.0)
    quiet = emg.measure(np.zeros((60000, N)), 7, rest)
    person = Electrodes.drawn(7, rest)
    peak = quiet.max(axis=0)
    assert peak[emg.LABELS.index("rectus_abdominis_l")] > 30e-6
    assert peak[emg.LABELS.index("gluteus_maximus_l")] < 10e-6
    beats = np.array(stream.beats_s)
    assert 40 < 60.0 / np.diff(beats).mean() < 130
    assert 60.0 / np.diff(beats)[:3].mean() == pytest.approx(person.heart_bpm, rel=0.1)
    assert 0.01 < np.diff(beats).std() / np.diff(beats).mean() < 0.15
    # The trace with muscles taken out is the same at every beat.
    muscle = whole(emg.EmgStream(movement, BARE, seed=7))[:, 8].astype(float)
    around = np.arange(-30, 60)
    inside = [b for b in beats if 0.5 < b < movement.duration_s - 0.5]
    waves = np.stack([np.interp(b + around / 1000.0, np.arange(len(trace)) / 1000.0, trace - muscle)
                      for b in inside])  # fmt: skip
    assert waves.std(axis=0).max() < 0.2 * np.abs(waves.mean(axis=0)).max()


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_line_and_harmonics_have_their_sizes(mains_hz):
    settings = replace(BARE, mains=1.0, mains_hz=mains_hz)
    person = Electrodes.drawn(8, settings)
    signal = emg.measure(np.zeros((20000, N)), 8, settings).astype(float)
    for k in range(N):
        for i, order in enumerate((1, 3)):
            index = (0, 2)[i]
            expected = person.mains_v[index, k]
            found = np.sqrt(2) * _band_rms(signal[:, k], order * mains_hz)
            assert found == pytest.approx(expected, rel=0.3), (emg.LABELS[k], order)
    assert _band_rms(signal[:, 0], 2.5 * mains_hz) < 0.01 * _band_rms(signal[:, 0], mains_hz)


def _band_rms(signal, centre_hz):
    band = butter(2, (centre_hz - 3, centre_hz + 3), "bandpass", fs=1000.0, output="sos")
    return sosfiltfilt(band, signal)[1000:-1000].std()


def test_drift_is_slow_and_noise_is_white():
    slow = emg.measure(np.zeros((60000, N)), 9, replace(BARE, drift=1.0)).astype(float)
    f, density = welch(slow[:, 0], 1000.0, nperseg=8000)
    assert density[f > 10].sum() < 0.02 * density.sum()
    np.testing.assert_allclose(
        slow.std(axis=0), Electrodes.drawn(9, ElectrodeSettings()).drift_v, rtol=0.25
    )
    steps = np.abs(np.diff(slow, axis=0))
    assert steps[499::500].mean() == pytest.approx(steps.mean(), rel=0.3)  # no seams
    noise = emg.measure(np.zeros((60000, N)), 9, replace(BARE, noise_v=2e-6)).astype(float)
    f, density = welch(noise[:, 0], 1000.0, nperseg=1000)
    assert density[f > 250].mean() == pytest.approx(density[(f > 5) & (f < 250)].mean(), rel=0.1)


def test_only_haste_shakes_the_leads():
    settings = replace(BARE, artefacts=1.0)
    calm, hasty = (
        emg.EmgStream(perform("bird_dog", seed=4, repetitions=2, faults=faults), settings, seed=4)
        for faults in ((), (Fault(2, "too_fast"),))
    )
    assert calm.events.artefacts == ()
    assert len(hasty.events.artefacts) == 2  # out and back
    second = hasty.drive.movement.repetitions[1]
    assert all(second.start_s < a < b < second.end_s for a, b in hasty.events.artefacts)
    shake = whole(hasty) - whole(emg.EmgStream(hasty.drive.movement, BARE, seed=4))
    t_s = hasty.times_s(0, hasty.n_samples)
    during = np.zeros(len(t_s), bool)
    for a, b in hasty.events.artefacts:
        during |= (t_s > a) & (t_s < b)
    assert (shake[during].std(axis=0) > 10e-6).all()
    edge = np.zeros_like(during)
    for a, b in hasty.events.artefacts:
        edge |= (t_s > a - 0.02) & (t_s < b + 0.02)
    assert (shake[~edge] == 0).all()


def test_converter_has_steps_and_a_range():
    settings = replace(BARE, adc_bits=10, range_v=300e-6)
    signal = emg.measure(steady(1.0, 5), 10, settings)
    step = 600e-6 / 1024
    assert settings.step_v == step
    np.testing.assert_allclose(signal / step, np.round(signal / step), atol=1e-3)
    assert signal.max() == np.float32(300e-6 - step)
    assert signal.min() == np.float32(-300e-6)


def test_loose_electrodes_give_what_their_contact_says(movement):
    loose = (
        Loose("multifidus_l", 3.0, 6.0, Contact.FLAT),
        Loose("multifidus_r", 3.0, 6.0, Contact.RAIL),
        Loose("erector_spinae_l", 3.2, 6.1, Contact.MAINS),
    )
    stream = emg.EmgStream(movement, ElectrodeSettings(loose=loose), seed=1)
    assert stream.events.loose == loose
    signal = whole(stream)
    assert (signal[3000:6000, 0] == 0.0).all()
    assert (signal[3000:6000, 1] == signal[3000, 1]).all()
    assert signal[3000, 1] > 6e-3
    bare = signal[3200:6100, 2].astype(float)
    assert line(bare, 1000.0, 50.0) == pytest.approx(0.8e-3, rel=0.1)
    usual = whole(emg.EmgStream(movement, ElectrodeSettings(), seed=1))
    np.testing.assert_array_equal(signal[:3000], usual[:3000])
    np.testing.assert_array_equal(signal[8500:], usual[8500:])
    np.testing.assert_array_equal(signal[:, 3:], usual[:, 3:])
    truth = EmgTruth(stream)
    during = truth.activations([4.0])[0]
    assert [m.channel.quality for m in during.muscles[:4]] == [
        Quality.FLAT, Quality.SATURATED, Quality.ELECTRODE_OFF, Quality.GOOD,
    ]  # fmt: skip
    assert truth.activations([7.0])[0].muscles[0].channel.quality == Quality.GOOD
    drawn = emg.EmgStream(movement, ElectrodeSettings(random_loose=3), seed=1).events.loose
    assert len({event.label for event in drawn}) == 3
    assert all(0.0 < event.start_s < event.end_s <= movement.duration_s for event in drawn)


# --- fatigue


def test_held_effort_slows_conduction_and_lowers_the_median_frequency():
    fatigue = Fatigue(lambda t_s: steady(0.6, len(t_s), 1.0), 90.0)
    signal = emg.measure(
        steady(0.6, 90), 11, BARE,
        lambda t_s: (fatigue.amplitude(t_s), fatigue.conduction(t_s)),
    ).astype(float)  # fmt: skip

    def median_hz(part):
        f, density = welch(part, 1000.0, nperseg=1000)
        band = (f >= 20) & (f <= 450)
        total = np.cumsum(density[band])
        return np.interp(total[-1] / 2, total, f[band])

    middle_s = np.arange(5.0, 90.0, 10.0)
    found = np.array([
        np.mean([median_hz(signal[int((m - 5) * 1000) : int((m + 5) * 1000), k]) for k in range(N)])
        for m in middle_s
    ])  # fmt: skip
    expected = np.array([
        median_frequency_hz(float(fatigue.conduction(np.array([m]))[0, 0])) for m in middle_s
    ])  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=0.03)
    slope = np.polyfit(middle_s, found, 1)[0]
    assert slope == pytest.approx(np.polyfit(middle_s, expected, 1)[0], rel=0.1)
    assert -0.5 < slope < -0.1
    grown = signal[-10000:].std() / signal[:10000].std()
    assert 1.1 < grown < 1.35


def test_fatigue_follows_its_equation_and_recovers():
    fatigue = Fatigue(lambda t_s: np.where(t_s[:, None] < 25.0, 1.0, 0.0) * np.ones(N), 200.0)
    at = fatigue.at(np.array([25.0, 115.0]))[:, 0]
    assert at[0] == pytest.approx(1 - np.exp(-1.0), rel=1e-6)  # T = 25 s
    assert at[1] == pytest.approx(at[0] * np.exp(-1.0), rel=1e-6)  # R = 90 s
    tired = fatigue.conduction(np.array([25.0]))[0, 0]
    assert tired == pytest.approx(1 - SLOWING * at[0])
    never = Fatigue(lambda t_s: np.ones((len(t_s), N)), 60.0, scale=0.0)
    assert (never.amplitude(np.array([60.0])) == 1.0).all()


# --- the MVC trial, the stream, the truth


def test_trial_lies_before_the_movement_and_brings_every_channel_to_its_maximum(movement):
    settings = replace(BARE, mvc_trial=True)
    stream = emg.EmgStream(movement, settings, seed=3)
    assert stream.start_s < -40.0
    contractions = stream.events.contractions
    assert {label for c in contractions for label in c.labels} == set(emg.LABELS)
    signal = whole(stream).astype(float)
    t_s = stream.times_s(0, len(signal))
    for c in contractions:
        assert 3.0 <= c.end_s - c.start_s <= 5.0
        assert stream.start_s < c.start_s < c.end_s < 0.0
        during = (t_s > c.start_s) & (t_s < c.end_s)
        for label in c.labels:
            k = emg.LABELS.index(label)
            rms = signal[during, k].std()
            assert rms == pytest.approx(stream.electrodes.mvc_rms_v[k], rel=0.1), label
            truth = stream.drives(np.array([c.start_s, c.end_s]))[:, k]
            np.testing.assert_allclose(truth, 1.0)
    between = (t_s > contractions[0].end_s + 1.0) & (t_s < contractions[1].start_s - 1.0)
    assert (signal[between].std(axis=0) < 0.05 * stream.electrodes.mvc_rms_v).all()
    plain = emg.EmgStream(movement, BARE, seed=3)
    np.testing.assert_array_equal(plain.drives(np.array([5.0])), stream.drives(np.array([5.0])))
    assert len(signal) == round((movement.duration_s - stream.start_s) * 1000)


@pytest.mark.parametrize("trial", [False, True])
def test_stream_is_the_same_whatever_the_chunks(movement, trial):
    settings = ElectrodeSettings(rate_hz=2000.0, mvc_trial=trial, random_loose=2)
    expected = whole(emg.EmgStream(movement, settings, seed=5))
    stream = emg.EmgStream(movement, settings, seed=5)
    rng = np.random.default_rng(0)
    parts = []
    while len(part := stream.read(int(rng.integers(1, 3000)))):
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert expected.dtype == np.float32
    assert np.isfinite(expected).all()
    assert len(expected) == stream.n_samples


def test_chunks_carry_true_stamps_and_counts(movement):
    stream = emg.EmgStream(movement, ElectrodeSettings(mvc_trial=True), seed=5)
    start_ns = 1_700_000_000 * 10**9
    chunks = list(stream.chunks(40, start_ns))
    assert chunks[0].stamp_ns == start_ns + round(stream.start_s * 1e9)
    for before, after in pairwise(chunks):
        assert after.first_sample == before.first_sample + len(before.data)
        assert after.stamp_ns == before.end_ns
    assert sum(len(c.data) for c in chunks) == stream.n_samples
    assert [c.label for c in chunks[0].channels] == list(emg.LABELS)


def test_same_seed_same_samples(movement):
    first, second, other, split = (
        whole(emg.EmgStream(movement, seed=seed, split=part))
        for seed, part in ((4, Split.ANY), (4, Split.ANY), (5, Split.ANY), (4, Split.TEST))
    )
    assert first.tobytes() == second.tobytes()
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, split)
    assert 50e-6 < np.abs(first).max() < 3e-3
    here, there = (Electrodes.drawn(seed, ElectrodeSettings()) for seed in (4, 5))
    assert np.abs(here.mvc_rms_v / there.mvc_rms_v - 1).max() > 0.1
    drives = steady(0.3, 3)
    assert emg.measure(drives, 4).tobytes() == emg.measure(drives, 4).tobytes()


def test_truth_is_the_drive_and_when_it_is_on(movement):
    stream = emg.EmgStream(movement, ElectrodeSettings(mvc_trial=True), seed=7)
    truth = EmgTruth(stream)
    start_ns = 10**18
    t_s = np.arange(stream.start_s, movement.duration_s, 0.02)
    activations = truth.activations(t_s, start_ns)
    drives = stream.drives(t_s)
    above = drives - stream.drive.rest(t_s)
    for i in range(0, len(t_s), 37):
        at = activations[i]
        assert at.stamp_ns == start_ns + round(t_s[i] * 1e9)
        for k, muscle in enumerate(at.muscles):
            assert muscle.channel.label == emg.LABELS[k]
            assert muscle.activation.value == drives[i, k]
            if abs(above[i, k] - 0.02) > 0.005:
                assert muscle.active == (above[i, k] > 0.02)
            assert muscle.since_ns <= at.stamp_ns
    glutes = truth.active[emg.LABELS.index("gluteus_maximus_r")]
    moving = [span for span in glutes if span[0] > 0.0]
    assert len(moving) == len(movement.repetitions)
    for (on_s, off_s), rep in zip(moving, movement.repetitions, strict=True):
        assert rep.start_s - 0.1 < on_s < rep.top_s
        assert rep.hold_end_s < off_s < rep.end_s + 0.1


def test_true_indices_agree_with_their_definitions(movement):
    from lbp_rehab.emg.indices import asymmetry, co_contraction, local_share

    stream = emg.EmgStream(movement, seed=8)
    top_s = movement.repetitions[2].top_s
    at = EmgTruth(stream).activations([top_s])[0]
    pairs = [(m.channel, m.activation) for m in at.muscles]
    for own, defined in (
        (at.co_contraction, co_contraction), (at.asymmetry, asymmetry),
        (at.local_share, local_share),
    ):  # fmt: skip
        assert own.value == pytest.approx(defined(pairs).value)
    gluteus = {m.channel.side: m for m in at.muscles if m.channel.muscle == Muscle.GLUTEUS_MAXIMUS}
    assert gluteus[Side.LEFT].active
    assert gluteus[Side.LEFT].median_frequency.value == pytest.approx(
        median_frequency_hz(), rel=0.1
    )


def test_true_envelope_is_what_a_bare_electrode_measures():
    movement = perform("plank", seed=9, repetitions=8)
    stream = emg.EmgStream(movement, replace(BARE, fatigue=1.0), seed=9)
    rep = movement.repetitions[-1]
    t_s = np.arange(rep.top_s, rep.hold_end_s, 0.02)
    truth = EmgTruth(stream).activations(t_s)
    expected = np.array([[m.envelope.value for m in a.muscles] for a in truth]).mean(axis=0)
    signal = np.abs(whole(stream))[round(rep.top_s * 1000) : round(rep.hold_end_s * 1000)]
    ratio = signal.mean(axis=0) / expected
    np.testing.assert_allclose(ratio, 1.0, atol=0.08)
    tired = stream.fatigue.amplitude(t_s).mean(axis=0)
    hard = tired > 1.06
    assert hard.sum() >= 2
    assert ratio[hard].mean() == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(
    "bad",
    [
        {"rate_hz": 500.0},
        {"mains_hz": 55.0},
        {"cross_talk": 0.5},
        {"heart": -1.0},
        {"adc_bits": 4},
        {"random_loose": 13},
    ],
)
def test_impossible_settings_are_refused(bad):
    with pytest.raises(InputError):
        ElectrodeSettings(**bad)
    with pytest.raises(InputError, match="no sEMG channel"):
        Loose("biceps", 0.0, 1.0)


def test_reading_nothing_is_refused(movement):
    with pytest.raises(InputError, match="at least one"):
        emg.EmgStream(movement).read(0)
