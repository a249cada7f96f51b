"""The node over real DDS, with the true movement of a person whom it was not trained on."""

from itertools import pairwise

import pytest
from performed import messages, perform

from lbp_rehab import msg
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.nodes.exercise_recogniser import REPEAT_NS, ExerciseRecogniser

pytestmark = [pytest.mark.graph, pytest.mark.usefixtures("synthetic_extra")]
SAID = "exercise/recognition"


def show(bench, example, with_pelvis=True):
    """Show a movement to the node; return what it says once it has taken all of it."""
    node = bench.start(ExerciseRecogniser)
    bench.listen(node, exercise_recognition=msg.Recognition)
    for pose, pelvis in messages(example.course):
        bench.publish("body/pose", pose)
        if with_pelvis:
            bench.publish("pelvis/state", pelvis)
    bench.until(lambda: len(bench.messages[SAID]) == node.sent[SAID])
    return node, bench.messages[SAID]


def test_a_glute_bridge_is_recognised_and_said_whose_it_is_and_since_when(bench):
    example = perform("glute_bridge")
    node, said = show(bench, example)
    start_ns = example.made[0].start_ns
    assert said[0].state == msg.Recognition.STATE_UNDECIDED
    assert (said[0].exercise, said[0].probability) == ("", 0.0)
    assert said[0].reason == msg.Estimate.REASON_TOO_EARLY
    later = [m for m in said if to_ns(m.header.stamp) >= start_ns + 3_000_000_000]
    assert {(m.state, m.exercise) for m in later} == {
        (msg.Recognition.STATE_EXERCISE, "glute_bridge")
    }
    last = said[-1]
    assert last.probability > 0.8 > last.runner_up_probability
    assert start_ns < to_ns(last.since) < start_ns + 3_000_000_000
    assert (last.person_id, last.track_id) == ("p7", 3)
    assert last.reason == msg.Estimate.REASON_NONE
    level, sentence, values = node.health()
    assert (level, sentence) == (b"\x00", "recognised: glute_bridge")
    assert values["poses_without_pelvis"] == "1"  # the first one, before any pelvis came


def test_it_speaks_at_least_once_a_second_of_the_stamps_and_not_for_every_pose(bench):
    example = perform("plank", repetitions=1)
    _, said = show(bench, example)
    stamps = [to_ns(m.header.stamp) for m in said]
    assert all(0 < b - a <= REPEAT_NS for a, b in pairwise(stamps))
    assert stamps[-1] > int(example.course.stamp_ns[-1]) - REPEAT_NS
    assert len(said) < len(example.course.stamp_ns) / 2


def test_another_motion_is_none_of_these(bench):
    _, said = show(bench, perform("marching", repetitions=3))
    assert said[-1].state == msg.Recognition.STATE_NONE
    assert said[-1].exercise == ""
    assert said[-1].probability >= 0.6
    assert msg.Recognition.STATE_EXERCISE not in {m.state for m in said}


def test_without_a_pelvis_the_node_goes_on_and_says_so(bench):
    node, said = show(bench, perform("dead_bug"), with_pelvis=False)
    assert said[-1].exercise == "dead_bug"
    level, sentence, _ = node.health()
    assert level == b"\x01"
    assert "no pelvis/state fits a pose" in sentence
