"""People in clothes: cloth that stands off the skin, hair, and the colour of every vertex."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.imaging.surfaces import Colour, Material, Mesh, Texture, linear
from lbp_rehab.synthetic.person.body import Body
from lbp_rehab.synthetic.person.people import (
    Footwear,
    HairStyle,
    Outfit,
    Pattern,
    Sleeve,
    TrouserLength,
)

SKIN, HAIR, SHIRT, TROUSERS, FEET = range(5)
_PATTERNS = {
    Pattern.PLAIN: Texture.PLAIN,
    Pattern.STRIPES: Texture.STRIPES,
    Pattern.PRINT: Texture.PRINT,
}
# Share of the upper arm and forearm, and of thigh and shank, that is covered.
_WHOLE = np.inf
_SLEEVES = {
    Sleeve.NONE: (-_WHOLE, -_WHOLE),
    Sleeve.SHORT: (0.55, -_WHOLE),
    Sleeve.LONG: (_WHOLE, 0.97),
}
_LEGS = {
    TrouserLength.SHORTS: (0.5, -_WHOLE),
    TrouserLength.KNEE: (_WHOLE, 0.08),
    TrouserLength.LONG: (_WHOLE, 0.93),
}
_SOLE_M = 0.012  # of shoes
_HAIR_M = {
    HairStyle.BALD: 0.0,
    HairStyle.SHORT: 0.010,
    HairStyle.LONG: 0.020,
    HairStyle.BUN: 0.012,
}
_BUN_M, _BUN_RADIUS_M = 0.045, 0.05


@dataclass(frozen=True)
class Dressed:
    """A person in clothes.

    Attributes
    ----------
    body : Body
        With the vertices of cloth, hair and skin at rest; ``body.skin(pose)`` is what is seen.
    colours : ndarray of float32, shape (n, 3)
        Linear reflectances.
    material : ndarray of uint8, shape (n,)
        SKIN, HAIR, SHIRT, TROUSERS or FEET.
    materials : tuple of Material
    """

    body: Body
    colours: NDArray[np.float32]
    material: NDArray[np.uint8]
    materials: tuple[Material, ...]

    def mesh(self) -> Mesh:
        """Return the person at rest."""
        rest = self.body.vertices
        uv = np.stack([0.8 * rest[:, 0] + 0.6 * rest[:, 1], rest[:, 2]], axis=1)
        return Mesh(
            rest.astype(np.float32),
            self.body.faces,
            self.colours,
            uv.astype(np.float32),
            self.material,
            self.materials,
        )


def dress(body: Body, outfit: Outfit) -> Dressed:
    """Put clothes on a bare body."""
    rest = body.vertices
    material = _materials_of(body, outfit)
    cloth = np.isin(material, (SHIRT, TROUSERS))
    stand_off = outfit.cloth_m * cloth * (1.0 + 0.35 * _folds(rest, outfit.seed))
    loose = np.clip(_below_waist(body), 0.0, 0.5) * 0.02  # trousers widen downwards
    stand_off += (material == TROUSERS) * loose * (outfit.cloth_m / 0.007)
    stand_off[material == FEET] = 0.008 if outfit.footwear is Footwear.SHOES else 0.003
    normals = body.normals
    hair, stand_hair = _hair(body, outfit)
    material[hair] = HAIR
    dressed = rest + normals * (stand_off + stand_hair)[:, None]
    if outfit.footwear is Footwear.SHOES:
        sole = (material == FEET) & (normals[:, 2] < -0.5)
        dressed[sole, 2] -= _SOLE_M
    return Dressed(
        replace(body, vertices=dressed),
        _colours(body, outfit, material),
        material,
        _looks(outfit),
    )


def _along(body: Body, upper: str, lower: str, end: str) -> tuple[NDArray[np.float64], ...]:
    """Return how far along the upper and the lower bone of a limb each vertex is, both sides."""
    shares = []
    for first, last in ((upper, lower), (lower, end)):
        best = np.full(len(body.vertices), np.inf)
        share = np.zeros(len(body.vertices))
        for side in "LR":
            start = body.heads[body.bone(f"{first}.{side}")]
            axis = body.heads[body.bone(f"{last}.{side}")] - start
            along = (body.vertices - start) @ axis / (axis @ axis)
            away = np.linalg.norm(body.vertices - start - along[:, None] * axis, axis=1)
            share, best = np.where(away < best, along, share), np.minimum(best, away)
        shares.append(share)
    return tuple(shares)


def _materials_of(body: Body, outfit: Outfit) -> NDArray[np.uint8]:
    trunk = body.dominant("spine", "clavicle", "shoulder01", "breast", "neck01", "root", "pelvis")
    neck = body.dominant("neck01") & (_height_over(body, "neck01") > 0.015)
    upper_arm, fore_arm = body.dominant("upperarm", "shoulder01"), body.dominant("lowerarm")
    thigh, shank = body.dominant("upperleg"), body.dominant("lowerleg")
    along_upper, along_fore = _along(body, "upperarm01", "lowerarm01", "wrist")
    along_thigh, along_shank = _along(body, "upperleg01", "lowerleg01", "foot")
    ragged = 0.015 * _folds(body.vertices, outfit.seed + 1)
    arm = _SLEEVES[outfit.sleeve]
    leg = _LEGS[outfit.trouser_length]
    covered = upper_arm & (along_upper < arm[0] + ragged) | (
        fore_arm & (along_fore < arm[1] + ragged)
    )
    legs = thigh & (along_thigh < leg[0] + ragged) | (shank & (along_shank < leg[1] + ragged))
    hem = body.heads[body.bone("spine04"), 2] - outfit.hem_m
    shirt = (trunk | thigh) & (body.vertices[:, 2] > hem) & ~neck
    material = np.full(len(body.vertices), SKIN, np.uint8)
    material[(trunk | legs) & ~neck] = TROUSERS
    material[shirt | covered] = SHIRT
    if outfit.sleeve is Sleeve.NONE:
        material[body.dominant("upperarm")] = SKIN
    if outfit.footwear is not Footwear.BARE:
        material[body.dominant("foot", "toe")] = FEET
        if outfit.footwear is Footwear.SOCKS:
            material[shank & (along_shank > 0.86) & (material == SKIN)] = FEET
    return material


def _height_over(body: Body, bone: str) -> NDArray[np.float64]:
    return np.asarray(body.vertices[:, 2] - body.heads[body.bone(bone), 2])


def _below_waist(body: Body) -> NDArray[np.float64]:
    return -_height_over(body, "upperleg01.L")


def _folds(rest: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return waves over the body, about -1 to 1."""
    rng = np.random.default_rng([seed, 11])
    total = np.zeros(len(rest))
    for _ in range(5):
        wave = rng.normal(0.0, 22.0, 3)
        total += np.sin(rest @ wave + rng.uniform(0.0, 2 * np.pi))
    return total / 2.5


def _head_place(body: Body) -> tuple[NDArray[np.float64], float]:
    """Return across, back, up (3, n) from between the eyes, and the distance of an eye from it."""
    eye = body.heads[body.bone("eye.L")]
    return (body.vertices - [0.0, eye[1], eye[2]]).T, float(eye[0])


def _hair(body: Body, outfit: Outfit) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which vertices are hair and how far they stand off the scalp."""
    (across, back, up), _ = _head_place(body)
    head = body.dominant("head", "neck03", "neck02", "special", "temporalis", "ear")
    if outfit.hair_style is HairStyle.BALD:
        return np.zeros(len(head), bool), np.zeros(len(head))
    # The hair line runs from the forehead past the ears down to the nape.
    line = 0.055 - 0.75 * np.clip(back - 0.02, 0.0, 0.16)
    hair = head & (up > line) & (np.abs(across) < 0.2)
    if outfit.hair_style is HairStyle.LONG:
        hair |= head & (back > 0.075) & (up > -0.16)
    stand_off = _HAIR_M[outfit.hair_style] * np.clip((up - line) / 0.03, 0.15, 1.0)
    stand_off = stand_off * (1.0 + 0.25 * _folds(3.0 * body.vertices, outfit.seed + 2))
    if outfit.hair_style is HairStyle.BUN:
        away = np.hypot(across, up - 0.06)
        stand_off += _BUN_M * np.exp(-((away / _BUN_RADIUS_M) ** 2)) * (back > 0.1)
    if outfit.hair_style is HairStyle.LONG:
        stand_off += 0.02 * (back > 0.09) * (up < 0.02)
    return hair, np.where(hair, stand_off, 0.0)


def _colours(body: Body, outfit: Outfit, material: NDArray[np.uint8]) -> NDArray[np.float32]:
    feet: Colour = outfit.shoes if outfit.footwear is Footwear.SHOES else outfit.socks
    table = np.stack(
        [linear(c) for c in (outfit.skin, outfit.hair, outfit.shirt, outfit.trousers, feet)]
    )
    colours = table[material]
    skin = material == SKIN
    (across, back, up), eye = _head_place(body)
    head = body.dominant("head", "neck03", "special", "oris", "levator", "jaw") & skin
    # Blood shows in cheeks, nose, knees, elbows and palms.
    cheek = np.exp(-(((np.abs(across) - 0.035) / 0.02) ** 2) - ((up + 0.035) / 0.02) ** 2)
    red = 0.25 * cheek * (head & (back < 0.04))
    red += 0.15 * (skin & body.dominant("finger", "metacarpal", "toe"))
    colours *= 1.0 - red[:, None] * np.array([0.1, 0.5, 0.5], np.float32)
    brow = head & (back < 0.02) & (np.abs(up - 0.024) < 0.006)
    brow &= np.abs(np.abs(across) - eye) < 0.020
    colours[brow] = 0.5 * table[HAIR] + 0.2 * table[SKIN]
    socket = head & (back < 0.03) & (np.hypot(np.abs(across) - eye, 1.6 * up) < 0.018)
    colours[socket] *= 0.72
    lips = head & (back < 0.012) & (np.abs(up + 0.068) < 0.008) & (np.abs(across) < 0.026)
    colours[lips] *= np.array([0.85, 0.45, 0.45], np.float32)
    ball = body.dominant("eye.")
    colours[ball] = linear((0.80, 0.79, 0.77))
    centre = body.heads[body.bone("eye.L")]
    front = ball & (np.hypot(np.abs(across) - centre[0], up) < 0.0065)
    colours[front & (back < 0.0)] = linear((0.16, 0.11, 0.08))
    if outfit.hair_style is HairStyle.BALD:
        line = 0.055 - 0.75 * np.clip(back - 0.02, 0.0, 0.16)
        colours[head & (up > line)] *= 0.93  # a shaven scalp
    return np.asarray(colours, np.float32)


def _looks(outfit: Outfit) -> tuple[Material, ...]:
    shirt = Material(_PATTERNS[outfit.pattern], outfit.pattern_m, 0.03, outfit.accent, wrinkle=0.16)
    return (
        Material(contrast=0.025, gloss=0.05, wrinkle=0.02),
        Material(Texture.HAIR, contrast=0.22, gloss=0.06, wrinkle=0.10),
        shirt,
        Material(contrast=0.04, wrinkle=0.14),
        Material(contrast=0.03, gloss=0.04, wrinkle=0.05),
    )
