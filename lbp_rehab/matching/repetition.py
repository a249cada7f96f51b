"""A repetition as it is compared: a fixed number of phases, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.recognition import frame
from lbp_rehab.recognition.frame import GAP_NS, PELVIS_COLUMNS, Stretch, in_body_frame, resample
from lbp_rehab.recognition.observation import JOINTS, Course
from lbp_rehab.stamps import NANOSECONDS

PHASES = 32
CHANNELS = 7 * len(JOINTS) + 2 * PELVIS_COLUMNS + 1
_SMALL = 0.02  # statures
_SMALL_RAD = float(np.radians(5.0))
_USUAL_S = 4.0  # duration to whose logarithm others are compared


@dataclass(frozen=True)
class Repetition:
    """One repetition.

    Attributes
    ----------
    stretch : Stretch
        `PHASES` instants, equally far apart.
    duration_s : float
    """

    stretch: Stretch
    duration_s: float

    @property
    def seen_share(self) -> float:
        """Share of the joints' places that are known."""
        return float(self.stretch.known.mean())


def repetition(course: Course, start_ns: int, end_ns: int) -> Repetition:
    """Return a repetition from its start to its end.

    Parameters
    ----------
    course : Course
        Observations of at least the time between.

    Raises
    ------
    InputError
        If the end is not after the start, or the trunk is not seen in between.
    """
    if end_ns <= start_ns:
        raise InputError("a repetition must end after its start")
    grid_ns = np.round(np.linspace(start_ns, end_ns, PHASES)).astype(np.int64)
    near = course.between(start_ns - GAP_NS, end_ns + GAP_NS)
    stretch = in_body_frame(resample(near, grid_ns)) if len(near.stamp_ns) else None
    if stretch is None:
        raise InputError(
            "the repetition cannot be compared: shoulders and hips were never seen together in it"
        )
    return Repetition(stretch, (end_ns - start_ns) / NANOSECONDS)


def mirrored(given: Repetition) -> Repetition:
    """Return the repetition of the mirrored person, as to compare a left one with a right one."""
    return Repetition(frame.mirrored(given.stretch), given.duration_s)


def channels(given: Repetition) -> NDArray[np.float32]:
    """Return the embedding network's input, shape (CHANNELS, PHASES)."""
    stretch = given.stretch
    known = stretch.known[..., None]
    n = len(stretch.points)
    # Against the first fifth of the joint's way, in which the repetition sets off.
    first = _early(stretch.points, known)
    away = np.where(known, np.arcsinh((stretch.points - first) / _SMALL), 0.0)
    there = stretch.pelvis_known
    turned = np.where(there, stretch.pelvis - _early(stretch.pelvis, there), 0.0)
    duration = np.full((n, 1), np.log(given.duration_s / _USUAL_S))
    parts = [
        2.0 * stretch.points.reshape(n, -1), 0.5 * away.reshape(n, -1), stretch.known,
        np.arcsinh(turned / _SMALL_RAD), there, duration,
    ]  # fmt: skip
    return np.concatenate(parts, axis=1, dtype=np.float32).T


def _early(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean of the known values of the first phases."""
    some = slice(0, max(PHASES // 8, 1))
    counted = np.maximum(known[some].sum(axis=0), 1)
    return np.asarray((values[some] * known[some]).sum(axis=0) / counted)
