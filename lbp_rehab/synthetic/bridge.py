"""The pose of a body that does a glute bridge on a mat, from the degrees of freedom of a movement.

Hands, feet, head and shoulders stay in contact with the mat and the trunk turns about the
shoulders; arms and legs follow by two-bone inverse kinematics. The support frame has z up, the mat
at z = 0, x to the patient's head, and y to the patient's right (lying supine).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from lbp_rehab.synthetic.body import Body, Pose
from lbp_rehab.synthetic.movement import Dof

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Anny's rest frame (left, back, up) in the support frame of a person lying supine.
SUPINE: Matrix = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
# The same of a foot that stands on the mat, toes away from the head.
_STANDING: Matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

_SINK_M = 0.008  # how far the body presses into the mat
_THORAX_SHARE = 0.85  # of the pelvis's elevation; the rest flexes the lumbar spine
_UPPER_THORAX_SHARE = 0.6  # the upper back peels off the mat last
_KNEE_ANGLE_TOP_RAD = float(np.radians(95.0))  # flexion at the top of the bridge
_KNEE_SPREAD_M = 0.02  # each ankle lies so much further out than its hip
_TOE_OUT_RAD = float(np.radians(8.0))
_ARM_ABDUCTION_RAD = float(np.radians(22.0))
_ELBOW_HEIGHT_M, _WRIST_HEIGHT_M = 0.042, 0.036
_PRONATION_RAD = float(np.radians(70.0))


@dataclass(frozen=True)
class _Limb:
    """A two-bone limb at rest: the bones that carry it, its joints and its hinge axis."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    joints: tuple[int, int, int]
    hinge: Vector


class BridgePoser:
    """Turns the degrees of freedom of a bridge into poses of one body.

    Parameters
    ----------
    body : Body

    Attributes
    ----------
    rest_elevation_rad, full_elevation_rad : float
        Pitch of the pelvis from horizontal with the buttocks on the mat, and with the hips on the
        line from shoulders to knees.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self._buttocks = np.flatnonzero(body.dominant("root", "pelvis", "upperleg01", "spine05"))
        self._back = np.flatnonzero(body.dominant("spine01", "spine02", "shoulder01", "clavicle"))
        self._skull = np.flatnonzero(body.dominant("head", "neck03"))
        self._soles = np.flatnonzero(body.dominant("foot.L", "toe"))
        self._limbs = {side: (self._arm(side), self._leg(side)) for side in "LR"}
        self._shoulders = [body.bone(f"upperarm01.{side}") for side in "LR"]
        self._feet: dict[str, Vector] = {}
        none = np.zeros(len(Dof))
        self.rest_elevation_rad = brentq(
            lambda e: self._trunk(e, none)[1] + _SINK_M, np.radians(-12), np.radians(12)
        )
        self.full_elevation_rad = self._place_feet()

    def pose(self, dof: NDArray[np.float64]) -> Pose:
        """Return the pose at one instant.

        Parameters
        ----------
        dof : ndarray, shape (len(Dof),)
            A row of `Movement.at`.
        """
        span = self.full_elevation_rad - self.rest_elevation_rad
        return self._pose(self.rest_elevation_rad + dof[Dof.LIFT] * span, dof)

    def _pose(self, elevation_rad: float, dof: NDArray[np.float64]) -> Pose:
        pose, _ = self._trunk(elevation_rad, dof)
        heads = self.body.bone_heads(pose)
        for side, outward in (("L", -1.0), ("R", 1.0)):
            arm, leg = self._limbs[side]
            self._rest_arm(pose, arm, heads[arm.joints[0]], outward)
            self._bend_leg(pose, leg, heads[leg.joints[0]], side, dof[Dof.KNEE_ABDUCTION])
        return pose

    def _trunk(self, elevation_rad: float, dof: NDArray[np.float64]) -> tuple[Pose, float]:
        """Pose pelvis, spine and head; return the pose and the height of the buttocks."""
        body = self.body
        rotation = np.empty((len(body.bones), 3, 3))
        pelvis = _turn("x", dof[Dof.OBLIQUITY]) @ _pitch(elevation_rad) @ SUPINE
        extra = _pitch(-dof[Dof.LUMBAR_FLEXION])
        thorax = extra @ _pitch(_THORAX_SHARE * elevation_rad) @ SUPINE
        upper = extra @ _pitch(_UPPER_THORAX_SHARE * elevation_rad) @ SUPINE
        rotation[:] = upper
        for name, share in (("spine05", 0.1), ("spine04", 0.4), ("spine03", 0.75)):
            rotation[body.bone(name)] = _between(pelvis, thorax, share)
        rotation[body.bone("spine02")] = thorax
        for name in ("root", "pelvis.L", "pelvis.R"):
            rotation[body.bone(name)] = pelvis
        for name in ("neck01", "neck02", "neck03"):
            rotation[body.bone(name)] = _between(upper, SUPINE, 0.5)
        for name in ("head", "eye.L", "eye.R"):
            rotation[body.bone(name)] = SUPINE
        pose = Pose(rotation, np.zeros(3))
        shoulders = body.bone_heads(pose)[self._shoulders].mean(axis=0)
        lowest = float(body.skin(pose, self._back)[:, 2].min())
        pose.root_m[:] = [-shoulders[0], -shoulders[1], -lowest - _SINK_M]
        self._rest_head(pose)
        return pose, float(body.skin(pose, self._buttocks)[:, 2].min())

    def _rest_head(self, pose: Pose) -> None:
        """Bend the neck until the back of the head lies on the mat."""
        bones = [self.body.bone(f"neck0{i}") for i in (1, 2, 3)]

        def height(angle_rad: float) -> float:
            for bone in bones:
                pose.rotation[bone] = _pitch(angle_rad) @ SUPINE
            return float(self.body.skin(pose, self._skull)[:, 2].min()) + _SINK_M

        brentq(height, np.radians(-50), np.radians(60), xtol=1e-6)

    def _place_feet(self) -> float:
        """Put the feet where the knees are right at the top; return the elevation there."""
        body = self.body
        sole = body.vertices[self._soles, 2].min() - body.heads[self._limbs["L"][1].joints[2], 2]
        ankle_height_m = -sole - _SINK_M / 2

        def over_line(elevation_rad: float) -> float:
            pose, _ = self._trunk(elevation_rad, np.zeros(len(Dof)))
            heads = body.bone_heads(pose)
            for side, outward in (("L", -1.0), ("R", 1.0)):
                leg = self._limbs[side][1]
                hip = heads[leg.joints[0]]
                thigh, shank = self._lengths(leg)
                reach = np.sqrt(
                    thigh**2 + shank**2 + 2 * thigh * shank * np.cos(_KNEE_ANGLE_TOP_RAD)
                )
                ahead = np.sqrt(max(reach**2 - (hip[2] - ankle_height_m) ** 2, 0.0))
                spread = hip[1] + outward * _KNEE_SPREAD_M
                self._feet[side] = np.array([hip[0] - ahead, spread, ankle_height_m])
            self._bend_leg(pose, self._limbs["L"][1], heads[self._limbs["L"][1].joints[0]], "L", 0)
            knee = body.bone_heads(pose)[self._limbs["L"][1].joints[1]]
            hip = heads[self._limbs["L"][1].joints[0]]
            shoulder = heads[self._shoulders[0]]
            share = (hip[0] - shoulder[0]) / (knee[0] - shoulder[0])
            return float(hip[2] - (shoulder[2] + share * (knee[2] - shoulder[2])))

        full = float(brentq(over_line, np.radians(5), np.radians(55)))
        over_line(full)  # leaves the feet where they belong
        return full

    def _rest_arm(self, pose: Pose, arm: _Limb, shoulder: Vector, outward: float) -> None:
        """Lay an arm on the mat beside the body, palm down."""
        upper_m, lower_m = self._lengths(arm)
        azimuth = np.array([-np.cos(_ARM_ABDUCTION_RAD), outward * np.sin(_ARM_ABDUCTION_RAD), 0.0])
        upper = _descend(azimuth, (_ELBOW_HEIGHT_M - shoulder[2]) / upper_m)
        lower = _descend(azimuth, (_WRIST_HEIGHT_M - _ELBOW_HEIGHT_M) / lower_m)
        hinge = np.cross(azimuth, [0.0, 0.0, 1.0])
        self._set(pose, arm, upper, lower, hinge)
        twist = Rotation.from_rotvec(-outward * _PRONATION_RAD * lower).as_matrix()
        # The forearm twists along its length: half at its second bone, all of it at the hand.
        half = Rotation.from_rotvec(-outward * _PRONATION_RAD / 2 * lower).as_matrix()
        first = pose.rotation[arm.lower[0]].copy()
        pose.rotation[arm.lower[1]] = half @ first
        for hand in arm.lower[2:]:
            pose.rotation[hand] = twist @ first

    def _bend_leg(
        self, pose: Pose, leg: _Limb, hip: Vector, side: str, knee_abduction_rad: float
    ) -> None:
        """Bend hip and knee so that the ankle is where the foot stands."""
        outward = -1.0 if side == "L" else 1.0
        ankle = self._feet[side]
        thigh_m, shank_m = self._lengths(leg)
        span = ankle - hip
        reach = min(float(np.linalg.norm(span)), 0.999 * (thigh_m + shank_m))
        along = span / np.linalg.norm(span)
        lean = np.array([0.0, outward * np.sin(knee_abduction_rad), np.cos(knee_abduction_rad)])
        up = lean - (lean @ along) * along
        up /= np.linalg.norm(up)
        cosine = (thigh_m**2 + reach**2 - shank_m**2) / (2 * thigh_m * reach)
        knee = hip + thigh_m * (cosine * along + np.sqrt(max(1 - cosine**2, 0.0)) * up)
        thigh, shank = (knee - hip) / thigh_m, (ankle - knee) / np.linalg.norm(ankle - knee)
        self._set(pose, leg, thigh, shank, np.cross(up, along))
        yaw = Rotation.from_euler("z", -outward * _TOE_OUT_RAD).as_matrix()
        for bone in leg.lower[2:]:
            pose.rotation[bone] = yaw @ _STANDING

    def _set(self, pose: Pose, limb: _Limb, upper: Vector, lower: Vector, hinge: Vector) -> None:
        start, middle, end = (self.body.heads[j] for j in limb.joints)
        pose.rotation[list(limb.upper)] = _align(middle - start, limb.hinge, upper, hinge)
        pose.rotation[list(limb.lower)] = _align(end - middle, limb.hinge, lower, hinge)

    def _lengths(self, limb: _Limb) -> tuple[float, float]:
        start, middle, end = (self.body.heads[j] for j in limb.joints)
        return float(np.linalg.norm(middle - start)), float(np.linalg.norm(end - middle))

    def _arm(self, side: str) -> _Limb:
        bones = self.body.bones
        joints = tuple(self.body.bone(f"{b}.{side}") for b in ("upperarm01", "lowerarm01", "wrist"))
        start, middle, end = (self.body.heads[j] for j in joints)
        hand = [
            i
            for i, b in enumerate(bones)
            if b.endswith(side) and b.startswith(("wrist", "finger", "metacarpal"))
        ]
        return _Limb(
            upper=(joints[0], self.body.bone(f"upperarm02.{side}")),
            lower=(joints[1], self.body.bone(f"lowerarm02.{side}"), *hand),
            joints=(joints[0], joints[1], joints[2]),
            hinge=np.cross(middle - start, end - middle),
        )

    def _leg(self, side: str) -> _Limb:
        body = self.body
        joints = tuple(body.bone(f"{b}.{side}") for b in ("upperleg01", "lowerleg01", "foot"))
        foot = [
            i
            for i, b in enumerate(body.bones)
            if b.endswith(side) and b.startswith(("foot", "toe"))
        ]
        return _Limb(
            upper=(joints[0], body.bone(f"upperleg02.{side}")),
            lower=(joints[1], body.bone(f"lowerleg02.{side}"), *foot),
            joints=(joints[0], joints[1], joints[2]),
            hinge=np.array([1.0, 0.0, 0.0]),
        )


def pelvis_axes(pose: Pose) -> Matrix:
    """Return the pelvis axes of ``PelvisState.msg`` (anterior, left, cranial) as columns."""
    return pose.rotation[0] @ np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def thorax_axes(body: Body, pose: Pose) -> Matrix:
    """Return the axes of the lower thorax (anterior, left, cranial) as columns."""
    return pose.rotation[body.bone("spine02")] @ np.array(
        [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    )


def _pitch(angle_rad: float) -> Matrix:
    """Turn the caudal end of a supine body up about the support frame's y axis."""
    return _turn("y", angle_rad)


def _turn(axis: str, angle_rad: float) -> Matrix:
    return Rotation.from_euler(axis, angle_rad).as_matrix()


def _between(a: Matrix, b: Matrix, share: float) -> Matrix:
    """Return the rotation a share of the way from ``a`` to ``b`` along the shortest path."""
    step = Rotation.from_matrix(b @ a.T).as_rotvec()
    return Rotation.from_rotvec(share * step).as_matrix() @ a


def _descend(azimuth: Vector, sine: float) -> Vector:
    return azimuth * np.sqrt(1.0 - sine**2) + np.array([0.0, 0.0, sine])


def _align(direction: Vector, axis: Vector, to_direction: Vector, to_axis: Vector) -> Matrix:
    """Return the rotation that takes a direction, and an axis as nearly as can be, to others."""
    return _basis(to_direction, to_axis) @ _basis(direction, axis).T


def _basis(direction: Vector, axis: Vector) -> Matrix:
    first = direction / np.linalg.norm(direction)
    second = axis - (axis @ first) * first
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)
