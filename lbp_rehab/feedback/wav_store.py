"""Speaks each text only once: what a voice wrote is kept, and a voice that fails is replaced."""

from __future__ import annotations

import importlib.util
import math
import shutil
import tempfile
from pathlib import Path

from lbp_rehab.errors import InputError
from lbp_rehab.feedback.voices import CommandVoice, EspeakClient, Saying, VoiceCancelledError

KEPT = 400  # WAV files of some 80 kB each
NO_VOICE = "no voice: install espeakng-loader"
TRIES = 3  # a command that fails so often in a row is left alone until the next set


class WavStore:
    """Gives the WAV file of a saying, from what is kept, the plug-in voice, or eSpeak NG.

    Parameters
    ----------
    command : CommandVoice or None
        Goes before eSpeak NG.

    Attributes
    ----------
    problem : str
        What is wrong with a voice; empty if nothing is.
    fallbacks : int
        Sayings that eSpeak NG spoke because the command failed.
    wanted : frozenset of Saying
        The last to be thrown away.
    """

    def __init__(self, command: CommandVoice | None = None) -> None:
        self.espeak = EspeakClient()
        self.command = command
        self._has_espeak = importlib.util.find_spec("espeakng_loader") is not None
        self.problem = ""
        self.fallbacks = 0
        self.wanted: frozenset[Saying] = frozenset()
        self._failures = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._kept: dict[Saying, Path] = {}
        self._numbers: dict[Saying, int] = {}
        if not self.has_voice:
            self.problem = NO_VOICE

    @property
    def has_voice(self) -> bool:
        """Whether there is anything to speak with."""
        return self.command is not None or self._has_espeak

    def has(self, saying: Saying) -> bool:
        """Whether a saying is ready."""
        return saying in self._kept

    def prepare(self, saying: Saying) -> None:
        """Have a saying ready; raises InputError if that fails or is cancelled."""
        if self.command is None:
            self._keep(saying, self._by_espeak(saying))
        elif self._failures < TRIES:
            self._keep(saying, self._by_command(self.command, saying))

    def put(self, saying: Saying, path: Path, within_s: float) -> None:
        """Write the WAV file of a saying to a path.

        Parameters
        ----------
        within_s : float
            If the command takes longer or fails, eSpeak NG speaks.

        Raises
        ------
        InputError
            If no voice can speak it.
        OSError
            If the file cannot be written.
        """
        kept = self._kept.get(saying)
        if kept is None and self.command is not None and self._failures < TRIES:
            try:
                kept = self._by_command(self.command, saying, within_s)
                self._keep(saying, kept)
            except InputError:
                if not self._has_espeak:
                    raise
        if kept is None:
            kept = self._by_espeak(saying)
            if self.command is None:
                self._keep(saying, kept)
            else:
                self.fallbacks += 1
        shutil.copyfile(kept, path)

    def try_again(self) -> None:
        """Give a command that was left alone another chance."""
        self._failures = 0

    def cancel(self) -> None:
        """End what another thread is having spoken, if that may take long."""
        if self.command is not None:
            self.command.cancel()

    def close(self) -> None:
        """End the voices and forget what is kept."""
        self.cancel()
        self.espeak.close()
        self._kept.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _by_command(
        self, command: CommandVoice, saying: Saying, within_s: float = math.inf
    ) -> Path:
        path = self._path(saying)
        try:
            command.write(saying, path, within_s)
        except VoiceCancelledError:
            raise
        except InputError as error:
            # A saying that was not prepared has less time, which says nothing about the command.
            self._failures += math.isinf(within_s)
            self.problem = f"{error}; eSpeak NG speaks instead" if self._has_espeak else str(error)
            raise
        self._failures = 0
        self.problem = ""
        return path

    def _by_espeak(self, saying: Saying) -> Path:
        if not self._has_espeak:
            raise InputError(self.problem or NO_VOICE)
        path = self._path(saying)
        try:
            self.espeak.write(saying, path)
        except InputError as error:
            self.problem = str(error)
            raise
        if self.command is None:
            self.problem = ""
        return path

    def _path(self, saying: Saying) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lbp_rehab_voice_")
        self._numbers.setdefault(saying, len(self._numbers))
        return Path(self._folder.name) / f"{self._numbers[saying]}.wav"

    def _keep(self, saying: Saying, path: Path) -> None:
        if len(self._kept) >= KEPT:
            victim = next((s for s in self._kept if s not in self.wanted), next(iter(self._kept)))
            self._kept.pop(victim).unlink(missing_ok=True)
        self._kept[saying] = path
