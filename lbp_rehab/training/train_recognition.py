"""``python -m lbp_rehab.training.train_recognition MOTIONS ESTIMATED OUT.onnx``: who does what."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lbp_rehab.pose.network import Network
from lbp_rehab.recognition.classes import CLASSES, EXERCISES, NONE, REST
from lbp_rehab.recognition.features import CHANNELS, STEPS
from lbp_rehab.training.errors import Errors
from lbp_rehab.training.familiar import Familiar, thresholds, typical_poses
from lbp_rehab.training.motions import Example, load_all
from lbp_rehab.training.onnx_file import check, difference, write
from lbp_rehab.training.windows import Windows, chimeras, cut, joined, of_true, transitions

WIDTH = 64
DILATIONS = (1, 2, 4)
BATCH = 256
PEAK_RATE = 2e-3
CHIMERAS = 0.12  # of the windows, beside them
KEPT = 10  # one set in so many is kept to choose the threshold with
# Shares of the exercises' windows that are refused as unlike what was taught, by their poses and by
# their energy. Chosen on kinds of motion that were left out of a training of its own.
REFUSED_POSES, REFUSED_ENERGY = 0.005, 0.01
SPARE = 1.3  # on the distance of poses at which that is so, for what was not drawn


class Block(nn.Module):
    """A residual convolution over time."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(WIDTH, WIDTH, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(WIDTH, WIDTH, 1)
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Return x and what the convolution adds, shape (n, WIDTH, STEPS)."""
        return x + self.mix(torch.relu(self.norm(self.over_time(x))))


class Recogniser(nn.Module):
    """Scores of the classes from the last seconds: (n, CHANNELS, STEPS) -> (n, CLASSES)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(CHANNELS, WIDTH, 1), nn.BatchNorm1d(WIDTH), nn.ReLU())
        self.blocks = nn.Sequential(*[Block(d) for d in DILATIONS])
        self.last = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(3 * WIDTH, WIDTH), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(WIDTH, CLASSES),
        )  # fmt: skip

    def forward(self, window: Tensor) -> Tensor:
        """Return the logits of a batch of windows."""
        x = self.blocks(self.first(window))
        pooled = torch.cat([x.mean(dim=-1), x.amax(dim=-1), x[..., -6:].mean(dim=-1)], dim=1)
        logits: Tensor = self.last(pooled)
        return logits


def weights_of(label: Tensor) -> Tensor:
    """Return weights by which each class counts about alike, (CLASSES,)."""
    counts = torch.bincount(label, minlength=CLASSES).float().clamp(min=1.0)
    weights = counts.mean() / counts
    # Each of the exercises against all that is none of them, which is far more varied.
    weights[NONE] *= 5.0
    weights[REST] *= 2.0
    return weights.clamp(max=20.0)


def fit(data: Windows, epochs: int, seed: int = 0) -> Recogniser:
    """Train a network."""
    torch.manual_seed(seed)
    net = Recogniser()
    order = np.random.default_rng(seed)
    inputs, label = torch.from_numpy(data.inputs), torch.from_numpy(data.label)
    weights = weights_of(label)
    steps = epochs * (len(label) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), PEAK_RATE, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    for _ in range(epochs):
        shuffled = torch.from_numpy(order.permutation(len(label)))
        for k in range(len(label) // BATCH):
            some = shuffled[k * BATCH : (k + 1) * BATCH]
            logits = net(inputs[some].float())
            loss = nn.functional.cross_entropy(logits, label[some], weights, label_smoothing=0.03)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            rate.step()
    return net.eval()


@torch.no_grad()
def logits_of(net: Recogniser, data: Windows) -> np.ndarray:
    """Return the logits of windows, (n, CLASSES)."""
    net.eval()
    parts = torch.from_numpy(data.inputs).split(2048)
    return np.concatenate([net(p.float()).numpy() for p in parts])


def gather(
    motions: Sequence[Example], estimated: Sequence[Example], errors: Errors, passes: int, seed: int
) -> Windows:
    """Return the windows to learn from."""
    rng = np.random.default_rng(seed)
    still = [e for e in motions if e.name in EXERCISES or "drawn" not in e.name]
    parts = []
    for _ in range(passes):
        parts.append(of_true(motions, errors, rng))
        parts.append(cut(estimated, [e.course for e in estimated], rng))
        between = transitions(still, 150, rng)
        parts.append(cut(between, [e.course for e in between], rng))
    windows = joined(parts)
    return joined([windows, chimeras(windows, round(CHIMERAS * len(windows.label)), rng)])


class _Rejecting(nn.Module):
    """The network with what its rejection needs: distances of poses, and the limits."""

    limits: Tensor

    def __init__(self, net: Recogniser, familiar: Familiar, limits: NDArray[np.float64]) -> None:
        super().__init__()
        self.net, self.familiar = net, familiar
        self.register_buffer("limits", torch.tensor(limits, dtype=torch.float32))

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = self.net(window)
        return logits, self.familiar(window), self.limits + 0.0 * logits[:, :1]


def least_energies(net: Recogniser, data: Windows) -> NDArray[np.float64]:
    """Return the free energy that all but `REFUSED_ENERGY` of an exercise's windows have, (NONE,).

    Each exercise has its own, since some are less sure than others even when right.
    """
    logits = torch.from_numpy(logits_of(net, data)[:, :NONE])
    energy = torch.logsumexp(logits, dim=1).numpy()
    own = [energy[data.label == k] for k in range(NONE)]
    return np.array([np.quantile(e, REFUSED_ENERGY) if len(e) else np.inf for e in own])


def export(net: Recogniser, familiar: Familiar, limits: NDArray[np.float64], path: Path) -> float:
    """Write a network with its limits; return by how much torch and onnxruntime differ.

    Raises
    ------
    ValueError
        If the two differ by more than `TOLERANCE`.
    """
    whole = _Rejecting(net, familiar, limits).eval()
    given = torch.randn(1, CHANNELS, STEPS, generator=torch.Generator().manual_seed(0))
    example = {"window": given}
    write(whole, example, ["logits", "far", "limits"], path)
    return check(difference(whole, example, Network(path)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("motions", type=Path, help="folder of training.motions")
    parser.add_argument("estimated", type=Path, help="folder of training.estimated")
    parser.add_argument("out", type=Path)
    parser.add_argument("--passes", type=int, default=2, help="over the motions, varied anew")
    parser.add_argument("--epochs", type=int, default=6)
    wanted = parser.parse_args(arguments)
    torch.set_num_threads(1)
    motions, estimated = load_all(wanted.motions), load_all(wanted.estimated)
    errors = Errors(estimated)
    kept = [m for k, m in enumerate(motions) if k % KEPT]
    data = gather(kept, estimated, errors, wanted.passes, 0)
    unseen = of_true(motions[::KEPT], errors, np.random.default_rng(1))
    print(f"{len(data.label)} windows of {len(motions)} and {len(estimated)} sets")
    net = fit(data, wanted.epochs)
    torch.save({"net": net.state_dict()}, wanted.out.with_suffix(".pt"))
    right = (logits_of(net, unseen).argmax(axis=1) == unseen.label).mean()
    print(f"{right:.3f} of the windows of other people are right")
    familiar = typical_poses(data)
    limits = np.append(
        thresholds(familiar, unseen, REFUSED_POSES, SPARE), least_energies(net, unseen)
    )
    print(f"limits {limits.round(3).tolist()}")
    print(f"torch and onnxruntime differ by {export(net, familiar, limits, wanted.out):.1e}")


if __name__ == "__main__":
    main()
