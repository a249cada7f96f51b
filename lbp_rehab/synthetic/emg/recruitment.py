"""Which muscles each exercise uses: a table of drives with the studies that they come from.

Drives are fractions of the maximal voluntary contraction. Each row names the study of healthy
adults on which its pattern is modelled. The numbers are round values of the size that such studies
find, not quotations: their standard deviations are about half of their means. Where a study did not
measure a muscle, its value is set by analogy to its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

from lbp_rehab.emg.types import Muscle, Side

CHANNELS: tuple[tuple[Muscle, Side], ...] = tuple(
    (muscle, side)
    for muscle in (
        Muscle.MULTIFIDUS,
        Muscle.ERECTOR_SPINAE,
        Muscle.INTERNAL_OBLIQUE,
        Muscle.EXTERNAL_OBLIQUE,
        Muscle.RECTUS_ABDOMINIS,
        Muscle.GLUTEUS_MAXIMUS,
    )
    for side in (Side.LEFT, Side.RIGHT)
)
LABELS: tuple[str, ...] = tuple(f"{m.name.lower()}_{s.name[0].lower()}" for m, s in CHANNELS)
MUSCLES: tuple[Muscle, ...] = tuple(muscle for muscle, side in CHANNELS if side == Side.LEFT)

Curve = tuple[tuple[float, float], ...]

SOURCES: dict[str, str] = {
    "Andersson 1997": "Eur J Appl Physiol 75:115",
    "Callaghan 1998": "Phys Ther 78:8",
    "Colloca 2005": "J Manipulative Physiol Ther 28:623",
    "De Troyer 1990": "J Appl Physiol 68:1010",
    "Distefano 2009": "J Orthop Sports Phys Ther 39:532",
    "Drake 2006": "J Manipulative Physiol Ther 29:354",
    "Drysdale 2004": "J Athl Train 39:32",
    "Ekstrom 2007": "J Orthop Sports Phys Ther 37:754",
    "Emami 2015": "Zahedan J Res Med Sci 17(4)",
    "Fiebert 1994": "J Orthop Sports Phys Ther 19:111",
    "Floyd 1955": "J Physiol 129:184",
    "Garcia-Vaquero 2012": "J Electromyogr Kinesiol 22:398",
    "Hodges 2000": "J Appl Physiol 89:967",
    "Juker 1998": "Med Sci Sports Exerc 30:301",
    "Leinonen 2000": "Arch Phys Med Rehabil 81:32",
    "Okubo 2010": "J Orthop Sports Phys Ther 40:743",
    "Souza 2001": "Arch Phys Med Rehabil 82:1551",
    "Stevens 2006": "BMC Musculoskelet Disord 7:75",
    "Stevens 2007": "Man Ther 12:271",
    "Urquhart 2005": "Man Ther 10:144",
}


@dataclass(frozen=True)
class Course:
    """How a muscle's work runs with the level of a repetition: its share at each level, 0 to 1.

    Attributes
    ----------
    out, back : tuple of (level, share)
        On the way to the top and on the way back; both have the same share at level 1.
    """

    out: Curve
    back: Curve


# A muscle works about half as much to let a load down as to lift it (Bigland and Lippold 1954,
# J Physiol 123:214).
LIFT = Course(
    ((0.0, 0.0), (0.3, 0.5), (0.7, 1.08), (1.0, 1.0)), ((0.0, 0.0), (0.5, 0.35), (1.0, 1.0))
)
HOLD = Course(((0.0, 0.0), (1.0, 1.0)), ((0.0, 0.0), (1.0, 1.0)))
OUTWARD = Course(
    ((0.0, 0.0), (0.3, 0.9), (0.6, 1.0), (1.0, 0.35)), ((0.0, 0.0), (0.5, 0.3), (1.0, 0.35))
)
HOMEWARD = Course(((0.0, 0.0), (1.0, 0.05)), ((0.0, 0.0), (0.35, 1.0), (0.65, 1.0), (1.0, 0.05)))
# Flexion-relaxation: the erectors let the trunk down, fall silent near the end of the range and
# start again, stronger, once the trunk has begun to rise (Floyd and Silver 1955; Colloca and
# Hinrichs 2005).
RELAXATION = Course(
    ((0.0, 0.0), (0.12, 0.45), (0.4, 0.85), (0.65, 0.9), (0.82, 0.3), (0.92, -0.1), (1.0, -0.12)),
    ((0.0, 0.0), (0.12, 0.5), (0.4, 1.5), (0.65, 1.7), (0.82, 1.1), (0.93, 0.1), (1.0, -0.12)),
)
# Backward bending: the erectors start it and are less active at its end than in upright standing.
TIPPING = Course(
    ((0.0, 0.0), (0.08, 1.0), (0.3, 0.5), (0.6, -0.1), (1.0, -0.2)),
    ((0.0, 0.0), (0.5, -0.2), (1.0, -0.2)),
)
BRAKING = Course(
    ((0.0, 0.0), (0.2, 0.1), (0.6, 0.6), (1.0, 1.0)),
    ((0.0, 0.0), (0.3, 0.5), (0.7, 1.3), (1.0, 1.0)),
)


@dataclass(frozen=True)
class Recruitment:
    """How one exercise drives one muscle, in fractions of the maximal contraction.

    Attributes
    ----------
    source : str
        A key of `SOURCES`.
    tonic : float
        In the start position.
    hold : float
        Added at the top, in the muscle of the working side.
    other : float
        Added at the top, in the muscle of the other side; equal to ``hold`` in a symmetric
        exercise.
    burst : float
        Added at the fastest moment on the way to the top of a repetition of usual speed; grows
        with speed.
    course : Course
    """

    source: str
    tonic: float
    hold: float
    other: float
    burst: float = 0.0
    course: Course = LIFT


# Exercises in which one side works at a time: that of the leg that moves (bird dog, dead bug, knee
# to chest, clam), and the upper one of the side bridge.
ONE_SIDED = frozenset({"dead_bug", "knee_to_chest", "bird_dog", "clam", "side_bridge"})

_Rows = tuple[Recruitment, Recruitment, Recruitment, Recruitment, Recruitment, Recruitment]
R = Recruitment
# Rows in the order of `MUSCLES`: multifidus, erector spinae, internal oblique (transversus),
# external oblique, rectus abdominis, gluteus maximus.
# fmt: off
_ROWS: dict[str, _Rows] = {
    "pelvic_tilt": (
        R("Urquhart 2005", 0.015, 0.03, 0.03),
        R("Urquhart 2005", 0.015, 0.03, 0.03),
        R("Urquhart 2005", 0.025, 0.20, 0.20, 0.02),
        R("Drysdale 2004", 0.015, 0.22, 0.22, 0.03),
        R("Drysdale 2004", 0.010, 0.14, 0.14, 0.02),
        R("Drysdale 2004", 0.010, 0.09, 0.09, 0.01),
    ),
    "glute_bridge": (
        R("Ekstrom 2007", 0.020, 0.36, 0.36, 0.08),
        R("Ekstrom 2007", 0.020, 0.34, 0.34, 0.07),
        R("Stevens 2006", 0.030, 0.08, 0.08, 0.03),
        R("Stevens 2006", 0.020, 0.06, 0.06, 0.02),
        R("Stevens 2006", 0.012, 0.02, 0.02, 0.015),
        R("Ekstrom 2007", 0.015, 0.28, 0.28, 0.10),
    ),
    "dead_bug": (
        R("Souza 2001", 0.015, 0.04, 0.05, 0.01),
        R("Souza 2001", 0.015, 0.03, 0.04, 0.01),
        R("Emami 2015", 0.080, 0.17, 0.25, 0.03),
        R("Souza 2001", 0.070, 0.26, 0.17, 0.04),
        R("Souza 2001", 0.055, 0.17, 0.15, 0.03),
        R("Souza 2001", 0.010, 0.03, 0.01, 0.01),
    ),
    "knee_to_chest": (
        R("Andersson 1997", 0.015, 0.02, 0.02, 0.0, OUTWARD),
        R("Andersson 1997", 0.015, 0.02, 0.02, 0.0, OUTWARD),
        R("Andersson 1997", 0.025, 0.08, 0.11, 0.02, OUTWARD),
        R("Andersson 1997", 0.015, 0.10, 0.06, 0.02, OUTWARD),
        R("Andersson 1997", 0.010, 0.07, 0.05, 0.01, OUTWARD),
        R("Andersson 1997", 0.010, 0.00, 0.03, 0.0, OUTWARD),
    ),
    # Level 1 is the end of breathing in; transversus and internal oblique work to breathe out.
    "breathing": (
        R("Hodges 2000", 0.012, 0.01, 0.01, 0.0, HOMEWARD),
        R("Hodges 2000", 0.012, 0.01, 0.01, 0.0, HOMEWARD),
        R("De Troyer 1990", 0.025, 0.09, 0.09, 0.0, HOMEWARD),
        R("De Troyer 1990", 0.015, 0.04, 0.04, 0.0, HOMEWARD),
        R("De Troyer 1990", 0.010, 0.012, 0.012, 0.0, HOMEWARD),
        R("Hodges 2000", 0.008, 0.00, 0.00, 0.0, HOMEWARD),
    ),
    "bird_dog": (
        R("Ekstrom 2007", 0.040, 0.40, 0.25, 0.05),
        R("Callaghan 1998", 0.040, 0.33, 0.22, 0.05),
        R("Stevens 2007", 0.060, 0.08, 0.21, 0.03),
        R("Garcia-Vaquero 2012", 0.045, 0.25, 0.13, 0.03),
        R("Drake 2006", 0.020, 0.05, 0.04, 0.01),
        R("Ekstrom 2007", 0.020, 0.50, 0.06, 0.08),
    ),
    # The rounded back. Loads are low; the kneeling rows of the studies give the order.
    "cat_camel": (
        R("Callaghan 1998", 0.040, 0.03, 0.03, 0.0),
        R("Callaghan 1998", 0.040, 0.02, 0.02, 0.0),
        R("Stevens 2007", 0.060, 0.15, 0.15, 0.02),
        R("Stevens 2007", 0.045, 0.13, 0.13, 0.02),
        R("Drake 2006", 0.020, 0.07, 0.07, 0.01),
        R("Callaghan 1998", 0.015, 0.04, 0.04),
    ),
    "press_up": (
        R("Fiebert 1994", 0.010, 0.055, 0.055, 0.04, OUTWARD),
        R("Fiebert 1994", 0.010, 0.050, 0.050, 0.04, OUTWARD),
        R("Juker 1998", 0.015, 0.02, 0.02, 0.01),
        R("Juker 1998", 0.010, 0.03, 0.03, 0.01),
        R("Juker 1998", 0.008, 0.015, 0.015, 0.01),
        R("Fiebert 1994", 0.010, 0.02, 0.02, 0.01),
    ),
    "plank": (
        R("Ekstrom 2007", 0.010, 0.04, 0.04, 0.01, HOLD),
        R("Ekstrom 2007", 0.010, 0.05, 0.05, 0.01, HOLD),
        R("Okubo 2010", 0.015, 0.26, 0.26, 0.02, HOLD),
        R("Ekstrom 2007", 0.010, 0.45, 0.45, 0.03, HOLD),
        R("Ekstrom 2007", 0.008, 0.41, 0.41, 0.03, HOLD),
        R("Ekstrom 2007", 0.010, 0.08, 0.08, 0.01, HOLD),
    ),
    "clam": (
        R("Distefano 2009", 0.015, 0.06, 0.08, 0.01),
        R("Distefano 2009", 0.015, 0.05, 0.07, 0.01),
        R("Distefano 2009", 0.025, 0.08, 0.10, 0.02),
        R("Distefano 2009", 0.020, 0.09, 0.06, 0.02),
        R("Distefano 2009", 0.010, 0.02, 0.02, 0.005),
        R("Distefano 2009", 0.015, 0.37, 0.05, 0.06),
    ),
    # On the knees, which takes about a quarter of the load off the full side bridge of the studies.
    # The muscles of the lower side carry the trunk; the working side is the upper one.
    "side_bridge": (
        R("Ekstrom 2007", 0.015, 0.11, 0.31, 0.015, HOLD),
        R("Ekstrom 2007", 0.015, 0.10, 0.29, 0.015, HOLD),
        R("Juker 1998", 0.025, 0.09, 0.28, 0.012, HOLD),
        R("Ekstrom 2007", 0.020, 0.12, 0.50, 0.015, HOLD),
        R("Ekstrom 2007", 0.010, 0.09, 0.25, 0.010, HOLD),
        R("Ekstrom 2007", 0.015, 0.04, 0.16, 0.008, HOLD),
    ),
    "forward_bend": (
        R("Colloca 2005", 0.030, 0.19, 0.19, 0.0, RELAXATION),
        R("Floyd 1955", 0.030, 0.21, 0.21, 0.0, RELAXATION),
        R("Floyd 1955", 0.045, 0.03, 0.03, 0.01, HOLD),
        R("Floyd 1955", 0.025, 0.02, 0.02, 0.01, HOLD),
        R("Floyd 1955", 0.012, 0.01, 0.01, 0.01, HOLD),
        R("Leinonen 2000", 0.015, 0.10, 0.10, 0.0, HOMEWARD),
    ),
    "backward_bend": (
        R("Fiebert 1994", 0.030, 0.06, 0.06, 0.0, TIPPING),
        R("Fiebert 1994", 0.030, 0.06, 0.06, 0.0, TIPPING),
        R("Floyd 1955", 0.045, 0.13, 0.13, 0.0, BRAKING),
        R("Floyd 1955", 0.025, 0.13, 0.13, 0.0, BRAKING),
        R("Floyd 1955", 0.012, 0.15, 0.15, 0.0, BRAKING),
        R("Leinonen 2000", 0.015, 0.05, 0.05, 0.01),
    ),
}
# fmt: on
RECRUITMENT: dict[str, dict[Muscle, Recruitment]] = {
    exercise: dict(zip(MUSCLES, rows, strict=True)) for exercise, rows in _ROWS.items()
}
# On the way to a second extreme, in exercises that have one: the hollow back of cat-camel.
SECOND: dict[str, dict[Muscle, Recruitment]] = {
    "cat_camel": dict(
        zip(
            MUSCLES,
            (
                R("Callaghan 1998", 0.040, 0.12, 0.12, 0.01),
                R("Callaghan 1998", 0.040, 0.13, 0.13, 0.01),
                R("Stevens 2007", 0.060, 0.02, 0.02),
                R("Stevens 2007", 0.045, 0.01, 0.01),
                R("Drake 2006", 0.020, 0.005, 0.005),
                R("Callaghan 1998", 0.015, 0.02, 0.02),
            ),
            strict=True,
        )
    )
}
