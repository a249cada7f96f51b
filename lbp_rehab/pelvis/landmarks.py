"""The landmarks of the pelvis as points of the body: seen or inferred, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pelvis.segments import POINTS
from lbp_rehab.pelvis.types import Method, PelvisState
from lbp_rehab.pose.lift import LANDMARKS
from lbp_rehab.pose.types import BodyPose

Array = NDArray[np.float64]

# The spines lie 1 to 3 cm under skin and clothes; what is nearer or farther along the ray than this
# is an arm in front, or the near side of the trunk with the landmark behind it.
SKIN_M = 0.05
WINDOW_PX = 2  # each way round the landmark's pixel; the median of the readings counts


@dataclass(frozen=True)
class PelvisLandmarks:
    """The core's counterpart of the points in ``PelvisLandmarks.msg``.

    Attributes
    ----------
    names : tuple of str
    position : ndarray, shape (4, 3)
        Optical metres; zero where the status is unknown.
    sigma_m : ndarray, shape (4,)
        1-sigma; zero where the status is unknown.
    status, reason : ndarray of int, shape (4,)
        `Status` and `Reason`.
    visibility : ndarray, shape (4,)
        1 where the depth image shows the skin over the landmark, else 0.
    pixel : ndarray, shape (4, 2)
        Column and row in the colour image; -1 where the status is unknown.
    """

    names: tuple[str, ...]
    position: Array
    sigma_m: Array
    status: NDArray[np.int64]
    reason: NDArray[np.int64]
    visibility: Array
    pixel: Array


def landmarks_of(
    state: PelvisState,
    pose: BodyPose,
    depth: NDArray[np.uint16] | None,
    intrinsics: Intrinsics | None,
    max_sigma_m: float,
) -> PelvisLandmarks:
    """Return the landmarks of a pelvis state.

    Parameters
    ----------
    state : PelvisState
    pose : BodyPose
        From which the state was computed.
    depth : ndarray of uint16, shape (h, w), or None
        As given to `PelvisEstimator.update`.
    intrinsics : Intrinsics or None
    max_sigma_m : float
        A landmark less certain than this is unknown.
    """
    n = len(LANDMARKS)
    found, sigma = state.landmarks, state.landmark_sigma
    if found is None or sigma is None or depth is None or intrinsics is None:
        why = Reason.NO_DEPTH
        if state.method == Method.NONE:
            why = state.absolute.lumbar_flexion.reason
        return PelvisLandmarks(
            LANDMARKS, np.zeros((n, 3)), np.zeros(n), np.full(n, int(Status.UNKNOWN)),
            np.full(n, int(why)), np.zeros(n), np.full((n, 2), -1.0),
        )  # fmt: skip
    sure = (sigma <= max_sigma_m) & (found[:, 2] > 0.0)
    pixel = np.full((n, 2), -1.0)
    pixel[sure] = intrinsics.project(found[sure])
    seen = sure.copy()
    for i in np.flatnonzero(sure):
        seen[i] = _skin_over(found[i], pixel[i], depth)
    status = np.where(seen, int(Status.MEASURED), int(Status.INFERRED))
    if any(pose.status[pose.names.index(name)] == Status.HELD for name in POINTS):
        status[:] = int(Status.HELD)
    status[~sure] = int(Status.UNKNOWN)
    reason = np.where(sure, int(Reason.NONE), int(Reason.TOO_UNCERTAIN))
    return PelvisLandmarks(
        LANDMARKS, np.where(sure[:, None], found, 0.0), np.where(sure, sigma, 0.0), status, reason,
        seen.astype(float), pixel,
    )  # fmt: skip


def _skin_over(landmark: Array, pixel: Array, depth: NDArray[np.uint16]) -> bool:
    """Whether the depth image shows the surface right over a landmark."""
    column, row = np.round(pixel).astype(int)
    if not (0 <= column < depth.shape[1] and 0 <= row < depth.shape[0]):
        return False
    low_row, low_column = max(row - WINDOW_PX, 0), max(column - WINDOW_PX, 0)
    window = depth[low_row : row + WINDOW_PX + 1, low_column : column + WINDOW_PX + 1]
    readings = window[window > 0]
    if not readings.size:
        return False
    return bool(abs(float(np.median(readings)) / 1000.0 - landmark[2]) <= SKIN_M)
