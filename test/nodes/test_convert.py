from dataclasses import fields

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from scipy.spatial.transform import Rotation

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes.convert import (
    from_body_pose,
    from_pelvis_state,
    to_body_pose,
    to_ns,
    to_pelvis_landmarks,
    to_pelvis_state,
    to_stamp,
)
from lbp_rehab.pelvis.landmarks import PelvisLandmarks
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support

RNG = np.random.default_rng(0)


def pose():
    root = RNG.normal(0, 0.02, (3, 3, 3))
    covariance = root @ np.swapaxes(root, 1, 2)
    status = np.array([Status.MEASURED, Status.UNKNOWN, Status.HELD], np.int64)
    covariance[1] = 0
    position = RNG.normal(0, 1, (3, 3))
    position[1] = 0
    return BodyPose(
        stamp_ns=1_700_000_000_123_456_789,
        frame_id="camera_color_optical_frame",
        names=("l_hip", "r_hip", "nose"),
        position=position,
        covariance=covariance,
        status=status,
        reason=np.array([0, int(Reason.OCCLUDED), 0], np.int64),
        visibility=np.array([0.9, 0.1, 0.5]),
        pixel=np.array([[10.0, 20.0], [-1.0, -1.0], [320.5, 240.25]]),
        mode=Mode.DEPTH_HOLES,
        posture=Posture.SUPINE,
        posture_confidence=0.75,
        support=Support(np.array([0.0, -0.8, -0.6]), 0.01, Estimate(1.25, 0.01)),
        person_id="p7",
        track_id=3,
        people_in_view=2,
        backend="test",
    )


def assert_same(a, b):
    assert type(a) is type(b)
    for row in fields(a):
        x, y = getattr(a, row.name), getattr(b, row.name)
        if isinstance(x, np.ndarray):
            np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-9, err_msg=row.name)
        elif isinstance(x, Support | PelvisAngles):
            assert_same(x, y)
        elif isinstance(x, float):
            assert x == pytest.approx(y, rel=1e-6), row.name
        else:
            assert x == y, row.name


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def test_a_pose_survives_the_message():
    before = pose()
    assert_same(from_body_pose(over_the_wire(to_body_pose(before))), before)


def test_an_unknown_pose_survives_the_message():
    before = BodyPose.unknown(5, "camera", ("l_hip", "r_hip"), Reason.NO_PERSON)
    assert_same(from_body_pose(over_the_wire(to_body_pose(before))), before)


def test_a_pelvis_state_survives_the_message():
    known = Estimate(0.3, 0.05)
    unknown = Estimate.unknown(Reason.TOO_UNCERTAIN)
    before = PelvisState(
        stamp_ns=42,
        frame_id="camera",
        person_id="p7",
        method=Method.SEGMENTS,
        absolute=PelvisAngles(known, known, unknown, unknown),
        relative=PelvisAngles(known, unknown, known, unknown),
        origin=np.array([0.1, 0.2, 2.0]),
        axes=Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix(),
        covariance=np.diag(np.arange(1.0, 7.0)),
        neutral_stamp_ns=17,
    )
    assert_same(from_pelvis_state(over_the_wire(to_pelvis_state(before))), before)


def test_landmarks_survive_the_message():
    unknown = Estimate.unknown(Reason.TOO_UNCERTAIN)
    angles = PelvisAngles(unknown, unknown, unknown, unknown)
    state = PelvisState(
        42, "camera", "p7", Method.SURFACE, angles, angles, None, None, np.zeros((6, 6)), track_id=3
    )
    before = PelvisLandmarks(
        names=LANDMARKS,
        position=np.array([[0.1, 0.2, 2.0], [0.3, 0.2, 2.0], [0.1, 0.1, 2.1], [0.0, 0.0, 0.0]]),
        sigma_m=np.array([0.01, 0.02, 0.03, 0.0]),
        status=np.array([Status.MEASURED, Status.INFERRED, Status.HELD, Status.UNKNOWN], np.int64),
        reason=np.array([0, 0, 0, int(Reason.TOO_UNCERTAIN)], np.int64),
        visibility=np.array([1.0, 0.0, 0.0, 0.0]),
        pixel=np.array([[10.0, 20.5], [30.0, 20.25], [11.0, 12.0], [-1.0, -1.0]]),
    )
    after = over_the_wire(to_pelvis_landmarks(state, before))
    assert (to_ns(after.header.stamp), after.header.frame_id) == (42, "camera")
    assert (after.person_id, after.track_id) == ("p7", 3)
    points = after.landmarks
    assert tuple(p.name for p in points) == LANDMARKS
    position = [[p.position.x, p.position.y, p.position.z] for p in points]
    np.testing.assert_array_equal(position, before.position)
    for name in ("sigma_m", "status", "reason", "visibility", "pixel"):
        found = np.array([getattr(p, name) for p in points])
        np.testing.assert_allclose(found, getattr(before, name), rtol=1e-6, err_msg=name)
    variance = before.sigma_m**2
    np.testing.assert_allclose([p.covariance[0] for p in points], variance, rtol=1e-6)
    np.testing.assert_allclose([p.covariance[5] for p in points], variance, rtol=1e-6)
    assert not any(p.covariance[1] for p in points)


def damage_position(message):
    message.keypoints[0].position.x = float("nan")


def damage_status(message):
    message.keypoints[0].status = 77


def damage_mode(message):
    message.mode = 200


def damage_up(message):
    message.up.x = 5.0


@pytest.mark.parametrize("damage", [damage_position, damage_status, damage_mode, damage_up])
def test_a_pose_that_cannot_be_is_refused(damage):
    message = to_body_pose(pose())
    damage(message)
    with pytest.raises(InputError, match="body/pose"):
        from_body_pose(message)


def test_a_pelvis_that_contradicts_itself_is_refused():
    message = msg.PelvisState()
    message.tilt.status = 1
    message.tilt.reason = 3
    with pytest.raises(InputError, match="pelvis/state"):
        from_pelvis_state(message)


@pytest.mark.parametrize("ns", [0, 1, 999_999_999, 1_700_000_000_000_000_001])
def test_stamps_keep_every_nanosecond(ns):
    assert to_ns(to_stamp(ns)) == ns
