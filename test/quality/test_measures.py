import math

import numpy as np
import pytest

from lbp_rehab.estimate import Reason, Status
from lbp_rehab.quality import measures


@pytest.mark.parametrize("degrees", [100.0, 130.0, 170.0, 180.0, 190.0])
def test_hip_extension_is_the_signed_angle_also_beyond_a_straight_line(patient, degrees):
    pose = patient.body_pose(0.0, patient.bridge(degrees * patient.deg, lift=0.4))
    found = measures.from_pose("hip_extension", pose)
    assert math.degrees(found.value) == pytest.approx(degrees, abs=1e-6)
    assert found.status == Status.MEASURED


def test_hip_extension_goes_on_with_the_one_side_that_is_seen(patient):
    points = patient.bridge(2.5, 2.8)
    both = measures.from_pose("hip_extension", patient.body_pose(0.0, points))
    left = measures.from_pose(
        "hip_extension", patient.body_pose(0.0, points, hidden=("r_knee", "r_hip"))
    )
    assert both.value == pytest.approx(2.65)
    # Without the other hip it is the plain angle in space, which the shoulder's offset changes.
    assert left.value == pytest.approx(2.5, abs=0.05)


def test_angles_at_joints_work_without_gravity_and_heights_say_why_not(patient):
    pose = patient.body_pose(0.0, patient.bridge(2.5), gravity=False)
    assert measures.from_pose("hip_extension", pose).known
    assert measures.from_pose("knee_flexion", pose).known
    for name in ("hip_height", "trunk_inclination"):
        assert measures.from_pose(name, pose).reason == Reason.NO_GRAVITY


def test_hip_height_is_in_thigh_lengths_above_the_support(patient):
    lift = 0.4
    pose = patient.body_pose(0.0, patient.bridge(2.6, lift=lift))
    found = measures.from_pose("hip_height", pose)
    assert found.value == pytest.approx((0.08 + 0.5 * math.sin(lift)) / 0.42)


def test_trunk_inclination_lean_and_knees_of_a_standing_bend(patient):
    pose = patient.body_pose(0.0, patient.standing(0.9, lean=0.15, knee_flexion=0.3))
    assert measures.from_pose("trunk_lean", pose).value == pytest.approx(0.15)
    assert measures.from_pose("knee_flexion_r", pose).value == pytest.approx(0.3)
    assert measures.from_pose("knee_flexion", pose).value == pytest.approx(0.3)
    upright = patient.body_pose(0.0, patient.standing(0.9))
    assert measures.from_pose("trunk_inclination", upright).value == pytest.approx(0.9)
    assert measures.from_pose("hip_extension", upright).value == pytest.approx(math.pi - 0.9)


def test_hips_that_hang_below_the_line_are_positive_whichever_side_lies_down(patient):
    pose = patient.body_pose(0.0, patient.bridge(math.pi))
    straight = measures.from_pose("hips_below_line", pose).value
    low, high = (patient.body_pose(0.0, patient.bridge(a)) for a in (math.pi - 0.2, math.pi + 0.2))
    assert straight == pytest.approx(0.0, abs=1e-9)
    assert measures.from_pose("hips_below_line", low).value == pytest.approx(0.2)
    assert measures.from_pose("hips_below_line", high).value == pytest.approx(-0.2)


def test_knee_distance_is_that_of_the_hips_and_negative_when_the_knees_cross(patient):
    for ratio in (1.4, 1.0, 0.5, -0.2):
        pose = patient.body_pose(0.0, patient.bridge(2.5, knee_ratio=ratio))
        assert measures.from_pose("knee_distance", pose).value == pytest.approx(ratio)


@pytest.mark.parametrize("name", sorted(measures.POSE_MEASURES))
def test_sigma_is_the_scatter_of_many_noisy_skeletons(patient, name):
    rng = np.random.default_rng(1)
    points = patient.bridge(2.6, 2.5, lift=0.3)
    known_up = {"sigma_m": 0.004, "up_sigma": 0.0}
    exact = measures.from_pose(name, patient.body_pose(0.0, points, **known_up))
    drawn = [
        measures.from_pose(name, patient.body_pose(0.0, points, rng=rng, **known_up)).value
        for _ in range(400)
    ]
    # The scatter of 400 draws is itself known to 3.5 %.
    assert exact.sigma == pytest.approx(np.std(drawn), rel=0.15)
    assert np.mean(drawn) == pytest.approx(exact.value, abs=4 * exact.sigma / 20 + 2e-3)


def test_an_uncertain_direction_of_up_adds_to_what_needs_it(patient):
    points = patient.standing(0.9)
    sure, unsure = (patient.body_pose(0.0, points, sigma_m=1e-6, up_sigma=s) for s in (0.0, 0.03))
    assert measures.from_pose("trunk_inclination", sure).sigma < 1e-4
    assert measures.from_pose("trunk_inclination", unsure).sigma == pytest.approx(0.03, rel=0.02)


def test_an_occluded_point_is_named_as_the_reason(patient):
    pose = patient.body_pose(0.0, patient.bridge(2.5), hidden=("l_ankle", "r_ankle"))
    assert measures.from_pose("knee_flexion", pose).reason == Reason.OCCLUDED


def test_too_much_noise_is_unknown_and_not_a_number(patient):
    pose = patient.body_pose(0.0, patient.bridge(2.5), sigma_m=0.3)
    assert measures.from_pose("hip_extension", pose).reason == Reason.TOO_UNCERTAIN


def test_pelvis_measures_take_the_angle_that_they_name(patient):
    state = patient.pelvis_state(0.0, tilt=0.1, obliquity=0.2, rotation=0.3, lumbar_flexion=0.4)
    for name, value in (
        ("pelvis_tilt", 0.1),
        ("pelvis_obliquity_relative", 0.2),
        ("pelvis_rotation", 0.3),
        ("lumbar_flexion_relative", 0.4),
    ):
        assert measures.from_pelvis(name, state).value == value


def test_a_muscle_is_the_mean_of_its_known_sides(patient):
    sample = patient.activation(0.0, gluteus_maximus_l=0.2, gluteus_maximus_r=0.4)
    assert measures.from_activation("activation_gluteus_maximus", sample).value == pytest.approx(
        0.3
    )
    assert measures.from_activation("activation_gluteus_maximus_r", sample).value == 0.4
    absent = measures.from_activation("activation_multifidus", sample)
    assert absent.reason == Reason.MISSING_INPUT


@pytest.mark.parametrize("status", [Status.INFERRED, Status.HELD])
def test_a_measure_is_no_better_known_than_its_worst_point(patient, status):
    pose = patient.body_pose(0.0, patient.bridge(2.5))
    pose.status[pose.names.index("r_knee")] = int(status)
    assert measures.from_pose("hip_extension", pose).status == status
    assert measures.from_pose("hip_extension_l", pose).status == Status.MEASURED
