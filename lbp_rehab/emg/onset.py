"""When a muscle switches on and off, by the Teager-Kaiser energy over the level of rest.

A crossing of a threshold comes late on a slow rise and early on smoothed data; the onset is
therefore put where a ramp fitted around the crossing passes the threshold. All of it happens at
fixed places of the sample count, so that chunks do not matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lbp_rehab.emg.filters import FilterDesign
from lbp_rehab.emg.types import NANOSECONDS

Array = NDArray[np.float64]

HOP_S = 0.01  # energies are averaged over this
SMOOTHING_S = 0.025  # standard deviation of the Gaussian that smooths them to find bursts
FINE_S = 0.005  # the same to fit the ramp
REACH = 2.4  # standard deviations to which the Gaussian goes
# The ramp is fitted from this long before the crossing to this long after it.
FIT_BEFORE_S, FIT_AFTER_S = 0.6, 0.25
# From rest to a plateau; the last: none in sight.
RISES_S = (0.01, 0.03, 0.05, 0.08, 0.13, 0.2, 1.0)
EARLIEST_S, LATEST_S = 0.4, 0.15  # how far from its crossing an onset may be put
# Ringing of the filters beats about its RMS; this much of it ends a burst, or begins none.
RINGING_OFF, RINGING_ON = 1.6, 3.0
# Rest is what was quietest lately, the start of a ramp what is there just before it; the height is
# counted from between them.
REST_WEIGHT = 0.5
RATIO_MEMORY_S = 5.0  # of active time
REST_STEP_S = 0.1
# What a muscle may do without a pause and still be at rest. Trunk muscles in quiet standing do 1 to
# 3 % MVC (Cholewicki et al. 1997, Spine 22:2207). Kneeling and leaning ask for more; that is
# believed when the muscle comes back to it from twice as much.
TONIC_MVC, KNEELING_MVC, RISES_TO = 0.05, 0.15, 2.0
TONIC_OVER_REST, KNEELING_OVER_REST = 2.0, 5.0  # the same where not calibrated
MOST_REST_SD = 0.3  # of rest; what is more uneven holds bursts


@dataclass(frozen=True)
class OnsetSettings:
    """Thresholds, and how long they must be passed.

    Attributes
    ----------
    on_mvc : float
        A calibrated muscle is on while it is this share of its MVC above rest.
    on_sd : float
        And this many standard deviations of rest, calibrated or not (Hodges and Bui 1996,
        Electroenceph Clin Neurophysiol 101:511).
    confirm : float
        A burst must rise to this many times the threshold above rest, or it is none.
    on_s, off_s : float
        How long the threshold must be passed, upwards or downwards.
    rest_s, rest_memory_s : float
        Rest is the quietest mean over the first, within the second.
    """

    on_mvc: float = 0.02
    on_sd: float = 3.0
    confirm: float = 2.0
    on_s: float = 0.1
    off_s: float = 0.1
    rest_s: float = 0.5
    rest_memory_s: float = 6.0


class OnsetDetector:
    """Runs over band-passed samples, all channels at once.

    The Teager-Kaiser energy ``x[n]^2 - x[n-1] x[n+1]`` (Kaiser 1990; for sEMG Li et al. 2007 and
    Solnik et al. 2010, Eur J Appl Physiol 110:489) is smoothed; its root, scaled to the RMS of the
    signal, is compared with rest. A burst is announced `FIT_AFTER_S` after its crossing at the
    earliest, with the onset of the fitted ramp.

    Parameters
    ----------
    n_channels : int
    design : FilterDesign
        The filters that made the samples.
    settings : OnsetSettings

    Attributes
    ----------
    active : ndarray of bool, shape (c,)
    since_ns : ndarray of int, shape (c,)
        When it last changed; 0 if never.
    rest_v : ndarray, shape (c,)
        RMS at rest in volts; 0 while there was no rest.
    """

    def __init__(self, n_channels: int, design: FilterDesign, settings: OnsetSettings) -> None:
        self._settings = settings
        self._rate_hz = design.rate_hz
        self._hop = max(2, round(HOP_S * design.rate_hz))
        self._hop_s = self._hop / design.rate_hz
        self._kernel, self._fine = (_gaussian(s / self._hop_s) for s in (SMOOTHING_S, FINE_S))
        self._before, self._after, self._on, self._off, self._step, self._rest_hops = (
            max(1, round(s / self._hop_s))
            for s in (FIT_BEFORE_S, FIT_AFTER_S, settings.on_s, settings.off_s, REST_STEP_S,
                      settings.rest_s)
        )  # fmt: skip
        self._rises = [round(s / self._hop_s) for s in RISES_S]
        self._ringing_share, ringing_s = design.ringing
        self._ringing_left = float(np.exp(-self._hop_s / ringing_s))
        # Teager-Kaiser energy over power: as designed, then as each muscle shows it.
        self._ratio = np.full(n_channels, design.teager_ratio)
        self.active = np.zeros(n_channels, bool)
        self.since_ns = np.zeros(n_channels, np.int64)
        self.rest_v = np.zeros(n_channels)
        self._rest, self._rest_sd = np.zeros(n_channels), np.zeros(n_channels)
        steps = max(1, round(settings.rest_memory_s / REST_STEP_S))
        # Of each channel: mean, deviation and RMS of its latest stretches of `rest_s`.
        self._stretches: list[deque[tuple[float, float, float]]] = [
            deque(maxlen=steps) for _ in range(n_channels)
        ]
        # The latest changes: when they were decided, who is active and since when.
        self._changes = deque([(0, self.active.copy(), self.since_ns.copy())])
        # When the hop of a stamp is decided whatever the chunks: its neighbours must have come.
        self._decided_ns = round((len(self._kernel) // 2 + 1) * self._hop_s * NANOSECONDS)
        self.restart()

    def at(self, stamp_ns: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return who is active, and since when, as decided for an instant; they must be in order.

        Chunks do not matter: what is known earlier, because a chunk is long, is not told earlier.
        """
        while len(self._changes) > 1 and self._changes[1][0] <= stamp_ns - self._decided_ns:
            self._changes.popleft()
        return self._changes[0][1:]

    def restart(self) -> None:
        """Forget the samples and what is under way, as after a gap; rest stays."""
        n = len(self.active)
        if self.active.any():
            self.active[:] = False
            self._changes.append((self._changes[-1][0], self.active.copy(), self.since_ns.copy()))
        self._samples: Array = np.zeros((0, n))
        # One row a hop: Teager-Kaiser energy and power in V^2, whether the
        # samples mean something, and the stamp of the middle.
        self._energy, self._power = np.zeros((0, n)), np.zeros((0, n))
        self._valid: NDArray[np.bool_] = np.zeros((0, n), bool)
        self._stamps: NDArray[np.int64] = np.zeros(0, np.int64)
        self._level: Array = np.zeros((0, n))  # smoothed, as RMS; late by half the kernel
        self._done = 0
        self._above = np.zeros(n, np.int64)  # hops since the crossing; 0: below
        self._height = np.zeros(n)  # highest level over rest since then
        self._below = np.zeros(n, np.int64)
        self._valid_hops = np.zeros(n, np.int64)
        self._ringing = np.zeros(n)  # volts that the filters may ring now

    def update(self, samples: Array, stamp_ns: int, valid: NDArray[np.bool_], mvc_v: Array) -> None:
        """Take the next samples.

        Parameters
        ----------
        samples : ndarray, shape (n, c)
            Band-passed volts.
        stamp_ns : int
            Time of the first of them, delays of filters removed.
        valid : ndarray of bool, shape (c,)
            Whether they mean something; where not, the muscle counts as off.
        mvc_v : ndarray, shape (c,)
            RMS at maximal voluntary contraction; nan where not calibrated.
        """
        kept = len(self._samples)
        x = np.concatenate([self._samples, samples])
        # The first sample of all and the newest have only one neighbour.
        hops = max(0, (len(x) - 2) // self._hop)
        if hops:
            n = hops * self._hop
            middle, shape = x[1 : n + 1], (hops, self._hop, x.shape[1])
            teager = middle**2 - x[:n] * x[2 : n + 2]
            starts = np.arange(hops) * self._hop + (self._hop + 1) / 2 - kept
            stamps = stamp_ns + np.rint(starts / self._rate_hz * NANOSECONDS).astype(np.int64)
            self._energy = np.concatenate([self._energy, teager.reshape(shape).mean(axis=1)])
            self._power = np.concatenate([self._power, (middle**2).reshape(shape).mean(axis=1)])
            self._valid = np.concatenate([self._valid, np.broadcast_to(valid, (hops, len(valid)))])
            self._stamps = np.concatenate([self._stamps, stamps])
            x = x[n:]
        self._samples = x
        width = len(self._kernel)
        if (new := len(self._energy) - width + 1 - len(self._level)) > 0:
            part = self._energy[len(self._energy) - width + 1 - new :]
            smooth = np.stack([self._kernel @ part[k : k + width] for k in range(new)])
            self._level = np.concatenate([self._level, np.maximum(smooth, 0.0)])
            for row in range(len(self._level) - new, len(self._level)):
                # With the ratio of this very hop, so that chunks do not matter.
                self._level[row] = np.sqrt(self._level[row] / self._ratio)
                self._look(row, mvc_v)
        self._forget()

    def _forget(self) -> None:
        """Drop the rows that no fit can reach any more."""
        spare = len(self._level) - 2 * (self._before + self._after + self._rest_hops)
        longest = int(self._above.max(initial=0))
        spare = min(spare, len(self._level) - longest - self._before - self._rest_hops)
        if spare > self._rest_hops:  # not a few with every block
            for name in ("_energy", "_power", "_valid", "_stamps", "_level"):
                setattr(self, name, getattr(self, name)[spare:])

    def _look(self, row: int, mvc_v: Array) -> None:
        """Decide at the smoothed level of one hop."""
        settings, level = self._settings, self._level[row]
        before = self.active.copy()
        at = row + len(self._kernel) // 2  # of the same hop among the energies
        valid, stamp_ns = self._valid[at], int(self._stamps[at])
        share = np.nan_to_num(settings.on_mvc * mvc_v)
        over = np.maximum(settings.on_sd * self._rest_sd, share)
        self._ringing *= self._ringing_left
        self._ringing = np.where(
            self.active, np.maximum(self._ringing, self._ringing_share * level), self._ringing
        )
        known = valid & (self._rest > 0)
        high = known & (level > np.maximum(self._rest + over, RINGING_ON * self._ringing))
        fallen = self.active & ~valid
        self.since_ns[fallen] = stamp_ns
        self.active &= valid

        ended = ~high & (self._above >= self._on)
        self._above = np.where(high, self._above + 1, self._above)
        self._height = np.where(high, np.maximum(self._height, level - self._rest), self._height)
        risen = self._height > settings.confirm * over
        begun = ~self.active & risen & known & ((self._above >= self._after) | ended)
        for k in np.flatnonzero(begun):
            crossed = row - int(self._above[k]) + (1 if high[k] else 0)
            passed = share[k] if share[k] > 0 else over[k]
            self.since_ns[k] = self._onset(int(k), crossed, row, float(passed))
        self.active |= begun
        self._above = np.where(high, self._above, 0)
        self._height = np.where(high, self._height, 0.0)

        low = self.active & (level < np.maximum(self._rest + over, RINGING_OFF * self._ringing))
        self._below = np.where(low, self._below + 1, 0)
        for k in np.flatnonzero(self._below >= self._off):
            self.active[k] = False
            self.since_ns[k] = self._stamps[at - int(self._below[k]) + 1]
            self._below[k] = 0
        if (before != self.active).any():
            self._changes.append((stamp_ns, self.active.copy(), self.since_ns.copy()))
        self._valid_hops = np.where(valid, self._valid_hops + 1, 0)
        self._done += 1
        if self._done % self._step == 0:
            self._learn(row, mvc_v)

    def _onset(self, k: int, crossed: int, row: int, over: float) -> int:
        """Return when the ramp that fits best around a crossing passes a height over rest."""
        half, fine = len(self._kernel) // 2, len(self._fine) // 2
        first = max(crossed - self._before, half)
        last = min(row, crossed + self._after)
        rows = self._energy[first + half - fine : last + half + fine + 1, k] / self._ratio[k]
        level = np.sqrt(np.maximum(np.convolve(rows, self._fine, "valid"), 0.0))
        place = float(crossed - first)
        if (fitted := passes(level, self._rest[k], over, self._rises, self._fine)) is not None:
            earliest, latest = EARLIEST_S / self._hop_s, LATEST_S / self._hop_s
            place = min(max(fitted, place - earliest), place + latest)
        stamp_ns = int(self._stamps[crossed + half])
        return stamp_ns + round((place - (crossed - first)) * self._hop_s * NANOSECONDS)

    def _learn(self, row: int, mvc_v: Array) -> None:
        """Follow rest, and the ratio of Teager-Kaiser energy to power of active muscles."""
        half = len(self._kernel) // 2
        begin = max(0, row + 1 - self._rest_hops)
        whole = np.flatnonzero(self._valid_hops >= self._rest_hops)
        level = self._level[begin : row + 1]
        mean, sd = level.mean(axis=0), level.std(axis=0)
        rms = np.sqrt(self._power[begin + half : row + half + 1].mean(axis=0))
        scaled = ~np.isnan(mvc_v)
        most = np.where(scaled, TONIC_MVC * mvc_v, TONIC_OVER_REST * self._rest)
        kneeling = np.where(scaled, KNEELING_MVC * mvc_v, KNEELING_OVER_REST * self._rest)
        for k in whole:
            self._stretches[k].append((float(mean[k]), float(sd[k]), float(rms[k])))
            latest = list(self._stretches[k])
            quietest = min(latest)
            rest: tuple[float, float, float] | None = quietest
            if self.active[k] and quietest[0] > most[k]:
                # Standing or kneeling is work too, and what is done on top of it is what counts;
                # but a long hold, or the way to it, is no rest: one comes back to rest from above.
                tops = accumulate(latest, max)
                back = [own for own, top in zip(latest, tops, strict=True)
                        if own[0] <= kneeling[k] and top[0] > RISES_TO * own[0]]  # fmt: skip
                rest = min(back, default=None)
            if rest is not None:
                self._rest[k], _, self.rest_v[k] = rest
                # The quietest stretch is also the most even one by chance: how even is usual?
                usual = median(deviation / mean for mean, deviation, _ in latest)
                self._rest_sd[k] = min(usual, MOST_REST_SD) * rest[0]
        begin = max(0, row + 1 - self._step)
        energy = self._energy[begin + half : row + half + 1].sum(axis=0)
        power = self._power[begin + half : row + half + 1].sum(axis=0)
        learn = self.active & (power > 0)
        seen = np.divide(energy, power, out=self._ratio.copy(), where=learn)
        self._ratio += REST_STEP_S / RATIO_MEMORY_S * (np.maximum(seen, 0.01) - self._ratio)


def passes(
    level: Array, rest: float, over: float, rises: Sequence[int], kernel: Array
) -> float | None:
    """Return where a ramp fitted to levels passes a height over rest.

    The ramp is constant, rises linearly from one place on, and stays on a plateau after a rise of
    one of the given lengths; by least squares, relative to the level, which is what its noise is
    in proportion to.

    Parameters
    ----------
    level : ndarray, shape (n,)
    rest, over : float
    rises : sequence of int
    kernel : ndarray
        What the levels were smoothed with; the ramp is, too.

    Returns
    -------
    float or None
        In samples from the first; None if no ramp rises so high.
    """
    n = len(level)
    x, begin = np.arange(n), np.arange(4, n - 4)
    around = gaussian_filter1d(level, 6.0)
    weight = 1 / np.maximum(around, 1e-3 * around.max() + 1e-12) ** 2
    total, sum_y = weight.sum(), float((weight * level).sum())
    best, place = np.inf, None
    margin = n + len(kernel)
    after = x - begin[:, None] + n
    for rise in rises:
        course = np.clip(np.arange(-margin, margin + 1.0), 0.0, rise)
        ramp = np.convolve(course, kernel, "same")[margin - n :][after]
        weighted = ramp * weight
        sum_x, sum_xx, sum_xy = (
            weighted.sum(axis=1),
            (weighted * ramp).sum(axis=1),
            weighted @ level,
        )
        spread = total * sum_xx - sum_x**2
        slope = (total * sum_xy - sum_x * sum_y) / np.maximum(spread, 1e-30)
        start = (sum_y - slope * sum_x) / total
        higher = REST_WEIGHT * (rest - start) + over
        # Of least squares, the residual is what the regressors do not explain.
        residual = (weight * level**2).sum() - start * sum_y - slope * sum_xy
        residual[slope <= 0] = np.inf
        k = int(np.argmin(residual))
        if residual[k] < best:
            best = float(residual[k])
            goes_so_high = slope[k] * rise >= higher[k]
            place = float(begin[k] + higher[k] / slope[k]) if goes_so_high else None
    return place


def _gaussian(sd: float) -> Array:
    reach = max(1, round(REACH * sd))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd) ** 2)
    return np.asarray(kernel / kernel.sum())
