import argparse
import shlex
from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.commands import synth
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.clock import ClockSettings
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.request import parse_fault, parse_faults, parse_scenario, parse_size
from lbp_rehab.synthetic.scenario import CAMERAS, Scenario, period_ns


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
        ("plank?rate=nan", "0.5 to 120"),
        ("plank?camera=x", "no camera 'x'; choose one of d435"),
        ("plank?size=²x²", "640x480"),
        ("plank?size=\uff13\uff12x\uff12\uff14", "640x480"),
        ("plank?size=" + "9" * 5000 + "x480", "640x480"),
        ("plank?size=5000x4000", "16 to 4096"),
        ("plank?size=8x8", "16 to 4096"),
        ("plank?size=4096x16", "times as wide"),
        ("plank?size=100x300", "times as wide"),
        ("plank?severity=nan", "between 0 and 1"),
        ("plank?fault=hips_sag|severity=2", "between 0 and 1"),
        ("plank?fault=0:hips_sag:nan", "between 0 and 1"),
        ("plank?repetitions=0", "1 to 1000"),
        ("plank?side=up", "left, right, alternating"),
        ("plank?fault=3:hips_sag|repetitions=2", "repetition 3"),
    ],
)
def test_bad_scenario_is_refused_with_a_sentence(text, message):
    with pytest.raises(InputError, match=message):
        parse_scenario(text).movement  # noqa: B018


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_depth_m": np.nan}, "farthest depth"),
        ({"initial_rest_s": np.inf}, "first rest"),
        ({"seed": 2**63}, "below 2\\*\\*63"),
        ({"camera_clock": ClockSettings(drop_probability=1.0)}, "less than 1"),
    ],
)
def test_scenario_of_a_program_is_checked_too(options, message):
    with pytest.raises(InputError, match=message):
        Scenario("plank", **options)


def test_severity_is_checked_even_where_no_fault_needs_it():
    for severity in (np.nan, -0.1, 1.1):
        with pytest.raises(InputError, match="between 0 and 1"):
            parse_faults([], severity)


def test_scenario_knows_the_cameras_that_there_are():
    pytest.importorskip("numba")
    from lbp_rehab.synthetic.imaging.rgbd import PRESETS

    assert CAMERAS == PRESETS


def given_to_synth(words):
    parser = argparse.ArgumentParser()
    synth.add(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        ["--exercise", "plank"],
        ["--exercise", "dead_bug", "--fault", "too_fast", "--fault=2:back_leaves_mat:0.3",
         "--severity", "0.7", "--seed", "7", "--repetitions", "3", "--side", "left", "--camera",
         "ideal", "--view", "40,105,2.2", "--support", "bed", "--condition", "dark", "--size",
         "320x240", "--rate", "7.5", "--max-depth", "3.25", "--jpeg-quality", "80",
         "--png-compression", "5", "--emg-rate", "2000", "--mains", "60", "--mvc-trial", "--loose",
         "2", "--jitter", "1.234567", "--drop", "0.1", "--emg-drift", "-33.3", "--emg-offset",
         "-0.001"],
    ],
)  # fmt: skip
def test_written_command_makes_the_same_recording(words):
    pytest.importorskip("numba")
    from lbp_rehab.synthetic.request import command_line

    given = given_to_synth(words)
    asked = synth._scenario(given), synth._output(given)
    program, command, *options = shlex.split(command_line(*asked))
    assert (program, command) == ("lbp-rehab", "synth")
    again = given_to_synth(options)
    assert (synth._scenario(again), synth._output(again)) == asked


def test_no_command_is_written_for_what_its_options_cannot_say():
    pytest.importorskip("numba")
    from lbp_rehab.synthetic.recording import Output
    from lbp_rehab.synthetic.request import command_line

    plain, output = Scenario("plank"), Output()
    assert command_line(plain, output)
    assert command_line(replace(plain, initial_rest_s=2.0), output) is None
    assert command_line(plain, Output(emg_clock=ClockSettings(late_ns=5))) is None


def test_period_holds_the_whole_set_in_whole_seconds():
    scenario = Scenario("clam", seed=3)
    period_s = period_ns(scenario) / 1e9
    assert period_s == int(period_s)
    assert 0 <= period_s - scenario.movement.duration_s < 1
