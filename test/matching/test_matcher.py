"""The shipped network on repetitions of people it was not trained on."""

from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.matching.matcher import Matcher, demonstrations_path
from lbp_rehab.matching.reference import Reference, read_references
from lbp_rehab.matching.repetition import mirrored, repetition
from lbp_rehab.recognition.classes import EXERCISES
from lbp_rehab.recognition.observation import JOINT
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.scenario import Scenario

needs_people = pytest.mark.usefixtures("synthetic_extra")


@pytest.fixture(scope="module")
def matcher():
    return Matcher()


@pytest.fixture(scope="module")
def demonstrations():
    return {r.exercise: r for r in read_references(demonstrations_path())}


def repetitions(exercise, faults=(), count=3, seed=11):
    """Return the true repetitions of a test person."""
    from lbp_rehab.training.motions import perform

    wanted = Scenario(
        exercise, seed, tuple(faults), repetitions=count, split=Split.TEST, rate_hz=12.0,
        initial_rest_s=1.0, side="left",
    )  # fmt: skip
    example = perform(wanted)
    return [repetition(example.course, m.start_ns, m.end_ns) for m in example.made]


def lost(given, *names):
    known = given.stretch.known.copy()
    known[:, [JOINT[n] for n in names]] = False
    points = np.where(known[..., None], given.stretch.points, 0.0)
    return replace(given, stretch=replace(given.stretch, known=known, points=points))


def test_a_demonstration_of_every_exercise_comes_with_the_package(demonstrations):
    assert set(demonstrations) == set(EXERCISES)


def test_a_repetition_is_no_distance_from_itself_and_distances_have_no_direction(
    matcher, demonstrations
):
    a, b = demonstrations["bird_dog"].repetition, demonstrations["dead_bug"].repetition
    assert matcher.distance(a, a).value == pytest.approx(0.0, abs=1e-6)
    assert matcher.compare(a, a).similarity.value == 100.0
    there, back = matcher.distance(a, b), matcher.distance(b, a)
    assert there.value == pytest.approx(back.value)
    assert there.sigma > 0.0


def test_another_exercise_is_farther_than_any_fault(matcher, demonstrations):
    names = list(demonstrations)
    for a, b in zip(names, names[1:] + names[:1], strict=True):
        found = matcher.compare(demonstrations[a].repetition, demonstrations[b].repetition)
        assert found.distance.value > 1.0
        assert found.similarity.value == 0.0


def test_the_other_side_is_compared_mirrored(matcher, demonstrations):
    left = demonstrations["clam"]
    right = mirrored(left.repetition)
    assert matcher.match(right, left, "right").distance.value == pytest.approx(0.0, abs=1e-5)
    assert matcher.match(right, left, "left").distance.value > 0.1


def test_what_is_not_shown_is_left_out_said_and_makes_less_sure(matcher, demonstrations):
    a, b = demonstrations["clam"].repetition, demonstrations["bird_dog"].repetition
    whole = matcher.compare(a, b)
    assert whole.left_out == ()
    less = matcher.compare(lost(a, "l_wrist", "r_wrist"), lost(b, "r_toe"))
    assert less.left_out == ("l_wrist", "r_wrist", "r_toe")
    assert less.distance.sigma / less.distance.value > whole.distance.sigma / whole.distance.value
    # A joint that only one shows changes nothing.
    moved = b.stretch.points.copy()
    moved[:, JOINT["l_wrist"]] += 0.2
    other = replace(b, stretch=replace(b.stretch, points=moved))
    again = matcher.compare(lost(a, "l_wrist", "r_wrist"), lost(other, "r_toe"))
    assert again.distance.value == pytest.approx(less.distance.value)


def test_too_little_in_common_is_unknown(matcher, demonstrations):
    a = demonstrations["clam"].repetition
    upper = lost(a, *[n for n in JOINT if n.endswith(("knee", "ankle", "toe", "wrist", "elbow"))])
    found = matcher.compare(upper, a)
    assert not found.distance.known
    assert not found.similarity.known


@needs_people
@pytest.mark.parametrize(
    ("exercise", "fault"),
    [
        ("glute_bridge", "knees_fall_in"),
        ("dead_bug", "knee_angle_lost"),
        ("bird_dog", "too_fast"),
        ("forward_bend", "deviates"),
        ("press_up", "hips_lift"),
    ],
)
def test_the_distance_grows_with_the_severity(matcher, demonstrations, exercise, fault):
    faults = [Fault(2, fault, 0.4), Fault(3, fault, 1.0)]
    clean, mild, severe = repetitions(exercise, faults)
    own = Reference(exercise, "left", "own best", clean)
    for reference in (demonstrations[exercise], own):
        far = [matcher.match(r, reference, "left") for r in (clean, mild, severe)]
        assert far[0].distance.value < far[1].distance.value < far[2].distance.value
        assert far[0].similarity.value > far[2].similarity.value
