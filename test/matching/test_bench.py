"""The benchmark's figures from comparisons whose truth is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from raising import SECOND, course
from scipy.stats import spearmanr

from lbp_rehab.bench import matching
from lbp_rehab.bench.matching import (
    METHODS,
    OWN_BEST,
    THERAPIST,
    Compared,
    TrueRepetition,
    Watch,
    compare,
    figures,
)


def compared(noise, reference=OWN_BEST, seed=0):
    """Return repetitions whose distances are the severity and noise, one amount a method."""
    rng = np.random.default_rng(seed)
    out = []
    for exercise in ("plank", "clam"):
        for person in range(12):
            for _ in range(5):
                severity = float(rng.uniform() * (rng.uniform() < 0.6))
                distances = tuple(severity + n * float(rng.normal()) for n in noise)
                out.append(
                    Compared(exercise, f"{exercise}{person}", reference, severity, distances)
                )
    return out


def test_the_rank_correlation_is_spearmans_averaged_over_the_exercises():
    given = compared((0.1, 0.3, 0.5, 0.7))
    said = figures(given, 0)["matching"][OWN_BEST]
    for k, method in enumerate(METHODS):
        each = []
        for exercise in ("plank", "clam"):
            some = [c for c in given if c.exercise == exercise]
            rho = spearmanr([c.severity for c in some], [c.distances[k] for c in some]).statistic
            assert said["per_exercise"][exercise][method] == pytest.approx(rho, abs=6e-4)
            each.append(rho)
        assert said["spearman"][method] == pytest.approx(np.mean(each), abs=6e-4)
    assert figures(given, 0)["matching"][THERAPIST]["spearman"] is None


def test_better_than_the_best_baseline_is_said_with_its_interval():
    said = figures(compared((0.1, 0.9, 0.4, 0.9)), 0)["matching"][OWN_BEST]
    assert said["best_baseline"] == METHODS[2]
    low, high = said["better_than_dtw_interval"]
    assert 0.0 < low <= said["better_than_dtw"] <= high
    same = figures(compared((0.4, 0.4, 0.4, 0.4)), 0)["matching"][OWN_BEST]
    assert same["better_than_dtw_interval"][0] < 0.0 or same["better_than_dtw"] < 0.1


def test_a_repetition_is_held_against_a_clean_one_of_its_side_and_the_demonstration():
    def made(severity, side="left"):
        return TrueRepetition(SECOND, 4 * SECOND, side, severity)

    found = compare("clam", "one", course(), [made(0.0), made(0.7), made(0.2, "right")])
    own = [c for c in found if c.reference == OWN_BEST]
    # The clean one is alone with its side's demonstration; the right side has no clean one.
    assert [c.severity for c in own] == [0.7]
    # It is the same movement, and so no distance away by any method.
    assert own[0].distances == pytest.approx((0.0,) * len(METHODS), abs=1e-6)
    assert [c.severity for c in found if c.reference == THERAPIST] == [0.0, 0.7, 0.2]
    assert all(len(c.distances) == len(METHODS) for c in found)


def test_two_sets_of_one_movement_are_one_person_and_nothing_seen_is_nothing_compared(monkeypatch):
    monkeypatch.setattr(matching, "observe", lambda *_: "seen")
    monkeypatch.setattr(matching.Course, "of", lambda _: course())
    people = set()
    for view, twin in (("low", "7"), ("high", "7"), ("low", "")):
        made = SimpleNamespace(start_ns=SECOND, end_ns=4 * SECOND, side="left", faults=())
        case = SimpleNamespace(exercise="clam", name=f"clam-{view}", twin=twin, repetitions=[made])
        watch = Watch(case)
        assert watch.record() == []
        watch.add(None, None)
        people |= {c.person for c in watch.record()}
    assert people == {"7", "clam-low"}
