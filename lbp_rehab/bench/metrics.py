"""Errors of 3D points: distance, share within a threshold, calibration, bones and jitter.

Every function takes plain arrays; a point that was not answered is marked in ``known``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Nineteen points that a clinician reads: the head, the limbs and the feet. Eyes, mouth and fingers
# are left out; hips, heels and toes count as much as the rest.
POINTS: tuple[str, ...] = (
    "nose", "l_ear", "r_ear", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist",
    "r_wrist", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle", "l_heel", "r_heel",
    "l_toe", "r_toe",
)  # fmt: skip
POINT_INDEX = np.array([INDEX[name] for name in POINTS])
_HIPS = (POINTS.index("l_hip"), POINTS.index("r_hip"))

PCK_MM = (50.0, 100.0, 150.0)
# Area under the curve of PCK from 0 to 150 mm in 31 steps: Mehta et al. 2017 (3DV), MPI-INF-3DHP.
AUC_MM = np.linspace(0.0, 150.0, 31)
ALIGNABLE = 4  # points that a similarity transform of 7 unknowns needs at the least

# Shares of a normal distribution within 1 and 2 sigma.
ONE_SIGMA, TWO_SIGMA = 0.6826894921370859, 0.9544997361036416
_LEAST_VARIANCE_M2 = 1e-12
MAX_GAP = 2.5  # of the usual interval; a longer one is no acceleration


def distances_mm(position: Array, truth: Array, known: Mask) -> Array:
    """Return the error of each point in mm, nan where it was not answered.

    Parameters
    ----------
    position, truth : ndarray, shape (..., 3)
        Metres.
    known : ndarray of bool, shape (...)
    """
    error = 1000.0 * np.linalg.norm(position - truth, axis=-1)
    return np.where(known, error, np.nan)


def root_relative_mm(position: Array, truth: Array, known: Mask) -> Array:
    """Return the errors after the middle of the hips is put to the origin in both.

    Shapes as in `distances_mm` with the 19 `POINTS` last; nan where a point or a hip is unknown.
    """
    hips = list(_HIPS)
    root = position[..., hips, :].mean(axis=-2, keepdims=True)
    true_root = truth[..., hips, :].mean(axis=-2, keepdims=True)
    both = known[..., hips].all(axis=-1, keepdims=True)
    return distances_mm(position - root, truth - true_root, known & both)


def procrustes_mm(position: Array, truth: Array, known: Mask) -> Array:
    """Return the errors after the best similarity transform of each frame onto the truth.

    Rotation, scale and shift of least squares (Umeyama 1991, IEEE PAMI 13:376), over the answered
    points. Shapes (t, n, 3) and (t, n); nan where unknown or with fewer than four points.
    """
    out = np.full(known.shape, np.nan)
    for k in np.flatnonzero(known.sum(axis=1) >= ALIGNABLE):
        at = known[k]
        x, y = position[k, at], truth[k, at]
        x0, y0 = x - x.mean(axis=0), y - y.mean(axis=0)
        u, s, vt = np.linalg.svd(y0.T @ x0)
        sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
        spread = float((x0**2).sum())
        if spread == 0.0:
            continue
        scale = float((s * sign).sum()) / spread
        aligned = scale * x0 @ ((u * sign) @ vt).T
        out[k, at] = 1000.0 * np.linalg.norm(aligned - y0, axis=1)
    return out


def pck(error_mm: Array, threshold_mm: float) -> float | None:
    """Return the share of all points within the threshold; an unknown one is not."""
    if not error_mm.size:
        return None
    with np.errstate(invalid="ignore"):
        return float((error_mm <= threshold_mm).mean())


def auc(error_mm: Array) -> float | None:
    """Return the mean of `pck` over `AUC_MM`."""
    if not error_mm.size:
        return None
    return float(np.mean([pck(error_mm, t) for t in AUC_MM]))


def mahalanobis_squared(position: Array, truth: Array, covariance: Array) -> Array:
    """Return ``e^T C^-1 e`` of each point, shape (n,).

    Parameters
    ----------
    position, truth : ndarray, shape (n, 3)
    covariance : ndarray, shape (n, 3, 3)
    """
    if not len(position):
        return np.zeros(0)
    value, axes = np.linalg.eigh(covariance)
    error = np.einsum("nji,nj->ni", axes, position - truth)
    return np.asarray((error**2 / np.maximum(value, _LEAST_VARIANCE_M2)).sum(axis=1))


def covered_share(squared: Array, nominal: float, dof: int) -> float | None:
    """Return how often the truth lies in the region that should hold it ``nominal`` of the time.

    The squared Mahalanobis distance of a right estimate follows chi-square, so the region ends at
    that distribution's quantile: for three dimensions and one sigma (68.3 %) at 3.53, not at 1.

    Parameters
    ----------
    squared : ndarray, shape (n,)
        `mahalanobis_squared`; for a scalar ``(error / sigma)^2``.
    nominal : float
        0 to 1, such as `ONE_SIGMA`.
    dof : int
        3 for a point, 1 for an angle.
    """
    if not squared.size:
        return None
    return float((squared <= chi_square_quantile(nominal, dof)).mean())


def chi_square_quantile(share: float, dof: int) -> float:
    """Return below which value a share of a chi-square distribution lies."""
    return float(2.0 * gammaincinv(dof / 2.0, share))


def bone_variation(position: Array, known: Mask) -> float | None:
    """Return the standard deviation over the mean of a bone's length in one clip.

    A bone is rigid, so this needs no truth; None if fewer than half of the frames show it.

    Parameters
    ----------
    position : ndarray, shape (t, 2, 3)
        Both ends.
    known : ndarray of bool, shape (t, 2)
    """
    both = np.asarray(known.all(axis=1))
    if both.sum() < max(2, 0.5 * len(both)):
        return None
    length = np.linalg.norm(position[both, 0] - position[both, 1], axis=1)
    return float(length.std() / max(float(length.mean()), 1e-9))


def acceleration_error_mm_s2(
    stamp_ns: NDArray[np.int64], position: Array, truth: Array, known: Mask
) -> Array:
    """Return how far the accelerations are apart: jitter that the truth does not have.

    The second difference of three neighbouring frames (Kanazawa et al. 2019, CVPR, for even
    intervals), ``2 ((p2 - p1) / t21 - (p1 - p0) / t10) / t20``.

    Parameters
    ----------
    stamp_ns : ndarray, shape (t,)
    position, truth : ndarray, shape (t, n, 3)
        Metres.
    known : ndarray of bool, shape (t, n)

    Returns
    -------
    ndarray, shape (k,)
        mm/s^2 of the triples in which a point was answered three times without a gap.
    """
    if len(stamp_ns) < 3:
        return np.zeros(0)
    step = np.diff(stamp_ns) / NANOSECONDS
    first, second = step[:-1, None, None], step[1:, None, None]

    def acceleration(p: Array) -> Array:
        late, early = (p[2:] - p[1:-1]) / second, (p[1:-1] - p[:-2]) / first
        return 2.0 * (late - early) / (first + second)

    even = np.maximum(step[:-1], step[1:]) <= MAX_GAP * np.median(step)
    three = known[2:] & known[1:-1] & known[:-2] & even[:, None]
    error = np.linalg.norm(acceleration(position) - acceleration(truth), axis=-1)
    return 1000.0 * error[three]
