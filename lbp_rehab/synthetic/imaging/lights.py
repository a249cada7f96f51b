"""The light of one room: shadow maps of its sun and a map of what takes the sky's light."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.imaging.camera import NOTHING, Camera
from lbp_rehab.synthetic.imaging.lighting import highest
from lbp_rehab.synthetic.imaging.render import Buffers, draw, view_mesh
from lbp_rehab.synthetic.imaging.rooms import Room
from lbp_rehab.synthetic.imaging.surfaces import Mesh, join

_SUN_M = 60.0  # the sun's distance for the shadow map: nearly parallel rays
_MAP = 512  # rows and columns of the shadow map
_MAP_M = 4.6  # what it covers
_BLOCK = 16  # pixels of the shadow map, in one cell of its coarse copy
_SKY_CELL_M, _SKY_HALF_M = 0.04, 2.56
_SKY_BLUR_M = 0.07  # how far to the side something takes light away
_SKY_REACH_M = 0.28  # height over a point of what takes half its sky
_LOW_M = -10.0  # where nothing is


class LightMaps:
    """The shadow maps and the map of what takes the sky's light, in one room.

    Parameters
    ----------
    room : Room
    """

    nothing: NDArray[np.float32] = np.zeros((1, 1), np.float32)

    def __init__(self, room: Room) -> None:
        self._room, light = room, room.light
        towards = np.array(light.towards) / np.linalg.norm(light.towards)
        self._sun = Camera.looking_at(
            np.array([*room.centre_m, 0.0]),
            distance_m=_SUN_M,
            elevation_rad=float(np.arcsin(towards[2])),
            azimuth_rad=float(np.arctan2(towards[1], towards[0])),
            size=(_MAP, _MAP),
            focal_px=_SUN_M * _MAP / _MAP_M,
        )
        fill = np.array(light.fill_towards) / np.linalg.norm(light.fill_towards)
        tint = np.array(light.tint)
        # Light from below comes back from the support and has its colour.
        below = tint * (0.25 + 0.5 * np.square(room.support_colour))
        self._lamps = np.stack(
            [
                towards,
                fill,
                light.sun * tint,
                light.ambient * tint,
                light.ambient * below,
                light.fill * tint,
            ]
        ).astype(np.float32)
        spread = max(light.softness_m * _MAP / _MAP_M / 4.0, 0.5)
        self._frame = (
            *self._sun.rotation.ravel().tolist(), *self._sun.centre_m.tolist(),
            self._sun.focal_px, self._sun.principal_px[0], float(spread),
        )  # fmt: skip
        cells = round(2 * _SKY_HALF_M / _SKY_CELL_M)
        self._cells = (cells, cells)
        self._area = (
            room.centre_m[0] - _SKY_HALF_M, room.centre_m[1] - _SKY_HALF_M,
            _SKY_CELL_M, _SKY_REACH_M,
        )  # fmt: skip
        self._still_map = self._still_heights = self.nothing
        self._buffers = Buffers.empty(self._sun)

    def set_still(self, meshes: Sequence[Mesh]) -> None:
        """Take over what stands still and casts shadows."""
        casting = [m for m in meshes if m.casts]
        faces = join(casting).faces
        vertices = np.concatenate([np.zeros((0, 3), np.float32)] + [m.vertices_m for m in casting])
        self._buffers.inverse[:] = 0.0
        draw(self._buffers, self._sun, vertices, faces)
        self._still_map = self._buffers.inverse.copy()
        above = Camera.looking_at(
            np.array([*self._room.centre_m, 0.0]),
            distance_m=_SUN_M,
            elevation_rad=np.pi / 2,
            azimuth_rad=-np.pi / 2,
            size=self._cells,
            focal_px=_SUN_M / _SKY_CELL_M,
        )
        view = view_mesh(vertices, faces, above)
        heights = np.where(view.face != NOTHING, _SUN_M - view.depth_m, _LOW_M)
        self._still_heights = self._blurred(heights[::-1].astype(np.float32))

    def expose(self, gain: np.float32) -> None:
        """Make all light so much brighter."""
        self._lamps[2:] *= gain

    def shadow(
        self, vertices_m: NDArray[np.float32], faces: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the shadow map of what moves, and where anything lies in it, coarsely."""
        self._buffers.inverse[:] = 0.0
        draw(self._buffers, self._sun, vertices_m, faces)
        found = self._buffers.inverse
        blocks = found.reshape(_MAP // _BLOCK, _BLOCK, _MAP // _BLOCK, _BLOCK).max(axis=(1, 3))
        spread = int(np.ceil((1.5 * self._frame[-1] + 1.0) / _BLOCK))
        size = 2 * spread + 1
        coarse = cv2.dilate((blocks > 0).astype(np.uint8), np.ones((size, size), np.uint8))
        return found, np.asarray(coarse, bool)

    def heights(self, vertices_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the blurred map of how high what moves reaches."""
        top = np.full(self._cells, _LOW_M, np.float32)
        highest(vertices_m, self._area[:3], top)
        return self._blurred(np.asarray(cv2.dilate(top, np.ones((3, 3), np.uint8))))

    def _blurred(self, heights: NDArray[np.float32]) -> NDArray[np.float32]:
        ground = np.float32(self._room.floor_z_m)
        return np.asarray(
            cv2.GaussianBlur(np.maximum(heights, ground), (0, 0), _SKY_BLUR_M / _SKY_CELL_M),
            np.float32,
        )

    def lamps(self, moving_map: NDArray[np.float32]) -> tuple[object, ...]:
        """Return the lights as `shading` takes them."""
        return self._frame, self._still_map, moving_map, self._lamps

    def sky(self, heights: NDArray[np.float32]) -> tuple[object, ...]:
        """Return the maps of the sky as `shading` takes them."""
        return self._still_heights, heights, self._area
