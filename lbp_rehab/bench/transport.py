"""How RGB-D images travel from one process to another: lost or not, and how fast.

The sender publishes what the camera driver publishes, with its quality of service; the receiver
subscribes and pairs as the pose estimator does. The latency is from right before the message is
built to the callback that has both images.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image

from lbp_rehab.bench.statistics import percentiles_ms
from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.compat import ApproximateTimeSynchronizer, SimpleFilter
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.nodes.images import to_images
from lbp_rehab.nodes.pose_estimator import COLOR, DEPTH, INFO

MATCH_TIMEOUT_S = 15.0
SETTLE_S = 1.0
DRAIN_S = 2.0
SEED = 1


def measure(seconds: float, rate_hz: float, width: int, height: int) -> dict[str, Any]:
    """Run a sender process against a receiver here and return the figures.

    Returns
    -------
    dict
        sent, received (complete pairs), lost, color_received, depth_received, p50_ms, p90_ms,
        p99_ms, max_ms, seconds, rate_hz, width, height.
    """
    rclpy.init()
    node = rclpy.create_node("transport_receiver")
    counts = {"color": 0, "depth": 0}
    latencies: list[int] = []
    color_filter, depth_filter = SimpleFilter(), SimpleFilter()
    pairs = ApproximateTimeSynchronizer([color_filter, depth_filter], 10, 0.015)
    clock = node.get_clock()

    def on_pair(color: Image, depth: Image) -> None:
        latencies.append(clock.now().nanoseconds - to_ns(color.header.stamp))

    def count(name: str, target: SimpleFilter, message: Image) -> None:
        counts[name] += 1
        target.signalMessage(message)

    pairs.registerCallback(on_pair)
    node.create_subscription(Image, COLOR, lambda m: count("color", color_filter, m), qos.IMAGES)
    node.create_subscription(Image, DEPTH, lambda m: count("depth", depth_filter, m), qos.IMAGES)
    node.create_subscription(CameraInfo, INFO, lambda m: None, qos.IMAGES)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    sender = subprocess.Popen(
        [sys.executable, "-m", __name__, str(seconds), str(rate_hz), str(width), str(height)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while sender.poll() is None:
            executor.spin_once(timeout_sec=0.1)
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
        report = sender.stdout.read() if sender.stdout else ""
        if sender.returncode:
            raise InputError(f"the sender ended with exit code {sender.returncode}")
        sent = int(json.loads(report)["sent"])
    finally:
        sender.kill()
        node.destroy_node()
        rclpy.try_shutdown()
    return {
        "sent": sent,
        "received": len(latencies),
        "lost": sent - len(latencies),
        "color_received": counts["color"],
        "depth_received": counts["depth"],
        **percentiles_ms(latencies),
        "seconds": seconds,
        "rate_hz": rate_hz,
        "width": width,
        "height": height,
    }


def send(seconds: float, rate_hz: float, width: int, height: int) -> int:
    """Publish frames at a rate and print how many as JSON."""
    rclpy.init()
    node = rclpy.create_node("transport_sender")
    color = node.create_publisher(Image, COLOR, qos.SENSOR)
    depth = node.create_publisher(Image, DEPTH, qos.SENSOR)
    info = node.create_publisher(CameraInfo, INFO, qos.SENSOR)
    rng = np.random.default_rng(SEED)
    camera = Intrinsics.from_field_of_view(width, height, float(np.deg2rad(69)))
    pixels = rng.integers(0, 255, (height, width, 3), np.uint8)
    millimetres = rng.integers(500, 4000, (height, width)).astype(np.uint16)
    deadline = time.monotonic() + MATCH_TIMEOUT_S
    while not (color.get_subscription_count() and depth.get_subscription_count()):
        if time.monotonic() > deadline:
            return 1
        time.sleep(0.02)
    time.sleep(SETTLE_S)
    total = round(seconds * rate_hz)
    start = time.monotonic()
    for k in range(total):
        time.sleep(max(0.0, start + k / rate_hz - time.monotonic()))
        stamp_ns = node.get_clock().now().nanoseconds
        frame = RgbdFrame(stamp_ns, "camera_color_optical_frame", pixels, millimetres, camera)
        color_message, depth_message, info_message = to_images(frame)
        info.publish(info_message)
        color.publish(color_message)
        depth.publish(depth_message)
    print(json.dumps({"sent": total}), flush=True)
    time.sleep(DRAIN_S / 2)
    rclpy.try_shutdown()
    return 0


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    if not (arguments.seconds > 0 and arguments.rate > 0):
        raise InputError("--seconds and --rate must be positive")
    return measure(arguments.seconds, arguments.rate, arguments.width, arguments.height)


if __name__ == "__main__":
    _seconds, _rate, _width, _height = sys.argv[1:5]
    sys.exit(send(float(_seconds), float(_rate), int(_width), int(_height)))
