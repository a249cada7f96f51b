import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from trunks import CAMERA, seen_from

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis import head as module
from lbp_rehab.pelvis.estimator import PelvisEstimator
from lbp_rehab.pelvis.head import BODY, SIDE, SPAN_M, PelvisHead, in_frame_of, look, pelvic_region
from lbp_rehab.pelvis.neutral import Neutral
from lbp_rehab.pelvis.segments import cardan, gravity_frame, pelvis_axes, turned_angles
from lbp_rehab.pelvis.surface_map import surface_map
from lbp_rehab.pelvis.types import Method, NeutralSource
from lbp_rehab.pose.crop import cut
from lbp_rehab.pose.landmarks import region_round
from lbp_rehab.pose.lift import LANDMARKS, ray_map
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Support
from lbp_rehab.stamps import NANOSECONDS

N = len(NAMES)
UP = Rotation.from_euler("xz", [-20, 5], degrees=True).apply([0.0, -1.0, 0.0])
SUPPORT = Support(UP, 0.02, Estimate(1.2, 0.01))
SCENE = seen_from(25.0)
TRUNK = [INDEX[name] for name in ("l_hip", "r_hip", "l_shoulder", "r_shoulder")]


class FakeNetwork:
    """Answers what it is told to; keeps what it was given."""

    def __init__(self, _path):
        rng = np.random.default_rng(2)

        def factor():
            return np.tril(rng.uniform(0.01, 0.08, (4, 4))).astype(np.float32)

        self.value = np.array([0.1, -0.2, 0.05, 0.35], np.float32)
        self.factor, self.change_factor = factor(), 0.3 * factor()
        self.change = np.zeros(4, np.float32)
        self.landmarks = rng.normal(0.0, 0.1, (4, 3)).astype(np.float32)
        self.spread = np.array([0.01, 0.02, 0.03, 0.04], np.float32)
        self.given = []

    def __call__(self, **inputs):
        self.given.append(inputs)
        return [self.value, self.factor, self.change, self.change_factor, self.landmarks,
                self.spread]  # fmt: skip

    @property
    def covariance(self):
        return self.factor.astype(float) @ self.factor.astype(float).T

    @property
    def change_covariance(self):
        return self.change_factor.astype(float) @ self.change_factor.astype(float).T


@pytest.fixture(autouse=True)
def _network(monkeypatch):
    monkeypatch.setattr(module, "Network", FakeNetwork)


def pose_of(points, support=SUPPORT, lost=(), **others):
    status, reason = np.full(N, int(Status.MEASURED)), np.zeros(N, int)
    for name in lost:
        status[INDEX[name]], reason[INDEX[name]] = Status.UNKNOWN, Reason.OCCLUDED
    known = status != Status.UNKNOWN
    covariance = np.where(known[:, None, None], np.diag([0.01, 0.02, 0.03]) ** 2, 0.0)
    return BodyPose(
        NANOSECONDS, "camera", NAMES, np.where(known[:, None], points, 0.0), covariance, status,
        reason, np.ones(N), CAMERA.project(np.maximum(points, [-np.inf, -np.inf, 0.1])),
        support=support, **{"track_id": 1, **others},
    )  # fmt: skip


def standing(shape, turn=None, **others):
    """Return someone upright before the camera, turned in the image."""
    return pose_of((shape if turn is None else turn.apply(shape)) + [0.2, 0.1, 2.4], **others)


def posed(scene=SCENE, **others):
    return pose_of(scene.position, **others)


# What it looks at


@pytest.mark.parametrize("turn_deg", [0, 70, 180])
def test_the_crop_spans_the_pelvis_and_is_turned_as_the_trunk(standing_shape, turn_deg):
    pose = standing(standing_shape, Rotation.from_euler("z", turn_deg, degrees=True))
    origin = pose.position[[23, 24]].mean(axis=0)
    region = pelvic_region(pose, CAMERA)
    np.testing.assert_allclose(region.centre, CAMERA.project(origin[None])[0])
    assert region.size / CAMERA.fx * origin[2] == pytest.approx(SPAN_M)
    assert region.rotation == pytest.approx(region_round(pose.pixel).rotation)
    off = np.mod(region.rotation - np.deg2rad(turn_deg) + np.pi, 2 * np.pi) - np.pi
    assert abs(off) < np.deg2rad(8)


def test_unknown_limbs_do_not_turn_the_crop(standing_shape):
    lost = standing(standing_shape, lost=("l_wrist", "r_ankle", "nose"))
    whole = pelvic_region(standing(standing_shape), CAMERA)
    assert pelvic_region(lost, CAMERA).rotation == pytest.approx(whole.rotation)


def test_the_surface_is_that_of_the_depth_image():
    pose, depth = posed(), SCENE.depth
    view = look(pose, depth, CAMERA)
    region = pelvic_region(pose, CAMERA)
    readings = cut(depth, region, SIDE)
    assert len(view.points) == np.count_nonzero(readings) > 1000
    np.testing.assert_allclose(view.points[:, 2], readings[readings > 0] / 1000.0, rtol=1e-6)
    row, column = np.nonzero(readings)
    slope = np.stack([column, row, np.ones_like(row)], axis=1) @ ray_map(region, CAMERA, SIDE).T
    np.testing.assert_allclose(view.points[:, :2] / view.points[:, 2:], slope, atol=1e-9)
    np.testing.assert_array_equal(view.surface, surface_map(view.points, view.origin, view.base))
    # And it lies on the trunk: within a millimetre of depth and a pixel.
    points = (view.points - SCENE.origin) @ SCENE.axes
    square = (points[:, :2] / SCENE.half_m) ** 2
    assert np.quantile(np.abs(np.sqrt(square.sum(axis=1)) - 1.0), 0.95) < 0.03


def test_the_base_is_that_of_hips_and_shoulders():
    view = look(posed(), SCENE.depth, CAMERA)
    np.testing.assert_allclose(view.base, pelvis_axes(SCENE.position[TRUNK]))
    np.testing.assert_allclose(view.base, SCENE.axes, atol=1e-12)
    np.testing.assert_allclose(view.origin, SCENE.origin, atol=1e-12)


def test_joints_come_with_their_sigma_and_unknown_ones_as_zeros():
    pose = posed(lost=("l_knee", "nose"))
    joints = look(pose, SCENE.depth, CAMERA).joints
    for row, name in zip(joints, BODY, strict=True):
        if name in ("l_knee", "nose"):
            np.testing.assert_array_equal(row, 0.0)
            continue
        place = (pose.position[INDEX[name]] - SCENE.origin) @ SCENE.axes
        np.testing.assert_allclose(row[:3], place, atol=1e-6)
        np.testing.assert_allclose(row[3], 10.0 * pose.sigma_m()[INDEX[name]], rtol=1e-6)
        assert row[4] == 1.0


def test_up_is_given_where_a_plane_tells_it():
    def up_of(support):
        return look(posed(support=support), SCENE.depth, CAMERA).others[:4]

    np.testing.assert_allclose(up_of(SUPPORT), [*(SCENE.axes.T @ UP), 1.0], atol=1e-6)
    np.testing.assert_array_equal(up_of(None), np.zeros(4))
    guessed = Support(UP, 0.2, Estimate.unknown(Reason.NO_DEPTH))
    np.testing.assert_array_equal(up_of(guessed), np.zeros(4))


def test_without_a_reading_the_surface_is_empty():
    view = look(posed(), np.zeros((480, 640), np.uint16), CAMERA)
    assert view.points.shape == (0, 3)
    assert not view.surface.any()
    assert view.joints.any()


# The head


def test_the_network_is_given_both_moments():
    now = look(posed(), SCENE.depth, CAMERA)
    other = seen_from(40.0, 20.0)
    before = look(posed(other, lost=("l_ankle",)), other.depth, CAMERA)
    head = PelvisHead()
    head(now, before)
    (given,) = head._network.given
    here, trunk = in_frame_of(now, before)
    wanted = {
        "surface": now.surface, "reference": before.surface, "here": here, "joints": now.joints,
        "others": now.others, "reference_joints": before.joints,
        "reference_others": before.others, "trunk": trunk,
    }  # fmt: skip
    assert set(given) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(given[name], value, err_msg=name)
    for a, b in (("surface", "reference"), ("surface", "here"), ("reference", "here"),
                 ("joints", "reference_joints"), ("others", "reference_others")):  # fmt: skip
        assert not np.array_equal(given[a], given[b]), (a, b)


def test_the_reading_is_what_the_network_says():
    view = look(posed(), SCENE.depth, CAMERA)
    head = PelvisHead()
    network = head._network
    network.change = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    seen = head(view, view)
    np.testing.assert_array_equal(seen.value, network.value.astype(float))
    np.testing.assert_array_equal(seen.change, network.change.astype(float))
    np.testing.assert_allclose(seen.covariance, network.covariance)
    np.testing.assert_allclose(seen.change_covariance, network.change_covariance)
    assert (np.linalg.eigvalsh(seen.covariance) > 0.0).all()
    assert len(seen.landmarks) == len(LANDMARKS)
    np.testing.assert_allclose((seen.landmarks - SCENE.origin) @ SCENE.axes, network.landmarks,
                               atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(seen.landmark_sigma, [0.01, 0.02, 0.03, 0.04])


def test_the_packages_weights_answer_like_a_pelvis(monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.undo()
    head = PelvisHead()
    now, before = (look(posed(s), s.depth, CAMERA) for s in (SCENE, seen_from(40.0, 20.0)))
    for view, reference in ((now, now), (now, before), (before, now)):
        seen = head(view, reference)
        assert np.linalg.norm(seen.value[:3]) < 1.0
        assert np.linalg.norm(seen.change) < 1.0
        for covariance in (seen.covariance, seen.change_covariance):
            assert covariance.shape == (4, 4)
            assert (np.linalg.eigvalsh(covariance) > 0.0).all()
        off = (seen.landmarks - view.origin) @ view.base
        assert np.linalg.norm(off, axis=1).max() < 0.3
        assert (off[[0, 2], 1] > off[[1, 3], 1]).all()  # left is left
        assert (off[[0, 1], 0] > off[[2, 3], 0]).all()  # and front is in front
        assert (seen.landmark_sigma > 0.0).all()


def test_the_packages_weights_answer_without_a_surface(monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.undo()
    view = look(posed(support=None), np.zeros((480, 640), np.uint16), CAMERA)
    seen = PelvisHead()(view, view)
    assert np.linalg.norm(seen.value) < np.pi
    assert (np.linalg.eigvalsh(seen.covariance) > 0.0).all()
    assert np.isfinite(seen.landmarks).all()


def test_the_packages_weights_know_that_nothing_has_changed(monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.undo()
    view = look(posed(), SCENE.depth, CAMERA)
    seen = PelvisHead()(view, view)
    sigma = np.sqrt(np.diag(seen.change_covariance))
    assert (np.abs(seen.change) < np.maximum(3.0 * sigma, np.deg2rad(5.0))).all()
    assert np.trace(seen.change_covariance) < np.trace(seen.covariance)


# The estimator that uses it


def updated(estimator, scene=SCENE, **others):
    return estimator.update(posed(scene, **others), scene.depth, CAMERA)


def axes_of(network, scene=SCENE):
    return scene.axes @ Rotation.from_rotvec(network.value[:3].astype(float)).as_matrix()


def test_with_depth_the_first_pelvis_is_the_heads():
    estimator = PelvisEstimator()
    network = estimator._head._network
    state, sample = updated(estimator)
    assert state.method == Method.SURFACE
    axes = axes_of(network)
    np.testing.assert_allclose(state.axes, axes, atol=1e-9)
    wanted = cardan(gravity_frame(SUPPORT) @ axes)
    found = [a.value for a in (state.absolute.tilt, state.absolute.obliquity)]
    np.testing.assert_allclose([*found, state.absolute.rotation.value], wanted)
    assert state.absolute.lumbar_flexion.value == pytest.approx(0.35)
    sigma = np.sqrt(network.covariance[3, 3])
    assert state.absolute.lumbar_flexion.sigma == pytest.approx(sigma)
    np.testing.assert_allclose((state.landmarks - SCENE.origin) @ SCENE.axes, network.landmarks,
                               atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(state.landmark_sigma, network.spread)
    assert sample.lumbar_flexion == state.absolute.lumbar_flexion


def test_the_covariance_of_the_turn_is_about_the_cameras_axes():
    estimator = PelvisEstimator()
    network = estimator._head._network
    state, _ = updated(estimator)
    own = network.covariance[:3, :3]
    np.testing.assert_allclose(state.axes.T @ state.covariance[3:, 3:] @ state.axes, own, atol=1e-9)
    # A small turn about the pelvis's own axes is the same turn about the camera's, carried over.
    turn = np.array([1e-4, -2e-4, 3e-4])
    about_own = state.axes @ Rotation.from_rotvec(turn).as_matrix()
    about_camera = Rotation.from_rotvec(state.axes @ turn).as_matrix() @ state.axes
    np.testing.assert_allclose(about_own, about_camera, atol=1e-9)


@pytest.mark.parametrize("depth", [True, False])
def test_without_depth_or_intrinsics_the_segments_answer(depth):
    given = (SCENE.depth, None) if depth else (None, CAMERA)
    estimator = PelvisEstimator()
    state, _ = estimator.update(posed(), *given)
    assert state.method == Method.SEGMENTS
    assert state.landmarks is None
    assert not state.absolute.lumbar_flexion.known
    assert not estimator._head._network.given


def test_a_patient_is_followed_against_one_moment_and_another_patient_against_the_own():
    estimator = PelvisEstimator()
    scenes = [seen_from(a) for a in (25.0, 28.0, 31.0, 34.0, 37.0)]
    for scene, track in zip(scenes, (1, 1, 2, 2, 1), strict=True):
        updated(estimator, scene, track_id=track)
    given = estimator._head._network.given
    views = [one["surface"] for one in given]
    assert len({view.tobytes() for view in views}) == 5
    for one, before in zip(given, (0, 0, 2, 2, 4), strict=True):
        np.testing.assert_array_equal(one["reference"], views[before])


def test_what_the_surface_has_changed_moves_the_pelvis():
    estimator = PelvisEstimator()
    network = estimator._head._network
    network.change_factor = np.zeros((4, 4), np.float32)
    first, _ = updated(estimator)
    network.change = np.array([0.02, 0.1, -0.03, 0.2], np.float32)
    network.value = network.value + network.change
    second, _ = updated(estimator)
    np.testing.assert_allclose(second.axes, axes_of(network), atol=1e-7)
    moved = second.absolute.lumbar_flexion.value - first.absolute.lumbar_flexion.value
    assert moved == pytest.approx(0.2)


def test_absolute_angles_are_as_sure_as_the_head_and_relative_ones_as_the_two_changes():
    estimator = PelvisEstimator()
    network = estimator._head._network
    updated(estimator)
    frame = gravity_frame(SUPPORT)
    neutral_axes = frame @ axes_of(network)
    estimator.neutral = Neutral(
        5, 1, neutral_axes, True, 0.25, 0.01, 9, NeutralSource.CALIBRATED, Method.SURFACE,
        change_covariance=0.5 * network.change_covariance,
    )  # fmt: skip
    state, _ = updated(estimator)
    both = 1.5 * network.change_covariance
    relative = state.relative
    found = [relative.tilt, relative.obliquity, relative.rotation]
    np.testing.assert_allclose([a.value for a in found], 0.0, atol=1e-7)
    # About the neutral itself the angles are the rotation vector: tilt about left, and so on.
    wanted = np.sqrt([both[1, 1] + 1e-4, both[0, 0] + 1e-4, both[2, 2] + 1e-4])
    np.testing.assert_allclose([a.sigma for a in found], wanted, rtol=1e-5)
    assert relative.lumbar_flexion.value == pytest.approx(0.10, abs=1e-6)
    assert relative.lumbar_flexion.sigma == pytest.approx(np.sqrt(both[3, 3] + 1e-4))
    # Absolute ones hold what the person alone does to the head, by the share of the reference.
    own, moved = np.diag(network.covariance), np.diag(network.change_covariance)
    share = own / (own + moved)
    full = network.covariance + network.change_covariance * np.outer(share, share)
    spread = np.diag(turned_angles(neutral_axes, full[:3, :3])[1])
    tilting = SUPPORT.sigma_rad**2
    absolute = state.absolute
    np.testing.assert_allclose(
        [absolute.tilt.sigma, absolute.obliquity.sigma, absolute.rotation.sigma],
        np.sqrt(spread + np.array([tilting, tilting, 0.0])),
    )
    assert absolute.lumbar_flexion.sigma == pytest.approx(np.sqrt(full[3, 3]))
    assert (wanted < np.sqrt(spread)).all()


def test_a_hidden_hip_is_not_given_to_the_head():
    estimator = PelvisEstimator()
    state, sample = updated(estimator, lost=("r_hip",))
    assert (state.method, sample) == (Method.NONE, None)
    assert state.absolute.tilt.reason == Reason.OCCLUDED
    assert not estimator._head._network.given


def test_a_frame_without_the_pelvis_does_not_lose_the_reference():
    estimator = PelvisEstimator()
    updated(estimator)
    updated(estimator, lost=("r_hip",))
    estimator.update(posed(), None, None)
    updated(estimator, seen_from(30.0))
    first, last = estimator._head._network.given
    np.testing.assert_array_equal(last["reference"], first["surface"])


def test_who_has_the_neutral_comes_back_to_their_own_reference():
    estimator = PelvisEstimator()
    network = estimator._head._network
    first, _ = updated(estimator)
    estimator.neutral = Neutral(
        5, 1, first.axes, True, 0.25, 0.01, 9, NeutralSource.CALIBRATED, Method.SURFACE
    )
    for track in (2, 3, 1):
        updated(estimator, seen_from(30.0 + track), track_id=track)
    own = [given["surface"].tobytes() for given in network.given]
    before = [given["reference"].tobytes() for given in network.given]
    assert before == [own[0], own[1], own[2], own[0]]
    assert sorted(estimator._followers) == [1]


def test_an_angle_that_the_surface_does_not_tell_is_unknown_alone():
    estimator = PelvisEstimator()
    network = estimator._head._network
    level = Support(-SCENE.axes @ [0.0, 0.0, -1.0], 0.02, Estimate(1.2, 0.01))
    network.value = np.zeros(4, np.float32)
    network.factor = np.diag([0.01, 0.6, 0.01, 0.7]).astype(np.float32)
    state, _ = updated(estimator, support=level)
    assert state.absolute.tilt.reason == Reason.TOO_UNCERTAIN
    assert state.absolute.lumbar_flexion.reason == Reason.TOO_UNCERTAIN
    assert state.absolute.obliquity.value == pytest.approx(0.0, abs=1e-6)
    assert state.absolute.rotation.sigma == pytest.approx(0.01, rel=1e-5)
    assert state.absolute.obliquity.sigma == pytest.approx(np.hypot(0.01, 0.02), rel=1e-5)


def test_the_same_frames_give_the_same_states():
    def run():
        estimator = PelvisEstimator()
        scenes = [seen_from(a) for a in (25.0, 30.0, 35.0)]
        return [updated(estimator, scene)[0] for scene in scenes]

    for one, other in zip(run(), run(), strict=True):
        assert one.axes.tobytes() == other.axes.tobytes()
        assert one.covariance.tobytes() == other.covariance.tobytes()
        assert one.absolute == other.absolute
