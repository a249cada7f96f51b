"""The clocks of devices: what stamps they give to true times, and what they lose on the way.

All times are integer nanoseconds and the arithmetic on them is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

_BILLION = 1_000_000_000
_BLOCK = 1024  # items whose jitter is drawn together


@dataclass(frozen=True)
class Jump:
    """A clock that is set at a true time, forwards (positive) or backwards."""

    at_ns: int
    by_ns: int


@dataclass(frozen=True)
class Dropout:
    """Everything between two true times is lost."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class ClockSettings:
    """A device's clock and its link; the default is perfect.

    Attributes
    ----------
    offset_ns : int
        Of the device's clock at the true time ``origin_ns``.
    origin_ns : int
    drift_ppb : int
        How much too fast the clock runs, in parts per billion (1000 is 1 ppm).
    jumps : tuple of Jump
    jitter_ns : int
        1-sigma of a stamp.
    late_probability, late_ns : float, int
        How often an item arrives late, and by how much on average (exponentially distributed).
    drop_probability : float
        How often a single item is lost.
    dropouts : tuple of Dropout
    """

    offset_ns: int = 0
    origin_ns: int = 0
    drift_ppb: int = 0
    jumps: tuple[Jump, ...] = ()
    jitter_ns: int = 0
    late_probability: float = 0.0
    late_ns: int = 0
    drop_probability: float = 0.0
    dropouts: tuple[Dropout, ...] = ()

    def __post_init__(self) -> None:
        if abs(self.drift_ppb) >= _BILLION // 10:
            raise InputError(f"a clock's drift of {self.drift_ppb} ppb is too much: stay below 1e8")
        for name in ("late_probability", "drop_probability"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"{name} is {getattr(self, name)} and must lie between 0 and 1")
        if min(self.jitter_ns, self.late_ns) < 0:
            raise InputError("jitter_ns and late_ns of a clock must not be negative")
        for dropout in self.dropouts:
            if dropout.end_ns < dropout.start_ns:
                raise InputError(f"the dropout {dropout} ends before it starts")


@dataclass(frozen=True)
class Stamped:
    """What a device says of one item, and the truth.

    Attributes
    ----------
    index : int
    true_ns : int
        When it happened.
    stamp_ns : int
        The device's stamp.
    arrival_ns : int
        When it arrives, true time; never before the item ahead of it.
    lost : bool
    """

    index: int
    true_ns: int
    stamp_ns: int
    arrival_ns: int
    lost: bool


class Clock:
    """Maps true times to a device's stamps.

    Parameters
    ----------
    settings : ClockSettings
    seed : int
        Of jitter, lateness and single losses; what an item gets depends on its index alone.
    device : int
        Devices with different numbers are independent.
    """

    def __init__(self, settings: ClockSettings, seed: int = 0, device: int = 0) -> None:
        self.settings = settings
        self._seed = [seed, device, 41]
        self._block = -1
        self._normal: NDArray[np.float64] = np.zeros(0)
        self._chance: NDArray[np.float64] = np.zeros(0)

    def read_ns(self, true_ns: int) -> int:
        """Return what the clock shows at a true time, without jitter."""
        s = self.settings
        elapsed = true_ns - s.origin_ns
        jumped = sum(jump.by_ns for jump in s.jumps if true_ns >= jump.at_ns)
        return true_ns + s.offset_ns + _rounded(elapsed * s.drift_ppb, _BILLION) + jumped

    def true_ns(self, shown_ns: int) -> tuple[int, ...]:
        """Return when the clock shows a time: once, twice (set back), or never (set forwards)."""
        s = self.settings
        edges = sorted(jump.at_ns for jump in s.jumps)
        found = []
        for start, end in zip([None, *edges], [*edges, None], strict=True):
            jumped = sum(j.by_ns for j in s.jumps if start is not None and j.at_ns <= start)
            rest = shown_ns - s.offset_ns - jumped - s.origin_ns
            guess = s.origin_ns + _rounded(rest * _BILLION, _BILLION + s.drift_ppb)
            inside = (start is None or guess >= start) and (end is None or guess < end)
            if inside:
                found.append(guess)
        return tuple(found)

    def stamp(self, index: int, true_ns: int, transfer_ns: int = 0) -> Stamped:
        """Return what happens to one item.

        Parameters
        ----------
        index : int
            Of the item, from 0.
        true_ns : int
            When it happens.
        transfer_ns : int
            How long it takes to arrive when it is not late.
        """
        s = self.settings
        normal, late, delay, drop = self._draw(index)
        stamp = self.read_ns(true_ns) + round(s.jitter_ns * normal)
        arrival = true_ns + transfer_ns
        if late < s.late_probability:
            arrival += round(-s.late_ns * math.log1p(-delay))
        lost = drop < s.drop_probability or any(
            d.start_ns <= true_ns < d.end_ns for d in s.dropouts
        )
        return Stamped(index, true_ns, stamp, arrival, lost)

    def frames(
        self, rate_hz: float, n: int, start_ns: int = 0, transfer_ns: int = 0
    ) -> Iterator[Stamped]:
        """Yield the frames of a camera in order, the lost ones too.

        Raises
        ------
        InputError
            If the rate is not positive.
        """
        if not rate_hz > 0:
            raise InputError(f"a camera's rate of {rate_hz} Hz must be positive")
        last = None
        for index in range(n):
            true_ns = start_ns + round(index * NANOSECONDS / rate_hz)
            frame = self.stamp(index, true_ns, transfer_ns)
            if not frame.lost:
                arrival = frame.arrival_ns if last is None else max(last, frame.arrival_ns)
                frame, last = replace(frame, arrival_ns=arrival), arrival
            yield frame

    def deliver(self, chunks: Iterable[EmgChunk]) -> Iterator[tuple[EmgChunk, Stamped]]:
        """Yield the chunks that get through, as the device stamps them, each with the truth.

        The stamps of the chunks that come in are true times. Lost chunks are counted in
        ``lost_before`` of the next one; the truth of a chunk is of its first sample.
        """
        s = self.settings
        lost, last = 0, None
        for index, chunk in enumerate(chunks):
            item = self.stamp(index, chunk.stamp_ns, chunk.end_ns - chunk.stamp_ns)
            if item.lost:
                lost += chunk.lost_before + len(chunk.data)
                continue
            arrival = item.arrival_ns if last is None else max(last, item.arrival_ns)
            item, last = replace(item, arrival_ns=arrival), arrival
            yield (
                replace(
                    chunk,
                    stamp_ns=item.stamp_ns,
                    rate_hz=chunk.rate_hz / (1.0 + s.drift_ppb / _BILLION),
                    lost_before=chunk.lost_before + lost,
                    stamp_sigma_s=math.hypot(chunk.stamp_sigma_s, s.jitter_ns / NANOSECONDS),
                ),
                item,
            )
            lost = 0

    def _draw(self, index: int) -> tuple[float, float, float, float]:
        """Return the item's random numbers: normal, and three between 0 and 1."""
        block, place = divmod(index, _BLOCK)
        if block != self._block:
            rng = np.random.default_rng([*self._seed, block])
            self._block = block
            self._normal, self._chance = rng.standard_normal(_BLOCK), rng.uniform(size=(_BLOCK, 3))
        late, delay, drop = self._chance[place]
        return float(self._normal[place]), float(late), float(delay), float(drop)


def _rounded(numerator: int, denominator: int) -> int:
    """Return the quotient of integers, rounded half up, exactly."""
    return (2 * numerator + denominator) // (2 * denominator)
