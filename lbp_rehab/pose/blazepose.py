"""BlazePose (Bazarevsky et al. 2020): person detector and 33-landmark model, run by LiteRT.

The two ``.tflite`` files are read from the installed ``mediapipe`` package, which is used for its
files only. Detection, region and landmarks are separate calls, so that the caller decides which
person is followed. Everything is computed on one thread and is the same on every run.

Constants are those of the published MediaPipe graphs (pose_detection_cpu.pbtxt,
pose_landmark_by_roi_cpu.pbtxt, pose_landmarks_to_roi.pbtxt).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError

DETECTOR_SIZE = 224
DETECTOR_STRIDES = ((8, 2), (16, 2), (32, 6))  # pixels between anchors, anchors at each place
DETECTOR_MIN_SCORE = 0.5
SUPPRESSION_IOU = 0.3
LANDMARK_SIZE = 256
HEATMAP_KERNEL = 7
HEATMAP_MIN_CONFIDENCE = 0.5
PRESENCE_MIN = 0.5
REGION_SCALE = 1.25
N_LANDMARKS = 33
CENTRE, SCALE = 33, 34  # auxiliary landmarks that place the region in the next frame


@dataclass(frozen=True)
class Region:
    """A square of the image, turned so that the person's trunk points up in it.

    Attributes
    ----------
    centre : tuple of float
        Column and row in pixels.
    size : float
        Side in pixels.
    rotation : float
        Radians, clockwise in the image.
    """

    centre: tuple[float, float]
    size: float
    rotation: float

    @classmethod
    def from_points(cls, centre: NDArray[Any], scale: NDArray[Any]) -> Region:
        """Return the region around the mid-hip point, sized by the point on the body's circle."""
        dx, dy = (scale - centre).tolist()
        rotation = np.pi / 2 - np.arctan2(-dy, dx)
        rotation -= 2 * np.pi * np.floor((rotation + np.pi) / (2 * np.pi))
        size = 2.0 * float(np.hypot(dx, dy)) * REGION_SCALE
        return cls((float(centre[0]), float(centre[1])), size, float(rotation))

    def to_image(self, side: int) -> NDArray[np.float64]:
        """Return the 2x3 map from a ``side`` x ``side`` crop to image pixels."""
        c, s = np.cos(self.rotation), np.sin(self.rotation)
        k = self.size / side
        turn = np.array([[c, -s], [s, c]]) * k
        shift = np.array(self.centre) - turn @ np.array([side / 2.0, side / 2.0])
        return np.column_stack([turn, shift])


@dataclass(frozen=True)
class Person:
    """One person that the detector found.

    Attributes
    ----------
    box : ndarray, shape (4,)
        x0, y0, x1, y1 of the face and shoulders in pixels.
    hip, shoulder : ndarray, shape (2,)
        Midpoints in pixels.
    region : Region
        Where to look for the landmarks.
    score : float
        0 to 1.
    """

    box: NDArray[np.float64]
    hip: NDArray[np.float64]
    shoulder: NDArray[np.float64]
    region: Region
    score: float


@dataclass(frozen=True)
class Landmarks:
    """2D landmarks of one person and the model's own guess of the shape.

    Attributes
    ----------
    pixel : ndarray, shape (33, 2)
        Column and row; may lie outside the image.
    visibility : ndarray, shape (33,)
        Probability that the point is in the image and not hidden.
    world : ndarray, shape (33, 3)
        Metres about the mid-hip in axes parallel to the camera's (x right, y down, z forward).
    presence : float
        Probability that the region shows a person.
    next_region : Region
        Where to look in the next frame.
    """

    pixel: NDArray[np.float64]
    visibility: NDArray[np.float64]
    world: NDArray[np.float64]
    presence: float
    next_region: Region


def model_file(name: str) -> Path:
    """Return a model of the installed mediapipe package, without importing that package."""
    spec = importlib.util.find_spec("mediapipe")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "modules" / name
        if path.is_file():
            return path
    raise InputError(
        f"the BlazePose model {Path(name).name} was not found; install it with "
        "'pip install --no-deps mediapipe==0.10.21'"
    )


def sigmoid(x: NDArray[Any]) -> NDArray[np.float64]:
    """Return the logistic function, clipped against overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(x.astype(np.float64), -100.0, 100.0)))


class Model:
    """One .tflite network on one thread."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415
        except ImportError:
            raise InputError(
                "LiteRT is missing, which runs BlazePose; install it with "
                "'pip install ai-edge-litert'"
            ) from None
        self._interpreter = Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]
        # The first run sets up buffers and takes several times as long as the others.
        self(np.zeros(self._interpreter.get_input_details()[0]["shape"], np.float32))

    def __call__(self, tensor: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the outputs for one image tensor, shape (1, side, side, 3)."""
        self._interpreter.set_tensor(self._input, tensor)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]


class Detector:
    """Finds people: `preprocess`, `inference`, `postprocess`, called as a function."""

    def __init__(self) -> None:
        self.inference = Model(model_file("pose_detection/pose_detection.tflite"))
        self._anchors = np.concatenate(
            [
                np.repeat(_grid(DETECTOR_SIZE // stride), count, axis=0)
                for stride, count in DETECTOR_STRIDES
            ]
        )

    def __call__(self, image: NDArray[np.uint8]) -> list[Person]:
        """Return everybody found in an RGB image, shape (h, w, 3), best first."""
        tensor, scale, offset = self.preprocess(image)
        return self.postprocess(self.inference(tensor), scale, offset)

    def preprocess(
        self, image: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], float, NDArray[np.float64]]:
        """Fit the image into a square with a black border, values -1 to 1."""
        height, width = image.shape[:2]
        side = max(height, width)
        offset = np.array([(side - width) / 2.0, (side - height) / 2.0])
        k = DETECTOR_SIZE / side
        fit = np.array([[k, 0, offset[0] * k], [0, k, offset[1] * k]])
        small = cv2.warpAffine(image, fit, (DETECTOR_SIZE, DETECTOR_SIZE), flags=cv2.INTER_LINEAR)
        return (small.astype(np.float32) / 127.5 - 1.0)[None], float(side), offset

    def postprocess(
        self, outputs: list[NDArray[np.float32]], scale: float, offset: NDArray[np.float64]
    ) -> list[Person]:
        """Decode anchors, merge overlapping boxes weighted by their score."""
        raw, logits = outputs[0][0], outputs[1][0, :, 0]
        score = sigmoid(logits)
        keep = np.flatnonzero(score >= DETECTOR_MIN_SCORE)
        keep = keep[np.argsort(-score[keep], kind="stable")]
        anchors = self._anchors[keep]
        values = raw[keep].astype(np.float64) / DETECTOR_SIZE
        centre = values[:, 0:2] + anchors
        half = values[:, 2:4] / 2.0
        points = values[:, 4:].reshape(-1, 4, 2) + anchors[:, None]
        flat = np.concatenate([centre - half, centre + half, points.reshape(-1, 8)], axis=1)
        people = []
        for merged, best in _weighted_suppression(flat, score[keep]):
            pixels = merged.reshape(6, 2) * scale - offset
            hip, circle, shoulder = pixels[2], pixels[3], pixels[4]
            region = Region.from_points(hip, circle)
            people.append(Person(pixels[:2].ravel(), hip, shoulder, region, best))
        return people


class LandmarkModel:
    """Finds the landmarks in a region: `preprocess`, `inference`, `postprocess`."""

    NAME = "blazepose-full"

    def __init__(self) -> None:
        self.inference = Model(model_file("pose_landmark/pose_landmark_full.tflite"))

    def __call__(self, image: NDArray[np.uint8], region: Region) -> Landmarks | None:
        """Return the landmarks of the person in a region of an RGB image; None if there is none."""
        return self.postprocess(self.inference(self.preprocess(image, region)), region)

    def preprocess(self, image: NDArray[np.uint8], region: Region) -> NDArray[np.float32]:
        """Cut the turned region out, values 0 to 1."""
        crop = cv2.warpAffine(
            image,
            region.to_image(LANDMARK_SIZE),
            (LANDMARK_SIZE, LANDMARK_SIZE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        return (crop.astype(np.float32) / 255.0)[None]

    def postprocess(self, outputs: list[NDArray[np.float32]], region: Region) -> Landmarks | None:
        """Refine by the heatmaps and map back to the image."""
        values, flag, _, heatmaps, world = outputs
        presence = float(flag.ravel()[0])
        if not presence >= PRESENCE_MIN:
            return None
        points = values.reshape(-1, 5).astype(np.float64)
        crop = _refine(points[:, :2] / LANDMARK_SIZE, heatmaps[0]) * LANDMARK_SIZE
        to_image = region.to_image(LANDMARK_SIZE)
        pixel = crop @ to_image[:, :2].T + to_image[:, 2]
        turn = to_image[:, :2] / (region.size / LANDMARK_SIZE)
        shape = world.reshape(-1, 3).astype(np.float64)[:N_LANDMARKS]
        shape[:, :2] = shape[:, :2] @ turn.T
        return Landmarks(
            pixel=pixel[:N_LANDMARKS],
            visibility=sigmoid(points[:N_LANDMARKS, 3]),
            world=shape,
            presence=presence,
            next_region=Region.from_points(pixel[CENTRE], pixel[SCALE]),
        )


def _grid(n: int) -> NDArray[np.float64]:
    """Return the centres of n x n cells of the unit square, row by row, shape (n*n, 2)."""
    y, x = np.mgrid[0:n, 0:n]
    return (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / n


def _iou(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:4], others[:, 2:4])
    overlap = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:4] - others[:, :2], axis=1)
    return overlap / (np.prod(box[2:4] - box[:2]) + areas - overlap + 1e-12)


def _weighted_suppression(
    rows: NDArray[np.float64], score: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], float]]:
    """Merge rows (sorted by falling score) whose boxes overlap, weighted by score."""
    left = np.arange(len(rows))
    merged = []
    while left.size:
        near = _iou(rows[left[0]], rows[left]) > SUPPRESSION_IOU
        near[0] = True
        group = left[near]
        weight = score[group] / score[group].sum()
        merged.append((weight @ rows[group], float(score[group[0]])))
        left = left[~near]
    return merged


def _refine(points: NDArray[np.float64], heatmaps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Move each point (unit square) to the centre of mass of its heatmap around it."""
    height, width, _ = heatmaps.shape
    refined = points.copy()
    reach = (HEATMAP_KERNEL - 1) // 2
    for i, (x, y) in enumerate(points):
        column, row = int(x * width), int(y * height)
        if not (0 <= column < width and 0 <= row < height):
            continue
        c0, c1 = max(0, column - reach), min(width, column + reach + 1)
        r0, r1 = max(0, row - reach), min(height, row + reach + 1)
        weight = sigmoid(heatmaps[r0:r1, c0:c1, i])
        if weight.max() < HEATMAP_MIN_CONFIDENCE:
            continue
        total = weight.sum()
        refined[i, 0] = (weight.sum(axis=0) @ np.arange(c0, c1)) / total / width
        refined[i, 1] = (weight.sum(axis=1) @ np.arange(r0, r1)) / total / height
    return refined
