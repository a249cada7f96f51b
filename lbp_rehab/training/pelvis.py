"""The pelvis head: from the surface round the pelvis to its rotation, its landmarks and the spine.

The depth image is cut out round the mid-hip point and turned into the frame that hips and shoulders
span, so that a pelvis looks alike in every posture and from every side. What the network adds is a
small rotation: how the pelvis itself stands in that frame, which no joint tells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lbp_rehab.pelvis.head import SIDE
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.training.lifter import JOINTS, directions, exact
from lbp_rehab.training.spread import lower_triangular

REACH_M = 0.45
MIN_SIGMA_RAD, MAX_SIGMA_RAD = 0.004, 1.5


class Inputs(NamedTuple):
    """What the head reads, float32; b: batch. The *base frame* is that of `base`.

    Attributes
    ----------
    depth : (b, SIDE, SIDE)
        Metres, 0: no reading.
    rays : (b, 2, 3)
        As in the lifter.
    origin : (b, 3)
        Mid-hip point in optical metres.
    base : (b, 3, 3)
        Columns: anterior, left, cranial by hips and shoulders, in the optical frame.
    joints : (b, JOINTS, 4)
        Positions in optical metres, and their sigma (metres; negative: unknown).
    up : (b, 4)
        Up in the optical frame and whether it is known.
    last : (b, 8)
        The last pelvis axes' anterior and cranial column in the optical frame, seconds since then,
        and whether there are any.
    """

    depth: Tensor
    rays: Tensor
    origin: Tensor
    base: Tensor
    joints: Tensor
    up: Tensor
    last: Tensor


class Outputs(NamedTuple):
    """What the head says.

    Attributes
    ----------
    axes : (b, 3, 3)
        Pelvis axes (columns anterior, left, cranial) in the optical frame.
    factor : (b, 4, 4)
        Lower triangular L: ``L L^T`` is the covariance of the rotation vector about the pelvis's
        own axes and of the lumbar flexion, radians.
    lumbar : (b,)
        Lumbar flexion in radians.
    landmarks : (b, 4, 3)
        `LANDMARKS` in optical metres.
    spread : (b, 4)
        Their 1-sigma in metres.
    """

    axes: Tensor
    factor: Tensor
    lumbar: Tensor
    landmarks: Tensor
    spread: Tensor


class PelvisHead(nn.Module):
    """See the module."""

    pixels: Tensor

    def __init__(self, channels: tuple[int, int, int] = (32, 64, 128), width: int = 256) -> None:
        super().__init__()
        a, b, c = channels
        self.surface = nn.Sequential(
            nn.Conv2d(8, a, 4, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(a, b, 3, 2, 1), Step(b), Step(b), nn.SiLU(),
            nn.Conv2d(b, c, 3, 2, 1), Step(c), Step(c), nn.SiLU(),
            nn.Conv2d(c, c // 4, 1), nn.SiLU(), nn.Flatten(),
        )  # fmt: skip
        self.surface_out = nn.Linear(c // 4 * (SIDE // 8) ** 2, width)
        self.body = nn.Linear(JOINTS * 5 + 3 + 1 + 3 + 6 + 2, width)
        self.mix = nn.ModuleList([Mixer(width) for _ in range(3)])
        self.out = nn.Linear(width, 6 + 10 + 1 + len(LANDMARKS) * 4)
        index = torch.arange(SIDE, dtype=torch.float32)
        rows, columns = torch.meshgrid(index, index, indexing="ij")
        pixels = torch.stack([columns, rows, torch.ones_like(rows)]).flatten(1)
        self.register_buffer("pixels", pixels, persistent=False)

    def forward(self, *inputs: Tensor) -> Outputs:
        """Return `Outputs` for `Inputs`, given one by one."""
        i = Inputs(*inputs)
        with exact():
            image, body = self._image(i), self._body(i)
        x = self.surface_out(self.surface(image)) + self.body(body)
        for mix in self.mix:
            x = mix(x)
        with exact():
            return self._read(self.out(x.float()), i)

    def _image(self, i: Inputs) -> Tensor:
        """Return what is known of each reading, (b, 8, SIDE, SIDE)."""
        n, into = len(i.depth), i.base.transpose(1, 2)
        view = into @ directions(i.rays) @ self.pixels
        local = view * i.depth.reshape(n, 1, -1) - into @ i.origin[:, :, None]
        near = local.abs().amax(dim=1, keepdim=True) < REACH_M
        valid = (near & (i.depth.reshape(n, 1, -1) > 0.0)).to(local.dtype)
        # Each reading with its direction: the surface is seen from somewhere.
        direction = functional.normalize(view, dim=1)
        up = (into @ i.up[:, :3, None]).transpose(1, 2)
        over = (up @ local) * i.up[:, None, 3:]
        known = torch.cat([local * 4.0, torch.ones_like(over), direction, over * 4.0], dim=1)
        return (known * valid).reshape(n, 8, SIDE, SIDE)

    @staticmethod
    def _body(i: Inputs) -> Tensor:
        into = i.base.transpose(1, 2)
        known = (i.joints[..., 3:] >= 0.0).to(i.joints.dtype)
        at = (i.joints[..., :3] - i.origin[:, None]) @ i.base
        joints = torch.cat([at * known, i.joints[..., 3:] * known * 10.0, known], dim=-1)
        up = (into @ i.up[:, :3, None])[..., 0] * i.up[:, 3:]
        there = i.last[:, 7:]
        last = torch.cat(
            [(into @ i.last[:, 3 * k : 3 * k + 3, None])[..., 0] * there for k in range(2)], dim=-1
        )
        camera = functional.normalize(-(into @ i.origin[:, :, None])[..., 0], dim=-1)
        return torch.cat([joints.flatten(1), up, i.up[:, 3:], camera, last, i.last[:, 6:]], dim=-1)

    @staticmethod
    def _read(raw: Tensor, i: Inputs) -> Outputs:
        # Zhou et al. 2019 (CVPR): six numbers, two columns of a rotation, are continuous.
        plain = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0, 1.0], device=raw.device)
        six = plain + 0.5 * raw[:, :6]
        anterior = functional.normalize(six[:, :3], dim=-1)
        cranial = six[:, 3:] - (six[:, 3:] * anterior).sum(-1, keepdim=True) * anterior
        cranial = functional.normalize(cranial, dim=-1)
        left = torch.linalg.cross(cranial, anterior)
        turn = torch.stack([anterior, left, cranial], dim=-1)
        spread = (MIN_SIGMA_RAD + functional.softplus(raw[:, 6:10] - 2.5)).clamp(max=MAX_SIGMA_RAD)
        factor = lower_triangular(spread, raw[:, 10:16] * 0.05)
        points = raw[:, 17:].reshape(-1, len(LANDMARKS), 4)
        at = points[..., :3] * 0.1 @ i.base.transpose(1, 2) + i.origin[:, None]
        return Outputs(
            i.base @ turn, factor, raw[:, 16] * 0.5, at,
            0.002 + functional.softplus(points[..., 3] - 3.0),
        )  # fmt: skip


class Step(nn.Module):
    """A residual block that normalises what it reads and leaves what it adds to as it is.

    A rectifier after the sum would let whole channels die, and with them the image: joints alone
    give a fair answer, and nothing would bring them back.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = self.first(functional.silu(self.norm(x)))
        return x + self.second(functional.silu(y))


class Mixer(nn.Module):
    """A residual perceptron."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return x + self.narrow(functional.gelu(self.wide(self.norm(x))))
