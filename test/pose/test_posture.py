import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pose.posture import classify
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose, Posture, Support

UP = np.array([0.0, 0.0, 1.0])


def body(trunk, left, thigh, shin=(0, 0, -1)):
    """Pose from the directions of trunk, left side and thighs, in a frame with z up."""
    trunk, left, thigh, shin = (np.array(v, float) for v in (trunk, left, thigh, shin))
    hip = np.array([0.0, 0.0, 1.0])
    place = {}
    for side, sign in (("l", 1), ("r", -1)):
        place[f"{side}_hip"] = hip + sign * 0.1 * left
        place[f"{side}_shoulder"] = hip + 0.5 * trunk + sign * 0.18 * left
        place[f"{side}_knee"] = place[f"{side}_hip"] + 0.42 * thigh
        place[f"{side}_ankle"] = place[f"{side}_knee"] + 0.4 * shin
    n = len(NAMES)
    position, status = np.zeros((n, 3)), np.full(n, int(Status.UNKNOWN))
    for name, value in place.items():
        position[NAMES.index(name)] = value
        status[NAMES.index(name)] = Status.MEASURED
    reason = np.where(status == Status.UNKNOWN, int(Reason.OCCLUDED), 0)
    return BodyPose(
        1, "camera", NAMES, position, np.zeros((n, 3, 3)), status, reason,
        np.ones(n), np.zeros((n, 2)), support=Support(UP, 0.01, Estimate(1.0, 0.01)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("posture", "pose"),
    [
        (Posture.STANDING, body((0, 0, 1), (0, 1, 0), (0, 0, -1))),
        (Posture.STANDING, body((0.5, 0, 0.87), (0, 1, 0), (0, 0, -1))),
        (Posture.SITTING, body((0, 0, 1), (0, 1, 0), (1, 0, 0))),
        # Supine with the head towards +x: the left side is towards -y.
        (Posture.SUPINE, body((1, 0, 0), (0, -1, 0), (-1, 0, 0.3))),
        (Posture.SUPINE, body((1, 0, -0.3), (0, -1, 0), (-0.6, 0, 0.8))),
        (Posture.PRONE, body((1, 0, 0), (0, 1, 0), (-1, 0, 0))),
        (Posture.QUADRUPED, body((1, 0, 0), (0, 1, 0), (0, 0, -1), (-1, 0, 0))),
        (Posture.SIDE_LEFT, body((1, 0, 0), (0, 0, -1), (-1, 0, 0))),
        (Posture.SIDE_RIGHT, body((1, 0, 0), (0, 0, 1), (-1, 0, 0))),
    ],
)
def test_each_posture_is_recognised(posture, pose):
    found, confidence = classify(pose)
    assert found == posture
    assert 0 < confidence <= 1


def test_without_gravity_or_trunk_the_posture_is_unknown():
    unknown = BodyPose.unknown(1, "camera", NAMES, Reason.NO_PERSON)
    assert classify(unknown) == (Posture.UNKNOWN, 0.0)
