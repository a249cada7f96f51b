"""Maximal voluntary contraction: from a file, or recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from lbp_rehab.emg.types import NANOSECONDS, Activation, Channel, Muscle, Side
from lbp_rehab.errors import InputError

# A contraction that is no larger than this many baselines is rest, not a maximum.
LEAST_OVER_NOISE = 3.0


def read_mvc(path: Path) -> dict[str, float]:
    """Read a YAML mapping of channel label to volts.

    Raises
    ------
    InputError
        If the file is missing or holds anything but positive numbers by label.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"the MVC file {path} cannot be read; check the path") from None
    except yaml.YAMLError as error:
        raise InputError(f"the MVC file {path.name} is not valid YAML: {error}") from None
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"the MVC file {path.name} must map channel labels to volts")
    for label, volts in content.items():
        number = isinstance(volts, int | float) and not isinstance(volts, bool)
        if not (number and math.isfinite(volts) and 0 < volts < 1):
            raise InputError(
                f"the MVC file {path.name} gives '{volts}' for '{label}'; write volts, e.g. 0.00035"
            )
    return {str(label): float(volts) for label, volts in content.items()}


@dataclass(frozen=True)
class MvcResult:
    """Outcome of a recording: volts by label, or why there are none."""

    mvc_v: dict[str, float]
    message: str


class MvcRecording:
    """Collects envelopes for a while and finds each wanted channel's highest average.

    Parameters
    ----------
    muscle : Muscle
        UNKNOWN: all.
    side : Side
        NONE: both.
    duration_s : float
        How long to collect, by the stamps.
    window_s : float
        Length of the average whose highest value counts.
    """

    def __init__(self, muscle: Muscle, side: Side, duration_s: float, window_s: float) -> None:
        self._muscle, self._side = muscle, side
        self._duration_s, self._window_s = duration_s, min(window_s, duration_s)
        self._instants: list[Activation] = []

    def add(self, activation: Activation) -> bool:
        """Take the next instant; return whether the duration is over."""
        self._instants.append(activation)
        elapsed_ns = activation.stamp_ns - self._instants[0].stamp_ns
        return elapsed_ns >= self._duration_s * NANOSECONDS

    def result(self) -> MvcResult:
        """Return the MVC of every wanted channel, or none if one of them cannot be had."""
        if len(self._instants) < 2:
            return MvcResult({}, "no sEMG arrived; check the electrodes' stream and try again")
        channels = [muscle.channel for muscle in self._instants[-1].muscles]
        wanted = [k for k, channel in enumerate(channels) if self._wants(channel)]
        if not wanted:
            return MvcResult({}, "no channel of that muscle and side; check channel_map")
        elapsed = self._instants[-1].stamp_ns - self._instants[0].stamp_ns
        period_s = elapsed / NANOSECONDS / (len(self._instants) - 1)
        window = max(1, round(self._window_s / period_s))
        peaks = {}
        for k in wanted:
            label = channels[k].label
            envelope = [i.muscles[k].envelope for i in self._instants if k < len(i.muscles)]
            values = np.array([e.value if e.known else np.nan for e in envelope])
            if len(values) < window:
                return MvcResult({}, f"{label}: the recording is shorter than the window")
            means = np.convolve(values, np.full(window, 1 / window), "valid")
            means = means[np.isfinite(means)]
            if not means.size:
                return MvcResult(
                    {}, f"{label} is {channels[k].quality.name}; check the electrode and try again"
                )
            # The envelope of Gaussian noise is sqrt(2 / pi) of its RMS.
            noise = channels[k].noise_v * math.sqrt(2 / math.pi)
            if means.max() <= LEAST_OVER_NOISE * noise:
                return MvcResult(
                    {}, f"{label}: no contraction above rest was seen; push harder and try again"
                )
            peaks[label] = float(means.max())
        return MvcResult(peaks, f"calibrated {', '.join(peaks)} in {elapsed / NANOSECONDS:.1f} s")

    def _wants(self, channel: Channel) -> bool:
        return self._muscle in (Muscle.UNKNOWN, channel.muscle) and self._side in (
            Side.NONE,
            channel.side,
        )
