"""Messages that did not arrive are counted from their numbers."""

import pytest

from lbp_rehab.bags.gaps import Gaps


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [
        ([5, 6, 7], 0),
        ([5, 7, 11], 4),
        ([5, 6, 1, 2, 4], 1),  # the publisher began anew
        ([None, None], 0),  # middleware that does not number
    ],
)
def test_numbers_that_are_left_out_are_messages_that_did_not_arrive(numbers, missed):
    gaps = Gaps()
    gaps.publishers("/a", 1)
    for number in numbers:
        gaps.take("/a", number)
    assert gaps.missed["/a"] == missed


def test_of_several_publishers_nothing_is_counted():
    gaps = Gaps()
    for number in (5, 1, 6, 3, 20):
        gaps.publishers("/a", 2)
        gaps.take("/a", number)
    assert not gaps.missed.total()
