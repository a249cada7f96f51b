"""Breathing from depth: the mean distance of the belly's and the chest's wall, against the first.

Both walls are patches of the trunk's front. What counts is how far a patch moves along the trunk's
own front-to-back axis, so that it does not matter how the patient lies or from where the camera
looks. The patch is laid out from joints averaged over seconds: joints shake by more than a breath.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.breath.depth import DepthOfBreath
from lbp_rehab.breath.types import Breath
from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pelvis.segments import pelvis_axes, spans_a_pelvis, trunk_points
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

POINTS = ("l_hip", "r_hip", "l_shoulder", "r_shoulder")
# Where the patches lie: from and to which share of the way from the hips to the shoulders, and half
# their width in metres. The belly's is where breathing lifts it most.
BELLY, CHEST = (0.10, 0.35, 0.06), (0.62, 0.92, 0.09)
HALF_WIDTH_M = 0.09
REACH_M = (0.0, 0.35)  # in front of the line from hips to shoulders
LEAST_PIXELS = 80
# Neighbouring pixels of a stereo camera share their matching window: so many are as good as one.
SHARED_PIXELS = 30.0
SIGMA_FLOOR_M = 0.0005
FOLLOW_S = 3.0  # time constant of the joints' average
SETTLE_S = 1.0  # the first average is that of so long
MOVED_M = 0.10  # a patient whose joints are farther off than this has moved


class BreathEstimator:
    """Follows the breathing of one patient at a time."""

    def __init__(self) -> None:
        self._trunk: _Trunk | None = None

    def update(
        self, pose: BodyPose, depth: NDArray[np.uint16] | None, intrinsics: Intrinsics | None
    ) -> Breath:
        """Return how far belly and chest stand out.

        Parameters
        ----------
        pose : BodyPose
        depth : ndarray of uint16, shape (h, w), or None
            Millimetres, of the instant of the pose, registered to its colour image.
        intrinsics : Intrinsics or None
        """
        if depth is None or intrinsics is None:
            return _unknown(pose, Reason.MISSING_INPUT)
        if not pose.known(*POINTS):
            return _unknown(pose, Reason.NO_PERSON)
        joints = trunk_points(pose)[0]
        if not spans_a_pelvis(joints):
            return _unknown(pose, Reason.TOO_UNCERTAIN)
        trunk = self._trunk
        if trunk is None or not trunk.is_of(pose, joints):
            trunk = self._trunk = _Trunk(pose.track_id, pose.stamp_ns, joints)
        trunk.follow(pose.stamp_ns, joints)
        belly, chest = trunk.walls(depth, intrinsics)
        return Breath(
            pose.stamp_ns, pose.frame_id, pose.person_id, belly, chest,
            trunk.breathing.update(pose.stamp_ns, chest), pose.track_id,
        )  # fmt: skip


@dataclass
class _Trunk:
    """The averaged joints of a patient, and where the walls were at first."""

    track_id: int
    stamp_ns: int
    joints: Array

    def __post_init__(self) -> None:
        self.axes = pelvis_axes(self.joints)
        self.since_ns = self.stamp_ns
        self.first: dict[tuple[float, float, float], float] = {}
        self.breathing = DepthOfBreath()

    def is_of(self, pose: BodyPose, joints: Array) -> bool:
        moved_m = float(np.linalg.norm(joints.mean(axis=0) - self.joints.mean(axis=0)))
        return (
            pose.track_id == self.track_id and pose.stamp_ns >= self.stamp_ns and moved_m < MOVED_M
        )

    def follow(self, stamp_ns: int, joints: Array) -> None:
        """Average, at first over all that was seen, so that the walls do not drift."""
        elapsed_s, seen_s = (
            (stamp_ns - before) / NANOSECONDS for before in (self.stamp_ns, self.since_ns)
        )
        gain = 1.0 - math.exp(-elapsed_s / min(FOLLOW_S, max(seen_s, 1e-9)))
        self.joints = self.joints + gain * (joints - self.joints)
        self.stamp_ns = stamp_ns

    def walls(self, depth: NDArray[np.uint16], camera: Intrinsics) -> tuple[Estimate, Estimate]:
        hips, shoulders = self.joints[:2].mean(axis=0), self.joints[2:].mean(axis=0)
        surface = _surface(depth, camera, self.joints)
        read = surface[2] > 0.0
        surface -= hips[:, None]
        local = self.axes.T @ surface
        length = float(np.linalg.norm(shoulders - hips))
        near = (local[0] > REACH_M[0]) & (local[0] < REACH_M[1]) & read
        local = local.take(np.flatnonzero(near), axis=1)
        share = local[2] / length
        belly, chest = (self._wall(part, local, share) for part in (BELLY, CHEST))
        return belly, chest

    def _wall(self, part: tuple[float, float, float], local: Array, share: Array) -> Estimate:
        inside = (share > part[0]) & (share < part[1]) & (np.abs(local[1]) < part[2])
        n = int(inside.sum())
        if n < LEAST_PIXELS:
            return Estimate.unknown(Reason.NO_DEPTH)
        if self.stamp_ns - self.since_ns < SETTLE_S * NANOSECONDS:
            return Estimate.unknown(Reason.TOO_EARLY)
        found = local[0, inside]
        low, high = np.quantile(found, (0.1, 0.9))
        middle = found[(found >= low) & (found <= high)]
        level_m = float(middle.mean())
        sigma_m = math.sqrt(float(middle.var()) * SHARED_PIXELS / n + SIGMA_FLOOR_M**2)
        first = self.first.setdefault(part, level_m)
        return Estimate(level_m - first, sigma_m)


def _surface(depth: NDArray[np.uint16], camera: Intrinsics, joints: Array) -> Array:
    """Return the depth image's points round the trunk, shape (3, n); z is 0 without a reading."""
    pixel = camera.project(joints)
    margin = HALF_WIDTH_M / float(joints[:, 2].mean()) * camera.fx
    limit = np.array([depth.shape[1], depth.shape[0]])
    x0, y0 = np.clip(np.floor(pixel.min(axis=0) - 2 * margin), 0, limit).astype(int)
    x1, y1 = np.clip(np.ceil(pixel.max(axis=0) + 2 * margin), 0, limit).astype(int)
    cut = depth[y0:y1, x0:x1]
    # Rays of a column share their x, those of a row their y.
    x = (np.arange(x0, x1) - camera.cx) / camera.fx
    y = (np.arange(y0, y1) - camera.cy) / camera.fy
    surface = np.empty((3, *cut.shape))
    z = np.divide(cut, 1000.0, out=surface[2])
    np.multiply(x, z, out=surface[0])
    np.multiply(y[:, None], z, out=surface[1])
    return surface.reshape(3, -1)


def _unknown(pose: BodyPose, reason: Reason) -> Breath:
    none = Estimate.unknown(reason)
    return Breath(pose.stamp_ns, pose.frame_id, pose.person_id, none, none, none, pose.track_id)
