"""Between the cores' dataclasses and the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Quaternion, Vector3
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from lbp_rehab import estimate as core
from lbp_rehab import msg
from lbp_rehab.breath.types import Breath
from lbp_rehab.errors import InputError
from lbp_rehab.msg import Estimate
from lbp_rehab.pelvis.types import Method, NeutralSource, PelvisAngles, PelvisState
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.stamps import NANOSECONDS, to_ns

if TYPE_CHECKING:  # its module brings the networks, which not every node needs
    from lbp_rehab.pelvis.landmarks import PelvisLandmarks


def to_stamp(nanoseconds: int) -> Time:
    """Return a message stamp from integer nanoseconds."""
    seconds, rest = divmod(int(nanoseconds), NANOSECONDS)
    return Time(sec=seconds, nanosec=rest)


def to_estimate(value: core.Estimate) -> Estimate:
    """Return the message of an estimate."""
    return Estimate(
        status=int(value.status),
        reason=int(value.reason),
        value=float(value.value),
        sigma=float(value.sigma),
    )


def from_estimate(message: Estimate) -> core.Estimate:
    """Return the estimate of a message.

    Raises ValueError if the message contradicts itself or is not finite.
    """
    return core.Estimate(
        message.value,
        message.sigma,
        core.Status(message.status),
        core.Reason(message.reason),
    )


# xx, xy, xz, yy, yz, zz
UPPER_TRIANGLE = np.triu_indices(3)


def to_body_pose(pose: BodyPose) -> msg.BodyPose:
    """Return the message of a pose."""
    support = pose.support
    out = msg.BodyPose(
        header=Header(stamp=to_stamp(pose.stamp_ns), frame_id=pose.frame_id),
        person_id=pose.person_id,
        track_id=pose.track_id,
        people_in_view=min(pose.people_in_view, 255),
        mode=int(pose.mode),
        reason=int(pose.reason_unknown),
        posture=int(pose.posture),
        posture_confidence=float(pose.posture_confidence),
        backend=pose.backend,
        image_width=pose.image_size[0],
        image_height=pose.image_size[1],
        gravity_known=support is not None,
        support_height=to_estimate(core.Estimate.unknown(core.Reason.NO_GRAVITY)),
    )
    if support is not None:
        out.up = Vector3(x=support.up[0], y=support.up[1], z=support.up[2])
        out.up_sigma_rad = float(support.sigma_rad)
        out.support_height = to_estimate(support.height)
    out.keypoints = _keypoints(pose, pose.sigma_m(), pose.covariance)
    return out


def _keypoints(
    points: BodyPose | PelvisLandmarks,
    sigma_m: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> list[msg.Keypoint]:
    """Return the messages of points with their 1-sigma (n,) and covariance (n, 3, 3)."""
    sigma = sigma_m.tolist()
    position = points.position.tolist()
    triangles = covariance[:, UPPER_TRIANGLE[0], UPPER_TRIANGLE[1]].astype(np.float32)
    pixels = points.pixel.astype(np.float32)
    out = []
    for i, name in enumerate(points.names):
        x, y, z = position[i]
        out.append(
            msg.Keypoint(
                name=name,
                status=int(points.status[i]),
                reason=int(points.reason[i]),
                position=Point(x=x, y=y, z=z),
                sigma_m=sigma[i],
                covariance=triangles[i],
                visibility=float(points.visibility[i]),
                pixel=pixels[i],
            )
        )
    return out


def from_body_pose(message: msg.BodyPose) -> BodyPose:
    """Return the pose of a message.

    Raises
    ------
    InputError
        If a number in it is not finite or a code is not one of the constants.
    """
    points = message.keypoints
    n = len(points)
    covariance = np.zeros((n, 3, 3))
    triangle = np.array([p.covariance for p in points], float).reshape(n, 6)
    covariance[:, UPPER_TRIANGLE[0], UPPER_TRIANGLE[1]] = triangle
    covariance[:, UPPER_TRIANGLE[1], UPPER_TRIANGLE[0]] = triangle
    position = np.array([(p.position.x, p.position.y, p.position.z) for p in points], float)
    position = position.reshape(n, 3)
    if not (np.isfinite(position).all() and np.isfinite(covariance).all()):
        raise InputError("body/pose holds a number that is not finite")
    support = None
    if message.gravity_known:
        up = np.array([message.up.x, message.up.y, message.up.z])
        if not np.isfinite(up).all() or abs(np.linalg.norm(up) - 1.0) > 1e-3:
            raise InputError("body/pose: up is not a unit vector although gravity_known is true")
    try:
        if message.gravity_known:
            height = from_estimate(message.support_height)
            support = Support(up, float(message.up_sigma_rad), height)
        return BodyPose(
            stamp_ns=to_ns(message.header.stamp),
            frame_id=message.header.frame_id,
            names=tuple(p.name for p in points),
            position=position,
            covariance=covariance,
            status=np.array([core.Status(p.status) for p in points], np.int64),
            reason=np.array([core.Reason(p.reason) for p in points], np.int64),
            visibility=np.array([p.visibility for p in points], float),
            pixel=np.array([p.pixel for p in points], float).reshape(n, 2),
            mode=Mode(message.mode),
            reason_unknown=core.Reason(message.reason),
            posture=Posture(message.posture),
            posture_confidence=float(message.posture_confidence),
            support=support,
            person_id=message.person_id,
            track_id=int(message.track_id),
            people_in_view=int(message.people_in_view),
            backend=message.backend,
            image_size=(int(message.image_width), int(message.image_height)),
        )
    except ValueError as error:
        raise InputError(f"body/pose holds an unknown code: {error}") from None


ANGLES = ("tilt", "obliquity", "rotation", "lumbar_flexion")


def to_pelvis_state(state: PelvisState) -> msg.PelvisState:
    """Return the message of a pelvis state."""
    out = msg.PelvisState(
        header=Header(stamp=to_stamp(state.stamp_ns), frame_id=state.frame_id),
        person_id=state.person_id,
        track_id=state.track_id,
        method=int(state.method),
        neutral_source=int(state.neutral_source),
        neutral_stamp=to_stamp(state.neutral_stamp_ns),
    )
    for name in ANGLES:
        setattr(out, name, to_estimate(getattr(state.absolute, name)))
        setattr(out, name + "_relative", to_estimate(getattr(state.relative, name)))
    if state.origin is not None and state.axes is not None:
        x, y, z = state.origin.tolist()
        qx, qy, qz, qw = Rotation.from_matrix(state.axes).as_quat().tolist()
        out.pose_known = True
        out.pose.pose.position = Point(x=x, y=y, z=z)
        out.pose.pose.orientation = Quaternion(x=qx, y=qy, z=qz, w=qw)
        out.pose.covariance = state.covariance.ravel()
    return out


def to_pelvis_landmarks(state: PelvisState, landmarks: PelvisLandmarks) -> msg.PelvisLandmarks:
    """Return the message of the landmarks of a pelvis state."""
    covariance = np.eye(3) * landmarks.sigma_m[:, None, None] ** 2
    return msg.PelvisLandmarks(
        header=Header(stamp=to_stamp(state.stamp_ns), frame_id=state.frame_id),
        person_id=state.person_id,
        track_id=state.track_id,
        landmarks=_keypoints(landmarks, landmarks.sigma_m, covariance),
    )


def to_breath(breath: Breath) -> msg.Breath:
    """Return the message of a breath."""
    return msg.Breath(
        header=Header(stamp=to_stamp(breath.stamp_ns), frame_id=breath.frame_id),
        person_id=breath.person_id,
        track_id=breath.track_id,
        belly=to_estimate(breath.belly),
        chest=to_estimate(breath.chest),
        depth=to_estimate(breath.depth),
    )


def from_breath(message: msg.Breath) -> Breath:
    """Return the breath of a message; InputError if it contradicts itself."""
    try:
        belly, chest = from_estimate(message.belly), from_estimate(message.chest)
        depth = from_estimate(message.depth)
    except ValueError as error:
        raise InputError(f"body/breath cannot be used: {error}") from None
    return Breath(
        to_ns(message.header.stamp), message.header.frame_id, message.person_id, belly, chest,
        depth, int(message.track_id),
    )  # fmt: skip


def from_pelvis_state(message: msg.PelvisState) -> PelvisState:
    """Return the pelvis state of a message.

    Raises
    ------
    InputError
        If an angle contradicts itself, is not finite, or a code is not one of the constants.
    """
    try:
        absolute = PelvisAngles(*(from_estimate(getattr(message, a)) for a in ANGLES))
        relative = PelvisAngles(*(from_estimate(getattr(message, a + "_relative")) for a in ANGLES))
        method = Method(message.method)
        neutral_source = NeutralSource(message.neutral_source)
    except ValueError as error:
        raise InputError(f"pelvis/state cannot be used: {error}") from None
    origin = axes = None
    if message.pose_known:
        p, q = message.pose.pose.position, message.pose.pose.orientation
        origin = np.array([p.x, p.y, p.z])
        axes = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    return PelvisState(
        stamp_ns=to_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        person_id=message.person_id,
        method=method,
        absolute=absolute,
        relative=relative,
        origin=origin,
        axes=axes,
        covariance=np.array(message.pose.covariance, float).reshape(6, 6),
        track_id=int(message.track_id),
        neutral_source=neutral_source,
        neutral_stamp_ns=to_ns(message.neutral_stamp),
    )
