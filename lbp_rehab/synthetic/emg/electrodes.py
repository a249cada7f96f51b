"""One person's electrodes: what they pick up besides the muscle below, and their faults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, LABELS

Array = NDArray[np.float64]

HARMONICS = (1, 2, 3, 5)
_DRAWS_STREAM = 32
_MICRO = 1e-6
_FARTHEST_OFF_HZ = 0.5


class Contact(IntEnum):
    """What a faulty electrode gives."""

    FLAT = 0
    RAIL = 1
    MAINS = 2  # a bare lead is an aerial
    CLIPPED = 3  # the gain is too high: the signal is cut off while the muscle works
    MOVING = 4  # somebody pulls at the cable
    HALF_OFF = 5  # one pole dries: more noise and mains, less muscle


OFF = (Contact.FLAT, Contact.RAIL, Contact.MAINS)
# What `Loose.size` is if nothing is said: volts, volts, factor.
_USUAL_SIZE = {Contact.CLIPPED: 100 * _MICRO, Contact.MOVING: 1000 * _MICRO, Contact.HALF_OFF: 20.0}


@dataclass(frozen=True)
class Loose:
    """An electrode that is off or otherwise faulty between two times of the movement.

    Attributes
    ----------
    label : str
    start_s, end_s : float
    contact : Contact
    size : float
        Of a clipped channel where it is cut in volts either way; of a moving one the swings from
        peak to peak in volts; of a half-off one the factor on noise and mains; 0: a usual one.
    """

    label: str
    start_s: float
    end_s: float
    contact: Contact = Contact.MAINS
    size: float = 0.0

    def __post_init__(self) -> None:
        if self.size < 0.0:
            raise InputError(f"the size {self.size} of a faulty electrode must not be negative")
        if self.size == 0.0:
            object.__setattr__(self, "size", _USUAL_SIZE.get(self.contact, 0.0))
        if self.label not in LABELS:
            raise InputError(f"there is no sEMG channel {self.label!r}: use {', '.join(LABELS)}")
        if not self.end_s > self.start_s:
            raise InputError(f"the electrode {self.label} must be off for a positive time")


@dataclass(frozen=True)
class ElectrodeSettings:
    """What the measurement is like. Scales are 1 for a usual one and 0 to switch an effect off.

    Attributes
    ----------
    rate_hz : float
        1000 or 2000.
    mains_hz : float
        50 or 60.
    mains_offset_hz : float
        By how much the mains is off it; the grid of Europe stays within 0.2 Hz (EN 50160: 1 %).
    cross_talk : float
        Mean share of a neighbour's signal; De Luca and Merletti 1988 (Electroencephalogr Clin
        Neurophysiol 69:568) measured up to 17 %.
    heart, mains, drift, artefacts, fatigue : float
        Scales.
    noise_v : float
        RMS of the amplifier.
    adc_bits : int
        0 for none.
    range_v : float
        The converter saturates at plus and minus this.
    mvc_trial : bool
        Whether the recording begins with an MVC trial, before the movement.
    loose : tuple of Loose
    random_loose : int
        How many more electrodes come off, drawn.
    random_faults : int
        How many more have a fault of any kind, of 2 to 15 s, in the movement, the trial or from
        the very beginning; see `faults.random_faults`.
    """

    rate_hz: float = 1000.0
    mains_hz: float = 50.0
    cross_talk: float = 0.08
    heart: float = 1.0
    mains: float = 1.0
    drift: float = 1.0
    artefacts: float = 1.0
    fatigue: float = 1.0
    noise_v: float = 1.5e-6
    adc_bits: int = 16
    range_v: float = 6.5536e-3
    mvc_trial: bool = False
    loose: tuple[Loose, ...] = ()
    random_loose: int = 0
    random_faults: int = 0
    mains_offset_hz: float = 0.0

    def __post_init__(self) -> None:
        if self.rate_hz not in (1000.0, 2000.0):
            raise InputError(f"sEMG is made at 1000 or 2000 Hz, not {self.rate_hz} Hz")
        if self.mains_hz not in (50.0, 60.0):
            raise InputError(f"the mains has 50 or 60 Hz, not {self.mains_hz} Hz")
        if not 0.0 <= self.cross_talk <= 0.3:
            raise InputError(f"cross-talk of {self.cross_talk} must lie between 0 and 0.3")
        for name in ("heart", "mains", "drift", "artefacts", "fatigue", "noise_v"):
            if getattr(self, name) < 0.0:
                raise InputError(f"{name} of the electrodes must not be negative")
        if not (self.adc_bits == 0 or 8 <= self.adc_bits <= 24) or self.range_v <= 0.0:
            raise InputError("the converter needs 8 to 24 bits (0: none) and a positive range")
        if not 0 <= self.random_loose <= len(LABELS):
            raise InputError(f"between 0 and {len(LABELS)} electrodes can come off at random")
        if not 0 <= self.random_faults <= len(LABELS):
            raise InputError(f"between 0 and {len(LABELS)} electrodes can be faulty at random")
        if not abs(self.mains_offset_hz) <= _FARTHEST_OFF_HZ:
            raise InputError(
                f"the mains cannot be off by {self.mains_offset_hz} Hz: at most {_FARTHEST_OFF_HZ}"
            )

    @property
    def line_hz(self) -> float:
        """True frequency of the mains."""
        return self.mains_hz + self.mains_offset_hz

    @property
    def step_v(self) -> float:
        """One step of the converter; 0 without one."""
        return 2.0 * self.range_v / 2**self.adc_bits if self.adc_bits else 0.0


@dataclass(frozen=True)
class Site:
    """An average site: RMS at full drive, height of the heart's R wave, amplitude of the mains."""

    mvc_rms_v: float
    heart_v: float
    mains_v: float


SITES: dict[Muscle, Site] = {
    Muscle.MULTIFIDUS: Site(190 * _MICRO, 18 * _MICRO, 3 * _MICRO),
    Muscle.ERECTOR_SPINAE: Site(230 * _MICRO, 35 * _MICRO, 4 * _MICRO),
    Muscle.INTERNAL_OBLIQUE: Site(170 * _MICRO, 25 * _MICRO, 4 * _MICRO),
    Muscle.EXTERNAL_OBLIQUE: Site(200 * _MICRO, 50 * _MICRO, 3 * _MICRO),
    Muscle.RECTUS_ABDOMINIS: Site(260 * _MICRO, 60 * _MICRO, 3 * _MICRO),
    Muscle.GLUTEUS_MAXIMUS: Site(280 * _MICRO, 2 * _MICRO, 5 * _MICRO),
}
_HEART_SIDE = {Side.LEFT: 1.25, Side.RIGHT: 0.8}  # the heart lies to the left

# Share of a neighbour's signal, relative to the mean share of the settings: near on the skin, more.
_SAME_SIDE: dict[frozenset[Muscle], float] = {
    frozenset({Muscle.MULTIFIDUS, Muscle.ERECTOR_SPINAE}): 1.3,
    frozenset({Muscle.INTERNAL_OBLIQUE, Muscle.EXTERNAL_OBLIQUE}): 1.3,
    frozenset({Muscle.EXTERNAL_OBLIQUE, Muscle.RECTUS_ABDOMINIS}): 0.9,
    frozenset({Muscle.INTERNAL_OBLIQUE, Muscle.RECTUS_ABDOMINIS}): 0.8,
}
_ACROSS: dict[Muscle, float] = {Muscle.MULTIFIDUS: 0.9, Muscle.RECTUS_ABDOMINIS: 0.8}


@dataclass(frozen=True)
class Electrodes:
    """One person's electrodes.

    Attributes
    ----------
    mvc_rms_v : ndarray, shape (12,)
        RMS of the muscle's own signal at full drive.
    mixing : ndarray, shape (12, 12)
        Row: electrode; column: muscle; the diagonal is 1, the rest cross-talk.
    heart_v : ndarray, shape (2, 12)
        Of the heart's two leads.
    heart_bpm : float
        At rest.
    mains_v, mains_phase : ndarray, shape (4, 12)
        Amplitude and phase of `HARMONICS`.
    noise_v, drift_v, artefact_v : ndarray, shape (12,)
        RMS of amplifier, drift, and of the artefact at twice the usual speed.
    """

    mvc_rms_v: Array
    mixing: Array
    heart_v: Array
    heart_bpm: float
    mains_v: Array
    mains_phase: Array
    noise_v: Array
    drift_v: Array
    artefact_v: Array

    @classmethod
    def drawn(cls, seed: int, settings: ElectrodeSettings, split: Split = Split.ANY) -> Electrodes:
        """Return a person's electrodes."""
        draws = Draws(seed, split, _DRAWS_STREAM)
        n = len(CHANNELS)
        sites = [SITES[muscle] for muscle, _ in CHANNELS]

        def spread(sd: float) -> Array:
            return np.exp(np.array([draws.normal(0.0, sd) for _ in range(n)]))

        skinfold = np.exp(draws.normal(0.0, 0.25))  # fat under the skin weakens all channels
        mvc = np.array([site.mvc_rms_v for site in sites]) * skinfold * spread(0.2)
        side = np.array([_HEART_SIDE[side] for _, side in CHANNELS])
        heart = np.array([site.heart_v for site in sites]) * side * spread(0.3)
        second = heart * np.array([draws.normal(0.0, 0.5) for _ in range(n)])
        mains = np.array([site.mains_v for site in sites]) * spread(0.6)
        falling = np.array([1.0, 0.06, 0.2, 0.08])[:, None]
        mixing = np.eye(n)
        for (i, j), weight in _neighbours().items():
            share = settings.cross_talk * weight * draws.uniform(0.75, 1.25)
            mixing[i, j] = share
        return cls(
            mvc_rms_v=mvc,
            mixing=mixing,
            heart_v=settings.heart * np.stack([heart, second]),
            heart_bpm=draws.uniform(58.0, 84.0),
            mains_v=settings.mains * falling * mains,
            mains_phase=draws.rng.uniform(0.0, 2.0 * np.pi, (len(HARMONICS), n)),
            noise_v=settings.noise_v * spread(0.15),
            drift_v=settings.drift * 4.0 * _MICRO * spread(0.4),
            artefact_v=settings.artefacts * 150.0 * _MICRO * spread(0.5),
        )


def random_loose(
    seed: int, settings: ElectrodeSettings, duration_s: float, split: Split = Split.ANY
) -> tuple[Loose, ...]:
    """Return the electrodes that come off at random during a movement, one event a channel."""
    draws = Draws(seed, split, _DRAWS_STREAM + 1)
    labels = draws.rng.permutation(len(LABELS))[: settings.random_loose]
    found = []
    for k in labels:
        start_s = draws.uniform(0.1, 0.8) * duration_s
        length_s = draws.uniform(0.05, 0.25) * duration_s
        contact = OFF[int(draws.rng.integers(len(OFF)))]
        found.append(Loose(LABELS[k], start_s, min(start_s + length_s, duration_s), contact))
    return tuple(found)


def _neighbours() -> dict[tuple[int, int], float]:
    found = {}
    for i, (muscle, side) in enumerate(CHANNELS):
        for j, (other, other_side) in enumerate(CHANNELS):
            if side == other_side and frozenset({muscle, other}) in _SAME_SIDE:
                found[i, j] = _SAME_SIDE[frozenset({muscle, other})]
            elif muscle == other and side != other_side and muscle in _ACROSS:
                found[i, j] = _ACROSS[muscle]
    return found
