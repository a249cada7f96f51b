"""The lifter: 2D landmarks and the depth image to 3D points in metres, with covariance.

Everything metric happens in the *local frame*: axes of gravity (z up), origin at a rough centre of
the trunk. Tokens, one a joint, gather what is known of a joint: the landmark's ray, the surface
round it, the 2D model's own shape, the last estimate. A plain perceptron turns all of that into a
first guess; then the tokens look at the surface round the landmark and round the guess, at each
other and at a coarse map of the region by attention, and move the guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lbp_rehab.pose.lift import HEAT, POINTS, SIDE
from lbp_rehab.pose.skeleton import BONES, NAMES
from lbp_rehab.training.spread import lower_triangular

JOINTS = len(NAMES)
GRID = 7  # readings a side of a patch
PATCH_STEPS_M = (0.022, 0.08)  # between the readings of the fine and of the coarse patch
REACH_M = 1.6  # readings further from the centre are not the patient's
PATCH_REACH_M = 0.5
MIN_SIGMA_M, MAX_SIGMA_M = 0.002, 0.6


class Inputs(NamedTuple):
    """What the lifter reads, all float32; b: batch.

    Attributes
    ----------
    depth : (b, SIDE, SIDE)
        Metres, 0: no reading.
    rays : (b, 2, 3)
        ``x/z = rays[0] . (column, row, 1)`` of a reading, the same for y.
    axes : (b, 3, 3)
        Rows are the axes of gravity in the optical frame.
    centre : (b, 3)
        Origin of the local frame, optical metres.
    support : (b, 2)
        Height of the support over the centre (metres, negative below) and whether it is known.
    landmarks : (b, JOINTS, 4)
        Column and row in readings, visibility, whether the model gives the point.
    shape : (b, JOINTS, 4)
        The 2D model's own shape in optical axes (metres) and whether it is given.
    heat : (b, JOINTS, HEAT + 1)
        As in `Landmarks.heat`, and whether it is given.
    bones : (b, len(BONES) + 1)
        Lengths of `BONES` in metres and whether they are known.
    last : (b, POINTS, 5)
        Last positions in the optical frame, their sigma in metres, and whether they are known.
    elapsed : (b, 1)
        Seconds since then.
    """

    depth: Tensor
    rays: Tensor
    axes: Tensor
    centre: Tensor
    support: Tensor
    landmarks: Tensor
    shape: Tensor
    heat: Tensor
    bones: Tensor
    last: Tensor
    elapsed: Tensor


class Outputs(NamedTuple):
    """What the lifter says, in the optical frame.

    Attributes
    ----------
    position : (b, POINTS, 3)
        Metres.
    factor : (b, POINTS, 3, 3)
        Lower triangular L in the axes of gravity; the covariance is ``axes^T L L^T axes``.
    seen : (b, POINTS, 2)
        Logits: the camera sees the point; something that is not the patient covers it.
    first : (b, POINTS, 3)
        The first guess.
    """

    position: Tensor
    factor: Tensor
    seen: Tensor
    first: Tensor


@dataclass(frozen=True)
class LifterSize:
    """How large the network is."""

    width: int = 128
    heads: int = 4
    layers: int = 4
    channels: tuple[int, int, int] = (24, 48, 96)


def exact() -> torch.autocast:
    """Return a context for geometry: half precision would cost centimetres."""
    return torch.autocast("cpu", enabled=False)


class Block(nn.Module):
    """A residual block of two 3x3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Attention(nn.Module):
    """Multi-head attention written out, so that it exports to plain operators."""

    def __init__(self, width: int, heads: int, context: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(context or width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:  # noqa: D102
        b, n, w = x.shape
        m, h = context.shape[1], self.heads
        q = self.query(x).view(b, n, h, w // h).transpose(1, 2)
        k, v = self.key_value(context).view(b, m, 2, h, w // h).permute(2, 0, 3, 1, 4).unbind(0)
        weight = torch.softmax(q @ k.transpose(-1, -2) * (w // h) ** -0.5, dim=-1)
        return self.out((weight @ v).transpose(1, 2).reshape(b, n, w))


class Layer(nn.Module):
    """Attention among the tokens and to the map, then a small perceptron."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.among = Attention(width, heads)
        self.to_map = Attention(width, heads, context)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:  # noqa: D102
        y = self.norms[0](x)
        x = x + self.among(y, y)
        x = x + self.to_map(self.norms[1](x), context)
        return x + self.narrow(functional.gelu(self.wide(self.norms[2](x))))


class Known(NamedTuple):
    """What is known without looking at the surface again, in the local frame.

    Attributes
    ----------
    joints : (b, JOINTS, KNOWN)
    last : (b, POINTS, 5)
    scene : (b, SCENE)
    anchor : (b, JOINTS, 3)
        Mean reading about each landmark, metres; 0 where ``anchored`` is.
    anchored : (b, JOINTS, 1)
    """

    joints: Tensor
    last: Tensor
    scene: Tensor
    anchor: Tensor
    anchored: Tensor


KNOWN = 2 + 3 + 3 + 1 + 2 + 4 + HEAT + 1
SCENE = 2 + 3 + len(BONES) + 1 + 1


class FirstGuess(nn.Module):
    """A residual perceptron from all that is known to all points."""

    def __init__(self, width: int = 512, blocks: int = 3) -> None:
        super().__init__()
        self.start = nn.Linear(JOINTS * KNOWN + POINTS * 5 + SCENE, width)
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(
                    nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
                )
                for _ in range(blocks)
            ]
        )
        self.end = nn.Linear(width, POINTS * 4)

    def forward(self, known: Known) -> Tensor:
        """Return the points in the local frame, (b, POINTS, 3)."""
        x = torch.cat([known.joints.flatten(1), known.last.flatten(1), known.scene], dim=1)
        x = self.start(x)
        for block in self.blocks:
            x = x + block(x)
        guess = self.end(functional.gelu(x)).float().unflatten(1, (POINTS, 4))
        # The landmark's own surface point, as far as it is trusted, and a place of one's own.
        trust = torch.sigmoid(guess[..., 3:]) * _all_points(known.anchored)
        return guess[..., :3] + trust * _all_points(known.anchor)


class Lifter(nn.Module):
    """See the module."""

    offsets: Tensor
    pixels: Tensor

    def __init__(self, size: LifterSize | None = None) -> None:
        super().__init__()
        s = self.size = size or LifterSize()
        w, (a, b, c) = s.width, s.channels
        self.stem = nn.Conv2d(5, a, 2, stride=2)
        self.fine = nn.Sequential(nn.ReLU(), Block(a))
        self.middle = nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), Block(b))
        self.coarse = nn.Sequential(nn.Conv2d(b, c, 3, 2, 1), nn.ReLU(), Block(c))
        self.place = nn.Parameter(torch.randn(1, (SIDE // 16) ** 2, c) * 0.02)
        self.joint = nn.Parameter(torch.randn(1, POINTS + 1, w) * 0.02)
        self.first = FirstGuess()
        self.point = nn.Linear(KNOWN, w)
        self.patch = nn.Linear(len(PATCH_STEPS_M) * GRID * GRID * 4, w)
        self.patch_again = nn.Linear(len(PATCH_STEPS_M) * GRID * GRID * 4, w)
        self.at_map = nn.Linear(b, w)
        self.at_map_again = nn.Linear(b, w)
        self.before = nn.Linear(5, w)
        self.scene = nn.Linear(SCENE, w)
        self.layers = nn.ModuleList([Layer(w, s.heads, c) for _ in range(s.layers)])
        self.again = nn.Linear(3, w)
        last = nn.Linear(w, 3 + 6 + 2)
        nn.init.zeros_(last.weight)  # the first guess stands until something is learnt
        nn.init.zeros_(last.bias)
        self.final = nn.Sequential(nn.LayerNorm(w), last)
        step = torch.arange(GRID) - (GRID - 1) / 2
        offsets = torch.stack(torch.meshgrid(step, step, indexing="xy"), dim=-1).reshape(-1, 2)
        self.register_buffer("offsets", offsets, persistent=False)
        index = torch.arange(0.0, SIDE, 2.0)
        rows, columns = torch.meshgrid(index, index, indexing="ij")
        pixels = torch.stack([columns, rows, torch.ones_like(rows)]).flatten(1)
        self.register_buffer("pixels", pixels, persistent=False)

    def forward(self, *inputs: Tensor) -> Outputs:
        """Return `Outputs` for `Inputs`, given one by one."""
        i = Inputs(*inputs)
        features, coarse = self._encode(i)
        with exact():
            known = self.gather(i, *self._anchor(i, i.landmarks[..., :2]))
        first = self.first(known)
        joints = self._joint_tokens(i, known, features)
        x = joints + self.before(known.last) + self._look_again(i, features, first)
        x = torch.cat([x, self.scene(known.scene)[:, None]], dim=1) + self.joint
        for layer in self.layers:
            x = layer(x, coarse)
        with exact():
            final = self.final(x[:, :POINTS].float())
            local = first + 0.3 * final[..., :3]
            return Outputs(
                local @ i.axes + i.centre[:, None],
                _factor(final[..., 3:9]),
                final[..., 9:],
                first @ i.axes + i.centre[:, None],
            )

    @staticmethod
    def gather(i: Inputs, anchor: Tensor, anchored: Tensor) -> Known:
        """Return what is known, from inputs and the local readings about the landmarks."""
        uv = i.landmarks[..., :2]
        ones = torch.ones_like(uv[..., :1])
        ray = torch.cat([torch.cat([uv, ones], dim=-1) @ i.rays.transpose(1, 2), ones], dim=-1)
        turn = i.axes.transpose(1, 2)
        ray = functional.normalize(ray, dim=-1) @ turn
        given = i.landmarks[..., 3:]
        anchor, anchored = anchor * given, anchored * given
        joints = torch.cat(
            [uv / SIDE - 0.5, ray, anchor, anchored, i.landmarks[..., 2:],
             i.shape[..., :3] @ turn, i.shape[..., 3:], i.heat], dim=-1
        )  # fmt: skip
        there = i.last[..., 4:]
        last = (i.last[..., :3] - i.centre[:, None]) @ turn
        last = torch.cat([last * there, i.last[..., 3:4] * there * 10.0, there], dim=-1)
        camera = -(i.axes @ i.centre[:, :, None])[:, :, 0]
        support = torch.cat([i.support[:, :1] * i.support[:, 1:], i.support[:, 1:]], dim=-1)
        scene = torch.cat([support, camera, i.bones, i.elapsed], dim=-1)
        return Known(joints * given, last, scene, anchor, anchored)

    def _local(self, i: Inputs, at: Tensor) -> tuple[Tensor, Tensor]:
        """Return the surface at columns and rows, (b, n, k, 2): local metres, and where valid."""
        z = _sample(i.depth[:, None], at, "nearest")[:, 0]
        b, n, k = z.shape
        spot = torch.cat([at, torch.ones_like(at[..., :1])], dim=-1).reshape(b, n * k, 3)
        turn = i.axes @ directions(i.rays)
        shift = (i.axes @ i.centre[:, :, None]).transpose(1, 2)
        local = (spot @ turn.transpose(1, 2)) * z.reshape(b, n * k, 1) - shift
        local = local.reshape(b, n, k, 3)
        near = local.abs().amax(dim=-1) < REACH_M
        return local, (near & (z > 0.0)).to(z.dtype)

    def _map(self, i: Inputs) -> Tensor:
        """Return local x, y, z and validity of every second reading, (b, 4, SIDE/2, SIDE/2)."""
        b, half = len(i.depth), SIDE // 2
        z = i.depth[:, ::2, ::2].reshape(b, 1, -1)
        ray = i.axes @ directions(i.rays) @ self.pixels
        local = ray * z - i.axes @ i.centre[:, :, None]
        near = local.abs().amax(dim=1, keepdim=True) < REACH_M
        valid = (near & (z > 0.0)).to(local.dtype)
        return torch.cat([local * valid, valid], dim=1).reshape(b, 4, half, half)

    def _encode(self, i: Inputs) -> tuple[Tensor, Tensor]:
        with exact():
            cloud = self._map(i)
        over = (cloud[:, 2] - i.support[:, :1, None]) * cloud[:, 3] * i.support[:, 1:, None]
        x = self.fine(self.stem(torch.cat([cloud, over[:, None]], dim=1)))
        middle = self.middle(x)
        coarse = self.coarse(middle).flatten(2).transpose(1, 2)
        return middle, coarse + self.place

    @staticmethod
    def _readings_per_metre(i: Inputs, z: Tensor) -> Tensor:
        # A reading's step in x/z is the length of the first column of the (turned) map.
        return 1.0 / (i.rays[:, :, 0].norm(dim=1)[:, None] * z.clamp(min=0.3))

    def _anchor(self, i: Inputs, uv: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean reading about each landmark, (b, n, 3), and whether there is one."""
        inner = self.offsets[self.offsets.abs().amax(dim=-1) <= 2.0]
        local, valid = self._local(i, uv[:, :, None] + 0.5 * inner)
        count = valid.sum(dim=-1, keepdim=True)
        mean = (local * valid[..., None]).sum(dim=2) / count.clamp(min=1.0)
        return mean, (count > 2.0).to(mean.dtype)

    def _patches(self, i: Inputs, uv: Tensor, scale: Tensor, about: Tensor) -> Tensor:
        """Return the readings round points relative to others, (b, n, steps * GRID^2 * 4)."""
        steps = [
            uv[:, :, None] + self.offsets * (s * scale)[..., None, None] for s in PATCH_STEPS_M
        ]
        local, valid = self._local(i, torch.cat(steps, dim=2))
        off = local - about[:, :, None]
        valid = (valid * (off.abs().amax(dim=-1) < PATCH_REACH_M))[..., None]
        return torch.cat([off * valid * 4.0, valid], dim=-1).flatten(2)

    def _joint_tokens(self, i: Inputs, known: Known, features: Tensor) -> Tensor:
        uv, given = i.landmarks[..., :2], i.landmarks[..., 3:]
        with exact():
            scale = self._readings_per_metre(i, i.centre[:, None, 2])
            patches = self._patches(i, uv, scale, known.anchor)
        seen = _sample(features, uv / 8.0 - 0.4375, "bilinear").transpose(1, 2)
        joints = self.point(known.joints) + self.patch(patches) + self.at_map(seen)
        return _all_points(joints * given)

    def _look_again(self, i: Inputs, features: Tensor, first: Tensor) -> Tensor:
        """Return what there is to see where the points are believed to be."""
        place = first.detach()
        with exact():
            optical = place @ i.axes + i.centre[:, None]
            z = optical[..., 2:].clamp(min=0.3)
            uv = readings_of(i.rays, optical[..., :2] / z)
            scale = self._readings_per_metre(i, z[..., 0])
            patches = self._patches(i, uv, scale, place)
        seen = self.patch_again(patches)
        seen = seen + self.at_map_again(
            _sample(features, uv / 8.0 - 0.4375, "bilinear").transpose(1, 2)
        )
        return seen + self.again(place)


def _all_points(of_joints: Tensor) -> Tensor:
    """Return values of the joints with zeros for the landmarks of the pelvis."""
    return functional.pad(of_joints, (0, 0, 0, POINTS - JOINTS))


def _sample(image: Tensor, at: Tensor, mode: str) -> Tensor:
    """Return an image (b, c, h, w) at columns and rows (b, n, [k,] 2): (b, c, n[, k])."""
    height, width = image.shape[2], image.shape[3]
    size = torch.tensor([width, height], dtype=at.dtype, device=at.device)
    grid = (2.0 * at + 1.0) / size - 1.0
    flat = grid if grid.dim() == 4 else grid[:, :, None]
    got = functional.grid_sample(image.float(), flat, mode, "zeros", align_corners=False)
    return got if grid.dim() == 4 else got[..., 0]


def _factor(raw: Tensor) -> Tensor:
    """Return lower triangular factors of covariances from six numbers each, in metres."""
    spread = MIN_SIGMA_M + functional.softplus(raw[..., :3] - 3.0)
    return lower_triangular(spread.clamp(max=MAX_SIGMA_M), raw[..., 3:] * 0.02)


def directions(rays: Tensor) -> Tensor:
    """Return the maps from readings (column, row, 1) to directions x/z, y/z, 1, (b, 3, 3)."""
    ahead = torch.tensor([0.0, 0.0, 1.0], device=rays.device).expand(len(rays), 1, 3)
    return torch.cat([rays, ahead], dim=1)


def readings_of(rays: Tensor, slopes: Tensor) -> Tensor:
    """Return at which columns and rows rays ``x/z, y/z`` lie, (..., n, 2).

    The map from readings to slopes is a turn and a scale: its inverse is written out.
    """
    off = slopes - rays[..., None, :, 2]
    (a, b), (c, d) = (rays[..., None, k, :2].unbind(-1) for k in range(2))
    det = a * d - b * c
    column = (d * off[..., 0] - b * off[..., 1]) / det
    row = (a * off[..., 1] - c * off[..., 0]) / det
    return torch.stack([column, row], dim=-1)
