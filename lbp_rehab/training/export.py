"""``python -m lbp_rehab.training.export WEIGHTS.pt OUT.onnx``: what onnxruntime runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from lbp_rehab.pelvis.head import BODY
from lbp_rehab.pelvis.surface_map import CHANNELS, COLUMNS, ROWS
from lbp_rehab.pose import lift
from lbp_rehab.pose.network import Network
from lbp_rehab.pose.skeleton import BONES
from lbp_rehab.training import lifter, pelvis
from lbp_rehab.training.onnx_file import check, difference, write

HALVED = 1024  # numbers in a weight that is kept in half precision
_SCALED = "factor"  # how the names of what a scale of the sigmas concerns end


class _Plain(nn.Module):
    """A network with what is published only, and with sigmas that were set right."""

    def __init__(self, net: nn.Module, outputs: tuple[str, ...], sigma_scale: float) -> None:
        super().__init__()
        self.net, self.outputs, self.sigma_scale = net, outputs, sigma_scale

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        out = self.net(*inputs)._asdict()
        for name in out:
            if name.endswith(_SCALED):
                out[name] = out[name] * self.sigma_scale
        return tuple(out[name] for name in self.outputs)


def _surface(side: int, g: torch.Generator) -> Tensor:
    """Return a smooth surface: a reading beside the right one is nearly the same."""
    a, b, c = (0.4 * torch.rand(3, generator=g)).tolist()
    line = torch.linspace(-1.0, 1.0, side)
    return (2.1 + a * line[None, :] + b * line[:, None] + c * line[None, :] * line[:, None])[None]


def lifter_example(seed: int) -> lifter.Inputs:
    """Return inputs of the lifter of plausible size."""
    g = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.rand(1, *shape, generator=g)

    n, side = lifter.JOINTS, lift.SIDE
    return lifter.Inputs(
        depth=_surface(side, g),
        rays=torch.tensor([[[0.007, 0.001, -0.5], [-0.001, 0.007, -0.6]]]),
        axes=torch.linalg.qr(rand(3, 3))[0],
        centre=torch.tensor([[0.1, 0.2, 2.3]]),
        support=torch.tensor([[-0.2, 1.0]]),
        landmarks=torch.cat([rand(n, 2) * side, rand(n, 1), torch.ones(1, n, 1)], -1),
        shape=rand(n, 4),
        heat=rand(n, lift.HEAT + 1),
        bones=rand(len(BONES) + 1),
        last=rand(lift.POINTS, 5),
        elapsed=rand(1),
    )


def pelvis_example(seed: int) -> pelvis.Inputs:
    """Return inputs of the pelvis head of plausible size."""
    g = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.rand(1, *shape, generator=g)

    def surface() -> Tensor:
        return rand(CHANNELS, ROWS, COLUMNS).round(decimals=2)

    n = len(BODY)
    return pelvis.Inputs(
        surface(), surface(), surface(), rand(n, 5), rand(7), rand(n, 5), rand(7), rand(4, 3)
    )


KINDS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "lifter": (lifter.Lifter, lifter_example, ("position", "factor", "seen")),
    "pelvis": (pelvis.PelvisHead, pelvis_example, pelvis.Outputs._fields),
}  # fmt: skip


def _rounded(net: nn.Module) -> nn.Module:
    """Round the large weights to half precision, in which the file keeps them."""
    for p in net.parameters():
        if p.numel() >= HALVED:
            p.data = p.data.half().float()
    return net


def _halve(path: Path) -> None:
    """Keep the large weights of a file in half precision; they are computed with in single."""
    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for weight in list(graph.initializer):
        value = onnx.numpy_helper.to_array(weight)
        if value.dtype != np.float32 or value.size < HALVED:
            continue
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(value.astype(np.float16), name + "_half"))
        casts.append(
            onnx.helper.make_node("Cast", [name + "_half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def export(kind: str, net: nn.Module, path: Path, sigma_scale: float = 1.0) -> float:
    """Write a network; return by how much torch and onnxruntime differ.

    Its large weights are rounded to half precision, in place, and kept so in the file.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    sigma_scale : float
        By what its sigmas are multiplied, as a validation asks for.

    Raises
    ------
    ValueError
        If the two differ by more than `TOLERANCE`.
    """
    _, example, outputs = KINDS[kind]
    plain = _Plain(_rounded(net.eval()), outputs, sigma_scale).eval()
    write(plain, example(0)._asdict(), outputs, path)
    _halve(path)
    network = Network(path)
    return check(max(difference(plain, example(seed)._asdict(), network) for seed in range(5)))


def main() -> None:
    """Export the weights of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=tuple(KINDS))
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sigma-scale", type=float, default=1.0)
    wanted = parser.parse_args()
    net = KINDS[wanted.kind][0]()
    net.load_state_dict(torch.load(wanted.weights, weights_only=True)["net"])
    worst = export(wanted.kind, net, wanted.out, wanted.sigma_scale)
    print(f"torch and onnxruntime differ by {worst:.1e}")


if __name__ == "__main__":
    main()
