"""``python -m lbp_rehab.training.train_matching MOTIONS ESTIMATED OUT.onnx``: how alike two are.

A Siamese network (Bromley et al. 1993): both repetitions go through the same weights, and the
distance of their embeddings is taught to be the severity of the faults by which one of them
differs from a clean one, of the same person or of another.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lbp_rehab.errors import InputError
from lbp_rehab.matching.reference import Reference, write_references
from lbp_rehab.matching.repetition import CHANNELS, PHASES, Repetition, channels, repetition
from lbp_rehab.pose.network import Network
from lbp_rehab.recognition.classes import EXERCISES
from lbp_rehab.recognition.frame import mirrored
from lbp_rehab.recognition.observation import Course
from lbp_rehab.synthetic.motion.programs import program
from lbp_rehab.training.errors import Errors
from lbp_rehab.training.motions import Example, load_all
from lbp_rehab.training.onnx_file import check, difference, write

WIDTH, EMBEDDING = 64, 32
GROUPS, EXERCISES_AT_ONCE = 8, 4  # sets of each exercise in a step
PEAK_RATE = 2e-3
_EDGE_S = 0.15  # by which a scorer may miss start and end
KEPT = 10  # one set in so many calibrates
_ONE_SIGMA = 0.683
_TINY = 1e-6
FOREIGN = 1.5  # least distance of repetitions of two exercises
CLEAN = 0.15  # distance of two clean repetitions, which are never the same
_RANK = 0.1  # difference of distances that counts as clearly ranked


@dataclass(frozen=True)
class Repetitions:
    """``n`` repetitions.

    Attributes
    ----------
    inputs : ndarray, shape (n, CHANNELS, PHASES)
    severity : ndarray, shape (n,)
    exercise, group : ndarray of int, shape (n,)
        Those of one group are of the same person, set and errors.
    side : ndarray of int, shape (n,)
        1 where the right side works.
    """

    inputs: NDArray[np.float16]
    severity: NDArray[np.float32]
    exercise: NDArray[np.int64]
    group: NDArray[np.int64]
    side: NDArray[np.int64]


def repetitions_of(
    example: Example, course: Course, rng: np.random.Generator | None = None
) -> list[tuple[Repetition, float, int]]:
    """Return a set's repetitions with severity and side (1: right); ends varied if ``rng``."""
    out = []
    for made in example.made:
        edge = rng.normal(0.0, _EDGE_S, 2) * 1e9 if rng is not None else np.zeros(2)
        try:
            given = repetition(course, made.start_ns + int(edge[0]), made.end_ns + int(edge[1]))
        except InputError:
            continue
        out.append((given, made.severity, int(made.side == "right")))
    return out


def gather(
    motions: Sequence[Example], estimated: Sequence[Example], errors: Errors, passes: int, seed: int
) -> Repetitions:
    """Return the repetitions to learn from: each set several times, with other errors."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[NDArray[np.float16], float, int, int, int]] = []
    group = 0
    for _ in range(passes):
        for example in [*motions, *estimated]:
            if example.name not in EXERCISES:
                continue
            course = example.course if example.true else errors.lend(example, rng)
            flip = bool(rng.uniform() < 0.5)
            for given, severity, side in repetitions_of(example, course, rng):
                stretch = mirrored(given.stretch) if flip else given.stretch
                seen = channels(Repetition(stretch, given.duration_s))
                rows.append((seen.astype(np.float16), severity,
                             EXERCISES.index(example.name), group, side ^ int(flip)))  # fmt: skip
            group += 1
    return Repetitions(
        np.array([r[0] for r in rows]),
        np.array([r[1] for r in rows], np.float32),
        np.array([r[2] for r in rows]),
        np.array([r[3] for r in rows]),
        np.array([r[4] for r in rows]),
    )


class Embedder(nn.Module):
    """A repetition's place among others: (n, CHANNELS, PHASES) -> (n, EMBEDDING)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(CHANNELS, WIDTH, 1), nn.BatchNorm1d(WIDTH), nn.GELU())
        self.over_time = nn.Sequential(
            *[
                layer
                for stride in (1, 2, 2)
                for layer in (
                    nn.Conv1d(WIDTH, WIDTH, 5, stride=stride, padding=2),
                    nn.BatchNorm1d(WIDTH),
                    nn.GELU(),
                )
            ]
        )
        # Smooth: with kinks all clean repetitions fall on one point, and mild faults with them.
        self.last = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(WIDTH * PHASES // 4, 2 * WIDTH),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(2 * WIDTH, EMBEDDING),
        )

    def forward(self, repetition: Tensor) -> Tensor:
        """Return the embeddings of a batch."""
        embedding: Tensor = self.last(self.over_time(self.first(repetition)))
        return embedding


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Return the Euclidean distances of embeddings, with a slope that is finite at 0, (n,)."""
    return ((a - b).pow(2).sum(dim=-1) + _TINY).sqrt()


class Batches:
    """Draws groups with a clean reference each: one of their own, and one of another person."""

    def __init__(self, data: Repetitions, seed: int) -> None:
        self.data, self.rng = data, np.random.default_rng(seed)
        self.members: dict[int, list[NDArray[np.int64]]] = {}
        for group in np.unique(data.group):
            rows = np.flatnonzero(data.group == group)
            self.members.setdefault(int(data.exercise[rows[0]]), []).append(rows)
        clean = data.severity == 0.0
        self.clean = {
            (e, s): np.flatnonzero(clean & (data.exercise == e) & (data.side == s))
            for e in self.members
            for s in (0, 1)
        }

    def draw(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return references, repetitions, and of which list (exercise, reference) each pair is."""
        references, rows, lists = [], [], []
        data, rng = self.data, self.rng
        some = rng.choice(list(self.members), size=EXERCISES_AT_ONCE, replace=False)
        for k, exercise in enumerate(some):
            groups = self.members[int(exercise)]
            for g in rng.integers(len(groups), size=GROUPS):
                for row in groups[int(g)]:
                    mine = groups[int(g)]
                    own = mine[(data.severity[mine] == 0.0) & (data.side[mine] == data.side[row])]
                    own = own[own != row]
                    others = self.clean[int(exercise), int(data.side[row])]
                    for kind, pool in enumerate((own, others)):
                        if len(pool):
                            references.append(int(pool[int(rng.integers(len(pool)))]))
                            rows.append(int(row))
                            lists.append(2 * k + kind)
        return np.array(references), np.array(rows), np.array(lists)


def loss_of(distance: Tensor, severity: Tensor, lists: Tensor) -> Tensor:
    """Return how far distances are from the severities, in size and in rank within each list."""
    size = nn.functional.smooth_l1_loss(distance, CLEAN + severity, beta=0.1)
    apart = severity[:, None] - severity[None]
    pairs = (apart > 0.05) & (lists[:, None] == lists[None])
    gap = (distance[:, None] - distance[None])[pairs] / _RANK
    rank = (apart[pairs].clamp(max=0.5) * nn.functional.softplus(-gap)).mean()
    return size + rank


def fit(data: Repetitions, steps: int, seed: int = 0) -> Embedder:
    """Train a network."""
    torch.manual_seed(seed)
    net = Embedder().train()
    batches = Batches(data, seed)
    inputs, severity = torch.from_numpy(data.inputs), torch.from_numpy(data.severity)
    optimiser = torch.optim.AdamW(net.parameters(), PEAK_RATE, weight_decay=0.05)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    for _ in range(steps):
        references, rows, lists = batches.draw()
        needed, where = np.unique(np.concatenate([references, rows]), return_inverse=True)
        embedded = net(inputs[torch.from_numpy(needed)].float())
        ours = torch.from_numpy(where)
        a, b = embedded[ours[: len(references)]], embedded[ours[len(references) :]]
        wanted = severity[torch.from_numpy(rows)]
        loss = loss_of(distances(a, b), wanted, torch.from_numpy(lists))
        # Another exercise is farther than any fault.
        mixed = torch.from_numpy(batches.rng.permutation(len(rows)))
        foreign = torch.from_numpy(data.exercise[rows] != data.exercise[rows[mixed.numpy()]])
        loss = loss + torch.relu(FOREIGN - distances(b, b[mixed]))[foreign].mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        rate.step()
    return net.eval()


class _Calibrated(nn.Module):
    """The network with its calibration as a second output."""

    calibration: Tensor

    def __init__(self, net: Embedder, calibration: NDArray[np.float64]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("calibration", torch.tensor(calibration, dtype=torch.float32))

    def forward(self, repetition: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.net(repetition)
        return embedding, self.calibration + 0.0 * embedding[:, :1]


@torch.no_grad()
def embeddings(net: Embedder, data: Repetitions) -> Tensor:
    """Return the embeddings of all repetitions, (n, EMBEDDING)."""
    net.eval()
    return torch.cat([net(p.float()) for p in torch.from_numpy(data.inputs).split(1024)])


def calibrate(net: Embedder, unseen: Repetitions, seed: int = 0) -> NDArray[np.float64]:
    """Return floor, full, base and slope from people that were not trained on, shape (4,).

    ``floor`` is the median distance of two clean repetitions; ``full`` what a distance comes to
    at severity 1 by a straight line; the 1-sigma of a distance d about that line is
    ``hypot(base, slope d)``, from the spreads below and above the median severity.
    """
    batches = Batches(unseen, seed)
    drawn = [batches.draw() for _ in range(40)]
    references = torch.from_numpy(np.concatenate([d[0] for d in drawn]))
    rows = torch.from_numpy(np.concatenate([d[1] for d in drawn]))
    all_ = embeddings(net, unseen)
    far = (all_[references] - all_[rows]).norm(dim=-1).numpy().astype(float)
    severity = unseen.severity[rows.numpy()].astype(float)
    slope, start = np.polyfit(severity, far, 1)
    spread = np.abs(far - (start + slope * severity))
    clean = severity == 0.0
    base = float(np.quantile(spread[clean], _ONE_SIGMA))
    floor = float(np.median(far[clean]))
    grows = np.quantile(spread[~clean], _ONE_SIGMA) ** 2 - base**2
    steep = float(np.sqrt(max(grows, 0.0)) / np.sqrt(np.mean(far[~clean] ** 2)))
    return np.array([floor, max(float(start + slope), floor + 0.1), base, steep])


def demonstrations(net: Embedder, motions: Sequence[Example]) -> list[Reference]:
    """Return of each exercise the clean true repetition that is most like all other clean ones."""
    out = []
    for exercise in EXERCISES:
        clean = [
            given
            for example in motions
            if example.name == exercise
            for given, severity, side in repetitions_of(example, example.course)
            if severity == 0.0 and side == 0
        ]
        inputs = torch.from_numpy(np.array([channels(given) for given in clean]))
        with torch.no_grad():
            embedded = net(inputs)
        middle = int(torch.cdist(embedded, embedded).mean(dim=1).argmin())
        side = "left" if program(exercise).one_sided else "none"
        out.append(Reference(exercise, side, "synthetic demonstration", clean[middle]))
    return out


def export(net: Embedder, calibration: NDArray[np.float64], path: Path) -> float:
    """Write a network; return by how much torch and onnxruntime differ.

    Raises
    ------
    ValueError
        If the two differ by more than `TOLERANCE`.
    """
    whole = _Calibrated(net, calibration).eval()
    given = torch.randn(1, CHANNELS, PHASES, generator=torch.Generator().manual_seed(0))
    example = {"repetition": given}
    write(whole, example, ["embedding", "calibration"], path)
    return check(difference(whole, example, Network(path)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("motions", type=Path, help="folder of training.motions")
    parser.add_argument("estimated", type=Path, help="folder of training.estimated")
    parser.add_argument("out", type=Path)
    parser.add_argument("--passes", type=int, default=4, help="over the sets, with other errors")
    parser.add_argument("--steps", type=int, default=3000)
    wanted = parser.parse_args(arguments)
    torch.set_num_threads(1)
    motions, estimated = load_all(wanted.motions), load_all(wanted.estimated)
    errors = Errors(estimated)
    kept = [m for k, m in enumerate(motions) if k % KEPT]
    data = gather(kept, estimated, errors, wanted.passes, 0)
    unseen = gather(motions[::KEPT], [], errors, 1, 1)
    print(f"{len(data.severity)} repetitions of {data.group.max() + 1} sets")
    net = fit(data, wanted.steps)
    torch.save({"net": net.state_dict()}, wanted.out.with_suffix(".pt"))
    calibration = calibrate(net, unseen)
    print(f"floor, full, base, slope: {calibration.round(3).tolist()}")
    apart = export(net, calibration, wanted.out)
    print(f"torch and onnxruntime differ by {apart:.1e}")
    write_references(wanted.out.with_suffix(".json"), demonstrations(net, kept))


if __name__ == "__main__":
    main()
