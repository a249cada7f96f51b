"""The synthetic patient as a live sEMG amplifier."""

from __future__ import annotations

from dataclasses import replace

from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.stream import EmgStream
from lbp_rehab.synthetic.request import parse_scenario
from lbp_rehab.synthetic.scenario import period_ns


class SyntheticEmg(EmgSource):
    """The twelve channels of the patient."""

    def __init__(self, specification: str, chunk_s: float) -> None:
        self._scenario = parse_scenario(specification)
        self._settings = ElectrodeSettings()
        self._n = max(round(chunk_s * self._settings.rate_hz), 1)
        self._period_ns = period_ns(self._scenario)
        self._stream: EmgStream | None = None
        self._loop_ns = 0  # when the running set began
        self._sent = self._at = 0  # samples since opening, and in the running set

    def open(self, now_ns: int) -> None:
        """Join the set that is under way."""
        self._begin(now_ns - now_ns % self._period_ns)
        assert self._stream is not None
        behind = int((now_ns - self._loop_ns) / NANOSECONDS * self._settings.rate_hz)
        if behind:
            self._at = len(self._stream.read(behind))

    def read(self, now_ns: int) -> EmgChunk | None:
        """Return the next chunk that is complete by this time, or None."""
        if self._stream is None:
            return None
        if self._at >= self._in_set:
            self._begin(self._loop_ns + self._period_ns)
        n = min(self._n, self._in_set - self._at)
        stamp_ns = self._loop_ns + round(self._at * NANOSECONDS / self._settings.rate_hz)
        if stamp_ns + n * NANOSECONDS / self._settings.rate_hz > now_ns:
            return None
        chunk = next(self._stream.chunks(n))
        chunk = replace(chunk, stamp_ns=stamp_ns, first_sample=self._sent)
        self._at += len(chunk.data)
        self._sent += len(chunk.data)
        return chunk

    def close(self) -> None:
        """Forget the set."""
        self._stream = None

    @property
    def status(self) -> str:
        """Nothing goes wrong here."""
        return ""

    @property
    def _in_set(self) -> int:
        return round(self._period_ns / NANOSECONDS * self._settings.rate_hz)

    def _begin(self, loop_ns: int) -> None:
        scenario = self._scenario
        whole = replace(scenario.movement, duration_s=self._period_ns / NANOSECONDS)
        self._stream = EmgStream(whole, self._settings, scenario.seed, scenario.split)
        self._loop_ns, self._at = loop_ns, 0
