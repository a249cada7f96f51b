import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.sync import measure_offset, sentence
from lbp_rehab.sync.offset import Offset
from test.sync.conftest import Rig, intervals


@pytest.mark.parametrize("offset_ms", [-870.0, -23.4, 0.0, 4.2, 333.3, 950.0])
@pytest.mark.parametrize("rate_hz", [10.0, 30.0])
def test_bounds_hold_the_true_offset_and_are_the_intersection(irregular, offset_ms, rate_hz):
    rig = Rig(irregular(12), rate_hz=rate_hz, offset_s=offset_ms / 1e3)
    found = measure_offset(rig.flashes(), rig.pulses())
    assert found.low_s - 1e-8 <= offset_ms / 1e3 <= found.high_s + 1e-8
    assert (found.events, found.flashes, found.pulses) == (12, 12, 12)
    a, b = rig.flashes().T / 1e9
    c, d = rig.pulses().T / 1e9
    assert found.low_s == pytest.approx((c - b).max(), abs=1e-8)
    assert found.high_s == pytest.approx((d - a).min(), abs=1e-8)
    assert found.offset_s == pytest.approx((found.low_s + found.high_s) / 2)
    assert not found.rivals_s
    assert found.drift is None


def test_more_events_narrow_the_bounds_below_one_image(irregular):
    widths = []
    for n in (2, 6, 24):
        rig = Rig(irregular(n), offset_s=0.0234)
        found = measure_offset(rig.flashes(), rig.pulses())
        widths.append(found.high_s - found.low_s)
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] < 0.2 / 15.0


def test_missed_and_false_events_change_nothing(irregular):
    rig = Rig(irregular(12), offset_s=0.0234)
    whole = measure_offset(rig.flashes(), rig.pulses())
    flashes = np.delete(rig.flashes(), [2, 7], axis=0)
    taps = intervals([0.1, 1.7, 3.01], [0.101, 1.701, 3.011])
    pulses = np.concatenate([np.delete(rig.pulses(), 4, axis=0), taps])
    found = measure_offset(flashes, pulses[np.argsort(pulses[:, 0])])
    assert (found.events, found.flashes, found.pulses) == (9, 10, 14)
    assert found.low_s <= 0.0234 <= found.high_s
    assert found.low_s <= whole.low_s
    assert found.high_s >= whole.high_s


def test_one_event_that_contradicts_the_others_is_left_out(irregular):
    rig = Rig(irregular(10), offset_s=0.1)
    pulses = rig.pulses()
    pulses[3] += 90_000_000
    found = measure_offset(rig.flashes(), pulses)
    assert found.events == 9
    assert found.low_s <= 0.1 <= found.high_s


def test_regular_flashes_of_which_one_is_missed_are_ambiguous():
    rig = Rig(0.51 + 0.5 * np.arange(10), offset_s=0.02)
    found = measure_offset(rig.flashes()[1:], rig.pulses()[:-1])
    candidates = (found.offset_s, *found.rivals_s)
    assert any(abs(c - 0.02) < 1 / 15 for c in candidates)
    assert found.rivals_s
    assert "ambiguous" in sentence(found)


@pytest.mark.parametrize("ppm", [-400.0, 0.0, 60.0])
def test_drift_of_a_long_recording_is_bounded(irregular, ppm):
    times = np.concatenate([irregular(8), irregular(8, 290.0), irregular(8, 595.0)])
    rig = Rig(times, offset_s=0.05, drift=ppm * 1e-6)
    found = measure_offset(rig.flashes(), rig.pulses())
    assert found.events == 24
    assert found.drift_low <= ppm * 1e-6 <= found.drift_high
    assert found.drift_high - found.drift_low < 60e-6
    frames = rig.flashes().mean(axis=1) / 1e9
    middle_s = (frames[0] + frames[-1]) / 2
    assert found.low_s <= 0.05 + ppm * 1e-6 * middle_s <= found.high_s
    seen = "no drift is seen" in sentence(found)
    assert seen == (ppm == 0.0)


@pytest.mark.parametrize(
    ("flashes", "pulses", "said"),
    [
        (0, 5, "no flash in the images"),
        (1, 5, "only one flash"),
        (5, 0, "no pulse in the sEMG"),
        (5, 1, "only one pulse"),
    ],
)
def test_too_few_events_are_one_sentence(irregular, flashes, pulses, said):
    rig = Rig(irregular(5))
    with pytest.raises(InputError, match=said):
        measure_offset(rig.flashes()[:flashes], rig.pulses()[:pulses])


def test_events_that_have_nothing_to_do_with_each_other_contradict(irregular):
    rng = np.random.default_rng(7)
    flashes = Rig(np.cumsum(rng.uniform(0.4, 2.5, 14)), rate_hz=60.0).flashes()
    pulses = Rig(np.cumsum(rng.uniform(0.4, 2.5, 14))).pulses()
    with pytest.raises(InputError, match="contradict each other: of 14 flashes and 14 pulses"):
        measure_offset(flashes, pulses)


def test_events_more_than_a_second_apart_contradict(irregular):
    rig = Rig(irregular(4), offset_s=60.0)
    with pytest.raises(InputError, match="at most 0 fit"):
        measure_offset(rig.flashes(), rig.pulses())


def test_sentence_says_later_or_earlier():
    text = sentence(Offset(0.0234, 0.021, 0.0259, 12, 12, 12))
    assert text == (
        "EMG is stamped 23.4 ms later than the camera (between 21.0 and 25.9 ms, 12 events)"
    )
    text = sentence(Offset(-0.0234, -0.0259, -0.021, 12, 12, 12))
    assert text == (
        "EMG is stamped 23.4 ms earlier than the camera (between 21.0 and 25.9 ms, 12 events)"
    )
