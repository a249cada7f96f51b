"""The support over time: looks at the scene that agree are averaged, others contend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Status
from lbp_rehab.pose.level import lowest
from lbp_rehab.pose.support import (
    MIN_BODY,
    GravityRule,
    agreement,
    find_support,
    usable,
    without_depth,
)
from lbp_rehab.pose.types import Support
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

SOON_S = 0.3  # to the next look when something is not right
SAME_RAD = float(np.deg2rad(1.5))  # looks that differ by less show the same plane
SAME_M = 0.05
SUNK_M, HANGING_M = -0.10, 0.25  # height of a body's lowest points over what carries it
GONE = 0.4  # share of what was seen of a plane below which it is no longer there
MEMORY = 30  # looks in a mean
LASTING = 0.85  # share of a look's variance that stays from look to look


class Change(Enum):
    """What an update of `SupportTracker` did to the support."""

    NONE = "none"
    FOUND = "found"  # the first one
    MOVED = "camera moved"  # another direction or height of the camera
    SURFACE = "other surface"  # the patient is on another level of the same room


class SupportTracker:
    """Keeps the support over time; all time comes from stamps.

    It looks every ``period_s``, and soon again when the body no longer rests on the plane or a look
    contradicts it. Looks that agree are averaged. Another plane is taken over at once where the old
    one is gone from the cloud, otherwise when two looks in a row say so.

    Parameters
    ----------
    rule : GravityRule
    period_s : float
    seed : int
    calibrated : Support, optional
        A plane that the user measured. It is given as it is until two looks in a row contradict it,
        and again once a look agrees; in between `agrees` is False and the found plane is given.

    Attributes
    ----------
    support : Support or None
        What is known now.
    agrees : bool
        Whether the last look bears out what is given, or the calibrated plane where there is one.
    change : Change
        What the last update did.
    """

    def __init__(
        self,
        rule: GravityRule,
        period_s: float = 2.0,
        seed: int = 0,
        calibrated: Support | None = None,
    ) -> None:
        self._rule, self._period_s, self._seed = rule, period_s, seed
        self._calibrated = calibrated
        self.forget()

    def forget(self) -> None:
        """Forget what was found; a calibrated plane stays."""
        self.support: Support | None = self._calibrated
        self._found: Support | None = None
        self.agrees, self.change = True, Change.NONE
        self._looked_ns: int | None = None
        self._rival: Support | None = None
        self._against = 0
        self._provisional = False  # found while nobody was there
        self._start(None)

    def update(
        self,
        stamp_ns: int,
        points: Array | Callable[[], Array] | None,
        body: Array | None = None,
    ) -> Support | None:
        """Return the support at a time.

        Parameters
        ----------
        stamp_ns : int
        points : ndarray, shape (n, 3), or callable, or None
            The cloud, or what makes it when it is needed, or None without depth.
        body : ndarray, shape (m, 3), optional
            Rough points of the patient, as for `find_support`.
        """
        self.change = Change.NONE
        if points is None:
            self.support = self.support or without_depth(self._rule)
            return self.support
        if body is not None:
            body = usable(body)
            body = body if len(body) >= MIN_BODY else None
        if self._due(stamp_ns, body):
            self._looked_ns = stamp_ns
            self._look(usable(points() if callable(points) else points), body)
        return self.support

    def _due(self, stamp_ns: int, body: Array | None) -> bool:
        if self._looked_ns is None or stamp_ns < self._looked_ns:
            return True
        if self._provisional and body is not None:
            return True
        since_s = (stamp_ns - self._looked_ns) / NANOSECONDS
        unsettled = self._rival is not None or self._against == 1 or self._hangs(body)
        return since_s >= (min(SOON_S, self._period_s) if unsettled else self._period_s)

    def _hangs(self, body: Array | None) -> bool:
        """Whether a body does not touch what should carry it."""
        if body is None or self.support is None or not self.support.height.known:
            return False
        gap = lowest(body, self.support.up) + self.support.height.value
        return not SUNK_M < gap < HANGING_M

    def _look(self, points: Array, body: Array | None) -> None:
        found = find_support(points, self._rule, self._seed, body)
        if self._calibrated is not None and not self._refuted(found, self._calibrated, body):
            self.support, self.agrees = self._calibrated, self._against == 0
            return
        provisional, self._provisional = self._provisional, body is None and self._provisional
        if found is None:
            self.agrees = self._found is not None and self._still_there(points) > GONE
            if provisional and body is not None:
                self._start(None)  # a wall was taken for the floor while nobody was there
        elif self._found is None:
            self._take(found, points, Change.FOUND)
            self._provisional = body is None
        elif _alike(found, self._found):
            self._average(found, points)
        else:
            self._contend(found, points, body, provisional)
        self.support = None if self._found is None else self._averaged()
        self.agrees = self.agrees and self._calibrated is None

    def _refuted(self, found: Support | None, given: Support, body: Array | None) -> bool:
        """Count the looks in a row that contradict the calibrated plane; two refute it."""
        if found is not None:
            # Without the patient nothing tells which level carries, so only the direction counts.
            turned = _between(found.up, given.up) > _allowed_rad(found, given)
            against = turned if body is None else not _alike(found, given)
            self._against = self._against + 1 if against else 0
        return self._against >= 2

    def _contend(
        self, found: Support, points: Array, body: Array | None, provisional: bool
    ) -> None:
        """Take over another plane once that is safe."""
        assert self._found is not None
        self.agrees = False
        there = self._still_there(points)
        turned = _between(found.up, self._found.up) > _allowed_rad(found, self._found)
        if body is None and there > GONE and not turned:
            return  # nobody to say that another level carries
        again = self._rival is not None and _alike(found, self._rival)
        if there < GONE or again or (provisional and body is not None):
            surface = there > GONE and not turned
            self._take(found, points, Change.SURFACE if surface else Change.MOVED)
        else:
            self._rival = found

    def _take(self, found: Support, points: Array, change: Change) -> None:
        if change == Change.SURFACE:  # gravity is the same, and known better
            assert self._found is not None
            self._found = replace(self._found, height=found.height)
            self._heights, self._height_variance = 1, found.height.sigma**2
        else:
            self._start(found)
        self._rival, self._share = None, agreement(points, found)
        self.agrees, self.change = True, change

    def _start(self, found: Support | None) -> None:
        self._found = found
        self._share = 0.0
        self._ups = self._heights = 1
        self._up_variance = found.sigma_rad**2 if found else 0.0
        self._height_variance = found.height.sigma**2 if found else 0.0

    def _average(self, found: Support, points: Array) -> None:
        """Take a look into the mean; old looks count less after `MEMORY` more."""
        assert self._found is not None
        self._ups = min(self._ups + 1, MEMORY)
        # A look that saw little weighs little.
        gain = min(self._up_variance / found.sigma_rad**2, 1.0) / self._ups
        up = self._found.up + gain * (found.up - self._found.up)
        self._up_variance += gain * (found.sigma_rad**2 - self._up_variance)
        height = self._found.height
        if found.height.status == height.status:
            self._heights = min(self._heights + 1, MEMORY)
            gain = 1.0 / self._heights
            mean = height.value + gain * (found.height.value - height.value)
            self._height_variance += gain * (found.height.sigma**2 - self._height_variance)
            height = replace(height, value=mean)
        elif found.height.status == Status.MEASURED:
            self._heights, self._height_variance = 1, found.height.sigma**2
            height = found.height
        self._found = Support(up / np.linalg.norm(up), self._found.sigma_rad, height)
        self._share += 0.2 * (agreement(points, found) - self._share)
        self._rival, self.agrees = None, True

    def _averaged(self) -> Support:
        """Return the mean with its sigma: what is the same in every look does not average out."""
        assert self._found is not None
        sigma_rad = np.sqrt(self._up_variance * (LASTING + (1.0 - LASTING) / self._ups))
        height = self._found.height
        if height.known:
            sigma = np.sqrt(self._height_variance * (LASTING + (1.0 - LASTING) / self._heights))
            height = replace(height, sigma=float(sigma))
        return Support(self._found.up, float(sigma_rad), height)

    def _still_there(self, points: Array) -> float:
        """Return how much of the plane is seen, as a share of what was when it was found."""
        if self._found is None or self._share == 0.0:
            return 1.0  # gravity alone: nothing that could be gone
        return agreement(points, self._found) / self._share


def _between(a: Array, b: Array) -> float:
    return float(np.arccos(np.clip(a @ b, -1.0, 1.0)))


def _allowed_rad(a: Support, b: Support) -> float:
    return max(SAME_RAD, 3.0 * float(np.hypot(a.sigma_rad, b.sigma_rad)))


def _alike(a: Support, b: Support) -> bool:
    """Whether two looks show the same plane within their errors."""
    if _between(a.up, b.up) > _allowed_rad(a, b):
        return False
    if not (a.height.known and b.height.known):
        return True
    off = abs(a.height.value - b.height.value)
    return off < max(SAME_M, 3.0 * float(np.hypot(a.height.sigma, b.height.sigma)))
