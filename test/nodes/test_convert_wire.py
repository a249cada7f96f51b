"""Serialised messages read and written in place: the same as with rclpy, to the byte."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from scipy.spatial.transform import Rotation

from lbp_rehab import msg
from lbp_rehab.breath.types import Breath
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes import convert, convert_wire, markers
from lbp_rehab.nodes.wire import Filled, type_name
from lbp_rehab.pelvis.landmarks import PelvisLandmarks
from lbp_rehab.pelvis.types import Method, NeutralSource, PelvisAngles, PelvisState
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.replay.canonical import canonical

SEEDS = range(8)


def pose(seed, names=NAMES):
    rng = np.random.default_rng(seed)
    n = len(names)
    status = rng.integers(0, 4, n)
    known = status != Status.UNKNOWN
    spread = rng.normal(0.0, 0.01, (n, 3, 3))
    up = rng.normal(size=3)
    height = Estimate(1.2, 0.01) if seed % 2 else Estimate.unknown(Reason.NO_DEPTH)
    return BodyPose(
        stamp_ns=1_700_000_000_000_000_000 + int(rng.integers(10**10)),
        frame_id="camera",
        names=names,
        position=rng.normal(size=(n, 3)) * known[:, None],
        covariance=spread @ spread.transpose(0, 2, 1) * known[:, None, None],
        status=status,
        reason=np.where(known, 0, int(Reason.OCCLUDED)),
        visibility=rng.uniform(size=n),
        pixel=rng.uniform(0, 640, (n, 2)),
        mode=Mode(seed % 7),
        posture=Posture(seed % 9),
        posture_confidence=rng.uniform(),
        support=None if seed % 3 == 0 else Support(up / np.linalg.norm(up), 0.01, height),
        person_id="p" * (seed % 4),
        track_id=seed,
        people_in_view=seed,
        backend="blazepose",
        image_size=(640, 480),
    )


def estimate(rng):
    if rng.uniform() < 0.5:
        return Estimate.unknown(Reason.TOO_UNCERTAIN)
    return Estimate(rng.normal(), rng.uniform(), Status(int(rng.integers(1, 4))))


def pelvis(seed):
    rng = np.random.default_rng(seed)
    known = bool(seed % 3)
    state = PelvisState(
        stamp_ns=int(rng.integers(10**18)),
        frame_id="camera",
        person_id="p" * (seed % 4),
        method=Method(seed % 3),
        absolute=PelvisAngles(*(estimate(rng) for _ in range(4))),
        relative=PelvisAngles(*(estimate(rng) for _ in range(4))),
        origin=rng.normal(size=3) if known else None,
        axes=Rotation.random(random_state=seed).as_matrix() if known else None,
        covariance=rng.normal(size=(6, 6)) if known else np.zeros((6, 6)),
        track_id=seed,
        neutral_source=NeutralSource(seed % 3),
        neutral_stamp_ns=int(rng.integers(10**18)),
    )
    status = rng.integers(0, 4, 4)
    there = status != Status.UNKNOWN
    landmarks = PelvisLandmarks(
        LANDMARKS, rng.normal(size=(4, 3)) * there[:, None], rng.uniform(0, 0.1, 4) * there, status,
        np.where(there, 0, int(Reason.NO_DEPTH)), rng.uniform(size=4), rng.uniform(0, 99, (4, 2)),
    )  # fmt: skip
    return state, landmarks


def breath(seed):
    rng = np.random.default_rng(seed)
    stamp_ns = int(rng.integers(10**18))
    return Breath(stamp_ns, "camera", "p", *(estimate(rng) for _ in range(3)), seed)


def serialised(message):
    return canonical(type_name(type(message)), bytes(serialize_message(message)))


def same(a, b):
    """Whether two are alike to the bit."""
    assert type(a) is type(b)
    for row in fields(a):
        x, y = getattr(a, row.name), getattr(b, row.name)
        if is_dataclass(x):
            same(x, y)
        elif isinstance(x, np.ndarray):
            assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes()), row.name
        else:
            assert x == y, row.name


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_written_is_what_rclpy_writes(seed):
    # Twice the same texts: the second fills the form of the first.
    for number in (seed, seed + 12):
        body = pose(number)
        state, points = pelvis(number)
        wall = breath(number)
        for data, message in (
            (convert_wire.body_pose_data(body), convert.to_body_pose(body)),
            (convert_wire.markers_data(body), markers.to_markers(body)),
            (convert_wire.pelvis_state_data(state), convert.to_pelvis_state(state)),
            (
                convert_wire.pelvis_landmarks_data(state, points),
                convert.to_pelvis_landmarks(state, points),
            ),
            (
                convert_wire.pelvis_markers_data(state, points),
                markers.to_pelvis_markers(state, points),
            ),
            (convert_wire.breath_data(wall), convert.to_breath(wall)),
        ):
            assert isinstance(data, Filled)
            assert data == serialised(message), type(message)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_read_is_what_rclpy_and_the_conversion_read(seed):
    state, _ = pelvis(seed)
    for message, read, convert_one in (
        (convert.to_body_pose(pose(seed)), convert_wire.read_body_pose, convert.from_body_pose),
        (convert.to_body_pose(pose(seed, ())), convert_wire.read_body_pose, convert.from_body_pose),
        (
            convert.to_pelvis_state(state),
            convert_wire.read_pelvis_state,
            convert.from_pelvis_state,
        ),
        (convert.to_breath(breath(seed)), convert_wire.read_breath, convert.from_breath),
    ):
        data = bytes(serialize_message(message))
        same(read(data), convert_one(deserialize_message(data, type(message))))


def test_other_texts_are_read_as_they_are():
    for number in (1, 2, 1):
        one = replace(pose(number), backend="movenet" * number)
        assert convert_wire.read_body_pose(convert_wire.body_pose_data(one)).backend == one.backend


def damage_position(message):
    message.keypoints[0].position.x = float("nan")


def damage_status(message):
    message.keypoints[0].status = 77


def damage_mode(message):
    message.mode = 200


def damage_up(message):
    message.gravity_known = True
    message.up.x = 5.0


@pytest.mark.parametrize("damage", [damage_position, damage_status, damage_mode, damage_up])
def test_a_pose_that_cannot_be_is_refused(damage):
    message = convert.to_body_pose(pose(1))
    damage(message)
    with pytest.raises(InputError, match="body/pose"):
        convert_wire.read_body_pose(bytes(serialize_message(message)))


@pytest.mark.parametrize("length", [6, 40, 300, 2000])
def test_a_torn_message_is_refused(length):
    data = bytes(convert_wire.body_pose_data(pose(1)))[:length]
    with pytest.raises(InputError, match=r"BodyPose|message"):
        convert_wire.read_body_pose(data)


def test_a_pelvis_that_contradicts_itself_is_refused():
    message = msg.PelvisState()
    message.tilt.status, message.tilt.reason = 1, 3
    with pytest.raises(InputError, match="pelvis/state"):
        convert_wire.read_pelvis_state(bytes(serialize_message(message)))
