"""What the muscles did in a finished repetition: how hard, how soon, and whether they tire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.movement import Moments
from lbp_rehab.quality.rules import Judged, MuscleLimit, MuscleRule
from lbp_rehab.quality.signals import NANOSECONDS
from lbp_rehab.quality.track import Track, Tracks
from lbp_rehab.quality.types import Phase

FATIGUE_POINTS = 5.0  # of the muscle sub-score, at most, for one muscle that tires
# Of the steepest slope allowed; the slope of a few seconds is mostly noise.
MOST_SLOPE_SIGMA = 0.5
# In a longer gap a muscle may have switched on, or the detector may have begun anew.
LONGEST_GAP_S = 0.3


@dataclass(frozen=True)
class Judgement:
    """What one limit judges in a repetition.

    Attributes
    ----------
    limit : MuscleLimit
    measured : Estimate
    interval : tuple of int
        From when to when that was.
    most : float
        Points of the sub-score that it may cost.
    """

    limit: MuscleLimit
    measured: Estimate
    interval: tuple[int, int]
    most: float


def judge(
    rules: Sequence[MuscleRule], tracks: Tracks, moments: Moments, start_sigma_s: float
) -> tuple[list[Judgement], dict[str, Reason]]:
    """Return what can be judged, and why each of the other limits cannot.

    The 100 points are shared by the limits that can be judged. Fatigue takes no part in that: it
    is told, and costs up to `FATIGUE_POINTS`, for it is no fault of the movement.
    """
    found, unknown = [], {}
    for limit in (each for rule in rules for each in rule.limits):
        value, interval = measured(limit, tracks[limit.measure], moments, start_sigma_s)
        if value.known:
            found.append((limit, value, interval))
        else:
            unknown[limit.id] = value.reason
    share = 100.0 / max(sum(limit.judged != Judged.FATIGUE for limit, _, _ in found), 1)
    return [
        Judgement(*each, FATIGUE_POINTS if each[0].judged == Judged.FATIGUE else share)
        for each in found
    ], unknown


def measured(
    limit: MuscleLimit, track: Track, moments: Moments, start_sigma_s: float
) -> tuple[Estimate, tuple[int, int]]:
    """Return what a limit judges, and from when to when that was.

    Parameters
    ----------
    limit : MuscleLimit
    track : Track
        Of its measure.
    moments : Moments
    start_sigma_s : float
        1-sigma of the start of the movement.

    Returns
    -------
    Estimate
        In the unit of the measure; unknown if nothing can be said.
    tuple of int
    """
    if limit.judged == Judged.ONSET:
        return _onset(track, moments, start_sigma_s)
    if limit.judged == Judged.FATIGUE:
        ends = (moments.start_ns, moments.end_ns)
        _, slopes, sigmas = track.between(*ends)
        if len(slopes) == 0:
            return Estimate.unknown(track.reason), ends
        if sigmas[-1] > MOST_SLOPE_SIGMA * abs(limit.low):
            return Estimate.unknown(Reason.TOO_EARLY), ends
        return Estimate(float(slopes[-1]), float(sigmas[-1])), ends
    ends = (moments.interval(limit.phases[0])[0], moments.interval(limit.phases[-1])[1])
    return track.mean(*ends), ends


def _onset(
    track: Track, moments: Moments, start_sigma_s: float
) -> tuple[Estimate, tuple[int, int]]:
    """Return how long after the start of the movement a muscle switched on; before is negative.

    A muscle that is on at the start has switched on before. One that is never on until the way
    back begins has no onset: TOO_UNCERTAIN, for it may work below what can be told from rest (how
    hard it works is another limit). One that was not measured all the time from the start on is
    unknown too.
    """
    ends = moments.start_ns, moments.interval(Phase.HOLD)[1]
    times, on_s, sigmas = track.between(*ends)
    on = np.flatnonzero(on_s > 0.0)
    seen = times if len(on) == 0 else times[: on[0] + 1]
    if len(seen) == 0 or max(seen[0], np.diff(seen).max(initial=0.0)) > LONGEST_GAP_S:
        return Estimate.unknown(track.reason), ends
    if len(on) == 0:
        return Estimate.unknown(Reason.TOO_UNCERTAIN), ends
    first = int(on[0])
    delay_s = float(times[first] - on_s[first])
    onset_ns = moments.start_ns + round(max(delay_s, 0.0) * NANOSECONDS)
    sigma_s = math.hypot(float(sigmas[first]), start_sigma_s)
    return Estimate(delay_s, sigma_s), (moments.start_ns, min(onset_ns, ends[1]))
