"""One recording of surface EMG through the pipeline as the node runs it, beside the naive peer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import EmgCase
from lbp_rehab.bench.emg_events import Events, match
from lbp_rehab.bench.naive import naive_bursts, naive_envelope
from lbp_rehab.bench.records import CaseInfo
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.channels import name_channels
from lbp_rehab.emg.mvc import MvcRecording
from lbp_rehab.emg.types import Activation, EmgChunk
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Trace:
    """Activation of c channels as one method gives it.

    Attributes
    ----------
    value, truth, sigma : ndarray, shape (n, c)
        Fractions of the maximal contraction; nan where unknown. The peer gives no sigma.
    faulty : ndarray of bool, shape (n, c)
        Where the channel truly measures nothing.
    onsets, offsets : Events
    """

    value: Array
    truth: Array
    sigma: Array
    faulty: Mask
    onsets: Events
    offsets: Events


@dataclass(frozen=True)
class EmgRecord:
    """Everything that was measured on one recording."""

    info: CaseInfo
    labels: tuple[str, ...]
    ours: Trace
    naive: Trace
    mvc_problems: tuple[str, ...]
    seconds: float
    took_s: float


def run_recording(case: EmgCase) -> EmgRecord:
    """Run the pipeline over one recording as the node does: the MVC trial, then the exercise."""
    labels = tuple(case.labels)
    pipeline = EmgPipeline(PipelineSettings())
    trial = [_named(chunk) for chunk in case.mvc_chunks]
    chunks = [_named(chunk) for chunk in case.chunks]
    begin = time.perf_counter()
    instants = [a for chunk in trial for a in pipeline.process(chunk)]
    problems = _calibrate(pipeline, trial, instants)
    activations = [a for chunk in chunks for a in pipeline.process(chunk)]
    took_s = time.perf_counter() - begin
    first, last = int(case.stamps_ns[0]), int(case.stamps_ns[-1])
    kept = [a for a in activations if first <= a.stamp_ns <= last]
    return EmgRecord(
        info=CaseInfo.of(case),
        labels=labels,
        ours=_ours(case, kept),
        naive=_naive(case, trial, chunks),
        mvc_problems=problems,
        seconds=sum(len(c.data) / c.rate_hz for c in (*trial, *chunks)),
        took_s=took_s,
    )


def _named(chunk: EmgChunk) -> EmgChunk:
    return EmgChunk(**{**vars(chunk), "channels": name_channels(chunk.channels, {})})


def _calibrate(
    pipeline: EmgPipeline, trial: Sequence[EmgChunk], instants: Sequence[Activation]
) -> tuple[str, ...]:
    """Calibrate muscle by muscle, as a lab does, and return what went wrong."""
    if not trial:
        return ("there is no trial of maximal contractions",)
    duration_s = (trial[-1].end_ns - trial[0].stamp_ns) / NANOSECONDS
    window_s = PipelineSettings().mvc_window_s
    problems = []
    for muscle, side in dict.fromkeys((c.muscle, c.side) for c in trial[0].channels):
        recording = MvcRecording(muscle, side, duration_s, window_s)
        for instant in instants:
            recording.add(instant)
        result = recording.result()
        pipeline.calibrate(result.mvc_v)
        if not result.mvc_v:
            problems.append(result.message)
    return tuple(problems)


def _truth_at(case: EmgCase, stamp_ns: NDArray[np.int64]) -> tuple[Array, Mask]:
    """Return the true activation and where channels are faulty, shape (n, c)."""
    base = case.stamps_ns[0]
    x, grid = (stamp_ns - base).astype(float), (case.stamps_ns - base).astype(float)
    columns = [np.interp(x, grid, column) for column in np.asarray(case.activation).T]
    place = np.clip(np.searchsorted(grid, x, "right") - 1, 0, len(grid) - 1)
    return np.stack(columns, axis=1), np.asarray(case.faulty, bool)[place]


def _ours(case: EmgCase, activations: Sequence[Activation]) -> Trace:
    stamp_ns = np.array([a.stamp_ns for a in activations], np.int64)
    truth, faulty = _truth_at(case, stamp_ns)
    shape = (len(activations), len(case.labels))
    value, sigma = np.full(shape, np.nan), np.full(shape, np.nan)
    found: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    before: dict[int, tuple[bool, int]] = {}
    foreign: set[int] = set()
    for row, activation in enumerate(activations):
        for muscle in activation.muscles:
            k = list(case.labels).index(muscle.channel.label)
            if muscle.activation.known:
                value[row, k], sigma[row, k] = muscle.activation.value, muscle.activation.sigma
            now = (muscle.active, muscle.since_ns)
            if k not in before:
                # The end of what began before the exercise, such as the trial, has no true pair.
                foreign |= {k} if muscle.active else set()
            elif now != before[k] and muscle.since_ns > 0:
                if muscle.active or k not in foreign:
                    found[muscle.active].append((k, muscle.since_ns))
                foreign -= {k}
            before[k] = now
    return Trace(value, truth, sigma, faulty, _events(case, found[True], True),
                 _events(case, found[False], False))  # fmt: skip


def _naive(case: EmgCase, trial: Sequence[EmgChunk], chunks: Sequence[EmgChunk]) -> Trace:
    rate_hz = chunks[0].rate_hz
    window = round(PipelineSettings().mvc_window_s * rate_hz)
    n_channels = len(case.labels)
    scale = np.full(n_channels, np.nan)
    if trial:
        strength = naive_envelope(_joined(trial), rate_hz)
        kernel = np.full(window, 1.0 / window)
        scale = np.array(
            [np.convolve(strength[:, k], kernel, "valid").max() for k in range(n_channels)]
        )
    stamp_ns = np.concatenate(
        [c.stamp_ns + np.round(np.arange(len(c.data)) * (NANOSECONDS / c.rate_hz)) for c in chunks]
    ).astype(np.int64)
    envelope = naive_envelope(_joined(chunks), rate_hz)
    inside = (stamp_ns >= case.stamps_ns[0]) & (stamp_ns <= case.stamps_ns[-1])
    found: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for k in range(n_channels):
        for a, b in naive_bursts(envelope[inside, k], rate_hz):
            found[True].append((k, int(stamp_ns[inside][a])))
            found[False].append((k, int(stamp_ns[inside][b])))
    # At the rate of ours, so that both are averages over about the same number of values.
    step = max(1, round(rate_hz / PipelineSettings().activation_rate_hz))
    rows = np.flatnonzero(inside)[::step]
    truth, faulty = _truth_at(case, stamp_ns[rows])
    value = envelope[rows] / scale
    return Trace(value, truth, np.full(value.shape, np.nan), faulty,
                 _events(case, found[True], True), _events(case, found[False], False))  # fmt: skip


def _joined(chunks: Sequence[EmgChunk]) -> Array:
    return np.concatenate([c.data for c in chunks]).astype(np.float64)


def _events(case: EmgCase, found: Sequence[tuple[int, int]], onset: bool) -> Events:
    """Pair the found with the true events of a channel; faulty stretches are left out."""
    labels = list(case.labels)
    true = [(labels.index(b.label), b.on_ns if onset else b.off_ns) for b in case.bursts]

    def sound(events: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        events = [e for e in events if case.stamps_ns[0] < e[1] < case.stamps_ns[-1]]
        if not events:
            return []
        _, faulty = _truth_at(case, np.array([t for _, t in events], np.int64))
        return [e for e, row in zip(events, faulty, strict=True) if not row[e[0]]]

    return match(sound(true), sound(found))
