from collections import defaultdict

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Reader

from lbp_rehab.emg.mvc import read_mvc
from lbp_rehab.paths import resource_dir
from lbp_rehab.synthetic.emg import stream as emg
from lbp_rehab.synthetic.messages import NANOSECONDS, typestore

SAMPLE = resource_dir() / "sample"
CAMERA = ("/camera/color/image_raw/compressed", "/camera/color/camera_info",
          "/camera/aligned_depth_to_color/image_raw/compressedDepth")  # fmt: skip
TRUTH = ("/truth/body/pose", "/truth/pelvis/state", "/truth/quality/live",
         "/truth/quality/repetition", "/truth/emg/activation")  # fmt: skip


def ns(stamp):
    return stamp.sec * NANOSECONDS + stamp.nanosec


@pytest.fixture(scope="module")
def bag():
    """Topic -> list of (log time, message)."""
    content = defaultdict(list)
    with Reader(SAMPLE / "glute_bridge") as reader:
        for connection, log_ns, data in reader.messages():
            message = typestore().deserialize_cdr(data, connection.msgtype)
            content[connection.topic].append((log_ns, message))
    return content


def test_sample_is_small_enough_to_ship():
    total = sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file())
    assert total <= 14_500_000


def test_all_topics_are_there_with_monotone_stamps_on_one_clock(bag):
    assert set(bag) == {*CAMERA, *TRUTH, "/emg/raw"}
    for topic, messages in bag.items():
        log = np.array([t for t, _ in messages])
        stamps = np.array([ns(m.header.stamp) for _, m in messages])
        assert (np.diff(log) > 0).all(), topic
        assert (np.diff(stamps) > 0).all(), topic
        assert (np.abs(log - stamps) <= 50_000_000).all(), topic
        assert stamps[0] >= 1_700_000_000 * NANOSECONDS


def test_every_colour_image_has_depth_calibration_and_truth(bag):
    frames = [[ns(m.header.stamp) for _, m in bag[topic]] for topic in (*CAMERA, *TRUTH[:3])]
    assert all(f == frames[0] for f in frames)
    assert np.diff(frames[0]).max() <= NANOSECONDS / 12 + 2
    assert {m.header.frame_id for _, m in bag[CAMERA[0]]} == {"camera_color_optical_frame"}


def test_images_decode_to_the_size_of_the_calibration(bag):
    for i in (0, len(bag[CAMERA[0]]) // 2, -1):
        colour, info, depth = (bag[topic][i][1] for topic in CAMERA)
        assert colour.format == "rgb8; jpeg compressed bgr8"
        assert depth.format == "16UC1; compressedDepth png"
        size = (info.height, info.width)
        assert cv2.imdecode(colour.data, cv2.IMREAD_COLOR).shape == (*size, 3)
        assert not depth.data[:12].any()
        image = cv2.imdecode(depth.data[12:], cv2.IMREAD_UNCHANGED)
        assert image.shape == size
        assert image.dtype == np.uint16


def test_depth_agrees_with_the_mat_under_the_true_support(bag):
    depth, info, pose = bag[CAMERA[2]][0][1], bag[CAMERA[1]][0][1], bag[TRUTH[0]][0][1]
    z = cv2.imdecode(depth.data[12:], cv2.IMREAD_UNCHANGED) / 1000.0
    f, cx, cy = info.k[0], info.k[2], info.k[5]
    v, u = np.mgrid[: info.height, : info.width]
    points = np.stack([(u - cx) / f * z, (v - cy) / f * z, z], axis=-1)
    up = np.array([pose.up.x, pose.up.y, pose.up.z])
    height = points @ up + pose.support_height.value
    foreground = (v > 0.85 * info.height) & (z > 0)  # floor, a mat's thickness under the support
    assert np.median(height[foreground]) == pytest.approx(-0.02, abs=0.02)


def test_hips_rise_and_feet_stay(bag):
    def height(message, name):
        k = next(k for k in message.keypoints if k.name == name)
        up = np.array([message.up.x, message.up.y, message.up.z])
        point = np.array([k.position.x, k.position.y, k.position.z])
        return point @ up + message.support_height.value, point

    poses = [m for _, m in bag["/truth/body/pose"]]
    hips = np.array([height(m, "l_hip")[0] for m in poses])
    assert hips.max() - hips[0] > 0.15
    for name in ("l_ankle", "r_ankle", "l_toe", "r_toe"):
        places = np.array([height(m, name)[1] for m in poses])
        assert np.ptp(places, axis=0).max() < 1e-6, name
    shoulders = np.array([height(m, "r_shoulder")[0] for m in poses])
    assert np.ptp(shoulders) < 0.03


def test_emg_is_gapless_and_rises_with_the_bridge(bag):
    chunks = [m for _, m in bag["/emg/raw"]]
    assert [c.label for c in chunks[0].channels] == list(emg.LABELS)
    n = len(emg.LABELS)
    first = 0
    for chunk in chunks:
        assert chunk.first_sample == first
        assert chunk.lost_before == 0
        assert len(chunk.data) == n * chunk.n_samples
        first += chunk.n_samples
    data = np.concatenate([c.data.reshape(-1, n) for c in chunks])
    repetition = bag["/truth/quality/repetition"][0][1]
    start = ns(chunks[0].header.stamp)
    top = (ns(repetition.target) - start) // 1_000_000
    gluteus = data[:, emg.LABELS.index("gluteus_maximus_r")]
    assert gluteus[top : top + 800].std() > 10 * gluteus[500:3500].std()


def test_truth_has_five_repetitions_and_the_two_faults(bag):
    repetitions = [m for _, m in bag["/truth/quality/repetition"]]
    assert [r.index for r in repetitions] == [1, 2, 3, 4, 5]
    assert [[f.id for f in r.faults] for r in repetitions] == [
        [], [], ["pelvis_drops"], [], ["hips_low"],
    ]  # fmt: skip
    assert [r.outcome for r in repetitions] == [1, 1, 1, 1, 2]
    for r in repetitions:
        assert ns(r.start) < ns(r.target) < ns(r.end) == ns(r.header.stamp)
    full = [r.range_of_motion.value for r in repetitions[:2]]
    assert repetitions[4].range_of_motion.value < 0.8 * min(full)


def test_true_pelvis_shows_the_drop_in_the_third_repetition_alone(bag):
    repetitions = [m for _, m in bag["/truth/quality/repetition"]]
    states = [m for _, m in bag["/truth/pelvis/state"]]
    stamps = np.array([ns(m.header.stamp) for m in states])
    obliquity_deg = np.degrees([m.obliquity.value for m in states])
    for r in repetitions:
        within = (stamps >= ns(r.start)) & (stamps <= ns(r.end))
        worst = np.abs(obliquity_deg[within]).max()
        assert worst > 6.0 if r.index == 3 else worst < 4.0, (r.index, worst)
    tilt_deg = np.degrees([m.tilt_relative.value for m in states])
    assert tilt_deg.min() < -25.0  # the pelvis tilts backwards against its start
    assert np.abs(tilt_deg[stamps < ns(repetitions[0].start)]).max() < 1.5  # a body sways


def test_mvc_file_names_every_channel():
    assert set(read_mvc(SAMPLE / "glute_bridge" / "mvc.yaml")) == set(emg.LABELS)
