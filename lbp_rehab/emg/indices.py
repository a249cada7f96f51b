"""What several muscles do together: co-contraction, asymmetry, local share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lbp_rehab.emg.types import Channel, Muscle, Side
from lbp_rehab.estimate import Estimate, Reason

FLEXORS = (Muscle.RECTUS_ABDOMINIS, Muscle.EXTERNAL_OBLIQUE, Muscle.INTERNAL_OBLIQUE)
EXTENSORS = (Muscle.ERECTOR_SPINAE, Muscle.MULTIFIDUS)
# Bergmark 1989 (Acta Orthop Scand Suppl 230): local muscles stiffen, global ones move the trunk.
LOCAL = (Muscle.MULTIFIDUS, Muscle.INTERNAL_OBLIQUE)
GLOBAL = (Muscle.ERECTOR_SPINAE, Muscle.RECTUS_ABDOMINIS)
PAIRED = (*FLEXORS, *EXTENSORS, Muscle.GLUTEUS_MAXIMUS)
MAX_SIGMA = 0.25  # of an index that runs over 0..1: beyond, it says nothing
# Below this mean activation both sides of the quotient are noise at rest.
REST_ACTIVATION = 0.02

# A muscle without a channel outlasts a faulty one, that outlasts a missing calibration.
LASTING = (Reason.MISSING_INPUT, Reason.SENSOR_FAULT, Reason.NOT_CALIBRATED)

_Pair = tuple[Channel, Estimate]


def co_contraction(muscles: Sequence[_Pair]) -> Estimate:
    """Return the co-contraction of trunk flexors and extensors, 0 (one group only) to 1 (equal).

    Falconer and Winter 1985 (Electromyogr Clin Neurophysiol 25:135): twice the activity common to
    both groups over their sum, ``2 min(F, E) / (F + E)``, here at one instant; each group is the
    mean activation of its channels.

    Parameters
    ----------
    muscles : sequence of (Channel, Estimate)
        Each channel with its activation, a fraction of MVC.
    """
    flexor, extensor = _mean(muscles, FLEXORS), _mean(muscles, EXTENSORS)
    small, large = sorted((flexor, extensor), key=lambda group: group.value)
    part = _share(small, large)
    if not part.known:
        return part
    return _limited(2 * part.value, 2 * part.sigma, MAX_SIGMA)


def asymmetry(muscles: Sequence[_Pair]) -> Estimate:
    """Return (right - left) / (right + left) over muscles that have a channel on both sides."""
    found: dict[tuple[Muscle, Side], list[Estimate]] = {}
    for channel, estimate in muscles:
        found.setdefault((channel.muscle, channel.side), []).append(estimate)
    right, left = (
        [
            _combined(found[muscle, side])
            for muscle in PAIRED
            if (muscle, Side.LEFT) in found and (muscle, Side.RIGHT) in found
        ]
        for side in (Side.RIGHT, Side.LEFT)
    )
    part = _share(_combined(right), _combined(left))
    if not part.known:
        return part
    return _limited(2 * part.value - 1, 2 * part.sigma, 2 * MAX_SIGMA)


def local_share(muscles: Sequence[_Pair]) -> Estimate:
    """Return local / (local + global) of the mean activations; its fall is compensation."""
    part = _share(_mean(muscles, LOCAL), _mean(muscles, GLOBAL))
    return _limited(part.value, part.sigma, MAX_SIGMA) if part.known else part


def _mean(muscles: Sequence[_Pair], group: Sequence[Muscle]) -> Estimate:
    return _combined([estimate for channel, estimate in muscles if channel.muscle in group])


def _combined(parts: Sequence[Estimate]) -> Estimate:
    """Return the mean; unknown if one part is, for a group must be whole."""
    if not parts:
        return Estimate.unknown(Reason.MISSING_INPUT)
    if unknown := _unknown(parts):
        return unknown
    sigma = math.sqrt(sum(part.sigma**2 for part in parts)) / len(parts)
    return Estimate(sum(part.value for part in parts) / len(parts), sigma)


def _unknown(parts: Sequence[Estimate]) -> Estimate | None:
    """Return the unknown part whose reason lasts longest, or None if all are known."""
    unknown = [part for part in parts if not part.known]
    if not unknown:
        return None
    for reason in LASTING:
        for part in unknown:
            if part.reason is reason:
                return part
    return unknown[0]


def _share(a: Estimate, b: Estimate) -> Estimate:
    """Return a / (a + b) with sigma ``sqrt(b^2 sa^2 + a^2 sb^2) / (a + b)^2`` (first order)."""
    if unknown := _unknown((a, b)):
        return unknown
    total = a.value + b.value
    if total < 2 * REST_ACTIVATION:
        return Estimate.unknown(Reason.TOO_UNCERTAIN)
    sigma = math.hypot(b.value * a.sigma, a.value * b.sigma) / total**2
    return Estimate(a.value / total, sigma)


def _limited(value: float, sigma: float, most: float) -> Estimate:
    if sigma > most:
        return Estimate.unknown(Reason.TOO_UNCERTAIN)
    return Estimate(value, sigma)
