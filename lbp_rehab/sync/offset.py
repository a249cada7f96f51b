"""The offset between two clocks from events that both saw, each within an interval.

An event between the camera's stamps a and b that the amplifier stamped between c and d allows
offsets from c - b to d - a. Which flash is which pulse is not known: the offset at which most
flashes find a pulse is taken, so that an irregular pattern decides. The intervals of these events
are then intersected; in a long recording they bound an offset and a drift together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.sync.light import Intervals

LONGEST_S = 1.0  # offset that is looked for, either way
FLASH, PULSE = "flash in the images", "pulse in the sEMG"
LEAST_EVENTS = 2
LEAST_SHARE = 0.6  # of the rarer kind of events that must agree
RIVAL_SHARE = 0.8  # another offset that fits so many of the best one's events may be the right one
LONG_S = 60.0  # from the first to the last event, from which on a drift is measured
MOST_DRIFT = 1e-3  # a poor quartz errs by 100 ppm

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Offset:
    """What the events say.

    Attributes
    ----------
    offset_s, low_s, high_s : float
        Stamp of the sEMG less stamp of the camera: the middle, and the bounds. In a long recording
        at its middle event.
    events : int
        Flashes that agree.
    flashes, pulses : int
        Found in the images and in the sEMG.
    rivals_s : tuple of float
        Other offsets that fit nearly as well.
    drift, drift_low, drift_high : float or None
        By which the sEMG's clock is too fast, 1e-6 is 1 ppm; None in a short recording.
    """

    offset_s: float
    low_s: float
    high_s: float
    events: int
    flashes: int
    pulses: int
    rivals_s: tuple[float, ...] = ()
    drift: float | None = None
    drift_low: float | None = None
    drift_high: float | None = None


@dataclass(frozen=True)
class _Pairs:
    """Which offsets each pair of a flash and a pulse allows, arrays of shape (n,)."""

    flash: NDArray[np.int64]
    low: Array
    high: Array
    at_s: Array  # of the flash, from the middle of all

    def without(self, drift: float) -> tuple[Array, Array]:
        """Return the bounds at the middle, if the drift is this."""
        return self.low - drift * self.at_s, self.high - drift * self.at_s


@dataclass(frozen=True)
class _Fit:
    low: float
    high: float
    count: int


def measure_offset(flashes: Intervals, pulses: Intervals) -> Offset:
    """Return the offset of the sEMG's stamps against the camera's.

    Parameters
    ----------
    flashes, pulses : ndarray of int64, shape (n, 2)
        Between which stamps each event began, nanoseconds.

    Raises
    ------
    InputError
        If there are no events, only one, or they contradict each other.
    """
    require_events(flashes, FLASH)
    require_events(pulses, PULSE)
    pairs = _pair(flashes, pulses)
    drift, fits = _best(pairs)
    rarer = min(len(flashes), len(pulses))
    best = fits[0]
    if best.count < max(LEAST_EVENTS, LEAST_SHARE * rarer):
        raise InputError(
            f"the events contradict each other: of {len(flashes)} flashes and {len(pulses)} pulses "
            f"at most {best.count} fit one offset within {LONGEST_S:g} s; give the region of the "
            "LED, or record anew"
        )
    rivals = tuple((fit.low + fit.high) / 2.0 for fit in fits[1:])
    counts = len(flashes), len(pulses), rivals
    if np.ptp(pairs.at_s) < LONG_S:
        return Offset((best.low + best.high) / 2.0, best.low, best.high, best.count, *counts)
    return _with_drift(pairs, drift, best, counts)


def require_events(found: Intervals, kind: str) -> None:
    """Raise InputError if there are fewer than two events of a kind."""
    if len(found) < LEAST_EVENTS:
        said = "no" if not len(found) else "only one"
        raise InputError(
            f"there is {said} {kind}; record several flashes at irregular intervals with a pulse "
            "to the amplifier at each, in view of the camera"
        )


def sentence(found: Offset) -> str:
    """Return the measurement in a sentence or two."""
    later = "later" if found.offset_s >= 0 else "earlier"
    sign = 1.0 if found.offset_s >= 0 else -1.0
    low, high = sorted((sign * found.low_s, sign * found.high_s))
    text = (
        f"EMG is stamped {1e3 * abs(found.offset_s):.1f} ms {later} than the camera (between "
        f"{1e3 * low:.1f} and {1e3 * high:.1f} ms, {found.events} events)"
    )
    if found.drift is not None and found.drift_low is not None and found.drift_high is not None:
        low_ppm, high_ppm = 1e6 * found.drift_low, 1e6 * found.drift_high
        bounds = f"between {low_ppm:.0f} and {high_ppm:.0f} ppm"
        if low_ppm <= 0.0 <= high_ppm:
            text += f" in the middle of the recording; no drift is seen ({bounds})"
        else:
            text += (
                f" in the middle of the recording; its clock is {1e6 * found.drift:+.0f} ppm fast "
                f"({bounds})"
            )
    if found.rivals_s:
        others = " and ".join(f"{1e3 * s:+.1f} ms" for s in found.rivals_s)
        text += f"; ambiguous: {others} fit nearly as well, so flash at irregular intervals"
    return text


def _pair(flashes: Intervals, pulses: Intervals) -> _Pairs:
    """Return the pairs that allow an offset of at most `LONGEST_S`."""
    base = int(flashes[0, 0])
    a, b = ((flashes[:, k] - base) / NANOSECONDS for k in (0, 1))
    c, d = ((pulses[:, k] - base) / NANOSECONDS for k in (0, 1))
    low, high = c[None, :] - b[:, None], d[None, :] - a[:, None]
    flash, pulse = np.nonzero((high >= -LONGEST_S) & (low <= LONGEST_S))
    middle = (a + b) / 2.0
    at_s = middle[flash] - (middle[0] + middle[-1]) / 2.0
    return _Pairs(flash, low[flash, pulse], high[flash, pulse], at_s)


def _best(pairs: _Pairs) -> tuple[float, list[_Fit]]:
    """Return the drift that fits most events, and the best fit and its rivals."""
    if not len(pairs.flash):
        return 0.0, [_Fit(0.0, 0.0, 0)]
    width = float(np.median(pairs.high - pairs.low))
    span = float(np.ptp(pairs.at_s))
    drifts: Array = np.array([0.0])
    if span >= LONG_S:
        steps = int(np.ceil(MOST_DRIFT / (width / 2.0 / span)))
        drifts = np.linspace(-MOST_DRIFT, MOST_DRIFT, 2 * steps + 1)
        drifts = drifts[np.argsort(np.abs(drifts), kind="stable")]
    tried = [(float(drift), _fits(pairs, float(drift), width)) for drift in drifts]
    drift, fits = max(tried, key=lambda one: (one[1][0].count, -abs(one[0])))
    return drift, fits


def _fits(pairs: _Pairs, drift: float, width: float) -> list[_Fit]:
    """Return the offsets at which most flashes find a pulse, then those nearly as good."""
    low, high = _united(pairs.flash, *pairs.without(drift))
    edges = np.concatenate([low, high])
    change = np.concatenate([np.ones(len(low), int), -np.ones(len(high), int)])
    order = np.lexsort((-change, edges))  # where one ends and the next begins, both count
    edges, count = edges[order], np.cumsum(change[order])
    fits: list[_Fit] = []
    while True:
        apart = np.ones(len(edges), bool)
        for fit in fits:
            apart &= (edges < fit.low - width) | (edges > fit.high + width)
        if not apart.any():
            return fits
        most = int(count[apart].max())
        if fits and most < max(LEAST_EVENTS, RIVAL_SHARE * fits[0].count):
            return fits
        at = np.flatnonzero(apart & (count == most))
        # Intervals that nearly agree, as stamps that stutter make them, are one fit.
        near = at[edges[at] - edges[at[0]] <= width]
        fits.append(_Fit(float(edges[near[0]]), float(edges[near[-1] + 1]), most))


def _united(flash: NDArray[np.int64], low: Array, high: Array) -> tuple[Array, Array]:
    """Return the intervals with those of one flash that overlap made one."""
    order = np.lexsort((low, flash))
    lows: list[float] = []
    highs: list[float] = []
    last = -1
    for k in order:
        if flash[k] == last and low[k] <= highs[-1]:
            highs[-1] = max(highs[-1], float(high[k]))
            continue
        lows.append(float(low[k]))
        highs.append(float(high[k]))
        last = int(flash[k])
    return np.array(lows), np.array(highs)


def _with_drift(
    pairs: _Pairs, drift: float, best: _Fit, counts: tuple[int, int, tuple[float, ...]]
) -> Offset:
    """Bound offset and drift by all events that agree: low <= offset + drift * t <= high."""
    low, high = pairs.without(drift)
    middle = (best.low + best.high) / 2.0
    fits = (low <= middle) & (middle <= high)
    t, low, high = pairs.at_s[fits], pairs.low[fits], pairs.high[fits]
    lines = np.column_stack([np.ones(len(t)), t])
    rows = np.concatenate([lines, -lines])
    limits = np.concatenate([high, -low])
    ends = []
    for aim in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        found = linprog(
            aim, rows, limits, bounds=[(None, None), (-2.0 * MOST_DRIFT, 2.0 * MOST_DRIFT)]
        )
        ends.append(float(np.dot((1.0, 1.0), np.abs(aim) * found.x)))
    first, last, slow, fast = ends
    return Offset(
        (first + last) / 2.0, first, last, len(np.unique(pairs.flash[fits])), *counts,
        drift=(slow + fast) / 2.0, drift_low=slow, drift_high=fast,
    )  # fmt: skip
