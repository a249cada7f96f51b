"""The recent past of one measure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.quality.signals import NANOSECONDS

Array = NDArray[np.float64]
TURNS_OVER = ("pelvis_rotation",)  # see PelvisState.msg
KEEP_NS = 120 * NANOSECONDS  # longer than any repetition


class Track:
    """Known samples of a measure by stamp, and why the latest was unknown.

    Parameters
    ----------
    measure : str
        Its name.
    """

    def __init__(self, measure: str = "") -> None:
        self.measure = measure
        self._stamps: list[int] = []
        self._values: list[float] = []
        self._sigmas: list[float] = []
        self.reason = Reason.MISSING_INPUT

    def add(self, stamp_ns: int, estimate: Estimate) -> Estimate:
        """Append a sample; an unknown or out-of-order one is not stored.

        Returns
        -------
        Estimate
            The sample, as it goes on from those before.
        """
        if not estimate.known:
            self.reason = estimate.reason
            return estimate
        if self._stamps and stamp_ns <= self._stamps[-1]:
            return estimate
        value = estimate.value
        if self.measure in TURNS_OVER and self._values:
            # Facing the camera, the angle is near -pi and pi: it goes on where it was.
            value += 2.0 * math.pi * round((self._values[-1] - value) / (2.0 * math.pi))
            estimate = replace(estimate, value=value)
        self._stamps.append(stamp_ns)
        self._values.append(value)
        self._sigmas.append(estimate.sigma)
        if stamp_ns - self._stamps[0] > 2 * KEEP_NS:
            keep = bisect_left(self._stamps, stamp_ns - KEEP_NS)
            del self._stamps[:keep], self._values[:keep], self._sigmas[:keep]
        return estimate

    def clear(self) -> None:
        """Forget everything."""
        self.__init__(self.measure)  # type: ignore[misc]

    def between(self, start_ns: int, end_ns: int) -> tuple[Array, Array, Array]:
        """Return times [s since start_ns], values and sigmas from start to end, both included."""
        cut = slice(bisect_left(self._stamps, start_ns), bisect_right(self._stamps, end_ns))
        times = np.array([(s - start_ns) / NANOSECONDS for s in self._stamps[cut]])
        return times, np.array(self._values[cut]), np.array(self._sigmas[cut])

    def mean(self, start_ns: int, end_ns: int) -> Estimate:
        """Return the mean over an interval, with the typical sigma of one sample.

        Neighbouring samples of an EMG envelope share most of their data, so that their number
        does not make the mean more certain.
        """
        _, values, sigmas = self.between(start_ns, end_ns)
        if len(values) == 0:
            return Estimate.unknown(self.reason)
        return Estimate(float(values.mean()), float(math.sqrt(np.mean(sigmas**2))))


Tracks = Mapping[str, Track]
