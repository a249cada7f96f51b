"""What every training does: a warm-up, a cosine, an average of the weights, a line of figures."""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

WARM_STEPS = 200
LAST_SHARE = 0.003  # of the peak rate, at the end
AVERAGED = 0.999
CLIP = 1.0
SAY_S = 120.0


def options(text: str | None, steps: int, rate: float) -> argparse.ArgumentParser:
    """Return the options that all trainings have."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("folder", type=Path, help="of the shards of training.dataset")
    parser.add_argument("out", type=Path, help="the weights")
    parser.add_argument("--validation", type=Path, required=True, help="shards to check with")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--rate", type=float, default=rate, help="at its peak")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def shards(folder: Path) -> list[Path]:
    """Return the finished shards of a folder, in order."""
    return sorted(folder.glob("t*_[0-9]*[0-9].npz"))


def begin(net: nn.Module, start: Path | None, threads: int) -> torch.Generator:
    """Make ready and return the generator of all that is random."""
    torch.set_num_threads(threads)
    if start:
        net.load_state_dict(torch.load(start, weights_only=True)["net"])
    return torch.Generator().manual_seed(0)


def train(
    net: nn.Module,
    wanted: argparse.Namespace,
    one_step: Callable[[int], tuple[Tensor, float]],
    check: Callable[[nn.Module], str],
    groups: Iterable[dict[str, Any]] | None = None,
) -> None:
    """Train and save the averaged weights.

    Parameters
    ----------
    net : Module
    wanted : Namespace
        Of `options`.
    one_step : callable
        ``one_step(step)``: the loss, and a figure to show.
    check : callable
        ``check(averaged)``: figures on examples that are not trained on, as text.
    groups : iterable of dict, optional
        ``params`` and the ``share`` of the rate that they learn with; all by default.
    """
    mean = copy.deepcopy(net)
    given = (
        [dict(g) for g in groups] if groups else [{"params": list(net.parameters()), "share": 1}]
    )
    optimiser = torch.optim.AdamW(given, wanted.rate, weight_decay=0.03)
    begun = said = time.monotonic()
    running = float("nan")
    for step in range(wanted.steps):
        wave = 0.5 * (1.0 + np.cos(np.pi * step / wanted.steps)) + LAST_SHARE
        warm = min(1.0, step / WARM_STEPS + 0.02)
        for group in optimiser.param_groups:
            group["lr"] = group["share"] * wanted.rate * warm * wave
        loss, figure = one_step(step)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        optimiser.step()
        share = 1.0 - min(AVERAGED, 1.0 - 1.0 / (step / 10 + 2))
        with torch.no_grad():
            for a, b in zip(mean.parameters(), net.parameters(), strict=True):
                a.lerp_(b, share)
        running = figure if step == 0 else 0.98 * running + 0.02 * figure
        if time.monotonic() - said > SAY_S or step == wanted.steps - 1:
            said = time.monotonic()
            minutes = (said - begun) / 60.0
            line = f"{minutes:.1f} min step {step + 1} training {running:.2f} {check(mean)}"
            print(line, file=sys.stderr, flush=True)
            torch.save({"net": mean.state_dict()}, wanted.out)
