"""Play a bag into the running graph at its recorded pace."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.duration import Duration
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Qos, QosDurability, QosReliability
from rosgraph_msgs.msg import Clock as ClockMessage
from std_msgs.msg import Empty, Float64

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.definitions import message_class
from lbp_rehab.bags.play import CLOCK_TOPIC, Output, Selection, select, span_ns
from lbp_rehab.bags.playback import Due
from lbp_rehab.bags.steering import Steering
from lbp_rehab.bags.topics import relative_name
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos, readers
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import to_stamp
from lbp_rehab.nodes.images import raw_image
from lbp_rehab.nodes.parameters import Parameter

DELIVERY_TIMEOUT_S = 5.0
LATE_S = 0.1


class Player(LbpNode):
    """Publishes the serialised messages of a bag from a thread that paces them."""

    NAME = "player"
    PARAMETERS = (
        Parameter("bag", "", "folder of the bag, or its .mcap or .db3 file"),
        Parameter(
            "rate",
            1.0,
            "bag seconds per real second; may change while the node runs",
            0.001,
            1000.0,
            live=True,
        ),
        Parameter("paused", False, "stand still; may change while the node runs", live=True),
        Parameter("start_s", 0.0, "s after the bag's first message", 0.0, 1e7),
        Parameter("end_s", 0.0, "s after the bag's first message; 0: to its end", 0.0, 1e7),
        Parameter("loop", False, "begin again at the end"),
        Parameter("topics", ["*"], "regular expressions of whole topic names; '*': all"),
        Parameter("exclude", [""], "likewise; these win"),
        Parameter("clock", False, "publish /clock from the recorded times"),
        Parameter("wait_for", [""], "topics that need a subscriber, or TOPIC=N, before playing"),
        Parameter("wait_timeout_s", 30.0, "s; then playing begins all the same", 0.0, 3600.0),
        Parameter("decompress_images", True, "compressed images as raw ones on their base topic"),
        Parameter("relative", False, "topics into the node's namespace, except /tf and its like"),
        Parameter("exit_when_done", True, "end the node when the bag is over"),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        if not self.settings["bag"]:
            raise InputError("no bag to play; give the parameter 'bag'")
        self._selection = Selection(
            tuple(self.settings["topics"]),
            tuple(self.settings["exclude"]),
            self.settings["start_s"],
            self.settings["end_s"],
            self.settings["decompress_images"],
            self.settings["clock"],
        )
        self._wanted = readers.parse(self.settings["wait_for"])
        self._bag = BagReader(Path(self.settings["bag"]).expanduser(), as_installed=True)
        self._warned: set[str] = set()
        self._warn()
        span_ns(self._bag, self._selection)  # refuses an empty span before anything is published
        self._outputs: dict[str, Output] = {}
        self._outlets: dict[str, Publisher] = {}
        for output in select(self._bag.topics, self._selection):
            if (kind := message_class(output.type)) is None:
                self.get_logger().warning(
                    f"{output.source} is not played: its type {output.type} is not installed"
                )
                continue
            if self.settings["relative"]:
                name = relative_name(output.name, self.get_namespace())
                output = replace(output, name=name)  # noqa: PLW2901 - the same topic
            self._outputs[output.source] = output
            self._outlets[output.source] = self.create_publisher(
                kind, output.name, _profile(output.qos)
            )
        self._clock_outlet = (
            self.create_publisher(ClockMessage, CLOCK_TOPIC, 10) if self._selection.clock else None
        )
        self._late = 0
        self.steering = Steering(self.settings["rate"], self.settings["paused"])
        self.subscribe(Empty, "~/play_next", lambda _: self.steering.step(), qos.RESULT)
        self.subscribe(Float64, "~/seek", lambda to: self.steering.jump(to.data), qos.RESULT)
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)
        self._thread.start()

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Report how far playing has come and whether it keeps its pace."""
        place_s = self.steering.place_s()
        values = {"late": str(self._late)}
        if place_s is not None:
            values["place_s"] = f"{place_s:.1f}"
        if self._late:
            sentence = f"{self._late} messages more than {LATE_S} s late"
            return DiagnosticStatus.WARN, sentence, values
        if not self._thread.is_alive():
            return DiagnosticStatus.OK, "done", values
        if place_s is None:
            return DiagnosticStatus.OK, "waiting for subscribers", values
        return DiagnosticStatus.OK, "paused" if self.settings["paused"] else "playing", values

    def on_settings_changed(self) -> None:
        """Go on at another rate, stand still, or go on."""
        rate, paused = self.settings["rate"], self.settings["paused"]
        self.steering.set(rate, paused)
        place_s = self.steering.place_s() or 0.0
        state = "paused" if paused else "playing"
        self.get_logger().info(f"{state} at {place_s:.1f} s, rate {rate:.3g}")

    def _warn(self) -> None:
        """Log what is missing or damaged in the bag, each once."""
        for warning in self._bag.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self.get_logger().warning(warning)

    def close(self) -> None:
        """Stop playing and close the bag."""
        self.steering.stop()
        self._thread.join(timeout=2 * DELIVERY_TIMEOUT_S)
        self._bag.close()

    def _play(self) -> None:
        stopped, settings = self.steering.stopped, self.settings
        try:
            # Time stands still at the beginning, so that nodes on simulated time have one.
            first_ns, _ = span_ns(self._bag, self._selection)
            timeout_s = settings["wait_timeout_s"]
            readers.wait(self, self._wanted, timeout_s, stopped, lambda: self._tick(first_ns))
            outputs = list(self._outputs.values())
            for due in self.steering.play(
                self._bag, outputs, self._selection, loop=settings["loop"]
            ):
                self._late += due.late_s > LATE_S
                self._publish(due)
            self._warn()  # some damage is only found while the bag is read
            if stopped.is_set():
                return
            for outlet in self._outlets.values():
                outlet.wait_for_all_acked(Duration(seconds=DELIVERY_TIMEOUT_S))
            if settings["exit_when_done"]:
                self.finish()
        except Exception as error:
            # Publishing fails while the context shuts down under this thread.
            if not stopped.is_set() and self.context.ok():
                self.finish(error)

    def _tick(self, now_ns: int) -> None:
        if self._clock_outlet is not None:
            clock: Time = to_stamp(now_ns)
            self._clock_outlet.publish(ClockMessage(clock=clock))

    def _publish(self, due: Due) -> None:
        # Before the message, so that its receiver's clock already stands at it.
        self._tick(due.log_time_ns)
        if due.message is None:
            return
        output = self._outputs[due.message.topic]
        outlet = self._outlets[due.message.topic]
        if output.transport is None:
            outlet.publish(due.message.data)
        else:
            try:
                outlet.publish(raw_image(output.transport, due.message.data))
            except InputError as error:
                self.drop(output.source, str(error))
                return
        self.sent[output.name] += 1


def _profile(qos: Qos) -> QoSProfile:
    best_effort = qos.reliability == QosReliability.BEST_EFFORT
    latched = qos.durability == QosDurability.TRANSIENT_LOCAL
    return QoSProfile(
        depth=qos.depth,
        reliability=ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def main() -> int:
    """Run the node."""
    return run(Player)


if __name__ == "__main__":
    sys.exit(main())
