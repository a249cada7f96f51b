"""A room with dressed people and things in it: ideal colour and depth images of one camera.

What stands still is drawn and lit once; each frame draws what moves over it. The images have an
exact sample at the middle of every pixel, which gives depth and who is seen; colour adds half-pixel
samples round silhouettes, so that edges are smooth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.imaging.camera import NOTHING, Camera, MeshView
from lbp_rehab.synthetic.imaging.clothes import Dressed, dress
from lbp_rehab.synthetic.imaging.lighting import PACKED, kept_light, light_vertices, pack
from lbp_rehab.synthetic.imaging.lights import LightMaps
from lbp_rehab.synthetic.imaging.props import Blanket
from lbp_rehab.synthetic.imaging.render import (
    Buffers,
    draw,
    smooth_normals,
    to_optical,
    view_mesh,
)
from lbp_rehab.synthetic.imaging.rooms import Light, Room, sample_room
from lbp_rehab.synthetic.imaging.shading import shade_moving, shade_still
from lbp_rehab.synthetic.imaging.surfaces import Joined, Mesh, join, texture_noise
from lbp_rehab.synthetic.imaging.visibility import extent, patient_view, reflectance_of
from lbp_rehab.synthetic.person.people import Outfit

__all__ = [
    "Blanket", "Dressed", "Frame", "Light", "Outfit", "Room", "Scene", "dress", "sample_room",
    "view_mesh",
]  # fmt: skip

_MIDDLE_GREY = 0.52  # that automatic exposure aims at

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """What an ideal camera sees at one instant.

    Attributes
    ----------
    colour : ndarray of float32, shape (h, w, 3)
        Red, green, blue, 0 to 1 and a little more in highlights, coded by a square root.
    depth_m : ndarray of float32, shape (h, w)
        Along the optical axis at the middle of each pixel; infinite where there is nothing.
    person : MeshView
        The patient's faces that are seen, hidden ones left out.
    owner : ndarray of int16, shape (h, w)
        Which of the moving meshes each pixel shows: people in their order, then blankets;
        `NOTHING` where something still is seen.
    """

    colour: Image
    depth_m: NDArray[np.float32]
    person: MeshView
    owner: NDArray[np.int16]


@dataclass(frozen=True)
class DepthFrame:
    """What an ideal depth camera sees.

    Attributes
    ----------
    depth_m : ndarray of float32, shape (h, w)
        Infinite where there is nothing.
    reflectance : ndarray of float32, shape (h, w)
        Of near-infrared light, 0 to 1.
    """

    depth_m: NDArray[np.float32]
    reflectance: NDArray[np.float32]


class Scene:
    """People and things in one room before one camera.

    Parameters
    ----------
    room : Room
    people : sequence of Dressed
        The patient first.
    camera : Camera
        Of the colour image.
    depth_camera : Camera, optional
        A second camera for `depth`; the same as ``camera`` unless given.
    props : sequence of Mesh
        Things that stand still.
    blankets : sequence of Blanket
        Over the patient.

    Attributes
    ----------
    mean_grey : float
        Of the empty room as the camera exposes it, 0 to 1, coded.
    """

    def __init__(
        self,
        room: Room,
        people: Sequence[Dressed],
        camera: Camera,
        *,
        depth_camera: Camera | None = None,
        props: Sequence[Mesh] = (),
        blankets: Sequence[Blanket] = (),
    ) -> None:
        self.room, self.people, self.camera = room, tuple(people), camera
        self.depth_camera = depth_camera or camera
        self._blankets = tuple(blankets)
        self._light = LightMaps(room)
        still = (*room.meshes(), *props)
        self._still_mesh = join(still)
        self._draw_still(still)
        meshes = [p.mesh() for p in people] + [b.mesh() for b in blankets]
        self._moving = join(meshes)
        self._closed_faces = sum(len(m.faces) for m in meshes[: len(people)])
        self._patient_faces = len(people[0].body.faces) if people else 0
        self._fine = Buffers.empty(camera, fine=True)
        self._plain = Buffers.empty(self.depth_camera)
        self._vertices: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._packed = np.zeros((len(self._moving.colours), PACKED), np.float32)
        self._grey = self._moving.colours.mean(axis=1)

    def view(self, people_m: Sequence[NDArray[np.floating]]) -> Frame:
        """Render the people where they are now.

        Parameters
        ----------
        people_m : sequence of ndarray, shape (n_vertices, 3)
            Posed vertices of each person's ``Dressed.body``, in the support frame.
        """
        self._place(people_m)
        vertices, mesh, camera = self._vertices, self._moving, self.camera
        moving_map, coarse = self._light.shadow(vertices, mesh.faces)
        heights = self._light.heights(vertices)
        optical = to_optical(vertices, camera.rotation, camera.centre_m)
        normals = smooth_normals(vertices, mesh.faces)
        self._fine.reset(self._still_fine)
        self._draw(self._fine, camera)
        shape = (camera.height, camera.width)
        colour = np.empty((*shape, 3), np.float32)
        face, inverse = np.empty(shape, np.int32), np.empty(shape, np.float32)
        view, eye = _view(camera, self._fine), (camera.rotation, camera.centre_m)
        lamps, sky = self._light.lamps(moving_map), self._light.sky(heights)
        pack(normals, mesh.uv_m, mesh.colours, mesh.material, self._packed)
        light_vertices(vertices, lamps, sky, self._packed)
        still = (self._still_fine.inverse, self._still_sunny)
        kept = kept_light(self._fine.face, still, view, eye, lamps, sky, coarse)
        shade_moving(
            (self._fine.inverse, self._fine.face),
            (self._still_colour, self._still_coded),
            kept,
            (colour, face, inverse),
            extent(optical, camera.focal_px, *camera.principal_px, shape),
            view,
            eye,
            _looks(mesh),
            (optical, self._packed),
            lamps,
            sky,
        )
        depth_m, own_depth_m = (np.full(shape, np.inf, np.float32) for _ in range(2))
        own_face, owner = np.full(shape, NOTHING, np.int32), np.full(shape, NOTHING, np.int16)
        weights = np.zeros((*shape, 3), np.float32)
        patient_view(
            face, inverse, mesh.owner, optical, mesh.faces, view[:3], self._patient_faces,
            (depth_m, own_depth_m, own_face, weights, owner),
        )  # fmt: skip
        return Frame(colour, depth_m, MeshView(own_depth_m, own_face, weights), owner)

    def depth(self, people_m: Sequence[NDArray[np.floating]] | None = None) -> DepthFrame:
        """Render the depth camera's view.

        Parameters
        ----------
        people_m : sequence of ndarray, optional
            As in `view`; without them, those of the last `view`.
        """
        if people_m is not None:
            self._place(people_m)
        self._plain.reset(self._still_plain)
        self._draw(self._plain, self.depth_camera)
        with np.errstate(divide="ignore"):
            depth_m = np.float32(1.0) / self._plain.inverse
        mesh = self._moving
        grey = reflectance_of(self._plain.face, self._grey, mesh.faces, self._still_grey)
        return DepthFrame(depth_m, grey)

    def _place(self, people_m: Sequence[NDArray[np.floating]]) -> None:
        cloth = [b.drape(people_m[0]) for b in self._blankets]
        placed = [np.asarray(v, np.float32) for v in (*people_m, *cloth)]
        starts = self._moving.starts
        if tuple(np.cumsum([0, *(len(v) for v in placed)])) != starts:
            raise ValueError(f"expected {len(self.people)} people with {starts} vertices in all")
        self._vertices = np.concatenate([np.zeros((0, 3), np.float32), *placed])

    def _draw(self, buffers: Buffers, camera: Camera) -> None:
        draw(buffers, camera, self._vertices, self._moving.faces, closed_faces=self._closed_faces)

    def _draw_still(self, still: Sequence[Mesh]) -> None:
        mesh, camera = self._still_mesh, self.camera
        vertices = np.concatenate([m.vertices_m for m in still])
        fine, plain = Buffers.empty(camera, fine=True), Buffers.empty(self.depth_camera)
        for buffers, eye in ((fine, camera), (plain, self.depth_camera)):
            draw(buffers, eye, vertices, mesh.faces, closed_faces=len(mesh.faces))
        self._light.set_still(still)
        packed = np.zeros((len(vertices), PACKED), np.float32)
        normals = smooth_normals(vertices, mesh.faces)
        pack(normals, mesh.uv_m, mesh.colours, mesh.material, packed)
        colour, sunny = shade_still(
            fine.face,
            _view(camera, fine),
            (camera.rotation, camera.centre_m),
            _looks(mesh),
            (
                to_optical(vertices, camera.rotation, camera.centre_m),
                packed,
            ),
            self._light.lamps(self._light.nothing),
            self._light.sky(self._light.nothing),
        )
        void = fine.face < 0
        colour[void] = 0.5 * np.square(self.room.wall_colour)
        gain = _exposure(colour)
        colour *= gain
        self._light.expose(gain)
        self._still_colour = _thinned(colour)
        self._still_coded = np.sqrt(self._still_colour)
        self.mean_grey = float(self._still_coded.mean())
        self._still_sunny = _thinned(sunny)
        grey = mesh.colours.mean(axis=1)[mesh.faces[np.maximum(plain.face, 0), 0]]
        self._still_grey = np.where(plain.face >= 0, grey, 0.0).astype(np.float32)
        fine.face[:], plain.face[:] = NOTHING, NOTHING
        self._still_fine, self._still_plain = fine, plain


def _thinned(samples: Image) -> Image:
    """Return one value a pixel of half-pixel samples: a tent over the nine round its middle."""
    kernel = np.array([0.25, 0.5, 0.25])
    smooth = np.asarray(cv2.sepFilter2D(samples, -1, kernel, kernel))
    return np.ascontiguousarray(smooth[1::2, 1::2], np.float32)


def _exposure(colour: Image) -> np.float32:
    """Return the gain of a camera that exposes for the empty room by itself."""
    mean = float(np.sqrt(colour[::4, ::4]).mean())
    return np.float32(np.clip(_MIDDLE_GREY / max(mean, 1e-3), 0.6, 1.35) ** 2)


def _view(camera: Camera, buffers: Buffers) -> tuple[float, float, float, float, float]:
    return (camera.focal_px, *camera.principal_px, buffers.step, buffers.offset)


def _looks(mesh: Joined) -> tuple[np.ndarray, ...]:
    return (mesh.faces, mesh.table, texture_noise())
