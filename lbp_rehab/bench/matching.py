"""Reference matching from estimated pose: the learnt distance against dynamic time warping.

Each repetition is held against the person's own best, a clean repetition of the same set, and
against the demonstration that comes with the package; Spearman's correlation of the distance with
the true severity says how good a distance is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.cases import SetCase, groups
from lbp_rehab.bench.figures import rounded
from lbp_rehab.bench.statistics import LEAST_FOR_RANKS, correlation, ranks_of
from lbp_rehab.errors import InputError
from lbp_rehab.matching.dtw import Columns, dtw_distance
from lbp_rehab.matching.matcher import Matcher, demonstrations_path
from lbp_rehab.matching.reference import Reference, read_references
from lbp_rehab.matching.repetition import Repetition, mirrored, repetition
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.recognition.observation import Course, Observation, observe

OWN_BEST, THERAPIST = "own_best", "therapist"
OURS = "embedding"
METHODS = (OURS, *(f"dtw_{c.value}" for c in Columns))
_BOOTSTRAPS = 1000
_LEVEL = 0.95


@dataclass(frozen=True)
class Compared:
    """One repetition against one reference.

    Attributes
    ----------
    exercise, person, reference : str
        ``reference`` is `OWN_BEST` or `THERAPIST`.
    severity : float
        Of its faults together.
    distances : tuple of float
        By `METHODS`.
    """

    exercise: str
    person: str
    reference: str
    severity: float
    distances: tuple[float, ...]


@dataclass(frozen=True)
class TrueRepetition:
    """When a repetition was, which side worked, and how severe its faults are together."""

    start_ns: int
    end_ns: int
    side: str
    severity: float


class Watch:
    """Compares the repetitions of a set once it is over.

    Parameters
    ----------
    case : SetCase
        Says which repetitions there were; sets that show the same movement count as one person.
    """

    def __init__(self, case: SetCase) -> None:
        self._case = case
        self._seen: list[Observation] = []

    def add(self, pose: BodyPose, pelvis: PelvisState | None) -> None:
        """Take the estimates of a frame."""
        seen = observe(pose, pelvis)
        if seen is not None:
            self._seen.append(seen)

    def record(self) -> list[Compared]:
        """Return the comparisons."""
        case = self._case
        made = [
            TrueRepetition(
                r.start_ns, r.end_ns, str(getattr(r, "side", "none")),
                sum(f.severity for f in r.faults),
            )
            for r in case.repetitions
        ]  # fmt: skip
        if not self._seen:
            return []
        person = str(getattr(case, "twin", "")) or str(case.name)
        return compare(str(case.exercise), person, Course.of(self._seen), made)


def compare(
    exercise: str, person: str, course: Course, made: Sequence[TrueRepetition]
) -> list[Compared]:
    """Return each repetition of a set against the own best one and the demonstration."""
    matcher = Matcher()
    shown = [r for r in read_references(demonstrations_path()) if r.exercise == exercise]
    pieces: list[tuple[TrueRepetition, Repetition]] = []
    for one in made:
        try:
            pieces.append((one, repetition(course, one.start_ns, one.end_ns)))
        except InputError:  # the trunk was not seen
            continue
    out = []
    for k, (one, piece) in enumerate(pieces):
        own = [
            Reference(exercise, other.side, OWN_BEST, p)
            for j, (other, p) in enumerate(pieces)
            if j != k and other.severity == 0.0 and other.side == one.side
        ]
        for name, references in ((OWN_BEST, own), (THERAPIST, shown)):
            if not references:
                continue
            found = matcher.match(piece, references[0], one.side).distance
            if not found.known:
                continue
            aside = {one.side, references[0].side} == {"left", "right"}
            like = references[0].repetition
            warped = [dtw_distance(piece, mirrored(like) if aside else like, c) for c in Columns]
            out.append(Compared(exercise, person, name, one.severity, (found.value, *warped)))
    return out


def figures(compared: Sequence[Compared], seed: int) -> dict[str, Any]:
    """Return rank correlations by reference, method and exercise.

    ``spearman`` is the mean over the exercises; ``better_than_dtw`` is by how much the embedding's
    is above that of the best of the baselines, with its 95 % interval from drawing persons anew.
    """
    return {
        "matching": {
            name: _of_reference([c for c in compared if c.reference == name], seed)
            for name in (OWN_BEST, THERAPIST)
        }
    }


def _of_reference(compared: Sequence[Compared], seed: int) -> dict[str, Any]:
    mean = _mean_ranks(compared)
    if mean is None:
        return {"repetitions": len(compared), "spearman": None}
    best = 1 + int(np.argmax(mean[1:]))
    rng = np.random.default_rng(seed)
    persons = groups(c.person for c in compared)
    by_exercise: dict[str, list[list[int]]] = {}
    for members in persons.values():
        by_exercise.setdefault(compared[members[0]].exercise, []).append(members)
    drawn = []
    for _ in range(_BOOTSTRAPS):
        # Persons are drawn within each exercise, so that every exercise is always there.
        some = [
            compared[k]
            for sets in by_exercise.values()
            for which in rng.integers(len(sets), size=len(sets))
            for k in sets[int(which)]
        ]
        ranks = _mean_ranks(some)
        if ranks is not None:
            drawn.append(ranks)
    spread = np.array(drawn)
    gap = spread[:, 0] - spread[:, best]
    return {
        "repetitions": len(compared),
        "spearman": {m: rounded(float(v), 3) for m, v in zip(METHODS, mean, strict=True)},
        "spearman_interval": {
            m: _interval(spread[:, k]) for k, m in enumerate(METHODS)
        },
        "best_baseline": METHODS[best],
        "better_than_dtw": rounded(float(mean[0] - mean[best]), 3),
        "better_than_dtw_interval": _interval(gap),
        "per_exercise": {
            name: _spearman_of([compared[k] for k in members])
            for name, members in groups(c.exercise for c in compared).items()
        },
    }  # fmt: skip


def _interval(drawn: NDArray[np.float64]) -> list[float | None]:
    ends = ((1.0 - _LEVEL) / 2.0, (1.0 + _LEVEL) / 2.0)
    return [rounded(float(np.quantile(drawn, q)), 3) for q in ends]


def _spearman_of(compared: Sequence[Compared]) -> dict[str, Any]:
    ranks = _ranks(compared)
    said = [None] * len(METHODS) if ranks is None else [rounded(float(v), 3) for v in ranks]
    return {"repetitions": len(compared), **dict(zip(METHODS, said, strict=True))}


def _mean_ranks(compared: Sequence[Compared]) -> NDArray[np.float64] | None:
    named = groups(c.exercise for c in compared)
    each = [_ranks([compared[k] for k in members]) for members in named.values()]
    there = [r for r in each if r is not None]
    return np.mean(there, axis=0) if there else None


def _ranks(compared: Sequence[Compared]) -> NDArray[np.float64] | None:
    """Return Spearman's correlation of each method's distance with the severity."""
    severity = ranks_of(np.array([c.severity for c in compared]))
    if len(compared) < LEAST_FOR_RANKS or np.ptp(severity) == 0.0:
        return None
    table = np.array([c.distances for c in compared])
    return np.array([correlation(ranks_of(column), severity) for column in table.T])
