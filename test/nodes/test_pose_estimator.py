"""The shell of the pose estimator: parameters, pairs of images and diagnostics."""

import numpy as np
import pytest

from lbp_rehab import msg
from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.nodes import images, qos
from lbp_rehab.nodes.pose_estimator import COLOR, DEPTH, INFO, PoseEstimatorNode
from lbp_rehab.pose.estimator import PoseSettings
from lbp_rehab.pose.support_tracker import Change
from lbp_rehab.pose.types import BodyPose, Mode, Posture

pytestmark = pytest.mark.graph

CAMERA = Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5)
FRAME = 33_000_000


class Core:
    """Stands for the estimator; notes its settings and frames, and sees the patient."""

    def __init__(self, settings):
        self.settings, self.frames = settings, []
        self.support_agrees, self.support_change, self.bones_learnt = True, Change.NONE, 0.5

    def update(self, frame):
        self.frames.append(frame)
        n = 2
        return BodyPose(
            frame.stamp_ns, frame.frame_id, ("l_hip", "r_hip"), np.zeros((n, 3)),
            np.zeros((n, 3, 3)), np.full(n, int(Status.MEASURED)),
            np.full(n, int(Reason.NONE)), np.ones(n), np.zeros((n, 2)),
            mode=Mode.RGB_DEPTH if frame.depth is not None else Mode.NO_DEPTH,
            posture=Posture.SUPINE, track_id=4, people_in_view=2,
        )  # fmt: skip


@pytest.fixture
def start(bench, monkeypatch):
    monkeypatch.setattr("lbp_rehab.nodes.pose_estimator.PoseEstimator", Core)
    return lambda **parameters: bench.start(PoseEstimatorNode, **parameters)


def show(bench, stamp_ns, with_depth=True):
    depth = np.full((48, 64), 2000, np.uint16) if with_depth else None
    frame = RgbdFrame(stamp_ns, "camera", np.zeros((48, 64, 3), np.uint8), depth, CAMERA)
    color, depth_image, info = images.to_images(frame)
    bench.publish(INFO, info, qos.IMAGES)
    if depth_image is not None:
        bench.publish(DEPTH, depth_image, qos.IMAGES)
    bench.publish(COLOR, color, qos.IMAGES)


def test_the_defaults_are_those_of_the_core(start):
    made, given = PoseSettings(), start()._estimator.settings
    for name in vars(made):
        if name in ("subject", "gravity"):
            continue  # parsed anew
        assert getattr(given, name) == getattr(made, name), name
    assert given.subject == made.subject
    assert given.support is None


def test_the_parameters_reach_the_core(start):
    given = start(
        backend="onnx:/models/rtmpose.onnx,halpe26", subject="mat", max_sigma_m=0.05,
        support="0,-2,0,1.4", census_period_s=2.0,
    )._estimator.settings  # fmt: skip
    assert given.backend == "onnx:/models/rtmpose.onnx,halpe26"
    assert given.subject.kind == "mat"
    assert (given.max_sigma_m, given.census_period_s) == (0.05, 2.0)
    np.testing.assert_allclose(given.support.up, [0.0, -1.0, 0.0])
    assert given.support.height.value == 1.4


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"subject": "tallest"}, "subject 'tallest' is unknown; choose one of .*mat"),
        ({"support": "level"}, "support 'level' is not 'x,y,z,height'"),
        ({"gravity": "down"}, "gravity 'down' is not"),
        ({"max_sigma_m": 2.0}, "'max_sigma_m' is 2.0; it must be between 0.01 and 1.0"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(start, parameters, says):
    with pytest.raises(InputError, match=says):
        start(**parameters)


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        ("openpose", "backend 'openpose' is unknown; write one of blazepose, tasks:FILE.task"),
        ("onnx:/no/such.onnx", "such.onnx"),
    ],
)
def test_a_backend_that_cannot_be_is_refused_by_the_real_core(bench, backend, says):
    with pytest.raises(InputError, match=says):
        bench.start(PoseEstimatorNode, backend=backend)


def test_colour_meets_its_depth_and_diagnostics_say_what_is_known(bench, start):
    node = start()
    assert node.health()[1] == f"waiting for {COLOR}"
    bench.listen(node, body_pose=msg.BodyPose)
    show(bench, FRAME)
    bench.until(lambda: bool(bench.messages["body/pose"]))
    assert bench.messages["body/pose"][0].mode == msg.BodyPose.MODE_RGB_DEPTH
    level, sentence, values = node.health()
    assert (level, sentence) == (b"\x00", "the patient is seen (RGB_DEPTH)")
    assert values == {
        "mode": "RGB_DEPTH",
        "posture": "SUPINE",
        "people_in_view": "2",
        "track_id": "4",
        "gravity_known": "false",
        "support_agrees": "true",
        "support_changed": "none",
        "bones_learnt": "50 %",
    }


def test_a_measured_plane_that_does_not_fit_is_a_warning(bench, start):
    node = start(support="0,-1,0,1.2")
    core = node._estimator
    core.support_agrees, core.support_change = False, Change.MOVED
    show(bench, FRAME)
    core.support_change = Change.NONE
    show(bench, 2 * FRAME)
    level, sentence, values = node.health()
    assert level == b"\x01"
    assert "'support' does not fit what the camera sees" in sentence
    assert (values["support_agrees"], values["support_changed"]) == ("false", "camera moved")


def pictures(k):
    depth = np.full((48, 64), 2000, np.uint16)
    frame = RgbdFrame(k * FRAME, "camera", np.zeros((48, 64, 3), np.uint8), depth, CAMERA)
    return images.to_images(frame)


def test_from_the_first_image_on_if_somebody_gives_depth(bench, start):
    node = start()
    bench.publish(DEPTH, pictures(9)[1], qos.IMAGES)  # makes a publisher known
    node._last_depth_ns = None
    node._estimator.frames.clear()
    bench.until(lambda: node.count_publishers(DEPTH) == 1)
    node._on_info(pictures(1)[2])
    for step in (1, 2, 3):
        node._on_color(pictures(step)[0])
    node._on_depth(pictures(2)[1])
    seen = [(f.stamp_ns // FRAME, f.depth is not None) for f in node._estimator.frames]
    assert seen == [(1, False), (2, True)]  # two wait at most; the first one's depth did not come


@pytest.mark.parametrize(
    ("order", "with_depth"),
    [
        ("c1 d1 c2 d2 c3 d3", {1: False, 2: True, 3: True}),  # nothing of depth is known at first
        ("d1 c1 d2 c2 d3 c3", {1: True, 2: True, 3: True}),
        # A machine that is behind is handed the next colour before the depth of the last.
        ("c1 c2 d1 c3 d2 c4 d3 c5 d4 d5", {1: False, 2: False, 3: True, 4: True, 5: True}),
        ("d1 c1 c2 c3 d2 d3", {1: True, 2: True, 3: True}),
        ("d1 c1 c2 c3 d3", {1: True, 2: False, 3: True}),  # the second depth was lost
        ("d1 c1 c2 c3 c4", {1: True, 2: False}),  # depth has stopped
    ],
)
def test_a_colour_image_waits_for_its_depth_while_others_come(start, order, with_depth):
    node = start()
    node._on_info(pictures(1)[2])
    for step in order.split():
        color, depth, _ = pictures(int(step[1:]))
        if step[0] == "c":
            node._on_color(color)
        else:
            node._on_depth(depth)
    seen = [(f.stamp_ns // FRAME, f.depth is not None) for f in node._estimator.frames]
    assert seen == sorted(seen)
    assert dict(seen) == with_depth
