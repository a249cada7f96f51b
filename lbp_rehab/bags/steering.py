"""A bag played in real time by one thread, and steered from others."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence

from lbp_rehab.bags.play import Output, Selection
from lbp_rehab.bags.playback import Due, Playback
from lbp_rehab.bags.read import BagReader
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS


class Steering:
    """Waits until a message is due, or somebody wants something else.

    Parameters
    ----------
    rate : float
        Bag seconds per real second.
    paused : bool

    Attributes
    ----------
    stopped : threading.Event
        Set by `stop`.
    """

    def __init__(self, rate: float, paused: bool) -> None:
        self._rate, self._paused = rate, paused
        self._playback: Playback | None = None
        self._changed = threading.Condition()
        self.stopped = threading.Event()

    def play(
        self, bag: BagReader, outputs: Sequence[Output], selection: Selection, *, loop: bool
    ) -> Iterator[Due]:
        """Yield each thing when it is due, to the end or until stopped.

        Raises
        ------
        InputError
            If the selected span is empty, or the bag turns out to be damaged.
        """
        with self._changed:
            now_ns = time.monotonic_ns()
            self._playback = playback = Playback(
                bag, outputs, selection, now_ns, rate=self._rate, paused=self._paused
            )
        while (due := self._next(playback, loop)) is not None:
            yield due

    def _next(self, playback: Playback, loop: bool) -> Due | None:
        with self._changed:
            while not self.stopped.is_set():
                now_ns = time.monotonic_ns()
                if (due := playback.next(now_ns)) is not None:
                    return due
                if not playback.over(now_ns):
                    wait_ns = playback.wait_ns(now_ns)
                    self._changed.wait(None if wait_ns is None else wait_ns / NANOSECONDS)
                elif loop:
                    playback.restart()
                else:
                    break
        return None

    def set(self, rate: float, paused: bool) -> None:
        """Go on at another rate, stand still, or go on."""
        with self._changed:
            self._rate, self._paused = rate, paused
            if self._playback is not None:
                self._playback.set(time.monotonic_ns(), rate, paused)
            self._changed.notify()

    def step(self) -> None:
        """Let the next message out.

        Raises
        ------
        InputError
            Unless paused.
        """
        with self._changed:
            if not self._paused or self._playback is None:
                raise InputError("one message at a time is played only while paused")
            self._playback.step()
            self._changed.notify()

    def jump(self, to_s: float) -> None:
        """Go on from another second after the bag's first message.

        Raises
        ------
        InputError
            If it is no number, or playing has not begun.
        """
        with self._changed:
            if not math.isfinite(to_s):
                raise InputError(f"there is no second {to_s} in the bag")
            if self._playback is None:
                raise InputError("playing has not begun")
            self._playback.jump(to_s)
            self._changed.notify()

    def stop(self) -> None:
        """Play no more."""
        self.stopped.set()
        with self._changed:
            self._changed.notify()

    def place_s(self) -> float | None:
        """Return how far playing has come; None before it has begun."""
        with self._changed:
            return self._playback.place_s(time.monotonic_ns()) if self._playback else None
