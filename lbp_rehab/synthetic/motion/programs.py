"""The exercises and their faults, as data: where each degree of freedom is at the top.

A program's values are degrees where `Dof` has radians, otherwise as in `Dof`. The prefix ``work_``
stands for the working side, ``other_`` for the other one, ``both_`` for both; the pelvis's and
thorax's ``LIST`` and ``TURN`` are given for the left side working and mirrored for the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbp_rehab.errors import InputError
from lbp_rehab.pose.types import Posture

Values = Mapping[str, float]


@dataclass(frozen=True)
class Effect:
    """What a fault changes in its repetition; how much, `strength` says.

    A fault of a third of the full severity, where it begins to be called moderate, lies outside
    what people do when they do it right: it reaches the threshold that physiotherapists use where
    there is one, otherwise about three standard deviations of clean repetitions.

    Attributes
    ----------
    text : str
        What is seen at severity 1.
    onset : float
        Strength of the slightest severity, for what is no fault until a good part has gone.
    add : mapping
        Added at the top.
    scale : mapping
        Name -> what the value at the top is multiplied by at severity 1.
    pace : float
        Fraction of the textbook's durations at severity 1, whatever the person's own tempo.
    swap_arm : bool
        The arm of the wrong side moves instead, in part below severity 1.
    breath : float
        What breathing is multiplied by at severity 1.
    arc_s : float
        How much longer the way through the middle of the range takes at severity 1.
    random_side : bool
        ``LIST`` and ``TURN`` go to either side.
    partial : bool
        The repetition does not reach its target.
    falls_short : bool
        Only who has arrived is known to have gone too little; so is who is only scaled.
    """

    text: str
    add: Values = field(default_factory=dict)
    scale: Values = field(default_factory=dict)
    pace: float = 1.0
    swap_arm: bool = False
    breath: float = 1.0
    arc_s: float = 0.0
    random_side: bool = False
    partial: bool = False
    onset: float = 0.0
    falls_short: bool = False

    def strength(self, severity: float) -> float:
        """Return how much of the effect there is at a severity of 0 to 1."""
        return self.onset + (1.0 - self.onset) * severity if severity > 0.0 else 0.0


@dataclass(frozen=True)
class Program:
    """One exercise.

    Attributes
    ----------
    posture : Posture
        ``SIDE_LEFT`` stands for both side positions: the working side is the upper one.
    one_sided : bool
        Each repetition works on one side, and a set alternates or stays on one.
    fixed_range : bool
        Geometry says how far to go, so that people do not differ in it.
    rest, top : mapping
        Values at the start position and at the top, beyond 0.
    second : mapping
        Values at a second extreme after the first; empty: there is none.
    out_s, hold_s, return_s, pause_s : float
        Durations of an average person.
    vary : mapping
        How much repetitions vary at the top (1-sigma), instead of the usual amounts.
    faults : mapping
        Name -> `Effect`.
    """

    title: str
    posture: Posture
    top: Values
    faults: Mapping[str, Effect]
    one_sided: bool = False
    fixed_range: bool = False
    rest: Values = field(default_factory=dict)
    second: Values = field(default_factory=dict)
    out_s: float = 1.5
    hold_s: float = 1.2
    return_s: float = 1.5
    pause_s: float = 0.7
    vary: Values = field(default_factory=dict)


_TOO_FAST = Effect("every phase takes half of the textbook's time", pace=0.48, onset=0.75)
# Where free limbs set off from: as the planted ones stand.
_ALL_FOURS = {
    "both_HIP_FLEXION": 90.0, "both_KNEE_FLEXION": 90.0, "both_SHOULDER_FLEXION": 90.0,
    "both_ELBOW_FLEXION": 12.0,
}  # fmt: skip

PROGRAMS: dict[str, Program] = {
    "pelvic_tilt": Program(
        "Pelvic tilt", Posture.SUPINE,
        top={"PELVIS_TILT": -16.0},
        out_s=1.4, hold_s=2.0, return_s=1.4,
        faults={
            "no_pelvic_motion": Effect(
                "the pelvis moves by hardly 3 degrees", scale={"PELVIS_TILT": 0.2},
                partial=True, onset=0.7),
            "hips_lift": Effect("the hips lift off the mat by half a bridge", add={"LIFT": 0.5}),
            "breath_holding": Effect("the breath stops", breath=0.0, onset=0.3),
            "knees_swing": Effect(
                "both knees swing to one side by 20 degrees",
                add={"work_KNEE_OUT": 20.0, "other_KNEE_OUT": -20.0}, random_side=True),
        },
    ),
    "glute_bridge": Program(
        "Glute bridge", Posture.SUPINE, fixed_range=True,
        top={"LIFT": 1.0},
        out_s=1.4, hold_s=1.2, return_s=1.4,
        vary={"LIFT": 0.03},
        faults={
            "pelvis_drops": Effect(
                "one side of the pelvis sinks by 15 degrees at the top",
                add={"PELVIS_TURN": 15.0}, random_side=True),
            "lumbar_overextension": Effect(
                "the lumbar spine extends by 24 degrees at the top", add={"PELVIS_TILT": 24.0}),
            "hips_low": Effect(
                "the hips turn back at half of their range", scale={"LIFT": 0.5}, partial=True
            ),
            "knees_fall_in": Effect(
                "the knees fall in by 20 degrees", add={"both_KNEE_OUT": -20.0}),
            "too_fast": _TOO_FAST,
        },
    ),
    "dead_bug": Program(
        "Dead bug", Posture.SUPINE, one_sided=True, fixed_range=True,
        rest={
            "both_LEG_FREE": 1.0, "both_HIP_FLEXION": 90.0, "both_KNEE_FLEXION": 90.0,
            "both_HIP_ABDUCTION": 4.0, "both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 90.0,
            "both_ELBOW_FLEXION": 8.0,
        },
        top={
            "work_HIP_FLEXION": -65.0, "work_KNEE_FLEXION": -75.0,
            "other_SHOULDER_FLEXION": 72.0,
        },
        out_s=1.8, hold_s=0.8, return_s=1.6,
        faults={
            "back_leaves_mat": Effect(
                "the pelvis tilts forwards by 16 degrees and the back hollows",
                add={"PELVIS_TILT": 16.0}),
            "wrong_limb_pair": Effect("the arm of the same side moves", swap_arm=True),
            "knee_angle_lost": Effect(
                "the leg that should stay still opens its knee by 45 degrees and sinks",
                add={"other_KNEE_FLEXION": -45.0, "other_HIP_FLEXION": -22.0}),
            "too_fast": _TOO_FAST,
        },
    ),
    "knee_to_chest": Program(
        "Single knee to chest", Posture.SUPINE, one_sided=True,
        fixed_range=True,
        rest={"both_HIP_FLEXION": 45.0, "both_KNEE_FLEXION": 95.0},
        top={
            "work_LEG_FREE": 1.0, "work_HIP_FLEXION": 71.0, "work_KNEE_FLEXION": 29.0,
            "work_HIP_ABDUCTION": 8.0, "both_ARM_REACH": 1.0, "PELVIS_TILT": -8.0,
        },
        out_s=2.0, hold_s=3.0, return_s=2.0,
        faults={
            "pelvis_rolls": Effect(
                "the pelvis rolls over by 15 degrees", add={"PELVIS_TURN": 15.0},
                random_side=True),
            "other_leg_lifts": Effect(
                "the foot of the other leg leaves the mat by 25 cm",
                add={"other_LEG_FREE": 1.0, "other_HIP_FLEXION": 30.0,
                     "other_KNEE_FLEXION": -15.0}),
            "head_lifts": Effect(
                "head and neck lift by 35 degrees", add={"NECK_FLEXION": 35.0}),
        },
    ),
    "breathing": Program(
        "Diaphragmatic breathing", Posture.SUPINE,
        top={"BELLY": 0.030, "CHEST": 0.003},
        out_s=2.2, hold_s=0.4, return_s=3.2, pause_s=0.5,
        faults={
            "chest_breathing": Effect(
                "the chest rises more than the belly",
                add={"CHEST": 0.020}, scale={"BELLY": 0.75}, onset=0.25),
            "too_fast": _TOO_FAST,
            "breath_holding": Effect(
                "the breath stays shallow", scale={"BELLY": 0.35, "CHEST": 0.35},
                partial=True, onset=0.4),
        },
    ),
    "bird_dog": Program(
        "Bird dog", Posture.QUADRUPED, one_sided=True, fixed_range=True, rest=_ALL_FOURS,
        top={
            "work_LEG_FREE": 1.0, "work_HIP_FLEXION": -93.0, "work_KNEE_FLEXION": -86.0,
            "other_ARM_FREE": 1.0, "other_SHOULDER_FLEXION": 86.0,
            "other_ELBOW_FLEXION": -5.0,
        },
        out_s=1.7, hold_s=2.0, return_s=1.7,
        faults={
            "trunk_rotates": Effect(
                "pelvis and thorax turn up by 24 and 14 degrees on the lifted leg's side",
                add={"PELVIS_TURN": 24.0, "THORAX_TURN": 14.0}),
            "lumbar_sag": Effect(
                "the lumbar spine sags: the pelvis tilts forwards by 24 degrees",
                add={"PELVIS_TILT": 24.0}),
            "limb_low": Effect(
                "leg and arm stop 35 degrees below horizontal",
                add={"work_HIP_FLEXION": 37.0, "other_SHOULDER_FLEXION": -39.0},
                falls_short=True),
            "too_fast": _TOO_FAST,
        },
    ),
    "cat_camel": Program(
        "Cat-camel", Posture.QUADRUPED, rest=_ALL_FOURS,
        top={"PELVIS_TILT": -20.0, "THORAX_FLEXION": 26.0, "NECK_FLEXION": 28.0},
        second={"PELVIS_TILT": 15.0, "THORAX_FLEXION": -10.0, "NECK_FLEXION": -22.0},
        out_s=1.8, hold_s=0.8, return_s=1.8,
        faults={
            "one_end_only": Effect(
                "only the upper back moves, the pelvis stays", scale={"PELVIS_TILT": 0.1},
                onset=0.4),
            "elbows_bend": Effect(
                "the elbows bend by 45 degrees", add={"both_ELBOW_FLEXION": 45.0}),
            "too_fast": _TOO_FAST,
        },
    ),
    "press_up": Program(
        "Prone press-up", Posture.PRONE,
        top={"LUMBAR_FLEXION": -34.0, "THORAX_FLEXION": -14.0, "NECK_FLEXION": -12.0},
        out_s=1.8, hold_s=1.5, return_s=1.8,
        faults={
            "hips_lift": Effect("the pelvis leaves the mat by 9 cm", add={"LIFT": 0.09}),
            "shoulders_work": Effect(
                "the upper back and neck move, the lumbar spine hardly",
                scale={"LUMBAR_FLEXION": 0.3}, add={"NECK_FLEXION": -25.0}, onset=0.4,
                falls_short=True),
            "too_far": Effect(
                "the lumbar spine extends beyond the agreed range, to 50 degrees",
                scale={"LUMBAR_FLEXION": 1.5}, onset=0.5),
        },
    ),
    "plank": Program(
        "Plank on forearms", Posture.PRONE, fixed_range=True,
        top={"LIFT": 1.0},
        out_s=1.4, hold_s=5.0, return_s=1.4, pause_s=1.2,
        vary={"LIFT": 0.02, "SAG": 1.0},
        faults={
            "hips_sag": Effect(
                "the hips hang 20 degrees below the line",
                add={"SAG": -20.0, "PELVIS_TILT": 8.0}, onset=0.25),
            "hips_pike": Effect(
                "the hips stand 25 degrees above the line", add={"SAG": 25.0}, onset=0.1),
            "head_drops": Effect("the head hangs by 40 degrees", add={"NECK_FLEXION": 40.0}),
        },
    ),
    "clam": Program(
        "Clam", Posture.SIDE_LEFT, one_sided=True,
        top={"work_KNEE_OUT": 42.0},
        out_s=1.4, hold_s=1.0, return_s=1.4,
        faults={
            "pelvis_rolls_back": Effect(
                "the pelvis rolls back by 20 degrees", add={"PELVIS_TURN": 20.0}),
            "feet_part": Effect("the upper foot lifts by 12 cm", add={"work_FOOT_UP": 0.12}),
            "too_fast": _TOO_FAST,
        },
    ),
    "side_bridge": Program(
        "Side bridge on the knees", Posture.SIDE_LEFT, one_sided=True, fixed_range=True,
        top={"LIFT": 1.0},
        out_s=1.4, hold_s=4.0, return_s=1.4, pause_s=1.2,
        vary={"LIFT": 0.03, "SAG": 1.0},
        faults={
            "hips_sag": Effect(
                "the hips hang 20 degrees below the line", add={"SAG": -20.0}, onset=0.25),
            "trunk_rotates": Effect(
                "pelvis and thorax roll forwards by 24 and 16 degrees",
                add={"PELVIS_TURN": -24.0, "THORAX_TURN": -16.0}),
            "head_drops": Effect("the head hangs by 32 degrees", add={"NECK_TURN": 32.0}),
        },
    ),
    "forward_bend": Program(
        "Forward bend", Posture.STANDING,
        top={
            "PELVIS_TILT": 44.0, "LUMBAR_FLEXION": 34.0, "THORAX_FLEXION": 14.0,
            "NECK_FLEXION": 12.0, "SHIFT": -0.10, "both_KNEE_FLEXION": 5.0,
        },
        out_s=2.2, hold_s=1.0, return_s=2.2,
        vary={"PELVIS_TILT": 3.0},
        faults={
            "hip_dominated": Effect(
                "the hips bend and the back stays straight",
                scale={"LUMBAR_FLEXION": 0.1, "THORAX_FLEXION": 0.1, "PELVIS_TILT": 1.4},
                onset=0.4),
            "back_dominated": Effect(
                "the back bends and the pelvis stays",
                scale={"PELVIS_TILT": 0.2, "LUMBAR_FLEXION": 1.35, "THORAX_FLEXION": 1.8,
                       "SHIFT": 0.3}, onset=0.3),
            "deviates": Effect(
                "the trunk deviates to one side by 18 degrees",
                add={"THORAX_LIST": 18.0, "THORAX_TURN": 6.0}, random_side=True),
            "painful_arc": Effect("the way through the middle takes 2 s longer", arc_s=2.0),
        },
    ),
    "backward_bend": Program(
        "Backward bend", Posture.STANDING,
        rest={"both_ARM_REACH": 1.0},
        top={
            "PELVIS_TILT": -12.0, "LUMBAR_FLEXION": -22.0, "THORAX_FLEXION": -12.0,
            "NECK_FLEXION": -14.0, "SHIFT": 0.07, "both_KNEE_FLEXION": 8.0,
        },
        out_s=1.8, hold_s=1.0, return_s=1.8,
        faults={
            "hip_dominated": Effect(
                "the hips extend and the back stays straight",
                scale={"LUMBAR_FLEXION": 0.15, "THORAX_FLEXION": 0.2, "PELVIS_TILT": 1.9},
                onset=0.4),
            "back_dominated": Effect(
                "the back extends and the pelvis stays",
                scale={"PELVIS_TILT": 0.1, "LUMBAR_FLEXION": 1.25},
                onset=0.5),
            "deviates": Effect(
                "the trunk deviates to one side by 20 degrees",
                add={"THORAX_LIST": 20.0, "THORAX_TURN": 7.0}, random_side=True),
            "painful_arc": Effect("the way through the middle takes 2 s longer", arc_s=2.0),
        },
    ),
}  # fmt: skip


def program(exercise: str) -> Program:
    """Return the program of an exercise, or of a motion that is none of them.

    Raises
    ------
    InputError
        If there is none.
    """
    if exercise in PROGRAMS:
        return PROGRAMS[exercise]
    from lbp_rehab.synthetic.motion.others import other  # noqa: PLC0415  they are made of programs

    found = other(exercise)
    if found is None:
        raise InputError(f"there is no exercise {exercise!r}: use one of {', '.join(PROGRAMS)}")
    return found.program


def effect(exercise: str, fault: str) -> Effect:
    """Return what a fault changes.

    Raises
    ------
    InputError
        If the exercise has no such fault.
    """
    faults = program(exercise).faults
    if fault not in faults:
        raise InputError(f"{exercise} has no fault {fault!r}: use one of {', '.join(faults)}")
    return faults[fault]
