"""Node: activation and scores as LSL outlets, for labs that record there.

An outlet is seen by every machine of the local network, unlike the graph's own topics.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from lbp_rehab import msg
from lbp_rehab.emg.clock import RosTime
from lbp_rehab.emg.outlet import Outlet, OutletChannel, load_pylsl
from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.nodes.parameters import Parameter

INDICES = ("co_contraction", "asymmetry", "local_share")
LIVE = ("phase", "progress", "repetitions", "faults")
GRADES = {
    value: name.removeprefix("GRADE_").lower()
    for name in dir(msg.Repetition)
    if name.startswith("GRADE_") and isinstance(value := getattr(msg.Repetition, name), int)
}


class LslOutletNode(LbpNode):
    """Sends what comes, with the stamps of the messages on the LSL clock; unknown is NaN."""

    NAME = "lsl_outlet"
    PARAMETERS = (
        Parameter("prefix", "lbp_rehab", "begins the streams' names, PREFIX_activation and so on"),
        Parameter("which", ["activation", "live", "repetition"], "streams that are sent"),
        Parameter("activation_rate_hz", 50.0, "rate of emg/activation [Hz]", 10.0, 200.0),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        self._lsl = load_pylsl()
        self._ros_time = RosTime()
        self._labels: list[str] = []
        self._outlets: dict[str, Outlet] = {}
        kinds = {
            "activation": (msg.EmgActivation, "emg/activation", self._on_activation),
            "live": (msg.QualityLive, "quality/live", self._on_live),
            "repetition": (msg.Repetition, "quality/repetition", self._on_repetition),
        }
        for name in self.settings["which"]:
            if name not in kinds:
                raise InputError(
                    f"parameter 'which' names '{name}'; choose from {', '.join(kinds)}"
                )
            self.subscribe(*kinds[name], qos.RESULT)
        if "live" in self.settings["which"]:
            channels = [OutletChannel(label, "fraction" * (label == "progress")) for label in LIVE]
            self._outlets["live"] = Outlet(self._name_of("live"), "Quality", channels)
        if "repetition" in self.settings["which"]:
            self._outlets["repetition"] = Outlet(self._name_of("repetition"), "Markers")

    def _name_of(self, stream: str) -> str:
        return f"{self.settings['prefix']}_{stream}"

    def _push(self, stream: str, sample: list[Any], stamp: Any) -> None:
        self._ros_time.observe(self.get_clock().now().nanoseconds, self._lsl.local_clock())
        self._outlets[stream].push(sample, self._ros_time.to_device_s(to_ns(stamp)))
        self.sent[self._name_of(stream)] += 1

    def _on_activation(self, message: msg.EmgActivation) -> None:
        labels = [row.channel.label for row in message.muscles]
        if labels != self._labels:  # the muscles are known from the first message on
            self._labels = labels
            self._outlets.pop("activation", None)  # before its successor of the same name
            channels = [_muscle_channel(row.channel) for row in message.muscles]
            channels += [OutletChannel(name, "fraction") for name in INDICES]
            rate_hz = self.settings["activation_rate_hz"]
            name = self._name_of("activation")
            self._outlets["activation"] = Outlet(name, "Activation", channels, rate_hz)
        values = [row.activation for row in message.muscles]
        values += [getattr(message, name) for name in INDICES]
        self._push("activation", [_number(value) for value in values], message.header.stamp)

    def _on_live(self, message: msg.QualityLive) -> None:
        sample = [
            float(message.phase),
            _number(message.progress),
            float(message.repetitions),
            float(len(message.faults)),
        ]
        self._push("live", sample, message.header.stamp)

    def _on_repetition(self, message: msg.Repetition) -> None:
        score = _number(message.score)
        row = {
            "number": message.index,
            "exercise": message.exercise,
            "score": None if math.isnan(score) else score,
            "grade": GRADES.get(message.grade, "unknown"),
            "faults": [fault.id for fault in message.faults],
        }
        self._push("repetition", [json.dumps(row)], message.header.stamp)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say which streams are offered."""
        names = ", ".join(self._name_of(stream) for stream in sorted(self._outlets))
        sentence = f"LSL outlets: {names}" if names else "no LSL outlet yet: no activation came"
        return DiagnosticStatus.OK, sentence, {}

    def close(self) -> None:
        """Withdraw the streams."""
        self._outlets.clear()


def _number(estimate: msg.Estimate) -> float:
    return math.nan if estimate.status == msg.Estimate.UNKNOWN else estimate.value


def _muscle_channel(channel: msg.EmgChannel) -> OutletChannel:
    return OutletChannel(
        channel.label,
        "fraction of MVC",
        Muscle(channel.muscle).name.lower(),
        Side(channel.side).name.lower(),
    )


def main() -> int:
    """Run the node."""
    return run(LslOutletNode)


if __name__ == "__main__":
    sys.exit(main())
