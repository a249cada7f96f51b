"""How long the live graph takes from the camera's stamp to the pelvis, and what each node costs.

The whole graph runs as ``lbp-rehab run`` runs it, one process a node, on a recorded camera in a
loop. This process only listens.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo

from lbp_rehab import msg
from lbp_rehab.bench.live import Spinner, usage
from lbp_rehab.bench.statistics import percentiles_ms
from lbp_rehab.graph import SessionOptions, session_graph
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.nodes.pose_estimator import INFO
from lbp_rehab.paths import resource_dir
from lbp_rehab.runner import Supervisor

START_TIMEOUT_S = 60.0
WARM_UP_S = 5.0
DRAIN_S = 1.0


def measure(options: SessionOptions, seconds: float) -> dict[str, Any]:
    """Run the graph for some seconds and return the figures.

    Returns
    -------
    dict
        frames (published by the camera), pelvis_states, skipped, p50_ms, p90_ms, p99_ms, max_ms
        (stamp to pelvis/state), pose (the same to body/pose), nodes (cpu_percent of one core and
        memory_mb for each), cpu_percent of all, restarts.
    """
    rclpy.init()
    node = rclpy.create_node("latency_listener")
    arrivals: dict[str, dict[int, int]] = {"frames": {}, "pose": {}, "pelvis": {}}

    def note(name: str, message: Any) -> None:
        now = node.get_clock().now().nanoseconds
        arrivals[name].setdefault(to_ns(message.header.stamp), now)

    # Camera info comes with every frame and is small: the listener does not load the transport.
    node.create_subscription(CameraInfo, INFO, lambda m: note("frames", m), qos.IMAGES)
    node.create_subscription(msg.BodyPose, "body/pose", lambda m: note("pose", m), qos.RESULT)
    node.create_subscription(
        msg.PelvisState, "pelvis/state", lambda m: note("pelvis", m), qos.RESULT
    )
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    supervisor = Supervisor(session_graph(options))
    supervisor.start()
    try:
        spin = Spinner(executor, supervisor)
        spin.until(lambda: bool(arrivals["pelvis"]), START_TIMEOUT_S)
        spin.wait(WARM_UP_S)
        begin_ns = node.get_clock().now().nanoseconds
        before = usage(supervisor)
        begin = time.monotonic()
        spin.wait(seconds)
        elapsed = time.monotonic() - begin
        after = usage(supervisor)
        end_ns = node.get_clock().now().nanoseconds
        spin.wait(DRAIN_S)
    finally:
        supervisor.end()
        node.destroy_node()
        rclpy.try_shutdown()
    counted = [s for s in arrivals["frames"] if begin_ns <= s < end_ns]
    pelvis = [arrivals["pelvis"][s] - s for s in counted if s in arrivals["pelvis"]]
    pose = [arrivals["pose"][s] - s for s in counted if s in arrivals["pose"]]
    nodes = {
        name: {
            "cpu_percent": round(100.0 * (cpu_s - before.get(name, (cpu_s, 0))[0]) / elapsed, 1),
            "memory_mb": round(memory / 1e6, 1),
        }
        for name, (cpu_s, memory) in after.items()
    }
    return {
        "frames": len(counted),
        "pelvis_states": len(pelvis),
        "skipped": len(counted) - len(pelvis),
        **percentiles_ms(pelvis),
        "pose": percentiles_ms(pose),
        "nodes": nodes,
        "cpu_percent": round(sum(n["cpu_percent"] for n in nodes.values()), 1),
        "restarts": sum(p.restarts for p in supervisor.processes.values()),
        "seconds": round(elapsed, 1),
    }


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    from lbp_rehab.commands.demo import SAMPLE  # noqa: PLC0415

    camera = arguments.camera or f"bag:{resource_dir() / SAMPLE}"
    with tempfile.TemporaryDirectory() as scratch:
        options = SessionOptions(
            camera=camera,
            camera_rate=arguments.rate,
            camera_loop=True,
            subject=arguments.subject,
            emg=arguments.emg,
            exercise="glute_bridge",
            record=str(Path(scratch) / "bag") if arguments.record else "",
            mute=True,
        )
        return measure(options, arguments.seconds)
