"""Where the points of anatomy lie on a body at rest: keypoints, pelvic landmarks, breathing walls.

Frame and units are those of `lbp_rehab.synthetic.person.body`: metres, x left, y back, z up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.pose.skeleton import NAMES

Points = NDArray[np.float64]
Faces = NDArray[np.int32]
Heads = Mapping[str, NDArray[np.float64]]

LANDMARKS: tuple[str, ...] = ("l_asis", "r_asis", "l_psis", "r_psis")

# Bony pelvis. The ASIS lie 0.30 widths + 10.9 mm above the hip joint centres (Harrington et al.
# 2007, J Biomech 40:595), and the line to the PSIS rises by 11 degrees in quiet standing (Levine &
# Whittle 1996, JOSPT 24:130). The widths are ours: shares of stature that give 0.236 m between the
# two ASIS at the mean statures of women and of men.
_ASIS_WIDTH_OF_STATURE = (0.134, 0.145)  # men, women
_ASIS_ABOVE_HIP = (0.30, 0.0109)
_PSIS_RISE_RAD = np.radians(11.0)
_PSIS_WIDTH_OF_ASIS_WIDTH = 0.40
# Skin and fat over the landmarks of a lean person, and the phenotype that counts as lean.
_LEAN_DEPTH_M = 0.006
_LEAN_WEIGHT = (0.5, 0.65)  # men, women: a body mass index of 20 to 24

# Facial points relative to the eyeballs' centres: half the width of the lid opening.
_HALF_LID_M = 0.015

_JOINTS = {
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "pinky": "finger5-1",
    "index": "finger2-1",
    "thumb": "finger1-2",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
}


@dataclass(frozen=True)
class Rest:
    """A bare body at rest.

    Attributes
    ----------
    vertices, normals : ndarray, shape (n_vertices, 3)
    faces : ndarray of int32, shape (n_faces, 3)
    heads : mapping
        Name of a bone -> where it starts.
    markers : mapping
        See `lbp_rehab.synthetic.person.makehuman.MARKERS`.
    moved_by : tuple of str
        The bone with the largest weight at each vertex.
    trunk : ndarray, shape (n_vertices,)
        Share of the trunk's bones in a vertex's movement.
    """

    vertices: Points
    normals: Points
    faces: Faces
    heads: Heads
    markers: Heads
    moved_by: tuple[str, ...]
    trunk: NDArray[np.float64]


def trunk_share(
    bones: tuple[str, ...], weight_bones: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the trunk's bones in the movement of each vertex, (n_vertices,)."""
    wanted = np.array([name.startswith(("root", "pelvis", "spine", "clavicle")) for name in bones])
    share: NDArray[np.float64] = (weights * wanted[weight_bones]).sum(axis=1)
    return share


def keypoints(rest: Rest) -> list[tuple[Points, str]]:
    """Return place and carrying bone of every keypoint of `lbp_rehab.pose.skeleton.NAMES`."""
    found = {"nose": (_nose(rest), "head")}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        prefix = side.lower()
        for name, bone in _JOINTS.items():
            found[f"{prefix}_{name}"] = (rest.heads[f"{bone}.{side}"], f"{bone}.{side}")
        eye = rest.heads[f"eye.{side}"]
        for name, inward in (("inner", 1.0), ("outer", -1.0)):
            corner = eye - [sign * inward * _HALF_LID_M, 0.0, 0.0]
            found[f"{prefix}_eye_{name}"] = (_front_of(rest, "head", corner), "head")
        found[f"{prefix}_eye"] = (_front_of(rest, f"eye.{side}", eye), "head")
        found[f"{prefix}_ear"] = (_ear(rest, sign, eye), "head")
        found[f"{prefix}_mouth"] = (rest.markers[f"{prefix}_mouth"], "head")
        found[f"{prefix}_heel"] = (_heel(rest, side), f"foot.{side}")
        tip = _of_bones(rest, f"toe2-3.{side}")
        found[f"{prefix}_toe"] = (tip[np.argmin(tip[:, 1])], f"toe2-3.{side}")
    return [found[name] for name in NAMES]


def _of_bones(rest: Rest, *names: str) -> Points:
    return rest.vertices[np.isin(rest.moved_by, names)]


def _nose(rest: Rest) -> Points:
    """Return the tip of the nose: the foremost point of the face near the midline."""
    face = _of_bones(rest, "head")
    eye = rest.heads["eye.L"]
    middle = face[(np.abs(face[:, 0]) < 0.01) & (np.abs(face[:, 2] - eye[2] + 0.03) < 0.04)]
    return middle[np.argmin(middle[:, 1])]


def _front_of(rest: Rest, bone: str, place: Points) -> Points:
    """Return the vertex of a bone in front of a place that is nearest to it seen from the front."""
    own = _of_bones(rest, bone)
    own = own[own[:, 1] < place[1]]
    return own[np.argmin(np.hypot(*(own - place)[:, [0, 2]].T))]


def _ear(rest: Rest, sign: float, eye: Points) -> Points:
    """Return the middle of the auricle: of what stands out furthest behind the eye."""
    skull = _of_bones(rest, "head")
    level = skull[(np.abs(skull[:, 2] - eye[2] + 0.015) < 0.04) & (skull[:, 1] > eye[1] + 0.04)]
    return level[np.argsort(-sign * level[:, 0])[:20]].mean(axis=0)


def _heel(rest: Rest, side: str) -> Points:
    """Return the hindmost point of the foot near the ground."""
    foot = _of_bones(rest, f"foot.{side}")
    low = foot[foot[:, 2] < foot[:, 2].min() + 0.035]
    return low[np.argmax(low[:, 1])]


def lean(phenotype: Mapping[str, float]) -> dict[str, float]:
    """Return the phenotype of a person with the same bones and little fat."""
    lean_weight = float(np.interp(phenotype.get("gender", 0.5), (0.0, 1.0), _LEAN_WEIGHT))
    weight = min(phenotype.get("weight", 0.5), lean_weight)
    return {**phenotype, "weight": weight}


def landmarks(lean_vertices: Points, vertices: Points, faces: Faces, womanhood: float) -> Points:
    """Return `LANDMARKS`, shape (4, 3), on the bone, from the middle between the hip joints.

    The bony pelvis is that of the lean person, on whom the landmarks lie 6 mm below the skin. A
    heavier person has the same pelvis at the height of the hip joints, with more tissue over it,
    equally in front and behind.

    Parameters
    ----------
    lean_vertices, vertices : ndarray, shape (n_vertices, 3)
        Of the lean person and of the person, each from the middle between the hip joints.
    faces : ndarray of int32, shape (n_faces, 3)
    womanhood : float
        0 for a man's, 1 for a woman's pelvis.
    """
    stature_m = float(np.ptp(lean_vertices[:, 2]))
    width = float(np.interp(womanhood, (0.0, 1.0), _ASIS_WIDTH_OF_STATURE)) * stature_m
    half = _PSIS_WIDTH_OF_ASIS_WIDTH * width / 2.0
    low = _ASIS_ABOVE_HIP[0] * width + _ASIS_ABOVE_HIP[1]
    skin = _Skin(lean_vertices, faces)
    asis = [skin.under(side * width / 2.0, low, -1.0) for side in (1.0, -1.0)]
    depth = skin.under(half, low, 1.0)[1] - asis[0][1]
    high = low + depth * np.tan(_PSIS_RISE_RAD)
    psis = [skin.under(side * half, high, 1.0) for side in (1.0, -1.0)]
    own = _Skin(vertices, faces)
    before = asis[0][1] - own.under(width / 2.0, low, -1.0)[1]
    behind = own.under(half, high, 1.0)[1] - psis[0][1]
    found = np.array([*asis, *psis])
    found[:, 1] += (behind - before) / 2.0
    return found


class _Skin:
    """A surface that is met along the person's y axis."""

    def __init__(self, vertices: Points, faces: Faces) -> None:
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        self._corner, self._ab, self._ac = a, b - a, c - a
        self._twice = self._ab[:, 0] * self._ac[:, 2] - self._ab[:, 2] * self._ac[:, 0]

    def under(self, x: float, z: float, backward: float) -> Points:
        """Return the point a lean person's tissue below the foremost (-1) or hindmost (1) skin."""
        ab, ac = self._ab, self._ac
        right, up = x - self._corner[:, 0], z - self._corner[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            s = (right * ac[:, 2] - up * ac[:, 0]) / self._twice
            t = (ab[:, 0] * up - ab[:, 2] * right) / self._twice
            hit = np.flatnonzero((s >= 0.0) & (t >= 0.0) & (s + t <= 1.0))
        places = self._corner[hit] + s[hit, None] * ab[hit] + t[hit, None] * ac[hit]
        best = int(np.argmax(backward * places[:, 1]))
        outward = np.cross(ab[hit[best]], ac[hit[best]])
        return np.asarray(places[best] - _LEAN_DEPTH_M * outward / np.linalg.norm(outward))


def breathing(rest: Rest) -> NDArray[np.float64]:
    """Return how much each vertex moves with the belly and with the chest wall, (n_vertices, 2).

    Smooth bumps on the front of the trunk: the belly between pubis and ribs, the chest wall
    between the lower ribs and the collar bones.
    """
    x, z = rest.vertices[:, 0], rest.vertices[:, 2]
    low, high = rest.heads["root"][2], rest.heads["spine03"][2]
    top = rest.heads["spine01"][2]
    forward = np.clip(-rest.normals[:, 1], 0.0, 1.0) * rest.trunk
    across = rest.heads["upperleg01.L"][0]
    belly = forward * _bump(z, low + 0.55 * (high - low), high - low) * _bump(x, 0.0, 1.5 * across)
    middle = high + 0.7 * (top - high)
    chest = forward * _bump(z, middle, 1.1 * (top - high)) * _bump(x, 0.0, 2.0 * across)
    return np.stack([belly / belly.max(), chest / chest.max()], axis=1)


def _bump(values: NDArray[np.float64], middle: float, reach: float) -> NDArray[np.float64]:
    """Return 1 in the middle, falling smoothly to 0 at the reach."""
    share = np.clip(np.abs(values - middle) / reach, 0.0, 1.0)
    return np.asarray((1.0 - share**2) ** 2)
