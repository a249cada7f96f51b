"""Rooms: support, floor, walls, furniture and light, drawn at random."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging import props
from lbp_rehab.synthetic.imaging.lamps import Light, sample_light
from lbp_rehab.synthetic.imaging.surfaces import PLAIN, Colour, Material, Mesh, Texture

SupportKind = Literal["mat", "bed", "floor"]
_SKIRTING_M, _BOARD_M = 0.09, 0.014
_RIBBED = Material(Texture.STRIPES, 0.08, 0.02, (0.20, 0.44, 0.42))
_WOOD = Material(Texture.PLANKS, 0.16, 0.06, (0.3, 0.22, 0.15))
_OVER_CAMERA_M, _BEHIND_CAMERA_M = 0.25, 0.3  # to the ceiling and to a wall
_BEYOND_M = 4.0  # a camera outside a room sees its floor go on


@dataclass(frozen=True)
class Room:
    """A room round a support whose upper face is z = 0.

    Attributes
    ----------
    support : str
        "mat", "bed" or "floor".
    centre_m, half_m : tuple of float
        Middle and half sizes of the support along x and y.
    height_m : float
        Of the upper face over the floor.
    walls_m : tuple of float
        The room reaches from walls_m[0] to walls_m[1] along x and from walls_m[2] to walls_m[3]
        along y.
    ceiling_m : float
        Over the floor.
    support_colour, floor_colour, wall_colour : tuple of float
    support_material, floor_material, wall_material : Material
    furniture : tuple of Mesh
        Standing about, in the support frame.
    light : Light
    """

    support: SupportKind = "mat"
    centre_m: tuple[float, float] = (-0.42, 0.0)
    half_m: tuple[float, float] = (0.95, 0.36)
    height_m: float = 0.015
    walls_m: tuple[float, float, float, float] = (-3.0, 2.2, -1.35, 3.5)
    ceiling_m: float = 2.6
    support_colour: Colour = (0.22, 0.47, 0.45)
    floor_colour: Colour = (0.62, 0.48, 0.34)
    wall_colour: Colour = (0.82, 0.81, 0.77)
    support_material: Material = _RIBBED
    floor_material: Material = _WOOD
    wall_material: Material = PLAIN
    furniture: tuple[Mesh, ...] = field(default=())
    light: Light = field(default_factory=Light)

    @property
    def floor_z_m(self) -> float:
        """Height of the floor in the support frame, metres; not above 0."""
        return -self.height_m

    def holds(self, point_m: np.ndarray, margin_m: float = 0.1) -> bool:
        """Return whether a point lies inside the walls and above the floor."""
        x0, x1, y0, y1 = self.walls_m
        x, y, z = (float(v) for v in point_m)
        inside = x0 + margin_m < x < x1 - margin_m and y0 + margin_m < y < y1 - margin_m
        return inside and z > self.floor_z_m + margin_m

    def is_free(self, point_m: np.ndarray, margin_m: float = 0.1) -> bool:
        """Return whether a point is so far from the boxes round all furniture."""
        return not any(_near(mesh, point_m, margin_m) for mesh in self.furniture)

    def seen_from(self, eye_m: NDArray[np.float64], points_m: NDArray[np.float64]) -> Room:
        """Return the room for a camera: it stands inside, and no furniture hides any point.

        Parameters
        ----------
        eye_m : ndarray, shape (3,)
            The camera.
        points_m : ndarray, shape (n, 3)
            What it must see.
        """
        walls, kept = list(self.walls_m), list(self.furniture)
        for side in range(4):
            sign, at = (-1.0, 1.0)[side % 2], float(eye_m[side // 2])
            if sign * (self.walls_m[side] - at) < 0.1:
                # What leans on the wall or hangs there would be left behind.
                kept = [m for m in kept if not _touches(m, side, self.walls_m[side])]
                walls[side] = at + sign * _BEHIND_CAMERA_M
        low, high = points_m.min(axis=0) - 0.1, points_m.max(axis=0) + 0.1
        corners = np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)
        seen = np.concatenate([points_m, corners])
        kept = [
            mesh
            for mesh in kept
            if not _near(mesh, eye_m, 0.1) and not props.box_blocks(mesh, eye_m, seen).any()
        ]
        ceiling_m = max(self.ceiling_m, float(eye_m[2]) - self.floor_z_m + _OVER_CAMERA_M)
        return replace(
            self,
            walls_m=(walls[0], walls[1], walls[2], walls[3]),
            ceiling_m=ceiling_m,
            furniture=tuple(kept),
        )

    def meshes(self) -> tuple[Mesh, ...]:
        """Return everything of the room."""
        x0, x1, y0, y1 = self.walls_m
        bottom, top = self.floor_z_m, self.floor_z_m + self.ceiling_m
        walls = props.box(
            (x0, y0, bottom - 0.1), (x1, y1, top), self.wall_colour, self.wall_material,
            inside_out=True, casts=False,
        )  # fmt: skip
        found = [walls]
        found += _floor(self.walls_m, bottom, self.floor_colour, self.floor_material)
        if self.support != "floor":
            found.append(self._support())
            if self.support == "bed":
                found.append(self._frame())
        return (*found, *self.furniture)

    def _corners(self, grow_m: float) -> tuple[tuple[float, float], tuple[float, float]]:
        (cx, cy), (hx, hy) = self.centre_m, self.half_m
        low = (cx - hx - grow_m, cy - hy - grow_m)
        return low, (cx + hx + grow_m, cy + hy + grow_m)

    def _support(self) -> Mesh:
        low, high = self._corners(0.0)
        thick = min(self.height_m, 0.18)
        return props.box((*low, -thick), (*high, 0.0), self.support_colour, self.support_material)

    def _frame(self) -> Mesh:
        """Return the bedstead under the mattress."""
        low, high = self._corners(0.03)
        grey: Colour = (0.45, 0.45, 0.47)
        parts = [props.box((*low, -0.24), (*high, -0.16), grey)]
        for x in (low[0] + 0.05, high[0] - 0.1):
            for y in (low[1] + 0.05, high[1] - 0.1):
                parts.append(props.box((x, y, self.floor_z_m), (x + 0.05, y + 0.05, -0.24), grey))
        return props.merge(parts)


def _near(mesh: Mesh, point_m: np.ndarray, margin_m: float) -> bool:
    low, high = props.bounds(mesh)
    return bool(((point_m > low - margin_m) & (point_m < high + margin_m)).all())


def _touches(mesh: Mesh, side: int, wall_m: float) -> bool:
    low, high = props.bounds(mesh)
    return abs(float((low, high)[side % 2][side // 2]) - wall_m) < 0.01


def _floor(
    walls_m: tuple[float, float, float, float], z_m: float, colour: Colour, material: Material
) -> list[Mesh]:
    """Return the floor, which goes on behind the walls, and skirting boards."""
    x0, x1, y0, y1 = walls_m
    white: Colour = (0.86, 0.86, 0.84)
    out = _BEYOND_M
    boards = (
        ((x0, y0), (x0 + _BOARD_M, y1)), ((x1 - _BOARD_M, y0), (x1, y1)),
        ((x0, y0), (x1, y0 + _BOARD_M)), ((x0, y1 - _BOARD_M), (x1, y1)),
    )  # fmt: skip
    return [
        props.box(
            (x0 - out, y0 - out, z_m - 0.05), (x1 + out, y1 + out, z_m), colour, material,
            casts=False,
        ),
        *(props.box((*a, z_m), (*b, z_m + _SKIRTING_M), white, casts=False) for a, b in boards),
    ]  # fmt: skip


def sample_room(draws: Draws, support: SupportKind) -> Room:
    """Draw a room.

    Parameters
    ----------
    draws : Draws
        All sizes, colours and lights come from the bands of its split.
    support : str
        "mat", "bed" or "floor" (no mat).
    """
    if support == "bed":
        half = (draws.uniform(0.95, 1.05), draws.uniform(0.42, 0.62))
        height = draws.uniform(0.45, 0.70)
    else:
        half = (draws.uniform(0.90, 1.00), draws.uniform(0.30, 0.62))
        height = draws.uniform(0.01, 0.03) if support == "mat" else 0.0
    walls = _walls(draws, half)
    room = Room(
        support=support,
        centre_m=(draws.uniform(-0.12, 0.04), draws.uniform(-0.05, 0.05)),
        half_m=half,
        height_m=height,
        walls_m=walls,
        ceiling_m=draws.uniform(2.4, 3.2),
        support_colour=_colour(draws, (0.05, 0.55), (0.35, 0.92)),
        floor_colour=_floor_colour(draws),
        wall_colour=_colour(draws, (0.0, 0.18), (0.68, 0.93)),
        support_material=_support_material(draws, support),
        floor_material=_floor_material(draws),
        wall_material=Material(Texture.PLAIN, contrast=draws.uniform(0.005, 0.03)),
        furniture=_furniture(draws, walls, -height, half),
        light=sample_light(draws),
    )
    return room


def _walls(draws: Draws, half_m: tuple[float, float]) -> tuple[float, float, float, float]:
    """Draw where the walls are: one or two may be near, the camera needs room elsewhere."""
    far = [draws.uniform(2.6, 4.8) for _ in range(4)]
    near_head = draws.flip(0.5)
    near_side = draws.flip(0.5)
    if near_head:
        far[1] = half_m[0] + draws.uniform(0.15, 0.6)
    if near_side:
        far[2 + int(draws.rng.integers(2))] = half_m[1] + draws.uniform(0.2, 0.8)
    return (-far[0], far[1], -far[2], far[3])


def _colour(draws: Draws, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    hue = draws.quantile()
    red, green, blue = colorsys.hsv_to_rgb(hue, draws.uniform(*saturation), draws.uniform(*value))
    return (red, green, blue)


def _floor_colour(draws: Draws) -> Colour:
    """Draw wood, stone, linoleum or carpet: mostly warm or grey."""
    hue = draws.uniform(0.04, 0.13) if draws.flip(0.65) else draws.quantile()
    red, green, blue = colorsys.hsv_to_rgb(hue, draws.uniform(0.03, 0.5), draws.uniform(0.3, 0.8))
    return (red, green, blue)


def _support_material(draws: Draws, support: str) -> Material:
    sheet = support == "bed"
    kinds = (
        (Texture.PLAIN, Texture.PLAIN, Texture.STRIPES, Texture.PRINT)
        if sheet
        else (Texture.PLAIN, Texture.CARPET, Texture.STRIPES, Texture.SPECKLE)
    )
    kind = kinds[int(draws.rng.integers(len(kinds)))]
    return Material(
        kind,
        scale_m=draws.uniform(0.03, 0.16),
        contrast=draws.uniform(0.01, 0.05),
        accent=_colour(draws, (0.02, 0.4), (0.4, 0.92)),
        gloss=0.0 if sheet else draws.uniform(0.0, 0.08),
        wrinkle=draws.uniform(0.02, 0.10) if sheet else 0.0,
    )


def _floor_material(draws: Draws) -> Material:
    kinds = (Texture.PLANKS, Texture.TILES, Texture.CARPET, Texture.SPECKLE, Texture.PLAIN)
    kind = kinds[int(draws.rng.integers(len(kinds)))]
    scale = draws.uniform(0.25, 0.6) if kind == Texture.TILES else draws.uniform(0.08, 0.2)
    dark = draws.uniform(0.2, 0.6)
    return Material(
        kind,
        scale_m=scale,
        contrast=draws.uniform(0.015, 0.06),
        accent=(dark, 0.97 * dark, 0.92 * dark),
        gloss=0.0 if kind == Texture.CARPET else draws.uniform(0.0, 0.12),
    )


def _furniture(
    draws: Draws,
    walls_m: tuple[float, float, float, float],
    floor_z_m: float,
    half_m: tuple[float, float],
) -> tuple[Mesh, ...]:
    """Draw cupboards, pictures and doors along the walls, and chairs."""
    found: list[Mesh] = []
    x0, x1, y0, y1 = walls_m
    for side in range(4):
        for _ in range(int(draws.rng.integers(0, 3))):
            wide, deep = draws.uniform(0.4, 1.4), draws.uniform(0.03, 0.45)
            tall = draws.uniform(0.5, 2.0)
            lifted = draws.uniform(0.6, 1.2) if deep < 0.12 else 0.0
            along = draws.uniform(-1.8, 1.8)
            # Deep furniture would stand in the support where the wall is near.
            gap = abs(walls_m[side]) - half_m[side // 2]
            deep = min(deep, max(gap - 0.1, 0.03))
            if side < 2:
                x = (x0, x1 - deep)[side]
                low, high = (x, along - wide / 2), (x + deep, along + wide / 2)
            else:
                y = (y0, y1 - deep)[side - 2]
                low, high = (along - wide / 2, y), (along + wide / 2, y + deep)
            z = floor_z_m + lifted
            tall = min(tall, 2.3 - lifted)
            found.append(
                props.box(
                    (*low, z), (*high, z + tall), _colour(draws, (0.02, 0.6), (0.25, 0.92)),
                    Material(contrast=draws.uniform(0.0, 0.06), gloss=draws.uniform(0.0, 0.1)),
                )
            )  # fmt: skip
    if draws.flip(0.4):
        seat = props.chair(
            _colour(draws, (0.02, 0.3), (0.2, 0.7)), _colour(draws, (0.05, 0.7), (0.2, 0.85)),
            draws.uniform(0.42, 0.50),
        )  # fmt: skip
        left = 1.0 if draws.flip() else -1.0
        place = (draws.uniform(-1.6, 1.6), left * (half_m[1] + draws.uniform(0.5, 0.9)), floor_z_m)
        if y0 + 0.3 < place[1] < y1 - 0.3 and x0 + 0.3 < place[0] < x1 - 0.3:
            found.append(props.turned(seat, draws.uniform(0.0, 2 * np.pi), place))
    return tuple(found)
