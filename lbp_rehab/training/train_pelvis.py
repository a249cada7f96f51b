"""``python -m lbp_rehab.training.train_pelvis SHARDS OUT --lifter LIFTER.pt``: train the head.

It learns on what the trained lifter answers, with its errors, not on true joints.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA, chi_square_quantile
from lbp_rehab.pelvis.head import SIDE
from lbp_rehab.pose.skeleton import HIPS, SHOULDERS, TRUNK
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.training import loop
from lbp_rehab.training.batches import KEYS, Bursts, inputs, mirrored, raw, readings_of
from lbp_rehab.training.lifter import JOINTS, Lifter
from lbp_rehab.training.lifter import Outputs as Lifted
from lbp_rehab.training.pelvis import Inputs, Outputs, PelvisHead
from lbp_rehab.training.spread import sigma_of, squared_distance, student

BURSTS_A_STEP = 40
TRAINED_FRAMES = 2
PEAK_RATE = 1.5e-3
CHECKED_BURSTS = 600
MAX_SIGMA_M = 0.08  # of a joint that is published


def base_of(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return mid-hip and axes by hips and shoulders; see `pelvis.segments.pelvis_axes`."""
    hip = points[:, HIPS].mean(dim=1)
    left = functional.normalize(points[:, HIPS[0]] - points[:, HIPS[1]], dim=-1)
    trunk = points[:, SHOULDERS].mean(dim=1) - hip
    anterior = functional.normalize(torch.linalg.cross(left, trunk), dim=-1)
    return hip, torch.stack([anterior, left, torch.linalg.cross(anterior, left)], dim=-1)


def cut_out(item: dict[str, Tensor], origin: Tensor) -> tuple[Tensor, Tensor]:
    """Return the part of the wide pelvic crop round a point, and its map to rays."""
    wide, rays = item["pelvic_depth"], item["pelvic_rays"]
    spot = readings_of(rays, (origin[:, :2] / origin[:, 2:])[:, None])[:, 0]
    corner = (spot - (SIDE - 1) / 2.0).round().long().clamp(0, wide.shape[-1] - SIDE)
    step = torch.arange(SIDE)
    rows, columns = corner[:, 1:] + step, corner[:, :1] + step
    n = torch.arange(len(wide))[:, None, None]
    cut = wide[n, rows[:, :, None], columns[:, None, :]]
    moved = rays.clone()
    moved[:, :, 2] += (rays[:, :, :2] @ corner[:, :, None].float())[..., 0]
    return cut, moved


def head_inputs(
    item: dict[str, Tensor], lifted: Lifted, up: Tensor, last: Tensor, blind: Tensor
) -> Inputs:
    """Return the head's inputs from the lifter's answer; unsure joints are unknown."""
    origin, base = base_of(lifted.position)
    depth, rays = cut_out(item, origin)
    sigma = sigma_of(lifted.factor)
    unknown = sigma > MAX_SIGMA_M
    unknown[:, TRUNK] = False
    sigma = torch.where(unknown, -1.0, sigma)
    joints = torch.cat([lifted.position, sigma[..., None]], dim=-1)[:, :JOINTS]
    return Inputs(depth * ~blind[:, None, None], rays, origin, base, joints, up, last)


def turn_between(axes: Tensor, truth: Tensor) -> Tensor:
    """Return the rotation vector from axes to the true ones, about the axes' own, (n, 3)."""
    r = axes.transpose(1, 2) @ truth
    sine = 0.5 * torch.stack(
        [r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], dim=-1
    )
    size = sine.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    cosine = 0.5 * (r.diagonal(dim1=1, dim2=2).sum(-1, keepdim=True) - 1.0)
    return sine * (torch.atan2(size, cosine) / size)


def loss_of(out: Outputs, item: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the loss and the errors of rotation and lumbar flexion, (n, 4) radians."""
    off = torch.cat(
        [turn_between(out.axes, item["axes"]), (item["lumbar"] - out.lumbar)[:, None]], dim=-1
    )
    likely = student(out.factor, off)
    far = (off[:, :3].pow(2).sum(-1) + 1e-5).sqrt() + 0.5 * (off[:, 3].pow(2) + 1e-5).sqrt()
    away = (out.landmarks - item["truth"][:, -4:]).norm(dim=-1)
    marks = out.spread.log() * 3.0 + 0.5 * (away / out.spread).clamp(max=6.0).pow(2)
    loss = 8.0 * far.mean() + 0.3 * likely.mean() + 4.0 * away.mean() + 0.03 * marks.mean()
    return loss, off.detach()


def run_bursts(
    head: PelvisHead,
    lifter: Lifter,
    batch: dict[str, Tensor],
    rng: torch.Generator,
    *,
    varied: bool,
) -> tuple[Tensor, list[Tensor], list[Outputs]]:
    """Go through bursts as the two nodes do; return mean loss, errors and answers by frame."""
    item = raw(batch)
    n, steps = item["dt"].shape
    if varied:
        item = mirrored(item, torch.rand(n, generator=rng) < 0.5)
    total, errors, outs = torch.zeros(()), [], []
    before: tuple[Tensor, Tensor] | None = None
    for step in range(steps):
        given, frame = inputs({k: v[:, step] for k, v in item.items()}, rng, varied)
        if before is not None:
            given = given._replace(last=before[0], elapsed=item["dt"][:, step : step + 1])
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            lifted = Lifted(*[o.float() for o in lifter(*given)])
        sigma = sigma_of(lifted.factor)
        known = torch.ones_like(sigma)[..., None]
        up = torch.cat([given.axes[:, 2], given.support[:, 1:]], dim=-1)
        last = torch.zeros(n, 8)
        if before is not None:
            keep = (torch.rand(n, generator=rng) < (0.85 if varied else 2.0)).float()[:, None]
            last = (
                torch.cat([before[1], item["dt"][:, step : step + 1], torch.ones(n, 1)], 1) * keep
            )
        blind = given.depth.flatten(1).amax(dim=1) == 0.0
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=head.training):
            out = head(*head_inputs(frame, lifted, up, last, blind))
        out = Outputs(*[o.float() for o in out])
        loss, off = loss_of(out, frame)
        total = total + loss / steps
        errors.append(off)
        outs.append(out)
        before = (
            torch.cat([lifted.position, sigma[..., None], known], dim=-1),
            torch.cat([out.axes[:, :, 0], out.axes[:, :, 2]], dim=-1).detach(),
        )
    return total, errors, outs


def turn_distance(out: Outputs, off: Tensor) -> Tensor:
    """Return the squared Mahalanobis distance of the rotation alone, (n,)."""
    return squared_distance(out.factor[:, :3, :3], off[:, :3])


@torch.no_grad()
def evaluate(head: PelvisHead, lifter: Lifter, data: Bursts) -> dict[str, float]:
    """Return errors in degrees on bursts that are not trained on, at the last frame of each."""
    head.eval()
    rng = torch.Generator().manual_seed(1)
    errors, inside, exercises, marks = [], [], [], []
    for batch in data.chunks(CHECKED_BURSTS):
        _, off, outs = run_bursts(head, lifter, batch, rng, varied=False)
        errors.append(off[-1])
        inside.append(turn_distance(outs[-1], off[-1]))
        exercises.append(batch["exercise"][:, -1])
        marks.append((outs[-1].landmarks - batch["truth"][:, -1, -4:]).norm(dim=-1))
    head.train()
    e, m = torch.rad2deg(torch.cat(errors).abs()), torch.cat(inside)
    which, names = torch.cat(exercises), list(PROGRAMS)
    out = {
        "turn_deg": float(e[:, :3].pow(2).sum(-1).sqrt().mean()),
        "list_deg": float(e[:, 0].mean()),
        "tilt_deg": float(e[:, 1].mean()),
        "tilt_median": float(e[:, 1].median()),
        "rotation_deg": float(e[:, 2].mean()),
        "lumbar_deg": float(e[:, 3].mean()),
        "one_sigma": float((m < chi_square_quantile(ONE_SIGMA, 3)).float().mean()),
        "two_sigma": float((m < chi_square_quantile(TWO_SIGMA, 3)).float().mean()),
        "landmarks_mm": float(torch.cat(marks).mean() * 1e3),
    }
    for k in which.unique().tolist():
        out[names[k]] = float(e[which == k, 1].mean())
    return out


def main() -> None:
    """Train the head on what a trained lifter answers."""
    parser = loop.options(__doc__, 15000, PEAK_RATE)
    parser.add_argument("--lifter", type=Path, required=True, help="weights of the lifter")
    wanted = parser.parse_args()
    torch.manual_seed(0)
    order = np.random.default_rng(0)
    lifter, head = Lifter().eval(), PelvisHead()
    lifter.load_state_dict(torch.load(wanted.lifter, weights_only=True)["net"])
    rng = loop.begin(head, wanted.start, wanted.threads)
    keys = (*KEYS, "pelvic_depth", "pelvic_region")
    data, unseen = (Bursts(loop.shards(f), keys) for f in (wanted.folder, wanted.validation))

    def one_step(step: int) -> tuple[Tensor, float]:
        if step % 250 == 249:  # a folder that is still being filled
            data.add(loop.shards(wanted.folder))
        batch = data.draw(order, BURSTS_A_STEP, TRAINED_FRAMES)
        loss, errors, _ = run_bursts(head, lifter, batch, rng, varied=True)
        return loss, float(torch.rad2deg(torch.cat(errors)[:, 1].abs()).mean())

    def check(mean: nn.Module) -> str:
        assert isinstance(mean, PelvisHead)
        figures = {k: round(v, 2) for k, v in evaluate(mean, lifter, unseen).items()}
        return f"{len(data)} bursts {json.dumps(figures)}"

    loop.train(head, wanted, one_step, check)


if __name__ == "__main__":
    main()
