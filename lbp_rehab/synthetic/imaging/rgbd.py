"""Whole RGB-D cameras: intrinsics, where the depth camera sits, sensors and registration."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.colour import ColourSensor
from lbp_rehab.synthetic.imaging.registration import Registration
from lbp_rehab.synthetic.imaging.sensor import DepthCamera, DepthSensor, StereoSensor
from lbp_rehab.synthetic.imaging.tof import TimeOfFlightSensor

Size = tuple[int, int]


@dataclass(frozen=True)
class Preset:
    """An RGB-D camera as its maker built it.

    Attributes
    ----------
    name : str
    size : tuple of int
        Columns and rows of the colour image.
    focal_px : float
        Of the colour camera.
    depth_size : tuple of int
    depth_focal_px : float
    depth_offset_m : tuple of float
        Where the depth camera is in the colour camera's optical frame.
    depth_tilt_rad : float
        How far the depth camera looks down from the colour camera's direction.
    sensor : DepthSensor or None
        None: depth is perfect.
    colour : ColourSensor
    error_rad : tuple of float
        By how much the registration is wrong, a rotation vector in the colour camera's frame.
    """

    name: str
    size: Size
    focal_px: float
    depth_size: Size
    depth_focal_px: float
    depth_offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    depth_tilt_rad: float = 0.0
    sensor: DepthSensor | None = None
    colour: ColourSensor = field(default_factory=ColourSensor)
    error_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def useful_m(self) -> tuple[float, float]:
        """Nearest and farthest distance at which a person is measured well."""
        low, high = (0.3, 6.0) if self.sensor is None else self.sensor.range_m
        return max(low, 1.2), min(0.93 * high, 3.5)

    @property
    def seen_tan(self) -> tuple[float, float]:
        """Tangents of the angles beside the axis, across and down, that both cameras see."""
        across, down = (0.5 * n / self.focal_px for n in self.size)
        x, y = (np.arctan(0.5 * n / self.depth_focal_px) for n in self.depth_size)
        if isinstance(self.sensor, TimeOfFlightSensor):
            x, y = (min(a, f / 2.0) for a, f in zip((x, y), self.sensor.field_rad, strict=True))
        return min(across, float(np.tan(x))), min(down, float(np.tan(y - self.depth_tilt_rad)))

    def depth_camera(self, camera: Camera) -> Camera:
        """Return the depth camera that belongs to a colour camera."""
        c, s = np.cos(self.depth_tilt_rad), np.sin(self.depth_tilt_rad)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
        return camera.shifted(self.depth_offset_m, self.depth_size, self.depth_focal_px, turn)


def _d435(size: Size) -> Preset:
    """Intel RealSense D435 (D400 series datasheet: colour 69 x 42 degrees, depth 87 x 58)."""
    wide = size[0] / size[1] > 1.5
    # The 4:3 modes of both imagers are cut from the middle of the 16:9 ones.
    focal = (0.72 if wide else 0.96) * size[0]
    depth_size = (size[0], size[1])
    depth_focal = (0.50 if wide else 0.60) * size[0]
    return Preset(
        "d435", size, focal, depth_size, depth_focal, (0.015, 0.0, 0.0),
        sensor=StereoSensor(focal_px=depth_focal),
    )  # fmt: skip


def _azure_kinect(size: Size) -> Preset:
    """Azure Kinect: colour 90 degrees wide, depth NFOV unbinned, which looks 6 degrees lower."""
    return Preset(
        "azure_kinect", size, 0.477 * size[0], (640, 576), 504.0, (0.032, 0.002, -0.004),
        depth_tilt_rad=float(np.radians(6.0)), sensor=TimeOfFlightSensor(),
        colour=ColourSensor(read=0.8, photon=0.9),
    )  # fmt: skip


def _ideal(size: Size) -> Preset:
    focal = (0.72 if size[0] / size[1] > 1.5 else 0.96) * size[0]
    return Preset("ideal", size, focal, size, focal, colour=ColourSensor(read=0.0, photon=0.0))


_MAKERS = {"d435": _d435, "azure_kinect": _azure_kinect, "ideal": _ideal}
PRESETS: tuple[str, ...] = tuple(_MAKERS)


def preset(name: str, size: Size = (640, 480)) -> Preset:
    """Return a camera by name.

    Parameters
    ----------
    name : str
        One of `PRESETS`.
    size : tuple of int
        Columns and rows of the colour image.

    Raises
    ------
    InputError
        If the name is unknown or the size too small.
    """
    if name not in _MAKERS:
        raise InputError(f"there is no camera {name!r}; choose one of {', '.join(PRESETS)}")
    if min(size) < 16:
        raise InputError(f"images of {size[0]}x{size[1]} pixels are too small; take 640x480")
    return _MAKERS[name]((int(size[0]), int(size[1])))


def misregistered(camera: Preset, rng: np.random.Generator, sigma_rad: float = 0.004) -> Preset:
    """Return a camera whose calibration is wrong by a random rotation."""
    error = rng.normal(0.0, sigma_rad, 3)
    return replace(camera, error_rad=(float(error[0]), float(error[1]), float(error[2])))


class RgbdCamera:
    """A running RGB-D camera at one place.

    Parameters
    ----------
    kind : Preset
    camera : Camera
        The colour camera, of the preset's size and focal length.
    seed : int
        Decides all noise.

    Attributes
    ----------
    camera, depth_camera : Camera
    """

    def __init__(self, kind: Preset, camera: Camera, seed: int) -> None:
        self.camera, self.depth_camera = camera, kind.depth_camera(camera)
        self._colour, self._rng = kind.colour, np.random.default_rng([seed, 5])
        self._registration = Registration(self.depth_camera, camera, kind.error_rad)
        shape = (self.depth_camera.height, self.depth_camera.width)
        self._depth = (
            None
            if kind.sensor is None
            else DepthCamera(kind.sensor, shape, self.depth_camera.focal_px, seed)
        )

    def measure_colour(self, image: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Return the 8-bit image (h, w, 3) of an ideal one."""
        return self._colour.measure(image, self._rng)

    def measure_depth(
        self, depth_m: NDArray[np.float32], reflectance: NDArray[np.float32] | None = None
    ) -> NDArray[np.uint16]:
        """Return depth in the colour camera's pixels, mm, of the depth camera's true depth."""
        if self._depth is None:
            known = np.isfinite(depth_m) & (depth_m < 65.0)
            measured = np.where(known, np.round(1000.0 * depth_m), 0.0).astype(np.uint16)
        else:
            measured = self._depth.measure(depth_m, reflectance)
        return self._registration.align(measured)
