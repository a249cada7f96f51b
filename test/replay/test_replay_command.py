"""``lbp-rehab replay`` on the sample recording, from the sEMG on: the camera's part takes long."""

import json

import pytest

from lbp_rehab.bags import BagReader
from lbp_rehab.cli import main
from lbp_rehab.paths import resource_dir

SAMPLE = str(resource_dir() / "sample" / "glute_bridge")
EMG_ONLY = [SAMPLE, "--exclude", "/camera/.*", "--end", "4"]


def replayed(tmp_path, *options):
    assert main(["replay", *EMG_ONLY, "--json", str(tmp_path / "f.json"), *options]) == 0
    return json.loads((tmp_path / "f.json").read_text())


def test_the_same_recording_gives_the_same_sums_and_another_parameter_others(tmp_path, capsys):
    first, second = replayed(tmp_path), replayed(tmp_path)
    assert first["sha256"] == second["sha256"]
    assert set(first["sha256"]) == {"/emg/activation", "/diagnostics", "/parameter_events"}
    assert first["fed"] == {"/emg/raw": first["fed"]["/emg/raw"]}
    changed = tmp_path / "p.yaml"
    changed.write_text("emg_bridge:\n  ros__parameters:\n    envelope_hz: 6.3\n")
    third = replayed(tmp_path, "--params", str(changed))
    assert third["sha256"]["/emg/activation"] != first["sha256"]["/emg/activation"]
    out = capsys.readouterr().out
    assert f"{first['sha256']['/emg/activation'][:16]}" in out
    assert "times real time" in out


def test_what_comes_out_is_kept_as_a_bag(tmp_path):
    figures = replayed(tmp_path, "--output", str(tmp_path / "out"))
    with BagReader(tmp_path / "out") as bag:
        assert bag.counts == figures["sent"]
        assert bag.topics["/emg/activation"].type == "lbp_rehab/msg/EmgActivation"
        with BagReader(resource_dir() / "sample" / "glute_bridge") as recording:
            assert bag.start_ns == recording.start_ns
    assert not bag.warnings


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "there is no bag 'nowhere'"),
        ([SAMPLE, "--exclude", "/camera/.*", "/emg/.*"], "nothing that a node of the graph"),
        ([SAMPLE, "--start", "1000"], "nothing to play from 1000 s on"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, sentence, capsys):
    assert main(["replay", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
