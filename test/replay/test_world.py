import pytest

from lbp_rehab.replay.world import CLOCK_TOPIC, Terms, World

S = 1_000_000_000


class Heard(list):
    """Takes what comes, with the time at which it came."""

    def __init__(self, world):
        super().__init__()
        self.world = world

    def __call__(self, data):
        self.append((self.world.now_ns, data))


@pytest.fixture
def world():
    return World(10 * S)


def test_a_message_reaches_its_readers_before_what_they_answer(world):
    order = []
    second = world.offer("/b", "x/msg/B", Terms())

    def answer(data):
        order.append(("first", data))
        world.send(second, b"answer")

    world.listen("/a", Terms(), answer)
    world.listen("/a", Terms(), lambda data: order.append(("last", data)))
    world.listen("/b", Terms(), lambda data: order.append(("b", data)))
    writer = world.offer("/a", "x/msg/A", Terms())
    world.send(writer, b"1")
    world.send(writer, b"2")
    assert order == []
    world.drain()
    assert order == [
        ("first", b"1"), ("last", b"1"), ("first", b"2"), ("last", b"2"),
        ("b", b"answer"), ("b", b"answer"),
    ]  # fmt: skip


def test_what_nodes_send_is_told_and_what_the_recording_plays_is_not():
    told = []
    world = World(3 * S, told.append)
    writer = world.offer("/a", "x/msg/A", Terms())
    world.play(writer, b"recorded")
    world.send(writer, b"made")
    (sent,) = told
    assert (sent.topic, sent.type, sent.time_ns, sent.data) == ("/a", "x/msg/A", 3 * S, b"made")


@pytest.mark.parametrize(
    ("offered", "asked", "heard"),
    [
        (Terms(reliable=True), Terms(reliable=False), True),
        (Terms(reliable=False), Terms(reliable=True), False),
        (Terms(latched=False), Terms(latched=True), False),
        (Terms(latched=True), Terms(latched=False), True),
    ],
)
def test_who_asks_for_more_than_is_offered_hears_nothing_as_in_dds(world, offered, asked, heard):
    got = Heard(world)
    world.listen("/a", asked, got)
    writer = world.offer("/a", "x/msg/A", offered)
    world.send(writer, b"1")
    world.drain()
    assert [data for _, data in got] == ([b"1"] if heard else [])
    assert {topic for topic, _ in world.unheard} == (set() if heard else {"/a"})


def test_who_comes_late_hears_what_is_latched_and_no_more_of_it_than_is_kept(world):
    latched = Terms(latched=True, depth=2)
    writer = world.offer("/a", "x/msg/A", latched)
    for data in (b"1", b"2", b"3"):
        world.send(writer, data)
    late, not_asked = Heard(world), Heard(world)
    world.listen("/a", latched, late)
    world.listen("/a", Terms(), not_asked)
    world.drain()
    assert [data for _, data in late] == [b"2", b"3"]
    assert not_asked == []


def test_who_has_left_hears_no_more_even_of_what_was_on_its_way(world):
    got = Heard(world)
    reader = world.listen("/a", Terms(), got)
    writer = world.offer("/a", "x/msg/A", Terms())
    world.send(writer, b"1")
    world.leave(reader)
    world.drain()
    assert got == []


def test_timers_ring_in_the_order_of_time_then_of_making(world):
    rings = []
    world.alarm(2 * S, lambda: rings.append((world.now_ns - 10 * S, "slow")))
    world.alarm(S, lambda: rings.append((world.now_ns - 10 * S, "fast")))
    world.go_to(14 * S)
    assert rings == [
        (S, "fast"), (2 * S, "slow"), (2 * S, "fast"), (3 * S, "fast"), (4 * S, "slow"),
        (4 * S, "fast"),
    ]  # fmt: skip


def test_what_a_timer_sends_is_worked_off_before_time_goes_on(world):
    got = Heard(world)
    world.listen("/a", Terms(), got)
    writer = world.offer("/a", "x/msg/A", Terms())
    world.alarm(S, lambda: world.send(writer, b"tick"))
    world.go_to(12 * S + S // 2)
    assert got == [(11 * S, b"tick"), (12 * S, b"tick")]
    assert world.now_ns == 12 * S + S // 2


def test_a_timer_can_be_cancelled_and_set_anew_also_while_it_rings(world):
    rings = []

    def once():
        rings.append(world.now_ns)
        alarm.cancel()

    alarm = world.alarm(S, once)
    world.go_to(13 * S)
    assert rings == [11 * S]
    assert alarm.cancelled
    alarm.reset()
    world.go_to(13 * S + S // 2)
    alarm.reset()  # puts it off
    world.go_to(20 * S)
    assert rings == [11 * S, 14 * S + S // 2]


def test_a_clock_that_jumps_back_takes_the_timers_along(world):
    rings = []
    world.alarm(S, lambda: rings.append(world.now_ns))
    world.go_to(11 * S + S // 4)
    world.go_to(5 * S)
    world.go_to(7 * S)
    assert rings == [11 * S, 5 * S + 3 * S // 4, 6 * S + 3 * S // 4]


def test_the_time_is_told_before_anything_else_of_an_instant():
    world = World(10 * S, clock=lambda now: b"%d" % (now // S))
    order = []
    world.listen(CLOCK_TOPIC, Terms(), order.append)
    world.alarm(S, lambda: order.append("ring"))
    world.go_to(11 * S)
    world.go_to(13 * S)
    assert order == [b"11", "ring", b"12", "ring", b"13", "ring"]


def test_a_service_answers_and_one_that_is_not_there_does_not(world):
    world.services["/double"] = lambda request, reply: reply(request * 2)
    replies = []
    world.call("/double", b"ab", replies.append)
    world.call("/nobody", b"ab", replies.append)
    assert replies == [b"abab"]


def test_who_waits_is_asked_again_until_they_are_done(world):
    steps = []

    def step():
        steps.append(world.now_ns)
        return len(steps) == 3

    world.until(step)
    world.alarm(S, lambda: None)
    world.go_to(20 * S)
    assert len(steps) == 3
