"""Writes a torch network for onnxruntime, and checks that both answer the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from lbp_rehab.pose.network import Network

TOLERANCE = 1e-4  # between torch and onnxruntime; metres and radians where outputs have a unit
OPSET = 17


def write(
    net: nn.Module, example: Mapping[str, Tensor], outputs: Sequence[str], path: Path
) -> None:
    """Write a network that takes inputs like those of ``example``, by name."""
    torch.onnx.export(
        net, tuple(example.values()), str(path), input_names=list(example),
        output_names=list(outputs), opset_version=OPSET, dynamo=False,
    )  # fmt: skip
    onnx.checker.check_model(onnx.load(str(path)))


def difference(net: nn.Module, example: Mapping[str, Tensor], network: Network) -> float:
    """Return by how much the outputs of a network and of its file differ at most."""
    with torch.no_grad():
        wanted = net(*example.values())
    got = network(**{name: value[0].numpy() for name, value in example.items()})
    return max(float(np.abs(a - b[0].numpy()).max()) for a, b in zip(got, wanted, strict=True))


def check(apart: float) -> float:
    """Return a difference that is small enough.

    Raises
    ------
    ValueError
        If it exceeds `TOLERANCE`.
    """
    if apart > TOLERANCE:
        raise ValueError(f"torch and onnxruntime differ by {apart:.2g}")
    return apart
