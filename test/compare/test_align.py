import random
from collections import Counter

import pytest

from lbp_rehab.compare.align import Row, pairs


def rows(*stamps, side="a"):
    return [Row(s, s, f"{side}{k}".encode()) for k, s in enumerate(stamps)]


def stamps(found):
    return [tuple(row and row.stamp_ns for row in pair) for pair in found]


def names(found):
    return [tuple(row and row.data.decode() for row in pair) for pair in found]


def test_messages_of_the_same_stamp_are_partners():
    assert stamps(pairs(rows(1, 2, 3), rows(3, 1, 2))) == [(1, 1), (2, 2), (3, 3)]


def test_what_only_one_side_has_stands_alone_in_the_order_of_stamps():
    assert stamps(pairs(rows(1, 3), rows(2, 3, 4))) == [(1, None), (None, 2), (3, 3), (None, 4)]


def test_messages_of_one_stamp_are_paired_in_the_order_in_which_they_came():
    found = names(pairs(rows(5, 5, 5), rows(5, 5, side="b")))
    assert found == [("a0", "b0"), ("a1", "b1"), ("a2", None)]
    found = names(pairs(rows(5), rows(5, 5, 5, side="b")))
    assert found == [("a0", "b0"), (None, "b1"), (None, "b2")]


def test_messages_of_one_stamp_about_different_things_are_no_partners():
    golden = [Row(1, 1, b"a", ("left",)), Row(1, 1, b"b", ("right",))]
    new = [Row(1, 1, b"c", ("right",)), Row(1, 1, b"d", ("left",))]
    assert names(pairs(golden, new)) == [("a", "d"), ("b", "c")]


def test_within_a_span_the_nearest_are_partners():
    assert stamps(pairs(rows(10, 20), rows(13, 21), within_ns=5)) == [(10, 13), (20, 21)]
    assert stamps(pairs(rows(10), rows(14, 12), within_ns=5)) == [(10, 12), (None, 14)]
    assert stamps(pairs(rows(10), rows(16), within_ns=5)) == [(10, None), (None, 16)]
    assert stamps(pairs(rows(10), rows(15), within_ns=5)) == [(10, 15)]


def test_the_nearest_are_found_also_if_messages_were_not_recorded_in_order():
    found = stamps(pairs(rows(100, 10), rows(11, 103), within_ns=5))
    assert found == [(10, 11), (100, 103)]


def test_those_of_the_same_stamp_come_before_those_that_are_near():
    assert stamps(pairs(rows(10, 11), rows(11, 12), within_ns=5)) == [(10, 12), (11, 11)]


def test_what_is_alike_goes_before_what_is_near():
    golden, new = rows(10, 12), rows(11, 14, side="b")
    alike = {("a0", "b1"), ("a1", "b0")}
    found = pairs(
        golden, new, within_ns=5, alike=lambda a, b: (a.data.decode(), b.data.decode()) in alike
    )
    assert set(names(found)) == alike


@pytest.mark.parametrize("within_ns", [0, 1, 4, 1000])
def test_every_message_is_there_once_and_pairs_are_near(within_ns):
    chance = random.Random(within_ns)
    for _ in range(200):
        golden = rows(*(chance.randrange(30) for _ in range(chance.randrange(12))))
        new = rows(*(chance.randrange(30) for _ in range(chance.randrange(12))), side="b")
        found = pairs(golden, new, within_ns, lambda a, b: (a.stamp_ns + b.stamp_ns) % 2 == 0)
        for side, given in enumerate((golden, new)):
            held = [p[side].data for p in found if p[side] is not None]
            assert Counter(held) == Counter(row.data for row in given)
        both = [(a.stamp_ns, b.stamp_ns) for a, b in found if a and b]
        assert all(abs(a - b) <= within_ns for a, b in both)
        alone = [[p[s].stamp_ns for p in found if p[1 - s] is None] for s in (0, 1)]
        assert not any(abs(a - b) <= within_ns for a in alone[0] for b in alone[1])
        first = [min(r.stamp_ns for r in p if r) for p in found]
        assert first == sorted(first)
