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

from lbp_rehab.training import train_lifter, train_pelvis
from lbp_rehab.training.batches import KEYS, Bursts
from lbp_rehab.training.export import export
from lbp_rehab.training.lifter import Lifter
from lbp_rehab.training.loop import shards
from lbp_rehab.training.pelvis import PelvisHead

SURFACES_FIRST = 20_000  # seed of the first scene of surfaces alone
VALIDATION_FIRST = 900_000  # seed of the first scene that is only looked at


def finish(folder: Path) -> None:
    """Set the sigmas right and write the two networks."""
    lifter, head = Lifter().eval(), PelvisHead().eval()
    lifter.load_state_dict(torch.load(folder / "lifter.pt", weights_only=True)["net"])
    head.load_state_dict(torch.load(folder / "pelvis.pt", weights_only=True)["net"])
    validation = folder / "validation"
    unseen = Bursts(shards(validation), KEYS)
    of_lifter = train_lifter.scale_of(lifter, unseen)
    views = train_pelvis.unseen_views(lifter, validation, of_lifter)
    scales = of_lifter, train_pelvis.scale_of(head, views)
    for name, net, scale in (("lifter", lifter, scales[0]), ("pelvis", head, scales[1])):
        apart = export(name, net, folder / f"{name}.onnx", scale)
        print(f"{name}: sigmas times {scale:.3f}; torch and onnxruntime {apart:.1e} apart")


def main() -> None:
    """Do what is not yet done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=6000, help="24 frames each")
    parser.add_argument("--surface-scenes", type=int, default=4000, help="48 views each")
    parser.add_argument("--validation-scenes", type=int, default=100)
    parser.add_argument("--first-steps", type=int, default=20000)
    parser.add_argument("--lifter-steps", type=int, default=20000)
    parser.add_argument("--pelvis-steps", type=int, default=7000)
    parser.add_argument("--jobs", type=int, default=2)
    wanted = parser.parse_args()
    folder, jobs = wanted.folder, str(wanted.jobs)
    train, unseen, surfaces = (folder / n for n in ("train", "validation", "surfaces"))
    _run("dataset", str(train), "--scenes", str(wanted.scenes), "--jobs", jobs)
    _run("dataset", str(surfaces), "--surfaces", "--first", str(SURFACES_FIRST),
         "--scenes", str(wanted.surface_scenes), "--jobs", jobs)  # fmt: skip
    _run("dataset", str(unseen), "--first", str(VALIDATION_FIRST),
         "--scenes", str(wanted.validation_scenes), "--jobs", jobs)  # fmt: skip
    first, lifter, pelvis = (folder / f"{n}.pt" for n in ("first", "lifter", "pelvis"))
    for module, out, steps, others in (
        ("first", first, wanted.first_steps, []),
        ("train_lifter", lifter, wanted.lifter_steps, ["--first", str(first)]),
        (
            "train_pelvis",
            pelvis,
            wanted.pelvis_steps,
            ["--lifter", str(lifter), "--surfaces", str(surfaces)],
        ),
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
