"""The node over real DDS, with a pelvis head that notes what it is given."""

from dataclasses import replace

import numpy as np
import pytest
from lbp_rehab.srv import CalibrateNeutral
from rclpy.serialization import deserialize_message, serialize_message
from service_msgs.msg import ServiceEventInfo
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab import msg
from lbp_rehab.bags import BagReader, BagWriter, Topic
from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes import convert, images, qos
from lbp_rehab.nodes.pelvic_angle_estimator import PelvicAngleEstimatorNode
from lbp_rehab.nodes.pose_estimator import DEPTH, INFO
from lbp_rehab.pelvis.head import Reading, look
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Support
from lbp_rehab.replay.lockstep import Part, replay

pytestmark = pytest.mark.graph

CAMERA = Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5)
MS = 1_000_000
FRAME = 33 * MS
# Level camera; the person stands 2 m away and faces away from it. Only the trunk is known.
UP = np.array([0.0, -1.0, 0.0])
POSITION = np.zeros((len(NAMES), 3))
for _name, _place in {
    "l_hip": (-0.1, 0, 2), "r_hip": (0.1, 0, 2),
    "l_shoulder": (-0.18, -0.5, 2), "r_shoulder": (0.18, -0.5, 2),
}.items():  # fmt: skip
    POSITION[INDEX[_name]] = _place
TRUNK = POSITION.any(axis=1)
PLACES = POSITION[TRUNK] + np.array([0.0, 0.05, 0.1])  # of the landmarks
TOPICS = {
    "pelvis_state": msg.PelvisState,
    "pelvis_landmarks": msg.PelvisLandmarks,
    "pelvis_markers": MarkerArray,
}


class Head:
    """Stands for the trained head: the pelvis stands as hips and shoulders do and never moves."""

    def __call__(self, view, reference):
        return Reading(
            np.array([0.0, 0.0, 0.0, 0.1]), np.eye(4) * 0.02**2, np.zeros(4), np.eye(4) * 0.01**2,
            PLACES, np.full(4, 0.03),
        )  # fmt: skip


@pytest.fixture
def looked(monkeypatch):
    """What each pose was measured on: its stamp, a reading and the intrinsics."""
    given = []

    def note(pose, depth, intrinsics):
        given.append((pose.stamp_ns, int(depth[0, 0]), intrinsics))
        return look(pose, depth, intrinsics)

    monkeypatch.setattr("lbp_rehab.pelvis.estimator.look", note)
    return given


@pytest.fixture
def start(bench, looked, monkeypatch):
    monkeypatch.setattr("lbp_rehab.pelvis.estimator.PelvisHead", Head)

    def begin(listen=TOPICS, **parameters):
        node = bench.start(PelvicAngleEstimatorNode, **parameters)
        bench.listen(node, **listen)
        return node

    return begin


def pose(stamp_ns, status=Status.MEASURED):
    known = TRUNK & (status != Status.UNKNOWN)
    return convert.to_body_pose(
        BodyPose(
            stamp_ns, "camera", NAMES, POSITION * known[:, None],
            np.eye(3) * 0.01**2 * known[:, None, None],
            np.where(known, int(status), int(Status.UNKNOWN)),
            np.where(known, 0, int(Reason.OCCLUDED)), np.ones(len(NAMES)),
            np.zeros((len(NAMES), 2)), support=Support(UP, 0.01, Estimate(1.0, 0.01)),
            person_id="p7", track_id=3,
        )
    )  # fmt: skip


def send_info(bench):
    *_, info = images.to_images(frame(0, 1))
    bench.publish(INFO, info, qos.IMAGES)


def frame(stamp_ns, millimetres):
    depth = np.full((CAMERA.height, CAMERA.width), millimetres, np.uint16)
    return RgbdFrame(stamp_ns, "camera", np.zeros((48, 64, 3), np.uint8), depth, CAMERA)


def send_depth(bench, stamp_ns, millimetres, **changes):
    _, depth, _ = images.to_images(frame(stamp_ns, millimetres))
    for name, value in changes.items():
        setattr(depth, name, value)
    bench.publish(DEPTH, depth, qos.IMAGES)


def states(bench, count, topic="pelvis/state"):
    bench.until(lambda: len(bench.messages[topic]) >= count)
    return bench.messages[topic]


def test_each_pose_is_measured_on_the_depth_of_its_instant(bench, start, looked):
    start()
    send_info(bench)
    for k in range(1, 6):
        send_depth(bench, k * FRAME, 1000 + k)
    for k in range(1, 6):
        bench.publish("body/pose", pose(k * FRAME + 2 * MS))
    found = states(bench, 5)
    assert [s.method for s in found] == [msg.PelvisState.METHOD_SURFACE] * 5
    assert [(t, d) for t, d, _ in looked] == [(k * FRAME + 2 * MS, 1000 + k) for k in range(1, 6)]
    assert looked[0][2] == replace(CAMERA, distortion=(0.0,) * 5)
    assert [convert.to_ns(s.header.stamp) for s in found] == [
        k * FRAME + 2 * MS for k in range(1, 6)
    ]


def test_a_pose_that_overtakes_its_depth_waits_for_it(bench, start, looked):
    node = start()
    send_info(bench)
    send_depth(bench, 0, 1000)
    bench.publish("body/pose", pose(FRAME))
    assert node.sent["pelvis/state"] == 0
    send_depth(bench, FRAME, 1001)
    assert states(bench, 1)[0].method == msg.PelvisState.METHOD_SURFACE
    assert [d for _, d, _ in looked] == [1001]


@pytest.mark.parametrize("sent", ["nothing", "depth", "info", "other size", "bad encoding"])
def test_without_usable_depth_the_pelvis_comes_from_the_points_and_the_node_says_so(
    bench, start, looked, sent
):
    node = start()
    if sent != "depth":
        send_info(bench)
    if sent == "depth":
        send_depth(bench, FRAME, 1000)
    elif sent == "other size":
        send_depth(bench, FRAME, 1000, width=32, height=24, step=64, data=bytes(32 * 24 * 2))
    elif sent == "bad encoding":
        send_depth(bench, FRAME, 1000, encoding="rgb8", step=192, data=bytes(48 * 192))
    bench.publish("body/pose", pose(FRAME))
    (state,) = states(bench, 1)
    assert state.method == msg.PelvisState.METHOD_SEGMENTS
    assert state.tilt.status == Status.MEASURED
    assert looked == []
    level, sentence, values = node.health()
    assert level == b"\x01"
    assert {
        "nothing": "nothing arrives on camera/aligned_depth_to_color/image_raw",
        "info": "nothing arrives on camera/aligned_depth_to_color/image_raw",
        "depth": "nothing arrives on camera/color/camera_info",
        "other size": "depth is 32x24 but colour is 64x48; use depth aligned to colour",
        "bad encoding": "depth has encoding 'rgb8'",
    }[sent] in sentence
    assert values["method"] == "SEGMENTS"
    assert values["poses_without_depth"] == "1"
    (landmarks,) = states(bench, 1, "pelvis/landmarks")
    assert {p.reason for p in landmarks.landmarks} == {int(Reason.NO_DEPTH)}


def test_depth_of_another_instant_does_not_count(bench, start):
    node = start(sync_slop_s=0.005)
    send_info(bench)
    send_depth(bench, FRAME - 6 * MS, 1000)
    send_depth(bench, FRAME + 6 * MS, 1001)
    bench.publish("body/pose", pose(FRAME))
    assert states(bench, 1)[0].method == msg.PelvisState.METHOD_SEGMENTS
    assert "no depth image within 0.005 s of the pose" in node.health()[1]


def test_the_landmarks_are_published_with_name_place_and_sigma(bench, start):
    start()
    send_info(bench)
    send_depth(bench, FRAME, 2100)
    bench.publish("body/pose", pose(FRAME))
    (found,) = states(bench, 1, "pelvis/landmarks")
    assert (found.person_id, found.track_id, found.header.frame_id) == ("p7", 3, "camera")
    assert convert.to_ns(found.header.stamp) == FRAME
    assert tuple(p.name for p in found.landmarks) == LANDMARKS
    for point, place in zip(found.landmarks, PLACES, strict=True):
        where = point.position
        np.testing.assert_allclose([where.x, where.y, where.z], place)
        assert point.sigma_m == pytest.approx(0.03)
        np.testing.assert_allclose(point.covariance, np.array([9, 0, 0, 9, 0, 9]) * 1e-4, rtol=1e-6)
        pixel = CAMERA.project(place[None])[0]
        np.testing.assert_allclose(point.pixel, pixel, rtol=1e-6)
        inside = 0 <= pixel[0] < CAMERA.width and 0 <= pixel[1] < CAMERA.height
        assert point.status == (Status.MEASURED if inside else Status.INFERRED)


def test_the_markers_follow_the_pelvis_and_go_with_it(bench, start):
    start()
    send_info(bench)
    send_depth(bench, FRAME, 2100)
    bench.publish("body/pose", pose(FRAME))
    bench.publish("body/pose", pose(2 * FRAME, Status.UNKNOWN))
    send_depth(bench, 3 * FRAME, 2100)
    seen, gone = states(bench, 2, "pelvis/markers")
    assert [(m.ns, m.id) for m in seen.markers] == [(m.ns, m.id) for m in gone.markers]
    assert {m.action for m in seen.markers} == {Marker.ADD}
    assert {m.action for m in gone.markers} == {Marker.DELETE}
    assert len([m for m in seen.markers if m.ns == "pelvis_landmarks"]) == 4
    assert len([m for m in seen.markers if m.ns == "pelvis_axes"]) == 3


def test_a_pose_of_nobody_gives_a_state_that_says_why(bench, start):
    start()
    bench.publish("body/pose", pose(FRAME, Status.UNKNOWN))
    (state,) = states(bench, 1)
    assert state.method == msg.PelvisState.METHOD_NONE
    assert state.tilt.reason == Reason.OCCLUDED
    (landmarks,) = states(bench, 1, "pelvis/landmarks")
    assert {p.reason for p in landmarks.landmarks} == {int(Reason.OCCLUDED)}


def test_a_limit_that_the_landmarks_exceed_leaves_them_unknown(bench, start):
    start(max_sigma_m=0.02)
    send_info(bench)
    send_depth(bench, FRAME, 2100)
    bench.publish("body/pose", pose(FRAME))
    (found,) = states(bench, 1, "pelvis/landmarks")
    assert {p.status for p in found.landmarks} == {int(Status.UNKNOWN)}
    assert {p.reason for p in found.landmarks} == {int(Reason.TOO_UNCERTAIN)}


def test_the_end_gives_the_last_pose_its_state(bench, start):
    node = start()
    send_info(bench)
    send_depth(bench, 0, 1000)
    bench.publish("body/pose", pose(FRAME))
    assert node.sent["pelvis/state"] == 0
    node.close()
    assert states(bench, 1)[0].method == msg.PelvisState.METHOD_SEGMENTS


def test_a_neutral_is_calibrated_on_the_surface(bench, start):
    node = start(auto_neutral=False)
    send_info(bench)
    client = bench.listener.create_client(CalibrateNeutral, "calibrate_neutral")
    bench.until(client.service_is_ready)
    send_depth(bench, FRAME, 2100)
    bench.publish("body/pose", pose(FRAME))
    assert node.health()[1] == "no neutral: call calibrate_neutral"
    refused = client.call_async(CalibrateNeutral.Request(duration_s=61.0))
    bench.until(refused.done)
    assert "must be between 0 and 60 seconds" in refused.result().message
    answer = client.call_async(CalibrateNeutral.Request(duration_s=0.2))
    # The request and the poses go different ways: shown are poses until the answer is there.
    k = 1
    while not answer.done():
        k += 1
        assert k < 2000
        send_depth(bench, k * FRAME, 2100)
        bench.publish("body/pose", pose(k * FRAME))
    assert answer.result().success, answer.result().message
    assert answer.result().n_samples >= 5
    assert answer.result().tilt.value == pytest.approx(0.0, abs=1e-6)
    assert answer.result().lumbar_flexion.value == pytest.approx(0.1)
    send_depth(bench, (k + 1) * FRAME, 2100)
    bench.publish("body/pose", pose((k + 1) * FRAME))
    found = states(bench, k + 1)[-1]
    assert found.neutral_source == msg.PelvisState.NEUTRAL_CALIBRATED
    assert found.tilt_relative.value == pytest.approx(0.0, abs=1e-6)
    assert node.health()[:2] == (b"\x00", "the pelvis is measured")


def test_the_first_still_moment_is_the_neutral(bench, start):
    node = start(neutral_duration_s=0.3)
    send_info(bench)
    for k in range(1, 14):
        send_depth(bench, k * FRAME, 2100)
        bench.publish("body/pose", pose(k * FRAME))
    assert states(bench, 13)[-1].neutral_source == msg.PelvisState.NEUTRAL_AUTOMATIC
    assert node.health()[2]["neutral_known"] == "true"


@pytest.mark.parametrize(("name", "value"), [("sync_slop_s", 0.6), ("max_sigma_m", 0.001)])
def test_a_value_out_of_range_is_refused(start, name, value):
    with pytest.raises(InputError, match=f"parameter '{name}' is {value}; it must be between"):
        start(**{name: value})


def test_a_recorded_call_gives_the_replay_its_neutral(tmp_path):
    event = "/calibrate_neutral/_service_event"
    asked = CalibrateNeutral.Event(request=[CalibrateNeutral.Request(duration_s=0.2)])
    asked.info.event_type = ServiceEventInfo.REQUEST_RECEIVED
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic(Topic("/body/pose", "lbp_rehab/msg/BodyPose"))
        writer.add_topic(Topic(event, "lbp_rehab/srv/CalibrateNeutral_Event"))
        for k in range(1, 31):
            writer.write("/body/pose", bytes(serialize_message(pose(k * FRAME))), k * FRAME)
            if k == 10:
                writer.write(event, bytes(serialize_message(asked)), k * FRAME)
    sources = []

    def keep(message):
        if message.topic == "/pelvis/state":
            state = deserialize_message(message.data, msg.PelvisState)
            sources.append(state.neutral_source == msg.PelvisState.NEUTRAL_CALIBRATED)

    part = Part(PelvicAngleEstimatorNode, ("--ros-args", "-p", "auto_neutral:=false"))
    with BagReader(tmp_path / "bag") as bag:
        first = replay(bag, [part], keep)
        assert first.fed == {"/body/pose": 30, event: 1}
        assert len(sources) == 30
        assert sources == sorted(sources)
        assert 16 <= sources.index(True) <= 20  # 0.2 s after the call
        assert replay(bag, [part]).digests == first.digests
