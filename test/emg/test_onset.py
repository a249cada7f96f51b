"""Where a ramp passes a height, and when a muscle is said to be on."""

from itertools import pairwise

import numpy as np
import pytest

from lbp_rehab.emg.filters import BandFilter, FilterDesign, FilterSettings
from lbp_rehab.emg.onset import FIT_AFTER_S, OnsetDetector, OnsetSettings, passes

RATE_HZ = 1000.0
DESIGN = FilterDesign(RATE_HZ, FilterSettings())
SECOND = 1_000_000_000
REST_V, MVC_V = 2e-6, 3e-4
NO_SMOOTHING = np.array([1.0])
RISES = (2, 6, 12, 500)  # the last is longer than what is seen


START = 1.0


def ramp(n, begin, rise, slope):
    return START + slope * np.clip(np.arange(n) - begin, 0, rise)


def place_of(level, over, rises=RISES, kernel=NO_SMOOTHING):
    return passes(level, START, over, rises, kernel)


@pytest.mark.parametrize("rise", RISES)
@pytest.mark.parametrize("begin", [20, 50, 85])
def test_a_ramp_passes_a_height_exactly_where_it_does(rise, begin):
    level = ramp(120, begin, rise, slope=0.7)
    # A rise that ends within the view shows whether it is linear or has a plateau.
    assert place_of(level, 1.05) == pytest.approx(begin + 1.5, abs=1e-6)


def test_what_the_levels_were_smoothed_with_does_not_move_the_place():
    kernel = np.exp(-0.5 * (np.arange(-7, 8) / 3.0) ** 2)
    kernel /= kernel.sum()
    level = np.convolve(ramp(160, 70, 6, 2.0), kernel, "valid")
    assert place_of(level, 3.0, kernel=kernel) == pytest.approx(70 + 1.5 - 7, abs=1e-6)


def test_noise_scatters_the_place_about_the_truth():
    rng = np.random.default_rng(0)
    truth = ramp(120, 60, 12, 0.5)
    places = [place_of(truth * (1 + 0.1 * rng.standard_normal(120)), 1.0) for _ in range(200)]
    error = np.array(places) - 62.0
    assert abs(np.mean(error)) < 0.3
    assert error.std() < 2.0


def test_no_place_on_what_falls():
    assert place_of(4.0 - ramp(120, 60, 500, 0.02), 0.1) is None


def test_no_place_where_the_plateau_is_too_low():
    assert place_of(ramp(120, 60, 6, 0.5), 3.5, RISES[:-1]) is None


class Run:
    """A detector that has seen a signal: when each channel switched, and when it was said."""

    def __init__(self, x, mvc_v=None, chunk=25, settings=None, usable=None):
        n = x.shape[1]
        self.detector = OnsetDetector(n, DESIGN, settings or OnsetSettings())
        self._band, self._chunk, self._usable = BandFilter(DESIGN), chunk, usable
        self._mvc_v = np.full(n, np.nan if mvc_v is None else mvc_v)
        self.on, self.off = [[] for _ in range(n)], [[] for _ in range(n)]
        self.samples = 0
        self.feed(x)

    def feed(self, x):
        for i in range(0, len(x), self._chunk):
            detector, before = self.detector, self.detector.active.copy()
            stamp_ns = round((self.samples / RATE_HZ - DESIGN.band_delay_s) * SECOND)
            valid = np.ones(x.shape[1], bool)
            if self._usable is not None:
                valid = self._usable(self.samples / RATE_HZ)
            part = x[i : i + self._chunk]
            detector.update(self._band(part), stamp_ns, valid, self._mvc_v)
            self.samples += len(part)
            for k in np.flatnonzero(detector.active != before):
                (self.on if detector.active[k] else self.off)[k].append(
                    detector.since_ns[k] / SECOND
                )


def seconds(n):
    return np.arange(round(n * RATE_HZ)) / RATE_HZ


def near(found, truth, within):
    """Whether each true time has exactly one found, so near."""
    return len(found) == len(truth) and all(
        abs(f - t) < within for f, t in zip(sorted(found), truth, strict=True)
    )


def test_steps_of_a_calibrated_muscle_are_found_once_and_in_place(emg):
    t = seconds(24)
    level = np.where(t % 6 > 3, 0.1 * MVC_V, REST_V)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None], MVC_V)
    for on, off in zip(run.on, run.off, strict=True):
        assert near(on, [3, 9, 15, 21], 0.03)
        assert near(off, [6, 12, 18], 0.1)
    assert abs(np.mean(np.array(run.on) % 6 - 3)) < 0.015
    np.testing.assert_allclose(run.detector.rest_v, REST_V, rtol=0.25)


def test_steps_of_a_muscle_without_mvc_are_found_in_place(emg):
    t = seconds(24)
    level = np.where(t % 6 > 3, 15 * REST_V, REST_V)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None])
    found = sum(len(on) for on in run.on)
    for on in run.on:
        assert all(min(abs(f - truth) for f in on) < 0.04 for truth in (3, 9, 15, 21))
    assert found <= 1.1 * 4 * len(run.on)  # three SD of rest are passed by chance now and then


@pytest.mark.parametrize("slope", [0.25, 0.5])
def test_a_slow_rise_begins_where_it_passes_the_threshold(emg, slope):
    t = seconds(18)
    away = np.minimum(t % 6 - 2, 6 - t % 6)
    level = REST_V + slope * MVC_V * np.clip(away, 0, 1)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None], MVC_V)
    delay = OnsetSettings().on_mvc / slope
    errors = [f % 6 - 2 - delay for on in run.on for f in on]
    assert len(errors) == 3 * 8
    assert abs(np.median(errors)) < 0.015
    assert np.abs(errors).max() < 0.05


def test_without_mvc_a_slow_rise_is_not_found_long_after_it_begins(emg):
    t = seconds(18)
    level = REST_V + 1.5e-4 * np.clip(np.minimum(t % 6 - 2, 6 - t % 6), 0, 1)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None])
    for on in run.on:
        assert all(min(abs(f - truth) for f in on) < 0.04 for truth in (2, 8, 14))


def test_a_minute_at_fifteen_percent_stays_one_burst(emg):
    t = seconds(74)
    level = np.where((t > 6) & (t < 66), 0.15 * MVC_V, REST_V)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None], MVC_V)
    for on, off in zip(run.on, run.off, strict=True):
        assert near(on, [6], 0.03)
        assert near(off, [66], 0.15)


@pytest.mark.parametrize(
    "known_s",
    [
        17,
        13,
    ],
)
def test_repetitions_on_top_of_kneeling_are_each_found(emg, known_s):
    t = seconds(36)
    level = np.where(t < 5, REST_V, 0.08 * MVC_V)
    level[(t > 9) & (t % 4 > 2)] = 0.4 * MVC_V
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None], MVC_V)
    for on, off in zip(run.on, run.off, strict=True):
        # Kneeling itself is work until the muscle comes back to it from a repetition.
        assert near([f for f in on if f > known_s], range(known_s + 1, 36, 4), 0.04)
        assert near([f for f in off if f > known_s + 2], range(known_s + 3, 36, 4), 0.3)


@pytest.mark.parametrize(("length_s", "counts"), [(0.1, False), (0.6, True)])
def test_a_burst_shorter_than_on_s_is_none(emg, length_s, counts):
    t = seconds(12)
    level = np.where((t > 4) & (t % 4 > 2) & (t % 4 < 2 + length_s), 0.08 * MVC_V, REST_V)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None], MVC_V, settings=OnsetSettings(on_s=0.4))
    assert all(near(on, [6, 10] if counts else [], 0.04) for on in run.on)


@pytest.mark.parametrize(("share", "counts"), [(0.015, False), (0.03, False), (0.1, True)])
def test_a_burst_that_does_not_rise_to_confirm_thresholds_is_none(emg, share, counts):
    t = seconds(12)
    level = np.where((t > 4) & (t % 4 > 2), REST_V + share * MVC_V, REST_V)
    settings = OnsetSettings(on_mvc=0.02, confirm=3.0)
    run = Run(emg(RATE_HZ, len(t), 8) * level[:, None], MVC_V, settings=settings)
    assert all(near(on, [6, 10] if counts else [], 0.04) for on in run.on)


def test_a_channel_that_becomes_invalid_ends_and_begins_anew_when_it_is_back(emg):
    t = seconds(15)
    level = np.where((t % 4 > 2) & (t > 4), 0.2 * MVC_V, REST_V)

    def usable(now_s):
        return np.array([not 7 <= now_s < 12, True])

    run = Run(emg(RATE_HZ, len(t), 2) * level[:, None], MVC_V, usable=usable)
    assert near(run.on[0], [6, 14], 0.04)
    assert run.off[0] == [pytest.approx(7.0 - DESIGN.band_delay_s, abs=0.01)]
    assert near(run.on[1], [6, 10, 14], 0.04)
    assert near(run.off[1], [8, 12], 0.1)


def test_a_restart_ends_what_is_under_way_and_keeps_rest(emg):
    t = seconds(7)
    x = emg(RATE_HZ, len(t), 4) * np.where(t > 5, 0.2 * MVC_V, REST_V)[:, None]
    run = Run(x, MVC_V)
    rest_v = run.detector.rest_v.copy()
    assert run.detector.active.all()
    assert (rest_v > 0).all()
    run.detector.restart()
    assert not run.detector.active.any()
    assert not run.detector.at(7 * SECOND)[0].any()
    np.testing.assert_array_equal(run.detector.rest_v, rest_v)
    # No rest is seen in the 0.4 s before the next burst: the one from before must serve.
    x = emg(RATE_HZ, 1400, 4, 1) * np.where(np.arange(1400) > 400, 0.2 * MVC_V, REST_V)[:, None]
    run.on = [[] for _ in run.on]
    run._band = BandFilter(DESIGN)
    run.feed(x)
    assert all(near(on, [7.4], 0.04) for on in run.on)


def told(chunk, emg):
    """Return what `at` tells every 20 ms of a signal with bursts, asked chunk after chunk."""
    t = seconds(12)
    x = emg(RATE_HZ, len(t), 3) * np.where(t % 4 > 2, 0.2 * MVC_V, REST_V)[:, None]
    run, answers, asked_ns = Run(x[:0], MVC_V, chunk), [], 0
    for i in range(0, len(x), chunk):
        run.feed(x[i : i + chunk])
        while asked_ns <= (run.samples / RATE_HZ - 0.4) * SECOND:
            active, since_ns = run.detector.at(asked_ns)
            answers.append((asked_ns, tuple(active), tuple(since_ns)))
            asked_ns += SECOND // 50
    return answers


def test_at_tells_in_order_the_same_for_any_chunk(emg):
    answers = told(25, emg)
    longer = told(3000, emg)
    assert longer == answers[: len(longer)]
    assert len(longer) > 500
    changes = [b for a, b in pairwise(answers) if a[1] != b[1]]
    assert changes
    for stamp_ns, active, since_ns in changes:
        newest = max(since_ns)
        assert newest < stamp_ns
        if all(active):  # a burst is told once the ramp after its crossing has been seen
            assert stamp_ns - newest > (FIT_AFTER_S - 0.05) * SECOND
    since = [max(c[2]) for c in changes]
    assert since == sorted(since)
