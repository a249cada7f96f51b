"""Golden recordings: made, listed, moved, replayed, updated."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import Selection
from lbp_rehab.cli import main
from lbp_rehab.nodes import emg_bridge
from lbp_rehab.replay import golden, provenance
from lbp_rehab.replay.jobs import Job

ACTIVATION = "/emg/activation"


def louder(patch):
    original = emg_bridge.from_emg_raw
    patch.setattr(
        emg_bridge,
        "from_emg_raw",
        lambda raw: replace(original(raw), data=original(raw).data * 1.05),
    )


def sha256(path):
    return provenance.read(Path(path)).sha256


@pytest.fixture
def kept(emg, capsys):
    """Return the golden recording of the recording, in ``golden/`` beside ``data/``."""
    assert main(["golden", "add", str(emg)]) == 0
    capsys.readouterr()
    return Path("golden/day_1")


def test_a_golden_recording_is_a_bag_that_knows_how_it_was_made(emg, capsys):
    parameters = Path("p.yaml")
    parameters.write_text("emg_bridge:\n  ros__parameters:\n    envelope_hz: 6.3\n")
    assert main(["golden", "add", str(emg), "--name", "mine", "--end", "1.5", "--params",
                 "p.yaml"]) == 0  # fmt: skip
    assert "golden/mine: " in capsys.readouterr().out
    with BagReader("golden/mine") as bag:
        assert ACTIVATION in bag.topics
    made = provenance.read(Path("golden/mine"))
    assert made.recording == "../../data/day_1"
    assert made.options == {"params": "../../p.yaml"}
    assert made.end_s == 1.5
    assert made.parameters["/emg_bridge"]["envelope_hz"] == 6.3
    assert made.sha256[ACTIVATION]
    assert list(Path("golden").iterdir()) == [Path("golden/mine")]


def test_a_name_that_is_taken_is_refused_and_nothing_is_touched(kept, emg, capsys):
    before = sha256(kept)
    assert main(["golden", "add", str(emg), "--end", "1"]) == 2
    assert "golden/day_1' is there already; see what changed" in capsys.readouterr().err
    assert sha256(kept) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "nowhere"], "there is no bag 'nowhere'"),
        (["add", "data/day_1", "--name", "a/b"], "'a/b' is no name of a folder"),
        (["add", "data/day_1", "data/day_1", "--name", "a"], "--name is for one recording"),
        (["add", "data/day_1", "--exclude", ".*"], "no topic of the bag is selected"),
        (["add", "data/day_1", "--set", "data/day_1/metadata.yaml"], "cannot write to"),
        (["list"], "there is no folder 'golden' of golden recordings"),
        (["update"], "there is no folder 'golden' of golden recordings"),
        (["update", "--set", "data", "a"], "there is no golden recording 'a'; there are none"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_no_folder_behind(arguments, sentence, emg, capsys):
    assert main(["golden", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert list(Path("golden").glob("*")) == []


def test_the_list_says_of_what_and_whether_that_is_still_as_it_was(kept, emg, capsys):
    assert main(["golden", "list"]) == 0
    out = capsys.readouterr().out
    assert "day_1: " in out
    assert "recording data/day_1 (ok)" in out
    (data,) = emg.glob("*.mcap")
    data.write_bytes(data.read_bytes() + b"x")
    assert golden.at(kept).state == "changed"
    shutil.rmtree(emg)
    assert main(["golden", "list"]) == 0
    assert "recording data/day_1 (missing)" in capsys.readouterr().out


def test_an_empty_set_and_bags_that_are_not_golden_are_no_error(emg, capsys):
    assert main(["golden", "list", "--set", "data"]) == 0
    assert "no golden recording in 'data'" in capsys.readouterr().out


def test_a_golden_recording_replays_with_no_option_and_is_the_same(kept, capsys):
    assert main(["replay", str(kept), "--exact"]) == 0
    out = capsys.readouterr().out
    assert "topics are as in the golden recording" in out
    assert "made differently" not in out


def test_golden_and_recording_can_move_together_and_be_used_from_anywhere(
    emg, tmp_path, monkeypatch
):
    Path("p.yaml").write_text("emg_bridge:\n  ros__parameters:\n    envelope_hz: 6.3\n")
    assert main(["golden", "add", str(emg), "--params", "p.yaml"]) == 0
    other = tmp_path.parent / f"{tmp_path.name}_moved"
    shutil.copytree(tmp_path, other)
    shutil.rmtree(emg)
    monkeypatch.chdir("/")
    assert main(["replay", str(other / "golden" / "day_1"), "--exact"]) == 0
    assert golden.at(other / "golden" / "day_1").state == "ok"
    shutil.rmtree(other)


def test_what_is_asked_of_a_replay_counts_and_the_rest_is_as_the_golden_one_was_made(emg):
    assert main(["golden", "add", str(emg), "--start", "0.5", "--exclude", "/x"]) == 0
    like = Job("", Path(), selection=Selection(end_s=1.5))
    (job,) = golden.jobs([Path("golden/day_1")], like)
    assert job.selection == Selection(exclude=("/x",), start_s=0.5, end_s=1.5)
    assert job.bag == emg


def test_a_change_of_the_code_is_told_and_ends_with_1(kept, monkeypatch, capsys):
    louder(monkeypatch)
    assert main(["replay", str(kept), "--page", "p.html", "--junit", "j.xml"]) == 1
    out = capsys.readouterr().out
    assert f"topics changed, first {ACTIVATION}" in out
    assert "looks 1.05 times as large" in out
    assert "data:image/png" in Path("p.html").read_text()
    (suite,) = ElementTree.parse("j.xml").getroot()
    assert suite.get("name") == "day_1"
    assert int(suite.get("failures")) >= 1


def test_another_parameter_is_named_as_what_was_made_differently(kept, emg, capsys):
    Path("p.yaml").write_text("emg_bridge:\n  ros__parameters:\n    envelope_hz: 6.3\n")
    assert main(["replay", str(emg), "--golden", str(kept), "--params", "p.yaml"]) == 1
    out = capsys.readouterr().out
    assert "made differently: /emg_bridge envelope_hz: 6.0 -> 6.3" in out


def test_a_recording_that_changed_is_named_as_what_was_made_differently(kept, emg, capsys):
    (data,) = emg.glob("*.mcap")
    content = bytearray(data.read_bytes())
    place = content.index(b"lbp_rehab", 8)  # who wrote it
    content[place : place + 3] = b"LBP"
    data.write_bytes(content)
    assert main(["replay", str(kept)]) == 0
    assert "made differently: recording sha256: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["golden/day_1"], "there is no bag 'data/day_1'"),
        (["data2/day_1", "--golden", "golden"], ""),
        (["data2/day_9", "--golden", "golden"], "add data2/day_9 --name day_9 --set golden"),
        (["data2", "--golden", "golden/day_1"], "is one golden recording, and there are 2"),
        (["empty"], "'empty' holds no bag, and no folder in it does"),
        (["data2/day_1", "--page", "p.html"], "there is no --golden to compare with"),
    ],
)
def test_what_is_wrong_with_a_replay_is_one_sentence(arguments, sentence, kept, emg, capsys):
    Path("empty").mkdir()
    shutil.move(emg.parent, "data2")
    shutil.copytree("data2/day_1", "data2/day_9")
    assert main(["replay", *arguments]) == (2 if sentence else 0)
    assert sentence in capsys.readouterr().err


def test_an_error_is_in_the_json_and_the_junit_file_too(kept, emg):
    shutil.rmtree(emg)
    assert main(["replay", str(kept), "--json", "f.json", "--junit", "j.xml"]) == 2
    assert "there is no bag" in json.loads(Path("f.json").read_text())["error"]
    assert ElementTree.parse("j.xml").getroot()[0].get("errors") == "1"


def test_an_update_without_a_change_leaves_all_as_before(kept, capsys):
    assert main(["golden", "update"]) == 0
    assert "golden/day_1: as before" in capsys.readouterr().out


def test_an_update_that_nobody_accepts_leaves_the_golden_recording(kept, monkeypatch, capsys):
    before = sha256(kept)
    louder(monkeypatch)
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    assert main(["golden", "update"]) == 1
    out = capsys.readouterr().out
    assert "nobody to ask; give --yes" in out
    assert "left as it was" in out
    assert sha256(kept) == before
    assert list(Path("golden").iterdir()) == [kept]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 1), ("no", 1)])
def test_an_update_asks_after_showing_what_changed(answer, code, kept, monkeypatch, capsys):
    before = sha256(kept)
    louder(monkeypatch)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert main(["golden", "update", "day_1"]) == code
    assert "looks 1.05 times as large" in capsys.readouterr().out
    assert (sha256(kept) == before) == bool(code)


def test_an_update_with_yes_keeps_what_the_code_gives(kept, monkeypatch, capsys):
    louder(monkeypatch)
    assert main(["golden", "update", "--yes", "--page", "pages"]) == 0
    assert "kept as the new one" in capsys.readouterr().out
    assert Path("pages/day_1.html").is_file()
    assert main(["replay", str(kept), "--exact"]) == 0
    assert list(Path("golden").iterdir()) == [kept]
    monkeypatch.undo()
    assert main(["golden", "update"]) == 1


def test_an_update_of_what_cannot_be_replayed_ends_with_2_and_keeps_it(kept, emg, capsys):
    shutil.rmtree(emg)
    assert main(["golden", "update", "--yes"]) == 2
    assert "there is no bag 'data/day_1'" in capsys.readouterr().err
    assert golden.at(kept) is not None


def test_an_update_that_is_broken_off_while_it_puts_the_new_one_leaves_the_old(kept, monkeypatch):
    before = sha256(kept)
    louder(monkeypatch)
    rename = Path.rename

    def broken_off(self, target):
        if Path(target) == kept and self.name == "day_1" and not kept.exists():
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken_off)
    assert main(["golden", "update", "--yes"]) == 130
    assert sha256(kept) == before


def test_a_killed_update_leaves_a_golden_recording(kept):
    before = sha256(kept)
    command = [sys.executable, "-m", "lbp_rehab.cli", "golden", "update", "--yes"]
    environment = dict(os.environ, PYTHONPATH=str(Path(golden.__file__).parents[2]))
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(Path("golden").glob(".new_*")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert sha256(kept) == before
    assert [g.path for g in golden.within(Path("golden"))] == [kept]
    assert main(["replay", "golden"]) == 0


def test_a_damaged_provenance_is_one_sentence(kept, capsys):
    file = kept / "metadata.yaml"
    file.write_text(file.read_text().replace('"recording"', '"recording'))
    assert main(["golden", "list"]) == 2
    assert "says nothing usable of how it was made; add it anew" in capsys.readouterr().err


def test_what_a_replay_gives_is_a_recording_like_any_other(emg, tmp_path):
    """It knows how it was made, but nobody said that it is right."""
    out = tmp_path / "out"
    assert main(["replay", str(emg), "--output", str(out)]) == 0
    assert provenance.read(out) is not None
    assert golden.at(out) is None
