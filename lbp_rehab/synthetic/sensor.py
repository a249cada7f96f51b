"""What a stereo depth camera makes of a perfect depth image, and a colour camera of a perfect one.

The depth model works in disparity, as the sensor does: noise with the correlation of the matching
window, quantisation to the sub-pixel step, widened edges, holes where only one imager sees,
drop-out at edges and at grazing surfaces. Figures are those of an Intel RealSense D435 (D400 series
datasheet: baseline 50 mm, sub-pixel step 1/32; Intel's tuning guide expects a sub-pixel RMS
error of 0.05 to 0.1 pixels on a textured target).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


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


class DepthCamera:
    """A stream of depth images of one sensor, aligned to a colour camera beside it.

    Parameters
    ----------
    sensor : StereoSensor
    shape : tuple of int
        Rows and columns of the aligned image.
    focal_px : float
        Of the aligned image.
    seed : int
        Decides all noise.
    """

    def __init__(
        self, sensor: StereoSensor, shape: tuple[int, int], focal_px: float, seed: int
    ) -> None:
        self._sensor = sensor
        self._aligned = (shape[1], shape[0])
        self._rng = np.random.default_rng([seed, 2])
        scale = sensor.focal_px / focal_px
        self._columns, self._rows = np.meshgrid(
            np.arange(round(shape[1] * scale), dtype=np.float32),
            np.arange(round(shape[0] * scale), dtype=np.float32),
        )
        self._fixed = self._smooth_noise(sensor.window_px)
        self._fixed_edge = (self._smooth_noise(1.0), self._smooth_noise(1.0))

    def measure(self, depth_m: NDArray[np.floating]) -> NDArray[np.uint16]:
        """Return one noisy depth image.

        Parameters
        ----------
        depth_m : ndarray, shape (h, w)
            True depth, metres; infinite where there is nothing.

        Returns
        -------
        ndarray of uint16, shape (h, w)
            Millimetres, 0 where there is no depth (16UC1 of REP-118).
        """
        s = self._sensor
        finite = np.minimum(depth_m, 4.0 * s.range_m[1]).astype(np.float32)
        own = (self._columns.shape[1], self._columns.shape[0])
        true = cv2.resize(finite, own, interpolation=cv2.INTER_NEAREST)
        seen = self._jittered(true)
        per_disparity = s.focal_px * s.baseline_m
        error = np.sqrt(s.fixed_share) * self._fixed
        error = error + np.sqrt(1.0 - s.fixed_share) * self._smooth_noise(s.window_px)
        disparity = per_disparity / seen + s.noise_px * error
        disparity = np.round(disparity / s.step_px) * s.step_px
        measured = per_disparity / np.maximum(disparity, s.step_px)
        lost = self._edges(true) | self._shadow(true) | self._grazing(seen)
        lost |= (measured < s.range_m[0]) | (measured > s.range_m[1])
        millimetres = np.where(lost, 0, np.round(1000.0 * measured)).astype(np.uint16)
        aligned = cv2.resize(millimetres, self._aligned, interpolation=cv2.INTER_NEAREST)
        return np.asarray(aligned, np.uint16)

    def _jittered(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move edges, which the matching window widens and blurs over time."""
        reach = self._sensor.jitter_px
        columns = self._columns + reach * (self._fixed_edge[0] + self._smooth_noise(1.0)) / 1.4
        rows = self._rows + reach * (self._fixed_edge[1] + self._smooth_noise(1.0)) / 1.4
        nearest = cv2.erode(depth_m, np.ones((3, 3), np.uint8))  # the foreground wins its window
        moved = cv2.remap(
            nearest,
            columns.astype(np.float32),
            rows.astype(np.float32),
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(moved, np.float32)

    def _edges(self, depth_m: NDArray[np.float32]) -> NDArray[np.bool_]:
        span = cv2.dilate(depth_m, np.ones((3, 3))) - cv2.erode(depth_m, np.ones((3, 3)))
        patchy = self._smooth_noise(1.0) > norm.ppf(1.0 - self._sensor.edge_dropout)
        return (span > self._sensor.edge_step_m) & patchy

    def _shadow(self, depth_m: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Find what the right imager, a baseline away, cannot see behind something nearer."""
        shift = self._sensor.focal_px * self._sensor.baseline_m / depth_m
        in_right = self._columns - shift
        nearest_right = np.minimum.accumulate(in_right[:, ::-1], axis=1)[:, ::-1]
        return nearest_right < in_right - 1.0

    def _grazing(self, depth_m: NDArray[np.float32]) -> NDArray[np.bool_]:
        smooth = cv2.blur(depth_m, (5, 5))
        slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
        slope = slope / 8.0 / smooth
        threshold = self._sensor.grazing_slope * (1.0 + 0.5 * self._smooth_noise(1.5))
        return slope > np.maximum(threshold, 0.3 * self._sensor.grazing_slope)

    def _smooth_noise(self, sigma_px: float) -> NDArray[np.float32]:
        """Return Gaussian noise of RMS 1 with the given correlation length."""
        white = self._rng.standard_normal(self._columns.shape).astype(np.float32)
        smooth = cv2.GaussianBlur(white, (0, 0), sigma_px)
        # A Gaussian blur leaves 1 / (4 pi sigma^2) of the variance of white noise.
        return smooth * np.float32(2.0 * np.sqrt(np.pi) * sigma_px)


@dataclass(frozen=True)
class ColourSensor:
    """Photon and read noise of a small colour sensor after its own noise reduction.

    ``read`` and ``photon`` are RMS in grey levels of 255, at black and (added) at white.
    """

    read: float = 0.5
    photon: float = 0.8

    def measure(self, image: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return an 8-bit image of an ideal one with values 0 to 1."""
        clean = 255.0 * np.clip(image, 0.0, 1.0)
        sigma = self.read + self.photon * np.sqrt(clean / 255.0)
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        # Demosaicing spreads each sample's noise over its neighbours.
        noise = 2.0 * cv2.GaussianBlur(noise, (0, 0), 0.6)
        return np.clip(np.round(clean + sigma * noise), 0, 255).astype(np.uint8)
