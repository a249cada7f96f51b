"""The 2D step by name: what every backend gives, and how one is chosen by a parameter."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.pose.blazepose import PRESENCE_MIN, Detector, LandmarkModel
from lbp_rehab.pose.keypoint_maps import load_map
from lbp_rehab.pose.landmarks import Landmarks, Region
from lbp_rehab.pose.onnx_keypoints import OnnxKeypoints

FORMS = ("blazepose", "tasks:FILE.task", "onnx:FILE.onnx[,MAP.yaml]")
# What a MediaPipe Tasks bundle holds.
BUNDLE_DETECTOR, BUNDLE_LANDMARKS = "pose_detector.tflite", "pose_landmarks_detector.tflite"


class Backend(Protocol):
    """Finds one person's landmarks in a region, in three steps; calling it does all three.

    Attributes
    ----------
    name : str
        Published as the backend of a pose.
    min_presence : float
        Less than this and the region shows nobody.
    """

    name: str
    min_presence: float

    def preprocess(self, image: NDArray[np.uint8], region: Region) -> NDArray[Any]:
        """Return the network's input for a region of an RGB image, shape (h, w, 3)."""

    def inference(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the network's outputs."""

    def postprocess(self, outputs: list[NDArray[Any]], region: Region) -> Landmarks | None:
        """Return the landmarks in the image; None if nobody is there."""

    def __call__(self, image: NDArray[np.uint8], region: Region) -> Landmarks | None:
        """Return the landmarks of the person in a region; None if there is none."""


def make_backend(text: str = "blazepose", min_presence: float | None = None) -> Backend:
    """Return the backend that a parameter names, warmed up.

    Parameters
    ----------
    text : str
        One of `FORMS`.
    min_presence : float, optional
        Least probability that the region shows a person; by default the backend's own.

    Raises
    ------
    InputError
        If the text is no such form, or a file cannot be read or is not what it should be.
    """
    kind, path, rest = _parse(text)
    if kind == "onnx":
        return OnnxKeypoints(path, load_map(rest) if rest else None, min_presence)
    least = PRESENCE_MIN if min_presence is None else min_presence
    if kind == "blazepose":
        return LandmarkModel(least)
    content = _bundled(path, BUNDLE_LANDMARKS)
    try:
        return LandmarkModel(least, content, f"tasks:{path.stem}")
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def make_detector(text: str = "blazepose") -> Detector:
    """Return what finds people for the backend of the same name; arguments as `make_backend`.

    A bundle brings its own detector; the other backends use that of the mediapipe package.
    """
    kind, path, _ = _parse(text)
    if kind != "tasks":
        return Detector()
    content = _bundled(path, BUNDLE_DETECTOR)
    try:
        return Detector(content)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def _parse(text: str) -> tuple[str, Path, str]:
    """Return the kind, the file and the keypoint map of a parameter."""
    kind, colon, rest = text.strip().partition(":")
    if kind == "blazepose" and not colon:
        return kind, Path(), ""
    file, _, keypoints = (part.strip() for part in rest.partition(","))
    if kind not in ("tasks", "onnx") or not file or (keypoints and kind == "tasks"):
        raise InputError(f"backend '{text}' is unknown; write one of {', '.join(FORMS)}")
    return kind, Path(file).expanduser(), keypoints


def _bundled(path: Path, name: str) -> bytes:
    """Return one file of a bundle."""
    try:
        with zipfile.ZipFile(path) as bundle:
            return bundle.read(name)
    except FileNotFoundError:
        raise InputError(f"the model {path} was not found; give the path of a .task file") from None
    except KeyError:
        raise InputError(
            f"{path.name} holds no {name}; give the bundle of a MediaPipe pose landmarker"
        ) from None
    except (OSError, zipfile.BadZipFile):
        raise InputError(f"{path.name} is not a readable .task bundle; download it again") from None
