"""The pelvis as it travels between cores, and the enumeration of ``PelvisState.msg``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate


class Method(IntEnum):
    """How the pelvis was measured. The numbers are those of ``PelvisState.msg``."""

    NONE = 0
    SEGMENTS = 1
    SURFACE = 2


class NeutralSource(IntEnum):
    """Where the neutral comes from. The numbers are those of ``PelvisState.msg``."""

    NONE = 0
    AUTOMATIC = 1
    CALIBRATED = 2


@dataclass(frozen=True)
class PelvisAngles:
    """Pelvic and lumbar angles in radians; signs and axes are those of ``PelvisState.msg``."""

    tilt: Estimate
    obliquity: Estimate
    rotation: Estimate
    lumbar_flexion: Estimate


@dataclass(frozen=True)
class PelvisState:
    """Orientation of the pelvis at one instant; the core's counterpart of ``PelvisState.msg``.

    Attributes
    ----------
    absolute, relative : PelvisAngles
        Against gravity, and against the patient's own neutral.
    origin : ndarray, shape (3,), or None
        Midpoint of the hips in metres in the optical frame ``frame_id``.
    axes : ndarray, shape (3, 3), or None
        Columns are the pelvis axes (anterior, left, cranial) in the optical frame.
    covariance : ndarray, shape (6, 6)
        x, y, z [m], then rotation about x, y, z [rad].
    neutral_stamp_ns : int
        When neutral was taken; 0 if it was not.
    landmarks, landmark_sigma : ndarray, shape (4, 3) and (4,), or None
        l_asis, r_asis, l_psis, r_psis in metres in the optical frame, and their 1-sigma; None
        where the surface was not read.
    """

    stamp_ns: int
    frame_id: str
    person_id: str
    method: Method
    absolute: PelvisAngles
    relative: PelvisAngles
    origin: NDArray[np.float64] | None
    axes: NDArray[np.float64] | None
    covariance: NDArray[np.float64]
    track_id: int = 0
    neutral_source: NeutralSource = NeutralSource.NONE
    neutral_stamp_ns: int = 0
    landmarks: NDArray[np.float64] | None = None
    landmark_sigma: NDArray[np.float64] | None = None
