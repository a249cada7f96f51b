import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.feedback.texts import TEMPLATES, known_languages, likely, load_texts
from lbp_rehab.feedback.voices import CommandVoice, EspeakClient, VoiceCancelledError
from lbp_rehab.feedback.wav_store import TRIES, WavStore
from test.feedback.conftest import WAV_WRITER, samples, saying, until

pytest.importorskip("espeakng_loader")
FULL_SCALE = 32767


@pytest.fixture
def espeak():
    espeak = EspeakClient()
    yield espeak
    espeak.close()


@pytest.mark.parametrize("language", known_languages())
def test_every_text_of_every_language_sounds_and_is_not_clipped(espeak, tmp_path, language):
    texts = load_texts(language)
    single = [text for key, text in texts.items() if key not in TEMPLATES]
    for text in (*single, *likely(texts, language, (), 3)):
        espeak.write(saying(text, language), tmp_path / "a.wav")
        rate_hz, sound = samples(tmp_path / "a.wav")
        assert rate_hz == 22050
        assert 0.15 < len(sound) / rate_hz < 5.0, text
        loud = np.abs(sound.astype(int)) > FULL_SCALE // 50
        assert np.argmax(loud) / rate_hz < 0.1, f"{text} begins with silence"
        assert 3000 < np.abs(sound.astype(int)).max() < FULL_SCALE, text
        assert np.sqrt(np.mean(sound.astype(float) ** 2)) > 500, text


def test_languages_sound_different(espeak, tmp_path):
    heard = []
    for language in ("en", "de", "es", "zh"):
        espeak.write(saying("3", language), tmp_path / "a.wav")
        heard.append(samples(tmp_path / "a.wav")[1].tobytes())
    assert len(set(heard)) == 4


def test_a_killed_voice_is_started_again(espeak, tmp_path):
    espeak.write(saying(), tmp_path / "a.wav")
    os.kill(espeak.pid, signal.SIGKILL)
    espeak.write(saying(), tmp_path / "b.wav")
    assert espeak.starts == 2
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_language_without_voice_is_an_error_in_one_sentence(espeak, tmp_path):
    with pytest.raises(InputError, match="no voice for language 'xx'"):
        espeak.write(saying(language="xx"), tmp_path / "a.wav")
    espeak.write(saying(), tmp_path / "a.wav")


def test_a_node_never_loads_the_library_itself():
    code = (
        "import sys, lbp_rehab.feedback.speech as s\n"
        "names = 'espeakng_loader', 'lbp_rehab.feedback.espeak_process'\n"
        "print(*(name in sys.modules for name in names))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


NOTE = "import json; json.dump([sys.argv[2:], sys.stdin.read()], open(sys.argv[1] + '.json', 'w'))"


def told(path):
    import json

    return json.loads(Path(f"{path}.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ("{wav}", [[], "Say $(it) 'now'; {language}\n"]),
        ("{wav} {text} {language} {rate}", [["Say $(it) 'now'; {language}", "en", "150"], ""]),
        ("{wav} --say={text}", [["--say=Say $(it) 'now'; {language}"], ""]),
    ],
)
def test_a_command_gets_the_text_as_it_is_and_no_shell_sees_it(
    plug_in, tmp_path, arguments, received
):
    voice = CommandVoice(plug_in(f"{WAV_WRITER}\n{NOTE}", arguments), 20.0)
    path = tmp_path / "a b.wav"
    voice.write(saying("Say $(it) 'now'; {language}"), path)
    assert samples(path)[0] == 16000
    assert told(path) == received


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("piper --model a.onnx", r"must hold \{wav\}"),
        ("piper '{wav}", "cannot be split"),
        ("", r"must hold \{wav\}"),
    ],
)
def test_a_command_that_cannot_work_is_refused(command, complaint):
    with pytest.raises(InputError, match=complaint):
        CommandVoice(command, 1.0)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("import sys; sys.exit('line 1\\nno such model')", "ended with 1: no such model"),
        ("pass", "wrote no WAV file"),
        ("import sys; open(sys.argv[1], 'w').write('not sound')", "wrote no WAV file"),
        (WAV_WRITER.replace("* 40", "* 0"), "wrote an empty WAV file"),
    ],
)
def test_a_command_that_fails_says_why(plug_in, tmp_path, body, complaint):
    voice = CommandVoice(plug_in(body), 20.0)
    with pytest.raises(InputError, match=complaint):
        voice.write(saying(), tmp_path / "a.wav")


def test_a_command_that_is_not_there_says_so(tmp_path):
    with pytest.raises(InputError, match=r"cannot start: .*no-such-voice"):
        CommandVoice("no-such-voice {wav}", 1.0).write(saying(), tmp_path / "a.wav")


HANGS = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1] + ".part", "w").write(str(child.pid))
os.rename(sys.argv[1] + ".part", sys.argv[1] + ".pid")
time.sleep(600)
"""


def is_gone(pid):
    """Whether a process has ended; it may wait for whoever reaps it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_command_that_hangs_is_cancelled_with_its_children(plug_in, tmp_path):
    voice = CommandVoice(plug_in(HANGS), 120.0)
    raised = []

    def write():
        try:
            voice.write(saying(), tmp_path / "a.wav")
        except VoiceCancelledError as error:
            raised.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    pid_file = tmp_path / "a.wav.pid"
    until(pid_file.exists)
    voice.cancel()
    thread.join(30.0)
    assert len(raised) == 1
    until(lambda: is_gone(int(pid_file.read_text())))


def test_a_command_that_takes_too_long_is_ended(plug_in, tmp_path):
    voice = CommandVoice(plug_in("import time; time.sleep(600)"), 0.2)
    with pytest.raises(InputError, match=r"took over 0\.2 s"):
        voice.write(saying(), tmp_path / "a.wav")
    slow = CommandVoice(plug_in("import time; time.sleep(600)"), 600.0)
    with pytest.raises(InputError, match=r"took over 0\.1 s"):
        slow.write(saying(), tmp_path / "a.wav", within_s=0.1)


@pytest.fixture
def make_store():
    stores = []

    def make(command=None):
        stores.append(WavStore(CommandVoice(command, 20.0) if command else None))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def test_what_was_spoken_once_is_not_spoken_again(make_store, tmp_path):
    store = make_store()
    store.prepare(saying())
    assert store.has(saying())
    assert not store.has(saying("Hold"))
    store.espeak.close()
    store.put(saying(), tmp_path / "a.wav", 1.0)
    assert store.espeak.pid is None
    assert len(samples(tmp_path / "a.wav")[1]) > 8000


def test_the_plug_in_speaks_and_what_it_spoke_is_kept(make_store, plug_in, tmp_path):
    store = make_store(plug_in(f"{WAV_WRITER}\nopen(sys.argv[0] + '.log', 'a').write('x')"))
    store.prepare(saying())
    for name in ("a.wav", "b.wav"):
        store.put(saying(), tmp_path / name, 20.0)
        assert samples(tmp_path / name)[0] == 16000
    assert (tmp_path / "plug in.py.log").read_text() == "x"
    assert (store.problem, store.fallbacks) == ("", 0)


def test_espeak_speaks_for_a_plug_in_that_fails_and_the_problem_is_told(
    make_store, plug_in, tmp_path
):
    store = make_store(plug_in("import sys; sys.exit('no such model')"))
    store.put(saying(), tmp_path / "a.wav", 20.0)
    assert samples(tmp_path / "a.wav")[0] == 22050
    assert store.fallbacks == 1
    assert store.problem.endswith("ended with 1: no such model; eSpeak NG speaks instead")
    assert not store.has(saying())  # the plug-in may be mended


def test_a_plug_in_that_keeps_failing_is_left_alone_until_the_next_set(
    make_store, plug_in, tmp_path
):
    fails = "import sys; open(sys.argv[0] + '.log', 'a').write('x'); sys.exit(1)"
    store = make_store(plug_in(fails))
    log = tmp_path / "plug in.py.log"
    for _ in range(TRIES):
        with pytest.raises(InputError):
            store.prepare(saying())
    store.prepare(saying())
    store.put(saying(), tmp_path / "a.wav", 20.0)
    assert log.read_text() == "x" * TRIES
    store.try_again()
    store.put(saying(), tmp_path / "a.wav", 20.0)
    assert log.read_text() == "x" * (TRIES + 1)


def test_without_espeak_and_without_plug_in_there_is_no_voice(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    store = WavStore()
    assert not store.has_voice
    assert "espeakng-loader" in store.problem
    with pytest.raises(InputError, match="install espeakng-loader"):
        store.put(saying(), tmp_path / "a.wav", 1.0)


def test_when_too_much_is_kept_what_the_set_needs_stays(make_store, monkeypatch):
    monkeypatch.setattr("lbp_rehab.feedback.wav_store.KEPT", 3)
    store = make_store()
    store.wanted = frozenset({saying("1"), saying("2")})
    for text in "1234":
        store.prepare(saying(text))
    assert [store.has(saying(text)) for text in "1234"] == [True, True, False, True]
