"""Lying on one side."""

from __future__ import annotations

import numpy as np

from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.postures.poser import (
    ELBOW_M,
    HEADWARDS,
    SINK_M,
    UP,
    OnSide,
    Row,
    descend,
    straight,
)
from lbp_rehab.synthetic.motion.rig import (
    Vector,
    root_of,
    segment,
    turn,
)
from lbp_rehab.synthetic.person.body import Pose

_LOWER_LEG = ("lowerleg01", "lowerleg02", "foot", "toe5-1", "toe5-2", "toe5-3")


class Side(OnSide):
    """Lying on one side with hips and knees bent: the clam."""

    def _settle(self, rest: Row) -> None:
        down = self._down
        self._hips = self._part("root", "pelvis", "spine05", "upperleg01", facing=down)
        self._ribs = self._part("spine02", "spine01", "shoulder01", "clavicle", facing=down)
        self._hip_flexion = np.radians(48.0)
        self._shoulder_m = self._radius(f"upperarm01.{self._under.upper()}", down, 0.05)
        self._knee_m: dict[str, float] = {}
        self._ankle_m: dict[str, float] = {}
        for s, under in ((self._under, None), (self._top, self._under)):
            for joint, heights in (("lowerleg01", self._knee_m), ("foot", self._ankle_m)):
                below = self._radius(f"{joint}.{s.upper()}", down) - SINK_M
                if under is not None:  # on the other leg
                    inner = self._radius(f"{joint}.{under.upper()}", -down)
                    below += heights[under] + inner
                heights[s] = below
        flat = straight(rest)
        trunk = self._trunk(flat)
        lower_leg = self._part(*(f"{n}.{self._under.upper()}" for n in _LOWER_LEG))
        for _ in range(2):
            self._place_feet(trunk)
            raised = self.rig.lowest(self._unlifted(flat), lower_leg) + SINK_M
            for heights in (self._knee_m, self._ankle_m):
                for s in heights:
                    heights[s] -= raised
        self._place_feet(trunk)

    def _place_feet(self, trunk: Pose) -> None:
        level = -HEADWARDS * np.sin(np.radians(50.0)) - self._front * np.cos(np.radians(50.0))
        for s, knee_m in self._knee_m.items():
            limb = self.rig.legs[s]
            hip = self.rig.joint(trunk, limb, 0)
            knee = hip + self._thigh(s, hip, knee_m) * limb.lengths_m[0]
            rise = (self._ankle_m[s] - knee[2]) / limb.lengths_m[1]
            self._feet[s] = knee + limb.lengths_m[1] * descend(level, rise)

    def _thigh(self, side: str, hip: Vector, knee_m: float) -> Vector:
        level = -HEADWARDS * np.cos(self._hip_flexion) + self._front * np.sin(self._hip_flexion)
        return descend(level, (knee_m - hip[2]) / self.rig.legs[side].lengths_m[0])

    def _bent(self, roll: float, dof: Row) -> Pose:
        """Pose the trunk with the hip on the mat; ``roll`` lowers the ribs."""
        pelvis, thorax = self._segments(dof)
        lower = turn(1, roll) @ self.base @ thorax
        upper = lower @ turn(0, dof[Dof.THORAX_FLEXION] * 0.5)
        # The lower arm lies under the head.
        head = (
            turn(1, 0.35 * roll)
            @ self.base
            @ segment(dof[Dof.NECK_FLEXION] * 0.5 + 0.1, 0.0, 0.5 * dof[Dof.NECK_TURN])
        )
        pose = self.rig.trunk(self.base @ pelvis, lower, upper, head)
        middle = self._hip_middle(pose)
        lowest = self.rig.lowest(pose, self._hips)
        pose.root_m[:] = [-0.15 - middle[0], -middle[1], -lowest - SINK_M]
        return pose

    def _trunk(self, dof: Row) -> Pose:
        def height(roll: float) -> float:
            pose = self._bent(roll, dof)
            shoulder = self.rig.joint(pose, self.rig.arms[self._under], 0)[2] - self._shoulder_m
            return min(self.rig.lowest(pose, self._ribs), float(shoulder)) + SINK_M

        return self._bent(root_of(height, np.radians(-25), np.radians(25)), dof)

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.legs[side]
        hip = self.rig.joint(pose, limb, 0)
        target = self._feet[side] + dof[of_side("FOOT_UP", side)] * UP
        out = max(dof[of_side("KNEE_OUT", side)], 0.0) if side == self._top else 0.0
        along = (target - hip) / np.linalg.norm(target - hip)
        # At rest the knee is where it was found; then it turns up about the line to the ankle.
        pole = self._thigh(side, hip, self._knee_m[side])
        pole = pole - (pole @ along) * along
        pole = pole / np.linalg.norm(pole)
        up = np.cross(along, pole)
        up = up if up[2] > 0 else -up
        self.rig.reach(pose, limb, target, np.cos(out) * pole + np.sin(out) * up)
        foot = pose.rotation[limb.lower[0]] @ turn(0, np.radians(10.0))
        pose.rotation[list(limb.end)] = foot

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.arms[side]
        shoulder = self.rig.joint(pose, limb, 0)
        if side == self._under:
            # Upper arm forwards on the mat, forearm back under the head.
            azimuth = 0.75 * self._front + 0.66 * HEADWARDS
            azimuth = azimuth / np.linalg.norm(azimuth)
            upper = descend(azimuth, (ELBOW_M - shoulder[2]) / limb.lengths_m[0])
            back = 0.55 * HEADWARDS - 0.83 * self._front
            lower = descend(back, (self._wrist_m[side] - ELBOW_M) / limb.lengths_m[1])
            self.rig.aim(pose, limb, upper, lower, np.cross(upper, lower))
        else:
            # The hand rests on the mat before the chest.
            target = shoulder + 0.30 * self._front - 0.10 * HEADWARDS
            target[2] = self._wrist_m[side]
            self.rig.reach(pose, limb, target, self._front + 0.7 * UP - 0.6 * HEADWARDS)
            self._palm_down(pose, side, HEADWARDS)
