"""One frame of another tracker's skeleton to the pose that our cores take."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pose.posture import classify
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose, Mode, Support
from lbp_rehab.skeletons.axes import optical_axes
from lbp_rehab.skeletons.bones import BoneSpread
from lbp_rehab.skeletons.layouts import Layout

Array = NDArray[np.float64]

FRAME_ID = "skeleton_optical_frame"
# An inferred joint is the tracker's guess of what it does not see.
INFERRED_FACTOR = 2.0
# How far under the skin that touches the support a point lies: sole to ankle joint 0.039 of the
# height (Winter 2009, table 4.1), heel and toe half of that, elsewhere about half a segment.
OVER_SUPPORT_M = {"ankle": 0.07, "heel": 0.03, "toe": 0.03}
OVER_SUPPORT_OTHER_M = 0.09
MEMORY_FRAMES = 900  # of whose lowest points the median is taken, some thirty seconds
LARGEST_SIGMA_M = 0.5


@dataclass(frozen=True)
class ConverterSettings:
    """What a user may say about a tracker.

    Attributes
    ----------
    up : str
        One of `lbp_rehab.skeletons.axes.UPS`; empty: the layout's.
    left_handed : bool
    sigma_m : float
        1-sigma of a tracked joint along each axis; 0: the layout's.
    up_sigma_rad : float
        1-sigma of the direction of up: how level the tracker stands.
    frame_id : str
    person_id : str
    """

    up: str = ""
    left_handed: bool = False
    sigma_m: float = 0.0
    up_sigma_rad: float = float(np.deg2rad(5.0))
    frame_id: str = FRAME_ID
    person_id: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.sigma_m <= LARGEST_SIGMA_M:
            raise InputError(
                f"a sigma of {1000 * self.sigma_m:g} mm must be above 0 and at most "
                f"{1000 * LARGEST_SIGMA_M:g} mm (0: the layout's own)"
            )
        if not 0.0 < self.up_sigma_rad <= np.pi / 4:
            raise InputError("the sigma of up must be above 0 and at most 45 deg")


class Converter:
    """Turns frames into poses; remembers how low the body has been, and how its bones vary.

    The origin is moved from the tracker to where the first frame's body touches its support, since
    an error of up moves what is far from the origin, as a person is from a camera, up and down.

    Parameters
    ----------
    layout : Layout
    settings : ConverterSettings, optional

    Raises
    ------
    InputError
        If ``up`` is no axis.
    """

    def __init__(self, layout: Layout, settings: ConverterSettings | None = None) -> None:
        self.layout, self.settings = layout, settings or ConverterSettings()
        self._axes = optical_axes(self.settings.up or layout.up, self.settings.left_handed)
        self._ours = np.array([NAMES.index(name) for name in layout.points])
        self._theirs = np.array([layout.joints.index(j) for j in layout.points.values()])
        sigma_m = self.settings.sigma_m or layout.sigma_m
        self._sigma_m = sigma_m * np.array([layout.factors.get(n, 1.0) for n in NAMES])
        self._over_m = np.array([_over_support_m(name) for name in NAMES])
        self._lowest: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._origin: Array | None = None
        self.bones = BoneSpread()

    def pose(
        self,
        stamp_ns: int,
        position: Array,
        status: NDArray[np.int64],
        visibility: Array,
        track_id: int = 1,
    ) -> BodyPose:
        """Return the pose of one frame.

        Parameters
        ----------
        stamp_ns : int
        position : ndarray, shape (j, 3)
            Of the layout's joints in metres in the tracker's axes.
        status : ndarray of int, shape (j,)
            `Status`.
        visibility : ndarray, shape (j,)
            0 to 1.
        track_id : int

        Returns
        -------
        BodyPose
            With all 33 names. A point is unknown with the reason MISSING_INPUT where the layout
            has none, and OCCLUDED where the tracker did not see it.
        """
        n = len(NAMES)
        points, state = np.zeros((n, 3)), np.full(n, int(Status.UNKNOWN))
        seen, reason = np.zeros(n), np.full(n, int(Reason.MISSING_INPUT))
        state[self._ours] = status[self._theirs]
        seen[self._ours] = visibility[self._theirs]
        known = state != Status.UNKNOWN
        if not known.any():
            return self._nobody(stamp_ns)
        points[self._ours] = position[self._theirs] @ self._axes.T
        if self._origin is None:
            x, _, z = points[known].mean(axis=0)
            self._origin = np.array([x, points[known, 1].max(), z])
        points = np.where(known[:, None], points - self._origin, 0.0)
        reason[self._ours] = int(Reason.OCCLUDED)
        reason[known] = int(Reason.NONE)
        sigma_m = self._sigma_m * np.where(state == Status.INFERRED, INFERRED_FACTOR, 1.0)
        sigma_m = np.maximum(sigma_m, self.bones.update(points, known))
        pose = BodyPose(
            stamp_ns=stamp_ns,
            frame_id=self.settings.frame_id,
            names=NAMES,
            position=points,
            covariance=np.eye(3) * np.where(known, sigma_m**2, 0.0)[:, None, None],
            status=state,
            reason=reason,
            visibility=np.where(known, seen, 0.0),
            pixel=np.full((n, 2), -1.0),
            mode=self.layout.mode,
            support=self._support(points, known, sigma_m),
            person_id=self.settings.person_id,
            track_id=track_id,
            people_in_view=1,
            backend=f"skeleton-{self.layout.name}",
        )
        posture, confidence = classify(pose)
        return replace(pose, posture=posture, posture_confidence=confidence)

    def _nobody(self, stamp_ns: int) -> BodyPose:
        return BodyPose.unknown(
            stamp_ns,
            self.settings.frame_id,
            NAMES,
            Reason.NO_PERSON,
            person_id=self.settings.person_id,
            mode=Mode.UNKNOWN,
            backend=f"skeleton-{self.layout.name}",
        )

    def _support(self, points: Array, known: NDArray[np.bool_], sigma_m: Array) -> Support:
        """Return up, and the camera's height over what the lowest points stand or lie on."""
        up = np.array([0.0, -1.0, 0.0])
        under_m = points @ up - self._over_m
        lowest = int(np.argmin(np.where(known, under_m, np.inf)))
        self._lowest.append(float(under_m[lowest]))
        sigma = float(np.hypot(sigma_m[lowest], 0.5 * self._over_m[lowest]))
        height = Estimate(-float(np.median(self._lowest)), sigma, Status.INFERRED)
        return Support(up, self.settings.up_sigma_rad, height)


def _over_support_m(name: str) -> float:
    return OVER_SUPPORT_M.get(name.rpartition("_")[2], OVER_SUPPORT_OTHER_M)
