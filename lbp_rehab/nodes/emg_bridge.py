"""Node: surface EMG from a device or file to ``emg/raw`` and ``emg/activation``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType

from lbp_rehab import msg
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.channels import missing_labels, name_channels, parse_channel_map
from lbp_rehab.emg.file_source import FileSource
from lbp_rehab.emg.filters import EnvelopeKind, FilterDesign, FilterSettings
from lbp_rehab.emg.mvc import read_mvc
from lbp_rehab.emg.onset import OnsetSettings
from lbp_rehab.emg.quality import QualitySettings
from lbp_rehab.emg.sources import open_source
from lbp_rehab.emg.types import NANOSECONDS, EmgChunk, check_chunk
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.emg_calibration import LONGEST_S, MvcService
from lbp_rehab.nodes.emg_messages import from_emg_raw, to_emg_activation, to_emg_raw
from lbp_rehab.nodes.parameters import Parameter


class EmgBridgeNode(LbpNode):
    """See the parameter table, `lbp_rehab.emg.sources` and `lbp_rehab.emg.activation`."""

    NAME = "emg_bridge"
    PARAMETERS = (
        Parameter("source", "none", "file:PATH, lsl:name=NAME, synthetic:EXERCISE, topic or none"),
        Parameter("person_id", "", "pseudonymous id of the patient, never a name"),
        Parameter("chunk_s", 0.025, "length of a chunk of emg/raw [s]", 0.02, 0.05),
        Parameter("channel_map", [""], "rows 'label=muscle:side'; others go by their label"),
        Parameter("mvc_file", "", "YAML of channel label to MVC envelope [V]; empty: none"),
        Parameter("mvc_duration_s", 5.0, "default length of calibrate_mvc [s]", 1.0, LONGEST_S),
        Parameter("mvc_window_s", 0.5, "window whose highest mean is the MVC [s]", 0.1, 3.0),
        Parameter("activation_rate_hz", 50.0, "rate of emg/activation [Hz]", 10.0, 200.0),
        Parameter("low_hz", 20.0, "lower edge of the band [Hz]", 5.0, 100.0),
        Parameter("high_hz", 450.0, "upper edge of the band [Hz]", 100.0, 1000.0),
        Parameter("mains_hz", 50.0, "frequency of the mains, 0: no notch [Hz]", 0.0, 60.0),
        Parameter("notch_harmonics", 5, "multiples of the mains removed [-]", 1, 9),
        Parameter("notch_width_hz", 2.0, "width of a notch at -3 dB [Hz]", 0.5, 10.0),
        Parameter("envelope", "lowpass", "how it is made", choices=("lowpass", "rms")),
        Parameter("envelope_hz", 6.0, "cut-off of the low-pass [Hz]", 1.0, 50.0),
        Parameter("rms_window_s", 0.1, "window of the RMS [s]", 0.02, 1.0),
        Parameter("on_sd", 3.0, "onset threshold over the baseline [SD]", 1.0, 20.0),
        Parameter("off_sd", 2.0, "offset threshold over the baseline [SD]", 0.5, 20.0),
        Parameter("on_s", 0.1, "least time over the threshold [s]", 0.0, 1.0),
        Parameter("off_s", 0.05, "least time under the threshold [s]", 0.0, 1.0),
        Parameter("rail_v", 0.0, "limit of the device's range, 0: found out [V]", 0.0, 10.0),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        given = self.settings
        self._placements = parse_channel_map(given["channel_map"])
        mvc = read_mvc(Path(given["mvc_file"]).expanduser()) if given["mvc_file"] else {}
        self._wanted = set(self._placements) | set(mvc)
        self._filters = FilterSettings(
            kind=EnvelopeKind(given["envelope"]),
            low_hz=given["low_hz"],
            high_hz=given["high_hz"],
            mains_hz=given["mains_hz"],
            notch_harmonics=given["notch_harmonics"],
            notch_width_hz=given["notch_width_hz"],
            envelope_hz=given["envelope_hz"],
            rms_window_s=given["rms_window_s"],
        )
        onset = OnsetSettings(given["on_sd"], given["off_sd"], given["on_s"], given["off_s"])
        quality = QualitySettings(rail_v=given["rail_v"])
        self._pipeline = EmgPipeline(
            PipelineSettings(
                given["activation_rate_hz"], given["mvc_window_s"], self._filters, onset, quality
            ),
            mvc,
        )
        self._chunk: EmgChunk | None = None
        self._samples = self._samples_before = self._lost = self._refused = 0
        self._lag_s = 0.0
        self._publish = self.advertise(msg.EmgActivation, "emg/activation", qos.RESULT)
        self._calibration = MvcService(self, self._pipeline)
        self._source = open_source(given["source"], given["chunk_s"])
        self._opened = False
        if self._source is not None:
            self._publish_raw = self.advertise(msg.EmgRaw, "emg/raw", qos.RESULT)
            self._guarded_chunk = self.guard("source", self._on_chunk)
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self.create_timer(given["chunk_s"] / 2, self._poll, clock=steady)
            self._poll()
        elif given["source"] == "topic":
            self.subscribe(msg.EmgRaw, "emg/raw", self._on_raw, qos.RESULT)

    def _poll(self) -> None:
        now_ns = self.get_clock().now().nanoseconds
        if self._source is None or now_ns == 0:  # 0: simulated time has not begun
            return
        if not self._opened:
            self._source.open(now_ns)
            self._opened = True
            if isinstance(self._source, FileSource):
                FilterDesign(self._source.rate_hz, self._filters)
                if missing := missing_labels(self._source.labels, self._wanted):
                    raise InputError(
                        f"channel_map or mvc_file names '{missing[0]}', which the sEMG file does "
                        f"not have; it has {', '.join(self._source.labels)}"
                    )
        while (chunk := self._source.read(now_ns)) is not None:
            self._guarded_chunk(chunk)

    def _on_chunk(self, chunk: EmgChunk) -> None:
        try:
            check_chunk(chunk)
        except InputError:
            self._refused += chunk.lost_before + len(chunk.data)
            raise
        chunk = replace(
            chunk,
            channels=name_channels(chunk.channels, self._placements),
            lost_before=chunk.lost_before + self._refused,
        )
        self._refused = 0
        judged = {c.label: c for c in self._pipeline.channels}
        latest = tuple(judged.get(c.label, c) for c in chunk.channels)
        person = self.settings["person_id"]
        self._publish_raw(to_emg_raw(replace(chunk, channels=latest), person))
        self._process(chunk, person)

    def _on_raw(self, message: msg.EmgRaw) -> None:
        chunk = from_emg_raw(message)
        channels = name_channels(chunk.channels, self._placements)
        self._process(replace(chunk, channels=channels), message.person_id)

    def _process(self, chunk: EmgChunk, person_id: str) -> None:
        self._chunk = chunk
        self._samples += len(chunk.data)
        self._lost += chunk.lost_before
        self._lag_s = (self.get_clock().now().nanoseconds - chunk.end_ns) / NANOSECONDS
        for activation in self._pipeline.process(chunk):
            self._publish(to_emg_activation(activation, person_id))
            self._calibration.add(activation)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say rate, lag, losses and the quality of each channel."""
        silent = self._samples == self._samples_before
        self._samples_before = self._samples
        channels, chunk = self._pipeline.channels, self._chunk
        values = {f"quality {c.label}": c.quality.name for c in channels}
        values |= {"samples": str(self._samples), "lost": str(self._lost)}
        values["lag_s"] = f"{self._lag_s:.3f}"
        values["rate_hz"] = f"{chunk.rate_hz:.2f}" if chunk else "unknown"
        values |= {f"note {k}": note for k, note in enumerate(self._pipeline.notes)}
        labels = [c.label for c in channels]
        missing = missing_labels(labels, self._wanted) if labels else ()
        faulty = [c.label for c in channels if not c.quality.usable]
        if self.settings["source"] == "none":
            return DiagnosticStatus.OK, "no sEMG source is set", values
        if self._source is not None and self._source.finished:
            return DiagnosticStatus.OK, self._source.status, values
        if self._source is not None and self._source.status:
            return DiagnosticStatus.WARN, self._source.status, values
        if silent:
            return DiagnosticStatus.WARN, "no sEMG arrives", values
        if missing:
            sentence = f"channels not in the stream: {', '.join(missing)}"
            return DiagnosticStatus.WARN, sentence, values
        if faulty:
            return DiagnosticStatus.WARN, f"channels not usable: {', '.join(faulty)}", values
        return DiagnosticStatus.OK, f"{len(channels)} channels", values

    def close(self) -> None:
        """Answer who waits for a calibration, and let go of the source."""
        self._calibration.close()
        if self._source is not None:
            self._source.close()


def main() -> int:
    """Run the node."""
    return run(EmgBridgeNode)


if __name__ == "__main__":
    sys.exit(main())
