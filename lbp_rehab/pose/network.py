"""A trained network, run by onnxruntime on one thread, the same on every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError


class Network:
    """One ONNX file with named inputs and a batch of one.

    Raises
    ------
    InputError
        If onnxruntime or the file is missing, or the file is no network.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime  # noqa: PLC0415
        except ImportError:
            raise InputError(
                "onnxruntime is missing, which runs the trained networks; install it with "
                "'pip install onnxruntime'"
            ) from None
        if not path.is_file():
            raise InputError(f"the network {path} was not found; install the package again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise InputError(f"{path} is no network that onnxruntime can read: {error}") from None
        self._names = [each.name for each in self._session.get_inputs()]

    def __call__(self, **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Return the outputs for named inputs without the batch dimension; so are the outputs."""
        feed = {
            name: np.ascontiguousarray(inputs[name], dtype=np.float32)[None] for name in self._names
        }
        return [np.asarray(out[0]) for out in self._session.run(None, feed)]
