"""Speaks without making anyone wait: a worker thread, eSpeak NG's process, and a player."""

from __future__ import annotations

import importlib.util
import json
import queue
import select
import shutil
import subprocess
import sys
import threading
import wave
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.errors import InputError
from lbp_rehab.feedback.types import Output

PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"))
ANSWER_S = 5.0  # a cue takes some 10 ms; a process silent for longer is taken for dead
PLAY_S = 15.0
WAITING = 4  # cues; older ones are dropped, they would come too late
PROBE_SAMPLES = 2205  # 0.1 s of silence


@dataclass(frozen=True)
class Utterance:
    """What to say and the file that it goes to."""

    text: str
    language: str
    rate_wpm: int
    path: Path
    urgent: bool = False


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

    def write(self, utterance: Utterance) -> float:
        """Synthesise into the file and return its duration in seconds; raises InputError."""
        for _ in range(2):  # once more after a death
            try:
                process = self._running()
                assert process.stdin is not None
                request = {
                    "text": utterance.text,
                    "language": utterance.language,
                    "rate_wpm": utterance.rate_wpm,
                    "path": str(utterance.path),
                }
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                answer = self._answer(process)
            except (OSError, EOFError):
                self.close()
                continue
            if "error" in answer:
                raise InputError(str(answer["error"]))
            return float(str(answer["duration_s"]))
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


class Speaker:
    """Speaks utterances in order in a thread of its own; `say` returns at once.

    Parameters
    ----------
    folder : Path
        Where the WAV files go; created if need be.
    mute : bool
        Neither synthesise nor play.
    """

    def __init__(self, folder: Path, mute: bool = False) -> None:
        self.folder = folder
        self.mute = mute
        self.spoken = self.failed = self.skipped = 0
        self.problem = ""
        self.player: tuple[str, ...] | None = None
        self.espeak = EspeakClient()
        self._has_voice = importlib.util.find_spec("espeakng_loader") is not None
        if not self._has_voice:
            self.problem = "no voice: install espeakng-loader"
        self._queue: queue.Queue[Utterance | None] = queue.Queue()
        self._playing: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._work, name="speech", daemon=True)
        self._thread.start()

    @property
    def output(self) -> Output:
        """What will become of the next utterance."""
        if self.mute or not self._has_voice:
            return Output.TEXT_ONLY
        return Output.SPOKEN if self.player else Output.FILE

    def say(self, utterance: Utterance) -> Output:
        """Queue an utterance; an urgent one goes first and cuts off what is being said."""
        output = self.output
        if output == Output.TEXT_ONLY:
            return output
        while (utterance.urgent and not self._queue.empty()) or self._queue.qsize() >= WAITING:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
            self._queue.task_done()
            self.skipped += 1
        if utterance.urgent and (playing := self._playing) is not None:
            playing.terminate()
        self._queue.put(utterance)
        return output

    def wait(self) -> None:
        """Wait until everything queued has been said or written."""
        self._queue.join()

    def close(self) -> None:
        """Say what is being said to its end, then stop."""
        self._queue.put(None)
        self._thread.join(timeout=PLAY_S)
        self.espeak.close()

    def _work(self) -> None:
        if self._has_voice:
            self.player = self._find_player()
        while (utterance := self._queue.get()) is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self.espeak.write(utterance)
                self.spoken += 1
                self.problem = ""
                if self.player:
                    self._play(self.player, utterance.path)
            except (InputError, OSError) as error:
                self.failed += 1
                self.problem = str(error)
            finally:
                self._queue.task_done()
        self._queue.task_done()

    def _find_player(self) -> tuple[str, ...] | None:
        """Return the first player that plays a silence without complaint."""
        candidates = [p for p in PLAYERS if shutil.which(p[0])]
        if not candidates:
            return None
        silence = self.folder / "silence.wav"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with wave.open(str(silence), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(22050)
                file.writeframes(bytes(2 * PROBE_SAMPLES))
            return next((p for p in candidates if self._play(p, silence)), None)
        except OSError as error:
            self.problem = str(error)
            return None
        finally:
            silence.unlink(missing_ok=True)

    def _play(self, player: tuple[str, ...], path: Path) -> bool:
        self._playing = subprocess.Popen(
            [*player, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return self._playing.wait(timeout=PLAY_S) == 0
        except subprocess.TimeoutExpired:
            self._playing.kill()
            self._playing.wait()
            return False
        finally:
            self._playing = None
