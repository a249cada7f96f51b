import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.pelvis.segments import gravity_frame
from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.scenario import CONDITIONS, Scenario
from lbp_rehab.synthetic.studio import Studio

SIZE = (160, 120)


def studio(exercise="glute_bridge", seed=3, **options):
    options = {"size": SIZE, "repetitions": 1, "initial_rest_s": 1.0, **options}
    return Studio(Scenario(exercise, seed, **options))


@pytest.fixture(autouse=True)
def _extra(synthetic_extra):
    """Skip where the extra is missing."""


def test_depth_of_a_perfect_camera_fits_the_true_keypoints():
    shown = studio(camera="ideal", view="30,100").show(0.5, 5, 7)
    pose = shown.pose
    seen = 0
    for k, name in enumerate(pose.names):
        if pose.visibility[k]:
            column, row = np.round(pose.pixel[k]).astype(int)
            surface = shown.frame.depth[row, column] / 1000.0
            assert -0.03 < pose.position[k, 2] - surface < 0.15, name
            seen += 1
    assert seen > 12
    assert (shown.frame.stamp_ns, pose.stamp_ns, shown.pelvis.stamp_ns) == (7, 5, 5)


def test_intrinsics_project_the_truth_onto_its_pixels():
    shown = studio(view="oblique").show(0.5, 0, 0)
    pixel = shown.frame.intrinsics.project(shown.pose.position)
    np.testing.assert_allclose(pixel, shown.pose.pixel, atol=1e-9)


def test_true_support_is_the_plane_under_the_feet():
    shown = studio("forward_bend", view="10,30").show(0.5, 0, 0)
    support = shown.pose.support
    heights = shown.pose.position @ support.up + support.height.value
    assert 0.0 < heights[[INDEX["l_heel"], INDEX["r_heel"]]].max() < 0.08
    assert heights[INDEX["nose"]] > 1.3
    frame = gravity_frame(support)
    np.testing.assert_allclose(frame @ support.up, [0.0, 0.0, 1.0], atol=1e-12)


@pytest.mark.parametrize(
    ("exercise", "side", "posture"),
    [
        ("dead_bug", "left", Posture.SUPINE),
        ("plank", "left", Posture.PRONE),
        ("cat_camel", "left", Posture.QUADRUPED),
        ("clam", "left", Posture.SIDE_RIGHT),
        ("clam", "right", Posture.SIDE_LEFT),
        ("backward_bend", "left", Posture.STANDING),
    ],
)
def test_posture_is_that_of_the_exercise(exercise, side, posture):
    shown = studio(exercise, side=side, view="40,100").show(0.2, 0, 0)
    assert shown.pose.posture == posture
    support = shown.pose.support
    up = {n: shown.pose.position[INDEX[n]] @ support.up for n in ("l_hip", "r_hip")}
    if posture == Posture.SIDE_RIGHT:
        assert up["l_hip"] > up["r_hip"] + 0.1
    if posture == Posture.SIDE_LEFT:
        assert up["r_hip"] > up["l_hip"] + 0.1


def test_nothing_covers_a_patient_in_a_clear_scene_and_a_blanket_covers_the_legs():
    clear = studio(view="60,100", condition="clear").show(0.5, 0, 0)
    under = studio(view="60,100", condition="blanket").show(0.5, 0, 0)
    assert not clear.covered.any()
    feet = [INDEX[n] for n in ("l_ankle", "r_ankle", "l_toe", "r_toe")]
    assert under.covered[feet].all()
    assert not under.pose.visibility[feet].any()
    np.testing.assert_allclose(under.pose.position, clear.pose.position)


def test_every_condition_can_be_shown_and_changes_the_picture():
    plain = studio(view="45,100").show(0.5, 0, 0).frame.color.astype(float)
    for condition in CONDITIONS[1:]:
        shown = studio(view="45,100", condition=condition).show(0.5, 0, 0)
        if condition == "misregistered":
            continue
        assert np.abs(shown.frame.color - plain).max() > 30, condition


def test_dark_rooms_are_darker_and_the_therapist_is_another_person():
    plain, dark = (studio(view="45,100", condition=c).show(0.5, 0, 0) for c in ("clear", "dark"))
    assert dark.frame.color.mean() < 0.75 * plain.frame.color.mean()
    therapist = studio(view="45,100", condition="therapist").show(0.5, 0, 0)
    assert therapist.pose.people_in_view == 2


def test_box_holds_the_keypoints_that_are_in_the_image():
    shown = studio(view="30,150").show(0.5, 0, 0)
    x0, y0, x1, y1 = shown.box
    inside = shown.pose.pixel[shown.pose.visibility > 0]
    assert (inside >= [x0 - 1, y0 - 1]).all()
    assert (inside <= [x1 + 1, y1 + 1]).all()
    assert x1 - x0 < SIZE[0]


def test_another_seed_is_another_person_room_style_and_view():
    one, other = studio(seed=1), studio(seed=2)
    assert one.patient.person != other.patient.person
    assert one.staging.room.floor_colour != other.staging.room.floor_colour
    assert one.scenario.movement.style.tempo != other.scenario.movement.style.tempo
    assert not np.allclose(one.camera.centre_m, other.camera.centre_m)


def test_splits_draw_other_people_and_rooms_from_the_same_seed():
    train, test = (studio(seed=1, split=s) for s in (Split.TRAIN, Split.TEST))
    assert train.patient.person.phenotype != test.patient.person.phenotype
    assert train.staging.room.floor_colour != test.staging.room.floor_colour


def test_max_depth_leaves_out_what_is_farther():
    near = studio(view="40,100,2.0", max_depth_m=2.0).show(0.5, 0, 0).frame.depth
    assert near.max() <= 2000
    assert (near > 1000).mean() > 0.1


def test_neutral_ends_before_the_first_repetition():
    made = studio(view="side", rate_hz=5.0)
    shown = list(made.frames(0.0, 2.0))
    assert len(shown) == 10
    start_s = made.scenario.movement.repetitions[0].start_s
    assert all(s.neutral == (s.t_s < start_s - 0.1) for s in shown)
    tilt = [s.pelvis.relative.tilt.value for s in shown if s.neutral]
    assert np.abs(np.degrees(tilt)).max() < 2.0
