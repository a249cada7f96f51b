import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.request import parse_fault, parse_scenario, parse_size
from lbp_rehab.synthetic.scenario import Scenario, period_ns


def test_fault_is_read_with_and_without_repetition_and_severity():
    assert parse_fault("pelvis_drops") == Fault(0, "pelvis_drops", 1.0)
    assert parse_fault("pelvis_drops", 0.4) == Fault(0, "pelvis_drops", 0.4)
    assert parse_fault("3:pelvis_drops", 0.4) == Fault(3, "pelvis_drops", 0.4)
    assert parse_fault("5:hips_low:0.8", 0.4) == Fault(5, "hips_low", 0.8)


@pytest.mark.parametrize("text", ["", "x:hips_low", "1:hips_low:much", "1:2:3:4", "1:"])
def test_unreadable_fault_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="3:pelvis_drops"):
        parse_fault(text)


def test_scenario_is_read_from_one_line():
    read = parse_scenario(
        "bird_dog?fault=limb_low|fault=2:too_fast:0.5|severity=0.3|seed=4|size=320x240"
    )
    assert read == Scenario(
        "bird_dog",
        seed=4,
        faults=(Fault(0, "limb_low", 0.3), Fault(2, "too_fast", 0.5)),
        size=(320, 240),
    )
    assert parse_scenario("plank") == Scenario("plank")
    assert parse_size("848x480") == (848, 480)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hop", "no exercise 'hop'"),
        ("plank?fault=sneezes", "no fault 'sneezes'"),
        ("plank?colour=red", "key of fault, severity"),
        ("plank?seed=x", "invalid literal"),
        ("plank?seed=-1", "must not be negative"),
        ("plank?size=big", "640x480"),
        ("plank?condition=rain", "one of clear, blanket"),
        ("plank?support=sofa", "mat, bed, floor"),
        ("plank?rate=0", "0.5 to 120"),
        ("plank?fault=3:hips_sag|repetitions=2", "repetition 3"),
    ],
)
def test_bad_scenario_is_refused_with_a_sentence(text, message):
    with pytest.raises(InputError, match=message):
        parse_scenario(text).movement  # noqa: B018


def test_period_holds_the_whole_set_in_whole_seconds():
    scenario = Scenario("clam", seed=3)
    period_s = period_ns(scenario) / 1e9
    assert period_s == int(period_s)
    assert 0 <= period_s - scenario.movement.duration_s < 1
