"""The recordings that ``lbp-rehab bench emg`` is measured on, with everything true about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.emg.amplifier import median_frequency_hz
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.faults import spoiled_spans
from lbp_rehab.synthetic.emg.recruitment import LABELS
from lbp_rehab.synthetic.emg.stream import EmgStream, intervals
from lbp_rehab.synthetic.emg.tasks import RAPID, TIRING, RapidPlan, Task, TiringPlan
from lbp_rehab.synthetic.emg.truth import ON_DRIVE, EmgTruth
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.recording import ACTIVATION_HZ, CHUNK_S
from lbp_rehab.synthetic.scenario import Scenario

Array = NDArray[np.float64]

EXERCISE, TIRING_SET = "exercise", "tiring"
CLEAR, FAULTY, STRONG = "clear", "faulty electrodes", "strong mains and heart"
CONDITIONS = (CLEAR, FAULTY, STRONG)
# Of four recordings; an exercise comes twice as often as each of the others.
KINDS = (EXERCISE, RAPID, EXERCISE, TIRING_SET)
_REPETITIONS = 4
_FAULTS = (3, 6)  # electrodes of a recording with faulty ones, from 3 up to 5
_STREAM = 5152
_START_NS = 1_700_000_000 * NANOSECONDS
# Usual, and strong: factors on mains and heart.
_MAINS, _HEART = (0.5, 2.0), (0.5, 1.2)
_STRONG_MAINS, _STRONG_HEART = (2.0, 4.0), (1.2, 2.0)
_NOISE_V = (1e-6, 4e-6)
_MAINS_OFF_HZ = (-0.1, 0.1)
_MEDIAN_GRID = 201
_PICKED_S = 0.01


@dataclass(frozen=True)
class Burst:
    """One stretch of time in which a muscle works.

    Attributes
    ----------
    label : str
    on_ns, off_ns : int
        When the drive passes rest + 2 % MVC.
    height : float
        How far the drive rises above rest, fraction of the maximum.
    start_ns : int
        When the drive begins to rise, where that is known (rapid contractions); else 0.
    """

    label: str
    on_ns: int
    off_ns: int
    height: float
    start_ns: int = 0


@dataclass(frozen=True)
class Spoiled:
    """One stretch in which a channel measures wrongly.

    Attributes
    ----------
    label : str
    contact : str
        What is wrong: a name of `Contact` in lower case.
    event_ns : tuple of int
        The whole event: outside of it the channel is sound.
    spans_ns : tuple of (start, end)
        The stretches in which it shows; of most faults the event itself.
    """

    label: str
    contact: str
    event_ns: tuple[int, int]
    spans_ns: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Tiring:
    """The true median frequency of a channel through the effort of a tiring set.

    Attributes
    ----------
    label : str
    start_ns, end_ns : int
        Of the effort.
    median_hz : ndarray, shape (n,)
        At even intervals from start to end.
    """

    label: str
    start_ns: int
    end_ns: int
    median_hz: Array


@dataclass(frozen=True)
class EmgRecording:
    """A set's sEMG with an MVC trial before it; see `lbp_rehab.bench.cases.EmgCase`."""

    source: Scenario | Task
    electrodes: ElectrodeSettings
    condition: str
    labels: tuple[str, ...] = LABELS
    view: str = ""
    posture: str = ""
    person: str = ""

    @property
    def seed(self) -> int:
        """From which this case can be made again."""
        return self.source.seed

    @property
    def exercise(self) -> str:
        """The exercise or task."""
        return self.source.exercise

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if isinstance(self.source, Scenario):
            return EXERCISE
        return RAPID if self.exercise == RAPID else TIRING_SET

    @property
    def faults(self) -> tuple[str, ...]:
        """Names of the faults of execution that it shows."""
        source = self.source
        return tuple(f.name for f in source.faults) if isinstance(source, Scenario) else ()

    @property
    def name(self) -> str:
        """Unlike that of any other case."""
        return f"{self.exercise}-{self.seed}"

    @property
    def mains_hz(self) -> float:
        """Nominal frequency of the mains; the pipeline is not told."""
        return self.electrodes.mains_hz

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _made(self) -> EmgStream:
        source = self.source
        movement = source.movement if isinstance(source, Scenario) else source
        return EmgStream(movement, self.electrodes, source.seed, source.split)

    @cached_property
    def _stream(self) -> EmgStream:
        return self._made()

    @cached_property
    def _truth(self) -> EmgTruth:
        return EmgTruth(self._stream)

    @cached_property
    def _parts(self) -> tuple[list[EmgChunk], list[EmgChunk]]:
        n = round(CHUNK_S * self.electrodes.rate_hz)
        parts: tuple[list[EmgChunk], list[EmgChunk]] = ([], [])
        for chunk in self._made().chunks(n, _START_NS):
            parts[chunk.stamp_ns >= _START_NS].append(chunk)
        return parts

    @property
    def mvc_chunks(self) -> Iterable[EmgChunk]:
        """The trial of maximal contractions."""
        return self._parts[0]

    @property
    def chunks(self) -> Iterable[EmgChunk]:
        """The exercise."""
        return self._parts[1]

    @cached_property
    def _t_s(self) -> Array:
        return np.arange(0.0, self._stream.movement.duration_s, 1.0 / ACTIVATION_HZ)

    @cached_property
    def stamps_ns(self) -> NDArray[np.int64]:
        """Instants of the truth."""
        return _START_NS + np.round(self._t_s * NANOSECONDS).astype(np.int64)

    @cached_property
    def activation(self) -> Array:
        """True share of the maximal contraction, shape (n, 12)."""
        return self._stream.drives(self._t_s)

    @cached_property
    def bursts(self) -> Sequence[Burst]:
        """When each muscle truly works."""
        found = []
        for k, (label, spans) in enumerate(zip(self.labels, self._truth.active, strict=True)):
            for on_s, off_s in spans:
                if on_s >= 0.0:
                    height, start_s = self._height(k, on_s, off_s), self._start(k, on_s)
                    found.append(
                        Burst(
                            label, _stamp(on_s), _stamp(off_s), height,
                            0 if start_s is None else _stamp(start_s),
                        )
                    )  # fmt: skip
        return found

    def _height(self, k: int, on_s: float, off_s: float) -> float:
        t_s = np.linspace(on_s, off_s, max(2, round((off_s - on_s) * 200.0)))
        work = self._stream.drives(t_s) - self._stream.drive.rest(t_s)
        return float(work[:, k].max())

    def _start(self, k: int, on_s: float) -> float | None:
        """Return when the rise began that crosses the threshold at a time."""
        plan = self.source.plan if isinstance(self.source, Task) else None
        if not isinstance(plan, RapidPlan):
            return None
        before = plan.start_s[:, k][plan.start_s[:, k] <= on_s]
        return float(before.max()) if before.size else None

    @cached_property
    def picked_up(self) -> Sequence[tuple[str, int, int]]:
        """When each electrode picks up 2 % MVC more than at rest, its neighbours' signals too.

        What is found there is no error of a detector, though the muscle below may be at rest.
        """
        stream = self._stream
        person, t_s = stream.electrodes, np.arange(0.0, stream.movement.duration_s, _PICKED_S)
        work = np.maximum(stream.drives(t_s) - stream.drive.rest(t_s), 0.0) * person.mvc_rms_v
        # Signals of different muscles are independent: their powers add.
        at_electrode = np.sqrt(work**2 @ (person.mixing**2).T) / person.mvc_rms_v
        return [
            (label, _stamp(a), _stamp(b))
            for label, column in zip(self.labels, at_electrode.T, strict=True)
            for a, b in intervals(t_s, column - ON_DRIVE)
        ]

    @cached_property
    def spoiled(self) -> Sequence[Spoiled]:
        """The faults of electrodes, in the trial too."""
        found = []
        for event in self._stream.events.loose:
            spans = spoiled_spans(event, self._stream.own_rms_v)
            found.append(
                Spoiled(
                    event.label, event.contact.name.lower(),
                    (_stamp(event.start_s), _stamp(event.end_s)),
                    tuple((_stamp(a), _stamp(b)) for a, b in spans),
                )
            )  # fmt: skip
        return found

    @property
    def shaken(self) -> Sequence[tuple[int, int]]:
        """When the movement is so fast that it shakes the leads of all channels."""
        return [(_stamp(a), _stamp(b)) for a, b in self._stream.events.artefacts]

    @cached_property
    def tiring(self) -> Sequence[Tiring]:
        """The true median frequency of each channel, if the set is one that tires."""
        plan = self.source.plan if isinstance(self.source, Task) else None
        if not isinstance(plan, TiringPlan):
            return ()
        t_s = np.arange(plan.start_s, plan.end_s, 1.0)
        velocity = np.linspace(0.5, 1.0, _MEDIAN_GRID)
        median = np.array([median_frequency_hz(v) for v in velocity])
        column = np.interp(self._stream.fatigue.conduction(t_s), velocity, median).T
        ends = (_stamp(plan.start_s), _stamp(plan.end_s))
        return [Tiring(label, *ends, c) for label, c in zip(self.labels, column, strict=True)]


def _stamp(t_s: float) -> int:
    return _START_NS + round(t_s * NANOSECONDS)


def emg_cases(seed: int, recordings: int, split: Split = Split.TEST) -> list[EmgRecording]:
    """Return recordings of exercises, rapid contractions and tiring sets in turn.

    Each kind comes in each condition alike often, at 1 and 2 kHz, in 50 and 60 Hz countries.

    Parameters
    ----------
    seed : int
        Another one draws everything anew.
    recordings : int
    split : Split
        Whose ranges people and electrodes are drawn from; to tune on, take `Split.TRAIN`.
    """
    # The choice of exercises and kinds is no range and may be shared by the splits.
    rng = np.random.default_rng([seed, _STREAM, *([] if split == Split.TEST else [int(split)])])
    exercises, sets = list(PROGRAMS), list(TIRING)
    order = {
        EXERCISE: [exercises[int(k)] for k in rng.permutation(len(exercises))],
        TIRING_SET: [sets[int(k)] for k in rng.permutation(len(sets))],
        RAPID: [RAPID],
    }
    made: dict[str, int] = dict.fromkeys(order, 0)
    found = []
    for k in range(recordings):
        kind = KINDS[k % len(KINDS)]
        names = order[kind]
        own, name = made[kind], names[made[kind] % len(names)]
        made[kind] += 1
        case_seed = int(rng.integers(1, 2**31))
        source: Scenario | Task
        if kind == EXERCISE:
            faults = _faults(rng, name)
            source = Scenario(name, case_seed, faults, repetitions=_REPETITIONS, split=split)
        else:
            source = Task(name, case_seed, split)
        # The kinds begin at different conditions, so that few recordings have all of them too.
        condition = CONDITIONS[(own + list(order).index(kind)) % len(CONDITIONS)]
        electrodes = _electrodes(Draws(case_seed, split, _STREAM), condition)
        found.append(EmgRecording(source, electrodes, condition))
    return found


def _faults(rng: np.random.Generator, exercise: str) -> tuple[Fault, ...]:
    if rng.uniform() < 0.5:
        return ()
    names = list(PROGRAMS[exercise].faults)
    return (Fault(0, names[int(rng.integers(len(names)))], float(rng.uniform(0.4, 1.0))),)


def _electrodes(draws: Draws, condition: str) -> ElectrodeSettings:
    strong = condition == STRONG
    return ElectrodeSettings(
        rate_hz=2000.0 if draws.flip(0.3) else 1000.0,
        mains_hz=60.0 if draws.flip() else 50.0,
        mains_offset_hz=draws.uniform(*_MAINS_OFF_HZ),
        mains=draws.uniform(*(_STRONG_MAINS if strong else _MAINS)),
        heart=draws.uniform(*(_STRONG_HEART if strong else _HEART)),
        noise_v=draws.uniform(*_NOISE_V),
        mvc_trial=True,
        random_faults=int(draws.rng.integers(*_FAULTS)) if condition == FAULTY else 0,
    )
