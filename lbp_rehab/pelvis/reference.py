"""One patient's pelvis followed by the surface: every frame against a moment kept of the patient.

A single frame tells how the pelvis stands with an error that is mostly the person's own: a round
belly looks like a tilted pelvis, in every frame alike. Against a reference moment of the same
person that part cancels out. What the frames say of the reference itself is averaged over all of
them, in whatever poses they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lbp_rehab.pelvis.head import PelvisHead, View

Array = NDArray[np.float64]

BETTER = 0.7  # a view whose own variance of the tilt is by so much less is a better reference
MOST = 900.0  # frames that the average holds at most; older ones fade
TILT = 1


@dataclass(frozen=True)
class Surface:
    """The pelvis of one frame by the surface.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Columns are the pelvis axes (anterior, left, cranial) in the optical frame.
    lumbar_flexion : float
        Radians.
    covariance : ndarray, shape (4, 4)
        Of the rotation vector about those axes and of the lumbar flexion, square radians.
    change_covariance : ndarray, shape (4, 4)
        The same of what has changed since another frame of the same patient: what is always wrong
        by as much for one person is not in it.
    revision : ndarray, shape (4,)
        By how much the rotation vector and the lumbar flexion are larger than a first frame's would
        have been, by what has been learnt of the person since. Of two frames compare the values
        less the revisions.
    landmarks : ndarray, shape (4, 3)
        `LANDMARKS` in optical metres.
    landmark_sigma : ndarray, shape (4,)
        Their 1-sigma in metres.
    """

    axes: Array
    lumbar_flexion: float
    covariance: Array
    change_covariance: Array
    revision: Array
    landmarks: Array
    landmark_sigma: Array


class SurfaceFollower:
    """Follows one patient; another one needs another follower."""

    def __init__(self, head: PelvisHead) -> None:
        self._head = head
        self._reference: View | None = None
        self._value, self._covariance = np.zeros(4), np.zeros((4, 4))  # of the reference
        # Variance of the tilt by the reference's frame alone; the first frame is better than none.
        self._own_tilt = np.inf
        self._revision = np.zeros(4)
        self._frames = 0.0

    def update(self, view: View) -> Surface:
        """Return the pelvis of the next frame."""
        first = self._reference is None
        reference = view if self._reference is None else self._reference
        seen = self._head(view, reference)
        change = np.zeros(4) if first else seen.change
        noise = np.zeros((4, 4)) if first else seen.change_covariance
        self._average(seen.value - change, seen.covariance)
        own, moved = np.diag(seen.covariance), np.diag(noise)
        share = own / (own + moved)  # of the way round by the reference
        value = share * (self._value + change) + (1.0 - share) * seen.value
        covariance = self._covariance + noise * np.outer(share, share)
        if own[TILT] < BETTER * self._own_tilt:
            self._reference, self._value, self._own_tilt = view, value, float(own[TILT])
            self._covariance = seen.covariance
        return Surface(
            view.base @ Rotation.from_rotvec(value[:3]).as_matrix(), float(value[3]), covariance,
            noise, self._revision.copy(), seen.landmarks, seen.landmark_sigma,
        )  # fmt: skip

    def _average(self, value: Array, covariance: Array) -> None:
        """Take in what a frame says of the reference; surer frames weigh more."""
        if self._frames == 0.0:
            self._value, self._covariance, self._frames = value, covariance, 1.0
            return
        weight = min(self._covariance[TILT, TILT] / covariance[TILT, TILT], 4.0)
        self._frames = min(self._frames + weight, MOST)
        share = weight / self._frames
        learnt = share * (value - self._value)
        self._value, self._revision = self._value + learnt, self._revision + learnt
        self._covariance = self._covariance + share * (covariance - self._covariance)
