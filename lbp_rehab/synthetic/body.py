"""A human body: a skinned mesh of the Anny model, forward kinematics, joints and pelvic landmarks.

The rest frame is Anny's: metres, x to the person's left, y to the back, z up. Anny (Bregier et al.
2025; assets CC0) is only asked for the body at rest; posing and skinning are done here in numpy, so
that a pose is given by the rotation of each bone in the world and equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Keypoint of `lbp_rehab.pose.skeleton` -> bone whose head is that joint; "{}" is L or R.
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
LANDMARKS: tuple[str, ...] = ("l_asis", "r_asis", "l_psis", "r_psis")

# Where the pelvic landmarks lie on the mean body, from the root: |x| and z in metres, found by eye
# on the rendered mesh (the front crest and the dimples).
_ASIS_XZ_M = (0.110, 0.035)
_PSIS_XZ_M = (0.045, 0.025)


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

    Attributes
    ----------
    vertices : ndarray, shape (n_vertices, 3)
        Metres, rest frame.
    faces : ndarray of int32, shape (n_faces, 3)
        Anticlockwise from outside.
    heads : ndarray, shape (n_bones, 3)
        Where each bone starts, metres, rest frame.
    bones : tuple of str
    parents : ndarray of int, shape (n_bones,)
        -1 for the root; a parent comes before its children.
    weight_bones, weights : ndarray, shape (n_vertices, k)
        Bones that move a vertex and their shares, which add up to 1.
    landmark_vertices : ndarray of int, shape (4,)
        Vertices of `LANDMARKS`.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    heads: NDArray[np.float64]
    bones: tuple[str, ...]
    parents: NDArray[np.int64]
    weight_bones: NDArray[np.int64]
    weights: NDArray[np.float64]
    landmark_vertices: NDArray[np.int64]

    def bone(self, name: str) -> int:
        """Return the number of a bone."""
        return self.bones.index(name)

    def rest_pose(self) -> Pose:
        """Return the pose at rest."""
        return Pose(np.tile(np.eye(3), (len(self.bones), 1, 1)), self.heads[0].copy())

    def bone_heads(self, pose: Pose) -> NDArray[np.float64]:
        """Return where each bone starts in the world, shape (n_bones, 3)."""
        placed = np.empty_like(self.heads)
        placed[0] = pose.root_m
        for i in range(1, len(self.bones)):
            p = self.parents[i]
            placed[i] = placed[p] + pose.rotation[p] @ (self.heads[i] - self.heads[p])
        return placed

    def skin(self, pose: Pose, vertices: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Return the posed surface by linear blend skinning, shape (n, 3).

        Parameters
        ----------
        vertices : ndarray of int, optional
            Only these vertices.
        """
        chosen = slice(None) if vertices is None else vertices
        shift = self.bone_heads(pose) - np.einsum("bij,bj->bi", pose.rotation, self.heads)
        transforms = np.concatenate([pose.rotation, shift[:, :, None]], axis=2).reshape(-1, 12)
        blended = np.zeros((len(self.vertices[chosen]), 12))
        for k in range(self.weights.shape[1]):
            blended += self.weights[chosen, k, None] * transforms[self.weight_bones[chosen, k]]
        matrices = blended.reshape(-1, 3, 4)
        rest = self.vertices[chosen]
        return np.einsum("nij,nj->ni", matrices[:, :, :3], rest) + matrices[:, :, 3]

    def joints(self, pose: Pose) -> NDArray[np.float64]:
        """Return the joint centres of `JOINTS` in the world, shape (14, 3)."""
        heads = self.bone_heads(pose)
        return np.array(
            [heads[self.bone(bone.format(side))] for bone in _JOINT_BONES.values() for side in "LR"]
        )

    def landmarks(self, pose: Pose) -> NDArray[np.float64]:
        """Return `LANDMARKS` in the world, carried rigidly by the pelvis, shape (4, 3)."""
        rest = self.vertices[self.landmark_vertices]
        return (rest - self.heads[0]) @ pose.rotation[0].T + pose.root_m

    def dominant(self, *prefixes: str) -> NDArray[np.bool_]:
        """Return which vertices are moved mostly by bones whose names start so, (n_vertices,)."""
        wanted = np.array([name.startswith(prefixes) for name in self.bones])
        strongest = np.take_along_axis(
            self.weight_bones, self.weights.argmax(axis=1)[:, None], axis=1
        )
        return wanted[strongest[:, 0]]


def load(phenotype: Mapping[str, float]) -> Body:
    """Build a body with Anny.

    The first use prepares Anny's cache (about 30 s and 800 MB under ``ANNY_CACHE_DIR``).

    Parameters
    ----------
    phenotype : mapping
        ``gender``, ``age``, ``muscle``, ``weight``, ``height``, ``proportions``, each 0 to 1;
        0.5 where not given.

    Raises
    ------
    ImportError
        If the extra ``synthetic`` is not installed.
    """
    import anny  # noqa: PLC0415  (the optional extra, and slow to import)
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    model = anny.Anny().to(dtype=torch.float32)
    identity = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
    shape = {k: torch.tensor([float(phenotype.get(k, 0.5))]) for k in model.phenotype_labels}
    with torch.no_grad():
        rest = model(pose_parameters=identity, phenotype_kwargs=shape)
    vertices = rest["rest_vertices"][0].numpy().astype(float)
    heads = rest["rest_bone_poses"][0, :, :3, 3].numpy().astype(float)
    weights = model.vertex_bone_weights.numpy().astype(float)
    parents = [-1 if p is None else int(p) for p in model.bone_parents]
    return Body(
        vertices=vertices,
        faces=_triangles(model.faces.numpy()),
        heads=heads,
        bones=tuple(model.bone_labels),
        parents=np.array(parents),
        weight_bones=model.vertex_bone_indices.numpy().astype(np.int64),
        weights=weights / weights.sum(axis=1, keepdims=True),
        landmark_vertices=_landmarks(vertices, heads[0]),
    )


def _triangles(faces: NDArray[np.int64]) -> NDArray[np.int32]:
    if faces.shape[1] == 4:
        faces = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    return np.ascontiguousarray(faces, dtype=np.int32)


def _landmarks(vertices: NDArray[np.float64], root: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the outermost vertices near the places of the ASIS (front) and PSIS (back)."""
    found = []
    for (x, z), backward in ((_ASIS_XZ_M, -1.0), (_PSIS_XZ_M, 1.0)):
        for side in (1.0, -1.0):
            local = vertices - root
            near = np.hypot(local[:, 0] - side * x, local[:, 2] - z) < 0.025
            candidates = np.flatnonzero(near)
            found.append(candidates[np.argmax(backward * local[candidates, 1])])
    return np.array(found)


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
