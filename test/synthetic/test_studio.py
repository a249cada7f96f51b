import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.errors import InputError
from lbp_rehab.pelvis.segments import gravity_frame
from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.pose.types import Posture
from lbp_rehab.synthetic.clock import ClockSettings
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.imaging.views import seen_share
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import CONDITIONS, Scenario
from lbp_rehab.synthetic.staging import BLANKET_EXERCISES
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
            deep = 0.23 if name.endswith("hip") else 0.17
            assert -0.03 < pose.position[k, 2] - surface < deep, name
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


def test_a_blanket_needs_an_exercise_in_which_it_stays_on():
    for exercise in PROGRAMS:
        if exercise in BLANKET_EXERCISES:
            continue
        with pytest.raises(InputError, match="a blanket needs a patient who lies"):
            studio(exercise, view="60,100", condition="blanket")


def test_dark_rooms_stay_dark_though_the_camera_exposes_for_them():
    for seed in range(10):
        dark = studio(seed=seed, condition="dark", camera="d435").show(0.5, 0, 0).frame.color
        assert 22 < dark.mean() < 58
        flat = dark.astype(float)
        assert np.abs(np.diff(flat, axis=1)).mean() > 2.0  # noise


def test_drawn_views_hold_the_whole_movement():
    exercises = list(PROGRAMS)
    whole = 0
    for seed in range(26):
        made = studio(exercises[seed % len(exercises)], seed, size=(64, 48))
        points = made.patient.swept().points_m
        share = seen_share(made.camera, made.staging.kind, points)
        assert share >= 0.85
        whole += share == 1.0
        assert made.staging.room.holds(made.camera.centre_m)
        assert made.staging.room.is_free(made.camera.centre_m)
        assert made.camera.centre_m[2] < made.staging.room.ceiling_m + made.staging.room.floor_z_m
    assert whole >= 20


@pytest.mark.parametrize("seed", range(9))
def test_an_occluder_hides_something_and_touches_nobody(seed):
    exercise = list(PROGRAMS)[(5 * seed) % len(PROGRAMS)]
    made = studio(exercise, seed, condition="occluder", size=(320, 240))
    first = made.scenario.movement.repetitions[0]
    shown = made.show((first.top_s + first.hold_end_s) / 2.0, 0, 0)
    assert 1 <= shown.covered[:33].sum() <= 20
    floor = made.staging.room.floor_z_m
    assert min(m.vertices_m[:, 2].min() for m in made.staging.props) == pytest.approx(floor)
    for t_s in np.linspace(0.0, first.end_s, 8):
        skin = made.patient.body.skin(made.patient.at(float(t_s))[0])
        for mesh in made.staging.props:
            low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
            assert not ((skin > low - 0.02) & (skin < high + 0.02)).all(axis=1).any()


@pytest.mark.parametrize("seed", range(8))
def test_a_therapist_keeps_off_walls_furniture_support_and_camera(seed):
    exercise = list(PROGRAMS)[(5 * seed + 1) % len(PROGRAMS)]
    made = studio(exercise, seed, condition="therapist", size=(64, 48))
    room, (walker,) = made.staging.room, made.staging.walkers
    x0, x1, y0, y1 = room.walls_m
    for t_s in np.linspace(0.0, 12.0, 13):
        skin = walker.surface(float(t_s))
        assert (skin[:, :2] > [x0, y0]).all()
        assert (skin[:, :2] < [x1, y1]).all()
        for mesh in room.furniture:
            low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
            assert not ((skin > low) & (skin < high)).all(axis=1).any()
        if room.support != "floor":
            over = np.abs(skin[:, :2] - room.centre_m) < room.half_m
            assert not over.all(axis=1).any()
        assert np.linalg.norm(skin - made.camera.centre_m, axis=1).min() > 0.15


def test_people_in_view_are_those_in_the_picture():
    made = studio(view="45,100", condition="therapist")
    counts, seen = [], []
    for t_s in np.linspace(0.0, 8.0, 12):
        shown = made.show(float(t_s), 0, 0)
        counts.append(shown.pose.people_in_view)
        optical = made.camera.to_optical(made.staging.walkers[0].surface(float(t_s)))
        pixel = made.camera.project(optical[optical[:, 2] > 0.2])
        seen.append(((pixel >= 0) & (pixel < SIZE)).all(axis=1).any())
    assert set(counts) <= {1, 2}
    assert 2 in counts
    assert all(count == 1 for count, inside in zip(counts, seen, strict=True) if not inside)


def test_area_is_that_of_the_patient_who_is_seen():
    clear = studio(view="60,100").show(0.5, 0, 0)
    under = studio(view="60,100", condition="blanket").show(0.5, 0, 0)
    x0, y0, x1, y1 = clear.box
    assert 0.15 * (x1 - x0) * (y1 - y0) < clear.area_px < (x1 - x0) * (y1 - y0)
    assert under.area_px < 0.8 * clear.area_px


def test_frames_that_the_camera_loses_are_told_and_keep_their_truth():
    clock = ClockSettings(drop_probability=0.3)
    shown = list(studio(view="side", rate_hz=10.0, camera_clock=clock).frames(0.0, 3.0))
    assert len(shown) == 30
    assert 2 < sum(s.lost for s in shown) < 20
    np.testing.assert_allclose(np.diff([s.t_s for s in shown]), 0.1)
    assert not any(s.lost for s in studio(view="side", rate_hz=10.0).frames(0.0, 1.0))


@pytest.mark.parametrize(
    ("condition", "camera"),
    [("clear", "d435"), ("therapist", "azure_kinect"), ("blanket", "d435"), ("clear", "ideal")],
)
def test_a_glimpse_is_what_would_be_shown(condition, camera):
    """Two moments in a row, so that the noise of the first is behind the second."""
    options = {"view": "45,100", "condition": condition, "camera": camera}
    one, other, both = (studio(**options) for _ in range(3))
    for t_s in (0.4, 2.6):
        stamp_ns = one.scenario.stamp_ns(t_s)
        shown = one.show(t_s, stamp_ns, stamp_ns)
        late = both.show(t_s, stamp_ns, stamp_ns) if t_s < 1.0 else both.glimpse(t_s)
        seen = other.glimpse(t_s)
        assert seen.depth.dtype == shown.frame.depth.dtype
        assert np.count_nonzero(seen.depth) > 0.3 * seen.depth.size
        np.testing.assert_array_equal(seen.depth, shown.frame.depth)
        np.testing.assert_array_equal(getattr(late, "frame", late).depth, shown.frame.depth)
        for name in ("position", "pixel", "covariance", "status"):
            np.testing.assert_array_equal(getattr(seen.pose, name), getattr(shown.pose, name))
        assert (seen.pose.names, seen.pose.posture) == (shown.pose.names, shown.pose.posture)
        assert (seen.pose.stamp_ns, seen.pelvis.stamp_ns) == (stamp_ns, stamp_ns)
        np.testing.assert_array_equal(seen.pose.support.up, shown.pose.support.up)
        np.testing.assert_array_equal(seen.pelvis.axes, shown.pelvis.axes)
        assert (seen.pelvis.absolute, seen.pelvis.relative) == (
            shown.pelvis.absolute, shown.pelvis.relative,
        )  # fmt: skip


def test_a_glimpse_leaves_out_what_is_too_far():
    near = studio(view="40,100,2.0", max_depth_m=2.0).glimpse(0.5).depth
    assert near.max() <= 2000
    assert (near > 1000).mean() > 0.1


def test_views_have_the_name_of_the_patients_own_side():
    assert str(studio("press_up", view="40,90").view) == "oblique left"
    assert str(studio("glute_bridge", view="40,90").view) == "oblique right"
    assert str(studio("forward_bend", view="10,0").view) == "low front"


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
