"""Training examples: what the 2D estimator and the depth image say of a rendered frame.

``python -m lbp_rehab.training.dataset FOLDER --first 0 --scenes 4000`` draws, renders and stores
them in shards of plain arrays. Nothing of the colour image is kept but what the 2D estimator made
of it, so that the networks see real outputs of it, with its real errors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import work_off
from lbp_rehab.pelvis import head
from lbp_rehab.pose.blazepose import LandmarkModel
from lbp_rehab.pose.crop import cut
from lbp_rehab.pose.landmarks import Landmarks, Region, region_round
from lbp_rehab.pose.lift import SIDE
from lbp_rehab.pose.skeleton import HIPS, NAMES
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.studio import Glimpse, Studio
from lbp_rehab.training.scenes import CAMERAS, CONDITIONS, SceneFrame, frames, moments

Array = NDArray[Any]

SHARD_SCENES = 50
POSES = 48  # of a scene in depth alone
WILD = 0.05  # share of first regions that are turned or sized wrongly


@dataclass
class _Follower:
    """The 2D estimator as it follows the patient through a burst."""

    model: LandmarkModel
    rng: np.random.Generator
    region: Region | None = None

    def start(self, pixel: Array) -> None:
        """Begin near the truth, as a detector does, or somewhat wrong."""
        rng, true = self.rng, region_round(pixel)
        wild = rng.uniform() < WILD
        turn = rng.uniform(-np.pi, np.pi) if wild else rng.normal(0.0, 0.16)
        size = true.size * float(np.exp(rng.normal(0.0, 0.25 if wild else 0.08)))
        centre = np.array(true.centre) + rng.normal(0.0, 0.035, 2) * true.size
        self.region = Region((float(centre[0]), float(centre[1])), size, true.rotation + turn)

    def look(self, color: Array) -> Landmarks:
        """Return the landmarks in the region and move on to the next."""
        assert self.region is not None
        found = self.model(color, self.region)
        assert found is not None
        own = self.rng.uniform() < 0.5
        self.region = found.next_region if own else region_round(found.pixel)
        return found


def examples(
    seed: int, model: LandmarkModel, split: Split = Split.TRAIN
) -> Iterator[dict[str, Array]]:
    """Yield the examples of one scene as named arrays."""
    rng = np.random.default_rng([seed, int(split), 7709])
    follower = _Follower(model, rng)
    for frame in frames(seed, split):
        if frame.step == 0:
            follower.start(frame.shown.pose.pixel[: len(NAMES)])
        region = follower.region
        assert region is not None
        yield _example(frame, region, follower.look(frame.shown.frame.color), rng)


def _example(frame: SceneFrame, region: Region, found: Landmarks, rng: Any) -> dict[str, Array]:
    shown, camera = frame.shown, frame.shown.frame.intrinsics
    depth = shown.frame.depth
    assert depth is not None
    assert found.heat is not None
    assert found.world is not None
    f4 = np.float32
    return {
        **_about(frame.studio, Glimpse(depth, shown.pose, shown.pelvis), region.rotation, rng),
        "depth": cut(depth, region, SIDE),
        "region": _row(region),
        "size": np.array([camera.width, camera.height], np.int16),
        "pixel": found.pixel.astype(f4),
        "visibility": found.visibility.astype(f4),
        "world": found.world.astype(f4),
        "heat": found.heat.astype(f4),
        "presence": np.array(found.presence, f4),
        "seen": shown.pose.visibility > 0.5,
        "covered": shown.covered,
        "burst": np.array(frame.burst, np.int16),
        "step": np.array(frame.step, np.int16),
        "dt": np.array(frame.dt_s, f4),
    }


def surfaces(seed: int, split: Split = Split.TRAIN) -> Iterator[dict[str, Array]]:
    """Yield many poses of one scene in depth alone, for the pelvis head.

    A head that reads a surface needs many people in many poses more than it needs the 2D
    estimator's answers, which take most of the time.
    """
    rng = np.random.default_rng([seed, int(split), 7710])
    for at in moments(seed, split, POSES, 1):
        seen = at.studio.glimpse(at.t_s)
        turn = region_round(seen.pose.pixel[: len(NAMES)]).rotation + rng.normal(0.0, 0.1)
        yield _about(at.studio, seen, turn, rng)


def _about(
    studio: Studio, seen: Glimpse, turn: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Return the surface round the pelvis, and what is true."""
    camera, scenario = studio.intrinsics, studio.scenario
    pose, state = seen.pose, seen.pelvis
    support = pose.support
    assert support is not None
    assert state.axes is not None
    middle = pose.position[HIPS].mean(axis=0) + rng.normal(0.0, 0.02, 3)
    spot = camera.project(middle[None])[0]
    size = head.SPAN_M * camera.fx / float(middle[2])
    pelvic = Region((float(spot[0]), float(spot[1])), size, turn)
    f4 = np.float32
    return {
        "pelvic_depth": cut(seen.depth, pelvic, head.SIDE),
        "pelvic_region": _row(pelvic),
        "camera": np.array([camera.fx, camera.fy, camera.cx, camera.cy], f4),
        "up": support.up.astype(f4),
        "height": np.array(support.height.value, f4),
        "truth": pose.position.astype(f4),
        "axes": state.axes.astype(f4),
        "lumbar": np.array(state.absolute.lumbar_flexion.value, f4),
        "exercise": np.array(list(PROGRAMS).index(scenario.exercise), np.int16),
        "condition": np.array(list(CONDITIONS).index(scenario.condition), np.int16),
        "sensor": np.array(list(CAMERAS).index(scenario.camera), np.int16),
        "posture": np.array(int(studio.patient.posture), np.int16),
        "seed": np.array(scenario.seed, np.int64),
    }


def _row(region: Region) -> Array:
    return np.array([*region.centre, region.size, region.rotation], np.float32)


@dataclass(frozen=True)
class Shard:
    """Some scenes and the file that keeps them."""

    first: int
    scenes: int
    path: Path
    split: Split


def make(shard: Shard, *, surfaces_only: bool = False) -> int:
    """Draw a shard unless it is there; return how many examples it holds."""
    if shard.path.exists():
        return 0
    if surfaces_only:
        of_scene = surfaces
    else:
        of_scene = partial(examples, model=LandmarkModel(min_presence=0.0))
    seeds = range(shard.first, shard.first + shard.scenes)
    rows = [row for seed in seeds for row in of_scene(seed, split=shard.split)]
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    part = shard.path.with_suffix(".part.npz")
    np.savez(part, **arrays)  # type: ignore[arg-type]
    part.rename(shard.path)
    return len(rows)


def main() -> None:
    """Draw the shards that are still missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0, help="seed of the first scene")
    parser.add_argument("--scenes", type=int, default=4000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--surfaces", action="store_true", help="the pelvis in depth alone")
    parser.add_argument("--split", choices=("train", "test"), default="train")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    split = Split[wanted.split.upper()]
    shards = [
        Shard(seed, SHARD_SCENES, wanted.folder / f"{wanted.split}_{seed:06d}.npz", split)
        for seed in range(wanted.first, wanted.first + wanted.scenes, SHARD_SCENES)
    ]
    draw = partial(make, surfaces_only=wanted.surfaces)
    made = sum(work_off(draw, shards, wanted.jobs))
    print(f"{made} examples made in {wanted.folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
