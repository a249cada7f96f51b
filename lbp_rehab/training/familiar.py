"""Poses that occur in each exercise: what is unlike all of them is none of the exercises.

A classifier looks only at what tells its classes apart, and so takes a squat for a forward bend.
Whether a pose occurs in an exercise at all is asked separately, of typical poses of each.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lbp_rehab.recognition.classes import EXERCISES, NONE
from lbp_rehab.recognition.observation import JOINTS
from lbp_rehab.training.windows import Windows

POSES = 160  # typical poses of an exercise
LOOKED_AT = (4, 9, 14, 19, 24, 29)  # steps of a window
_ROUNDS = 8  # of k-means
_MOST = 6000  # poses of an exercise that k-means sees
_N = len(JOINTS)


class Familiar(nn.Module):
    """How far a window's poses are from those of each exercise: (n, CHANNELS, STEPS) -> (n, NONE).

    The root mean square over the known joints of the distance to the nearest typical pose, in
    statures; of the steps that are looked at the second farthest counts.
    """

    typical: Tensor

    def __init__(self, typical: NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("typical", torch.tensor(typical))  # (NONE, POSES, 15 * 3)

    def forward(self, window: Tensor) -> Tensor:
        """Return the distances of a batch of windows."""
        some = window[:, :, list(LOOKED_AT)].transpose(1, 2)  # (n, k, CHANNELS)
        known = some[..., 6 * _N : 7 * _N].repeat_interleave(3, dim=-1)
        points = 0.5 * some[..., : 3 * _N] * known
        flat = self.typical.flatten(0, 1)
        # |p - q|^2 over the known joints alone, without the (n, k, NONE, POSES, 45) differences.
        square = (points**2).sum(dim=-1, keepdim=True) - 2.0 * points @ flat.T
        square = square + known @ (flat**2).T
        mean = square / (known.sum(dim=-1, keepdim=True) / 3.0).clamp(min=1.0)
        nearest = mean.unflatten(-1, (NONE, -1)).amin(dim=-1).clamp(min=0.0).sqrt()
        # A step of which nothing is known is no evidence of anything.
        nearest = nearest * (known.sum(dim=-1, keepdim=True) > 0)
        return nearest.topk(2, dim=1).values[:, 1]


def typical_poses(data: Windows) -> Familiar:
    """Return typical poses of each exercise and of the rests in it, by k-means."""
    rng = np.random.default_rng(0)
    out = []
    for exercise in EXERCISES:
        rows = np.flatnonzero(data.name == exercise)
        steps = data.inputs[rows][:, :, ::5].astype(np.float32).transpose(0, 2, 1)
        steps = steps.reshape(-1, steps.shape[-1])
        whole = steps[steps[:, 6 * _N : 7 * _N].all(axis=1)]
        poses = 0.5 * whole[:, : 3 * _N]
        poses = poses[rng.permutation(len(poses))[:_MOST]]
        out.append(_means(poses, rng))
    return Familiar(np.array(out, np.float32))


def _means(poses: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the centres of clusters, shape (POSES, 45)."""
    centres = poses[rng.integers(len(poses), size=POSES)]
    for _ in range(_ROUNDS):
        square = (centres**2).sum(axis=1) - 2.0 * poses @ centres.T
        nearest = square.argmin(axis=1)
        for k in range(POSES):
            own = poses[nearest == k]
            if len(own):
                centres[k] = own.mean(axis=0)
    return centres


@torch.no_grad()
def distances(familiar: Familiar, data: Windows) -> NDArray[np.float32]:
    """Return the distances of all windows, (n, NONE)."""
    parts = torch.from_numpy(data.inputs).split(512)
    return np.concatenate([familiar(p.float()).numpy() for p in parts])


def thresholds(
    familiar: Familiar, unseen: Windows, share: float, spare: float
) -> NDArray[np.float64]:
    """Return how far the exercises' own windows of people not trained on are, shape (NONE,).

    Parameters
    ----------
    share : float
        Share of an exercise's windows that are farther.
    spare : float
        Factor on it, for what people do that was not drawn.
    """
    far = distances(familiar, unseen)
    own = [far[unseen.label == k, k] for k in range(NONE)]
    return np.array([spare * np.quantile(d, 1.0 - share) if len(d) else np.inf for d in own])
