"""Batches of bursts for the networks: shards in memory, varied anew each time they are drawn.

What is varied here is what a camera, a 2D estimator and a set-up may do beside what is rendered: a
mirrored patient, a wrong support plane, holes, missing parts of the 2D estimator's answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lbp_rehab.bench.detection import COCO_INDEX
from lbp_rehab.pose.gravity import VIEW_SHARE
from lbp_rehab.pose.lift import (
    BLIND_SPAN_M,
    CENTRAL,
    HALF_TRUNK_M,
    LANDMARKS,
    MIN_READINGS,
    SIDE,
)
from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES, TRUNK, mirror_order
from lbp_rehab.training.lifter import Inputs, readings_of
from lbp_rehab.training.scenes import BURST_FRAMES

KEYS = (
    "depth", "region", "camera", "pixel", "visibility", "world", "heat", "up", "height", "truth",
    "seen", "covered", "dt", "axes",
)  # fmt: skip
POINT_NAMES = (*NAMES, *LANDMARKS)
BONE_ENDS = torch.tensor([[INDEX[a], INDEX[b]] for a, b in BONES])


class Bursts:
    """Examples of whole bursts, shape (n, BURST_FRAMES, ...) each, shard after shard in memory.

    Parameters
    ----------
    paths : sequence of Path
        Shards.
    keys : sequence of str
        Which arrays of them.
    """

    def __init__(self, paths: Sequence[Path], keys: Sequence[str] = KEYS) -> None:
        self._keys = tuple(keys)
        self.paths: list[Path] = []
        self._parts: list[dict[str, NDArray]] = []
        self._starts = np.zeros(1, np.int64)
        self.add(paths)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def add(self, paths: Sequence[Path]) -> None:
        """Read those shards that are not yet here."""
        for path in paths:
            if path in self.paths:
                continue
            with np.load(path) as shard:
                self._parts.append(
                    {k: shard[k].reshape(-1, BURST_FRAMES, *shard[k].shape[1:]) for k in self._keys}
                )
            self.paths.append(path)
            self._starts = np.append(self._starts, len(self) + len(self._parts[-1]["dt"]))

    def draw(self, order: np.random.Generator, n: int, frames: int) -> dict[str, Tensor]:
        """Return some bursts drawn at random, and of each the same few frames in a row."""
        index = np.sort(order.integers(0, len(self), n))
        first = int(order.integers(0, BURST_FRAMES - frames + 1))
        return self.take(index, slice(first, first + frames))

    def chunks(self, limit: int, size: int = 50) -> Iterator[dict[str, Tensor]]:
        """Yield the first bursts in their order, so many at a time."""
        end = min(len(self), limit)
        for k in range(0, end, size):
            yield self.take(np.arange(k, min(k + size, end)))

    def take(self, index: NDArray, steps: slice = slice(None)) -> dict[str, Tensor]:
        """Return some bursts as tensors, floats in single precision."""
        part = np.searchsorted(self._starts, index, side="right") - 1
        row = index - self._starts[part]
        out = {}
        for k in self._keys:
            some = np.stack([self._parts[p][k][r, steps] for p, r in zip(part, row, strict=True)])
            if k.endswith("depth"):
                out[k] = torch.from_numpy(some.astype(np.float32)) * 1e-3
            elif some.dtype.kind == "f":
                out[k] = torch.from_numpy(some.astype(np.float32))
            else:
                out[k] = torch.from_numpy(some.astype(np.int64))
        return out


def ray_maps(region: Tensor, camera: Tensor, side: int) -> Tensor:
    """Return the maps from readings of regions to rays, (..., 2, 3); see `pose.lift.ray_map`."""
    x, y, size, turn = region.unbind(-1)
    k = size / side
    c, s = torch.cos(turn) * k, torch.sin(turn) * k
    half = side / 2.0
    to_x = torch.stack([c, -s, x - (c - s) * half - camera[..., 2]], dim=-1)
    to_y = torch.stack([s, c, y - (s + c) * half - camera[..., 3]], dim=-1)
    return torch.stack([to_x, to_y], dim=-2) / camera[..., :2, None]


def raw(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what the networks need, in their own terms, nothing varied; any leading shape."""
    camera = batch["camera"]
    rays = ray_maps(batch["region"], camera, SIDE)
    slopes = (batch["pixel"] - camera[..., None, 2:]) / camera[..., None, :2]
    out = {
        "rays": rays,
        "uv": readings_of(rays, slopes),
        "seen": batch["seen"].float(),
        "covered": batch["covered"].float(),
    }
    for key in (
        "depth", "visibility", "world", "heat", "up", "height", "truth", "axes", "dt",
        "spot", "anchored", "z",
    ):  # fmt: skip
        if key in batch:
            out[key] = batch[key]
    return out


def thinned(item: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return frames, (n, ...), with the readings at the landmarks only, in place of the image.

    ``z`` (n, 33): the reading; ``spot`` (n, 33, 3): the mean of those round it, optical metres;
    ``anchored`` (n, 33): whether there are some.
    """
    step = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
    off = torch.stack(torch.meshgrid(step, step, indexing="xy"), dim=-1).reshape(-1, 2)
    at = item["uv"][:, :, None] + off
    z = _at(item["depth"], at.flatten(1, 2)).unflatten(1, at.shape[1:3])
    ones = torch.ones_like(at[..., :1])
    slope = torch.cat([at, ones], dim=-1) @ item["rays"][:, None].transpose(2, 3)
    there = (z > 0).float()
    count = there.sum(dim=-1)
    spot = (torch.cat([slope, ones], dim=-1) * z[..., None]).sum(dim=2)
    out = {k: v for k, v in item.items() if "depth" not in k}
    out["spot"] = spot / count.clamp(min=1.0)[..., None]
    out["anchored"] = (count > 2).float()
    out["z"] = _at(item["depth"], item["uv"])
    return out


_JOINT_ORDER = mirror_order(NAMES)
_POINT_ORDER = mirror_order(POINT_NAMES)


def mirrored(item: dict[str, Tensor], which: Tensor) -> dict[str, Tensor]:
    """Return the scenes as a mirror shows them where ``which`` says so, shape (n,)."""
    index = which.nonzero()[:, 0]
    part = _mirror({k: v[index] for k, v in item.items()})
    return {k: v.index_copy(0, index, part[k]) for k, v in item.items()}


def _mirror(item: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return scenes seen in a mirror beside the camera; left and right change names."""
    m = dict(item)
    if "depth" in item:
        m["depth"], m["rays"] = _flipped(item["depth"], item["rays"])
    else:
        m["rays"] = _flipped(torch.zeros(1, SIDE), item["rays"])[1]
        m["spot"] = item["spot"][..., _JOINT_ORDER, :] * torch.tensor([-1.0, 1.0, 1.0])
        m["anchored"] = item["anchored"][..., _JOINT_ORDER]
        m["z"] = item["z"][..., _JOINT_ORDER]
    uv = item["uv"][..., _JOINT_ORDER, :].clone()
    uv[..., 0] = SIDE - 1.0 - uv[..., 0]
    m["uv"] = uv
    m["visibility"] = item["visibility"][..., _JOINT_ORDER]
    for key, order in (("world", _JOINT_ORDER), ("truth", _POINT_ORDER)):
        v = item[key][..., order, :].clone()
        v[..., 0] *= -1.0
        m[key] = v
    heat = item["heat"][..., _JOINT_ORDER, :].clone()
    heat[..., 1] *= -1.0
    heat[..., 4] *= -1.0
    m["heat"] = heat
    up = item["up"].clone()
    up[..., 0] *= -1.0
    m["up"] = up
    for key in ("seen", "covered"):
        m[key] = item[key][..., _POINT_ORDER]
    # Pelvis axes (columns anterior, left, cranial): mirrored, and left is left again.
    axes = item["axes"].clone()
    axes[..., 0, :] *= -1.0
    axes[..., 1] *= -1.0
    m["axes"] = axes
    return m


def _flipped(depth: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Return a depth crop with left and right changed, and its map to mirrored rays."""
    a = rays.clone()
    a[..., 2] += a[..., 0] * (depth.shape[-1] - 1.0)
    a[..., 0] *= -1.0
    a[..., 0, :] *= -1.0  # x turns over
    return depth.flip(-1), a


def body_axes(up: Tensor, rays: Tensor, yaw: Tensor) -> Tensor:
    """Return axes as `lbp_rehab.pose.gravity.body_axes`, turned by a yaw, (n, 3, 3)."""
    zero = torch.zeros_like(rays[:, 0, 1])
    towards = functional.normalize(-torch.stack([rays[:, 0, 1], rays[:, 1, 1], zero], -1), dim=-1)
    forward = towards + torch.tensor([0.0, 0.0, VIEW_SHARE])
    x = functional.normalize(forward - (forward * up).sum(-1, keepdim=True) * up, dim=-1)
    y = torch.linalg.cross(up, x)
    c, s = torch.cos(yaw)[:, None], torch.sin(yaw)[:, None]
    return torch.stack([c * x + s * y, c * y - s * x, up], dim=-2)


def centre_of(item: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return a rough centre of the body, optical metres, (n, 3), and whether depth told it, (n,).

    The direction is that of the trunk's landmarks, the distance the median of the readings at the
    trunk, elbows and knees.
    """
    thin = "depth" not in item
    z = item["z"][:, CENTRAL] if thin else _at(item["depth"], item["uv"][:, CENTRAL])
    known = z > 0
    count = known.sum(dim=1)
    ordered = torch.where(known, z, torch.inf).sort(dim=1).values
    median = ordered.gather(1, ((count - 1).clamp(min=0) // 2)[:, None])[:, 0]
    ok = count >= MIN_READINGS
    trunk = item["uv"][:, TRUNK].mean(dim=1)
    slope = trunk[:, None, :] @ item["rays"][:, :, :2].transpose(1, 2)
    ray = torch.cat([slope[:, 0] + item["rays"][:, :, 2], torch.ones(len(z), 1)], dim=1)
    far = torch.where(ok, median + HALF_TRUNK_M, blind_distance(item["rays"]))
    return ray * far[:, None], ok


def _at(depth: Tensor, uv: Tensor) -> Tensor:
    """Return the readings nearest to columns and rows, (n, k); 0 outside."""
    at = uv.round().long()
    inside = ((at >= 0) & (at < SIDE)).all(dim=-1)
    at = at.clamp(0, SIDE - 1)
    n = torch.arange(len(at))[:, None]
    return depth[n, at[..., 1], at[..., 0]] * inside


def blind_distance(rays: Tensor) -> Tensor:
    """Return how far a person is whose region has this size, for want of depth, (n,)."""
    return BLIND_SPAN_M / (rays[:, :, 0].norm(dim=1) * SIDE)


def inputs(
    item: dict[str, Tensor], rng: torch.Generator, varied: bool
) -> tuple[Inputs, dict[str, Tensor]]:
    """Return the lifter's inputs of single frames, (n, ...), without a last estimate."""
    n = len(item["dt"])

    def chance(p: float) -> Tensor:
        return torch.rand(n, generator=rng) < (p if varied else 0.0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=rng) * (1.0 if varied else 0.0)

    item = dict(item)
    # Depth: none at all, or holes.
    blind = chance(0.06)
    if "depth" in item:
        depth = _holes(item["depth"], chance(0.3), rng) if varied else item["depth"]
        item["depth"] = depth = torch.where(blind[:, None, None], 0.0, depth)
    else:  # only what `thinned` keeps
        depth = torch.zeros(n, 0, 0)
        lost = blind[:, None] | (chance(0.3)[:, None] & (torch.rand(n, 33, generator=rng) < 0.15))
        item["anchored"] = item["anchored"] * ~lost
        item["z"] = item["z"] * ~lost
    # The 2D estimator: jitter, no shape, no heat, only the 17 points of COCO.
    none, few = chance(0.03), chance(0.10)
    no_shape = few | none | chance(0.10)
    no_heat = few | none | chance(0.10)
    if "no_heat" in item:
        no_heat = no_heat | item["no_heat"]
    item["uv"] = item["uv"] + normal(33, 2) * (0.004 * SIDE)
    given = torch.ones(n, 33)
    coco = torch.zeros(33)
    coco[COCO_INDEX] = 1.0
    given = torch.where(few[:, None], coco, given) * ~none[:, None]
    centre, measured = centre_of(item)
    centre = centre + normal(3) * 0.04 * torch.where(measured, 1.0, 4.0)[:, None]
    # The plane: somewhat wrong, sometimes very, sometimes unknown.
    poor = chance(0.12)
    tilt = normal(3) * torch.where(poor, 0.04, 0.009)[:, None]
    lost = chance(0.04)
    tilt = torch.where(lost[:, None], normal(3) * 0.2, tilt)
    level = torch.tensor([0.0, -1.0, 0.0]).expand(n, 3)
    base = torch.where((lost & chance(0.5))[:, None], level, item["up"])
    up = functional.normalize(base + tilt, dim=-1)
    axes = body_axes(up, item["rays"], 0.1 * normal())
    known = ~(lost | chance(0.05) | blind)
    height = -item["height"] - (up * centre).sum(dim=-1)
    height = height + normal() * torch.where(poor, 0.06, 0.01)
    support = torch.stack([height * known, known.float()], dim=-1)
    lengths = bone_lengths(item["truth"]) * (1.0 + 0.02 * normal(1) + 0.02 * normal(len(BONE_ENDS)))
    sure = torch.rand(n, generator=rng) < 0.5 if varied else torch.zeros(n, dtype=torch.bool)
    bones = torch.cat([lengths * sure[:, None], sure[:, None].float()], dim=1)

    def flagged(value: Tensor, absent: Tensor) -> Tensor:
        there = (~absent).float()[:, None, None].expand(n, 33, 1) * given[..., None]
        return torch.cat([value * there, there], dim=-1)

    seen_by = item["visibility"] * given
    last = _imagined(item["truth"], chance(0.4), rng)
    made = Inputs(
        depth=depth,
        rays=item["rays"],
        axes=axes,
        centre=centre,
        support=support,
        landmarks=torch.cat([item["uv"], seen_by[..., None], given[..., None]], dim=-1),
        shape=flagged(item["world"], no_shape),
        heat=flagged(item["heat"], no_heat),
        bones=bones,
        last=last,
        elapsed=(0.03 + 0.1 * torch.rand(n, 1, generator=rng)) * last[:, :1, 4],
    )
    return made, item


def bone_lengths(points: Tensor) -> Tensor:
    """Return the lengths of `BONES` in metres, (n, 10)."""
    ends = points[:, BONE_ENDS]
    return (ends[:, :, 0] - ends[:, :, 1]).norm(dim=-1)


def _imagined(truth: Tensor, which: Tensor, rng: torch.Generator) -> Tensor:
    """Return last estimates as a track has them: off by a bias of its own and by noise."""
    n, points, _ = truth.shape
    size = torch.exp(torch.empty(n, 1, 1).uniform_(np.log(0.008), np.log(0.06), generator=rng))
    each = size * torch.exp(0.4 * torch.randn(n, points, 1, generator=rng))
    off = 0.4 * size * torch.randn(n, 1, 3, generator=rng)
    off = off + each * torch.randn(n, points, 3, generator=rng)
    last = torch.cat([truth + off, each, torch.ones_like(each)], dim=-1)
    return last * which.float()[:, None, None]


def _holes(depth: Tensor, which: Tensor, rng: torch.Generator) -> Tensor:
    """Return depth with up to three rectangles without readings."""
    index = which.nonzero()[:, 0]
    part = depth[index]
    line = torch.arange(SIDE, dtype=torch.float32)
    for _ in range(3):
        corner = torch.rand(len(part), 2, generator=rng) * SIDE
        span = (0.04 + 0.16 * torch.rand(len(part), 2, generator=rng)) * SIDE
        x = (line >= corner[:, :1]) & (line < (corner + span)[:, :1])
        y = (line >= corner[:, 1:]) & (line < (corner + span)[:, 1:])
        part = part * ~(y[:, :, None] & x[:, None, :])
    return depth.index_copy(0, index, part)
