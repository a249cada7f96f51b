"""What faults of execution, and low back pain itself, change in the recruitment of muscles.

The pattern of compensation, that superficial muscles (erector, rectus, external oblique) take over
from the deep local ones (multifidus, transversus), which also come late, is that of Hodges and
Richardson 1996 (Spine 21:2640), van Dieen et al. 2003 (Spine 28:834) and Danneels et al. 2002
(Br J Sports Med 36:422). How much each single fault changes has not been measured in general; the
sizes here follow the mechanics of the fault (what it unloads, what holds instead).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from lbp_rehab.emg.types import Muscle

_MF, _ES = Muscle.MULTIFIDUS, Muscle.ERECTOR_SPINAE
_IO, _EO = Muscle.INTERNAL_OBLIQUE, Muscle.EXTERNAL_OBLIQUE
_RA, _GM = Muscle.RECTUS_ABDOMINIS, Muscle.GLUTEUS_MAXIMUS

# Bergmark 1989 (Acta Orthop Scand Suppl 230).
LOCAL: tuple[Muscle, ...] = (_MF, _IO)


class Where(IntEnum):
    """In which of a muscle's two channels something changes."""

    BOTH = 0
    NEAR = 1  # of the side to which the fault goes
    FAR = 2
    OWN = 3  # of the working side
    OTHER = 4


@dataclass(frozen=True)
class Change:
    """What a fault of severity 1 does to one muscle.

    Attributes
    ----------
    muscle : Muscle
    factor : float
        On the work that the movement asks for.
    added : float
        Fraction of the maximal contraction, added while the fault shows.
    where : Where
    """

    muscle: Muscle
    factor: float = 1.0
    added: float = 0.0
    where: Where = Where.BOTH


@dataclass(frozen=True)
class Effect:
    """What a fault of severity 1 does.

    Attributes
    ----------
    changes : tuple of Change
    late_s : float
        How much later the local muscles start in a repetition with the fault.
    """

    changes: tuple[Change, ...]
    late_s: float = 0.0


C, W = Change, Where
# What low back pain with full compensation does in every exercise; 0.12 s is the largest delay of
# transversus in Hodges and Richardson 1996, roughly.
COMPENSATION = Effect(
    (
        C(_MF, 0.65), C(_IO, 0.60), C(_ES, 1.35, 0.02), C(_RA, 1.50, 0.02), C(_EO, 1.20, 0.015),
    ),
    late_s=0.12,
)  # fmt: skip

_HURRY = Effect((C(_ES, 1.10), C(_RA, 1.10)), 0.05)  # the bursts grow with the speed anyway
_BREATH_HELD = Effect((C(_IO, 1.0, 0.10), C(_EO, 1.0, 0.10), C(_RA, 1.0, 0.06), C(_ES, 1.0, 0.03)))
# Guarding: both sides of the trunk stiffen and the erectors do not relax (Watson et al. 1997,
# J Spinal Disord 10:384).
_GUARDING = Effect(
    (C(_ES, 1.1, 0.12), C(_MF, 0.9, 0.09), C(_RA, 1.0, 0.05), C(_EO, 1.0, 0.05), C(_IO, 1.0, 0.04)),
    0.06,
)
# fmt: off
FAULT_EFFECTS: dict[str, dict[str, Effect]] = {
    "pelvic_tilt": {
        "no_pelvic_motion": Effect((C(_IO, 0.35), C(_EO, 0.35), C(_RA, 0.4), C(_GM, 0.4))),
        "hips_lift": Effect((C(_GM, 1.0, 0.22), C(_ES, 1.0, 0.15), C(_MF, 1.0, 0.12),
                             C(_IO, 0.6), C(_EO, 0.6))),
        "breath_holding": _BREATH_HELD,
        "knees_swing": Effect((C(_EO, 1.0, 0.06, W.NEAR), C(_IO, 1.0, 0.05, W.FAR))),
    },
    "glute_bridge": {  # the near side sinks
        "pelvis_drops": Effect((C(_GM, 0.5, 0.0, W.NEAR), C(_MF, 0.7, 0.0, W.NEAR),
                                C(_ES, 1.2, 0.0, W.FAR), C(_EO, 1.0, 0.04, W.FAR)), 0.04),
        "lumbar_overextension": Effect((C(_ES, 1.5), C(_GM, 0.75), C(_IO, 0.5), C(_RA, 0.6))),
        "hips_low": Effect((C(_GM, 0.6), C(_ES, 0.85), C(_MF, 0.85))),
        "knees_fall_in": Effect((C(_GM, 0.7),)),
        "too_fast": _HURRY,
    },
    "dead_bug": {
        "back_leaves_mat": Effect((C(_IO, 0.5), C(_EO, 0.6), C(_RA, 1.25), C(_ES, 1.0, 0.12),
                                   C(_MF, 1.0, 0.05)), 0.10),
        # The arm of the same side takes the twist away that the obliques had to resist.
        "wrong_limb_pair": Effect((C(_IO, 0.6, 0.0, W.OTHER), C(_IO, 1.3, 0.0, W.OWN),
                                   C(_EO, 0.7, 0.0, W.OWN), C(_EO, 1.3, 0.0, W.OTHER))),
        "knee_angle_lost": Effect((C(_RA, 1.0, 0.06), C(_EO, 1.0, 0.06), C(_IO, 1.0, 0.03))),
        "too_fast": _HURRY,
    },
    "knee_to_chest": {
        "pelvis_rolls": Effect((C(_IO, 0.6), C(_EO, 0.6), C(_RA, 1.0, 0.03), C(_ES, 1.0, 0.02))),
        "other_leg_lifts": Effect((C(_RA, 1.0, 0.08), C(_EO, 1.0, 0.07), C(_IO, 1.0, 0.05))),
        "head_lifts": Effect((C(_RA, 1.0, 0.18), C(_EO, 1.0, 0.08), C(_IO, 1.0, 0.05))),
    },
    "breathing": {
        "chest_breathing": Effect((C(_IO, 0.3), C(_EO, 0.6, 0.02), C(_ES, 1.0, 0.04),
                                   C(_MF, 1.0, 0.02))),
        "too_fast": Effect((C(_IO, 0.7), C(_EO, 1.3), C(_RA, 1.0, 0.01))),
        "breath_holding": _BREATH_HELD,
    },
    "bird_dog": {
        "trunk_rotates": Effect((C(_IO, 0.5, 0.0, W.OTHER), C(_EO, 0.6, 0.0, W.OWN),
                                 C(_MF, 0.7), C(_ES, 1.2)), 0.08),
        "lumbar_sag": Effect((C(_IO, 0.4), C(_EO, 0.5), C(_RA, 0.5), C(_ES, 1.3), C(_MF, 0.75)),
                             0.10),
        "limb_low": Effect((C(_GM, 0.6, 0.0, W.OWN), C(_ES, 0.8), C(_MF, 0.8))),
        "too_fast": _HURRY,
    },
    "cat_camel": {
        "one_end_only": Effect((C(_IO, 0.5), C(_EO, 0.5), C(_MF, 0.5), C(_ES, 1.2))),
        "elbows_bend": Effect((C(_IO, 0.7), C(_EO, 0.7), C(_RA, 0.7, 0.02))),
        "too_fast": _HURRY,
    },
    "press_up": {
        "hips_lift": Effect((C(_GM, 1.0, 0.08), C(_ES, 1.0, 0.12), C(_MF, 1.0, 0.10))),
        "shoulders_work": Effect((C(_ES, 0.4), C(_MF, 0.4), C(_RA, 1.0, 0.03), C(_EO, 1.0, 0.03))),
        "too_far": Effect((C(_ES, 1.0, 0.10), C(_MF, 1.0, 0.06), C(_GM, 1.0, 0.06))),
    },
    "plank": {
        "hips_sag": Effect((C(_RA, 0.7), C(_EO, 0.75), C(_IO, 0.5), C(_ES, 1.0, 0.08)), 0.06),
        "hips_pike": Effect((C(_RA, 0.6), C(_EO, 0.65), C(_IO, 0.8))),
        "head_drops": Effect((C(_IO, 0.9), C(_RA, 1.0, 0.03), C(_ES, 0.8))),
    },
    "clam": {
        "pelvis_rolls_back": Effect((C(_GM, 0.6, 0.0, W.OWN), C(_ES, 1.0, 0.07),
                                     C(_EO, 1.0, 0.06, W.OTHER), C(_IO, 0.6)), 0.05),
        "feet_part": Effect((C(_GM, 0.8, 0.0, W.OWN), C(_ES, 1.0, 0.04, W.OWN),
                             C(_EO, 1.0, 0.04, W.OWN))),
        "too_fast": _HURRY,
    },
    "side_bridge": {  # the lower side carries, the upper one is the working side
        "hips_sag": Effect((C(_EO, 0.6, 0.0, W.OTHER), C(_IO, 0.5, 0.0, W.OTHER), C(_ES, 0.7),
                            C(_MF, 0.7))),
        "trunk_rotates": Effect((C(_EO, 1.0, 0.10, W.OWN), C(_IO, 0.6, 0.0, W.OTHER),
                                 C(_MF, 0.8))),
        "head_drops": Effect((C(_ES, 0.85, 0.0, W.OTHER), C(_RA, 1.0, 0.03))),
    },
    "forward_bend": {
        "hip_dominated": Effect((C(_ES, 0.65), C(_MF, 0.65), C(_GM, 1.6))),
        "back_dominated": Effect((C(_ES, 1.3), C(_MF, 1.2), C(_GM, 0.5))),
        "deviates": Effect((C(_ES, 1.35, 0.0, W.NEAR), C(_ES, 0.75, 0.0, W.FAR),
                            C(_MF, 1.25, 0.0, W.NEAR), C(_MF, 0.8, 0.0, W.FAR))),
        "painful_arc": _GUARDING,
    },
    "backward_bend": {
        "hip_dominated": Effect((C(_RA, 0.65), C(_EO, 0.75), C(_GM, 1.0, 0.06))),
        "back_dominated": Effect((C(_RA, 1.2), C(_ES, 1.0, 0.06), C(_GM, 0.6))),
        "deviates": Effect((C(_EO, 1.3, 0.02, W.NEAR), C(_EO, 0.75, 0.0, W.FAR),
                            C(_ES, 1.0, 0.03, W.NEAR))),
        "painful_arc": _GUARDING,
    },
}
# fmt: on
