import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.movement import Fault
from lbp_rehab.synthetic.recording import main, parse_fault


def test_fault_is_read_with_and_without_severity():
    assert parse_fault("3:pelvis_drops") == Fault(3, "pelvis_drops", 1.0)
    assert parse_fault("5:hips_low:0.8") == Fault(5, "hips_low", 0.8)


@pytest.mark.parametrize("text", ["pelvis_drops", "x:hips_low", "1:hips_low:much", "1"])
def test_unreadable_fault_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="3:pelvis_drops"):
        parse_fault(text)


def test_command_says_in_one_line_what_is_wrong(tmp_path, capsys):
    assert main(["--out", str(tmp_path), "--fault", "9:hips_low"]) == 1
    message = capsys.readouterr().err.strip()
    assert "repetition 9" in message
    assert "\n" not in message


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two recordings of one repetition with the same seed, and one with another."""
    pytest.importorskip("anny")
    pytest.importorskip("numba")
    made = {}
    for name, seed in (("first", 1), ("second", 1), ("other", 2)):
        made[name] = tmp_path_factory.mktemp(name)
        options = ["--repetitions", "1", "--fault", "none", "--size", "128", "72", "--rate", "3"]
        assert main(["--out", str(made[name]), "--seed", str(seed), *options]) == 0
    return made


def test_same_seed_gives_the_same_bytes(small):
    for file in ("glute_bridge/glute_bridge.mcap", "glute_bridge/metadata.yaml", "mvc.yaml"):
        assert (small["first"] / file).read_bytes() == (small["second"] / file).read_bytes(), file


def test_another_seed_gives_another_recording(small):
    file = "glute_bridge/glute_bridge.mcap"
    assert (small["first"] / file).read_bytes() != (small["other"] / file).read_bytes()


def test_recording_is_not_written_over(small, capsys):
    assert main(["--out", str(small["first"]), "--repetitions", "1", "--fault", "none"]) == 1
    assert "exists" in capsys.readouterr().err
