"""A set of repetitions as continuous degrees of freedom over time, with faults on demand.

Each degree of freedom is a chain of minimum-jerk movements (Flash and Hogan 1985, J Neurosci
5:1688) between rests, so that position, velocity and acceleration are continuous. On top of it
every one wanders slowly by itself, and the patient breathes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.motion.dof import NOT_ANGLES, Dof, of_side
from lbp_rehab.synthetic.motion.programs import Effect, Program, Values, effect, program

Row = NDArray[np.float64]

SIDES = ("left", "right", "alternating")
_HOLDS_EARLY = 3  # a power: who holds the breath does so from early on the way until late
_ALL = 0  # repetition number of a fault that all repetitions have
_ARC = (0.35, 0.65)  # the painful part of the range
# What people do more or less of: angles and breath.
_SCALED = np.array([d not in NOT_ANGLES or d in (Dof.BELLY, Dof.CHEST) for d in Dof])


_PELVIS = np.array([float(d in (Dof.PELVIS_TILT, Dof.PELVIS_LIST, Dof.PELVIS_TURN)) for d in Dof])


def _large(dof: Dof) -> float:
    """Return a change that is about as conspicuous as 10 degrees of an angle."""
    if dof not in NOT_ANGLES:
        return float(np.radians(10.0))
    if dof in (Dof.BELLY, Dof.CHEST):
        return 0.01
    return 0.05 if dof == Dof.SHIFT or dof.name.endswith("FOOT_UP") else 0.3


_LARGE = np.array([_large(d) for d in Dof])


@dataclass(frozen=True)
class Fault:
    """A named fault of execution.

    Attributes
    ----------
    repetition : int
        1 for the first, 0 for all.
    name : str
        A fault of the exercise in `PROGRAMS`.
    severity : float
        0 (none) to 1 (as in the fault's text).
    """

    repetition: int
    name: str
    severity: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.severity <= 1.0:
            raise InputError(f"the severity {self.severity} must lie between 0 and 1")


@dataclass(frozen=True)
class Style:
    """How one person moves.

    Attributes
    ----------
    tempo, amplitude : float
        Factors on durations and on the range.
    rest, delay_s : ndarray, shape (len(Dof),)
        Where the person's own rest position differs, and how much later each part sets off.
    wander, wander_hz, wander_phase : ndarray, shape (2, len(Dof))
        Amplitude (rad), frequency and phase of slow drifts.
    belly_m, chest_m, breath_hz : float
        Quiet breathing.
    variety : float
        Factor on how much repetitions differ.
    """

    tempo: float
    amplitude: float
    rest: Row
    delay_s: Row
    wander: NDArray[np.float64]
    wander_hz: NDArray[np.float64]
    wander_phase: NDArray[np.float64]
    belly_m: float
    chest_m: float
    breath_hz: float
    variety: float = 1.0

    @classmethod
    def sample(cls, draws: Draws) -> Style:
        """Return the style of a person."""
        n = len(Dof)
        rest = np.array([draws.normal(0.0, _REST_SD.get(_kind(d), 0.0)) for d in Dof])
        wander_sd = np.array([_WANDER_SD.get(_kind(d), 0.0) for d in Dof])
        rng = draws.rng
        return cls(
            tempo=draws.uniform(0.8, 1.35),
            amplitude=draws.uniform(0.9, 1.12),
            rest=np.radians(rest),
            delay_s=np.array([draws.uniform(-0.1, 0.1) for _ in range(n)]),
            wander=np.radians(wander_sd * _each(draws, 0.3, 1.0)),
            wander_hz=np.stack([_each(draws, 0.04, 0.15)[0], _each(draws, 0.2, 0.6)[1]]),
            wander_phase=rng.uniform(0.0, 2.0 * np.pi, (2, n)),
            belly_m=draws.uniform(0.003, 0.010),
            chest_m=draws.uniform(0.001, 0.005),
            breath_hz=draws.uniform(0.18, 0.30),
            variety=draws.uniform(0.6, 1.4),
        )


# 1-sigma in degrees by what moves, of people's rest positions, of repetitions at the top, and
# the amplitude of the slow drift: how far people differ from the textbook and still do it right.
_REST_SD = {
    "PELVIS_TILT": 4.0, "PELVIS_LIST": 0.8, "PELVIS_TURN": 0.6, "THORAX_LIST": 1.5,
    "THORAX_TURN": 1.0, "THORAX_FLEXION": 4.0, "NECK_FLEXION": 5.0, "NECK_TURN": 8.0,
    "KNEE_OUT": 4.0, "HIP_FLEXION": 4.0, "HIP_ABDUCTION": 2.5, "HIP_ROTATION": 5.0,
    "SHOULDER_FLEXION": 4.0, "SHOULDER_ABDUCTION": 4.0,
}  # fmt: skip
_TOP_SD = {
    "PELVIS_TILT": 2.0, "PELVIS_LIST": 0.7, "PELVIS_TURN": 0.7, "THORAX_LIST": 1.2,
    "THORAX_TURN": 1.0, "LUMBAR_FLEXION": 2.0, "THORAX_FLEXION": 2.0, "NECK_FLEXION": 3.0,
    "NECK_TURN": 3.0, "KNEE_OUT": 1.5, "HIP_FLEXION": 4.0, "HIP_ABDUCTION": 2.0,
    "HIP_ROTATION": 3.0, "KNEE_FLEXION": 4.0, "SHOULDER_FLEXION": 4.0,
    "SHOULDER_ABDUCTION": 3.0, "ELBOW_FLEXION": 2.0,
}  # fmt: skip
_WANDER_SD = {
    "PELVIS_TILT": 0.5, "PELVIS_LIST": 0.2, "PELVIS_TURN": 0.2, "THORAX_LIST": 0.3,
    "THORAX_TURN": 0.3, "THORAX_FLEXION": 0.5, "NECK_FLEXION": 0.6, "NECK_TURN": 1.5,
    "KNEE_OUT": 0.6, "HIP_FLEXION": 0.6, "HIP_ABDUCTION": 0.5, "KNEE_FLEXION": 0.5,
    "SHOULDER_FLEXION": 0.6, "SHOULDER_ABDUCTION": 0.5,
}  # fmt: skip


def _each(draws: Draws, low: float, high: float) -> NDArray[np.float64]:
    """Draw a number for each of two drifts of every degree of freedom, shape (2, len(Dof))."""
    return np.array([[draws.uniform(low, high) for _ in Dof] for _ in range(2)])


def _kind(dof: Dof) -> str:
    return dof.name[2:] if dof.name[:2] in ("L_", "R_") else dof.name


@dataclass(frozen=True)
class FaultShown:
    """What a fault changes in one repetition.

    Attributes
    ----------
    name : str
    severity : float
    dof : Dof or None
        What changes most; None: the tempo or the breath.
    changed : float
        Difference at the top in the unit of `Dof`; in seconds for the tempo; as a fraction for the
        breath.
    start_s, end_s : float
        Between which it shows.
    """

    name: str
    severity: float
    dof: Dof | None
    changed: float
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Repetition:
    """When one repetition happens, in seconds from the start of the recording.

    Attributes
    ----------
    side : str
        "none", or the side that works, "left" or "right".
    start_s, top_s, hold_end_s, end_s : float
        Leaving the start position, reaching the top, leaving it (the last one, where there are
        two), back at the start position.
    amplitude : float
        Fraction of the full range that is reached.
    faults : tuple of Fault
    shown : tuple of FaultShown
        What the faults do; those without severity do nothing.
    """

    index: int
    side: str
    start_s: float
    top_s: float
    hold_end_s: float
    end_s: float
    amplitude: float
    faults: tuple[Fault, ...]
    shown: tuple[FaultShown, ...] = ()

    def severity(self, name: str) -> float:
        """Return the severity of a fault, 0 if the repetition does not have it."""
        return max((f.severity for f in self.faults if f.name == name), default=0.0)


@dataclass(frozen=True)
class Track:
    """A chain of minimum-jerk movements: ``knots_s`` (k,) and ``values`` (k, m)."""

    knots_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def at(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at times of any shape, shape (*t_s.shape, m)."""
        left, fraction, _ = self._segment(t_s)
        return self.values[left] + minimum_jerk(fraction)[..., None] * self._steps()[left]

    def column(self, t_s: NDArray[np.float64], column: int) -> NDArray[np.float64]:
        """Return one column at times of any shape."""
        left, fraction, _ = self._segment(t_s)
        first = self.values[left, column]
        return first + minimum_jerk(fraction) * (self.values[left + 1, column] - first)

    def rate(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time derivatives, 1/s, like `at`."""
        left, u, length = self._segment(t_s)
        speed = 30.0 * u**2 * (1.0 - u) ** 2 / length
        return speed[..., None] * self._steps()[left]

    def _steps(self) -> NDArray[np.float64]:
        return np.diff(self.values, axis=0)

    def _segment(
        self, t_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        left = np.clip(
            np.searchsorted(self.knots_s, t_s, side="right") - 1, 0, len(self.knots_s) - 2
        )
        length = np.diff(self.knots_s)[left]
        return left, np.clip((t_s - self.knots_s[left]) / length, 0.0, 1.0), length


@dataclass(frozen=True)
class Movement:
    """A whole set.

    Attributes
    ----------
    style : Style
    rest : ndarray, shape (len(Dof),)
        The start position, from which repetitions set off.
    course : Track
        Values of `Dof` without delays, wandering and quiet breathing.
    levels : Track
        Columns: how far into a repetition of the left and of the right side (0 to 1), and what
        quiet breathing is multiplied by.
    """

    exercise: str
    duration_s: float
    repetitions: tuple[Repetition, ...]
    style: Style
    rest: Row
    course: Track
    levels: Track

    @property
    def program(self) -> Program:
        """The exercise's program."""
        return program(self.exercise)

    def at(self, t_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the degrees of freedom at times ``t_s`` (n,), shape (n, len(Dof))."""
        t = np.atleast_1d(np.asarray(t_s, dtype=float))
        rows = np.stack(
            [self.course.column(t - delay, d) for d, delay in enumerate(self.style.delay_s)], axis=1
        )
        s = self.style
        for k in range(2):
            rows += s.wander[k] * np.sin(
                2.0 * np.pi * s.wander_hz[k] * t[:, None] + s.wander_phase[k]
            )
        breath = 0.5 - 0.5 * np.cos(2.0 * np.pi * s.breath_hz * t)
        breath *= self.levels.column(t, 2) ** _HOLDS_EARLY
        rows[:, Dof.BELLY] += s.belly_m * breath
        rows[:, Dof.CHEST] += s.chest_m * breath
        return rows

    def level(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far into a repetition each side is, 0 to 1, shape (n, 2): left, right."""
        return self.levels.at(np.asarray(t_s, float))[..., :2]

    def level_rate(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time derivative of `level` in 1/s."""
        return self.levels.rate(np.asarray(t_s, float))[..., :2]

    def fault_level(self, name: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much a fault shows, 0 to its severity, shape (n,).

        A fault of the pose comes and goes with the repetition's level; one of tempo or breath is
        there from its start to its end.
        """
        t = np.asarray(t_s, float)
        level = self.level(t).max(axis=-1)
        total = np.zeros_like(level)
        for made in self.repetitions:
            for fault in made.shown:
                if fault.name != name:
                    continue
                if fault.dof is None:
                    inside = (t >= fault.start_s) & (t <= fault.end_s)
                    total += fault.severity * inside
                else:
                    inside = (t >= made.start_s) & (t <= made.end_s)
                    total += fault.severity * inside * level
        return total

    def phase(self, t_s: float) -> tuple[str, Repetition | None]:
        """Return "rest", "out", "hold" or "return" and the repetition it belongs to."""
        for made in self.repetitions:
            if made.start_s <= t_s < made.end_s:
                if t_s < made.top_s:
                    return "out", made
                return ("hold" if t_s < made.hold_end_s else "return"), made
        return "rest", None


def minimum_jerk(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the minimum-jerk course from 0 to 1 at the fractions ``u`` of its duration."""
    return u**3 * (10.0 + u * (-15.0 + 6.0 * u))


def perform(
    exercise: str,
    seed: int,
    *,
    repetitions: int = 5,
    faults: Sequence[Fault] = (),
    side: str = "alternating",
    split: Split = Split.ANY,
    style: Style | None = None,
    initial_rest_s: float = 4.0,
    free_pelvis_deg: float = 0.0,
) -> Movement:
    """Return a set that varies as a person's repetitions do.

    Parameters
    ----------
    exercise : str
        A key of `PROGRAMS`.
    seed : int
        Decides style and variation; the same seed gives the same movement.
    repetitions : int
        How many, at least 1.
    faults : sequence of Fault
    side : str
        One of `SIDES`; which side works in an exercise that has one.
    split : Split
    style : Style, optional
        Instead of a sampled one.
    initial_rest_s : float
        Rest before the first repetition, in which a neutral can be taken.
    free_pelvis_deg : float
        1-sigma of tilt, list and turn that the pelvis makes on its own in every repetition, half of
        it at rest, whatever else moves. To measure and to train with; a scorer may call it a fault.

    Raises
    ------
    InputError
        If the exercise or a fault is unknown, there is no repetition, or a fault names one that is
        not made.
    """
    chosen = program(exercise)
    if repetitions < 1:
        raise InputError(f"a set needs at least one repetition, not {repetitions}")
    if side not in SIDES:
        raise InputError(f"the side {side!r} must be one of {', '.join(SIDES)}")
    for fault in faults:
        effect(exercise, fault.name)
        if not 0 <= fault.repetition <= repetitions:
            raise InputError(
                f"the fault {fault.name} is for repetition {fault.repetition}, "
                f"but the set has {repetitions}"
            )
    draws = Draws(seed, split, stream=1)
    own = style or Style.sample(draws)
    maker = _Set(
        exercise, chosen, own, draws,
        initial_rest_s=initial_rest_s, free_pelvis_deg=free_pelvis_deg,
    )  # fmt: skip
    for index in range(1, repetitions + 1):
        working = _side(chosen, side, index)
        maker.repeat(index, working, [f for f in faults if f.repetition in (_ALL, index)])
    return maker.movement()


def _side(chosen: Program, side: str, index: int) -> str:
    if not chosen.one_sided:
        return "none"
    if side == "alternating":
        # Lying on one side, a patient stays on it.
        if chosen.posture.name.startswith("SIDE"):
            return "left"
        return "left" if index % 2 else "right"
    return side


@dataclass(frozen=True)
class _Timing:
    start_s: float
    out_s: float
    top_s: float
    hold_end_s: float
    end_s: float
    arc: tuple[float, float]
    out_changed_s: float


def _shown(fault: Fault, what: Effect, change: Row, at: _Timing) -> FaultShown:
    """Return what a fault does: where the pose changes, or to the tempo or the breath."""
    if what.arc_s:
        longer_s = what.strength(fault.severity) * what.arc_s
        return FaultShown(fault.name, fault.severity, None, longer_s, *at.arc)
    if what.pace != 1.0:
        changed_s = at.out_changed_s
        return FaultShown(fault.name, fault.severity, None, changed_s, at.start_s, at.end_s)
    if what.breath != 1.0:
        left = 1.0 - what.strength(fault.severity) * (1.0 - what.breath)
        held = left**_HOLDS_EARLY - 1.0
        return FaultShown(fault.name, fault.severity, None, held, at.start_s, at.end_s)
    dof = Dof(int(np.argmax(np.abs(change) / _LARGE)))
    # A minimum-jerk movement is half way at half of its time.
    start_s = 0.5 * (at.start_s + at.top_s)
    end_s = 0.5 * (at.hold_end_s + at.end_s)
    return FaultShown(fault.name, fault.severity, dof, float(change[dof]), start_s, end_s)


class _Set:
    """Strings repetitions together."""

    _either = "left"  # where a fault that has no side of its own goes in this repetition

    def __init__(
        self,
        exercise: str,
        chosen: Program,
        style: Style,
        draws: Draws,
        *,
        initial_rest_s: float,
        free_pelvis_deg: float,
    ) -> None:
        self._exercise, self._program, self._style, self._draws = exercise, chosen, style, draws
        self._free_rad = np.radians(free_pelvis_deg) * _PELVIS
        if chosen.posture.name == "QUADRUPED":  # the knees carry the pelvis level
            self._free_rad[Dof.PELVIS_TURN] *= 0.5
        self._rest = style.rest * _leaves_free(chosen) + row(chosen.rest, "left")
        self._rest += 0.5 * self._wilful()
        self._now = initial_rest_s
        self._knots, self._rows = [0.0], [self._rest]
        self._levels = [np.array([0.0, 0.0, 1.0])]
        self._made: list[Repetition] = []

    def repeat(self, index: int, side: str, faults: Sequence[Fault]) -> None:
        chosen, rng, start_s = self._program, self._draws.rng, self._now
        named = [(effect(self._exercise, f.name), f.severity) for f in faults]
        effects = [(what, what.strength(severity)) for what, severity in named]
        self._either = "left" if self._draws.flip() else "right"
        # Who breathes on purpose hardly breathes beside it.
        pace, quiet = self._style.tempo, 0.6 if "BELLY" in chosen.top else 1.0
        for what, strength in effects:
            if what.pace != 1.0:
                pace += strength * (what.pace - pace)
            quiet *= 1.0 - (1.0 - what.breath) * strength
        own = 1.0 if chosen.fixed_range else self._style.amplitude
        amplitude = own * (1.0 + rng.normal(0.0, 0.02))
        top, changes = self._extreme(chosen.top, side, amplitude, effects)
        active = self._active(side, quiet)
        self._knot(start_s, self._rest, self._quiet(1.0))
        arc_s = sum(what.arc_s * strength for what, strength in effects)
        out_s = pace * chosen.out_s * self._varied()
        arc = (start_s + _ARC[0] * out_s, start_s + _ARC[1] * out_s + arc_s)
        if arc_s:
            for t_s, share in zip(arc, _ARC, strict=True):
                self._knot(t_s, self._rest + share * (top - self._rest), share * active)
        top_s = start_s + out_s + arc_s
        self._knot(top_s, top, active)
        hold_end_s = top_s + pace * chosen.hold_s * self._varied()
        held = top + self._noise({}) * 0.3 + 0.3 * self._wilful()
        held[list(NOT_ANGLES)] = top[list(NOT_ANGLES)]
        held[Dof.LIFT] = top[Dof.LIFT] * (1.0 - abs(rng.normal(0.0, 0.01)))
        self._knot(hold_end_s, held, active)
        if chosen.second:
            other, _ = self._extreme(chosen.second, side, amplitude, effects)
            between_s = hold_end_s + pace * chosen.out_s * self._varied()
            self._knot(between_s, 0.5 * (held + other), self._quiet(quiet))
            second_s = between_s + 0.6 * pace * chosen.out_s * self._varied()
            self._knot(second_s, other, active)
            hold_end_s = second_s + pace * chosen.hold_s * self._varied()
            self._knot(hold_end_s, other, active)
        end_s = hold_end_s + pace * chosen.return_s * self._varied()
        self._knot(end_s, self._rest, self._quiet(1.0))
        reached = amplitude
        for what, strength in effects:
            if what.partial:
                reached *= 1.0 - (1.0 - min(what.scale.values())) * strength
        slower = self._style.tempo / pace
        timing = _Timing(start_s, out_s, top_s, hold_end_s, end_s, arc, out_s * (1.0 - slower))
        shown = [
            _shown(f, what, change, timing)
            for f, (what, _), change in zip(faults, effects, changes, strict=True)
            if f.severity > 0.0
        ]
        self._made.append(
            Repetition(
                index, side, start_s, top_s, hold_end_s, end_s, reached, tuple(faults), tuple(shown)
            )
        )
        self._now = end_s + pace * chosen.pause_s * self._varied()

    def movement(self) -> Movement:
        duration_s = self._made[-1].end_s + 1.0
        self._knot(duration_s + 1.0, self._rest, self._quiet(1.0))
        knots = np.array(self._knots)
        free = _leaves_free(self._program)
        # The exercise's own motion keeps time, the rest of the body may be early or late.
        first = next(iter(self._program.top))
        own = {d for side in ("left", "right") for d in dofs(first, side)}
        keeps = np.array([d in own for d in Dof])
        style = replace(
            self._style,
            delay_s=np.where(keeps, 0.0, self._style.delay_s),
            wander=self._style.wander * free,
        )
        return Movement(
            exercise=self._exercise,
            duration_s=duration_s,
            repetitions=tuple(self._made),
            style=style,
            rest=self._rest,
            course=Track(knots, np.array(self._rows)),
            levels=Track(knots, np.array(self._levels)),
        )

    def _extreme(
        self, values: Values, side: str, amplitude: float, effects: Sequence[tuple[Effect, float]]
    ) -> tuple[Row, list[Row]]:
        """Return the row at an extreme of the movement, and what each fault changed in it."""
        target = row(values, side)
        target[_SCALED] *= amplitude
        noise = self._noise(self._program.vary)
        moves = target != 0.0
        # What is not part of the exercise varies too, but less.
        target += np.where(moves, 1.0, 0.6) * noise + self._wilful()
        changes = []
        for what, strength in effects:
            before = target.copy()
            for name, factor in what.scale.items():
                for dof in dofs(name, side):
                    target[dof] *= 1.0 - (1.0 - factor) * strength
            target += strength * row(what.add, self._either if what.random_side else side)
            if what.swap_arm:
                target += strength * (_swapped_arms(target) - target)
            changes.append(target - before)
        return self._rest + target, changes

    def _wilful(self) -> Row:
        """Return what the pelvis does on its own."""
        return self._free_rad * np.clip(self._draws.rng.normal(size=len(Dof)), -2.2, 2.2)

    def _noise(self, vary: Values) -> Row:
        sd = np.array([vary.get(_kind(d), _TOP_SD.get(_kind(d), 0.0)) for d in Dof])
        free = _leaves_free(self._program)
        noise = self._draws.rng.normal(0.0, self._style.variety, len(Dof)) * sd * free
        radians = np.array([d not in NOT_ANGLES for d in Dof])
        return np.where(radians, np.radians(noise), noise)

    def _active(self, side: str, quiet: float) -> Row:
        return np.array([float(side != "right"), float(side != "left"), quiet])

    def _quiet(self, quiet: float) -> Row:
        return np.array([0.0, 0.0, quiet])

    def _knot(self, t_s: float, values: Row, level: Row) -> None:
        self._knots.append(t_s)
        self._rows.append(values)
        self._levels.append(level)

    def _varied(self) -> float:
        return float(np.clip(self._draws.rng.normal(1.0, 0.07), 0.75, 1.25))


def _leaves_free(chosen: Program) -> Row:
    """Return 1 for what may differ from the textbook in this exercise, 0 where contact forbids."""
    held = {Dof.LUMBAR_FLEXION} if chosen.posture.name != "STANDING" else set()
    if chosen.posture.name == "SUPINE":  # the head lies on the mat
        held.add(Dof.NECK_FLEXION)
    if chosen.posture.name in ("PRONE", "STANDING"):
        held |= {of_side("KNEE_FLEXION", s) for s in "lr"}
    if chosen.posture.name.startswith("SIDE"):
        held |= {of_side("KNEE_OUT", s) for s in "lr"} | {Dof.THORAX_LIST}
    if "LUMBAR_FLEXION" in chosen.top:
        held -= {Dof.LUMBAR_FLEXION}
    return np.array([float(d not in held) for d in Dof])


def row(values: Values, side: str) -> Row:
    """Return a row of `Dof` from a program's values for the working side.

    Parameters
    ----------
    side : str
        "left", "right" or "none" (as left).
    """
    out = np.zeros(len(Dof))
    for name, value in values.items():
        for dof in dofs(name, side):
            mirrored = side == "right" and name.endswith(("_LIST", "_TURN"))
            out[dof] += -value if mirrored else value
    angles = np.array([d not in NOT_ANGLES for d in Dof])
    return np.where(angles, np.radians(out), out)


def dofs(name: str, side: str) -> list[Dof]:
    """Return what a program's name stands for when a side works."""
    who, _, what = name.partition("_")
    working = "r" if side == "right" else "l"
    other = "l" if working == "r" else "r"
    sides = {"work": working, "other": other, "both": "lr"}.get(who)
    if sides is None:
        return [Dof[name]]
    return [of_side(what, s) for s in sides]


def _swapped_arms(values: Row) -> Row:
    out = values.copy()
    for kind in ("ARM_FREE", "ARM_REACH", "SHOULDER_FLEXION", "SHOULDER_ABDUCTION",
                 "ELBOW_FLEXION"):  # fmt: skip
        left, right = of_side(kind, "l"), of_side(kind, "r")
        out[[left, right]] = values[[right, left]]
    return out
