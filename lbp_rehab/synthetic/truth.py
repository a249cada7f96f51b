"""What really happened: joints, pelvis and repetitions of a synthetic patient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Status
from lbp_rehab.pelvis.types import Method, NeutralSource, PelvisAngles, PelvisState
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.synthetic.body import JOINTS, Body, Pose
from lbp_rehab.synthetic.bridge import pelvis_axes, thorax_axes
from lbp_rehab.synthetic.camera import Camera, MeshView
from lbp_rehab.synthetic.movement import Dof, Movement, Repetition

Matrix = NDArray[np.float64]

PERSON_ID = "synthetic"
SIGMA_M, SIGMA_RAD = 1e-4, 1e-4  # of rounding to single precision; a known value is never exact
_SKIN_M = 0.14  # a joint counts as seen if the surface before it is this near


def keypoints(
    body: Body, pose: Pose, camera: Camera, seen: MeshView, *, stamp_ns: int, frame_id: str
) -> BodyPose:
    """Return the joint centres that a camera should find."""
    position = camera.to_optical(body.joints(pose))
    pixel = camera.project(position)
    n = len(JOINTS)
    return BodyPose(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        names=JOINTS,
        position=position,
        covariance=np.tile(SIGMA_M**2 * np.eye(3), (n, 1, 1)),
        status=np.full(n, int(Status.MEASURED)),
        reason=np.zeros(n, dtype=int),
        visibility=_visible(position, pixel, seen),
        pixel=pixel,
        mode=Mode.RGB_DEPTH,
        posture=Posture.SUPINE,
        posture_confidence=1.0,
        support=Support(
            camera.rotation[:, 2], SIGMA_RAD, Estimate(float(camera.centre_m[2]), SIGMA_M)
        ),
        person_id=PERSON_ID,
        track_id=1,
        people_in_view=1,
        backend="truth",
        image_size=(camera.width, camera.height),
    )


def _visible(
    position: NDArray[np.float64], pixel: NDArray[np.float64], seen: MeshView
) -> NDArray[np.float64]:
    height, width = seen.depth_m.shape
    column, row = np.round(pixel).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    before = seen.depth_m[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return (inside & (position[:, 2] - before < _SKIN_M)).astype(float)


def cardan(rotation: Matrix) -> NDArray[np.float64]:
    """Return tilt, obliquity and rotation (3,) in radians of ``PelvisState.msg``.

    ``rotation = Rz(rotation) Rx(-obliquity) Ry(tilt)`` (Baker 2001, J Biomech 34:193; the minus
    makes the right side up positive).
    """
    return np.array(
        [
            np.arctan2(-rotation[2, 0], rotation[2, 2]),
            -np.arcsin(np.clip(rotation[2, 1], -1.0, 1.0)),
            np.arctan2(-rotation[0, 1], rotation[1, 1]),
        ]
    )


class PelvisTruth:
    """The pelvis's angles, against gravity and against a neutral pose.

    Parameters
    ----------
    body : Body
    camera : Camera
    neutral : Pose
        The pose at rest.
    neutral_stamp_ns : int
    """

    def __init__(self, body: Body, camera: Camera, neutral: Pose, neutral_stamp_ns: int) -> None:
        self._body, self._camera = body, camera
        self._neutral, self._neutral_stamp_ns = neutral, neutral_stamp_ns
        forward = camera.rotation[2] * [1.0, 1.0, 0.0]
        forward /= np.linalg.norm(forward)
        self._support = np.stack([forward, np.cross([0.0, 0.0, 1.0], forward), [0.0, 0.0, 1.0]])

    def at(self, pose: Pose, stamp_ns: int, frame_id: str) -> PelvisState:
        """Return the pelvis in a pose."""
        joints = self._body.joints(pose)
        hips = joints[[JOINTS.index("l_hip"), JOINTS.index("r_hip")]]
        axes, neutral = pelvis_axes(pose), pelvis_axes(self._neutral)
        flexion, flexion_neutral = self._lumbar(pose), self._lumbar(self._neutral)
        return PelvisState(
            stamp_ns=stamp_ns,
            frame_id=frame_id,
            person_id=PERSON_ID,
            method=Method.SURFACE,
            absolute=_angles(self._support @ axes, flexion),
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
    return PelvisAngles(tilt, obliquity, turn, Estimate(lumbar_flexion_rad, SIGMA_RAD))


def hip_extension_rad(body: Body, pose: Pose) -> float:
    """Return the sagittal angle shoulder-hip-knee, mean of both sides; pi is a straight line.

    Seen along the line of the hips; more than pi when the hips are above the line.
    """
    joints = dict(zip(JOINTS, body.joints(pose), strict=True))
    left = joints["l_hip"] - joints["r_hip"]
    left /= np.linalg.norm(left)
    angles = []
    for side in "lr":
        up = joints[f"{side}_shoulder"] - joints[f"{side}_hip"]
        down = joints[f"{side}_knee"] - joints[f"{side}_hip"]
        up, down = (v - (v @ left) * left for v in (up, down))
        angles.append(np.arctan2(left @ np.cross(up, down), up @ down) % (2.0 * np.pi))
    return float(np.mean(angles))


@dataclass(frozen=True)
class FaultTruth:
    """A fault as it was put in: what it shows in, its worst value, and when it was past the limit.

    ``allowed`` are the limits beyond which a therapist would call it a fault, in ``unit``.
    """

    name: str
    severity: float
    body_part: str
    unit: str
    measured: float
    allowed: tuple[float, float]
    start_s: float
    end_s: float


_NO_LIMIT = math.inf
# Name -> degree of freedom, what it is called, unit, least and greatest allowed.
_SHOWN_IN: dict[str, tuple[Dof, str, str, float, float]] = {
    "pelvis_drops": (
        Dof.OBLIQUITY, "pelvis_obliquity", "rad", -float(np.radians(5)), float(np.radians(5)),
    ),
    "hips_low": (Dof.LIFT, "lift", "fraction", 0.85, _NO_LIMIT),
    "knees_fall_in": (
        Dof.KNEE_ABDUCTION, "knee_abduction", "rad", -float(np.radians(8)), _NO_LIMIT,
    ),
    "lumbar_overextension": (
        Dof.LUMBAR_FLEXION, "lumbar_flexion", "rad", -float(np.radians(10)), _NO_LIMIT,
    ),
}  # fmt: skip
_SLOW_ENOUGH_S = 0.8  # shortest lift that is not too fast


def faults(movement: Movement, repetition: Repetition) -> tuple[FaultTruth, ...]:
    """Return the faults that a repetition was given."""
    found = []
    for fault in repetition.faults:
        start_s, end_s = repetition.start_s, repetition.end_s
        if fault.name == "too_fast":
            shown = ("lift", "s", repetition.top_s - start_s, (_SLOW_ENOUGH_S, _NO_LIMIT))
            end_s = repetition.top_s
        else:
            dof, part, unit, least, greatest = _SHOWN_IN[fault.name]
            top = float(movement.at(repetition.top_s)[0, dof])
            shown = (part, unit, top, (least, greatest))
            t_s = np.arange(start_s, end_s, 0.01)
            value = movement.at(t_s)[:, dof]
            outside = t_s[(value < least) | (value > greatest)]
            if fault.name == "hips_low":  # the range is judged at the top alone
                start_s = end_s = repetition.top_s
            elif outside.size:
                start_s, end_s = float(outside[0]), float(outside[-1])
        found.append(FaultTruth(fault.name, fault.severity, *shown, start_s, end_s))
    return tuple(found)
