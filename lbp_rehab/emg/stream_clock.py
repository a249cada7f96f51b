"""When samples were taken, from the stamps of a source, their number and when they arrived.

Three things are seen of each batch: the stamps, the count of samples and the arrival. A clock that
was set moves the stamps against both others; lost samples move stamps and arrival against the
count; a late burst moves the arrival alone; a drift moves the stamps slowly against the arrival.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.clock import RATE_TOLERANCE, SampleClock, TransitFloor
from lbp_rehab.emg.clock_events import Event, Jump, OtherRate, OwnEpoch

WARM_UP_S = 1.0  # the first samples wait for so long, until rate and transit are known
HOLD_S = 1.0  # samples after a step of the stamps wait at most so long for its cause
# A step of the stamps is what exceeds six times their jitter, within these limits.
STEP_SD = 6.0
LEAST_STEP_S, LARGEST_STEP_S = 0.003, 0.1
# A step of the arrivals is told from lateness to this; schedulers are late by a few milliseconds.
TOLERANCE_S = 0.005
PROMPT_S = 0.003  # an arrival this close to the floor is prompt
PROMPT_MEMORY = 50  # arrivals
ALL_LATE = 1e-3  # accepted chance that every arrival after a step was late
REFERENCE_S = 30.0  # the transit at the start is improved for so long
SLEW_S = 1.0  # time constant with which a better estimate of the drift takes effect
# The stamps at the start are believed if they lie in this range before their arrival.
LEAST_TRANSIT_S, LARGEST_TRANSIT_S = -0.005, 1.0


@dataclass(frozen=True)
class Run:
    """Consecutive samples and their true time.

    Attributes
    ----------
    first_s : float
        Of the first sample, on the clock of the arrivals.
    n : int
        Samples; the next of those that were handed in.
    lost : int
        Samples missing before them.
    rate_hz : float
        True rate on the clock of the arrivals.
    sigma_s : float
        1-sigma of ``first_s``.
    """

    first_s: float
    n: int
    lost: int
    rate_hz: float
    sigma_s: float


@dataclass(frozen=True)
class _Part:
    """Samples without a step between them: stamps of the mean and the last, and the arrival."""

    n: int
    mean_s: float
    last_s: float
    arrival_s: float
    interrupted: bool
    missing: int

    @property
    def transit_s(self) -> float:
        return self.arrival_s - self.last_s


class StreamClock:
    """Times of samples within 2 ms, whatever the source's clock does.

    The transit at the start is kept: the stamps then are what the source says they are, and only
    what its clock does later is taken out. Stamps that are absurd at the start (later than their
    arrival or more than a second before) are not believed: the arrival counts, less no transit.

    Parameters
    ----------
    nominal_rate_hz : float
        What the source says.
    """

    def __init__(self, nominal_rate_hz: float) -> None:
        self._nominal_hz = nominal_rate_hz
        self._clock = SampleClock(nominal_rate_hz)
        self._floor = TransitFloor()
        self._waiting: deque[_Part] = deque()
        self._warm = False
        self._start_s = math.nan  # arrival of the first samples
        self._reference_s = math.nan  # transit at the start
        self._believed = True
        self._jumped_s = 0.0  # sum of all jumps
        self._correction_s = 0.0  # from stamps to times
        self._jitter2 = 0.0
        self._prompt = 0.5  # share of arrivals near the floor
        self._rate_told = False
        self._events: list[Event] = []

    def update(
        self,
        stamps_s: NDArray[np.float64],
        arrival_s: float,
        interrupted: bool = False,
        missing: int = 0,
    ) -> list[Run]:
        """Take the next samples.

        Parameters
        ----------
        stamps_s : ndarray, shape (n,)
            Of each sample, on the source's clock.
        arrival_s : float
            When they were received, on our clock; must not go back.
        interrupted : bool
            Whether the stream was broken off before them.
        missing : int
            Samples known to be lost before them, for instance by the device's own counter.

        Returns
        -------
        list of Run
            In the order of the samples; empty while they wait. Each is a piece of a batch.
        """
        runs: list[Run] = []
        for part in self._parts(stamps_s, arrival_s, interrupted, missing):
            runs += self._take(part)
        return runs

    def poll(self, now_s: float) -> list[Run]:
        """Return samples that have waited long enough, when no others come."""
        if not self._waiting:
            return []
        if not self._warm:
            return self._warmed_up(now_s)
        return self._decide(now_s)

    def events(self) -> tuple[Event, ...]:
        """Return what happened since the last call."""
        events, self._events = tuple(self._events), []
        return events

    def _parts(
        self, stamps_s: NDArray[np.float64], arrival_s: float, interrupted: bool, missing: int
    ) -> Iterator[_Part]:
        unlike = np.abs(np.diff(stamps_s) - self._clock.period_s) > self._step_s
        ends = [*(np.flatnonzero(unlike) + 1).tolist(), len(stamps_s)]
        begin = 0
        for end in ends:
            piece = stamps_s[begin:end]
            first = begin == 0
            yield _Part(
                len(piece),
                float(piece.mean()),
                float(piece[-1]),
                arrival_s,
                interrupted and first,
                missing if first else 0,
            )
            begin = end

    @property
    def _step_s(self) -> float:
        step = STEP_SD * math.sqrt(self._jitter2)
        return min(max(step, LEAST_STEP_S), LARGEST_STEP_S)

    def _take(self, part: _Part) -> list[Run]:
        if self._waiting or not self._warm:
            self._waiting.append(part)
            return self.poll(part.arrival_s)
        if part.interrupted or abs(self._residual(part)) > self._step_s:
            self._waiting.append(part)
            return self._decide(part.arrival_s)
        return [self._release(part)]

    def _residual(self, part: _Part, ahead: int = 0) -> float:
        """Return how much later than counted a part's stamps are, after ``ahead`` samples."""
        counted = (part.missing + ahead) * self._clock.period_s
        return part.mean_s - self._clock.mean_of_next_s(part.n) - counted

    def _warmed_up(self, now_s: float) -> list[Run]:
        parts = list(self._waiting)
        if now_s - parts[0].arrival_s < WARM_UP_S:
            return []
        self._warm, self._start_s = True, parts[0].arrival_s
        self._look_at_rate(parts)
        lowest = min(part.transit_s for part in parts)
        self._prompt = sum(p.transit_s < lowest + PROMPT_S for p in parts) / len(parts)
        self._floor.add(parts[0].arrival_s, lowest)
        if not LEAST_TRANSIT_S <= lowest <= LARGEST_TRANSIT_S:
            self._believed, self._reference_s = False, 0.0
            self._correction_s = lowest
            self._events.append(OwnEpoch(lowest))
        self._waiting.clear()
        runs: list[Run] = []
        for part in parts:
            runs += self._take(part)
        return runs

    def _look_at_rate(self, parts: list[_Part]) -> None:
        """Find a rate that is not the stated one, and the jitter of the stamps."""
        count = np.cumsum([part.missing + part.n for part in parts])
        last = np.array([part.last_s for part in parts])
        lag = len(parts) // 4
        if lag < 2:
            return
        # As Theil and Sen do (Sen 1968), over a lag that a loss or a stall spoils few pairs of.
        period = float(np.median((last[lag:] - last[:-lag]) / (count[lag:] - count[:-lag])))
        if period > 0 and abs(1 / period / self._nominal_hz - 1) > RATE_TOLERANCE:
            self._clock = SampleClock(1 / period)
            self._tell_rate(1 / period)
        off = last - count * self._clock.period_s
        self._jitter2 = float(1.4826 * np.median(np.abs(off - np.median(off)))) ** 2

    def _tell_rate(self, rate_hz: float) -> None:
        if not self._rate_told:
            self._rate_told = True
            self._events.append(OtherRate(rate_hz))

    def _decide(self, now_s: float) -> list[Run]:
        """Find the cause of a step once it is sure enough, and let the samples go."""
        parts = list(self._waiting)
        waited_s = now_s - parts[0].arrival_s
        arrivals = len({part.arrival_s for part in parts})
        enough = math.log(ALL_LATE) / math.log(1 - min(max(self._prompt, 0.01), 0.99))
        sure = arrivals > enough or waited_s >= HOLD_S
        # The clock was set by at least this: an arrival can be late but not early.
        least_s = self._floor.at(now_s) - min(part.transit_s for part in parts)
        if parts[0].interrupted:
            jumped = abs(least_s) > TOLERANCE_S  # how far, only arrivals can tell
            if not sure or (jumped and waited_s < HOLD_S):
                return []
            return self._after_break(parts, least_s if jumped else 0.0)
        ahead = np.cumsum([0, *(part.missing + part.n for part in parts)]).tolist()
        steps = [self._residual(p, a) for p, a in zip(parts, ahead[:-1], strict=True)]
        if abs(steps[-1]) <= self._step_s:
            return self._after_late_stamps(parts)
        step_s = float(np.median([s for s in steps if abs(s - steps[-1]) <= self._step_s]))
        tolerance_s = min(TOLERANCE_S, abs(step_s) / 3)
        if least_s >= step_s - tolerance_s:
            return self._after_step(parts, step_s)
        if abs(least_s) <= tolerance_s:
            return self._after_step(parts, 0.0) if sure else []
        if waited_s < HOLD_S:
            return []
        missing = round((step_s - least_s) / self._clock.period_s)
        runs = self._after_step(parts, step_s - missing * self._clock.period_s)
        self._forget()  # how far the clock jumped is known from few arrivals only
        return runs

    def _after_late_stamps(self, parts: list[_Part]) -> list[Run]:
        """Go on after stamps that were late for a moment."""
        self._waiting.clear()
        return [self._release(part) for part in parts]

    def _after_break(self, parts: list[_Part], jump_s: float) -> list[Run]:
        if jump_s:
            self._set_back(jump_s)
            self._forget()
        return self._let_go(parts)

    def _after_step(self, parts: list[_Part], jump_s: float) -> list[Run]:
        if jump_s:
            self._set_back(jump_s)
        # What is left of the step are lost samples, unless it is less than half a period.
        lost = self._residual(parts[0]) > self._clock.period_s / 2
        return self._let_go([replace(parts[0], interrupted=lost), *parts[1:]])

    def _let_go(self, parts: list[_Part]) -> list[Run]:
        self._waiting.clear()
        runs = [self._release(parts[0])]
        for part in parts[1:]:
            runs += self._take(part)
        return runs

    def _set_back(self, jump_s: float) -> None:
        self._clock.shift(jump_s)
        self._floor.shift(-jump_s)
        self._correction_s -= jump_s
        self._jumped_s += jump_s
        self._events.append(Jump(jump_s))

    def _forget(self) -> None:
        """Find the least transit anew, and keep that at the start as it is."""
        self._start_s = -math.inf
        self._floor.restart()

    def _release(self, part: _Part) -> Run:
        """Time the samples of a part, and learn from them."""
        residual = self._residual(part)
        late = not part.interrupted and abs(residual) > self._step_s
        self._clock.shift(part.missing * self._clock.period_s)
        mean_s = self._clock.mean_of_next_s(part.n) if late else part.mean_s
        first_s, lost = self._clock.update(mean_s, part.n, part.interrupted)
        if not part.interrupted and not math.isnan(residual):
            # A step that was none still says how far the stamps can be off.
            weight = min(1.0, part.n * self._clock.period_s / WARM_UP_S)
            self._jitter2 += weight * (min(residual**2, LARGEST_STEP_S**2) - self._jitter2)
        self._follow(part)
        period_s = self._clock.period_s * (1 + self._floor.slope)
        rate_hz = 1 / period_s
        if abs(rate_hz / self._nominal_hz - 1) > RATE_TOLERANCE:
            self._tell_rate(rate_hz)
        sigma_s = math.hypot(self._clock.sigma_s, self._floor.sigma_s)
        first_s += self._correction_s
        return Run(first_s, part.n, part.missing + lost, rate_hz, sigma_s)

    def _follow(self, part: _Part) -> None:
        """Follow the drift by the floor of the transit."""
        arrival_s, floor = part.arrival_s, self._floor
        floor.add(arrival_s, part.transit_s)
        prompt = part.transit_s - floor.at(arrival_s) < PROMPT_S
        self._prompt += (prompt - self._prompt) / PROMPT_MEMORY
        if self._believed and (
            arrival_s - self._start_s < REFERENCE_S or math.isnan(self._reference_s)
        ):
            self._reference_s = floor.at(self._start_s) + self._jumped_s
        wanted_s = floor.at(arrival_s) - self._reference_s
        elapsed_s = part.n * self._clock.period_s
        share = 1 - math.exp(-elapsed_s / SLEW_S)
        self._correction_s += floor.slope * elapsed_s
        self._correction_s += share * (wanted_s - self._correction_s)
