import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pose import lift
from lbp_rehab.pose.crop import cut, to_crop
from lbp_rehab.pose.gravity import body_axes
from lbp_rehab.pose.landmarks import Landmarks, Region
from lbp_rehab.pose.lift import (
    BLIND_SPAN_M,
    CENTRAL,
    HALF_TRUNK_M,
    POINTS,
    SIDE,
    SURFACE_M,
    TRUNK,
    Before,
    Lifter,
    centre_of,
    metres,
    ray_map,
)
from lbp_rehab.pose.skeleton import BONES, NAMES
from lbp_rehab.pose.types import Support

CAMERA = Intrinsics(640, 480, 600.0, 580.0, 317.0, 243.0)
REGION = Region((330.0, 250.0), 420.0, 0.35)
N = len(NAMES)
UP = Rotation.from_euler("xz", [-35, 12], degrees=True).apply([0.0, -1.0, 0.0])
SUPPORT = Support(UP, 0.01, Estimate(1.4, 0.01))
AXES = body_axes(UP, ray_map(REGION, CAMERA))
FLOORLESS = Support(UP, 0.01, Estimate(0.0, 0.0, Status.UNKNOWN, Reason.NO_DEPTH))


class FakeNetwork:
    """Answers what it is told to, in the order position, factor, seen; keeps what it was given."""

    def __init__(self, _path):
        rng = np.random.default_rng(5)
        self.position = rng.uniform([-0.4, -0.8, 1.9], [0.4, 0.8, 2.3], (POINTS, 3))
        self.factor = np.tril(rng.normal(0.0, 0.02, (POINTS, 3, 3)))
        self.factor[:, [0, 1, 2], [0, 1, 2]] = rng.uniform(0.005, 0.2, (POINTS, 3))
        self.logits = rng.normal(0.0, 2.0, (POINTS, 2))

    def __call__(self, **inputs):
        self.given = inputs
        return [self.position, self.factor, self.logits]


@pytest.fixture
def lifter(monkeypatch):
    monkeypatch.setattr(lift, "Network", FakeNetwork)
    return Lifter()


def landmarks(**others):
    rng = np.random.default_rng(1)
    to_image = REGION.to_image(SIDE)
    pixel = rng.uniform(20, SIDE - 20, (N, 2)) @ to_image[:, :2].T + to_image[:, 2]
    values = {
        "visibility": rng.uniform(size=N), "world": rng.normal(0.0, 0.3, (N, 3)),
        "heat": rng.uniform(size=(N, 6)), "presence": 1.0, "next_region": REGION,
    }  # fmt: skip
    return Landmarks(pixel, **{**values, **others})


def flat(z_m=2.0):
    return np.full((480, 640), round(z_m * 1000), np.uint16)


# What the network answers, in the camera's frame


def test_the_covariance_is_turned_from_the_frame_of_gravity_into_the_cameras(lifter):
    network = lifter._network
    found = lifter(landmarks(), REGION, flat(), CAMERA, support=SUPPORT)
    own = network.factor @ np.swapaxes(network.factor, 1, 2)
    np.testing.assert_allclose(AXES @ found.covariance @ AXES.T, own, atol=1e-12)
    up_sigma = np.sqrt(np.einsum("i,pij,j->p", UP, found.covariance, UP))
    np.testing.assert_allclose(up_sigma, np.sqrt(own[:, 2, 2]))


def test_the_covariance_is_symmetric_and_positive_definite(lifter):
    found = lifter(landmarks(), REGION, flat(), CAMERA, support=SUPPORT)
    np.testing.assert_allclose(found.covariance, np.swapaxes(found.covariance, 1, 2), atol=1e-15)
    assert (np.linalg.eigvalsh(found.covariance) > 0.0).all()


def test_the_covariance_agrees_with_random_points(lifter):
    """A point is the position plus the factor's noise along the axes of gravity."""
    network = lifter._network
    found = lifter(landmarks(), REGION, flat(), CAMERA, support=SUPPORT)
    noise = np.random.default_rng(0).normal(size=(200_000, 3))
    points = noise @ network.factor[3].T @ AXES
    np.testing.assert_allclose(np.cov(points.T), found.covariance[3], atol=3e-2 * 0.2**2)


def test_sigma_is_the_root_mean_square_of_the_axes(lifter):
    lifter._network.factor = np.tile(np.diag([0.01, 0.02, 0.05]), (POINTS, 1, 1))
    found = lifter(landmarks(), REGION, flat(), CAMERA, support=SUPPORT)
    wanted = np.sqrt((0.01**2 + 0.02**2 + 0.05**2) / 3.0)
    np.testing.assert_allclose(found.sigma, wanted)


def test_logits_become_probabilities_however_large_they_are(lifter):
    lifter._network.logits = np.zeros((POINTS, 2))
    lifter._network.logits[:2] = [[1e6, -1e6], [np.log(3.0), -np.log(3.0)]]
    with np.errstate(all="raise"):
        found = lifter(landmarks(), REGION, flat(), CAMERA)
    np.testing.assert_allclose(found.seen[:3], [1.0, 0.75, 0.5])
    np.testing.assert_allclose(found.covered[:3], [0.0, 0.25, 0.5], atol=1e-12)


def test_positions_are_those_of_the_network(lifter):
    found = lifter(landmarks(), REGION, flat(), CAMERA)
    np.testing.assert_array_equal(found.position, lifter._network.position)
    assert found.position.dtype == np.float64


def test_a_point_is_measured_where_its_surface_has_a_reading(lifter):
    network = lifter._network
    spot = CAMERA.rays(landmarks().pixel[:4])
    beside = CAMERA.rays(np.array([[-200.0, 250.0], [330.0, 900.0]]))
    network.position[:6] = np.concatenate([spot, beside]) * 2.1
    network.position[1] *= (2.0 + SURFACE_M + 0.01) / 2.1
    network.position[2] *= -1.0
    depth = flat(2.0)
    u, v = np.round(landmarks().pixel[3]).astype(int)
    depth[v - 9 : v + 10, u - 9 : u + 10] = 0
    measured = lifter(landmarks(), REGION, depth, CAMERA).measured
    np.testing.assert_array_equal(measured[:6], [True, False, False, False, False, False])
    assert not lifter(landmarks(), REGION, None, CAMERA).measured.any()


# What the network is given


def test_the_network_sees_the_crop_in_metres_and_the_landmarks_in_its_readings(lifter):
    depth = np.arange(480 * 640, dtype=np.uint32).reshape(480, 640).astype(np.uint16)
    found = landmarks()
    lifter(found, REGION, depth, CAMERA)
    given = lifter._network.given
    np.testing.assert_allclose(given["depth"], cut(depth, REGION, SIDE) / 1000.0, rtol=1e-6)
    np.testing.assert_allclose(given["landmarks"][:, :2], to_crop(found.pixel, REGION, SIDE))
    np.testing.assert_array_equal(given["landmarks"][:, 2], found.visibility)
    np.testing.assert_array_equal(given["landmarks"][:, 3], 1.0)
    np.testing.assert_array_equal(given["shape"], np.hstack([found.world, np.ones((N, 1))]))
    np.testing.assert_array_equal(given["heat"], np.hstack([found.heat, np.ones((N, 1))]))


def test_without_depth_there_are_no_readings(lifter):
    lifter(landmarks(), REGION, None, CAMERA)
    assert lifter._network.given["depth"].shape == (SIDE, SIDE)
    assert not lifter._network.given["depth"].any()


def test_points_that_the_model_does_not_give_are_marked_and_empty(lifter):
    given = np.ones(N, bool)
    given[[9, 20]] = False
    lifter(landmarks(given=given), REGION, flat(), CAMERA)
    inputs = lifter._network.given
    for name in ("landmarks", "shape", "heat"):
        np.testing.assert_array_equal(inputs[name][:, -1], given)
    assert not inputs["shape"][~given].any()
    assert not inputs["heat"][~given].any()


def test_a_model_without_shape_and_heatmaps_is_told_from_one_with_zeros(lifter):
    lifter(landmarks(world=None, heat=None), REGION, flat(), CAMERA)
    given = lifter._network.given
    assert given["shape"].shape == (N, 4)
    assert given["heat"].shape == (N, 7)
    assert not given["shape"].any()
    assert not given["heat"].any()


def test_bones_and_the_last_estimate_come_with_a_flag(lifter):
    lifter(landmarks(), REGION, flat(), CAMERA)
    given = lifter._network.given
    assert given["bones"].shape == (len(BONES) + 1,)
    assert given["last"].shape == (POINTS, 5)
    assert not given["bones"].any()
    assert not given["last"].any()
    assert given["elapsed"] == [0.0]
    rng = np.random.default_rng(0)
    bones, position, sigma = rng.uniform(size=10), rng.normal(size=(POINTS, 3)), np.arange(POINTS)
    lifter(landmarks(), REGION, flat(), CAMERA, bones=bones, before=Before(position, sigma, 0.125))
    given = lifter._network.given
    np.testing.assert_array_equal(given["bones"], [*bones, 1.0])
    np.testing.assert_array_equal(given["last"], np.column_stack([position, sigma, np.ones(37)]))
    assert given["elapsed"] == [0.125]


def test_the_support_is_given_by_its_height_over_the_centre(lifter):
    lifter(landmarks(), REGION, flat(), CAMERA, support=SUPPORT)
    given = lifter._network.given
    height, known = given["support"]
    foot = given["centre"] + height * UP  # must lie on the plane: 1.4 m under the camera
    assert foot @ UP == pytest.approx(-1.4)
    assert known == 1.0
    np.testing.assert_allclose(given["axes"], AXES)


def test_a_support_of_unknown_height_still_tells_which_way_is_up(lifter):
    lifter(landmarks(), REGION, flat(), CAMERA, support=FLOORLESS)
    np.testing.assert_array_equal(lifter._network.given["support"], [0.0, 0.0])
    np.testing.assert_allclose(lifter._network.given["axes"], AXES)


def test_without_a_support_the_camera_is_taken_as_level(lifter):
    lifter(landmarks(), REGION, flat(), CAMERA)
    np.testing.assert_array_equal(lifter._network.given["support"], [0.0, 0.0])
    np.testing.assert_allclose(lifter._network.given["axes"][2], [0.0, -1.0, 0.0], atol=1e-12)


# Rays and the centre


@pytest.mark.parametrize("side", [SIDE, 64])
def test_the_ray_map_of_a_crop_gives_the_cameras_rays(side):
    pixel = np.random.default_rng(3).uniform(-200, 800, (50, 2))
    uv = to_crop(pixel, REGION, side)
    rays = np.column_stack([uv, np.ones(50)]) @ ray_map(REGION, CAMERA, side).T
    np.testing.assert_allclose(rays, CAMERA.rays(pixel)[:, :2], atol=1e-12)


def centre(readings, found=None):
    uv = to_crop((found or landmarks()).pixel, REGION, SIDE)
    return centre_of(readings, uv, ray_map(REGION, CAMERA))


def test_the_centre_lies_behind_the_surface_in_the_direction_of_the_trunk():
    middle = landmarks().pixel[list(TRUNK)].mean(axis=0)
    found = centre(metres(flat(2.0), REGION, SIDE))
    assert found[2] == pytest.approx(2.0 + HALF_TRUNK_M, abs=1e-6)
    np.testing.assert_allclose(CAMERA.project(found[None])[0], middle, atol=1e-9)


def test_the_centre_is_as_far_as_the_lower_median_of_its_readings():
    readings = np.zeros((SIDE, SIDE), np.float32)
    uv = np.round(to_crop(landmarks().pixel, REGION, SIDE)).astype(int)
    for k, z in zip(sorted(set(CENTRAL))[-4:], (1.5, 2.5, 9.0, 2.0), strict=True):
        readings[uv[k, 1], uv[k, 0]] = z
    # 11, 12 have none; 23 and 24 count twice: 1.5, 1.5, 2.0, 2.5, 2.5, 9.0.
    assert centre(readings)[2] == pytest.approx(2.0 + HALF_TRUNK_M, abs=1e-6)


def test_two_readings_are_not_enough_for_the_centre():
    readings = np.zeros((SIDE, SIDE), np.float32)
    uv = np.round(to_crop(landmarks().pixel, REGION, SIDE)).astype(int)
    readings[uv[23, 1], uv[23, 0]] = 3.3  # counts twice
    assert centre(readings)[2] == pytest.approx(centre(np.zeros_like(readings))[2])


@pytest.mark.parametrize("turn", [0.0, 1.1, -2.8])
def test_without_readings_a_region_spans_what_a_person_spans(turn):
    camera = Intrinsics(640, 480, 600.0, 600.0, 317.0, 243.0)
    region = Region((330.0, 250.0), 420.0, turn)
    uv = to_crop(landmarks().pixel, region, SIDE)
    found = centre_of(np.zeros((SIDE, SIDE), np.float32), uv, ray_map(region, camera))
    assert found[2] * 420.0 / 600.0 == pytest.approx(BLIND_SPAN_M)


def test_landmarks_beside_the_crop_are_not_read():
    far = landmarks().pixel.copy()
    far[list(CENTRAL)] += 5000.0
    found = Landmarks(far, np.ones(N), None, 1.0, REGION)
    blind = centre(np.zeros((SIDE, SIDE), np.float32), found)
    np.testing.assert_array_equal(centre(metres(flat(), REGION, SIDE), found), blind)


# The weights of the package


def test_the_packages_weights_answer_every_point_the_same_each_time():
    pytest.importorskip("onnxruntime")
    lifter = Lifter()
    answers = [
        lifter(landmarks(), REGION, depth, CAMERA, support=SUPPORT)
        for depth in (flat(), None, flat())
    ]
    for found in answers:
        assert found.position.shape == (POINTS, 3)
        assert np.isfinite(found.position).all()
        assert (np.linalg.eigvalsh(found.covariance) > 0.0).all()
        assert ((found.seen >= 0.0) & (found.seen <= 1.0)).all()
        assert ((found.covered >= 0.0) & (found.covered <= 1.0)).all()
    assert answers[0].position.tobytes() == answers[2].position.tobytes()
    assert answers[0].covariance.tobytes() == answers[2].covariance.tobytes()
