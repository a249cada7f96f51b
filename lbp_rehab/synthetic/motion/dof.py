"""The degrees of freedom of the synthetic patient.

Angles in radians unless said. Each is measured from the patient's own rest position of the posture,
and the trunk's segments and the limbs are driven in the world, not by their parent: how the pelvis
stands says nothing of how the thighs or the thorax do.
"""

from __future__ import annotations

from enum import IntEnum


class Dof(IntEnum):
    """What moves; the number is the column in `Movement.at`.

    Pelvis and thorax turn about their own axes, with the signs of ``PelvisState.msg``: ``TILT``
    forwards, ``LIST`` (frontal plane) with the right side up, ``TURN`` to the left.
    ``LIFT`` is how far the pelvis is lifted off its support, as a fraction of the full range (in
    the press-up: metres). ``SAG`` bends the line from the shoulders over the hips to the support of
    the legs, positive with the hips high. Planted limbs stay on the support and follow;
    ``*_FREE`` (0 to 1) takes one off it, and only then its angles matter. ``*_KNEE_OUT`` turns the
    knee of a planted leg about the line from hip to ankle. ``*_REACH`` (0 to 1) brings the hand to
    its place of the posture, such as the knee. ``*_FOOT_UP`` lifts a planted foot, metres.
    ``BELLY`` and ``CHEST`` are how far breathing lifts the walls of abdomen and chest, metres;
    ``SHIFT`` moves the pelvis towards the head (standing: to the front), metres.
    """

    PELVIS_TILT = 0
    PELVIS_LIST = 1
    PELVIS_TURN = 2
    THORAX_LIST = 3
    THORAX_TURN = 4
    LUMBAR_FLEXION = 5
    THORAX_FLEXION = 6
    NECK_FLEXION = 7
    NECK_TURN = 8
    LIFT = 9
    SAG = 10
    SHIFT = 11
    BELLY = 12
    CHEST = 13
    L_LEG_FREE = 14
    L_HIP_FLEXION = 15
    L_HIP_ABDUCTION = 16
    L_HIP_ROTATION = 17
    L_KNEE_FLEXION = 18
    L_ANKLE_FLEXION = 19
    L_KNEE_OUT = 20
    L_FOOT_UP = 21
    R_LEG_FREE = 22
    R_HIP_FLEXION = 23
    R_HIP_ABDUCTION = 24
    R_HIP_ROTATION = 25
    R_KNEE_FLEXION = 26
    R_ANKLE_FLEXION = 27
    R_KNEE_OUT = 28
    R_FOOT_UP = 29
    L_ARM_FREE = 30
    L_ARM_REACH = 31
    L_SHOULDER_FLEXION = 32
    L_SHOULDER_ABDUCTION = 33
    L_ELBOW_FLEXION = 34
    R_ARM_FREE = 35
    R_ARM_REACH = 36
    R_SHOULDER_FLEXION = 37
    R_SHOULDER_ABDUCTION = 38
    R_ELBOW_FLEXION = 39


# Not angles, and so not drawn, scaled or left to wander as angles are.
NOT_ANGLES: frozenset[Dof] = frozenset(
    d
    for d in Dof
    if d in (Dof.LIFT, Dof.SHIFT, Dof.BELLY, Dof.CHEST)
    or d.name.endswith(("_FREE", "_REACH", "_FOOT_UP"))
)


def of_side(name: str, side: str) -> Dof:
    """Return the degree of freedom of the side ``"l"`` or ``"r"``, for example ``HIP_FLEXION``."""
    return Dof[f"{side.upper()}_{name}"]


def unit_of(dof: Dof) -> str:
    """Return "rad", "m" or "fraction"."""
    if dof not in NOT_ANGLES:
        return "rad"
    length = dof in (Dof.BELLY, Dof.CHEST, Dof.SHIFT) or dof.name.endswith("FOOT_UP")
    return "m" if length else "fraction"
