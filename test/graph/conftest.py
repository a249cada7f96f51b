"""Real runs of the graph: processes over DDS, watched from the test's own node."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile

from lbp_rehab.nodes import qos


class Listener:
    """Counts messages by topic and remembers when each one came."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.messages: dict[str, list[Any]] = defaultdict(list)
        self.arrivals: dict[str, list[float]] = defaultdict(list)

    def listen(self, kind: type, topic: str, profile: QoSProfile = qos.RESULT) -> None:
        def take(message: Any) -> None:
            self.messages[topic].append(message)
            self.arrivals[topic].append(time.monotonic())

        self.node.create_subscription(kind, topic, take, profile)

    def spin_until(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s"
            self.executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def listener(ros_domain: int) -> Iterator[Listener]:
    found = Listener(ros_domain)
    yield found
    found.close()
