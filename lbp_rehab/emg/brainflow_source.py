"""sEMG from a board that BrainFlow knows (https://brainflow.org)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from lbp_rehab.emg.chunker import Chunker
from lbp_rehab.emg.clock_events import Jump, sentence
from lbp_rehab.emg.package_counter import PackageCounter
from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.stream_clock import Run, StreamClock
from lbp_rehab.emg.types import NANOSECONDS, Channel, EmgChunk
from lbp_rehab.errors import InputError

VOLTS_PER_UNIT = 1e-6  # BrainFlow gives biosignals of all boards in microvolts
KINDS = ("emg_channels", "exg_channels", "eeg_channels", "ecg_channels")  # the first that is there
BUFFER_S = 60  # samples that BrainFlow keeps for us while we are held up
SILENT_S = 2.0


class BrainFlowSource(EmgSource):
    """A board's EMG channels (or ExG, where it has no others), ``emg1`` and so on.

    Parameters
    ----------
    board : str
        A name such as ``synthetic``, ``ganglion`` or ``cyton``, or BrainFlow's number.
    chunk_s : float
        How long samples are gathered.
    options : mapping of str to str
        ``serial`` (port), ``ip``, ``port`` (of the ip), ``mac``.
    """

    def __init__(self, board: str, chunk_s: float, options: Mapping[str, str]) -> None:
        self._name = board
        self._options = options
        if not options.get("port", "0").isdigit():
            raise InputError(f"brainflow:{board}: port '{options['port']}' must be a number")
        self._chunks = Chunker(chunk_s, f"brainflow:{board}")
        self._board: Any = None
        self._error: type[Exception] = RuntimeError  # BrainFlow's own, once it is loaded
        self._problem = ""
        self._reports: list[str] = []
        self._jumps = self._lost = 0
        self._heard_s = 0.0

    def open(self, now_ns: int) -> None:
        """Connect to the board; takes seconds on a radio link."""
        try:
            from brainflow import board_shim  # noqa: PLC0415
        except ImportError as error:
            raise InputError(
                f"reading BrainFlow boards needs brainflow ({error}); install it with: "
                "pip install 'lbp-rehab[brainflow]'"
            ) from None
        self._error = board_shim.BrainFlowError
        shim = board_shim.BoardShim
        shim.disable_board_logger()
        number = self._number(board_shim.BoardIds)
        given = self._options
        inputs = board_shim.BrainFlowInputParams()
        inputs.serial_port = given.get("serial", "")
        inputs.ip_address = given.get("ip", "")
        inputs.ip_port = int(given.get("port", "0"))
        inputs.mac_address = given.get("mac", "")
        try:
            described = shim.get_board_descr(number)
            board = shim(number, inputs)
            board.prepare_session()
            self._board = board
            board.start_stream(int(BUFFER_S * described["sampling_rate"]))
        except self._error as error:
            self.close()
            raise InputError(
                f"the board '{self._name}' cannot be reached ({error}); check that it is on and "
                f"give what it needs, e.g. brainflow:{self._name}?serial=/dev/ttyUSB0"
            ) from None
        columns = next((described[kind] for kind in KINDS if described.get(kind)), None)
        if not columns:
            self.close()
            raise InputError(f"the board '{self._name}' has no EMG channels; choose another one")
        self._columns: list[int] = columns
        self._stamps: int = described["timestamp_channel"]
        self._numbers: int | None = described.get("package_num_channel")
        self._rate_hz = float(described["sampling_rate"])
        self._labels = tuple(f"emg{k}" for k in range(1, len(columns) + 1))
        self._clock = StreamClock(self._rate_hz)
        self._counter = PackageCounter(most=int(self._rate_hz))
        self._heard_s = now_ns / NANOSECONDS

    def read(self, now_ns: int) -> EmgChunk | None:
        """Return the samples that came since the last call, up to the next gap."""
        if self._board is None:
            return None
        now_s = now_ns / NANOSECONDS
        try:
            rows = self._board.get_board_data()
        except self._error as error:
            self._problem = f"the board '{self._name}' cannot be read: {error}"
            return None
        if rows.shape[1]:
            self._heard_s, self._problem = now_s, ""
            self._take(rows, now_s)
        else:
            self._give(self._clock.poll(now_s))
            if now_s - self._heard_s > SILENT_S:
                self._problem = f"the board '{self._name}' sends nothing; check its power and link"
        channels = tuple(Channel(label) for label in self._labels)
        return self._chunks.take(channels, lambda s: round(s * NANOSECONDS))

    def close(self) -> None:
        """Let go of the board."""
        board, self._board = self._board, None
        if board is not None and board.is_prepared():
            board.release_session()  # ends the stream as well

    @property
    def status(self) -> str:
        """What is wrong now; empty when samples flow."""
        return self._problem

    @property
    def labels(self) -> tuple[str, ...]:
        """Channel names of the opened board."""
        return self._labels if self._board is not None else ()

    @property
    def rate_hz(self) -> float:
        """Sampling rate that the opened board states; 0 before."""
        return self._rate_hz if self._board is not None else 0.0

    @property
    def counts(self) -> Mapping[str, int]:
        """Jumps of the board's clock, and samples that its own counter misses."""
        return {"clock_jumps": self._jumps, "counter_lost": self._lost}

    def reports(self) -> tuple[str, ...]:
        """Return what happened to the board's clock since the last call."""
        reports, self._reports = tuple(self._reports), []
        return reports

    def _number(self, boards: Any) -> int:
        wanted = self._name.strip().upper()
        known = {int(b): b.name for b in boards}
        if wanted.lstrip("-").isdigit() and int(wanted) in known:
            return int(wanted)
        for number, name in known.items():
            if wanted in (name, name.removesuffix("_BOARD")):
                return number
        raise InputError(
            f"BrainFlow knows no board '{self._name}'; use a name such as synthetic, ganglion or "
            "cyton, or its number"
        )

    def _take(self, rows: Any, now_s: float) -> None:
        volts = (rows[self._columns].T * VOLTS_PER_UNIT).astype(np.float32)
        self._chunks.hold(volts)
        if self._numbers is None:
            missing = np.zeros(len(volts), np.int64)
        else:
            missing = self._counter.missing(rows[self._numbers])
        self._lost += int(missing.sum())
        cuts = [0, *(np.flatnonzero(missing[1:]) + 1).tolist(), len(volts)]
        for begin, end in pairwise(cuts):
            stamps = rows[self._stamps, begin:end]
            self._give(self._clock.update(stamps, now_s, missing=int(missing[begin])))

    def _give(self, runs: list[Run]) -> None:
        self._chunks.add(runs)
        for event in self._clock.events():
            self._jumps += isinstance(event, Jump)
            self._reports.append(sentence(event, f"the board '{self._name}'", self._rate_hz))
