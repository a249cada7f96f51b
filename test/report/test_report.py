import re

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message

from lbp_rehab import msg
from lbp_rehab.bags import BagWriter, Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes.convert import to_body_pose, to_estimate, to_pelvis_state, to_stamp
from lbp_rehab.nodes.images import to_images
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose, Mode
from lbp_rehab.report import load, write_page

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 100_000_000
CAMERA = Intrinsics.from_field_of_view(160, 120, 1.0)


def pose(stamp_ns):
    n = len(NAMES)
    pixel = np.stack([np.linspace(40, 120, n), np.linspace(30, 90, n)], axis=1)
    return BodyPose(
        stamp_ns, "camera", NAMES, np.ones((n, 3)), np.tile(np.eye(3) * 1e-4, (n, 1, 1)),
        np.full(n, int(Status.MEASURED)), np.zeros(n, int), np.ones(n), pixel, mode=Mode.RGB_DEPTH,
    )  # fmt: skip


def pelvis(stamp_ns, tilt_rad):
    unknown = Estimate.unknown(Reason.NOT_CALIBRATED)
    tilt = Estimate(tilt_rad, 0.05)
    angles = PelvisAngles(tilt, tilt, unknown, unknown)
    return PelvisState(
        stamp_ns, "camera", "p1", Method.SEGMENTS, angles,
        PelvisAngles(unknown, unknown, unknown, unknown), None, None, np.zeros((6, 6)),
    )  # fmt: skip


def repetition(stamp_ns):
    fault = msg.Fault(
        id="pelvis_drops", body_part="pelvis_obliquity", unit="rad",
        measured=to_estimate(Estimate(0.2, 0.01)), start=to_stamp(stamp_ns), end=to_stamp(stamp_ns),
    )  # fmt: skip
    return msg.Repetition(
        exercise="glute_bridge", index=1, outcome=msg.Repetition.OUTCOME_COMPLETE,
        grade=msg.Repetition.GRADE_GOOD, start=to_stamp(START_NS + PERIOD_NS),
        target=to_stamp(START_NS + 5 * PERIOD_NS), end=to_stamp(stamp_ns),
        score=to_estimate(Estimate(81.0, 4.0)),
        demonstration_similarity=to_estimate(Estimate(72.0, 9.0)),
        faults=[fault], not_assessed=["knees_fall_in"],
    )  # fmt: skip


@pytest.fixture
def bag(tmp_path):
    folder = tmp_path / "bag"
    writer = BagWriter(folder)
    known = set()

    def write(topic, message, stamp_ns):
        kind = f"{type(message).__module__.split('.')[0]}/msg/{type(message).__name__}"
        if topic not in known:
            known.add(topic)
            definition = installed(kind)
            writer.add_topic(
                Topic(topic, kind, definition.text, definition.encoding, definition.type_hash, ())
            )
        writer.write(topic, serialize_message(message), stamp_ns, stamp_ns)

    for k in range(10):
        now = START_NS + k * PERIOD_NS
        grey = np.full((120, 160, 3), 100, np.uint8)
        color, _, _ = to_images(RgbdFrame(now, "camera", grey, None, CAMERA))
        write("/camera/color/image_raw", color, now)
        write("/body/pose", to_body_pose(pose(now)), now)
        write("/pelvis/state", to_pelvis_state(pelvis(now, 0.01 * k)), now)
    cue = msg.Cue(text="<b>Level</b> your pelvis", answers="pelvis_drops", wav_path="a.wav")
    cue.header.stamp = to_stamp(START_NS + 9 * PERIOD_NS)
    write("/feedback/cue", cue, START_NS + 9 * PERIOD_NS)
    write("/quality/repetition", repetition(START_NS + 9 * PERIOD_NS), START_NS + 9 * PERIOD_NS)
    writer.close()
    return folder


def test_a_session_is_read_with_its_times_and_unknowns(bag):
    session = load(bag)
    assert len(session.poses) == 10
    tilt = session.pelvis["tilt"]
    np.testing.assert_allclose(tilt.t, np.arange(10) * 0.1)
    np.testing.assert_allclose(tilt.value, 0.01 * np.arange(10))
    assert np.isnan(session.pelvis["tilt_relative"].value).all()
    assert session.nearest_pose(0.52).stamp_ns == START_NS + 5 * PERIOD_NS
    assert session.counts["/body/pose"] == 10


def test_the_page_shows_scores_faults_cues_and_annotated_frames(bag, tmp_path):
    written = write_page(load(bag), tmp_path / "page", tmp_path / "voice")
    text = written[0].read_text()
    assert "81 &plusmn; 4" in text
    assert "<td class=n>unknown<td class=n>72 &plusmn; 9" in text
    assert "pelvis drops: pelvis_obliquity 11 deg" in text
    assert "not assessed: knees fall in" in text
    assert "&lt;b&gt;Level&lt;/b&gt;" in text
    assert "../voice/a.wav" in text
    for name in re.findall(r"src='([^']+\.png)'", text):
        assert (tmp_path / "page" / name).is_file()
    frames = [p for p in written if p.name.startswith("frame")]
    assert len(frames) == 2
    picture = cv2.imread(str(frames[0]))
    assert (picture != 100).any(axis=2).sum() > 200


def test_a_bag_without_poses_is_refused(tmp_path):
    BagWriter(tmp_path / "empty").close()
    with pytest.raises(InputError, match="no poses"):
        load(tmp_path / "empty")
