import pickle
from dataclasses import dataclass, replace

import pytest
from quality_made import S, found, recognised, record, true
from sample_case import SampleCase, messages

from lbp_rehab.bench.matching import OWN_BEST, THERAPIST, Compared
from lbp_rehab.bench.quality import figures, summarise
from lbp_rehab.bench.quality_case import run_any
from lbp_rehab.bench.quality_faults import Repetition, count_fault, level, pair
from lbp_rehab.nodes.convert import to_ns
from lbp_rehab.quality.types import Outcome, Severity


def test_repetitions_pair_by_their_overlap():
    one = record([true(0, 4), true(5, 9)], [found(0.1, 4.2), found(4.9, 6), found(6, 9)])
    pairs = pair(one)
    assert [(t.start_ns // S, round(f.start_ns / S, 1)) for t, f in pairs] == [(0, 0.1), (5, 6.0)]


def test_a_set_is_exact_only_if_what_counts_is_counted():
    partial = found(5, 9, outcome=Outcome.PARTIAL)
    exact = record([true(0, 4), true(5, 9, counts=False)], [found(0, 4), partial])
    wrong = record([true(0, 4), true(5, 9)], [found(0, 4), partial])
    result = summarise([exact, wrong])
    assert result["repetition_exact_share"] == 0.5
    assert (result["repetitions"], result["repetitions_found"]) == (3, 2)


def test_boundary_errors_are_of_both_ends():
    result = summarise([record([true(1, 5)], [found(1.1, 5.3)])])
    assert result["boundary_mae_s"] == pytest.approx(0.2)
    assert result["boundary_within_share"] == 0.5


def test_severity_goes_in_thirds():
    levels = [level(s) for s in (0.01, 0.33, 0.34, 0.66, 0.67, 1.0)]
    assert levels == [1, 1, 2, 2, 3, 3]


def test_faults_count_from_moderate_on():
    moderate, severe = Severity.MODERATE, Severity.SEVERE
    one = record(
        [
            true(0, 4, pelvis_drops=1.0),  # found as severe
            true(5, 9, pelvis_drops=0.5),  # missed
            true(10, 14, pelvis_drops=0.2),  # mild: neither
            true(15, 19),  # false alarm
            true(20, 24),  # a mild report is no alarm
        ],
        [
            found(0, 4, pelvis_drops=severe),
            found(5, 9, pelvis_drops=Severity.MILD),
            found(10, 14, pelvis_drops=severe),
            found(15, 19, pelvis_drops=moderate),
            found(20, 24, pelvis_drops=Severity.MILD),
        ],
    )
    counted = count_fault([one], "pelvis_drops")
    assert (counted.hits, counted.misses, counted.alarms) == (1, 1, 1)
    assert (counted.precision, counted.recall, counted.f1) == (0.5, 0.5, 0.5)
    assert counted.level_errors == (0, 1)
    assert summarise([one])["false_alarms_per_clean_repetition"] == 0.5


def test_a_fault_of_a_repetition_that_was_not_seen_is_missed():
    one = record([true(0, 4, pelvis_drops=1.0), true(5, 9)], [found(5, 9)])
    assert count_fault([one], "pelvis_drops").misses == 1


def test_faults_of_a_made_up_repetition_are_false_alarms():
    severe = Severity.SEVERE
    one = record(
        [true(0, 4), true(20, 24, pelvis_drops=1.0)],
        [found(0, 4), found(10, 14, pelvis_drops=severe, knees_fall_in=severe), found(20, 24)],
    )
    assert count_fault([one], "pelvis_drops").alarms == 1
    result = summarise([one])
    assert result["made_up_repetitions"] == 1
    assert result["clean_repetitions"] == 1
    assert result["false_alarms_per_clean_repetition"] == 2.0


def test_a_fault_may_be_reported_under_another_name_or_have_no_rule():
    one = record(
        [true(0, 4, hips_low=1.0, juggling=1.0)], [found(0, 4, range_short=Severity.SEVERE)]
    )
    assert count_fault([one], "hips_low").f1 == 1.0
    result = figures([one], [], 0, ["plank"])
    assert result["faults_without_rule"] == ["glute_bridge: juggling"]
    assert result["no_definition"] == ["plank"]
    assert result["per_fault"]["juggling"]["recall"] == 0.0
    assert result["fault_macro_f1"] == 0.5
    assert result["fault_least_f1"] == 0.0
    assert result["fault_kinds"] == 2


def test_scores_that_fall_with_severity_rank_perfectly():
    severities = (0.0, 0.2, 0.5, 0.8, 1.0)
    truth = [true(5 * k, 5 * k + 4, pelvis_drops=s) for k, s in enumerate(severities)]
    falling = [found(5 * k, 5 * k + 4, 95 - 40 * s) for k, s in enumerate(severities)]
    assert summarise([record(truth, falling)])["score_spearman"] == pytest.approx(1.0)
    assert summarise([record(truth[:3], falling[:3])])["score_spearman"] is None


def test_faults_that_cost_nothing_are_not_left_out_of_the_rank_correlation():
    truth = [true(5 * k, 5 * k + 4, pelvis_drops=0.2 * k) for k in range(5)]
    blind = [found(5 * k, 5 * k + 4, 100.0) for k in range(5)]
    assert summarise([record(truth, blind)])["score_spearman"] == 0.0
    same = [true(5 * k, 5 * k + 4) for k in range(5)]
    assert summarise([record(same, blind)])["score_spearman"] is None


def test_the_lowest_rank_correlation_of_an_exercise_is_said_beside_the_mean():
    severities = (0.0, 0.2, 0.5, 0.8, 1.0)
    truth = [true(5 * k, 5 * k + 4, pelvis_drops=s) for k, s in enumerate(severities)]
    falling = [found(5 * k, 5 * k + 4, 95 - 40 * s) for k, s in enumerate(severities)]
    # Two neighbours swapped: Spearman's rho is 1 - 6 * 2 / (5 * 24).
    scores = [f.score.value for f in falling]
    scores[:2] = scores[1::-1]
    swapped = [found(5 * k, 5 * k + 4, score) for k, score in enumerate(scores)]
    result = summarise([record(truth, falling), record(truth, swapped, "clam")])
    assert result["exercises_ranked"] == 2
    assert result["score_spearman_least"] == pytest.approx(0.9)
    assert result["score_spearman"] == pytest.approx(0.95)


def test_missed_and_borderline_repetitions_are_counted():
    borderline = Repetition(10 * S, 14 * S, False, {}, borderline=True)
    result = summarise([record([true(0, 4), true(5, 9), borderline], [found(0, 4)])])
    assert result["repetitions_matched"] == 1
    assert result["repetitions_missed"] == 2
    assert result["repetitions_borderline"] == 1


def test_recognition_and_matching_of_the_sets_are_among_the_figures():
    def compared(person, severity):
        return Compared("glute_bridge", person, OWN_BEST, severity, (severity, 1 - severity, 0, 0))

    plain = record([true(2, 8)], [found(2, 8)])
    given = [
        replace(
            plain, recognised=recognised("glute_bridge", said),
            compared=tuple(compared(said, s) for s in (0.0, 0.3, 0.9)),
        )
        for said in ("glute_bridge", "plank")
    ]  # fmt: skip
    others = [recognised("punching", "none"), recognised("punching", "plank")]
    result = figures(given, others, 0, [])
    assert result["recognition_accuracy"] == 0.5
    assert result["none_rejected_share"] == 0.5
    assert (result["recognition_sets"], result["none_sets"]) == (2, 2)
    assert {"true": "punching", "said": "plank"} in result["recognition_mistaken"]
    assert result["matching"][OWN_BEST]["spearman"]["embedding"] == 1.0
    assert result["matching"][OWN_BEST]["repetitions"] == 6


def test_nothing_measured_is_null_and_not_a_number():
    result = figures([], [], 0, ["plank"])
    assert result["sets"] == 0
    assert result["repetition_exact_share"] is None


@dataclass(frozen=True)
class Fault:
    name: str
    severity: float


@dataclass(frozen=True)
class Made:
    start_ns: int
    end_ns: int
    counts: bool
    faults: tuple


@pytest.mark.slow
def test_the_sample_s_set_runs_through_the_whole_pipeline():
    pytest.importorskip("ai_edge_litert")
    made = [
        Made(
            to_ns(m.start), to_ns(m.end), m.outcome == 1, tuple(Fault(f.id, 1.0) for f in m.faults)
        )
        for m in messages("/truth/quality/repetition")
    ]
    kept = run_any(SampleCase(rest=45, repetitions=tuple(made)))
    assert pickle.loads(pickle.dumps(kept)).info == kept.info
    assert len(pickle.dumps(kept)) < 100_000
    assert kept.recognised.decided == "glute_bridge"
    assert {c.reference for c in kept.compared} >= {THERAPIST}
    result = summarise([kept])
    assert result["sets"] == 1
    assert result["repetitions"] == sum(m.counts for m in made) == 4
    assert result["repetition_exact_share"] == 1.0
    assert result["boundary_mae_s"] < 0.4
