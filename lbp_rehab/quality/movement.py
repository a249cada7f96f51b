"""The moments of a finished repetition, found with zero-phase smoothing of its samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.repetitions import Segment
from lbp_rehab.quality.signals import NANOSECONDS, smooth, smoothness
from lbp_rehab.quality.track import Track
from lbp_rehab.quality.types import Phase

Array = NDArray[np.float64]

VALUE_WIDTH_S = 0.08  # keeps 98 % of the amplitude of a movement up and down in 2 s
# Speed is smoothed by a share of the movement's duration, so that the smoothing does not lengthen
# a quick movement and a slow one is not cut short by noise.
SPEED_WIDTH, SPEED_WIDTH_MIN_S, SPEED_WIDTH_MAX_S = 0.06, 0.05, 0.15
# A share of the phase's duration, so that slow and quick movements are judged alike.
SMOOTHNESS_WIDTH, SMOOTHNESS_MIN_WIDTH_S = 0.05, 0.08
LOOK_BACK_NS = 6 * NANOSECONDS  # a slow start is under way for less than this before it is noticed
ONSET_SHARE = 0.1  # of the peak speed: the usual 5 to 10 % of movement onset detection
REST_NS = NANOSECONDS // 2  # the start position is averaged over the half second before
NEAR_PEAK, NEAR_REST = 0.85, 0.3  # progress relative to the peak where an end of a phase may lie
# Where a way may slow down without it being its beginning or end, and what is slow.
INNER, SLOW_SHARE = (0.2, 0.8), 0.3
BOOTSTRAP_DRAWS = 12
MIN_SAMPLES = 8
UNSEEN_S = 0.5  # without samples for longer than this, anything may have happened in between


@dataclass(frozen=True)
class Moments:
    """When each phase of a repetition began and ended, and how far it went.

    Attributes
    ----------
    start_ns, arrival_ns, departure_ns, end_ns : int
        Leaving the start position, arriving at and leaving the far position, being back.
    target_ns : int
        Furthest point.
    peak, excursion : Estimate
        Value at the furthest point, and its distance from the start position.
    direction : float
        +1 if the measure grows from the start to that point, else -1.
    top_seen : bool
        Whether the furthest point was in view; else `peak` is only the furthest that was seen.
    second : Moments or None
        The way to the other extreme and back, where the repetition has two.
    """

    start_ns: int
    arrival_ns: int
    target_ns: int
    departure_ns: int
    end_ns: int
    peak: Estimate
    excursion: Estimate
    direction: float
    top_seen: bool = True
    second: Moments | None = None

    @property
    def ways(self) -> tuple[Moments, ...]:
        """Each way out and back in the order of time: one, or two where there are two extremes."""
        return (self,) if self.second is None else (self, self.second)

    @property
    def rest(self) -> float:
        """Value at the start position."""
        return self.peak.value - self.direction * self.excursion.value

    def interval(self, phase: Phase) -> tuple[int, int]:
        """Return first and last stamp of a moving phase."""
        return {
            Phase.OUT: (self.start_ns, self.arrival_ns),
            Phase.HOLD: (self.arrival_ns, self.departure_ns),
            Phase.RETURN: (self.departure_ns, self.end_ns),
        }[phase]

    def duration_s(self, phase: Phase) -> float:
        """Return how long a phase took."""
        start_ns, end_ns = self.interval(phase)
        return (end_ns - start_ns) / NANOSECONDS


def find_moments(track: Track, segment: Segment, direction: float) -> Moments | None:
    """Refine what the state machine saw.

    Parameters
    ----------
    track : Track
        The primary measure.
    segment : Segment
    direction : float
        +1 if the measure grows towards the target, else -1.

    Returns
    -------
    Moments or None
        None if there are too few samples to tell.
    """
    first = _find_way(track, segment, -direction if segment.extreme else direction)
    if first is None or segment.second is None:
        return first
    second = _find_way(track, segment.second, -first.direction)
    if second is None:
        return None
    return replace(first, departure_ns=second.departure_ns, end_ns=second.end_ns, second=second)


def _find_way(track: Track, segment: Segment, direction: float) -> Moments | None:
    zero_ns = max(segment.earliest_ns, segment.left_ns - LOOK_BACK_NS)
    times, values, sigmas = track.between(zero_ns, segment.end_ns)
    if len(times) < MIN_SAMPLES:
        return None
    position = smooth(times, values, sigmas, VALUE_WIDTH_S)
    out = direction * (position.value - segment.rest)
    left = int(np.searchsorted(times, (segment.left_ns - zero_ns) / NANOSECONDS))
    left = min(left, len(times) - 1)
    peak = left + int(np.argmax(out[left:]))
    share = out / out[peak]
    width_s = SPEED_WIDTH_MAX_S
    for _ in range(2):
        speed = direction * smooth(times, values, sigmas, width_s).slope
        start, arrival = _way_out(speed, share, left, peak)
        departure, end = _way_back(speed, share, peak)
        way_s = 0.5 * float(times[arrival] - times[start] + times[end] - times[departure])
        width_s = min(max(SPEED_WIDTH * way_s, SPEED_WIDTH_MIN_S), SPEED_WIDTH_MAX_S)

    def stamp(index: int) -> int:
        return zero_ns + round(float(times[index]) * NANOSECONDS)

    rest = mean_before(track, stamp(start), segment.earliest_ns)
    if not rest.known:
        rest = Estimate(float(position.value[start]), float(position.sigma[start]))
    top = Estimate(float(position.value[peak]), float(position.sigma[peak]))
    excursion = Estimate(abs(top.value - rest.value), float(np.hypot(top.sigma, rest.sigma)))
    return Moments(
        stamp(start), stamp(arrival), stamp(peak), stamp(departure), stamp(end),
        top, excursion, direction, not beside_gap(times, peak),
    )  # fmt: skip


def beside_gap(times: Array, index: int) -> bool:
    """Whether the samples just before or after one are missing."""
    return bool((np.diff(times[max(index - 1, 0) : index + 2]) > UNSEEN_S).any())


def _way_out(speed: Array, share: Array, left: int, peak: int) -> tuple[int, int]:
    fastest = max(left - 1, 0) + int(np.argmax(speed[max(left - 1, 0) : peak + 1]))
    slow = ONSET_SHARE * speed[fastest]
    start = min(fastest, left)
    while start > 0 and not (speed[start] <= slow and share[start] < NEAR_REST):
        start -= 1
    arrival = fastest
    while arrival < peak and not (speed[arrival] <= slow and share[arrival] > NEAR_PEAK):
        arrival += 1
    return start, arrival


def _way_back(speed: Array, share: Array, peak: int) -> tuple[int, int]:
    fastest = peak + int(np.argmin(speed[peak:]))
    slow = ONSET_SHARE * speed[fastest]
    departure = fastest
    while departure > peak and not (speed[departure] >= slow and share[departure] > NEAR_PEAK):
        departure -= 1
    end = fastest
    while end < len(speed) - 1 and not (speed[end] >= slow and share[end] < NEAR_REST):
        end += 1
    return departure, end


def mean_before(track: Track, start_ns: int, earliest_ns: int) -> Estimate:
    """Return the mean over the half second before a start, but after ``earliest_ns``."""
    _, values, sigmas = track.between(max(start_ns - REST_NS, earliest_ns), start_ns)
    if len(values) == 0:
        return Estimate.unknown(track.reason)
    return Estimate(float(values.mean()), float(np.sqrt((sigmas**2).sum()) / len(values)))


def hesitation(track: Track, moments: Moments, phase: Phase) -> tuple[Estimate, tuple[int, int]]:
    """Return how long a way all but stood still before its end, and from when to when.

    Parameters
    ----------
    track : Track
        The primary measure.
    moments : Moments
    phase : Phase
        OUT or RETURN.

    Returns
    -------
    Estimate
        Seconds; unknown with too few samples.
    tuple of int
        First and last stamp of the slow part; the whole way if there is none.
    """
    ends = moments.interval(phase)
    times, values, sigmas = track.between(*ends)
    if len(times) < MIN_SAMPLES:
        return Estimate.unknown(Reason.TOO_EARLY), ends
    width_s = min(max(SPEED_WIDTH * (times[-1] - times[0]), SPEED_WIDTH_MIN_S), SPEED_WIDTH_MAX_S)
    fit = smooth(times, values, sigmas, width_s)
    way = (fit.value - fit.value[0]) / (fit.value[-1] - fit.value[0])
    speed = fit.slope / (fit.value[-1] - fit.value[0])
    inner = (way > INNER[0]) & (way < INNER[1])
    slow = inner & (speed < SLOW_SHARE * speed.max())
    interval_s = float(times[-1] - times[0]) / (len(times) - 1)
    sigma = np.sqrt(2.0) * interval_s
    if not slow.any():
        return Estimate(0.0, sigma), ends
    at = np.flatnonzero(slow)
    first, last = (ends[0] + round(float(times[k]) * NANOSECONDS) for k in (at[0], at[-1]))
    return Estimate(float(slow.sum()) * interval_s, sigma), (first, last)


def control(track: Track, moments: Moments) -> Estimate:
    """Return the smoothness of the way out and back: the mean of their spectral arc lengths.

    Noise of the keypoints looks like unsmooth movement. Its bias and the sigma are estimated by
    repeating the calculation with seeded noise of the samples' own sigma added (bootstrap bias
    correction, Efron and Tibshirani 1993, chapter 10).
    """
    ways = [track.between(*moments.interval(p)) for p in (Phase.OUT, Phase.RETURN)]
    if any(len(times) < MIN_SAMPLES for times, _, _ in ways):
        return Estimate.unknown(Reason.TOO_EARLY)

    def arc_length(noise: np.random.Generator | None) -> float:
        lengths = []
        for times, values, sigmas in ways:
            disturbed = (
                values if noise is None else values + sigmas * noise.standard_normal(len(values))
            )
            width_s = max(SMOOTHNESS_WIDTH * (times[-1] - times[0]), SMOOTHNESS_MIN_WIDTH_S)
            fit = smooth(times, disturbed, sigmas, width_s)
            lengths.append(smoothness(times, fit.slope))
        return float(np.mean(lengths))

    rng = np.random.default_rng(0)
    draws = [arc_length(rng) for _ in range(BOOTSTRAP_DRAWS)]
    found = arc_length(None)
    return Estimate(2.0 * found - float(np.mean(draws)), float(np.std(draws, ddof=1)))
