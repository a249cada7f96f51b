import subprocess
import sys
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
    assert len(stamps) < len(content(made / "first" / "bag")["/camera/color/image_raw/compressed"])
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--exercise", "hop"], "no exercise 'hop'"),
        (["--exercise", "clam", "--fault", "7:too_fast"], "repetition 7"),
        (["--exercise", "clam", "--view", "moon"], "cannot read the view"),
        (["--exercise", "clam", "--camera", "eye"], "no camera 'eye'"),
        (["--exercise", "clam", "--emg-rate", "7"], "1000 or 2000"),
    ],
)
def test_command_says_in_one_line_what_is_wrong(tmp_path, capsys, options, message):
    assert main(["synth", "--out", str(tmp_path / "bag"), *options]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "bag").exists()


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
