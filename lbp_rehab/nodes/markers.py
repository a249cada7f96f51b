"""The pose as RViz and Foxglove draw it: markers, and the support plane as a frame."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point, Quaternion, TransformStamped, Vector3
from scipy.spatial.transform import Rotation
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab.estimate import Status
from lbp_rehab.nodes.convert import to_stamp
from lbp_rehab.pelvis.segments import gravity_frame
from lbp_rehab.pose.skeleton import DRAWN
from lbp_rehab.pose.types import BodyPose

BONE_WIDTH_M = 0.015
SUPPORT_FRAME = "support"
LEFT = ColorRGBA(r=0.12, g=0.47, b=1.0, a=1.0)
RIGHT = ColorRGBA(r=1.0, g=0.55, b=0.0, a=1.0)
MIDDLE = ColorRGBA(r=0.9, g=0.9, b=0.9, a=1.0)


def to_markers(pose: BodyPose) -> MarkerArray:
    """Return bones as lines and keypoints as spheres of their 1-sigma radius."""
    header = Header(stamp=to_stamp(pose.stamp_ns), frame_id=pose.frame_id)
    known = pose.status != Status.UNKNOWN
    points = [Point(x=x, y=y, z=z) for x, y, z in pose.position.tolist()]
    bones = Marker(header=header, ns="bones", id=0, type=Marker.LINE_LIST, action=Marker.ADD)
    bones.pose.orientation.w = 1.0
    bones.scale.x = BONE_WIDTH_M
    index = {name: i for i, name in enumerate(pose.names)}
    for a, b in DRAWN:
        if a in index and b in index and known[index[a]] and known[index[b]]:
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


def support_transform(pose: BodyPose) -> TransformStamped:
    """Return the gravity-aligned support frame as a child of the camera's optical frame.

    Its origin is the point of the plane under the camera, z is up. As a child it can be added to
    any robot's tree without giving the camera a second parent.
    """
    if pose.support is None or not pose.support.height.known:
        raise ValueError("the pose has no support plane")
    origin = (-pose.support.height.value * pose.support.up).tolist()
    x, y, z, w = Rotation.from_matrix(gravity_frame(pose.support).T).as_quat().tolist()
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
