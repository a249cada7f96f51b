import itertools

import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.camera.sources import SourceSettings
from lbp_rehab.camera.sources import open_source as open_camera
from lbp_rehab.emg.sources import open_source as open_emg
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.stream import EmgStream
from lbp_rehab.synthetic.live_emg import LoopStream
from lbp_rehab.synthetic.request import parse_scenario
from lbp_rehab.synthetic.scenario import period_ns

SPEC = "clam?seed=3|repetitions=1|size=128x96|rate=10"


def read_from(now_ns, seconds, chunk_s=0.04):
    source = open_emg(f"synthetic:{SPEC}", chunk_s)
    source.open(now_ns)
    chunks = []
    for k in range(round(seconds / 0.02)):
        while (chunk := source.read(now_ns + round(k * 0.02 * NANOSECONDS))) is not None:
            chunks.append(chunk)
    return chunks


def test_emg_goes_on_over_the_end_of_a_set_without_a_gap():
    period = period_ns(parse_scenario(SPEC))
    chunks = read_from(7 * period - 2 * NANOSECONDS, 5.0)
    assert chunks[0].first_sample == 0
    for one, two in itertools.pairwise(chunks):
        assert two.first_sample == one.first_sample + len(one.data)
        assert two.stamp_ns == one.stamp_ns + len(one.data) * NANOSECONDS // 1000
        assert two.lost_before == 0
    assert sum(len(c.data) for c in chunks) > 4900


def test_emg_is_that_of_the_movement_at_that_time():
    scenario = parse_scenario(SPEC)
    period = period_ns(scenario)
    (chunk, *_) = read_from(5 * period + NANOSECONDS, 1.0)
    at_s = (chunk.stamp_ns % period) / NANOSECONDS
    assert at_s == pytest.approx(1.0)
    seconds = int(scenario.movement.duration_s)
    chunks = read_from(5 * period, seconds)
    data = np.concatenate([c.data for c in chunks]).astype(float)
    # RMS of half seconds follows the true drive where the muscle works.
    n = len(data) // 500
    rms = np.sqrt((data[: 500 * n].reshape(n, 500, 12) ** 2).mean(axis=1))
    true = EmgStream(scenario.movement, seed=scenario.seed).drives(0.25 + 0.5 * np.arange(n))
    busiest = int(np.ptp(true, axis=0).argmax())
    assert np.corrcoef(rms[:, busiest], true[:, busiest])[0, 1] > 0.9


def test_two_processes_agree_on_a_set_and_the_next_set_has_noise_of_its_own():
    period = period_ns(parse_scenario(SPEC))

    def part(opened_ns, from_ns, samples=500):
        chunks = read_from(opened_ns, (from_ns - opened_ns) / NANOSECONDS + 1.5, chunk_s=0.05)
        first = chunks[0].stamp_ns
        data = np.concatenate([c.data for c in chunks]).astype(float)
        skip = (from_ns - first) * 1000 // NANOSECONDS
        return data[skip : skip + samples]

    at = 6 * period + NANOSECONDS
    early, late = part(6 * period - 2 * NANOSECONDS, at), part(at - NANOSECONDS // 2, at)
    np.testing.assert_array_equal(early, late)
    following = part(at + period, at + period)
    muscles = np.abs(np.diff(early, axis=0)), np.abs(np.diff(following, axis=0))
    assert abs(np.corrcoef(np.diff(early[:, 0]), np.diff(following[:, 0]))[0, 1]) < 0.5
    # The same person with the same electrodes: each channel is as strong as before.
    assert 0.5 < np.median(muscles[0]) / np.median(muscles[1]) < 2.0


def test_sets_are_those_of_one_person():
    scenario, settings = parse_scenario(SPEC), ElectrodeSettings()
    one, other = (LoopStream(scenario, settings, loop) for loop in (3, 4))
    np.testing.assert_array_equal(one.electrodes.mvc_rms_v, other.electrodes.mvc_rms_v)
    np.testing.assert_array_equal(one.drives(np.arange(9.0)), other.drives(np.arange(9.0)))
    again = LoopStream(scenario, settings, 3).read(1000)
    first = one.read(1000)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other.read(1000))


def test_camera_shows_the_patient(synthetic_extra):
    camera = open_camera(f"synthetic:{SPEC}", SourceSettings())
    shots = list(itertools.islice(camera.shots(), 2))
    camera.close()
    for shot in shots:
        assert shot.color.shape == (96, 128, 3)
        assert shot.depth.shape == (96, 128)
        assert (shot.depth > 0).mean() > 0.3
        assert shot.offset_ns is None


@pytest.mark.parametrize(
    "text", ["synthetic:", "synthetic:hop", "synthetic:clam?fault=x", "synthetic:clam?camera=x"]
)
def test_bad_specification_is_refused_with_a_sentence(text):
    with pytest.raises(InputError, match=r"no exercise|no fault|no camera"):
        open_camera(text, SourceSettings())
    with pytest.raises(InputError, match=r"no exercise|no fault|no camera"):
        open_emg(text, 0.04)
