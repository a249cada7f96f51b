"""Simulated sources whose true sampling times are known: drift, jumps, lateness and losses."""

from itertools import pairwise

import numpy as np
import pytest

from lbp_rehab.emg.clock_events import Jump, OtherRate, OwnEpoch
from lbp_rehab.emg.stream_clock import StreamClock

RATE_HZ = 1000.0
PUSH = 10  # samples a push
TRANSIT_S = 0.004
START_S = 5000.0


class Source:
    """Pushes samples; collects how far the times found are off, and what was declared.

    Parameters
    ----------
    drift : float
        Seconds that the source's clock gains in a second.
    jitter_s : float
        The reader sleeps for up to this between two looks, and the network is late by up to this.
    stamp_jitter_s : float
        Stamps are late by up to this.
    """

    def __init__(
        self,
        drift=0.0,
        jitter_s=0.0,
        *,
        stamp_jitter_s=0.0,
        rate_hz=RATE_HZ,
        epoch_s=0.0,
        stated=None,
    ):
        self.rng = np.random.default_rng(7)
        self.clock = StreamClock(stated or rate_hz)
        self.drift, self.jitter_s, self.rate_hz = drift, jitter_s, rate_hz
        self.stamp_jitter_s = stamp_jitter_s
        self.offset_s, self.now_s, self.arrival_s = epoch_s, START_S, 0.0
        self.wake_s, self.queue = START_S, []
        self.pending, self.times, self.errors = [], [], []
        self.lost, self.rates, self.events = [], [], []
        self.lateness_s = 0.0  # of all arrivals until further notice

    def play(self, seconds, interrupted=False):
        end = self.now_s + seconds
        while self.now_s < end - 1e-9:
            truth = self.now_s + np.arange(PUSH) / self.rate_hz
            self.now_s += PUSH / self.rate_hz
            stamps = truth + self.drift * (truth - START_S) + self.offset_s
            stamps = stamps + self.stamp_jitter_s * self.rng.random()
            # The network is late now and then, and hands over in order.
            late = self.lateness_s + (self.rng.random() < 0.05) * self.jitter_s * self.rng.random()
            self.arrival_s = max(self.arrival_s, truth[-1] + TRANSIT_S + late)
            while self.wake_s < self.arrival_s:
                self.receive()
            self.pending += truth.tolist()
            self.queue.append(stamps)
            if interrupted:
                self.receive(interrupted)
            interrupted = False

    def receive(self, interrupted=False):
        """Hand over what has arrived, and sleep for as long as the scheduler likes."""
        if self.queue:
            self.take(self.clock.update(np.concatenate(self.queue), self.wake_s, interrupted))
        self.queue = []
        self.wake_s = max(self.arrival_s, self.wake_s) + self.jitter_s * self.rng.random()

    def skip(self, seconds):
        self.now_s += seconds

    def finish(self):
        self.wake_s = max(self.wake_s, self.arrival_s)
        self.receive()
        self.take(self.clock.poll(self.wake_s + 2.0))
        assert not self.pending
        return self

    def take(self, runs):
        for run in runs:
            truth, self.pending = self.pending[: run.n], self.pending[run.n :]
            self.times.append(truth[0])
            self.errors.append(run.first_s - truth[0])
            self.rates.append(run.rate_hz)
            if run.lost:
                self.lost.append((truth[0], run.lost))
        self.events += self.clock.events()

    def worst_s(self, begin_s=0.0, end_s=np.inf):
        t = np.array(self.times) - START_S
        return np.abs(np.array(self.errors)[(t >= begin_s) & (t < end_s)]).max()

    def jumps(self):
        return [e.by_s for e in self.events if isinstance(e, Jump)]


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
@pytest.mark.parametrize("jitter_s", [0.002, 0.1])
def test_a_drift_is_taken_out_for_ten_minutes(drift, jitter_s):
    source = Source(drift, jitter_s)
    source.play(600.0)
    source.finish()
    assert source.worst_s() < 0.002
    assert source.events == []
    assert source.lost == []
    assert np.array(source.rates[3000:]) == pytest.approx(RATE_HZ, rel=3e-5)


@pytest.mark.parametrize("at_s", [12.0, 70.0])
@pytest.mark.parametrize("by_s", [0.05, -0.05])
@pytest.mark.parametrize("jitter_s", [0.002, 0.1])
def test_a_jump_of_the_clock_is_reported_and_taken_out(by_s, jitter_s, at_s):
    source = Source(200e-6, jitter_s)
    source.play(at_s)
    source.offset_s += by_s
    source.play(60.0)
    source.finish()
    assert source.worst_s(at_s + 5.0) < 0.002
    assert source.jumps() == pytest.approx([by_s], abs=1e-3)
    assert source.lost == []


def test_a_jump_is_taken_out_at_once_where_arrivals_are_prompt():
    source = Source(jitter_s=0.001)
    source.play(20.0)
    source.offset_s += 0.05
    source.play(20.0)
    assert source.finish().worst_s() < 0.002


@pytest.mark.parametrize("jitter_s", [0.002, 0.1])
@pytest.mark.parametrize("lost", [10, 50, 400])
def test_a_loss_is_counted_and_is_no_jump(lost, jitter_s):
    source = Source(200e-6, jitter_s)
    source.play(40.0)
    source.skip(lost / RATE_HZ)
    source.play(40.0)
    source.finish()
    assert source.lost == [(pytest.approx(START_S + 40.0 + lost / RATE_HZ), lost)]
    assert source.events == []
    assert source.worst_s() < 0.002


@pytest.mark.parametrize("by_s", [0.05, -0.05])
@pytest.mark.parametrize("lost", [100, 30])
def test_a_jump_and_a_loss_at_once_are_told_apart(by_s, lost):
    source = Source(200e-6, 0.004)
    source.play(40.0)
    source.skip(lost / RATE_HZ)
    source.offset_s += by_s
    source.play(40.0)
    source.finish()
    assert source.jumps() == pytest.approx([by_s], abs=1e-3)
    ((_, counted),) = source.lost
    assert counted == pytest.approx(lost, abs=1)
    assert source.worst_s(45.0) < 0.002


def assert_nothing_happened(source):
    source.play(20.0)
    source.finish()
    assert source.events == []
    assert source.lost == []
    assert source.worst_s() < 0.002


def test_a_late_burst_changes_nothing():
    source = Source(200e-6, 0.002)
    source.play(20.0)
    for lateness_s in np.linspace(0.5, 0.0, 50):  # all of half a second comes at once
        source.lateness_s = lateness_s
        source.play(0.01)
    assert_nothing_happened(source)


def test_stamps_late_for_a_moment_are_neither_loss_nor_jump():
    source = Source(jitter_s=0.002)
    source.play(20.0)
    for k in range(6, -1, -1):  # the sender was held up for 60 ms before it stamped
        source.offset_s = source.lateness_s = 0.01 * k
        source.play(0.01)
    assert_nothing_happened(source)


def test_jitter_of_the_stamps_is_averaged():
    source = Source(stamp_jitter_s=0.008, jitter_s=0.001)
    source.play(60.0)
    source.finish()
    assert source.events == []
    assert source.lost == []
    late = np.array(source.errors[1000:])  # by half of the jitter: the stamps themselves are late
    assert late.mean() == pytest.approx(0.004, abs=0.0005)
    assert late.std() < 0.001


@pytest.mark.parametrize("by_s", [0.0, 0.08, -30.0])
def test_a_stream_that_comes_back_is_timed_anew_and_its_gap_counted(by_s):
    source = Source(200e-6, 0.003)
    source.play(100.0)
    source.skip(3.0)
    source.offset_s += by_s
    source.play(20.0, interrupted=True)
    source.finish()
    assert source.worst_s() < 0.002
    assert source.jumps() == (pytest.approx([by_s], abs=1e-3) if by_s else [])
    assert source.lost == [(pytest.approx(START_S + 103.0), pytest.approx(3000, abs=3))]


@pytest.mark.parametrize("epoch_s", [-4000.0, 1.7e9, 0.02])
def test_an_epoch_of_the_device_is_reported_and_the_arrival_counts(epoch_s):
    source = Source(100e-6, 0.002, epoch_s=epoch_s)
    source.play(120.0)
    source.finish()
    (event,) = source.events
    assert isinstance(event, OwnEpoch)
    assert event.off_s == pytest.approx(-epoch_s, abs=0.01)
    errors = np.array(source.errors) - TRANSIT_S  # which nothing can tell then
    assert np.abs(errors).max() < 0.002


@pytest.mark.parametrize("rate_hz", [1050.0, 500.0])
def test_a_rate_that_is_not_the_stated_one_is_said_once_and_measured(rate_hz):
    source = Source(jitter_s=0.002, rate_hz=rate_hz, stated=1000.0)
    source.play(30.0)
    source.finish()
    (event,) = source.events
    assert isinstance(event, OtherRate)
    assert event.rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert source.rates[-1] == pytest.approx(rate_hz, rel=1e-4)
    assert source.lost == []
    assert source.worst_s() < 0.002


def test_stamps_made_with_a_wrong_rate_are_found_out_by_the_arrivals():
    # The device counts samples and states 1000 Hz, but its crystal makes 970.
    source = Source(970 / 1000 - 1, 0.002, rate_hz=970.0, stated=1000.0)
    source.play(60.0)
    source.finish()
    assert [round(e.rate_hz / 970.0, 2) for e in source.events] == [1.0]
    assert source.rates[-1] == pytest.approx(970.0, rel=1e-3)
    assert source.worst_s(15.0) < 0.002


def test_what_the_device_counted_as_lost_is_not_estimated():
    clock = StreamClock(RATE_HZ)
    runs = []
    for k in range(0, 4000, PUSH):
        first = k if k < 2000 else k + 3
        stamps = 10 + (first + np.arange(PUSH)) / RATE_HZ
        runs += clock.update(stamps, stamps[-1] + 0.001, missing=3 * (k == 2000))
    assert [run.lost for run in runs if run.lost] == [3]
    for before, after in pairwise(runs):
        step = after.first_s - before.first_s - (before.n + after.lost) / RATE_HZ
        assert abs(step) < 1e-4
