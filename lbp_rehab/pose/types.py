"""The pose as it travels between cores, and the enumerations of ``BodyPose.msg``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason, Status


class Mode(IntEnum):
    """Step of the degradation ladder. The numbers are those of ``BodyPose.msg``."""

    UNKNOWN = 0
    RGB_DEPTH = 1
    DEPTH_HOLES = 2
    NO_DEPTH = 3
    ROOT_RELATIVE = 4
    DEPTH_ONLY = 5
    HELD = 6


class Posture(IntEnum):
    """Posture of the whole body. The numbers are those of ``BodyPose.msg``."""

    UNKNOWN = 0
    STANDING = 1
    SITTING = 2
    SUPINE = 3
    PRONE = 4
    SIDE_LEFT = 5
    SIDE_RIGHT = 6
    QUADRUPED = 7
    KNEELING = 8


_UNKNOWN = int(Status.UNKNOWN)


@lru_cache
def _index(names: tuple[str, ...]) -> dict[str, int]:
    return {name: k for k, name in reversed(list(enumerate(names)))}


@dataclass(frozen=True)
class Support:
    """The plane that carries the patient, and gravity with it.

    Attributes
    ----------
    up : ndarray, shape (3,)
        Unit vector against gravity in the camera's optical frame.
    sigma_rad : float
        1-sigma of its direction.
    height : Estimate
        Height of the camera over the plane along ``up`` in metres; unknown without depth.
    """

    up: NDArray[np.float64]
    sigma_rad: float
    height: Estimate


@dataclass(frozen=True)
class BodyPose:
    """One person's 3D keypoints at one instant; the core's counterpart of ``BodyPose.msg``.

    Attributes
    ----------
    stamp_ns : int
        Exposure of the colour image.
    frame_id : str
        Optical frame of the camera (x right, y down, z forward).
    names : tuple of str
        ``n`` keypoint names, see `lbp_rehab.pose.skeleton`.
    position : ndarray, shape (n, 3)
        Metres; zero where the status is unknown.
    covariance : ndarray, shape (n, 3, 3)
        Square metres; zero where the status is unknown.
    status, reason : ndarray of int, shape (n,)
        `Status` and `Reason` of each keypoint.
    visibility : ndarray, shape (n,)
        0 to 1.
    pixel : ndarray, shape (n, 2)
        Column and row in the colour image; negative if not located.
    image_size : tuple of int
        Width and height of that image.
    """

    stamp_ns: int
    frame_id: str
    names: tuple[str, ...]
    position: NDArray[np.float64]
    covariance: NDArray[np.float64]
    status: NDArray[np.int64]
    reason: NDArray[np.int64]
    visibility: NDArray[np.float64]
    pixel: NDArray[np.float64]
    mode: Mode = Mode.UNKNOWN
    reason_unknown: Reason = Reason.NONE
    posture: Posture = Posture.UNKNOWN
    posture_confidence: float = 0.0
    support: Support | None = None
    person_id: str = ""
    track_id: int = 0
    people_in_view: int = 0
    backend: str = ""
    image_size: tuple[int, int] = (0, 0)

    @classmethod
    def unknown(
        cls,
        stamp_ns: int,
        frame_id: str,
        names: tuple[str, ...],
        reason: Reason,
        **others: object,
    ) -> BodyPose:
        """Return a pose of which nothing is known, for example with nobody in view."""
        n = len(names)
        return cls(
            stamp_ns=stamp_ns,
            frame_id=frame_id,
            names=names,
            position=np.zeros((n, 3)),
            covariance=np.zeros((n, 3, 3)),
            status=np.full(n, int(Status.UNKNOWN)),
            reason=np.full(n, int(reason)),
            visibility=np.zeros(n),
            pixel=np.full((n, 2), -1.0),
            reason_unknown=reason,
            **others,  # type: ignore[arg-type]
        )

    def known(self, *names: str) -> bool:
        """Whether every named keypoint has a position."""
        index = _index(self.names)
        return all(n in index and self.status[index[n]] != _UNKNOWN for n in names)

    def point(self, name: str) -> NDArray[np.float64]:
        """Return the position of a keypoint, shape (3,); raises KeyError if it is unknown."""
        if not self.known(name):
            raise KeyError(name)
        return self.position[self.names.index(name)]

    def sigma_m(self) -> NDArray[np.float64]:
        """Return each keypoint's 1-sigma radius in metres, shape (n,)."""
        return np.sqrt(np.trace(self.covariance, axis1=1, axis2=2) / 3.0)
