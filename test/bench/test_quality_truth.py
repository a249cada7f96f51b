import numpy as np
import pytest

from lbp_rehab.bench.quality_truth import onset
from lbp_rehab.stamps import NANOSECONDS

S = NANOSECONDS
TIMES_S = np.arange(0.0, 12.0, 1.0 / 30.0)


def way(times_s, begin_s, took_s):
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((times_s - begin_s) / took_s, 0.0, 1.0))


def found_s(values, first_s, last_s, *, backwards):
    stamps = np.round(TIMES_S * S).astype(np.int64)
    stamp_ns = onset(stamps, values, first_s * S, last_s * S, backwards=backwards)
    return stamp_ns / S


# The speed of half a cosine is a tenth of its peak 6.4 % from its ends.
@pytest.mark.parametrize("size", [40.0, -0.3])
def test_the_ends_are_where_the_speed_is_a_tenth_of_its_peak(size):
    values = size * (way(TIMES_S, 2.0, 2.0) - way(TIMES_S, 5.0, 2.0))
    assert found_s(values, 1, 5, backwards=True) == pytest.approx(2.0 + 0.064, abs=0.03)
    assert found_s(values, 4, 8, backwards=False) == pytest.approx(7.0 - 0.064, abs=0.03)


def test_who_stops_midway_has_neither_just_begun_nor_ended():
    out = 0.45 * way(TIMES_S, 1.0, 1.0) + 0.55 * way(TIMES_S, 3.5, 1.0)
    back = 0.55 * way(TIMES_S, 6.0, 1.0) + 0.45 * way(TIMES_S, 8.5, 1.0)
    values = out - back
    assert found_s(values, 1, 5, backwards=True) == pytest.approx(1.04, abs=0.04)
    assert found_s(values, 6, 10, backwards=False) == pytest.approx(9.46, abs=0.04)


def test_what_does_not_move_has_no_ends():
    stamps = np.round(TIMES_S * S).astype(np.int64)
    still = np.zeros(len(TIMES_S))
    assert onset(stamps, still, 0, 5 * S, backwards=True) is None
    assert onset(stamps, way(TIMES_S, 1.0, 1.0), 20 * S, 21 * S, backwards=True) is None
