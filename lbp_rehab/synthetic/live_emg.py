"""The synthetic patient as a live sEMG amplifier."""

from __future__ import annotations

from dataclasses import replace

from lbp_rehab.emg.sources import EmgSource
from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.emg.amplifier import Amplifier
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.stream import EmgStream
from lbp_rehab.synthetic.request import parse_scenario
from lbp_rehab.synthetic.scenario import Scenario, period_ns

_NOISE_OF_LOOP = 2  # keeps a set's noise apart from that of recordings and of the MVC


class LoopStream(EmgStream):
    """One of many sets of the same person: the same muscles and electrodes, noise of its own.

    Parameters
    ----------
    scenario : Scenario
    settings : ElectrodeSettings
    loop : int
        Number of the set, counted from time 0 of the clock, so that all processes agree on it.
    """

    def __init__(self, scenario: Scenario, settings: ElectrodeSettings, loop: int) -> None:
        movement = replace(scenario.movement, duration_s=period_ns(scenario) / NANOSECONDS)
        super().__init__(movement, settings, scenario.seed, scenario.split)
        seed = [scenario.seed, int(scenario.split), _NOISE_OF_LOOP, loop]
        self._amplifier = Amplifier(self.electrodes, settings, seed, self.events.loose)


class SyntheticEmg(EmgSource):
    """The twelve channels of the patient, who does the set over and over.

    Every set begins with rested muscles. Its noise depends on its number on the clock alone.
    """

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
        self._stream = LoopStream(self._scenario, self._settings, loop_ns // self._period_ns)
        self._loop_ns, self._at = loop_ns, 0
