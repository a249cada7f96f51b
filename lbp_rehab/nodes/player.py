"""Play a bag into the running graph at its recorded pace."""

from __future__ import annotations

import sys
import threading
import time
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

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.definitions import message_class
from lbp_rehab.bags.play import CLOCK_TOPIC, Due, Output, Selection, schedule, select, span_ns
from lbp_rehab.bags.topics import relative_name
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import readers
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
        Parameter("rate", 1.0, "bag seconds per real second", 0.001, 1000.0),
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
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)
        self._thread.start()

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Report how far playing has come and whether it keeps its pace."""
        values = {"late": str(self._late)}
        if self._late:
            sentence = f"{self._late} messages more than {LATE_S} s late"
            return DiagnosticStatus.WARN, sentence, values
        sentence = "playing" if self._thread.is_alive() else "done"
        return DiagnosticStatus.OK, sentence, values

    def _warn(self) -> None:
        """Log what is missing or damaged in the bag, each once."""
        for warning in self._bag.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self.get_logger().warning(warning)

    def close(self) -> None:
        """Stop playing and close the bag."""
        self._stop.set()
        self._thread.join(timeout=2 * DELIVERY_TIMEOUT_S)
        self._bag.close()

    def _play(self) -> None:
        try:
            # Time stands still at the beginning, so that nodes on simulated time have one.
            first_ns, _ = span_ns(self._bag, self._selection)
            timeout_s = self.settings["wait_timeout_s"]
            readers.wait(self, self._wanted, timeout_s, self._stop, lambda: self._tick(first_ns))
            outputs = list(self._outputs.values())
            start, offset_ns = time.monotonic_ns(), 0
            while not self._stop.is_set():
                for due in schedule(
                    self._bag, outputs, self._selection, self.settings["rate"], offset_ns
                ):
                    wait_s = (start + due.at_ns - time.monotonic_ns()) / 1e9
                    self._late += wait_s < -LATE_S
                    if self._stop.wait(max(wait_s, 0.0)):
                        return
                    self._publish(due)
                self._warn()  # some damage is only found while the bag is read
                if not self.settings["loop"]:
                    break
                offset_ns = time.monotonic_ns() - start
            for outlet in self._outlets.values():
                outlet.wait_for_all_acked(Duration(seconds=DELIVERY_TIMEOUT_S))
            if self.settings["exit_when_done"]:
                self.finish()
        except Exception as error:
            # Publishing fails while the context shuts down under this thread.
            if not self._stop.is_set() and self.context.ok():
                self.finish(error)

    def _tick(self, now_ns: int) -> None:
        if self._clock_outlet is not None:
            clock: Time = to_stamp(now_ns)
            self._clock_outlet.publish(ClockMessage(clock=clock))

    def _publish(self, due: Due) -> None:
        if due.message is None:
            self._tick(due.log_time_ns)
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
