from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.emg.types import Quality
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.emg import stream as emg
from lbp_rehab.synthetic.emg.amplifier import HALF_OFF_SHARE
from lbp_rehab.synthetic.emg.electrodes import OFF, Contact, ElectrodeSettings, Loose
from lbp_rehab.synthetic.emg.faults import FAULTS_STREAM, random_faults, spoiled_spans
from lbp_rehab.synthetic.emg.truth import EmgTruth
from lbp_rehab.synthetic.motion.movement import perform

RATE_HZ = 1000.0
QUIET = ElectrodeSettings(
    cross_talk=0.0, heart=0.0, mains=0.0, drift=0.0, artefacts=0.0, fatigue=0.0, noise_v=0.0,
    adc_bits=0,
)  # fmt: skip


def held(seconds, level=0.5):
    return np.full((round(seconds * RATE_HZ), 12), level)


def pair(settings, loose, level=0.5, seconds=8.0):
    """Return the first channel without and with a fault from 2 to 6 s."""
    drives = held(seconds, level)
    sound = emg.measure(drives, 3, settings)[:, 0].astype(float)
    faulty = emg.measure(drives, 3, replace(settings, loose=(loose,)))[:, 0].astype(float)
    return sound, faulty


def event(contact, size=0.0):
    return Loose("multifidus_l", 2.0, 6.0, contact, size)


def test_a_clipped_channel_is_the_signal_cut_off():
    sound, faulty = pair(QUIET, event(Contact.CLIPPED, 60e-6))
    inside = slice(2000, 6000)
    np.testing.assert_allclose(faulty[inside], np.clip(sound[inside], -60e-6, 60e-6), atol=1e-12)
    assert (np.abs(faulty[inside]) == np.float32(60e-6)).mean() > 0.2
    np.testing.assert_array_equal(faulty[:2000], sound[:2000])
    np.testing.assert_array_equal(faulty[6000:], sound[6000:])


def test_a_pulled_cable_adds_swings_of_its_size_below_10_hz_and_steps():
    sound, faulty = pair(QUIET, event(Contact.MOVING, 2e-3))
    added = (faulty - sound)[2000:6000]
    assert 0.5e-3 < np.percentile(added, 99) - np.percentile(added, 1) < 4e-3
    spectrum = np.abs(np.fft.rfft((added - added.mean()) * np.hanning(4000))) ** 2
    frequency = np.fft.rfftfreq(4000, 1 / RATE_HZ)
    assert spectrum[frequency < 12.0].sum() > 0.9 * spectrum.sum()
    steps = np.abs(np.diff(added))
    assert steps.max() > 10 * np.median(steps)
    assert np.abs((faulty - sound)[6000:]).max() == 0.0


def test_half_off_is_more_hum_and_noise_and_less_muscle():
    noisy = replace(QUIET, noise_v=1e-6, mains=1.0)
    sound, faulty = pair(noisy, event(Contact.HALF_OFF, 30.0), level=0.0)
    inside = slice(2000, 6000)
    assert faulty[inside].std() == pytest.approx(30.0 * sound[inside].std(), rel=1e-4)
    sound, faulty = pair(QUIET, event(Contact.HALF_OFF, 30.0))
    np.testing.assert_allclose(faulty[inside], HALF_OFF_SHARE * sound[inside], rtol=1e-5)


@pytest.mark.parametrize("contact", [Contact.CLIPPED, Contact.MOVING, Contact.HALF_OFF])
def test_faults_do_not_depend_on_the_chunks(contact):
    movement = perform("glute_bridge", seed=2, repetitions=2)
    settings = ElectrodeSettings(loose=(Loose("gluteus_maximus_r", 1.3, 9.7, contact),))
    whole = emg.EmgStream(movement, settings, seed=2).read(10**7)
    parts = [c.data for c in emg.EmgStream(movement, settings, seed=2).chunks(777)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_truth_names_the_quality_of_each_fault():
    movement = perform("glute_bridge", seed=2, repetitions=1)
    loose = (
        Loose("multifidus_l", 1.0, 3.0, Contact.CLIPPED),
        Loose("multifidus_r", 1.0, 3.0, Contact.MOVING),
        Loose("erector_spinae_l", 1.0, 3.0, Contact.HALF_OFF),
    )
    stream = emg.EmgStream(movement, ElectrodeSettings(loose=loose), seed=2)
    muscles = EmgTruth(stream).activations([2.0])[0].muscles
    assert [m.channel.quality for m in muscles[:4]] == [
        Quality.SATURATED, Quality.ARTEFACT, Quality.ELECTRODE_OFF, Quality.GOOD,
    ]  # fmt: skip


def works(t_s):
    """Return 100 uV from 5 to 12 s, next to nothing else."""
    return np.where((t_s >= 5.0) & (t_s < 12.0), 100e-6, 1e-6)[:, None] * np.ones(12)


def drawn(seed, amount=12, ends_s=(-56.0, 40.0), split=Split.TEST):
    return random_faults(Draws(seed, split, FAULTS_STREAM), amount, ends_s, works)


def test_random_faults_are_of_all_kinds_of_2_to_15_s_and_in_different_channels():
    contacts, early, trial = set(), 0, 0
    for seed in range(60):
        found = drawn(seed, 6)
        assert len({f.label for f in found}) == 6
        assert {f.contact for f in found} == set(Contact)
        for f in found:
            contacts.add(f.contact)
            assert -56.0 <= f.start_s < f.end_s <= 40.0
            never_on = f.start_s == -56.0 and f.end_s > 0.0
            length_s = f.end_s if never_on else f.end_s - f.start_s
            assert 1.99 <= length_s <= 15.0
            early += f.start_s == -56.0
            trial += -56.0 < f.start_s < 0.0
            if f.contact == Contact.MOVING:
                assert 0.3e-3 <= f.size <= 3e-3
                assert not never_on
            if f.contact == Contact.HALF_OFF:
                assert 10.0 <= f.size <= 50.0
            if f.contact == Contact.CLIPPED:
                assert f.start_s >= 5.0 - 0.03
                assert 60e-6 <= f.size <= 160e-6
    assert early > 20
    assert trial > 20
    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(3, split=Split.TRAIN)


def test_a_clipped_channel_is_spoiled_only_while_the_muscle_works():
    clipped = Loose("multifidus_l", 3.0, 14.0, Contact.CLIPPED, 150e-6)
    ((start_s, end_s),) = spoiled_spans(clipped, works)
    assert start_s == pytest.approx(5.0, abs=0.05)
    assert end_s == pytest.approx(12.0, abs=0.05)
    assert spoiled_spans(replace(clipped, size=250e-6), works) == ()
    moving = Loose("multifidus_l", 3.0, 14.0, Contact.MOVING)
    assert spoiled_spans(moving, works) == ((3.0, 14.0),)


def test_settings_with_random_faults_spoil_so_many_channels_and_without_none():
    movement = perform("plank", seed=4, repetitions=2)
    settings = ElectrodeSettings(mvc_trial=True, random_faults=4)
    stream = emg.EmgStream(movement, settings, seed=4)
    assert len({f.label for f in stream.events.loose}) == 4
    assert emg.EmgStream(movement, ElectrodeSettings(), seed=4).events.loose == ()


def test_usual_draws_of_loose_electrodes_are_those_that_come_off():
    movement = perform("plank", seed=4, repetitions=2)
    for seed in range(10):
        stream = emg.EmgStream(movement, ElectrodeSettings(random_loose=12), seed=seed)
        assert {f.contact for f in stream.events.loose} <= set(OFF)


def test_mains_may_be_off_its_nominal_frequency():
    settings = replace(QUIET, mains=20.0, mains_offset_hz=0.4)
    assert settings.line_hz == pytest.approx(50.4)
    signal = emg.measure(held(40.0, 0.0), 5, settings)[:, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    frequency = np.fft.rfftfreq(len(signal), 1 / RATE_HZ)
    assert frequency[spectrum.argmax()] == pytest.approx(50.4, abs=0.15)


@pytest.mark.parametrize("bad", [{"random_faults": 13}, {"mains_offset_hz": 0.6}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(InputError):
        ElectrodeSettings(**bad)
    with pytest.raises(InputError, match="must not be negative"):
        Loose("multifidus_l", 0.0, 1.0, Contact.MOVING, -1.0)
