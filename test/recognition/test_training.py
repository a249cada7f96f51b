"""What recognition and matching learn from."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from upright import STANDING

from lbp_rehab.recognition.classes import EXERCISES, NONE, REST
from lbp_rehab.recognition.features import CHANNELS, STEPS, WINDOW_NS
from lbp_rehab.recognition.frame import in_body_frame
from lbp_rehab.recognition.observation import JOINT, JOINTS, Course
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.training.errors import Errors, rotations
from lbp_rehab.training.motions import Example, Made, load, perform, save
from lbp_rehab.training.windows import cut, label_of, transitions

SECOND = 1_000_000_000

needs_people = pytest.mark.usefixtures("synthetic_extra")
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs the extra train"
)


def still(seconds=8.0, rate_hz=15.0, points=STANDING):
    n = int(seconds * rate_hz)
    return Course(
        (np.arange(n) * SECOND / rate_hz).astype(np.int64), np.tile(points, (n, 1, 1)),
        np.ones((n, len(JOINTS)), bool), np.tile(np.eye(3), (n, 1, 1)), np.ones(n, bool),
        np.zeros(n), np.ones(n, bool),
    )  # fmt: skip


def example(name="forward_bend", course=None, true=None, belly=None):
    course = still() if course is None else course
    n = len(course.stamp_ns)
    made = (Made(4 * SECOND, 7 * SECOND, "none", {"deviates": 0.5}),)
    belly = np.zeros(n) if belly is None else belly
    return Example(name, "somebody", course, made, belly, true)


def test_the_classes_are_the_exercises():
    assert set(EXERCISES) == set(PROGRAMS)
    assert (NONE, REST) == (13, 14)


def test_a_file_gives_back_the_example(tmp_path):
    given = example(true=still())
    save(tmp_path / "one.npz", given)
    found = load(tmp_path / "one.npz")
    assert (found.name, found.person, found.made) == (given.name, given.person, given.made)
    np.testing.assert_allclose(found.course.points, given.course.points, atol=1e-6)
    np.testing.assert_array_equal(found.true.stamp_ns, given.true.stamp_ns)


def test_a_window_shows_an_exercise_rest_or_is_open():
    assert label_of(example(), 3 * SECOND) == REST
    assert label_of(example(), round(4.6 * SECOND)) is None
    assert label_of(example(), 6 * SECOND) == EXERCISES.index("forward_bend")
    assert label_of(example("squat"), 6 * SECOND) == NONE
    assert label_of(example("standing_still"), 6 * SECOND) == REST
    assert label_of(example(), 7 * SECOND + WINDOW_NS) == REST


def test_lent_errors_are_the_donors_turned_to_the_new_heading():
    bias = np.array([0.03, 0.0, 0.01])  # ahead of and above where the joints are
    true = still()
    seen = replace(true, points=true.points + bias, known=true.known.copy())
    seen.known[:, JOINT["r_toe"]] = False
    seen.points[:, JOINT["r_toe"]] = 0.0
    errors = Errors([example(course=seen, true=true)])
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    other = example(course=still(points=STANDING @ quarter.T))
    lent = errors.lend(other, np.random.default_rng(0))
    toe = JOINT["r_toe"]
    others = [j for j in range(len(JOINTS)) if j != toe]
    off = lent.points[:, others] - other.course.points[:, others]
    np.testing.assert_allclose(off, np.broadcast_to(quarter @ bias, off.shape), atol=1e-9)
    assert not lent.known[:, toe].any()
    assert (lent.points[:, toe] == 0.0).all()


def test_what_the_belly_does_to_the_pelvis_is_lent_with_the_new_breath():
    true = still(seconds=16.0)
    t = true.stamp_ns / SECOND
    breath = 0.012 * np.sin(2.0 * np.pi * 0.25 * t)
    pushed = np.outer(breath, [0.0, 3.0, 0.0])
    seen = replace(true, pelvis=rotations(pushed), lumbar_rad=2.0 * breath)
    errors = Errors([example(course=seen, true=true, belly=breath)])
    faster = 0.006 * np.sin(2.0 * np.pi * 0.5 * t)
    lent = errors.lend(example(course=true, belly=faster), np.random.default_rng(0))
    tilt = in_body_frame(lent).pelvis[:, 1]
    np.testing.assert_allclose(tilt, 3.0 * (faster - faster.mean()), atol=2e-4)
    np.testing.assert_allclose(lent.lumbar_rad, 2.0 * (faster - faster.mean()), atol=1e-9)


def test_windows_have_the_networks_shape_and_their_sets_names():
    data = cut([example()], [still()], np.random.default_rng(0))
    assert data.inputs.shape[1:] == (CHANNELS, STEPS)
    assert set(data.name) == {"forward_bend"}
    assert set(data.label) <= {REST, EXERCISES.index("forward_bend")}


def test_a_transition_goes_from_one_start_position_to_another():
    lying = STANDING @ np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    examples = [example(), example(course=still(points=lying))]
    heads = []
    for one in transitions(examples, 20, np.random.default_rng(0)):
        height = one.course.points[:, JOINT["nose"], 2] - one.course.points[:, JOINT["l_hip"], 2]
        heads.append((round(float(height[0]), 1), round(float(height[-1]), 1)))
        assert label_of(one, int(one.course.stamp_ns[-1])) == NONE
    assert {round(h, 1) for pair in heads for h in pair} <= {0.7, 0.1, 0.0, 0.8, 0.6}
    assert len({a > 0.4 for a, _ in heads}) == len({b > 0.4 for _, b in heads}) == 2


@needs_people
def test_a_set_that_is_not_rendered_is_the_patient_that_would_be():
    from lbp_rehab.synthetic.studio import Patient

    wanted = Scenario("glute_bridge", 4, split=Split.TRAIN, repetitions=1, initial_rest_s=1.0)
    made = perform(replace(wanted, rate_hz=2.0))
    patient = Patient(wanted)
    k = len(made.course.stamp_ns) // 2
    points = patient.body.keypoints(patient.at(k / 2.0)[0])
    hip = 23  # of the 33 keypoints
    np.testing.assert_allclose(made.course.points[k, JOINT["l_hip"]], points[hip], atol=1e-9)


@needs_torch
def test_the_distance_of_poses_is_that_to_the_nearest_typical_one():
    import torch

    from lbp_rehab.training.familiar import LOOKED_AT, POSES, Familiar

    rng = np.random.default_rng(0)
    n = len(JOINTS)
    typical = rng.normal(size=(NONE, POSES, 3 * n)).astype(np.float32)
    window = np.zeros((CHANNELS, STEPS), np.float32)
    poses = rng.normal(size=(STEPS, n, 3))
    known = rng.uniform(size=(STEPS, n)) < 0.8
    window[: 3 * n] = 2.0 * np.where(known[..., None], poses, 0.0).reshape(STEPS, -1).T
    window[6 * n : 7 * n] = known.T
    with torch.no_grad():
        found = Familiar(typical)(torch.from_numpy(window)[None])[0].numpy()
    away = typical.reshape(NONE, POSES, 1, n, 3) - poses
    square = (away**2).sum(axis=-1) * known
    root = np.sqrt(square.sum(axis=-1) / known.sum(axis=-1)).min(axis=1)
    wanted = np.sort(root[:, list(LOOKED_AT)], axis=1)[:, -2]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
