import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.live import moment
from lbp_rehab.quality.movement import control, find_moments
from lbp_rehab.quality.repetitions import Segmenter
from lbp_rehab.quality.track import Track
from lbp_rehab.quality.types import Outcome, Phase, Side

FPS = 30.0
REST, TARGET = np.radians(130.0), np.radians(168.0)
START = (np.radians(95.0), np.radians(152.0))


class Run:
    """Feeds a signal of progress (1 is 45 deg, so 0.844 reaches the target) to the segmenter."""

    def __init__(self, patient, times, progress, noise_deg=0.0, *, seed=0, unknown=None):
        rng = np.random.default_rng(seed)
        self.segmenter = Segmenter(START, TARGET, 0.35)
        self.track, self.segments, self.phases, self.arrived = Track(), [], [], []
        sigma = np.radians(max(noise_deg, 0.1))
        for i, t in enumerate(times):
            value = REST + np.radians(45.0) * progress[i]
            value += np.radians(noise_deg) * rng.standard_normal()
            estimate = Estimate(float(value), float(sigma))
            if unknown is not None and unknown(t):
                estimate = Estimate.unknown(Reason.OCCLUDED)
            self.track.add(patient.stamp_of(t), estimate)
            self.segments += self.segmenter.step(patient.stamp_of(t), estimate)
            self.phases.append(self.segmenter.phase)
            now = moment(patient.stamp_of(t), self.segmenter, 0.35, Side.NONE)
            self.arrived.append(now.arrived)
        self.outcomes = [s.outcome.name for s in self.segments]

    def moments(self):
        return [find_moments(self.track, s, 1.0) for s in self.segments]


def series(patient, count, way_s, hold_s=0.0, rest_s=0.0):
    first_s = 1.0
    period = 2 * way_s + hold_s + rest_s
    times = np.arange(0.0, first_s + count * period + 1.5, 1.0 / FPS)
    progress = sum(
        patient.cycle(times, first_s + k * period, way_s, hold_s, way_s) for k in range(count)
    )
    return times, progress


@pytest.mark.parametrize("noise_deg", [0.0, 2.0, 4.0])
@pytest.mark.parametrize("hold_s", [0.0, 2.0])
@pytest.mark.parametrize("period_s", [2.0, 3.0, 5.0, 10.0])
def test_the_count_is_exact_from_the_first_repetition_on(patient, period_s, hold_s, noise_deg):
    times, progress = series(patient, 8, period_s / 2, hold_s)
    run = Run(patient, times, progress, noise_deg)
    assert run.outcomes == ["COMPLETE"] * 8


@pytest.mark.parametrize("seed", range(5))
def test_lying_still_with_noise_counts_nothing(patient, seed):
    times = np.arange(0.0, 30.0, 1.0 / FPS)
    run = Run(patient, times, np.zeros_like(times), noise_deg=4.0, seed=seed)
    assert run.outcomes == []
    assert run.phases[-1] == Phase.REST


def test_moments_are_those_of_the_movement(patient):
    times, progress = series(patient, 3, 2.0, 2.0, 1.0)
    for k, moments in enumerate(Run(patient, times, progress).moments()):
        begin = 1.0 + 7.0 * k
        for stamp, truth in (
            (moments.start_ns, begin),
            (moments.arrival_ns, begin + 2.0),
            (moments.departure_ns, begin + 4.0),
            (moments.end_ns, begin + 6.0),
        ):
            assert (stamp - patient.stamp_of(truth)) / 1e9 == pytest.approx(0.0, abs=0.15)
        assert np.degrees(moments.excursion.value) == pytest.approx(45.0, abs=0.5)


def test_a_movement_that_turns_back_early_is_partial_and_a_twitch_is_nothing(patient):
    times, progress = series(patient, 3, 1.5, 0.5, 1.0)
    assert Run(patient, times, 0.6 * progress).outcomes == ["PARTIAL"] * 3
    assert Run(patient, times, 0.2 * progress).outcomes == []


def test_a_wobble_at_the_top_is_not_a_repetition(patient):
    times = np.arange(0.0, 10.0, 1.0 / FPS)
    progress = patient.cycle(times, 1.0, 1.5, 4.0, 1.5)
    wobble = np.where((times > 3.0) & (times < 6.0), 0.2 * np.sin(np.pi * (times - 3.0)) ** 2, 0)
    assert Run(patient, times, progress - wobble).outcomes == ["COMPLETE"]


@pytest.mark.parametrize("noise_deg", [0.0, 2.0, 3.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_who_goes_no_further_has_arrived_though_the_measure_shakes(patient, noise_deg, seed):
    times, progress = series(patient, 1, way_s=2.0, hold_s=3.0)
    run = Run(patient, times, progress, noise_deg, seed=seed)
    first_s = times[run.arrived.index(True)]
    assert 3.0 - 0.2 < first_s < 3.0 + 0.8


def test_turning_again_far_down_without_rest_counts_each(patient):
    times = np.arange(0.0, 12.0, 1.0 / FPS)
    first = patient.cycle(times, 1.0, 1.5, 0.0, 1.5)
    second = patient.cycle(times, 4.0, 1.5, 0.0, 1.5)
    between = np.where(
        (times > 2.5) & (times < 5.5), np.maximum(first + second, 0.22), first + second
    )
    assert Run(patient, times, between).outcomes == ["COMPLETE"] * 2


def test_a_short_gap_is_bridged_and_a_long_one_aborts(patient):
    times, progress = series(patient, 2, 2.0, 1.0, 1.0)
    short = Run(patient, times, progress, unknown=lambda t: 2.0 < t < 3.5)
    assert short.outcomes == ["COMPLETE", "COMPLETE"]
    long = Run(patient, times, progress, unknown=lambda t: 2.5 < t < 5.5)
    assert long.outcomes == ["ABORTED", "COMPLETE"]
    assert long.segments[0].end_ns <= patient.stamp_of(2.5)


def test_a_gap_over_the_top_invents_no_peak(patient):
    times, progress = series(patient, 1, 1.0, 0.5)
    run = Run(patient, times, progress, unknown=lambda t: 1.55 < t < 2.95)
    assert run.outcomes == ["PARTIAL"]
    assert run.moments()[0].excursion.value < np.radians(40.0)


def test_standing_still_midway_aborts(patient):
    times = np.arange(0.0, 20.0, 1.0 / FPS)
    run = Run(patient, times, 0.6 * patient.cycle(times, 1.0, 1.0, 100.0, 1.0))
    assert run.outcomes == ["ABORTED"]


def test_starting_in_the_middle_waits_for_the_start_position(patient):
    times = np.arange(0.0, 14.0, 1.0 / FPS)
    progress = 1.0 - patient.cycle(times, 1.0, 1.5, 100.0, 1.0)
    progress += patient.cycle(times, 5.0, 1.5, 1.0, 1.5)
    run = Run(patient, times, progress)
    assert run.phases[0] == Phase.UNKNOWN
    assert run.outcomes == ["COMPLETE"]
    assert run.segments[0].left_ns > patient.stamp_of(5.0)


def test_another_start_position_within_its_range_still_counts(patient):
    times, progress = series(patient, 4, 1.5, 1.0, 1.0)
    drift = 8.0 / 45.0 * times / times[-1]  # the feet slip: 8 deg over the set
    assert Run(patient, times, np.maximum(progress, drift)).outcomes == ["COMPLETE"] * 4


@pytest.mark.parametrize("way_s", [1.5, 3.0, 5.0])
def test_smoothness_falls_as_the_movement_gets_jerky(patient, way_s):
    times, progress = series(patient, 1, way_s, 1.0)
    found = []
    for amplitude in (0.0, 0.03, 0.06, 0.1):
        moving = (progress > 0.05) & (progress < 0.97)
        jerks = amplitude * np.sin(6 * np.pi * (times - 1.0) / way_s) * moving
        run = Run(patient, times, progress + jerks)
        found.append(control(run.track, run.moments()[0]).value)
    assert found == sorted(found, reverse=True)
    assert found[0] > -1.7


def test_smoothness_does_not_mistake_noise_for_jerks(patient):
    times, progress = series(patient, 1, 3.0, 1.0)
    quiet, noisy = (Run(patient, times, progress, noise_deg=n) for n in (0.0, 2.0))
    values = [control(r.track, r.moments()[0]) for r in (quiet, noisy)]
    assert values[1].value == pytest.approx(values[0].value, abs=0.5)
    assert values[1].sigma > values[0].sigma


def test_outcomes_are_the_same_at_ten_frames_a_second(patient):
    times, progress = series(patient, 5, 1.5, 1.0, 0.5)
    run = Run(patient, times[::3], progress[::3], noise_deg=2.0)
    assert run.outcomes == [Outcome.COMPLETE.name] * 5
