"""Muscle activation as scoring needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

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
    """

    stamp_ns: int
    muscles: Mapping[str, Estimate]
    co_contraction: Estimate
    asymmetry: Estimate
    local_share: Estimate

    def of(self, name: str) -> Estimate:
        """Return one channel ("multifidus_l"), or the mean of a muscle's known channels."""
        if name in self.muscles:
            return self.muscles[name]
        sides = [self.muscles[n] for n in (f"{name}_l", f"{name}_r") if n in self.muscles]
        known = [e for e in sides if e.known]
        if not known:
            return sides[0] if sides else Estimate.unknown(Reason.MISSING_INPUT)
        n = len(known)
        status = max((e.status for e in known), default=Status.MEASURED)
        sigma = math.sqrt(sum(e.sigma**2 for e in known)) / n
        return Estimate(sum(e.value for e in known) / n, sigma, status)
