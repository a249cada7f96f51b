"""Plays WAV files with a program of the system."""

from __future__ import annotations

import shutil
import subprocess
import threading
import wave
from collections.abc import Callable
from pathlib import Path

PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"))
PLAY_S = 15.0  # longer than any cue: the sound device hangs
PROBE_SAMPLES = 2205  # 0.1 s of silence
PROBE_RATE_HZ = 22050


class Player:
    """Plays one file at a time; another thread may cut it off.

    Attributes
    ----------
    program : tuple of str
        Command before the file; empty until `find` has found one.
    """

    def __init__(self) -> None:
        self.program: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._playing: subprocess.Popen[bytes] | None = None
        self._cut_off = False

    def find(self, folder: Path) -> None:
        """Take the first player that plays a silence without complaint; raises OSError."""
        candidates = [p for p in PLAYERS if shutil.which(p[0])]
        if not candidates:
            return
        silence = folder / "silence.wav"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with wave.open(str(silence), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(PROBE_RATE_HZ)
                file.writeframes(bytes(2 * PROBE_SAMPLES))
            for candidate in candidates:
                self.program = candidate
                if self.play(silence):
                    return
            self.program = ()
        finally:
            silence.unlink(missing_ok=True)

    def play(
        self,
        path: Path,
        wanted: Callable[[], bool] = lambda: True,
        started: Callable[[], None] = lambda: None,
    ) -> bool:
        """Play a file to its end; return whether that went well, or was cut off on purpose.

        Parameters
        ----------
        wanted : callable
            Asked under the lock of `stop`, so that a `stop` before it cannot be missed.
        started : callable
            Called when the player runs.
        """
        with self._lock:
            if not wanted():
                return True
            self._cut_off = False
            process = self._playing = subprocess.Popen(
                [*self.program, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        started()
        try:
            ended_well = process.wait(timeout=PLAY_S) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            ended_well = False
        with self._lock:
            self._playing = None
            return ended_well or self._cut_off

    def stop(self, forget: Callable[[], None] = lambda: None) -> None:
        """Cut off what is being played; `forget` makes what comes next unwanted."""
        with self._lock:
            forget()
            if self._playing is not None:
                self._cut_off = True
                self._playing.terminate()
