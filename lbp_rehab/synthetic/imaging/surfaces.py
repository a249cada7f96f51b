"""What things are made of: colours and procedural textures, and meshes that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]  # red, green, blue, 0 to 1, as a camera shows them

TILE = 256  # rows and columns of the noise that textures are made of
_SEED = 20_260_702


class Texture(IntEnum):
    """Kind of a procedural texture."""

    PLAIN = 0
    PLANKS = 1
    TILES = 2
    CARPET = 3
    SPECKLE = 4
    STRIPES = 5
    PRINT = 6
    HAIR = 7


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Attributes
    ----------
    texture : Texture
    scale_m : float
        Period of what repeats: width of a plank, tile or stripe.
    contrast : float
        Of the texture, relative to the colour.
    accent : tuple of float
        Second colour: grout, stripes, print.
    gloss : float
        Strength of the highlight; 0 is matt.
    wrinkle : float
        How much folds turn the normals; 0 is smooth.
    """

    texture: Texture = Texture.PLAIN
    scale_m: float = 0.2
    contrast: float = 0.05
    accent: Colour = (0.5, 0.5, 0.5)
    gloss: float = 0.0
    wrinkle: float = 0.0


PLAIN = Material()


@dataclass(frozen=True)
class Mesh:
    """A coloured triangle mesh of the support frame.

    Attributes
    ----------
    vertices_m : ndarray of float32, shape (n, 3)
    faces : ndarray of int32, shape (m, 3)
        Anticlockwise from outside.
    colours : ndarray of float32, shape (n, 3)
        Linear reflectances.
    uv_m : ndarray of float32, shape (n, 2)
        Place in the texture.
    material : ndarray of uint8, shape (n,)
        Index into ``materials``.
    materials : tuple of Material
    closed : bool
        Whether faces are only seen from outside.
    casts : bool
        Whether it casts a shadow.
    """

    vertices_m: NDArray[np.float32]
    faces: NDArray[np.int32]
    colours: NDArray[np.float32]
    uv_m: NDArray[np.float32]
    material: NDArray[np.uint8]
    materials: tuple[Material, ...] = field(default=(PLAIN,))
    closed: bool = True
    casts: bool = True


def linear(colour: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the linear reflectance of colours as a camera shows them (gamma 2)."""
    return np.square(np.asarray(colour, np.float32))


def plain_mesh(
    vertices_m: NDArray[np.floating],
    faces: NDArray[np.integer],
    colour: Colour,
    material: Material = PLAIN,
    uv_m: NDArray[np.floating] | None = None,
    *,
    closed: bool = True,
    casts: bool = True,
) -> Mesh:
    """Return a mesh of one colour and material; its texture lies on x and y unless given."""
    n = len(vertices_m)
    place = vertices_m[:, :2] if uv_m is None else uv_m
    return Mesh(
        np.ascontiguousarray(vertices_m, np.float32),
        np.ascontiguousarray(faces, np.int32),
        np.ascontiguousarray(np.tile(linear(colour), (n, 1)), np.float32),
        np.ascontiguousarray(place, np.float32),
        np.zeros(n, np.uint8),
        (material,),
        closed,
        casts,
    )


@dataclass(frozen=True)
class Joined:
    """Several meshes as one set of arrays.

    Attributes
    ----------
    faces, colours, uv_m : ndarray
        As of `Mesh`.
    material : ndarray of uint8, shape (n,)
        Row of ``table``.
    table : ndarray of float32, shape (k, 8)
        Texture, scale, contrast, accent (3), gloss, wrinkle.
    owner : ndarray of uint8, shape (m,)
        Which mesh a face belongs to.
    starts : tuple of int
        First vertex of each mesh, and their number.
    """

    faces: NDArray[np.int32]
    colours: NDArray[np.float32]
    uv_m: NDArray[np.float32]
    material: NDArray[np.uint8]
    table: NDArray[np.float32]
    owner: NDArray[np.uint8]
    starts: tuple[int, ...]


def join(meshes: Sequence[Mesh]) -> Joined:
    """Return meshes as one set of arrays; their vertices follow each other in the same order."""
    starts = np.cumsum([0, *(len(m.vertices_m) for m in meshes)])
    rows = np.cumsum([0, *(len(m.materials) for m in meshes)])
    table = [
        [m.texture, m.scale_m, m.contrast, *linear(m.accent), m.gloss, m.wrinkle]
        for mesh in meshes
        for m in mesh.materials
    ]
    return Joined(
        np.concatenate(
            [np.zeros((0, 3), np.int32)]
            + [m.faces + np.int32(s) for m, s in zip(meshes, starts[:-1], strict=True)]
        ),
        np.concatenate([np.zeros((0, 3), np.float32)] + [m.colours for m in meshes]),
        np.concatenate([np.zeros((0, 2), np.float32)] + [m.uv_m for m in meshes]),
        np.concatenate(
            [np.zeros(0, np.uint8)]
            + [(m.material + r).astype(np.uint8) for m, r in zip(meshes, rows[:-1], strict=True)]
        ),
        np.array(table, np.float32).reshape(-1, 8),
        np.concatenate(
            [np.zeros(0, np.uint8)]
            + [np.full(len(m.faces), k, np.uint8) for k, m in enumerate(meshes)]
        ),
        tuple(int(s) for s in starts),
    )


@lru_cache(maxsize=1)
def texture_noise() -> NDArray[np.float32]:
    """Return seamless noise, shape (TILE, TILE, 4).

    Channels: cloudy noise, slope of folds along and across, fine grain; RMS 1 each.
    """
    rng = np.random.default_rng(_SEED)

    def blurred(sigma: float, across: float) -> NDArray[np.float64]:
        white = np.tile(rng.standard_normal((TILE, TILE)), (3, 3))
        smooth = cv2.GaussianBlur(white, (0, 0), sigma, sigmaY=across)
        cut = np.asarray(smooth)[TILE : 2 * TILE, TILE : 2 * TILE]
        return np.asarray(cut / cut.std())

    cloudy = blurred(16, 16) + 0.6 * blurred(6, 6) + 0.35 * blurred(2, 2)
    folds = blurred(7, 12) + 0.4 * blurred(2.5, 5)
    slopes = [np.roll(folds, -1, axis) - np.roll(folds, 1, axis) for axis in (1, 0)]
    channels = [cloudy, *slopes, blurred(0.6, 0.6)]
    return np.stack([c / c.std() for c in channels], axis=2).astype(np.float32)
