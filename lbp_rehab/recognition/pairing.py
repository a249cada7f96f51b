"""Gives each pose the pelvis of its instant, which comes a little later."""

from __future__ import annotations

from collections import deque

from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.stamps import NANOSECONDS

MISSING_NS = NANOSECONDS  # without a pelvis for this long, poses no longer wait for theirs
_KEPT = 64  # pelvis states for poses to come

Pair = tuple[BodyPose, PelvisState | None]


class PelvisPairing:
    """Pairs poses with pelvis states of the same stamp.

    A pose waits for its pelvis until a pelvis of a later stamp has come, or a pose that is later by
    the longest wait: then its own was lost. So the pairs depend on the stamps and, but for a pelvis
    that is later still, not on the transport. Poses go on in the order of their stamps, each once.

    Parameters
    ----------
    wait_s : float
        The longest wait, by the stamps of the poses.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_ns = round(wait_s * NANOSECONDS)
        self._waiting: deque[BodyPose] = deque()
        self._pelvis: dict[int, PelvisState] = {}
        self._newest_ns: int | None = None  # of the pelvis
        self._last_ns: int | None = None  # of the poses

    def add_pose(self, pose: BodyPose) -> list[Pair]:
        """Take a pose; return those that need wait no longer."""
        stamp_ns, pairs = pose.stamp_ns, list[Pair]()
        if self._last_ns is not None and stamp_ns <= self._last_ns:
            if self._last_ns - stamp_ns <= self._wait_ns:
                return []  # twice, or out of order
            pairs = self._ready(everything=True)  # the clock was set back
            self._pelvis = {s: p for s, p in self._pelvis.items() if s <= stamp_ns}
            self._newest_ns = max(self._pelvis, default=None)
        self._last_ns = stamp_ns
        self._waiting.append(pose)
        return pairs + self._ready()

    def add_pelvis(self, pelvis: PelvisState) -> list[Pair]:
        """Take a pelvis; return the poses that need wait no longer."""
        self._newest_ns = pelvis.stamp_ns
        self._pelvis[pelvis.stamp_ns] = pelvis
        if len(self._pelvis) > _KEPT:
            del self._pelvis[next(iter(self._pelvis))]
        return self._ready()

    def _ready(self, everything: bool = False) -> list[Pair]:
        out: list[Pair] = []
        while self._waiting and (everything or not self._may_wait(self._waiting[0].stamp_ns)):
            pose = self._waiting.popleft()
            out.append((pose, self._pelvis.get(pose.stamp_ns)))
        if self._last_ns is not None:  # what no pose can ask for any more
            oldest_ns = self._waiting[0].stamp_ns if self._waiting else self._last_ns
            for old in [s for s in self._pelvis if s < oldest_ns]:
                del self._pelvis[old]
        return out

    def _may_wait(self, stamp_ns: int) -> bool:
        """Whether the pelvis of a pose may still be on its way."""
        newest_ns, last_ns = self._newest_ns, self._last_ns
        if newest_ns is None or last_ns is None or stamp_ns - newest_ns > MISSING_NS:
            return False
        return newest_ns < stamp_ns and last_ns - stamp_ns < self._wait_ns
