import sys
import threading
import wave

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.feedback import players
from lbp_rehab.feedback.voices import Saying

WAV_WRITER = """
import sys, wave
with wave.open(sys.argv[1], "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
    file.writeframes(bytes(range(256)) * 40)
"""


def saying(text="Keep your pelvis level", language="en"):
    return Saying(text, language, 150)


def until(condition):
    """Wait for a condition, at most half a minute."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("the condition was not met in time")


def samples(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest.fixture
def silent(monkeypatch):
    """A machine without a sound device."""
    monkeypatch.setattr(players, "PLAYERS", ())


@pytest.fixture
def plug_in(tmp_path):
    """Write a program that may be a voice, and return its command; its body sees sys.argv[1:]."""

    def write(body, arguments="{wav}"):
        path = tmp_path / "plug in.py"  # with a space: the command must be split as a shell would
        path.write_text(body)
        return f"{sys.executable} '{path}' {arguments}"

    return write


class FakeVoice:
    """Stands in for `WavStore`: writes what it is told to, or waits until it is let go on."""

    def __init__(self):
        self.written, self.prepared = [], []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.has_voice, self.problem, self.wanted = True, "", frozenset()
        self.cancelled = 0

    def has(self, said):
        return False

    def try_again(self):
        pass

    def cancel(self):
        self.cancelled += 1

    def prepare(self, said):
        self._wait()
        self.prepared.append(said.text)

    def put(self, said, path, within_s):
        self._wait()
        path.write_bytes(b"sound")
        self.written.append(said.text)

    def close(self):
        pass

    def _wait(self):
        self.begun.set()
        if not self.go_on.wait(30.0):
            raise InputError("nobody let the voice go on")
