"""Node: surface EMG from a device or file to ``emg/raw`` and ``emg/activation``."""

from __future__ import annotations

import sys
import threading
from dataclasses import fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType

from lbp_rehab import msg
from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.filters import EnvelopeKind, FilterDesign, FilterSettings
from lbp_rehab.emg.mvc import MvcStore, read_mvc
from lbp_rehab.emg.onset import OnsetSettings
from lbp_rehab.emg.quality import QualitySettings
from lbp_rehab.emg.types import NANOSECONDS, EmgChunk
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.emg_calibration import LONGEST_S, MvcService
from lbp_rehab.nodes.emg_input import EmgInput
from lbp_rehab.nodes.emg_messages import from_emg_raw, to_emg_activation, to_emg_raw
from lbp_rehab.nodes.parameters import Parameter

LOOK_S = 0.1  # between two looks at a source that says itself when there is a chunk
# Of the notches; what is found out begins with the first.
MAINS_HZ = {"auto": 50.0, "50": 50.0, "60": 60.0, "none": 0.0}


class EmgBridgeNode(LbpNode):
    """See the parameter table, `lbp_rehab.emg.sources` and `lbp_rehab.emg.activation`."""

    NAME = "emg_bridge"
    PARAMETERS = (
        Parameter(
            "source",
            "none",
            "file:PATH, lsl:name=NAME, brainflow:BOARD, synthetic:EXERCISE, topic or none",
        ),
        Parameter("person_id", "", "pseudonymous id of the patient, never a name"),
        Parameter("chunk_s", 0.025, "length of a chunk of emg/raw [s]", 0.02, 0.05),
        Parameter("channel_map", [""], "rows 'label=muscle:side'; others go by their label"),
        Parameter("channel_file", "", "YAML of channels, see emg_channels.example.yaml"),
        Parameter("mvc_file", "", "YAML of channel label to MVC envelope [V]; empty: none"),
        Parameter("mvc_folder", "", "where calibrate_mvc stores its results; empty: nowhere"),
        Parameter("session", "", "name of the session under which it does; empty: the day in UTC"),
        Parameter("mvc_duration_s", 5.0, "default length of calibrate_mvc [s]", 1.0, LONGEST_S),
        Parameter("mvc_window_s", 0.5, "window whose highest mean is the MVC [s]", 0.1, 3.0),
        Parameter("activation_rate_hz", 50.0, "rate of emg/activation [Hz]", 10.0, 200.0),
        Parameter("low_hz", 20.0, "lower edge of the band [Hz]", 5.0, 100.0),
        Parameter("high_hz", 450.0, "upper edge of the band [Hz]", 100.0, 1000.0),
        Parameter(
            "mains",
            "auto",
            "its frequency [Hz]: 50, 60 or none; auto: found out",
            choices=tuple(MAINS_HZ),
        ),
        Parameter("notch_harmonics", 5, "multiples of the mains removed [-]", 1, 9),
        Parameter("notch_width_hz", 2.0, "width of a notch at -3 dB [Hz]", 0.5, 10.0),
        Parameter("envelope", "lowpass", "how it is made", choices=("lowpass", "rms")),
        Parameter("envelope_hz", 6.0, "cut-off of the low-pass [Hz]", 1.0, 50.0),
        Parameter("rms_window_s", 0.1, "window of the RMS [s]", 0.02, 1.0),
        Parameter("whiten", True, "even out the spectrum before the envelope is made"),
        Parameter("remove_heart", True, "take the heart out; costs 0.11 s of delay"),
        Parameter("on_mvc", 0.02, "a calibrated muscle is on from this above rest [MVC]", 0.0, 0.5),
        Parameter("on_sd", 3.0, "onset threshold over rest [SD]", 1.0, 20.0),
        Parameter("confirm", 2.0, "a burst rises to this many thresholds [-]", 1.0, 20.0),
        Parameter("on_s", 0.1, "least time over the threshold [s]", 0.0, 1.0),
        Parameter("off_s", 0.1, "least time under the threshold [s]", 0.0, 1.0),
        Parameter("rail_v", 0.0, "limit of the device's range, 0: found out [V]", 0.0, 10.0),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        given = self.settings
        mvc = read_mvc(Path(given["mvc_file"]).expanduser()) if given["mvc_file"] else {}
        if not mvc and (store := self._store()):
            mvc = store.read()  # a node that was started again is still calibrated
        self._filters = FilterSettings(
            kind=EnvelopeKind(given["envelope"]),
            mains_hz=MAINS_HZ[given["mains"]],
            **{f.name: given[f.name] for f in fields(FilterSettings) if f.name in given},
        )
        onset = {f.name: given[f.name] for f in fields(OnsetSettings) if f.name in given}
        self._pipeline = EmgPipeline(
            PipelineSettings(
                activation_rate_hz=given["activation_rate_hz"],
                mvc_window_s=given["mvc_window_s"],
                find_mains=given["mains"] == "auto",
                remove_heart=given["remove_heart"],
                filters=self._filters,
                onset=OnsetSettings(**onset),
                quality=QualitySettings(rail_v=given["rail_v"]),
            ),
            mvc,
        )
        self._taking = threading.Lock()  # one thread at a time takes chunks
        self._chunk: EmgChunk | None = None
        self._samples = self._samples_before = self._lost = 0
        self._lag_s = 0.0
        self._publish = self.advertise(msg.EmgActivation, "emg/activation", qos.RESULT)
        self._calibration = MvcService(self, self._pipeline, self._store)
        self._input = EmgInput(given, mvc, self.get_logger().warning)
        self._source = self._input.source
        if self._source is not None:
            self._publish_raw = self.advertise(msg.EmgRaw, "emg/raw", qos.RESULT)
            self._guarded_chunk = self.guard("source", self._on_chunk)
            # A source with a thread hands its chunks over there: waking the executor for each
            # would cost as much as the filters.
            period_s = LOOK_S if self._source.listen(self._poll) else given["chunk_s"] / 2
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self.create_timer(period_s, self._poll, clock=steady)
            self._poll()
        elif given["source"] == "topic":
            self.subscribe(msg.EmgRaw, "emg/raw", self._on_raw, qos.RESULT)

    def _store(self) -> MvcStore | None:
        """Return where this person's and session's calibrations are, or None."""
        given = self.settings
        if not given["mvc_folder"]:
            return None
        now_s = self.get_clock().now().nanoseconds / NANOSECONDS
        day = datetime.fromtimestamp(now_s, timezone.utc).strftime("%Y-%m-%d")
        folder = Path(given["mvc_folder"]).expanduser()
        return MvcStore(folder, given["person_id"], given["session"] or day)

    def _poll(self) -> None:
        """Take what the source has; on the executor's thread, or on the source's own."""
        with self._taking:
            # Read here: a time from before the wait for the other thread would be too early.
            now_ns = self.get_clock().now().nanoseconds
            if self._source is None or now_ns == 0:  # 0: simulated time has not begun
                return
            if self._input.open(now_ns) and self._source.rate_hz:
                FilterDesign(self._source.rate_hz, self._filters)
            for chunk in self._input.chunks(now_ns):
                self._guarded_chunk(chunk)

    def _on_chunk(self, chunk: EmgChunk) -> None:
        chunk = self._input.accept(chunk)
        judged = {c.label: c for c in self._pipeline.channels}
        latest = tuple(judged.get(c.label, c) for c in chunk.channels)
        person = self.settings["person_id"]
        self._publish_raw(to_emg_raw(replace(chunk, channels=latest), person))
        self._process(chunk, person)

    def _on_raw(self, message: msg.EmgRaw) -> None:
        self._process(self._input.name(from_emg_raw(message)), message.person_id)

    def _process(self, chunk: EmgChunk, person_id: str) -> None:
        self._chunk = chunk
        self._samples += len(chunk.data)
        self._lost += chunk.lost_before
        self._lag_s = (self.get_clock().now().nanoseconds - chunk.end_ns) / NANOSECONDS
        for activation in self._pipeline.process(chunk):
            self._publish(to_emg_activation(activation, person_id))
            self._calibration.add(activation)
        if self._source is not None and (due_ns := self._pipeline.due_ns) is not None:
            self._source.aim(due_ns)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Say rate, lag, losses and the quality of each channel."""
        silent = self._samples == self._samples_before
        self._samples_before = self._samples
        channels, chunk = self._pipeline.channels, self._chunk
        values = {f"quality {c.label}": c.quality.name for c in channels}
        values |= {"samples": str(self._samples), "lost": str(self._lost)}
        values |= self._input.values()
        values["lag_s"] = f"{self._lag_s:.3f}"
        values["rate_hz"] = f"{chunk.rate_hz:.2f}" if chunk else "unknown"
        values |= {f"note {k}": note for k, note in enumerate(self._pipeline.notes)}
        faulty = [c.label for c in channels if not c.quality.usable]
        if self.settings["source"] == "none":
            return DiagnosticStatus.OK, "no sEMG source is set", values
        if self._source is not None and self._source.finished:
            return DiagnosticStatus.OK, self._source.status, values
        if self._source is not None and self._source.status:
            return DiagnosticStatus.WARN, self._source.status, values
        if silent:
            return DiagnosticStatus.WARN, "no sEMG arrives", values
        if self._input.missing:
            return DiagnosticStatus.WARN, "; ".join(self._input.missing), values
        if faulty:
            return DiagnosticStatus.WARN, f"channels not usable: {', '.join(faulty)}", values
        return DiagnosticStatus.OK, f"{len(channels)} channels", values

    def close(self) -> None:
        """Answer who waits for a calibration, and let go of the source."""
        self._calibration.close()
        self._input.close()


def main() -> int:
    """Run the node."""
    return run(EmgBridgeNode)


if __name__ == "__main__":
    sys.exit(main())
