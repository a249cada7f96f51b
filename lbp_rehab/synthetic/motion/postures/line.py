"""Planks: the body in one line over a planted forearm."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.motion.dof import Dof
from lbp_rehab.synthetic.motion.postures.poser import (
    ANKLE_M,
    ELBOW_M,
    HEADWARDS,
    KNEE_M,
    SINK_M,
    OnSide,
    Poser,
    Row,
    descend,
    straight,
)
from lbp_rehab.synthetic.motion.rig import (
    DOWN,
    FRONT,
    PRONE,
    STANDING,
    Limb,
    Vector,
    outward,
    root_of,
    segment,
    turn,
)
from lbp_rehab.synthetic.person.body import Pose


class Line(Poser):
    """A trunk that turns about its lower support with the shoulder over a planted elbow.

    ``SAG`` is the angle at the hips between trunk and legs in the plane of the line.
    """

    _sag_rest = 0.0

    def _line(self, leg_pitch: float, sag: float, dof: Row) -> Pose:
        raise NotImplementedError

    def _over_elbow(self, pose: Pose) -> float:
        """Return how much higher the carrying shoulders are than their upper arms can be."""
        raise NotImplementedError

    def _above(self, pose: Pose, arm: Limb, elbow: Vector) -> float:
        shoulder = self.rig.joint(pose, arm, 0)
        aside = float(np.sum((shoulder - elbow)[:2] ** 2))
        return float(shoulder[2] - elbow[2]) - np.sqrt(max(arm.lengths_m[0] ** 2 - aside, 0.0))

    def _trunk(self, dof: Row) -> Pose:
        lift = float(np.clip(dof[Dof.LIFT], 0.0, 1.2))
        sag = self._sag_rest * (1.0 - lift) + dof[Dof.SAG]
        pitch = root_of(
            lambda angle: self._over_elbow(self._line(angle, sag, dof)),
            np.radians(-30), np.radians(60),
        )  # fmt: skip
        return self._line(pitch, sag, dof)


class Plank(Line):
    """On forearms and toes, the body in one line; starts with the thighs on the mat."""

    posture = Posture.PRONE
    base = PRONE

    def _settle(self, rest: Row) -> None:
        self._touching = self._part(
            "root", "pelvis", "spine05", "spine04", "upperleg01", "upperleg02", facing=FRONT
        )
        self._ball_m = self._ball_height()
        legs, arms = self.rig.legs, self.rig.arms
        self._leg_m = 0.9985 * float(np.mean([sum(legs[s].lengths_m) for s in "lr"]))
        self._arm_m = float(np.mean([arms[s].lengths_m[0] for s in "lr"]))
        self._elbows = {}
        flat = straight(rest)

        def height(pitch: float) -> float:
            shoulder = self._shoulder_middle(self._line(pitch, 0.0, flat))
            return float(shoulder[2] - ELBOW_M - self._arm_m)

        pose = self._line(root_of(height, np.radians(-20), np.radians(40)), 0.0, flat)
        heads = self.rig.heads(pose)
        for s in "lr":
            shoulder = heads[arms[s].joints[0]]
            self._elbows[s] = np.array([shoulder[0], shoulder[1], ELBOW_M])
            hip = heads[legs[s].joints[0]]
            foot = hip + 0.3 * self.habit.stance_m * self._outward(s)
            self._feet[s] = np.array([-0.9, foot[1], self._ball_m])

        def clearance(sag: float) -> float:
            self._sag_rest = sag
            down = straight(rest, Dof.LIFT, Dof.SAG)
            return self.rig.lowest(self._unlifted(down), self._touching) + SINK_M

        clearance(root_of(clearance, np.radians(-40), np.radians(-3)))

    def _ball_height(self) -> float:
        """Return the height of the ankle over toes that carry a vertical foot."""
        ankle = self.body.heads[self.body.bone("foot.L")]
        ball = self.body.heads[self.body.bone("toe2-1.L")]
        return float(ankle[1] - ball[1]) + 0.026 - SINK_M / 2

    def _line(self, leg_pitch: float, sag: float, dof: Row) -> Pose:
        pelvis, thorax = self._segments(dof)
        trunk = turn(1, -(leg_pitch - sag)) @ PRONE
        lower = trunk @ thorax
        upper = lower @ turn(0, dof[Dof.THORAX_FLEXION])
        head = upper @ segment(dof[Dof.NECK_FLEXION] - 0.3, 0.0, dof[Dof.NECK_TURN])
        pose = self.rig.trunk(trunk @ pelvis, lower, upper, head)
        middle = self._hip_middle(pose)
        foot = np.array([-0.9, 0.0, self._ball_m])
        hips = foot + self._leg_m * np.array([np.cos(leg_pitch), 0.0, np.sin(leg_pitch)])
        pose.root_m[:] = hips - middle
        return pose

    def _over_elbow(self, pose: Pose) -> float:
        return float(np.mean([self._above(pose, self.rig.arms[s], self._elbows[s]) for s in "lr"]))

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.legs[side]
        self.rig.reach(pose, limb, self._feet[side], DOWN)
        # The foot stands on its toes, the toes lie on the mat and point to the head.
        pose.rotation[list(limb.end)] = STANDING @ turn(0, np.radians(90.0))
        toes = [b for b in limb.end if self.body.bones[b].startswith("toe")]
        pose.rotation[toes] = STANDING

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.arms[side]
        shoulder = self.rig.joint(pose, limb, 0)
        upper = self._elbows[side] - shoulder
        upper = upper / np.linalg.norm(upper)
        elbow_m = shoulder[2] + limb.lengths_m[0] * upper[2]
        inward = 0.12 * -self._outward(side)
        lower = descend(
            (HEADWARDS + inward) / np.linalg.norm(HEADWARDS + inward),
            (self._wrist_m[side] - elbow_m) / limb.lengths_m[1],
        )
        self.rig.aim(pose, limb, upper, lower, np.cross(upper, lower))
        self._palm_down(pose, side, HEADWARDS)


class SideBridge(OnSide, Line):
    """On one forearm and the bent knees, the side of the body in one line."""

    def _settle(self, rest: Row) -> None:
        down = self._down
        self._flank = self._part("root", "pelvis", "spine05", "upperleg", facing=down)
        self._knee = np.array([-0.55, 0.0, self._radius(f"lowerleg01.{self._under.upper()}", down)])
        arm = self.rig.arms[self._under]
        flat = straight(rest, Dof.LIFT, Dof.SAG)
        self._elbow = np.zeros(3)

        def height(pitch: float) -> float:
            shoulder = self.rig.joint(self._line(pitch, 0.0, flat), arm, 0)
            return float(shoulder[2] - ELBOW_M - arm.lengths_m[0])

        pose = self._line(root_of(height, np.radians(-10), np.radians(50)), 0.0, flat)
        shoulder = self.rig.joint(pose, arm, 0)
        self._elbow = np.array([shoulder[0], shoulder[1], ELBOW_M])

        def clearance(sag: float) -> float:
            self._sag_rest = sag
            return self.rig.lowest(self._unlifted(flat), self._flank) + SINK_M

        clearance(root_of(clearance, np.radians(-50), np.radians(-3)))

    def _line(self, leg_pitch: float, sag: float, dof: Row) -> Pose:
        pelvis, thorax = self._segments(dof)
        # The pelvis goes halfway along with the thigh, so that the side bends smoothly.
        middle = turn(1, -(leg_pitch - 0.5 * sag)) @ self.base
        lower = turn(1, -(leg_pitch - sag)) @ self.base @ thorax
        # A turn is given for the left side up and mirrored for the right.
        sign = outward(self._top)
        hang = dof[Dof.NECK_TURN] * (1.0 if self._top == "l" else -1.0)
        head = lower @ turn(1, -sign * (0.3 * hang + max(hang, 0.0)))
        pose = self.rig.trunk(middle @ pelvis, lower, lower, head)
        limb = self.rig.legs[self._under]
        hip = self.rig.joint(pose, limb, 0)
        thigh = np.array([np.cos(leg_pitch), 0.0, np.sin(leg_pitch)])
        pose.root_m[:] = self._knee + limb.lengths_m[0] * thigh - hip
        return pose

    def _over_elbow(self, pose: Pose) -> float:
        return self._above(pose, self.rig.arms[self._under], self._elbow)

    def _planted_leg(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.legs[side]
        hip = self.rig.joint(pose, limb, 0)
        under = self.rig.joint(pose, self.rig.legs[self._under], 0)
        thigh = (self._knee - under) / np.linalg.norm(self._knee - under)
        if side == self._top:  # lies on the lower leg
            gap = hip + thigh * limb.lengths_m[0]
            gap[2] = max(gap[2] - 0.5 * (gap[2] - KNEE_M - 0.105), KNEE_M + 0.09)
            thigh = (gap - hip) / np.linalg.norm(gap - hip)
        knee = hip + thigh * limb.lengths_m[0]
        ankle_m = ANKLE_M + (0.095 if side == self._top else 0.01)
        shank = descend(-self._front, (ankle_m - knee[2]) / limb.lengths_m[1])
        self.rig.aim(pose, limb, thigh, shank, np.cross(thigh, shank))
        pose.rotation[list(limb.end)] = pose.rotation[limb.lower[0]] @ turn(0, np.radians(35.0))

    def _planted_arm(self, pose: Pose, side: str, dof: Row) -> None:
        limb = self.rig.arms[side]
        if side == self._under:
            upper = self._elbow - self.rig.joint(pose, limb, 0)
            upper = upper / np.linalg.norm(upper)
            ahead = (self._front + 0.25 * HEADWARDS) / np.linalg.norm([1.0, 0.25])
            lower = descend(ahead, (self._wrist_m[side] - ELBOW_M) / limb.lengths_m[1])
            self.rig.aim(pose, limb, upper, lower, np.cross(upper, lower))
        else:
            hip = self.rig.joint(pose, self.rig.legs[side], 0)
            outer = self._outward(side)
            target = hip + 0.13 * outer + 0.07 * HEADWARDS
            self.rig.reach(pose, limb, target, outer + 0.4 * self._front)
