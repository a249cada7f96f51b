"""sEMG from a Lab Streaming Layer stream (https://labstreaminglayer.org), through pylsl."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.chunker import Chunker
from lbp_rehab.emg.clock import RosTime
from lbp_rehab.emg.clock_events import Jump, sentence
from lbp_rehab.emg.lsl_layout import Layout, describe, rejoin
from lbp_rehab.emg.outlet import load_pylsl
from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.stream_clock import Run, StreamClock
from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError

RESOLVE_S = 0.5  # one look for the stream, then again
LOOK_S = 0.05  # between two looks at what the resolver has found
FORGET_S = 1.0  # a stream that does not answer the resolver for so long is no longer there
CONNECT_S = 2.0
CLOCK_PERIOD_S = 5.0  # between two measurements of the hosts' clocks, as liblsl itself does
BUFFER_S = 60  # samples that liblsl keeps for us while we are held up
WAIT_S = 0.1  # for the next sample
PACE_S = 0.002  # between two pulls, so that a sender of single samples does not wake us for each
OFFSET_WAIT_S = 0.001  # for liblsl's measurement of the hosts' clocks, which goes on meanwhile
PULL_S = 0.25  # samples of this time at most are pulled at once
# A peer whose network is gone never says goodbye; after this silence a successor is looked for.
SILENT_S = 0.8
JOIN_S = 2.0


class _ReplacedError(RuntimeError):
    """The outlet that we read from is silent, and another one has taken its place."""


class LslSource(EmgSource):
    """The stream that has the wanted properties; found, followed and found again by a thread.

    liblsl's own post-processing stays off: it knows no arrival, so that it follows a device's
    clock wherever that goes (see `StreamClock`).

    Parameters
    ----------
    properties : mapping of str to str
        Some of ``name``, ``type``, ``source_id``; none: type EMG.
    chunk_s : float
        How long samples are gathered.
    unit : str
        Unit of the channels of which the stream's description says none.
    mapped : collection of str
        Labels that a channel map names.
    """

    def __init__(
        self,
        properties: Mapping[str, str],
        chunk_s: float,
        unit: str = "",
        mapped: Collection[str] = (),
    ) -> None:
        properties = dict(properties) or {"type": "EMG"}
        if any("'" in value for value in properties.values()):
            raise InputError("the properties of an LSL stream must not hold an apostrophe")
        self._query = " and ".join(f"{key}='{value}'" for key, value in properties.items())
        self._name = properties.get("name") or next(iter(properties.values()))
        self._unit, self._mapped = unit, mapped
        self._chunks = Chunker(chunk_s, self._name)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem = f"looking for an LSL stream with {self._query}"
        self._ros_time = RosTime()
        self._clock: StreamClock | None = None
        self._layout: Layout | None = None
        self._channels: tuple[Channel, ...] = ()
        self._source_id = self._lost_uid = ""
        self._last_s = 0.0  # when samples came last
        self._resolver: Any = None  # while the stream is looked for
        self._reports: deque[str] = deque()
        self._told: set[str] = set()
        self._jumps = self._reconnects = 0
        self._lsl: Any = None
        self._ready: Callable[[], None] = lambda: None
        self._silent = False

    def listen(self, ready: Callable[[], None]) -> bool:
        """Call ``ready`` from the thread of the stream when there is a chunk; always true."""
        self._ready = ready
        return True

    def aim(self, stamp_ns: int) -> None:
        """Take note that a chunk best ends with the first sample from this time on."""
        self._chunks.aim_s = self._ros_time.to_device_s(stamp_ns)

    def open(self, now_ns: int) -> None:
        """Start to look for the stream; returns at once."""
        self._lsl = load_pylsl("reading LSL needs")
        self._ros_time.observe(now_ns, self._lsl.local_clock())
        self._thread = threading.Thread(target=self._follow, name="lsl", daemon=True)
        self._thread.start()

    def read(self, now_ns: int) -> EmgChunk | None:
        """Return the next chunk: one that is full, or ends at a gap or a silence."""
        if self._lsl is None:
            return None
        self._ros_time.observe(now_ns, self._lsl.local_clock())
        return self._chunks.take(self._channels, self._ros_time.to_ns, not self._silent)

    def close(self) -> None:
        """Let go of the stream."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    @property
    def status(self) -> str:
        """What is wrong now; empty when samples flow."""
        return self._problem

    @property
    def counts(self) -> Mapping[str, int]:
        """Jumps of the stream's clock, and how often the stream came back."""
        return {"clock_jumps": self._jumps, "reconnects": self._reconnects}

    def reports(self) -> tuple[str, ...]:
        """Return what happened to the stream and its clock since the last call."""
        return tuple(self._reports.popleft() for _ in range(len(self._reports)))

    def _follow(self) -> None:
        """Find the stream, pull until it dies, and again: the body of the thread."""
        while not self._stop.is_set():
            inlet = None
            try:
                if (info := self._find()) is None:
                    self._problem = f"no LSL stream with {self._query} found yet; still looking"
                    self._stop.wait(LOOK_S)
                    continue
                # Without liblsl's own recovery, so that every break is seen and declared.
                inlet = self._lsl.StreamInlet(info, max_buflen=BUFFER_S, recover=False)
                full = inlet.info(CONNECT_S)
                self._settle(full)
                self._pull(inlet, full.uid())
            except InputError as error:
                self._problem = str(error)
                self._stop.wait(RESOLVE_S)
            except RuntimeError:  # the base of pylsl's own errors: lost, timed out, internal
                self._problem = f"the LSL stream with {self._query} was lost; looking for it again"
                self._stop.wait(LOOK_S)
            except Exception as error:  # a defect of ours must not end a session with a patient
                self._problem = f"internal error on the LSL stream '{self._name}': {error!r}"
                self._tell(self._problem)
                self._stop.wait(RESOLVE_S)
            finally:
                if inlet is not None:
                    inlet.close_stream()

    def _find(self) -> Any:
        """Return the stream, the one from before if several fit, or None."""
        found = self._found(RESOLVE_S)
        if self._lsl.local_clock() - self._last_s < FORGET_S:
            # The resolver still remembers the outlet that has just been lost.
            found = [info for info in found if info.uid() != self._lost_uid]
        found.sort(key=lambda info: (info.source_id() != self._source_id, info.uid()))
        if len(found) > 1 and not self._source_id:
            self._tell(
                f"{len(found)} LSL streams have {self._query}; '{found[0].name()}' of "
                f"{found[0].hostname()} is taken, name its source_id to choose"
            )
        return found[0] if found else None

    def _found(self, wait_s: float) -> list[Any]:
        """Return the outlets that answer; waits until one does, but not for longer than this."""
        if self._resolver is None:
            # Looks on in the background; a single look of liblsl may last 5 s.
            self._resolver = self._lsl.ContinuousResolver(pred=self._query, forget_after=FORGET_S)
        end_s = self._lsl.local_clock() + wait_s
        while not (found := self._resolver.results()) and self._lsl.local_clock() < end_s:
            if self._stop.wait(LOOK_S):
                break
        return list(found)

    def _settle(self, info: Any) -> None:
        """Take the description of the stream that was found."""
        layout = describe(info, self._unit, self._mapped, self._lsl.cf_string)
        if self._layout is not None:
            layout = rejoin(self._layout, layout, self._name)
        self._layout = layout
        self._channels = tuple(Channel(label) for label in layout.labels)
        self._clock = self._clock or StreamClock(layout.rate_hz)
        self._source_id = info.source_id()
        for report in layout.reports:
            self._tell(report)

    def _pull(self, inlet: Any, uid: str) -> None:
        lsl, layout, clock = self._lsl, self._layout, self._clock
        assert layout is not None
        assert clock is not None
        inlet.open_stream(CONNECT_S)
        room = max(64, int(PULL_S * layout.rate_hz))
        interrupted, self._lost_uid = self._last_s > 0, uid
        opened_s = heard_s = lsl.local_clock()
        offset_s, measured_s = math.nan, -math.inf
        pulled: deque[tuple[NDArray[np.float64], float]] = deque()  # stamps and arrival
        timed_s, rate_hz = math.nan, layout.rate_hz  # samples are timed up to here
        while not self._stop.is_set():
            rows, stamps = inlet.pull_chunk(WAIT_S, room, min_samples=1, as_numpy=True)
            now_s = lsl.local_clock()
            self._silent = not len(stamps)
            if len(stamps):
                if interrupted and heard_s == opened_s:
                    self._tell_return(now_s - self._last_s)
                self._chunks.hold(layout.volts(rows))
                if pulled and not math.isnan(offset_s):
                    stamps = np.concatenate([pulled.pop()[0], stamps])
                pulled.append((stamps, now_s))
                self._problem, self._resolver = "", None
                self._last_s = heard_s = now_s
            elif now_s - heard_s > SILENT_S:
                self._look_for_successor(uid)
            if now_s - measured_s > CLOCK_PERIOD_S:
                # The first measurement takes a moment, in which samples are not kept waiting.
                offset_s, measured_s = self._offset_s(inlet, now_s - opened_s, offset_s), now_s
            ahead_s = len(pulled[-1][0]) / rate_hz if pulled else 0.0
            if math.isnan(offset_s):
                measured_s = -math.inf
            # NaN before the first samples and the first chunk: then any is worth a look.
            elif self._silent or not timed_s + ahead_s < self._chunks.end_s:
                runs: list[Run] = []
                while pulled:
                    stamps, arrival_s = pulled.popleft()
                    runs += clock.update(stamps + offset_s, arrival_s, interrupted)
                    interrupted = False
                runs += clock.poll(now_s)
                self._give(runs)
                if runs:
                    rate_hz = runs[-1].rate_hz
                    timed_s = runs[-1].first_s + (runs[-1].n - 1) / rate_hz
                if self._silent or not timed_s < self._chunks.end_s:
                    self._ready()
            # The next samples are of no use before they complete a chunk.
            pause_s = self._chunks.end_s - lsl.local_clock()
            self._stop.wait(min(pause_s, PULL_S) if pause_s > PACE_S else PACE_S)

    def _look_for_successor(self, uid: str) -> None:
        self._problem = f"the LSL stream '{self._name}' sends nothing"
        found = {info.uid() for info in self._found(0.0)}
        if found and uid not in found:
            raise _ReplacedError

    def _tell_return(self, after_s: float) -> None:
        self._reconnects += 1
        self._reports.append(
            f"the LSL stream '{self._name}' is back after {after_s:.1f} s; the gap is declared"
        )

    def _offset_s(self, inlet: Any, open_s: float, known_s: float) -> float:
        """Return what to add to the sender's LSL clock to have ours; NaN while it is measured."""
        try:
            return float(inlet.time_correction(OFFSET_WAIT_S))
        except self._lsl.util.TimeoutError:
            if open_s < CONNECT_S or not math.isnan(known_s):
                return known_s
            self._tell(
                f"the host of the LSL stream '{self._name}' does not answer questions about its "
                "clock (UDP); its stamps are compared with their arrival only"
            )
            return 0.0

    def _give(self, runs: list[Run]) -> None:
        assert self._clock is not None
        assert self._layout is not None
        self._chunks.add(runs)
        for event in self._clock.events():
            self._jumps += isinstance(event, Jump)
            who = f"the LSL stream '{self._name}'"
            self._reports.append(sentence(event, who, self._layout.rate_hz))

    def _tell(self, report: str) -> None:
        """Report something once."""
        if report not in self._told:
            self._told.add(report)
            self._reports.append(report)
