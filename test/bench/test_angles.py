import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.bench.angles import axes_of, errors, follow, pelvis_rotation, range_error, sideways
from lbp_rehab.pelvis.segments import cardan

DEG = np.pi / 180.0


def test_errors_are_plain_differences_that_wrap():
    truth = np.array([[179.0, 10.0, -170.0]]) * DEG
    value = np.array([[-178.0, 12.0, 175.0]]) * DEG
    error = errors(value, truth, axes_of(value), axes_of(truth))
    assert error[0] / DEG == pytest.approx([3.0, 2.0, -15.0])


def test_rotation_of_angles_is_that_of_the_pelvis():
    angles = np.array([[0.5, 0.2, -1.0], [-1.4, 1.2, 2.0]])
    assert cardan(pelvis_rotation(angles).as_matrix()) == pytest.approx(angles)


@pytest.mark.parametrize(
    ("axis", "expected"), [([0, 1, 0], [4, 0, 0]), ([1, 0, 0], [0, -4, 0]), ([0, 0, 1], [0, 0, 4])]
)
def test_lying_on_the_side_errors_are_about_the_pelvis_s_own_axes(axis, expected):
    truth = np.array([[0.3, 89.0 * DEG, -0.8]])
    turned = pelvis_rotation(truth) * Rotation.from_rotvec(4.0 * DEG * np.array(axis, float))
    axes = turned.as_matrix()
    value = cardan(axes)
    # Neither the truth nor the estimate needs a tilt or a rotation of its own there.
    undefined = np.array([[np.nan, truth[0, 1], np.nan]])
    for v, t in ((value, truth), (value * [[np.nan, 1.0, np.nan]], undefined)):
        assert errors(v, t, axes, axes_of(truth))[0] / DEG == pytest.approx(expected, abs=1e-6)
    nothing = np.full((1, 3), np.nan)
    assert np.isnan(errors(nothing, truth, axes, axes_of(truth))).all()


def test_a_pelvis_lies_sideways_beyond_45_degrees_of_obliquity():
    angles = np.array([[1.0, o * DEG, 2.0] for o in (44.0, 46.0, -46.0, 120.0, np.nan)])
    assert sideways(axes_of(angles)).tolist() == [False, True, True, True, False]


def test_slope_is_the_share_of_the_motion_that_is_read():
    t = np.linspace(0, 1, 50)
    truth = [0.3 * np.sin(6 * t), 0.5 * t]
    value = [0.45 * truth[0] + 0.2, 0.45 * truth[1] - 0.7]  # each case has an offset of its own
    fit = follow(value, truth)
    assert (fit.slope, fit.correlation, fit.cases) == pytest.approx((0.45, 1.0, 2))


def test_noise_of_the_estimate_lowers_the_correlation_and_not_the_slope():
    rng = np.random.default_rng(0)
    truth = rng.uniform(-0.3, 0.3, 20_000)
    value = truth + rng.normal(0.0, truth.std(), truth.size)
    fit = follow([value], [truth])
    assert fit.slope == pytest.approx(1.0, abs=0.02)
    assert fit.correlation == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_a_case_that_hardly_moves_has_no_slope():
    still = np.linspace(0, 4.9, 20) * DEG
    assert follow([5 * still], [still]).slope is None
    moving = np.linspace(0, 5.1, 20) * DEG
    assert follow([5 * still, moving], [still, moving]).cases == 1


def test_range_of_motion_error_has_a_sign():
    truth = np.array([0.0, 0.5, 0.2])
    assert range_error(0.6 * truth, truth) == pytest.approx(-0.2)
    assert range_error(truth[:2], truth[:2]) is None
