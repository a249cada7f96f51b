"""The guided calibration before a movement: each group of muscles at its maximum, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.synthetic.emg.recruitment import CHANNELS, LABELS

_BOTH = (Side.LEFT, Side.RIGHT)
_Effort = Mapping[tuple[Muscle, Side], float]


def _efforts(*parts: tuple[Muscle, tuple[Side, ...], float]) -> _Effort:
    return {(muscle, side): effort for muscle, sides, effort in parts for side in sides}


# Positions of McGill 1991 (J Orthop Res 9:91) and Vera-Garcia et al. 2010 (J Electromyogr Kinesiol
# 20:10): what is asked for goes to 1, its helpers work too.
_TESTS: tuple[tuple[str, _Effort], ...] = (
    (
        "back extension",
        _efforts(
            (Muscle.MULTIFIDUS, _BOTH, 1.0),
            (Muscle.ERECTOR_SPINAE, _BOTH, 1.0),
            (Muscle.GLUTEUS_MAXIMUS, _BOTH, 0.5),
        ),
    ),
    (
        "hip extension",
        _efforts(
            (Muscle.GLUTEUS_MAXIMUS, _BOTH, 1.0),
            (Muscle.ERECTOR_SPINAE, _BOTH, 0.45),
            (Muscle.MULTIFIDUS, _BOTH, 0.5),
        ),
    ),
    (
        "curl-up",
        _efforts(
            (Muscle.RECTUS_ABDOMINIS, _BOTH, 1.0),
            (Muscle.EXTERNAL_OBLIQUE, _BOTH, 0.6),
            (Muscle.INTERNAL_OBLIQUE, _BOTH, 0.5),
        ),
    ),
    (
        "twist to the left",
        _efforts(
            (Muscle.EXTERNAL_OBLIQUE, (Side.RIGHT,), 1.0),
            (Muscle.INTERNAL_OBLIQUE, (Side.LEFT,), 1.0),
            (Muscle.EXTERNAL_OBLIQUE, (Side.LEFT,), 0.25),
            (Muscle.INTERNAL_OBLIQUE, (Side.RIGHT,), 0.3),
            (Muscle.RECTUS_ABDOMINIS, _BOTH, 0.3),
            (Muscle.ERECTOR_SPINAE, (Side.LEFT,), 0.3),
        ),
    ),
    (
        "twist to the right",
        _efforts(
            (Muscle.EXTERNAL_OBLIQUE, (Side.LEFT,), 1.0),
            (Muscle.INTERNAL_OBLIQUE, (Side.RIGHT,), 1.0),
            (Muscle.EXTERNAL_OBLIQUE, (Side.RIGHT,), 0.25),
            (Muscle.INTERNAL_OBLIQUE, (Side.LEFT,), 0.3),
            (Muscle.RECTUS_ABDOMINIS, _BOTH, 0.3),
            (Muscle.ERECTOR_SPINAE, (Side.RIGHT,), 0.3),
        ),
    ),
)


@dataclass(frozen=True)
class Contraction:
    """A maximal contraction: its name, the channels that reach 1, and when they hold it."""

    name: str
    labels: tuple[str, ...]
    start_s: float
    end_s: float


@dataclass(frozen=True)
class MvcTrial:
    """The calibration.

    Attributes
    ----------
    hold_s : float
        At full effort.
    ramp_s : float
        To get there, and to relax.
    rest_s : float
        Before, between and after contractions.
    tonic : float
        Drive at rest.
    """

    hold_s: float = 4.0
    ramp_s: float = 0.6
    rest_s: float = 5.0
    tonic: float = 0.01

    @property
    def duration_s(self) -> float:
        """How long it takes."""
        return len(_TESTS) * (self.hold_s + 2.0 * self.ramp_s + self.rest_s) + self.rest_s

    def contractions(self, start_s: float = 0.0) -> tuple[Contraction, ...]:
        """Return the contractions of a trial that starts at ``start_s``."""
        found = []
        now = start_s + self.rest_s + self.ramp_s
        for name, efforts in _TESTS:
            labels = [
                label
                for label, channel in zip(LABELS, CHANNELS, strict=True)
                if efforts.get(channel) == 1.0
            ]
            found.append(Contraction(name, tuple(labels), now, now + self.hold_s))
            now += self.hold_s + 2.0 * self.ramp_s + self.rest_s
        return tuple(found)

    def drive(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the drives at times from the start of the trial, shape (n, 12)."""
        drives = np.full((len(t_s), len(CHANNELS)), self.tonic)
        for contraction, (_, efforts) in zip(self.contractions(), _TESTS, strict=True):
            away = np.maximum(contraction.start_s - t_s, t_s - contraction.end_s)
            share = np.clip(1.0 - away / self.ramp_s, 0.0, 1.0)
            share = share * share * (3.0 - 2.0 * share)
            effort = np.array([efforts.get(channel, 0.05) for channel in CHANNELS])
            drives = np.maximum(drives, share[:, None] * effort)
        return drives
