"""When a repetition truly begins and ends: by the speed of the exercise's own true measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import TrueRepetition
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import Exercise
from lbp_rehab.quality.types import Side
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

# Movement onset as it is usually taken: a tenth of the peak speed.
SHARE = 0.1
# Who stops farther out than this, as share of the way, is in the middle of the movement.
NEAR = 0.3
_SIDES = {"left": Side.LEFT, "right": Side.RIGHT}


class TrueCourse:
    """The true primary measure of a set, frame by frame.

    Parameters
    ----------
    exercise : Exercise
    """

    def __init__(self, exercise: Exercise) -> None:
        self._names = exercise.primaries()
        self._stamps: list[int] = []
        self._values: dict[Side, list[float]] = {s: [] for s in self._names}

    def add(self, pose: BodyPose, pelvis: PelvisState, breath_m: tuple[float, float]) -> None:
        """Take a frame's truth; ``breath_m`` is the rise of belly and chest."""
        self._stamps.append(pose.stamp_ns)
        for side, name in self._names.items():
            self._values[side].append(_value(name, pose, pelvis, breath_m))

    def boundaries(self, made: TrueRepetition) -> tuple[int, int]:
        """Return when the movement of a repetition is under way and when it is over, stamps.

        The way out is looked for before the top and the way back after the last hold, so that
        what follows or precedes the repetition does not matter.
        """
        top_ns = getattr(made, "top_ns", (made.start_ns + made.end_ns) // 2)
        return_ns = getattr(made, "return_ns", top_ns)
        side = _SIDES.get(getattr(made, "side", "none"), Side.NONE)
        values = np.array(self._values.get(side, next(iter(self._values.values()))))
        stamps = np.array(self._stamps)
        begin = onset(stamps, values, made.start_ns, top_ns, backwards=True)
        end = onset(stamps, values, return_ns, made.end_ns, backwards=False)
        return begin or made.start_ns, end or made.end_ns


def _value(name: str, pose: BodyPose, pelvis: PelvisState, breath_m: tuple[float, float]) -> float:
    source = measures.source(name)
    if source == measures.BREATH:
        return breath_m[0 if name == "belly_rise" else 1]
    return measures.read(name, pelvis if source == measures.PELVIS else pose).value


def onset(
    stamps_ns: NDArray[np.int64], values: Array, first_ns: int, last_ns: int, *, backwards: bool
) -> int | None:
    """Return where the speed passes a tenth of its peak near the start position.

    Parameters
    ----------
    stamps_ns, values : ndarray, shape (n,)
    first_ns, last_ns : int
        Where the peak is looked for.
    backwards : bool
        Go back from the peak to the beginning of the movement, instead of on to its end.

    Returns
    -------
    int or None
        Interpolated between frames; None if there are too few.
    """
    inside = np.flatnonzero((stamps_ns >= first_ns) & (stamps_ns <= last_ns))
    if len(inside) < 3 or np.ptp(values[inside]) == 0.0:
        return None
    middle = (stamps_ns[1:] + stamps_ns[:-1]) // 2
    speed = np.abs(np.diff(values) / np.diff(stamps_ns)) * NANOSECONDS
    ways = inside[:-1]
    peak = int(ways[np.argmax(speed[ways])])
    slow = SHARE * speed[peak]
    step = -1 if backwards else 1
    away = np.abs(values - values[inside[0 if backwards else -1]]) > NEAR * np.ptp(values[inside])
    at = peak
    while 0 <= at + step < len(speed) and (speed[at] > slow or away[at]):
        at += step
    before = at - step
    gap = speed[before] - speed[at]
    share = (speed[before] - slow) / gap if gap > 0 else 0.0
    return int(middle[before] + np.clip(share, 0.0, 1.0) * (middle[at] - middle[before]))
