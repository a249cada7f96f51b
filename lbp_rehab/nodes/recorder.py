"""Record topics, as they appear, to a rosbag2 folder in MCAP."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Qos

from lbp_rehab.bags import BagWriter, Compression, Split, definitions
from lbp_rehab.bags.background import BackgroundWriter
from lbp_rehab.bags.definitions import message_class
from lbp_rehab.bags.gaps import Gaps
from lbp_rehab.bags.pack import DEFAULT_JPEG_QUALITY, ImageFormat, Packing, PackingWriter
from lbp_rehab.bags.qos import recorded, request
from lbp_rehab.bags.topics import is_service_event, matches
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.parameters import Parameter

QUEUE_DEPTH = 100  # 3 s of images at 30 Hz
MIB = 1024 * 1024


class Recorder(LbpNode):
    """Subscribes to every wanted topic in serialised form and writes what comes."""

    NAME = "recorder"
    CLOSES_LAST = True
    PARAMETERS = (
        Parameter("output", "", "folder of the bag; must not exist"),
        Parameter("topics", ["*"], "regular expressions of whole topic names; '*': all"),
        Parameter("exclude", [""], "likewise; these win"),
        Parameter(
            "hidden",
            False,
            "also names with a part that begins with _; calls of services always",
        ),
        Parameter("compression", "none", "of the chunks", choices=("none", "zstd")),
        Parameter("images", "raw", "how raw images are kept", choices=("raw", "compressed")),
        Parameter("image_format", "jpeg", "of compressed colour", choices=("jpeg", "png")),
        Parameter("jpeg_quality", DEFAULT_JPEG_QUALITY, "of compressed colour", 1, 100),
        Parameter("max_bag_size_mib", 0, "MiB after which a new file begins; 0: never", 0, 1 << 20),
        Parameter("max_bag_duration_s", 0.0, "s after which a new file begins; 0: never", 0.0, 1e6),
        Parameter("flush_period_s", 0.5, "s; the most that a kill can cost", 0.05, 60.0),
        Parameter("poll_period_s", 0.2, "s between looks for new topics", 0.02, 60.0),
        Parameter("queue_mib", 256, "MiB of messages that may wait for the disk", 1, 65536),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        if not self.settings["output"]:
            raise InputError("no folder to record to; give the parameter 'output'")
        self._output = Path(self.settings["output"]).expanduser()
        self._wanted(self.get_name())  # refuses a bad pattern before anything is created
        self._simulated = bool(self.get_parameter("use_sim_time").value)
        self._subscriptions_by_topic: dict[str, Any] = {}
        self._unknown_types: dict[str, str] = {}
        self._error_shown = self._said_no_clock = False
        self._gaps = Gaps()
        self._writer = BackgroundWriter(self._new_bag(), self.settings["queue_mib"] * MIB)
        self.every(self.settings["poll_period_s"], self._look_for_topics)
        self.every(self.settings["flush_period_s"], self._flush)
        self.get_logger().info(f"recording to '{self._output}'")

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Report what was written, what waits and what was lost."""
        lost, missed = self._writer.lost, self._gaps.missed
        values = {"waiting_mib": f"{self._writer.waiting_bytes / MIB:.1f}"}
        values |= {f"lost {topic}": str(count) for topic, count in sorted(lost.items())}
        values |= {f"missed {topic}": str(count) for topic, count in sorted((+missed).items())}
        values |= {f"not recorded {topic}": why for topic, why in self._unknown_types.items()}
        if lost:
            sentence = f"{lost.total()} messages lost: the disk is too slow"
            return DiagnosticStatus.ERROR, sentence, values
        if missed.total():
            sentence = f"{missed.total()} messages did not arrive: this machine is too slow"
            return DiagnosticStatus.ERROR, sentence, values
        if self._unknown_types:
            return DiagnosticStatus.WARN, "some topics cannot be recorded", values
        return DiagnosticStatus.OK, f"recording {len(self._subscriptions_by_topic)} topics", values

    def close(self) -> None:
        """Finish the bag and print what is in it."""
        try:
            self._writer.close()
        except InputError:
            if not self._error_shown:
                raise
        counts, lost, missed = self._writer.counts, self._writer.lost, self._gaps.missed
        total = f"{lost.total()} lost"
        if missed.total():
            total += f", {missed.total()} did not arrive"
        print(f"recorder: {counts.total()} messages in '{self._output}', {total}")
        for topic in sorted(counts | lost | missed):
            loss = f", {lost[topic]} lost" if lost[topic] else ""
            loss += f", {missed[topic]} did not arrive" if missed[topic] else ""
            print(f"  {topic}: {counts[topic]}{loss}")
        sys.stdout.flush()

    def _new_bag(self) -> BagWriter:
        given = self.settings
        how = (
            Compression(given["compression"]),
            given["flush_period_s"],
            Split(given["max_bag_size_mib"] * MIB, given["max_bag_duration_s"]),
        )
        if given["images"] == "raw":
            return BagWriter(self._output, *how)
        packing = Packing(ImageFormat(given["image_format"]), given["jpeg_quality"])
        return PackingWriter(self._output, packing, *how)

    def _wanted(self, topic: str) -> bool:
        hidden = not is_service_event(topic) and any(
            part.startswith("_") for part in topic.split("/")
        )
        return (
            (not hidden or self.settings["hidden"])
            and matches(topic, self.settings["topics"])
            and not matches(topic, self.settings["exclude"])
        )

    def _look_for_topics(self) -> None:
        for topic, types in self.get_topic_names_and_types():
            if topic in self._unknown_types or not self._wanted(topic):
                continue
            publishers = self.get_publishers_info_by_topic(topic)
            if not publishers:
                continue  # somebody only listens; its QoS is not known yet
            self._gaps.publishers(topic, len(publishers))
            offered = [recorded(publisher.qos_profile) for publisher in publishers]
            if (known := self._subscriptions_by_topic.get(topic)) is None:
                self._begin(topic, types[0], offered)
            elif _is_too_strict(known.qos_profile, offered):
                # A later publisher offers less; the weaker request matches all.
                self.destroy_subscription(known)
                self._subscribe(topic, known.msg_type, offered)

    def _begin(self, topic: str, kind: str, offered: list[Qos]) -> None:
        message = message_class(kind)
        if message is None:
            self._unknown_types[topic] = f"its type {kind} is not installed"
            self.get_logger().warning(f"{topic} is not recorded: {self._unknown_types[topic]}")
            return
        self._writer.add_topic(definitions.topic(topic, kind, tuple(offered)))
        self._subscribe(topic, message, offered)

    def _subscribe(self, topic: str, message: type, offered: list[Qos]) -> None:
        reliable, latched = request(offered)
        profile = QoSProfile(
            depth=QUEUE_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        self._subscriptions_by_topic[topic] = self.create_subscription(
            message, topic, self._take(topic), profile, raw=True
        )

    def _take(self, topic: str) -> Callable[..., None]:
        def take(data: bytes, info: dict[str, int]) -> None:
            self.received[topic] += 1
            self._gaps.take(topic, info["publication_sequence_number"])
            now_ns = self.get_clock().now().nanoseconds
            if self._simulated:
                if now_ns == 0:
                    self.dropped[topic] += 1  # there is no time to record it at
                    if not self._said_no_clock:
                        self._said_no_clock = True
                        self.get_logger().info("waiting for /clock; nothing is recorded before it")
                    return
                self._writer.write(topic, data, now_ns, now_ns)
                return
            received_ns = info["received_timestamp"] or now_ns
            self._writer.write(topic, data, received_ns, info["source_timestamp"] or received_ns)

        return take

    def _flush(self) -> None:
        try:
            self._writer.check()
        except InputError as error:
            self._error_shown = True
            self.finish(error)
            return
        self._writer.flush()


def _is_too_strict(profile: QoSProfile, offered: list[Qos]) -> bool:
    reliable, latched = request(offered)
    return (profile.reliability == ReliabilityPolicy.RELIABLE and not reliable) or (
        profile.durability == DurabilityPolicy.TRANSIENT_LOCAL and not latched
    )


def main() -> int:
    """Run the node."""
    return run(Recorder)


if __name__ == "__main__":
    sys.exit(main())
