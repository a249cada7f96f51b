"""A human body: a skinned mesh, forward kinematics, keypoints, pelvic landmarks and breathing.

The rest frame: metres, x to the person's left, y to the back, z up. A pose is given by the
rotation of each bone in the world, and equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.person import anatomy, makehuman

# Joint -> bone whose head is that joint; "{}" is L or R.
_JOINT_BONES: dict[str, str] = {
    "shoulder": "upperarm01.{}",
    "elbow": "lowerarm01.{}",
    "wrist": "wrist.{}",
    "hip": "upperleg01.{}",
    "knee": "lowerleg01.{}",
    "ankle": "foot.{}",
    "toe": "toe2-2.{}",
}
JOINTS: tuple[str, ...] = tuple(f"{side}_{j}" for j in _JOINT_BONES for side in "lr")
LANDMARKS: tuple[str, ...] = anatomy.LANDMARKS


@dataclass(frozen=True)
class Pose:
    """A body's pose: each bone's rotation from rest in the world, and where its root is.

    Attributes
    ----------
    rotation : ndarray, shape (n_bones, 3, 3)
    root_m : ndarray, shape (3,)
    """

    rotation: NDArray[np.float64]
    root_m: NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """A body at rest, ready to be posed.

    All places are in metres in the rest frame. ``vertices`` may be replaced by those of the body
    in clothes; the other fields stay those of the bare body.

    Attributes
    ----------
    vertices : ndarray, shape (n_vertices, 3)
    faces : ndarray of int32, shape (n_faces, 3)
        Anticlockwise from outside.
    heads : ndarray, shape (n_bones, 3)
        Where each bone starts.
    bones : tuple of str
    parents : ndarray of int, shape (n_bones,)
        -1 for the root; a parent comes before its children.
    weight_bones, weights : ndarray, shape (n_vertices, k)
        Bones that move a vertex and their shares, largest first, which add up to 1.
    landmark_rest_m : ndarray, shape (4, 3)
        `LANDMARKS`, on the bone.
    keypoint_rest_m : ndarray, shape (33, 3)
        Of `lbp_rehab.pose.skeleton.NAMES`.
    keypoint_bones : ndarray of int, shape (33,)
        The bone that carries each.
    normals : ndarray, shape (n_vertices, 3)
        Unit, outward.
    breathing : ndarray, shape (n_vertices, 2)
        How much of the movement of the belly and of the chest wall a vertex makes, 0 to 1.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    heads: NDArray[np.float64]
    bones: tuple[str, ...]
    parents: NDArray[np.int64]
    weight_bones: NDArray[np.int64]
    weights: NDArray[np.float64]
    landmark_rest_m: NDArray[np.float64]
    keypoint_rest_m: NDArray[np.float64]
    keypoint_bones: NDArray[np.int64]
    normals: NDArray[np.float64]
    breathing: NDArray[np.float64]

    def bone(self, name: str) -> int:
        """Return the number of a bone."""
        return self._numbers[name]

    def rest_pose(self) -> Pose:
        """Return the pose at rest."""
        return Pose(np.tile(np.eye(3), (len(self.bones), 1, 1)), self.heads[0].copy())

    def bone_heads(self, pose: Pose) -> NDArray[np.float64]:
        """Return where each bone starts in the world, shape (n_bones, 3)."""
        from lbp_rehab.synthetic.person.skinning import place_heads  # noqa: PLC0415  (needs the extra)

        return place_heads(self.heads, self.parents, _plain(pose.rotation), _plain(pose.root_m))

    def skin(
        self,
        pose: Pose,
        vertices: NDArray[np.int64] | None = None,
        breath: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float64]:
        """Return the posed surface by linear blend skinning, shape (n, 3).

        Parameters
        ----------
        vertices : ndarray of int, optional
            Only these vertices.
        breath : tuple of float
            How far the belly and the chest wall stand out where they move most, metres.
        """
        from lbp_rehab.synthetic.person.skinning import blend  # noqa: PLC0415  (needs the extra)

        rotation = _plain(pose.rotation)
        transforms = np.empty((len(self.bones), 3, 4))
        transforms[:, :, :3] = rotation
        carried = np.matmul(rotation, self.heads[:, :, None])[:, :, 0]
        transforms[:, :, 3] = self.bone_heads(pose) - carried
        rest = self.vertices
        if any(breath):
            rest = rest + (self.breathing @ np.array(breath))[:, None] * self.normals
        chosen = self._all if vertices is None else vertices
        return blend(rest, self.weight_bones, self.weights, chosen, transforms)

    def joints(self, pose: Pose) -> NDArray[np.float64]:
        """Return the joint centres of `JOINTS` in the world, shape (14, 3)."""
        return self.bone_heads(pose)[self._joint_bones]

    def keypoints(self, pose: Pose) -> NDArray[np.float64]:
        """Return the keypoints of `lbp_rehab.pose.skeleton.NAMES` in the world, shape (33, 3).

        Joints are where their bones start; the points of face, hands and feet are carried
        rigidly by their bone.
        """
        bones = self.keypoint_bones
        arms = self.keypoint_rest_m - self.heads[bones]
        turned = np.matmul(pose.rotation[bones], arms[:, :, None])[:, :, 0]
        return self.bone_heads(pose)[bones] + turned

    def landmarks(self, pose: Pose) -> NDArray[np.float64]:
        """Return `LANDMARKS` in the world, carried rigidly by the pelvis, shape (4, 3)."""
        return (self.landmark_rest_m - self.heads[0]) @ pose.rotation[0].T + pose.root_m

    def dominant(self, *prefixes: str) -> NDArray[np.bool_]:
        """Return which vertices are moved mostly by bones whose names start so, (n_vertices,)."""
        wanted = np.array([name.startswith(prefixes) for name in self.bones])
        strongest = np.take_along_axis(
            self.weight_bones, self.weights.argmax(axis=1)[:, None], axis=1
        )
        return wanted[strongest[:, 0]]

    def volume_m3(self) -> float:
        """Return the volume that the surface encloses at rest."""
        return enclosed_m3(self.vertices, self.faces)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.bones)}

    @cached_property
    def _joint_bones(self) -> NDArray[np.int64]:
        names = [bone.format(side) for bone in _JOINT_BONES.values() for side in "LR"]
        return np.array([self.bone(name) for name in names])

    @cached_property
    def _all(self) -> NDArray[np.int64]:
        return np.arange(len(self.vertices))


def load(phenotype: Mapping[str, float]) -> Body:
    """Build a body.

    Parameters
    ----------
    phenotype : mapping
        See `lbp_rehab.synthetic.person.makehuman.MakeHuman.rest`.

    Raises
    ------
    InputError
        If the extra ``synthetic`` is not installed or the phenotype is not possible.
    """
    model = makehuman.load()
    vertices, heads, markers = model.rest(phenotype)
    bones = tuple(str(name) for name in model.files.bones)
    rest = anatomy.Rest(
        vertices=vertices,
        faces=model.files.faces,
        normals=vertex_normals(vertices, model.files.faces),
        heads=dict(zip(bones, heads, strict=True)),
        markers=dict(zip(makehuman.MARKERS, markers, strict=True)),
        moved_by=tuple(bones[i] for i in model.files.weight_bones[:, 0]),
        trunk=anatomy.trunk_share(bones, model.files.weight_bones, model.files.weights),
    )
    lean_vertices, lean_heads, _ = model.rest(anatomy.lean(phenotype))
    thighs = [bones.index(f"upperleg01.{side}") for side in "LR"]
    hips = heads[thighs].mean(axis=0)
    landmarks = hips + anatomy.landmarks(
        lean_vertices - lean_heads[thighs].mean(axis=0),
        vertices - hips,
        model.files.faces,
        phenotype.get("gender", 0.5),
    )
    keypoints = anatomy.keypoints(rest)
    return Body(
        vertices=vertices,
        faces=model.files.faces,
        heads=heads,
        bones=bones,
        parents=model.files.parents,
        weight_bones=model.files.weight_bones,
        weights=model.files.weights,
        landmark_rest_m=landmarks,
        keypoint_rest_m=np.array([place for place, _ in keypoints]),
        keypoint_bones=np.array([bones.index(bone) for _, bone in keypoints]),
        normals=rest.normals,
        breathing=anatomy.breathing(rest),
    )


def vertex_normals(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return unit outward normals, area-weighted over the faces at each vertex, shape (n, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    facing = np.cross(b - a, c - a)
    normals = np.stack(
        [
            sum(np.bincount(faces[:, k], facing[:, axis], len(vertices)) for k in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def enclosed_m3(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> float:
    """Return the volume that a closed surface encloses (divergence theorem)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def _plain(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an array as the compiled functions want it."""
    return np.ascontiguousarray(array, dtype=np.float64)
