"""From chunks of raw sEMG to what each muscle does on a regular grid of instants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.fatigue import FatigueMonitor, FatigueSettings
from lbp_rehab.emg.filters import EnvelopeFilter, FilterDesign, FilterSettings
from lbp_rehab.emg.impossible import ImpossibleSamples
from lbp_rehab.emg.indices import asymmetry, co_contraction, local_share
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
# RMS of Gaussian noise over the mean of its absolute value.
RMS_OVER_MEAN_ABS = math.sqrt(math.pi / 2)

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
    filters, onset, quality, fatigue
        Of the parts.
    """

    activation_rate_hz: float = 50.0
    mvc_window_s: float = 0.5
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

    def __init__(
        self, settings: PipelineSettings, mvc_v: Mapping[str, float] | None = None
    ) -> None:
        self._settings = settings
        self._mvc_v = dict(mvc_v or {})
        self._period_ns = round(NANOSECONDS / settings.activation_rate_hz)
        self.channels: tuple[Channel, ...] = ()
        self._design: FilterDesign | None = None
        self._expected_ns = 0
        self._expected_sample = 0
        self._last_ns = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to differ from the settings, in sentences."""
        return self._design.notes if self._design else ()

    @property
    def mvc_v(self) -> dict[str, float]:
        """The calibration in force, volts by channel label."""
        return dict(self._mvc_v)

    def calibrate(self, mvc_v: Mapping[str, float]) -> None:
        """Take new MVC values; those of other channels stay."""
        self._mvc_v |= mvc_v

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
            self._design is None
            or labels != [(c.label, c.muscle, c.side) for c in self.channels]
            or abs(chunk.rate_hz / self._design.rate_hz - 1) > RATE_CHANGE
        ):
            self._start(chunk)
            broken = True
        else:
            jump_ns = chunk.stamp_ns - self._expected_ns
            if jump_ns < -JUMP_S * NANOSECONDS:
                self._grid_ns, self._next = chunk.stamp_ns, 0
            broken = (
                abs(jump_ns) > JUMP_S * NANOSECONDS
                or chunk.lost_before > 0
                or chunk.first_sample != self._expected_sample
            )
        gap = self._break(chunk) if broken else []
        self._expected_ns = chunk.end_ns
        self._expected_sample = chunk.first_sample + len(chunk.data)

        data = self._impossible.replace(chunk)
        band, envelope = self._filter(data)
        self._quality.update(data, band)
        quality = self._impossible.judge(chunk, self._quality.quality)
        self.channels = tuple(
            replace(c, quality=q, noise_v=float(RMS_OVER_MEAN_ABS * noise))
            if (c.quality, c.noise_v) != (q, RMS_OVER_MEAN_ABS * noise)
            else c
            for c, q, noise in zip(self.channels, quality, self._onset.baseline_mean, strict=True)
        )
        result = gap + self._resample(chunk, envelope)
        self._fatigue.update(band, chunk.end_ns, self._onset.active, self._onset.since_ns)
        return result

    def _start(self, chunk: EmgChunk) -> None:
        """Design everything for this stream."""
        settings, n = self._settings, len(chunk.channels)
        self._design = design = FilterDesign(chunk.rate_hz, settings.filters)
        self._delay_ns = round(design.delay_s * NANOSECONDS)
        self.channels = tuple(
            replace(c, quality=Quality.UNKNOWN, noise_v=0.0) for c in chunk.channels
        )
        self._onset = OnsetDetector(n, design, settings.onset)
        self._mvc_relative_sigma = design.averaged_sigma(settings.mvc_window_s)
        self._fatigue = FatigueMonitor(chunk.rate_hz, n, settings.fatigue)
        self._grid_ns, self._next = chunk.stamp_ns, 0

    def _break(self, chunk: EmgChunk) -> list[Activation]:
        """Begin anew after a gap; return the instants that fell into it, unknown."""
        assert self._design is not None
        n = len(self.channels)
        filters = self._settings.filters
        self._filter = EnvelopeFilter(self._design)
        self._quality = QualityMonitor(chunk.rate_hz, n, filters.mains_hz, self._settings.quality)
        self._impossible = ImpossibleSamples(n, self._design.settle_s)
        self._onset.restart()
        self._fatigue.restart()
        self._last: Array = np.zeros((0, n))
        self._ready_ns = chunk.stamp_ns + round(self._design.settle_s * NANOSECONDS)
        first = chunk.stamp_ns - self._delay_ns
        skip = max(0, -(-(first - self._grid_ns) // self._period_ns) - self._next)
        filled = []
        if skip * self._period_ns <= LONGEST_FILLED_GAP_S * NANOSECONDS:
            nobody = [(_MISSING, _MISSING)] * n
            filled = [
                self._instant(self._grid_ns + k * self._period_ns, nobody)
                for k in range(self._next, self._next + skip)
            ]
        self._next += skip
        return filled

    def _resample(self, chunk: EmgChunk, envelope: Array) -> list[Activation]:
        """Read the envelope at the instants of the grid that it now covers."""
        step_ns = NANOSECONDS / chunk.rate_hz
        first_ns = chunk.stamp_ns - self._delay_ns
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
        assert self._design is not None
        settled = stamp_ns >= self._ready_ns
        usable = np.array([c.quality.usable for c in self.channels])
        self._onset.update(stamp_ns, envelope, usable & settled)
        values = []
        for channel, volts in zip(self.channels, envelope, strict=True):
            if channel.quality is Quality.UNKNOWN or (not settled and channel.quality.usable):
                values.append((_EARLY, _EARLY))
            elif not channel.quality.usable:
                values.append((_FAULT, _FAULT))
            else:
                values.append(self._normalise(channel.label, float(volts)))
        return self._instant(stamp_ns, values)

    def _normalise(self, label: str, volts: float) -> tuple[Estimate, Estimate]:
        """Return activation and envelope with their sigmas."""
        assert self._design is not None
        relative = self._design.relative_sigma
        envelope = Estimate(volts, max(relative * volts, LEAST_SIGMA_V))
        if label not in self._mvc_v:
            return _UNCALIBRATED, envelope
        share = 1 / self._mvc_v[label]
        both = math.hypot(relative, self._mvc_relative_sigma)
        return Estimate(volts * share, max(both * volts, LEAST_SIGMA_V) * share), envelope

    def _instant(self, stamp_ns: int, values: list[tuple[Estimate, Estimate]]) -> Activation:
        assert self._design is not None
        onset, fatigue = self._onset, self._fatigue
        muscles = tuple(
            MuscleActivation(
                channel=channel,
                activation=activation,
                envelope=envelope,
                active=bool(onset.active[k]),
                since_ns=int(onset.since_ns[k]),
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
            delay_s=self._design.delay_s,
            muscles=muscles,
            co_contraction=co_contraction(pairs),
            asymmetry=asymmetry(pairs),
            local_share=local_share(pairs),
        )
