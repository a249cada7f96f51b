"""The chain: stamps, calibration, onsets, gaps, indices."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.channels import name_channels
from lbp_rehab.emg.filters import EnvelopeKind, FilterSettings
from lbp_rehab.emg.types import Channel
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status

RATE_HZ = 1000.0
LABELS = ("LMF", "RMF", "LES", "RES", "LIO", "RIO", "LRA", "RRA")
CHANNELS = name_channels([Channel(label) for label in LABELS], {})
SECOND = 1_000_000_000


def bursts(emg, seconds, channels, ratio):
    """Return 2 uV of rest, and from 6 s on bursts of 2 s every 4 s."""
    n = round(seconds * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    on = (t % 4 >= 2) & (t >= 6)
    return emg(RATE_HZ, n, channels) * (2e-6 * np.where(on, ratio, 1.0))[:, None]


def test_stamps_are_a_regular_grid_from_the_first_sample(emg, chunks_of, run_all, start_ns):
    x = 1e-5 * emg(RATE_HZ, 3000, 2)
    result = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 33))
    stamps = np.array([a.stamp_ns for a in result])
    assert stamps[0] == start_ns
    assert set(np.diff(stamps)) == {20_000_000}
    # All that the delay allows is given.
    last_ns = start_ns + 2_999_000_000 - result[0].delay_s * SECOND
    assert 0 <= last_ns - stamps[-1] < 20_000_000


@pytest.mark.parametrize("sizes", [[20], [1, 7, 133], [9000]])
def test_chunking_changes_nothing(emg, chunks_of, run_all, sizes):
    # Bursts, a heart and a loose electrode, so that every part has something to decide.
    x = bursts(emg, 20, 8, 20)
    beat = 6e-5 * np.exp(-0.5 * ((np.arange(20000) % 850 - 400) / 11) ** 2)
    x += beat[:, None] * np.linspace(0.2, 1, 8)
    x[12000:13000, 3] = 0.0
    whole = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 25, CHANNELS))
    data, cut, i = chunks_of(x, RATE_HZ, len(x), CHANNELS)[0], [], 0
    while i < len(x):
        n = sizes[len(cut) % len(sizes)]
        stamp_ns = data.stamp_ns + round(i / RATE_HZ * SECOND)
        cut.append(replace(data, data=data.data[i : i + n], first_sample=i, stamp_ns=stamp_ns))
        i += n
    parts = run_all(EmgPipeline(PipelineSettings()), cut)
    assert len(whole) - len(parts) in (0, 1, 2)  # how far the last chunk reaches
    assert whole[: len(parts)] == parts


def test_same_chunks_give_the_same_bits(emg, chunks_of, run_all):
    chunks = chunks_of(bursts(emg, 12, 8, 20), RATE_HZ, 25, CHANNELS)
    mvc = dict.fromkeys(LABELS, 1e-4)
    first, second = (run_all(EmgPipeline(PipelineSettings(), mvc), chunks) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("ratio", [5.0, 10.0, 35.0])
@pytest.mark.parametrize("kind", list(EnvelopeKind))
def test_onsets_are_where_the_bursts_begin(emg, chunks_of, run_all, ratio, kind):
    x = bursts(emg, 42, 6, ratio)
    settings = PipelineSettings(filters=FilterSettings(kind=kind))
    result = run_all(EmgPipeline(settings), chunks_of(x, RATE_HZ, 25))
    onsets, offsets = [], []
    for before, now in pairwise(result):
        for a, b in zip(before.muscles, now.muscles, strict=True):
            if a.active != b.active:
                (onsets if b.active else offsets).append((b.since_ns - result[0].stamp_ns) / SECOND)
    truth = np.arange(6, 42, 4)
    assert len(onsets) == len(offsets) == 6 * len(truth)  # none missed, none invented
    onset_error = (np.array(onsets) - 2 + 2) % 4 - 2
    offset_error = (np.array(offsets) + 2) % 4 - 2
    assert abs(np.median(onset_error)) < 0.025
    assert np.abs(onset_error).max() < 0.06
    # The mains notches ring on after a burst: see docs/emg.md.
    assert -0.02 < np.median(offset_error) < 0.2
    assert np.quantile(offset_error, 0.95) < 0.5


def test_activation_is_the_fraction_of_the_given_mvc(emg, chunks_of, run_all):
    x = 5e-5 * emg(RATE_HZ, 20000, 2)
    x[:3000] *= 0.02
    labels = (Channel("a"), Channel("b"))
    pipeline = EmgPipeline(PipelineSettings(), {"a": 2e-4})
    result = run_all(pipeline, chunks_of(x, RATE_HZ, 25, labels))[200:]
    for instant in result:
        a, b = instant.muscles
        assert a.activation.value == pytest.approx(a.envelope.value / 2e-4)
        assert a.activation.sigma / a.activation.value > a.envelope.sigma / a.envelope.value
        assert b.activation.reason == Reason.NOT_CALIBRATED
        assert b.envelope.known
    # Of steady noise the scatter of the envelope is the sigma that each value states.
    values = np.array([i.muscles[0].envelope.value for i in result])
    stated = np.mean([i.muscles[0].envelope.sigma for i in result])
    assert values.std() == pytest.approx(stated, rel=0.2)


def test_start_is_unknown_until_settled_and_judged(emg, chunks_of, run_all, start_ns):
    result = run_all(
        EmgPipeline(PipelineSettings()), chunks_of(1e-5 * emg(1000, 3000, 1), RATE_HZ, 25)
    )
    early = [a for a in result if a.stamp_ns < start_ns + 0.9 * SECOND]
    assert {a.muscles[0].envelope.reason for a in early} == {Reason.TOO_EARLY}


@pytest.mark.parametrize("declared", [True, False])
def test_a_gap_is_unknown_and_the_grid_goes_on(emg, chunks_of, run_all, start_ns, declared):
    chunks = chunks_of(1e-5 * emg(RATE_HZ, 6000, 1), RATE_HZ, 25)
    before, after = chunks[:120], chunks[132:]  # 300 samples from 3.0 s on
    if declared:
        after[0] = replace(after[0], lost_before=300)
    result = run_all(EmgPipeline(PipelineSettings()), before + after)
    stamps = np.array([a.stamp_ns for a in result])
    assert set(np.diff(stamps)) == {20_000_000}
    reason = {round((a.stamp_ns - start_ns) / SECOND, 2): a.muscles[0].envelope for a in result}
    assert reason[2.9].known
    assert reason[3.1].reason == Reason.MISSING_INPUT
    assert reason[3.4].reason == Reason.TOO_EARLY
    assert reason[5.0].known


def test_a_long_gap_gives_no_flood_of_instants(emg, chunks_of, run_all, start_ns):
    chunks = chunks_of(1e-5 * emg(RATE_HZ, 4000, 1), RATE_HZ, 25)
    late = [
        replace(c, stamp_ns=c.stamp_ns + 3600 * SECOND, first_sample=c.first_sample + 3_600_000)
        for c in chunks[80:]
    ]
    result = run_all(EmgPipeline(PipelineSettings()), chunks[:80] + late)
    assert len(result) < 4 * 50
    assert {(a.stamp_ns - start_ns) % 20_000_000 for a in result} == {0}


@pytest.mark.parametrize("kind", list(EnvelopeKind))
@pytest.mark.parametrize("spike", [(1e30, 1), (-5.0, 1), (1e30, 200)])
def test_an_impossible_sample_is_a_fault_while_the_filters_settle_and_no_longer(
    emg, chunks_of, run_all, kind, spike
):
    volts, length = spike
    clean = 1e-5 * emg(RATE_HZ, 8000, 2) + 0.1  # and the offset of an electrode
    broken = clean.copy()
    broken[4000 : 4000 + length, 0] = volts
    settings = PipelineSettings(filters=FilterSettings(kind=kind))
    truth = run_all(EmgPipeline(settings), chunks_of(clean, RATE_HZ, 25))
    pipeline = EmgPipeline(settings)
    result = run_all(pipeline, chunks_of(broken, RATE_HZ, 25))
    settle_s = pipeline._design.settle_s
    for a, b in zip(truth, result, strict=True):
        assert b.muscles[1].envelope == a.muscles[1].envelope
        t = (b.stamp_ns - result[0].stamp_ns) / SECOND
        got, wanted = b.muscles[0].envelope, a.muscles[0].envelope
        if t < 4.0 - b.delay_s - 0.05:
            assert got == wanted
        elif 4.0 < t < 4.0 + (length - 1) / RATE_HZ + settle_s - b.delay_s:
            assert got.reason == Reason.SENSOR_FAULT
            assert b.muscles[0].channel.quality.name == "SATURATED"
        elif t > 4.0 + length / RATE_HZ + settle_s + 0.05:
            assert got.known
        if got.known:
            assert got.value == pytest.approx(wanted.value, rel=0.2)


def test_a_stream_may_begin_with_an_impossible_sample(emg, chunks_of, run_all, start_ns):
    x = 1e-5 * emg(RATE_HZ, 4000, 1) + 0.1
    x[:3] = 1e20
    result = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 25))
    late = [a.muscles[0].envelope for a in result if a.stamp_ns > start_ns + 1.3 * SECOND]
    assert all(e.known and e.value < 3e-5 for e in late)


def test_bad_chunks_are_refused(chunks_of):
    pipeline = EmgPipeline(PipelineSettings())
    chunk = chunks_of(np.zeros((50, 2)), RATE_HZ, 50)[0]
    broken = chunk.data.copy()
    broken[3, 1] = np.nan
    for bad in (
        replace(chunk, data=broken),
        replace(chunk, rate_hz=0.0),
        replace(chunk, channels=chunk.channels[:1]),
    ):
        with pytest.raises(InputError):
            pipeline.process(bad)
    assert pipeline.channels == ()


def test_indices_follow_planted_activation(emg, chunks_of, run_all):
    level = np.array([30, 50, 30, 50, 10, 10, 10, 10]) * 1e-6  # LMF RMF LES RES LIO RIO LRA RRA
    x = emg(RATE_HZ, 30000, 8) * level
    x[:3000] *= 0.05
    pipeline = EmgPipeline(PipelineSettings(), dict.fromkeys(LABELS, 1e-4))
    result = run_all(pipeline, chunks_of(x, RATE_HZ, 25, CHANNELS))[200:]
    extensor, flexor = 40, 10
    truth = {
        "co_contraction": 2 * flexor / (flexor + extensor),
        "asymmetry": (60 - 40) / (60 + 40),
        "local_share": (40 + 10) / (40 + 10 + 40 + 10),
    }
    for name, expected in truth.items():
        values = [getattr(a, name) for a in result]
        assert all(v.status is Status.MEASURED for v in values)
        mean = np.mean([v.value for v in values])
        scatter = np.std([v.value for v in values])
        assert mean == pytest.approx(expected, abs=0.02), name
        # The MVC's own part of sigma does not scatter within a session.
        stated = np.mean([v.sigma for v in values])
        assert 0.9 * scatter < stated < 1.8 * scatter


def test_indices_are_unknown_with_their_reason(emg, chunks_of, run_all):
    x = emg(RATE_HZ, 3000, 8) * 3e-5
    x[:, 0] = 0
    uncalibrated = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 25, CHANNELS))[-1]
    assert uncalibrated.asymmetry.reason == Reason.SENSOR_FAULT  # LMF is flat
    x = emg(RATE_HZ, 3000, 8) * 3e-5
    plain = run_all(EmgPipeline(PipelineSettings()), chunks_of(x, RATE_HZ, 25, CHANNELS))[-1]
    assert plain.co_contraction.reason == Reason.NOT_CALIBRATED
    back = run_all(
        EmgPipeline(PipelineSettings(), dict.fromkeys(LABELS, 1e-4)),
        chunks_of(x[:, :2], RATE_HZ, 25, CHANNELS[:2]),
    )[-1]
    assert back.co_contraction.reason == Reason.MISSING_INPUT  # no flexor
    assert back.asymmetry.known
    rest = run_all(
        EmgPipeline(PipelineSettings(), dict.fromkeys(LABELS, 1e-2)),
        chunks_of(x, RATE_HZ, 25, CHANNELS),
    )[-1]
    assert rest.local_share.reason == Reason.TOO_UNCERTAIN


@pytest.mark.parametrize("remove_heart", [False, True])
def test_the_sample_that_is_due_completes_an_instant_and_none_before(emg, chunks_of, remove_heart):
    settings = PipelineSettings(remove_heart=remove_heart)
    pipeline, given = EmgPipeline(settings), []
    assert pipeline.due_ns is None
    for chunk in chunks_of(1e-5 * emg(RATE_HZ, 1500, 2), RATE_HZ, 1):
        due_ns = pipeline.due_ns
        complete = due_ns is not None and chunk.stamp_ns >= due_ns
        before, result = len(given), pipeline.process(chunk)
        given += result
        # Of a sample that is only just due, nanoseconds may say it is not.
        if due_ns is None or abs(chunk.stamp_ns - due_ns) > 100_000:
            assert len(given) - before == complete, chunk.first_sample
    assert len(given) > 50
