"""Procedural textures, computed where they are seen (needs numba)."""

from __future__ import annotations

import numba
import numpy as np

from lbp_rehab.synthetic.imaging.surfaces import TILE

_PLANKS, _TILES, _CARPET, _SPECKLE, _STRIPES, _PRINT, HAIR = range(1, 8)  # of `Texture`
_PLANK_LENGTH = 7.0  # widths


@numba.njit(cache=True, inline="always")
def _noise(tile, u, v, channel):  # type: ignore[no-untyped-def]
    return tile[int(np.floor(v)) & (TILE - 1), int(np.floor(u)) & (TILE - 1), channel]


@numba.njit(cache=True)
def _hash(i, j):  # type: ignore[no-untyped-def]
    """Return a number between 0 and 1 that looks random."""
    h = (i * 374761393 + j * 668265263) & 0x7FFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0x7FFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


@numba.njit(cache=True, inline="always")
def texture(table, m, tile, u, v):  # type: ignore[no-untyped-def]
    """Return a factor on the colour, and the share of the accent colour."""
    kind, scale, contrast = int(table[m, 0]), table[m, 1], table[m, 2]
    cloud = _noise(tile, u * np.float32(160.0), v * np.float32(160.0), 0)
    even = np.float32(1.0) + contrast * cloud
    if kind == 0:
        return max(even, np.float32(0.2)), np.float32(0.0)
    gain, accent = float(even), 0.0
    if kind == _PLANKS:
        j = int(np.floor(v / scale))
        along = u / (scale * _PLANK_LENGTH) + _hash(j, 7)
        i = int(np.floor(along))
        tone = 2.0 * _hash(i, j) - 1.0
        grain = _noise(tile, u * 60.0 + 999.0 * tone, v * 700.0, 0)
        gain = 1.0 + contrast * (1.4 * tone + 0.8 * grain)
        seam = min(v / scale - j, (along - i) * _PLANK_LENGTH)
        accent = 0.6 if seam * scale < 0.004 else 0.0
    elif kind == _TILES:
        i, j = int(np.floor(u / scale)), int(np.floor(v / scale))
        gain = 1.0 + contrast * (cloud + 1.2 * (2.0 * _hash(i, j) - 1.0))
        accent = 1.0 if min(u / scale - i, v / scale - j) * scale < 0.006 else 0.0
    elif kind == _CARPET:
        grain = _noise(tile, u * 400.0, v * 400.0, 3)
        gain = 1.0 + contrast * (1.5 * grain + 0.8 * cloud)
    elif kind == _SPECKLE:
        accent = 0.8 if _noise(tile, u * 250.0, v * 250.0, 3) > 1.6 else 0.0
    elif kind == _STRIPES:
        accent = 1.0 if v / scale - np.floor(v / scale) < 0.35 else 0.0
    elif kind == _PRINT:
        accent = 1.0 if _noise(tile, 40.0 * u / scale, 40.0 * v / scale, 0) > 0.8 else 0.0
    elif kind == HAIR:
        gain = 1.0 + contrast * _noise(tile, u * 1500.0, v * 90.0, 0)
    return np.float32(max(gain, 0.2)), np.float32(accent)
