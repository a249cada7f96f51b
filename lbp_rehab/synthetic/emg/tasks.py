"""Tasks of the laboratory beside the exercises: sets that tire, and contractions as fast as can be.

They drive the twelve channels directly, without a movement of the body that a camera could see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import Muscle
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, MUSCLES
from lbp_rehab.synthetic.emg.style import MuscleStyle

Array = NDArray[np.float64]

_DRAWS_STREAM = 36
_MF, _ES, _IO = Muscle.MULTIFIDUS, Muscle.ERECTOR_SPINAE, Muscle.INTERNAL_OBLIQUE
_EO, _RA, _GM = Muscle.EXTERNAL_OBLIQUE, Muscle.RECTUS_ABDOMINIS, Muscle.GLUTEUS_MAXIMUS


@dataclass(frozen=True)
class TiringKind:
    """A set that tires.

    Attributes
    ----------
    work : mapping of Muscle to float
        Share of the set's effort; muscles that are not named help a little.
    dynamic : bool
        Repetitions instead of one long hold.
    source : str
        Where the test is described.
    """

    work: Mapping[Muscle, float]
    dynamic: bool
    source: str


TIRING: dict[str, TiringKind] = {
    "biering_sorensen": TiringKind(
        {_MF: 1.0, _ES: 1.0, _GM: 0.7}, False, "Biering-Sorensen 1984, Spine 9:106"
    ),
    "plank_hold": TiringKind(
        {_RA: 1.0, _EO: 1.0, _IO: 0.7}, False, "Tong et al. 2014, Phys Ther Sport 15:58"
    ),
    "bridge_hold": TiringKind(
        {_GM: 0.9, _MF: 1.0, _ES: 0.9},
        False,
        "Schellenberg et al. 2007, Am J Phys Med Rehabil 86:380",
    ),
    "back_extensions": TiringKind(
        {_MF: 1.0, _ES: 1.0, _GM: 0.8}, True, "Moffroid et al. 1993, Phys Ther 73:3"
    ),
}  # fmt: skip
RAPID = "rapid"
# Fractions of the maximum.
_EFFORT = (0.20, 0.60)
_WORK = (0.15, 0.60)  # of a working muscle
_HELP = (0.01, 0.05)
_HOLD_S = (45.0, 90.0)
_DYNAMIC_S = 90.0
_REPETITION_S, _PAUSE_S = (2.5, 4.0), (0.4, 0.8)
_REST_BEFORE_S, _REST_AFTER_S = 5.0, 3.0
_RAMP_S = (0.4, 1.0)
_TONIC = (0.01, 0.03)
_BREATH_HZ = (0.2, 0.33)

# Rapid contractions: Hodges and Richardson 1996 (Spine 21:2640) for the arm, 1997 (Exp Brain Res
# 114:362) for the arm's directions, 1997 (Phys Ther 77:132) for the leg.
_GO_SIGNALS = 14
_BETWEEN_S = (2.0, 3.0)
_REACTION_S = (0.16, 0.26)
_REACTION_SD_S = 0.03
_ORDER_S = (-0.06, 0.10)  # of a muscle against the limb's own
_SIDE_S = (-0.02, 0.02)
_JITTER_SD_S = 0.010
_RISE_S = (0.03, 0.15)
_PEAK = (0.10, 0.60)
_PLATEAU_S = (0.10, 0.40)
_FALL_S = (0.10, 0.30)


@dataclass(frozen=True)
class Breathing:
    """How the patient breathes at rest."""

    breath_hz: float


@dataclass(frozen=True)
class Task:
    """A task of one person; it stands where a movement stands in `EmgStream`.

    Attributes
    ----------
    exercise : str
        A key of `TIRING`, or `RAPID`.
    seed : int
        Decides everything about it.
    split : Split
    """

    exercise: str
    seed: int
    split: Split = Split.ANY

    def __post_init__(self) -> None:
        if self.exercise != RAPID and self.exercise not in TIRING:
            raise InputError(
                f"there is no task {self.exercise!r}: use {', '.join((*TIRING, RAPID))}"
            )

    @cached_property
    def plan(self) -> TiringPlan | RapidPlan:
        """What is done when."""
        kind = TIRING.get(self.exercise)
        draws = Draws(self.seed, self.split, _DRAWS_STREAM)
        return RapidPlan(draws) if kind is None else TiringPlan(draws, kind)

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.plan.duration_s

    @property
    def style(self) -> Breathing:
        """How the person breathes."""
        return Breathing(self.plan.breath_hz)

    def drive(self, style: MuscleStyle) -> TaskDrive:
        """Return the drives of a person with a style."""
        return TaskDrive(self, style)


class TaskDrive:
    """The drives of the twelve channels through a task; for a movement there is `MuscleDrive`.

    Parameters
    ----------
    task : Task
    style : MuscleStyle
    """

    def __init__(self, task: Task, style: MuscleStyle) -> None:
        self.movement, self.style = task, style

    def at(self, t_s: Array) -> Array:
        """Return the drives at times ``t_s`` (n,), shape (n, 12), 0 to 1 of the maximum."""
        work = self.movement.plan.work(t_s) * self.style.waves(t_s)
        return np.clip(self.rest(t_s) + work, 0.0, 1.0)

    def rest(self, t_s: Array) -> Array:
        """Return the tonic drives, which breathe, shape (n, 12)."""
        plan = self.movement.plan
        breath = np.sin(2.0 * np.pi * plan.breath_hz * t_s)
        # As in `MuscleDrive.rest`.
        swing = np.array([0.2 if muscle == _IO else 0.05 for muscle, _ in CHANNELS])
        return np.asarray(plan.tonic * (1.0 - swing * breath[:, None]))

    def speed(self, t_s: Array) -> Array:
        """Return 0: the leads are not shaken, shape (n,)."""
        return np.zeros(len(t_s))


class TiringPlan:
    """A long hold, or repetitions, between two rests.

    Attributes
    ----------
    duration_s, breath_hz : float
    tonic, level : ndarray, shape (12,)
        Drives at rest, and what the set adds.
    start_s, end_s : float
        Of the effort.
    """

    def __init__(self, draws: Draws, kind: TiringKind) -> None:
        self.breath_hz, self.tonic = _rest(draws)
        effort = draws.uniform(*_EFFORT)
        level = []
        for muscle, _ in CHANNELS:
            own = draws.uniform(0.85, 1.15) * effort * kind.work.get(muscle, 0.0)
            help_ = draws.uniform(*_HELP)
            level.append(float(np.clip(own, *_WORK)) if muscle in kind.work else help_)
        self.level = np.array(level)
        self._ramp_s = draws.uniform(*_RAMP_S)
        held_s = draws.uniform(*_HOLD_S)
        self.start_s = _REST_BEFORE_S
        self.end_s = self.start_s + (_DYNAMIC_S if kind.dynamic else held_s)
        self.duration_s = self.end_s + _REST_AFTER_S
        spans = [(self.start_s, self.end_s)]
        if kind.dynamic:
            period_s, pause_s = draws.uniform(*_REPETITION_S), draws.uniform(*_PAUSE_S)
            begin = np.arange(self.start_s, self.end_s - period_s, period_s)
            spans = [(b, b + period_s - pause_s) for b in begin.tolist()]
        self._spans_s = np.array(spans)

    def work(self, t_s: Array) -> Array:
        """Return what the set adds to rest, shape (n, 12)."""
        share = np.zeros(len(t_s))
        for start_s, end_s in self._spans_s:
            inside = np.minimum(t_s - start_s, end_s - t_s)
            share = np.maximum(share, _smooth(inside / self._ramp_s))
        return share[:, None] * self.level


class RapidPlan:
    """Contractions as fast as can be at go signals.

    Attributes
    ----------
    duration_s, breath_hz : float
    tonic : ndarray, shape (12,)
    go_s : ndarray, shape (k,)
        The signals.
    start_s : ndarray, shape (k, 12)
        When each muscle's drive begins to rise.
    rise_s, peak, plateau_s, fall_s : ndarray, shape (k, 12)
    """

    def __init__(self, draws: Draws) -> None:
        self.breath_hz, self.tonic = _rest(draws)
        k, n = _GO_SIGNALS, len(CHANNELS)
        between = [draws.uniform(*_BETWEEN_S) for _ in range(k)]
        self.go_s = _REST_BEFORE_S + np.cumsum([0.0, *between[:-1]])
        self.duration_s = float(self.go_s[-1]) + between[-1] + _REST_AFTER_S
        order = {muscle: draws.uniform(*_ORDER_S) for muscle in MUSCLES}
        own = np.array([order[m] + draws.uniform(*_SIDE_S) for m, _ in CHANNELS])
        reaction_s = draws.uniform(*_REACTION_S)
        late = np.array([reaction_s + draws.normal(0.0, _REACTION_SD_S) for _ in range(k)])
        jitter = np.array([draws.normal(0.0, _JITTER_SD_S) for _ in range(k * n)]).reshape(k, n)
        self.start_s = (self.go_s + late)[:, None] + own + jitter

        def each(low: float, high: float) -> Array:
            return np.array([draws.uniform(low, high) for _ in range(k * n)]).reshape(k, n)

        usual = np.array([draws.uniform(*_PEAK) for _ in range(n)])
        self.peak = np.clip(usual * each(0.8, 1.2), *_PEAK)
        self.rise_s, self.plateau_s, self.fall_s = each(*_RISE_S), each(*_PLATEAU_S), each(*_FALL_S)

    def work(self, t_s: Array) -> Array:
        """Return the bursts, shape (n, 12)."""
        total = np.zeros((len(t_s), len(CHANNELS)))
        longest_s = _RISE_S[1] + _PLATEAU_S[1] + _FALL_S[1]
        for i in range(len(self.go_s)):
            first, last = self.start_s[i].min(), self.start_s[i].max() + longest_s
            near = (t_s >= first) & (t_s <= last)
            after = t_s[near, None] - self.start_s[i]
            left = self.rise_s[i] + self.plateau_s[i] + self.fall_s[i] - after
            rising, falling = _smooth(after / self.rise_s[i]), _smooth(left / self.fall_s[i])
            total[near] += self.peak[i] * np.minimum(rising, falling)
        return total


def _rest(draws: Draws) -> tuple[float, Array]:
    breath_hz = draws.uniform(*_BREATH_HZ)
    return breath_hz, np.array([draws.uniform(*_TONIC) for _ in CHANNELS])


def _smooth(share: Array) -> Array:
    """Return 0 to 1 with no slope at the ends."""
    share = np.clip(share, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))
