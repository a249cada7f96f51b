"""Known poses seen from where no camera stood: cheap examples for the first guess.

The body is a chain of balls; what a camera would read at a landmark is the nearest ball or the
support on its ray. The 2D estimator is imitated: noise, swapped sides, a shape that is right but
for its depth. Such examples teach how bodies are; the rendered ones teach what the estimator does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from lbp_rehab.pose.lift import HEAT, SIDE
from lbp_rehab.pose.skeleton import HIPS, INDEX, NAMES, SHOULDERS, mirror_order
from lbp_rehab.training.lifter import JOINTS, readings_of

# Half the thickness of each part at its ends, metres.
PARTS = (
    ("l_shoulder", "r_shoulder", 0.07, 0.07), ("l_hip", "r_hip", 0.11, 0.11),
    ("l_shoulder", "l_hip", 0.09, 0.10), ("r_shoulder", "r_hip", 0.09, 0.10),
    ("l_shoulder", "l_elbow", 0.055, 0.045), ("r_shoulder", "r_elbow", 0.055, 0.045),
    ("l_elbow", "l_wrist", 0.042, 0.028), ("r_elbow", "r_wrist", 0.042, 0.028),
    ("l_hip", "l_knee", 0.085, 0.058), ("r_hip", "r_knee", 0.085, 0.058),
    ("l_knee", "l_ankle", 0.056, 0.04), ("r_knee", "r_ankle", 0.056, 0.04),
    ("l_heel", "l_toe", 0.035, 0.03), ("r_heel", "r_toe", 0.035, 0.03),
    ("l_wrist", "l_index", 0.025, 0.02), ("r_wrist", "r_index", 0.025, 0.02),
    ("l_ear", "r_ear", 0.085, 0.085), ("nose", "l_ear", 0.05, 0.08), ("nose", "r_ear", 0.05, 0.08),
)  # fmt: skip
BALLS = 5  # a part
NOISE = 0.016  # 1-sigma of a seen landmark, share of the region's side
BACKGROUND_M = 1.2  # behind the hips, what is behind the person
HIDDEN_M = 0.08  # deeper than its own part behind what is seen
_SWAPPED = mirror_order(NAMES)
Draw = Callable[..., Tensor]
_ARMS = [i for i, n in enumerate(NAMES) if n[2:] in ("elbow", "wrist", "pinky", "index", "thumb")]
_LEGS = [i for i, n in enumerate(NAMES) if n[2:] in ("knee", "ankle", "heel", "toe")]


def imagined(frames: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor]:
    """Return frames as `batches.thinned` gives them, of the same poses from other places.

    Parameters
    ----------
    frames : dict of Tensor
        Their ``truth``, ``up`` and ``height`` are used, (n, ...).
    """
    n = len(frames["dt"])

    def rand(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=rng)

    def normal(*shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=rng)

    body = _upright(frames)
    middle = body[:, HIPS].mean(dim=1)
    tall = (middle[:, 2] > 0.7).float()
    # The camera: uniform on the sphere, some straight overhead, none over who stands.
    low = math.sin(math.radians(8.0))
    high = torch.where(tall > 0, math.sin(math.radians(40.0)), 1.0)
    elevation = torch.asin(low + (high - low) * rand())
    overhead = (rand() < 0.12) & (tall == 0)
    elevation = torch.where(overhead, math.pi / 2 - 0.08 * normal().abs(), elevation)
    azimuth = 2.0 * math.pi * rand()
    away = torch.stack(
        [elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()], dim=-1
    )
    eye = middle + 0.15 * normal(3) + away * (1.5 + 1.2 * rand(1))
    optical, axes = _looking(body, eye, away, 0.07 * normal())
    up = axes[:, :, 2]
    slopes = optical[..., :2] / optical[..., 2:].clamp(min=0.3)
    rays = _regions(slopes[:, :JOINTS], normal)
    z, hidden = _readings(optical, slopes[:, :JOINTS], eye, axes)
    # The 2D estimator: worse where it cannot see, now and then the sides changed.
    wrong = torch.exp(0.45 * normal(1, 1)) * torch.exp(0.5 * normal(JOINTS, 1))
    off = NOISE * SIDE * normal(JOINTS, 2) * wrong * (1.0 + 2.0 * hidden[..., None])
    uv = readings_of(rays, slopes[:, :JOINTS]) + off
    shape = _shape(optical, rand, normal)
    for part, share in ((_ARMS, 0.015), (_LEGS, 0.03), (list(range(JOINTS)), 0.01)):
        which = (rand() < share)[:, None, None]
        other = torch.arange(JOINTS)
        other[part] = torch.tensor(_SWAPPED)[part]
        uv = torch.where(which, uv[:, other], uv)
        shape = torch.where(which, shape[:, other], shape)
    at = torch.cat([uv, torch.ones_like(uv[..., :1])], dim=-1) @ rays.transpose(1, 2)
    z, _ = _readings(optical, at, eye, axes)
    z = z + 0.004 * z**2 * normal(JOINTS)
    z = z * (rand(JOINTS) > 0.04) * ((uv >= 0) & (uv < SIDE)).all(dim=-1)
    seen = 1.0 - hidden
    visibility = (seen * (0.97 - 0.1 * rand(JOINTS)) + hidden * (0.2 + 0.75 * rand(JOINTS))).clamp(
        0.0, 1.0
    )
    out = dict(frames)
    out |= {
        "rays": rays,
        "uv": uv,
        "visibility": visibility,
        "world": shape,
        "heat": torch.zeros(n, JOINTS, HEAT),
        "no_heat": torch.ones(n, dtype=torch.bool),
        "up": up,
        "height": eye[:, 2],
        "truth": optical,
        "spot": torch.cat([at, torch.ones_like(z)[..., None]], dim=-1) * z[..., None],
        "anchored": (z > 0).float(),
        "z": z,
    }
    return out


def _upright(frames: dict[str, Tensor]) -> Tensor:
    """Return the points of frames with z over the support and a yaw of their own."""
    up = frames["up"]
    x = torch.linalg.cross(up, up.roll(1, dims=-1))
    x = functional.normalize(x, dim=-1)
    axes = torch.stack([x, torch.linalg.cross(up, x), up], dim=1)
    points = frames["truth"] @ axes.transpose(1, 2)
    points = points - points[:, HIPS].mean(dim=1, keepdim=True) * torch.tensor([1.0, 1.0, 0.0])
    return points + frames["height"][:, None, None] * torch.tensor([0.0, 0.0, 1.0])


def _looking(body: Tensor, eye: Tensor, away: Tensor, roll: Tensor) -> tuple[Tensor, Tensor]:
    """Return points in the optical frame of a camera, and its axes as rows."""
    forward = -away
    above = torch.tensor([0.0, 0.0, 1.0]).expand_as(away)
    above = torch.where(away[:, 2:].abs() > 0.999, torch.tensor([1.0, 0.0, 0.0]), above)
    right = functional.normalize(torch.linalg.cross(forward, above), dim=-1)
    down = torch.linalg.cross(forward, right)
    c, s = torch.cos(roll)[:, None], torch.sin(roll)[:, None]
    axes = torch.stack([c * right + s * down, c * down - s * right, forward], dim=1)
    return (body - eye[:, None]) @ axes.transpose(1, 2), axes


def _regions(slopes: Tensor, normal: Draw) -> Tensor:
    """Return maps from readings to slopes of regions as trackers have them, (n, 2, 3)."""
    hip = slopes[:, HIPS].mean(dim=1)
    up = functional.normalize(slopes[:, SHOULDERS].mean(dim=1) - hip, dim=-1)
    radius = (slopes - hip[:, None]).norm(dim=-1).amax(dim=1) * 1.04
    size = 2.5 * radius * torch.exp(0.08 * normal())
    turn = torch.atan2(up[:, 0], -up[:, 1]) + 0.16 * normal()
    centre = hip + 0.035 * normal(2) * size[:, None]
    k = size / SIDE
    c, s = torch.cos(turn) * k, torch.sin(turn) * k
    half = SIDE / 2.0
    return torch.stack(
        [
            torch.stack([c, -s, centre[:, 0] - (c - s) * half], dim=-1),
            torch.stack([s, c, centre[:, 1] - (s + c) * half], dim=-1),
        ],
        dim=1,
    )


def _readings(optical: Tensor, slopes: Tensor, eye: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the depth of the nearest surface on rays, (n, 33), and which joints it hides."""
    share = torch.linspace(0.0, 1.0, BALLS)[:, None]
    centres, radii = [], []
    for a, b, first, last in PARTS:
        ends = optical[:, [INDEX[a], INDEX[b]]]
        centres.append(ends[:, :1] * (1.0 - share) + ends[:, 1:] * share)
        radii.append(first + (last - first) * share[:, 0])
    centre, radius = torch.cat(centres, dim=1), torch.cat(radii)
    ray = torch.cat([slopes, torch.ones_like(slopes[..., :1])], dim=-1)
    square = (ray**2).sum(dim=-1)[:, :, None]
    along = ray @ centre.transpose(1, 2)
    rest = along**2 - square * ((centre**2).sum(dim=-1) - radius**2)[:, None]
    hit = (along - rest.clamp(min=0.0).sqrt()) / square
    hit = torch.where(rest > 0.0, hit, torch.inf).amin(dim=-1)
    sink = (ray @ axes[:, :, 2:])[..., 0]  # how fast the ray falls
    plane = torch.where(sink < -1e-3, -eye[:, 2:] / sink, torch.inf)
    wall = optical[:, HIPS, 2].mean(dim=1, keepdim=True) + BACKGROUND_M
    z = torch.minimum(torch.minimum(hit, plane), wall)
    hidden = (optical[:, :JOINTS, 2] - z > HIDDEN_M + 0.06).float()
    return torch.where((z > 0.2) & (z < 8.0), z, 0.0), hidden


def _shape(optical: Tensor, rand: Draw, normal: Draw) -> Tensor:
    """Return the 2D estimator's own shape: right across, doubtful in depth."""
    local = optical[:, :JOINTS] - optical[:, HIPS].mean(dim=1, keepdim=True)
    local = local * torch.exp(0.12 * normal(1, 1))
    depth = local[..., 2] * (1.0 + 0.35 * normal(1)) + 0.25 * normal(1) * local[..., 1]
    flat = (rand(1) < 0.07).float()
    depth = depth * (1.0 - 2.0 * flat) + 0.08 * normal(JOINTS)
    across = local[..., :2] + 0.05 * normal(JOINTS, 2)
    return torch.cat([across, depth[..., None]], dim=-1)
