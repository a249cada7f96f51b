"""Movements of a synthetic person, not rendered, as the messages of a faultless pipeline."""

import numpy as np

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes import convert
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.recognition.observation import JOINTS
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.scenario import Scenario

UP = np.array([0.0, -1.0, 0.0])
TO_CAMERA = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # level, z forward
CAMERA = np.array([0.0, 1.0, 2.5])
RATE_HZ = 10.0
SIGMA_M = 0.005
SIGMA_RAD = 0.01


def perform(exercise, repetitions=2, faults=(), seed=21):
    """Return a set of a person whom no network was trained on."""
    from lbp_rehab.training import motions

    return motions.perform(
        Scenario(
            exercise, seed, tuple(faults), repetitions=repetitions, split=Split.TEST,
            rate_hz=RATE_HZ, initial_rest_s=2.0,
        )
    )  # fmt: skip


def messages(course):
    """Yield `BodyPose` and `PelvisState` of each instant."""
    place = [INDEX[name] for name in JOINTS]
    known = np.zeros(len(NAMES), bool)
    known[place] = True
    for k, stamp_ns in enumerate(course.stamp_ns):
        position = np.zeros((len(NAMES), 3))
        position[place] = course.points[k] @ TO_CAMERA.T + CAMERA
        pose = BodyPose(
            stamp_ns=int(stamp_ns),
            frame_id="camera",
            names=NAMES,
            position=position,
            covariance=SIGMA_M**2 * np.eye(3) * known[:, None, None],
            status=np.where(known, int(Status.MEASURED), int(Status.UNKNOWN)),
            reason=np.where(known, 0, int(Reason.OCCLUDED)),
            visibility=known.astype(float),
            pixel=np.zeros((len(NAMES), 2)),
            mode=Mode.RGB_DEPTH,
            posture=Posture.UNKNOWN,
            support=Support(UP, 0.005, Estimate(1.0, 0.01)),
            person_id="p7",
            track_id=3,
        )
        unknown = Estimate.unknown(Reason.NOT_CALIBRATED)
        lumbar = Estimate(float(course.lumbar_rad[k]), SIGMA_RAD)
        pelvis = PelvisState(
            stamp_ns=int(stamp_ns),
            frame_id="camera",
            person_id="p7",
            method=Method.SURFACE,
            absolute=PelvisAngles(unknown, unknown, unknown, lumbar),
            relative=PelvisAngles(unknown, unknown, unknown, unknown),
            origin=np.array([0.0, 0.0, 2.0]),
            axes=TO_CAMERA @ course.pelvis[k],
            covariance=SIGMA_RAD**2 * np.eye(6),
            track_id=3,
        )
        yield convert.to_body_pose(pose), convert.to_pelvis_state(pelvis)
