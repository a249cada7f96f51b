"""Pose and pelvis as RViz and Foxglove draw them: markers, and the support plane as a frame."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point, Quaternion, TransformStamped, Vector3
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab.estimate import Status
from lbp_rehab.nodes.convert import to_stamp
from lbp_rehab.pelvis.landmarks import PelvisLandmarks
from lbp_rehab.pelvis.segments import gravity_frame
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.skeleton import DRAWN
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.rotations import quaternion

BONE_WIDTH_M = 0.015
SUPPORT_FRAME = "support"
LEFT = ColorRGBA(r=0.12, g=0.47, b=1.0, a=1.0)
RIGHT = ColorRGBA(r=1.0, g=0.55, b=0.0, a=1.0)
MIDDLE = ColorRGBA(r=0.9, g=0.9, b=0.9, a=1.0)
LANDMARK_M = 0.02  # diameter
HALF_CLEAR_M = 0.03  # a landmark of this sigma is drawn half transparent
ARROW_M, SHAFT_M, HEAD_M = 0.15, 0.008, 0.02
AXES = (  # anterior, left, cranial, in the colours that viewers give x, y, z
    ColorRGBA(r=0.9, g=0.1, b=0.1, a=1.0),
    ColorRGBA(r=0.1, g=0.8, b=0.1, a=1.0),
    ColorRGBA(r=0.1, g=0.3, b=0.9, a=1.0),
)


def to_markers(pose: BodyPose) -> MarkerArray:
    """Return bones as lines and keypoints as spheres of their 1-sigma radius."""
    header = Header(stamp=to_stamp(pose.stamp_ns), frame_id=pose.frame_id)
    known = pose.status != Status.UNKNOWN
    points = [Point(x=x, y=y, z=z) for x, y, z in pose.position.tolist()]
    bones = Marker(header=header, ns="bones", id=0, type=Marker.LINE_LIST, action=Marker.ADD)
    bones.pose.orientation.w = 1.0
    bones.scale.x = BONE_WIDTH_M
    index = {name: i for i, name in enumerate(pose.names)}
    for a, b in drawn(pose, known):
        bones.points += [points[index[a]], points[index[b]]]
        bones.colors += [_colour(a, b)] * 2
    sigma = pose.sigma_m()
    joints = []
    for i in np.flatnonzero(known):
        name = pose.names[i]
        joint = Marker(header=header, ns="keypoints", id=int(i), type=Marker.SPHERE)
        joint.pose.position = points[i]
        joint.pose.orientation.w = 1.0
        joint.scale = Vector3(x=2 * sigma[i], y=2 * sigma[i], z=2 * sigma[i])
        colour = _colour(name, name)
        joint.color = ColorRGBA(r=colour.r, g=colour.g, b=colour.b, a=0.4)
        joints.append(joint)
    gone = [
        Marker(header=header, ns="keypoints", id=int(i), action=Marker.DELETE)
        for i in np.flatnonzero(~known)
    ]
    return MarkerArray(markers=[bones, *joints, *gone])


def drawn(pose: BodyPose, known: NDArray[np.bool_]) -> list[tuple[str, str]]:
    """Return the bones of which both ends are known."""
    there = {name for name, is_known in zip(pose.names, known, strict=True) if is_known}
    return [(a, b) for a, b in DRAWN if a in there and b in there]


def to_pelvis_markers(state: PelvisState, landmarks: PelvisLandmarks) -> MarkerArray:
    """Return the landmarks as spheres, the clearer the less certain, and the axes as arrows."""
    header = Header(stamp=to_stamp(state.stamp_ns), frame_id=state.frame_id)
    markers = []
    for i, name in enumerate(landmarks.names):
        spot = Marker(header=header, ns="pelvis_landmarks", id=i, type=Marker.SPHERE)
        if landmarks.status[i] == Status.UNKNOWN:
            spot.action = Marker.DELETE
        else:
            x, y, z = landmarks.position[i].tolist()
            spot.pose.position = Point(x=x, y=y, z=z)
            spot.pose.orientation.w = 1.0
            spot.scale = Vector3(x=LANDMARK_M, y=LANDMARK_M, z=LANDMARK_M)
            colour = _colour(name, name)
            opacity = HALF_CLEAR_M / (HALF_CLEAR_M + float(landmarks.sigma_m[i]))
            spot.color = ColorRGBA(r=colour.r, g=colour.g, b=colour.b, a=opacity)
        markers.append(spot)
    for i, colour in enumerate(AXES):
        arrow = Marker(header=header, ns="pelvis_axes", id=i, type=Marker.ARROW)
        if state.origin is None or state.axes is None:
            arrow.action = Marker.DELETE
        else:
            tip = state.origin + ARROW_M * state.axes[:, i]
            ends = (state.origin.tolist(), tip.tolist())
            arrow.points = [Point(x=x, y=y, z=z) for x, y, z in ends]
            arrow.pose.orientation.w = 1.0
            arrow.scale = Vector3(x=SHAFT_M, y=HEAD_M, z=0.0)
            arrow.color = colour
        markers.append(arrow)
    return MarkerArray(markers=markers)


def support_transform(pose: BodyPose) -> TransformStamped:
    """Return the gravity-aligned support frame as a child of the camera's optical frame.

    Its origin is the point of the plane under the camera, z is up. As a child it can be added to
    any robot's tree without giving the camera a second parent.
    """
    if pose.support is None or not pose.support.height.known:
        raise ValueError("the pose has no support plane")
    origin = (-pose.support.height.value * pose.support.up).tolist()
    x, y, z, w = quaternion(gravity_frame(pose.support).T).tolist()
    out = TransformStamped(
        header=Header(stamp=to_stamp(pose.stamp_ns), frame_id=pose.frame_id),
        child_frame_id=SUPPORT_FRAME,
    )
    out.transform.translation = Vector3(x=origin[0], y=origin[1], z=origin[2])
    out.transform.rotation = Quaternion(x=x, y=y, z=z, w=w)
    return out


def _colour(a: str, b: str) -> ColorRGBA:
    if a.startswith("l_") and b.startswith("l_"):
        return LEFT
    return RIGHT if a.startswith("r_") and b.startswith("r_") else MIDDLE
