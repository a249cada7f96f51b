"""An exercise scored from a skeleton recording, as the graph would score it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Estimate
from lbp_rehab.pelvis.estimator import PelvisEstimator, PelvisSettings
from lbp_rehab.pelvis.neutral import Collector, Sample
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.skeleton import BONES
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import Exercise
from lbp_rehab.quality.scorer import Scorer
from lbp_rehab.quality.scoring import DEFAULT_THRESHOLDS
from lbp_rehab.quality.sets import ExerciseSet
from lbp_rehab.quality.types import Grade, RepetitionResult, Side
from lbp_rehab.skeletons.convert import Converter
from lbp_rehab.skeletons.facing import Facing
from lbp_rehab.skeletons.recording import SkeletonRecording
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

# As pelvic_angle_estimator's defaults: a neutral is taken from a still moment at the start.
NEUTRAL_S, NEUTRAL_WITHIN_S = 1.5, 8.0
# The node's default of 10 deg suits a measured surface. Here the scorer gets what there is with its
# uncertainty, up to where a measure of keypoints becomes unknown too.
PELVIS_SIGMA_RAD = measures.MAX_SIGMA["rad"]
MIRRORED = (
    "feet or face point backwards: left and right are exchanged; if the axes are left-handed give "
    "--left-handed"
)
VARIES = 0.15  # share of its length by which a bone may vary before that is said


@dataclass(frozen=True)
class Curve:
    """A measure over time.

    Attributes
    ----------
    value, sigma : ndarray, shape (n,)
        In the measure's unit; NaN where unknown.
    """

    value: Array
    sigma: Array

    @classmethod
    def of(cls, estimates: Sequence[Estimate]) -> Curve:
        """Return the curve of a value a frame."""
        rows = [(e.value, e.sigma) if e.known else (np.nan, np.nan) for e in estimates]
        return cls(*np.array(rows).reshape(-1, 2).T)


@dataclass(frozen=True)
class ScoredSet:
    """What came of a recording.

    Attributes
    ----------
    exercise : Exercise
    results : tuple of RepetitionResult
    mean_score : Estimate
        Over the complete repetitions.
    grade : Grade
    time_s : ndarray, shape (n,)
        Of every frame since the first.
    primary : mapping of str to Curve
        The exercise's primary measure; of a limb, that of each side that may work.
    known_share : float
        Of the frames, in which one of them was known.
    reports : tuple of str
    """

    exercise: Exercise
    results: tuple[RepetitionResult, ...]
    mean_score: Estimate
    grade: Grade
    time_s: Array
    primary: Mapping[str, Curve]
    known_share: float
    reports: tuple[str, ...]


class SegmentPelvis:
    """The pelvis by hips and shoulders, with a neutral from the first still moment.

    What `lbp_rehab.nodes.pelvic_angle_estimator` does with a pose that has no depth image.
    """

    def __init__(self) -> None:
        self._estimator = PelvisEstimator(PelvisSettings(max_sigma_rad=PELVIS_SIGMA_RAD))
        self._collector: Collector | None = Collector(NEUTRAL_S, automatic=True)
        self._first_ns: int | None = None

    @property
    def has_neutral(self) -> bool:
        """Whether relative angles are known."""
        return self._estimator.neutral is not None

    def update(self, pose: BodyPose) -> PelvisState:
        """Return the pelvis of a pose."""
        state, sample = self._estimator.update(pose)
        self._calibrate(sample, pose.stamp_ns)
        return state

    def _calibrate(self, sample: Sample | None, stamp_ns: int) -> None:
        if self._collector is None or (self._first_ns is None and sample is None):
            return
        if self._first_ns is None:
            self._first_ns = stamp_ns
        if self._collector.add(sample, stamp_ns):
            self._estimator.neutral, self._collector = self._collector.result(), None
        elif stamp_ns - self._first_ns > NEUTRAL_WITHIN_S * NANOSECONDS:
            self._collector = None


def poses(recording: SkeletonRecording, converter: Converter) -> Iterator[BodyPose]:
    """Yield the pose of every frame."""
    for i, stamp_ns in enumerate(recording.stamps_ns):
        yield converter.pose(
            int(stamp_ns), recording.position[i], recording.status[i], recording.visibility[i]
        )


def score_recording(
    recording: SkeletonRecording,
    exercise: Exercise,
    converter: Converter,
    side: Side = Side.NONE,
    progress: Callable[[Iterable[BodyPose], int], Iterable[BodyPose]] = lambda frames, _: frames,
) -> ScoredSet:
    """Score a recording without sEMG.

    Parameters
    ----------
    recording : SkeletonRecording
    exercise : Exercise
    converter : Converter
    side : Side
        That works, if the exercise leaves it open; NONE: either, as the movement tells.
    progress : callable, optional
        Takes the frames and how many there are, and hands the frames on.
    """
    pelvis = SegmentPelvis()
    side = side or exercise.side
    running = ExerciseSet(Scorer(exercise, side=side), side)
    names = exercise.primaries(side).values()
    seen: dict[str, list[Estimate]] = {name: [] for name in names}
    facing = Facing()
    for pose in progress(poses(recording, converter), len(recording.stamps_ns)):
        state = pelvis.update(pose)
        facing.update(pose)
        running.update(pose.stamp_ns, pose=pose, pelvis=state)
        for name in names:
            of_pelvis = measures.source(name) == measures.PELVIS
            seen[name].append(measures.read(name, state if of_pelvis else pose))
    running.finish()
    mean, grade = running.mean_score(DEFAULT_THRESHOLDS)
    primary = {name: Curve.of(estimates) for name, estimates in seen.items()}
    known = np.any([~np.isnan(curve.value) for curve in primary.values()], axis=0)
    return ScoredSet(
        exercise=exercise,
        results=tuple(running.results),
        mean_score=mean,
        grade=grade,
        time_s=recording.stamps_ns / NANOSECONDS,
        primary=primary,
        known_share=float(known.mean()),
        reports=(
            *recording.reports,
            *([MIRRORED] if facing.backwards else []),
            *_doubts(converter, exercise, float(known.mean()), pelvis),
            *([] if running.results else _why_none(exercise, primary)),
        ),
    )


def _doubts(
    converter: Converter, exercise: Exercise, known_share: float, pelvis: SegmentPelvis
) -> list[str]:
    """Return what makes the scores doubtful, a sentence each."""
    said = []
    spread, mean = converter.bones.spread()
    share = spread / mean
    if np.nanmax(share, initial=0.0) > VARIES:
        worst = int(np.nanargmax(share))
        said.append(
            f"bones change their length, most {' to '.join(BONES[worst])} by "
            f"{100 * share[worst]:.0f} % (1-sigma): the tracker does not hold the body, and those "
            "points are taken as that uncertain"
        )
    if known_share < 1.0:
        said.append(
            f"{exercise.primary}, which tells the repetitions, is unknown in "
            f"{100 * (1 - known_share):.0f} % of the frames"
        )
    used = {m for m in exercise.used_measures() if m.endswith("_relative")}
    if used and not pelvis.has_neutral:
        said.append(
            f"no still moment of {NEUTRAL_S:g} s in the first {NEUTRAL_WITHIN_S:g} s for a neutral "
            f"of the pelvis: {', '.join(sorted(used))} unknown"
        )
    return said


def _why_none(exercise: Exercise, primary: Mapping[str, Curve]) -> list[str]:
    """Say why there is no repetition."""
    values = np.concatenate([curve.value for curve in primary.values()])
    values = values[~np.isnan(values)]
    if not values.size:
        return []
    low, high, unit = _readable(exercise, float(values.min()), float(values.max()))
    seen = f"{exercise.primary} was {low:.0f} to {high:.0f}{unit}"
    first, last, _ = _readable(exercise, *exercise.start)
    if not ((values >= exercise.start[0]) & (values <= exercise.start[1])).any():
        return [f"no repetition: {seen}, never at the start ({first:.0f} to {last:.0f}{unit})"]
    near, _, _ = _readable(exercise, exercise.target_near, 0.0)
    return [f"no repetition: {seen}, too little of the way to the target ({near:.0f}{unit})"]


def _readable(exercise: Exercise, low: float, high: float) -> tuple[float, float, str]:
    """Return two values of the primary measure as people read them, with the unit."""
    if exercise.unit == "rad":
        return float(np.rad2deg(low)), float(np.rad2deg(high)), " deg"
    return 100.0 * low, 100.0 * high, " cm" if exercise.unit == "m" else " %"
