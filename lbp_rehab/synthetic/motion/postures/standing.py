"""Upright."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.postures.poser import (
    HEADWARDS,
    Poser,
    Row,
)
from lbp_rehab.synthetic.motion.rig import (
    STANDING,
    Vector,
    outward,
    segment,
    turn,
)
from lbp_rehab.synthetic.person.body import Pose


class Standing(Poser):
    """Upright on both feet."""

    posture = Posture.STANDING
    base = STANDING

    def _settle(self, rest: Row) -> None:
        self._soft = np.radians(6.0)  # knees are never locked
        for s in "lr":
            limb = self.rig.legs[s]
            hip = self.body.heads[limb.joints[0]]
            out = self._outward(s)
            place = (abs(hip[0]) + self.habit.stance_m) * out
            self._feet[s] = np.array([-0.02, place[1], self._foot_height(s)])

    def _trunk(self, dof: Row) -> Pose:
        pelvis, thorax = self._segments(dof)
        bend = dof[Dof.LUMBAR_FLEXION]
        # The thorax's tilt goes on from the pelvis's, its list and turn are its own.
        lower = STANDING @ turn(0, dof[Dof.PELVIS_TILT] + bend) @ thorax
        upper = lower @ turn(0, dof[Dof.THORAX_FLEXION])
        head = upper @ segment(dof[Dof.NECK_FLEXION], 0.0, dof[Dof.NECK_TURN])
        pose = self.rig.trunk(STANDING @ pelvis, lower, upper, head)
        middle = self._hip_middle(pose)
        heads = self.rig.heads(pose)
        heights = []
        for s in "lr":
            limb = self.rig.legs[s]
            hip = heads[limb.joints[0]] - middle + dof[Dof.SHIFT] * HEADWARDS
            aside = float(np.sum((hip - self._feet[s])[:2] ** 2))
            reach = limb.bend_m(self._soft + max(dof[of_side("KNEE_FLEXION", s)], 0.0))
            heights.append(self._feet[s][2] + np.sqrt(reach**2 - aside) - hip[2])
        pose.root_m[:] = [dof[Dof.SHIFT] - middle[0], -middle[1], min(heights) - middle[2]]
        return pose

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        out = dof[of_side("KNEE_OUT", side)] * 0.5
        pole = np.cos(out) * HEADWARDS + np.sin(out) * self._outward(side)
        self.rig.reach(pose, self.rig.legs[side], self._feet[side], pole)
        self._flat_foot(pose, side, HEADWARDS)

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        # An arm hangs; it has nothing to be planted on.
        hanging = dof.copy()
        hanging[of_side("SHOULDER_ABDUCTION", side)] += np.radians(8.0)
        hanging[of_side("ELBOW_FLEXION", side)] += np.radians(12.0)
        self._free_arm(pose, side, hanging)

    def _reached(self, pose: Pose, side: str, dof: Row) -> tuple[Vector, Vector]:
        # Hands on the small of the back, as for the backward bend.
        hip = self.rig.joint(pose, self.rig.legs[side], 0)
        pelvis = pose.rotation[0]
        out = outward(side)
        target = hip + pelvis @ np.array([0.05 * out, 0.10, 0.12])
        return target, pelvis @ np.array([out, 0.8, 0.0])
