"""Depth at the keypoints: a few honest readings out of a noisy window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 9  # pixels; at 2 m and 600 px focal length 3 cm, the width of a wrist
MIN_READINGS = 8  # of the 81 in a window
NEAR_PERCENTILE = 30.0  # of the window: the body is in front of what is behind it
MILLIMETRE = 1e-3


@dataclass(frozen=True)
class DepthSamples:
    """Readings around n pixels.

    Attributes
    ----------
    values : ndarray, shape (n, WINDOW * WINDOW)
        Metres; nan where there is no reading.
    inside : ndarray of bool, shape (n,)
        Whether the pixel lies in the image.
    """

    values: NDArray[np.float64]
    inside: NDArray[np.bool_]

    def surface(
        self, expected: NDArray[np.float64] | None = None, reach_m: float = 0.2
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the depth and its spread at each pixel in metres, nan where there is none.

        Parameters
        ----------
        expected : ndarray, shape (n,), optional
            Depth at which the surface should be; readings further than ``reach_m`` are another
            body's or the background's. Without it, the nearer part of the window is taken.

        Returns
        -------
        z, spread : ndarray, shape (n,)
            Median and 1.4826 times the median absolute deviation (a robust 1-sigma).
        """
        values = self.values
        if expected is None:
            enough = np.isfinite(values).sum(axis=1) >= MIN_READINGS
            near = _percentile(values, NEAR_PERCENTILE)
            expected = np.where(enough, near, np.nan)
        with np.errstate(invalid="ignore"):
            kept = np.where(np.abs(values - expected[:, None]) <= reach_m, values, np.nan)
        enough = np.isfinite(kept).sum(axis=1) >= MIN_READINGS
        z = np.where(enough, _percentile(kept, 50.0), np.nan)
        spread = 1.4826 * _percentile(np.abs(kept - z[:, None]), 50.0)
        return z, np.where(enough, spread, np.nan)


def sample(depth: NDArray[np.uint16], pixel: NDArray[np.float64]) -> DepthSamples:
    """Return the readings in a window around each pixel.

    Parameters
    ----------
    depth : ndarray of uint16, shape (h, w)
        Millimetres, 0: no reading.
    pixel : ndarray, shape (n, 2)
        Column and row.
    """
    height, width = depth.shape
    centre = np.round(pixel).astype(int)
    inside = (centre >= 0).all(axis=1) & (centre[:, 0] < width) & (centre[:, 1] < height)
    reach = np.arange(WINDOW) - WINDOW // 2
    columns = np.clip(centre[:, 0, None, None] + reach[None, None, :], 0, width - 1)
    rows = np.clip(centre[:, 1, None, None] + reach[None, :, None], 0, height - 1)
    values = depth[rows, columns].reshape(len(pixel), -1).astype(np.float64) * MILLIMETRE
    values[(values <= 0) | ~inside[:, None]] = np.nan
    return DepthSamples(values, inside)


def _percentile(values: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    """Return the percentile of each row without its nans (nan for an empty row)."""
    ordered = np.sort(values, axis=1)  # nans go last
    count = np.isfinite(values).sum(axis=1)
    place = np.clip((count - 1) * q / 100.0, 0, None)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    row = np.arange(len(values))
    part = place - low
    return ordered[row, low] * (1 - part) + ordered[row, high] * part
