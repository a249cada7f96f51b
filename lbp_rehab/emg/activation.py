"""From chunks of raw sEMG to what each muscle does on a regular grid of instants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.fatigue import FatigueMonitor, FatigueSettings
from lbp_rehab.emg.filters import (
    RMS_OVER_MEAN_ABS,
    BandFilter,
    FilterDesign,
    FilterSettings,
    Smoother,
)
from lbp_rehab.emg.heart import HeartRemover
from lbp_rehab.emg.impossible import ImpossibleSamples
from lbp_rehab.emg.indices import asymmetry, co_contraction, local_share
from lbp_rehab.emg.mains import GRIDS_HZ, WINDOW_S, MainsFinder
from lbp_rehab.emg.onset import OnsetDetector, OnsetSettings
from lbp_rehab.emg.quality import QualityMonitor, QualitySettings
from lbp_rehab.emg.types import (
    NANOSECONDS,
    Activation,
    Channel,
    EmgChunk,
    MuscleActivation,
    Quality,
    check_chunk,
)
from lbp_rehab.estimate import Estimate, Reason

Array = NDArray[np.float64]

JUMP_S = 0.1  # stamps that jump further than this are a break, even if no loss was declared
RATE_CHANGE = 0.01  # relative change of rate that asks for new filters
# Instants inside a longer gap are not given one by one: there was no measurement to describe.
LONGEST_FILLED_GAP_S = 1.0
# How much of what is there at rest is the amplifier's noise, the neighbours' signal or the muscle's
# own work is unknown; chosen on training people, so that 68 and 95 % of the truth lie within.
REST_DOUBT = 0.3
_ROUNDING = 0.01  # samples; stamps are whole nanoseconds
LEAST_SIGMA_V = 1e-9  # a known value never claims to be exact

_FAULT = Estimate.unknown(Reason.SENSOR_FAULT)
_EARLY = Estimate.unknown(Reason.TOO_EARLY)
_MISSING = Estimate.unknown(Reason.MISSING_INPUT)
_UNCALIBRATED = Estimate.unknown(Reason.NOT_CALIBRATED)


@dataclass(frozen=True)
class PipelineSettings:
    """Settings of the whole chain.

    Attributes
    ----------
    activation_rate_hz : float
        Rate of the instants.
    mvc_window_s : float
        Window over which an MVC was averaged, for its uncertainty.
    find_mains : bool
        Whether the frequency of the mains is found out; else that of the filters counts.
    remove_heart : bool
        Whether the heart is taken out, which costs `HeartRemover.delay`.
    filters, onset, quality, fatigue
        Of the parts.
    """

    activation_rate_hz: float = 50.0
    mvc_window_s: float = 0.5
    find_mains: bool = True
    remove_heart: bool = True
    filters: FilterSettings = field(default_factory=FilterSettings)
    onset: OnsetSettings = field(default_factory=OnsetSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    fatigue: FatigueSettings = field(default_factory=FatigueSettings)


class EmgPipeline:
    """Turns chunks into activations, chunk after chunk.

    Parameters
    ----------
    settings : PipelineSettings
    mvc_v : mapping of str to float
        Envelope at maximal voluntary contraction by channel label, in volts.

    Attributes
    ----------
    channels : tuple of Channel
        With the present quality and resting noise; empty before the first chunk.
    """

    # Made when the first chunk of a stream comes.
    _design: FilterDesign
    _filters: FilterSettings
    _bands: dict[float, BandFilter]
    _smooth: Smoother
    _heart: HeartRemover | None
    _mains: MainsFinder | None
    _quality: QualityMonitor
    _impossible: ImpossibleSamples
    _onset: OnsetDetector
    _fatigue: FatigueMonitor
    _mvc_rms_v: Array
    _last: Array
    _grid_ns: int  # of instant 0
    _next: int  # instant
    _ready_ns: int  # when the filters have settled
    _held: list[NDArray[np.float32]]  # samples that complete no instant yet
    _held_n: int
    _held_ns: int  # stamp of the first of them
    _wanted: int  # so many samples complete the next instant
    _blocks: int  # since the last break
    _valid: NDArray[np.bool_]  # channels whose samples mean something
    _fresh: list[Array]  # clean samples since the last look at fatigue
    _clean_ns: int  # the time right after them
    _behind: int  # samples that wait in the heart's removal

    def __init__(
        self, settings: PipelineSettings, mvc_v: Mapping[str, float] | None = None
    ) -> None:
        self._settings = settings
        self._mvc_v = dict(mvc_v or {})
        self._period_ns = round(NANOSECONDS / settings.activation_rate_hz)
        self._judge_every = max(1, round(settings.quality.hop_s * settings.activation_rate_hz))
        self.channels: tuple[Channel, ...] = ()
        self._started = False
        self._behind = 0
        self._expected_ns = 0
        self._expected_sample = 0
        self._last_ns = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to differ from the settings, in sentences."""
        if not self._started:
            return ()
        if self._mains is None or not self._mains.mains_hz:
            return self._design.notes
        found = f"{self._mains.mains_hz:g} Hz"
        said = (
            f"mains found at {found}" if self._mains.seen else f"no mains seen; {found} is notched"
        )
        return (*self._design.notes, said)

    @property
    def mains_hz(self) -> float:
        """Frequency of the mains that is notched; 0 while it is being found out."""
        if not self._started:
            return 0.0
        return self._mains.mains_hz if self._mains is not None else self._filters.mains_hz

    @property
    def delay_s(self) -> float:
        """From a muscle's work to the samples that tell its activation, in seconds."""
        heart = self._heart.delay / self._design.rate_hz if self._heart else 0.0
        return self._design.delay_s + heart

    @property
    def due_ns(self) -> int | None:
        """Stamp of the sample that completes the next instant; None before the first chunk."""
        if not self._started:
            return None
        lag_ns = round(self.delay_s * NANOSECONDS)
        return self._grid_ns + self._next * self._period_ns + lag_ns

    @property
    def mvc_v(self) -> dict[str, float]:
        """The calibration in force, volts by channel label."""
        return dict(self._mvc_v)

    def calibrate(self, mvc_v: Mapping[str, float]) -> None:
        """Take new MVC values; those of other channels stay."""
        self._mvc_v |= mvc_v
        self._scale()

    def process(self, chunk: EmgChunk) -> list[Activation]:
        """Take the next chunk and return the instants that it completes.

        Parameters
        ----------
        chunk : EmgChunk

        Returns
        -------
        list of Activation
            In the order of time, on a grid of ``activation_rate_hz`` from the first sample's stamp.
            Instants inside a gap of up to a second are unknown (MISSING_INPUT).

        Raises
        ------
        InputError
            If the chunk contradicts itself or is too slow for the filters.
        """
        check_chunk(chunk)
        labels = [(c.label, c.muscle, c.side) for c in chunk.channels]
        if (
            not self._started
            or labels != [(c.label, c.muscle, c.side) for c in self.channels]
            or abs(chunk.rate_hz / self._design.rate_hz - 1) > RATE_CHANGE
        ):
            self._start(chunk)
            self._started = True
            result = self._break(chunk)
        else:
            result = []
            jump_ns = chunk.stamp_ns - self._expected_ns
            if (
                abs(jump_ns) > JUMP_S * NANOSECONDS
                or chunk.lost_before > 0
                or chunk.first_sample != self._expected_sample
            ):
                if self._held_n:
                    result = self._take(self._design.rate_hz)
                if jump_ns < -JUMP_S * NANOSECONDS:
                    self._grid_ns, self._next = chunk.stamp_ns, 0
                result += self._break(chunk)
        self._expected_ns = chunk.end_ns
        self._expected_sample = chunk.first_sample + len(chunk.data)
        done = 0
        # Samples are taken in blocks that complete an instant each, so that chunks do not matter
        # and each step of the chain is made as seldom as can be.
        while done < len(chunk.data):
            if not self._held_n:
                self._held_ns = chunk.stamp_ns + round(done / chunk.rate_hz * NANOSECONDS)
                self._wanted = self._samples_to_due(chunk.rate_hz)
            n = min(len(chunk.data) - done, self._wanted - self._held_n)
            self._held.append(chunk.data[done : done + n])
            self._held_n += n
            done += n
            if self._held_n == self._wanted:
                result += self._take(chunk.rate_hz)
        return result

    def _samples_to_due(self, rate_hz: float) -> int:
        """Return how many samples from the first one held complete the next instant."""
        due_ns = self.due_ns
        assert due_ns is not None
        ahead = (due_ns - self._held_ns) / NANOSECONDS * rate_hz
        return max(1, math.ceil(ahead + _ROUNDING) + 1)

    def _take(self, rate_hz: float) -> list[Activation]:
        """Take the samples that are held."""
        stamp_ns = self._held_ns
        raw = np.concatenate(self._held)
        self._held, self._held_n = [], 0
        data: Array = self._impossible.replace(raw, stamp_ns, rate_hz).astype(np.float64)
        # 50 and 60 Hz side by side until it is known which of them it is.
        bands = [band_filter(data) for band_filter in self._bands.values()]
        behind, band = self._behind, bands[0]
        clean = self._heart(data, band) if self._heart else band
        self._behind += len(band) - len(clean)
        self._blocks += 1
        self._quality.update(data, band)
        end_ns = stamp_ns + round(len(data) / rate_hz * NANOSECONDS)
        judged = self._blocks % self._judge_every == 0
        if judged:
            # Before older samples are given: what is wrong now may be wrong since a moment.
            self._judge(end_ns)
        result = self._give(clean, stamp_ns - round(behind / rate_hz * NANOSECONDS), rate_hz)
        if judged and self._fresh:
            fresh, self._fresh = np.concatenate(self._fresh), []
            onset = self._onset
            self._fatigue.update(fresh, self._clean_ns, onset.active, onset.since_ns)
        if self._mains is not None and self._mains.update(data):
            self._set_mains(self._mains.mains_hz, end_ns)
        return result

    def _give(self, clean: Array, first_ns: int, rate_hz: float) -> list[Activation]:
        """Return the instants that clean samples complete, the first of them of this time."""
        if not len(clean):
            return []
        carrier_ns = first_ns - self._carrier_ns
        self._onset.update(clean, carrier_ns, self._valid, self._mvc_rms_v)
        self._fresh.append(clean)
        self._clean_ns = carrier_ns + round(len(clean) / rate_hz * NANOSECONDS)
        return self._resample(first_ns - self._delay_ns, rate_hz, self._smooth(clean))

    def _judge(self, now_ns: int) -> None:
        """Say anew how well each channel measures."""
        verdicts = self._impossible.judge(now_ns, self._quality.judge())
        self.channels = tuple(
            c if (c.quality, c.noise_v) == (q, noise) else replace(c, quality=q, noise_v=noise)
            for c, q, noise in zip(
                self.channels, verdicts, self._onset.rest_v.tolist(), strict=True
            )
        )
        ready = now_ns >= self._ready_ns
        self._valid = np.array([ready and c.quality.usable for c in self.channels])

    def _set_mains(self, mains_hz: float, now_ns: int) -> None:
        """Notch the frequency that was found."""
        self._filters = replace(self._filters, mains_hz=mains_hz)
        self._quality.set_mains(mains_hz)
        if mains_hz in self._bands:
            self._bands = {mains_hz: self._bands[mains_hz]}
        else:
            design = FilterDesign(self._design.rate_hz, self._filters)
            self._bands = {mains_hz: BandFilter(design)}
            self._ready_ns = now_ns + round(design.settle_s * NANOSECONDS)

    def _start(self, chunk: EmgChunk) -> None:
        """Design everything for this stream."""
        settings, n = self._settings, len(chunk.channels)
        self._filters = settings.filters
        self._mains = MainsFinder(chunk.rate_hz) if settings.find_mains else None
        self._design = design = FilterDesign(chunk.rate_hz, self._filters)
        self._heart = HeartRemover(chunk.rate_hz, n) if settings.remove_heart else None
        self._delay_ns = round(design.delay_s * NANOSECONDS)
        self._carrier_ns = round(design.band_delay_s * NANOSECONDS)
        self.channels = tuple(
            replace(c, quality=Quality.UNKNOWN, noise_v=0.0) for c in chunk.channels
        )
        self._onset = OnsetDetector(n, design, settings.onset)
        self._mvc_relative_sigma = design.averaged_sigma(settings.mvc_window_s)
        self._fatigue = FatigueMonitor(chunk.rate_hz, n, settings.fatigue)
        self._grid_ns, self._next, self._behind = chunk.stamp_ns, 0, 0
        self._scale()

    def _scale(self) -> None:
        """Put the calibration in the order of the channels."""
        self._mvc_rms_v = RMS_OVER_MEAN_ABS * np.array(
            [self._mvc_v.get(c.label, np.nan) for c in self.channels]
        )

    def _break(self, chunk: EmgChunk) -> list[Activation]:
        """Begin anew after a gap; return the instants before it, and those in it, unknown."""
        filled = []
        if self._behind and self._heart:
            rate_hz = self._design.rate_hz
            end_ns = min(self._expected_ns, chunk.stamp_ns)
            first_ns = end_ns - round(self._behind / rate_hz * NANOSECONDS)
            filled = self._give(self._heart.flush(), first_ns, rate_hz)
        design, n = self._design, len(self.channels)
        grids = [self._filters.mains_hz]
        settle_s = design.settle_s
        if self._mains is not None:
            self._mains.restart()
            if not self._mains.mains_hz:
                grids = list(GRIDS_HZ)
                settle_s = max(settle_s, WINDOW_S + design.smoothing_settle_s)
        self._bands = {
            hz: BandFilter(FilterDesign(design.rate_hz, replace(self._filters, mains_hz=hz)))
            for hz in grids
        }
        self._smooth = Smoother(design)
        self._quality = QualityMonitor(
            design.rate_hz, n, self._filters.mains_hz, self._settings.quality
        )
        self._impossible = ImpossibleSamples(n, design.settle_s)
        if self._heart:
            self._heart.restart()
        self._onset.restart()
        self._fatigue.restart()
        self._held, self._held_n, self._blocks, self._behind = [], 0, 0, 0
        self._valid, self._fresh = np.zeros(n, bool), []
        self._last = np.zeros((0, n))
        self._ready_ns = chunk.stamp_ns + round(settle_s * NANOSECONDS)
        first = chunk.stamp_ns - self._delay_ns
        skip = max(0, -(-(first - self._grid_ns) // self._period_ns) - self._next)
        if skip * self._period_ns <= LONGEST_FILLED_GAP_S * NANOSECONDS:
            nobody = [(_MISSING, _MISSING)] * n
            filled += [
                self._instant(self._grid_ns + k * self._period_ns, nobody)
                for k in range(self._next, self._next + skip)
            ]
        self._next += skip
        return filled

    def _resample(self, first_ns: int, rate_hz: float, envelope: Array) -> list[Activation]:
        """Read the envelope at the instants of the grid that it now covers."""
        step_ns = NANOSECONDS / rate_hz
        times = first_ns - self._grid_ns + step_ns * np.arange(len(envelope))
        if len(self._last):
            # One sample of the chunk before, so that no instant falls between two chunks.
            before = min(self._last_ns - self._grid_ns, times[0] - 1)
            times = np.concatenate([[before], times])
            envelope = np.concatenate([self._last, envelope])
        self._last, self._last_ns = envelope[-1:], round(times[-1]) + self._grid_ns
        if len(times) < 2:
            return []
        count = int(times[-1] // self._period_ns) + 1 - self._next
        if count <= 0:
            return []
        grid = (self._next + np.arange(count)) * self._period_ns
        self._next += count
        place = np.clip(np.searchsorted(times, grid, "right") - 1, 0, len(times) - 2)
        share = ((grid - times[place]) / (times[place + 1] - times[place]))[:, None]
        values = envelope[place] + np.clip(share, 0, 1) * (envelope[place + 1] - envelope[place])
        return [self._measure(int(t) + self._grid_ns, v) for t, v in zip(grid, values, strict=True)]

    def _measure(self, stamp_ns: int, envelope: Array) -> Activation:
        settled = stamp_ns >= self._ready_ns
        values = []
        for channel, volts in zip(self.channels, envelope, strict=True):
            if channel.quality is Quality.UNKNOWN or (not settled and channel.quality.usable):
                values.append((_EARLY, _EARLY))
            elif not channel.quality.usable:
                values.append((_FAULT, _FAULT))
            else:
                values.append(self._normalise(channel, float(volts)))
        return self._instant(stamp_ns, values)

    def _normalise(self, channel: Channel, volts: float) -> tuple[Estimate, Estimate]:
        """Return activation and envelope with their sigmas."""
        doubt = REST_DOUBT / RMS_OVER_MEAN_ABS * channel.noise_v
        sigma = max(math.hypot(self._design.relative_sigma * volts, doubt), LEAST_SIGMA_V)
        envelope = Estimate(volts, sigma)
        if channel.label not in self._mvc_v:
            return _UNCALIBRATED, envelope
        share = 1 / self._mvc_v[channel.label]
        both = math.hypot(sigma, self._mvc_relative_sigma * volts)
        return Estimate(volts * share, both * share), envelope

    def _instant(self, stamp_ns: int, values: list[tuple[Estimate, Estimate]]) -> Activation:
        (active, since_ns), fatigue = self._onset.at(stamp_ns), self._fatigue
        muscles = tuple(
            MuscleActivation(
                channel=channel,
                activation=activation,
                envelope=envelope,
                active=bool(active[k]),
                since_ns=int(since_ns[k]),
                median_frequency=fatigue.median[k],
                fatigue_slope=fatigue.slope[k],
            )
            for k, (channel, (activation, envelope)) in enumerate(
                zip(self.channels, values, strict=True)
            )
        )
        pairs = [(m.channel, m.activation) for m in muscles]
        return Activation(
            stamp_ns=stamp_ns,
            delay_s=self.delay_s,
            muscles=muscles,
            co_contraction=co_contraction(pairs),
            asymmetry=asymmetry(pairs),
            local_share=local_share(pairs),
        )
