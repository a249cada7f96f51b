"""BlazePose (Bazarevsky et al. 2020): person detector and 33-landmark model, run by LiteRT.

The two ``.tflite`` files are read from the installed ``mediapipe`` package, which is used for its
files only, or given as bytes. Detection, region and landmarks are separate calls, so that the
caller decides which person is followed. Everything is the same on every run.

Constants are those of the published MediaPipe graphs (pose_detection_cpu.pbtxt,
pose_landmark_by_roi_cpu.pbtxt, pose_landmarks_to_roi.pbtxt).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.pose.landmarks import Landmarks, Person, Region
from lbp_rehab.pose.litert import Model

DETECTOR_SIZE = 224
DETECTOR_STRIDES = ((8, 2), (16, 2), (32, 6))  # pixels between anchors, anchors at each place
DETECTOR_MIN_SCORE = 0.5
SUPPRESSION_IOU = 0.3
LANDMARK_SIZE = 256
HEATMAP_KERNEL = 7
HEATMAP_MIN_CONFIDENCE = 0.5
PRESENCE_MIN = 0.5
N_LANDMARKS = 33
CENTRE, SCALE = 33, 34  # auxiliary landmarks that place the region in the next frame
# Boxes and scores of the anchors.
DETECTOR_OUTPUTS = ((1, 2254, 12), (1, 2254, 1))
# 39 points of 5 numbers, presence, heatmaps, 39 points in metres.
LANDMARK_OUTPUTS = ((1, 195), (1, 1), (1, 64, 64, 39), (1, 117))


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


class Detector:
    """Finds people: `preprocess`, `inference`, `postprocess`, called as a function.

    Parameters
    ----------
    content : bytes, optional
        Of the .tflite file; by default the one of the mediapipe package.
    """

    def __init__(self, content: bytes | None = None) -> None:
        content = content or model_file("pose_detection/pose_detection.tflite").read_bytes()
        self.inference = Model(content, DETECTOR_OUTPUTS)
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
        tensor = np.divide(small, np.float32(127.5), dtype=np.float32)
        tensor -= np.float32(1.0)
        return tensor[None], float(side), offset

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
    """Finds the landmarks in a region; a `lbp_rehab.pose.backends.Backend`.

    Parameters
    ----------
    min_presence : float
        Least probability that the region shows a person.
    content : bytes, optional
        Of the .tflite file (lite, full or heavy); by default the one of the mediapipe package.
    name : str
    """

    NAME = "blazepose-full"

    def __init__(
        self,
        min_presence: float = PRESENCE_MIN,
        content: bytes | None = None,
        name: str = NAME,
    ) -> None:
        content = content or model_file("pose_landmark/pose_landmark_full.tflite").read_bytes()
        self._model = Model(content, LANDMARK_OUTPUTS)
        self.min_presence, self.name = min_presence, name

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
        return np.divide(crop, np.float32(255.0), dtype=np.float32)[None]

    def inference(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs, of the shapes `LANDMARK_OUTPUTS`."""
        return self._model(tensor)

    def postprocess(self, outputs: list[NDArray[Any]], region: Region) -> Landmarks | None:
        """Refine by the heatmaps and map back to the image."""
        values, flag, heatmaps, world = outputs
        presence = float(flag.ravel()[0])
        if not presence >= self.min_presence:
            return None
        points = values.reshape(-1, 5).astype(np.float64)
        refined, heat = _refine(points[:, :2] / LANDMARK_SIZE, heatmaps[0])
        crop = refined * LANDMARK_SIZE
        to_image = region.to_image(LANDMARK_SIZE)
        pixel = crop @ to_image[:, :2].T + to_image[:, 2]
        turn = to_image[:, :2] / (region.size / LANDMARK_SIZE)
        shape = world.reshape(-1, 3).astype(np.float64)[:N_LANDMARKS]
        shape[:, :2] = shape[:, :2] @ turn.T
        return Landmarks(
            pixel=pixel[:N_LANDMARKS],
            visibility=sigmoid(points[:N_LANDMARKS, 3]),
            world=shape,
            heat=heat[:N_LANDMARKS],
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


def _refine(
    points: NDArray[np.float64], heatmaps: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Move each point (unit square) to the centre of mass of its heatmap around it.

    Returns
    -------
    refined : ndarray, shape (n, 2)
        Unit square.
    heat : ndarray, shape (n, 6)
        As in `Landmarks`.
    """
    height, width, _ = heatmaps.shape
    n = len(points)
    each = np.arange(n)
    flat = heatmaps.reshape(-1, heatmaps.shape[2])[:, :n]
    top = flat.argmax(axis=0)
    peak = np.stack([(top % width) / width, (top // width) / height], axis=1)
    # The window around each point; what lies outside the map weighs nothing.
    reach = np.arange(HEATMAP_KERNEL) - (HEATMAP_KERNEL - 1) // 2
    cell = np.floor(points * [width, height]).astype(int)
    columns, rows = cell[:, 0, None] + reach, cell[:, 1, None] + reach
    in_c, in_r = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    window = heatmaps[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        each[:, None, None],
    ]
    weight = sigmoid(window) * (in_r[:, :, None] & in_c[:, None, :])
    best = weight.max(axis=(1, 2))
    total = np.maximum(weight.sum(axis=(1, 2)), 1e-9)
    across, down = weight.sum(axis=1) / total[:, None], weight.sum(axis=2) / total[:, None]
    mean = np.stack([(across * columns).sum(axis=1), (down * rows).sum(axis=1)], axis=1)
    inside = (cell >= 0).all(axis=1) & (cell[:, 0] < width) & (cell[:, 1] < height)
    sharp = inside & (best >= HEATMAP_MIN_CONFIDENCE)
    refined = np.where(sharp[:, None], mean / [width, height], points)
    off_c, off_r = columns - mean[:, :1], rows - mean[:, 1:]
    spread = [
        (across * off_c**2).sum(axis=1),
        (weight * off_r[:, :, None] * off_c[:, None, :]).sum(axis=(1, 2)) / total,
        (down * off_r**2).sum(axis=1),
    ]
    heat = np.column_stack([sigmoid(flat[top, each]), peak - refined, *spread])
    return refined, heat
