"""What the measures were in a recording: from where to where each went, and how surely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lbp_rehab.breath.types import Breath
from lbp_rehab.estimate import Estimate
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality import measures
from lbp_rehab.quality.activation import Activation
from lbp_rehab.quality.track import Track

# Shares of the samples below and above what counts as seen: single wrong frames are left out.
LOWEST, HIGHEST = 2.0, 98.0  # percentiles


@dataclass(frozen=True)
class SeenMeasure:
    """One measure over a recording.

    Attributes
    ----------
    name : str
    share : float
        Of the samples, in which it was known.
    low, high : float
        From where to where it went, in its unit.
    sigma : float
        Median 1-sigma of a sample.
    """

    name: str
    share: float
    low: float
    high: float
    sigma: float

    @property
    def clearness(self) -> float:
        """How many sigmas it went; what tells repetitions goes far."""
        return (self.high - self.low) / max(self.sigma, 1e-9)


class Seen:
    """Collects the measures of a recording."""

    def __init__(self) -> None:
        self._samples: dict[str, list[Estimate]] = {name: [] for name in measures.MEASURES}
        self._tracks = {name: Track(name) for name in measures.MEASURES}

    def add(
        self,
        *,
        pose: BodyPose | None = None,
        pelvis: PelvisState | None = None,
        breath: Breath | None = None,
        activation: Activation | None = None,
    ) -> None:
        """Take what one message says."""
        items = {
            measures.POSE: pose,
            measures.PELVIS: pelvis,
            measures.BREATH: breath,
            measures.EMG: activation,
        }
        for name, samples in self._samples.items():
            item = items[measures.source(name)]
            if item is not None:
                read = measures.read(name, item)
                samples.append(self._tracks[name].add(item.stamp_ns, read))

    def measures(self) -> tuple[SeenMeasure, ...]:
        """Return what was known at all, the clearest movement first."""
        found = [_seen(name, samples) for name, samples in self._samples.items()]
        known = [each for each in found if each is not None]
        return tuple(sorted(known, key=lambda each: (-each.clearness, each.name)))

    def unknown(self) -> Mapping[str, str]:
        """Return the measures that were never known though asked for, with the last reason."""
        return {
            name: samples[-1].reason.name.lower()
            for name, samples in self._samples.items()
            if samples and not any(e.known for e in samples)
        }


def _seen(name: str, samples: list[Estimate]) -> SeenMeasure | None:
    known = [e for e in samples if e.known]
    if not known:
        return None
    low, high = np.percentile([e.value for e in known], [LOWEST, HIGHEST])
    sigma = float(np.median([e.sigma for e in known]))
    return SeenMeasure(name, len(known) / len(samples), float(low), float(high), sigma)
