"""Recognition of the exercise, and "none of these", from estimated pose of people never seen.

`Watch` goes along with a set that another benchmark runs; `none_cases` and `run` make and run sets
of motions that are none of the exercises and that no training has drawn. An exercise has begun
when its first repetition leaves the start position; the answer counts `DECIDE_S` later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import SetCase, groups
from lbp_rehab.bench.figures import Summary, rounded, statistic
from lbp_rehab.pelvis.estimator import PelvisEstimator
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.estimator import PoseEstimator
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.recognition.classes import EXERCISES
from lbp_rehab.recognition.recogniser import Answer, Recogniser, Recognition
from lbp_rehab.stamps import NANOSECONDS

DECIDE_S = 3.0
# The paper's figure, on other data: MPL-CNN, 2024.
PAPER_ACCURACY = 0.9754
_NONE_STREAM = 5152
_EXERCISES_A_NONE = 4  # sets of exercises for each of another motion


@dataclass(frozen=True)
class RecognitionRecord:
    """What was recognised in one set.

    Attributes
    ----------
    name : str
        Of the exercise or other motion.
    stamp_ns : ndarray of int64, shape (n,)
    said : tuple of str
        The exercise at each stamp; "" while undecided, "none" for none of these.
    starts_ns, ends_ns : ndarray of int64, shape (k,)
        Of the repetitions.
    """

    name: str
    stamp_ns: NDArray[np.int64]
    said: tuple[str, ...]
    starts_ns: NDArray[np.int64]
    ends_ns: NDArray[np.int64]

    @property
    def is_exercise(self) -> bool:
        """Whether there is something to recognise."""
        return self.name in EXERCISES

    def at(self, stamp_ns: int) -> str:
        """Return what was said last at a stamp."""
        k = int(np.searchsorted(self.stamp_ns, stamp_ns, side="right")) - 1
        return self.said[k] if k >= 0 else ""

    @property
    def decided(self) -> str:
        """What is said `DECIDE_S` after the first movement begins."""
        return self.at(int(self.starts_ns[0]) + round(DECIDE_S * NANOSECONDS))

    @property
    def after_s(self) -> float:
        """Time from the first movement's start to the first right answer; NaN: never."""
        wanted = self.name if self.is_exercise else "none"
        moved = self.stamp_ns >= self.starts_ns[0]
        right = moved & np.array([s == wanted for s in self.said], bool)
        if not right.any():
            return float("nan")
        return float(self.stamp_ns[right][0] - self.starts_ns[0]) / NANOSECONDS

    @property
    def by_repetition(self) -> list[str]:
        """What is said at the end of each repetition."""
        return [self.at(int(end)) for end in self.ends_ns]

    @property
    def never_claimed(self) -> bool:
        """Whether no exercise is said from the first movement's start to the end."""
        moved = self.stamp_ns >= self.starts_ns[0]
        return not any(
            s in EXERCISES for s, m in zip(self.said, moved, strict=True) if m
        )  # fmt: skip


class Watch:
    """Recognises along with a set.

    Parameters
    ----------
    case : SetCase
        Says what is done when.
    """

    def __init__(self, case: SetCase) -> None:
        self._case = case
        self._recogniser = Recogniser()
        self._stamps: list[int] = []
        self._said: list[str] = []

    def add(self, pose: BodyPose, pelvis: PelvisState | None) -> Recognition:
        """Take the estimates of a frame."""
        answer = self._recogniser.update(pose, pelvis)
        self._stamps.append(pose.stamp_ns)
        self._said.append(word(answer))
        return answer

    def record(self) -> RecognitionRecord:
        """Return what was recognised."""
        made = self._case.repetitions
        return RecognitionRecord(
            str(self._case.exercise),
            np.array(self._stamps, np.int64),
            tuple(self._said),
            np.array([r.start_ns for r in made], np.int64),
            np.array([r.end_ns for r in made], np.int64),
        )


def word(answer: Recognition) -> str:
    """Return a recognition as `RecognitionRecord.said` has it."""
    if answer.answer == Answer.NONE_OF_THESE:
        return "none"
    return answer.exercise or ""


def none_cases(seed: int, sets: int) -> list[SetCase]:
    """Return sets of the motions of which neither training nor tuning has seen any.

    Parameters
    ----------
    seed : int
    sets : int
        Of exercises: there is one of other motions for every four, and at least one of each kind.
    """
    # Optional: it needs the synthetic patient.
    from lbp_rehab.synthetic.cases import WholeSet  # noqa: PLC0415
    from lbp_rehab.synthetic.draws import Split  # noqa: PLC0415
    from lbp_rehab.synthetic.motion.others import UNSEEN  # noqa: PLC0415
    from lbp_rehab.synthetic.scenario import Scenario  # noqa: PLC0415

    rng = np.random.default_rng([seed, _NONE_STREAM])
    out: list[SetCase] = []
    for k in range(max(len(UNSEEN), math.ceil(sets / _EXERCISES_A_NONE))):
        scenario = Scenario(
            UNSEEN[k % len(UNSEEN)], int(rng.integers(1, 2**31)), repetitions=2, split=Split.TEST,
            side=("alternating", "left", "right")[int(rng.integers(3))], initial_rest_s=2.0,
        )  # fmt: skip
        out.append(WholeSet(scenario, int(scenario.movement.duration_s * scenario.rate_hz)))
    return out


def run(case: SetCase) -> RecognitionRecord:
    """Run pose, pelvis and recognition over one set as their nodes do."""
    follow, pelvis, watch = PoseEstimator(), PelvisEstimator(), Watch(case)
    for item in case:
        pose = follow.update(item.frame)
        state, _ = pelvis.update(pose, item.frame.depth, item.frame.intrinsics)
        watch.add(pose, state)
    return watch.record()


def figures(records: Sequence[RecognitionRecord]) -> dict[str, Any]:
    """Return the figures of exercises and other motions together."""
    named = groups(r.name for r in records)
    return {
        **summarise(records),
        "recognition_paper_accuracy": PAPER_ACCURACY,
        "recognition_per_motion": {
            name: summarise([records[k] for k in members]) for name, members in named.items()
        },
        "recognition_mistaken": [
            {"true": r.name, "said": r.decided or "undecided"}
            for r in records
            if (r.decided != r.name if r.is_exercise else r.decided in EXERCISES)
        ],
    }


def summarise(records: Sequence[RecognitionRecord]) -> Summary:
    """Return the figures of some sets; those of sets that there are none of are null."""
    exercises = [r for r in records if r.is_exercise]
    others = [r for r in records if not r.is_exercise]
    late_s = np.array([r.after_s for r in exercises])
    ends = [said == r.name for r in exercises for said in r.by_repetition]
    return {
        "recognition_sets": len(exercises),
        "recognition_accuracy": _share([r.decided == r.name for r in exercises]),
        "recognition_accuracy_at_repetition_ends": _share(ends),
        "recognition_after_median_s": statistic(np.median, late_s, 2),
        "recognition_after_p95_s": statistic(lambda v: np.quantile(v, 0.95), late_s, 2),
        "none_sets": len(others),
        "none_rejected_share": _share([r.decided not in EXERCISES for r in others]),
        "none_said_share": _share([r.decided == "none" for r in others]),
        "none_never_claimed_share": _share([r.never_claimed for r in others]),
    }


def _share(right: Sequence[bool]) -> float | None:
    return rounded(float(np.mean(right)), 4) if right else None
