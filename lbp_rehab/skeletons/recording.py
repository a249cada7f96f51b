"""A skeleton recording as it is read from a file, still in the tracker's own axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Status
from lbp_rehab.skeletons.layouts import Layout, Scale

Array = NDArray[np.float64]

# The least score that counts as located is that of our own keypoint maps; MediaPipe's samples draw
# what has a visibility of at least 0.5.
LOCATED, SEEN = 0.3, 0.5


@dataclass(frozen=True)
class SkeletonRecording:
    """One person's joints over time.

    Attributes
    ----------
    layout : Layout
    stamps_ns : ndarray of int, shape (n,)
        Rising; 0 is the first row.
    position : ndarray, shape (n, j, 3)
        Metres in the tracker's axes; zero where the status is unknown.
    status : ndarray of int, shape (n, j)
        `Status` MEASURED, INFERRED or UNKNOWN.
    visibility : ndarray, shape (n, j)
        0 to 1, as the tracker says; 1 where it says nothing.
    reports : tuple of str
        What was left out, guessed or taken differently, a sentence each.
    counts : dict of str to int
        How many rows or joints of each kind were left out.
    """

    layout: Layout
    stamps_ns: NDArray[np.int64]
    position: Array
    status: NDArray[np.int64]
    visibility: Array
    reports: tuple[str, ...]
    counts: dict[str, int]


def rate_state(scale: Scale, value: Array) -> tuple[NDArray[np.int64], Array]:
    """Return status and visibility that a tracker's fourth number means.

    Parameters
    ----------
    scale : Scale
    value : ndarray
        NaN and what the scale does not have mean that the joint is unknown.

    Returns
    -------
    status : ndarray of int
    visibility : ndarray
        0 to 1.
    """
    if scale == Scale.FRACTION:
        inside = (value >= 0.0) & (value <= 1.0)
        known, sure = inside & (value >= LOCATED), inside & (value >= SEEN)
        visibility = np.where(inside, value, 0.0)
    else:
        least = 2.0
        steps = 3.0 if scale == Scale.AZURE else 2.0
        inside = np.isin(value, np.arange(steps + 1.0))
        known, sure = inside & (value >= 1.0), inside & (value >= least)
        visibility = np.where(inside, value, 0.0) / steps
    status = np.where(sure, int(Status.MEASURED), int(Status.INFERRED))
    return np.where(known, status, int(Status.UNKNOWN)), visibility
