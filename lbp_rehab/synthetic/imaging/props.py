"""Things round a patient, as meshes of the support frame: pillow, chair, rail, blanket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.imaging.noise import gaussian_tile
from lbp_rehab.synthetic.imaging.surfaces import PLAIN, Colour, Material, Mesh, Texture, plain_mesh

Point = Sequence[float] | NDArray[np.float64]

_WOOL = Material(Texture.PLAIN, contrast=0.03, wrinkle=0.06)
# Corner numbers (x, y, z as bits 4, 2, 1) of a box's sides, anticlockwise from outside.
_SIDES = ((4, 6, 7, 5), (2, 0, 1, 3), (6, 2, 3, 7), (0, 4, 5, 1), (1, 5, 7, 3), (0, 2, 6, 4))
_AXES = ((1, 2), (1, 2), (0, 2), (0, 2), (0, 1), (0, 1))  # of the texture on each side


def box(
    low_m: Point,
    high_m: Point,
    colour: Colour,
    material: Material = PLAIN,
    *,
    inside_out: bool = False,
    casts: bool = True,
) -> Mesh:
    """Return a box between two corners; a room is one that is seen from inside."""
    limits = np.array([low_m, high_m], float)
    vertices: list[NDArray[np.float64]] = []
    places: list[NDArray[np.float64]] = []
    faces: list[tuple[int, ...]] = []
    for side, axes in zip(_SIDES, _AXES, strict=True):
        corners = np.array(
            [[limits[c >> 2, 0], limits[c >> 1 & 1, 1], limits[c & 1, 2]] for c in side]
        )
        k = len(vertices) * 4
        order = (k, k + 1, k + 2, k + 3)
        quad = [order[:3], (order[0], order[2], order[3])]
        faces += [f[::-1] for f in quad] if inside_out else quad
        vertices.append(corners)
        places.append(corners[:, axes])
    return plain_mesh(
        np.concatenate(vertices), np.array(faces), colour, material, np.concatenate(places),
        casts=casts,
    )  # fmt: skip


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """Return several meshes as one."""
    starts = np.cumsum([0, *(len(m.vertices_m) for m in meshes)])
    rows = np.cumsum([0, *(len(m.materials) for m in meshes)])
    return Mesh(
        np.concatenate([m.vertices_m for m in meshes]),
        np.concatenate([m.faces + np.int32(s) for m, s in zip(meshes, starts[:-1], strict=True)]),
        np.concatenate([m.colours for m in meshes]),
        np.concatenate([m.uv_m for m in meshes]),
        np.concatenate(
            [(m.material + r).astype(np.uint8) for m, r in zip(meshes, rows[:-1], strict=True)]
        ),
        tuple(material for m in meshes for material in m.materials),
        all(m.closed for m in meshes),
        all(m.casts for m in meshes),
    )


def bounds(mesh: Mesh) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper corner of the box round a mesh."""
    vertices = mesh.vertices_m.astype(float)
    return vertices.min(axis=0), vertices.max(axis=0)


def box_blocks(mesh: Mesh, eye_m: Point, points_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which lines from an eye to points (n, 3) go through the box round a mesh."""
    eye = np.asarray(eye_m, float)
    way = points_m - eye
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)
    low, high = ((corner - eye) / way for corner in bounds(mesh))
    enters = np.minimum(low, high).max(axis=1)
    leaves = np.maximum(low, high).min(axis=1)
    return np.asarray((enters < leaves) & (leaves > 0.0) & (enters < 1.0))


def blocks(mesh: Mesh, eye_m: Point, points_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which lines from an eye to points (n, 3) a mesh's triangles cut.

    Moeller and Trumbore 1997, for all lines and triangles at once.
    """
    eye = np.asarray(eye_m, float)
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]].astype(float) for k in range(3))
    way = (points_m - eye)[:, None, :]
    one, two, start = b - a, c - a, eye - a
    normal = np.cross(way, two[None])
    scale = (normal * one).sum(axis=2)
    scale = np.where(np.abs(scale) < 1e-12, np.inf, scale)
    u = (normal * start).sum(axis=2) / scale
    other = np.cross(start, one)
    v = (way * other[None]).sum(axis=2) / scale
    t = (two * other).sum(axis=1)[None] / scale
    cut = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & (t < 1) & np.isfinite(scale)
    return np.asarray(cut.any(axis=1))


def turned(mesh: Mesh, yaw_rad: float, centre_m: Point) -> Mesh:
    """Return a mesh turned about the vertical and then moved."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return replace(
        mesh, vertices_m=(mesh.vertices_m @ turn.T + np.asarray(centre_m)).astype(np.float32)
    )


def ellipsoid(
    centre_m: Point,
    radii_m: Point,
    colour: Colour,
    material: Material = PLAIN,
    *,
    power: float = 2.0,
    rings: int = 24,
) -> Mesh:
    """Return a ball, or with a greater power a cushion with rounder corners than a box."""
    polar = np.linspace(0.0, np.pi, rings + 1)
    around = np.linspace(0.0, 2 * np.pi, 2 * rings + 1)
    theta, phi = np.meshgrid(polar, around, indexing="ij")

    def rounded(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sign(value) * np.abs(value) ** (2.0 / power)

    flat = rounded(np.sin(theta))
    unit = np.stack(
        [flat * rounded(np.cos(phi)), flat * rounded(np.sin(phi)), np.cos(theta)], axis=2
    )
    vertices = (unit * np.array(radii_m)).reshape(-1, 3) + np.array(centre_m)
    faces = _grid_faces(rings + 1, 2 * rings + 1)
    size = float(np.mean(radii_m))
    uv = np.stack([phi.ravel() * size, theta.ravel() * size], axis=1)
    return plain_mesh(vertices, faces, colour, material, uv)


def pillow(
    centre_m: Point, size_m: Point, colour: Colour, material: Material = PLAIN, dent_m: float = 0.02
) -> Mesh:
    """Return a pillow that lies on the support, a little lower where the head is.

    Parameters
    ----------
    size_m : sequence of float
        Length along x and y, and height.
    """
    half = [0.5 * s for s in size_m]
    mesh = ellipsoid(
        (centre_m[0], centre_m[1], centre_m[2] + half[2]), half, colour, material, power=5.0
    )
    away = (mesh.vertices_m[:, :2] - np.array(centre_m[:2])) / (0.6 * np.array(half[:2]))
    dent = dent_m * np.exp(-(away**2).sum(axis=1)) * (mesh.vertices_m[:, 2] > centre_m[2] + half[2])
    vertices = mesh.vertices_m.copy()
    vertices[:, 2] -= dent
    return replace(mesh, vertices_m=vertices, uv_m=vertices[:, :2].copy())


def chair(colour: Colour, seat: Colour, seat_height_m: float = 0.46) -> Mesh:
    """Return a chair that stands on z = 0 and whose sitter looks along x."""
    parts = [box((-0.21, -0.21, seat_height_m - 0.04), (0.21, 0.21, seat_height_m), seat)]
    parts.append(
        box((-0.24, -0.20, seat_height_m + 0.15), (-0.20, 0.20, seat_height_m + 0.45), seat)
    )
    for x in (-0.21, 0.18):
        for y in (-0.21, 0.18):
            top = seat_height_m + 0.42 if x < 0 else seat_height_m - 0.04
            parts.append(box((x, y, 0.0), (x + 0.03, y + 0.03, top), colour))
    return merge(parts)


def stand(low_m: Point, high_m: Point, pole_m: Point, floor_m: float, colour: Colour) -> list[Mesh]:
    """Return a tray or a screen on a pole with a foot, as a list of boxes.

    Parameters
    ----------
    low_m, high_m : sequence of float
        Corners of what the pole carries.
    pole_m : sequence of float
        Where the pole stands, x and y; under what it carries.
    floor_m : float
        Height of the floor.
    colour : tuple of float
    """
    x, y = pole_m[0], pole_m[1]
    steel: Colour = (0.55, 0.56, 0.58)
    shiny = Material(gloss=0.2)
    return [
        box(low_m, high_m, colour),
        box((x - 0.02, y - 0.02, floor_m), (x + 0.02, y + 0.02, low_m[2]), steel, shiny),
        box((x - 0.20, y - 0.03, floor_m), (x + 0.20, y + 0.03, floor_m + 0.05), steel, shiny),
    ]


def bed_rail(length_m: float, height_m: float, colour: Colour) -> Mesh:
    """Return a rail along x that stands on z = 0 with its middle at x = 0."""
    half = length_m / 2.0
    bars = [
        box((-half, -0.012, z - 0.012), (half, 0.012, z + 0.012), colour, Material(gloss=0.3))
        for z in np.linspace(height_m / 3.0, height_m, 3)
    ]
    posts = [
        box((x - 0.015, -0.015, -0.1), (x + 0.015, 0.015, height_m), colour, Material(gloss=0.3))
        for x in (-half, 0.0, half)
    ]
    return merge(bars + posts)


@dataclass(frozen=True)
class Blanket:
    """A cloth over a lying body.

    Attributes
    ----------
    x_m : tuple of float
        From where to where along the body.
    half_width_m : float
        Along y.
    thickness_m : float
    bridge_m : float
        Narrower gaps, such as between the legs, are spanned.
    wrinkle_m : float
        RMS height of wrinkles.
    edge_y_m : float
        Half the width of the support: beyond it the cloth hangs down.
    drop_m : float
        How far it hangs down at most.
    colour : tuple of float
    material : Material
    cell_m : float
        Distance of the vertices.
    """

    x_m: tuple[float, float] = (-1.2, 0.1)
    half_width_m: float = 0.55
    thickness_m: float = 0.012
    bridge_m: float = 0.14
    wrinkle_m: float = 0.004
    edge_y_m: float = 0.45
    drop_m: float = 0.25
    colour: Colour = (0.75, 0.78, 0.82)
    material: Material = _WOOL
    cell_m: float = 0.02

    @property
    def shape(self) -> tuple[int, int]:
        """Rows along x and columns along y of the vertices."""
        return (
            round((self.x_m[1] - self.x_m[0]) / self.cell_m) + 1,
            round(2 * self.half_width_m / self.cell_m) + 1,
        )

    def mesh(self) -> Mesh:
        """Return the cloth spread out flat, whose vertices `drape` moves."""
        rows, columns = self.shape
        x = self.x_m[0] + self.cell_m * np.arange(rows)
        y = -self.half_width_m + self.cell_m * np.arange(columns)
        grid = np.stack([*np.meshgrid(x, y, indexing="ij"), np.zeros(self.shape)], axis=2)
        return plain_mesh(
            grid.reshape(-1, 3), _grid_faces(rows, columns), self.colour,
            self.material, closed=False,
        )  # fmt: skip

    def drape(self, vertices_m: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the vertices of the cloth over a body, never below it, shape (n, 3).

        Parameters
        ----------
        vertices_m : ndarray, shape (n, 3)
            Of the body in the support frame.
        """
        flat = self.mesh().vertices_m.reshape(*self.shape, 3)
        beyond = np.maximum(np.abs(flat[:, :, 1]) - self.edge_y_m, 0.0)
        ground = np.maximum(-4.0 * beyond, -self.drop_m).astype(np.float32)
        top = ground.copy()
        origin = (float(flat[0, 0, 0]), float(flat[0, 0, 1]), self.cell_m)
        _raise_to(np.ascontiguousarray(vertices_m, np.float64), origin, top)
        body = np.asarray(cv2.dilate(top, np.ones((3, 3), np.uint8)))
        window = 2 * int(self.bridge_m / self.cell_m / 2) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window))
        spanned = cv2.morphologyEx(body, cv2.MORPH_CLOSE, disc, borderType=cv2.BORDER_REPLICATE)
        smooth = cv2.GaussianBlur(np.asarray(spanned), (0, 0), 0.03 / self.cell_m)
        cloth = np.maximum(np.asarray(smooth), body)
        cloth = np.asarray(cv2.GaussianBlur(cloth, (0, 0), 0.8))
        wrinkles = self.wrinkle_m * gaussian_tile(2.5)[: self.shape[0], : self.shape[1]]
        # Gravity presses wrinkles flat only towards the body, never through it.
        cloth = np.maximum(cloth + wrinkles, body) + self.thickness_m
        result = flat.copy()
        result[:, :, 2] = cloth
        return result.reshape(-1, 3)


@numba.njit(cache=True)
def _raise_to(vertices, origin, top):  # type: ignore[no-untyped-def]
    """Raise the four nodes round each vertex to its height."""
    x0, y0, cell = origin
    for k in range(vertices.shape[0]):
        i = int(np.floor((vertices[k, 0] - x0) / cell))
        j = int(np.floor((vertices[k, 1] - y0) / cell))
        for di in range(2):
            for dj in range(2):
                if 0 <= i + di < top.shape[0] and 0 <= j + dj < top.shape[1]:
                    top[i + di, j + dj] = max(top[i + di, j + dj], vertices[k, 2])


def _grid_faces(rows: int, columns: int) -> NDArray[np.int32]:
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b = number[:-1, :-1].ravel(), number[:-1, 1:].ravel()
    c, d = number[1:, 1:].ravel(), number[1:, :-1].ravel()
    faces = np.concatenate([np.stack([a, d, c], 1), np.stack([a, c, b], 1)])
    return np.ascontiguousarray(faces, np.int32)
