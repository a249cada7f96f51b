"""Lying on the back, from the pelvic tilt to the bridge."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.postures.poser import (
    ELBOW_M,
    HEADWARDS,
    SINK_M,
    UP,
    Poser,
    Row,
    descend,
    straight,
)
from lbp_rehab.synthetic.motion.rig import (
    DOWN,
    FRONT,
    SUPINE,
    Vector,
    root_of,
    turn,
)
from lbp_rehab.synthetic.person.body import Pose


class Supine(Poser):
    """Lying on the back, knees bent, feet on the mat; the hips can lift into a bridge."""

    posture = Posture.SUPINE
    base = SUPINE

    def _settle(self, rest: Row) -> None:
        back = -FRONT
        self._buttocks = self._part("root", "pelvis", "upperleg01", "spine05", facing=back)
        self._back = self._part("spine01", "spine02", "shoulder01", "clavicle", facing=back)
        self._skull = self._part("head", "neck03")
        self._lift_m = self._pitch = 0.0
        self._feet = {s: np.zeros(3) for s in "lr"}
        self._calibrate(rest)

    def _calibrate(self, rest: Row) -> None:
        """Find the bridge whose hips lie on the line from shoulders to knees, and the feet."""
        flat = straight(rest, Dof.LIFT)

        def over_line(pitch: float) -> float:
            pose, height = self._bent(pitch, 0.0, flat)
            self._lift_m, self._pitch = height + SINK_M, pitch
            heads = self.rig.heads(pose)
            for side in "lr":
                limb, outward = self.rig.legs[side], self._outward(side)
                hip = heads[limb.joints[0]]
                ankle = self._foot_height(side)
                reach = limb.bend_m(self.habit.knee_angle_rad)
                ahead = np.sqrt(max(reach**2 - (hip[2] - ankle) ** 2, 0.0))
                foot = hip - ahead * HEADWARDS + self.habit.stance_m * outward
                self._feet[side] = np.array([foot[0], foot[1], ankle])
            self._planted_leg(pose, "l", flat)
            knee = self.rig.joint(pose, self.rig.legs["l"], 1)
            hip, shoulder = self._hip_middle(pose), self._shoulder_middle(pose)
            share = (hip[0] - shoulder[0]) / (knee[0] - shoulder[0])
            return float(hip[2] - (shoulder[2] + share * (knee[2] - shoulder[2])))

        over_line(root_of(over_line, np.radians(6), np.radians(50)))

    def _bent(self, pitch: float, sway: float, dof: Row) -> tuple[Pose, float]:
        """Pose the trunk with the upper back on the mat; return the height of the buttocks."""
        pelvis, thorax = self._segments(dof)
        thorax_pitch = 0.85 * pitch
        lower = turn(1, thorax_pitch) @ SUPINE @ thorax
        # The upper back peels off the mat last.
        upper = turn(1, 0.7 * thorax_pitch) @ SUPINE @ thorax
        upper = upper @ turn(0, dof[Dof.THORAX_FLEXION] * 0.3)
        pose = self.rig.trunk(turn(1, pitch) @ SUPINE @ pelvis, lower, upper, SUPINE, turn(1, sway))
        shoulders = self._shoulder_middle(pose)
        lowest = self.rig.lowest(pose, self._back)
        pose.root_m[:] = [0.45 - shoulders[0], -shoulders[1], -lowest - SINK_M]
        return pose, self.rig.lowest(pose, self._buttocks)

    def _trunk(self, dof: Row) -> Pose:
        lift = max(dof[Dof.LIFT], 0.0)
        wanted = lift * self._lift_m - SINK_M
        pitch = lift * self._pitch
        # The lumbar spine gives way so that the buttocks are where they should be.
        sway = root_of(
            lambda angle: self._bent(pitch, angle, dof)[1] - wanted,
            np.radians(-40), np.radians(40),
        )  # fmt: skip
        pose, _ = self._bent(pitch, sway, dof)
        self._rest_head(pose, dof)
        return pose

    def _rest_head(self, pose: Pose, dof: Row) -> None:
        """Bend the neck until the back of the head lies on the mat, then as far as wanted."""
        upper = pose.rotation[self.body.bone("spine01")]
        looking = SUPINE @ turn(2, dof[Dof.NECK_TURN])

        def height(angle: float) -> float:
            self.rig.turn_head(pose, turn(1, -angle) @ upper, turn(1, -0.5 * angle) @ looking)
            return self.rig.lowest(pose, self._skull) + SINK_M

        lying = root_of(height, np.radians(-70), np.radians(60))
        height(lying)
        raised = max(dof[Dof.NECK_FLEXION], 0.0)
        if raised > 0.0:
            neck = turn(1, -(lying + raised)) @ upper
            self.rig.turn_head(pose, neck, turn(1, -(0.5 * lying + raised)) @ looking)

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        out = dof[of_side("KNEE_OUT", side)]
        pole = np.cos(out) * UP + np.sin(out) * self._outward(side)
        target = self._feet[side] + dof[of_side("FOOT_UP", side)] * UP
        self.rig.reach(pose, self.rig.legs[side], target, pole)
        self._flat_foot(pose, side, -HEADWARDS)

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.arms[side]
        shoulder = self.rig.joint(pose, limb, 0)
        out = self.habit.arm_out_rad + dof[of_side("SHOULDER_ABDUCTION", side)]
        azimuth = -np.cos(out) * HEADWARDS + np.sin(out) * self._outward(side)
        upper = descend(azimuth, (ELBOW_M - shoulder[2]) / limb.lengths_m[0])
        lower = descend(azimuth, (self._wrist_m[side] - ELBOW_M) / limb.lengths_m[1])
        self.rig.aim(pose, limb, upper, lower, np.cross(azimuth, UP))
        self._palm_down(pose, side, azimuth)

    def _reached(self, pose: Pose, side: str, dof: Row) -> tuple[Vector, Vector]:
        # The shin of the leg that is drawn up, just below the knee; of both, the one further up.
        raised = np.array(
            [dof[of_side("LEG_FREE", s)] * dof[of_side("HIP_FLEXION", s)] for s in "lr"]
        )
        shares = np.exp((raised - raised.max()) / np.radians(5.0))
        target = np.zeros(3)
        for s, share in zip("lr", shares / shares.sum(), strict=True):
            limb = self.rig.legs[s]
            knee, ankle = (self.rig.joint(pose, limb, k) for k in (1, 2))
            front = pose.rotation[limb.lower[0]] @ FRONT
            target += share * (knee + 0.2 * (ankle - knee) + 0.06 * front)
        target += 0.05 * self._outward(side)
        return target, self._outward(side) + 0.3 * DOWN
