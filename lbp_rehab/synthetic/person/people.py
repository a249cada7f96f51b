"""Adult patients: who they are, how big they are and what they wear."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.person import makehuman
from lbp_rehab.synthetic.person.body import Body, enclosed_m3, load
from lbp_rehab.synthetic.person.outfit import (
    Colour,
    Footwear,
    HairStyle,
    Outfit,
    Pattern,
    Sleeve,
    TrouserLength,
    draw_outfit,
)

__all__ = [
    "Colour",
    "Footwear",
    "HairStyle",
    "Outfit",
    "Pattern",
    "Person",
    "Sleeve",
    "TrouserLength",
    "body_of",
    "sample",
]

DENSITY_KG_M3 = 1010.0  # of the whole body with air in the lungs

_BODY_STREAM, _LOOKS_STREAM = 10, 11
# Mean and standard deviation of stature, within the range of high-income countries (NCD Risk Factor
# Collaboration 2016, eLife 5:e13410).
STATURE_M = {"female": (1.63, 0.065), "male": (1.76, 0.07)}
# Body mass index, kg/m2: a shifted lognormal with median 25.4 and the long upper tail of surveys,
# 18.9 to 38 at the ends that are drawn.
_BMI_SHIFT = 12.0
_BMI_LOG = (math.log(13.4), 0.265)
_AGE_YEARS = (20.0, 80.0)
_MODEL_AGES = (25.0, 90.0)  # of MakeHuman's young and old bodies
_LEAST_MUSCLE = 0.05
# The upper end of ``muscle`` by body mass index: neither the very thin nor the very heavy are
# athletes, and MakeHuman's heaviest bodies are those with little muscle.
_MUSCLE_BMI = (18.0, 22.0, 24.0, 30.0, 38.0)
_MOST_MUSCLE = {"female": (0.2, 0.6, 0.4, 0.2, 0.1), "male": (0.2, 0.7, 0.7, 0.4, 0.2)}


@dataclass(frozen=True)
class Person:
    """An adult.

    Attributes
    ----------
    id : str
    sex : str
        "female" or "male".
    age_years, height_m, mass_kg : float
    phenotype : mapping
        Of `lbp_rehab.synthetic.person.body.load`; gives the stature and mass above.
    outfit : Outfit
    """

    id: str
    sex: str
    age_years: float
    height_m: float
    mass_kg: float
    phenotype: Mapping[str, float]
    outfit: Outfit


def sample(seed: int, split: Split = Split.ANY) -> Person:
    """Draw an adult.

    Parameters
    ----------
    seed : int
        Not negative.
    split : Split
        People of training and of testing share no range of stature, body mass index, age or colour.

    Raises
    ------
    InputError
        If the extra ``synthetic`` is not installed.
    """
    draws = Draws(seed, split, _BODY_STREAM)
    sex = "female" if draws.flip() else "male"
    height_m = draws.normal(*STATURE_M[sex])
    bmi = _BMI_SHIFT + math.exp(draws.normal(*_BMI_LOG))
    age_years = draws.uniform(*_AGE_YEARS)
    races = np.array([draws.quantile() ** 2 for _ in range(3)])
    african, asian, caucasian = (races / races.sum()).tolist()
    most_muscle = float(np.interp(bmi, _MUSCLE_BMI, _MOST_MUSCLE[sex]))
    phenotype = {
        "gender": 1.0 if sex == "female" else 0.0,
        "age": float(np.interp(age_years, _MODEL_AGES, (makehuman.YOUNG, 1.0))),
        "muscle": draws.uniform(_LEAST_MUSCLE, most_muscle),
        "proportions": draws.uniform(0.1, 0.8),
        "african": african,
        "asian": asian,
        "caucasian": caucasian,
    }
    height, weight, mass_kg = _calibrate(phenotype, height_m, bmi * height_m**2)
    return Person(
        id=f"synthetic-{split.name.lower()}-{seed:05d}",
        sex=sex,
        age_years=age_years,
        height_m=height_m,
        mass_kg=mass_kg,
        phenotype={**phenotype, "height": height, "weight": weight},
        outfit=draw_outfit(
            Draws(seed, split, _LOOKS_STREAM), sex, age_years, (african, asian, caucasian)
        ),
    )


def body_of(person: Person) -> Body:
    """Build a person's body at rest."""
    return load(person.phenotype)


def _calibrate(
    phenotype: Mapping[str, float], height_m: float, mass_kg: float
) -> tuple[float, float, float]:
    """Return ``height`` and ``weight`` that give a stature and a mass, and the mass they give.

    Those asked for, or the nearest that a body can have.
    """
    model = makehuman.load()

    @functools.cache
    def grown(weight: float) -> tuple[float, float]:
        """Return the ``height`` that gives the stature, and the mass."""
        low, high = (
            model.rest({**phenotype, "weight": weight, "height": x})[0] for x in (0.0, 1.0)
        )

        def excess_m(height: float) -> float:
            # A body's points are linear in ``height``.
            return float(np.ptp(low[:, 2] + height * (high[:, 2] - low[:, 2]))) - height_m

        height = _root(excess_m, 0.0, 1.0, 1e-4)
        return height, DENSITY_KG_M3 * enclosed_m3(low + height * (high - low), model.files.faces)

    def excess_kg(weight: float) -> float:
        return grown(weight)[1] - mass_kg

    weight = _root(excess_kg, 0.0, makehuman.MAX_WEIGHT, 2e-3)
    height, reached_kg = grown(weight)
    return height, weight, reached_kg


def _root(rising: Callable[[float], float], low: float, high: float, accuracy: float) -> float:
    """Return where a rising function is zero, the nearer end where it is nowhere."""
    if rising(low) >= 0.0:
        return low
    if rising(high) <= 0.0:
        return high
    return float(brentq(rising, low, high, xtol=accuracy))
