import os
import shlex
import signal
import subprocess
import sys
import time
from collections import defaultdict

import numpy as np
import pytest
import yaml

pytest.importorskip("numba")

from rosbags.rosbag2 import Reader

from lbp_rehab.cli import main
from lbp_rehab.emg.mvc import read_mvc
from lbp_rehab.paths import resource_dir
from lbp_rehab.synthetic.messages import NANOSECONDS, typestore
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.recording import TOPICS
from lbp_rehab.synthetic.scenario import Scenario

SMALL = ["--repetitions", "1", "--size", "128x96", "--rate", "3", "--png-compression", "9"]


def content(folder):
    """Topic -> list of (log time, message)."""
    found = defaultdict(list)
    with Reader(folder) as reader:
        for connection, log_ns, data in reader.messages():
            message = typestore().deserialize_cdr(data, connection.msgtype)
            found[connection.topic].append((log_ns, message))
    return found


def ns(stamp):
    return stamp.sec * NANOSECONDS + stamp.nanosec


@pytest.fixture(scope="module")
def made(tmp_path_factory, synthetic_extra):
    """Two recordings with the same seed, one with another, one with an MVC trial and bad clocks."""
    folder = tmp_path_factory.mktemp("made")
    fault = ["--exercise", "dead_bug", "--fault", "back_leaves_mat", "--severity", "0.7"]
    for name, options in {
        "first": ["--seed", "1"],
        "second": ["--seed", "1"],
        "other": ["--seed", "2"],
        "hard": ["--seed", "1", "--mvc-trial", "--jitter", "4", "--drop", "0.2", "--emg-drift",
                 "500", "--camera", "azure_kinect", "--condition", "therapist"],
    }.items():  # fmt: skip
        assert main(["synth", "--out", str(folder / name / "bag"), *fault, *options, *SMALL]) == 0
    return folder


def test_same_arguments_give_the_same_bytes_and_another_seed_others(made):
    def read(name):
        return {p.name: p.read_bytes() for p in (made / name / "bag").iterdir()}

    first, second, other = (read(n) for n in ("first", "second", "other"))
    assert first == second
    assert set(first) == {"bag.mcap", "metadata.yaml", "mvc.yaml", "scenario.yaml"}
    assert all(first[name] != other[name] for name in ("bag.mcap", "mvc.yaml", "scenario.yaml"))
    people = [yaml.safe_load(x["scenario.yaml"])["person"] for x in (first, other)]
    assert people[0] != people[1]


def test_every_topic_is_there_and_the_truth_goes_with_the_images(made):
    bag = content(made / "first" / "bag")
    assert set(bag) == set(TOPICS)
    images = [ns(m.header.stamp) for _, m in bag["/camera/color/image_raw/compressed"]]
    for topic in ("/truth/body/pose", "/truth/pelvis/state", "/truth/quality/live"):
        assert [ns(m.header.stamp) for _, m in bag[topic]] == images
    names = [k.name for k in bag["/truth/body/pose"][0][1].keypoints]
    assert len(names) == 37
    assert {"l_asis", "r_asis", "l_psis", "r_psis"} < set(names)


def test_truth_tells_repetition_phases_and_fault(made):
    bag = content(made / "first" / "bag")
    ((_, repetition),) = bag["/truth/quality/repetition"]
    scenario = Scenario("dead_bug", 1, (Fault(0, "back_leaves_mat", 0.7),), repetitions=1)
    truly = scenario.movement.repetitions[0]
    assert ns(repetition.start) == scenario.stamp_ns(truly.start_s)
    assert ns(repetition.end) == scenario.stamp_ns(truly.end_s)
    (fault,) = repetition.faults
    assert fault.id == "back_leaves_mat"
    assert fault.measured.value == pytest.approx(0.7 * np.radians(16.0))
    assert ns(repetition.start) < ns(fault.start) < ns(fault.end) < ns(repetition.end)
    for _, live in bag["/truth/quality/live"]:
        t_s = (ns(live.header.stamp) - scenario.start_ns) / NANOSECONDS
        phase = scenario.movement.phase(t_s)[0]
        kind = typestore().types["lbp_rehab/msg/QualityLive"]
        assert live.phase == getattr(kind, f"PHASE_{phase.upper()}")
        assert live.repetitions == (t_s >= truly.end_s)


def test_mvc_trial_comes_first_and_clocks_err_as_asked(made):
    bag = content(made / "hard" / "bag")
    first_image = bag["/camera/color/image_raw/compressed"][0][0]
    assert bag["/emg/raw"][0][0] < first_image - 20 * NANOSECONDS
    raw = [m for _, m in bag["/emg/raw"]]
    lost = sum(m.lost_before for m in raw)
    assert lost > 0
    counted = sum(m.n_samples for m in raw) + lost
    assert raw[-1].first_sample + raw[-1].n_samples in (counted, counted + raw[0].first_sample)
    rate = np.median([m.sample_rate_hz for m in raw])
    assert rate == pytest.approx(1000.0 / (1.0 + 5e-4), rel=1e-6)
    stamps = np.array([ns(m.header.stamp) for _, m in bag["/camera/color/image_raw/compressed"]])
    log = np.array([t for t, _ in bag["/camera/color/image_raw/compressed"]])
    assert 0.5e6 < np.std(stamps - log) < 12e6
    whole = content(made / "first" / "bag")["/camera/color/image_raw/compressed"]
    assert len(stamps) < len(whole)
    for topic in ("/truth/body/pose", "/truth/pelvis/state", "/truth/quality/live"):
        true = [t for t, _ in bag[topic]]  # at every frame, also those that got lost
        assert true == [t for t, _ in whole]
        assert set(log) < set(true)
    assert bag["/truth/body/pose"][0][1].people_in_view == 2


def test_mvc_file_can_be_read_by_the_bridge(made):
    assert len(read_mvc(made / "first" / "bag" / "mvc.yaml")) == 12


def test_scenario_is_written_beside_the_bag(made):
    text = yaml.safe_load((made / "first" / "bag" / "scenario.yaml").read_text())
    assert text["scenario"]["exercise"] == "dead_bug"
    assert text["scenario"]["faults"] == [
        {"repetition": 0, "name": "back_leaves_mat", "severity": 0.7}
    ]
    assert 1.4 < text["person"]["height_m"] < 2.1


def test_written_command_makes_the_same_bytes(made, tmp_path):
    first = made / "first" / "bag"
    command = yaml.safe_load((first / "scenario.yaml").read_text())["command"]
    program, *words = shlex.split(command)
    assert program == "lbp-rehab"
    assert main([*words, "--out", str(tmp_path / "bag")]) == 0
    for path in first.iterdir():
        assert path.read_bytes() == (tmp_path / "bag" / path.name).read_bytes()


def test_nothing_but_the_bag_is_left_beside_it(made):
    for name in ("first", "second", "other", "hard"):
        assert [p.name for p in (made / name).iterdir()] == ["bag"]


def test_list_says_exercises_and_faults_and_needs_nothing_else(capsys):
    assert main(["synth", "--list"]) == 0
    out = capsys.readouterr().out
    for exercise, program in PROGRAMS.items():
        assert f"{exercise}: {program.title} (" in out
        for fault, effect in program.faults.items():
            assert any(fault in line and effect.text in line for line in out.splitlines())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--exercise", "hop"], "no exercise 'hop'"),
        (["--exercise", "clam", "--fault", "7:too_fast"], "repetition 7"),
        (["--exercise", "clam", "--view", "moon"], "cannot read the view"),
        (["--exercise", "clam", "--camera", "eye"], "no camera 'eye'"),
        (["--exercise", "clam", "--emg-rate", "7"], "1000 or 2000"),
        (["--exercise", "clam", "--jitter", "nan"], "--jitter nan must be 0 to 1000"),
        (["--exercise", "clam", "--jitter", "-1"], "--jitter"),
        (["--exercise", "clam", "--emg-offset", "inf"], "--emg-offset inf must be"),
        (["--exercise", "clam", "--emg-drift", "nan"], "--emg-drift nan must be"),
        (["--exercise", "clam", "--size", "²x²"], "640x480"),
        (["--exercise", "clam", "--size", "8000x6000"], "16 to 4096"),
        (["--exercise", "clam", "--severity", "nan"], "between 0 and 1"),
        (["--exercise", "clam", "--jpeg-quality", "500"], "1 to 100"),
        (["--exercise", "clam", "--jpeg-quality", "-5"], "1 to 100"),
        (["--exercise", "clam", "--png-compression", "99"], "1 to 9"),
        (["--exercise", "clam", "--drop", "1"], "less than 1"),
        (["--exercise", "clam", "--drop", "nan"], "between 0 and 1"),
        (["--exercise", "clam", "--loose", "13"], "electrodes can come off"),
        ([], "--list"),
    ],
)
def test_command_says_in_one_line_what_is_wrong(tmp_path, capsys, options, message):
    assert main(["synth", "--out", str(tmp_path / "bag"), *options]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["afile/x", "afile/deep/er/x", "/proc/x", "n" * 300])
def test_place_that_cannot_be_written_is_said_in_one_line(tmp_path, capsys, place):
    (tmp_path / "afile").touch()
    assert main(["synth", "--out", str(tmp_path / place), "--exercise", "clam", *SMALL]) == 2
    error = capsys.readouterr().err.strip()
    assert "cannot write" in error
    assert "\n" not in error
    assert [p.name for p in tmp_path.iterdir()] == ["afile"]


# A limit on the size of files stands in for a full disk; it holds for a whole process.
LIMITED = """
import resource, sys
from lbp_rehab.cli import main
from lbp_rehab.synthetic import recording
whole = recording._write
def write(folder, events):
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    whole(folder, events)
recording._write = write
sys.exit(main(sys.argv[1:]))
"""


def test_full_disk_ends_in_one_line_and_leaves_nothing(tmp_path, synthetic_extra):
    out = tmp_path / "new" / "folders" / "bag"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "synth", "--exercise", "clam", "--out", str(out), *SMALL],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert f"cannot write '{out}': File too large" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_leaves_nothing(tmp_path, synthetic_extra, number, code):
    out = tmp_path / "new" / "bag"
    words = ["synth", "--exercise", "clam", "--repetitions", "50", "--out", str(out)]
    code_text = "import sys; from lbp_rehab.cli import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code_text, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        deadline = time.monotonic() + 120.0
        while not list(tmp_path.glob("new/.bag.part-*/bag/bag.mcap")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            os.sched_yield()
        running.send_signal(number)
        _, error = running.communicate(timeout=60)
    assert running.returncode == code
    assert b"Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_recording_is_not_written_over(made, capsys):
    assert main(["synth", "--out", str(made / "first" / "bag"), "--exercise", "clam"]) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "synth --exercise clam --out nowhere",
        "bench pose --frames 10",
        "bench emg --recordings 1",
        "run --camera synthetic:clam --dry-run",
        "info ../resource/sample/glute_bridge",
    ],
)
def test_without_the_extra_the_rest_works_and_says_what_to_install(command, tmp_path):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['numba', 'anny']))\n"
        "from lbp_rehab.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = command.replace("..", str(resource_dir().parent)).split()
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip
    if words[0] in ("synth", "bench"):
        assert done.returncode == 2
        assert "pip install 'lbp-rehab[synthetic]'" in done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert done.returncode == 0, done.stderr
