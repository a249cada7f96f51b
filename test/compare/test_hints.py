"""What a changed course looks like, of the slow movement of a keypoint and of a plain number."""

import math

import numpy as np
import pytest
from geometry_msgs.msg import Point
from std_msgs.msg import Float64

from lbp_rehab import msg
from lbp_rehab.compare.hints import mirrored

TIME = np.arange(60) * 0.1
COURSE = np.sin(1.3 * TIME) + 0.4 * np.sin(3.1 * TIME) + 2.0
NOISE = np.random.default_rng(1).normal(0.0, 0.05, len(TIME))


def rows(values):
    return [("/a", t, Float64(data=float(v))) for t, v in zip(TIME, values, strict=True)]


@pytest.mark.parametrize(
    ("new", "hint"),
    [
        (np.roll(COURSE, 2), "looks 2 messages (200 ms) late"),
        (np.roll(COURSE, -1), "looks 1 message (100 ms) early"),
        (-COURSE, "its sign looks reversed"),
        (COURSE * 1.25, "looks 1.25 times as large"),
        (COURSE + 0.5, "looks shifted by +0.5"),
        (COURSE - 0.5, "looks shifted by -0.5"),
        (COURSE + NOISE, ""),
        (np.where(np.arange(60) == 30, 9.0, COURSE), ""),
        (np.random.default_rng(2).normal(2.0, 1.0, 60), ""),
    ],
)
def test_a_simple_cause_is_named_and_noise_has_none(new, hint, held):
    (topic,) = held(rows(COURSE), rows(new)).topics
    assert topic.fields[0].hint == hint


def test_a_few_messages_show_no_course(held):
    (topic,) = held(rows(COURSE)[:11], rows(-COURSE)[:11]).topics
    assert topic.fields[0].hint == ""


def test_what_was_constant_has_no_course(held):
    (topic,) = held(rows(np.ones(60)), rows(np.full(60, 2.0))).topics
    assert topic.fields[0].hint == ""


def poses(left, right, status=1):
    return [
        ("/body/pose", t, msg.BodyPose(keypoints=[
            msg.Keypoint(name="l_hip", status=status, position=Point(x=float(a))),
            msg.Keypoint(name="r_hip", status=status, position=Point(x=float(b))),
        ]))
        for t, a, b in zip(TIME, left, right, strict=True)
    ]  # fmt: skip


def test_swapped_sides_are_named(held):
    other = np.cos(2.1 * TIME) - 1.0
    (topic,) = held(poses(COURSE, other), poses(other, COURSE)).topics
    assert {f.hint for f in topic.fields} == {"left and right look swapped"}


def test_what_was_never_known_has_no_hint_and_breaks_nothing(held):
    (topic,) = held(poses(COURSE, COURSE, status=0), poses(-COURSE, COURSE)).topics
    assert not topic.passed
    assert {f.hint for f in topic.fields} == {""}


def test_the_shift_of_an_angle_is_told_in_degrees_as_angles_are(held):
    def tilted(offset):
        course = [msg.Estimate(status=1, value=0.1 * float(v) + offset) for v in COURSE]
        return [("/p", t, msg.PelvisState(tilt=v)) for t, v in zip(TIME, course, strict=True)]

    found = held(tilted(0.0), tilted(math.radians(2.0)))
    assert found.sentences == [
        "pelvic tilt is up to 2.0 degrees more than before, at 0.0 s; looks shifted by +2 degrees"
    ]


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("keypoints[l_hip].position.x", "keypoints[r_hip].position.x"),
        ("landmarks[r_asis].sigma_m", "landmarks[l_asis].sigma_m"),
        ("keypoints[nose].position.x", None),
        ("l_hip.x", None),
    ],
)
def test_the_other_side_of_the_body(path, other):
    assert mirrored(path) == other
