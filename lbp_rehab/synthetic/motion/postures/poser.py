"""What all postures share: contacts, limbs that are planted, free or reaching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.rig import (
    FRONT,
    LEFT,
    LEFT_SIDE_UP,
    PRONE,
    RIGHT_SIDE_UP,
    STANDING,
    Limb,
    Matrix,
    Rig,
    Vector,
    about,
    align,
    between,
    outward,
    root_of,
    segment,
    swing,
    turn,
)
from lbp_rehab.synthetic.person.body import Body, Pose

Row = NDArray[np.float64]

SINK_M = 0.006  # how far a body presses into its support
DEEPEST_M = 0.010  # no part of it goes deeper
# Heights of joints over the support when the part lies on it.
ELBOW_M, KNEE_M, ANKLE_M = 0.042, 0.058, 0.060
UP: Vector = np.array([0.0, 0.0, 1.0])
HEADWARDS: Vector = np.array([1.0, 0.0, 0.0])
_STRAIGHT = (Dof.PELVIS_LIST, Dof.PELVIS_TURN, Dof.THORAX_LIST, Dof.THORAX_TURN)


@dataclass(frozen=True)
class Habit:
    """How a person likes to lie, kneel or stand.

    Attributes
    ----------
    knee_angle_rad : float
        Flexion of the knees at the top of a bridge, which says how far away the feet stand.
    stance_m : float
        How much further out each foot is than its hip.
    toe_out_rad : float
    arm_out_rad : float
        Abduction of arms that lie beside the body.
    """

    knee_angle_rad: float = float(np.radians(95.0))
    stance_m: float = 0.02
    toe_out_rad: float = float(np.radians(8.0))
    arm_out_rad: float = float(np.radians(22.0))


class Poser:
    """What all postures share.

    Parameters
    ----------
    body : Body
    habit : Habit
    rest : ndarray, shape (len(Dof),)
        The start position, where contacts are found.
    """

    posture = Posture.UNKNOWN
    base: Matrix = STANDING
    free_ankle_rad = float(np.radians(20.0))  # plantar flexion of a foot that carries nothing

    def __init__(self, body: Body, habit: Habit, rest: Row) -> None:
        self.body, self.habit, self.rig = body, habit, Rig(body)
        self._wrist_m = {s: self._palm_height(s) for s in "lr"}
        self._soles_of = {
            self.rig.legs[s].joints[2]: self._part(f"foot.{s.upper()}", *self._toes(s))
            for s in "lr"
        }
        self._feet: dict[str, Vector] = {}
        self._hands: dict[str, Vector] = {}
        self._settle(rest)

    def pose(self, dof: Row) -> Pose:
        """Return the pose of one row of `Movement.at`."""
        pose = self._unlifted(dof)
        # Flesh that no contact was found for, such as a heavy thigh's, lifts the body a little.
        lowest = float(self.body.skin(pose)[:, 2].min())
        pose.root_m[2] += max(-DEEPEST_M - lowest, 0.0)
        return pose

    def _unlifted(self, dof: Row) -> Pose:
        pose = self._trunk(dof)
        for side in "lr":
            self._leg(pose, side, dof)
        for side in "lr":  # after both legs, which hands may hold
            self._arm(pose, side, dof)
        return pose

    def contacts(self) -> dict[str, Vector]:
        """Return where planted ankles and wrists are, by keypoint name."""
        feet = {f"{s}_ankle": p for s, p in self._feet.items()}
        return feet | {f"{s}_wrist": p for s, p in self._hands.items()}

    # What a posture defines

    def _settle(self, rest: Row) -> None:
        raise NotImplementedError

    def _trunk(self, dof: Row) -> Pose:
        raise NotImplementedError

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        raise NotImplementedError

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        raise NotImplementedError

    def _reached(self, pose: Pose, side: str, dof: Row) -> tuple[Vector, Vector]:
        """Return where a reaching hand goes, and the side to which the elbow points."""
        raise NotImplementedError

    # Limbs

    def _leg(self, pose: Pose, side: str, dof: Row) -> None:
        free = dof[of_side("LEG_FREE", side)]
        if free < 1.0:
            self._planted_leg(pose, side, dof)
        if free > 0.0:
            limb = self.rig.legs[side]
            planted = pose.rotation.copy()
            rotation = self.base @ self._swing(side, dof, "HIP")
            self.rig.swing(pose, limb, rotation, dof[of_side("KNEE_FLEXION", side)], arm=False)
            foot = turn(0, dof[of_side("ANKLE_FLEXION", side)] + self.free_ankle_rad)
            pose.rotation[list(limb.end)] = pose.rotation[limb.lower[0]] @ foot
            self._blend(pose, planted, limb, free)
            self._keep_clear(pose, limb)

    def _keep_clear(self, pose: Pose, limb: Limb) -> None:
        """Raise a free leg whose foot would go through the support."""
        foot = self._soles_of[limb.joints[2]]
        if self.rig.lowest(pose, foot) >= -SINK_M:
            return
        bones = [*limb.upper, *limb.lower, *limb.end]
        before = pose.rotation[bones].copy()
        axis = self.base[:, 0]

        def height(angle: float) -> float:
            pose.rotation[bones] = about(axis, angle) @ before
            return self.rig.lowest(pose, foot) + SINK_M

        height(root_of(height, 0.0, np.radians(40.0 if height(0.05) > height(0.0) else -40.0)))

    def _arm(self, pose: Pose, side: str, dof: Row) -> None:
        free, reach = dof[of_side("ARM_FREE", side)], dof[of_side("ARM_REACH", side)]
        limb = self.rig.arms[side]
        if free < 1.0:
            self._planted_arm(pose, side, dof)
        if free > 0.0:
            planted = pose.rotation.copy()
            self._free_arm(pose, side, dof)
            self._blend(pose, planted, limb, free)
        if reach > 0.0:
            start = self.rig.joint(pose, limb, 2)
            before = pose.rotation.copy()
            target, pole = self._reached(pose, side, dof)
            # Past the body's side, not through it.
            bow = 4.0 * reach * (1.0 - reach) * 0.10 * self._outward(side)
            self.rig.reach(pose, limb, start + reach * (target - start) + bow, pole)
            if reach < 0.2:  # the elbow's side goes over smoothly
                self._blend(pose, before, limb, reach / 0.2)

    def _free_arm(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.arms[side]
        flexion = dof[of_side("SHOULDER_FLEXION", side)]
        upper = pose.rotation[self.body.bone(f"shoulder01.{side.upper()}")].copy()
        self.rig.raise_shoulder(pose, side, upper, dof[of_side("ARM_FREE", side)] * flexion)
        rotation = self.base @ self._swing(side, dof, "SHOULDER")
        self.rig.swing(pose, limb, rotation, dof[of_side("ELBOW_FLEXION", side)], arm=True)

    def _swing(self, side: str, dof: Row, joint: str) -> Matrix:
        rotation = dof[of_side("HIP_ROTATION", side)] if joint == "HIP" else 0.0
        return swing(
            dof[of_side(f"{joint}_FLEXION", side)],
            dof[of_side(f"{joint}_ABDUCTION", side)],
            rotation,
            side,
        )

    def _blend(self, pose: Pose, other: NDArray[np.float64], limb: Limb, share: float) -> None:
        """Go a share of the way from other rotations of a limb to those of the pose."""
        if share >= 1.0:
            return
        for bones in (limb.upper, limb.lower, limb.end):
            for bone in bones:
                pose.rotation[bone] = between(other[bone], pose.rotation[bone], share)

    def _outward(self, side: str) -> Vector:
        """Return the support frame's direction to the person's own side."""
        return np.asarray(self.base[:, 0] * outward(side))

    # Trunk

    def _segments(self, dof: Row) -> tuple[Matrix, Matrix]:
        """Return pelvis and thorax in rest axes, the thorax without its tilt."""
        pelvis = segment(dof[Dof.PELVIS_TILT], dof[Dof.PELVIS_LIST], dof[Dof.PELVIS_TURN])
        return pelvis, segment(0.0, dof[Dof.THORAX_LIST], dof[Dof.THORAX_TURN])

    def _hip_middle(self, pose: Pose) -> Vector:
        heads = self.rig.heads(pose)
        hips = [heads[self.rig.legs[s].joints[0]] for s in "lr"]
        return np.asarray(0.5 * (hips[0] + hips[1]))

    def _shoulder_middle(self, pose: Pose) -> Vector:
        heads = self.rig.heads(pose)
        shoulders = [heads[self.rig.arms[s].joints[0]] for s in "lr"]
        return np.asarray(0.5 * (shoulders[0] + shoulders[1]))

    def _part(self, *prefixes: str, facing: Vector | None = None) -> NDArray[np.int64]:
        """Return the vertices that could touch the support: the hull of each bone's surface.

        Parameters
        ----------
        facing : ndarray, optional
            Only those on the side that faces this way at rest.
        """
        chosen = []
        for bone in self.body.bones:
            own = np.flatnonzero(self.body.dominant(bone)) if bone.startswith(prefixes) else ()
            if len(own) > 10:
                own = own[ConvexHull(self.body.vertices[own]).vertices]
                if facing is not None:
                    reach = self.body.vertices[own] @ facing
                    own = own[reach > np.quantile(reach, 0.4)]
                chosen.append(own)
        return np.sort(np.concatenate(chosen))

    def _radius(self, bone: str, direction: Vector, within_m: float = 0.06) -> float:
        """Return how far the surface near a joint lies from it in a direction of the rest axes."""
        local = self.body.vertices - self.body.heads[self.body.bone(bone)]
        near = np.linalg.norm(local, axis=1) < within_m + 0.04
        near &= np.abs(local[:, 2]) < within_m
        return float((local[near] @ direction).max())

    def _toes(self, side: str) -> list[str]:
        return [n for n in self.body.bones if n.startswith("toe") and n.endswith(side.upper())]

    def _foot_height(self, side: str) -> float:
        """Return the ankle's height over a flat sole."""
        sole = self.body.vertices[self._soles, 2].min()
        return float(self.body.heads[self.rig.legs[side].joints[2], 2] - sole) - SINK_M / 2

    @property
    def _soles(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.body.dominant("foot", "toe"))

    def _flat_foot(self, pose: Pose, side: str, toes: Vector) -> None:
        """Stand a foot on its sole with the toes in a direction of the support."""
        limb = self.rig.legs[side]
        left = np.cross(UP, toes)
        rotation = np.stack([left, -toes, UP], axis=1)
        toe_out = outward(side) * self.habit.toe_out_rad
        pose.rotation[list(limb.end)] = turn(2, toe_out) @ rotation

    def _palm_down(self, pose: Pose, side: str, fingers: Vector) -> None:
        """Lay a hand on its palm with the fingers in a level direction of the support."""
        self.rig.twist_hand(pose, self.rig.arms[side], self._palm(side, fingers))

    def _palm(self, side: str, fingers: Vector) -> Matrix:
        limb = self.rig.arms[side]
        return align(limb.along, limb.across, fingers, outward(side) * np.cross(fingers, UP))

    def _palm_height(self, side: str) -> float:
        """Return the height of the wrist over a palm that lies on the support."""
        hand = np.flatnonzero(self.body.dominant("wrist", "finger", "metacarpal"))
        wrist = self.body.heads[self.rig.arms[side].joints[2]]
        mine = hand[self.body.vertices[hand, 0] * wrist[0] > 0.0]
        local = (self.body.vertices[mine] - wrist) @ self._palm(side, HEADWARDS).T
        return float(-local[:, 2].min()) - SINK_M / 3


class OnSide(Poser):
    """What the postures on one side share.

    Parameters
    ----------
    upper : str
        Which side is up, "l" or "r".
    """

    def __init__(self, body: Body, habit: Habit, rest: Row, upper: str = "l") -> None:
        self.base = LEFT_SIDE_UP if upper == "l" else RIGHT_SIDE_UP
        self.posture = Posture.SIDE_RIGHT if upper == "l" else Posture.SIDE_LEFT
        self._top, self._under = upper, "r" if upper == "l" else "l"
        self._down = outward(self._under) * LEFT  # rest axes
        self._front = self.base @ FRONT
        super().__init__(body, habit, rest)


def straight(rest: Row, *also: Dof) -> Row:
    """Return a start position in which pelvis and thorax neither lean nor turn, and more is 0."""
    row = rest.copy()
    row[[*_STRAIGHT, *also]] = 0.0
    return row


def descend(azimuth: Vector, sine: float) -> Vector:
    """Return a unit vector that goes along a level direction and up by ``sine``."""
    sine = float(np.clip(sine, -0.95, 0.95))
    return np.asarray(azimuth * np.sqrt(1.0 - sine**2) + sine * UP)


def instep_down() -> Matrix:
    """Return a foot that lies on its instep, toes away from the head."""
    return PRONE @ turn(0, np.radians(72.0))
