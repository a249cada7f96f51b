import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.motion.movement import perform
from lbp_rehab.synthetic.motion.others import (
    LOOKED_AT,
    OTHERS,
    TAUGHT,
    UNSEEN,
    drawn,
    drawn_name,
    other,
    posed_as,
)
from lbp_rehab.synthetic.motion.programs import PROGRAMS, program

# The degrees of freedom that make the motions of `LOOKED_AT`, by what they are posed as.
KEPT_FOR_TESTING = {
    "forward_bend": {"THORAX_TURN", "both_SHOULDER_FLEXION", "both_KNEE_FLEXION"},
    "glute_bridge": {"NECK_FLEXION", "THORAX_FLEXION"},
    "press_up": {"work_HIP_FLEXION"},
    "bird_dog": {"SHIFT", "work_HIP_ABDUCTION"},
    "clam": {"work_HIP_ABDUCTION"},
}


def test_no_other_motion_has_the_name_of_an_exercise():
    assert not set(OTHERS) & set(PROGRAMS)


def test_taught_and_unseen_share_nothing_and_enough_are_unseen():
    kinds = [*TAUGHT, *LOOKED_AT, *UNSEEN]
    assert sorted(kinds) == sorted(OTHERS)
    assert len(LOOKED_AT) >= 6
    assert len(UNSEEN) >= 5
    # Of every start position that the random motions have.
    assert {posed_as(name) for name in UNSEEN} == set(KEPT_FOR_TESTING)


def test_no_motion_made_at_random_or_taught_moves_what_an_unseen_one_moves():
    def moved(motion):
        return motion.posed_as, frozenset(n for n in motion.program.top if "_FREE" not in n)

    start = {name: OTHERS[name].program.rest for name in OTHERS}
    learnt = {moved(drawn(seed)) for seed in range(1000)}
    for name in UNSEEN:
        assert moved(OTHERS[name]) not in learnt
        for taught in TAUGHT:
            same = moved(OTHERS[name]) == moved(OTHERS[taught])
            assert not (same and start[name] == start[taught])


def test_motions_made_at_random_leave_out_what_makes_those_that_were_looked_at():
    seen = [drawn(seed) for seed in range(300)]
    assert {o.posed_as for o in seen} == set(KEPT_FOR_TESTING)
    for motion in seen:
        assert not KEPT_FOR_TESTING[motion.posed_as] & set(motion.program.top)


def test_a_motion_is_found_by_its_name_and_the_same_each_time():
    assert other("squat") is OTHERS["squat"]
    assert other(drawn_name(7)) == drawn(7) != drawn(8)
    assert other("glute_bridge") is None
    assert program("squat") is OTHERS["squat"].program
    with pytest.raises(InputError, match="no exercise 'cartwheel'"):
        program("cartwheel")


def test_an_exercise_is_posed_as_itself_and_a_motion_as_an_exercise():
    assert posed_as("plank") == "plank"
    assert all(posed_as(name) in PROGRAMS for name in OTHERS)


@pytest.mark.parametrize("name", [*OTHERS, drawn_name(1)])
def test_a_set_of_it_can_be_made(name):
    movement = perform(name, 3, repetitions=2)
    assert len(movement.repetitions) == 2
    rest, top = movement.at([0.0, movement.repetitions[0].top_s])
    assert abs(top - rest).max() > 0.01
