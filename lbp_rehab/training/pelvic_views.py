"""What the pelvis head trains on: views of one patient in pairs, now and a reference.

Whole examples come with the joints that the trained lifter answers. Surfaces alone borrow them:
the errors the lifter made in a scene of the same exercise, seen from about the same side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from lbp_rehab.pelvis.head import BODY, View, in_frame_of, view_of
from lbp_rehab.pelvis.segments import POINTS, pelvis_axes
from lbp_rehab.pose.estimator import PoseSettings
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.pose.skeleton import HIPS, NAMES, SHOULDERS, TRUNK, mirror_order
from lbp_rehab.training.batches import KEYS, Bursts, raw, ray_maps
from lbp_rehab.training.lifter import Lifter
from lbp_rehab.training.pelvis import Inputs
from lbp_rehab.training.scenes import BURSTS
from lbp_rehab.training.train_lifter import walk

MAX_SIGMA_M = PoseSettings().max_sigma_m  # a joint less certain is not published
UP_SIGMA, NO_UP = 0.01, 0.05  # error of the level in radians, and how often there is none
REFERENCES = 2  # of a view, drawn once
CANDIDATES = 8  # scenes of which the most alike lends its errors
N = len(NAMES)
ARRAYS = ("pelvic_depth", "pelvic_region", "camera", "truth", "axes", "lumbar", "up", "exercise",
          "seed")  # fmt: skip
Arrays = dict[str, NDArray]


@torch.no_grad()
def lifted(lifter: Lifter, path: Path, rng: torch.Generator, *, varied: bool) -> Arrays:
    """Return what the lifter answers for a shard of whole examples, burst by burst.

    Returns
    -------
    dict
        ``position`` (n, 33, 3) in optical metres and ``sigma`` (n, 33).
    """
    position, sigma = [], []
    for batch in Bursts([path], KEYS).chunks(10**6, 100):
        steps = [
            (out.position[:, :N], spread[:, :N])
            for *_, out, spread in walk(
                lifter, raw(batch), rng, varied=varied, forgotten=0.0, half=True
            )
        ]
        position.append(torch.stack([p for p, _ in steps], dim=1))
        sigma.append(torch.stack([s for _, s in steps], dim=1))
    return {
        "position": torch.cat(position).flatten(0, 1).numpy(),
        "sigma": torch.cat(sigma).flatten(0, 1).numpy(),
    }


class Errors:
    """The errors of the lifter by scene, to be lent to scenes that it never saw."""

    def __init__(self) -> None:
        self._scenes: dict[int, list[tuple[NDArray, NDArray, NDArray]]] = {}

    def keep(self, shard: Arrays) -> None:
        """Take in the frames of a shard with what the lifter answered."""
        into = _into_body(shard["truth"])
        off = (shard["position"] - shard["truth"][:, :N]) @ np.swapaxes(into, 1, 2)
        for rows in _scenes(shard):
            self._scenes.setdefault(int(shard["exercise"][rows[0]]), []).append(
                (_towards_camera(shard["truth"][rows], into[rows]), off[rows], shard["sigma"][rows])
            )

    def lend(self, shard: Arrays, rng: np.random.Generator) -> Arrays:
        """Return ``position`` and ``sigma`` for the frames of a shard of surfaces."""
        into = _into_body(shard["truth"])
        position, sigma = shard["truth"][:, :N].copy(), np.zeros((len(into), N), np.float32)
        for rows in _scenes(shard):
            every = self._scenes[int(shard["exercise"][rows[0]])]
            some = [every[k] for k in rng.integers(0, len(every), CANDIDATES)]
            towards = _towards_camera(shard["truth"][rows], into[rows])
            _, off, spread = max(some, key=lambda one: float(one[0] @ towards))
            frame = rng.integers(0, len(off), len(rows))
            position[rows] += off[frame] @ into[rows]
            sigma[rows] = spread[frame]
        return {"position": position, "sigma": sigma}


class Views:
    """Views of shards in memory, with their references."""

    def __init__(self) -> None:
        self._parts: list[Arrays] = []
        self._starts = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def add(self, shard: Arrays, rng: np.random.Generator) -> None:
        """Take in the frames of a shard with ``position`` and ``sigma``."""
        # Of the trunk there is always something, or the head is not asked.
        unsure = shard["sigma"] > MAX_SIGMA_M
        unsure[:, TRUNK] = False
        sigma = np.where(unsure, -1.0, shard["sigma"])
        rays = ray_maps(
            torch.from_numpy(shard["pelvic_region"]), torch.from_numpy(shard["camera"]),
            shard["pelvic_depth"].shape[-1],
        ).double().numpy()  # fmt: skip
        position = shard["position"].astype(np.float64)
        noisy = shard["up"] + UP_SIGMA * rng.normal(size=shard["up"].shape)
        ups = [None if rng.uniform() < NO_UP else up / np.linalg.norm(up) for up in noisy]
        views = [
            view_of(depth * np.float32(1e-3), *rest)
            for depth, *rest in zip(shard["pelvic_depth"], rays, position, sigma, ups, strict=True)
        ]
        chosen = np.concatenate([_pairs(rows, rng) for rows in _scenes(shard)])
        away = np.linalg.norm(shard["position"] - shard["truth"][:, :N], axis=-1)
        near = away[:, SHOULDERS + HIPS].mean(axis=1) < 0.06
        self._parts.append({
            "reference": chosen, "exercise": shard["exercise"].astype(np.int64),
            "sure": near & near[chosen[:, 0]], **_stacked(views, chosen), **_truth(views, shard),
        })  # fmt: skip
        self._starts = np.append(self._starts, len(self) + len(views))

    @property
    def exercise(self) -> NDArray[np.int64]:
        """The exercise of each view, an index of `PROGRAMS`, shape (n,)."""
        return np.concatenate([part["exercise"] for part in self._parts])

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Whether the joints of each view and of its first reference are about right, (n,)."""
        return np.concatenate([part["sure"] for part in self._parts])

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Inputs, Tensor, Tensor]:
        """Return inputs, values (n, 2, 4) now and of the reference, and landmarks (n, 4, 3)."""
        rows = np.sort(rng.integers(0, len(self), n))
        return self._take(rows, int(rng.integers(REFERENCES)))

    def chunks(self, size: int = 200) -> Iterator[tuple[Inputs, Tensor, Tensor]]:
        """Yield all with their first references, in order."""
        for first in range(0, len(self), size):
            yield self._take(np.arange(first, min(first + size, len(self))), 0)

    def _take(self, rows: NDArray, which: int) -> tuple[Inputs, Tensor, Tensor]:
        part = np.searchsorted(self._starts, rows, side="right") - 1
        at = rows - self._starts[part]
        pick = [(self._parts[p], int(r), int(self._parts[p]["reference"][r, which]))
                for p, r in zip(part, at, strict=True)]  # fmt: skip

        def now(key: str) -> Tensor:
            return torch.from_numpy(np.stack([p[key][r] for p, r, _ in pick]).astype(np.float32))

        def before(key: str) -> Tensor:
            return torch.from_numpy(np.stack([p[key][j] for p, _, j in pick]).astype(np.float32))

        def pair(key: str) -> Tensor:
            some = np.stack([p[key][r, which] for p, r, _ in pick])
            return torch.from_numpy(some.astype(np.float32))

        given = Inputs(
            now("surface"), before("surface"), pair("here"), now("joints"), now("others"),
            before("joints"), before("others"), pair("trunk"),
        )  # fmt: skip
        return given, torch.stack([now("value"), before("value")], dim=1), now("landmarks")


_BODY_ORDER = mirror_order(BODY)
_TRUNK_ORDER = mirror_order(POINTS)
_MARK_ORDER = mirror_order(LANDMARKS)
_OTHERS = torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 1.0])
_LEFT = torch.tensor([1.0, -1.0, 1.0])
_VALUE = torch.tensor([-1.0, 1.0, -1.0, 1.0])


def mirrored(given: Inputs, value: Tensor, marks: Tensor) -> tuple[Inputs, Tensor, Tensor]:
    """Return the same patients with left and right changed."""

    def joints(x: Tensor) -> Tensor:
        return x[:, _BODY_ORDER] * torch.cat([_LEFT, torch.ones(2)])

    turned = Inputs(
        given.surface.flip(-1), given.reference.flip(-1), given.here.flip(-1),
        joints(given.joints), given.others * _OTHERS,
        joints(given.reference_joints), given.reference_others * _OTHERS,
        given.trunk[:, _TRUNK_ORDER] * _LEFT,
    )  # fmt: skip
    return turned, value * _VALUE, marks[:, _MARK_ORDER] * _LEFT


def read(path: Path) -> Arrays:
    """Return the arrays of a shard that the head needs."""
    with np.load(path) as shard:
        return {key: shard[key] for key in ARRAYS}


def _scenes(shard: Arrays) -> list[NDArray]:
    """Return the rows of each scene."""
    seed = shard["seed"]
    starts = np.append(np.nonzero(np.append(True, seed[1:] != seed[:-1]))[0], len(seed))
    return [np.arange(a, b) for a, b in pairwise(starts)]


def _pairs(rows: NDArray, rng: np.random.Generator) -> NDArray:
    """Return the references of a scene's rows, (n, REFERENCES); the first from another burst."""
    n = len(rows)
    chosen = rng.integers(0, n, (n, REFERENCES))
    chosen[:, 0] = (np.arange(n) + 2 * max(n // BURSTS, 1) + 2) % n
    return np.asarray(rows[0] + chosen)


def _stacked(views: Sequence[View], chosen: NDArray) -> Arrays:
    f2 = np.float16
    here = [
        [in_frame_of(view, views[j]) for j in js] for view, js in zip(views, chosen, strict=True)
    ]
    return {
        "surface": np.stack([v.surface for v in views]).astype(f2),
        "joints": np.stack([v.joints for v in views]),
        "others": np.stack([v.others for v in views]),
        "here": np.array([[m for m, _ in each] for each in here], f2),
        "trunk": np.array([[t for _, t in each] for each in here]),
    }


def _truth(views: Sequence[View], shard: Arrays) -> Arrays:
    base, origin = np.stack([v.base for v in views]), np.stack([v.origin for v in views])
    turn = Rotation.from_matrix(np.swapaxes(base, 1, 2) @ shard["axes"]).as_rotvec()
    marks = (shard["truth"][:, N:] - origin[:, None]) @ base
    return {
        "value": np.column_stack([turn, shard["lumbar"]]).astype(np.float32),
        "landmarks": marks.astype(np.float32),
    }


def _into_body(truth: NDArray) -> NDArray:
    """Return the rotations into the frames of the true hips and shoulders, (n, 3, 3)."""
    points = truth[:, HIPS + SHOULDERS]
    return np.swapaxes(pelvis_axes(points.astype(np.float64)), 1, 2).astype(np.float32)


def _towards_camera(truth: NDArray, into: NDArray) -> NDArray:
    """Return the mean direction to the camera in those frames, (3,)."""
    hip = truth[:, HIPS].mean(axis=1)
    towards = (into @ -hip[:, :, None])[..., 0].mean(axis=0)
    return np.asarray(towards / np.linalg.norm(towards))
