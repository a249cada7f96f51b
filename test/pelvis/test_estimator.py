from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.estimator import TILT_MODEL_SIGMA_RAD, PelvisEstimator, PelvisSettings
from lbp_rehab.pelvis.neutral import Collector
from lbp_rehab.pelvis.types import Method, NeutralSource
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose, Support

# The camera looks along +x of the world, level: world (x, y left, z up) to optical (right, down,
# forward).
TO_OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
UP = TO_OPTICAL @ [0.0, 0.0, 1.0]
CAMERA_TO_PERSON = np.array([2.5, 0.0, -1.2])
FRAME_NS = 33_000_000
POINTS = {
    "l_hip": (0, 0.1, 1.0), "r_hip": (0, -0.1, 1.0),
    "l_shoulder": (0, 0.18, 1.5), "r_shoulder": (0, -0.18, 1.5),
}  # fmt: skip


def pose(stamp_ns=FRAME_NS, turn=None, sigma_m=0.01, gravity=True, lost=()):
    """Someone 2.5 m away who faces away from the camera (+x), turned about the mid-hip."""
    n = len(NAMES)
    position, status = np.zeros((n, 3)), np.full(n, int(Status.UNKNOWN))
    reason = np.full(n, int(Reason.OCCLUDED))
    centre = np.array([0, 0, 1.0])
    for name, place in POINTS.items():
        if name in lost:
            continue
        world = np.array(place, float)
        if turn is not None:
            world = centre + turn.apply(world - centre)
        i = NAMES.index(name)
        position[i] = TO_OPTICAL @ (world + CAMERA_TO_PERSON)
        status[i], reason[i] = Status.MEASURED, Reason.NONE
    covariance = np.zeros((n, 3, 3))
    covariance[status == Status.MEASURED] = np.eye(3) * sigma_m**2
    return BodyPose(
        stamp_ns, "camera", NAMES, position, covariance, status, reason, np.ones(n),
        np.zeros((n, 2)), support=Support(UP, 0.01, Estimate(1.2, 0.01)) if gravity else None,
    )  # fmt: skip


def degrees(angles):
    return [np.rad2deg(a.value) for a in (angles.tilt, angles.obliquity, angles.rotation)]


def test_absolute_angles_are_against_gravity():
    turn = Rotation.from_euler("ZXY", [15, -5, 10], degrees=True)
    state, _ = PelvisEstimator().update(pose(turn=turn))
    np.testing.assert_allclose(degrees(state.absolute), [10, 5, 15], atol=1e-6)
    assert state.method == Method.SEGMENTS
    np.testing.assert_allclose(state.origin, TO_OPTICAL @ [2.5, 0, -0.2], atol=1e-9)


def test_the_sigma_of_tilt_owns_up_to_the_spine_in_between():
    sharp, _ = PelvisEstimator().update(pose(sigma_m=0.0005))
    assert sharp.absolute.tilt.sigma >= TILT_MODEL_SIGMA_RAD
    patient = PelvisEstimator(PelvisSettings(max_sigma_rad=1.0))
    blurred, _ = patient.update(pose(sigma_m=0.03))
    assert blurred.absolute.tilt.sigma > sharp.absolute.tilt.sigma
    assert blurred.absolute.rotation.sigma > np.deg2rad(8)


def test_without_gravity_only_absolute_angles_are_unknown():
    estimator = PelvisEstimator()
    collector = Collector(0.2)
    for k in range(1, 20):
        state, sample = estimator.update(pose(k * FRAME_NS, gravity=False))
        collector.add(sample, state.stamp_ns)
    assert state.absolute.tilt.reason == Reason.NO_GRAVITY
    assert state.relative.tilt.reason == Reason.NOT_CALIBRATED
    estimator.neutral = collector.result()
    turn = Rotation.from_euler("Y", 12, degrees=True)
    state, _ = estimator.update(pose(20 * FRAME_NS, turn, gravity=False))
    assert np.rad2deg(state.relative.tilt.value) == pytest.approx(12, abs=1e-6)


def test_relative_angles_start_from_the_patients_neutral():
    estimator = PelvisEstimator()
    lying = Rotation.from_euler("Y", -85, degrees=True)
    collector = Collector(0.5)
    done = False
    k = 0
    while not done:
        k += 1
        state, sample = estimator.update(pose(k * FRAME_NS, lying))
        done = collector.add(sample, state.stamp_ns)
    assert collector.problem() == ""
    estimator.neutral = collector.result()
    tilted = lying * Rotation.from_euler("Y", -10, degrees=True)
    state, _ = estimator.update(pose((k + 1) * FRAME_NS, tilted))
    np.testing.assert_allclose(degrees(state.relative), [-10, 0, 0], atol=1e-6)
    assert state.neutral_stamp_ns > 0


def test_a_restless_patient_gives_no_neutral():
    estimator = PelvisEstimator()
    collector = Collector(0.5)
    for k in range(1, 30):
        turn = Rotation.from_euler("Y", 15 * np.sin(k / 3), degrees=True)
        state, sample = estimator.update(pose(k * FRAME_NS, turn))
        collector.add(sample, state.stamp_ns)
    assert "moved" in collector.problem()


def test_an_automatic_neutral_waits_for_a_still_moment():
    estimator = PelvisEstimator()
    collector = Collector(0.5, automatic=True)
    taken_at = None
    for k in range(1, 90):
        moving = k < 45
        turn = Rotation.from_euler("Y", 15 * np.sin(k / 3) if moving else 4.0, degrees=True)
        state, sample = estimator.update(pose(k * FRAME_NS, turn))
        if collector.add(sample, state.stamp_ns):
            taken_at = k
            break
    assert taken_at is not None
    assert taken_at > 45
    estimator.neutral = collector.result()
    state, _ = estimator.update(pose(91 * FRAME_NS, Rotation.from_euler("Y", 4.0, degrees=True)))
    assert abs(np.rad2deg(state.relative.tilt.value)) < 1.5


def test_a_hidden_hip_makes_the_pelvis_unknown_with_the_reason():
    state, sample = PelvisEstimator().update(pose(lost=("l_hip",)))
    assert sample is None
    assert state.method == Method.NONE
    assert state.absolute.tilt.reason == Reason.OCCLUDED
    assert state.origin is None


def test_a_hopelessly_uncertain_angle_is_unknown():
    state, _ = PelvisEstimator().update(pose(sigma_m=0.2))
    assert state.absolute.rotation.reason == Reason.TOO_UNCERTAIN


def test_lumbar_flexion_is_not_guessed_from_hips_and_shoulders():
    state, _ = PelvisEstimator().update(pose())
    assert not state.absolute.lumbar_flexion.known


def test_a_held_pose_gives_held_angles():
    base = pose()
    held = replace(base, status=np.where(base.status == 1, int(Status.HELD), base.status))
    state, _ = PelvisEstimator().update(held)
    assert state.absolute.tilt.status == Status.HELD


def neutral_of(estimator, automatic=False, track_id=0):
    collector = Collector(0.3, automatic=automatic)
    k = 1
    while True:
        state, sample = estimator.update(replace(pose(k * FRAME_NS), track_id=track_id))
        if collector.add(sample, state.stamp_ns):
            return collector.result()
        k += 1


@pytest.mark.parametrize(
    ("automatic", "source"), [(False, NeutralSource.CALIBRATED), (True, NeutralSource.AUTOMATIC)]
)
def test_the_state_says_where_the_neutral_comes_from(automatic, source):
    estimator = PelvisEstimator()
    assert estimator.update(pose())[0].neutral_source == NeutralSource.NONE
    estimator.neutral = neutral_of(estimator, automatic)
    assert estimator.update(pose())[0].neutral_source == source


def test_another_person_is_not_measured_against_this_ones_neutral():
    estimator = PelvisEstimator()
    estimator.neutral = neutral_of(estimator, track_id=1)
    own, _ = estimator.update(replace(pose(), track_id=1))
    other, _ = estimator.update(replace(pose(), track_id=2))
    assert own.relative.tilt.known
    assert other.relative.tilt.reason == Reason.NOT_CALIBRATED
    assert other.neutral_source == NeutralSource.NONE


def test_the_still_moment_begins_when_the_patient_is_seen():
    estimator = PelvisEstimator()
    collector = Collector(0.5, automatic=True)
    for k in range(1, 300):
        assert not collector.add(None, k * FRAME_NS)
    state, sample = estimator.update(pose(300 * FRAME_NS))
    assert not collector.add(sample, state.stamp_ns)
    stamps = [k * FRAME_NS for k in range(301, 330)]
    assert any(collector.add(estimator.update(pose(stamp))[1], stamp) for stamp in stamps)
    assert collector.result().n_samples > 10


@pytest.mark.parametrize("collapsed", [("l_hip", "r_hip"), ("l_shoulder", "l_hip")])
def test_points_that_fall_together_make_no_pelvis(collapsed):
    base = pose()
    position = base.position.copy()
    a, b = (NAMES.index(n) for n in collapsed)
    position[a] = position[b]
    if collapsed[0] == "l_shoulder":
        position[NAMES.index("r_shoulder")] = position[NAMES.index("r_hip")]
    state, sample = PelvisEstimator().update(replace(base, position=position))
    assert sample is None
    assert state.absolute.tilt.reason == Reason.TOO_UNCERTAIN
