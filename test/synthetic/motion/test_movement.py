import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.motion.dof import NOT_ANGLES, Dof
from lbp_rehab.synthetic.motion.movement import Fault, Style, minimum_jerk, perform, row
from lbp_rehab.synthetic.motion.programs import PROGRAMS, effect

EVERY_FAULT = [(e, f) for e, p in PROGRAMS.items() for f in p.faults]


def still(seed=1, **changes):
    """A style without delays, drifts or breathing."""
    style = Style.sample(Draws(seed))
    zeros = np.zeros(len(Dof))
    values = {"delay_s": zeros, "wander": np.zeros((2, len(Dof))), "belly_m": 0.0, "chest_m": 0.0}
    return Style(**{**style.__dict__, **values, "rest": zeros, **changes})


def test_minimum_jerk_is_flash_and_hogans_polynomial():
    u = np.linspace(0.0, 1.0, 101)
    np.testing.assert_allclose(minimum_jerk(u), 10 * u**3 - 15 * u**4 + 6 * u**5, atol=1e-15)


def test_there_are_thirteen_exercises_each_with_faults():
    assert len(PROGRAMS) == 13
    assert all(len(p.faults) >= 3 for p in PROGRAMS.values())


@pytest.mark.parametrize("exercise", PROGRAMS)
def test_set_rests_then_repeats_in_order(exercise):
    movement = perform(exercise, seed=1, repetitions=4, style=still())
    assert [r.index for r in movement.repetitions] == [1, 2, 3, 4]
    assert movement.repetitions[0].start_s == 4.0
    end_s = 0.0
    for r in movement.repetitions:
        assert end_s < r.start_s < r.top_s < r.hold_end_s < r.end_s < movement.duration_s
        np.testing.assert_allclose(movement.at(r.start_s)[0], movement.rest, atol=1e-12)
        end_s = r.end_s
    np.testing.assert_array_equal(
        movement.at(np.linspace(0.0, 4.0, 50)), np.tile(movement.rest, (50, 1))
    )


@pytest.mark.parametrize("exercise", PROGRAMS)
def test_the_top_is_where_the_program_says(exercise):
    program = PROGRAMS[exercise]
    made = [perform(exercise, seed, repetitions=1, side="left") for seed in range(40)]
    tops = np.array([m.course.at(np.array(m.repetitions[0].top_s)) - m.rest for m in made])
    wanted = row(program.top, "left")
    for dof in np.flatnonzero(wanted):
        assert tops[:, dof].mean() == pytest.approx(wanted[dof], rel=0.12), Dof(dof).name


@pytest.mark.parametrize("exercise", ["glute_bridge", "bird_dog", "forward_bend"])
def test_position_velocity_and_acceleration_are_continuous(exercise):
    movement = perform(exercise, seed=3, faults=[Fault(2, next(iter(PROGRAMS[exercise].faults)))])
    step_s = 1e-3
    position = movement.at(np.arange(0.0, movement.duration_s, step_s))
    acceleration = np.diff(position, 2, axis=0) / step_s**2
    # The greatest jerk of a minimum-jerk movement is 60 ranges per duration cubed.
    shortest_s = np.diff(movement.course.knots_s).min()
    reach = np.abs(np.diff(movement.course.values, axis=0)).max(axis=0)
    greatest = 60.0 * reach / shortest_s**3 + 2.0  # drifts and breathing add a little
    assert (np.abs(np.diff(acceleration, axis=0)).max(axis=0) <= greatest * step_s).all()


@pytest.mark.parametrize(("exercise", "fault"), EVERY_FAULT)
def test_fault_shows_in_its_repetition_in_proportion_and_nowhere_else(exercise, fault):
    def made(severity):
        faults = (Fault(2, fault, severity),) if severity else ()
        return perform(exercise, 4, repetitions=3, faults=faults, side="left")

    plain, half, whole = (made(s) for s in (0.0, 0.5, 1.0))

    def difference(movement, index):
        ours, theirs = (m.repetitions[index] for m in (movement, plain))
        t = np.linspace(0.0, 1.0, 41)[1:-1]
        ours = movement.course.at(ours.start_s + t * (ours.end_s - ours.start_s))
        theirs = plain.course.at(theirs.start_s + t * (theirs.end_s - theirs.start_s))
        return np.abs(ours - theirs).max()

    def duration(movement):
        return movement.repetitions[1].end_s - movement.repetitions[1].start_s

    def breath(movement):
        return movement.levels.at(np.array(movement.repetitions[1].top_s))[2]

    assert difference(whole, 0) < 1e-9
    changed = [
        difference(whole, 1) > 0.01,
        abs(duration(whole) / duration(plain) - 1.0) > 0.1,
        breath(whole) < 0.5 * breath(plain),
    ]
    assert any(changed)
    smaller = [
        0 < difference(half, 1) < difference(whole, 1),
        0 < abs(duration(half) - duration(plain)) < abs(duration(whole) - duration(plain)),
        breath(whole) < breath(half) < breath(plain),
        fault == "wrong_limb_pair",  # one arm or the other
    ]
    assert any(smaller)


def test_size_of_a_fault_is_what_its_text_says():
    plain = perform("glute_bridge", 4)
    faulty = perform("glute_bridge", 4, faults=[Fault(3, "lumbar_overextension", 0.5)])
    top = np.array(plain.repetitions[2].top_s)
    difference = faulty.course.at(top) - plain.course.at(top)
    expected = np.zeros(len(Dof))
    expected[Dof.PELVIS_TILT] = np.radians(12.0)
    np.testing.assert_allclose(difference, expected, atol=1e-9)
    (shown,) = faulty.repetitions[2].shown
    assert (shown.name, shown.severity, shown.dof) == ("lumbar_overextension", 0.5, Dof.PELVIS_TILT)
    assert shown.changed == pytest.approx(np.radians(12.0))


@pytest.mark.parametrize(("exercise", "fault"), EVERY_FAULT)
@pytest.mark.parametrize("side", ["left", "right"])
def test_evidence_is_the_difference_that_the_fault_made(exercise, fault, side):
    faulty = perform(exercise, 4, repetitions=1, faults=[Fault(1, fault, 0.8)], side=side)
    plain = perform(exercise, 4, repetitions=1, side=side)
    (shown,) = faulty.repetitions[0].shown
    made = faulty.repetitions[0]
    assert made.start_s <= shown.start_s < shown.end_s <= made.end_s
    if shown.dof is not None:
        ours, theirs = (
            m.course.at(np.array(m.repetitions[0].top_s))[shown.dof] for m in (faulty, plain)
        )
        assert ours - theirs == pytest.approx(shown.changed, abs=1e-9)
        assert shown.changed != 0.0


def test_painful_arc_is_the_slow_middle_of_the_way():
    faulty = perform("forward_bend", 4, repetitions=1, faults=[Fault(1, "painful_arc")])
    (shown,) = faulty.repetitions[0].shown
    t_s = np.arange(shown.start_s, shown.end_s, 0.02)
    rate = np.abs(np.gradient(faulty.level(t_s)[:, 0], 0.02))
    assert shown.changed == pytest.approx(2.0)
    assert shown.end_s < faulty.repetitions[0].top_s
    assert rate.mean() < 0.2


def test_fault_with_a_side_of_its_own_goes_to_either():
    for exercise, fault in (("knee_to_chest", "pelvis_rolls"), ("glute_bridge", "pelvis_drops")):
        for side in ("left", "right"):
            signs = {
                perform(exercise, s, repetitions=1, faults=[Fault(1, fault)], side=side)
                .repetitions[0].shown[0].changed > 0.0
                for s in range(20)
            }  # fmt: skip
            assert signs == {True, False}


def test_only_what_stops_short_is_partial():
    def reached(exercise, fault):
        return perform(exercise, 4, faults=[Fault(1, fault)]).repetitions[0].amplitude

    assert reached("glute_bridge", "hips_low") < 0.6
    assert reached("pelvic_tilt", "no_pelvic_motion") < 0.3
    for exercise, fault in (("forward_bend", "hip_dominated"), ("cat_camel", "one_end_only")):
        assert reached(exercise, fault) > 0.8


def test_exercises_own_motion_keeps_the_times_that_are_told():
    for exercise in PROGRAMS:
        movement = perform(exercise, 12, repetitions=1, side="left")
        made = movement.repetitions[0]
        first = next(iter(PROGRAMS[exercise].top))
        for dof in np.flatnonzero(row({first: 1.0}, "left")):
            assert movement.style.delay_s[dof] == 0.0
        half = 0.5 * (made.start_s + made.top_s)
        assert movement.level(np.array([half]))[0, 0] == pytest.approx(0.5, abs=1e-9)


def test_free_pelvis_moves_in_all_three_planes_and_more_than_otherwise():
    def spread(free):
        rows = [
            perform("dead_bug", s, repetitions=1, free_pelvis_deg=free).course.values[2]
            for s in range(80)
        ]
        return np.degrees(np.std(rows, axis=0)[[0, 1, 2]])

    assert (spread(5.0) > 4.5).all()
    assert (spread(0.0)[1:] < 2.0).all()


def test_too_fast_is_faster_than_the_textbook_whoever_it_is():
    pace = effect("glute_bridge", "too_fast").pace
    for seed in (5, 6, 7):
        plain = perform("glute_bridge", seed)
        fast = perform("glute_bridge", seed, faults=[Fault(1, "too_fast")])
        own, hurried = (m.repetitions[0].top_s - m.repetitions[0].start_s for m in (plain, fast))
        assert hurried / own == pytest.approx(pace / plain.style.tempo)


@pytest.mark.parametrize(("exercise", "fault"), EVERY_FAULT)
def test_strength_rises_with_severity_and_there_is_none_without(exercise, fault):
    what = effect(exercise, fault)
    strengths = [what.strength(s) for s in (0.0, 0.01, 0.4, 1.0)]
    assert strengths == sorted(set(strengths))
    assert strengths[0] == 0.0
    assert strengths[-1] == 1.0


def test_sides_alternate_or_stay_and_are_mirror_images():
    alternating = perform("bird_dog", 6, repetitions=4)
    assert [r.side for r in alternating.repetitions] == ["left", "right", "left", "right"]
    assert {r.side for r in perform("bird_dog", 6, side="right").repetitions} == {"right"}
    assert {r.side for r in perform("plank", 6).repetitions} == {"none"}
    left, right = (
        row({"work_HIP_FLEXION": 10.0, "PELVIS_TURN": 5.0}, s) for s in ("left", "right")
    )
    assert left[Dof.L_HIP_FLEXION] == right[Dof.R_HIP_FLEXION] == np.radians(10.0)
    assert left[Dof.PELVIS_TURN] == -right[Dof.PELVIS_TURN] == np.radians(5.0)


def test_pelvis_moves_on_its_own():
    """Over many sets, the pelvis says little of the thorax, thighs and lift, and they of it."""
    tops = []
    for seed in range(150):
        m = perform("glute_bridge", seed, repetitions=1)
        tops.append(m.at(m.repetitions[0].top_s)[0])
    tops = np.array(tops)
    angles = [d for d in Dof if d not in NOT_ANGLES and tops[:, d].std() > 1e-6]
    correlation = np.corrcoef(tops[:, [Dof.LIFT, *angles]].T)
    own = 1 + angles.index(Dof.PELVIS_TILT)
    assert np.abs(np.delete(correlation[own], own)).max() < 0.3
    assert np.degrees(tops[:, Dof.PELVIS_TILT].std()) > 3.0


def test_breath_goes_on_in_every_exercise_and_stops_when_held():
    movement = perform("pelvic_tilt", 8, repetitions=1, faults=[Fault(1, "breath_holding")])
    made = movement.repetitions[0]
    t = np.linspace(0.0, made.start_s, 400)
    assert np.ptp(movement.at(t)[:, Dof.BELLY]) > 0.002
    held = movement.at(np.linspace(made.top_s, made.hold_end_s, 100))[:, Dof.BELLY]
    assert np.ptp(held) < 1e-9


def test_level_phase_and_fault_level_follow_the_repetitions():
    movement = perform("dead_bug", 9, repetitions=2, faults=[Fault(2, "back_leaves_mat", 0.6)])
    first, second = movement.repetitions
    middle = 0.5 * (first.top_s + first.hold_end_s)
    np.testing.assert_allclose(movement.level(np.array([middle]))[0], [1.0, 0.0], atol=1e-9)
    assert movement.phase(middle) == ("hold", first)
    assert movement.phase(0.5 * (second.start_s + second.top_s)) == ("out", second)
    assert movement.phase(0.5 * (first.end_s + second.start_s)) == ("rest", None)
    shown = movement.fault_level("back_leaves_mat", np.array([middle, second.top_s]))
    np.testing.assert_allclose(shown, [0.0, 0.6], atol=1e-9)


def test_same_seed_same_movement_and_another_seed_or_split_another():
    first, second = perform("clam", 6), perform("clam", 6)
    np.testing.assert_array_equal(first.course.values, second.course.values)
    np.testing.assert_array_equal(first.course.knots_s, second.course.knots_s)
    for other in (perform("clam", 7), perform("clam", 6, split=Split.TEST)):
        assert not np.array_equal(first.course.knots_s, other.course.knots_s)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: perform("jumping", 1), "no exercise 'jumping'"),
        (lambda: perform("clam", 1, repetitions=0), "at least one"),
        (lambda: perform("clam", 1, repetitions=2, faults=[Fault(3, "too_fast")]), "repetition 3"),
        (lambda: perform("clam", 1, faults=[Fault(1, "sneezes")]), "no fault 'sneezes'"),
        (lambda: perform("clam", 1, side="up"), "must be one of left"),
        (lambda: Fault(1, "too_fast", 1.5), "between 0 and 1"),
    ],
)
def test_bad_settings_are_refused_with_a_sentence(make, message):
    with pytest.raises(InputError, match=message):
        make()
