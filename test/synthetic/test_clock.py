import numpy as np
import pytest

from lbp_rehab.emg.clock import SampleClock
from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.clock import Clock, ClockSettings, Dropout, Jump

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def chunks(count, samples=40, rate=1000.0, start_ns=START):
    return [
        EmgChunk(
            stamp_ns=start_ns + i * samples * 1_000_000,
            rate_hz=rate,
            first_sample=i * samples,
            lost_before=0,
            data=np.zeros((samples, 1), np.float32),
            channels=(Channel("a"),),
        )
        for i in range(count)
    ]


def test_perfect_clock_shows_the_truth():
    clock = Clock(ClockSettings())
    assert clock.read_ns(START + 7) == START + 7
    frames = list(clock.frames(30.0, 31, START))
    assert [f.stamp_ns for f in frames] == [START + round(i * SECOND / 30.0) for i in range(31)]
    assert all(f.arrival_ns == f.true_ns and not f.lost for f in frames)


def test_offset_drift_and_jumps_are_exact():
    settings = ClockSettings(
        offset_ns=-250_000_000,
        origin_ns=START,
        drift_ppb=40_000,
        jumps=(Jump(START + 20 * SECOND, 3 * SECOND), Jump(START + 30 * SECOND, -SECOND)),
    )
    clock = Clock(settings)
    assert clock.read_ns(START) == START - 250_000_000
    assert clock.read_ns(START + 10 * SECOND) == START + 10 * SECOND - 250_000_000 + 400_000
    after = START + 25 * SECOND
    assert clock.read_ns(after) == after - 250_000_000 + 1_000_000 + 3 * SECOND
    last = START + 40 * SECOND
    assert clock.read_ns(last) == last - 250_000_000 + 1_600_000 + 2 * SECOND
    # A day later, still to the nanosecond.
    day = 86_400 * SECOND
    plain = Clock(ClockSettings(origin_ns=START, drift_ppb=12_345))
    assert plain.read_ns(START + day) - (START + day) == 86_400 * 12_345


def test_shown_time_leads_back_to_the_truth():
    settings = ClockSettings(
        origin_ns=START, drift_ppb=-70_000, offset_ns=5_000_000_000,
        jumps=(Jump(START + 20 * SECOND, 3 * SECOND), Jump(START + 30 * SECOND, -SECOND)),
    )  # fmt: skip
    clock = Clock(settings)
    for after_s in (0, 5, 21, 28, 33):
        true = START + after_s * SECOND
        assert any(abs(t - true) <= 1 for t in clock.true_ns(clock.read_ns(true))), after_s
    set_back = clock.read_ns(START + 30 * SECOND)  # shown a second before, too
    assert len(clock.true_ns(set_back)) == 2
    leapt_over = clock.read_ns(START + 20 * SECOND) - SECOND
    assert clock.true_ns(leapt_over) == ()


def test_jitter_has_the_stated_size_and_depends_on_the_item_alone():
    settings = ClockSettings(jitter_ns=2_000_000)
    clock = Clock(settings, seed=5)
    errors = np.array([f.stamp_ns - f.true_ns for f in clock.frames(30.0, 5000, START)])
    assert errors.std() == pytest.approx(2e6, rel=0.05)
    assert abs(errors.mean()) < 1e5
    again = Clock(settings, seed=5)
    assert again.stamp(4321, START).stamp_ns - START == errors[4321]
    assert again.stamp(17, START).stamp_ns - START == errors[17]
    assert Clock(settings, seed=6).stamp(17, START).stamp_ns - START != errors[17]
    assert Clock(settings, seed=5, device=1).stamp(17, START).stamp_ns - START != errors[17]


def test_frames_are_late_and_lost_as_often_as_stated_and_arrive_in_order():
    settings = ClockSettings(late_probability=0.1, late_ns=50_000_000, drop_probability=0.05)
    frames = list(Clock(settings, seed=1).frames(30.0, 6000, START, transfer_ns=20_000_000))
    assert [f.index for f in frames] == list(range(6000))
    assert np.mean([f.lost for f in frames]) == pytest.approx(0.05, abs=0.01)
    kept = [f for f in frames if not f.lost]
    delay = np.array([f.arrival_ns - f.true_ns for f in kept])
    assert delay.min() == 20_000_000
    late = delay > 20_000_000
    assert 0.09 < late.mean() < 0.25  # the frames behind a late one wait for it
    assert (np.diff([f.arrival_ns for f in kept]) >= 0).all()
    assert all(f.stamp_ns == f.true_ns for f in kept)


def test_lost_chunks_are_counted():
    gap = Dropout(START + 100_000_000, START + 230_000_000)
    clock = Clock(ClockSettings(dropouts=(gap,)))
    got = [chunk for chunk, _ in clock.deliver(chunks(20))]
    # Chunks start every 40 ms: those at 120, 160 and 200 ms are lost.
    assert [c.first_sample for c in got][:5] == [0, 40, 80, 240, 280]
    assert [c.lost_before for c in got][:5] == [0, 0, 0, 120, 0]
    assert sum(len(c.data) + c.lost_before for c in got) == 800


def test_delivered_chunks_keep_the_truth_and_a_follower_finds_the_drift():
    settings = ClockSettings(offset_ns=123, origin_ns=START, drift_ppb=100_000, jitter_ns=1_000_000)
    delivered = list(Clock(settings, seed=2).deliver(chunks(1500)))
    for (chunk, truth), original in zip(delivered, chunks(1500), strict=True):
        assert truth.true_ns == original.stamp_ns
        assert chunk.rate_hz == pytest.approx(1000.0 / (1 + 1e-4), rel=1e-12)
        assert chunk.stamp_ns == truth.stamp_ns
        assert truth.arrival_ns == original.end_ns
    follower = SampleClock(1000.0)
    for chunk, _ in delivered:
        mean_s = (chunk.stamp_ns - START) / SECOND + (len(chunk.data) - 1) / 2 / chunk.rate_hz
        follower.update(mean_s, len(chunk.data))
    assert follower.rate_hz == pytest.approx(1000.0 / (1 + 1e-4), rel=2e-4)


@pytest.mark.parametrize(
    "bad",
    [
        {"drift_ppb": 10**9},
        {"late_probability": 1.5},
        {"drop_probability": -0.1},
        {"jitter_ns": -1},
        {"dropouts": (Dropout(2, 1),)},
    ],
)
def test_impossible_clocks_are_refused(bad):
    with pytest.raises(InputError):
        ClockSettings(**bad)
