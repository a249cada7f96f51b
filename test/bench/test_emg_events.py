import numpy as np
import pytest

from lbp_rehab.bench.emg_events import TrueEvent, match

S = 1_000_000_000


def true(channel, stamp_ns, counts=True, burst_ns=None, start_ns=0):
    return TrueEvent(channel, stamp_ns, counts, burst_ns or (stamp_ns, stamp_ns), start_ns)


def test_events_pair_with_the_nearest_of_their_channel():
    events = match(
        [true(0, 10 * S, start_ns=10 * S - S // 20), true(0, 20 * S), true(1, 10 * S)],
        [(0, 10 * S + S // 10), (0, 10 * S - S // 5), (1, 10 * S + S // 2), (0, 20 * S - S // 100)],
    )
    assert sorted(events.late_s) == pytest.approx([-0.01, 0.1])
    assert np.nanmax(events.start_late_s) == pytest.approx(0.15)
    assert (events.true, events.missed, events.false) == (3, 1, 2)
    assert events.of([1]).true == 1
    assert events.of([1]).false == 1
    assert events.of([0]).missed == 0


def test_what_does_not_count_is_neither_missed_nor_false():
    small = true(0, 10 * S, counts=False, burst_ns=(10 * S, 12 * S))
    events = match([small], [(0, 10 * S + S // 10), (0, 11 * S), (0, 12 * S + S // 5), (1, 11 * S)])
    assert (events.true, events.missed, events.false) == (0, 0, 1)
    assert events.surplus.tolist() == [1]
    assert match([small], []).missed == 0


def test_a_small_burst_does_not_lend_its_onset_to_a_large_one_that_is_farther():
    events = match([true(0, 10 * S, counts=False), true(0, 10 * S + S // 5)], [(0, 10 * S)])
    assert (events.missed, events.false) == (1, 0)


def test_excused_places_and_cross_talk():
    found = [(0, 1 * S), (0, 3 * S), (1, 3 * S)]
    events = match(
        [], found, excused=lambda k, t: t < 2 * S, picked_up=lambda k, t: k == 1 and t > 2 * S
    )
    assert events.false == 2
    assert events.false_by_cross_talk == 1
    assert events.of([1]).false_by_cross_talk == 1
    assert events.of([0]).false_by_cross_talk == 0
