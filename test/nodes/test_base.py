import time

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode

DEADLINE_S = 20.0


class Echo(LbpNode):
    NAME = "echo"

    def __init__(self, **options):
        super().__init__(**options)
        self.out = self.advertise(String, "out", qos.RESULT)
        self.subscribe(String, "in", self.on_message, qos.RESULT)

    def on_message(self, message):
        if message.data == "bad":
            raise InputError("that is bad")
        if message.data == "worse":
            raise ZeroDivisionError("a defect")
        self.out(message)


@pytest.fixture
def graph(ros_domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    echo = Echo(context=context)
    other = rclpy.create_node("other", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(echo)
    executor.add_node(other)
    yield echo, other, executor
    executor.shutdown()
    echo.destroy_node()
    other.destroy_node()
    rclpy.shutdown(context=context)


def spin_until(executor, done):
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        executor.spin_once(timeout_sec=0.05)


def test_bad_messages_are_dropped_counted_and_shown_and_the_node_goes_on(graph):
    echo, other, executor = graph
    heard, health = [], []
    other.create_subscription(String, "out", lambda m: heard.append(m.data), qos.RESULT)
    other.create_subscription(
        DiagnosticArray, "/diagnostics", lambda m: health.append(m.status[0]), qos.RESULT
    )
    publisher = other.create_publisher(String, "in", qos.RESULT)
    spin_until(executor, lambda: publisher.get_subscription_count() and echo.out.matched())
    for text in ("good", "bad", "worse", "fine"):
        publisher.publish(String(data=text))
    spin_until(executor, lambda: heard == ["good", "fine"])
    assert echo.dropped["in"] == 2
    spin_until(executor, lambda: health and {v.key: v.value for v in health[-1].values}
               .get("dropped in") == "2")  # fmt: skip
    values = {v.key: v.value for v in health[-1].values}
    assert values["received in"] == "4"
    assert values["sent out"] == "2"
    assert "internal error" in values["last_drop"]
