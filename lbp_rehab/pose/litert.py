"""A .tflite network run by LiteRT, without the parts that nobody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError


class Model:
    """One .tflite network on one thread, cut down to the outputs that are wanted.

    Parameters
    ----------
    content : bytes
        Of the file.
    outputs : sequence of tuple of int
        Shapes of the wanted outputs, in the order in which they are returned.

    Raises
    ------
    InputError
        If LiteRT is missing, or the network cannot be read or lacks one of the outputs.
    """

    def __init__(self, content: bytes, outputs: Sequence[tuple[int, ...]]) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415
        except ImportError:
            raise InputError(
                "LiteRT is missing, which runs BlazePose; install it with "
                "'pip install ai-edge-litert'"
            ) from None
        try:
            whole = Interpreter(model_content=content)
        except ValueError:
            raise InputError(
                "a BlazePose network is not a readable .tflite file; download it again"
            ) from None
        places = {tuple(d["shape"].tolist()): d["index"] for d in whole.get_output_details()}
        if not set(outputs) <= set(places):
            raise InputError(
                f"a .tflite network is not the BlazePose one that was expected: its outputs are "
                f"{sorted(places)}, not {sorted(outputs)}; give a pose landmarker"
            )
        wanted = [places[shape] for shape in outputs]
        self._interpreter = Interpreter(model_content=_cut(content, wanted), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]
        # The first run sets up buffers and takes several times as long as the others.
        self(np.zeros(self._interpreter.get_input_details()[0]["shape"], np.float32))

    def __call__(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the wanted outputs for one image tensor, shape (1, side, side, 3)."""
        self._interpreter.set_tensor(self._input, tensor)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]


def _cut(content: bytes, outputs: list[int]) -> bytes:
    """Return a network without the operators that the given output tensors do not need.

    The mask of the person, which nobody asks for, takes two fifths of the landmark model's time.
    The other numbers stay the same to the bit.
    """
    import flatbuffers  # noqa: PLC0415  LiteRT requires it
    from ai_edge_litert.schema_py_generated import ModelT  # noqa: PLC0415

    model = ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    needed, kept = set(outputs), []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            kept.append(operator)
            needed.update(operator.inputs)
    graph.operators, graph.outputs = kept[::-1], outputs
    model.signatureDefs = None  # they name the outputs that are gone
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
