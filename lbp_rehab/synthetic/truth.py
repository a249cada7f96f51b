"""What really happened: keypoints, pelvis, repetitions and faults of a synthetic patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.segments import cardan, gravity_frame
from lbp_rehab.pelvis.types import Method, NeutralSource, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.synthetic.imaging.camera import NOTHING, Camera, MeshView
from lbp_rehab.synthetic.person.body import LANDMARKS, Body, Pose

Matrix = NDArray[np.float64]

PERSON_ID = "synthetic"
SIGMA_M, SIGMA_RAD = 1e-4, 1e-4  # of rounding to single precision; a known value is never exact
# How deep under the surface that is seen a point may lie; beyond, it is on the far side. Bony
# landmarks lie under fat, hip joints of heavy people deep.
_SKIN_M, _BONY_M, _JOINT_M, _HIP_M = 0.03, 0.08, 0.16, 0.22
_BEHIND_M = 0.01  # what is seen beyond a point does not cover it
_POLE = float(np.cos(np.radians(15.0)))  # of the obliquity; nearer, tilt and rotation mean nothing
# Anny's rest axes (left, back, up) as ISB axes (anterior, left, cranial): columns.
_ISB: Matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def pelvis_axes(pose: Pose) -> Matrix:
    """Return the pelvis axes of ``PelvisState.msg`` (anterior, left, cranial) as columns."""
    return np.asarray(pose.rotation[0] @ _ISB)


def thorax_axes(body: Body, pose: Pose) -> Matrix:
    """Return the axes of the lower thorax (anterior, left, cranial) as columns."""
    return np.asarray(pose.rotation[body.bone("spine02")] @ _ISB)


def support_of(camera: Camera) -> Support:
    """Return the plane z = 0 of the support frame as the camera sees it."""
    height = Estimate(float(camera.centre_m[2]), SIGMA_M)
    return Support(camera.rotation[:, 2], SIGMA_RAD, height)


def keypoints(
    body: Body,
    pose: Pose,
    posture: Posture,
    camera: Camera,
    *,
    stamp_ns: int,
    frame_id: str,
) -> BodyPose:
    """Return the 33 keypoints and the four landmarks of the pelvis that a camera should find.

    Visibility is 1 for what lies in the image; see `seen` for what something covers.
    """
    points = np.concatenate([body.keypoints(pose), body.landmarks(pose)])
    position = camera.to_optical(points)
    pixel = camera.project(position)
    n = len(position)
    inside = (pixel > -0.5).all(axis=1) & (position[:, 2] > 0.0)
    inside &= (pixel[:, 0] < camera.width - 0.5) & (pixel[:, 1] < camera.height - 0.5)
    return BodyPose(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        names=NAMES + LANDMARKS,
        position=position,
        covariance=np.tile(SIGMA_M**2 * np.eye(3), (n, 1, 1)),
        status=np.full(n, int(Status.MEASURED)),
        reason=np.zeros(n, dtype=int),
        visibility=inside.astype(float),
        pixel=pixel,
        mode=Mode.RGB_DEPTH,
        posture=posture,
        posture_confidence=1.0,
        support=support_of(camera),
        person_id=PERSON_ID,
        track_id=1,
        people_in_view=1,
        backend="truth",
        image_size=(camera.width, camera.height),
    )


def seen(
    body: Body,
    pose: BodyPose,
    person: MeshView,
    depth_m: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return which keypoints can be seen, and which something else covers.

    Parameters
    ----------
    body : Body
    pose : BodyPose
        From `keypoints`.
    person : MeshView
        The patient's faces that are seen.
    depth_m : ndarray, shape (h, w)
        True depth of all that is in view.

    Returns
    -------
    visibility : ndarray, shape (n,)
        1 if what the camera sees at the point is a part of the body that the point belongs to, and
        its near side where the point lies on the skin.
    covered : ndarray of bool, shape (n,)
        Behind or under something that is not the patient.
    """
    height, width = depth_m.shape
    inside = pose.visibility > 0.0
    strongest = body.weight_bones[:, 0]
    visible, covered = np.zeros(len(pose.names)), np.zeros(len(pose.names), bool)
    for k in np.flatnonzero(inside):
        column, row = np.round(pose.pixel[k]).astype(int)
        column, row = min(max(column, 0), width - 1), min(max(row, 0), height - 1)
        face = person.face[row, column]
        before_m = pose.position[k, 2] - depth_m[row, column]
        name = pose.names[k]
        if face != NOTHING:
            bone = body.bones[strongest[body.faces[face, 0]]]
            own = bone.startswith(_own_parts(name)) and _same_side(name, bone)
            visible[k] = own and before_m < _depth_limit_m(name)
        else:
            near = person.face[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            covered[k] = before_m > _BEHIND_M and not (near != NOTHING).any()
    return visible, covered


# Bones whose surface may be seen where a keypoint is: those that meet in a joint, or carry it.
_PARTS: dict[str, tuple[str, ...]] = {
    "shoulder": ("shoulder01", "clavicle", "upperarm", "spine01", "spine02", "breast"),
    "elbow": ("upperarm02", "upperarm01", "lowerarm"),
    "wrist": ("lowerarm", "wrist", "metacarpal", "finger"),
    "pinky": ("wrist", "metacarpal", "finger"),
    "index": ("wrist", "metacarpal", "finger"),
    "thumb": ("wrist", "metacarpal", "finger"),
    "hip": ("upperleg", "pelvis", "root", "spine05"),
    "knee": ("upperleg02", "upperleg01", "lowerleg"),
    "ankle": ("lowerleg", "foot", "toe"),
    "heel": ("foot", "lowerleg02"),
    "toe": ("foot", "toe"),
    "asis": ("root", "pelvis", "upperleg01", "spine05", "spine04"),
    "psis": ("root", "pelvis", "upperleg01", "spine05", "spine04"),
}
_JOINTS = frozenset(
    f"{side}_{n}" for n in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in "lr"
)


def _depth_limit_m(name: str) -> float:
    if name in LANDMARKS:
        return _BONY_M
    if name not in _JOINTS:
        return _SKIN_M
    return _HIP_M if name.endswith("hip") else _JOINT_M


def _own_parts(name: str) -> tuple[str, ...]:
    return _PARTS.get(name[2:], ("head", "neck", "eye", "jaw", "oris", "levator", "special"))


def _same_side(name: str, bone: str) -> bool:
    other = {"l": ".R", "r": ".L"}.get(name[0] if name[1:2] == "_" else "", "?")
    return not bone.endswith(other)


class PelvisTruth:
    """The pelvis's angles, against gravity and against the patient's neutral pose.

    Parameters
    ----------
    body : Body
    camera : Camera
    neutral : Pose
        The rest position.
    neutral_stamp_ns : int
    """

    def __init__(self, body: Body, camera: Camera, neutral: Pose, neutral_stamp_ns: int) -> None:
        self._body, self._camera = body, camera
        self._neutral, self._neutral_stamp_ns = neutral, neutral_stamp_ns
        self._gravity = gravity_frame(support_of(camera)) @ camera.rotation

    def at(self, pose: Pose, stamp_ns: int, frame_id: str) -> PelvisState:
        """Return the pelvis in a pose."""
        points = self._body.keypoints(pose)
        hips = points[[INDEX["l_hip"], INDEX["r_hip"]]]
        axes, neutral = pelvis_axes(pose), pelvis_axes(self._neutral)
        flexion, flexion_neutral = self._lumbar(pose), self._lumbar(self._neutral)
        return PelvisState(
            stamp_ns=stamp_ns,
            frame_id=frame_id,
            person_id=PERSON_ID,
            method=Method.SURFACE,
            absolute=_angles(self._gravity @ axes, flexion),
            relative=_angles(neutral.T @ axes, flexion - flexion_neutral),
            origin=self._camera.to_optical(hips.mean(axis=0)[None])[0],
            axes=self._camera.rotation @ axes,
            covariance=np.diag([SIGMA_M**2] * 3 + [SIGMA_RAD**2] * 3),
            track_id=1,
            neutral_source=NeutralSource.CALIBRATED,
            neutral_stamp_ns=self._neutral_stamp_ns,
        )

    def _lumbar(self, pose: Pose) -> float:
        return float(cardan(pelvis_axes(pose).T @ thorax_axes(self._body, pose))[0])


def _angles(rotation: Matrix, lumbar_flexion_rad: float) -> PelvisAngles:
    tilt, obliquity, turn = (Estimate(float(a), SIGMA_RAD) for a in cardan(rotation))
    if abs(np.sin(obliquity.value)) > _POLE:  # lying on the side: gimbal lock
        tilt = turn = Estimate.unknown(Reason.TOO_UNCERTAIN)
    return PelvisAngles(tilt, obliquity, turn, Estimate(lumbar_flexion_rad, SIGMA_RAD))
