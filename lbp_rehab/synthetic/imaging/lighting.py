"""How much of the sun and of the sky a point sees (needs numba).

The sun has a shadow map for what stands still and one for what moves; the sky is darker where
something lies higher nearby, by a blurred map of heights.
"""
# ruff: noqa: PLR0917  (numba takes positional arguments, and flat ones fastest)

from __future__ import annotations

import numba
import numpy as np

PACKED = 12  # numbers of a vertex, side by side: normal, texture place, colour and these
SUN, SKY, MATERIAL = 8, 9, 10
_BIAS_M = 0.02  # a surface does not shade itself
_NODE = 4  # pixels between nodes where the light that is kept is computed first
_SMOOTH = 0.03  # nodes that differ less are interpolated


@numba.njit(cache=True)
def pack(normals, uv, colours, material, result):  # type: ignore[no-untyped-def]
    """Put what `_shade` needs of a vertex side by side, into float32 (n, 12)."""
    for k in range(normals.shape[0]):
        for c in range(3):
            result[k, c] = normals[k, c]
            result[k, 5 + c] = colours[k, c]
        result[k, 3], result[k, 4] = uv[k, 0], uv[k, 1]
        result[k, MATERIAL] = material[k]


@numba.njit(cache=True, inline="always")
def sun_share(light, map_inverse, x, y, z):  # type: ignore[no-untyped-def]
    """Return how much of the sun a point sees, 0 to 1, from 16 taps of the shadow map."""
    f00, f01, f02, f10, f11, f12, f20, f21, f22, c0, c1, c2, focal, middle, spread = light
    dx, dy, dz = x - c0, y - c1, z - c2
    depth = f20 * dx + f21 * dy + f22 * dz
    u = focal * (f00 * dx + f01 * dy + f02 * dz) / depth + middle
    v = focal * (f10 * dx + f11 * dy + f12 * dz) / depth + middle
    reach = 1.5 * spread + 1.0
    size = map_inverse.shape[0]
    if u < reach or v < reach or u > size - 2 - reach or v > size - 2 - reach:
        return 1.0
    limit = 1.0 / (depth - _BIAS_M)
    hidden = 0
    for i in range(4):
        row = int(v + (i - 1.5) * spread + 0.5)
        for j in range(4):
            if map_inverse[row, int(u + (j - 1.5) * spread + 0.5)] > limit:
                hidden += 1
    return 1.0 - hidden / 16.0


@numba.njit(cache=True, inline="always")
def open_sky(heights, area, x, y, z):  # type: ignore[no-untyped-def]
    """Return how much of the sky a point sees, from a blurred map of what lies how high."""
    x0, y0, cell, reach_m = area
    u, v = (x - x0) / cell, (y - y0) / cell
    i, j = int(v), int(u)
    if u < 0.0 or v < 0.0 or i >= heights.shape[0] - 1 or j >= heights.shape[1] - 1:
        return 1.0
    fu, fv = u - j, v - i
    top = (heights[i, j] * (1 - fu) + heights[i, j + 1] * fu) * (1 - fv) + (
        heights[i + 1, j] * (1 - fu) + heights[i + 1, j + 1] * fu
    ) * fv
    over = (top - z) / reach_m
    return 1.0 if over <= 0.0 else 1.0 / (1.0 + over + 0.5 * over * over)


@numba.njit(cache=True, inline="always")
def _maybe_shaded(light, coarse, x, y, z):  # type: ignore[no-untyped-def]
    """Return whether anything that moves lies near a point's place in the shadow map."""
    f00, f01, f02, f10, f11, f12, f20, f21, f22, c0, c1, c2, focal, middle, _ = light
    dx, dy, dz = x - c0, y - c1, z - c2
    depth = f20 * dx + f21 * dy + f22 * dz
    u = focal * (f00 * dx + f01 * dy + f02 * dz) / depth + middle
    v = focal * (f10 * dx + f11 * dy + f12 * dz) / depth + middle
    i, j = int(v) >> 4, int(u) >> 4
    if u < 0.0 or v < 0.0 or i >= coarse.shape[0] or j >= coarse.shape[1]:
        return False
    return coarse[i, j]


@numba.njit(cache=True)
def light_vertices(vertices, lamps, sky, packed):  # type: ignore[no-untyped-def]
    """Fill in the share of the sun and of the sky that each packed vertex sees.

    Vertices of a body lie closer together than the edge of its shadow is wide.
    """
    sun, still_map, moving_map, lamp = lamps
    still_heights, heights, area = sky
    for k in range(vertices.shape[0]):
        x, y, z = vertices[k, 0], vertices[k, 1], vertices[k, 2]
        facing = packed[k, 0] * lamp[0, 0] + packed[k, 1] * lamp[0, 1] + packed[k, 2] * lamp[0, 2]
        packed[k, SUN] = 0.0
        if facing > -0.4:
            share = sun_share(sun, moving_map, x, y, z)
            if share > 0.0:
                packed[k, SUN] = share * sun_share(sun, still_map, x, y, z)
        seen = open_sky(still_heights, area, x, y, z)
        packed[k, SKY] = min(seen, open_sky(heights, area, x, y, z))


@numba.njit(cache=True, inline="always")
def _kept_light(  # type: ignore[no-untyped-def]
    i, j, focal, cx, cy, rotation, centre, still_inverse, sunny, sun, moving_map, heights, area,
    coarse,
):  # fmt: skip
    """Return the share of a still pixel's light that what moves leaves."""
    near = still_inverse[2 * i + 1, 2 * j + 1]
    if near <= 0.0:
        return 1.0
    z = 1.0 / near
    x, y = (j - cx) / focal * z, (i - cy) / focal * z
    px = centre[0] + rotation[0, 0] * x + rotation[1, 0] * y + rotation[2, 0] * z
    py = centre[1] + rotation[0, 1] * x + rotation[1, 1] * y + rotation[2, 1] * z
    pz = centre[2] + rotation[0, 2] * x + rotation[1, 2] * y + rotation[2, 2] * z
    share, bright = sunny[i, j], 1.0
    if share > 0.02 and _maybe_shaded(sun, coarse, px, py, pz):
        bright = sun_share(sun, moving_map, px, py, pz)
    return share * bright + (1.0 - share) * open_sky(heights, area, px, py, pz)


@numba.njit(cache=True)
def kept_light(fine, still, view, eye, lamps, sky, coarse):  # type: ignore[no-untyped-def]
    """Return the share of light that what moves leaves each still pixel, float32 (h, w).

    It is smooth nearly everywhere: it is only computed at every pixel between nodes that differ.
    """
    still_inverse, sunny = still
    rotation, centre = eye
    focal, cx, cy, _, _ = view
    sun, _, moving_map, _ = lamps
    _, heights, area = sky
    height, width = sunny.shape
    kept = np.ones((height, width), np.float32)
    rows, columns = (height - 1) // _NODE + 2, (width - 1) // _NODE + 2
    nodes = np.empty((rows, columns), np.float32)
    for a in range(rows):
        for b in range(columns):
            i, j = min(a * _NODE, height - 1), min(b * _NODE, width - 1)
            nodes[a, b] = _kept_light(
                i, j, focal, cx, cy, rotation, centre, still_inverse, sunny, sun, moving_map,
                heights, area, coarse,
            )  # fmt: skip
    for a in range(rows - 1):
        for b in range(columns - 1):
            n0, n1, n2, n3 = nodes[a, b], nodes[a, b + 1], nodes[a + 1, b], nodes[a + 1, b + 1]
            low, high = min(n0, n1, n2, n3), max(n0, n1, n2, n3)
            if low > 0.997:
                continue
            for i in range(a * _NODE, min((a + 1) * _NODE, height)):
                for j in range(b * _NODE, min((b + 1) * _NODE, width)):
                    if high - low < _SMOOTH:
                        u, v = (j - b * _NODE) / _NODE, (i - a * _NODE) / _NODE
                        kept[i, j] = (n0 * (1 - u) + n1 * u) * (1 - v) + (n2 * (1 - u) + n3 * u) * v
                    elif (
                        fine[2 * i + 1, 2 * j + 1] < 0
                        or fine[2 * i, 2 * j] < 0
                        or (
                            fine[2 * i + 2, 2 * j + 2] < 0
                            or fine[2 * i, 2 * j + 2] < 0
                            or fine[2 * i + 2, 2 * j] < 0
                        )
                    ):
                        kept[i, j] = _kept_light(
                            i, j, focal, cx, cy, rotation, centre, still_inverse, sunny, sun,
                            moving_map, heights, area, coarse,
                        )  # fmt: skip
    return kept


@numba.njit(cache=True)
def highest(vertices, area, top):  # type: ignore[no-untyped-def]
    """Raise each cell of a map of heights to the highest vertex over it."""
    x0, y0, cell = area
    for k in range(vertices.shape[0]):
        i = int(np.floor((vertices[k, 1] - y0) / cell))
        j = int(np.floor((vertices[k, 0] - x0) / cell))
        if 0 <= i < top.shape[0] and 0 <= j < top.shape[1]:
            top[i, j] = max(top[i, j], vertices[k, 2])
