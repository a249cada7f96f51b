"""Channel quality and noise before a session, as labs look at them before they start.

The same quality monitor as in the graph judges the channels; beside it stand the figures that tell
a person what to mend.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.channels import ChannelMap, Selection
from lbp_rehab.emg.check_measures import (
    heart_peak_v,
    line_rms_v,
    rest_rms_v,
    slow_mean_v,
)
from lbp_rehab.emg.filters import RMS_OVER_MEAN_ABS, BandFilter, FilterDesign, FilterSettings
from lbp_rehab.emg.mains import GRIDS_HZ
from lbp_rehab.emg.types import NANOSECONDS, Channel, EmgChunk, Quality, check_chunk
from lbp_rehab.errors import InputError

# Noise of a good electrode on relaxed skin, RMS of the band-passed signal. The amplifier alone has
# about 1 uV (ISEK, Merletti 1999, Standards for reporting EMG data), the skin contact adds to it.
GOOD_REST_V = 5e-6
# The worst that Konrad (The ABC of EMG, 2005) lets pass: a mean rectified baseline of 10 to 15 uV,
# where 3.5 uV are aimed at; as RMS.
MOST_REST_V = RMS_OVER_MEAN_ABS * 15e-6
REST_S, REST_STEP_S = 1.0, 0.25  # the quietest second, looked for so often
SHOWN_S = 10.0  # of the signal that is kept
LEVEL_S = 0.25  # over which the present level is read
RECENT_S = 5.0  # in whose quietest second the mains is read, and over which a drift shows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ChannelReport:
    """One channel now.

    Attributes
    ----------
    channel : Channel
        With the present quality.
    rest_v : float or None
        RMS of the noise in the quietest second; None before there was one.
    level_v : float
        RMS of the band-passed signal now.
    mains_v : float
        RMS of the line at the mains frequency, before it is filtered, in the quietest of the latest
        seconds.
    heart_v : float or None
        Height of the R wave; None if no beats are seen, or the channel cannot be used.
    offset_v, drift_v : float
        Mean now, and range of the mean below 2 Hz over the latest seconds.
    peak_to_peak_v : float
        Of the raw signal in the latest second.
    usable : float or None
        Share of the time so far; None before the first judgement.
    """

    channel: Channel
    rest_v: float | None
    level_v: float
    mains_v: float
    heart_v: float | None
    offset_v: float
    drift_v: float
    peak_to_peak_v: float
    usable: float | None


@dataclass(frozen=True)
class CheckReport:
    """All channels now.

    Attributes
    ----------
    channels : tuple of ChannelReport
    source : str
        Stream or file; empty before the first samples.
    stated_hz, measured_hz : float
        Sampling rate as first said, and by stamps; 0 if not known yet.
    seconds : float
        Of samples so far.
    samples, lost : int
    mains_hz : float
        0: not known yet.
    notes : tuple of str
        What had to differ from the settings.
    """

    channels: tuple[ChannelReport, ...] = ()
    source: str = ""
    stated_hz: float = 0.0
    measured_hz: float = 0.0
    seconds: float = 0.0
    samples: int = 0
    lost: int = 0
    mains_hz: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def faulty(self) -> tuple[ChannelReport, ...]:
        """The channels that cannot be used now."""
        return tuple(c for c in self.channels if not c.channel.quality.usable)


class _Tail:
    """The latest samples; nan where some were lost or the filters settle."""

    def __init__(self, length: int, channels: int) -> None:
        self._length, self._channels = length, channels
        self._parts: deque[Array] = deque()
        self._kept = 0

    def add(self, values: Array) -> None:
        """Take the next samples, shape (n, c)."""
        self._parts.append(values[-self._length :])
        self._kept += len(self._parts[-1])
        while self._kept - len(self._parts[0]) >= self._length:
            self._kept -= len(self._parts.popleft())

    def skip(self, n: int) -> None:
        """Take note of samples that are missing."""
        self.add(np.full((min(n, self._length), self._channels), np.nan))

    def last(self, n: int) -> Array:
        """Return the latest n samples or fewer."""
        whole = np.concatenate([np.zeros((0, self._channels)), *self._parts])
        return whole[-min(n, self._length) :]

    def known(self, n: int) -> Array:
        """Return the latest samples after the last gap, at most n."""
        values = self.last(n)
        gaps = np.flatnonzero(~np.isfinite(values[:, 0]))
        return values[gaps[-1] + 1 :] if len(gaps) else values


class EmgCheck:
    """Takes chunks and says how good the channels are.

    Parameters
    ----------
    mains_hz : float
        50 or 60; 0: found out.
    channel_map : ChannelMap
        Muscle and side by label or number; channels that it ignores are left out.
    """

    # Made when the first chunk comes.
    _selection: Selection
    _raw: _Tail
    _band: _Tail
    _good: Array  # samples in which each channel could be used
    _rest: Array

    def __init__(self, mains_hz: float = 0.0, channel_map: ChannelMap | None = None) -> None:
        self._mains_hz, self._map = mains_hz, channel_map or ChannelMap({})
        self._pipeline = EmgPipeline(
            PipelineSettings(
                find_mains=not mains_hz,
                remove_heart=False,
                filters=FilterSettings(mains_hz=mains_hz or GRIDS_HZ[0]),
            )
        )
        self._filter: BandFilter | None = None
        self._first: EmgChunk | None = None
        self._last: EmgChunk | None = None
        self._samples = self._lost = self._judged = 0
        self._settles = self._since_rest = 0

    def add(self, chunk: EmgChunk) -> None:
        """Take the next chunk.

        Raises
        ------
        InputError
            If it contradicts itself, its channels change, its rate is too low to judge, or the
            channel map leaves nothing of it.
        """
        check_chunk(chunk)
        if self._first is None:
            self._start(chunk)
        elif [c.label for c in chunk.channels] != self._labels:
            raise InputError("the channels of the sEMG source changed; start the check anew")
        selection = self._selection
        data = np.ascontiguousarray(chunk.data[:, selection.columns])
        chunk = replace(chunk, data=data, channels=selection.channels)
        self._pipeline.process(chunk)
        self._lost += chunk.lost_before
        self._samples += len(data)
        self._keep(chunk)
        self._last = chunk
        qualities = [c.quality for c in self._pipeline.channels]
        usable = np.array([q.usable for q in qualities])
        if Quality.UNKNOWN not in qualities:
            self._judged += len(data)
            self._good += len(data) * usable
        self._since_rest += len(data)
        if self._since_rest >= self._n(REST_STEP_S):
            self._since_rest = 0
            self._look_for_rest(usable)

    def report(self) -> CheckReport:
        """Return the figures as of now."""
        first, last = self._first, self._last
        if first is None or last is None:
            return CheckReport()
        seconds = self.seconds
        counted = last.first_sample + len(last.data) - first.first_sample
        return CheckReport(
            channels=self._reports(last.rate_hz),
            source=last.source,
            stated_hz=first.rate_hz,
            measured_hz=counted / seconds if seconds > 0.0 else 0.0,
            seconds=seconds,
            samples=self._samples,
            lost=self._lost,
            mains_hz=self._mains_hz,
            notes=(*self._selection.missing, *self._notes),
        )

    @property
    def seconds(self) -> float:
        """Of samples so far, lost ones counted."""
        if self._first is None or self._last is None:
            return 0.0
        return (self._last.end_ns - self._first.stamp_ns) / NANOSECONDS

    @property
    def rate_hz(self) -> float:
        """Of the latest chunk; 0 before the first."""
        return self._last.rate_hz if self._last else 0.0

    def band(self) -> Array:
        """Return the latest band-passed samples, shape (n, c), volts; nan where unknown."""
        return self._band.last(self._n(SHOWN_S)) if self._first else np.zeros((0, 0))

    def raw(self) -> Array:
        """Return the latest raw samples after the last gap, shape (n, c), volts."""
        return self._raw.known(self._n(SHOWN_S)) if self._first else np.zeros((0, 0))

    def _n(self, seconds: float) -> int:
        return max(1, round(seconds * self.rate_hz))

    def _start(self, chunk: EmgChunk) -> None:
        """Make ready for the source's channels and rate."""
        self._notes = FilterDesign(chunk.rate_hz, FilterSettings()).notes
        selection = self._map.select(chunk.channels)
        n = len(selection.columns)
        if not n:
            raise InputError("the channel map ignores every channel of the sEMG source")
        self._selection, self._labels = selection, [c.label for c in chunk.channels]
        length = round(SHOWN_S * chunk.rate_hz)
        self._raw, self._band = _Tail(length, n), _Tail(length, n)
        self._good, self._rest = np.zeros(n), np.full(n, np.inf)
        self._first = chunk

    def _keep(self, chunk: EmgChunk) -> None:
        """Keep raw and band-passed samples for the figures."""
        last = self._last
        missing = chunk.first_sample - (last.first_sample + len(last.data)) if last else 0
        if missing or chunk.lost_before:
            self._raw.skip(max(missing, 1))
            self._band.skip(max(missing, 1))
            self._filter = None
        self._raw.add(chunk.data.astype(float))
        if self._pipeline.mains_hz != self._mains_hz:
            self._mains_hz, self._filter = self._pipeline.mains_hz, None
        if not self._mains_hz:
            self._band.skip(len(chunk.data))
            return
        if self._filter is None:
            design = FilterDesign(chunk.rate_hz, FilterSettings(mains_hz=self._mains_hz))
            self._filter = BandFilter(design)
            self._settles = round(design.settle_s * chunk.rate_hz)
        band = self._filter(chunk.data)
        settles = min(self._settles, len(band))
        self._settles -= settles
        band[:settles] = np.nan
        self._band.add(band)

    def _look_for_rest(self, usable: NDArray[np.bool_]) -> None:
        band = self._band.known(self._n(REST_S))
        if len(band) == self._n(REST_S):
            self._rest = np.where(usable, np.minimum(self._rest, rest_rms_v(band)), self._rest)

    def _reports(self, rate_hz: float) -> tuple[ChannelReport, ...]:
        n = len(self._selection.columns)
        raw = self._raw.known(self._n(SHOWN_S))
        recent = raw[-self._n(RECENT_S) :]
        second = raw[-self._n(1.0) :]
        level = self._band.known(self._n(LEVEL_S))
        mains = line_rms_v(recent, rate_hz, self._mains_hz) if self._mains_hz else np.zeros(n)
        usable = np.array([c.quality.usable for c in self._pipeline.channels])
        heart = np.full(n, np.nan)
        if usable.any() and (peak := heart_peak_v(raw[:, usable], rate_hz)) is not None:
            heart[usable] = peak
        slow = slow_mean_v(recent, rate_hz)
        return tuple(
            ChannelReport(
                channel=c,
                rest_v=_known(self._rest[k]),
                level_v=float(np.sqrt(np.mean(level[:, k] ** 2))) if len(level) else 0.0,
                mains_v=float(mains[k]),
                heart_v=_known(heart[k]),
                offset_v=float(second[:, k].mean()) if len(second) else 0.0,
                drift_v=float(np.ptp(slow[:, k])) if len(slow) else 0.0,
                peak_to_peak_v=float(np.ptp(second[:, k])) if len(second) else 0.0,
                usable=float(self._good[k] / self._judged) if self._judged else None,
            )
            for k, c in enumerate(self._pipeline.channels)
        )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
