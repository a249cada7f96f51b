"""Tiles of noise, made once and read at random places: much cheaper than new noise.

A tile repeats itself without a seam, so that an image may start anywhere in it. Where it starts
and how it is mirrored are drawn for each frame: two frames have different noise, and the
same seed gives the same bytes.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 1024  # rows and columns of a tile, larger than any correlation length
_SEED = 20_260_701  # of the tiles themselves, which all patients share


@lru_cache(maxsize=16)
def gaussian_tile(sigma_px: float) -> NDArray[np.float32]:
    """Return seamless Gaussian noise of mean 0 and RMS 1, shape (TILE, TILE).

    Parameters
    ----------
    sigma_px : float
        Standard deviation of the Gaussian that the white noise is blurred with; 0 leaves it white.
    """
    rng = np.random.default_rng([_SEED, round(1000 * sigma_px)])
    white = rng.standard_normal((TILE, TILE), dtype=np.float32)
    if sigma_px > 0:
        margin = int(np.ceil(5 * sigma_px))
        wrapped = np.pad(white, margin, mode="wrap")
        blurred = cv2.GaussianBlur(wrapped, (0, 0), sigma_px)
        white = np.asarray(blurred, np.float32)[margin:-margin, margin:-margin]
    tile = (white - white.mean()) / white.std()
    tile.setflags(write=False)
    return tile


class NoiseTile:
    """Windows of one tile at random places.

    Parameters
    ----------
    sigma_px : float
        See `gaussian_tile`.
    shape : tuple of int
        Rows and columns of a window.
    """

    def __init__(self, sigma_px: float, shape: tuple[int, int]) -> None:
        repeats = [int(np.ceil(n / TILE)) + 1 for n in shape]
        self._wide = np.tile(gaussian_tile(sigma_px), repeats)
        self._shape = shape

    def window(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return a read-only view of noise, shape ``shape``, RMS 1."""
        row, column, mirror = (int(i) for i in rng.integers((TILE, TILE, 4)))
        rows, columns = self._shape
        cut = self._wide[row : row + rows, column : column + columns]
        return cut[:: 1 - 2 * (mirror & 1), :: 1 - (mirror & 2)]
