"""sEMG from a Lab Streaming Layer stream (https://labstreaminglayer.org), through pylsl."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.clock import GAP_S, RosTime, SampleClock
from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.emg.units import volts_per
from lbp_rehab.errors import InputError

RESOLVE_S = 1.0  # one look for the stream, then again
CONNECT_S = 5.0
CLOCK_PERIOD_S = 5.0  # between two measurements of the clocks' offset, as liblsl itself does
BUFFER_S = 60  # samples that liblsl keeps for us while we are held up
JOIN_S = 2.0


@dataclass(frozen=True)
class _Layout:
    """What a stream's description says: labels, volts per unit of each channel, nominal rate."""

    labels: tuple[str, ...]
    scale: NDArray[np.float64]
    rate_hz: float


@dataclass(frozen=True)
class _Block:
    """Samples as pulled: volts, and stamps in seconds of this machine's LSL clock."""

    stamps_s: NDArray[np.float64]
    volts: NDArray[np.float32]
    layout: _Layout
    interrupted: bool


class LslSource(EmgSource):
    """The stream that has the wanted properties; found, followed and found again by a thread.

    Parameters
    ----------
    properties : mapping of str to str
        Some of ``name``, ``type``, ``source_id``; none: type EMG.
    chunk_s : float
        How long samples are gathered.
    unit : str
        Unit of all channels, where the stream's description does not say.
    """

    def __init__(self, properties: Mapping[str, str], chunk_s: float, unit: str = "") -> None:
        properties = dict(properties) or {"type": "EMG"}
        if any("'" in value for value in properties.values()):
            raise InputError("the properties of an LSL stream must not hold an apostrophe")
        self._query = " and ".join(f"{key}='{value}'" for key, value in properties.items())
        self._name = properties.get("name") or next(iter(properties.values()))
        self._chunk_s = chunk_s
        self._unit = unit
        self._blocks: deque[_Block] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem = f"looking for an LSL stream with {self._query}"
        self._ros_time = RosTime()
        self._clock: SampleClock | None = None
        self._samples = 0
        self._layout: _Layout | None = None
        self._lsl: Any = None

    def open(self, now_ns: int) -> None:
        """Start to look for the stream; returns at once."""
        try:
            import pylsl  # noqa: PLC0415
        except (ImportError, RuntimeError) as error:
            raise InputError(
                f"reading LSL needs pylsl ({error}); install it with: pip install 'lbp-rehab[emg]'"
            ) from None
        self._lsl = pylsl
        self._ros_time.observe(now_ns, pylsl.local_clock())
        self._thread = threading.Thread(target=self._follow, name="lsl", daemon=True)
        self._thread.start()

    def read(self, now_ns: int) -> EmgChunk | None:
        """Return the samples that came since the last call, up to the next gap."""
        if self._lsl is None:
            return None
        self._ros_time.observe(now_ns, self._lsl.local_clock())
        if not self._blocks:
            return None
        blocks = [self._blocks.popleft()]
        while self._blocks and not self._starts_gap(blocks[-1], self._blocks[0]):
            blocks.append(self._blocks.popleft())
        layout = blocks[0].layout
        stamps = np.concatenate([block.stamps_s for block in blocks])
        data = np.concatenate([block.volts for block in blocks])
        clock = self._clock = self._clock or SampleClock(layout.rate_hz)
        first_s, lost = clock.update(float(stamps.mean()), len(stamps), blocks[0].interrupted)
        first = self._samples + lost
        self._samples = first + len(data)
        return EmgChunk(
            stamp_ns=self._ros_time.to_ns(first_s),
            rate_hz=clock.rate_hz,
            first_sample=first,
            lost_before=lost,
            data=data,
            channels=tuple(Channel(label) for label in layout.labels),
            stamp_sigma_s=clock.sigma_s,
            source=self._name,
        )

    def close(self) -> None:
        """Let go of the stream."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    @property
    def status(self) -> str:
        """What is wrong now; empty when samples flow."""
        return self._problem

    @staticmethod
    def _starts_gap(before: _Block, after: _Block) -> bool:
        return after.interrupted or after.stamps_s[0] - before.stamps_s[-1] > GAP_S

    def _follow(self) -> None:
        """Find the stream, pull until it dies, and again: the body of the thread."""
        lsl = self._lsl
        while not self._stop.is_set():
            inlet = None
            try:
                found = lsl.resolve_bypred(self._query, 1, RESOLVE_S)
                if found:
                    # Without liblsl's own recovery, so that every break is seen and declared.
                    inlet = lsl.StreamInlet(found[0], max_buflen=BUFFER_S, recover=False)
                    self._pull(inlet, self._describe(inlet.info(CONNECT_S)))
                else:
                    self._problem = f"no LSL stream with {self._query} found yet; still looking"
            except InputError as error:
                self._problem = str(error)
                self._stop.wait(RESOLVE_S)
            except RuntimeError:  # the base of pylsl's own errors: lost, timed out, internal
                self._problem = f"the LSL stream with {self._query} was lost; looking for it again"
            finally:
                if inlet is not None:
                    inlet.close_stream()

    def _pull(self, inlet: Any, layout: _Layout) -> None:
        lsl = self._lsl
        inlet.open_stream(CONNECT_S)
        offset_s = inlet.time_correction(CONNECT_S)
        measured_s = lsl.local_clock()
        room = max(64, int(layout.rate_hz))
        interrupted = self._layout is not None
        self._layout = layout
        while not self._stop.is_set():
            rows, stamps = inlet.pull_chunk(timeout=self._chunk_s / 2, max_samples=room)
            if stamps:
                if lsl.local_clock() - measured_s > CLOCK_PERIOD_S:
                    offset_s = inlet.time_correction(CONNECT_S)
                    measured_s = lsl.local_clock()
                volts = np.asarray(rows, np.float64) * layout.scale
                for block in _split(np.asarray(stamps) + offset_s, volts, layout, interrupted):
                    self._blocks.append(block)
                interrupted = False
                self._problem = ""

    def _describe(self, info: Any) -> _Layout:
        """Read labels, units and rate; raise InputError for a stream that cannot be used."""
        lsl, name, count = self._lsl, info.name(), info.channel_count()
        rate_hz = info.nominal_srate()
        if rate_hz <= 0 or info.channel_format() == lsl.cf_string:
            raise InputError(
                f"the LSL stream '{name}' has no sampling rate or holds text; choose the sEMG "
                "stream by name"
            )
        labels, scale = [], []
        node = info.desc().child("channels").child("channel")
        for k in range(count):
            labels.append(node.child_value("label") or f"emg{k + 1}")
            unit = node.child_value("unit") or self._unit
            if not unit:
                raise InputError(
                    f"the LSL stream '{name}' does not say the unit of '{labels[-1]}'; give it, "
                    f"e.g. lsl:name={name}&unit=uV"
                )
            scale.append(volts_per(unit))
            node = node.next_sibling("channel")
        if len(set(labels)) < count:
            raise InputError(f"the LSL stream '{name}' has two channels of one label; rename one")
        layout = _Layout(tuple(labels), np.array(scale), rate_hz)
        old = self._layout
        if old and (old.labels, old.rate_hz) != (layout.labels, layout.rate_hz):
            raise InputError(
                f"the LSL stream '{name}' came back with other channels or another rate; restart "
                "emg_bridge to use it"
            )
        return layout


def _split(
    stamps_s: NDArray[np.float64], volts: NDArray[np.float64], layout: _Layout, interrupted: bool
) -> list[_Block]:
    """Cut pulled samples where the sender's own stamps jump."""
    cuts = np.flatnonzero(np.diff(stamps_s) > GAP_S) + 1
    parts = zip(np.split(stamps_s, cuts), np.split(volts.astype(np.float32), cuts), strict=True)
    return [
        _Block(stamps, part, layout, interrupted and k == 0)
        for k, (stamps, part) in enumerate(parts)
    ]
