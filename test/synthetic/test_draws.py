import itertools

import numpy as np
import pytest

from lbp_rehab.synthetic.draws import Draws, Split


def many(split, draw, n=4000):
    draws = Draws(3, split)
    return np.array([draw(draws) for _ in range(n)])


@pytest.mark.parametrize("draw", [lambda d: d.uniform(2.0, 5.0), lambda d: d.normal(1.0, 0.2)])
def test_training_and_testing_share_no_range_but_reach_equally_far(draw):
    train, test = (np.sort(many(split, draw)) for split in (Split.TRAIN, Split.TEST))
    everything = np.sort(many(Split.ANY, draw))
    edges = np.quantile(everything, np.linspace(0.0, 1.0, 11))
    shared = 0
    for low, high in itertools.pairwise(edges):
        margin = 0.05 * (high - low)
        inside = [((x > low + margin) & (x < high - margin)).sum() for x in (train, test)]
        shared += min(inside)
    assert shared == 0
    span = np.ptp(everything)
    assert np.ptp(train) > 0.75 * span
    assert np.ptp(test) > 0.5 * span


def test_normal_draws_have_the_stated_mean_and_spread():
    values = many(Split.ANY, lambda d: d.normal(10.0, 2.0))
    assert values.mean() == pytest.approx(10.0, abs=0.15)
    assert values.std() == pytest.approx(2.0, rel=0.06)
    assert np.abs(values - 10.0).max() < 5.1


def test_same_seed_same_draws_and_splits_and_streams_share_none():
    def first(*arguments):
        return Draws(*arguments).rng.uniform(size=4).tolist()

    assert first(1, Split.TEST, 2) == first(1, Split.TEST, 2)
    others = [first(1, Split.TEST, 2), first(1, Split.TRAIN, 2), first(1, Split.TEST, 3)]
    others += [first(1, Split.ANY, 2), first(2, Split.TEST, 2)]
    assert len({x for row in others for x in row}) == 20
