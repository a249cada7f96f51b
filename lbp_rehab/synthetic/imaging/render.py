"""A z-buffer rasteriser for triangle meshes (needs numba).

It works in homogeneous coordinates (Olano and Greer 1997, "Triangle scan conversion using 2D
homogeneous coordinates"): with the corners of a triangle as the columns of M, the ray r = (x, y, 1)
of a pixel meets its plane at barycentric coordinates proportional to u = inv(M) r, at depth
1 / sum(u). u is linear in the image, needs no division per pixel, and stays right for triangles
that reach behind the camera.
"""
# ruff: noqa: PLR0917, PLR0912  (numba takes positional arguments, and flat ones fastest)

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.imaging.camera import NOTHING, Camera, MeshView

NEAR_M = 0.05  # nothing nearer is drawn
_INSIDE = -1e-7  # a pixel on the edge of two triangles must belong to one of them


@dataclass(frozen=True)
class Buffers:
    """A z-buffer.

    Attributes
    ----------
    inverse : ndarray of float32, shape (rows, columns)
        1 / depth in 1/m; 0 where there is nothing.
    face : ndarray of int32, shape (rows, columns)
        The face drawn there; unchanged where nothing was drawn.
    step, offset : float
        Column ``j`` of the buffers is column ``(j - offset) * step`` of the image; the same for
        rows.
    """

    inverse: NDArray[np.float32]
    face: NDArray[np.int32]
    step: float = 1.0
    offset: float = 0.0

    @classmethod
    def empty(cls, camera: Camera, *, fine: bool = False) -> Buffers:
        """Return empty buffers of a camera.

        Parameters
        ----------
        fine : bool
            Whether to sample half pixels too: sample ``(2 i + 1, 2 j + 1)`` lies at the middle of
            pixel ``(i, j)`` and its eight neighbours around it.
        """
        rows, columns = camera.height, camera.width
        if fine:
            rows, columns = 2 * rows + 1, 2 * columns + 1
        return cls(
            np.zeros((rows, columns), np.float32),
            np.full((rows, columns), NOTHING, np.int32),
            0.5 if fine else 1.0,
            1.0 if fine else 0.0,
        )

    def copy(self) -> Buffers:
        """Return buffers with the same content."""
        return Buffers(self.inverse.copy(), self.face.copy(), self.step, self.offset)

    def reset(self, other: Buffers) -> None:
        """Take over the content of other buffers of the same size."""
        np.copyto(self.inverse, other.inverse)
        np.copyto(self.face, other.face)


def draw(
    buffers: Buffers,
    camera: Camera,
    vertices_m: NDArray[np.floating],
    faces: NDArray[np.int32],
    *,
    closed_faces: int = 0,
) -> None:
    """Draw a mesh of the support frame into buffers.

    Parameters
    ----------
    buffers : Buffers
    camera : Camera
    vertices_m : ndarray, shape (n, 3)
    faces : ndarray of int32, shape (m, 3)
    closed_faces : int
        The first so many faces are left out where they turn their back to the camera.
    """
    optical = to_optical(vertices_m, camera.rotation, camera.centre_m)
    view = (camera.focal_px, *camera.principal_px, buffers.step, buffers.offset)
    _rasterise(optical, faces, view, closed_faces, buffers.inverse, buffers.face)


def view_mesh(
    vertices_m: NDArray[np.floating], faces: NDArray[np.int32], camera: Camera
) -> MeshView:
    """Render a mesh of the support frame."""
    buffers = Buffers.empty(camera)
    draw(buffers, camera, vertices_m, faces)
    with np.errstate(divide="ignore"):
        depth_m = np.float32(1.0) / buffers.inverse
    optical = to_optical(vertices_m, camera.rotation, camera.centre_m)
    weights = barycentric(buffers.face, optical, faces, (camera.focal_px, *camera.principal_px))
    return MeshView(depth_m, buffers.face, weights)


@numba.njit(cache=True)
def to_optical(vertices, rotation, centre):  # type: ignore[no-untyped-def]
    """Return points of the support frame in the optical frame, float64 (n, 3)."""
    result = np.empty((vertices.shape[0], 3))
    for i in range(vertices.shape[0]):
        x = vertices[i, 0] - centre[0]
        y = vertices[i, 1] - centre[1]
        z = vertices[i, 2] - centre[2]
        for k in range(3):
            result[i, k] = rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2] * z
    return result


@numba.njit(cache=True)
def _clipped_bounds(a, b, c, view):  # type: ignore[no-untyped-def]
    """Return least and greatest column and row of a triangle that crosses the near plane."""
    focal, cx, cy, step, offset = view
    low_x = low_y = np.inf
    high_x = high_y = -np.inf
    for first, second in ((a, b), (b, c), (c, a)):
        for k in range(2):
            if k == 0:
                if first[2] < NEAR_M:
                    continue
                x, y, z = first[0], first[1], first[2]
            else:
                if (first[2] < NEAR_M) == (second[2] < NEAR_M):
                    continue
                t = (NEAR_M - first[2]) / (second[2] - first[2])
                x = first[0] + t * (second[0] - first[0])
                y = first[1] + t * (second[1] - first[1])
                z = NEAR_M
            column = (focal * x / z + cx) / step + offset
            row = (focal * y / z + cy) / step + offset
            low_x, high_x = min(low_x, column), max(high_x, column)
            low_y, high_y = min(low_y, row), max(high_y, row)
    return low_x, high_x, low_y, high_y


@numba.njit(cache=True)
def inverse_of(vertices, ia, ib, ic):  # type: ignore[no-untyped-def]
    """Return the determinant and the inverse, row by row, of three vertices as columns."""
    ax, ay, az = vertices[ia, 0], vertices[ia, 1], vertices[ia, 2]
    bx, by, bz = vertices[ib, 0], vertices[ib, 1], vertices[ib, 2]
    cx, cy, cz = vertices[ic, 0], vertices[ic, 1], vertices[ic, 2]
    p0, p1, p2 = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    determinant = ax * p0 + ay * p1 + az * p2
    k = 0.0 if abs(determinant) < 1e-15 else 1.0 / determinant
    return (
        determinant,
        (k * p0, k * p1, k * p2),
        (k * (cy * az - cz * ay), k * (cz * ax - cx * az), k * (cx * ay - cy * ax)),
        (k * (ay * bz - az * by), k * (az * bx - ax * bz), k * (ax * by - ay * bx)),
    )


@numba.njit(cache=True)
def _rasterise(vertices, faces, view, closed_faces, inverse, face):  # type: ignore[no-untyped-def]
    """Draw triangles; the nearest wins, the first of equals stays."""
    focal, cx, cy, step, offset = view
    across = step / focal
    rows, columns = inverse.shape
    place = np.empty((vertices.shape[0], 2))
    for i in range(vertices.shape[0]):
        if vertices[i, 2] >= NEAR_M:
            place[i, 0] = (focal * vertices[i, 0] / vertices[i, 2] + cx) / step + offset
            place[i, 1] = (focal * vertices[i, 1] / vertices[i, 2] + cy) / step + offset
    for i in range(faces.shape[0]):
        ia, ib, ic = faces[i, 0], faces[i, 1], faces[i, 2]
        before = min(vertices[ia, 2], vertices[ib, 2], vertices[ic, 2])
        if before >= NEAR_M:
            ax, ay, bx, by = place[ia, 0], place[ia, 1], place[ib, 0], place[ib, 1]
            qx, qy = place[ic, 0], place[ic, 1]
            # Anticlockwise from outside is clockwise where y goes down.
            if i < closed_faces and (bx - ax) * (qy - ay) - (by - ay) * (qx - ax) > 0.0:
                continue
            low_x, high_x = min(ax, bx, qx), max(ax, bx, qx)
            low_y, high_y = min(ay, by, qy), max(ay, by, qy)
        elif max(vertices[ia, 2], vertices[ib, 2], vertices[ic, 2]) < NEAR_M:
            continue
        else:
            low_x, high_x, low_y, high_y = _clipped_bounds(
                vertices[ia], vertices[ib], vertices[ic], view
            )
        if high_x < 0.0 or high_y < 0.0 or low_x > columns - 1 or low_y > rows - 1:
            continue
        left, top = int(np.ceil(max(low_x - 1e-6, 0.0))), int(np.ceil(max(low_y - 1e-6, 0.0)))
        right = int(min(high_x + 1e-6, columns - 1.0))
        bottom = int(min(high_y + 1e-6, rows - 1.0))
        if left > right or top > bottom:
            continue
        determinant, p, q, r = inverse_of(vertices, ia, ib, ic)
        if p[0] == 0.0 and p[1] == 0.0 and p[2] == 0.0:
            continue
        if i < closed_faces and determinant > 0.0:
            continue
        x = ((left - offset) * step - cx) / focal
        s0, s1, s2 = p[0] + q[0] + r[0], p[1] + q[1] + r[1], p[2] + q[2] + r[2]
        d0, d1, ds = p[0] * across, q[0] * across, s0 * across
        for row in range(top, bottom + 1):
            y = ((row - offset) * step - cy) / focal
            u0 = p[0] * x + p[1] * y + p[2]
            u1 = q[0] * x + q[1] * y + q[2]
            s = s0 * x + s1 * y + s2
            for k in range(right + 1 - left):
                si = s + k * ds
                v0 = u0 + k * d0
                v1 = u1 + k * d1
                least = _INSIDE * si
                if v0 >= least and v1 >= least and si - v0 - v1 >= least:
                    column = left + k
                    if si > inverse[row, column] and si <= 1.0 / NEAR_M:
                        inverse[row, column] = si
                        face[row, column] = i


@numba.njit(cache=True)
def barycentric(face, vertices, faces, view):  # type: ignore[no-untyped-def]
    """Return the weights of a face's corners at each pixel, float32 (rows, columns, 3)."""
    focal, cx, cy = view
    weights = np.zeros((*face.shape, 3), np.float32)
    for row in range(face.shape[0]):
        for column in range(face.shape[1]):
            i = face[row, column]
            if i < 0:
                continue
            _, p, q, r = inverse_of(vertices, faces[i, 0], faces[i, 1], faces[i, 2])
            x, y = (column - cx) / focal, (row - cy) / focal
            u0 = p[0] * x + p[1] * y + p[2]
            u1 = q[0] * x + q[1] * y + q[2]
            u2 = r[0] * x + r[1] * y + r[2]
            total = u0 + u1 + u2
            weights[row, column, 0] = u0 / total
            weights[row, column, 1] = u1 / total
            weights[row, column, 2] = u2 / total
    return weights


@numba.njit(cache=True)
def smooth_normals(vertices, faces):  # type: ignore[no-untyped-def]
    """Return unit outward normals, weighted by area, float32 (n, 3)."""
    total = np.zeros((vertices.shape[0], 3), np.float64)
    for i in range(faces.shape[0]):
        ia, ib, ic = faces[i, 0], faces[i, 1], faces[i, 2]
        x1 = vertices[ib, 0] - vertices[ia, 0]
        y1 = vertices[ib, 1] - vertices[ia, 1]
        z1 = vertices[ib, 2] - vertices[ia, 2]
        x2 = vertices[ic, 0] - vertices[ia, 0]
        y2 = vertices[ic, 1] - vertices[ia, 1]
        z2 = vertices[ic, 2] - vertices[ia, 2]
        nx, ny, nz = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
        for k in (ia, ib, ic):
            total[k, 0] += nx
            total[k, 1] += ny
            total[k, 2] += nz
    result = np.empty(total.shape, np.float32)
    for i in range(total.shape[0]):
        length = np.sqrt(total[i, 0] ** 2 + total[i, 1] ** 2 + total[i, 2] ** 2)
        scale = 1.0 / max(length, 1e-20)
        for k in range(3):
            result[i, k] = total[i, k] * scale
    return result
