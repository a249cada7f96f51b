import time

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

from lbp_rehab import srv
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
        self.serve(srv.CalibrateNeutral, "serve_now", self.on_request)
        self.serve(srv.CalibrateNeutral, "serve_later", self.on_request_later)
        self.ticks = 0
        self.every(0.01, self.on_tick)

    def on_request(self, request, response):
        if request.duration_s < 0:
            raise InputError("a duration has no sign")
        response.success, response.n_samples = True, round(10 / request.duration_s)
        return response

    async def on_request_later(self, request, response):
        return self.on_request(request, response)

    def on_tick(self):
        self.ticks += 1
        if self.ticks == 1:
            raise ZeroDivisionError("a defect")

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
    echo = Echo(context=context, namespace="lab1")
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
    other.create_subscription(String, "lab1/out", lambda m: heard.append(m.data), qos.RESULT)
    other.create_subscription(
        DiagnosticArray, "/diagnostics", lambda m: health.append(m.status[0]), qos.RESULT
    )
    publisher = other.create_publisher(String, "lab1/in", qos.RESULT)
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
    assert health[-1].name == "lbp_rehab: lab1/echo"


@pytest.mark.parametrize("name", ["serve_now", "serve_later"])
def test_a_service_answers_also_what_its_handler_cannot_and_the_node_goes_on(graph, name):
    echo, other, executor = graph
    client = other.create_client(srv.CalibrateNeutral, f"lab1/{name}")
    spin_until(executor, client.service_is_ready)

    def answer(duration_s):
        future = client.call_async(srv.CalibrateNeutral.Request(duration_s=duration_s))
        spin_until(executor, future.done)
        return future.result()

    for duration_s, why in ((0.0, "ZeroDivisionError"), (-1.0, "a duration has no sign")):
        refusal = answer(duration_s)
        assert not refusal.success
        assert why in refusal.message
    served = answer(2.0)
    assert (served.success, served.n_samples) == (True, 5)
    assert echo.dropped[f"service {name}"] == 2


def test_a_timer_goes_on_after_its_handler_raised(graph):
    echo, _, executor = graph
    spin_until(executor, lambda: echo.ticks >= 3)
    assert echo.dropped["timer on_tick"] == 1


def test_a_node_that_ended_takes_no_more_messages_and_its_timers_rest(graph):
    echo, other, executor = graph
    publisher = other.create_publisher(String, "lab1/in", qos.RESULT)
    after = []
    other.create_subscription(String, "lab1/in", after.append, qos.RESULT)
    spin_until(executor, lambda: publisher.get_subscription_count() == 2)
    echo.end()
    ticks = echo.ticks
    publisher.publish(String(data="worse"))
    spin_until(executor, lambda: after)
    executor.spin_once(timeout_sec=0.05)
    assert not echo.received
    assert echo.ticks == ticks
