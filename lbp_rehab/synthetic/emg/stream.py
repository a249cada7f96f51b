"""Surface EMG of twelve trunk and hip channels that a movement drives, sample by sample.

`recruitment` and `compensation` hold what is known of muscles, `drive` makes a person's drives of
it, `electrodes` and `amplifier` what is measured of them. Volts and seconds throughout; time 0 is
the start of the movement, an MVC trial lies before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.emg.amplifier import ARTEFACT_FROM, BLOCK_S, Amplifier, Work
from lbp_rehab.synthetic.emg.drive import Drive, Movement, MuscleDrive
from lbp_rehab.synthetic.emg.electrodes import Electrodes, ElectrodeSettings, Loose, random_loose
from lbp_rehab.synthetic.emg.fatigue import Fatigue
from lbp_rehab.synthetic.emg.faults import FAULTS_STREAM, random_faults
from lbp_rehab.synthetic.emg.mvc_trial import Contraction, MvcTrial
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, LABELS
from lbp_rehab.synthetic.emg.style import MuscleStyle
from lbp_rehab.synthetic.emg.tasks import Task

__all__ = ["CHANNELS", "LABELS", "RATE_HZ", "EmgStream", "drive", "measure", "mvc_envelopes_v"]

Array = NDArray[np.float64]

RATE_HZ = 1000.0
EMG_CHANNELS: tuple[Channel, ...] = tuple(
    Channel(label, muscle, side) for label, (muscle, side) in zip(LABELS, CHANNELS, strict=True)
)
_DRIVE_GRID_HZ = 200.0  # drives change more slowly than this
STAMP_SIGMA_S = 1e-6


@dataclass(frozen=True)
class Events:
    """What truly happens to the signal besides the movement, in the movement's time.

    Attributes
    ----------
    contractions : tuple of Contraction
        Of the MVC trial.
    loose : tuple of Loose
        Electrodes that come off.
    artefacts : tuple of (start_s, end_s)
        While the movement is fast enough to shake the leads.
    """

    contractions: tuple[Contraction, ...]
    loose: tuple[Loose, ...]
    artefacts: tuple[tuple[float, float], ...]


class EmgStream:
    """The samples of one person doing one movement or task, in chunks of any size.

    Parameters
    ----------
    movement : Movement or Task
    settings : ElectrodeSettings, optional
    seed : int
        Decides the person's style, the electrodes and all noise.
    split : Split
        Whose people are drawn from.
    style : MuscleStyle, optional
        Drawn if not given.

    Attributes
    ----------
    movement : Movement or Task
    start_s : float
        Time of the first sample; negative with an MVC trial.
    n_samples : int
    drive : Drive
    electrodes : Electrodes
    fatigue : Fatigue
    events : Events
    """

    def __init__(
        self,
        movement: Movement | Task,
        settings: ElectrodeSettings | None = None,
        seed: int = 0,
        split: Split = Split.ANY,
        style: MuscleStyle | None = None,
    ) -> None:
        self.settings = settings or ElectrodeSettings()
        style = style or MuscleStyle.drawn(seed, split)
        self.style, self.movement = style, movement
        self.drive: Drive = (
            movement.drive(style) if isinstance(movement, Task) else MuscleDrive(movement, style)
        )
        self.electrodes = Electrodes.drawn(seed, self.settings, split)
        self.trial = MvcTrial() if self.settings.mvc_trial else None
        # Whole blocks, so that a sample falls on time 0.
        blocks = np.ceil(self.trial.duration_s / BLOCK_S) if self.trial else 0
        self.start_s = -float(blocks) * BLOCK_S
        self.n_samples = round((movement.duration_s - self.start_s) * self.settings.rate_hz)
        self.fatigue = Fatigue(
            self.drive.at, movement.duration_s, style.endurance, self.settings.fatigue
        )
        loose = random_loose(seed, self.settings, movement.duration_s, split)
        if self.settings.random_faults:
            loose += random_faults(
                Draws(seed, split, FAULTS_STREAM),
                self.settings.random_faults,
                (self.start_s, movement.duration_s),
                self.own_rms_v,
                [event.label for event in (*self.settings.loose, *loose)],
            )
        self.events = Events(
            contractions=self.trial.contractions(self.start_s) if self.trial else (),
            loose=(*self.settings.loose, *loose),
            artefacts=_artefacts(self.drive, movement.duration_s)
            if self.settings.artefacts
            else (),
        )
        self._amplifier = Amplifier(
            self.electrodes, self.settings, [seed, int(split)], self.events.loose
        )
        self._made = 0
        self._left = np.zeros((0, len(CHANNELS)), np.float32)

    @property
    def beats_s(self) -> tuple[float, ...]:
        """Times of the heart's R waves in what was made so far."""
        end_s = self.start_s + self._made / self.settings.rate_hz
        return tuple(beat for beat in self._amplifier.beats_s if self.start_s <= beat < end_s)

    def times_s(self, first: int, n: int) -> Array:
        """Return the times of samples."""
        return self.start_s + np.arange(first, first + n) / self.settings.rate_hz

    def drives(self, t_s: Array) -> Array:
        """Return the true drives at times ``t_s`` (n,), of the trial too, shape (n, 12)."""
        if self.trial is None or t_s.size == 0 or t_s[0] >= 0.0:
            return self.drive.at(t_s)
        before = (t_s < 0.0)[:, None]
        rest = self.drive.at(np.maximum(t_s, 0.0))
        return np.where(before, self.trial.drive(t_s - self.start_s), rest)

    def own_rms_v(self, t_s: Array) -> Array:
        """Return the RMS of the muscles' own signals at times ``t_s`` (n,), shape (n, 12)."""
        return np.asarray(
            self.drives(t_s) * self.fatigue.amplitude(t_s) * self.electrodes.mvc_rms_v
        )

    def read(self, n: int) -> NDArray[np.float32]:
        """Return the next ``n`` samples, shape (n, 12), volts; fewer at the end, then none."""
        if n < 1:
            raise InputError(f"cannot read {n} samples: ask for at least one")
        while len(self._left) < n and self._made < self.n_samples:
            self._left = np.concatenate([self._left, self._next_block()])
        taken, self._left = self._left[:n], self._left[n:]
        return taken

    def chunks(self, n: int, start_ns: int = 0) -> Iterator[EmgChunk]:
        """Yield the rest in chunks of ``n`` samples with true stamps.

        Parameters
        ----------
        n : int
        start_ns : int
            Stamp of time 0.
        """
        first = self._made - len(self._left)
        while len(data := self.read(n)):
            at_s = self.start_s + first / self.settings.rate_hz
            yield EmgChunk(
                stamp_ns=start_ns + round(at_s * NANOSECONDS),
                rate_hz=self.settings.rate_hz,
                first_sample=first,
                lost_before=0,
                data=np.ascontiguousarray(data),
                channels=EMG_CHANNELS,
                stamp_sigma_s=STAMP_SIGMA_S,
                source="synthetic",
            )
            first += len(data)

    def _next_block(self) -> NDArray[np.float32]:
        n = min(self._amplifier.block_length, self.n_samples - self._made)
        t_s = self.times_s(self._made, n)
        grid_s = t_s[0] + np.arange(round(BLOCK_S * _DRIVE_GRID_HZ) + 1) / _DRIVE_GRID_HZ
        drives = self.drives(grid_s)
        middle_s = t_s[:1] + BLOCK_S / 2
        work = Work(
            t_s=t_s,
            drive=_interpolated(t_s, grid_s, drives),
            amplitude=_interpolated(t_s, grid_s[[0, -1]], self.fatigue.amplitude(grid_s[[0, -1]])),
            conduction=self.fatigue.conduction(middle_s)[0],
            speed=np.interp(t_s, grid_s, self._speed(grid_s)),
            breath_hz=self.movement.style.breath_hz,
            exertion=self.fatigue.exertion(float(middle_s[0])),
        )
        self._made += n
        return self._amplifier.measure(work)

    def _speed(self, t_s: Array) -> Array:
        return np.where(t_s >= 0.0, self.drive.speed(np.maximum(t_s, 0.0)), 0.0)


def drive(movement: Movement, t_s: Array, seed: int = 0) -> Array:
    """Return every channel's drive, shape (n, 12), fractions of the maximal contraction.

    Parameters
    ----------
    movement : Movement
    t_s : ndarray, shape (n,)
        Seconds from the start of the movement.
    seed : int
        Of the person's style.
    """
    return MuscleDrive(movement, MuscleStyle.drawn(seed)).at(np.asarray(t_s, float))


def measure(
    drives: Array,
    seed: int,
    settings: ElectrodeSettings | None = None,
    fatigue: Callable[[Array], tuple[Array, Array]] | None = None,
) -> NDArray[np.float32]:
    """Return what the electrodes measure of given drives, shape (n, 12), volts.

    Parameters
    ----------
    drives : ndarray, shape (n, 12)
        At the rate of the settings.
    seed : int
        Decides the electrodes and all noise; the same seed gives the same samples.
    settings : ElectrodeSettings, optional
    fatigue : callable, optional
        Time (1,) -> amplitude and conduction, each (1, 12); rested muscles if not given.
    """
    settings = settings or ElectrodeSettings()
    electrodes = Electrodes.drawn(seed, settings)
    amplifier = Amplifier(electrodes, settings, [seed, int(Split.ANY)], settings.loose)
    rested = np.ones((1, len(CHANNELS)))
    parts: list[NDArray[np.float32]] = []
    for first in range(0, len(drives), amplifier.block_length):
        part = drives[first : first + amplifier.block_length]
        t_s = np.arange(first, first + len(part)) / settings.rate_hz
        amplitude, conduction = fatigue(t_s[:1]) if fatigue else (rested, rested)
        still = np.zeros(len(part))
        parts.append(amplifier.measure(Work(t_s, part, amplitude, conduction[0], still)))
    return np.concatenate(parts)


def mvc_envelopes_v(
    seed: int, settings: ElectrodeSettings | None = None, split: Split = Split.ANY
) -> dict[str, float]:
    """Return what an MVC calibration would find: label -> volts.

    Five seconds at full drive, band-passed (20 to 450 Hz), rectified and smoothed (6 Hz), and the
    highest mean over one second.
    """
    settings = replace(
        settings or ElectrodeSettings(), cross_talk=0.0, heart=0.0, mains=0.0, drift=0.0, loose=()
    )
    electrodes = Electrodes.drawn(seed, settings, split)
    amplifier = Amplifier(electrodes, settings, [seed, int(split), 1])
    n, rate = amplifier.block_length, settings.rate_hz
    full = np.ones((n, len(CHANNELS)))
    signal = np.concatenate(
        [
            amplifier.measure(
                Work(k * BLOCK_S + np.arange(n) / rate, full, full, full[0], full[:, 0])
            )
            for k in range(round(5.0 / BLOCK_S))
        ]
    )
    band = butter(2, (20.0, 450.0), "bandpass", fs=rate, output="sos")
    smooth = butter(2, 6.0, fs=rate, output="sos")
    rectified = np.abs(sosfiltfilt(band, signal.astype(float), axis=0))
    envelope = sosfiltfilt(smooth, rectified, axis=0)
    total = np.concatenate([np.zeros((1, len(CHANNELS))), np.cumsum(envelope, axis=0)])
    means = (total[round(rate) :] - total[: -round(rate)]) / rate
    return dict(zip(LABELS, map(float, means.max(axis=0)), strict=True))


def _interpolated(t_s: Array, grid_s: Array, values: Array) -> Array:
    """Return values (m, c) on an even grid at other times, shape (n, c), linearly."""
    place = (t_s - grid_s[0]) / (grid_s[1] - grid_s[0])
    left = np.clip(place.astype(int), 0, len(grid_s) - 2)
    share = (place - left)[:, None]
    return values[left] + share * (values[left + 1] - values[left])


def _artefacts(drive: Drive, duration_s: float) -> tuple[tuple[float, float], ...]:
    t_s = np.arange(0.0, duration_s, 0.01)
    return intervals(t_s, drive.speed(t_s) - ARTEFACT_FROM)


def intervals(t_s: Array, value: Sequence[float] | Array) -> tuple[tuple[float, float], ...]:
    """Return when a sampled value is above 0, its crossings interpolated linearly."""
    value = np.asarray(value, float)
    above = value > 0.0
    crossing = np.flatnonzero(above[1:] != above[:-1])
    share = value[crossing] / (value[crossing] - value[crossing + 1])
    edges = list(t_s[crossing] + share * (t_s[crossing + 1] - t_s[crossing]))
    if len(above) and above[0]:
        edges.insert(0, t_s[0])
    if len(edges) % 2:
        edges.append(t_s[-1])
    return tuple((float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))
