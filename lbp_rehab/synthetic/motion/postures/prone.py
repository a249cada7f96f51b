"""Lying on the front."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.dof import Dof
from lbp_rehab.synthetic.motion.postures.poser import (
    ANKLE_M,
    HEADWARDS,
    SINK_M,
    UP,
    Poser,
    Row,
    instep_down,
)
from lbp_rehab.synthetic.motion.rig import (
    DOWN,
    FRONT,
    PRONE,
    Vector,
    about,
    between,
    root_of,
    segment,
    turn,
)
from lbp_rehab.synthetic.person.body import Pose


class Prone(Poser):
    """Lying on the front, hands beside the shoulders: the press-up."""

    posture = Posture.PRONE
    base = PRONE

    def _settle(self, rest: Row) -> None:
        self._belly = self._part("root", "pelvis", "spine05", "spine04", facing=FRONT)
        self._thighs = self._part("upperleg01", "upperleg02")
        self._chest = self._part("spine03", "spine02", "spine01", "breast", facing=FRONT)
        self._face = self._part("head")
        self._rest_pitch = 0.0
        self._knee_m = {s: self._radius(f"lowerleg01.{s.upper()}", FRONT) - SINK_M for s in "lr"}
        flat = rest.copy()
        flat[[Dof.LUMBAR_FLEXION, Dof.LIFT]] = 0.0

        def chest_height(pitch: float) -> float:
            self._rest_pitch = pitch
            return self.rig.lowest(self._trunk(flat), self._chest) + SINK_M

        chest_height(root_of(chest_height, np.radians(-25), np.radians(25)))
        pose = self._trunk(flat)
        heads = self.rig.heads(pose)
        for s in "lr":
            shoulder, hip = (heads[limb[s].joints[0]] for limb in (self.rig.arms, self.rig.legs))
            out = self._outward(s)
            hand = shoulder + 0.04 * HEADWARDS + (0.07 + self.habit.stance_m) * out
            self._hands[s] = np.array([hand[0], hand[1], self._wrist_m[s]])
            self._feet[s] = self._foot(s, hip)

    def _foot(self, side: str, hip: Vector) -> Vector:
        """Return where the ankle lies so that the knee touches the mat too."""
        knee_m = self._knee_m[side]
        thigh, shank = self.rig.legs[side].lengths_m
        back = np.sqrt(thigh**2 - (hip[2] - knee_m) ** 2) + np.sqrt(
            shank**2 - (knee_m - ANKLE_M) ** 2
        )
        foot = hip - back * HEADWARDS + self.habit.stance_m * self._outward(side)
        foot[2] = ANKLE_M
        return np.asarray(foot)

    def _trunk(self, dof: Row) -> Pose:
        pelvis, thorax = self._segments(dof)
        bend = self._rest_pitch + min(dof[Dof.LUMBAR_FLEXION], 0.0)
        lower = PRONE @ pelvis @ thorax @ turn(0, bend)
        upper = lower @ turn(0, dof[Dof.THORAX_FLEXION])
        level = between(upper, PRONE, 0.5)
        head = level @ segment(dof[Dof.NECK_FLEXION] - 0.35, 0.0, dof[Dof.NECK_TURN])
        pose = self.rig.trunk(PRONE @ pelvis, lower, upper, head)
        middle = self._hip_middle(pose)
        for s in "lr":  # the thighs carry the weight with the belly
            pose.rotation[list(self.rig.legs[s].upper)] = PRONE
        pose.root_m[:2] = -middle[:2]
        lift = max(dof[Dof.LIFT], 0.0)
        for turned in range(3):  # how they lie depends on how high the hips are
            lowest = min(self.rig.lowest(pose, part) for part in (self._belly, self._thighs))
            pose.root_m[2] += lift - lowest - SINK_M
            if not self._feet or turned == 2:
                break
            for s in "lr":
                self._planted_leg(pose, s, dof)
        self._keep_head_clear(pose)
        return pose

    def _keep_head_clear(self, pose: Pose) -> None:
        """Raise a head whose face would go through the support."""
        if self.rig.lowest(pose, self._face) >= -SINK_M:
            return
        upper = pose.rotation[self.body.bone("spine01")].copy()
        before = pose.rotation[self.body.bone("head")].copy()
        axis = self.base[:, 0]

        def height(angle: float) -> float:
            self.rig.turn_head(pose, upper, about(axis, angle) @ before)
            return self.rig.lowest(pose, self._face) + SINK_M

        height(root_of(height, 0.0, np.radians(-60.0)))

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        self.rig.reach(pose, self.rig.legs[side], self._feet[side], DOWN)
        pose.rotation[list(self.rig.legs[side].end)] = instep_down()

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        pole = -HEADWARDS + 0.5 * self._outward(side) + 0.6 * UP
        self.rig.reach(pose, self.rig.arms[side], self._hands[side], pole)
        self._palm_down(pose, side, HEADWARDS)
