"""A time-of-flight depth sensor, with the figures of Microsoft's Azure Kinect.

Its hardware specification states a range of 0.5 to 3.86 m for the narrow field of view unbinned
(640x576, 75 x 65 degrees), a systematic error below 11 mm + 0.1 % of the distance without
multi-path interference, and a random error of at most 17 mm. Toelgyessy et al. 2021 (Sensors
21:413) measured 1 to 2 mm on a well-lit target at 1 to 3 m, flying pixels at edges, and depth
beside concave corners that is too large. The noise is that of an amplitude-modulated sensor:
its standard deviation goes as 1 over the amplitude, which falls with the square of the distance,
with the reflectance and with the cosine of incidence (Lange and Seitz 2001, IEEE J. Quantum
Electron. 37:390, for light that is weak against the background).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.imaging.noise import NoiseTile
from lbp_rehab.synthetic.imaging.sensor import DepthStream

_BOX = np.ones((3, 3), np.uint8)
_CUT = 1.25  # corner of the hexagon: where it crosses the edges of the narrow field
_GREY = 0.5  # reflectance where none is given
_INFRARED_FLOOR = 0.12  # even black cloth returns some near-infrared light
_CORNER_PX = 9.0  # how far round a concave corner light is thrown to and fro
_CORNER_MOST_M = 0.03
_WAVE_M = 0.75  # period of the error over the distance: half the modulation's wavelength at 200 MHz


@dataclass(frozen=True)
class TimeOfFlightSensor:
    """A time-of-flight sensor.

    Attributes
    ----------
    focal_px : float
        504 at 640x576 (narrow), 252 at 512x512 (wide, binned).
    noise_m : float
        RMS error facing a surface of reflectance 0.5 at 1 m that goes with 1 / amplitude.
    floor_m : float
        RMS error that stays however much light comes back.
    weakest : float
        Amplitude without depth; 1 is a surface of reflectance 1 facing at 1 m.
    systematic_m, systematic_share : float
        Largest systematic error: an offset and a share of the distance.
    flying_share : float
        Share of the pixels at an edge whose depth lies between both sides; as many have none.
    edge_step_m : float
        A larger step of depth between neighbours is an edge.
    multipath : float
        Strength of light that goes to and fro in concave corners; 0 is none.
    field_rad : tuple of float
        Horizontal and vertical field of illumination; the corners beyond it have no depth. The
        specification's 75 x 65 degrees include the lens's distortion, which a pinhole of 504 pixels
        does not have.
    wide : bool
        Whether the field is an ellipse (wide mode) or a hexagon (narrow mode).
    range_m : tuple of float
    """

    focal_px: float = 504.0
    noise_m: float = 0.0005
    floor_m: float = 0.0008
    weakest: float = 0.006
    systematic_m: float = 0.004
    systematic_share: float = 0.001
    flying_share: float = 0.4
    edge_step_m: float = 0.08
    multipath: float = 0.5
    field_rad: tuple[float, float] = (float(np.radians(64.8)), float(np.radians(59.5)))
    wide: bool = False
    range_m: tuple[float, float] = (0.5, 3.86)

    def stream(self, shape: tuple[int, int], rng: np.random.Generator) -> DepthStream:
        """Return a running sensor whose own image has ``shape`` rows and columns."""
        return _TimeOfFlightStream(self, shape, rng)

    def lit(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels lie in the field of illumination, shape (rows, columns)."""
        rows, columns = shape
        u = np.abs(np.arange(columns) - (columns - 1) / 2.0)[None] / self.focal_px
        v = np.abs(np.arange(rows) - (rows - 1) / 2.0)[:, None] / self.focal_px
        u, v = u / np.tan(self.field_rad[0] / 2.0), v / np.tan(self.field_rad[1] / 2.0)
        if self.wide:
            return np.asarray(u * u + v * v < 1.0)
        return np.asarray((u < 1.0) & (v < 1.0) & (u + 0.5 * v < _CUT))


class _TimeOfFlightStream:
    def __init__(
        self, sensor: TimeOfFlightSensor, shape: tuple[int, int], rng: np.random.Generator
    ) -> None:
        self._sensor, self._rng = sensor, rng
        self._lit = sensor.lit(shape)
        self._noise, self._patch = NoiseTile(0.6, shape), NoiseTile(0.8, shape)
        # The error that stays: smooth over the image, and a wave over the distance.
        field = NoiseTile(40.0, shape).window(rng)
        self._offset = (0.5 * np.clip(field / 2.5, -1.0, 1.0)).astype(np.float32)
        self._phase = float(rng.uniform(0.0, 2 * np.pi))
        self._gain = float(rng.uniform(-1.0, 1.0))

    def measure(
        self, depth_m: NDArray[np.float32], reflectance: NDArray[np.float32] | None
    ) -> NDArray[np.uint16]:
        s, rng = self._sensor, self._rng
        if reflectance is None:
            reflectance = np.full(depth_m.shape, _GREY, np.float32)
        nearest = np.asarray(cv2.erode(depth_m, _BOX), np.float32)
        farthest = np.asarray(cv2.dilate(depth_m, _BOX), np.float32)
        noise = (self._noise.window(rng), self._patch.window(rng), self._patch.window(rng))
        numbers = (
            s.focal_px, s.noise_m, s.floor_m, s.weakest, s.systematic_m, s.systematic_share,
            s.flying_share, s.edge_step_m, *s.range_m, self._phase, self._gain,
        )  # fmt: skip
        result = np.empty(depth_m.shape, np.uint16)
        extra = self._multipath(depth_m, nearest, farthest)
        _time_of_flight(
            (depth_m, nearest, farthest, reflectance, extra), noise,
            (self._lit, self._offset), numbers, result,
        )  # fmt: skip
        return result

    def _multipath(
        self, depth_m: NDArray[np.float32], nearest: NDArray[np.float32],
        farthest: NDArray[np.float32],
    ) -> NDArray[np.float32]:  # fmt: skip
        """Return how much farther concave corners look, metres; at half the resolution."""
        half = (depth_m.shape[1] // 2, depth_m.shape[0] // 2)
        small = np.asarray(cv2.resize(depth_m, half, interpolation=cv2.INTER_NEAREST))
        span = np.asarray(cv2.resize(farthest - nearest, half, interpolation=cv2.INTER_NEAREST))
        broken = np.asarray(cv2.dilate(span, np.ones((9, 9), np.uint8)))
        hollow = small - np.asarray(cv2.blur(small, (9, 9)))
        hollow = np.clip(hollow, 0.0, _CORNER_MOST_M) * (broken < self._sensor.edge_step_m)
        side = 2 * int(_CORNER_PX) + 1
        spread = cv2.blur(cv2.blur(hollow.astype(np.float32), (side, side)), (side, side))
        extra = 4.0 * self._sensor.multipath * np.asarray(spread)
        return np.asarray(
            cv2.resize(extra, depth_m.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32
        )


@numba.njit(cache=True)
def _time_of_flight(images, noise, fixed, numbers, result):  # type: ignore[no-untyped-def]
    true, nearest, farthest, reflectance, extra = images
    fresh, patch, mix = noise
    lit, offset = fixed
    (focal, noise_m, floor_m, weakest, systematic, share, flying, edge_step, least, most, phase,
     gain) = numbers  # fmt: skip
    height, width = true.shape
    f32 = np.float32
    focal, noise_m, floor_m, weakest = f32(focal), f32(noise_m), f32(floor_m), f32(weakest)
    systematic, drift, flying = f32(systematic), f32(share * gain), f32(flying)
    edge_step, least, most, phase = f32(edge_step), f32(least), f32(most), f32(phase)
    half, one, thousand = f32(0.5), f32(1.0), f32(1000.0)
    floor, light = f32(_INFRARED_FLOOR), f32(1.0 - _INFRARED_FLOOR)
    cycle = f32(2.0 * np.pi / _WAVE_M)
    middle_x, middle_y = half * f32(width - 1), half * f32(height - 1)
    for i in range(height):
        above, below = max(i - 1, 0), min(i + 1, height - 1)
        y = (f32(i) - middle_y) / focal
        for j in range(width):
            result[i, j] = 0
            z = true[i, j]
            if not lit[i, j] or z > most + one:
                continue
            x = (f32(j) - middle_x) / focal
            left, right = max(j - 1, 0), min(j + 1, width - 1)
            # The normal of the surface z(column, row): its tangents are d(z ray)/d(column, row). Of
            # both neighbours the nearer counts, so that an edge is not taken for a steep surface.
            before, after = z - true[i, left], true[i, right] - z
            zx = (before if abs(before) < abs(after) else after) * focal / z
            before, after = z - true[above, j], true[below, j] - z
            zy = (before if abs(before) < abs(after) else after) * focal / z
            nz = one + x * zx + y * zy
            away = one + x * x + y * y
            # Amplitude: reflectance * cosine / distance^2; its inverse is what the noise goes with.
            bright = floor + light * reflectance[i, j]
            inverse = z * z * away * np.sqrt((zx * zx + zy * zy + nz * nz) * away) / bright
            if farthest[i, j] - nearest[i, j] > edge_step:
                # The logistic curve turns normal into evenly spread numbers, nearly enough.
                chance = 1.0 / (1.0 + np.exp(-1.702 * patch[i, j]))
                if chance < flying:
                    between = f32(1.0 / (1.0 + np.exp(-1.702 * mix[i, j])))
                    z = nearest[i, j] + between * (farthest[i, j] - nearest[i, j])
                elif chance < 2.0 * flying:
                    continue
            if inverse * weakest > one:
                continue
            uneven = half * noise_m * inverse
            sigma = np.sqrt(floor_m * floor_m + uneven * uneven)
            wave = half * np.sin(cycle * z + phase) + offset[i, j]
            measured = z + systematic * wave + drift * z + extra[i, j] * bright
            measured += sigma * fresh[i, j]
            if least <= measured <= most:
                result[i, j] = np.uint16(thousand * measured + half)
