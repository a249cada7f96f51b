"""How one person's muscles differ from the table of `recruitment`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.emg.compensation import LOCAL
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, MUSCLES

Array = NDArray[np.float64]

_WAVES = 4  # sinusoids that make an unsteady effort
_DRAWS_STREAM = 31


@dataclass(frozen=True)
class MuscleStyle:
    """How one person's muscles differ from the table.

    Attributes
    ----------
    gain, tonic_gain : ndarray, shape (12,)
        On the work that the movement asks for, and on that of the start position.
    lead_s : ndarray, shape (6,)
        How long before the movement the muscle is on, by muscle: the electromechanical delay, and
        for local muscles their anticipation.
    compensation : float
        0 (healthy) to 1 (the full pattern of `COMPENSATION`).
    endurance : float
        On the time in which muscles tire.
    unsteadiness, variation : float
        RMS of slow waves of the effort, and how much it varies between repetitions, relative.
    frequency_hz, phase : ndarray, shape (13, 4)
        Of the waves of each channel, and of those that all share (last row).
    seed : int
        Of the effort of each repetition.
    """

    gain: Array
    tonic_gain: Array
    lead_s: Array
    compensation: float
    endurance: float
    unsteadiness: float
    variation: float
    frequency_hz: Array
    phase: Array
    seed: int

    @classmethod
    def drawn(
        cls, seed: int, split: Split = Split.ANY, compensation: float | None = None
    ) -> MuscleStyle:
        """Return a person's style.

        Parameters
        ----------
        seed : int
        split : Split
        compensation : float, optional
            Drawn (0 to 0.4) if not given.
        """
        draws = Draws(seed, split, _DRAWS_STREAM)
        # The spread between people is large: the standard deviations in Ekstrom 2007 are about
        # half of their means, of which measurement and normalisation take their part.
        muscle = [draws.normal(0.0, 0.20) for _ in MUSCLES]
        asymmetry = [draws.normal(0.0, 0.05) for _ in MUSCLES]
        sides = [m + s * a for m, a in zip(muscle, asymmetry, strict=True) for s in (1.0, -1.0)]
        tonic = [draws.normal(0.0, 0.25) for _ in CHANNELS]
        # Cavanagh and Komi 1979 (Eur J Appl Physiol 42:159): an electromechanical delay of about
        # 50 ms; Hodges and Richardson 1997 (Exp Brain Res 114:362): transversus 30 ms before the
        # limb's own muscles.
        delay_s = draws.uniform(0.04, 0.09)
        ahead_s = {True: draws.uniform(0.02, 0.06), False: 0.0}
        lead = [delay_s + ahead_s[m in LOCAL] + draws.uniform(-0.01, 0.01) for m in MUSCLES]
        drawn = draws.uniform(0.0, 0.4)
        waves = (len(CHANNELS) + 1, _WAVES)
        return cls(
            gain=np.exp(np.array(sides)),
            tonic_gain=np.exp(np.array(tonic)),
            lead_s=np.array(lead),
            compensation=drawn if compensation is None else compensation,
            endurance=draws.uniform(0.7, 1.4),
            unsteadiness=draws.uniform(0.04, 0.10),
            variation=draws.uniform(0.03, 0.08),
            frequency_hz=np.geomspace(0.25, 2.5, _WAVES) * draws.rng.uniform(0.8, 1.25, waves),
            phase=draws.rng.uniform(0.0, 2.0 * np.pi, waves),
            seed=seed,
        )

    def waves(self, t_s: Array) -> Array:
        """Return the unsteadiness of effort, shape (n, 12), mean 1; half of it all share."""
        angle = 2.0 * np.pi * self.frequency_hz[:, :, None] * t_s + self.phase[:, :, None]
        wave = np.sin(angle).sum(axis=1) * np.sqrt(2.0 / self.phase.shape[1])
        return np.asarray((1.0 + self.unsteadiness * np.sqrt(0.5) * (wave[:-1] + wave[-1])).T)
