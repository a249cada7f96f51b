"""Whether the feet or the face of a skeleton point forwards, which mirrored axes turn round."""

from __future__ import annotations

import numpy as np

from lbp_rehab.pose.types import BodyPose

TRUNK = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")
# From where to where a body points forwards, the feet first: heads are turned more.
FORWARDS = (
    ("l_ankle", "l_toe"), ("r_ankle", "r_toe"), ("l_ear", "nose"), ("r_ear", "nose"),
)  # fmt: skip
ENOUGH = 15  # frames that tell
SHARE = 0.8  # of them, that must agree


class Facing:
    """Counts the frames in which a body points backwards."""

    def __init__(self) -> None:
        self._forwards = self._backwards = 0

    def update(self, pose: BodyPose) -> None:
        """Take a pose."""
        if not pose.known(*TRUNK):
            return
        l_sho, r_sho, l_hip, r_hip = (pose.point(name) for name in TRUNK)
        anterior = np.cross(l_hip - r_hip, l_sho + r_sho - l_hip - r_hip)
        tells = [
            float((pose.point(end) - pose.point(begin)) @ anterior)
            for begin, end in FORWARDS
            if pose.known(begin, end)
        ]
        if tells:
            self._forwards += sum(tells) > 0.0
            self._backwards += sum(tells) < 0.0

    @property
    def backwards(self) -> bool:
        """Whether most frames point backwards: left and right are exchanged."""
        return self._backwards >= max(ENOUGH, SHARE * (self._forwards + self._backwards))
