"""When messages are due: real time is simulated, so that every moment is exact."""

from itertools import pairwise

import pytest

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import Selection, select, span_ns
from lbp_rehab.bags.playback import Playback
from lbp_rehab.errors import InputError

SECOND = 1_000_000_000
START_NS = 100 * SECOND
TENTH = SECOND // 10


@pytest.fixture
def bag(recording):
    """A bag with messages at 0.0, 0.1, ... 1.0 s after its start, on /a and /b in turn."""
    made = recording()
    made.topic("/a")
    made.topic("/b")
    for index in range(11):
        made.write(("/a", "/b")[index % 2], START_NS + index * TENTH, bytes([index]))
    made.writer.close()
    with BagReader(made.folder) as reader:
        yield reader


class Run:
    """A player whose real time stands still while it works and jumps while it waits."""

    def __init__(self, bag, selection=None, **options):
        chosen = selection or Selection()
        self.now_ns = 7
        self.playback = Playback(bag, select(bag.topics, chosen), chosen, self.now_ns, **options)
        self.due = []  # (real time, what)

    def go(self, for_ns=10 * SECOND):
        """Go on for some real time, or to the end."""
        end_ns = self.now_ns + for_ns
        while not self.playback.over(self.now_ns):
            if (due := self.playback.next(self.now_ns)) is not None:
                self.due.append((self.now_ns, due))
                continue
            wait_ns = self.playback.wait_ns(self.now_ns)
            if wait_ns is None or self.now_ns + wait_ns > end_ns:
                self.now_ns = end_ns
                break
            self.now_ns += wait_ns
        return self

    @property
    def messages(self):
        return [(at - 7, due.message.data[0]) for at, due in self.due if due.message]


def test_pace_is_the_recorded_one_times_the_rate(bag):
    run = Run(bag, rate=2.0).go()
    assert run.messages == [(i * TENTH // 2, i) for i in range(11)]
    assert all(due.log_time_ns == due.message.log_time_ns for _, due in run.due)
    assert all(due.late_s == 0 for _, due in run.due)


def test_span_begins_at_once_and_includes_both_ends(bag):
    run = Run(bag, Selection(start_s=0.3, end_s=0.7)).go()
    assert run.messages == [((i - 3) * TENTH, i) for i in range(3, 8)]


def test_an_empty_span_is_refused(bag):
    with pytest.raises(InputError, match=r"1\.0 s long and holds 11 messages"):
        span_ns(bag, Selection(start_s=5.0))
    with pytest.raises(InputError, match="nothing to play"):
        Run(bag, Selection(start_s=0.8, end_s=0.2))


def test_clock_ticks_at_100_hz_of_real_time_and_follows_the_bag(bag):
    run = Run(bag, Selection(clock=True), rate=0.5).go()
    ticks = [at for at, due in run.due if due.message is None]
    assert [at for at, _ in run.due] == sorted(at for at, _ in run.due)
    assert max(b - a for a, b in pairwise(ticks)) <= 10_000_000
    assert len(ticks) == pytest.approx(200, abs=2)
    assert all(due.log_time_ns == START_NS + (at - 7) // 2 for at, due in run.due)


def test_a_pause_moves_all_that_comes_after_it_and_makes_nothing_late(bag):
    run = Run(bag).go(TENTH * 5 // 2)
    run.playback.set(run.now_ns, 1.0, paused=True)
    assert run.playback.wait_ns(run.now_ns) is None
    run.go(5 * SECOND)
    assert [index for _, index in run.messages] == [0, 1, 2]
    assert run.playback.place_s(run.now_ns) == pytest.approx(0.25)
    run.playback.set(run.now_ns, 1.0, paused=False)
    run.go()
    assert run.messages[3:] == [(5 * SECOND + i * TENTH, i) for i in range(3, 11)]
    assert all(due.late_s == 0 for _, due in run.due)


def test_the_clock_stands_still_in_a_pause_and_is_still_told(bag):
    run = Run(bag, Selection(clock=True)).go(TENTH * 5 // 2)
    run.playback.set(run.now_ns, 1.0, paused=True)
    before = len(run.due)
    run.go(SECOND)
    told = {due.log_time_ns for _, due in run.due[before:]}
    assert told == {START_NS + TENTH * 5 // 2}
    assert len(run.due) - before == pytest.approx(100, abs=2)
    run.playback.set(run.now_ns, 1.0, paused=False)
    run.go()
    times = [due.log_time_ns for _, due in run.due]
    assert times == sorted(times)
    assert times[-1] == START_NS + SECOND


def test_it_may_begin_paused_and_goes_message_by_message(bag):
    run = Run(bag, paused=True).go(SECOND)
    assert run.due == []
    for index in range(3):
        run.playback.step()
        run.go(SECOND)
        assert run.messages[-1] == ((index + 1) * SECOND, index)
        assert run.playback.place_s(run.now_ns) == pytest.approx(index / 10)
    run.playback.set(run.now_ns, 1.0, paused=False)
    run.go()
    assert run.messages[3:] == [(4 * SECOND + (i - 2) * TENTH, i) for i in range(3, 11)]
    assert all(due.late_s == 0 for _, due in run.due)


def test_a_step_while_playing_does_nothing(bag):
    run = Run(bag)
    run.playback.step()
    assert run.go().messages == [(i * TENTH, i) for i in range(11)]


def test_another_rate_counts_from_now_on(bag):
    run = Run(bag).go(TENTH * 9 // 2)
    run.playback.set(run.now_ns, 0.5, paused=False)
    run.go()
    assert run.messages[5:] == [(TENTH // 2 * 9 + (2 * i - 9) * TENTH, i) for i in range(5, 11)]


def test_who_was_late_does_not_catch_up_after_a_pause(bag):
    run = Run(bag)
    run.now_ns += TENTH * 7 // 2  # held up
    late = run.playback.next(run.now_ns)
    assert late.late_s == pytest.approx(0.35)
    run.playback.set(run.now_ns, 1.0, paused=True)
    run.playback.set(run.now_ns, 1.0, paused=False)
    run.go()
    assert run.messages == [(TENTH * 7 // 2 + (i - 1) * TENTH, i) for i in range(1, 11)]


@pytest.mark.parametrize("paused", [False, True])
def test_a_jump_goes_on_from_there(bag, paused):
    run = Run(bag, Selection(clock=True), paused=paused)
    run.go(TENTH // 2)
    run.playback.jump(0.75)
    run.go(TENTH)
    assert run.playback.place_s(run.now_ns) == pytest.approx(0.75 if paused else 0.85)
    run.playback.set(run.now_ns, 1.0, paused=False)
    run.go()
    assert [index for _, index in run.messages][-3:] == [8, 9, 10]
    assert 4 not in [index for _, index in run.messages]


def test_a_jump_stays_inside_the_span_and_goes_back_too(bag):
    run = Run(bag, Selection(start_s=0.3, end_s=0.7)).go()
    run.playback.jump(-5.0)
    run.go()
    run.playback.jump(99.0)
    run.go()
    assert [index for _, index in run.messages] == [3, 4, 5, 6, 7, 3, 4, 5, 6, 7, 7]


def test_it_can_begin_again(bag):
    run = Run(bag).go()
    run.playback.restart()
    assert [index for _, index in run.go().messages] == [*range(11), *range(11)]
