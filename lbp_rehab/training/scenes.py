"""What training looks at: the synthetic patient, more varied than the benchmark.

A scene is one person, movement, room, view and camera; from it come bursts of a few frames, each
burst at a random time of the movement and in a random pose about it, at the rate of some camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.dof import NOT_ANGLES, Dof
from lbp_rehab.synthetic.motion.movement import Fault, Movement
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.staging import BLANKET_EXERCISES
from lbp_rehab.synthetic.studio import Shown, Studio

CONDITIONS = {
    "clear": 0.44, "occluder": 0.16, "therapist": 0.10, "misregistered": 0.12, "blanket": 0.10,
    "dark": 0.08,
}  # fmt: skip
CAMERAS = {"d435": 0.66, "azure_kinect": 0.30, "ideal": 0.04}
SIZES = ((640, 480), (480, 360), (424, 320))
RATES_HZ = (30.0, 15.0, 12.0, 8.0)
BURST_FRAMES = 4
BURSTS = 6
FREE_PELVIS_DEG = (3.0, 9.0)
# 1-sigma of what is added to every angle of a burst, in degrees: poses beside the programs'.
LOOSE_DEG = (0.0, 7.0)
_PELVIS = (Dof.PELVIS_TILT, Dof.PELVIS_LIST, Dof.PELVIS_TURN)


@dataclass
class Loose:
    """A movement in which every angle is off by a constant that can be changed."""

    movement: Movement
    offset: NDArray[np.float64]

    def at(self, t_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the degrees of freedom at times, as `Movement.at`."""
        return self.movement.at(t_s) + self.offset

    def __getattr__(self, name: str) -> object:
        return getattr(self.movement, name)


@dataclass(frozen=True)
class Moment:
    """A moment of a scene: what to look at and when."""

    studio: Studio
    t_s: float
    burst: int
    step: int
    dt_s: float


@dataclass(frozen=True)
class SceneFrame:
    """One frame of a scene with its place in it."""

    shown: Shown
    scenario: Scenario
    studio: Studio
    burst: int
    step: int
    dt_s: float


def scenario(seed: int, split: Split = Split.TRAIN) -> Scenario:
    """Return the scenario of a scene; the seed decides everything."""
    rng = np.random.default_rng([seed, int(split), 7707])
    exercise = list(PROGRAMS)[int(rng.integers(len(PROGRAMS)))]
    condition = str(rng.choice(list(CONDITIONS), p=list(CONDITIONS.values())))
    if condition == "blanket" and exercise not in BLANKET_EXERCISES:
        condition = "clear"
    names = list(PROGRAMS[exercise].faults)
    faults: tuple[Fault, ...] = ()
    if rng.uniform() < 0.5:
        faults = (Fault(0, names[int(rng.integers(len(names)))], float(rng.uniform(0.3, 1.0))),)
    return Scenario(
        exercise,
        int(rng.integers(1, 2**31)),
        faults,
        repetitions=2,
        split=split,
        condition=condition,
        side="left" if rng.uniform() < 0.5 else "right",
        rate_hz=12.0,
        camera=str(rng.choice(list(CAMERAS), p=list(CAMERAS.values()))),
        size=SIZES[int(rng.integers(len(SIZES)))],
        initial_rest_s=1.0,
        free_pelvis_deg=float(rng.uniform(*FREE_PELVIS_DEG)),
    )


def moments(
    seed: int, split: Split = Split.TRAIN, bursts: int = BURSTS, steps: int = BURST_FRAMES
) -> Iterator[Moment]:
    """Yield the moments of a scene, burst after burst; the patient stands so until the next."""
    rng = np.random.default_rng([seed, int(split), 7708])
    chosen = scenario(seed, split)
    try:
        studio = Studio(chosen)
    except InputError:  # nothing can stand in the way of this view
        studio = Studio(replace(chosen, condition="clear"))
    free = np.array([d not in NOT_ANGLES for d in Dof])
    loose = Loose(chosen.movement, np.zeros(len(Dof)))
    studio.patient.movement = loose  # type: ignore[assignment]
    made = chosen.movement.repetitions
    for burst in range(bursts):
        sigma = float(rng.uniform(*LOOSE_DEG)) if rng.uniform() < 0.6 else 0.0
        loose.offset = np.where(free, np.radians(sigma) * rng.normal(size=len(Dof)), 0.0)
        dt_s = 1.0 / RATES_HZ[int(rng.integers(len(RATES_HZ)))]
        start = float(rng.uniform(0.0, made[-1].end_s))
        for step in range(steps):
            yield Moment(studio, start + step * dt_s, burst, step, dt_s)


def frames(seed: int, split: Split = Split.TRAIN, bursts: int = BURSTS) -> Iterator[SceneFrame]:
    """Yield the frames of a scene, burst after burst."""
    for at in moments(seed, split, bursts):
        made = at.studio.scenario
        stamp = made.stamp_ns(at.t_s)
        shown = at.studio.show(at.t_s, stamp, stamp)
        yield SceneFrame(shown, made, at.studio, at.burst, at.step, at.dt_s)
