"""Any top-down keypoint model in an ONNX file: SimCC (RTMPose), heatmaps or plain coordinates.

The person stands upright in the turned region, so the picture that the model sees is cut out of the
image in the region's axes, in the model's own aspect. Runs on one thread, the same on every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.pose.keypoint_maps import KeypointMap, find_map
from lbp_rehab.pose.landmarks import REGION_SCALE, Landmarks, Region, region_round
from lbp_rehab.pose.onnx_outputs import Outputs
from lbp_rehab.pose.skeleton import HIPS, NAMES, TRUNK

Array = NDArray[Any]

CERTAIN_SCORE = 0.3  # points below it do not size the next region; MMPose's threshold for drawing
HEAT_CELLS, HEAT_REACH = 64, 3  # BlazePose's: cells a region's side, cells from the point taken in
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
}


@dataclass(frozen=True)
class Input:
    """The picture that a model takes."""

    name: str
    width: int
    height: int
    channels_first: bool
    dtype: Any

    def share(self, padding: float) -> float:
        """Return how much of a region's side one pixel of the input shows.

        The longer side of the picture is ``padding`` times the circle round the body, and the
        shorter one at least that circle.
        """
        longer, shorter = max(self.width, self.height), min(self.width, self.height)
        return max(padding / longer, 1.0 / shorter) / REGION_SCALE

    def to_image(self, region: Region, padding: float) -> NDArray[np.float64]:
        """Return the 2x3 map from the input to image pixels: the region's centre and axes."""
        c, s = np.cos(region.rotation), np.sin(region.rotation)
        turn = np.array([[c, -s], [s, c]]) * (self.share(padding) * region.size)
        shift = np.array(region.centre) - turn @ [self.width / 2.0, self.height / 2.0]
        return np.column_stack([turn, shift])


class OnnxKeypoints:
    """Finds the landmarks in a region; a `lbp_rehab.pose.backends.Backend`.

    Parameters
    ----------
    path : Path
        The .onnx file.
    keypoints : KeypointMap, optional
        By default the shipped map of a model with as many points.
    min_presence : float, optional
        Least mean score of shoulders and hips; by default the map's.

    Raises
    ------
    InputError
        If the file, the map or onnxruntime is missing or they do not fit together.
    """

    def __init__(
        self, path: Path, keypoints: KeypointMap | None = None, min_presence: float | None = None
    ) -> None:
        self.name = f"onnx:{path.stem}"
        self._session = _session(path)
        self._input = _input(self._session, keypoints, path.name)
        self._names = [output.name for output in self._session.get_outputs()]
        size = (self._input.width, self._input.height)
        # The first run sets up buffers, takes longer than the others and tells the outputs' shapes.
        blank = np.zeros((1, 3, *size[::-1]) if self._input.channels_first else (1, *size[::-1], 3))
        try:
            shapes = [o.shape for o in self.inference(blank.astype(self._input.dtype))]
        except Exception as error:  # onnxruntime's own exceptions share no narrower base
            raise InputError(
                f"{path.name} fails on one blank picture of {size[0]} x {size[1]} pixels; give a "
                f"top-down keypoint model: {_first_line(error)}"
            ) from None
        self._outputs = Outputs.recognise(
            self._names, shapes, size, self._input.channels_first, keypoints
        )
        self._map = keypoints or find_map(self._outputs.count)
        if self._map.count != self._outputs.count:
            raise InputError(
                f"{path.name} gives {self._outputs.count} points and the keypoint map "
                f"{self._map.name} is for {self._map.count}; give the map of this model"
            )
        self.min_presence = self._map.min_presence if min_presence is None else min_presence
        # Colour value to input value; every pixel is looked up.
        levels = (np.arange(256)[:, None] - np.array(self._map.mean)) / np.array(self._map.std)
        self._levels = levels[None].astype(np.float32)

    def __call__(self, image: NDArray[np.uint8], region: Region) -> Landmarks | None:
        """Return the landmarks of the person in a region of an RGB image; None if there is none."""
        return self.postprocess(self.inference(self.preprocess(image, region)), region)

    def preprocess(self, image: NDArray[np.uint8], region: Region) -> Array:
        """Cut the picture out and normalise it, shape (1, 3, h, w) or (1, h, w, 3)."""
        crop = cv2.warpAffine(
            image,
            self._input.to_image(region, self._map.padding),
            (self._input.width, self._input.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        if self._map.colour == "bgr":
            crop = np.ascontiguousarray(crop[..., ::-1])
        tensor = cv2.LUT(crop, self._levels)
        if self._input.channels_first:
            tensor = np.ascontiguousarray(tensor.transpose(2, 0, 1))
        return np.asarray(tensor[None], self._input.dtype)

    def inference(self, tensor: Array) -> list[Array]:
        """Return the outputs in the file's order."""
        return list(self._session.run(self._names, {self._input.name: tensor}))

    def postprocess(self, outputs: list[Array], region: Region) -> Landmarks | None:
        """Decode, put the points into our order and map them back to the image."""
        share = self._input.share(self._map.padding)  # one pixel's, of the region's side
        found = self._outputs.decode(outputs, self._map, HEAT_REACH / HEAT_CELLS / share)
        if not (np.isfinite(found.point).all() and np.isfinite(found.score).all()):
            return None
        given = self._map.source >= 0
        source = self._map.source[given]
        visibility = np.zeros(len(NAMES))
        visibility[given] = found.score[source]
        presence = float(visibility[TRUNK].mean())
        if not presence >= self.min_presence:
            return None
        to_image = self._input.to_image(region, self._map.padding)
        pixel = np.zeros((len(NAMES), 2))
        pixel[given] = found.point[source] @ to_image[:, :2].T + to_image[:, 2]
        middle = pixel[HIPS].mean(axis=0)
        pixel[~given] = middle
        # A point at the mid-hip makes the circle round the body no wider.
        certain = visibility >= CERTAIN_SCORE
        certain[TRUNK] = True
        heat = None
        if found.spread is not None:
            cells = found.spread[source] * (share * HEAT_CELLS) ** 2
            heat = np.zeros((len(NAMES), 6))
            heat[given] = np.column_stack([found.score[source], np.zeros((len(source), 2)), cells])
        return Landmarks(
            pixel=pixel,
            visibility=visibility,
            world=None,
            presence=presence,
            next_region=region_round(np.where(certain[:, None], pixel, middle)),
            heat=heat,
            given=given,
        )


def _session(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"the model {path} was not found; give the path of an .onnx file")
    try:
        import onnxruntime as ort  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "onnxruntime is missing, which runs ONNX models; install it with "
            "'pip install onnxruntime'"
        ) from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no narrower base
        raise InputError(
            f"{path.name} is not a model that onnxruntime can read: {_first_line(error)}"
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _input(session: Any, keypoints: KeypointMap | None, file: str) -> Input:
    inputs = session.get_inputs()
    shape = inputs[0].shape if inputs else []
    if len(inputs) != 1 or len(shape) != 4 or inputs[0].type not in _DTYPES:
        found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
        raise InputError(
            f"{file} does not take one image (1, 3, h, w) or (1, h, w, 3), but {found}; give a "
            "top-down keypoint model"
        )
    layout = keypoints.layout if keypoints else None
    layout = layout or {1: "nchw", 3: "nhwc"}.get(shape.index(3) if 3 in shape else 0)
    size = keypoints.size if keypoints else None
    if layout and not size:
        height, width = shape[2:] if layout == "nchw" else shape[1:3]
        size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    if not (layout and size):
        raise InputError(
            f"{file} leaves the shape of its input open, {shape}; state input.layout and "
            "input.size in the keypoint map"
        )
    return Input(inputs[0].name, *size, layout == "nchw", _DTYPES[inputs[0].type])
