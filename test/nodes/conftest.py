"""A node, a listener and publishers of a private domain in one executor."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile

from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode

# The movements that the tests of nodes share.
sys.path.insert(0, str(Path(__file__).parent))

DEADLINE_S = 60.0


class Bench:
    """Starts nodes, feeds them over DDS and keeps what they publish."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.listener = rclpy.create_node("listener", context=self.context)
        self.executor.add_node(self.listener)
        self.nodes: list[LbpNode] = []
        self.messages: dict[str, list[Any]] = defaultdict(list)
        self._publishers: dict[str, Any] = {}

    def start(self, kind: type[LbpNode], **parameters: Any) -> LbpNode:
        overrides = [rclpy.Parameter(k, value=v) for k, v in parameters.items()]
        node = kind(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def listen(self, node: LbpNode, **topics: type) -> None:
        """Listen to topics, ``_`` for ``/`` in their names, until the node sees the listener."""
        names = {name.replace("_", "/", 1): kind for name, kind in topics.items()}
        for name, kind in names.items():
            self.listener.create_subscription(kind, name, self.messages[name].append, qos.RESULT)
        self.until(lambda: all(node.count_subscribers(name) for name in names))

    def publish(self, topic: str, message: Any, profile: QoSProfile = qos.RESULT) -> None:
        """Publish and wait until every node has taken it."""
        if topic not in self._publishers:
            made = self.listener.create_publisher(type(message), topic, profile)
            self._publishers[topic] = made
            self.until(lambda: made.get_subscription_count() == len(self.nodes))
        wanted = [node.received[topic] + 1 for node in self.nodes]
        self._publishers[topic].publish(message)
        self.until(
            lambda: all(n.received[topic] >= w for n, w in zip(self.nodes, wanted, strict=True))
        )

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            self.executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        for node in self.nodes:
            node.end()
            node.destroy_node()
        self.listener.destroy_node()
        self.executor.shutdown(timeout_sec=1.0)
        rclpy.shutdown(context=self.context)


@pytest.fixture
def bench(ros_domain: int) -> Iterator[Bench]:
    made = Bench(ros_domain)
    yield made
    made.close()
