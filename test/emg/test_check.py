"""Figures of channels before a session against signals whose figures are known."""

import numpy as np
import pytest

from lbp_rehab.emg.channels import ChannelMap, Placement
from lbp_rehab.emg.check import SHOWN_S, EmgCheck
from lbp_rehab.emg.check_measures import columns, heart_peak_v, line_rms_v, rest_rms_v, slow_mean_v
from lbp_rehab.emg.types import Channel, EmgChunk, Muscle, Quality, Side
from lbp_rehab.errors import InputError
from test.emg.conftest import make_emg

RATE_HZ = 1000.0
START_NS = 1_700_000_000_000_000_000
UV = 1e-6


def times(seconds=12.0):
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def noise(t, channels=1, rms=2 * UV, seed=0):
    return rms * np.random.default_rng(seed).standard_normal((len(t), channels))


def beats(t, height, every=0.85):
    return height * np.exp(-0.5 * (((t % every) - 0.4) / 0.012) ** 2)


def feed(check, volts, labels=None, *, first=0, size=40, lost_before=0):
    channels = tuple(Channel(x) for x in labels or [f"c{k}" for k in range(volts.shape[1])])
    for k in range(0, len(volts), size):
        at = first + k
        check.add(
            EmgChunk(
                START_NS + round(at / RATE_HZ * 1e9),
                RATE_HZ,
                at,
                0 if k else lost_before,
                volts[k : k + size].astype(np.float32),
                channels,
                source="bench",
            )
        )
    return check


def test_line_is_measured_at_its_frequency_and_none_beside_it():
    t = times(5.0)
    volts = noise(t) + (7 * UV * np.sqrt(2) * np.sin(2 * np.pi * 60 * t + 1))[:, None]
    assert line_rms_v(volts, RATE_HZ, 60.0)[0] == pytest.approx(7 * UV, rel=0.05)
    assert line_rms_v(volts, RATE_HZ, 50.0)[0] < 0.3 * UV
    assert line_rms_v(volts[:500], RATE_HZ, 60.0)[0] == 0.0


def test_line_is_measured_in_the_quiet_between_contractions():
    t = times(5.0)
    volts = noise(t) + (3 * UV * np.sqrt(2) * np.sin(2 * np.pi * 50 * t))[:, None]
    volts[:1000] += noise(t[:1000], rms=150 * UV, seed=1)
    volts[2500:] += noise(t[2500:], rms=150 * UV, seed=2)
    assert line_rms_v(volts, RATE_HZ, 50.0)[0] == pytest.approx(3 * UV, rel=0.1)


def test_rest_is_the_rms_of_the_noise_whatever_the_heart_adds():
    t = times(10.0)
    quiet = noise(t, rms=3 * UV)
    assert rest_rms_v(quiet)[0] == pytest.approx(3 * UV, rel=0.03)
    with_heart = quiet + beats(t, 60 * UV)[:, None]
    assert with_heart.std() > 3 * 3 * UV
    assert rest_rms_v(with_heart)[0] < 1.15 * 3 * UV


def test_slow_mean_keeps_what_is_slow_and_loses_what_is_not():
    t = times(10.0)
    slow = 40 * UV * np.sin(2 * np.pi * 0.1 * t)
    mean = slow_mean_v((slow + 90 * UV * np.sin(2 * np.pi * 2.0 * t))[:, None], RATE_HZ)
    assert np.ptp(mean) == pytest.approx(80 * UV, rel=0.01)
    assert len(slow_mean_v(np.zeros((400, 2)), RATE_HZ)) == 0


def test_height_of_the_heart_is_found_in_every_channel():
    t = times(10.0)
    heights = np.array([80.0, 25.0, 0.0]) * UV
    heart = beats(t, 1.0)[:, None] * heights
    found = heart_peak_v(noise(t, 3) + heart, RATE_HZ)
    # The band of a beat takes a known share of this wave, the same in every channel.
    alone = heart_peak_v(heart[:, :1] + noise(t, 1, 0.01 * UV), RATE_HZ)[0] / heights[0]
    assert 0.85 < alone < 1.05
    np.testing.assert_allclose(found[:2], alone * heights[:2], rtol=0.12)
    assert found[2] < 3 * UV


def test_noise_and_irregular_bursts_are_no_heart():
    t = times(10.0)
    assert heart_peak_v(noise(t, 4), RATE_HZ) is None
    bursts = noise(t)
    for at in (300, 900, 2600, 2900, 4000, 6100, 8800):
        bursts[at : at + 120] += noise(t[:120], rms=60 * UV, seed=at)
    assert heart_peak_v(bursts, RATE_HZ) is None
    assert heart_peak_v(noise(t[:200]), RATE_HZ) is None


def test_columns_hold_smallest_and_largest_and_say_gaps():
    band = np.arange(12.0)[:, None]
    band[4:6] = np.nan
    low, high = columns(band, 6)
    np.testing.assert_array_equal(low[:, 0], [0, 2, np.nan, 6, 8, 10])
    np.testing.assert_array_equal(high[:, 0], [1, 3, np.nan, 7, 9, 11])


@pytest.fixture(scope="module")
def faulty():
    """Twelve seconds of an amplifier with a channel of every kind."""
    t = times()
    mains = np.sqrt(2) * np.sin(2 * np.pi * 60 * t)
    volts = noise(t, 6) + 2 * UV * mains[:, None]
    volts[:, 0] += beats(t, 50 * UV) + 30 * UV * t / t[-1]
    volts[500:1700, 0] += 120 * UV * make_emg(RATE_HZ, 1200, 1, seed=5)[:, 0]
    volts[:, 1] += 150 * UV * mains
    volts[:, 2] = 0.0
    volts[:, 3] = np.clip(9e-3 * np.sin(2 * np.pi * t), -5e-3, 5e-3)
    volts[:, 4] += 900 * UV * np.sin(2 * np.pi * 5 * t)
    volts[:6000, 5] += 150 * UV * mains[:6000]
    labels = ["LMF", "RMF", "flat", "rail", "moved", "mended"]
    return feed(EmgCheck(), volts, labels)


def test_every_fault_has_its_quality_and_the_good_channel_its_figures(faulty):
    report = faulty.report()
    assert [c.channel.quality for c in report.channels] == [
        Quality.GOOD, Quality.ELECTRODE_OFF, Quality.FLAT, Quality.SATURATED, Quality.ARTEFACT,
        Quality.GOOD,
    ]  # fmt: skip
    assert [c.channel.label for c in report.faulty] == ["RMF", "flat", "rail", "moved"]
    good = report.channels[0]
    assert (good.channel.muscle, good.channel.side) == (Muscle.MULTIFIDUS, Side.LEFT)
    assert good.mains_v == pytest.approx(2 * UV, rel=0.15)
    assert good.rest_v == pytest.approx(2 * UV, rel=0.2)
    assert good.heart_v == pytest.approx(48 * UV, rel=0.15)
    assert good.usable == pytest.approx(1.0, abs=0.02)
    assert report.mains_hz == 60.0
    assert report.channels[1].mains_v == pytest.approx(152 * UV, rel=0.02)
    assert report.channels[1].rest_v is None
    assert report.channels[3].peak_to_peak_v == pytest.approx(10e-3)
    assert report.channels[3].heart_v is None


def test_share_of_time_counts_from_the_first_judgement(faulty):
    shares = [c.usable for c in faulty.report().channels]
    assert shares[1:5] == [0.0] * 4
    # Mended at 6 s of 12, judged from the first second on over a window of one second.
    assert shares[5] == pytest.approx(5.3 / 11, abs=0.1)


def test_stream_is_counted_and_its_rate_measured_by_the_stamps(faulty):
    report = faulty.report()
    assert (report.source, report.samples, report.lost) == ("bench", 12000, 0)
    assert report.seconds == pytest.approx(12.0)
    assert report.measured_hz == pytest.approx(1000.0, rel=1e-6)
    assert report.stated_hz == 1000.0


def test_band_holds_the_latest_seconds_without_the_mains(faulty):
    band = faulty.band()
    assert band.shape == (round(SHOWN_S * RATE_HZ), 6)
    off = band[:, 1]
    assert np.isfinite(off).all()
    assert off.std() < 4 * UV


def test_gap_is_shown_and_counted_and_kept_out_of_the_figures():
    t = times(4.0)
    check = EmgCheck(50.0)
    feed(check, noise(t))
    feed(check, noise(t, seed=1) + 500 * UV, first=4500, lost_before=500)
    report = check.report()
    assert (report.samples, report.lost) == (8000, 500)
    assert report.measured_hz == pytest.approx(1000.0)
    assert report.channels[0].drift_v < 5 * UV
    band = check.band()[:, 0]
    assert np.isnan(band[-4500:-4000]).all()
    assert np.isfinite(band[-3000:]).all()


def test_channel_map_names_and_leaves_out():
    mapped = ChannelMap(
        {"A": Placement(Muscle.GLUTEUS_MAXIMUS, Side.RIGHT), "Z": Placement(Muscle.OTHER)},
        frozenset({"Trigger"}),
    )
    check = feed(EmgCheck(50.0, mapped), noise(times(2.0), 2), ["Trigger", "A"])
    report = check.report()
    (only,) = report.channels
    assert (only.channel.label, only.channel.muscle) == ("A", Muscle.GLUTEUS_MAXIMUS)
    assert any("no channel 'Z'" in note for note in report.notes)
    with pytest.raises(InputError, match="ignores every channel"):
        feed(EmgCheck(50.0, mapped), noise(times(0.1)), ["Trigger"])


def test_before_samples_there_is_nothing_and_changed_channels_are_refused():
    check = EmgCheck()
    assert check.report().channels == ()
    assert check.seconds == 0.0
    assert check.band().size == check.raw().size == 0
    feed(check, noise(times(0.1), 2))
    assert check.report().channels[0].usable is None
    with pytest.raises(InputError, match="channels of the sEMG source changed"):
        feed(check, noise(times(0.1), 3), first=100)


def test_a_rate_too_low_to_judge_is_one_sentence():
    chunk = EmgChunk(START_NS, 50.0, 0, 0, np.ones((5, 1), np.float32), (Channel("a"),))
    with pytest.raises(InputError, match="too slow"):
        EmgCheck().add(chunk)


def test_size_of_chunks_does_not_matter():
    t = times(6.0)
    volts = noise(t, 2) + (4 * UV * np.sin(2 * np.pi * 50 * t))[:, None]
    a, b = (feed(EmgCheck(), volts, size=size).report() for size in (40, 125))
    for one, other in zip(a.channels, b.channels, strict=True):
        assert one.channel.quality is other.channel.quality
        assert one.mains_v == pytest.approx(other.mains_v, rel=1e-6)
        assert one.rest_v == pytest.approx(other.rest_v, rel=0.05)
