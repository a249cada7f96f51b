"""``lbp-rehab emg-check`` on files and the synthetic patient."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from lbp_rehab.cli import main

RATE_HZ = 1000.0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three seconds of a good amplifier, and of one with a flat channel."""
    folder = tmp_path_factory.mktemp("files")
    t = np.arange(3000) / RATE_HZ
    rng = np.random.default_rng(0)
    volts = 2.5 * rng.standard_normal((3000, 2)) + 2 * np.sin(2 * np.pi * 50 * t)[:, None]
    for name in ("good", "flat"):
        if name == "flat":
            volts[:, 1] = 0.0
        rows = [f"{a:.6f},{b:.4f},{c:.4f}" for a, (b, c) in zip(t, volts, strict=True)]
        (folder / f"{name}.csv").write_text("time,LMF,RMF\ns,uV,uV\n" + "\n".join(rows) + "\n")
    return folder


def test_a_good_file_gives_0_and_a_verdict(files, tmp_path, capsys):
    target, shown = tmp_path / "page.html", tmp_path / "figures.json"
    options = ["--page", str(target), "--json", str(shown)]
    assert main(["emg-check", "--emg", f"file:{files / 'good.csv'}", *options]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "All 2 channels are usable." in out
    assert "2/2 usable" in out
    figures = json.loads(shown.read_text())
    assert figures["samples"] == 3000
    assert figures["mains_hz"] == 50.0
    assert [c["rest_uv"] for c in figures["channels"]] == pytest.approx([2.5, 2.5], rel=0.15)
    assert target.read_text().startswith("<!doctype html>")


def test_a_flat_channel_gives_1_and_is_named(files, capsys):
    words = ["emg-check", "--emg", f"file:{files / 'flat.csv'}", "--mains", "60", "--json", "-"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert figures["verdict"] == "1 of 2 channels is usable; not RMF (flat)."
    assert figures["mains_hz"] == 60.0
    assert "RMF, flat: check that the channel is plugged in" in err


def test_channel_file_names_the_muscles(files, tmp_path, capsys):
    told = tmp_path / "channels.yaml"
    told.write_text("channels:\n  RMF: gluteus_maximus:left\nignore: [LMF]\n")
    source = f"file:{files / 'good.csv'}"
    assert main(["emg-check", "--emg", source, "--channels", str(told), "--json", "-"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["channels"]
    assert (only["label"], only["place"]) == ("RMF", "gluteus maximus left")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--emg", "file:nowhere.csv"], "nowhere.csv"),
        (["--emg", "none"], "names no source"),
        (["--emg", "cable:3"], "unknown sEMG source"),
        (["--emg", "synthetic:plank", "--seconds", "nan"], "--seconds nan"),
        (["--emg", "synthetic:plank", "--seconds", "-1"], "--seconds -1"),
        (["--emg", "synthetic:plank", "--serve", "70000"], "--serve 70000"),
        (["--emg", "synthetic:plank", "--page", "/no/such/page.html"], "no folder for the page"),
        (["--emg", "synthetic:plank", "--channels", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_input_is_one_sentence(capsys, options, said):
    assert main(["emg-check", *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_file_too_short_to_judge_is_not_called_usable(files, tmp_path, capsys):
    short = tmp_path / "short.csv"
    short.write_text("".join((files / "good.csv").read_text().splitlines(keepends=True)[:302]))
    assert main(["emg-check", "--emg", f"file:{short}"]) == 1
    assert "not LMF (not judged yet), RMF (not judged yet)" in capsys.readouterr().out


def test_a_stream_that_is_not_there_is_looked_for_and_then_told(monkeypatch, capsys):
    pytest.importorskip("pylsl")
    monkeypatch.setattr("lbp_rehab.commands.emg_check.GRACE_S", 1.5)
    name = f"nobody{os.getpid()}"
    assert main(["emg-check", "--emg", f"lsl:name={name}", "--seconds", "1"]) == 2
    out, err = capsys.readouterr()
    assert "still looking" in out
    assert f"no sEMG came from 'lsl:name={name}'" in err


def started(*options):
    return subprocess.Popen(
        [sys.executable, "-m", "lbp_rehab.cli", "emg-check", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_the_verdict(number):
    process = started("--emg", "synthetic:glute_bridge?seed=3")
    try:
        assert process.stdout is not None
        for text in process.stdout:
            if "12/12 usable" in text:
                break
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert "All 12 channels are usable" in rest
    assert "Traceback" not in rest


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("no_color", [False, True])
def test_on_a_terminal_the_table_is_redrawn_in_place(files, no_color):
    terminal, its_end = os.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    environment.pop("NO_COLOR", None)
    environment |= {"NO_COLOR": "1"} if no_color else {}
    words = ["emg-check", "--emg", f"file:{files / 'good.csv'}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lbp_rehab.cli", *words], stdout=its_end, env=environment
    )
    os.close(its_end)
    shown = b""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    assert process.wait(60) == 0
    os.close(terminal)
    assert b"\x1b[J" in shown
    assert shown.count(b"1 uV to 1 mV") > 2
    assert (b"\x1b[1;36m" in shown) is not no_color
    assert shown.decode().rstrip().endswith("All 2 channels are usable.")
