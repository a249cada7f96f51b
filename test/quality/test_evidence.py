"""Evidence is true: what a fault costs and shows is gone when the fault is taken out of the truth.

The scorer gets the exact pose, pelvis and breathing of a synthetic patient, so that nothing but
the fault differs between the two runs.
"""

import pytest

from lbp_rehab.bench import muscles
from lbp_rehab.bench.quality_faults import reported_as
from lbp_rehab.quality.exercise import load_exercise
from lbp_rehab.quality.types import Severity
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import Scenario

pytestmark = pytest.mark.usefixtures("synthetic_extra")

RATE_HZ = 12.0
FAULTY, REPETITIONS = 2, 3
EVERY_FAULT = [(e, f) for e, program in PROGRAMS.items() for f in program.faults]


def score(exercise, faults):
    """Return the repetitions of a set as they are scored with the truth as input."""
    scenario = Scenario(
        exercise, 11, faults, repetitions=REPETITIONS, side="left", initial_rest_s=4.0
    )
    return muscles.score(load_exercise(exercise), muscles.movement(scenario, RATE_HZ))


@pytest.fixture(scope="module")
def clean():
    """Sets without a fault, each made once."""
    made = {}

    def of(exercise):
        if exercise not in made:
            made[exercise] = score(exercise, ())
        return made[exercise]

    return of


@pytest.mark.parametrize(("exercise", "fault"), EVERY_FAULT)
def test_a_fault_taken_out_of_the_truth_gives_back_its_points_and_its_evidence(
    clean, exercise, fault
):
    ids = reported_as(fault, load_exercise(exercise).cues)
    with_it = score(exercise, (Fault(FAULTY, fault, 0.8),))
    without = clean(exercise)
    assert len(with_it) == len(without) == REPETITIONS
    faulty, good = with_it[FAULTY - 1], without[FAULTY - 1]
    evidence = [f for f in faulty.faults if f.id in ids]
    assert evidence, [f.id for f in faulty.faults]
    assert max(f.severity for f in evidence) >= Severity.MODERATE
    assert not [f for f in good.faults if f.id in ids]
    assert good.score.value > faulty.score.value + 3.0
    lost = sum(f.points_lost for f in evidence)
    assert lost == pytest.approx(sum(f.points_lost for f in faulty.faults), rel=0.6)
    for found in evidence:
        outside = max(
            found.measured.value - found.allowed_max, found.allowed_min - found.measured.value
        )
        assert outside > 0.0
        assert faulty.start_ns - 1 <= found.start_ns <= found.end_ns <= faulty.end_ns + 1
    # The repetitions beside it are as they were.
    for index in {0, 1, 2} - {FAULTY - 1}:
        assert not [f for f in with_it[index].faults if f.id in ids]
