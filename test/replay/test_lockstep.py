"""Nodes of other packages and ours, fed from a bag without DDS."""

import pytest
import rclpy
from lbp_rehab.srv import CalibrateNeutral as Trigger
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Float64, String

from lbp_rehab.bags import BagReader, BagWriter, Topic
from lbp_rehab.bags.play import Selection
from lbp_rehab.errors import InputError
from lbp_rehab.replay.lockstep import Part, replay

S = 1_000_000_000
START_NS = 1_700_000_000 * S
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class Smoother(Node):
    """Of somebody else: knows nothing of replay."""

    def __init__(self):
        super().__init__("smoother")
        self.gain = self.declare_parameter("gain", 0.5).value
        self.state = 0.0
        self.out = self.create_publisher(Float64, "smooth", 10)
        self.status = self.create_publisher(String, "status", LATCHED)
        self.status.publish(String(data="made"))
        self.create_subscription(Float64, "raw", self.take, 10)
        self.create_timer(0.5, self.tell)
        self.create_service(Trigger, "reset", self.reset)

    def take(self, message):
        self.state += self.gain * (message.data - self.state)
        self.out.publish(Float64(data=self.state))

    def tell(self):
        seconds = self.get_clock().now().nanoseconds / S
        self.status.publish(String(data=f"{seconds:.1f}"))

    def reset(self, request, response):
        self.state = 0.0
        response.success = True
        return response


class Supervisor(Node):
    """Resets the smoother when it has gone far, and says when that was done."""

    def __init__(self):
        super().__init__("supervisor")
        self.client = self.create_client(Trigger, "reset")
        self.out = self.create_publisher(String, "resets", 10)
        self.create_subscription(Float64, "smooth", self.take, 10)
        self.create_subscription(String, "status", self.heard, LATCHED)
        self.first = None

    def heard(self, message):
        self.first = self.first or message.data

    async def take(self, message):
        if message.data > 3.0:
            answer = await self.client.call_async(Trigger.Request())
            self.out.publish(String(data=f"{answer.success} {self.first}"))


@pytest.fixture
def bag(tmp_path):
    folder = tmp_path / "bag"
    with BagWriter(folder) as writer:
        writer.add_topic(Topic("/raw", "std_msgs/msg/Float64"))
        writer.add_topic(Topic("/smooth", "std_msgs/msg/Float64"))
        for k in range(20):
            at_ns = START_NS + k * S // 10
            writer.write("/raw", bytes(serialize_message(Float64(data=float(k)))), at_ns)
            writer.write("/smooth", bytes(serialize_message(Float64(data=-1.0))), at_ns)
    with BagReader(folder) as reader:
        yield reader


def played(bag, *parts, **options):
    sent = []
    return replay(bag, parts, sent.append, **options), sent


def texts(sent, topic):
    return [deserialize_message(s.data, String).data for s in sent if s.topic == topic]


def test_a_node_hears_the_recording_and_its_own_topics_are_made_anew(bag):
    result, sent = played(bag, Part(Smoother))
    values = [deserialize_message(s.data, Float64).data for s in sent if s.topic == "/smooth"]
    expected, state = [], 0.0
    for k in range(20):
        state += 0.5 * (k - state)
        expected.append(state)
    assert values == expected
    assert result.fed == {"/raw": 20}
    assert result.sent["/smooth"] == 20


def test_timers_and_clocks_go_by_the_time_of_the_recording(bag):
    _, sent = played(bag, Part(Smoother))
    assert texts(sent, "/status") == ["made", *(f"{START_NS / S + t:.1f}" for t in (0.5, 1.0, 1.5))]
    times = [s.time_ns for s in sent if s.topic == "/status"]
    assert times == [START_NS + k * S // 2 for k in range(4)]


def test_services_between_nodes_and_latched_topics_work(bag):
    _, sent = played(bag, Part(Smoother), Part(Supervisor))
    resets = texts(sent, "/resets")
    assert len(resets) > 1
    assert set(resets) == {"True made"}


def test_arguments_set_parameters_names_and_remappings(bag):
    arguments = (
        *("--ros-args", "-r", "__ns:=/lab", "-r", "raw:=/raw", "-r", "smooth:=/out"),
        *("-p", "gain:=1.0"),
    )
    result, sent = played(bag, Part(Smoother, arguments))
    values = [deserialize_message(s.data, Float64).data for s in sent if s.topic == "/out"]
    assert values == [float(k) for k in range(20)]
    assert "/lab/status" in result.sent


def test_every_run_gives_the_same_bytes_whatever_else_the_process_does(bag):
    first, _ = played(bag, Part(Smoother), Part(Supervisor))
    rclpy.init(args=["--ros-args", "-p", "gain:=0.9"])  # of the process, not of the replay
    try:
        second, _ = played(bag, Part(Smoother), Part(Supervisor))
    finally:
        rclpy.shutdown()
    assert first.digests == second.digests
    third, _ = played(bag, Part(Smoother, ("--ros-args", "-p", "gain:=0.51")), Part(Supervisor))
    changed = {t for t in first.digests if first.digests[t] != third.digests[t]}
    assert "/smooth" in changed
    assert "/status" not in changed


def test_a_part_of_the_recording_can_be_chosen(bag):
    result, sent = played(bag, Part(Smoother), selection=Selection(start_s=0.5, end_s=1.0))
    assert result.fed == {"/raw": 6}
    assert min(s.time_ns for s in sent) == START_NS + S // 2


def test_damaged_messages_are_counted_and_the_others_heard(tmp_path):
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic(Topic("/raw", "std_msgs/msg/Float64"))
        good = bytes(serialize_message(Float64(data=1.0)))
        for k, data in enumerate((good, good[:6], b"", good)):
            writer.write("/raw", data, START_NS + k)
    with BagReader(tmp_path / "bag") as bag:
        result, sent = played(bag, Part(Smoother))
    assert result.warnings == ("/raw: 2 messages are damaged and were not heard",)
    assert len([s for s in sent if s.topic == "/smooth"]) == 2


def test_a_recording_that_no_node_hears_is_refused_with_what_they_listen_to(bag):
    with pytest.raises(InputError, match="they listen to /raw"):
        played(bag, Part(Smoother), selection=Selection(exclude=("/raw",)))


class Waits(Node):
    def __init__(self):
        super().__init__("waits")
        client = self.create_client(Trigger, "set")
        self.create_subscription(Float64, "raw", lambda _: client.call(Trigger.Request()), 10)


def test_a_call_that_would_wait_for_ever_is_named(bag):
    with pytest.raises(RuntimeError, match="/set is called and waited for"):
        played(bag, Part(Waits))


def test_a_wrong_parameter_ends_the_replay_and_leaves_nothing_behind(bag):
    from rclpy.exceptions import InvalidParameterTypeException

    with pytest.raises(InvalidParameterTypeException):
        played(bag, Part(Supervisor), Part(Smoother, ("--ros-args", "-p", "gain:=much")))
    played(bag, Part(Smoother))
