"""``python -m lbp_rehab.training.motions FOLDER``: synthetic sets of keypoints, not rendered.

Whole sets of the exercises with graded faults, and motions that are none of them, of the people
and styles of `Split.TRAIN`. Recognition and matching learn from them; what an estimator adds in
errors is lent to them by `training.errors`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import work_off
from lbp_rehab.pelvis.segments import cardan
from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.recognition.observation import JOINTS, Course
from lbp_rehab.synthetic import truth
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.dof import Dof
from lbp_rehab.synthetic.motion.movement import Fault, Repetition
from lbp_rehab.synthetic.motion.others import TAUGHT, drawn_name, posed_as
from lbp_rehab.synthetic.motion.postures import Habit, poser
from lbp_rehab.synthetic.motion.programs import PROGRAMS, program
from lbp_rehab.synthetic.person.people import body_of, sample
from lbp_rehab.synthetic.scenario import Scenario

RATE_HZ = 15.0
REPETITIONS = 6
_HABIT = 20  # stream of draws


@dataclass(frozen=True)
class Made:
    """One repetition as it was made, its faults as name to severity 0 to 1."""

    start_ns: int
    end_ns: int
    side: str
    faults: dict[str, float]

    @property
    def severity(self) -> float:
        """Of all faults together."""
        return sum(self.faults.values())


@dataclass(frozen=True)
class Example:
    """A set of one exercise or other motion.

    Attributes
    ----------
    name : str
        Of the exercise or motion.
    person : str
        Unlike that of any other person.
    course : Course
        What is seen, or true.
    made : tuple of Made
    belly_m : ndarray, shape (n,)
        How far breathing lifts the belly.
    true : Course or None
        The truth, where ``course`` is an estimate.
    """

    name: str
    person: str
    course: Course
    made: tuple[Made, ...]
    belly_m: NDArray[np.float64]
    true: Course | None = None


_FIELDS = tuple(Course.__dataclass_fields__)


def save(path: Path, example: Example) -> None:
    """Write an example."""
    said = {
        "name": example.name,
        "person": example.person,
        "made": [[m.start_ns, m.end_ns, m.side, m.faults] for m in example.made],
    }
    arrays: dict[str, Any] = {"belly_m": example.belly_m.astype(np.float32)}
    for prefix, course in (("", example.course), ("true_", example.true)):
        if course is None:
            continue
        for name in _FIELDS:
            value = getattr(course, name)
            arrays[prefix + name] = value.astype(np.float32) if value.dtype == float else value
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, said=np.array(json.dumps(said)), **arrays)
    part.rename(path)


def load(path: Path) -> Example:
    """Read an example."""
    with np.load(path) as file:
        said = json.loads(str(file["said"]))

        def course(prefix: str) -> Course:
            read = [file[prefix + name] for name in _FIELDS]
            return Course(*[v.astype(float) if v.dtype == np.float32 else v for v in read])

        return Example(
            said["name"],
            said["person"],
            course(""),
            tuple(Made(*m) for m in said["made"]),
            file["belly_m"].astype(float),
            course("true_") if "true_stamp_ns" in file.files else None,
        )


def load_all(folder: Path) -> list[Example]:
    """Read the examples of a folder, in order."""
    return [load(path) for path in sorted(folder.glob("*.npz"))]


def draw(seed: int, each: int, others: int, drawn: int) -> list[Scenario]:
    """Return scenarios: so many sets of each exercise, of each other motion, of random motions."""
    rng = np.random.default_rng([seed, 617])
    plan = [(n, REPETITIONS) for n in PROGRAMS for _ in range(each)]
    plan += [(n, 2) for n in TAUGHT for _ in range(others)]
    plan += [(drawn_name(seed * 1_000_000 + k), 2) for k in range(drawn)]
    return [scenario(rng, name, repetitions) for name, repetitions in plan]


def scenario(rng: np.random.Generator, name: str, repetitions: int) -> Scenario:
    """Return a scenario with faults in somewhat more than half of the repetitions."""
    faults = []
    names = list(program(name).faults)
    for r in range(1, repetitions + 1):
        for fault in rng.permutation(names)[: int(rng.choice(3, p=(0.4, 0.5, 0.1)))]:
            faults.append(Fault(r, str(fault), float(rng.uniform(0.15, 1.0))))
    return Scenario(
        name, int(rng.integers(1, 2**31)), tuple(faults), repetitions=repetitions,
        split=Split.TRAIN, rate_hz=RATE_HZ, initial_rest_s=float(rng.uniform(1.0, 4.0)),
        side=("alternating", "left", "right")[int(rng.integers(3))],
    )  # fmt: skip


def perform(wanted: Scenario) -> Example:
    """Return the true keypoints and pelvis of a scenario."""
    movement = wanted.movement
    body = body_of(sample(wanted.seed, wanted.split))
    draws = wanted.draws(_HABIT)
    habit = Habit(
        knee_angle_rad=float(np.radians(draws.uniform(82.0, 108.0))),
        stance_m=draws.uniform(0.0, 0.06),
        toe_out_rad=float(np.radians(draws.uniform(0.0, 16.0))),
        arm_out_rad=float(np.radians(draws.uniform(14.0, 38.0))),
    )
    side = movement.repetitions[0].side
    posing = poser(posed_as(wanted.exercise), body, movement.rest, habit, side)
    t_s = np.arange(int(movement.duration_s * wanted.rate_hz)) / wanted.rate_hz
    rows = movement.at(t_s)
    poses = [posing.pose(row) for row in rows]
    points = np.array([body.keypoints(p) for p in poses])[:, [INDEX[n] for n in JOINTS]]
    axes = np.array([truth.pelvis_axes(p) for p in poses])
    thorax = np.array([truth.thorax_axes(body, p) for p in poses])
    lumbar = cardan(np.swapaxes(axes, 1, 2) @ thorax)[:, 0]
    n = len(t_s)
    course = Course(
        np.array([wanted.stamp_ns(t) for t in t_s], np.int64), points,
        np.ones((n, len(JOINTS)), bool), axes, np.ones(n, bool), lumbar, np.ones(n, bool),
    )  # fmt: skip
    made = tuple(made_of(wanted, r) for r in movement.repetitions)
    return Example(wanted.exercise, person_of(wanted), course, made, rows[:, Dof.BELLY])


def person_of(wanted: Scenario) -> str:
    """Return a name of a scenario's person."""
    return f"{wanted.split.name.lower()}-{wanted.seed}"


def made_of(wanted: Scenario, repetition: Repetition) -> Made:
    """Return a repetition with stamps."""
    faults = {f.name: f.severity for f in repetition.faults if f.severity > 0.0}
    start_ns, end_ns = (wanted.stamp_ns(t) for t in (repetition.start_s, repetition.end_s))
    return Made(start_ns, end_ns, repetition.side, faults)


def _write(job: tuple[Path, Scenario]) -> None:
    path, wanted = job
    if not path.exists():
        save(path, perform(wanted))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what is not yet there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sets", type=int, default=60, help="of each exercise")
    parser.add_argument("--others", type=int, default=8, help="sets of each taught other motion")
    parser.add_argument("--drawn", type=int, default=400, help="motions made at random")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args(arguments)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    plan = draw(wanted.seed, wanted.sets, wanted.others, wanted.drawn)
    jobs = [(wanted.folder / f"{k:05d}-{s.exercise}.npz", s) for k, s in enumerate(plan)]
    order = np.random.default_rng(0).permutation(len(jobs))
    work_off(_write, [jobs[int(k)] for k in order], wanted.jobs)


if __name__ == "__main__":
    main()
