"""Speaks without making anyone wait: a worker thread between the node, the voice and the player."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lbp_rehab.errors import InputError
from lbp_rehab.feedback.players import PLAY_S, Player
from lbp_rehab.feedback.types import Output
from lbp_rehab.feedback.voices import CommandVoice, Saying, VoiceCancelledError
from lbp_rehab.feedback.wav_store import WavStore


@dataclass(frozen=True)
class Utterance:
    """What to say and the file that it goes to; an urgent one cuts off what is being said."""

    saying: Saying
    path: Path
    urgent: bool = False


@dataclass(frozen=True)
class _Job:
    utterance: Utterance
    asked_s: float
    turn: int  # an urgent utterance begins a new turn; what is left of the old one is not played


class Speaker:
    """Speaks utterances in a thread of its own; `say` and `prepare` return at once.

    While there is nothing to say, it has texts spoken into files that are likely to be said, so
    that the sound of a cue begins at once.

    Parameters
    ----------
    folder : Path
        Where the WAV files go; created if need be.
    mute : bool
        Neither synthesise nor play.
    command : CommandVoice, optional
        Another voice than eSpeak NG, which goes on if that one fails.
    max_wait_s : float
        An utterance that has waited longer for its turn or its voice is written, but not played.

    Attributes
    ----------
    spoken, failed, skipped, late : int
        Written, could not be written, dropped for a newer one, written too late to be played.
    delay_s : float
        From `say` to the running player, of the latest utterance; 0 before the first.
    """

    def __init__(
        self,
        folder: Path,
        mute: bool = False,
        command: CommandVoice | None = None,
        max_wait_s: float = 1.5,
    ) -> None:
        self.folder = folder
        self.mute = mute
        self.spoken = self.failed = self.skipped = self.late = 0
        self.delay_s = 0.0
        self.store = WavStore(command)
        self.player = Player()
        self._max_wait_s = max_wait_s
        self._file_problem = ""
        self._changed = threading.Condition()
        self._waiting: _Job | None = None
        self._rehearsal: deque[Saying] = deque()
        self._working = self._preparing = self._closing = False
        self._ready = False
        self._turn = 0
        self._thread = threading.Thread(target=self._work, name="speech", daemon=True)
        self._thread.start()

    @property
    def output(self) -> Output:
        """What will become of the next utterance."""
        if self.mute or not self.store.has_voice:
            return Output.TEXT_ONLY
        return Output.SPOKEN if self.player.program and self._ready else Output.FILE

    @property
    def problem(self) -> str:
        """What is in the way of speaking; empty if nothing is."""
        return self._file_problem or self.store.problem

    def values(self) -> dict[str, str]:
        """Return what ``/diagnostics`` tells of the voice."""
        return {
            "output": self.output.name.lower(),
            "player": self.player.program[0] if self.player.program else "none",
            "spoken": str(self.spoken),
            "failed": str(self.failed),
            "skipped": str(self.skipped),
            "played_too_late": str(self.late),
            "start_delay_ms": f"{1000 * self.delay_s:.0f}",
            "voice_starts": str(self.store.espeak.starts),
            "voice_fallbacks": str(self.store.fallbacks),
        }

    def say(self, utterance: Utterance) -> Output:
        """Have an utterance said next, in place of one that still waits."""
        output = self.output
        if output == Output.TEXT_ONLY:
            return output
        with self._changed:
            self.skipped += self._waiting is not None
            if utterance.urgent:
                self.player.stop(forget=self._begin_turn)
            if self._preparing or utterance.urgent:
                self.store.cancel()
            self._waiting = _Job(utterance, time.monotonic(), self._turn)
            self._changed.notify_all()
        return output

    def prepare(self, sayings: Iterable[Saying]) -> None:
        """Have these spoken into files when there is time, in place of those given before."""
        with self._changed:
            self._rehearsal = deque(sayings)
            self.store.wanted = frozenset(self._rehearsal)
            self.store.try_again()
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until what was asked for has been said or written."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is None and not self._working)

    def wait_prepared(self) -> None:
        """Wait until there is nothing left to do."""
        with self._changed:
            self._changed.wait_for(
                lambda: not (self._waiting or self._working or self._preparing or self._rehearsal)
            )

    def close(self) -> None:
        """Say what was asked for to its end, then stop."""
        with self._changed:
            self._closing = True
            if self._preparing:
                self.store.cancel()
            self._changed.notify_all()
        self._thread.join(timeout=PLAY_S)
        self.store.close()

    def _begin_turn(self) -> None:
        self._turn += 1

    def _work(self) -> None:
        if self.store.has_voice:
            try:
                self.player.find(self.folder)
            except OSError as error:
                self._file_problem = str(error)
        self._ready = True
        while True:
            with self._changed:
                self._working = self._preparing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._closing or self._can_prepare)
                job, self._waiting = self._waiting, None
                if job is not None:
                    self._working = True
                elif self._closing:
                    return
                else:
                    self._preparing = True
                    saying = self._rehearsal.popleft()
            if job is not None:
                self._speak(job)
            else:
                self._prepare(saying)

    @property
    def _can_prepare(self) -> bool:
        return bool(self._rehearsal) and not self.mute

    def _prepare(self, saying: Saying) -> None:
        try:
            if not self.store.has(saying):
                self.store.prepare(saying)
        except VoiceCancelledError:
            with self._changed:
                self._rehearsal.append(saying)
        except (InputError, OSError):
            return  # `problem` tells; when it is to be said it is tried once more

    def _speak(self, job: _Job) -> None:
        utterance = job.utterance
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.store.put(utterance.saying, utterance.path, self._max_wait_s / 2)
            self.spoken += 1
            self._file_problem = ""
            if self.player.program:
                self._play(job)
        except (InputError, OSError) as error:
            self.failed += 1
            self._file_problem = str(error)

    def _play(self, job: _Job) -> None:
        if not job.utterance.urgent and time.monotonic() - job.asked_s > self._max_wait_s:
            self.late += 1
            return

        def started() -> None:
            self.delay_s = time.monotonic() - job.asked_s

        path = job.utterance.path
        if not self.player.play(path, lambda: job.turn == self._turn, started):
            self._file_problem = f"the player {self.player.program[0]} failed"
