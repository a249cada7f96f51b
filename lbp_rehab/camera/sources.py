"""Where frames come from: one small interface, one class a kind of source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.errors import InputError

KINDS = (
    "folder:PATH",
    "video:PATH",
    "webcam:INDEX",
    "realsense[:SERIAL]",
    "bag:PATH",
    "synthetic:EXERCISE[?KEY=VALUE]",
    "none",
)
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
FOLDER_RATE_HZ = 30.0  # of a folder that does not say


@dataclass(frozen=True)
class Shot:
    """One frame as a source gives it.

    Attributes
    ----------
    offset_ns : int or None
        Time since the first frame of a recording; None from a live camera.
    color : ndarray of uint8, shape (h, w, 3)
        RGB.
    depth : ndarray of uint16, shape (h, w), or None
        Millimetres, registered to colour.
    intrinsics : Intrinsics
    bad : str
        Why this frame cannot be used; empty if it can.
    """

    offset_ns: int | None
    color: NDArray[np.uint8]
    depth: NDArray[np.uint16] | None
    intrinsics: Intrinsics
    bad: str = ""


class CameraSource(Protocol):
    """A camera or a recording of one."""

    name: str

    def shots(self) -> Iterator[Shot]:
        """Yield frames; a live source blocks until the next one."""

    def close(self) -> None:
        """Release the device."""


@dataclass(frozen=True)
class SourceSettings:
    """What a user may set.

    Attributes
    ----------
    rate_hz : float
        Of folders, and asked of cameras; 0: what the source says.
    width, height : int
        Asked of cameras.
    fov_rad : float
        Horizontal field of view of a camera without calibration.
    loop : bool
        Whether a recording starts again at its end.
    """

    rate_hz: float = 0.0
    width: int = 640
    height: int = 480
    fov_rad: float = float(np.deg2rad(69.0))
    loop: bool = False


def open_source(spec: str, settings: SourceSettings) -> CameraSource | None:
    """Open the source that a parameter names, for example ``folder:/data/walk``.

    Returns
    -------
    CameraSource or None
        None for ``none``: another driver publishes the camera's topics.

    Raises
    ------
    InputError
        If the kind is unknown, or the device or files cannot be used.
    """
    kind, _, rest = spec.partition(":")
    if kind == "none" and not rest:
        return None
    openers: dict[str, Callable[[], CameraSource]] = {
        "folder": lambda: FolderSource(Path(rest), settings),
        "video": lambda: VideoSource(Path(rest), settings),
        "webcam": lambda: WebcamSource(rest or "0", settings),
        "realsense": lambda: _open_realsense(rest, settings),
        "bag": lambda: _open_bag(Path(rest), settings),
        "synthetic": lambda: _open_synthetic(rest),
    }
    if kind not in openers:
        raise InputError(f"camera '{spec}' is unknown; use one of {', '.join(KINDS)}")
    if kind in ("folder", "video", "bag") and not rest:
        raise InputError(f"camera '{spec}' lacks the path; write {kind}:PATH")
    return openers[kind]()


class FolderSource:
    """Numbered images in ``color/`` and ``depth/`` (16-bit PNG, mm) with ``camera.json``.

    ``camera.json`` holds width, height, fx, fy, cx, cy, and optionally depth_unit_m and
    nominal_rate_hz. Without ``depth/`` the folder is colour only; without ``camera.json`` the
    field of view of the settings is used.
    """

    def __init__(self, folder: Path, settings: SourceSettings) -> None:
        self.name = folder.name
        if not folder.is_dir():
            raise InputError(f"camera folder '{folder}' does not exist")
        color_folder = folder / "color" if (folder / "color").is_dir() else folder
        self._color = _images(color_folder)
        if not self._color:
            raise InputError(
                f"camera folder '{folder}' holds no images; put them in '{folder / 'color'}'"
            )
        self._depth = {p.stem: p for p in _images(folder / "depth")}
        first = _read_rgb(self._color[0])
        if first is None:
            raise InputError(f"'{self._color[0]}' is not an image that can be read")
        self._camera, rate, self._unit_mm = _calibration(folder, first.shape, settings)
        self._period_ns = round(1e9 / (settings.rate_hz or rate))
        self._loop = settings.loop
        if self._depth:
            shot = self._shot(0, self._color[0])
            if shot.bad:
                raise InputError(shot.bad)

    def shots(self) -> Iterator[Shot]:
        """Yield the frames in the order of their names."""
        k = 0
        while True:
            for path in self._color:
                yield self._shot(k, path)
                k += 1
            if not self._loop:
                return

    def close(self) -> None:
        """Nothing is held open."""

    def _shot(self, k: int, path: Path) -> Shot:
        offset = k * self._period_ns
        blank = np.zeros((self._camera.height, self._camera.width, 3), np.uint8)
        color = _read_rgb(path)
        if color is None:
            return Shot(offset, blank, None, self._camera, f"'{path}' cannot be read")
        if color.shape != blank.shape:
            why = f"'{path}' is {_size(color)} but the camera is {_size(blank)}"
            return Shot(offset, blank, None, self._camera, why)
        depth = None
        if path.stem in self._depth:
            depth_path = self._depth[path.stem]
            raw = cv2.imread(str(depth_path), cv2.IMREAD_UNCHANGED)
            why = _depth_problem(raw, color, depth_path)
            if raw is None or why:
                return Shot(offset, blank, None, self._camera, why)
            depth = np.asarray(raw, np.uint16)
            if self._unit_mm != 1.0:
                depth = np.round(depth * self._unit_mm).clip(0, 65535).astype(np.uint16)
        return Shot(offset, color, depth, self._camera)


class VideoSource:
    """A video file, colour only, at its own rate."""

    def __init__(self, path: Path, settings: SourceSettings) -> None:
        self.name = path.name
        if not path.is_file():
            raise InputError(f"video '{path}' does not exist")
        self._path, self._loop = path, settings.loop
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise InputError(f"'{path}' is not a video that OpenCV can read")
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = settings.rate_hz or self._capture.get(cv2.CAP_PROP_FPS) or FOLDER_RATE_HZ
        self._period_ns = round(1e9 / rate)
        self._camera = Intrinsics.from_field_of_view(width, height, settings.fov_rad)

    def shots(self) -> Iterator[Shot]:
        """Yield the frames of the file."""
        k = 0
        while True:
            ok, image = self._capture.read()
            if ok:
                color = _to_rgb(image)
                yield Shot(k * self._period_ns, color, None, self._camera)
                k += 1
            elif self._loop and k:
                self._capture.open(str(self._path))
            else:
                return

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class WebcamSource:
    """A camera that OpenCV can open, colour only; ends when the camera is unplugged."""

    def __init__(self, index: str, settings: SourceSettings) -> None:
        if not index.isdigit():
            raise InputError(f"webcam '{index}' is not a number; use webcam:0 for the first one")
        self.name = f"webcam {index}"
        self._capture = cv2.VideoCapture(int(index))
        if not self._capture.isOpened():
            raise InputError(
                f"no camera at webcam:{index}; check that it is plugged in and that you may read "
                f"/dev/video{index}"
            )
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        if settings.rate_hz:
            self._capture.set(cv2.CAP_PROP_FPS, settings.rate_hz)
        self._fov = settings.fov_rad

    def shots(self) -> Iterator[Shot]:
        """Yield frames as they come."""
        while True:
            ok, image = self._capture.read()
            if not ok:
                raise InputError(f"{self.name} stopped giving images; is it still plugged in?")
            height, width = image.shape[:2]
            camera = Intrinsics.from_field_of_view(width, height, self._fov)
            yield Shot(None, _to_rgb(image), None, camera)

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


def _open_realsense(serial: str, settings: SourceSettings) -> CameraSource:
    from lbp_rehab.camera.realsense import RealSenseSource  # noqa: PLC0415

    return RealSenseSource(serial, settings)


def _open_bag(path: Path, settings: SourceSettings) -> CameraSource:
    from lbp_rehab.camera.bag import BagSource  # noqa: PLC0415

    return BagSource(path, settings)


def _open_synthetic(specification: str) -> CameraSource:
    from lbp_rehab.synthetic.person.makehuman import require_extra  # noqa: PLC0415

    require_extra()
    from lbp_rehab.synthetic.live_camera import SyntheticCamera  # noqa: PLC0415  (needs the extra)

    return SyntheticCamera(specification)


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)


def _to_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _read_rgb(path: Path) -> NDArray[np.uint8] | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else _to_rgb(image)


def _size(image: NDArray[Any]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def _depth_problem(depth: NDArray[Any] | None, color: NDArray[Any], path: Path) -> str:
    if depth is None:
        return f"'{path}' cannot be read"
    if depth.dtype != np.uint16 or depth.ndim != 2:
        bits = depth.dtype.itemsize * 8
        channels = depth.shape[2] if depth.ndim == 3 else 1
        return (
            f"'{path}' has {channels} channel(s) of {bits} bits; depth must be one channel of 16 "
            "bits in millimetres"
        )
    if depth.shape != color.shape[:2]:
        return (
            f"'{path}' is {_size(depth)} but its colour image is {_size(color)}; use depth "
            "registered to colour"
        )
    return ""


def _calibration(
    folder: Path, shape: tuple[int, ...], settings: SourceSettings
) -> tuple[Intrinsics, float, float]:
    """Return intrinsics, rate in Hz and millimetres per depth unit of a folder."""
    height, width = shape[:2]
    path = folder / "camera.json"
    if not path.is_file():
        camera = Intrinsics.from_field_of_view(width, height, settings.fov_rad)
        return camera, FOLDER_RATE_HZ, 1.0
    try:
        values = json.loads(path.read_text())
        fx, fy, cx, cy = (float(values[k]) for k in ("fx", "fy", "cx", "cy"))
        camera = Intrinsics(int(values["width"]), int(values["height"]), fx, fy, cx, cy)
        rate = float(values.get("nominal_rate_hz", FOLDER_RATE_HZ))
        unit_mm = float(values.get("depth_unit_m", 0.001)) * 1000.0
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"'{path}' must hold width, height, fx, fy, cx and cy as numbers ({error})"
        ) from None
    if (camera.width, camera.height) != (width, height):
        raise InputError(
            f"'{path}' says {camera.width}x{camera.height} but the images are {width}x{height}"
        )
    if not (rate > 0 and unit_mm > 0 and fx > 0 and fy > 0):
        raise InputError(f"'{path}': focal lengths, rate and depth unit must be positive")
    return camera, rate, unit_mm
