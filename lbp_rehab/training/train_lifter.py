"""``python -m lbp_rehab.training.train_lifter SHARDS OUT``: train the lifter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lbp_rehab.bench.metrics import ONE_SIGMA, POINT_INDEX, TWO_SIGMA, chi_square_quantile
from lbp_rehab.training import loop
from lbp_rehab.training.batches import (
    POINT_NAMES,
    Bursts,
    bone_lengths,
    inputs,
    mirrored,
    raw,
)  # fmt: skip
from lbp_rehab.training.lifter import Inputs, Lifter, Outputs
from lbp_rehab.training.spread import sigma_of, sigma_scale, squared_distance, student

BURSTS_A_STEP = 48
TRAINED_FRAMES = 2  # of a burst at a time
PEAK_RATE = 1e-3
FORGOTTEN = 0.15  # how often a burst that is varied loses its last answer
FIRST_SHARE = 0.2  # of the rate, for the first guess, which was taught before
FACE = [i for i, n in enumerate(POINT_NAMES) if any(w in n for w in ("eye", "mouth"))]
FINGERS = [i for i, n in enumerate(POINT_NAMES) if n[2:] in ("pinky", "index", "thumb")]
MAIN = POINT_INDEX.tolist()  # the points that the benchmark judges


def weights() -> Tensor:
    """Return how much each point counts."""
    w = torch.ones(len(POINT_NAMES))
    w[FACE], w[FINGERS], w[-4:] = 0.3, 0.4, 1.3
    return w / w.mean()


def _off(out: Outputs, axes: Tensor, truth: Tensor) -> Tensor:
    """Return truth less estimate in the axes of the factors, (n, points, 3)."""
    return (truth - out.position) @ axes.transpose(1, 2)


def loss_of(out: Outputs, given: Inputs, item: dict[str, Tensor], w: Tensor) -> Tensor:
    """Return the loss of a batch of frames."""
    truth = item["truth"]

    def size(p: Tensor) -> Tensor:
        return (((p - truth) ** 2).sum(dim=-1) + 1e-5).sqrt()

    far = size(out.position) * 10.0 + 4.0 * size(out.first)
    lengths, true_lengths = bone_lengths(out.position), bone_lengths(truth)
    seen = torch.stack([item["seen"], item["covered"]], dim=-1)
    told = torch.nn.functional.binary_cross_entropy_with_logits(out.seen, seen)
    return (
        (far * w).mean()
        + 0.1 * (student(out.factor, _off(out, given.axes, truth)) * w).mean()
        + 2.0 * (lengths - true_lengths).abs().mean()
        + 0.1 * told
    )


def walk(
    net: Lifter,
    item: dict[str, Tensor],
    rng: torch.Generator,
    *,
    varied: bool,
    forgotten: float,
    half: bool,
) -> Iterator[tuple[Inputs, dict[str, Tensor], Outputs, Tensor]]:
    """Go through bursts frame by frame, each with the last answer.

    Parameters
    ----------
    item : dict of Tensor
        Of `raw`, shape (n, steps, ...).
    varied : bool
        Whether the frames are varied.
    forgotten : float
        How often a burst loses its last answer, a step.
    half : bool
        Whether the network computes in bfloat16.

    Yields
    ------
    given : Inputs
    frame : dict of Tensor
        The item of this step as it was varied.
    out : Outputs
    sigma : Tensor
        Metres, (n, POINTS).
    """
    last: Tensor | None = None
    for step in range(item["dt"].shape[1]):
        given, frame = inputs({k: v[:, step] for k, v in item.items()}, rng, varied)
        if last is not None:
            if forgotten > 0.0:
                forget = torch.rand(len(last), generator=rng) < forgotten
                last = last * (~forget).float()[:, None, None]
            elapsed = item["dt"][:, step : step + 1] * last[:, :1, 4]
            given = given._replace(last=last, elapsed=elapsed)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            out = net(*given)
        out = Outputs(*[o.float() for o in out])
        sigma = sigma_of(out.factor.detach())
        known = torch.ones_like(sigma)
        last = torch.cat([out.position.detach(), torch.stack([sigma, known], dim=-1)], dim=-1)
        yield given, frame, out, sigma


def run_bursts(
    net: Lifter, batch: dict[str, Tensor], rng: torch.Generator, *, w: Tensor | None = None
) -> tuple[Tensor, list[Tensor], list[Outputs]]:
    """Return what the lifter makes of bursts, and how far off that is.

    Parameters
    ----------
    batch : dict of Tensor
        Of `Bursts.take`, shape (n, steps, ...).
    w : Tensor, optional
        Weights of the points: the frames are varied and the loss is found; None to look only.

    Returns
    -------
    loss : Tensor
        Mean over the frames.
    errors : list of Tensor
        Distances in metres, (n, POINTS), of each step.
    outs : list of Outputs
    """
    varied = w is not None
    item = raw(batch)
    n, steps = item["dt"].shape
    if varied:
        item = mirrored(item, torch.rand(n, generator=rng) < 0.5)
    total, errors, outs = torch.zeros(()), [], []
    forgotten = FORGOTTEN if varied else 0.0
    for given, frame, out, _ in walk(
        net, item, rng, varied=varied, forgotten=forgotten, half=net.training
    ):
        if w is not None:
            total = total + loss_of(out, given, frame, w) / steps
        errors.append((out.position - frame["truth"]).norm(dim=-1).detach())
        outs.append(out)
    return total, errors, outs


def squared_distances(
    net: Lifter, batch: dict[str, Tensor], rng: torch.Generator, out: Outputs | None = None
) -> Tensor:
    """Return the squared Mahalanobis distance of the truth at the last frames, (n, POINTS).

    ``out`` is what the lifter said of them, if that is known.
    """
    if out is None:
        out = run_bursts(net, batch, rng)[2][-1]
    axes = inputs({n: v[:, -1] for n, v in raw(batch).items()}, rng, False)[0].axes
    return squared_distance(out.factor, _off(out, axes, batch["truth"][:, -1]))


@torch.no_grad()
def evaluate(net: Lifter, data: Bursts, limit: int = 400) -> dict[str, float]:
    """Return errors on bursts that are not trained on, first and last frame of each."""
    net.eval()
    rng = torch.Generator().manual_seed(1)
    first, last, squared = [], [], []
    for batch in data.chunks(limit):
        _, errors, outs = run_bursts(net, batch, rng)
        first.append(errors[0])
        last.append(errors[-1])
        squared.append(squared_distances(net, batch, rng, outs[-1]))
    net.train()
    a, b, m = torch.cat(first), torch.cat(last), torch.cat(squared)
    return {
        "first_mm": float(a[:, MAIN].mean() * 1e3),
        "last_mm": float(b[:, MAIN].mean() * 1e3),
        "last_median_mm": float(b[:, MAIN].median() * 1e3),
        "pelvis_mm": float(b[:, -4:].mean() * 1e3),
        "one_sigma": float((m[:, MAIN] < chi_square_quantile(ONE_SIGMA, 3)).float().mean()),
        "two_sigma": float((m[:, MAIN] < chi_square_quantile(TWO_SIGMA, 3)).float().mean()),
    }


@torch.no_grad()
def scale_of(net: Lifter, unseen: Bursts) -> float:
    """Return the scale of the lifter's sigmas."""
    rng, squared = torch.Generator().manual_seed(1), []
    for batch in unseen.chunks(len(unseen)):
        squared.append(squared_distances(net, batch, rng)[:, MAIN])
    return sigma_scale(torch.cat(squared).flatten(), 3)


def main() -> None:
    """Train all of the lifter, its first guess with a smaller rate."""
    parser = loop.options(__doc__, 20000, PEAK_RATE)
    parser.add_argument("--first", type=Path, help="weights of the first guess")
    wanted = parser.parse_args()
    torch.manual_seed(0)
    order = np.random.default_rng(0)
    net, w = Lifter(), weights()
    if wanted.first:
        net.first.load_state_dict(torch.load(wanted.first, weights_only=True)["net"])
    rng = loop.begin(net, wanted.start, wanted.threads)
    data, unseen = (Bursts(loop.shards(f)) for f in (wanted.folder, wanted.validation))

    def one_step(step: int) -> tuple[Tensor, float]:
        if step % 250 == 249:  # a folder that is still being filled
            data.add(loop.shards(wanted.folder))
        batch = data.draw(order, BURSTS_A_STEP, TRAINED_FRAMES)
        loss, errors, _ = run_bursts(net, batch, rng, w=w)
        return loss, float(torch.stack(errors)[..., MAIN].mean() * 1e3)

    def check(mean: nn.Module) -> str:
        assert isinstance(mean, Lifter)
        figures = {k: round(v, 3) for k, v in evaluate(mean, unseen).items()}
        return f"{len(data)} bursts {json.dumps(figures)}"

    taught = list(net.first.parameters())
    others = [p for name, p in net.named_parameters() if not name.startswith("first.")]
    groups = [{"params": others, "share": 1.0}, {"params": taught, "share": FIRST_SHARE}]
    loop.train(net, wanted, one_step, check, groups)


if __name__ == "__main__":
    main()
