"""The naive peers: what an engineer would build in an afternoon, measured beside ours.

They are given every help that costs nothing (the true gravity, the same models), and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, iirnotch, sosfiltfilt, tf2sos
from scipy.spatial.transform import Rotation

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.pelvis.segments import POINTS, cardan, gravity_frame, pelvis_axes, spans_a_pelvis
from lbp_rehab.pose.blazepose import Detector, LandmarkModel
from lbp_rehab.pose.landmarks import Region
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import Support

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WINDOW = 7  # pixels
_TRUNK = np.array([INDEX[name] for name in POINTS])
BAND_HZ, ORDER = (20.0, 450.0), 2
SMOOTHING_S = 0.1
NOTCH_HZ = 2.0  # width
LEAST_SECONDS = 5  # for a slope
ON_SD, ON_S, BASELINE_S = 3.0, 0.05, 0.5


@dataclass(frozen=True)
class NaivePose:
    """Keypoints of one frame.

    Attributes
    ----------
    position : ndarray, shape (33, 3)
        Metres in the optical frame; zero where unknown.
    known : ndarray of bool, shape (33,)
    pixel : ndarray, shape (33, 2)
    score : float
        Of the 2D model; 0 if nobody was found.
    """

    position: Array
    known: Mask
    pixel: Array
    score: float


class NaivePoseEstimator:
    """BlazePose on the whole image and the median of the depth at each landmark.

    The first person of the detector is followed from frame to frame by the model's own region, as
    MediaPipe does; no rule who the patient is, no plausibility, no prior, no smoothing. A landmark
    without a depth reading is unknown. Hips and shoulders are taken as they are: on the skin.
    """

    def __init__(self) -> None:
        self._detector, self._model = Detector(), LandmarkModel()
        self._region: Region | None = None

    def update(self, frame: RgbdFrame) -> NaivePose:
        """Return the keypoints in this frame."""
        landmarks = self._model(frame.color, self._region) if self._region else None
        if landmarks is None:
            people = self._detector(frame.color)
            landmarks = self._model(frame.color, people[0].region) if people else None
        self._region = landmarks.next_region if landmarks else None
        if landmarks is None:
            n = len(NAMES)
            return NaivePose(np.zeros((n, 3)), np.zeros(n, bool), np.full((n, 2), -1.0), 0.0)
        position, known = back_project(landmarks.pixel, frame.depth, frame.intrinsics)
        return NaivePose(position, known, landmarks.pixel, landmarks.presence)


def back_project(
    pixel: Array, depth: NDArray[np.uint16] | None, camera: Intrinsics
) -> tuple[Array, Mask]:
    """Return points at the median depth of `WINDOW` x `WINDOW` pixels, and which have one.

    Parameters
    ----------
    pixel : ndarray, shape (n, 2)
    depth : ndarray, shape (h, w), or None
        Millimetres, 0: no reading.
    """
    position, known = np.zeros((len(pixel), 3)), np.zeros(len(pixel), bool)
    if depth is None:
        return position, known
    height, width = depth.shape
    reach = WINDOW // 2
    rays = camera.rays(pixel)
    for k, (column, row) in enumerate(np.round(pixel).astype(int)):
        if not (0 <= column < width and 0 <= row < height):
            continue
        window = depth[
            max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1
        ]
        read = window[window > 0]
        if read.size:
            position[k] = rays[k] * (float(np.median(read)) / 1000.0)
            known[k] = True
    return position, known


def naive_pelvis(position: Array, known: Mask, support: Support) -> Array | None:
    """Return the pelvis axes from the hips and the line to the shoulders, gravity given.

    Parameters
    ----------
    position : ndarray, shape (33, 3)
    known : ndarray of bool, shape (33,)

    Returns
    -------
    ndarray, shape (3, 3), or None
        Columns anterior, left, cranial in the frame of gravity.
    """
    points = position[_TRUNK]
    if not (known[_TRUNK].all() and spans_a_pelvis(points)):
        return None
    return gravity_frame(support) @ pelvis_axes(points)


def naive_angles(axes: list[Array | None], neutral: Mask) -> tuple[Array, Array]:
    """Return the angles to gravity and to the mean over the neutral frames, nan where unknown.

    Parameters
    ----------
    axes : list of (ndarray, shape (3, 3), or None)
        Of each frame.
    neutral : ndarray of bool, shape (t,)

    Returns
    -------
    absolute, relative : ndarray, shape (t, 3)
        Tilt, obliquity, rotation in radians.
    """
    absolute, relative = np.full((len(axes), 3), np.nan), np.full((len(axes), 3), np.nan)
    known = np.array([a is not None for a in axes])
    rotations = np.array([a for a in axes if a is not None])
    if known.any():
        absolute[known] = cardan(rotations)
    if (known & neutral).any():
        at_rest = Rotation.from_matrix(rotations[neutral[known]]).mean().as_matrix()
        relative[known] = cardan(at_rest.T @ rotations)
    relative[neutral] = np.nan
    return absolute, relative


def naive_band(data: Array, rate_hz: float, mains_hz: float = 0.0) -> Array:
    """Return the signal band-passed and without the mains, shape (n, c), without delay.

    Parameters
    ----------
    data : ndarray, shape (n, c)
    rate_hz : float
    mains_hz : float
        Of the mains, whose multiples within the band are notched out; 0: they stay in.
    """
    high = min(BAND_HZ[1], 0.45 * rate_hz)
    sections = [butter(ORDER, (BAND_HZ[0], high), "bandpass", fs=rate_hz, output="sos")]
    if mains_hz > 0.0:
        sections += [
            tf2sos(*iirnotch(line_hz, line_hz / NOTCH_HZ, fs=rate_hz))
            for line_hz in np.arange(mains_hz, high, mains_hz)
        ]
    return np.asarray(sosfiltfilt(np.concatenate(sections), data - data[:1], axis=0))


def naive_envelope(data: Array, rate_hz: float, mains_hz: float = 0.0) -> Array:
    """Return the band-passed, rectified signal averaged over 100 ms, shape (n, c), volts.

    Nothing lags; the heart stays in.
    """
    rectified = np.abs(naive_band(data, rate_hz, mains_hz))
    window = max(1, round(SMOOTHING_S * rate_hz))
    total = np.cumsum(np.vstack([np.zeros((1, data.shape[1])), rectified]), axis=0)
    n = len(data)
    low = np.clip(np.arange(n) - window // 2, 0, n)
    top = np.clip(np.arange(n) - window // 2 + window, 0, n)
    return np.asarray((total[top] - total[low]) / (top - low)[:, None])


def naive_bursts(
    envelope: Array, rate_hz: float, baseline: tuple[float, float] | None = None
) -> list[tuple[int, int]]:
    """Return the first and last sample of each burst of one channel, shape (n,).

    Over mean + 3 SD for at least 50 ms (Hodges and Bui 1996). The mean over 100 ms passes a low
    threshold as soon as it touches a burst, half of its window too early, and leaves it as much too
    late; that is put right.

    Parameters
    ----------
    envelope : ndarray, shape (n,)
    rate_hz : float
    baseline : tuple of float, optional
        Mean and SD at rest; those of the first half second if not given.
    """
    if baseline is None:
        rest = envelope[: max(2, round(BASELINE_S * rate_hz))]
        baseline = float(rest.mean()), float(rest.std())
    on = envelope > baseline[0] + ON_SD * baseline[1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]])))
    least = ON_S * rate_hz
    pairs = edges.reshape(-1, 2).tolist()
    half = round(SMOOTHING_S * rate_hz / 2.0)
    return [
        (a + half, b - 1 - half) if b - a > 2 * half else ((a + b) // 2, (a + b) // 2)
        for a, b in pairs
        if b - a >= least
    ]


def naive_median_slope(band: Array, rate_hz: float) -> float:
    """Return the slope of the median frequency in Hz/s over whole seconds; nan if there are few.

    Parameters
    ----------
    band : ndarray, shape (n,)
        Band-passed signal of one effort.
    """
    n = round(rate_hz)
    seconds = len(band) // n
    if seconds < LEAST_SECONDS:
        return float("nan")
    power = np.abs(np.fft.rfft(band[: seconds * n].reshape(seconds, n), axis=1)) ** 2
    total = np.cumsum(power, axis=1)
    median = (total < total[:, -1:] / 2.0).sum(axis=1) * (rate_hz / n)
    return float(np.polyfit(np.arange(seconds), median, 1)[0])
