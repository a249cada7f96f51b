"""Many recordings at once: in this process, in others, on a cluster; the results are the same."""

import json
import shutil
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lbp_rehab.msg import EmgRaw
from rclpy.node import Node

from lbp_rehab.cli import main
from lbp_rehab.errors import InputError
from lbp_rehab.replay import many
from lbp_rehab.replay.jobs import Job
from lbp_rehab.replay.lockstep import Part

BROKEN = "emg_bridge:\n  ros__parameters:\n    envelope_hz: 6.3\n"


def sums(arguments):
    assert main(["replay", "data", "--json", "f.json", *arguments]) == 0
    found = json.loads(Path("f.json").read_text())["recordings"]
    return {Path(row["bag"]).name: row["sha256"] for row in found}


@pytest.fixture
def here(days):
    return sums([])


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, host="127.0.0.1"
    ) as running:
        yield running


def test_every_recording_of_a_folder_is_replayed(here):
    assert set(here) == {"day_1", "day_2"}
    assert len({found["/emg/activation"] for found in here.values()}) == 2


def test_processes_give_the_same_bytes_as_one(here):
    assert sums(["--jobs", "2"]) == here


def test_a_cluster_gives_the_same_bytes_and_understands_the_same_paths(cluster, here):
    assert sums(["--scheduler", cluster.scheduler_address, "--output", "out"]) == here
    assert {p.name for p in Path("out").iterdir()} == {"day_1", "day_2"}


class Dies(Job):
    """A job whose process is killed when it is given it."""

    def __reduce__(self):
        return signal.raise_signal, (signal.SIGKILL,)


def test_a_process_that_is_killed_is_told_in_a_sentence(emg):
    jobs = [Dies("a", emg), Dies("b", emg)]
    found = list(many.outcomes(jobs, processes=2))
    assert sorted(o.job.name for o in found) == ["a", "b"]
    assert all("a process was killed" in o.error for o in found)


class Broken(Node):
    def __init__(self):
        super().__init__("broken")
        self.create_subscription(EmgRaw, "emg/raw", self.take, 10)

    def take(self, message):
        raise ValueError(f"no\nsuch unit {message.header.frame_id}")


def test_a_node_that_breaks_spoils_only_its_own_replay(days):
    jobs = [Job("a", days / "day_1", nodes=(Part(Broken),)), Job("b", days / "day_2")]
    broken, good = many.outcomes(jobs)
    assert broken.error == "the replay broke off: ValueError: no such unit"
    assert good.passed
    assert good.replayed.sent["/emg/activation"] > 0


def test_a_scheduler_that_does_not_answer_is_one_sentence(emg, capsys):
    pytest.importorskip("distributed")
    assert main(["replay", str(emg), "--scheduler", "nonsense"]) == 2
    assert "the Dask scheduler 'nonsense' does not answer: missing port" in capsys.readouterr().err


def test_a_scheduler_without_workers_is_one_sentence(emg, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(many, "WORKERS_S", 0.2)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1") as empty,
        pytest.raises(InputError, match="has no workers"),
    ):
        list(many.outcomes([Job("a", emg)], scheduler=empty.scheduler_address))


def test_without_dask_it_says_what_to_install(emg, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert main(["replay", str(emg), "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "pip install lbp-rehab[cluster]" in capsys.readouterr().err


@pytest.fixture
def golden(days):
    assert main(["golden", "add", *sorted(map(str, days.iterdir()))]) == 0
    return Path("golden")


def test_a_folder_of_golden_recordings_is_replayed_as_each_was_made(golden, capsys):
    assert main(["replay", "golden", "--exact"]) == 0
    out = capsys.readouterr().out
    assert out.count("same     day_") == 2


def test_each_recording_is_held_against_the_golden_one_of_its_name(golden, capsys):
    Path("p.yaml").write_text(BROKEN)
    arguments = ["replay", "data", "--golden", "golden", "--params", "p.yaml"]
    assert main([*arguments, "--page", "pages", "--junit", "j.xml"]) == 1
    assert capsys.readouterr().out.count("CHANGED  day_") == 2
    suites = ElementTree.parse("j.xml").getroot()
    assert [s.get("name") for s in suites] == ["day_1", "day_2"]
    index = Path("pages/index.html").read_text()
    assert "2 of 2 recordings changed or failed" in index
    for day in (1, 2):
        assert f"href='day_{day}.html'" in index
        assert Path(f"pages/day_{day}.html").is_file()


def test_one_that_fails_is_told_beside_the_others_and_ends_with_2(golden, capsys):
    shutil.rmtree("data/day_2")
    assert main(["replay", "golden", "--page", "pages", "--junit", "j.xml"]) == 2
    out = capsys.readouterr().out
    assert "ERROR    day_2: there is no bag 'data/day_2'" in out
    assert out.count("same     day_") == 1
    assert "1 of 2 recordings changed or failed" in Path("pages/index.html").read_text()
    errors = {s.get("name"): s.get("errors") for s in ElementTree.parse("j.xml").getroot()}
    assert errors == {"day_1": "0", "day_2": "1"}


def test_recordings_of_one_name_are_kept_apart(days, capsys):
    shutil.copytree("data/day_1", "other/day_1")
    assert main(["replay", "data/day_1", "other/day_1", "--output", "out"]) == 0
    assert {p.name for p in Path("out").iterdir()} == {"day_1", "day_1_2"}


def test_a_recording_without_a_golden_one_is_refused_before_anything_runs(golden, capsys):
    shutil.copytree("data/day_1", "data/day_3")
    assert main(["replay", "data", "--golden", "golden"]) == 2
    captured = capsys.readouterr()
    assert "add data/day_3 --name day_3 --set golden" in captured.err
    assert "same" not in captured.out
