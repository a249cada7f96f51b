import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message

from lbp_rehab import msg
from lbp_rehab.bags import BagReader, summary
from lbp_rehab.cli import COMMANDS, main
from lbp_rehab.paths import resource_dir

SAMPLE = resource_dir() / "sample" / "glute_bridge"
DEADLINE_S = 90.0


def lbp_rehab(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "lbp_rehab.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def assert_one_sentence(result, says):
    assert result.returncode not in (0, -signal.SIGKILL)
    errors = [line for line in result.stderr.splitlines() if says in line]
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out) > 100


@pytest.fixture
def rgbd(tmp_path):
    folder = tmp_path / "frames"
    for name, image in (
        ("color/0.png", np.zeros((48, 64, 3), np.uint8)),
        ("depth/0.png", np.full((48, 64), 900, np.uint16)),
    ):
        (folder / name).parent.mkdir(parents=True)
        cv2.imwrite(str(folder / name), image)
    return folder


@pytest.mark.graph
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--camera", "folder:/no/such"], "does not exist"),
        (["run", "--camera", "webcam:97"], "no camera"),
        (["run", "--camera", "teapot"], "unknown"),
        (["run", "--camera", "none", "--exercise", "juggling"], "juggling"),
        (["run", "--camera", "none", "--play", "/no/such"], "no bag"),
        (["run", "--camera", "none", "--composed", "--namespace", "bad name"], "namespace"),
        (["run", "--camera", "none", "--subject", "tallest"], "tallest"),
        (["run", "--camera", "none", "--emg", "file:/no/such.csv"], "no/such.csv"),
        (["play", "/no/such"], "no bag"),
        (["info", "/no/such"], "no bag"),
        (["report", "/no/such", "--out", "/tmp/none"], "no bag"),
    ],
)
def test_wrong_input_is_one_sentence_and_a_code(ros_domain, arguments, says):
    assert_one_sentence(lbp_rehab(*arguments), says)


@pytest.mark.graph
def test_depth_of_another_size_is_refused(ros_domain, rgbd):
    cv2.imwrite(str(rgbd / "depth/0.png"), np.full((24, 32), 900, np.uint16))
    assert_one_sentence(lbp_rehab("run", "--camera", f"folder:{rgbd}"), "32x24")


@pytest.mark.graph
def test_a_wrong_depth_encoding_is_refused(ros_domain, rgbd):
    cv2.imwrite(str(rgbd / "depth/0.png"), np.full((48, 64), 90, np.uint8))
    assert_one_sentence(lbp_rehab("run", "--camera", f"folder:{rgbd}"), "16 bits")


@pytest.mark.graph
def test_an_empty_folder_is_refused(ros_domain, tmp_path):
    assert_one_sentence(lbp_rehab("run", "--camera", f"folder:{tmp_path}"), "no images")


@pytest.mark.graph
def test_an_unknown_parameter_is_refused(ros_domain, tmp_path, rgbd):
    path = tmp_path / "mine.yaml"
    path.write_text("/**/pose_estimator:\n  ros__parameters:\n    sharpness: 3\n")
    result = lbp_rehab("run", "--camera", f"folder:{rgbd}", "--params", path)
    assert_one_sentence(result, "unknown parameter 'sharpness'")


@pytest.mark.graph
@pytest.mark.parametrize("text", ["/**:\n  ros__parameters:\n    a: [1, \n", "just words\n", "{"])
def test_a_broken_yaml_is_refused(ros_domain, tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert_one_sentence(lbp_rehab("run", "--camera", "none", "--params", path), "mine.yaml")


@pytest.mark.graph
def test_a_torn_bag_is_played_to_its_last_whole_message_and_a_hopeless_one_refused(
    ros_domain, tmp_path
):
    whole = next(SAMPLE.glob("*.mcap")).read_bytes()
    torn, hopeless = tmp_path / "torn.mcap", tmp_path / "hopeless.mcap"
    torn.write_bytes(whole[: len(whole) // 3])
    hopeless.write_bytes(b"no bag at all" * 10)
    assert 0 < summary(torn).message_count < summary(SAMPLE).message_count
    assert_one_sentence(lbp_rehab("info", hopeless), "hopeless.mcap")


def interrupt_when(process, condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    return process.wait(timeout=30)


# What extension modules make of a KeyboardInterrupt while they load, rclpy's among them.
SLOW_IMPORT = """
import sys, time
import lbp_rehab.cli, lbp_rehab.graph, lbp_rehab.runner

def slow(*_):
    print("loading", flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        raise ImportError("initialization failed")

"""


@pytest.mark.parametrize(
    "how",
    [
        "lbp_rehab.cli.importlib.import_module = slow; lbp_rehab.cli.main(['run'])",
        "import lbp_rehab.nodes.base; lbp_rehab.runner.importlib.import_module = slow; "
        "lbp_rehab.runner.run_composed([lbp_rehab.graph.NodeSpec('player', {})])",
    ],
    ids=["the commands", "the nodes of one process"],
)
def test_ctrl_c_while_libraries_load_is_silent(how):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_IMPORT + how],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "loading\n"
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 130


@pytest.mark.graph
@pytest.mark.slow
@pytest.mark.parametrize("namespace", ["", "lab1"])
def test_a_bag_played_into_one_process_ends_it_with_a_whole_recording(
    ros_domain, tmp_path, namespace
):
    bag, params = tmp_path / "bag", tmp_path / "mine.yaml"
    params.write_text("/**:\n  ros__parameters:\n    end_s: 4.0\n    person_id: p7\n")
    result = lbp_rehab(
        "run", "--composed", "--camera", "none", "--play", SAMPLE, "--mute",
        "--exercise", "glute_bridge", "--record", bag, "--params", params,
        *(["--namespace", namespace] if namespace else []),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    prefix = f"/{namespace}" if namespace else ""
    with BagReader(bag) as reader:
        assert reader.warnings == []
        poses = reader.counts[f"{prefix}/body/pose"]
        images = reader.counts[f"{prefix}/camera/color/image_raw"]
        last = list(reader.messages({f"{prefix}/session/state"}))[-1]
    assert images > 40
    assert 0 < poses <= images  # a busy machine skips images
    state = deserialize_message(last.data, msg.SessionState)
    assert state.person_id == "p7"
    assert state.state != msg.SessionState.STATE_EXERCISING  # the last word, as the node closed


@pytest.mark.graph
@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["--composed"]])
def test_ctrl_c_ends_the_graph_and_leaves_a_whole_bag(ros_domain, tmp_path, how):
    bag = tmp_path / "bag"
    process = subprocess.Popen(
        [sys.executable, "-m", "lbp_rehab.cli", "run", "--camera", f"bag:{SAMPLE}", "--camera-loop",
         "--exercise", "glute_bridge", "--mute", "--record", str(bag), *how],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    size = 5_000_000

    def enough():
        return sum(p.stat().st_size for p in bag.glob("*.mcap")) > size

    code = interrupt_when(process, enough)
    errors = process.stderr.read()
    assert code == 0, errors
    assert "Traceback" not in errors
    found = summary(bag)
    assert found.warnings == ()
    assert {"/body/pose", "/pelvis/state", "/session/state"} <= {
        t.name for t in found.topics if t.count
    }


@pytest.mark.graph
@pytest.mark.slow
def test_nodes_do_not_outlive_a_killed_supervisor(ros_domain, tmp_path):
    bag = tmp_path / "bag"
    process = subprocess.Popen(
        [sys.executable, "-m", "lbp_rehab.cli", "run", "--camera", f"bag:{SAMPLE}", "--camera-loop",
         "--record", str(bag)],
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + DEADLINE_S
    while not list(bag.glob("*.mcap")) or len(children(process.pid)) < 6:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    nodes = children(process.pid)
    process.kill()
    process.wait()
    while any(alive(pid) for pid in nodes):
        assert time.monotonic() < deadline, "a node outlived its supervisor"
        time.sleep(0.05)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(p) for p in file.read().split()]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
