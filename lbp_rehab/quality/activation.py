"""Muscle activation as scoring needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lbp_rehab.estimate import Estimate, Reason, Status

# In the order of the MUSCLE_ constants of EmgChannel.msg, from 1.
MUSCLES = (
    "multifidus",
    "erector_spinae",
    "internal_oblique",
    "external_oblique",
    "rectus_abdominis",
    "gluteus_maximus",
)
# What several muscles do together, by the names of their measures.
INDICES = ("co_contraction", "emg_asymmetry", "local_share")


@dataclass(frozen=True)
class Activation:
    """Activation of the muscles at one instant.

    Attributes
    ----------
    stamp_ns : int
        The instant that the envelope describes.
    muscles : mapping of str to Estimate
        "gluteus_maximus_l" and the like; fraction of the maximal voluntary contraction.
    co_contraction, asymmetry, local_share : Estimate
        As in ``EmgActivation.msg``.
    on_s : mapping of str to Estimate
        For how long each channel has been on, seconds; 0 while it is off.
    fatigue : mapping of str to Estimate
        Slope of each channel's median frequency, Hz/s.
    """

    stamp_ns: int
    muscles: Mapping[str, Estimate]
    co_contraction: Estimate
    asymmetry: Estimate
    local_share: Estimate
    on_s: Mapping[str, Estimate] = field(default_factory=dict)
    fatigue: Mapping[str, Estimate] = field(default_factory=dict)

    def of(self, name: str) -> Estimate:
        """Return one channel ("multifidus_l"), or the mean of a muscle's known channels."""
        return _mean(self.muscles, name)

    def fatigue_of(self, name: str) -> Estimate:
        """Return the slope of one channel, or the mean of a muscle's known channels."""
        return _mean(self.fatigue, name)

    def on_since(self, name: str) -> Estimate:
        """Return for how long a channel has been on, or both known sides of a muscle; 0: off."""
        known = [e for e in _channels(self.on_s, name) if e.known]
        return min(known, key=lambda e: e.value) if known else _mean(self.on_s, name)


def _channels(of: Mapping[str, Estimate], name: str) -> list[Estimate]:
    names = (name,) if name in of else (f"{name}_l", f"{name}_r")
    return [of[n] for n in names if n in of]


def _mean(of: Mapping[str, Estimate], name: str) -> Estimate:
    sides = _channels(of, name)
    known = [e for e in sides if e.known]
    if not known:
        return sides[0] if sides else Estimate.unknown(Reason.MISSING_INPUT)
    n = len(known)
    status = max((e.status for e in known), default=Status.MEASURED)
    sigma = math.sqrt(sum(e.sigma**2 for e in known)) / n
    return Estimate(sum(e.value for e in known) / n, sigma, status)
