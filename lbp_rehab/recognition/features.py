"""What the recognition network is given of the last seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.recognition.frame import PELVIS_COLUMNS, Stretch, in_body_frame, resample
from lbp_rehab.recognition.observation import JOINTS, Course

STEPS = 30
STEP_NS = 100_000_000
WINDOW_NS = (STEPS - 1) * STEP_NS
LEAST_SEEN = 0.6  # share of the joints that must be known, over the instants with anybody
CHANNELS = 7 * len(JOINTS) + 2 * PELVIS_COLUMNS
# A departure from the mean that is about as large as the estimate's own noise: below it counts in
# proportion, far beyond it by its logarithm.
_SMALL = 0.01  # statures
SMALL_RAD = float(np.radians(3.0))


def grid(end_ns: int) -> NDArray[np.int64]:
    """Return the instants of the window that ends at a stamp, shape (STEPS,)."""
    return end_ns - STEP_NS * np.arange(STEPS - 1, -1, -1, dtype=np.int64)


def window(course: Course, end_ns: int, heading_rad: float = 0.0) -> Stretch | None:
    """Return the last seconds before a stamp in the body's frame; None if too little is seen."""
    return of_steps(resample(course, grid(end_ns)), heading_rad)


def of_steps(steps: Course, heading_rad: float = 0.0) -> Stretch | None:
    """Return `STEPS` instants in the body's frame; None if too little of it is seen."""
    some = steps.known.any(axis=1)
    if not some.any() or steps.known[some].mean() < LEAST_SEEN:
        return None
    return in_body_frame(steps, heading_rad)


def channels(stretch: Stretch) -> NDArray[np.float32]:
    """Return the network's input, shape (CHANNELS, STEPS).

    Per joint: place, departure from the joint's mean over the window, whether it is known; then
    the pelvis's four columns and whether they are known.
    """
    known = stretch.known[..., None]
    counted = np.maximum(known.sum(axis=0), 1)
    mean = stretch.points.sum(axis=0) / counted
    away = np.where(known, np.arcsinh((stretch.points - mean) / _SMALL), 0.0)
    turned = np.arcsinh(stretch.pelvis / SMALL_RAD)
    n = len(stretch.points)
    parts = [
        2.0 * stretch.points.reshape(n, -1), 0.5 * away.reshape(n, -1), stretch.known,
        0.5 * turned, stretch.pelvis_known,
    ]  # fmt: skip
    return np.concatenate(parts, axis=1, dtype=np.float32).T
