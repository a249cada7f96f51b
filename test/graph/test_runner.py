"""What the supervisor makes of a node's end; its processes here are no ROS nodes."""

import sys
import time

import pytest

from lbp_rehab.graph import NodeSpec
from lbp_rehab.runner import Supervisor

DEADLINE_S = 20.0


class Script(NodeSpec):
    """A process that ends as its parameter ``script`` says."""

    def command(self):
        return [sys.executable, "-c", str(self.parameters["script"])]


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("raise SystemExit(0)", 0, None),
        ("raise SystemExit(3)", 3, "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 1, "SIGKILL"),
    ],
)
def test_a_player_that_fails_fails_the_graph(script, code, says):
    said = []
    waits = Script("pose_estimator", {"script": "import time; time.sleep(60)"})
    player = Script("player", {"script": script}, respawn=False, ends_session=True)
    supervisor = Supervisor([waits, player], said.append)
    supervisor.start()
    assert supervisor.run() == code
    assert not any(p.running for p in supervisor.processes.values())
    assert len(said) == (says is not None)
    assert says is None or (says in said[0] and "player" in said[0])


def test_a_pelvis_node_that_died_does_not_take_a_later_hold_for_the_neutral():
    spec = Script("pelvic_angle_estimator", {"script": "raise SystemExit(1)"})
    supervisor = Supervisor([spec], lambda _: None)
    supervisor.start()
    process = supervisor.processes[spec.name]
    assert "auto_neutral" not in process.spec.parameters
    deadline = time.monotonic() + DEADLINE_S
    while not process.restarts:
        assert time.monotonic() < deadline
        supervisor.watch()
    assert "auto_neutral:=false" in " ".join(process.spec.ros_arguments())
    supervisor.end()
