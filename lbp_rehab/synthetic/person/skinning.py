"""Forward kinematics and linear blend skinning, compiled; needs numba."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@njit(cache=True)
def place_heads(heads: Array, parents: Indices, rotation: Array, root_m: Array) -> Array:
    """Return where each bone starts, shape (n_bones, 3); see `Body.bone_heads`."""
    placed = np.empty_like(heads)
    placed[0] = root_m
    for i in range(1, len(heads)):
        p = parents[i]
        x = heads[i, 0] - heads[p, 0]
        y = heads[i, 1] - heads[p, 1]
        z = heads[i, 2] - heads[p, 2]
        for axis in range(3):
            r = rotation[p, axis]
            placed[i, axis] = placed[p, axis] + r[0] * x + r[1] * y + r[2] * z
    return placed


@njit(cache=True)
def blend(
    vertices: Array, weight_bones: Indices, weights: Array, chosen: Indices, transforms: Array
) -> Array:
    """Return the posed places of the chosen vertices, shape (n, 3).

    Parameters
    ----------
    vertices : ndarray, shape (n_vertices, 3)
        At rest.
    weight_bones, weights : ndarray, shape (n_vertices, k)
        Largest weight first; the rest of a row after a zero is not looked at.
    chosen : ndarray of int
    transforms : ndarray, shape (n_bones, 3, 4)
        Rotation and shift of each bone: it carries a point p to rotation @ p + shift.
    """
    out = np.zeros((len(chosen), 3))
    for row in range(len(chosen)):
        v = chosen[row]
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for k in range(weights.shape[1]):
            w = weights[v, k]
            if w == 0.0:
                break
            b = weight_bones[v, k]
            for axis in range(3):
                t = transforms[b, axis]
                out[row, axis] += w * (t[0] * x + t[1] * y + t[2] * z + t[3])
    return out
