import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.pelvis.segments import cardan
from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.synthetic.motion.dof import Dof, of_side
from lbp_rehab.synthetic.motion.movement import Fault, perform
from lbp_rehab.synthetic.motion.postures import poser
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.person.body import LANDMARKS
from lbp_rehab.synthetic.person.people import body_of, sample
from lbp_rehab.synthetic.truth import pelvis_axes, thorax_axes


@pytest.fixture(scope="module")
def bodies():
    return [body_of(sample(seed)) for seed in (3, 4)]


@pytest.fixture(scope="module")
def body(bodies):
    return bodies[0]


EVERY_CASE = [(e, f) for e, p in PROGRAMS.items() for f in (None, *p.faults)]


def make(body, exercise, fault=None, seed=5, side="left", **options):
    faults = [Fault(0, fault)] if fault else []
    movement = perform(
        exercise, seed, repetitions=1, faults=faults, side=side, initial_rest_s=0.5, **options
    )
    return movement, poser(exercise, body, movement.rest, side=side)


def times(movement, step_s=0.25):
    made = movement.repetitions[0]
    return np.sort(np.append(np.arange(0.0, movement.duration_s, step_s), made.top_s))


def top(body, exercise, fault=None, **options):
    """Return the keypoints by name, and the pose, at the top of a repetition."""
    movement, own = make(body, exercise, fault, **options)
    pose = own.pose(movement.at(movement.repetitions[0].top_s)[0])
    return body.keypoints(pose), pose


def at(points, name):
    return points[INDEX[name]]


def angle_deg(a, b):
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))


def elevation_deg(a):
    return np.degrees(np.arcsin(a[2] / np.linalg.norm(a)))


@pytest.mark.parametrize(("exercise", "fault"), EVERY_CASE)
def test_body_rests_on_its_support_and_nothing_goes_through_it(bodies, exercise, fault):
    for seed, body in enumerate(bodies):
        side = "right" if seed % 2 else "left"
        movement, own = make(body, exercise, fault, seed, side)
        for t_s, row in zip(times(movement), movement.at(times(movement)), strict=True):
            lowest = body.skin(own.pose(row))[:, 2].min()
            assert -0.010001 < lowest < 0.01, f"{t_s:.2f} s, person {seed}"


@pytest.mark.parametrize("exercise", PROGRAMS)
def test_planted_feet_and_hands_stay_where_they_are(body, exercise):
    movement, own = make(body, exercise)
    for row in movement.at(times(movement)):
        points = body.keypoints(own.pose(row))
        for name, place in own.contacts().items():
            side, joint = name[0], name[2:]
            off = ("LEG_FREE", "FOOT_UP") if joint == "ankle" else ("ARM_FREE", "ARM_REACH")
            if all(row[of_side(kind, side)] == 0.0 for kind in off):
                assert np.linalg.norm(at(points, name) - place) < 0.01, name


@pytest.mark.parametrize("exercise", PROGRAMS)
def test_bones_keep_their_length(body, exercise):
    movement, own = make(body, exercise, next(iter(PROGRAMS[exercise].faults)))
    lengths = []
    for row in movement.at(times(movement, 0.5)):
        heads = body.bone_heads(own.pose(row))
        lengths.append(np.linalg.norm(heads[1:] - heads[body.parents[1:]], axis=1))
    assert np.ptp(lengths, axis=0).max() < 1e-4


@pytest.mark.parametrize(
    ("exercise", "fault"), [c for c in EVERY_CASE if c[1] in (None, "too_fast", "other_leg_lifts")]
)
def test_joints_move_smoothly(body, exercise, fault):
    movement, own = make(body, exercise, fault)
    step_s = 0.02
    rows = movement.at(np.arange(0.0, movement.duration_s, step_s))
    points = np.array([body.keypoints(own.pose(row)) for row in rows])
    speed = np.linalg.norm(np.diff(points, axis=0), axis=2) / step_s
    assert speed.max() < 3.5
    assert np.abs(np.diff(speed, axis=0)).max() / step_s < 40.0


def test_head_stays_on_the_mat_and_moves_smoothly_for_everybody():
    for seed in range(40):
        own_body = body_of(sample(seed))
        movement, own = make(own_body, "pelvic_tilt", seed=seed)
        rows = movement.at(np.arange(0.0, movement.duration_s, 0.1))
        nose = np.array([at(own_body.keypoints(own.pose(row)), "nose") for row in rows])
        assert np.linalg.norm(np.diff(nose, axis=0), axis=1).max() < 0.02, seed


def test_thorax_lies_still_while_the_pelvis_tilts(bodies):
    for seed, own_body in enumerate(bodies):
        movement, own = make(own_body, "pelvic_tilt", seed=seed)
        rows = movement.at(np.array([0.0, movement.repetitions[0].top_s]))
        before, after = (thorax_axes(own_body, own.pose(row)) for row in rows)
        assert angle_deg(before[:, 2], after[:, 2]) < 3.0


@pytest.mark.parametrize("exercise", PROGRAMS)
def test_free_pelvis_breaks_no_contact(body, exercise):
    movement, own = make(body, exercise, free_pelvis_deg=5.0)
    for row in movement.at(times(movement, 0.4)):
        assert -0.010001 < body.skin(own.pose(row))[:, 2].min() < 0.01


@pytest.mark.parametrize("exercise", ["pelvic_tilt", "cat_camel", "bird_dog", "clam", "press_up"])
def test_true_angles_are_the_degrees_of_freedom(body, exercise):
    movement, own = make(body, exercise, seed=11)
    neutral = pelvis_axes(own.pose(movement.rest))
    for row in movement.at(times(movement)):
        relative = cardan(neutral.T @ pelvis_axes(own.pose(row)))
        rest = movement.rest[[Dof.PELVIS_TILT, Dof.PELVIS_LIST, Dof.PELVIS_TURN]]
        moved = row[[Dof.PELVIS_TILT, Dof.PELVIS_LIST, Dof.PELVIS_TURN]] - rest
        np.testing.assert_allclose(relative, moved, atol=np.radians(0.6))


def test_pelvic_landmarks_turn_with_the_pelvis(body):
    for exercise in ("pelvic_tilt", "bird_dog", "forward_bend"):
        _, pose = top(body, exercise)
        l_asis, r_asis, l_psis, r_psis = body.landmarks(pose)
        axes = pelvis_axes(pose)
        assert LANDMARKS == ("l_asis", "r_asis", "l_psis", "r_psis")
        left, front = l_asis - r_asis, 0.5 * (l_asis + r_asis - l_psis - r_psis)
        assert angle_deg(left, axes[:, 1]) < 3.0
        assert front @ axes[:, 0] > 0.05


def test_full_bridge_brings_the_hips_to_the_line_from_shoulders_to_knees(bodies):
    for body in bodies:
        movement, own = make(body, "glute_bridge")
        row = movement.rest.copy()
        row[Dof.LIFT] = 1.0
        points = body.keypoints(own.pose(row))
        shoulder, hip, knee = (
            0.5 * (at(points, f"l_{n}") + at(points, f"r_{n}")) for n in ("shoulder", "hip", "knee")
        )
        assert angle_deg(shoulder - hip, knee - hip) > 176.0


def test_lumbar_spine_takes_what_pelvis_and_thorax_leave(body):
    def lumbar(exercise, fault=None):
        _, pose = top(body, exercise, fault)
        return np.degrees(cardan(pelvis_axes(pose).T @ thorax_axes(body, pose))[0])

    assert lumbar("glute_bridge", "lumbar_overextension") < lumbar("glute_bridge") - 12.0
    assert lumbar("press_up", "shoulders_work") > lumbar("press_up") + 15.0
    assert lumbar("press_up", "too_far") < lumbar("press_up") - 10.0
    assert lumbar("forward_bend", "back_dominated") > lumbar("forward_bend") + 5.0


def pelvis_turn(points, pose):
    return cardan(pelvis_axes(pose))[1]


def knees_apart(points, pose):
    return at(points, "l_knee")[1] - at(points, "r_knee")[1]


def line_deg(low, middle, high):
    def measure(points, pose):
        a, b, c = (0.5 * (at(points, f"l_{n}") + at(points, f"r_{n}")) for n in (low, middle, high))
        return elevation_deg(a - b) + elevation_deg(c - b)

    return measure


def height(name):
    return lambda points, pose: at(points, name)[2]


def bend_deg(side, *joints):
    def measure(points, pose):
        a, b, c = (at(points, f"{side}_{n}") for n in joints)
        return angle_deg(a - b, c - b)

    return measure


# Exercise, fault: what a therapist would look at, and the least that it must change.
SEEN = [
    ("pelvic_tilt", "hips_lift", height("l_hip"), 0.04),
    ("pelvic_tilt", "knees_swing", lambda p, q: abs(at(p, "l_knee") + at(p, "r_knee"))[1], 0.15),
    ("glute_bridge", "hips_low", height("l_hip"), -0.05),
    ("glute_bridge", "knees_fall_in", lambda p, q: abs(knees_apart(p, q)), -0.1),
    ("glute_bridge", "pelvis_drops", lambda p, q: abs(pelvis_turn(p, q)), np.radians(6)),
    ("dead_bug", "knee_angle_lost", bend_deg("r", "hip", "knee", "ankle"), 30.0),
    ("dead_bug", "wrong_limb_pair", lambda p, q: at(p, "l_wrist")[0], 0.3),
    ("knee_to_chest", "other_leg_lifts", height("r_ankle"), 0.2),
    ("knee_to_chest", "head_lifts", height("nose"), 0.04),
    ("bird_dog", "limb_low", height("l_ankle"), -0.2),
    ("bird_dog", "trunk_rotates", lambda p, q: at(p, "l_hip")[2] - at(p, "r_hip")[2], 0.03),
    ("cat_camel", "elbows_bend", bend_deg("l", "shoulder", "elbow", "wrist"), -30.0),
    ("press_up", "hips_lift", height("l_hip"), 0.07),
    ("plank", "hips_sag", line_deg("ankle", "hip", "shoulder"), 12.0),
    ("plank", "hips_pike", line_deg("ankle", "hip", "shoulder"), -18.0),
    ("plank", "head_drops", height("nose"), -0.02),
    ("clam", "feet_part", height("l_ankle"), 0.1),
    ("clam", "pelvis_rolls_back", lambda p, q: at(p, "l_hip")[1] - at(p, "r_hip")[1], -0.03),
    ("side_bridge", "head_drops", height("nose"), -0.02),
    ("side_bridge", "hips_sag", height("r_hip"), -0.05),
    ("forward_bend", "hip_dominated", lambda p, q: cardan(pelvis_axes(q))[0], np.radians(10)),
    ("forward_bend", "deviates", lambda p, q: abs(at(p, "nose")[1]), 0.1),
    ("backward_bend", "deviates", lambda p, q: abs(at(p, "nose")[1]), 0.08),
]


@pytest.mark.parametrize(("exercise", "fault", "measure", "least"), SEEN)
def test_fault_can_be_seen(body, exercise, fault, measure, least):
    changed = measure(*top(body, exercise, fault)) - measure(*top(body, exercise))
    assert changed > least if least > 0 else changed < least


def test_limbs_of_the_bird_dog_are_level_and_of_opposite_sides(body):
    points, _ = top(body, "bird_dog", side="left")
    leg = at(points, "l_ankle") - at(points, "l_hip")
    arm = at(points, "r_wrist") - at(points, "r_shoulder")
    assert abs(elevation_deg(leg)) < 12.0
    assert abs(elevation_deg(arm)) < 15.0
    assert leg[0] < -0.5
    assert arm[0] > 0.3


def test_hands_reach_the_knee_that_is_drawn_up(body):
    points, _ = top(body, "knee_to_chest", side="right")
    for wrist in ("l_wrist", "r_wrist"):
        assert np.linalg.norm(at(points, wrist) - at(points, "r_knee")) < 0.22


def test_clam_opens_the_upper_knee_with_the_feet_together(body):
    for side, own in (("left", "l"), ("right", "r")):
        points, _ = top(body, "clam", side=side)
        other = "r" if own == "l" else "l"
        assert at(points, f"{own}_knee")[2] - at(points, f"{other}_knee")[2] > 0.2
        assert np.linalg.norm(at(points, "l_ankle") - at(points, "r_ankle")) < 0.16


def test_breathing_moves_the_belly(body):
    movement, own = make(body, "breathing")
    made = movement.repetitions[0]
    low, high = movement.at(np.array([made.start_s, made.top_s]))
    before, after = (
        body.skin(own.pose(movement.rest), breath=(row[Dof.BELLY], row[Dof.CHEST]))
        for row in (low, high)
    )
    assert 0.015 < (after - before)[:, 2].max() < 0.045
