"""The pose estimator as a whole on recorded RGB-D frames of two people."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.bones import ENDS
from lbp_rehab.pose.estimator import PoseEstimator, PoseSettings
from lbp_rehab.pose.overlay import draw
from lbp_rehab.pose.subject import SubjectRule
from lbp_rehab.pose.types import Mode

pytest.importorskip("onnxruntime")
PERIOD_NS = 100_000_000
TRUNK = ("l_hip", "r_hip", "l_shoulder", "r_shoulder")


@pytest.fixture
def frames(real_rgbd):
    values = json.loads((real_rgbd / "camera.json").read_text())
    camera = Intrinsics(640, 480, *(values[k] for k in ("fx", "fy", "cx", "cy")))
    out = []
    for k, path in enumerate(sorted((real_rgbd / "color").iterdir())):
        color = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        depth = cv2.imread(str(real_rgbd / "depth" / path.name), cv2.IMREAD_UNCHANGED)
        out.append(RgbdFrame((k + 1) * PERIOD_NS, "camera", color, depth, camera))
    return out


def empty(stamp_ns, like):
    blank = np.full_like(like.color, 90)
    return RgbdFrame(stamp_ns, "camera", blank, np.zeros_like(like.depth), like.intrinsics)


def estimator(rule, **others):
    return PoseEstimator(PoseSettings(subject=SubjectRule.parse(rule), **others))


@pytest.mark.parametrize(
    ("rule", "columns"), [("nearest", (380, 520)), ("region:0,0,0.6,1", (180, 340))]
)
def test_the_chosen_person_is_followed_through_all_frames(frames, rule, columns):
    follow = estimator(rule)
    poses, learnt = [], []
    for frame in frames:
        poses.append(follow.update(frame))
        learnt.append(np.isfinite(follow._bones.lengths))
    assert len(poses) == 20
    for pose in poses:
        assert pose.track_id == 1
        hip = pose.pixel[[pose.names.index(n) for n in TRUNK[:2]]].mean(axis=0)
        assert columns[0] < hip[0] < columns[1]
        assert pose.mode in (Mode.RGB_DEPTH, Mode.DEPTH_HOLES)
    assert poses[-1].people_in_view == 2
    known = np.array([(pose.status[ENDS] != Status.UNKNOWN).all(axis=1) for pose in poses])
    ends = np.array([pose.position[ENDS] for pose in poses])
    length = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=2)
    for k, of in enumerate((known & np.array(learnt)).T):
        if of.sum() > 2:
            assert length[of, k].std() < 0.03 * length[of, k].mean()


def test_the_same_frames_give_the_same_bits(frames):
    runs = []
    for _ in range(2):
        follow = estimator("nearest")
        runs.append(b"".join(follow.update(f).position.tobytes() for f in frames[:4]))
    assert runs[0] == runs[1]


def test_without_depth_the_pose_is_metric_and_says_so(frames):
    follow = estimator("largest")
    for frame in frames[:3]:
        pose = follow.update(replace(frame, depth=None))
    assert pose.mode in (Mode.NO_DEPTH, Mode.ROOT_RELATIVE)
    assert not (pose.status == Status.MEASURED).any()
    assert pose.track_id == 1


def test_when_depth_stops_the_person_stays_where_depth_had_put_them(frames):
    follow = estimator("nearest", max_sigma_m=1.0)
    for frame in frames[:9]:
        last = follow.update(frame)
    pose = follow.update(replace(frames[9], depth=None))
    assert pose.mode in (Mode.NO_DEPTH, Mode.ROOT_RELATIVE, Mode.HELD)
    step = [np.linalg.norm(pose.point(n) - last.point(n)) for n in TRUNK]
    assert np.mean(step) < 0.4


def test_a_lost_person_is_held_briefly_and_then_unknown(frames):
    follow = estimator("nearest")
    for frame in frames[:3]:
        last = follow.update(frame)
    held = follow.update(empty(last.stamp_ns + PERIOD_NS, frames[0]))
    assert held.mode == Mode.HELD
    assert held.track_id == last.track_id
    gone = follow.update(empty(last.stamp_ns + 10 * PERIOD_NS, frames[0]))
    assert gone.mode == Mode.UNKNOWN
    assert gone.reason_unknown == Reason.NO_PERSON


def test_who_stands_in_the_same_place_an_hour_later_is_a_new_track(frames):
    follow = estimator("nearest")
    first = follow.update(frames[0])
    follow.update(empty(frames[0].stamp_ns + PERIOD_NS, frames[0]))
    later = replace(frames[0], stamp_ns=frames[0].stamp_ns + 3_600_000_000_000)
    assert follow.update(later).track_id == first.track_id + 1


def test_the_overlay_marks_the_person_and_leaves_the_rest(frames):
    pose = estimator("nearest").update(frames[0])
    picture = draw(frames[0].color, pose)
    changed = (picture != frames[0].color).any(axis=2)
    columns = np.flatnonzero(changed.any(axis=0))
    assert columns.min() > 340
    assert changed.sum() > 500
