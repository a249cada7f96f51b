"""Posing a body's trunk and limbs by directions in the world.

Rest axes are Anny's: x to the person's left, y to the back, z up. A ``base`` is the rotation from
them to the support frame of a posture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from lbp_rehab.synthetic.person.body import Body, Pose

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Rest axes; down is also along a hanging limb.
DOWN: Vector = np.array([0.0, 0.0, -1.0])
LEFT: Vector = np.array([1.0, 0.0, 0.0])
FRONT: Vector = np.array([0.0, -1.0, 0.0])

# From rest axes to the support frame; columns are where left, back and up of the person point.
SUPINE: Matrix = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
PRONE: Matrix = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
LEFT_SIDE_UP: Matrix = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
RIGHT_SIDE_UP: Matrix = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
STANDING: Matrix = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

# Arms and legs are never stretched to the last millimetre.
_LONGEST = 0.99999


def turn(axis: int, angle_rad: float) -> Matrix:
    """Return the rotation about a coordinate axis (0, 1 or 2)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    out = np.eye(3)
    out[i, i] = out[j, j] = c
    out[i, j], out[j, i] = -s, s
    return out


def outward(side: str) -> float:
    """Return 1 for the left side "l", along the rest axes' x, and -1 for the right one."""
    return 1.0 if side == "l" else -1.0


def about(axis: Vector, angle_rad: float) -> Matrix:
    """Return the rotation about a unit vector (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle_rad) * cross + (1.0 - np.cos(angle_rad)) * cross @ cross


def segment(tilt: float, list_: float, turn_: float) -> Matrix:
    """Return a trunk segment's rotation in rest axes from its angles (see `Dof`), radians."""
    return turn(2, turn_) @ turn(1, list_) @ turn(0, tilt)


def _axial(rotation: Matrix) -> Vector:
    """Return a rotation's axis times twice the sine of its angle."""
    r = rotation
    return np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])


def between(a: Matrix, b: Matrix, share: float) -> Matrix:
    """Return the rotation a share of the way from ``a`` to ``b`` along the shortest path."""
    step = b @ a.T
    twice_sine = _axial(step)
    size = float(np.linalg.norm(twice_sine))
    angle = np.arctan2(size, np.trace(step) - 1.0)
    if size < 1e-9:
        return a if angle < 1.0 else about(np.array([0.0, 0.0, 1.0]), share * np.pi) @ a
    return about(twice_sine / size, share * float(angle)) @ a


def swing(flexion: float, abduction: float, rotation: float, side: str) -> Matrix:
    """Return a thigh's or upper arm's rotation in rest axes from hanging down."""
    out = outward(side)
    return turn(1, -out * abduction) @ turn(0, -flexion) @ turn(2, out * rotation)


def align(direction: Vector, axis: Vector, to_direction: Vector, to_axis: Vector) -> Matrix:
    """Return the rotation that takes a direction, and an axis as nearly as can be, to others."""
    return _basis(to_direction, to_axis) @ _basis(direction, axis).T


def _basis(direction: Vector, axis: Vector) -> Matrix:
    first = direction / np.linalg.norm(direction)
    second = axis - (axis @ first) * first
    second = second / np.linalg.norm(second)
    third = np.array([
        first[1] * second[2] - first[2] * second[1],
        first[2] * second[0] - first[0] * second[2],
        first[0] * second[1] - first[1] * second[0],
    ])  # fmt: skip
    return np.stack([first, second, third], axis=1)


@dataclass(frozen=True)
class Limb:
    """An arm or a leg at rest.

    Attributes
    ----------
    upper, lower, end : tuple of int
        Bones of the thigh or upper arm, of the shank or forearm, of the foot or hand.
    joints : tuple of int
        Bones whose heads are hip, knee and ankle, or shoulder, elbow and wrist.
    lengths_m : tuple of float
    directions : tuple of ndarray
        Of the two segments at rest, not normalised.
    hinge : ndarray, shape (3,)
        Axis from the upper segment to the lower one by the right hand: to the left in a leg, to the
        right in an arm.
    along, across : ndarray, shape (3,)
        From the wrist or ankle to fingers or toes, and from the little to the index finger or from
        the right to the left edge of the foot, rest axes.
    """

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    end: tuple[int, ...]
    joints: tuple[int, int, int]
    lengths_m: tuple[float, float]
    directions: tuple[Vector, Vector]
    hinge: Vector
    along: Vector
    across: Vector

    def bend_m(self, flexion_rad: float) -> float:
        """Return the distance from hip to ankle, or shoulder to wrist, at a flexion between."""
        a, b = self.lengths_m
        return float(np.sqrt(a * a + b * b + 2.0 * a * b * np.cos(flexion_rad)))


class Rig:
    """Names of a body's parts, and poses made of directions."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.arms = {side: self._arm(side.upper()) for side in "lr"}
        self.legs = {side: self._leg(side.upper()) for side in "lr"}
        bone = body.bone
        self._pelvis = [bone(n) for n in ("root", "pelvis.L", "pelvis.R")]
        self._lumbar = [(bone("spine05"), 0.1), (bone("spine04"), 0.4), (bone("spine03"), 0.75)]
        self._thorax = bone("spine02")
        self._neck = [bone(f"neck0{i}") for i in (1, 2, 3)]
        self._head = [i for i, n in enumerate(body.bones) if n.startswith(("head", "eye"))]
        self._clavicles = {
            side: [bone(f"clavicle.{side.upper()}"), bone(f"shoulder01.{side.upper()}")]
            for side in "lr"
        }

    def trunk(
        self,
        pelvis: Matrix,
        thorax: Matrix,
        upper: Matrix,
        head: Matrix,
        sway: Matrix | None = None,
    ) -> Pose:
        """Return a pose with the trunk's segments turned so in the world, root at the origin.

        ``sway`` turns the lumbar vertebrae between pelvis and thorax, which moves the one against
        the other and turns neither.
        """
        rotation = np.empty((len(self.body.bones), 3, 3))
        rotation[:] = upper
        rotation[self._pelvis] = pelvis
        for bone, share in self._lumbar:
            rotation[bone] = between(pelvis, thorax, share)
            if sway is not None:
                rotation[bone] = sway @ rotation[bone]
        rotation[self._thorax] = thorax
        pose = Pose(rotation, np.zeros(3))
        self.turn_head(pose, upper, head)
        return pose

    def turn_head(self, pose: Pose, upper: Matrix, head: Matrix) -> None:
        """Turn the head, and the neck half as far."""
        pose.rotation[self._neck] = between(upper, head, 0.5)
        pose.rotation[self._head] = head

    def raise_shoulder(self, pose: Pose, side: str, upper: Matrix, elevation_rad: float) -> None:
        """Turn clavicle and scapula with the arm: about a third of its elevation beyond 30 deg.

        Scapulohumeral rhythm (Inman 1944, J Bone Joint Surg 26:1), less what the mesh's shoulder
        joint takes itself.
        """
        lift = 0.2 * max(elevation_rad - np.radians(30.0), 0.0)
        pose.rotation[self._clavicles[side]] = upper @ turn(1, -outward(side) * lift)

    def heads(self, pose: Pose) -> Matrix:
        """Return where each bone starts, shape (n_bones, 3)."""
        return self.body.bone_heads(pose)

    def joint(self, pose: Pose, limb: Limb, which: int) -> Vector:
        """Return hip, knee or ankle (0, 1, 2) or their counterparts of the arm."""
        return np.asarray(self.body.bone_heads(pose)[limb.joints[which]])

    def aim(self, pose: Pose, limb: Limb, upper: Vector, lower: Vector, hinge: Vector) -> None:
        """Point both segments of a limb; foot or hand go on as the lower segment does."""
        first = align(limb.directions[0], limb.hinge, upper, hinge)
        second = align(limb.directions[1], limb.hinge, lower, hinge)
        pose.rotation[list(limb.upper)] = first
        pose.rotation[list(limb.lower)] = second
        pose.rotation[list(limb.end)] = second

    def swing(
        self, pose: Pose, limb: Limb, rotation: Matrix, flexion_rad: float, arm: bool
    ) -> None:
        """Point a limb by the rotation of its upper segment from hanging and its flexion."""
        sign = -1.0 if arm else 1.0
        lower = rotation @ turn(0, sign * flexion_rad) @ DOWN
        self.aim(pose, limb, rotation @ DOWN, lower, sign * (rotation @ LEFT))

    def reach(self, pose: Pose, limb: Limb, target_m: Vector, pole: Vector) -> None:
        """Bring wrist or ankle to a target, with elbow or knee towards ``pole``."""
        start = self.joint(pose, limb, 0)
        a, b = limb.lengths_m
        span = target_m - start
        far = float(np.linalg.norm(span))
        along = span / far
        distance = min(max(far, abs(a - b) * 1.05), _LONGEST * (a + b))
        out = pole - (pole @ along) * along
        out = out / np.linalg.norm(out)
        cosine = (a * a + distance * distance - b * b) / (2.0 * a * distance)
        middle = a * (cosine * along + np.sqrt(max(1.0 - cosine * cosine, 0.0)) * out)
        lower = distance * along - middle
        self.aim(pose, limb, middle / a, lower / b, np.cross(out, along))

    def twist_hand(self, pose: Pose, limb: Limb, hand: Matrix) -> None:
        """Turn a hand; the forearm takes half of the twist."""
        fore = pose.rotation[limb.lower[0]]
        axis = fore @ (limb.directions[1] / np.linalg.norm(limb.directions[1]))
        step = hand @ fore.T
        # Twist of a rotation about an axis: the quaternion's part along it.
        angle = 2.0 * np.arctan2(float(_axial(step) @ axis), 1.0 + float(np.trace(step)))
        angle = float(np.clip(angle, -np.pi / 1.5, np.pi / 1.5))
        pose.rotation[list(limb.lower[1:])] = about(axis, 0.5 * angle) @ fore
        pose.rotation[list(limb.end)] = hand

    def lowest(self, pose: Pose, vertices: NDArray[np.int64]) -> float:
        """Return the height of the lowest of some vertices."""
        return float(self.body.skin(pose, vertices)[:, 2].min())

    def _arm(self, side: str) -> Limb:
        bone, heads = self.body.bone, self.body.heads
        joints = (bone(f"upperarm01.{side}"), bone(f"lowerarm01.{side}"), bone(f"wrist.{side}"))
        first = heads[joints[1]] - heads[joints[0]]
        second = heads[joints[2]] - heads[joints[1]]
        middle = heads[bone(f"finger3-1.{side}")] - heads[joints[2]]
        across = heads[bone(f"finger2-1.{side}")] - heads[bone(f"finger5-1.{side}")]
        hand = ("wrist", "finger", "metacarpal")
        return Limb(
            upper=(joints[0], bone(f"upperarm02.{side}")),
            lower=(joints[1], bone(f"lowerarm02.{side}")),
            end=self._of(side, hand),
            joints=joints,
            lengths_m=(float(np.linalg.norm(first)), float(np.linalg.norm(second))),
            directions=(first, second),
            hinge=np.cross(first, second),
            along=middle,
            across=across,
        )

    def _leg(self, side: str) -> Limb:
        bone, heads = self.body.bone, self.body.heads
        joints = (bone(f"upperleg01.{side}"), bone(f"lowerleg01.{side}"), bone(f"foot.{side}"))
        first = heads[joints[1]] - heads[joints[0]]
        second = heads[joints[2]] - heads[joints[1]]
        return Limb(
            upper=(joints[0], bone(f"upperleg02.{side}")),
            lower=(joints[1], bone(f"lowerleg02.{side}")),
            end=self._of(side, ("foot", "toe")),
            joints=joints,
            lengths_m=(float(np.linalg.norm(first)), float(np.linalg.norm(second))),
            directions=(first, second),
            hinge=LEFT,
            along=FRONT,
            across=LEFT,
        )

    def _of(self, side: str, prefixes: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(
            i
            for i, name in enumerate(self.body.bones)
            if name.endswith(f".{side}") and name.startswith(prefixes)
        )


def root_of(function, low: float, high: float) -> float:  # type: ignore[no-untyped-def]
    """Return where a function of one number is zero; the nearer end if it nowhere is.

    What the function changed is left as it was at its last call, which need not be that place.
    """
    at_low, at_high = function(low), function(high)
    if at_low * at_high > 0.0:
        return low if abs(at_low) < abs(at_high) else high
    return float(brentq(function, low, high, xtol=1e-7, rtol=1e-9))
