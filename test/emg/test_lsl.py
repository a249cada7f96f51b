"""A loopback through the Lab Streaming Layer: no sample lost, stamps true, breaks declared."""

import time

import numpy as np
import pytest

from lbp_rehab.emg.sources import open_source

pylsl = pytest.importorskip("pylsl")
RATE_HZ = 1000.0
DEADLINE_S = 30.0
JUMP_S = 0.05


def outlet(name, unit="microvolts", labels=("LMF", "RMF"), rate_hz=RATE_HZ):
    info = pylsl.StreamInfo(name, "EMG", len(labels), rate_hz, "float32", f"{name}-id")
    channels = info.desc().append_child("channels")
    for label in labels:
        channel = channels.append_child("channel")
        channel.append_child_value("label", label)
        if unit:
            channel.append_child_value("unit", unit)
    return pylsl.StreamOutlet(info)


def wait_for(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.005)


class Player:
    """Pushes a counter in real time with true stamps and reads it back."""

    def __init__(self, source):
        self.source, self.chunks, self.sent = source, [], {}

    def read(self):
        while (chunk := self.source.read(time.time_ns())) is not None:
            self.chunks.append(chunk)

    def play(self, out, first, n, signs=(1.0, -1.0), jump_at=None):
        """Send a counter; from a sample on, the sender's clock is 50 ms ahead."""
        start = pylsl.local_clock()
        for k in range(first, first + n, 10):
            wait_for(lambda k=k: pylsl.local_clock() >= start + (k - first + 9) / RATE_HZ)
            stamp = start + (k - first + 9) / RATE_HZ
            rows = [[sign * i for sign in signs] for i in range(k, k + 10)]
            jumped = jump_at is not None and k >= jump_at
            out.push_chunk(rows, stamp + JUMP_S * jumped)
            self.sent |= {
                k + j: time.time() - pylsl.local_clock() + stamp - (9 - j) / RATE_HZ
                for j in range(10)
            }
            self.read()

    def values(self):
        return np.concatenate([c.data[:, 0] for c in self.chunks]) * 1e6 if self.chunks else []


@pytest.fixture
def player():
    made = []

    def make(specification):
        source = open_source(specification, 0.02)
        source.open(time.time_ns())
        made.append(source)
        return Player(source)

    yield make
    for source in made:
        source.close()


def test_loopback_loses_nothing_and_keeps_time_over_a_break(player):
    name = f"loop{time.time_ns()}"
    play = player(f"lsl:name={name}|type=EMG")
    assert name in play.source.status
    out = outlet(name)
    wait_for(out.have_consumers)
    play.play(out, 0, 2000)
    wait_for(lambda: play.read() or len(play.values()) >= 2000)
    np.testing.assert_allclose(play.values(), np.arange(2000), rtol=1e-6)
    assert play.chunks[0].channels[0].label == "LMF"
    assert play.source.status == ""
    for chunk in play.chunks:
        error = chunk.stamp_ns / 1e9 - play.sent[round(float(chunk.data[0, 0]) * 1e6)]
        assert abs(error) < 0.005
        assert chunk.rate_hz == pytest.approx(RATE_HZ, rel=0.01)
    # The sender dies and comes back.
    end_s = play.sent[1999]
    del out
    wait_for(lambda: "lost" in play.source.status or "still looking" in play.source.status)
    out = outlet(name)
    wait_for(out.have_consumers)
    before = len(play.chunks)
    play.play(out, 5000, 500)
    wait_for(lambda: play.read() or len(play.values()) >= 2500)
    again = play.chunks[before]
    assert play.source.counts == {"clock_jumps": 0, "reconnects": 1}
    (report,) = play.source.reports()
    assert "is back after" in report
    assert again.lost_before == pytest.approx((play.sent[5000] - end_s) * RATE_HZ, abs=10)
    counted = 0
    for chunk in play.chunks:
        assert chunk.first_sample == counted + chunk.lost_before
        counted = chunk.first_sample + len(chunk.data)


def test_a_stream_without_units_is_named_and_the_option_helps(player):
    name = f"unitless{time.time_ns()}"
    out = outlet(name, unit="")
    play = player(f"lsl:name={name}")
    wait_for(lambda: "does not say the unit of 'LMF'" in play.source.status)
    helped = player(f"lsl:name={name}&unit=mV")
    wait_for(out.have_consumers)
    out.push_chunk([[1.0, 2.0]] * 10)
    wait_for(lambda: helped.read() or helped.chunks)
    np.testing.assert_allclose(helped.chunks[0].data[0], [1e-3, 2e-3])


def test_a_jump_of_the_senders_clock_is_reported_and_taken_out(player):
    name = f"jump{time.time_ns()}"
    play = player(f"lsl:name={name}")
    out = outlet(name)
    wait_for(out.have_consumers)
    play.play(out, 0, 5000, jump_at=2000)
    wait_for(lambda: play.read() or len(play.values()) >= 5000)
    np.testing.assert_allclose(play.values(), np.arange(5000), rtol=1e-6)
    (report,) = play.source.reports()
    assert f"the clock of the LSL stream '{name}' jumped by +50 ms;" in report
    assert play.source.counts["clock_jumps"] == 1
    errors = [
        chunk.stamp_ns / 1e9 - play.sent[round(float(chunk.data[0, 0]) * 1e6)]
        for chunk in play.chunks
    ]
    assert np.median(np.abs(errors[len(errors) // 2 :])) < 0.002
    assert max(len(chunk.data) for chunk in play.chunks) <= 50


def test_a_stream_that_returns_with_another_order_goes_on_by_label(player):
    name = f"order{time.time_ns()}"
    play = player(f"lsl:name={name}")
    out = outlet(name)
    wait_for(out.have_consumers)
    play.play(out, 0, 1500)
    wait_for(lambda: play.read() or len(play.values()) >= 1500)
    before = len(play.chunks)
    del out
    out = outlet(name, labels=("RMF", "LMF"))
    wait_for(out.have_consumers)
    play.play(out, 5000, 1500, signs=(-1.0, 1.0))
    wait_for(lambda: play.read() or len(play.values()) >= 3000)
    assert [c.label for c in play.chunks[-1].channels] == ["LMF", "RMF"]
    np.testing.assert_allclose(play.values()[1500:], np.arange(5000, 6500), rtol=1e-6)
    assert play.chunks[before].lost_before > 0
    assert play.source.counts["reconnects"] == 1


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"labels": ("LMF", "RES")}, "came back without RMF and with RES"),
        ({"rate_hz": 2000.0}, "came back at 2000 Hz instead of 1000 Hz"),
    ],
)
def test_a_stream_that_returns_as_another_one_is_said(player, other, sentence):
    name = f"other{time.time_ns()}"
    play = player(f"lsl:name={name}")
    out = outlet(name)
    wait_for(out.have_consumers)
    play.play(out, 0, 1500)
    del out
    successor = outlet(name, **other)
    wait_for(lambda: sentence in play.source.status)
    assert not successor.have_consumers()


def test_what_is_no_voltage_is_left_out_of_a_stream(player):
    name = f"units{time.time_ns()}"
    info = pylsl.StreamInfo(name, "EMG", 2, RATE_HZ, "float32", f"{name}-id")
    channels = info.desc().append_child("channels")
    for label, unit in (("force", "N"), ("LMF", "uV")):
        row = channels.append_child("channel")
        row.append_child_value("label", label)
        row.append_child_value("unit", unit)
    out = pylsl.StreamOutlet(info)
    play = player(f"lsl:name={name}")
    wait_for(out.have_consumers)
    out.push_chunk([[9.0, 5.0]] * 10)
    wait_for(lambda: play.read() or play.chunks)
    np.testing.assert_allclose(play.chunks[0].data, 5e-6)
    assert any("left out, being no voltage: 'force' (N)" in r for r in play.source.reports())
    mapped = open_source(f"lsl:name={name}", 0.02, {"force"})
    mapped.open(time.time_ns())
    wait_for(lambda: "'force' in 'N', which is no voltage" in mapped.status)
    mapped.close()
