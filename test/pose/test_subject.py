import cv2
import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.pose.blazepose import Detector, LandmarkModel, Person, Region
from lbp_rehab.pose.subject import SubjectRule, distance_m, find_everyone

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


def test_both_people_are_found_in_every_real_frame(real_rgbd):
    detector, model = Detector(), LandmarkModel()
    for path in sorted((real_rgbd / "color").iterdir())[::4]:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        hips = sorted(float(p.hip[0]) for p, _ in find_everyone(image, detector, model))
        assert len(hips) == 2, path.name
        assert hips[0] < 320
        assert hips[1] > 400
