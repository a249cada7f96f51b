"""Known samples over LSL: how they are checked, and a short run through the real node."""

import numpy as np
import pytest

from lbp_rehab import cli
from lbp_rehab.bench.emg_known import BLOCK, CHANNELS, Checker, known

KEYS = {
    "sent", "received", "late_join", "lost", "out_of_order", "wrong", "declared_lost",
    "latency_p50_ms", "latency_p99_ms", "latency_max_ms", "delay_ms", "cpu_percent_of_one_core",
    "memory_growth_mb", "activations", "restarts",
}  # fmt: skip


def fed(*spans):
    check = Checker()
    for first, n in spans:
        check.check(known(first, n))
    return check


def test_known_samples_are_the_same_however_they_are_asked_for():
    whole = known(0, 3 * BLOCK)
    assert whole.shape == (3 * BLOCK, CHANNELS)
    np.testing.assert_array_equal(known(BLOCK - 7, 2 * BLOCK), whole[BLOCK - 7 : 3 * BLOCK - 7])
    assert len(np.unique(whole[:, 0])) > 0.99 * len(whole)


def test_samples_in_order_are_neither_lost_nor_late():
    check = fed((40, 60), (100, 5000), (5100, 50))
    assert (check.first, check.received, check.expected) == (40, 5110, 5150)
    assert (check.lost, check.out_of_order, check.wrong) == (0, 0, 0)


def test_a_gap_is_lost_and_what_comes_late_or_twice_is_out_of_order():
    assert fed((0, 100), (130, 100)).lost == 30
    late = fed((0, 100), (200, 100), (100, 100))
    assert (late.lost, late.out_of_order) == (100, 100)
    assert fed((0, 100), (50, 50)).out_of_order == 50


def test_a_gap_within_a_chunk_is_found():
    check = Checker()
    check.check(np.concatenate([known(0, 50), known(60, 50)]))
    assert (check.received, check.lost, check.wrong) == (100, 10, 0)


def test_a_bit_that_is_not_right_is_wrong():
    samples = known(0, 100)
    samples[40, 3] = np.nextafter(samples[40, 3], np.float32(1.0))
    check = Checker()
    check.check(samples)
    assert check.wrong == 1
    assert check.lost == 1  # the sample that should have been there


def test_minutes_must_be_positive(capsys):
    pytest.importorskip("rclpy")
    assert cli.main(["bench", "emg-stream", "--minutes", "0"]) == 2
    assert capsys.readouterr().err.startswith("lbp-rehab: ")


def test_nothing_is_lost_on_the_way_through_lsl_and_the_bridge(monkeypatch):
    pytest.importorskip("pylsl")
    pytest.importorskip("rclpy")
    from types import SimpleNamespace

    from lbp_rehab.bench import emg_stream

    monkeypatch.setattr(emg_stream, "DRAIN_S", 1.0)
    options = SimpleNamespace(minutes=4.0 / 60.0, rate=30.0, camera="none")
    figures = emg_stream.main(options)
    assert set(figures) >= KEYS
    assert figures["sent"] == 8000
    assert figures["received"] == figures["sent"] - figures["late_join"]
    assert (figures["lost"], figures["out_of_order"], figures["wrong"]) == (0, 0, 0)
    assert figures["declared_lost"] == 0
    assert figures["late_join"] < 4000
    assert figures["activations"] > 50
    assert figures["restarts"] == 0


def test_latency_is_from_the_push_of_the_newest_sample_that_is_needed():
    pytest.importorskip("rclpy")
    from types import SimpleNamespace

    from lbp_rehab.bench.emg_stream import RATE_HZ, figures

    zero_ns, ms, packet = 1_700_000_000_000_000_000, 1_000_000, 20
    period_ns = round(1e9 / RATE_HZ)
    ends = np.arange(packet, 4000 + 1, packet)  # samples pushed by then
    last_ns = zero_ns + (ends - 1) * period_ns
    pushed = np.stack([ends, last_ns, last_ns + 2 * ms], axis=1)

    def raw(first, n, late_ms):
        sec, nanosec = divmod(zero_ns + first * period_ns + ms // 4, 10**9)
        header = SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec))
        data = known(first, n).ravel()
        pushed_ns = last_ns[(first + n - 1) // packet] + 2 * ms
        message = SimpleNamespace(header=header, data=data, n_samples=n, lost_before=0)
        return pushed_ns + late_ms * ms, message

    def activation(newest, late_ms):
        stamp_ns = zero_ns + newest * period_ns - 100 * ms
        return last_ns[newest // packet] + (2 + late_ms) * ms, stamp_ns, 0.1

    found = figures(
        [raw(k, 50, 3) for k in range(0, 4000, 50)],
        [activation(k, 7) for k in range(1000, 4000, 37)] + [activation(500, 400)],
        pushed,
        warm_up=800,
    )
    assert (found["sent"], found["received"], found["lost"]) == (4000, 4000, 0)
    assert found["latency_p50_ms"] == found["latency_max_ms"] == pytest.approx(7.0)
    assert found["raw_latency_max_ms"] == pytest.approx(3.0)
    assert found["delay_ms"] == 100.0
    assert found["stamp_error_p99_ms"] == pytest.approx(0.25, abs=0.001)
    cut = figures([raw(0, 50, 3), raw(100, 50, 3)], [], pushed, warm_up=0)
    assert cut["lost"] == 50 + 4000 - 150
    assert cut["latency_p99_ms"] is None
