"""What is kept of a case: the truth and every answer, as arrays over its frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import Described
from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ANGLES = ("tilt", "obliquity", "rotation", "lumbar_flexion")


@dataclass(frozen=True)
class CaseInfo:
    """What a case says about itself."""

    name: str
    seed: int
    exercise: str
    faults: tuple[str, ...]
    view: str
    condition: str
    posture: str
    person: str
    camera: str = ""

    @property
    def fault(self) -> str:
        """Whether a fault is shown: "with_fault" or "without_fault"."""
        return "with_fault" if self.faults else "without_fault"

    @classmethod
    def of(cls, case: Described) -> CaseInfo:
        """Return the description of a case."""
        return cls(
            str(case.name), int(case.seed), str(case.exercise), tuple(map(str, case.faults)),
            str(case.view), str(case.condition), str(case.posture), str(case.person),
            str(getattr(case, "camera", "")),
        )  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Keypoints of t frames.

    Attributes
    ----------
    position : ndarray, shape (t, 33, 3)
        Metres.
    known, located : ndarray of bool, shape (t, 33)
        Whether there is a position, and a pixel.
    pixel : ndarray, shape (t, 33, 2)
    score : ndarray, shape (t,)
    covariance : ndarray, shape (t, 33, 3, 3), or None
        None: the method gives none.
    """

    position: Array
    known: Mask
    located: Mask
    pixel: Array
    score: Array
    covariance: Array | None = None


@dataclass(frozen=True)
class Truth:
    """What is true in t frames; ``seen`` and ``covered`` as in `bench.cases.TrueFrame`.

    ``area`` is the number of pixels that show the patient, ``present`` whether there is one.
    """

    stamp_ns: NDArray[np.int64]
    position: Array
    pixel: Array
    seen: Mask
    covered: Mask
    in_image: Mask
    area: Array
    present: Mask
    neutral: Mask


@dataclass(frozen=True)
class Angles:
    """Tilt, obliquity, rotation and lumbar flexion of t frames, shape (t, 4), in radians.

    ``absolute`` and ``relative`` are nan where unknown, and so are their sigmas. ``axes``, shape
    (t, 3, 3), are the pelvis axes (anterior, left, cranial) as columns in the frame of gravity.
    """

    absolute: Array
    relative: Array
    absolute_sigma: Array
    relative_sigma: Array
    axes: Array


@dataclass(frozen=True)
class Worst:
    """The frame of a case with the largest error.

    Attributes
    ----------
    frame : RgbdFrame
    true_pose, pose : BodyPose
    true_pelvis, pelvis : PelvisState
    error : float
        Mean error of the 19 points in mm, or error of the tilt to gravity in degrees.
    index : int
        Of the frame in the case.
    """

    frame: RgbdFrame
    true_pose: BodyPose
    pose: BodyPose
    true_pelvis: PelvisState
    pelvis: PelvisState
    error: float
    index: int


@dataclass(frozen=True)
class CaseRecord:
    """Everything that was measured on one case."""

    info: CaseInfo
    truth: Truth
    ours: Answers
    naive: Answers
    true_angles: Angles
    our_angles: Angles
    naive_angles: Angles
    neutral_problem: str
    pose_ms: Array
    pelvis_ms: Array
    worst_pose: Worst | None
    worst_tilt: Worst | None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.truth.stamp_ns)
