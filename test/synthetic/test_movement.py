import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.movement import (
    HIPS_LOW_FRACTION,
    KNEES_IN_RAD,
    PELVIS_DROP_RAD,
    Dof,
    Fault,
    glute_bridge,
    minimum_jerk,
)


def test_minimum_jerk_is_flash_and_hogans_polynomial():
    u = np.linspace(0.0, 1.0, 101)
    np.testing.assert_allclose(minimum_jerk(u), 10 * u**3 - 15 * u**4 + 6 * u**5, atol=1e-15)


def test_set_has_rest_then_repetitions_in_order():
    movement = glute_bridge(seed=1, repetitions=5)
    assert [r.index for r in movement.repetitions] == [1, 2, 3, 4, 5]
    assert movement.repetitions[0].start_s == 4.0
    ends = [0.0]
    for r in movement.repetitions:
        assert ends[-1] < r.start_s < r.top_s < r.hold_end_s < r.end_s < movement.duration_s
        ends.append(r.end_s)
    np.testing.assert_array_equal(movement.at(np.linspace(0.0, 4.0, 50)), 0.0)


def test_movement_reaches_each_repetitions_amplitude_and_returns():
    movement = glute_bridge(seed=2, faults=(Fault(5, "hips_low", 0.8),))
    for r in movement.repetitions:
        assert movement.at(r.top_s)[0, Dof.LIFT] == pytest.approx(r.amplitude)
        np.testing.assert_allclose(movement.at(r.end_s)[0], 0.0, atol=1e-12)
    full = [r.amplitude for r in movement.repetitions[:4]]
    assert min(full) >= 0.95
    assert movement.repetitions[4].amplitude <= 1.05 * (1.0 - 0.8 * HIPS_LOW_FRACTION)


def test_position_velocity_and_acceleration_are_continuous():
    movement = glute_bridge(seed=3)
    step_s = 1e-3
    t_s = np.arange(0.0, movement.duration_s, step_s)
    position, velocity = movement.at(t_s), movement.rate(t_s)
    central = (position[2:] - position[:-2]) / (2 * step_s)
    np.testing.assert_allclose(velocity[1:-1], central, atol=2e-4)
    # The greatest jerk of a minimum-jerk movement is 60 ranges per duration cubed.
    shortest_s = np.diff(movement.knots_s)[movement.values.any(axis=1)[1:]].min()
    greatest_jerk = 60.0 * 1.05 / shortest_s**3
    acceleration = np.diff(velocity, axis=0) / step_s
    assert np.abs(np.diff(acceleration, axis=0)).max() <= 1.05 * greatest_jerk * step_s


def test_faults_show_in_their_repetition_only():
    plain = glute_bridge(seed=4)
    faulty = glute_bridge(seed=4, faults=(Fault(3, "pelvis_drops"), Fault(2, "knees_fall_in", 0.5)))
    difference = np.stack([faulty.at(r.top_s)[0] - plain.at(r.top_s)[0] for r in plain.repetitions])
    expected = np.zeros_like(difference)
    expected[2, Dof.OBLIQUITY] = PELVIS_DROP_RAD
    expected[1, Dof.KNEE_ABDUCTION] = -0.5 * KNEES_IN_RAD
    np.testing.assert_allclose(difference, expected, atol=1e-12)


def test_too_fast_halves_the_lift():
    plain = glute_bridge(seed=5).repetitions[0]
    fast = glute_bridge(seed=5, faults=(Fault(1, "too_fast"),)).repetitions[0]
    assert fast.top_s - fast.start_s == pytest.approx(0.5 * (plain.top_s - plain.start_s))


def test_same_seed_same_movement_and_another_seed_another():
    first, second, other = glute_bridge(6), glute_bridge(6), glute_bridge(7)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.knots_s, second.knots_s)
    assert not np.array_equal(first.knots_s, other.knots_s)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: glute_bridge(1, repetitions=0), "at least one"),
        (lambda: glute_bridge(1, 2, (Fault(3, "pelvis_drops"),)), "repetition 3"),
        (lambda: Fault(1, "sneezes"), "no fault 'sneezes'"),
        (lambda: Fault(1, "pelvis_drops", 1.5), "between 0 and 1"),
    ],
)
def test_bad_settings_are_refused_with_a_sentence(make, message):
    with pytest.raises(InputError, match=message):
        make()
