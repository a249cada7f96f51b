"""Gives each pose the depth image of its instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from lbp_rehab.stamps import NANOSECONDS

Pose = TypeVar("Pose")
Image = TypeVar("Image")

MISSING_NS = NANOSECONDS  # without an image for this long, poses no longer wait for theirs


class DepthPairing(Generic[Pose, Image]):
    """Pairs poses with depth images by their stamps, whichever of the two comes first.

    A pose whose image has not come waits for it, until a later image or the next pose has come:
    then its own was lost. So the pairs depend on the stamps and not on the transport. Poses go on
    in the order in which they came, each of them once.

    Parameters
    ----------
    use : callable
        Takes a pose and its image; None if there is none.
    slop_s : float
        The stamps of a pair may differ by this.
    keep : int
        How many images are kept for poses to come.
    """

    def __init__(self, use: Callable[[Pose, Image | None], None], slop_s: float, keep: int) -> None:
        self._use, self._slop_ns, self._keep = use, round(slop_s * NANOSECONDS), keep
        self._images: dict[int, Image] = {}
        self._newest_ns: int | None = None
        self._waiting: tuple[int, Pose] | None = None

    def add_image(self, stamp_ns: int, image: Image) -> None:
        """Take an image, and use the pose that waited for it."""
        if self._newest_ns is not None and stamp_ns < self._newest_ns - MISSING_NS:
            self._images.clear()  # the clock was set back, or a recording starts again
            self._newest_ns = None
        self._newest_ns = max(stamp_ns, self._newest_ns or stamp_ns)
        self._images[stamp_ns] = image
        while len(self._images) > self._keep:
            del self._images[min(self._images)]
        waiting = self._waiting
        if waiting is not None and (self._near(waiting[0]) is not None or stamp_ns > waiting[0]):
            self.flush()

    def add_pose(self, stamp_ns: int, pose: Pose) -> None:
        """Take a pose; use it now or once its image has come."""
        try:
            self.flush()
        finally:
            self._waiting = (stamp_ns, pose)
            if self._near(stamp_ns) is not None or not self._may_come(stamp_ns):
                self.flush()

    def flush(self) -> None:
        """Use the pose that waits, with what there is."""
        if self._waiting is None:
            return
        (stamp_ns, pose), self._waiting = self._waiting, None
        near = self._near(stamp_ns)
        image = None if near is None else self._images[near]
        for old in [s for s in self._images if s < stamp_ns - self._slop_ns]:
            del self._images[old]
        self._use(pose, image)

    def _near(self, stamp_ns: int) -> int | None:
        """Return the stamp of the image that belongs to a pose."""
        near = min(self._images, key=lambda s: (abs(s - stamp_ns), s), default=None)
        return near if near is not None and abs(near - stamp_ns) <= self._slop_ns else None

    def _may_come(self, stamp_ns: int) -> bool:
        """Whether images flow, and the one of a pose may still be on its way."""
        newest_ns = self._newest_ns
        return newest_ns is not None and 0 <= stamp_ns - newest_ns < MISSING_NS
