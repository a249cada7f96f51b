from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from lbp_rehab.training import make, spread, train_pelvis  # noqa: E402
from lbp_rehab.training.pelvis import Outputs  # noqa: E402

PARTS = ("first", "lifter", "pelvis")


@pytest.mark.parametrize("dimensions", [1, 3])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
def test_the_scale_of_the_sigmas_is_exact(dimensions, scale):
    # Errors ``scale`` times as large as said: the distances are that squared times chi-square.
    n = 20_000
    squared = scale**2 * chi2.ppf((np.arange(n) + 0.5) / n, dimensions)
    shuffled = np.random.default_rng(0).permutation(squared)
    found = spread.sigma_scale(torch.tensor(shuffled), dimensions)
    assert found == pytest.approx(scale, rel=1e-3)
    # With sigmas so much larger they hold as much of the truth as they should.
    inside = (shuffled / found**2 <= chi2.ppf(0.6827, dimensions)).mean()
    assert inside == pytest.approx(0.6827, abs=1e-3)


def test_a_few_wild_errors_do_not_widen_the_sigmas():
    squared = chi2.ppf((np.arange(10_000) + 0.5) / 10_000, 3)
    squared[-100:] = 1e6
    assert spread.sigma_scale(torch.tensor(squared), 3) == pytest.approx(1.0, rel=1e-3)


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """What would be run; a training writes the weights that it is asked for."""
    seen = []

    def run(module, *arguments):
        seen.append((module, arguments))
        if module != "dataset":
            (tmp_path / arguments[1].rpartition("/")[2]).write_text(module)

    monkeypatch.setattr(make, "_run", run)
    monkeypatch.setattr(make, "finish", lambda folder: seen.append(("finish", folder)))
    monkeypatch.setattr("sys.argv", ["make", str(tmp_path), "--lifter-steps", "7", "--jobs", "1"])
    return seen


def test_everything_is_made_in_its_order(commands, tmp_path):
    make.main()
    assert [name for name, _ in commands] == [
        "dataset", "dataset", "dataset", "first", "train_lifter", "train_pelvis", "finish",
    ]  # fmt: skip
    assert all((tmp_path / f"{part}.pt").is_file() for part in PARTS)
    assert not list(tmp_path.glob("*.part"))
    assert ["--surfaces" in words for _, words in commands[:3]] == [False, True, False]
    _, words = commands[4]
    assert words[words.index("--steps") + 1] == "7"
    assert words[words.index("--first") + 1] == str(tmp_path / "first.pt")
    assert words[words.index("--validation") + 1] == str(tmp_path / "validation")
    _, words = commands[5]
    assert words[words.index("--lifter") + 1] == str(tmp_path / "lifter.pt")
    assert words[words.index("--surfaces") + 1] == str(tmp_path / "surfaces") == commands[1][1][0]


def test_no_scene_is_in_two_of_the_sets(commands):
    make.main()
    used = []
    for _, words in commands[:3]:
        first = int(words[words.index("--first") + 1]) if "--first" in words else 0
        used.append(range(first, first + int(words[words.index("--scenes") + 1])))
    for one, after in pairwise(used):
        assert one.stop <= after.start
    assert used[2].start == make.VALIDATION_FIRST


def test_the_heads_scale_is_that_of_value_and_change_together(monkeypatch):
    """Errors twice as large as said in both; the change is of values that both have errors."""
    n = 4000
    rng = np.random.default_rng(0)
    sigma = torch.tensor([0.1, 0.2, 0.05, 0.3])

    def errors(size):
        return torch.tensor(rng.normal(size=(n, 4)) * size, dtype=torch.float32) * sigma

    truth = torch.tensor(rng.normal(size=(n, 2, 4)), dtype=torch.float32)
    factor = torch.diag(sigma).expand(n, 4, 4)
    out = Outputs(
        truth[:, 0] + errors(2.0), factor, truth[:, 0] - truth[:, 1] + errors(2.0), factor,
        torch.zeros(n, 4, 3), torch.ones(n, 4),
    )  # fmt: skip
    monkeypatch.setattr(train_pelvis, "answers", lambda *_: (out, truth, out.landmarks))
    assert train_pelvis.scale_of(None, None) == pytest.approx(2.0, rel=0.03)
    out = out._replace(value=truth[:, 0])
    assert train_pelvis.scale_of(None, None) < 1.5  # half of the errors are none


def test_what_is_done_is_not_done_again(commands, tmp_path):
    for part in PARTS[:2]:
        (tmp_path / f"{part}.pt").touch()
    (tmp_path / "pelvis.part").write_text("half")
    make.main()
    assert [name for name, _ in commands] == [
        "dataset", "dataset", "dataset", "train_pelvis", "finish",
    ]  # fmt: skip
    assert (tmp_path / "pelvis.pt").read_text() == "train_pelvis"
