"""The patient's neutral pelvis: an average over a still moment, the zero of the relative angles."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lbp_rehab.estimate import Estimate
from lbp_rehab.pelvis.types import Method, NeutralSource

MIN_SAMPLES = 5
STILL_RAD = np.deg2rad(3.0)  # 1-sigma of movement that still counts as still


@dataclass(frozen=True)
class Sample:
    """One measured pelvis of a tracked person.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Columns are the pelvis axes in the reference frame.
    gravity : bool
        Whether the reference frame is gravity's, or else the camera's.
    method : Method
        How the pelvis was measured; the methods' zeros are not the same.
    revision : ndarray, shape (4,)
    change_covariance : ndarray, shape (4, 4)
        See `lbp_rehab.pelvis.reference.Surface`.
    """

    stamp_ns: int
    track_id: int
    axes: NDArray[np.float64]
    gravity: bool
    lumbar_flexion: Estimate
    method: Method = Method.SEGMENTS
    revision: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    change_covariance: NDArray[np.float64] = field(default_factory=lambda: np.zeros((4, 4)))


@dataclass(frozen=True)
class Neutral:
    """An average pelvis.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Columns are the pelvis axes in the reference frame.
    sigma_rad : float
        1-sigma of the average about each axis, from the scatter of the samples.
    revision : ndarray, shape (4,)
    change_covariance : ndarray, shape (4, 4)
        The samples' means.
    """

    stamp_ns: int
    track_id: int
    axes: NDArray[np.float64]
    gravity: bool
    lumbar_flexion: float | None
    sigma_rad: float
    n_samples: int
    source: NeutralSource
    method: Method = Method.SEGMENTS
    revision: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    change_covariance: NDArray[np.float64] = field(default_factory=lambda: np.zeros((4, 4)))

    def revised(self, revision: NDArray[np.float64]) -> Neutral:
        """Return the neutral as it would be by what is known of the person at a later frame."""
        learnt = revision - self.revision
        if not learnt.any():
            return self
        lumbar = None if self.lumbar_flexion is None else self.lumbar_flexion + float(learnt[3])
        turned = self.axes @ Rotation.from_rotvec(learnt[:3]).as_matrix()
        return replace(self, axes=turned, lumbar_flexion=lumbar, revision=revision)


class Collector:
    """Gathers samples over a duration given in stamps.

    An automatic one goes on until it has seen a still moment of that duration.
    """

    def __init__(self, duration_s: float, automatic: bool = False) -> None:
        self._duration_ns = int(duration_s * 1e9)
        self._automatic = automatic
        self._samples: list[Sample] = []
        self._first_ns: int | None = None

    def add(self, sample: Sample | None, stamp_ns: int) -> bool:
        """Take a sample (None: the pelvis was unknown) and tell whether the time is over."""
        if self._first_ns is None or stamp_ns < self._first_ns:
            self._first_ns, self._samples = stamp_ns, []
        if self._automatic and sample is None and not self._samples:
            self._first_ns = stamp_ns  # the moment begins when the patient is seen
        if sample is not None:
            first = self._samples[0] if self._samples else sample
            if _kind(sample) != _kind(first):
                self._samples, self._first_ns = [], stamp_ns
            self._samples.append(sample)
        over = stamp_ns - self._first_ns >= self._duration_ns
        if over and self._automatic and self.problem():
            # Slide: forget the first half and go on waiting for a still moment.
            keep = [s for s in self._samples if s.stamp_ns > stamp_ns - self._duration_ns // 2]
            self._samples, self._first_ns = keep, stamp_ns - self._duration_ns // 2
            return False
        return over

    def problem(self) -> str:
        """Return why the samples make no neutral; empty if they do."""
        if len(self._samples) < MIN_SAMPLES:
            return (
                f"the pelvis was seen only {len(self._samples)} times; make sure that hips and "
                "shoulders are in view"
            )
        scatter = self._scatter()
        if scatter > STILL_RAD:
            return (
                f"the pelvis moved by {np.rad2deg(scatter):.1f} degrees; ask the patient to lie "
                "or stand still"
            )
        return ""

    def result(self) -> Neutral:
        """Return the average; call only if `problem` is empty."""
        rotations = Rotation.from_matrix([s.axes for s in self._samples])
        lumbar = [s.lumbar_flexion.value for s in self._samples if s.lumbar_flexion.known]
        n = len(self._samples)
        return Neutral(
            stamp_ns=(self._samples[0].stamp_ns + self._samples[-1].stamp_ns) // 2,
            track_id=self._samples[0].track_id,
            axes=rotations.mean().as_matrix(),
            gravity=self._samples[0].gravity,
            lumbar_flexion=float(np.mean(lumbar)) if len(lumbar) == n else None,
            sigma_rad=self._scatter() / np.sqrt(n),
            n_samples=n,
            source=NeutralSource.AUTOMATIC if self._automatic else NeutralSource.CALIBRATED,
            method=self._samples[0].method,
            revision=np.mean([s.revision for s in self._samples], axis=0),
            change_covariance=np.mean([s.change_covariance for s in self._samples], axis=0),
        )

    def _scatter(self) -> float:
        rotations = Rotation.from_matrix([s.axes for s in self._samples])
        off = (rotations.mean().inv() * rotations).as_rotvec()
        return float(np.sqrt((off**2).mean(axis=0)).max())


def _kind(sample: Sample) -> tuple[bool, int, Method]:
    """Return what samples must share to be averaged."""
    return sample.gravity, sample.track_id, sample.method
