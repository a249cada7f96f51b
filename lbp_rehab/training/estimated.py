"""``python -m lbp_rehab.training.estimated FOLDER``: rendered sets as the pipeline estimates them.

Pose and pelvis run on the images of training people as their nodes do. Recognition and matching
learn from these sets, and `training.errors` lends their errors to sets that are not rendered.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lbp_rehab.bench.cases import work_off
from lbp_rehab.pelvis.estimator import PelvisEstimator
from lbp_rehab.pelvis.types import Method, PelvisState
from lbp_rehab.pose.estimator import PoseEstimator
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.recognition.observation import Course, Observation, observe
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.motion.dof import Dof
from lbp_rehab.synthetic.motion.others import TAUGHT
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.training.motions import Example, made_of, person_of, save, scenario

Row = tuple[BodyPose, PelvisState, BodyPose, PelvisState]


def example_of(wanted: Scenario, rows: Iterable[Row]) -> Example:
    """Return a set from estimated pose and pelvis, true pose and pelvis of each image."""
    seen: list[Observation] = []
    true: list[Observation] = []
    for pose, pelvis, true_pose, true_pelvis in rows:
        estimate = observe(pose, pelvis)
        if estimate is None or true_pose.support is None:
            continue
        # The truth in the estimate's frame, so that the two can be compared.
        given = replace(true_pose, stamp_ns=pose.stamp_ns, support=pose.support)
        told = replace(true_pelvis, stamp_ns=pose.stamp_ns, method=Method.SURFACE)
        truth = observe(given, told)
        assert truth is not None
        seen.append(estimate)
        true.append(truth)
    course = Course.of(seen)
    t_s = (course.stamp_ns - wanted.start_ns) / NANOSECONDS
    made = tuple(made_of(wanted, r) for r in wanted.movement.repetitions)
    belly_m = wanted.movement.at(t_s)[:, Dof.BELLY]
    return Example(wanted.exercise, person_of(wanted), course, made, belly_m, Course.of(true))


def estimate(wanted: Scenario, frames: int | None = None) -> Example:
    """Render a scenario, or so many images of it, and estimate pose and pelvis."""
    from lbp_rehab.synthetic.studio import Studio  # noqa: PLC0415  its kernels take a while

    follow, pelvis = PoseEstimator(), PelvisEstimator()
    rows: list[Row] = []
    for shown in Studio(wanted).frames():
        if frames is not None and len(rows) >= frames:
            break
        pose = follow.update(shown.frame)
        state, _ = pelvis.update(pose, shown.frame.depth, shown.frame.intrinsics)
        rows.append((pose, state, shown.pose, shown.pelvis))
    return example_of(wanted, rows)


def _write(job: tuple[Path, Scenario]) -> None:
    path, wanted = job
    if not path.exists():
        save(path, estimate(wanted))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what is not yet there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sets", type=int, default=195, help="of all exercises together")
    parser.add_argument("--others", type=int, default=36, help="of all taught other motions")
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args(arguments)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([wanted.seed, 618])
    plan = [(list(PROGRAMS)[k % len(PROGRAMS)], 5) for k in range(wanted.sets)]
    plan += [(TAUGHT[k % len(TAUGHT)], 2) for k in range(wanted.others)]
    jobs = [
        (wanted.folder / f"{k:05d}-{name}.npz", scenario(rng, name, repetitions))
        for k, (name, repetitions) in enumerate(plan)
    ]
    work_off(_write, jobs, wanted.jobs)


if __name__ == "__main__":
    main()
