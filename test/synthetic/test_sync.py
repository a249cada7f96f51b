from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.imaging.led import Led
from lbp_rehab.synthetic.recording import Output, _described
from lbp_rehab.synthetic.request import command_line
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.studio import Studio
from lbp_rehab.synthetic.sync import BETWEEN_S, DECAY_S, FLASH_S, PULSE_V, add_pulses

START_NS = 1_700_000_000_000_000_000
PLAIN = Scenario("glute_bridge", seed=3, repetitions=1, size=(128, 96), camera="ideal")
FLASHING = replace(PLAIN, sync_flashes=15)


def chunks(n=50, rate_hz=1000.0, size=40):
    for k in range(n):
        yield EmgChunk(
            START_NS + round(k * size / rate_hz * 1e9), rate_hz, k * size, 0,
            np.zeros((size, 3), np.float32), tuple(Channel(c) for c in "abc"),
        )  # fmt: skip


def test_flashes_are_irregular_known_and_in_the_first_rest():
    times = np.array(FLASHING.flashes_s)
    assert len(times) == 15
    assert times[0] == 0.5
    gaps = np.diff(times)
    assert BETWEEN_S[0] <= gaps.min() < gaps.max() <= BETWEEN_S[1]
    assert np.ptp(gaps) > 0.15
    assert times[-1] + FLASH_S < FLASHING.movement.repetitions[0].start_s
    assert Scenario("glute_bridge", seed=3, sync_flashes=15).flashes_s == FLASHING.flashes_s
    assert Scenario("glute_bridge", seed=4, sync_flashes=15).flashes_s != FLASHING.flashes_s


def test_without_flashes_nothing_is_said_of_them():
    assert PLAIN.flashes_s == ()
    studio = type("Studio", (), {"scenario": PLAIN, "led": None, "view": "side"})()
    studio.patient = type("Patient", (), {})()
    studio.patient.person = type(
        "Person", (), {"sex": "female", "age_years": 40, "height_m": 1.7, "mass_kg": 60.0}
    )()
    room = type("Room", (), {"support": "mat"})()
    studio.staging = type("Staging", (), {"room": room})()
    described = _described(studio, Output())
    assert "sync" not in described
    assert "sync_flashes" not in described["scenario"]
    assert "flashes" not in command_line(PLAIN, Output())
    assert "--sync-flashes=15" in command_line(
        replace(FLASHING, camera="d435", size=(640, 480)), Output()
    )


def test_pulse_begins_at_the_first_sample_after_the_instant_in_all_channels():
    times = (0.1234, 0.5, 1.0404)
    made = list(add_pulses(chunks(), times, START_NS, FLASHING.draws(25)))
    volts = np.concatenate([c.data for c in made])
    first = [124, 500, 1041]
    for at, t_s in zip(first, times, strict=True):
        assert not volts[at - 20 : at].any()
        late_s = at / 1000.0 - t_s
        height = volts[at] * np.exp(late_s / DECAY_S)
        assert (height > 0.7 * PULSE_V - 1e-9).all()
        assert (height < 1.3 * PULSE_V + 1e-9).all()
        np.testing.assert_allclose(volts[at + 8] / volts[at], np.exp(-0.008 / DECAY_S), rtol=1e-5)
    assert len(set(volts[500])) == 3
    assert volts.dtype == np.float32


def test_pulse_goes_through_the_converter():
    step_v, range_v = 1e-6, 200e-6
    made = add_pulses(
        chunks(), (0.5,), START_NS, FLASHING.draws(25), step_v=step_v, range_v=range_v
    )
    volts = np.concatenate([c.data for c in made]).astype(float)
    np.testing.assert_allclose(volts / step_v, np.round(volts / step_v), atol=1e-3)
    assert volts.max() == pytest.approx(range_v)


def test_chunks_without_a_flash_stay_the_same_objects():
    given = list(chunks())
    made = list(add_pulses(given, (0.5,), START_NS, FLASHING.draws(25)))
    changed = [k for k, (a, b) in enumerate(zip(given, made, strict=True)) if a is not b]
    assert changed == [12, 13]  # 0.5 s to the end of the decay


def test_camera_sees_the_led_exactly_while_it_shines(synthetic_extra):
    studio = Studio(replace(FLASHING, sync_flashes=2))
    x, y = (round(p) for p in studio.led.pixel)
    begin = studio.scenario.flashes_s[1]
    grey = [
        studio.show(t_s, 0, 0).frame.color[y, x].mean()
        for t_s in (begin - 1e-6, begin, begin + FLASH_S - 1e-6, begin + FLASH_S)
    ]
    assert min(grey[1:3]) > 240
    assert max(grey[0], grey[3]) < min(grey[1:3]) - 30


def test_what_stands_before_the_led_hides_it():
    colour, depth = np.full((9, 9, 3), 0.3, np.float32), np.full((9, 9), 2.0, np.float32)
    led = Led((4.2, 3.8), 2.0, 1.5)
    led.shine(colour, np.full((9, 9), 1.5, np.float32))
    assert (colour == np.float32(0.3)).all()
    led.shine(colour, depth)
    assert colour[4, 4].min() > 1.0
    assert (colour[0] == np.float32(0.3)).all()


@pytest.mark.parametrize("n", [-1, 101])
def test_number_of_flashes_is_checked(n):
    with pytest.raises(InputError, match="0 to 100 times"):
        Scenario("plank", sync_flashes=n)
