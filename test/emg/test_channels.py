"""Labels, maps and units."""

import pytest

from lbp_rehab.emg.channels import (
    Placement,
    missing_labels,
    name_channels,
    parse_channel_map,
    parse_label,
)
from lbp_rehab.emg.types import Channel, Muscle, Side
from lbp_rehab.emg.units import volts_per
from lbp_rehab.errors import InputError


@pytest.mark.parametrize(
    ("label", "muscle", "side"),
    [
        ("multifidus_l", Muscle.MULTIFIDUS, Side.LEFT),
        ("LMF", Muscle.MULTIFIDUS, Side.LEFT),
        ("LMF_R", Muscle.MULTIFIDUS, Side.RIGHT),  # lumbar multifidus, right
        ("R ES", Muscle.ERECTOR_SPINAE, Side.RIGHT),
        ("RES", Muscle.ERECTOR_SPINAE, Side.RIGHT),
        ("ES_L1_R", Muscle.ERECTOR_SPINAE, Side.RIGHT),  # L1 is a vertebra
        ("Right Erector Spinae", Muscle.ERECTOR_SPINAE, Side.RIGHT),
        ("MultifidusLeft", Muscle.MULTIFIDUS, Side.LEFT),
        ("IO-L", Muscle.INTERNAL_OBLIQUE, Side.LEFT),
        ("transversus abdominis left", Muscle.INTERNAL_OBLIQUE, Side.LEFT),
        ("external oblique (right)", Muscle.EXTERNAL_OBLIQUE, Side.RIGHT),
        ("LRA", Muscle.RECTUS_ABDOMINIS, Side.LEFT),
        ("rectus_abdominis_r", Muscle.RECTUS_ABDOMINIS, Side.RIGHT),
        ("gluteus maximus L", Muscle.GLUTEUS_MAXIMUS, Side.LEFT),
        ("RGMAX", Muscle.GLUTEUS_MAXIMUS, Side.RIGHT),
        ("gluteus medius L", Muscle.OTHER, Side.LEFT),
        ("rectus femoris R", Muscle.OTHER, Side.RIGHT),
        ("EMG 1", Muscle.OTHER, Side.NONE),
    ],
)
def test_common_labels_name_muscle_and_side(label, muscle, side):
    assert parse_label(label) == Placement(muscle, side)


def test_map_wins_over_the_label_and_given_muscle_over_the_guess():
    placements = parse_channel_map(["", "EMG 1=multifidus:left", "LES = gluteus_maximus"])
    channels = name_channels(
        [Channel("EMG 1"), Channel("LES"), Channel("x", Muscle.ERECTOR_SPINAE, Side.RIGHT)],
        placements,
    )
    assert [(c.muscle, c.side) for c in channels] == [
        (Muscle.MULTIFIDUS, Side.LEFT),
        (Muscle.GLUTEUS_MAXIMUS, Side.NONE),
        (Muscle.ERECTOR_SPINAE, Side.RIGHT),
    ]
    assert missing_labels(["EMG 1"], placements) == ("LES",)


@pytest.mark.parametrize("row", ["EMG 1", "EMG 1=biceps:left", "EMG 1=multifidus:up"])
def test_a_wrong_row_is_refused_by_its_text(row):
    with pytest.raises(InputError, match=row):
        parse_channel_map([row])


def test_a_label_named_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        parse_channel_map(["a=multifidus", "a=erector_spinae"])


@pytest.mark.parametrize(
    ("unit", "volts"),
    [
        ("V", 1.0),
        ("mV", 1e-3),
        ("uV", 1e-6),
        ("\u00b5V", 1e-6),
        ("\u03bcV", 1e-6),
        ("microvolts", 1e-6),
        ("nV", 1e-9),
    ],
)
def test_units_of_voltage(unit, volts):
    assert volts_per(unit) == volts


def test_another_unit_is_refused():
    with pytest.raises(InputError, match="'kg'"):
        volts_per("kg")
