"""Single keys of the terminal, told as they are pressed."""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from enum import Enum

STDIN = 0


class Key(Enum):
    """A key, by what terminals send for it."""

    SPACE = (b" ",)
    UP = (b"\x1b[A", b"\x1bOA")
    DOWN = (b"\x1b[B", b"\x1bOB")
    RIGHT = (b"\x1b[C", b"\x1bOC")


class Keys:
    """Tells each key that is pressed, from a thread of its own, until it is closed.

    Where the input is no terminal, or another program's just now, it does nothing.

    Parameters
    ----------
    pressed : callable
        Takes a `Key`.
    stream : int
        File descriptor of the terminal.

    Attributes
    ----------
    on : bool
        Whether keys are heard.
    """

    def __init__(self, pressed: Callable[[Key], None], stream: int = STDIN) -> None:
        self._pressed = pressed
        self._stream = stream
        self.on = _is_ours(self._stream)
        if not self.on:
            return
        self._woken, self._wake = os.pipe()
        self._before = termios.tcgetattr(self._stream)
        # Key by key and unseen; Ctrl-C stays a signal.
        tty.setcbreak(self._stream, termios.TCSANOW)
        self._thread = threading.Thread(target=self._read, name="keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear no more keys, and leave the terminal as it was."""
        if not self.on:
            return
        self.on = False
        if _is_ours(self._stream):  # else whoever has it now set it as they want it
            termios.tcsetattr(self._stream, termios.TCSANOW, self._before)
        os.write(self._wake, b"x")
        self._thread.join(timeout=1.0)

    def _read(self) -> None:
        while self.on:
            ready, _, _ = select.select([self._stream, self._woken], [], [])
            if self._woken in ready:
                return
            try:
                sent = os.read(self._stream, 64)
            except OSError:  # the terminal was closed
                return
            if not sent:
                return
            for key in parse(sent):
                self._pressed(key)


def parse(sent: bytes) -> list[Key]:
    """Return the keys in what a terminal sent; others are passed over."""
    keys = []
    while sent:
        found = next(((k, c) for k in Key for c in k.value if sent.startswith(c)), None)
        if found is not None:
            keys.append(found[0])
        sent = sent[len(found[1]) if found else 1 :]
    return keys


def _is_ours(stream: int) -> bool:
    """Whether a terminal is there, and this process in its foreground.

    To set or read it from the background would stop the process.
    """
    try:
        return os.isatty(stream) and os.tcgetpgrp(stream) == os.getpgrp()
    except OSError:
        return False
