"""Reads MakeHuman's files: base mesh, targets, rig and skin weights.

They are text: a Wavefront OBJ file in decimetres, y up; JSON for the rig and the weights; and one
gzipped table "vertex dx dy dz" for each target.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GENDERS = ("male", "female")
_AGES = ("young", "old")
_MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
_WEIGHTS = ("minweight", "averageweight", "maxweight")
RACES = ("african", "asian", "caucasian")
# Words that share a scale from 0 to 1, evenly spaced.
SCALES: dict[str, tuple[str, ...]] = {
    "gender": GENDERS,
    "muscle": _MUSCLES,
    "weight": _WEIGHTS,
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
}
_MAX_WEIGHTS = 8
_GROUPS = ("body", "helper-l-eye", "helper-r-eye", "helper-tongue")
# The nipples and the rings that close the breasts without them, of the base mesh's vertices.
_LEFT_OUT = (*range(1778, 1794), *range(8450, 8466))
_CAPS = (
    (8437, 8438, 8439, 8440), (8436, 8437, 8440, 8441), (8435, 8436, 8441, 8442),
    (8434, 8435, 8442, 8443), (8449, 8434, 8443, 8444), (8448, 8449, 8444, 8445),
    (8447, 8448, 8445, 8446),
    (1762, 1771, 1770, 1763), (1763, 1770, 1769, 1764), (1764, 1769, 1768, 1765),
    (1765, 1768, 1767, 1766), (1762, 1777, 1772, 1771), (1777, 1776, 1773, 1772),
    (1776, 1775, 1774, 1773),
)  # fmt: skip

# Further points: name -> bone of the file's rig that ends there. The muscle that lifts the corner
# of the mouth ends at it.
MARKERS: dict[str, str] = {"l_mouth": "levator05.L", "r_mouth": "levator05.R"}


@dataclass(frozen=True)
class Files:
    """What the files say, in metres, x left, y back, z up.

    Attributes
    ----------
    base : ndarray, shape (n_points, 3)
        Vertices, then where each bone starts, then `MARKERS`.
    targets : ndarray of int16, shape (n_targets, n_points, 3)
    scales : ndarray, shape (n_targets,)
        Metres that one of a target's units stands for.
    words : ndarray of str, shape (n_targets,)
        Words of each target, joined by "-".
    faces : ndarray of int32, shape (n_faces, 3)
    bones : ndarray of str, shape (n_bones,)
    parents : ndarray of int64, shape (n_bones,)
    weight_bones : ndarray of int64, shape (n_vertices, k)
    weights : ndarray of float64, shape (n_vertices, k)
        Largest first; they add up to 1.
    """

    base: NDArray[np.float64]
    targets: NDArray[np.int16]
    scales: NDArray[np.float64]
    words: NDArray[np.str_]
    faces: NDArray[np.int32]
    bones: NDArray[np.str_]
    parents: NDArray[np.int64]
    weight_bones: NDArray[np.int64]
    weights: NDArray[np.float64]


def read(data: Path) -> Files:
    """Read the files in a folder laid out as MPFB2's ``data``."""
    standard = data / "rigs" / "standard"
    coordinates, groups = _read_obj(data / "3dobjs" / "base.obj")
    rig = json.loads((standard / "rig.default.json").read_text())
    rig = rig.get("bones", rig)
    bones, parents, carriers = _skeleton(rig)
    starts = [rig[bone]["head"] for bone in bones]
    starts[0] = rig[bones[0]]["tail"]  # in the middle of the pelvis; the root's own is on the skin
    starts += [rig[bone]["tail"] for bone in MARKERS.values()]
    joints = np.stack([_mean_of(start, groups, len(coordinates)) for start in starts])
    quads = np.concatenate([np.array(groups[name]) for name in _GROUPS])
    quads = np.concatenate([quads[~np.isin(quads, _LEFT_OUT).any(axis=1)], np.array(_CAPS)])
    used = np.unique(quads)
    weights = json.loads((standard / "weights.default.json").read_text())["weights"]
    weight_bones, shares = _strongest(weights, carriers, len(bones), len(coordinates))

    def place(offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        x, up, front = 0.1 * np.concatenate([offsets[used], joints @ offsets]).T
        return np.stack([x, -front, up], axis=1)

    names, offsets, scales = [], [], []
    for name, path in _target_files(data / "targets" / "macrodetails"):
        offset = place(_read_target(path, len(coordinates)))
        scales.append(max(float(np.abs(offset).max()), 1e-9) / np.iinfo(np.int16).max)
        offsets.append(np.round(offset / scales[-1]).astype(np.int16))
        names.append(name)
    base = place(coordinates)
    return Files(
        base=base,
        targets=np.stack(offsets),
        scales=np.array(scales),
        words=np.array(names),
        faces=_triangles(np.searchsorted(used, quads), base),
        bones=np.array(bones),
        parents=parents,
        weight_bones=weight_bones[used],
        weights=shares[used],
    )


def _read_obj(path: Path) -> tuple[NDArray[np.float64], dict[str, list[list[int]]]]:
    """Return the vertices and the quads of each group."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    quads: list[list[int]] = []
    for line in path.read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(x) for x in rest])
        elif kind == "g":
            quads = groups.setdefault(rest[0], [])
        elif kind == "f":
            quads.append([int(corner.split("/")[0]) - 1 for corner in rest])
    return np.array(vertices), groups


def _skeleton(rig: Mapping[str, dict]) -> tuple[list[str], NDArray[np.int64], dict[str, int]]:
    """Return the kept bones, their parents, and for every bone the kept one that stands for it."""
    children: dict[str, list[str]] = {}
    for name, entry in rig.items():
        children.setdefault(entry.get("parent", ""), []).append(name)
    bones: list[str] = []
    parents: list[int] = []
    carriers: dict[str, int] = {}

    def walk(name: str, carrier: int, in_head: bool) -> None:
        if not name.startswith("breast") and (not in_head or name.startswith("eye.")):
            bones.append(name)
            parents.append(carrier)
            carrier = len(bones) - 1
        carriers[name] = carrier
        for child in children.get(name, []):
            walk(child, carrier, in_head or name == "head")

    walk(children[""][0], -1, in_head=False)
    return bones, np.array(parents), carriers


def _mean_of(
    end: Mapping, groups: Mapping[str, list[list[int]]], count: int
) -> NDArray[np.float64]:
    """Return the shares of the base mesh's vertices in one end of a bone."""
    if end["strategy"] == "CUBE":
        corners = np.unique(groups[end["cube_name"]])
    elif end["strategy"] == "VERTEX":
        corners = np.array([end["vertex_index"]])
    else:
        corners = np.array(end["vertex_indices"])
    row = np.zeros(count)
    np.add.at(row, corners, 1.0 / len(corners))
    return row


def _strongest(
    weights: Mapping[str, list[list[float]]], carriers: Mapping[str, int], n_bones: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the bones with the largest weights at each vertex, and those weights."""
    dense = np.zeros((count, n_bones))
    for name, entries in weights.items():
        if entries:
            vertices, values = np.array(entries).T
            np.add.at(dense[:, carriers[name]], vertices.astype(int), values)
    order = np.argsort(-dense, axis=1, kind="stable")[:, :_MAX_WEIGHTS]
    chosen = np.take_along_axis(dense, order, axis=1)
    total = chosen.sum(axis=1, keepdims=True)
    return order, np.divide(chosen, total, out=np.zeros_like(chosen), where=total > 0.0)


def _target_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield words, joined by "-", and file of every target of an adult."""
    for name in map("-".join, product(RACES, GENDERS, _AGES)):
        yield name, folder / f"{name}.target.gz"
    for name in map("-".join, product(GENDERS, _AGES, _MUSCLES, _WEIGHTS)):
        yield name, folder / f"universal-{name}.target.gz"
        for kind in ("height", "proportions"):
            for word in SCALES[kind]:
                yield f"{name}-{word}", folder / kind / f"{name}-{word}.target.gz"


def _read_target(path: Path, count: int) -> NDArray[np.float64]:
    """Return the offset of every vertex of the base mesh, decimetres, y up, shape (count, 3)."""
    with gzip.open(path, "rt") as lines:
        table = np.fromstring(lines.read(), sep=" ").reshape(-1, 4)
    offsets = np.zeros((count, 3))
    offsets[table[:, 0].astype(int)] = table[:, 1:]
    return offsets


def _triangles(quads: NDArray[np.int64], points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Cut each quad along its shorter diagonal."""
    a, b, c, d = quads.T
    first = np.linalg.norm(points[a] - points[c], axis=1)
    second = np.linalg.norm(points[b] - points[d], axis=1)
    along = (first < second)[:, None]
    one = np.where(along, np.stack([a, b, c], axis=1), np.stack([a, b, d], axis=1))
    other = np.where(along, np.stack([c, d, a], axis=1), np.stack([d, b, c], axis=1))
    return np.ascontiguousarray(np.concatenate([one, other]), dtype=np.int32)
