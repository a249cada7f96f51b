"""What a depth camera makes of a perfect depth image.

The stereo model works in disparity, as the sensor does: noise with the correlation of the matching
window, quantisation to the sub-pixel step, widened edges, holes where only one imager sees,
drop-out at edges and at grazing surfaces. Figures are those of an Intel RealSense D435 (D400 series
datasheet: baseline 50 mm, sub-pixel step 1/32; Intel's tuning guide expects a sub-pixel RMS
error of 0.05 to 0.1 pixels on a textured target).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from lbp_rehab.synthetic.imaging.colour import ColourSensor
from lbp_rehab.synthetic.imaging.noise import NoiseTile

__all__ = ["ColourSensor", "DepthCamera", "DepthSensor", "DepthStream", "StereoSensor"]

_BOX = np.ones((3, 3), np.uint8)


class DepthStream(Protocol):
    """A running depth sensor: each image has its own noise."""

    def measure(
        self, depth_m: NDArray[np.float32], reflectance: NDArray[np.float32] | None
    ) -> NDArray[np.uint16]:
        """Return millimetres, 0 where there is no depth, of a true depth image (h, w)."""
        ...


class DepthSensor(Protocol):
    """A kind of depth sensor."""

    @property
    def focal_px(self) -> float:
        """Focal length of its own depth image."""
        ...

    @property
    def range_m(self) -> tuple[float, float]:
        """Nearest and farthest depth that is given."""
        ...

    def stream(self, shape: tuple[int, int], rng: np.random.Generator) -> DepthStream:
        """Return a running sensor whose own image has ``shape`` rows and columns."""
        ...


@dataclass(frozen=True)
class StereoSensor:
    """A stereo depth sensor. Lengths in pixels are those of its own depth image.

    Attributes
    ----------
    baseline_m : float
    focal_px : float
        Of the depth imagers: 424 pixels at 848 x 480, 212 at 424 x 240.
    step_px : float
        Smallest step of the disparity.
    noise_px : float
        RMS of the disparity error.
    fixed_share : float
        Share of the error's variance that stays from frame to frame on a scene at rest.
    window_px : float
        Standard deviation of the matching window.
    jitter_px : float
        RMS error of where an edge is seen.
    edge_step_m : float
        A larger step of depth between neighbours is an edge.
    edge_dropout : float
        Share of the pixels at an edge without depth.
    grazing_slope : float
        Relative change of depth from pixel to pixel beyond which matching fails.
    range_m : tuple of float
        Nearest and farthest depth that is given; realsense2_camera's ``clip_distance`` lowers the
        farthest.
    """

    baseline_m: float = 0.050
    focal_px: float = 424.0
    step_px: float = 1.0 / 32.0
    noise_px: float = 0.05
    fixed_share: float = 0.6
    window_px: float = 2.5
    jitter_px: float = 0.6
    edge_step_m: float = 0.08
    edge_dropout: float = 0.35
    grazing_slope: float = 0.07
    range_m: tuple[float, float] = (0.2, 6.0)

    def stream(self, shape: tuple[int, int], rng: np.random.Generator) -> DepthStream:
        """Return a running sensor whose own image has ``shape`` rows and columns."""
        return _StereoStream(self, shape, rng)


class _StereoStream:
    def __init__(
        self, sensor: StereoSensor, shape: tuple[int, int], rng: np.random.Generator
    ) -> None:
        self._sensor, self._rng = sensor, rng
        self._matching, self._fine = NoiseTile(sensor.window_px, shape), NoiseTile(1.0, shape)
        self._slope_noise = NoiseTile(1.5, shape)
        self._fixed = self._matching.window(rng).copy()
        self._fixed_edge = (self._fine.window(rng).copy(), self._fine.window(rng).copy())

    def measure(
        self, depth_m: NDArray[np.float32], reflectance: NDArray[np.float32] | None
    ) -> NDArray[np.uint16]:
        s, rng = self._sensor, self._rng
        nearest = np.asarray(cv2.erode(depth_m, _BOX))  # the foreground wins its window
        farthest = np.asarray(cv2.dilate(depth_m, _BOX))
        smooth = np.asarray(cv2.blur(depth_m, (5, 5)))
        noise = (
            self._fixed, self._matching.window(rng), *self._fixed_edge, self._fine.window(rng),
            self._fine.window(rng), self._fine.window(rng), self._slope_noise.window(rng),
        )  # fmt: skip
        numbers = (
            s.focal_px * s.baseline_m, s.step_px, s.noise_px, s.fixed_share, s.jitter_px,
            s.edge_step_m, float(norm.ppf(1.0 - s.edge_dropout)), s.grazing_slope, *s.range_m,
        )  # fmt: skip
        result = np.empty(depth_m.shape, np.uint16)
        _stereo((depth_m, nearest, farthest, smooth), noise, numbers, result)
        return result


@numba.njit(cache=True)
def _stereo(images, noise, numbers, result):  # type: ignore[no-untyped-def]
    true, nearest, farthest, smooth = images
    fixed, fresh, edge_x, edge_y, move_x, move_y, patch, slopes = noise
    scale, step, noise_px, share, jitter, edge_step, patchy, grazing, least, most = numbers
    height, width = true.shape
    f32 = np.float32  # twice as fast as double precision, and 1e-7 of the depth
    stay, change = f32(noise_px * np.sqrt(share)), f32(noise_px * np.sqrt(1.0 - share))
    scale, step, reach, half = f32(scale), f32(step), f32(jitter / 1.4), f32(0.5)
    per_step, edge_step, patchy = f32(1.0) / step, f32(edge_step), f32(patchy)
    steepest, flattest = f32(grazing), f32(0.3 * grazing)
    least, most = f32(least), f32(most)
    for i in range(height):
        above, below = max(i - 1, 0), min(i + 1, height - 1)
        in_right = f32(np.inf)  # leftmost place in the right imager of what lies further right
        for j in range(width - 1, -1, -1):
            result[i, j] = 0
            # What the right imager, a baseline away, cannot see behind something nearer.
            place = f32(j) - scale / true[i, j]
            shadowed = in_right < place - f32(1.0)
            in_right = min(in_right, place)
            if shadowed:
                continue
            if farthest[i, j] - nearest[i, j] > edge_step and patch[i, j] > patchy:
                continue
            # The matching window widens edges and they jitter over time.
            x = int(f32(j + 8) + reach * (edge_x[i, j] + move_x[i, j]) + half) - 8
            y = int(f32(i + 8) + reach * (edge_y[i, j] + move_y[i, j]) + half) - 8
            seen = nearest[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]
            left, right = max(j - 1, 0), min(j + 1, width - 1)
            across = half * (smooth[i, right] - smooth[i, left])
            down = half * (smooth[below, j] - smooth[above, j])
            limit = max(steepest * (f32(1.0) + half * slopes[i, j]), flattest) * smooth[i, j]
            if across * across + down * down > limit * limit:
                continue
            disparity = scale / seen + stay * fixed[i, j] + change * fresh[i, j]
            steps = max(f32(int(disparity * per_step + half)), f32(1.0))
            measured = scale / (steps * step)
            if least <= measured <= most:
                result[i, j] = np.uint16(f32(1000.0) * measured + half)


class DepthCamera:
    """A stream of depth images of one sensor.

    Parameters
    ----------
    sensor : DepthSensor
    shape : tuple of int
        Rows and columns of the images.
    focal_px : float
        Of the images. Where it is not the sensor's own, the sensor works at its own resolution and
        the image is resampled.
    seed : int
        Decides all noise.
    """

    def __init__(
        self, sensor: DepthSensor, shape: tuple[int, int], focal_px: float, seed: int
    ) -> None:
        scale = sensor.focal_px / focal_px
        self._farthest = np.float32(4.0 * sensor.range_m[1])
        self._given = (shape[1], shape[0])
        self._own = (round(shape[1] * scale), round(shape[0] * scale))
        rng = np.random.default_rng([seed, 2])
        self._stream = sensor.stream((self._own[1], self._own[0]), rng)

    def measure(
        self, depth_m: NDArray[np.floating], reflectance: NDArray[np.float32] | None = None
    ) -> NDArray[np.uint16]:
        """Return one noisy depth image.

        Parameters
        ----------
        depth_m : ndarray, shape (h, w)
            True depth, metres; infinite where there is nothing.
        reflectance : ndarray, shape (h, w), optional
            Of near-infrared light, 0 to 1, for sensors that depend on it.

        Returns
        -------
        ndarray of uint16, shape (h, w)
            Millimetres, 0 where there is no depth (16UC1 of REP-118).
        """
        finite = np.minimum(depth_m, self._farthest).astype(np.float32)
        if self._own == self._given:
            return self._stream.measure(finite, reflectance)
        own = np.asarray(cv2.resize(finite, self._own, interpolation=cv2.INTER_NEAREST))
        if reflectance is not None:
            reflectance = np.asarray(
                cv2.resize(reflectance, self._own, interpolation=cv2.INTER_NEAREST)
            )
        millimetres = self._stream.measure(own, reflectance)
        aligned = cv2.resize(millimetres, self._given, interpolation=cv2.INTER_NEAREST)
        return np.asarray(aligned, np.uint16)
