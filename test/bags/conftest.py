"""Bags for the tests, and processes that record and play them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

from lbp_rehab.bags import BagWriter, Compression, Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.bags.qos import DEFAULT_QOS
from lbp_rehab.nodes import qos
from lbp_rehab.paths import config_dir

DEADLINE_S = 40.0
DOMAIN = 60 + os.getpid() % 40
SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND


class Recording:
    """A bag in the making, and what was put into it."""

    def __init__(self, folder: Path, compression: Compression = Compression.NONE) -> None:
        self.folder = folder
        self.written: list[tuple[str, int, bytes]] = []
        self.flushed: list[tuple[int, int]] = []  # size of the file, messages safe in it
        self.writer = BagWriter(folder, compression, flush_period_s=3600.0)

    @property
    def file(self) -> Path:
        return self.folder / f"{self.folder.name}_0.mcap"

    def topic(self, name: str, kind: str = "std_msgs/msg/String") -> None:
        known = installed(kind)
        self.writer.add_topic(
            Topic(name, kind, known.text, known.encoding, known.type_hash, (DEFAULT_QOS,))
        )

    def write(self, name: str, log_time_ns: int, data: bytes) -> None:
        self.writer.write(name, data, log_time_ns, max(log_time_ns - 1000, 0))
        self.written.append((name, log_time_ns, data))

    def flush(self) -> None:
        self.writer.flush()
        self.flushed.append((self.file.stat().st_size, len(self.written)))

    def fill(self, count: int, flush_every: int) -> None:
        """Write messages of two topics, 10 ms apart, each different and of its own size."""
        self.topic("/a")
        self.topic("/b")
        for index in range(count):
            data = b"\x00\x01\x00\x00" + index.to_bytes(4, "little") * (1 + index % 37)
            self.write(("/a", "/b")[index % 2], START_NS + index * SECOND // 100, data)
            if (index + 1) % flush_every == 0:
                self.flush()


@pytest.fixture
def recording(tmp_path):
    """Return a function that begins a bag."""

    def begin(name: str = "bag", compression: Compression = Compression.NONE) -> Recording:
        return Recording(tmp_path / name, compression)

    return begin


class Graph:
    """A node of the test's own, and the processes that it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.node = rclpy.create_node("test", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.children: list[subprocess.Popen] = []

    def start(self, module: str, *arguments: str, **parameters) -> subprocess.Popen:
        settings = [
            part for name, value in parameters.items() for part in ("-p", f"{name}:={value}")
        ]
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"lbp_rehab.nodes.{module}",
                "--ros-args",
                *settings,
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.children.append(child)
        return child

    def wait(self, condition, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"no {what} in time"
            self.executor.spin_once(timeout_sec=0.02)

    def publisher(self, kind, topic, profile=qos.RESULT):
        """Return a publisher that somebody else is connected to."""
        publisher = self.node.create_publisher(kind, topic, profile)
        self.wait(lambda: publisher.get_subscription_count() > 0, f"subscriber of {topic}")
        return publisher

    def end(self, child: subprocess.Popen, number: int) -> tuple[str, str]:
        child.send_signal(number)
        return child.communicate(timeout=DEADLINE_S)

    def close(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.communicate()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph(tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(config_dir() / "fastdds.xml"))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    opened = Graph(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def depth():
    """Return a function that makes a depth image, another one for each number."""

    def make(index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 65536, (48, 64), dtype=np.uint16)

    return make


@pytest.fixture
def played_bag(recording, depth):
    """Return a function that makes a bag: ten strings and three compressed images in 0.9 s."""

    def make() -> Path:
        bag = recording("source")
        bag.topic("/results")
        bag.topic("/truth/pose")
        bag.topic("/depth/compressedDepth", "sensor_msgs/msg/CompressedImage")
        for index in range(10):
            now = 1000 * SECOND + index * SECOND // 10
            bag.write("/results", now, serialize_message(String(data=str(index))))
            bag.write("/truth/pose", now, serialize_message(String(data="truth")))
            if index % 4 == 0:
                png = cv2.imencode(".png", depth(index))[1].tobytes()
                message = CompressedImage(format="16UC1; compressedDepth png", data=bytes(12) + png)
                message.header.stamp.sec = 5 + index
                bag.write("/depth/compressedDepth", now, serialize_message(message))
        bag.writer.close()
        return bag.folder

    return make
