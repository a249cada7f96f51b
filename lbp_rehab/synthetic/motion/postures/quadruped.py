"""On hands and knees."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.postures.poser import (
    ANKLE_M,
    HEADWARDS,
    SINK_M,
    UP,
    Poser,
    Row,
    descend,
    instep_down,
    straight,
)
from lbp_rehab.synthetic.motion.rig import (
    FRONT,
    PRONE,
    root_of,
    segment,
    turn,
)
from lbp_rehab.synthetic.person.body import Pose


class Quadruped(Poser):
    """On hands and knees."""

    posture = Posture.QUADRUPED
    base = PRONE
    free_ankle_rad = float(np.radians(55.0))

    def _settle(self, rest: Row) -> None:
        legs, arms = self.rig.legs, self.rig.arms
        self._thigh_m = float(np.mean([legs[s].lengths_m[0] for s in "lr"]))
        self._knee_m = self._radius("lowerleg01.L", FRONT) - SINK_M
        self._hip_m = self._knee_m + self._thigh_m * np.cos(np.radians(5.0))
        self._knees = {}
        self._hands = {s: np.array([0.0, 0.0, self._wrist_m[s]]) for s in "lr"}
        flat = straight(rest)
        reach = np.mean([arms[s].bend_m(rest[of_side("ELBOW_FLEXION", s)]) for s in "lr"])

        def height(pitch: float) -> float:
            pose = self._bent(pitch, flat)
            return float(self._shoulder_middle(pose)[2] - self._wrist_m["l"] - reach)

        pose = self._bent(root_of(height, np.radians(-40), np.radians(40)), flat)
        heads = self.rig.heads(pose)
        for s in "lr":
            hip, shoulder = heads[legs[s].joints[0]], heads[arms[s].joints[0]]
            out = self._outward(s)
            knee = hip + self.habit.stance_m * out
            self._knees[s] = np.array([knee[0] + 0.02, knee[1], self._knee_m])
            hand = shoulder + 0.5 * self.habit.stance_m * out
            self._hands[s] = np.array([hand[0], hand[1], self._wrist_m[s]])

    def _bent(self, pitch: float, dof: Row) -> Pose:
        """Pose the trunk with the hips over the knees; ``pitch`` lowers the shoulders."""
        pelvis, thorax = self._segments(dof)
        lower = turn(1, pitch) @ PRONE @ thorax
        upper = lower @ turn(0, dof[Dof.THORAX_FLEXION])
        head = upper @ segment(dof[Dof.NECK_FLEXION], 0.0, dof[Dof.NECK_TURN])
        pose = self.rig.trunk(PRONE @ pelvis, lower, upper, head @ turn(0, -0.2))
        middle = self._hip_middle(pose)
        pose.root_m[:] = [-0.25 + dof[Dof.SHIFT] - middle[0], -middle[1], self._hip_m - middle[2]]
        return pose

    def _trunk(self, dof: Row) -> Pose:
        planted = {s: 1.0 - dof[of_side("ARM_FREE", s)] for s in "lr"}
        reach = {
            s: self.rig.arms[s].bend_m(max(dof[of_side("ELBOW_FLEXION", s)], 0.0)) for s in planted
        }
        up = self._knee_lift(dof)

        def slack(pitch: float) -> float:
            heads = self.rig.heads(self._bent(pitch, dof))
            total = 0.0
            for s, weight in planted.items():
                shoulder = heads[self.rig.arms[s].joints[0]] + up * UP
                total += weight * (float(np.linalg.norm(shoulder - self._hands[s])) - reach[s])
            return total

        pose = self._bent(root_of(slack, np.radians(-50), np.radians(50)), dof)
        pose.root_m[2] += up
        return pose

    def _knee_lift(self, dof: Row) -> float:
        """Return how far the pelvis must rise for the planted knees to carry it, metres."""
        heads = self.rig.heads(self._bent(0.0, dof))
        needed, weights = 0.0, 0.0
        for s in "lr":
            weight = 1.0 - dof[of_side("LEG_FREE", s)]
            hip, knee = heads[self.rig.legs[s].joints[0]], self._knees[s]
            aside = float(np.sum((hip - knee)[:2] ** 2))
            height = self._knee_m + np.sqrt(max(self.rig.legs[s].lengths_m[0] ** 2 - aside, 0.0))
            needed += weight * (height - hip[2])
            weights += weight
        return needed / max(weights, 1e-9)

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.legs[side]
        thigh = self._knees[side] - self.rig.joint(pose, limb, 0)
        shank = descend(-HEADWARDS, (ANKLE_M - self._knee_m) / limb.lengths_m[1])
        left = self.base[:, 0]
        self.rig.aim(pose, limb, thigh / np.linalg.norm(thigh), shank, left)
        pose.rotation[list(limb.end)] = instep_down()

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        pole = -HEADWARDS + 0.6 * self._outward(side)
        self.rig.reach(pose, self.rig.arms[side], self._hands[side], pole)
        self._palm_down(pose, side, HEADWARDS)

    def _free_arm(self, pose: Pose, side: str, dof: Row) -> None:
        super()._free_arm(pose, side, dof)
        self._palm_down(pose, side, HEADWARDS)
