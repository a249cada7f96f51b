import os
import signal
import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo

from lbp_rehab import msg
from lbp_rehab.bags import summary
from lbp_rehab.graph import SessionOptions, session_graph
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.pose_estimator import COLOR, INFO
from lbp_rehab.paths import resource_dir
from lbp_rehab.runner import Supervisor

pytestmark = pytest.mark.graph

SAMPLE = resource_dir() / "sample" / "glute_bridge"
START_S = 60.0
BACK_S = 3.0  # what a user may count on; the tests allow a loaded machine more
PATIENCE_S = 20.0
NODES = {
    "camera_driver": "camera/color/camera_info",
    "pose_estimator": "body/pose",
    "pelvic_angle_estimator": "pelvis/state",
    "emg_bridge": "emg/activation",
    "exercise_recogniser": "exercise/recognition",
    "quality_scorer": "quality/live",
    "feedback_speaker": "/diagnostics",
    "recorder": "/diagnostics",
}


@pytest.fixture
def emg_file(tmp_path):
    """Two minutes of two quiet channels at 500 Hz, so that the source outlasts the test."""
    path = tmp_path / "emg.csv"
    rows = ["time,multifidus_l,multifidus_r", "s,mV,mV"]
    for k in range(60_000):
        left, right = (k * 7919) % 101 - 50, (k * 104729) % 97 - 48
        rows.append(f"{k / 500:.3f},{left / 5000:.5f},{right / 5000:.5f}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def running(listener, tmp_path, emg_file):
    """The whole graph on the sample recording in a loop, recorded, all nodes publishing."""
    options = SessionOptions(
        camera=f"bag:{SAMPLE}",
        camera_loop=True,
        emg=f"file:{emg_file}",
        exercise="glute_bridge",
        record=str(tmp_path / "bag"),
        mute=True,
    )
    listener.listen(CameraInfo, INFO, qos.IMAGES)
    listener.listen(msg.BodyPose, "body/pose")
    listener.listen(msg.PelvisState, "pelvis/state")
    listener.listen(msg.EmgActivation, "emg/activation")
    listener.listen(msg.Recognition, "exercise/recognition")
    listener.listen(msg.QualityLive, "quality/live")
    listener.listen(DiagnosticArray, "/diagnostics")
    said = []
    supervisor = Supervisor(session_graph(options), said.append)
    supervisor.start()
    try:
        listener.spin_until(
            lambda: not supervisor.watch() and all(alive(listener, name, 0.0) for name in NODES),
            START_S,
            f"the start of all nodes (without news from "
            f"{[n for n in NODES if not alive(listener, n, 0.0)]})",
        )
        yield supervisor, said, tmp_path / "bag"
    finally:
        supervisor.end()


def alive(listener, name, since):
    """Whether a node has published since a time."""
    topic = NODES[name]
    news = zip(listener.arrivals[topic], listener.messages[topic], strict=True)
    if topic != "/diagnostics":
        return any(t > since for t, _ in news)
    return any(t > since and m.status[0].name.endswith(name) for t, m in news)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NODES))
def test_a_killed_node_comes_back_and_the_rest_goes_on(running, listener, name):
    supervisor, said, bag = running
    pids = {n: p.popen.pid for n, p in supervisor.processes.items()}
    killed = time.monotonic()
    os.kill(pids[name], signal.SIGKILL)
    listener.spin_until(
        lambda: not supervisor.watch() and supervisor.processes[name].restarts == 1,
        PATIENCE_S,
        f"the restart of {name}",
    )
    restarted = time.monotonic()
    listener.spin_until(
        lambda: not supervisor.watch() and alive(listener, name, restarted),
        PATIENCE_S,
        f"news from {name}",
    )
    back = time.monotonic()
    listener.spin_until(
        lambda: not supervisor.watch() and all(alive(listener, other, back) for other in NODES),
        PATIENCE_S,
        "news from all nodes after the restart",
    )
    print(f"{name} published again {back - killed:.2f} s after SIGKILL")
    now = {n: p.popen.pid for n, p in supervisor.processes.items()}
    assert {n for n in pids if pids[n] != now[n]} == {name}
    assert any(name in line and "SIGKILL" in line for line in said)
    supervisor.end()
    parts = [bag, *bag.parent.glob("bag_part*")]
    assert len(parts) == (2 if name == "recorder" else 1)
    for part in parts:
        assert summary(part).message_count > 0


def test_all_nodes_end_on_request_and_the_bag_is_whole(running):
    supervisor, _, bag = running
    supervisor.end()
    assert not any(p.running for p in supervisor.processes.values())
    codes = {n: p.popen.returncode for n, p in supervisor.processes.items()}
    assert set(codes.values()) == {0}, codes
    found = summary(bag)
    assert found.warnings == ()
    counts = {t.name: t.count for t in found.topics}
    assert counts["/body/pose"] > 0
    assert counts["/" + COLOR] >= counts["/body/pose"] - 1
