import os
import signal
import subprocess
import sys
import threading
import wave

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.feedback import speech
from lbp_rehab.feedback.speech import EspeakClient, Speaker, Utterance
from lbp_rehab.feedback.types import Output

pytest.importorskip("espeakng_loader")


@pytest.fixture
def client():
    client = EspeakClient()
    yield client
    client.close()


def utterance(path, text="Keep your pelvis level", language="en", **others):
    return Utterance(text, language, 150, path, **others)


def samples(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Lift your hips"),
        ("de", "Gut. Langsamer absenken"),
        ("es", "Mantén"),
        ("zh", "臀部再抬高一点"),
    ],
)
def test_each_language_gives_sound(client, tmp_path, language, text):
    duration_s = client.write(utterance(tmp_path / "a.wav", text, language))
    found = samples(tmp_path / "a.wav")
    assert duration_s == pytest.approx(len(found) / 22050)
    assert 0.3 < duration_s < 5.0
    assert np.abs(found).max() > 3000


def test_a_killed_voice_is_started_again(client, tmp_path):
    client.write(utterance(tmp_path / "a.wav"))
    os.kill(client.pid, signal.SIGKILL)
    client.write(utterance(tmp_path / "b.wav"))
    assert client.starts == 2
    assert np.array_equal(samples(tmp_path / "a.wav"), samples(tmp_path / "b.wav"))


def test_a_language_without_voice_is_an_error_in_one_sentence(client, tmp_path):
    with pytest.raises(InputError, match="no voice for language 'xx'"):
        client.write(utterance(tmp_path / "a.wav", language="xx"))
    assert client.write(utterance(tmp_path / "a.wav")) > 0.3


def test_a_node_never_loads_the_library_itself():
    code = (
        "import sys, lbp_rehab.feedback.speech as s\n"
        "names = 'espeakng_loader', 'lbp_rehab.feedback.espeak_process'\n"
        "print(*(name in sys.modules for name in names))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


@pytest.fixture
def silent(monkeypatch):
    monkeypatch.setattr(speech, "PLAYERS", ())


@pytest.fixture
def speaker(tmp_path, silent):
    speaker = Speaker(tmp_path / "voice")
    yield speaker
    speaker.close()


def test_without_a_sound_device_it_writes_files(speaker):
    assert speaker.say(utterance(speaker.folder / "a.wav")) == Output.FILE
    speaker.wait()
    assert len(samples(speaker.folder / "a.wav")) > 8000
    assert (speaker.spoken, speaker.failed, speaker.problem) == (1, 0, "")


def test_muted_it_writes_nothing(speaker):
    speaker.mute = True
    assert speaker.say(utterance(speaker.folder / "a.wav")) == Output.TEXT_ONLY
    speaker.wait()
    assert not (speaker.folder / "a.wav").exists()


def test_without_the_library_it_is_text_only_and_says_so(monkeypatch, tmp_path, silent):
    monkeypatch.setattr(speech.importlib.util, "find_spec", lambda name: None)
    speaker = Speaker(tmp_path)
    assert speaker.say(utterance(tmp_path / "a.wav")) == Output.TEXT_ONLY
    assert "espeakng-loader" in speaker.problem
    speaker.close()


def test_saying_returns_while_the_voice_is_stuck(speaker, monkeypatch):
    go_on, begun, written = threading.Event(), threading.Event(), []

    def stuck(said):
        begun.set()
        assert go_on.wait(30.0)
        written.append(said.path.name)

    monkeypatch.setattr(speaker.espeak, "write", stuck)
    speaker.say(utterance(speaker.folder / "first.wav"))
    assert begun.wait(30.0)
    for k in range(6):
        speaker.say(utterance(speaker.folder / f"{k}.wav"))
    go_on.set()
    speaker.wait()
    # The oldest of those that waited were dropped: they would come too late.
    assert written == ["first.wav", "2.wav", "3.wav", "4.wav", "5.wav"]
    assert speaker.skipped == 2


def test_an_urgent_cue_goes_first(speaker, monkeypatch):
    go_on, begun, written = threading.Event(), threading.Event(), []

    def stuck(said):
        begun.set()
        assert go_on.wait(30.0)
        written.append(said.path.name)

    monkeypatch.setattr(speaker.espeak, "write", stuck)
    speaker.say(utterance(speaker.folder / "first.wav"))
    assert begun.wait(30.0)
    speaker.say(utterance(speaker.folder / "second.wav"))
    speaker.say(utterance(speaker.folder / "stop.wav", urgent=True))
    go_on.set()
    speaker.wait()
    assert written == ["first.wav", "stop.wav"]


def fake_player(tmp_path, status):
    path = tmp_path / "player"
    path.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/played\nexit {status}\n')
    path.chmod(0o755)
    return (str(path),)


@pytest.mark.parametrize(("status", "output"), [(0, Output.SPOKEN), (1, Output.FILE)])
def test_a_player_is_used_only_if_its_device_works(tmp_path, monkeypatch, status, output):
    monkeypatch.setattr(speech, "PLAYERS", (fake_player(tmp_path, status),))
    speaker = Speaker(tmp_path / "voice")
    speaker.say(utterance(speaker.folder / "a.wav"))
    speaker.wait()
    assert speaker.say(utterance(speaker.folder / "b.wav")) == output
    speaker.close()
    played = (tmp_path / "played").read_text().split()
    assert played[0].endswith("silence.wav")
    assert len(played) == (3 if output == Output.SPOKEN else 1)
