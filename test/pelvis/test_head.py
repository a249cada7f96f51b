from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis import head as module
from lbp_rehab.pelvis.estimator import FORGET_LAST_S, PelvisEstimator
from lbp_rehab.pelvis.head import SIDE, SPAN_M, Last, PelvisHead, pelvic_region
from lbp_rehab.pelvis.segments import POINTS, cardan, gravity_frame, pelvis_axes
from lbp_rehab.pelvis.types import Method
from lbp_rehab.pose.crop import cut
from lbp_rehab.pose.landmarks import region_round
from lbp_rehab.pose.lift import LANDMARKS, ray_map
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Support
from lbp_rehab.stamps import NANOSECONDS

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
N = len(NAMES)
UP = Rotation.from_euler("xz", [-20, 5], degrees=True).apply([0.0, -1.0, 0.0])
SUPPORT = Support(UP, 0.02, Estimate(1.2, 0.01))
AT = np.array([0.2, 0.1, 2.4])


class FakeNetwork:
    """Answers what it is told to; keeps what it was given."""

    def __init__(self, _path):
        rng = np.random.default_rng(2)
        self.axes = Rotation.from_rotvec([0.4, -0.9, 0.3]).as_matrix().astype(np.float32)
        self.factor = np.tril(rng.uniform(0.01, 0.08, (4, 4))).astype(np.float32)
        self.lumbar = np.array(0.35, np.float32)
        self.landmarks = rng.normal(0.0, 0.1, (4, 3)).astype(np.float32) + AT.astype(np.float32)
        self.spread = np.array([0.01, 0.02, 0.03, 0.04], np.float32)
        self.given = []

    def __call__(self, **inputs):
        self.given.append(inputs)
        return [self.axes, self.factor, self.lumbar, self.landmarks, self.spread]


@pytest.fixture(autouse=True)
def _network(monkeypatch):
    monkeypatch.setattr(module, "Network", FakeNetwork)


def standing(shape, turn=None, support=SUPPORT, lost=(), **others):
    points = (shape if turn is None else turn.apply(shape)) + AT
    status = np.full(N, int(Status.MEASURED))
    reason = np.zeros(N, int)
    for name in lost:
        status[INDEX[name]], reason[INDEX[name]] = Status.UNKNOWN, Reason.OCCLUDED
    known = status != Status.UNKNOWN
    covariance = np.where(known[:, None, None], np.diag([0.01, 0.02, 0.03]) ** 2, 0.0)
    return BodyPose(
        NANOSECONDS, "camera", NAMES, np.where(known[:, None], points, 0.0), covariance, status,
        reason, np.ones(N), CAMERA.project(points), support=support,
        **{"track_id": 1, **others},
    )  # fmt: skip


def depth_image():
    rows, columns = np.mgrid[:480, :640]
    return (1500 + columns + rows).astype(np.uint16)


# The head


def test_the_covariance_is_that_of_the_factor(standing_shape):
    head = PelvisHead()
    surface = head(standing(standing_shape), depth_image(), CAMERA)
    factor = head._network.factor.astype(float)
    np.testing.assert_allclose(surface.covariance, factor @ factor.T)
    assert (np.linalg.eigvalsh(surface.covariance) > 0.0).all()
    np.testing.assert_array_equal(surface.axes, head._network.axes.astype(float))
    np.testing.assert_array_equal(surface.landmarks, head._network.landmarks.astype(float))
    np.testing.assert_allclose(surface.landmark_sigma, [0.01, 0.02, 0.03, 0.04])
    assert surface.lumbar_flexion == pytest.approx(0.35)
    assert len(LANDMARKS) == len(surface.landmarks)


def test_the_head_sees_the_surface_round_the_mid_hip(standing_shape):
    head, pose = PelvisHead(), standing(standing_shape)
    head(pose, depth_image(), CAMERA)
    given = head._network.given[0]
    trunk = np.array([pose.point(name) for name in POINTS])
    origin = trunk[:2].mean(axis=0)
    np.testing.assert_allclose(given["origin"], origin)
    np.testing.assert_allclose(given["base"], pelvis_axes(trunk))
    region = pelvic_region(pose, origin, CAMERA)
    np.testing.assert_allclose(given["depth"], cut(depth_image(), region, SIDE) / 1000.0, rtol=1e-6)
    np.testing.assert_allclose(given["rays"], ray_map(region, CAMERA, SIDE))
    # The middle of the crop looks at the mid-hip.
    middle = given["rays"] @ [SIDE / 2, SIDE / 2, 1.0]
    np.testing.assert_allclose(middle, origin[:2] / origin[2], atol=1e-9)


@pytest.mark.parametrize("turn_deg", [0, 70, 180])
def test_the_crop_spans_the_pelvis_and_is_turned_as_the_trunk(standing_shape, turn_deg):
    pose = standing(standing_shape, Rotation.from_euler("z", turn_deg, degrees=True))
    origin = pose.position[[23, 24]].mean(axis=0)
    region = pelvic_region(pose, origin, CAMERA)
    np.testing.assert_allclose(region.centre, CAMERA.project(origin[None])[0])
    assert region.size / CAMERA.fx * origin[2] == pytest.approx(SPAN_M)
    assert region.rotation == pytest.approx(region_round(pose.pixel).rotation)
    off = np.mod(region.rotation - np.deg2rad(turn_deg) + np.pi, 2 * np.pi) - np.pi
    assert abs(off) < np.deg2rad(8)


def test_unknown_limbs_do_not_turn_the_crop(standing_shape):
    lost = standing(standing_shape, lost=("l_wrist", "r_ankle", "nose"))
    origin = lost.position[[23, 24]].mean(axis=0)
    whole = pelvic_region(standing(standing_shape), origin, CAMERA)
    assert pelvic_region(lost, origin, CAMERA).rotation == pytest.approx(whole.rotation)


def test_unknown_joints_have_a_negative_sigma(standing_shape):
    head, pose = PelvisHead(), standing(standing_shape, lost=("l_wrist", "nose"))
    head(pose, depth_image(), CAMERA)
    joints = head._network.given[0]["joints"]
    known = pose.status != Status.UNKNOWN
    np.testing.assert_allclose(joints[known, 3], pose.sigma_m()[known])
    np.testing.assert_array_equal(joints[~known], [[0.0, 0.0, 0.0, -1.0]] * 2)
    np.testing.assert_array_equal(joints[known, :3], pose.position[known])


def test_up_and_the_last_pelvis_come_with_a_flag(standing_shape):
    head = PelvisHead()
    head(standing(standing_shape), depth_image(), CAMERA)
    head(standing(standing_shape, support=None), depth_image(), CAMERA)
    axes = Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix()
    head(standing(standing_shape), depth_image(), CAMERA, Last(axes, 0.25))
    first, second, third = head._network.given
    np.testing.assert_array_equal(first["up"], [*UP, 1.0])
    np.testing.assert_array_equal(second["up"], np.zeros(4))
    np.testing.assert_array_equal(first["last"], np.zeros(8))
    np.testing.assert_array_equal(third["last"], [*axes[:, 0], *axes[:, 2], 0.25, 1.0])


def test_the_packages_weights_answer_a_rotation(standing_shape, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.undo()
    head = PelvisHead()
    for depth in (depth_image(), np.zeros((480, 640), np.uint16)):
        surface = head(standing(standing_shape), depth, CAMERA)
        np.testing.assert_allclose(surface.axes @ surface.axes.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(surface.axes) == pytest.approx(1.0, abs=1e-5)
        assert (np.linalg.eigvalsh(surface.covariance) > 0.0).all()
        assert (surface.landmark_sigma > 0.0).all()
        assert np.isfinite(surface.landmarks).all()
        assert np.isfinite(surface.lumbar_flexion)


# The estimator that uses it


def test_with_depth_the_pelvis_is_the_heads(standing_shape):
    estimator = PelvisEstimator()
    network = estimator._head._network
    state, sample = estimator.update(standing(standing_shape), depth_image(), CAMERA)
    assert state.method == Method.SURFACE
    np.testing.assert_allclose(state.axes, network.axes, atol=1e-7)
    wanted = cardan(gravity_frame(SUPPORT) @ network.axes.astype(float))
    found = [a.value for a in (state.absolute.tilt, state.absolute.obliquity)]
    np.testing.assert_allclose([*found, state.absolute.rotation.value], wanted)
    factor = network.factor.astype(float)
    assert state.absolute.lumbar_flexion.value == pytest.approx(0.35)
    assert state.absolute.lumbar_flexion.sigma == pytest.approx(np.sqrt((factor @ factor.T)[3, 3]))
    np.testing.assert_array_equal(state.landmarks, network.landmarks.astype(float))
    assert sample.lumbar_flexion == state.absolute.lumbar_flexion


def test_the_covariance_of_the_turn_is_about_the_cameras_axes(standing_shape):
    estimator = PelvisEstimator()
    network = estimator._head._network
    state, _ = estimator.update(standing(standing_shape), depth_image(), CAMERA)
    axes = network.axes.astype(float)
    own = (network.factor.astype(float) @ network.factor.astype(float).T)[:3, :3]
    np.testing.assert_allclose(axes.T @ state.covariance[3:, 3:] @ axes, own, atol=1e-9)
    # A small turn about the pelvis's own axes is the same turn about the camera's, carried over.
    turn = np.array([1e-4, -2e-4, 3e-4])
    about_own = axes @ Rotation.from_rotvec(turn).as_matrix()
    about_camera = Rotation.from_rotvec(axes @ turn).as_matrix() @ axes
    np.testing.assert_allclose(about_own, about_camera, atol=1e-9)


@pytest.mark.parametrize("depth", [True, False])
def test_without_depth_or_intrinsics_the_segments_answer(standing_shape, depth):
    given = (depth_image(), None) if depth else (None, CAMERA)
    state, _ = PelvisEstimator().update(standing(standing_shape), *given)
    assert state.method == Method.SEGMENTS
    assert state.landmarks is None
    assert not state.absolute.lumbar_flexion.known


@pytest.mark.parametrize(
    ("after_s", "track_id", "helps"),
    [(0.1, 1, True), (FORGET_LAST_S, 1, True), (FORGET_LAST_S + 0.1, 1, False), (0.1, 2, False),
     (-0.1, 1, False)],
)  # fmt: skip
def test_the_last_pelvis_of_the_same_person_helps_for_a_while(
    standing_shape, after_s, track_id, helps
):
    estimator = PelvisEstimator()
    pose = standing(standing_shape)
    estimator.update(pose, depth_image(), CAMERA)
    later = replace(pose, stamp_ns=pose.stamp_ns + round(after_s * NANOSECONDS), track_id=track_id)
    estimator.update(later, depth_image(), CAMERA)
    first, second = (given["last"] for given in estimator._head._network.given)
    assert not first.any()
    assert second[7] == float(helps)
    if helps:
        assert second[6] == pytest.approx(after_s)


def test_a_hidden_hip_is_not_given_to_the_head(standing_shape):
    estimator = PelvisEstimator()
    state, sample = estimator.update(
        standing(standing_shape, lost=("r_hip",)), depth_image(), CAMERA
    )
    assert (state.method, sample) == (Method.NONE, None)
    assert state.absolute.tilt.reason == Reason.OCCLUDED
    assert not estimator._head._network.given


def test_an_angle_that_the_surface_does_not_tell_is_unknown_alone(standing_shape):
    estimator = PelvisEstimator()
    estimator._head._network.axes = gravity_frame(SUPPORT).T.astype(np.float32)
    estimator._head._network.factor = np.diag([0.01, 0.6, 0.01, 0.7]).astype(np.float32)
    state, _ = estimator.update(standing(standing_shape), depth_image(), CAMERA)
    assert state.absolute.tilt.reason == Reason.TOO_UNCERTAIN
    assert state.absolute.lumbar_flexion.reason == Reason.TOO_UNCERTAIN
    for angle in (state.absolute.obliquity, state.absolute.rotation):
        assert angle.value == pytest.approx(0.0, abs=1e-6)
    assert state.absolute.rotation.sigma == pytest.approx(0.01)
    assert state.absolute.obliquity.sigma == pytest.approx(np.hypot(0.01, SUPPORT.sigma_rad))
