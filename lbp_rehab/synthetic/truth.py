"""What really happened: keypoints, pelvis, repetitions and faults of a synthetic patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Status
from lbp_rehab.pelvis.segments import cardan, gravity_frame
from lbp_rehab.pelvis.types import Method, NeutralSource, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.motion.dof import NOT_ANGLES, Dof
from lbp_rehab.synthetic.motion.movement import Movement, Repetition, dofs
from lbp_rehab.synthetic.motion.programs import effect
from lbp_rehab.synthetic.person.body import LANDMARKS, Body, Pose

Matrix = NDArray[np.float64]

PERSON_ID = "synthetic"
SIGMA_M, SIGMA_RAD = 1e-4, 1e-4  # of rounding to single precision; a known value is never exact
NEUTRAL_LEVEL = 1e-3  # below this part of a repetition a patient is in the rest position
_SKIN_M = 0.14  # a joint counts as seen if the surface before it is this near
_ON_SKIN_M = 0.03  # the same for a point of the surface
_SURFACE = frozenset(
    n for n in NAMES if not n.endswith(("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
)
_SHOWS = 0.5  # a fault counts as there above this share of its severity
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

    Visibility is 1 for what lies in the image; see `hide` for what something covers.
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
    pose: BodyPose, depth_m: NDArray[np.floating], is_patient: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return which keypoints can be seen, and which something else covers.

    Parameters
    ----------
    depth_m : ndarray, shape (h, w)
        True depth of all that is in view.
    is_patient : ndarray of bool, shape (h, w)
        Where the nearest surface is the patient's.

    Returns
    -------
    visibility : ndarray, shape (n,)
        1 if the patient's surface just before the point is what the camera sees there, else 0.
    covered : ndarray of bool, shape (n,)
        Hidden behind or under something that is not the patient.
    """
    height, width = depth_m.shape
    column, row = np.round(pose.pixel).astype(int).T
    column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
    before = pose.position[:, 2] - depth_m[row, column]
    inside = pose.visibility > 0.0
    limit = np.array([_ON_SKIN_M if n in _SURFACE else _SKIN_M for n in pose.names])
    own = is_patient[row, column]
    visible = inside & own & (before < limit)
    # What lies beyond the point is seen past its edge, not before it.
    covered = inside & ~own & (before > -_ON_SKIN_M)
    return visible.astype(float), covered


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
    return PelvisAngles(tilt, obliquity, turn, Estimate(lumbar_flexion_rad, SIGMA_RAD))


@dataclass(frozen=True)
class FaultTruth:
    """A fault as it was put in: what it changes most, by how much, and when it shows.

    ``changed`` is the difference that it made at the top, in ``unit`` (rad, m or a fraction of the
    range; s for how much faster or slower).
    """

    name: str
    severity: float
    body_part: str
    unit: str
    changed: float
    start_s: float
    end_s: float


def faults(movement: Movement, made: Repetition) -> tuple[FaultTruth, ...]:
    """Return the faults that a repetition was given."""
    found = []
    t_s = np.arange(made.start_s, made.end_s, 0.01)
    for fault in made.faults:
        if fault.severity == 0.0:
            continue
        part, unit, changed = _evidence(movement, made, fault.name, fault.severity)
        shows = t_s[movement.fault_level(fault.name, t_s) > _SHOWS * fault.severity]
        found.append(
            FaultTruth(
                fault.name, fault.severity, part, unit, changed, float(shows[0]), float(shows[-1])
            )
        )
    return tuple(found)


def _evidence(
    movement: Movement, made: Repetition, name: str, severity: float
) -> tuple[str, str, float]:
    what = effect(movement.exercise, name)
    if what.add:
        key, value = next(iter(what.add.items()))
        dof = dofs(key, made.side)[0]
        angle = dof not in NOT_ANGLES
        return dof.name.lower(), _unit(dof), severity * (np.radians(value) if angle else value)
    if what.scale:
        key, factor = next(iter(what.scale.items()))
        dof = dofs(key, made.side)[0]
        reached = float(movement.at(made.top_s)[0, dof] - movement.rest[dof])
        scale = 1.0 - (1.0 - factor) * severity
        return dof.name.lower(), _unit(dof), reached - reached / scale
    if what.swap_arm:
        return "arm", "fraction", severity
    if what.arc_s:
        return "tempo", "s", severity * what.arc_s
    if what.pace != 1.0:
        lift_s = made.top_s - made.start_s
        return "tempo", "s", lift_s - lift_s / (1.0 - (1.0 - what.pace) * severity)
    return "breath", "fraction", severity * (what.breath - 1.0)


def _unit(dof: Dof) -> str:
    if dof not in NOT_ANGLES:
        return "rad"
    length = dof in (Dof.BELLY, Dof.CHEST, Dof.SHIFT) or dof.name.endswith("FOOT_UP")
    return "m" if length else "fraction"
