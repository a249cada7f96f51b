"""``python -m lbp_rehab.training.make FOLDER``: everything behind the shipped networks, in one go.

Draws the examples, trains the lifter's first guess, the lifter and the pelvis head, sets their
sigmas right on scenes that were not trained on, and writes ``lifter.onnx`` and ``pelvis.onnx``
into the folder. Steps that are already done there are not done again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import torch

from lbp_rehab.bench.metrics import ONE_SIGMA, chi_square_quantile
from lbp_rehab.training import train_lifter, train_pelvis
from lbp_rehab.training.batches import KEYS, Bursts
from lbp_rehab.training.export import export
from lbp_rehab.training.lifter import Lifter
from lbp_rehab.training.loop import shards
from lbp_rehab.training.pelvis import PelvisHead
from lbp_rehab.training.train_pelvis import CHECKED_BURSTS

VALIDATION_FIRST = 900_000  # seed of the first scene that is only looked at


def sigma_scale(squared: torch.Tensor, dimensions: int) -> float:
    """Return by what sigmas must be multiplied to hold 68.3 % of the truth.

    Parameters
    ----------
    squared : Tensor, shape (n,)
        Squared Mahalanobis distances of the truth.
    """
    wanted = chi_square_quantile(ONE_SIGMA, dimensions)
    return float((torch.quantile(squared, ONE_SIGMA) / wanted).sqrt())


@torch.no_grad()
def lifter_scale(net: Lifter, unseen: Bursts) -> float:
    """Return the scale of the lifter's sigmas."""
    rng, squared = torch.Generator().manual_seed(1), []
    for batch in unseen.chunks(CHECKED_BURSTS):
        squared.append(train_lifter.squared_distances(net, batch, rng)[:, train_lifter.MAIN])
    return sigma_scale(torch.cat(squared).flatten(), 3)


@torch.no_grad()
def pelvis_scale(head: PelvisHead, lifter: Lifter, unseen: Bursts) -> float:
    """Return the scale of the head's sigmas."""
    rng, squared = torch.Generator().manual_seed(1), []
    for batch in unseen.chunks(CHECKED_BURSTS):
        _, off, outs = train_pelvis.run_bursts(head, lifter, batch, rng, varied=False)
        squared.append(train_pelvis.turn_distance(outs[-1], off[-1]))
    return sigma_scale(torch.cat(squared), 3)


def finish(folder: Path) -> None:
    """Set the sigmas right and write the two networks."""
    lifter, head = Lifter().eval(), PelvisHead().eval()
    lifter.load_state_dict(torch.load(folder / "lifter.pt", weights_only=True)["net"])
    head.load_state_dict(torch.load(folder / "pelvis.pt", weights_only=True)["net"])
    unseen = Bursts(shards(folder / "validation"), (*KEYS, "pelvic_depth", "pelvic_region"))
    scales = lifter_scale(lifter, unseen), pelvis_scale(head, lifter, unseen)
    for name, net, scale in (("lifter", lifter, scales[0]), ("pelvis", head, scales[1])):
        apart = export(name, net, folder / f"{name}.onnx", scale)
        print(f"{name}: sigmas times {scale:.3f}; torch and onnxruntime {apart:.1e} apart")


def main() -> None:
    """Do what is not yet done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=6000, help="24 frames each")
    parser.add_argument("--validation-scenes", type=int, default=100)
    parser.add_argument("--first-steps", type=int, default=20000)
    parser.add_argument("--lifter-steps", type=int, default=20000)
    parser.add_argument("--pelvis-steps", type=int, default=15000)
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    folder, jobs = wanted.folder, str(wanted.jobs)
    train, unseen = folder / "train", folder / "validation"
    _run("dataset", str(train), "--scenes", str(wanted.scenes), "--jobs", jobs)
    _run("dataset", str(unseen), "--first", str(VALIDATION_FIRST),
         "--scenes", str(wanted.validation_scenes), "--jobs", jobs)  # fmt: skip
    first, lifter, pelvis = (folder / f"{n}.pt" for n in ("first", "lifter", "pelvis"))
    for module, out, steps, others in (
        ("first", first, wanted.first_steps, []),
        ("train_lifter", lifter, wanted.lifter_steps, ["--first", str(first)]),
        ("train_pelvis", pelvis, wanted.pelvis_steps, ["--lifter", str(lifter)]),
    ):
        if not out.exists():
            part = out.with_suffix(".part")
            _run(module, str(train), str(part), "--validation", str(unseen),
                 "--steps", str(steps), "--threads", jobs, *others)  # fmt: skip
            part.rename(out)
    finish(folder)


def _run(module: str, *arguments: str) -> None:
    """Run a part in a process of its own, whose memory goes with it."""
    subprocess.run([sys.executable, "-m", f"lbp_rehab.training.{module}", *arguments], check=True)


if __name__ == "__main__":
    main()
