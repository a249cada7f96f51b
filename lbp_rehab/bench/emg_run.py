"""One recording of surface EMG through the pipeline as the node runs it, beside the peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import emg_peers
from lbp_rehab.bench.emg_case import EmgCase
from lbp_rehab.bench.emg_events import MATCH_S, Events, TrueEvent, Where, match
from lbp_rehab.bench.emg_faults import (
    AWAY_S,
    FaultScore,
    Slope,
    score_faults,
    score_slopes,
    within,
)
from lbp_rehab.bench.emg_peers import NAIVE, PeerAnswer, Signals
from lbp_rehab.bench.records import CaseInfo
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.channels import name_channels
from lbp_rehab.emg.mvc import MvcRecording
from lbp_rehab.emg.types import Activation, EmgChunk
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Stamps = NDArray[np.int64]

OURS = "ours"
# A true burst that rises less above rest is not asked for: cross-talk of 8 % from a neighbour that
# works with 60 % makes as much.
LEAST_HEIGHT = 0.05
# A muscle that is off for less has not been off: no envelope shows it.
SHORTEST_PAUSE_S = 0.1
SAME_EVENT_S = 0.5  # a switch that is dated anew by less is the same one


class Pipeline(Protocol):
    """What is measured: `EmgPipeline`, or another in its place."""

    def process(self, chunk: EmgChunk) -> list[Activation]:
        """Take the next chunk and return the instants that it completes."""

    def calibrate(self, mvc_v: Mapping[str, float]) -> None:
        """Take new MVC values."""


@dataclass(frozen=True)
class Trace:
    """Activation of c channels in the exercise as one method gives it.

    Attributes
    ----------
    stamp_ns : ndarray, shape (n,)
    value, truth, sigma : ndarray, shape (n, c)
        Fractions of the maximal contraction; nan where unknown. Peers give no sigma.
    faulty : ndarray of bool, shape (n, c)
        Where the channel truly measures wrongly.
    onsets, offsets : Events
    took_s : float
        For the trial and the exercise.
    """

    stamp_ns: Stamps
    value: Array
    truth: Array
    sigma: Array
    faulty: Mask
    onsets: Events
    offsets: Events
    took_s: float

    def of(self, channels: Sequence[int]) -> Trace:
        """Return some channels."""
        kept = list(channels)
        return replace(
            self,
            value=self.value[:, kept],
            truth=self.truth[:, kept],
            sigma=self.sigma[:, kept],
            faulty=self.faulty[:, kept],
            onsets=self.onsets.of(kept),
            offsets=self.offsets.of(kept),
        )


@dataclass(frozen=True)
class EmgRecord:
    """Everything that was measured on one recording; ``traces`` by method, `OURS` among them."""

    info: CaseInfo
    kind: str
    labels: tuple[str, ...]
    traces: Mapping[str, Trace]
    faults: FaultScore
    slopes: tuple[Slope, ...]
    mvc_problems: tuple[str, ...]
    seconds: float

    @property
    def ours(self) -> Trace:
        """The pipeline's."""
        return self.traces[OURS]


def run_recording(
    case: EmgCase,
    peers: Sequence[str] = (NAIVE,),
    make: Callable[[], Pipeline] = lambda: EmgPipeline(PipelineSettings()),
) -> EmgRecord:
    """Run the pipeline over one recording as the node does: the MVC trial, then the exercise.

    Parameters
    ----------
    case : EmgCase
    peers : sequence of str
        Of `emg_peers`.
    make : callable
        Gives a fresh pipeline.
    """
    pipeline = make()
    trial = [_named(chunk) for chunk in case.mvc_chunks]
    chunks = [_named(chunk) for chunk in case.chunks]
    begin = time.perf_counter()
    instants = [a for chunk in trial for a in pipeline.process(chunk)]
    problems = _calibrate(pipeline, trial, instants)
    exercise = [a for chunk in chunks for a in pipeline.process(chunk)]
    took_s = time.perf_counter() - begin
    first, last = int(case.stamps_ns[0]), int(case.stamps_ns[-1])
    kept = [a for a in exercise if first <= a.stamp_ns <= last]
    signals = _signals(case, trial, chunks)
    traces = {OURS: _ours(case, kept, took_s)} | {
        peer: _peer(case, chunks, emg_peers.answer(peer, signals)) for peer in peers
    }
    said = _Said(case, [*instants, *exercise])
    slopes = emg_peers.slopes(signals, chunks[0].stamp_ns, case.labels, case.tiring)
    return EmgRecord(
        info=CaseInfo.of(case),
        kind=case.kind,
        labels=tuple(case.labels),
        traces=traces,
        faults=score_faults(case, said.stamp_ns, said.marked),
        slopes=score_slopes(case, said.stamp_ns, said.slope, said.slope_sigma, slopes),
        mvc_problems=problems,
        seconds=sum(len(c.data) / c.rate_hz for c in (*trial, *chunks)),
    )


def _named(chunk: EmgChunk) -> EmgChunk:
    return replace(chunk, channels=name_channels(chunk.channels, {}))


def _calibrate(
    pipeline: Pipeline, trial: Sequence[EmgChunk], instants: Sequence[Activation]
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


class _Said:
    """What the pipeline said of each channel's state, over the whole recording."""

    def __init__(self, case: EmgCase, activations: Sequence[Activation]) -> None:
        labels = list(case.labels)
        shape = (len(activations), len(labels))
        self.stamp_ns = np.array([a.stamp_ns for a in activations], np.int64)
        self.marked = np.ones(shape, bool)
        self.slope, self.slope_sigma = np.full(shape, np.nan), np.full(shape, np.nan)
        for row, activation in enumerate(activations):
            for muscle in activation.muscles:
                k = labels.index(muscle.channel.label)
                self.marked[row, k] = not muscle.envelope.known
                if muscle.fatigue_slope.known:
                    self.slope[row, k] = muscle.fatigue_slope.value
                    self.slope_sigma[row, k] = muscle.fatigue_slope.sigma


def _truth_at(case: EmgCase, stamp_ns: Stamps) -> tuple[Array, Mask]:
    """Return the true activation and where channels are faulty, shape (n, c)."""
    base = case.stamps_ns[0]
    x, grid = (stamp_ns - base).astype(float), (case.stamps_ns - base).astype(float)
    columns = [np.interp(x, grid, column) for column in np.asarray(case.activation).T]
    faulty = [
        within(stamp_ns, [span for s in case.spoiled if s.label == label for span in s.spans_ns])
        for label in case.labels
    ]
    return np.stack(columns, axis=1), np.stack(faulty, axis=1)


def _ours(case: EmgCase, activations: Sequence[Activation], took_s: float) -> Trace:
    stamp_ns = np.array([a.stamp_ns for a in activations], np.int64)
    truth, faulty = _truth_at(case, stamp_ns)
    shape = (len(activations), len(case.labels))
    value, sigma = np.full(shape, np.nan), np.full(shape, np.nan)
    switches = [_Switches() for _ in case.labels]
    labels = list(case.labels)
    for row, activation in enumerate(activations):
        for muscle in activation.muscles:
            k = labels.index(muscle.channel.label)
            if muscle.activation.known:
                value[row, k], sigma[row, k] = muscle.activation.value, muscle.activation.sigma
            switches[k].add(muscle.active, muscle.since_ns)
    found = [[(k, t) for k, s in enumerate(switches) for t in s.found[on]] for on in (True, False)]
    onsets, offsets = (_events(case, f, on) for f, on in zip(found, (True, False), strict=True))
    return Trace(stamp_ns, value, truth, sigma, faulty, onsets, offsets, took_s)


class _Switches:
    """Collects when a channel was said to switch on and off.

    The end of what began before the exercise, such as the trial, has no true pair and is left out.
    A pipeline may date a switch anew: the last date of it counts.
    """

    def __init__(self) -> None:
        self.found: dict[bool, list[int]] = {True: [], False: []}
        self._before: tuple[bool, int] | None = None
        self._foreign = False

    def add(self, active: bool, since_ns: int) -> None:
        """Take what was said at the next instant."""
        before, self._before = self._before, (active, since_ns)
        if before is None:
            self._foreign = active
            return
        if since_ns <= 0 or (active, since_ns) == before:
            return
        dated_anew = (
            active == before[0]
            and self.found[active]
            and abs(since_ns - before[1]) < SAME_EVENT_S * NANOSECONDS
        )
        if dated_anew:
            self.found[active][-1] = since_ns
        elif active or not self._foreign:
            self.found[active].append(since_ns)
        self._foreign &= active == before[0]


def _signals(case: EmgCase, trial: Sequence[EmgChunk], chunks: Sequence[EmgChunk]) -> Signals:
    """Return what the peers get, with the true rest before the first burst of each channel."""
    data = np.concatenate([c.data for c in chunks]).astype(np.float64)
    stamp_ns = _stamps(chunks)
    rest = np.zeros(data.shape, bool)
    margin = round(AWAY_S * NANOSECONDS)
    for k, label in enumerate(case.labels):
        first = min((b.on_ns for b in case.bursts if b.label == label), default=stamp_ns[-1])
        events = [s.event_ns for s in case.spoiled if s.label == label]
        rest[:, k] = (stamp_ns < first - margin // 5) & ~within(stamp_ns, events, AWAY_S)
    return Signals(
        trial=np.concatenate([c.data for c in trial]).astype(np.float64) if trial else data[:0],
        data=data,
        rate_hz=chunks[0].rate_hz,
        mains_hz=case.mains_hz,
        rest=rest,
        window_s=PipelineSettings().mvc_window_s,
    )


def _stamps(chunks: Sequence[EmgChunk]) -> Stamps:
    return np.concatenate(
        [c.stamp_ns + np.round(np.arange(len(c.data)) * (NANOSECONDS / c.rate_hz)) for c in chunks]
    ).astype(np.int64)


def _peer(case: EmgCase, chunks: Sequence[EmgChunk], given: PeerAnswer) -> Trace:
    stamp_ns = _stamps(chunks)
    inside = (stamp_ns >= case.stamps_ns[0]) & (stamp_ns <= case.stamps_ns[-1])
    onsets, offsets = (
        _events(case, [(b[0], int(stamp_ns[b[end]])) for b in given.bursts if b[1] > 0], end == 1)
        for end in (1, 2)
    )
    # At the rate of ours, so that both are averages over about the same number of values.
    step = max(1, round(chunks[0].rate_hz / PipelineSettings().activation_rate_hz))
    rows = np.flatnonzero(inside)[::step]
    truth, faulty = _truth_at(case, stamp_ns[rows])
    value = given.activation[rows]
    none = np.full(value.shape, np.nan)
    return Trace(stamp_ns[rows], value, truth, none, faulty, onsets, offsets, given.took_s)


def true_events(case: EmgCase, onset: bool) -> list[TrueEvent]:
    """Return the true onsets or offsets of a recording.

    Bursts of one channel with less than `SHORTEST_PAUSE_S` between them are one. What rises less
    than `LEAST_HEIGHT`, or lies no farther than `AWAY_S` from a fault of the channel, does not
    count.
    """
    found = []
    for k, label in enumerate(case.labels):
        events = [s.event_ns for s in case.spoiled if s.label == label]
        merged: list[tuple[int, int, int, float]] = []
        for b in (b for b in case.bursts if b.label == label):
            row = (b.on_ns, b.off_ns, b.start_ns, b.height)
            if merged and b.on_ns - merged[-1][1] < SHORTEST_PAUSE_S * NANOSECONDS:
                on_ns, _, start_ns, height = merged.pop()
                row = (on_ns, b.off_ns, start_ns, max(height, b.height))
            merged.append(row)
        for on_ns, off_ns, start_ns, height in merged:
            at_ns = on_ns if onset else off_ns
            near = bool(within(np.array([at_ns]), events, AWAY_S)[0])
            small = height < LEAST_HEIGHT
            burst_ns = (on_ns, off_ns) if small else (at_ns, at_ns)
            begin_ns = start_ns if onset else 0
            found.append(TrueEvent(k, at_ns, not (small or near), burst_ns, begin_ns))
    return found


def _events(case: EmgCase, found: Sequence[tuple[int, int]], onset: bool) -> Events:
    """Pair the found with the true events of each channel, where it is sound."""
    ends = case.stamps_ns[0], case.stamps_ns[-1]
    true = [t for t in true_events(case, onset) if ends[0] < t.stamp_ns < ends[1]]
    found = [f for f in found if ends[0] < f[1] < ends[1]]
    labels = list(case.labels)
    faults = {k: [s.event_ns for s in case.spoiled if s.label == x] for k, x in enumerate(labels)}
    heard = {k: [(a, b) for y, a, b in case.picked_up if y == x] for k, x in enumerate(labels)}

    def near(spans_ns: Mapping[int, Sequence[tuple[int, int]]], margin_s: float) -> Where:
        return lambda k, t: bool(within(np.array([t]), spans_ns[k], margin_s)[0])

    return match(true, found, near(faults, AWAY_S), near(heard, MATCH_S))
