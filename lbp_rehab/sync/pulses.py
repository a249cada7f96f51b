"""When a synchronising pulse, or a tap on the electrodes, begins in the sEMG: to the sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.sync.light import Intervals

# A step from one sample to the next, in so many times the channel's usual step and in volts, in the
# median channel: muscles are active one by one and reach neither together, the heart's R wave rises
# by less than 10 uV a sample.
LEAST_RATIO, LEAST_STEP_V = 12.0, 20e-6
START_RATIO = 4.0  # the step has begun where it first exceeds this
APART_S = 0.1  # what follows sooner is the same event
_LEAST_SCALE_V = 0.1e-6  # of a channel whose converter mostly repeats itself
_BACK = 5  # samples by which a filtered edge may begin before its steepest part


def pulse_onsets(
    stamps_ns: NDArray[np.int64], volts: NDArray[np.float32], joined: NDArray[np.bool_]
) -> Intervals:
    """Return between which samples each pulse began.

    Parameters
    ----------
    stamps_ns : ndarray of int64, shape (n,)
        Of the samples.
    volts : ndarray, shape (n, c)
    joined : ndarray of bool, shape (n,)
        Whether the sample follows the one before it with none lost between.

    Returns
    -------
    ndarray of int64, shape (m, 2)
        Stamps of the last sample before and the first after the onset.
    """
    empty = np.zeros((0, 2), np.int64)
    alive = np.ptp(volts, axis=0) > 0.0 if len(volts) > 1 else np.zeros(volts.shape[1], bool)
    if not alive.any():
        return empty
    step = np.abs(np.diff(volts[:, alive], axis=0))
    step[~joined[1:]] = 0.0
    scale = np.maximum(np.median(step, axis=0), _LEAST_SCALE_V).astype(np.float32)
    middle = (step.shape[1] - 1) // 2
    ratio = np.partition(step / scale, middle, axis=1)[:, middle]
    height = np.partition(step, middle, axis=1)[:, middle]
    hits = np.flatnonzero((ratio > LEAST_RATIO) & (height > LEAST_STEP_V)) + 1
    found: list[tuple[int, int]] = []
    last_ns: int | None = None
    for k in map(int, hits):
        now_ns = int(stamps_ns[k])
        if last_ns is None or now_ns - last_ns > APART_S * NANOSECONDS:
            first = k
            while (
                first > max(1, k - _BACK) and joined[first - 1] and (ratio[first - 2] > START_RATIO)
            ):
                first -= 1
            found.append((int(stamps_ns[first - 1]), int(stamps_ns[first])))
        last_ns = now_ns
    return np.array(found, np.int64) if found else empty
