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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import work_off
from lbp_rehab.pose.blazepose import LandmarkModel
from lbp_rehab.pose.crop import cut
from lbp_rehab.pose.landmarks import Landmarks, Region, region_round
from lbp_rehab.pose.lift import SIDE
from lbp_rehab.pose.skeleton import HIPS, NAMES
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.training.scenes import CAMERAS, CONDITIONS, SceneFrame, frames

Array = NDArray[Any]

PELVIS_SIDE = 96
PELVIS_M = 0.80  # what the pelvic crop spans; training cuts a smaller one out of it
SHARD_SCENES = 50
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
    shown, studio = frame.shown, frame.studio
    camera, pose, support = shown.frame.intrinsics, shown.pose, shown.pose.support
    depth = shown.frame.depth
    assert depth is not None
    assert support is not None
    assert found.heat is not None
    assert found.world is not None
    middle = pose.position[HIPS].mean(axis=0) + rng.normal(0.0, 0.02, 3)
    spot = camera.project(middle[None])[0]
    pelvic = Region(
        (float(spot[0]), float(spot[1])), PELVIS_M * camera.fx / float(middle[2]), region.rotation
    )
    state = shown.pelvis
    assert state.axes is not None
    f4 = np.float32
    return {
        "depth": cut(depth, region, SIDE),
        "pelvic_depth": cut(depth, pelvic, PELVIS_SIDE),
        "region": _row(region),
        "pelvic_region": _row(pelvic),
        "camera": np.array([camera.fx, camera.fy, camera.cx, camera.cy], f4),
        "size": np.array([camera.width, camera.height], np.int16),
        "pixel": found.pixel.astype(f4),
        "visibility": found.visibility.astype(f4),
        "world": found.world.astype(f4),
        "heat": found.heat.astype(f4),
        "presence": np.array(found.presence, f4),
        "up": support.up.astype(f4),
        "height": np.array(support.height.value, f4),
        "truth": pose.position.astype(f4),
        "seen": pose.visibility > 0.5,
        "covered": shown.covered,
        "axes": state.axes.astype(f4),
        "lumbar": np.array(state.absolute.lumbar_flexion.value, f4),
        "exercise": np.array(list(PROGRAMS).index(frame.scenario.exercise), np.int16),
        "condition": np.array(list(CONDITIONS).index(frame.scenario.condition), np.int16),
        "sensor": np.array(list(CAMERAS).index(frame.scenario.camera), np.int16),
        "posture": np.array(int(studio.patient.posture), np.int16),
        "seed": np.array(frame.scenario.seed, np.int64),
        "burst": np.array(frame.burst, np.int16),
        "step": np.array(frame.step, np.int16),
        "dt": np.array(frame.dt_s, f4),
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


def make(shard: Shard) -> int:
    """Draw a shard unless it is there; return how many examples it holds."""
    if shard.path.exists():
        return 0
    model = LandmarkModel(min_presence=0.0)
    rows = [
        row
        for seed in range(shard.first, shard.first + shard.scenes)
        for row in examples(seed, model, shard.split)
    ]
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
    parser.add_argument("--split", choices=("train", "test"), default="train")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    split = Split[wanted.split.upper()]
    shards = [
        Shard(seed, SHARD_SCENES, wanted.folder / f"{wanted.split}_{seed:06d}.npz", split)
        for seed in range(wanted.first, wanted.first + wanted.scenes, SHARD_SCENES)
    ]
    made = sum(work_off(make, shards, wanted.jobs))
    print(f"{made} examples made in {wanted.folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
