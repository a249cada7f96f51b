import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

from lbp_rehab.bench import metrics
from lbp_rehab.bench.metrics import POINTS

RNG = np.random.default_rng(3)
BODY = RNG.normal(0.0, 0.5, (4, 19, 3)) + np.array([0.0, 0.0, 2.5])
ALL = np.ones((4, 19), bool)


def test_distance_is_in_millimetres_and_unknown_points_have_none():
    known = ALL.copy()
    known[0, 3] = False
    error = metrics.distances_mm(BODY + np.array([0.03, 0.0, 0.04]), BODY, known)
    assert np.isnan(error[0, 3])
    assert error[known] == pytest.approx(50.0)


def test_root_relative_error_forgets_a_shift_and_needs_both_hips():
    known = ALL.copy()
    known[1, POINTS.index("l_hip")] = False
    error = metrics.root_relative_mm(BODY + np.array([1.0, -2.0, 3.0]), BODY, known)
    assert np.isnan(error[1]).all()
    assert error[[0, 2, 3]] == pytest.approx(0.0, abs=1e-9)


def test_aligned_error_forgets_rotation_scale_and_shift():
    turned = 1.3 * BODY @ Rotation.from_rotvec([0.4, -1.0, 2.0]).as_matrix().T + [0.1, 2.0, -1.0]
    assert metrics.procrustes_mm(turned, BODY, ALL) == pytest.approx(0.0, abs=1e-9)


def test_alignment_does_not_mirror():
    mirrored = BODY * [-1.0, 1.0, 1.0]
    assert np.nanmean(metrics.procrustes_mm(mirrored, BODY, ALL)) > 100.0


def test_alignment_needs_four_points():
    known = np.zeros((4, 19), bool)
    known[:, :3] = True
    assert np.isnan(metrics.procrustes_mm(BODY, BODY, known)).all()


def test_share_within_a_threshold_counts_unknown_points_as_outside():
    error = np.array([10.0, 50.0, 60.0, np.nan])
    assert metrics.pck(error, 50.0) == pytest.approx(0.5)
    assert metrics.pck(error, 1e6) == pytest.approx(0.75)
    assert metrics.pck(np.zeros(0), 50.0) is None


def test_area_under_the_curve_of_a_single_error():
    # Thresholds 0, 5, ..., 150 mm: an error of 72 mm is within those from 75 mm on, 16 of 31.
    assert metrics.auc(np.array([72.0])) == pytest.approx(16 / 31)


def test_mahalanobis_distance_counts_sigmas_along_the_axes_of_the_covariance():
    turn = Rotation.from_rotvec([0.3, 0.2, -0.7]).as_matrix()
    covariance = turn @ np.diag([0.01**2, 0.02**2, 0.05**2]) @ turn.T
    off = turn @ [0.01, 0.04, 0.15]
    squared = metrics.mahalanobis_squared(BODY[0, :1] + off, BODY[0, :1], covariance[None])
    assert squared == pytest.approx([1.0 + 4.0 + 9.0])


@pytest.mark.parametrize(("dof", "limit"), [(1, 1.0), (3, 3.527)])
def test_one_sigma_is_where_the_truth_should_lie_68_percent_of_the_time(dof, limit):
    assert metrics.chi_square_quantile(metrics.ONE_SIGMA, dof) == pytest.approx(limit, abs=1e-3)
    assert metrics.chi_square_quantile(0.9, dof) == pytest.approx(chi2.ppf(0.9, dof))
    just = np.array([limit - 0.01, limit + 0.01])
    assert metrics.covered_share(just, metrics.ONE_SIGMA, dof) == pytest.approx(0.5)


def test_honest_sigmas_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covariance = np.tile(np.diag([1e-4, 4e-4, 25e-4]), (20_000, 1, 1))
    error = rng.standard_normal((20_000, 3)) * [0.01, 0.02, 0.05]
    squared = metrics.mahalanobis_squared(error, np.zeros_like(error), covariance)
    for nominal in (metrics.ONE_SIGMA, metrics.TWO_SIGMA):
        assert metrics.covered_share(squared, nominal, 3) == pytest.approx(nominal, abs=0.01)


def test_variation_of_a_bone_that_alternates_by_ten_percent():
    ends = np.zeros((10, 2, 3))
    ends[:, 1, 0] = np.where(np.arange(10) % 2, 0.33, 0.27)
    known = np.ones((10, 2), bool)
    assert metrics.bone_variation(ends, known) == pytest.approx(0.1)
    known[:6] = False
    assert metrics.bone_variation(ends, known) is None


def test_acceleration_error_is_exact_for_uneven_frames():
    t = np.array([0.0, 0.07, 0.15, 0.21, 0.30])
    truth = np.zeros((5, 1, 3))
    wrong = truth + [0.0, 0.25, 0.0] * (t[:, None, None] ** 2)  # 0.5 m/s^2 too much
    stamp_ns = np.round(t * 1e9).astype(np.int64)
    error = metrics.acceleration_error_mm_s2(stamp_ns, wrong, truth, np.ones((5, 1), bool))
    assert error == pytest.approx([500.0] * 3)


def test_acceleration_error_leaves_out_gaps_and_unknown_points():
    t = np.array([0.0, 0.1, 0.2, 0.9, 1.0, 1.1])
    known = np.ones((6, 2), bool)
    known[1, 1] = False
    zeros = np.zeros((6, 2, 3))
    stamp_ns = np.round(t * 1e9).astype(np.int64)
    # Without a gap are frames 0 to 2 and 3 to 5; the first triple lacks the second point.
    assert len(metrics.acceleration_error_mm_s2(stamp_ns, zeros, zeros, known)) == 3
