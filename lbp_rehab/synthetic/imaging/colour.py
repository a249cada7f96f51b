"""What a colour camera makes of an ideal image: exposure, white balance, vignetting and noise."""
# ruff: noqa: PLR0917  (numba takes positional arguments, and flat ones fastest)

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging.noise import TILE, gaussian_tile

# Demosaicing spreads each sample's noise over its neighbours: correlation in pixels.
_GRAIN_PX = 0.6
KNEE = 0.8  # coded light beyond it is compressed, so that it never quite reaches white


@dataclass(frozen=True)
class ColourSensor:
    """A small colour sensor after its own noise reduction.

    Attributes
    ----------
    read, photon : float
        RMS noise in grey levels of 255, at black and (added) at white.
    exposure : float
        Factor on the linear light.
    white_balance : tuple of float
        Factors on linear red, green and blue.
    vignetting : float
        Share of the linear light that is lost in the corners.
    """

    read: float = 0.5
    photon: float = 0.8
    exposure: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignetting: float = 0.0

    @classmethod
    def sample(cls, draws: Draws) -> ColourSensor:
        """Draw a sensor and how it is set."""
        warm, tint = draws.uniform(-0.08, 0.08), draws.uniform(-0.03, 0.03)
        return cls(
            read=draws.uniform(0.4, 2.5),
            photon=draws.uniform(0.6, 3.0),
            exposure=draws.uniform(0.72, 1.30),
            white_balance=(1.0 + warm, 1.0 + tint, 1.0 - warm),
            vignetting=draws.uniform(0.0, 0.35),
        )

    def measure(self, image: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return an 8-bit image of an ideal one.

        Parameters
        ----------
        image : ndarray, shape (h, w, 3)
            Red, green, blue, 0 to 1, coded by a square root.
        rng : numpy.random.Generator
            Decides the noise.
        """
        height, width = image.shape[:2]
        gain = _gains((height, width), self.exposure, self.white_balance, self.vignetting)
        result = np.empty((height, 3 * width), np.uint8)
        row, column = (int(i) for i in rng.integers((TILE, TILE)))
        flat = np.ascontiguousarray(image, np.float32).reshape(height, 3 * width)
        _expose(flat, _grain(), (row, 3 * column), gain, self.read, self.photon, result)
        return result.reshape(height, width, 3)


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.float32]:
    """Return noise of three interleaved channels, shape (TILE, 3 TILE)."""
    tile = gaussian_tile(_GRAIN_PX)
    channels = [tile, np.roll(tile, (411, 333), (0, 1)), np.roll(tile, (207, 700), (0, 1))]
    return np.stack(channels, axis=2).reshape(TILE, 3 * TILE)


@lru_cache(maxsize=8)
def _gains(
    shape: tuple[int, int],
    exposure: float,
    white_balance: tuple[float, float, float],
    vignetting: float,
) -> NDArray[np.float32]:
    """Return factors on interleaved coded values, shape (rows, 3 columns)."""
    y = (np.arange(shape[0]) - 0.5 * (shape[0] - 1))[:, None]
    x = np.arange(shape[1]) - 0.5 * (shape[1] - 1)
    lost = vignetting * (x * x + y * y) / (x[0] ** 2 + y[0, 0] ** 2 + 1e-9)
    # Light is coded by its square root, and so are factors on it.
    gain = np.sqrt(exposure * (1.0 - lost)[:, :, None] * np.array(white_balance))
    return gain.astype(np.float32).reshape(shape[0], 3 * shape[1])


@numba.njit(cache=True)
def _expose(image, grain, start, gain, read, photon, result):  # type: ignore[no-untyped-def]
    full, zero = np.float32(255.0), np.float32(0.0)
    knee, rest, half = np.float32(KNEE), np.float32(1.0 - KNEE), np.float32(0.5)
    base, slope = np.float32(read), np.float32(photon)
    height, width = result.shape
    line = np.empty(width, np.float32)
    for i in range(height):
        noise = grain[(start[0] + i) & (TILE - 1)]
        first = min(grain.shape[1] - start[1], width)
        done = 0
        while done < width:
            line[done : done + first] = noise[start[1] if done == 0 else 0 :][:first]
            done += first
            first = min(grain.shape[1], width - done)
        for k in range(width):
            light = max(image[i, k] * gain[i, k], zero)
            over = max(light - knee, zero)
            clean = min(light, knee) + rest * over / (over + rest)
            value = full * clean + (base + slope * np.sqrt(clean)) * line[k] + half
            result[i, k] = np.uint8(min(max(value, zero), full))
