import itertools

import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.camera.sources import SourceSettings
from lbp_rehab.camera.sources import open_source as open_camera
from lbp_rehab.emg.sources import open_source as open_emg
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.emg.stream import EmgStream
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
    whole = EmgStream(scenario.movement, seed=scenario.seed).read(2000)
    np.testing.assert_array_equal(chunk.data, whole[1000 : 1000 + len(chunk.data)])


def test_camera_shows_the_patient(synthetic_extra):
    camera = open_camera(f"synthetic:{SPEC}", SourceSettings())
    shots = list(itertools.islice(camera.shots(), 2))
    camera.close()
    for shot in shots:
        assert shot.color.shape == (96, 128, 3)
        assert shot.depth.shape == (96, 128)
        assert (shot.depth > 0).mean() > 0.3
        assert shot.offset_ns is None


@pytest.mark.parametrize("text", ["synthetic:", "synthetic:hop", "synthetic:clam?fault=x"])
def test_bad_specification_is_refused_with_a_sentence(text):
    with pytest.raises(InputError, match=r"no exercise|no fault"):
        open_camera(text, SourceSettings())
    with pytest.raises(InputError, match=r"no exercise|no fault"):
        open_emg(text, 0.04)
