"""Light on surfaces, pixel by pixel (needs numba).

Linear light: a sun with shadows, a weaker lamp from another side, a sky that is darker where
something lies above, and light that comes back from below. The result is coded by a square root,
the tone curve of the synthetic cameras.
"""
# ruff: noqa: PLR0917, PLR0915  (numba: positional arguments, flat ones are fastest; one pass)

from __future__ import annotations

import numba
import numpy as np

from lbp_rehab.synthetic.imaging.lighting import MATERIAL, SKY, SUN, open_sky, sun_share
from lbp_rehab.synthetic.imaging.render import inverse_of
from lbp_rehab.synthetic.imaging.surfaces import TILE
from lbp_rehab.synthetic.imaging.texturing import HAIR, texture

_EDGE_RATIO = 0.025  # neighbours whose depths differ more are seen as an edge
_NO_WEIGHT = 1e-6
_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))  # half pixels round the middle of one


@numba.njit(cache=True, inline="always")
def _shade(  # type: ignore[no-untyped-def]
    i, x, y, rotation, centre, faces, table, tile, optical, packed, lamp, sun, still_map, heights,
    area, vertex_light,
):  # fmt: skip
    """Return linear red, green, blue of face i along the ray (x, y, 1) of the camera.

    Also the share of the light that comes from the sun. In single precision where it can be.
    """
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    ia, ib, ic = faces[i, 0], faces[i, 1], faces[i, 2]
    _, p, q, r = inverse_of(optical, ia, ib, ic)
    # A sample beside a silhouette may lie just outside its face.
    u0 = max(p[0] * x + p[1] * y + p[2], 0.0)
    u1 = max(q[0] * x + q[1] * y + q[2], 0.0)
    u2 = max(r[0] * x + r[1] * y + r[2], 0.0)
    z = 1.0 / max(u0 + u1 + u2, _NO_WEIGHT)
    w0, w1, w2 = np.float32(u0 * z), np.float32(u1 * z), np.float32(u2 * z)
    # The material with most weight wins, so that hems are sharp; its colours are mixed.
    ma, mb, mc = int(packed[ia, MATERIAL]), int(packed[ib, MATERIAL]), int(packed[ic, MATERIAL])
    ka, kb, kc = w0, w1, w2
    m = ma
    if ma != mb or mb != mc:
        sa = w0 + (w1 if mb == ma else zero) + (w2 if mc == ma else zero)
        sb = w1 + (w0 if ma == mb else zero) + (w2 if mc == mb else zero)
        sc = w2 + (w0 if ma == mc else zero) + (w1 if mb == mc else zero)
        m = ma if sa >= sb and sa >= sc else (mb if sb >= sc else mc)
        thins = table[ma, 0] == HAIR or table[mb, 0] == HAIR or table[mc, 0] == HAIR
        if not thins:  # hair mixes with skin, cloth does not
            ka = w0 if ma == m else zero
            kb = w1 if mb == m else zero
            kc = w2 if mc == m else zero
            share = one / max(ka + kb + kc, np.float32(_NO_WEIGHT))
            ka, kb, kc = ka * share, kb * share, kc * share
    u = w0 * packed[ia, 3] + w1 * packed[ib, 3] + w2 * packed[ic, 3]
    v = w0 * packed[ia, 4] + w1 * packed[ib, 4] + w2 * packed[ic, 4]
    gain, accent = texture(table, m, tile, u, v)
    nx = w0 * packed[ia, 0] + w1 * packed[ib, 0] + w2 * packed[ic, 0]
    ny = w0 * packed[ia, 1] + w1 * packed[ib, 1] + w2 * packed[ic, 1]
    nz = w0 * packed[ia, 2] + w1 * packed[ib, 2] + w2 * packed[ic, 2]
    if table[m, 7] > zero:
        # One look-up gives both slopes: the channels lie side by side.
        fu = int(np.floor(v * np.float32(300.0))) & (TILE - 1)
        fv = int(np.floor(u * np.float32(300.0))) & (TILE - 1)
        along, across = table[m, 7] * tile[fu, fv, 1], table[m, 7] * tile[fu, fv, 2]
        nx, ny, nz = nx + along, ny + across, nz + half * (along - across)
    # Against the ray, towards the camera.
    dx = -np.float32(rotation[0, 0] * x + rotation[1, 0] * y + rotation[2, 0])
    dy = -np.float32(rotation[0, 1] * x + rotation[1, 1] * y + rotation[2, 1])
    dz = -np.float32(rotation[0, 2] * x + rotation[1, 2] * y + rotation[2, 2])
    k = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-12)))
    if nx * dx + ny * dy + nz * dz < zero:  # cloth seen from within
        k = -k
    nx, ny, nz = nx * k, ny * k, nz * k
    facing = nx * lamp[0, 0] + ny * lamp[0, 1] + nz * lamp[0, 2]
    # Light bends a little round skin and cloth.
    direct = max((facing + np.float32(0.15)) * np.float32(1.0 / 1.15), zero)
    if vertex_light:
        direct *= w0 * packed[ia, SUN] + w1 * packed[ib, SUN] + w2 * packed[ic, SUN]
        seen = w0 * packed[ia, SKY] + w1 * packed[ib, SKY] + w2 * packed[ic, SKY]
    else:
        px, py, pz = centre[0] - z * dx, centre[1] - z * dy, centre[2] - z * dz
        if direct > zero:
            direct *= np.float32(sun_share(sun, still_map, px, py, pz))
        seen = np.float32(open_sky(heights, area, px, py, pz))
    fill = max(nx * lamp[1, 0] + ny * lamp[1, 1] + nz * lamp[1, 2], zero)
    highlight = zero
    if table[m, 6] > zero and direct > zero:
        k = one / np.sqrt(dx * dx + dy * dy + dz * dz)
        hx, hy, hz = lamp[0, 0] + dx * k, lamp[0, 1] + dy * k, lamp[0, 2] + dz * k
        shine = max(nx * hx + ny * hy + nz * hz, zero)
        shine = shine * shine / (hx * hx + hy * hy + hz * hz)
        shine = shine * shine
        shine = shine * shine
        highlight = table[m, 6] * shine * shine * direct
    up = half + half * nz
    above = (np.float32(0.25) + np.float32(0.75) * up) * seen
    below = (one - up) * seen
    filled = fill * (np.float32(0.4) + np.float32(0.6) * seen)
    keep = gain * (one - accent)
    red = (
        keep * (ka * packed[ia, 5] + kb * packed[ib, 5] + kc * packed[ic, 5]) + accent * table[m, 3]
    )
    green = (
        keep * (ka * packed[ia, 6] + kb * packed[ib, 6] + kc * packed[ic, 6]) + accent * table[m, 4]
    )
    blue = (
        keep * (ka * packed[ia, 7] + kb * packed[ib, 7] + kc * packed[ic, 7]) + accent * table[m, 5]
    )
    bright, gleam = lamp[2, 1] * direct, highlight
    dim = lamp[3, 1] * above + lamp[4, 1] * below + lamp[5, 1] * filled
    dim0 = lamp[3, 0] * above + lamp[4, 0] * below + lamp[5, 0] * filled
    dim2 = lamp[3, 2] * above + lamp[4, 2] * below + lamp[5, 2] * filled
    return (
        red * (lamp[2, 0] * direct + dim0) + lamp[2, 0] * gleam,
        green * (bright + dim) + lamp[2, 1] * gleam,
        blue * (lamp[2, 2] * direct + dim2) + lamp[2, 2] * gleam,
        bright / (bright + dim + np.float32(1e-9)),
    )


@numba.njit(cache=True)
def shade_still(face, view, eye, mesh, places, lamps, sky):  # type: ignore[no-untyped-def]
    """Return the linear colours of every sample of fine buffers, and the sun's share."""
    rotation, centre = eye
    faces, table, tile = mesh
    optical, packed = places
    sun, still_map, _, lamp = lamps
    heights, _, area = sky
    focal, cx, cy, step, offset = view
    colour = np.zeros((*face.shape, 3), np.float32)
    sunny = np.zeros(face.shape, np.float32)
    for row in range(face.shape[0]):
        y = ((row - offset) * step - cy) / focal
        for column in range(face.shape[1]):
            if face[row, column] < 0:
                continue
            x = ((column - offset) * step - cx) / focal
            out = _shade(
                face[row, column], x, y, rotation, centre, faces, table, tile, optical, packed,
                lamp, sun, still_map, heights, area, False,
            )  # fmt: skip
            colour[row, column, 0] = out[0]
            colour[row, column, 1] = out[1]
            colour[row, column, 2] = out[2]
            sunny[row, column] = out[3]
    return colour, sunny


@numba.njit(cache=True)
def shade_moving(fine, still, kept, out, where, view, eye, mesh, places, lamps, sky):  # type: ignore[no-untyped-def]
    """Fill the colour image (coded by a square root), faces and inverse depth of the pixels.

    Where ``fine`` has no face, what is still is seen, in the shadow of what moves. ``where`` holds
    the first and last row and column where anything moves.
    """
    inverse, face = fine
    still_colour, still_coded = still
    image, seen_face, seen_inverse = out
    focal, cx, cy, step, _ = view
    rotation, centre = eye
    faces, table, tile = mesh
    optical, packed = places
    sun, still_map, _, lamp = lamps
    heights, _, area = sky
    half = step / focal
    for i in range(image.shape[0]):
        y = (i - cy) / focal
        inside = where[0] <= i <= where[1]
        for j in range(image.shape[1]):
            row, column = 2 * i + 1, 2 * j + 1
            middle, near = face[row, column], inverse[row, column]
            seen_face[i, j], seen_inverse[i, j] = middle, near
            edge = False
            if inside and where[2] <= j <= where[3]:
                for d in _CORNERS:
                    f = face[row + d[0], column + d[1]]
                    if (f >= 0) != (middle >= 0) or (
                        f >= 0
                        and abs(inverse[row + d[0], column + d[1]] - near) > _EDGE_RATIO * near
                    ):
                        edge = True
            if not edge and middle < 0:
                root = np.sqrt(kept[i, j])
                image[i, j, 0] = still_coded[i, j, 0] * root
                image[i, j, 1] = still_coded[i, j, 1] * root
                image[i, j, 2] = still_coded[i, j, 2] * root
                continue
            x = (j - cx) / focal
            total0 = total1 = total2 = 0.0
            w = 0.25 if edge else 1.0
            if middle >= 0:
                red, green, blue, _ = _shade(
                middle, x, y, rotation, centre, faces, table, tile, optical, packed, lamp,
                sun, still_map, heights, area, True,
            )  # fmt: skip
                total0, total1, total2 = w * red, w * green, w * blue
            else:
                w *= kept[i, j]
                total0 = w * still_colour[i, j, 0]
                total1 = w * still_colour[i, j, 1]
                total2 = w * still_colour[i, j, 2]
            if edge:
                for d in _CORNERS:
                    f = face[row + d[0], column + d[1]]
                    w = 0.1875
                    if f >= 0:
                        red, green, blue, _ = _shade(
                            f, x + d[1] * half, y + d[0] * half, rotation, centre, faces, table,
                            tile, optical, packed, lamp, sun, still_map, heights, area, True,
                        )  # fmt: skip
                        total0, total1, total2 = (
                            total0 + w * red,
                            total1 + w * green,
                            total2 + w * blue,
                        )
                    else:
                        w *= kept[i, j]
                        total0 += w * still_colour[i, j, 0]
                        total1 += w * still_colour[i, j, 1]
                        total2 += w * still_colour[i, j, 2]
            image[i, j, 0] = np.sqrt(total0)
            image[i, j, 1] = np.sqrt(total1)
            image[i, j, 2] = np.sqrt(total2)
