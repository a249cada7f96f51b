"""The pelvis head: from the surface round the pelvis, now and before, to how it stands and moved.

All it reads and answers is in the frame that hips and shoulders span, so that a pelvis looks alike
in every posture and from every side. What it adds is a small rotation: how the pelvis itself stands
in that frame, which no joint tells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lbp_rehab.pelvis.head import BODY
from lbp_rehab.pelvis.surface_map import CHANNELS, COLUMNS, ROWS
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.training.lifter import exact
from lbp_rehab.training.spread import lower_triangular

MIN_SIGMA_RAD, MAX_SIGMA_RAD = 0.004, 1.5
VALUES = 4  # rotation vector and lumbar flexion


class Inputs(NamedTuple):
    """What the head reads, float32; see `lbp_rehab.pelvis.head.View`. b: batch.

    Attributes
    ----------
    surface, reference, here : (b, CHANNELS, ROWS, COLUMNS)
        Surface maps: of the frame, of the reference in its own base frame, and of the reference in
        the frame's.
    joints, reference_joints : (b, len(BODY), 5)
    others, reference_others : (b, 7)
    trunk : (b, 4, 3)
        The reference's hips and shoulders in the base frame of the frame.
    """

    surface: Tensor
    reference: Tensor
    here: Tensor
    joints: Tensor
    others: Tensor
    reference_joints: Tensor
    reference_others: Tensor
    trunk: Tensor


class Outputs(NamedTuple):
    """What the head says; see `lbp_rehab.pelvis.head.Reading`.

    Attributes
    ----------
    value, change : (b, 4)
    factor, change_factor : (b, 4, 4)
        Lower triangular L; ``L L^T`` is the covariance.
    landmarks : (b, 4, 3)
        In the base frame, metres.
    spread : (b, 4)
        Their 1-sigma in metres.
    """

    value: Tensor
    factor: Tensor
    change: Tensor
    change_factor: Tensor
    landmarks: Tensor
    spread: Tensor


class PelvisHead(nn.Module):
    """See the module."""

    def __init__(self, channels: tuple[int, int, int] = (32, 48, 64), width: int = 256) -> None:
        super().__init__()
        a, b, c = channels
        self.surface = nn.Sequential(
            Round(3 * CHANNELS + 2, a), Step(a), Round(a, b, 2), Step(b), Step(b),
            Round(b, c, 2), Step(c), Step(c), nn.GroupNorm(4, c), nn.SiLU(),
            nn.Conv2d(c, 32, 1), nn.SiLU(), nn.Flatten(),
        )  # fmt: skip
        self.surface_out = nn.Linear(32 * (ROWS // 4) * (COLUMNS // 4), width)
        self.body = nn.Linear(2 * (len(BODY) * 5 + 7) + 12, width)
        self.mix = nn.ModuleList([Mixer(width) for _ in range(3)])
        self.out = nn.Linear(width, 2 * (VALUES + 10) + len(LANDMARKS) * 4)

    def forward(self, *inputs: Tensor) -> Outputs:
        """Return `Outputs` for `Inputs`, given one by one."""
        i = Inputs(*inputs)
        maps = [i.surface, i.reference, i.here]
        maps += [_grown(i.surface, i.reference), _grown(i.surface, i.here)]
        before = torch.cat([i.reference_joints.flatten(1), i.reference_others], dim=1)
        now = torch.cat([i.joints.flatten(1), i.others], dim=1)
        body = torch.cat([now, now - before, i.trunk.flatten(1)], dim=1)
        x = self.surface_out(self.surface(torch.cat(maps, dim=1))) + self.body(body)
        for mix in self.mix:
            x = mix(x)
        with exact():
            return self._read(self.out(x.float()))

    @staticmethod
    def _read(raw: Tensor) -> Outputs:
        value, factor = _gaussian(raw[:, :14])
        change, change_factor = _gaussian(raw[:, 14:28])
        points = raw[:, 28:].reshape(-1, len(LANDMARKS), 4)
        spread = 0.002 + functional.softplus(points[..., 3] - 3.0)
        return Outputs(value, factor, change, change_factor, points[..., :3] * 0.1, spread)


def _grown(now: Tensor, before: Tensor) -> Tensor:
    """Return by how much a surface has grown, centimetres halved, where both are seen."""
    return 5.0 * (now[:, :1] - before[:, :1]) * now[:, 1:2] * before[:, 1:2]


def _gaussian(raw: Tensor) -> tuple[Tensor, Tensor]:
    spread = (MIN_SIGMA_RAD + functional.softplus(raw[:, 4:8] - 2.5)).clamp(max=MAX_SIGMA_RAD)
    return raw[:, :4] * 0.2, lower_triangular(spread, raw[:, 8:14] * 0.05)


class Round(nn.Module):
    """A convolution over a map that closes round the body."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, stride, padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.conv(torch.cat([x[..., -1:], x, x[..., :1]], dim=-1))


class Step(nn.Module):
    """A residual block that normalises what it reads and leaves what it adds to as it is.

    A rectifier after the sum would let whole channels die, and with them the image: joints alone
    give a fair answer, and nothing would bring them back.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.first = Round(channels, channels)
        self.second = Round(channels, channels)

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
