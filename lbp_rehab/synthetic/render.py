"""A z-buffer rasteriser for triangle meshes (needs numba)."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.camera import NOTHING, Camera, MeshView


def view_mesh(
    vertices_m: NDArray[np.float64], faces: NDArray[np.int32], camera: Camera
) -> MeshView:
    """Render a mesh of the support frame."""
    shape = (camera.height, camera.width)
    depth = np.full(shape, np.inf, np.float32)
    face = np.full(shape, NOTHING, np.int32)
    weights = np.zeros((*shape, 3), np.float32)
    optical = camera.to_optical(vertices_m)
    _rasterise(optical, faces, camera.focal_px, camera.principal_px, (depth, face, weights))
    return MeshView(depth, face, weights)


@numba.njit(cache=True)
def _rasterise(vertices, faces, focal, principal, out):  # type: ignore[no-untyped-def]
    """Fill depth, face and weights; 1/z is linear in the image, so that it can be interpolated."""
    (cx, cy), (depth, face, weights) = principal, out
    height, width = depth.shape
    for i in range(faces.shape[0]):
        a, b, c = vertices[faces[i, 0]], vertices[faces[i, 1]], vertices[faces[i, 2]]
        if min(a[2], b[2], c[2]) < 0.05:
            continue
        ax, ay = focal * a[0] / a[2] + cx, focal * a[1] / a[2] + cy
        bx, by = focal * b[0] / b[2] + cx, focal * b[1] / b[2] + cy
        qx, qy = focal * c[0] / c[2] + cx, focal * c[1] / c[2] + cy
        area = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax)
        if abs(area) < 1e-12:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, qx)))), min(width - 1, int(max(ax, bx, qx)))
        top, bottom = max(0, int(np.ceil(min(ay, by, qy)))), min(height - 1, int(max(ay, by, qy)))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w1 = ((x - ax) * (qy - ay) - (y - ay) * (qx - ax)) / area
                w2 = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                w0 = 1.0 - w1 - w2
                if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
                    continue
                z = 1.0 / (w0 / a[2] + w1 / b[2] + w2 / c[2])
                if z < depth[y, x]:
                    depth[y, x] = z
                    face[y, x] = i
                    weights[y, x, 0] = w0 * z / a[2]
                    weights[y, x, 1] = w1 * z / b[2]
                    weights[y, x, 2] = w2 * z / c[2]
