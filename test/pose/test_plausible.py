from dataclasses import replace

import cv2
import numpy as np
import pytest
from people import FRONT

from lbp_rehab.pose.blazepose import Detector, LandmarkModel
from lbp_rehab.pose.landmarks import Landmarks, Region
from lbp_rehab.pose.plausible import PLAUSIBLE, judge, solve_collapsed

REGION = Region((200.0, 200.0), 300.0, 0.0)


def standing(width=1.0, depth_width=0.0, presence=1.0):
    """Return a skeleton from the front; its width in the image and in depth can be changed."""
    x, y = FRONT.T
    world = np.column_stack([x * width, y, x * depth_width])
    pixel = np.array([200.0, 200.0]) + 130.0 * world[:, :2]
    heat = np.tile([0.8, 0.0, 0.0, 1.5, 0.0, 1.5], (33, 1))
    return Landmarks(pixel, np.ones(33), world, presence, REGION, heat)


def test_a_good_skeleton_is_certain():
    verdict = judge(standing(), REGION)
    assert verdict.value == 1.0
    assert verdict.reason == ""
    assert verdict.passed


def test_a_collapsed_trunk_is_named_and_refused():
    verdict = judge(standing(width=0.2), REGION)
    assert verdict.value == 0.0
    assert verdict.reason == "collapsed"


def test_a_side_view_is_narrow_in_the_image_but_not_collapsed():
    assert judge(standing(width=0.1, depth_width=1.0), REGION).value > PLAUSIBLE


def test_a_narrow_trunk_without_a_shape_cannot_be_judged():
    flat = standing(width=0.2)
    assert judge(replace(flat, world=None), REGION).reason != "collapsed"


def test_presence_blur_and_limbs_each_speak_against_a_skeleton():
    good = standing()
    assert judge(replace(good, presence=0.2), REGION).reason == "presence"
    blurred = good.heat.copy()
    blurred[:, 0] = 0.35
    blurred[:, 1] = 0.12
    assert judge(replace(good, heat=blurred), REGION).reason == "blurred"
    assert judge(replace(good, heat=None), REGION).value == 1.0
    unequal = good.world.copy()
    unequal[13] = unequal[11] + 0.2 * (unequal[13] - unequal[11])
    assert judge(replace(good, world=unequal), REGION).reason == "unequal"
    long = good.world.copy()
    long[[27, 28], 1] += 1.2
    assert judge(replace(good, world=long), REGION).reason == "limbs"


def test_points_outside_the_region_speak_against_it():
    aside = Region((330.0, 200.0), 200.0, 0.0)
    assert judge(standing(), aside).reason == "outside"


def test_turning_the_picture_changes_nothing():
    good, turn = standing(width=0.5), np.deg2rad(70.0)
    c, s = np.cos(turn), np.sin(turn)
    pixel = (good.pixel - 200.0) @ np.array([[c, s], [-s, c]]) + 200.0
    turned = replace(good, pixel=pixel)
    region = Region(REGION.centre, REGION.size, turn)
    before, after = judge(good, REGION).value, judge(turned, region).value
    assert after == pytest.approx(before, abs=1e-9)


def only_when_turned(looks):
    """Return a model that sees a sound trunk only in regions turned by half a radian or more."""

    def model(_image, region):
        looks.append(region)
        return standing() if abs(region.rotation) > 0.5 else standing(width=0.1)

    return model


def test_a_collapsed_trunk_is_solved_by_another_region():
    looks = []
    image = np.zeros((400, 400, 3), np.uint8)
    solved = solve_collapsed(image, REGION, only_when_turned(looks))
    assert solved.judgement.passed
    assert abs(solved.region.rotation) > 0.5
    assert solved.region == looks[-1]


def test_the_first_look_is_not_repeated_and_the_budget_holds():
    looks = []
    image = np.zeros((400, 400, 3), np.uint8)
    first = standing(width=0.1)
    solved = solve_collapsed(image, REGION, only_when_turned(looks), first, budget=2)
    assert len(looks) == 2
    assert not solved.judgement.passed
    assert all(region != REGION for region in looks)


def test_nobody_seen_stays_nobody():
    assert solve_collapsed(np.zeros((9, 9, 3), np.uint8), REGION, lambda _i, _r: None) is None


def test_no_collapsed_photograph_passes_and_every_one_is_solved(lying_photos):
    detector, model = Detector(), LandmarkModel()
    for path in sorted(lying_photos.glob("*.png")):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        image = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        region = detector(image)[0].region
        first = model(image, region)
        solved = solve_collapsed(image, region, model, first)
        if _trunk_width(first) < 0.35:
            assert not judge(first, region).passed, path.name
        assert solved.judgement.passed, path.name
        assert _trunk_width(solved.landmarks) > 0.35, path.name


def _trunk_width(landmarks):
    left, right, left_hip, right_hip = landmarks.pixel[[11, 12, 23, 24]]
    trunk = (left + right - left_hip - right_hip) / 2
    return np.linalg.norm(left - right) / np.linalg.norm(trunk)


@pytest.fixture
def lying_photos(request):
    folder = request.config.rootpath.parent / "shared" / "data" / "lying_photos"
    if not folder.is_dir():
        pytest.skip("the photographs are not on this machine")
    return folder
