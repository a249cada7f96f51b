import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.estimator import PoseEstimator, PoseSettings
from lbp_rehab.pose.overlay import draw
from lbp_rehab.pose.subject import SubjectRule
from lbp_rehab.pose.types import Mode

PERIOD_NS = 100_000_000


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


def estimator(rule):
    return PoseEstimator(PoseSettings(subject=SubjectRule.parse(rule)))


@pytest.mark.parametrize(
    ("rule", "columns"), [("nearest", (380, 520)), ("region:0,0,0.6,1", (180, 340))]
)
def test_the_chosen_person_is_followed_through_all_real_frames(frames, rule, columns):
    follow = estimator(rule)
    for frame in frames:
        pose = follow.update(frame)
        assert pose.track_id == 1
        assert pose.people_in_view == 2
        assert pose.known("l_hip", "r_hip", "l_shoulder", "r_shoulder")
        hip = pose.pixel[[pose.names.index("l_hip"), pose.names.index("r_hip")]].mean(axis=0)
        assert columns[0] < hip[0] < columns[1]
        trunk = (pose.point("l_shoulder") - pose.point("l_hip")) / 1.0
        assert 0.35 < np.linalg.norm(trunk) < 0.65
        assert pose.mode in (Mode.RGB_DEPTH, Mode.DEPTH_HOLES)


def test_the_same_frames_give_the_same_bits(frames):
    runs = []
    for _ in range(2):
        follow = estimator("nearest")
        runs.append(b"".join(follow.update(f).position.tobytes() for f in frames[:6]))
    assert runs[0] == runs[1]


def test_without_depth_the_pose_is_metric_and_says_so(frames):
    follow = estimator("largest")
    for frame in frames[:3]:
        bare = RgbdFrame(frame.stamp_ns, "camera", frame.color, None, frame.intrinsics)
        pose = follow.update(bare)
    assert pose.mode == Mode.NO_DEPTH
    assert 1.0 < pose.point("l_shoulder")[2] < 5.0
    hip = pose.names.index("l_hip")
    assert pose.status[hip] == Status.INFERRED
    assert pose.sigma_m()[hip] > 0.08


def test_when_depth_stops_the_person_stays_where_depth_had_put_them(frames):
    follow = estimator("nearest")
    for frame in frames[:14]:
        last = follow.update(frame)
    bare = frames[14]
    bare = RgbdFrame(bare.stamp_ns, "camera", bare.color, None, bare.intrinsics)
    pose = follow.update(bare)
    assert pose.mode == Mode.NO_DEPTH
    trunk = ("l_hip", "r_hip", "l_shoulder", "r_shoulder")
    step = [np.linalg.norm(pose.point(n) - last.point(n)) for n in trunk]
    assert np.mean(step) < 0.12


def test_a_lost_person_is_held_briefly_and_then_unknown(frames):
    follow = estimator("nearest")
    for frame in frames[:3]:
        last = follow.update(frame)
    held = follow.update(empty(last.stamp_ns + PERIOD_NS, frames[0]))
    assert held.mode == Mode.HELD
    known = last.status != Status.UNKNOWN
    assert (held.status[known] == Status.HELD).all()
    assert (held.sigma_m()[known] > last.sigma_m()[known]).all()
    gone = follow.update(empty(last.stamp_ns + 10 * PERIOD_NS, frames[0]))
    assert gone.mode == Mode.UNKNOWN
    assert gone.reason_unknown == Reason.NO_PERSON
    assert not gone.position.any()


def test_who_returns_after_a_long_absence_is_a_new_track(frames):
    follow = estimator("nearest")
    first = follow.update(frames[0])
    follow.update(empty(frames[0].stamp_ns + PERIOD_NS, frames[0]))
    far = RgbdFrame(
        frames[0].stamp_ns + 20 * PERIOD_NS,
        "camera",
        np.ascontiguousarray(frames[9].color[:, ::-1]),
        np.ascontiguousarray(frames[9].depth[:, ::-1]),
        frames[9].intrinsics,
    )
    assert follow.update(far).track_id == first.track_id + 1


def test_who_stands_in_the_same_place_an_hour_later_is_a_new_track(frames):
    follow = estimator("nearest")
    first = follow.update(frames[0])
    follow.update(empty(frames[0].stamp_ns + PERIOD_NS, frames[0]))
    later = replace(frames[0], stamp_ns=frames[0].stamp_ns + 3_600_000_000_000)
    assert follow.update(later).track_id == first.track_id + 1


def test_a_late_frame_is_refused_and_a_clock_set_back_starts_anew(frames):
    follow = estimator("nearest")
    for frame in frames[:15]:
        follow.update(frame)
    with pytest.raises(InputError, match="not newer"):
        follow.update(frames[12])
    again = follow.update(frames[0])
    assert again.known("l_hip")
    assert again.stamp_ns == frames[0].stamp_ns


def test_the_overlay_marks_the_person_and_leaves_the_rest(frames):
    pose = estimator("nearest").update(frames[0])
    picture = draw(frames[0].color, pose)
    changed = (picture != frames[0].color).any(axis=2)
    columns = np.flatnonzero(changed.any(axis=0))
    assert columns.min() > 340
    assert changed.sum() > 500
