"""The channel file: muscles by label or number, in any order, and what is wrong with it."""

import numpy as np
import pytest

from lbp_rehab.emg.channel_file import read_channel_file
from lbp_rehab.emg.channels import ChannelMap, Placement, parse_channel_map
from lbp_rehab.emg.types import Channel, Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.paths import config_dir


@pytest.fixture
def read(tmp_path):
    def make(text):
        path = tmp_path / "map.yaml"
        path.write_text(text)
        return read_channel_file(path)

    return make


def channels(*labels):
    return [Channel(label) for label in labels]


def places(selection):
    return [(c.label, c.muscle, c.side) for c in selection.channels]


def test_labels_are_mapped_from_any_order_and_ignored_ones_left_out(read):
    found = read("channels:\n  b: multifidus:left\n  a: other\nignore: [trigger]\n")
    selection = found.select(channels("trigger", "a", "RES", "b"))
    assert selection.columns == (1, 2, 3)
    assert places(selection) == [
        ("a", Muscle.OTHER, Side.NONE),
        ("RES", Muscle.ERECTOR_SPINAE, Side.RIGHT),
        ("b", Muscle.MULTIFIDUS, Side.LEFT),
    ]
    assert selection.unmapped == ("RES",)
    assert selection.missing == ()
    assert found.labels == {"a", "b"}


def test_numbers_serve_for_a_device_without_names(read):
    found = read("channels: {1: multifidus:left, 3: multifidus:right, 9: other}\nignore: [2]\n")
    selection = found.select(channels("emg1", "emg2", "emg3"))
    assert selection.columns == (0, 2)
    assert [c.side for c in selection.channels] == [Side.LEFT, Side.RIGHT]
    (missing,) = selection.missing
    assert missing == "map.yaml, line 1: the stream has no channel 9; it has emg1, emg2, emg3"
    # What was left out before does not shift the numbers.
    assert found.select(channels("emg1", "emg3")).channels[1].side is Side.RIGHT


def test_a_quoted_number_is_a_label(read):
    found = read("channels: {'2': multifidus:left}\n")
    assert found.select(channels("2", "x")).channels[0].muscle is Muscle.MULTIFIDUS
    assert found.select(channels("x", "y")).missing


def test_a_guess_by_label_does_not_take_a_muscle_that_is_mapped(read):
    found = read("channels: {x: multifidus:left}\n")
    selection = found.select(channels("LMF", "x"))
    assert [c.muscle for c in selection.channels] == [Muscle.OTHER, Muscle.MULTIFIDUS]
    assert selection.unmapped == ("LMF",)


def test_rows_overrule_the_file(read):
    found = read("channels: {a: multifidus:left, b: multifidus:right}\nignore: [c]\n")
    rows = parse_channel_map(["a=erector_spinae:left", "c=multifidus:left"])
    both = found.overruled(rows)
    assert [c.muscle for c in both.select(channels("a", "b", "c")).channels] == [
        Muscle.ERECTOR_SPINAE,
        Muscle.MULTIFIDUS,
        Muscle.MULTIFIDUS,
    ]
    with pytest.raises(InputError, match="'d' and 'b' are both multifidus:right"):
        found.overruled(parse_channel_map(["d=multifidus:right"]))


def test_without_a_file_rows_alone_ask_for_nothing_else():
    alone = ChannelMap({}).overruled({"a": Placement(Muscle.MULTIFIDUS, Side.LEFT)})
    selection = alone.select(channels("a", "LES"))
    assert not alone.complete
    assert [c.muscle for c in selection.channels] == [Muscle.MULTIFIDUS, Muscle.ERECTOR_SPINAE]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("channels:\n  a: biceps:left\n", "line 2: 'biceps:left' must read muscle:side"),
        ("channels:\n  a: multifidus:up\n", "line 2: 'multifidus:up'"),
        ("channels:\n  a: {muscle: multifidus}\n", "line 2: this must read muscle:side"),
        ("channels:\n  a: other\n  a: other\n", "line 3: 'a' stood in line 2 already"),
        ("channels:\n  a: other\nignore: [a]\n", "line 3: 'a' stood in line 2 already"),
        (
            "channels:\n  a: multifidus:left\n  b: multifidus:left\n",
            "line 3: 'b' and 'a' are both multifidus:left",
        ),
        ("channels:\n  0: other\n", "line 2: channel 0: numbers begin at 1"),
        ("channels: [a]\n", "line 1: 'channels' must hold rows"),
        ("channels: {a: other}\nignore: b\n", "line 2: 'ignore' must be a list"),
        ("muscles: {a: other}\n", "line 1: unknown key 'muscles'"),
        ("ignore: [a]\n", "maps no channel"),
        ("", "write 'channels:'"),
        ("channels: {a: [\n", "line 2: no valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(read, text, sentence):
    with pytest.raises(InputError, match=sentence) as refused:
        read(text)
    assert "\n" not in str(refused.value)
    assert "map.yaml" in str(refused.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_channel_file(tmp_path / "none.yaml")


def test_the_example_maps_twelve_channels():
    found = read_channel_file(config_dir() / "emg_channels.example.yaml")
    labels = [f"EMG {k}" for k in range(12, 0, -1)] + ["Trigger", "Counter"]
    selection = found.select(channels(*labels))
    np.testing.assert_array_equal(selection.columns, np.arange(12))
    assert len({(c.muscle, c.side) for c in selection.channels}) == 12
    assert selection.missing == selection.unmapped == ()
