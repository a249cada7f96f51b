"""Exercises of one side, of two extremes, counted from rest, and faults while they go on."""

from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.quality.repetitions import SegmenterSettings
from lbp_rehab.quality.scorer import Scorer
from lbp_rehab.quality.signals import Zero
from lbp_rehab.quality.two_way import TwoWaySegmenter
from lbp_rehab.quality.types import Outcome, Phase, Severity, Side

DEG = np.pi / 180.0
S = 1_000_000_000


def leg(patient, left, right):
    """Supine; hip angles in degrees of both sides."""
    return patient.bridge(left * DEG, right * DEG)


def dead_bugs(patient, sides, hidden=lambda t: ()):
    """Lower one leg after the other from 90 to 155 deg; each takes 5 s."""

    def pose(t):
        angle = {"l": 90.0, "r": 90.0}
        for k, side in enumerate(sides):
            angle[side] += 65.0 * float(patient.cycle(t, 1.0 + 5.0 * k, 1.5, 1.0, 1.5))
        return patient.body_pose(t, leg(patient, angle["l"], angle["r"]), hidden=hidden(t))

    return patient.play(load_exercise("dead_bug"), 2.0 + 5.0 * len(sides), pose=pose)


def test_the_movement_tells_which_side_works(patient):
    played = dead_bugs(patient, "lrrl")
    assert [r.side for r in played.repetitions] == [Side.LEFT, Side.RIGHT, Side.RIGHT, Side.LEFT]
    assert all(r.outcome == Outcome.COMPLETE for r in played.repetitions)
    rom = [np.degrees(r.range_of_motion.value) for r in played.repetitions]
    assert rom == pytest.approx([65.0] * 4, abs=1.0)


def test_only_the_agreed_side_counts(patient):
    exercise = load_exercise("dead_bug")
    scorer = Scorer(exercise, side=Side.LEFT)
    events = []
    for t in np.arange(0.0, 12.0, 1 / 30):
        left = 90.0 + 65.0 * float(patient.cycle(t, 1.0, 1.5, 1.0, 1.5))
        right = 90.0 + 65.0 * float(patient.cycle(t, 6.0, 1.5, 1.0, 1.5))
        events += scorer.update(pose=patient.body_pose(t, leg(patient, left, right)))
    found = [e for e in events if hasattr(e, "score")]
    assert [r.side for r in found] == [Side.LEFT]


def test_a_leg_that_is_not_seen_is_not_taken_to_rest(patient):
    hidden = lambda t: ("l_knee", "l_hip") if t > 0.5 else ()  # noqa: E731
    played = dead_bugs(patient, "l", hidden)
    assert played.repetitions == []
    late = [e for e in played.live if e.stamp_ns > patient.stamp_of(3.0)]
    assert all(not e.progress.known for e in late)
    assert late[0].progress.reason == Reason.OCCLUDED


def test_faults_of_the_other_leg_name_it(patient):
    def pose(t):
        x = float(patient.cycle(t, 1.0, 1.5, 1.0, 1.5))
        body = leg(patient, 90.0 + 65.0 * x, 90.0)
        # The shank of the right leg sinks by 45 deg: its knee is lost.
        turn = 45.0 * DEG * x
        shank = body["r_ankle"] - body["r_knee"]
        c, s = np.cos(turn), np.sin(turn)
        body["r_ankle"] = body["r_knee"] + [
            c * shank[0] - s * shank[2],
            shank[1],
            s * shank[0] + c * shank[2],
        ]
        return patient.body_pose(t, body)

    (result,) = patient.play(load_exercise("dead_bug"), 6.5, pose=pose).repetitions
    found = next(f for f in result.faults if f.id == "knee_angle_lost")
    assert found.body_part == "knee_flexion_r"
    assert found.severity >= Severity.MODERATE


def two_way(course):
    segmenter = TwoWaySegmenter((-5.0, 5.0), (20.0, -15.0), 0.35, SegmenterSettings())
    found, phases = [], []
    for t in np.arange(0.0, 60.0, 1 / 30):
        found += segmenter.step(round(t * S), Estimate(course(t), 0.1))
        phases.append(segmenter.phase)
    return found + segmenter.stop(), phases


def cat_camel(patient, first, second, begin_s=2.0, count=3):
    def course(t):
        value = 0.0
        for k in range(count):
            value += first * float(patient.cycle(t, begin_s + 9.0 * k, 1.5, 0.5, 1.5))
            value += second * float(patient.cycle(t, begin_s + 3.5 + 9.0 * k, 1.5, 0.5, 1.5))
        return value

    return course


@pytest.mark.parametrize(("first", "second"), [(25.0, -20.0), (-20.0, 25.0)])
def test_both_extremes_make_one_repetition_in_either_order(patient, first, second):
    found, phases = two_way(cat_camel(patient, first, second))
    assert [s.outcome for s in found] == [Outcome.COMPLETE] * 3
    assert all(s.second is not None for s in found)
    assert {s.extreme for s in found} == {0 if first > 0 else 1}
    changes = [p for i, p in enumerate(phases) if i == 0 or p != phases[i - 1]]
    assert changes[:5] == [Phase.REST, Phase.OUT, Phase.HOLD, Phase.RETURN, Phase.REST]


def test_one_extreme_alone_is_a_partial_repetition(patient):
    found, _ = two_way(cat_camel(patient, 25.0, 0.0))
    assert [s.outcome for s in found] == [Outcome.PARTIAL] * 3


def test_zero_is_the_first_still_second():
    zero, given = Zero(still=2.0, direction=1.0), []
    for t in np.arange(0.0, 6.0, 0.05):
        value = 40.0 + (10.0 * np.sin(4.0 * t) if t < 2.0 else 0.0) + (30.0 if t > 5.0 else 0.0)
        given.append(zero.update(round(t * S), Estimate(value, 0.1)))
    assert given[0].reason == Reason.TOO_EARLY
    assert not given[50].known
    assert given[-1].value == pytest.approx(30.0, abs=2.0)


@pytest.mark.parametrize(("direction", "expected"), [(1.0, 0.0), (0.0, -30.0), (-1.0, -30.0)])
def test_who_is_first_seen_midway_has_rested_where_the_target_is_farther_away(direction, expected):
    zero = Zero(still=2.0, direction=direction)
    for t in np.arange(0.0, 6.0, 0.05):
        last = zero.update(round(t * S), Estimate(40.0 if t < 3.0 else 10.0, 0.1))
    assert last.value == pytest.approx(expected)


def plank(patient, height):
    """Hips rise by ``height`` metres over their rest in the repetition."""

    def pose(t):
        x = float(patient.cycle(t, 3.0, 1.5, 3.0, 1.5))
        body = {k: v + np.array([0.0, 0.0, height * x]) for k, v in patient.bridge(np.pi).items()}
        return patient.body_pose(t, body, up_sigma=0.001)

    return pose


def test_a_target_counted_from_rest_does_not_ask_how_high_the_patient_lies(patient):
    exercise = load_exercise("plank")
    for lift in (0.0, 0.3):
        body = plank(patient, 0.14)

        def pose(t, lift=lift, body=body):
            here = body(t)
            support = replace(here.support, height=Estimate(1.0 + lift, 0.01))
            return replace(here, support=support)

        (result,) = patient.play(exercise, 11.0, pose=pose).repetitions
        assert result.outcome == Outcome.COMPLETE
        assert result.range_of_motion.value == pytest.approx(0.14, abs=0.005)


def live_faults(played, name):
    return [(e.stamp_ns, f) for e in played.live for f in e.faults if f.id == name]


def test_stopping_short_is_said_while_the_patient_stands_there(patient):
    exercise = load_exercise("glute_bridge")

    def pose(t):
        x = float(patient.cycle(t, 1.0, 1.5, 2.0, 1.5))
        return patient.body_pose(t, patient.bridge((130.0 + 30.0 * x) * DEG, lift=0.6 * x))

    played = patient.play(exercise, 7.0, pose=pose)
    seen = live_faults(played, "range_short")
    # The way out is over at 2.5 s, the way back begins at 4.5 s.
    assert 2.5 < (seen[0][0] - patient.stamp_of(0.0)) / S < 3.4
    assert seen[0][1].points_lost > 2.0
    assert not live_faults(patient.play(exercise, 7.0, pose=lambda t: patient.body_pose(
        t, patient.bridge((130.0 + 45.0 * float(patient.cycle(t, 1.0, 1.5, 2.0, 1.5))) * DEG)
    )), "range_short")  # fmt: skip


@pytest.mark.parametrize(("lumbar", "missed"), [(0.6, False), (0.1, True)])
def test_what_should_be_reached_is_missed_once_the_patient_has_arrived(patient, lumbar, missed):
    exercise = load_exercise("forward_bend")

    def x(t):
        return float(patient.cycle(t, 1.0, 2.5, 2.0, 2.5))

    played = patient.play(
        exercise, 9.0,
        pose=lambda t: patient.body_pose(t, patient.standing(1.5 * x(t))),
        pelvis=lambda t: patient.pelvis_state(t, tilt=0.8 * x(t), lumbar_flexion=lumbar * x(t)),
    )  # fmt: skip
    seen = live_faults(played, "hip_dominated")
    assert bool(seen) == missed
    if missed:
        assert 3.5 < (seen[0][0] - patient.stamp_of(0.0)) / S < 4.4
    result = played.repetitions[0]
    assert ("hip_dominated" in {f.id for f in result.faults}) == missed


def test_a_slow_middle_of_the_way_is_a_painful_arc(patient):
    exercise = load_exercise("forward_bend")

    def x(t, stop_s):
        first = 0.5 * float(patient.cycle(t, 1.0, 1.2, 1e3, 1.0))
        rest = 0.5 * float(patient.cycle(t, 2.2 + stop_s, 1.2, 1e3, 1.0))
        back = float(patient.cycle(t, 4.4 + stop_s, 2.5, 1e3, 1.0))
        return first + rest - back

    for stop_s, expected in ((1.0, True), (0.0, False)):
        play = lambda t, stop_s=stop_s: 1.5 * x(t, stop_s)  # noqa: E731
        played = patient.play(
            exercise, 10.0,
            pose=lambda t, play=play: patient.body_pose(t, patient.standing(play(t))),
            pelvis=lambda t, play=play: patient.pelvis_state(
                t, tilt=0.5 * play(t), lumbar_flexion=0.4 * play(t)
            ),
        )  # fmt: skip
        (result,) = played.repetitions
        told = live_faults(played, "painful_arc")
        arc = [f for f in result.faults if f.id == "painful_arc"]
        assert bool(arc) == expected
        if expected:
            assert arc[0].measured.value == pytest.approx(stop_s, abs=0.5)
            middle = patient.stamp_of(2.2 + stop_s / 2)
            assert arc[0].start_ns < middle < arc[0].end_ns
            # At once, while the patient stands there, and with what it costs by then.
            first, last = (
                (stamp - patient.stamp_of(2.2)) / S for stamp in (told[0][0], told[-1][0])
            )
            assert 0.0 < first < last < stop_s + 0.5
            assert told[0][1].points_lost < told[-1][1].points_lost
        else:
            assert not told
