"""``python -m lbp_rehab.training.train_pelvis SHARDS OUT --surfaces S --lifter L``: train the head.

It learns on what the trained lifter answers, with its errors, not on true joints.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA, chi_square_quantile
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.training import loop, train_lifter
from lbp_rehab.training.batches import Bursts
from lbp_rehab.training.lifter import Lifter
from lbp_rehab.training.pelvic_views import Arrays, Errors, Views, lifted, mirrored, read
from lbp_rehab.training.pelvis import Outputs, PelvisHead
from lbp_rehab.training.spread import sigma_scale, squared_distance, student

BATCH, OF_SURFACES = 40, 88  # a step
PEAK_RATE = 1.5e-3
WEIGHTS = torch.tensor([0.5, 2.0, 0.5, 0.5])  # of the rotation vector and the lumbar flexion


def errors_of(out: Outputs, value: Tensor) -> tuple[Tensor, Tensor]:
    """Return truth less answer of value and change, (n, 4) radians each."""
    return value[:, 0] - out.value, value[:, 0] - value[:, 1] - out.change


def loss_of(out: Outputs, value: Tensor, marks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss, and the errors of value and change, (n, 4) radians each."""
    off, moved = errors_of(out, value)
    far = ((off.abs() + moved.abs()) * WEIGHTS).sum(dim=-1)
    likely = student(out.factor, off) + student(out.change_factor, moved)
    away = (out.landmarks - marks).norm(dim=-1)
    spread = out.spread.log() * 3.0 + 0.5 * (away / out.spread).clamp(max=6.0).pow(2)
    loss = 4.0 * far.mean() + 0.1 * likely.mean() + 4.0 * away.mean() + 0.02 * spread.mean()
    return loss, off.detach(), moved.detach()


def turn_distance(factor: Tensor, off: Tensor) -> Tensor:
    """Return the squared Mahalanobis distance of the rotation alone, (n,)."""
    return squared_distance(factor[:, :3, :3], off[:, :3])


@torch.no_grad()
def answers(head: PelvisHead, views: Views) -> tuple[Outputs, Tensor, Tensor]:
    """Return the answers for all views, their true values and landmarks."""
    head.eval()
    outs, values, marks = [], [], []
    for given, value, mark in views.chunks():
        outs.append(head(*given))
        values.append(value)
        marks.append(mark)
    head.train()
    every = Outputs(*[torch.cat(parts) for parts in zip(*outs, strict=True)])
    return every, torch.cat(values), torch.cat(marks)


def evaluate(head: PelvisHead, views: Views) -> dict[str, float]:
    """Return errors in degrees on views that are not trained on.

    ``sure`` are those in which the joints are about right, ``moved`` the errors of the change.
    """
    out, value, marks = answers(head, views)
    off, moved = errors_of(out, value)
    e, m = torch.rad2deg(off.abs()), torch.rad2deg(moved.abs())
    sure, which = torch.from_numpy(views.sure), torch.from_numpy(views.exercise)
    far, near = turn_distance(out.factor, off), turn_distance(out.change_factor, moved)
    figures = {
        "tilt": e[:, 1].mean(), "sure": e[sure, 1].mean(), "sure_turn": e[sure][:, [0, 2]].mean(),
        "moved": m[:, 1].mean(), "sure_moved": m[sure, 1].mean(),
        "lumbar": e[sure, 3].mean(), "mm": (out.landmarks - marks).norm(dim=-1)[sure].mean() * 1e3,
    }  # fmt: skip
    for name, d in (("value", far), ("change", near)):
        for text, share in (("one", ONE_SIGMA), ("two", TWO_SIGMA)):
            figures[f"{name}_{text}"] = (d < chi_square_quantile(share, 3)).float().mean()
    truth = torch.rad2deg(value[:, 0, 1] - value[:, 1, 1])
    said = torch.rad2deg(out.change[:, 1])
    for k, name in enumerate(PROGRAMS):
        some = sure & (which == k)
        if some.any():
            figures[name] = m[some, 1].mean()
            slope = (said[some] * truth[some]).sum() / truth[some].pow(2).sum()
            figures[f"{name}_slope"] = slope
    return {key: float(x) for key, x in figures.items()}


def scale_of(head: PelvisHead, unseen: Views) -> float:
    """Return the scale of the head's sigmas."""
    out, value, _ = answers(head, unseen)
    off, moved = errors_of(out, value)
    squared = [
        turn_distance(out.factor, off),
        turn_distance(out.change_factor, moved),
    ]
    return sigma_scale(torch.cat(squared), 3)


def whole(
    lifter: Lifter, path: Path, rng: torch.Generator, *, scale: float, varied: bool
) -> Arrays:
    """Return a shard of whole examples with what the lifter answers, its sigmas set right."""
    said = lifted(lifter, path, rng, varied=varied)
    return {**read(path), **said, "sigma": said["sigma"] * np.float32(scale)}


def unseen_views(lifter: Lifter, folder: Path, scale: float) -> Views:
    """Return the views of the shards to check with, unvaried."""
    views = Views()
    for path in loop.shards(folder):
        rng = torch.Generator().manual_seed(1)
        shard = whole(lifter, path, rng, scale=scale, varied=False)
        views.add(shard, np.random.default_rng(1))
    return views


def main() -> None:
    """Train the head on what a trained lifter answers."""
    parser = loop.options(__doc__, 12000, PEAK_RATE)
    parser.add_argument("--lifter", type=Path, required=True, help="weights of the lifter")
    parser.add_argument("--surfaces", type=Path, required=True, help="shards of surfaces alone")
    wanted = parser.parse_args()
    torch.manual_seed(0)
    order = np.random.default_rng(0)
    lifter, head = Lifter().eval(), PelvisHead()
    lifter.load_state_dict(torch.load(wanted.lifter, weights_only=True)["net"])
    rng = loop.begin(head, wanted.start, wanted.threads)
    scale = train_lifter.scale_of(lifter, Bursts(loop.shards(wanted.validation)))
    unseen = unseen_views(lifter, wanted.validation, scale)
    views, errors, alone = Views(), Errors(), Views()
    for path in tqdm(loop.shards(wanted.folder), desc="whole", unit="shard"):
        shard = whole(lifter, path, rng, scale=scale, varied=True)
        views.add(shard, order)
        errors.keep(shard)
    known: list[Path] = []

    def more(limit: int) -> None:
        """Take in shards of surfaces, of a folder that may still be filled."""
        new = [path for path in loop.shards(wanted.surfaces) if path not in known][:limit]
        for path in tqdm(new, desc="surfaces", unit="shard", disable=len(new) < 3):
            shard = read(path)
            alone.add({**shard, **errors.lend(shard, order)}, order)
            known.append(path)

    more(10**6)

    def one_step(step: int) -> tuple[Tensor, float]:
        if step % 20 == 19:
            more(1)
        parts = [views.draw(order, BATCH), alone.draw(order, OF_SURFACES)]
        if torch.rand((), generator=rng) < 0.5:
            parts = [mirrored(*part) for part in parts]
        given = [torch.cat(pair) for pair in zip(parts[0][0], parts[1][0], strict=True)]
        value, marks = torch.cat([p[1] for p in parts]), torch.cat([p[2] for p in parts])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = head(*given)
        out = Outputs(*[o.float() for o in out])
        loss, _, moved = loss_of(out, value, marks)
        return loss, float(torch.rad2deg(moved[:, 1].abs()).mean())

    def check(mean: nn.Module) -> str:
        assert isinstance(mean, PelvisHead)
        figures = {k: round(v, 2) for k, v in evaluate(mean, unseen).items()}
        return f"{len(views)}+{len(alone)} views {json.dumps(figures)}"

    loop.train(head, wanted, one_step, check)


if __name__ == "__main__":
    main()
