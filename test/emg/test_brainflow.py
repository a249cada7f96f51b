"""BrainFlow's synthetic board, and the counter of samples that boards have."""

import time
from itertools import pairwise

import numpy as np
import pytest

from lbp_rehab.emg.package_counter import PackageCounter
from lbp_rehab.emg.sources import open_source
from lbp_rehab.errors import InputError

DEADLINE_S = 20.0
CHANNELS = 16
RATE_HZ = 250.0


def opened(specification):
    pytest.importorskip("brainflow")
    source = open_source(specification, 0.025)
    source.open(time.time_ns())
    return source


def test_the_synthetic_board_gives_its_channels_in_volts_at_its_rate(capfd):
    source = opened("brainflow:synthetic")
    try:
        chunks, end = [], time.monotonic() + DEADLINE_S
        while sum(len(c.data) for c in chunks) < 500:
            assert time.monotonic() < end, "the board sends too little"
            if (chunk := source.read(time.time_ns())) is not None:
                chunks.append(chunk)
            time.sleep(0.005)
        behind_s = (time.time_ns() - chunks[-1].end_ns) / 1e9
    finally:
        source.close()
    assert source.status == ""
    assert source.reports() == ()
    assert [c.label for c in chunks[0].channels] == [f"emg{k}" for k in range(1, CHANNELS + 1)]
    assert abs(behind_s) < 0.5
    for before, after in pairwise(chunks):
        assert after.first_sample == before.first_sample + len(before.data) + after.lost_before
        step_ns = after.stamp_ns - before.end_ns - after.lost_before / RATE_HZ * 1e9
        assert abs(step_ns) < 5_000_000
        assert after.rate_hz == pytest.approx(RATE_HZ, rel=0.02)
    data = np.concatenate([c.data for c in chunks])
    assert 1e-6 < np.abs(data).max() < 1e-2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("specification", "sentence"),
    [
        ("brainflow:cyton?serial=/dev/no-such-port", "the board 'cyton' cannot be reached"),
        ("brainflow:toaster", "knows no board 'toaster'"),
        ("brainflow:99999", "knows no board '99999'"),
        ("brainflow:ganglion?port=x", "port 'x' must be a number"),
    ],
)
def test_a_missing_board_is_one_sentence(specification, sentence, capfd):
    with pytest.raises(InputError, match=sentence) as refused:
        opened(specification)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_a_counter_of_one_byte_tells_losses_across_its_turn():
    numbers = np.arange(1000) % 256
    keep = np.ones(1000, bool)
    keep[[300, 301, 302, 511]] = False
    counter = PackageCounter(most=250)
    lost = np.concatenate([counter.missing(part) for part in np.array_split(numbers[keep], 7)])
    assert lost.sum() == 4
    assert lost[300] == 3


def test_a_wide_counter_and_its_restart():
    counter = PackageCounter(most=250)
    assert not counter.missing(np.arange(1000, 1200)).any()
    assert counter.missing(np.array([1205.0])).tolist() == [5]
    assert not counter.missing(np.array([0.0, 1.0, 2.0])).any()


def test_numbers_of_packages_of_two_samples_are_not_trusted():
    counter = PackageCounter(most=250)
    assert not counter.missing(np.repeat(np.arange(100), 2)).any()
    assert not counter.missing(np.array([150.0])).any()
