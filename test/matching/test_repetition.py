import numpy as np
import pytest
from raising import SECOND, course

from lbp_rehab.errors import InputError
from lbp_rehab.matching.repetition import CHANNELS, PHASES, channels, mirrored, repetition
from lbp_rehab.recognition.observation import JOINT, JOINTS


def wrist_m(given):
    points = given.stretch.points[:, JOINT["l_wrist"], 2] * given.stretch.stature_m
    return points - points[0]


def test_phases_run_from_start_to_end_and_the_duration_is_kept():
    found = repetition(course(), SECOND, 4 * SECOND)
    assert found.duration_s == pytest.approx(3.0)
    assert len(found.stretch.points) == PHASES
    wanted = 0.3 * np.sin(np.pi * np.linspace(0.0, 1.0, PHASES))
    np.testing.assert_allclose(wrist_m(found), wanted, atol=0.004)


def test_pace_and_frame_rate_change_the_duration_only():
    slow = repetition(course(rate_hz=60.0), SECOND, 4 * SECOND)
    fast = repetition(course(rate_hz=20.0, tempo=2.0), SECOND, round(2.5 * SECOND))
    assert fast.duration_s == pytest.approx(1.5)
    np.testing.assert_allclose(wrist_m(fast), wrist_m(slow), atol=0.005)


def test_unknown_joints_are_zero_and_masked_in_the_input():
    given = channels(repetition(course(lost=("r_toe",)), SECOND, 4 * SECOND))
    assert given.shape == (CHANNELS, PHASES)
    toe = JOINT["r_toe"]
    n = len(JOINTS)
    assert (given[3 * toe : 3 * toe + 3] == 0.0).all()
    assert (given[3 * n + 3 * toe : 3 * n + 3 * toe + 3] == 0.0).all()
    np.testing.assert_array_equal(given[6 * n : 7 * n].sum(axis=1) == 0.0, np.arange(n) == toe)


def test_a_mirrored_repetition_has_the_other_side():
    other = mirrored(repetition(course(), SECOND, 4 * SECOND))
    assert wrist_m(other).max() < 0.01
    right = other.stretch.points[:, JOINT["r_wrist"], 2] * other.stretch.stature_m
    assert np.ptp(right) == pytest.approx(0.3, abs=0.005)


def test_what_cannot_be_compared_is_said():
    with pytest.raises(InputError, match="end after its start"):
        repetition(course(), 4 * SECOND, 4 * SECOND)
    with pytest.raises(InputError, match="shoulders and hips"):
        repetition(course(lost=("l_hip",)), SECOND, 4 * SECOND)
    with pytest.raises(InputError, match="shoulders and hips"):
        repetition(course(), 40 * SECOND, 44 * SECOND)
