import json

import cv2
import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.pose.blazepose import Detector, LandmarkModel
from lbp_rehab.pose.candidate import Candidate
from lbp_rehab.pose.finder import Finder
from lbp_rehab.pose.landmarks import Landmarks, Person, Region
from lbp_rehab.pose.subject import PatientKeeper, SubjectRule, distance_m
from lbp_rehab.stamps import NANOSECONDS

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)


def person(x, y, size):
    hip = np.array([x, y], float)
    return Person(np.zeros(4), hip, hip - [0, 80], Region((x, y), size, 0.0), 0.9)


LEFT, MIDDLE, RIGHT = person(100, 300, 300), person(330, 250, 200), person(550, 240, 400)


@pytest.fixture
def frame():
    depth = np.full((480, 640), 2500, np.uint16)
    depth[:, :200] = 1800
    depth[:, 450:] = 3500
    return RgbdFrame(1, "camera", np.zeros((480, 640, 3), np.uint8), depth, CAMERA)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("nearest", LEFT),
        ("farthest", RIGHT),
        ("largest", RIGHT),
        ("left", LEFT),
        ("right", RIGHT),
        ("center", MIDDLE),
        ("mat", LEFT),
        ("region:0.4,0,0.7,1", MIDDLE),
    ],
)
def test_each_rule_picks_its_person(frame, rule, expected):
    assert SubjectRule.parse(rule).choose([RIGHT, LEFT, MIDDLE], frame) is expected


def test_nobody_in_the_region_is_nobody(frame):
    assert SubjectRule.parse("region:0,0,0.1,0.1").choose([LEFT, MIDDLE, RIGHT], frame) is None


def test_nearest_without_depth_takes_the_largest(frame):
    bare = RgbdFrame(1, "camera", frame.color, None, CAMERA)
    assert SubjectRule.parse("nearest").choose([LEFT, MIDDLE, RIGHT], bare) is RIGHT


def test_distance_is_the_median_along_the_trunk(frame):
    assert distance_m(LEFT, frame) == 1.8
    frame.depth[:] = 0
    assert distance_m(LEFT, frame) is None


@pytest.mark.parametrize(
    "text", ["tallest", "nearest:2", "region:1,2", "region:0.5,0,0.2,1", "region:a,b,c,d", ""]
)
def test_a_wrong_rule_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match="subject"):
        SubjectRule.parse(text)


def candidate(place, on_support=None, height=None, score=0.9, size=1.0):
    """Return somebody whose trunk is at a place in metres."""
    position = np.array(place, float)
    hip = CAMERA.project(position[None])[0]
    who = person(hip[0], hip[1], 300)
    landmarks = Landmarks(np.zeros((33, 2)), np.ones(33), None, 1.0, who.region)
    return Candidate(who, landmarks, who.region, position, on_support, height, score, size)


MAT = SubjectRule.parse("mat")
SECOND = NANOSECONDS


def test_mat_takes_who_lies_on_the_support_and_not_who_is_nearer(frame):
    patient = candidate((0.0, 0.3, 2.5), on_support=True, height=0.2)
    beside = candidate((0.3, 0.0, 1.8), on_support=False, height=0.4)
    upright = candidate((-0.5, 0.0, 2.0), on_support=True, height=1.1)
    assert MAT.pick([beside, upright, patient], frame) is patient
    assert MAT.pick([beside, upright], frame) is upright


def test_mat_with_nobody_on_it_takes_who_is_nearest_to_it(frame):
    far = candidate((0.0, 0.0, 1.5), on_support=False, height=1.6)
    near = candidate((0.0, 0.0, 3.0), on_support=False, height=-0.2)
    assert MAT.pick([far, near], frame) is near
    assert MAT.pick([], frame) is None


def test_mat_without_a_plane_takes_the_nearest(frame):
    near, far = candidate((0.0, 0.0, 1.5), score=0.5), candidate((0.0, 0.0, 3.0))
    assert MAT.pick([far, near], frame) is near


def test_nearest_ranks_by_the_depth_of_the_trunk(frame):
    # The reading of the left of the picture is 1.8 m, of the right 3.5 m; the size says otherwise.
    left, right = candidate((-0.6, 0.0, 1.8)), candidate((1.2, 0.0, 3.5))
    assert SubjectRule.parse("nearest").pick([right, left], frame) is left
    assert SubjectRule.parse("farthest").pick([left, right], frame) is right


def test_people_of_unknown_distance_come_last_for_nearest_and_farthest(frame):
    frame.depth[:, :200] = 0
    for rule in ("nearest", "farthest"):
        assert SubjectRule.parse(rule).choose([LEFT, RIGHT], frame) is RIGHT


def test_a_poor_skeleton_is_chosen_only_where_there_is_no_better(frame):
    ghost, patient = candidate((0.0, 0.0, 1.0), score=0.1), candidate((0.0, 0.0, 2.5))
    assert SubjectRule.parse("nearest").pick([ghost, patient], frame) is patient
    assert SubjectRule.parse("nearest").pick([ghost], frame) is ghost


BONES = {"thigh": 0.42, "shank": 0.40, "arm": 0.30}


def keeper_of(place=(0.0, 0.0, 2.5), **others):
    keeper = PatientKeeper()
    keeper.keep(0, np.array(place), 0.02, BONES, **others)
    return keeper


def test_a_trunk_may_move_as_far_as_a_person_can_in_the_time():
    keeper = keeper_of()
    step = np.array([0.3, 0.0, 2.5])
    assert not keeper.accepts(SECOND // 30, step, 0.02, BONES)
    assert keeper.accepts(SECOND // 5, step, 0.02, BONES)
    assert keeper.accepts(SECOND // 30, step, 0.10, BONES)  # she may be there: nobody knows better


def test_somebody_nearer_to_the_camera_is_not_the_patient_however_uncertain():
    assert not keeper_of().accepts(SECOND // 30, np.array([0.0, 0.0, 2.0]), 0.3, BONES)


def test_other_bones_are_another_person():
    keeper, place = keeper_of(), np.array([0.0, 0.0, 2.5])
    longer = {name: 1.4 * length for name, length in BONES.items()}
    assert not keeper.accepts(SECOND // 30, place, 0.02, longer)
    assert keeper.accepts(SECOND // 30, place, 0.02, {**BONES, "arm": 0.6})  # one bad bone
    assert keeper.accepts(SECOND // 30, place, 0.02, {"arm": 0.6})  # too few to tell


def test_a_therapist_who_crosses_does_not_get_the_track():
    # The patient lies still at 2.5 m; she walks through at 1.95 m and is in line for half a second.
    keeper = keeper_of()
    taken = 0
    for k in range(1, 46):
        stamp = k * SECOND // 30
        hidden = 15 <= k < 30
        seen = np.array([-1.0 + k / 22.0, 0.0, 1.95]) if hidden else np.array([0.01, 0.0, 2.5])
        if keeper.accepts(stamp, seen, 0.03, BONES):
            keeper.keep(stamp, seen, 0.03, BONES)
            taken += hidden
    assert taken == 0
    assert keeper.kept.stamp_ns == 45 * SECOND // 30


def test_a_lost_patient_is_waited_for_while_somebody_hides_the_place(frame):
    keeper = keeper_of()
    patient, in_front = candidate((0.1, 0.0, 2.5)), candidate((0.1, -0.4, 1.8))
    nearest = SubjectRule.parse("nearest")
    assert keeper.choose(3 * SECOND, [in_front], nearest, frame) is None
    assert keeper.choose(3 * SECOND, [in_front, patient], nearest, frame) is patient
    assert keeper.choose(5 * SECOND, [in_front], nearest, frame) is in_front


def test_a_patient_who_moved_away_is_found_again_within_a_second(frame):
    keeper = keeper_of()
    elsewhere = candidate((1.2, 0.0, 2.6))
    assert keeper.choose(SECOND // 5, [elsewhere], MAT, frame) is None
    assert keeper.choose(SECOND, [elsewhere], MAT, frame) is elsewhere
    assert not keeper.is_kept(elsewhere)
    child = candidate((1.2, 0.0, 2.6), size=0.6)
    assert keeper_of(size=1.0).choose(SECOND, [child], MAT, frame) is None


def test_somebody_beside_the_bed_is_not_taken_for_the_patient_on_it(frame):
    keeper = keeper_of(on_support=True)
    beside = candidate((0.5, 0.0, 2.4), on_support=False, height=0.4)
    assert keeper.choose(2 * SECOND, [beside], MAT, frame) is None
    assert keeper.choose(5 * SECOND, [beside], MAT, frame) is beside


def test_without_a_memory_the_rule_decides(frame):
    keeper = keeper_of()
    keeper.forget()
    near, far = candidate((0.0, 0.0, 1.5)), candidate((0.0, 0.0, 3.0))
    assert keeper.choose(SECOND, [far, near], MAT, frame) is near
    assert keeper.accepts(SECOND, np.array([9.0, 9.0, 9.0]), 0.01)


def test_the_rule_must_prefer_somebody_who_stays_before_the_track_changes(frame):
    keeper, rule = keeper_of(), SubjectRule.parse("left")
    patient, other = candidate((0.5, 0.0, 2.5)), candidate((-0.5, 0.0, 2.5))
    late = 10 * SECOND
    answers = [
        keeper.challenger(late + k * SECOND, patient, [other], rule, frame) for k in range(4)
    ]
    assert answers == [None, None, None, other]
    walking = [candidate((-0.2 - 0.8 * k, 0.0, 2.5)) for k in range(6)]
    keeper = keeper_of()
    assert not any(
        keeper.challenger(k * SECOND, patient, [w], rule, frame) for k, w in enumerate(walking)
    )


def test_a_choice_on_the_first_glance_is_mended_sooner(frame):
    keeper, rule = keeper_of(), SubjectRule.parse("left")
    patient, other = candidate((0.5, 0.0, 2.5)), candidate((-0.5, 0.0, 2.5))
    answers = [keeper.challenger(k * SECOND, patient, [other], rule, frame) for k in range(2)]
    assert answers == [None, other]
    keeper.keep(3 * SECOND, np.array([0.0, 0.0, 2.5]), 0.02)  # the same patient: no younger
    answers = [keeper.challenger(k * SECOND, patient, [other], rule, frame) for k in (6, 7)]
    assert answers == [None, None]


def test_lengths_are_averaged_slowly_and_what_is_not_said_is_remembered():
    keeper = keeper_of(size=1.1, on_support=True)
    keeper.keep(SECOND, np.array([0.0, 0.0, 2.4]), 0.02, {"thigh": 0.62})
    assert keeper.kept.sizes["thigh"] == pytest.approx(0.43)
    assert keeper.kept.sizes["arm"] == 0.30
    assert (keeper.kept.size, keeper.kept.on_support) == (1.1, True)


def test_both_people_are_found_and_the_subject_chosen_in_every_real_frame(real_rgbd):
    camera = json.loads((real_rgbd / "camera.json").read_text())
    k = Intrinsics(640, 480, camera["fx"], camera["fy"], camera["cx"], camera["cy"])
    detector, model = Detector(), LandmarkModel()
    for path in sorted((real_rgbd / "color").iterdir())[::5]:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        depth = cv2.imread(str(real_rgbd / "depth" / path.name), cv2.IMREAD_UNCHANGED)
        view = RgbdFrame(1, "camera", image, depth, k)
        finder = Finder(detector, model)
        found = finder.find(view)
        while not finder.complete:
            found = finder.find(view)
        left, right = sorted(float(c.person.hip[0]) for c in found)
        assert left < 320, path.name
        assert right > 400, path.name
        for rule in ("nearest", "right", "region:0.5,0,1,1"):
            chosen = SubjectRule.parse(rule).pick(found, view)
            assert chosen.person.hip[0] > 400, (path.name, rule)
            assert chosen.position[2] < 2.35
