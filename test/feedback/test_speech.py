import threading

import pytest

from lbp_rehab.feedback import players, speech, wav_store
from lbp_rehab.feedback.speech import Speaker, Utterance
from lbp_rehab.feedback.types import Output
from test.feedback.conftest import FakeVoice, samples, saying, until

ESPEAK = pytest.mark.skipif(
    wav_store.importlib.util.find_spec("espeakng_loader") is None, reason="needs espeakng-loader"
)


def utterance(folder, name, urgent=False):
    return Utterance(saying(name), folder / f"{name}.wav", urgent)


@pytest.fixture
def speaker(tmp_path, silent):
    speaker = Speaker(tmp_path / "voice")
    yield speaker
    speaker.close()


@pytest.fixture
def voice(monkeypatch):
    """The voice of speakers made after it."""
    voice = FakeVoice()
    monkeypatch.setattr(speech, "WavStore", lambda command: voice)
    return voice


@ESPEAK
def test_without_a_sound_device_it_writes_files(speaker):
    assert speaker.say(utterance(speaker.folder, "a")) == Output.FILE
    speaker.wait()
    assert len(samples(speaker.folder / "a.wav")[1]) > 3000
    assert (speaker.spoken, speaker.failed, speaker.problem) == (1, 0, "")


@ESPEAK
def test_prepared_texts_are_spoken_without_the_voice(speaker):
    speaker.prepare([saying("a"), saying("b")])
    speaker.wait_prepared()
    assert speaker.store.has(saying("a"))
    assert speaker.store.has(saying("b"))
    speaker.store.espeak.close()
    speaker.say(utterance(speaker.folder, "b"))
    speaker.wait()
    assert speaker.store.espeak.pid is None
    assert len(samples(speaker.folder / "b.wav")[1]) > 3000


def test_muted_it_writes_nothing(speaker):
    speaker.mute = True
    speaker.prepare([saying("b")])
    assert speaker.say(utterance(speaker.folder, "a")) == Output.TEXT_ONLY
    speaker.wait()
    assert not (speaker.folder / "a.wav").exists()
    assert not speaker.store.has(saying("b"))


def test_without_a_voice_it_is_text_only_and_says_so(monkeypatch, tmp_path, silent):
    monkeypatch.setattr(wav_store.importlib.util, "find_spec", lambda name: None)
    speaker = Speaker(tmp_path)
    assert speaker.say(utterance(tmp_path, "a")) == Output.TEXT_ONLY
    assert "espeakng-loader" in speaker.problem
    speaker.close()


def test_saying_returns_while_the_voice_is_stuck_and_only_the_newest_waits(voice, speaker):
    voice.go_on.clear()
    speaker.say(utterance(speaker.folder, "first"))
    assert voice.begun.wait(30.0)
    for k in range(3):
        speaker.say(utterance(speaker.folder, str(k)))
    voice.go_on.set()
    speaker.wait()
    assert voice.written == ["first", "2"]
    assert speaker.skipped == 2


def test_a_cue_goes_before_what_is_prepared_and_cancels_it(voice, speaker):
    voice.go_on.clear()
    speaker.prepare([saying("p1"), saying("p2")])
    assert voice.begun.wait(30.0)
    speaker.say(utterance(speaker.folder, "cue"))
    assert voice.cancelled == 1
    voice.go_on.set()
    speaker.wait()
    assert voice.written == ["cue"]
    assert voice.prepared[0] == "p1"
    speaker.wait_prepared()
    assert voice.prepared == ["p1", "p2"]


def test_a_cancelled_preparation_is_made_up_for(voice, speaker, monkeypatch):
    failing = [speech.VoiceCancelledError("cancelled")]
    prepare = voice.prepare

    def cancelled_once(said):
        if failing:
            raise failing.pop()
        prepare(said)

    monkeypatch.setattr(voice, "prepare", cancelled_once)
    speaker.prepare([saying("p1"), saying("p2")])
    speaker.wait_prepared()
    assert voice.prepared == ["p2", "p1"]


def test_a_folder_that_cannot_be_written_is_told(voice, tmp_path, silent):
    (tmp_path / "voice").write_text("not a folder")
    speaker = Speaker(tmp_path / "voice")
    speaker.say(utterance(tmp_path / "voice", "a"))
    speaker.wait()
    assert speaker.failed == 1
    assert "voice" in speaker.problem
    speaker.close()


PLAYER = """#!/bin/sh
case "$1" in *silence.wav) exit 0;; esac
echo "$1" >> {folder}/played
{then}
"""


@pytest.fixture
def player(tmp_path, monkeypatch):
    """Install a player that notes what it plays, and return where it does so."""

    def install(then="exit 0"):
        path = tmp_path / "player"
        path.write_text(PLAYER.format(folder=tmp_path, then=then))
        path.chmod(0o755)
        monkeypatch.setattr(players, "PLAYERS", ((str(path),),))
        return tmp_path / "played"

    return install


def names(played):
    lines = played.read_text().split() if played.exists() else []
    return [line.rpartition("/")[2] for line in lines]


@pytest.fixture
def playing(voice, tmp_path):
    """A speaker that has found its player."""
    speakers = []

    def start(**settings):
        speaker = Speaker(tmp_path / "voice", **settings)
        speakers.append(speaker)
        until(lambda: speaker.output != Output.FILE or not players.PLAYERS)
        return speaker

    yield start
    for speaker in speakers:
        speaker.close()


def test_with_a_sound_device_it_is_played(player, playing):
    played = player()
    speaker = playing()
    assert speaker.say(utterance(speaker.folder, "a")) == Output.SPOKEN
    speaker.wait()
    assert names(played) == ["a.wav"]
    assert speaker.delay_s > 0.0


def test_a_player_without_a_device_is_not_used(tmp_path, monkeypatch, voice):
    path = tmp_path / "player"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    monkeypatch.setattr(players, "PLAYERS", ((str(path),),))
    speaker = Speaker(tmp_path / "voice")
    speaker.say(utterance(speaker.folder, "a"))
    speaker.wait()
    assert speaker.output == Output.FILE
    assert not (speaker.folder / "silence.wav").exists()
    speaker.close()


def test_a_stop_cuts_off_what_is_being_said(player, playing, monkeypatch):
    monkeypatch.setattr(players, "PLAY_S", 600.0)
    played = player(then='case "$1" in *stop.wav) exit 0;; esac; exec sleep 600')
    speaker = playing()
    speaker.say(utterance(speaker.folder, "long"))
    until(lambda: names(played) == ["long.wav"])
    speaker.say(utterance(speaker.folder, "waits"))
    speaker.say(utterance(speaker.folder, "stop", urgent=True))
    speaker.wait()
    assert names(played) == ["long.wav", "stop.wav"]
    assert speaker.problem == ""


def test_a_stop_that_comes_while_a_cue_is_being_spoken_into_its_file_silences_that_cue(
    voice, player, playing
):
    played = player()
    speaker = playing()
    voice.go_on.clear()
    speaker.say(utterance(speaker.folder, "cue"))
    assert voice.begun.wait(30.0)
    speaker.say(utterance(speaker.folder, "stop", urgent=True))
    voice.go_on.set()
    speaker.wait()
    assert voice.written == ["cue", "stop"]
    assert names(played) == ["stop.wav"]


def test_what_has_waited_too_long_is_written_but_not_played_unless_it_is_a_stop(player, playing):
    played = player()
    speaker = playing(max_wait_s=-1.0)
    speaker.say(utterance(speaker.folder, "cue"))
    speaker.wait()
    speaker.say(utterance(speaker.folder, "stop", urgent=True))
    speaker.wait()
    assert names(played) == ["stop.wav"]
    assert (speaker.folder / "cue.wav").exists()
    assert (speaker.spoken, speaker.late) == (2, 1)


def test_a_player_that_fails_later_is_told(player, playing):
    player(then="exit 1")
    speaker = playing()
    speaker.say(utterance(speaker.folder, "a"))
    speaker.wait()
    assert "the player" in speaker.problem


def test_closing_ends_a_preparation_and_says_what_was_asked_for(voice, tmp_path, silent):
    speaker = Speaker(tmp_path)
    voice.go_on.clear()
    speaker.prepare([saying("p1"), saying("p2")])
    assert voice.begun.wait(30.0)
    speaker.say(utterance(tmp_path, "last"))
    closing = threading.Thread(target=speaker.close)
    closing.start()
    voice.go_on.set()
    closing.join(30.0)
    assert not closing.is_alive()
    assert voice.written == ["last"]
    assert "p2" not in voice.prepared
