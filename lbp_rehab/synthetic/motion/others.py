"""Motions that are none of the exercises, made with the same degrees of freedom.

They teach and test the answer "none of these". A motion borrows the contacts of the exercise that
`posed_as` names. No training may draw what is not ``TAUGHT``. ``LOOKED_AT`` were looked at while
the recogniser was made, and `drawn` leaves out the degrees of freedom that make them; ``UNSEEN``
came after it was made, are what the benchmark draws, and nothing may be tuned on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.programs import PROGRAMS, Program, Values

_FREE_LEGS = {"both_LEG_FREE": 1.0}
_STRAIGHT_LEGS = {**_FREE_LEGS, "both_HIP_FLEXION": 3.0, "both_KNEE_FLEXION": 5.0}
_TABLE_TOP = {**_FREE_LEGS, "both_HIP_FLEXION": 90.0, "both_KNEE_FLEXION": 90.0}
_ALL_FOURS = PROGRAMS["bird_dog"].rest
_DRAWN = "drawn_"  # prefix of the names of motions made at random


@dataclass(frozen=True)
class Other:
    """A motion and the exercise whose contacts with the support it has."""

    posed_as: str
    program: Program


def _other(
    posed_as: str,
    title: str,
    top: Values,
    rest: Values | None = None,
    *,
    out_s: float = 1.5,
    hold_s: float = 0.6,
    return_s: float = 1.5,
    pause_s: float = 0.5,
) -> Other:
    sided = any(n.startswith(("work_", "other_")) or n.endswith(("_LIST", "_TURN")) for n in top)
    program = Program(
        title, PROGRAMS[posed_as].posture, top=top, faults={}, one_sided=sided, rest=rest or {},
        out_s=out_s, hold_s=hold_s, return_s=return_s, pause_s=pause_s,
    )  # fmt: skip
    return Other(posed_as, program)


def _still(posed_as: str, title: str, top: Values, rest: Values | None = None) -> Other:
    return _other(
        posed_as, title, top, rest, out_s=3.0, hold_s=3.0, return_s=3.0, pause_s=3.0
    )  # fmt: skip


_STANDING, _SUPINE, _PRONE, _FOURS, _SIDE = (
    "forward_bend", "glute_bridge", "press_up", "bird_dog", "clam",
)  # fmt: skip

OTHERS: dict[str, Other] = {
    # Upright
    "standing_still": _still(_STANDING, "Standing still", {"NECK_FLEXION": 3.0}),
    "looking_round": _other(_STANDING, "Looking round", {"NECK_TURN": 45.0, "THORAX_TURN": 6.0}),
    "marching": _other(
        _STANDING, "Marching on the spot",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 75.0, "work_KNEE_FLEXION": 85.0,
         "other_SHOULDER_FLEXION": 35.0, "work_SHOULDER_FLEXION": -25.0},
        out_s=0.6, hold_s=0.1, return_s=0.6, pause_s=0.1),
    "walking_on_the_spot": _other(
        _STANDING, "Walking on the spot",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 30.0, "work_KNEE_FLEXION": 45.0,
         "other_SHOULDER_FLEXION": 20.0, "work_SHOULDER_FLEXION": -15.0},
        out_s=0.45, hold_s=0.05, return_s=0.45, pause_s=0.05),
    "squat": _other(
        _STANDING, "Squat",
        {"both_KNEE_FLEXION": 95.0, "PELVIS_TILT": 30.0, "LUMBAR_FLEXION": 5.0, "SHIFT": -0.20,
         "both_SHOULDER_FLEXION": 75.0}),
    "standing_side_bend": _other(
        _STANDING, "Side bend", {"THORAX_LIST": 30.0, "PELVIS_LIST": 4.0, "THORAX_TURN": 4.0}),
    "standing_trunk_rotation": _other(
        _STANDING, "Trunk rotation",
        {"THORAX_TURN": 45.0, "PELVIS_TURN": 12.0, "NECK_TURN": 15.0},
        {"both_SHOULDER_FLEXION": 75.0}),
    "arms_to_the_front": _other(
        _STANDING, "Arms raised to the front", {"both_SHOULDER_FLEXION": 165.0}),
    "arms_to_the_side": _other(
        _STANDING, "Arms raised to the side", {"both_SHOULDER_ABDUCTION": 85.0}),
    "one_arm_raised": _other(
        _STANDING, "One arm raised to the side", {"work_SHOULDER_ABDUCTION": 110.0,
                                                  "work_ELBOW_FLEXION": 20.0}),
    "elbow_curl": _other(_STANDING, "Elbow curls", {"both_ELBOW_FLEXION": 115.0}),
    "standing_hip_abduction": _other(
        _STANDING, "Leg lifted to the side", {"work_LEG_FREE": 1.0, "work_HIP_ABDUCTION": 32.0}),
    "standing_hip_extension": _other(
        _STANDING, "Leg lifted back",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": -22.0, "PELVIS_TILT": 6.0}),
    "heel_to_buttock": _other(
        _STANDING, "Heel to the buttock", {"work_LEG_FREE": 1.0, "work_KNEE_FLEXION": 105.0}),
    "weight_shift": _other(
        _STANDING, "Knees softly bent and straight", {"both_KNEE_FLEXION": 25.0, "SHIFT": -0.03}),
    # On the back
    "lying_straight": _still(
        _SUPINE, "Lying with straight legs", {"both_HIP_ROTATION": 4.0}, _STRAIGHT_LEGS),
    "straight_leg_raise": _other(
        _SUPINE, "Straight leg raise", {"work_HIP_FLEXION": 60.0}, _STRAIGHT_LEGS),
    "heel_slide": _other(
        _SUPINE, "Heel slide", {"work_HIP_FLEXION": 45.0, "work_KNEE_FLEXION": 90.0},
        _STRAIGHT_LEGS),
    "supine_arms_overhead": _other(
        _SUPINE, "Arms overhead on the back", {"both_SHOULDER_FLEXION": 150.0},
        {"both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 15.0, "both_SHOULDER_ABDUCTION": 10.0}),
    "curl_up": _other(
        _SUPINE, "Curl-up",
        {"NECK_FLEXION": 45.0, "THORAX_FLEXION": 80.0, "both_ARM_FREE": 1.0,
         "both_SHOULDER_FLEXION": 45.0}),
    "knee_rolls": _other(
        _SUPINE, "Both knees rolled to the side",
        {"work_KNEE_OUT": 50.0, "other_KNEE_OUT": -50.0, "PELVIS_TURN": 14.0}),
    "bent_knee_fall_out": _other(_SUPINE, "One knee falls out", {"work_KNEE_OUT": 55.0}),
    "double_knee_to_chest": _other(
        _SUPINE, "Both knees to the chest",
        {"both_LEG_FREE": 1.0, "both_HIP_FLEXION": 70.0, "both_KNEE_FLEXION": 30.0,
         "both_ARM_REACH": 1.0, "PELVIS_TILT": -10.0},
        {"both_HIP_FLEXION": 45.0, "both_KNEE_FLEXION": 95.0}),
    "supine_march": _other(
        _SUPINE, "Marching on the back",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 45.0, "work_KNEE_FLEXION": -5.0},
        {"both_HIP_FLEXION": 45.0, "both_KNEE_FLEXION": 95.0}),
    "toe_tap": _other(
        _SUPINE, "Toe taps", {"work_HIP_FLEXION": -45.0, "work_KNEE_FLEXION": 10.0}, _TABLE_TOP),
    "scissors": _other(
        _SUPINE, "Straight legs cross in the air", {"work_HIP_FLEXION": 20.0,
                                                    "other_HIP_FLEXION": -20.0},
        {**_FREE_LEGS, "both_HIP_FLEXION": 55.0, "both_KNEE_FLEXION": 8.0}),
    "knee_extension_lying": _other(
        _SUPINE, "Shank stretched from the planted thigh",
        {"work_LEG_FREE": 1.0, "work_KNEE_FLEXION": -80.0},
        {"both_HIP_FLEXION": 45.0, "both_KNEE_FLEXION": 95.0}),
    "lying_arm_wave": _other(
        _SUPINE, "One arm moves about",
        {"work_ARM_FREE": 1.0, "work_SHOULDER_FLEXION": 80.0, "work_ELBOW_FLEXION": 50.0}),
    # On the front
    "prone_still": _still(_PRONE, "Lying on the front", {"NECK_TURN": 4.0}),
    "prone_leg_lift": _other(
        _PRONE, "One leg lifted on the front", {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": -20.0}),
    "superman": _other(
        _PRONE, "Arms and legs lifted on the front",
        {"both_LEG_FREE": 1.0, "both_HIP_FLEXION": -16.0, "LUMBAR_FLEXION": -12.0,
         "THORAX_FLEXION": -8.0, "both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 172.0},
        {"both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 160.0}),
    "prone_knee_bend": _other(
        _PRONE, "Knee bends on the front", {"work_LEG_FREE": 1.0, "work_KNEE_FLEXION": 95.0}),
    "prone_arm_lift": _other(
        _PRONE, "One arm lifted on the front",
        {"work_SHOULDER_FLEXION": 20.0},
        {"both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 158.0}),
    "plank_shoulder_taps": _other(
        "plank", "Plank with an arm lifted in turn",
        {"work_ARM_FREE": 1.0, "work_SHOULDER_FLEXION": 60.0, "work_SHOULDER_ABDUCTION": 25.0,
         "work_ELBOW_FLEXION": 130.0},
        {"LIFT": 1.0}, out_s=0.8, hold_s=0.2, return_s=0.8),
    # On hands and knees
    "all_fours_still": _still(_FOURS, "On hands and knees", {"NECK_FLEXION": 4.0}, _ALL_FOURS),
    "childs_pose_rocking": _other(
        _FOURS, "Rocking back to the heels", {"SHIFT": -0.32, "THORAX_FLEXION": 8.0}, _ALL_FOURS),
    "donkey_kick": _other(
        _FOURS, "Bent leg lifted on hands and knees",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": -80.0}, _ALL_FOURS),
    "fire_hydrant": _other(
        _FOURS, "Bent leg lifted to the side on hands and knees",
        {"work_LEG_FREE": 1.0, "work_HIP_ABDUCTION": 50.0, "PELVIS_TURN": 5.0}, _ALL_FOURS),
    "all_fours_arm_lift": _other(
        _FOURS, "One arm lifted on hands and knees",
        {"work_ARM_FREE": 1.0, "work_SHOULDER_FLEXION": 70.0, "THORAX_TURN": 8.0}, _ALL_FOURS),
    "all_fours_press_up": _other(
        _FOURS, "Elbows bend on hands and knees", {"both_ELBOW_FLEXION": 60.0, "SHIFT": 0.05},
        _ALL_FOURS),
    # On the side
    "side_still": _still(_SIDE, "Lying on the side", {"NECK_FLEXION": 3.0}),
    "side_leg_lift": _other(
        _SIDE, "Upper leg lifted on the side",
        {"work_LEG_FREE": 1.0, "work_HIP_ABDUCTION": 38.0, "work_KNEE_FLEXION": 5.0}),
    "open_book": _other(
        _SIDE, "Upper arm opened to the back",
        {"work_ARM_FREE": 1.0, "work_SHOULDER_ABDUCTION": 80.0, "work_SHOULDER_FLEXION": 20.0,
         "THORAX_TURN": 18.0}),
    "side_knee_drive": _other(
        _SIDE, "Upper knee drawn up on the side",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 95.0, "work_KNEE_FLEXION": 95.0}),
    # Made after the recogniser
    "overhead_press": _other(
        _STANDING, "Overhead press", {"both_SHOULDER_FLEXION": 130.0, "both_ELBOW_FLEXION": -115.0},
        {"both_SHOULDER_FLEXION": 35.0, "both_ELBOW_FLEXION": 120.0}),
    "punching": _other(
        _STANDING, "Punches in turn",
        {"work_SHOULDER_FLEXION": 60.0, "work_ELBOW_FLEXION": -100.0, "THORAX_TURN": -28.0,
         "PELVIS_TURN": -10.0},
        {"both_SHOULDER_FLEXION": 25.0, "both_ELBOW_FLEXION": 110.0},
        out_s=0.6, hold_s=0.2, return_s=0.7, pause_s=0.3),
    "toy_soldier": _other(
        _STANDING, "Straight leg and opposite arm raised to the front",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 70.0, "other_SHOULDER_FLEXION": 85.0},
        out_s=0.9, hold_s=0.2, return_s=0.9, pause_s=0.3),
    "snow_angel": _other(
        _SUPINE, "Arms and straight legs spread on the back",
        {"both_HIP_ABDUCTION": 26.0, "both_SHOULDER_ABDUCTION": 70.0}, _STRAIGHT_LEGS),
    "double_leg_raise": _other(
        _SUPINE, "Both straight legs raised", {"both_HIP_FLEXION": 70.0}, _STRAIGHT_LEGS),
    "figure_four": _other(
        _SUPINE, "Ankle laid on the other knee",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 25.0, "work_KNEE_FLEXION": 10.0,
         "work_HIP_ABDUCTION": 28.0, "work_HIP_ROTATION": 40.0},
        {"both_HIP_FLEXION": 45.0, "both_KNEE_FLEXION": 95.0}),
    "bicycle_crunch": _other(
        _SUPINE, "Bicycle crunch",
        {"work_HIP_FLEXION": 18.0, "work_KNEE_FLEXION": 15.0, "other_HIP_FLEXION": -55.0,
         "other_KNEE_FLEXION": -75.0, "THORAX_TURN": 18.0},
        {**_TABLE_TOP, "both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 135.0,
         "both_SHOULDER_ABDUCTION": 45.0, "both_ELBOW_FLEXION": 125.0, "NECK_FLEXION": 30.0,
         "THORAX_FLEXION": 40.0},
        out_s=0.9, hold_s=0.2, return_s=0.9, pause_s=0.2),
    "prone_leg_wipers": _other(
        _PRONE, "Both shanks sway apart on the front", {"both_HIP_ROTATION": 32.0},
        {"both_LEG_FREE": 1.0, "both_KNEE_FLEXION": 90.0}),
    "swimming": _other(
        _PRONE, "Opposite arm and leg lifted on the front",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": -17.0, "other_SHOULDER_FLEXION": 20.0,
         "THORAX_FLEXION": -5.0},
        {"both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 158.0},
        out_s=1.0, hold_s=0.4, return_s=1.0),
    "all_fours_knee_tuck": _other(
        _FOURS, "Knee drawn to the nose on hands and knees",
        {"work_LEG_FREE": 1.0, "work_HIP_FLEXION": 28.0, "work_KNEE_FLEXION": 30.0,
         "THORAX_FLEXION": 20.0, "NECK_FLEXION": 25.0}, _ALL_FOURS),
    "side_leg_swing": _other(
        _SIDE, "Upper straight leg swung to the front on the side", {"work_HIP_FLEXION": 60.0},
        {"work_LEG_FREE": 1.0, "work_KNEE_FLEXION": 5.0, "work_HIP_ABDUCTION": 8.0}),
    "lower_leg_lift": _other(
        _SIDE, "Lower leg lifted on the side", {"other_HIP_ABDUCTION": -20.0},
        {"other_LEG_FREE": 1.0, "other_KNEE_FLEXION": 5.0, "other_HIP_FLEXION": -5.0}),
}  # fmt: skip

LOOKED_AT: tuple[str, ...] = (
    "squat", "standing_trunk_rotation", "arms_to_the_front", "heel_to_buttock",
    "straight_leg_raise", "curl_up", "bent_knee_fall_out", "prone_leg_lift",
    "childs_pose_rocking", "fire_hydrant", "side_leg_lift",
)  # fmt: skip
UNSEEN: tuple[str, ...] = (
    "overhead_press", "punching", "toy_soldier", "snow_angel", "double_leg_raise",
    "figure_four", "bicycle_crunch", "prone_leg_wipers", "swimming", "all_fours_knee_tuck",
    "side_leg_swing", "lower_leg_lift",
)  # fmt: skip
TAUGHT: tuple[str, ...] = tuple(n for n in OTHERS if n not in (*LOOKED_AT, *UNSEEN))


# What a motion made at random is put together from, by the contacts it borrows: each part is one
# degree of freedom or several that go together, with the range of its top in degrees (or fraction).
_Part = Mapping[str, tuple[float, float]]
_PARTS: dict[str, tuple[_Part, ...]] = {
    _STANDING: (
        {"work_LEG_FREE": (1, 1), "work_HIP_FLEXION": (-20, 70), "work_KNEE_FLEXION": (20, 80),
         "work_HIP_ABDUCTION": (0, 30)},
        {"work_SHOULDER_FLEXION": (-30, 120)}, {"both_SHOULDER_ABDUCTION": (20, 100)},
        {"work_SHOULDER_ABDUCTION": (20, 140)}, {"both_ELBOW_FLEXION": (20, 110)},
        {"work_ELBOW_FLEXION": (20, 120)}, {"THORAX_LIST": (-30, 30)}, {"NECK_TURN": (-50, 50)},
        {"NECK_FLEXION": (-20, 30)}, {"both_ARM_REACH": (0.5, 1)}, {"PELVIS_LIST": (-10, 10)},
    ),
    _SUPINE: (
        {"work_LEG_FREE": (1, 1), "work_HIP_FLEXION": (40, 80), "work_KNEE_FLEXION": (30, 120),
         "work_HIP_ABDUCTION": (0, 20)},
        {"both_LEG_FREE": (1, 1), "both_HIP_FLEXION": (45, 100), "both_KNEE_FLEXION": (20, 120)},
        {"work_ARM_FREE": (1, 1), "work_SHOULDER_FLEXION": (20, 160),
         "work_SHOULDER_ABDUCTION": (0, 60), "work_ELBOW_FLEXION": (0, 90)},
        {"both_ARM_FREE": (1, 1), "both_SHOULDER_FLEXION": (20, 160),
         "both_SHOULDER_ABDUCTION": (0, 60), "both_ELBOW_FLEXION": (0, 90)},
        {"work_KNEE_OUT": (30, 55), "other_KNEE_OUT": (-55, -30)}, {"NECK_TURN": (-50, 50)},
        {"PELVIS_TURN": (-20, 20), "THORAX_TURN": (-15, 15)}, {"both_SHOULDER_ABDUCTION": (20, 60)},
    ),
    _PRONE: (
        {"work_LEG_FREE": (1, 1), "work_KNEE_FLEXION": (40, 110), "work_HIP_ABDUCTION": (0, 20)},
        {"both_LEG_FREE": (1, 1), "both_KNEE_FLEXION": (40, 110)},
        {"work_ARM_FREE": (1, 1), "work_SHOULDER_FLEXION": (155, 178),
         "work_SHOULDER_ABDUCTION": (0, 40)},
        {"both_ARM_FREE": (1, 1), "both_SHOULDER_FLEXION": (155, 178)},
        {"NECK_TURN": (-50, 50)}, {"NECK_FLEXION": (-30, 0)}, {"PELVIS_TURN": (-10, 10)},
    ),
    _FOURS: (
        {"work_LEG_FREE": (1, 1), "work_HIP_FLEXION": (-60, 20), "work_KNEE_FLEXION": (-20, 20)},
        {"work_ARM_FREE": (1, 1), "work_SHOULDER_FLEXION": (-40, 60),
         "work_SHOULDER_ABDUCTION": (0, 60)},
        {"both_ELBOW_FLEXION": (20, 70)}, {"THORAX_TURN": (-25, 25)},
        {"PELVIS_LIST": (-12, 12), "THORAX_LIST": (-15, 15)}, {"NECK_TURN": (-50, 50)},
    ),
    _SIDE: (
        {"work_LEG_FREE": (1, 1), "work_HIP_FLEXION": (0, 100), "work_KNEE_FLEXION": (20, 110)},
        {"work_ARM_FREE": (1, 1), "work_SHOULDER_ABDUCTION": (20, 120),
         "work_SHOULDER_FLEXION": (0, 120), "work_ELBOW_FLEXION": (0, 90)},
        {"THORAX_TURN": (5, 30), "PELVIS_TURN": (0, 10)}, {"NECK_FLEXION": (-20, 40)},
    ),
}  # fmt: skip
# Beside the usual start: others that a motion made at random may set off from.
_RESTS: dict[str, tuple[Values, ...]] = {
    _STANDING: ({}, {"both_ARM_REACH": 1.0}, {"both_SHOULDER_ABDUCTION": 60.0}),
    _SUPINE: ({}, _STRAIGHT_LEGS, _TABLE_TOP, {"both_HIP_FLEXION": 45.0,
                                               "both_KNEE_FLEXION": 95.0}),
    _PRONE: ({}, {"both_ARM_FREE": 1.0, "both_SHOULDER_FLEXION": 150.0}),
    _FOURS: (_ALL_FOURS,),
    _SIDE: ({},),
}  # fmt: skip


def drawn(seed: int) -> Other:
    """Return a motion put together at random from one to three parts, for training.

    One part makes none of `LOOKED_AT`, since their degrees of freedom are left out.
    """
    rng = np.random.default_rng([seed, 7301])
    posed_as = list(_PARTS)[int(rng.integers(len(_PARTS)))]
    parts, rests = _PARTS[posed_as], _RESTS[posed_as]
    rest = rests[int(rng.integers(len(rests)))]
    chosen = rng.permutation(len(parts))[: int(rng.integers(1, 4))]
    top: dict[str, float] = {}
    for k in chosen:
        for name, (low, high) in parts[int(k)].items():
            already = rest.get("both_" + name.partition("_")[2], 0.0)
            value = float(rng.uniform(low, high))
            # A limb that is off its support at the start goes from where it is.
            top[name] = value - already if already else value
    out_s, return_s = rng.uniform(0.5, 2.0, 2)
    hold_s, pause_s = rng.uniform(0.1, 1.5, 2)
    return _other(
        posed_as, "A motion made at random", top, rest,
        out_s=float(out_s), hold_s=float(hold_s), return_s=float(return_s), pause_s=float(pause_s),
    )  # fmt: skip


def drawn_name(seed: int) -> str:
    """Return the name under which `other` finds a motion made at random."""
    return f"{_DRAWN}{seed}"


def other(name: str) -> Other | None:
    """Return a motion by its name, None if there is none of that name."""
    if name.startswith(_DRAWN) and name[len(_DRAWN) :].isdigit():
        return drawn(int(name[len(_DRAWN) :]))
    return OTHERS.get(name)


def posed_as(name: str) -> str:
    """Return the exercise whose contacts with the support an exercise or other motion has."""
    found = other(name)
    return found.posed_as if found else name


def posture_of(name: str) -> Posture:
    """Return the posture of the exercise that a motion is posed as."""
    return PROGRAMS[posed_as(name)].posture
