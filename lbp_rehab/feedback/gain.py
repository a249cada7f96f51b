"""What a correction would win back while the repetition is not yet finished."""

from __future__ import annotations

from lbp_rehab.quality.exercise import Exercise
from lbp_rehab.quality.types import SubScoreKind

FULL_SCORE = 100.0


def expected_points(exercise: Exercise, fault: str, excess: float) -> float:
    """Return the points of the total that a fault takes away if it gets no worse.

    The deduction of docs/quality.md: in proportion to the excess, ``points`` of the alignment
    sub-score at the severe excess, times the weight of that sub-score.

    Parameters
    ----------
    exercise : Exercise
    fault : str
        Id; 0 points are expected of one that the exercise does not watch live.
    excess : float
        How far the measure is outside its allowed range, in its unit.
    """
    weight = exercise.weights.get(SubScoreKind.ALIGNMENT, 0.0)
    for rule in exercise.faults:
        if rule.id == fault:
            return weight * min(rule.points * max(excess, 0.0) / rule.severe, FULL_SCORE)
    return 0.0
