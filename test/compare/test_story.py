"""A sentence for each difference, in words of the domain."""

import math

import pytest
from geometry_msgs.msg import Point

from lbp_rehab import msg
from lbp_rehab.compare.tolerance import chosen

R, F = msg.Repetition, msg.Fault


@pytest.fixture
def told(held):
    def tell(golden, new):
        return held(golden, new, chosen(None, exact=False)).sentences

    return tell


def estimate(value, status=1):
    return msg.Estimate(status=status, value=value if status else 0.0, sigma=0.1 if status else 0.0)


@pytest.fixture
def repetition(at):
    def make(index=1, end=3.0, faults=(), score=90.0, grade=R.GRADE_GOOD, **fields):
        message = R(
            exercise="glute_bridge", index=index, score=estimate(score, fields.pop("known", 1)),
            grade=grade, outcome=fields.pop("outcome", R.OUTCOME_COMPLETE), faults=list(faults),
            **fields,
        )  # fmt: skip
        for field, seconds in (("start", end - 2.0), ("target", end - 1.0), ("end", end)):
            at(seconds, message, field)
        return ("/quality/repetition", end, at(end, message))

    return make


@pytest.fixture
def fault(at):
    def make(name="pelvis_drops", start=1.5, end=2.5, **fields):
        message = F(id=name, severity=fields.pop("severity", 1), points_lost=3.0, **fields)
        return at(end, at(start, message, "start"), "end")

    return make


def test_a_score_that_fell_is_told_with_before_and_after(told, repetition):
    assert told([repetition(score=91.25)], [repetition(score=87.0)]) == [
        "repetition 1 lost 4.2 points (91.2 to 87.0)"
    ]


def test_a_score_that_rose_a_grade_and_an_outcome_are_told_in_one_sentence(told, repetition):
    golden = repetition(score=80.0, outcome=R.OUTCOME_PARTIAL)
    new = repetition(score=81.0, grade=R.GRADE_SUPER_EXCELLENT)
    assert told([golden], [new]) == [
        "repetition 1 is complete, not partial; gained 1.0 point (80.0 to 81.0); "
        "is graded super excellent, not good"
    ]


@pytest.mark.parametrize(
    ("golden", "new", "words"),
    [(1, 0, "has no score any more"), (0, 1, "has a score now")],
)
def test_a_score_that_came_or_went_is_told(golden, new, words, told, repetition):
    assert told([repetition(known=golden)], [repetition(known=new)]) == [f"repetition 1 {words}"]


def test_a_fault_that_begins_earlier_and_weighs_more_is_told(told, repetition, fault):
    worse = fault(start=1.2, severity=3)
    worse.points_lost = 5.0
    assert told([repetition(faults=[fault()])], [repetition(faults=[worse])]) == [
        "repetition 1 the fault 'pelvis drops' begins 0.3 s earlier, is severe, not mild, "
        "takes 5.0 points instead of 3.0"
    ]


def test_faults_that_come_and_go_are_told(told, repetition, fault):
    golden, new = repetition(faults=[fault("knees_in")]), repetition(faults=[fault()])
    assert told([golden], [new]) == [
        "repetition 1 the fault 'pelvis drops' is told now (3.0 points); "
        "the fault 'knees in' is no longer told"
    ]


def test_a_second_fault_of_one_name_is_the_new_one(told, repetition, fault):
    again = fault(start=2.6, end=2.8)
    assert told([repetition(faults=[fault()])], [repetition(faults=[fault(), again])]) == [
        "repetition 1 the fault 'pelvis drops' is told now (3.0 points)"
    ]


def test_part_scores_and_what_cannot_be_judged_are_told(told, repetition):
    def parts(**values):
        return [
            msg.SubScore(kind=getattr(msg.SubScore, k.upper()), value=estimate(v))
            for k, v in values.items()
        ]

    golden = repetition(sub_scores=parts(range=90.0, tempo=80.0), not_assessed=["knees_in"])
    new = repetition(sub_scores=parts(range=85.0, muscle=70.0), not_assessed=["pelvis_drops"])
    assert told([golden], [new]) == [
        "repetition 1 range is 85.0, not 90.0; has a part score for muscle now; "
        "has no part score for tempo any more; cannot be judged any more for pelvis drops; "
        "can be judged now for knees in"
    ]


def test_repetitions_that_are_missing_or_additional_are_told(told, repetition):
    golden = [repetition(1, 3.0), repetition(2, 7.0)]
    assert told(golden, [golden[0], repetition(2, 12.0)]) == [
        "repetition 2, which ended at 4.0 s, is no longer counted",
        "a repetition more is counted: number 2, which ends at 9.0 s",
    ]


def test_a_repetition_counted_otherwise_and_later_is_told(told, repetition):
    assert told([repetition(1, 3.0)], [repetition(2, 3.5)]) == [
        "repetition 1 is now number 2; starts 0.5 s later; turns 0.5 s later; ends 0.5 s later"
    ]


@pytest.fixture
def cue(at):
    def make(seconds, text="Lift higher", **fields):
        message = msg.Cue(text=text, answers=fields.pop("answers", "pelvis_drops"), **fields)
        return ("/feedback/cue", seconds, at(seconds, message))

    return make


def test_cues_are_told_by_what_they_say(told, cue):
    golden = [cue(0.0, "One"), cue(5.0), cue(10.0, "Rest")]
    new = [
        cue(0.0, "Two", severity=3),
        cue(5.25, answers="knees_in"),
        cue(20.0, "Stop"),
    ]
    assert told(golden, new) == [
        "the cue 'One' at 0.0 s says 'Two', is stop, not praise",
        "the cue 'Lift higher' at 5.0 s comes 0.25 s later, answers knees in, not pelvis drops",
        "the cue 'Rest' at 10.0 s is not given any more",
        "the cue 'Stop' is given at 20.0 s, which was not before",
    ]


@pytest.fixture
def session(at):
    def make(seconds, state, done=0):
        message = msg.SessionState(state=state, repetitions_done=done)
        return ("/session/state", seconds, at(seconds, message))

    return make


def test_a_sessions_counts_and_changes_are_told(told, session):
    golden = [session(0, 1), session(5, 2, 3), session(20, 3)]
    assert told(golden, [session(0, 1), session(5, 2, 4), session(30, 4)]) == [
        "the set counts 4 repetitions, not 3, at 5.0 s",
        "the session's change to resting at 20.0 s is no longer told",
        "the session's change to finished at 30.0 s is told, which was not before",
    ]


def test_recognition_is_told_as_runs(told, at):
    def seen(names):
        rows = []
        for k, name in enumerate(names):
            message = msg.Recognition(state=1 if name else 0, exercise=name)
            rows.append(("/exercise/recognition", float(k), at(k, message)))
        return rows

    golden = seen(["", "glute_bridge", "glute_bridge", "glute_bridge", "cat_cow"])
    assert told(golden, seen(["", "", "", "glute_bridge", "bird_dog"])) == [
        "the movement is recognised as undecided, not glute bridge, from 1.0 to 2.0 s",
        "the movement is recognised as bird dog, not cat cow, from 4.0 to 4.0 s",
    ]


def pelvis(at, k, **angles):
    message = msg.PelvisState(**{name: estimate(value) for name, value in angles.items()})
    return ("/pelvis/state", k * 0.1, at(k * 0.1, message))


def test_pelvic_angles_are_told_in_degrees_by_the_short_way(told, at):
    golden = [pelvis(at, k, rotation=math.pi - 0.01, lumbar_flexion=0.1) for k in range(3)]
    new = [pelvis(at, k, rotation=-math.pi + 0.025, lumbar_flexion=0.05) for k in range(3)]
    assert set(told(golden, new)) == {
        "pelvic rotation is up to 2.0 degrees more than before, at 0.0 s",
        "lumbar flexion is up to 2.9 degrees less than before, at 0.0 s",
    }


def test_an_angle_that_became_unknown_is_told(told, at):
    golden = [pelvis(at, k, tilt=0.1) for k in range(3)]
    new = [*golden[:2], ("/pelvis/state", 0.2, at(0.2, msg.PelvisState()))]
    assert told(golden, new) == ["tilt is unknown, not measured, in 1 of 3 messages"]


def pose(at, k, **places):
    points = [msg.Keypoint(name=n, status=1, position=Point(x=x)) for n, x in places.items()]
    return ("/body/pose", k * 0.1, at(k * 0.1, msg.BodyPose(keypoints=points)))


def test_the_keypoints_that_moved_most_are_told_and_the_rest_counted(told, at):
    golden = [pose(at, 0, l_hip=0.0, r_hip=0.0, nose=0.0, l_knee=0.0, r_knee=0.0)]
    new = [pose(at, 0, l_hip=0.01, r_hip=-0.02, nose=0.03, l_knee=0.004, r_knee=0.005)]
    assert told(golden, new) == [
        "nose is up to 30 mm elsewhere, at 0.0 s",
        "right hip is up to 20 mm elsewhere, at 0.0 s",
        "left hip is up to 10 mm elsewhere, at 0.0 s",
        "2 more keypoints moved by up to 5 mm",
    ]


def test_a_keypoint_that_is_gone_is_told(told, at):
    found = told([pose(at, 0, l_hip=0.0, nose=0.0)], [pose(at, 0, nose=0.0)])
    assert any("l hip" in s and "no longer there" in s for s in found)


def test_muscles_are_told_by_their_channel(told, at):
    def muscle(k, value, active):
        each = msg.MuscleActivation(
            channel=msg.EmgChannel(label="mf_l"), activation=estimate(value), active=active
        )
        return ("/emg/activation", k * 0.1, at(k * 0.1, msg.EmgActivation(muscles=[each])))

    golden = [muscle(k, 0.2, False) for k in range(3)]
    assert told(golden, [*golden[:2], muscle(2, 0.4, False)]) == [
        "muscles[mf l].activation is 0.4, not 0.2, at 0.20 s"
    ]


def test_a_muscle_that_is_on_is_told(told, at):
    def muscle(active):
        each = msg.MuscleActivation(channel=msg.EmgChannel(label="mf_l"), active=active)
        return [("/emg/activation", 0.0, at(0.0, msg.EmgActivation(muscles=[each])))]

    assert told(muscle(False), muscle(True)) == [
        "muscles[mf l].active is true, not false, at 0.00 s"
    ]


def test_more_differences_than_anybody_reads_are_counted(told, cue):
    golden = [cue(10.0 * k, f"cue {k}") for k in range(20)]
    new = [cue(10.0 * k, f"other {k}") for k in range(20)]
    found = told(golden, new)
    assert len(found) == 12
    assert found[-1] == "/feedback/cue: 9 more differences"


def test_every_change_on_a_topic_is_told_at_least_once(told, at):
    golden = [("/session/state", 0.0, at(0.0, msg.SessionState(session_id="a")))]
    new = [("/session/state", 0.0, at(0.0, msg.SessionState(session_id="b")))]
    assert told(golden, new) == ["/session/state: session id is 'b', not 'a', at 0.00 s"]
