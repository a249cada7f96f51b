"""Measure the recorder at the data rate of an RGB-D camera: messages lost and processor time.

Run: python test/bags/bench_recorder.py --seconds 20 [--compression zstd] [--images compressed]
[--image-format png] [--reliable]
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

TOPICS = {"/camera/color/image_raw": "rgb8", "/camera/depth/image_raw": "16UC1"}
ENDINGS = ("", "/compressed", "/compressedDepth")
RATE_HZ = 30.0
MATCH_DEADLINE_S = 30.0


def frames(count: int = 4) -> dict[str, list[bytes]]:
    """Return smooth images with a little noise, as a camera gives."""
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(480), np.arange(640))
    colour = [ramp[..., None] // 5 + rng.normal(0, 2, (480, 640, 3)) for _ in range(count)]
    depth = [1000 + ramp + rng.normal(0, 4, (480, 640)) for _ in range(count)]
    return {
        "rgb8": [c.clip(0, 255).astype(np.uint8).tobytes() for c in colour],
        "16UC1": [d.astype(np.uint16).tobytes() for d in depth],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--compression", choices=("none", "zstd"), default="none")
    parser.add_argument("--images", choices=("raw", "compressed"), default="raw")
    parser.add_argument("--image-format", choices=("jpeg", "png"), default="jpeg")
    parser.add_argument("--reliable", action="store_true", help="default: best effort")
    arguments = parser.parse_args()

    from lbp_rehab.paths import config_dir

    os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(config_dir() / "fastdds.xml")
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ.setdefault("ROS_DOMAIN_ID", str(60 + os.getpid() % 40))

    import rclpy
    from sensor_msgs.msg import Image

    from lbp_rehab.bags import summary
    from lbp_rehab.nodes import qos

    rclpy.init()
    node = rclpy.create_node("bench_source")
    profile = qos.RESULT if arguments.reliable else qos.SENSOR
    outlets = {topic: node.create_publisher(Image, topic, profile) for topic in TOPICS}
    data = frames()
    with tempfile.TemporaryDirectory() as scratch:
        bag = Path(scratch) / "bench"
        command = [sys.executable, "-m", "lbp_rehab.nodes.recorder", "--ros-args"]
        command += ["-p", f"output:={bag}", "-p", f"compression:={arguments.compression}"]
        command += ["-p", f"images:={arguments.images}"]
        command += ["-p", f"image_format:={arguments.image_format}"]
        child = subprocess.Popen(command)
        deadline = time.monotonic() + MATCH_DEADLINE_S
        while not all(outlet.get_subscription_count() for outlet in outlets.values()):
            if child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the recorder did not subscribe")
            time.sleep(0.02)
        process = psutil.Process(child.pid)
        before, start = process.cpu_times(), time.monotonic()
        count = round(arguments.seconds * RATE_HZ)
        for index in range(count):
            time.sleep(max(0.0, start + index / RATE_HZ - time.monotonic()))
            for topic, encoding in TOPICS.items():
                pixels = data[encoding][index % len(data[encoding])]
                outlets[topic].publish(
                    Image(
                        height=480,
                        width=640,
                        encoding=encoding,
                        step=len(pixels) // 480,
                        data=pixels,
                    )
                )
        for outlet in outlets.values():
            outlet.wait_for_all_acked()
        time.sleep(1.0)
        after, took = process.cpu_times(), time.monotonic() - start
        child.send_signal(signal.SIGINT)
        child.wait(timeout=60)
        kept = {topic.name: topic.count for topic in summary(bag).topics}
        size = summary(bag).size_bytes
    rclpy.shutdown()
    lost = 2 * count - sum(kept.get(t + end, 0) for t in TOPICS for end in ENDINGS)
    busy = sum(after[:2]) - sum(before[:2])
    sent_mb = count * (480 * 640 * 5) / 1e6
    print(
        f"{sent_mb / arguments.seconds:.0f} MB/s for {arguments.seconds:.0f} s: "
        f"{lost} of {2 * count} lost, recorder {100 * busy / took:.0f} % of one core, "
        f"bag {100 * size / 1e6 / sent_mb:.0f} % of the raw size"
    )
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
