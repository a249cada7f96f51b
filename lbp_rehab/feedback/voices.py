"""Voices that write a text into a WAV file, each in a process of its own."""

from __future__ import annotations

import json
import math
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import wave
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.errors import InputError

ANSWER_S = 5.0  # eSpeak takes some 10 ms; a process silent for longer is taken for dead
WAV_FIELD, TEXT_FIELD = "{wav}", "{text}"


class VoiceCancelledError(InputError):
    """A voice was told to end before it was done."""


@dataclass(frozen=True)
class Saying:
    """A text as a voice needs it; the same saying sounds the same."""

    text: str
    language: str
    rate_wpm: int


class EspeakClient:
    """The process of `lbp_rehab.feedback.espeak_process`; started again when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Process id, or None if it does not run."""
        alive = self._process is not None and self._process.poll() is None
        return self._process.pid if alive and self._process else None

    def write(self, saying: Saying, path: Path) -> None:
        """Speak into a WAV file; raises InputError."""
        request = {
            "text": saying.text,
            "language": saying.language,
            "rate_wpm": saying.rate_wpm,
            "path": str(path),
        }
        for _ in range(2):  # once more after a death
            try:
                process = self._running()
                assert process.stdin is not None
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                answer = self._answer(process)
            except (OSError, EOFError):
                self.close()
                continue
            if "error" in answer:
                raise InputError(str(answer["error"]))
            return
        raise InputError("the speech process died twice; see that espeakng-loader works")

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not yet written to a dead process is lost anyway
                    continue

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self.starts += 1
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lbp_rehab.feedback.espeak_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
            ready = self._answer(self._process)
            if "error" in ready:
                raise InputError(str(ready["error"]))
        return self._process

    @staticmethod
    def _answer(process: subprocess.Popen[str]) -> dict[str, object]:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], ANSWER_S)[0]:
            raise EOFError
        line = process.stdout.readline()
        if not line:
            raise EOFError
        answer: dict[str, object] = json.loads(line)
        return answer


class CommandVoice:
    """A voice that somebody else wrote: one run of a command for each text, without a shell.

    Parameters
    ----------
    command : str
        Split as a shell would. ``{wav}`` stands for the file to write, ``{text}``, ``{language}``
        and ``{rate}`` (words/min) for what to say; without ``{text}`` the text comes on stdin.
    timeout_s : float
        A run that takes longer is killed, with the processes that it has started.

    Raises
    ------
    InputError
        If the command cannot be split or does not hold ``{wav}``.
    """

    def __init__(self, command: str, timeout_s: float) -> None:
        try:
            self._argv = shlex.split(command)
        except ValueError as error:
            raise InputError(f"parameter 'voice_command' cannot be split: {error}") from error
        if not any(WAV_FIELD in part for part in self._argv):
            raise InputError(
                "parameter 'voice_command' must hold {wav}, the file to write, "
                "as in: piper --model voice.onnx --output_file {wav}"
            )
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def write(self, saying: Saying, path: Path, within_s: float = math.inf) -> None:
        """Speak into a WAV file; raises InputError, and `VoiceCancelledError` after `cancel`."""
        path.unlink(missing_ok=True)
        name = self._argv[0]
        limit_s = min(within_s, self._timeout_s)
        with self._lock:
            self._cancelled = False
            try:
                process = self._process = subprocess.Popen(
                    self._filled(saying, path),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # so that its children can be ended with it
                )
            except OSError as error:
                raise InputError(f"voice_command cannot start: {error}") from error
        given = b"" if self._takes_text() else f"{saying.text}\n".encode()
        try:
            _, complaint = process.communicate(given, timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"voice_command {name} took over {limit_s:g} s") from error
        finally:
            self._end(process)
        if self._cancelled:
            raise VoiceCancelledError(f"voice_command {name} was cancelled")
        if process.returncode != 0:
            last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            raise InputError(f"voice_command {name} ended with {process.returncode}: {last[:200]}")
        _check(path, name)

    def cancel(self) -> None:
        """Kill the run of another thread."""
        with self._lock:
            if self._process is not None:
                self._cancelled = True
                _kill(self._process)

    def _takes_text(self) -> bool:
        return any(TEXT_FIELD in part for part in self._argv)

    def _filled(self, saying: Saying, path: Path) -> list[str]:
        fields = {
            WAV_FIELD: str(path),
            "{language}": saying.language,
            "{rate}": str(saying.rate_wpm),
            TEXT_FIELD: saying.text,  # last: it may hold anything
        }
        parts = list(self._argv)
        for field, value in fields.items():
            parts = [part.replace(field, value) for part in parts]
        return parts

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = None
            if process.returncode is not None:
                return
            _kill(process)
        process.communicate()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started; they are in a session of their own."""
    if process.poll() is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _check(path: Path, name: str) -> None:
    """Raise InputError unless the file is a WAV that holds sound."""
    try:
        with wave.open(str(path)) as file:
            if file.getnframes() > 0:
                return
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(f"voice_command {name} wrote no WAV file: {error}") from error
    raise InputError(f"voice_command {name} wrote an empty WAV file")
