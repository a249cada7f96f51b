"""Evidence of muscles is true: who compensates is told so, and who stops to is not any more.

The scorer gets the exact movement of a synthetic patient and what the muscles do: their true work,
or what is estimated from the raw sEMG of twelve channels.
"""

from dataclasses import replace

import pytest

from lbp_rehab.bench import muscles
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.quality.types import SubScoreKind
from lbp_rehab.synthetic.draws import Split

pytestmark = pytest.mark.usefixtures("synthetic_extra")

REPETITIONS = 3
# People whose healthy muscles are well inside the ranges: how many are is for the benchmark.
SEED, OTHER_SEEDS = 24, {"glute_bridge": 12}


@pytest.fixture(scope="module")
def movement():
    """The exact movement of a set, each made once."""
    made = {}

    def of(exercise, fault="", repetitions=REPETITIONS):
        key = exercise, fault, repetitions
        if key not in made:
            scenario = muscles.set_of(
                exercise, OTHER_SEEDS.get(exercise, SEED), fault,
                split=Split.ANY, repetitions=repetitions, side="left",
            )  # fmt: skip
            made[key] = scenario, muscles.movement(scenario)
        return made[key]

    return of


def of_muscles(result):
    return {f.id: f for f in result.faults if f.kind == SubScoreKind.MUSCLE}


def part(result):
    return next(s for s in result.sub_scores if s.kind == SubScoreKind.MUSCLE)


def outside(found):
    return max(found.measured.value - found.allowed_max, found.allowed_min - found.measured.value)


@pytest.mark.parametrize(("exercise", "wrong"), muscles.EXPECTED)
def test_a_fault_of_muscles_taken_out_of_the_truth_gives_back_its_points_and_its_evidence(
    movement, exercise, wrong
):
    rules, expected = load_exercise(exercise), set(muscles.EXPECTED[exercise, wrong])
    scenario, moving = movement(exercise)
    healthy = muscles.style_of(scenario, 0.0)
    without = muscles.score(rules, moving, muscles.activation(scenario, healthy))
    if wrong == muscles.COMPENSATES:
        style = muscles.style_of(scenario, muscles.FULL)
        with_it = muscles.score(rules, moving, muscles.activation(scenario, style))
    else:
        faulty, moved = movement(exercise, wrong)
        with_it = muscles.score(rules, moved, muscles.activation(faulty, healthy))
    assert len(with_it) == len(without) == REPETITIONS
    for bad, good in zip(with_it, without, strict=True):
        found = of_muscles(bad)
        assert expected <= set(found)
        assert of_muscles(good) == {}
        assert part(good).value.value == 100.0
        lost = sum(f.points_lost for f in found.values())
        assert lost == pytest.approx(part(bad).points_lost)
        assert lost == pytest.approx(part(bad).weight * (100.0 - part(bad).value.value))
        for fault in found.values():
            assert outside(fault) > 0.0
            assert bad.start_ns <= fault.start_ns <= fault.end_ns <= bad.end_ns


def test_through_the_raw_semg_compensation_and_fatigue_are_found_and_vanish(movement):
    rules = load_exercise("glute_bridge")
    scenario, moving = movement("glute_bridge", repetitions=8)
    healthy = muscles.style_of(scenario, 0.0)
    # Of somebody who compensates fully and tires five times as fast.
    worse = replace(muscles.style_of(scenario, muscles.FULL), endurance=healthy.endurance / 5.0)
    bad, good = (
        muscles.score(rules, moving, muscles.activation(scenario, style, measured=True))
        for style in (worse, healthy)
    )
    assert len(bad) == len(good) == 8
    for result in bad:
        assert {"local_share_low", "multifidus_late"} <= set(of_muscles(result))
    tired = of_muscles(bad[-1])["erector_spinae_tires"]
    assert tired.unit == "Hz/s"
    assert outside(tired) > 0.0
    # Of the first repetition nothing can be said yet.
    assert "erector_spinae_tires" in bad[0].not_assessed
    assert all(of_muscles(result) == {} for result in good)
