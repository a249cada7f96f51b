"""The player while it plays: parameters, topics and the keys of a terminal, over real DDS."""

import signal
import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from std_msgs.msg import Empty, Float64, String

from lbp_rehab.cli import main
from lbp_rehab.nodes import qos

pytestmark = pytest.mark.graph
DEADLINE_S = 40.0
SECOND = 1_000_000_000


class Steered:
    """A player that began paused, with who hears what it plays."""

    def __init__(self, graph, bag, **parameters):
        from rosgraph_msgs.msg import Clock

        self.graph, self.texts, self.clocks, self.states = graph, [], [], []
        for kind, topic, into in (
            (String, "/results", self.texts),
            (Clock, "/clock", self.clocks),
            (DiagnosticArray, "/diagnostics", self.states),
        ):
            graph.node.create_subscription(kind, topic, into.append, qos.RESULT)
        self.child = graph.start(
            "player", bag=bag, clock="true", paused="true", topics="['/results']",
            wait_for="['/results', '/clock']", **parameters,
        )  # fmt: skip
        self.next = graph.publisher(Empty, "/player/play_next")
        self.place = graph.publisher(Float64, "/player/seek")
        self.parameters = AsyncParameterClient(graph.node, "player")
        graph.wait(self.parameters.services_are_ready, "parameters of the player")
        # Before it has begun, it refuses to be steered.
        graph.wait(lambda: self.state()[0] == "paused", "beginning")

    def state(self):
        """Return what it last said of itself: a sentence, and values."""
        own = [s for m in self.states for s in m.status if s.name == "lbp_rehab: player"]
        return (own[-1].message, {v.key: v.value for v in own[-1].values}) if own else ("", {})

    def set(self, name, value):
        future = self.parameters.set_parameters([Parameter(name, value=value)])
        self.graph.wait(future.done, f"answer to {name}")
        return future.result().results[0]

    def times(self):
        return [m.clock.sec * SECOND + m.clock.nanosec - 1000 * SECOND for m in self.clocks]


def test_a_paused_player_is_steered_over_ros(graph, played_bag):
    player = Steered(graph, played_bag())
    assert player.texts == []
    assert set(player.times()) == {0}
    for count in (1, 2, 3):
        player.next.publish(Empty())
        graph.wait(lambda n=count: len(player.texts) == n, "one message more")
    graph.wait(lambda: player.times()[-1] == 2 * SECOND // 10, "clock at the third message")
    player.place.publish(Float64(data=0.65))
    graph.wait(lambda: player.times()[-1] == 65 * SECOND // 100, "clock at the new place")
    assert [m.data for m in player.texts] == ["0", "1", "2"]
    assert not player.set("rate", 5000.0).successful
    assert player.set("rate", 0.5).successful
    assert player.set("paused", False).successful
    graph.wait(lambda: player.child.poll() is not None, "end of the player")
    _, errors = player.child.communicate()
    assert player.child.returncode == 0, errors
    graph.wait(lambda: len(player.texts) == 6, "the rest")
    assert [m.data for m in player.texts] == ["0", "1", "2", "7", "8", "9"]
    assert player.times() == sorted(player.times())
    assert player.state()[1]["late"] == "0"


def test_a_pause_stops_the_clock_and_nothing_comes_in_a_burst(graph, played_bag):
    came = []
    graph.node.create_subscription(
        String, "/results", lambda _: came.append(time.monotonic()), qos.RESULT
    )
    player = Steered(graph, played_bag())
    player.set("paused", False)
    graph.wait(lambda: len(came) >= 3, "messages")
    player.set("paused", True)
    before = len(came)
    stands = len(player.clocks) + 5
    graph.wait(lambda: len(player.clocks) > stands + 100, "a second of the pause")
    assert len(set(player.times()[stands:])) == 1
    assert len(came) == before < 10
    player.set("paused", False)
    graph.wait(lambda: len(came) == 10, "the rest")
    assert came[-1] - came[before] > 0.08 * (9 - before)
    graph.wait(lambda: player.child.poll() is not None, "end of the player")
    assert player.times() == sorted(player.times())
    assert player.state()[1]["late"] == "0"


def command(graph, terminal, bag, *options):
    """``lbp-rehab play`` in the foreground of a terminal, as soon as it hears keys."""
    modes = terminal.modes()
    child = terminal.start("-m", "lbp_rehab.cli", "play", str(bag), *options)
    graph.children.append(child)
    graph.wait(lambda: terminal.modes() != modes, "keys to be heard")
    return child


def test_keys_of_the_terminal_steer_and_it_is_left_as_it_was(graph, played_bag, terminal):
    texts, modes = [], terminal.modes()
    graph.node.create_subscription(String, "/there", texts.append, qos.RESULT)
    child = command(
        graph, terminal, played_bag(),
        "--start-paused", "--remap", "/results:=/there", "--wait-for", "/there", "--topics", "/r.*",
    )  # fmt: skip

    def next_message():
        terminal.press(b"\x1b[C")  # is refused until the player has found its readers
        graph.wait(lambda: graph.executor.spin_once(timeout_sec=0.1) is None, "a moment")
        return len(texts) > 0

    graph.wait(next_message, "first message")
    terminal.press(b"\x1b[A\x1b[B ")
    printed, errors = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0, errors
    graph.wait(lambda: len(texts) == 10, "the rest")
    assert "rate 1.1" in printed + errors
    assert "rate 0.99" in printed + errors
    assert terminal.modes() == modes


@pytest.mark.parametrize("way", [b"\x03", signal.SIGTERM])
def test_however_it_ends_the_terminal_is_left_as_it_was(graph, played_bag, terminal, way):
    modes = terminal.modes()
    child = command(graph, terminal, played_bag(), "--loop")
    if isinstance(way, bytes):
        terminal.press(way)
    else:
        child.send_signal(way)
    _, errors = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0, errors
    assert "Traceback" not in errors
    assert terminal.modes() == modes


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("/results=/there", "'/results=/there' is no remapping of a topic; write /old/name:="),
        ("/result:=/there", "remaps /result, which is not played; the topics are /depth, /res"),
    ],
)
def test_a_wrong_remapping_is_one_sentence(played_bag, capsys, rule, sentence):
    assert main(["play", str(played_bag()), "--remap", rule]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
