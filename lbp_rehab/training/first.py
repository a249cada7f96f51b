"""``python -m lbp_rehab.training.first SHARDS OUT``: teach the lifter its first guess.

The perceptron needs of the depth image only the readings at the landmarks, which are taken out
once; so it sees a hundred times as many examples in the same time as the whole lifter does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lbp_rehab.training import loop
from lbp_rehab.training.batches import Bursts, bone_lengths, inputs, mirrored, raw, thinned
from lbp_rehab.training.imagined import imagined
from lbp_rehab.training.lifter import FirstGuess, Inputs, Lifter
from lbp_rehab.training.train_lifter import MAIN, weights

FRAMES_A_STEP = 512
PEAK_RATE = 1.5e-3


class Thin:
    """Frames without images, all in memory; more are read as their shards are finished."""

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self.frames: dict[str, Tensor] = {}

    def add(self, paths: list[Path]) -> None:
        """Read those shards that are not yet here."""
        for path in paths:
            if path in self._paths:
                continue
            self._paths.append(path)
            batch = Bursts([path])
            whole = raw(batch.take(np.arange(len(batch))))
            flat = {k: v.flatten(0, 1) for k, v in whole.items()}
            thin = thinned(flat)
            self.frames = {
                k: torch.cat([self.frames[k], v]) if self.frames else v for k, v in thin.items()
            }

    def __len__(self) -> int:
        return len(self.frames["dt"])


def guess(
    net: FirstGuess, item: dict[str, Tensor], rng: torch.Generator, varied: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the guess in optical metres, and the frames as they were varied."""
    given, frame = inputs(item, rng, varied)
    local = (frame["spot"] - given.centre[:, None]) @ given.axes.transpose(1, 2)
    there = frame["anchored"][..., None]
    known = Lifter.gather(given, local * there, there)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=varied):
        found = net(known)
    return _optical(found.float(), given), frame


def _optical(local: Tensor, given: Inputs) -> Tensor:
    return local @ given.axes + given.centre[:, None]


def loss_of(found: Tensor, truth: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss and each point's distance from the truth in metres."""
    error = ((found - truth).pow(2).sum(-1) + 1e-5).sqrt()
    lengths, true_lengths = bone_lengths(found), bone_lengths(truth)
    return 10.0 * (error * w).mean() + 2.0 * (lengths - true_lengths).abs().mean(), error.detach()


def main() -> None:
    """Train, half on rendered frames, half on their poses seen from elsewhere."""
    wanted = loop.options(__doc__, 15000, PEAK_RATE).parse_args()
    torch.manual_seed(0)
    net, w = FirstGuess(), weights()
    rng = loop.begin(net, wanted.start, wanted.threads)
    data, unseen = Thin(), Thin()
    data.add(loop.shards(wanted.folder))
    unseen.add(loop.shards(wanted.validation))
    n = FRAMES_A_STEP // 2

    def one_step(step: int) -> tuple[Tensor, float]:
        if step % 500 == 499:  # a folder that is still being filled
            data.add(loop.shards(wanted.folder))
        index = torch.randint(len(data), (2 * n,), generator=rng)
        item = {k: v[index] for k, v in data.frames.items()}
        item["no_heat"] = torch.zeros(2 * n, dtype=torch.bool)
        made = imagined({k: v[:n] for k, v in item.items()}, rng)
        item = {k: torch.cat([made[k], v[n:]]) for k, v in item.items()}
        item = mirrored(item, torch.rand(2 * n, generator=rng) < 0.5)
        found, frame = guess(net, item, rng, True)
        loss, error = loss_of(found, frame["truth"], w)
        return loss, float(error[n:, MAIN].mean() * 1e3)

    @torch.no_grad()
    def check(mean: nn.Module) -> str:
        assert isinstance(mean, FirstGuess)
        found, frame = guess(mean, unseen.frames, rng, False)
        off = (found - frame["truth"]).norm(dim=-1)[:, MAIN] * 1e3
        return f"{len(data)} frames, unseen {off.mean():.1f} mm, median {off.median():.1f}"

    loop.train(net, wanted, one_step, check)


if __name__ == "__main__":
    main()
