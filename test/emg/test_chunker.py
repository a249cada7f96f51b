"""How timed samples become chunks: full ones, those that end where one aims, and those at a gap."""

import math

import numpy as np
import pytest

from lbp_rehab.emg.chunker import Chunker
from lbp_rehab.emg.stream_clock import Run
from lbp_rehab.emg.types import NANOSECONDS, Channel

RATE_HZ = 1000.0
CHANNELS = (Channel("a"),)


class Feed:
    """A chunker that gets a ramp, so that each sample says its own place."""

    def __init__(self, chunk_s=0.02):
        self.chunks, self.n = Chunker(chunk_s, "feed"), 0

    def add(self, n, lost=0):
        self.n += lost
        self.chunks.hold(np.arange(self.n, self.n + n, dtype=np.float32)[:, None])
        self.chunks.add([Run(self.n / RATE_HZ, n, lost, RATE_HZ, 0.0)])
        self.n += n

    def take(self, whole=True):
        """Return the places in the next chunk, or None; its stamp and counts must agree."""
        chunk = self.chunks.take(CHANNELS, lambda s: round(s * NANOSECONDS), whole)
        if chunk is None:
            return None
        places = chunk.data[:, 0].astype(int).tolist()
        assert chunk.first_sample == places[0]
        assert chunk.stamp_ns == pytest.approx(places[0] / RATE_HZ * NANOSECONDS, abs=1)
        return places, chunk.lost_before


def test_samples_wait_until_they_fill_a_chunk():
    feed = Feed()
    feed.add(15)
    assert feed.take() is None
    feed.add(15)
    assert feed.take() == (list(range(20)), 0)
    assert feed.take() is None
    assert feed.take(whole=False) == (list(range(20, 30)), 0)
    assert feed.take(whole=False) is None


def test_a_gap_ends_a_chunk_and_is_declared_by_the_next():
    feed = Feed()
    feed.add(12)
    feed.add(20, lost=7)
    assert feed.take() == (list(range(12)), 0)
    assert feed.take() == (list(range(19, 39)), 7)


def test_a_gap_is_declared_once_when_its_samples_fill_several_chunks():
    feed = Feed()
    feed.add(20)
    feed.add(50, lost=5)
    assert [feed.take()[1] for _ in range(3)] == [0, 5, 0]


@pytest.mark.parametrize("aim", [12, 17, 25])
def test_a_chunk_ends_with_the_sample_that_is_aimed_at(aim):
    feed = Feed()
    feed.chunks.aim_s = (aim - 0.5) / RATE_HZ  # between two samples
    feed.add(8)
    assert feed.take() is None
    feed.add(60)
    places, _ = feed.take()
    assert places == list(range(aim + 1))
    assert feed.take()[0][0] == aim + 1


@pytest.mark.parametrize("aim", [-300, 3, 45])
def test_an_aim_that_makes_a_chunk_too_short_or_too_long_is_none(aim):
    feed = Feed()
    feed.chunks.aim_s = aim / RATE_HZ
    feed.add(60)
    assert feed.take()[0] == list(range(20))


def test_it_is_known_when_the_next_chunk_ends():
    feed = Feed()
    assert math.isnan(feed.chunks.end_s)
    feed.add(20)
    feed.take()
    assert feed.chunks.end_s == pytest.approx(39 / RATE_HZ)
    feed.chunks.aim_s = 0.0335
    assert feed.chunks.end_s == pytest.approx(34 / RATE_HZ)
    feed.add(10)
    assert feed.take() is None
    assert feed.chunks.end_s == pytest.approx(34 / RATE_HZ)
