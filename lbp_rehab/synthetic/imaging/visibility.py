"""Who is seen in a pixel, from the faces that were drawn (needs numba)."""
# ruff: noqa: PLR0917  (numba takes positional arguments, and flat ones fastest)

from __future__ import annotations

import numba
import numpy as np

from lbp_rehab.synthetic.imaging.render import inverse_of


@numba.njit(cache=True)
def extent(optical, focal, cx, cy, shape):  # type: ignore[no-untyped-def]
    """Return the first and last row and column of the image that points may reach."""
    top, bottom, left, right = shape[0], -1, shape[1], -1
    for k in range(optical.shape[0]):
        if optical[k, 2] < 0.1:
            return 0, shape[0] - 1, 0, shape[1] - 1
        x = int(focal * optical[k, 0] / optical[k, 2] + cx)
        y = int(focal * optical[k, 1] / optical[k, 2] + cy)
        top, bottom, left, right = min(top, y), max(bottom, y), min(left, x), max(right, x)
    return top - 2, bottom + 2, left - 2, right + 2


@numba.njit(cache=True)
def patient_view(face, inverse, owner_of, optical, faces, view, n_patient, out):  # type: ignore[no-untyped-def]
    """Fill depth of all, and depth, face and barycentric weights of the patient, and the owner."""
    depth, own_depth, own_face, weights, owner = out
    focal, cx, cy = view
    for i in range(face.shape[0]):
        for j in range(face.shape[1]):
            f = face[i, j]
            z = np.float32(np.inf)
            if inverse[i, j] > 0.0:
                z = np.float32(1.0) / inverse[i, j]
            depth[i, j] = z
            if f < 0:
                continue
            owner[i, j] = owner_of[f]
            if f >= n_patient:
                continue
            own_depth[i, j], own_face[i, j] = z, f
            _, p, q, r = inverse_of(optical, faces[f, 0], faces[f, 1], faces[f, 2])
            x, y = (j - cx) / focal, (i - cy) / focal
            u0 = p[0] * x + p[1] * y + p[2]
            u1 = q[0] * x + q[1] * y + q[2]
            u2 = r[0] * x + r[1] * y + r[2]
            total = u0 + u1 + u2
            weights[i, j, 0], weights[i, j, 1], weights[i, j, 2] = (
                u0 / total, u1 / total, u2 / total,
            )  # fmt: skip


@numba.njit(cache=True)
def reflectance_of(face, grey, faces, still):  # type: ignore[no-untyped-def]
    """Return the reflectance of each pixel: of a corner of its face, or of what is still."""
    result = still.copy()
    for i in range(face.shape[0]):
        for j in range(face.shape[1]):
            if face[i, j] >= 0:
                result[i, j] = grey[faces[face[i, j], 0]]
    return result
