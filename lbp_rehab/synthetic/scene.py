"""A room with a mat, a dressed person, and light: ideal colour and depth images of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.body import Body, vertex_normals
from lbp_rehab.synthetic.camera import NOTHING, Camera, MeshView
from lbp_rehab.synthetic.render import view_mesh

_GAMMA = 1.15
_SUN_M = 8.0  # the light's distance for the shadow map: nearly parallel rays

Colour = tuple[float, float, float]  # red, green, blue, 0 to 1
Image = NDArray[np.float64]


@dataclass(frozen=True)
class Outfit:
    """What a person looks like."""

    skin: Colour = (0.80, 0.60, 0.48)
    hair: Colour = (0.16, 0.10, 0.07)
    shirt: Colour = (0.80, 0.34, 0.22)
    trousers: Colour = (0.16, 0.20, 0.30)
    socks: Colour = (0.88, 0.88, 0.86)
    cloth_m: float = 0.007  # how far cloth stands off the skin


@dataclass(frozen=True)
class Room:
    """A mat with its upper face at z = 0 on a floor of planks before a wall.

    Attributes
    ----------
    mat_centre_m, mat_half_m : tuple of float
        Middle and half sizes along x and y.
    mat_thickness_m : float
    wall_m : float
        The wall is the plane y = -wall_m.
    light : tuple of float
        Direction towards the light.
    """

    mat_centre_m: tuple[float, float] = (-0.42, 0.0)
    mat_half_m: tuple[float, float] = (0.95, 0.36)
    mat_thickness_m: float = 0.015
    wall_m: float = 1.35
    mat: Colour = (0.22, 0.47, 0.45)
    floor: Colour = (0.62, 0.48, 0.34)
    wall: Colour = (0.82, 0.81, 0.77)
    light: tuple[float, float, float] = (-0.35, 0.55, 1.5)


def dress(body: Body, outfit: Outfit) -> tuple[Body, NDArray[np.float64]]:
    """Return the body in loose clothes, and the colour of each vertex (n, 3)."""
    trunk = body.dominant("spine0", "clavicle", "shoulder01", "upperarm01", "neck01")
    legs = body.dominant("root", "pelvis", "upperleg", "lowerleg")
    feet = body.dominant("foot", "toe")
    waist_m = body.heads[body.bone("spine04"), 2]
    rest = body.vertices
    shirt = trunk & (rest[:, 2] > waist_m) | (legs & (rest[:, 2] > waist_m))
    trousers = (legs | trunk) & ~shirt
    folds = np.sin(rest @ np.array([31.0, 17.0, -23.0])) + np.sin(
        rest @ np.array([-19.0, 41.0, 29])
    )
    stand_off = outfit.cloth_m * (shirt | trousers) * (1.0 + 0.3 * folds) + 0.004 * feet
    dressed = rest + vertex_normals(rest, body.faces) * stand_off[:, None]
    colours = np.tile(np.array(outfit.skin), (len(rest), 1))
    colours[shirt], colours[trousers], colours[feet] = outfit.shirt, outfit.trousers, outfit.socks
    _paint_head(body, outfit, colours)
    return replace(body, vertices=dressed), colours


def _paint_head(body: Body, outfit: Outfit, colours: NDArray[np.float64]) -> None:
    """Colour hair, eyes, brows and lips; places are relative to the eyes."""
    eye = body.heads[body.bone("eye.L")]
    across, back, up = (body.vertices - [0.0, eye[1], eye[2]]).T
    head = body.dominant("head", "neck03")
    hair = head & ((up > 0.055) | ((back > 0.075) & (up > -0.06)))
    brow = head & (back < 0.02) & (np.abs(up - 0.024) < 0.005)
    brow &= np.abs(np.abs(across) - eye[0]) < 0.018
    lips = head & (back < 0.01) & (np.abs(up + 0.068) < 0.008) & (np.abs(across) < 0.026)
    colours[hair | brow] = outfit.hair
    colours[lips] = (0.66, 0.34, 0.32)
    colours[body.dominant("eye")] = (0.12, 0.10, 0.10)


class Scene:
    """Renders one person in one room with one camera.

    Parameters
    ----------
    body : Body
        Undressed.
    outfit : Outfit
    room : Room
    camera : Camera
    oversampling : int
        Pixels each way that are averaged to one of the colour image.
    """

    def __init__(
        self, body: Body, outfit: Outfit, room: Room, camera: Camera, oversampling: int = 2
    ) -> None:
        self.dressed, self._colours = dress(body, outfit)
        self.camera = camera
        self._room = room
        self._factor = oversampling
        self._fine = camera.enlarged(oversampling)
        self._light = np.array(room.light) / np.linalg.norm(room.light)
        self._sun = Camera.looking_at(
            np.array([*room.mat_centre_m, 0.0]),
            distance_m=_SUN_M,
            elevation_rad=float(np.arcsin(self._light[2])),
            azimuth_rad=float(np.arctan2(self._light[1], self._light[0])),
            size=(900, 900),
            focal_px=300.0 * _SUN_M,
        )
        self._rays = self._fine.rays()
        self._far_m, self._far_colour = self._background()
        self._plain_depth_m = self._surfaces(camera.rays())[0]

    def view(self, surface_m: NDArray[np.float64]) -> tuple[Image, NDArray[np.float64], MeshView]:
        """Render a posed surface.

        Parameters
        ----------
        surface_m : ndarray, shape (n_vertices, 3)
            Vertices of the dressed body in the support frame.

        Returns
        -------
        colour : ndarray, shape (h, w, 3)
            Red, green, blue, 0 to 1.
        depth_m : ndarray, shape (h, w)
        person : MeshView
            The body alone, at the camera's own resolution.
        """
        fine = view_mesh(surface_m, self.dressed.faces, self._fine)
        seen = (fine.face != NOTHING) & (fine.depth_m < self._far_m)
        depth_m = np.where(seen, fine.depth_m, self._far_m)
        colour = self._far_colour.copy()
        shade = self._shadow(surface_m, depth_m)
        colour *= (1.0 - 0.42 * shade)[:, :, None]
        colour[seen] = self._lit(surface_m, fine, seen, shade)
        size = (self.camera.width, self.camera.height)
        averaged = np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), float)
        person = view_mesh(surface_m, self.dressed.faces, self.camera)
        return averaged ** (1.0 / _GAMMA), np.minimum(person.depth_m, self._plain_depth_m), person

    def _lit(
        self,
        surface_m: NDArray[np.float64],
        fine: MeshView,
        seen: NDArray[np.bool_],
        shade: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Shade the person's pixels: Lambert, a sky, and less light close to the mat."""
        corners = self.dressed.faces[fine.face[seen]]
        weights = fine.weights[seen][:, :, None]
        normals = (vertex_normals(surface_m, self.dressed.faces)[corners] * weights).sum(axis=1)
        rest = (self.dressed.vertices[corners] * weights).sum(axis=1)
        # Creases of cloth and skin: a little waviness fixed to the body.
        normals += 0.05 * np.sin(rest @ np.array([[90.0, 40, 20], [30, -80, 60], [50, 70, 90]]))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        height_m = (surface_m[corners, 2] * weights[:, :, 0]).sum(axis=1)
        open_sky = 1.0 - 0.45 * np.exp(-np.maximum(height_m, 0.0) / 0.06)
        direct = np.clip(normals @ self._light, 0.0, 1.0) * (1.0 - 0.85 * shade[seen])
        light = 0.72 * direct + (0.34 + 0.12 * normals[:, 2]) * open_sky
        colour = (self._colours[corners] * weights).sum(axis=1)
        return np.clip(colour * light[:, None], 0.0, 1.0)

    def _shadow(
        self, surface_m: NDArray[np.float64], depth_m: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how far each pixel lies in the person's own shadow, 0 to 1."""
        nearest = view_mesh(surface_m, self.dressed.faces, self._sun).depth_m
        points = self._fine.centre_m + self._rays * np.minimum(depth_m, 8.0)[:, :, None]
        optical = self._sun.to_optical(points.reshape(-1, 3))
        place = np.round(self._sun.project(optical)).astype(int)
        inside = ((place >= 0) & (place < [self._sun.width, self._sun.height])).all(axis=1)
        place[~inside] = 0
        hidden = inside & (nearest[place[:, 1], place[:, 0]] < optical[:, 2] - 0.03)
        soft = hidden.reshape(depth_m.shape).astype(np.float32)
        return cv2.GaussianBlur(soft, (0, 0), 2.0 * self._factor).astype(float)

    def _background(self) -> tuple[NDArray[np.float64], Image]:
        """Return depth and colour of the empty room at the fine resolution."""
        room = self._room
        depth_m, kind = self._surfaces(self._rays)
        x, y, z = np.moveaxis(self._fine.centre_m + self._rays * depth_m[:, :, None], 2, 0)
        plank = np.floor(y / 0.18)
        grain = 0.02 * np.sin(30.0 * y + 3.0 * np.sin(2.0 * x + plank)) + 0.03 * np.sin(9.7 * plank)
        seam = (np.abs(y / 0.18 - plank - 0.5) > 0.48) * -0.10
        floor = np.array(room.floor) * (1.0 + grain + seam)[:, :, None]
        ribs = 1.0 + 0.03 * np.sin(2 * np.pi * x / 0.08)
        mat = np.array(room.mat) * ribs[:, :, None]
        skirting = (z + room.mat_thickness_m < 0.09)[:, :, None]
        wall = np.where(skirting, [0.93, 0.93, 0.91], np.array(room.wall))
        wall = wall * (0.92 + 0.05 * z)[:, :, None]
        light = 0.86 - 0.03 * np.abs(x)
        colour = np.select([(kind == k)[:, :, None] for k in (0, 1)], [mat, floor], wall)
        return depth_m, np.clip(colour * light[:, :, None], 0.0, 1.0)

    def _surfaces(self, rays: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return depth and kind (0 mat, 1 floor, 2 wall) along rays of the support frame."""
        room, centre = self._room, self.camera.centre_m
        with np.errstate(divide="ignore"):
            to_mat = np.where(rays[..., 2] < 0, -centre[2] / rays[..., 2], np.inf)
            to_floor = np.where(
                rays[..., 2] < 0, -(centre[2] + room.mat_thickness_m) / rays[..., 2], np.inf
            )
            to_wall = np.where(rays[..., 1] < 0, -(centre[1] + room.wall_m) / rays[..., 1], np.inf)
        finite = np.where(np.isfinite(to_mat), to_mat, 0.0)
        on_mat = np.isfinite(to_mat)
        for axis in (0, 1):
            place = centre[axis] + rays[..., axis] * finite
            on_mat &= np.abs(place - room.mat_centre_m[axis]) < room.mat_half_m[axis]
        choices = np.stack([np.where(on_mat, to_mat, np.inf), to_floor, to_wall])
        return choices.min(axis=0), choices.argmin(axis=0)
