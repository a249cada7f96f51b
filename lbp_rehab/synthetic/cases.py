"""The clips, recordings and sets that the benchmarks are measured on.

All of them come from the bands of `Split.TEST` unless asked otherwise, and each from a seed of its
own, so that another seed draws people, styles, rooms and cameras anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import Posture
from lbp_rehab.quality.exercise import known_exercises, load_exercise
from lbp_rehab.quality.rules import CAMERA_SPREAD_RAD
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.emg.cases import EmgRecording, emg_cases
from lbp_rehab.synthetic.imaging.views import azimuth_towards
from lbp_rehab.synthetic.messages import PARTIAL_BELOW
from lbp_rehab.synthetic.motion.movement import Fault, FaultShown, Repetition
from lbp_rehab.synthetic.motion.programs import PROGRAMS, effect
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.staging import BLANKET_EXERCISES
from lbp_rehab.synthetic.studio import Shown, Studio

__all__ = [
    "CLIP_FRAMES", "Clip", "EmgRecording", "MadeRepetition", "WholeSet", "emg_cases", "pose_cases",
    "quality_cases",
]  # fmt: skip

CLIP_FRAMES = 72
BORDERLINE = 0.08  # of the full range, next to what just counts
_CLIP_HZ = 12.0
_SET_HZ = 15.0
_LEAST_SEVERITY = 0.15  # of sets
_REST_S = 2.5  # in which the neutral is calibrated
_FREE_PELVIS_DEG = 4.0
# Of ten clips of an exercise four are hard; which, goes round.
_HARD_PLACES = (1, 4, 6, 8)
_HARD = ("blanket", "occluder", "therapist", "dark", "misregistered")


@dataclass(frozen=True)
class Drawn:
    """A case made from a scenario."""

    scenario: Scenario

    @property
    def seed(self) -> int:
        """From which this case can be made again."""
        return self.scenario.seed

    @property
    def exercise(self) -> str:
        """The exercise."""
        return self.scenario.exercise

    @property
    def faults(self) -> tuple[str, ...]:
        """Names of the faults that it shows."""
        return tuple(f.name for f in self.scenario.faults)

    @property
    def name(self) -> str:
        """Unlike that of any other case."""
        return f"{self.exercise}-{self.seed}"


@dataclass(frozen=True)
class Clip(Drawn):
    """A short piece of continuous movement of one person; iterated, it gives `Shown` frames."""

    frames: int

    @property
    def condition(self) -> str:
        """What is hard about it."""
        return self.scenario.condition

    @property
    def camera(self) -> str:
        """Which camera."""
        return self.scenario.camera

    @property
    def view(self) -> str:
        """From where the camera looks."""
        return str(self._studio.view)

    @property
    def posture(self) -> str:
        """The posture of the exercise."""
        return self._studio.patient.posture.name.lower()

    @property
    def person(self) -> str:
        """Who it is."""
        person = self._studio.patient.person
        return (
            f"{person.sex} {person.age_years:.0f} y, {person.height_m:.2f} m, "
            f"{person.mass_kg:.0f} kg"
        )

    @cached_property
    def _studio(self) -> Studio:
        return Studio(self.scenario)

    def __getstate__(self) -> dict[str, object]:
        return {"scenario": self.scenario, "frames": self.frames}

    def __iter__(self) -> Iterator[Shown]:
        for k, shown in enumerate(self._studio.frames()):
            if k >= self.frames:
                return
            yield _with_names(shown)


def _with_names(shown: Shown) -> Shown:
    """Return a frame without the pelvic landmarks, which no estimator names."""
    n, pose = len(NAMES), shown.pose
    arrays = ("position", "covariance", "status", "reason", "visibility", "pixel")
    cut = {name: getattr(pose, name)[:n] for name in arrays}
    return replace(shown, pose=replace(pose, names=NAMES, **cut), covered=shown.covered[:n])


def pose_cases(seed: int, frames: int) -> list[Clip]:
    """Return whole clips of `CLIP_FRAMES` frames, at least one and about so many frames in all.

    The exercises and, within an exercise, conditions and cameras get equal parts. Each clip begins
    with the rest in which a neutral is taken and goes on to the top of a repetition and beyond;
    the pelvis moves more freely than the exercise asks for, so that habit tells nothing.
    """
    n = max(round(frames / CLIP_FRAMES), 1)
    rng = np.random.default_rng([seed, 5150])
    exercises = [list(PROGRAMS)[int(k)] for k in rng.permutation(len(PROGRAMS))]
    clips = []
    for k in range(n):
        turn, which = divmod(k, len(exercises))
        exercise = exercises[which]
        scenario = Scenario(
            exercise,
            int(rng.integers(1, 2**31)),
            _drawn_faults(rng, exercise),
            repetitions=1,
            split=Split.TEST,
            condition=_condition(exercise, turn, which),
            side="left" if rng.uniform() < 0.5 else "right",
            rate_hz=_CLIP_HZ,
            camera="azure_kinect" if (turn + which) % 4 == 3 else "d435",
            initial_rest_s=_REST_S,
            free_pelvis_deg=_FREE_PELVIS_DEG,
        )
        clips.append(Clip(scenario, CLIP_FRAMES))
    return clips


def _condition(exercise: str, turn: int, which: int) -> str:
    place = turn % 10
    if place not in _HARD_PLACES:
        return "clear"
    hard = [c for c in _HARD if c != "blanket" or exercise in BLANKET_EXERCISES]
    return hard[(which + len(_HARD_PLACES) * (turn // 10) + _HARD_PLACES.index(place)) % len(hard)]


def _drawn_faults(rng: np.random.Generator, exercise: str) -> tuple[Fault, ...]:
    if rng.uniform() < 0.5:
        return ()
    names = list(PROGRAMS[exercise].faults)
    return (Fault(0, names[int(rng.integers(len(names)))], float(rng.uniform(0.4, 1.0))),)


@dataclass(frozen=True)
class MadeRepetition:
    """A repetition as it was made.

    Attributes
    ----------
    top_ns, return_ns : int
        Arriving at the top, and setting off from the last extreme.
    side : str
        "none", or the side that works.
    borderline : bool
        Whether it goes about as far as just counts, so that counting it is right either way.
    onsets_ns : mapping
        When each of the faults is there to be seen.
    """

    start_ns: int
    top_ns: int
    return_ns: int
    end_ns: int
    counts: bool
    faults: tuple[Fault, ...]
    side: str = "none"
    borderline: bool = False
    onsets_ns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class WholeSet(Clip):
    """A whole set of one exercise.

    Attributes
    ----------
    twin : str
        Common to the sets that show the same movement from different sides; empty: there is none.
    """

    twin: str = ""

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "twin": self.twin}

    @property
    def name(self) -> str:
        """Unlike that of any other case."""
        return f"{super().name}-{self.scenario.view}"

    @property
    def repetitions(self) -> tuple[MadeRepetition, ...]:
        """What was made; a partial repetition does not count."""
        at = self.scenario.stamp_ns

        def one(made: Repetition) -> MadeRepetition:
            return MadeRepetition(
                at(made.start_s),
                at(made.top_s),
                at(made.hold_end_s),
                at(made.end_s),
                made.amplitude >= PARTIAL_BELOW,
                made.faults,
                made.side,
                abs(made.amplitude - PARTIAL_BELOW) < BORDERLINE,
                {shown.name: at(self._onset_s(made, shown)) for shown in made.shown},
            )

        return tuple(one(made) for made in self.scenario.movement.repetitions)

    def _onset_s(self, made: Repetition, shown: FaultShown) -> float:
        """Return when a fault can be seen: not before the movement could have been right.

        What is too much is there when half of it is. What is too little is there once the patient
        has arrived, and that a repetition was hurried when it is over.
        """
        what = effect(self.exercise, shown.name)
        if what.pace != 1.0:
            return made.end_s
        short = what.falls_short or (what.scale and not what.add)
        return made.top_s if short else shown.start_s


def quality_cases(
    seed: int, sets: int, *, any_view: bool = False, split: Split = Split.TEST
) -> list[WholeSet]:
    """Return so many sets, the exercises in turn, of people who make faults in half of them.

    Every fifth set of an exercise is shown from a second side, which counts as a set of its own.

    Parameters
    ----------
    seed, sets : int
    any_view : bool
        Whether the camera stands anywhere, instead of where the exercise's file advises.
    split : Split
        Of the people and styles.
    """
    rng = np.random.default_rng([seed, 5151])
    exercises = sorted(set(known_exercises()) & set(PROGRAMS))
    made: list[WholeSet] = []
    turn = 0
    while len(made) < sets:
        which, name = turn // len(exercises), exercises[turn % len(exercises)]
        repetitions = int(rng.integers(4, 7))
        side = ("alternating", "left", "right")[int(rng.integers(3))]
        faults = tuple(
            fault for k in range(repetitions) for fault in _of_repetition(rng, name, k + 1)
        )
        own_seed = int(rng.integers(1, 2**31))
        views = 2 if which % 5 == 4 else 1
        for _ in range(views):
            scenario = Scenario(
                name, own_seed, faults, repetitions=repetitions, side=side,
                view="" if any_view else _advised(rng, name, side),
                split=split, rate_hz=_SET_HZ, initial_rest_s=3.0,
            )  # fmt: skip
            frames = int(scenario.movement.duration_s * scenario.rate_hz)
            made.append(WholeSet(scenario, frames, str(own_seed) if views == 2 else ""))
        turn += 1
    return made[:sets]


def _of_repetition(rng: np.random.Generator, exercise: str, repetition: int) -> tuple[Fault, ...]:
    if rng.uniform() < 0.5:
        return ()
    names = list(PROGRAMS[exercise].faults)
    severity = float(rng.uniform(_LEAST_SEVERITY, 1.0))
    return (Fault(repetition, names[int(rng.integers(len(names)))], severity),)


def _advised(rng: np.random.Generator, exercise: str, side: str) -> str:
    """Draw a view of which the exercise's file says that its faults can be seen from there."""
    advice, posture = load_exercise(exercise).camera, PROGRAMS[exercise].posture
    if posture == Posture.SIDE_LEFT and side == "right":
        posture = Posture.SIDE_RIGHT
    towards = azimuth_towards(posture, advice.sides[int(rng.integers(len(advice.sides)))])
    azimuth = towards + rng.uniform(-CAMERA_SPREAD_RAD, CAMERA_SPREAD_RAD)
    elevation = rng.uniform(*advice.elevation)
    return f"{np.degrees(elevation):.1f},{np.degrees(azimuth):.1f}"
