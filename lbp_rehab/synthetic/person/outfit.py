"""What a person looks like: skin, hair and clothes, and how they are drawn."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.draws import Draws

Colour = tuple[float, float, float]  # red, green, blue, 0 to 1, as a camera shows them
Choice = TypeVar("Choice")

# From the lightest to the darkest skin, about as on the Monk scale (Monk 2019).
_SKIN: tuple[Colour, ...] = (
    (0.93, 0.80, 0.72),
    (0.86, 0.68, 0.56),
    (0.72, 0.52, 0.39),
    (0.51, 0.34, 0.25),
    (0.29, 0.20, 0.16),
)
_HAIR: tuple[Colour, ...] = (
    (0.06, 0.05, 0.05),
    (0.18, 0.11, 0.08),
    (0.33, 0.20, 0.12),
    (0.52, 0.30, 0.16),
    (0.74, 0.58, 0.38),
)
_SILVER: Colour = (0.74, 0.73, 0.72)


class HairStyle(Enum):
    """How the hair is worn."""

    BALD = "bald"
    SHORT = "short"
    LONG = "long"
    BUN = "bun"


class Sleeve(Enum):
    """How far a shirt covers the arm."""

    NONE = "sleeveless"
    SHORT = "short"
    LONG = "long"


class TrouserLength(Enum):
    """How far trousers cover the leg."""

    SHORTS = "shorts"
    KNEE = "knee"
    LONG = "long"


class Footwear(Enum):
    """What is on the feet."""

    BARE = "bare"
    SOCKS = "socks"
    SHOES = "shoes"


class Pattern(Enum):
    """What the cloth of the shirt shows."""

    PLAIN = "plain"
    STRIPES = "stripes"
    PRINT = "print"


@dataclass(frozen=True)
class Outfit:
    """What a person looks like.

    Attributes
    ----------
    skin, hair, shirt, trousers, socks, shoes : tuple of float
        Colours, red, green, blue, 0 to 1.
    accent : tuple of float
        Second colour of a striped or printed shirt.
    hair_style : HairStyle
    sleeve : Sleeve
    trouser_length : TrouserLength
    footwear : Footwear
    pattern : Pattern
    pattern_m : float
        Period of the stripes or size of the print.
    cloth_m : float
        How far cloth stands off the skin on average.
    hem_m : float
        How far below the waist (the head of ``spine04``) the shirt ends.
    seed : int
        Of the folds and of the print.
    """

    skin: Colour = (0.80, 0.60, 0.48)
    hair: Colour = (0.16, 0.10, 0.07)
    shirt: Colour = (0.80, 0.34, 0.22)
    trousers: Colour = (0.16, 0.20, 0.30)
    socks: Colour = (0.88, 0.88, 0.86)
    shoes: Colour = (0.20, 0.20, 0.22)
    accent: Colour = (0.90, 0.88, 0.80)
    hair_style: HairStyle = HairStyle.SHORT
    sleeve: Sleeve = Sleeve.SHORT
    trouser_length: TrouserLength = TrouserLength.LONG
    footwear: Footwear = Footwear.SOCKS
    pattern: Pattern = Pattern.PLAIN
    pattern_m: float = 0.05
    cloth_m: float = 0.007
    hem_m: float = 0.0
    seed: int = 0


def draw_outfit(
    draws: Draws, sex: str, age_years: float, races: tuple[float, float, float]
) -> Outfit:
    """Draw what a person looks like.

    Parameters
    ----------
    sex : str
        "female" or "male".
    races : tuple of float
        Shares of MakeHuman's African, Asian and Caucasian shapes; they set the typical skin.
    """
    african, asian, caucasian = races
    typical = african * 0.80 + asian * 0.35 + caucasian * 0.15
    melanin = float(np.clip(typical + draws.uniform(-0.15, 0.15), 0.0, 1.0))
    shirt = _cloth_colour(draws)
    return Outfit(
        skin=_between(_SKIN, melanin),
        hair=_hair_colour(draws, melanin, age_years),
        shirt=shirt,
        trousers=_cloth_colour(draws),
        socks=_cloth_colour(draws),
        shoes=_cloth_colour(draws),
        accent=_contrast(_cloth_colour(draws), shirt),
        hair_style=_hair_style(draws, sex, age_years),
        sleeve=_pick(draws, {Sleeve.NONE: 0.2, Sleeve.SHORT: 0.55, Sleeve.LONG: 0.25}),
        trouser_length=_pick(
            draws,
            {TrouserLength.SHORTS: 0.3, TrouserLength.KNEE: 0.2, TrouserLength.LONG: 0.5},
        ),
        footwear=_pick(draws, {Footwear.BARE: 0.35, Footwear.SOCKS: 0.4, Footwear.SHOES: 0.25}),
        pattern=_pick(draws, {Pattern.PLAIN: 0.6, Pattern.STRIPES: 0.2, Pattern.PRINT: 0.2}),
        pattern_m=draws.uniform(0.015, 0.08),
        cloth_m=draws.uniform(0.002, 0.018),
        hem_m=draws.uniform(-0.05, 0.13),
        seed=int(draws.rng.integers(2**31)),
    )


def _hair_style(draws: Draws, sex: str, age_years: float) -> HairStyle:
    if sex == "female":
        return _pick(draws, {HairStyle.SHORT: 0.25, HairStyle.LONG: 0.40, HairStyle.BUN: 0.35})
    bald = float(np.interp(age_years, (25.0, 70.0), (0.08, 0.45)))
    return _pick(
        draws,
        {
            HairStyle.BALD: bald,
            HairStyle.SHORT: 0.9 - bald,
            HairStyle.LONG: 0.06,
            HairStyle.BUN: 0.04,
        },
    )


def _hair_colour(draws: Draws, melanin: float, age_years: float) -> Colour:
    """Return black to blond hair, light only with light skin, that greys with age."""
    fairness = draws.quantile() * (1.0 - melanin) ** 2
    grey = np.clip((age_years - 35.0) / 45.0 + draws.uniform(-0.3, 0.3), 0.0, 1.0)
    own, silver = np.array(_between(_HAIR, fairness)), np.array(_SILVER)
    return _colour(own + float(grey) * (silver - own))


def _cloth_colour(draws: Draws) -> Colour:
    hue, saturation = draws.uniform(0.0, 1.0), draws.uniform(0.03, 0.75)
    return colorsys.hsv_to_rgb(hue, saturation, draws.uniform(0.12, 0.95))


def _contrast(colour: Colour, ground: Colour) -> Colour:
    """Return the colour, turned about where the ground's brightness is too close to see it."""
    difference = sum(colour) / 3.0 - sum(ground) / 3.0
    if abs(difference) > 0.25:
        return colour
    step = 0.4 if sum(ground) / 3.0 < 0.5 else -0.4
    return _colour(np.clip(np.array(ground) + step, 0.0, 1.0))


def _between(anchors: tuple[Colour, ...], share: float) -> Colour:
    places = np.linspace(0.0, 1.0, len(anchors))
    return _colour(np.array([np.interp(share, places, part) for part in np.array(anchors).T]))


def _colour(values: NDArray[np.float64]) -> Colour:
    red, green, blue = values.tolist()
    return red, green, blue


def _pick(draws: Draws, shares: Mapping[Choice, float]) -> Choice:
    """Return one of some kinds; which kind is shared by the splits."""
    limits = np.cumsum(list(shares.values()))
    place = int(np.searchsorted(limits, draws.rng.uniform(0.0, limits[-1]), side="right"))
    return list(shares)[place]
