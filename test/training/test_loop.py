import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lbp_rehab.training import loop  # noqa: E402

STEPS, RATE = 400, 0.02


@pytest.fixture
def wanted(tmp_path):
    words = [str(tmp_path), str(tmp_path / "net.pt"), "--validation", str(tmp_path)]
    return loop.options("text", STEPS, RATE).parse_args(words)


class Watched(torch.optim.AdamW):
    """Notes the rates of every step."""

    rates: list

    def step(self, *args):
        Watched.rates.append([group["lr"] for group in self.param_groups])
        return super().step(*args)


@pytest.fixture
def rates(monkeypatch):
    Watched.rates = []
    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    return Watched.rates


def learn(net, wanted, **others):
    """Draw the weights to those of a line by noisy examples; return them after every step."""
    rng = torch.Generator().manual_seed(0)
    after, checked = [], []

    def one_step(step):
        after.append([p.detach().clone() for p in net.parameters()])
        x = torch.randn(8, 2, generator=rng)
        y = x @ torch.tensor([[1.0], [-2.0]]) + torch.randn(8, 1, generator=rng)
        return (net(x) - y).pow(2).mean(), float(step)

    def check(mean):
        checked.append(mean)
        return "unseen 12.5 mm"

    loop.train(net, wanted, one_step, check, **others)
    after.append([p.detach().clone() for p in net.parameters()])
    return after, checked


def line():
    torch.manual_seed(0)
    return torch.nn.Linear(2, 1, bias=False)


def test_what_is_saved_is_the_average_of_the_weights(wanted):
    net = line()
    after, checked = learn(net, wanted)
    saved = torch.load(wanted.out, weights_only=True)["net"]["weight"]
    # A step counts for a half at first, then for less, and the earlier ones for what is left.
    share = [1.0 / (k / 10 + 2) for k in range(STEPS)]
    left = np.cumprod([1.0, *[1.0 - s for s in share[::-1]]])
    mean = left[-1] * after[0][0]
    for k in range(STEPS):
        mean = mean + share[k] * left[STEPS - 1 - k] * after[k + 1][0]
    np.testing.assert_allclose(saved, mean, atol=1e-5)
    assert not torch.equal(saved, net.weight)
    assert torch.equal(checked[-1].weight, saved)  # the figures are those of what is saved


def test_the_rate_warms_up_and_falls_to_almost_nothing(wanted, rates):
    learn(line(), wanted)
    got = np.array(rates)[:, 0]
    assert len(got) == STEPS
    assert got[0] < 0.03 * RATE
    top = int(np.argmax(got))
    assert loop.WARM_STEPS / 2 < top < loop.WARM_STEPS  # the cosine falls already
    assert (np.diff(got[:top]) > 0).all()
    assert (np.diff(got[top:]) < 0).all()
    assert got[-1] < 2.0 * loop.LAST_SHARE * RATE
    wave = 0.5 * (1.0 + np.cos(np.pi * 300 / STEPS)) + loop.LAST_SHARE
    assert got[300] == pytest.approx(RATE * wave)


def test_a_group_learns_with_its_share_of_the_rate(wanted, rates):
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    groups = [
        {"params": list(net[0].parameters()), "share": 0.1},
        {"params": list(net[1].parameters()), "share": 1.0},
    ]
    learn(net, wanted, groups=groups)
    slow, fast = np.array(rates).T
    np.testing.assert_allclose(slow, 0.1 * fast)


def test_figures_are_printed_and_weights_saved_on_the_way_and_at_the_end(
    wanted, capsys, monkeypatch
):
    wanted.steps = 30
    learn(line(), wanted)
    (only,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d+\.\d min step 30 training \d+\.\d\d unseen 12\.5 mm", only)
    # The running figure: the first one, then moved by a fiftieth of what is new.
    running = 0.0
    for k in range(1, 30):
        running += 0.02 * (k - running)
    assert f"training {running:.2f} " in only
    monkeypatch.setattr(loop, "SAY_S", -1.0)
    learn(line(), wanted)
    assert len(capsys.readouterr().err.splitlines()) == 30


def test_training_goes_on_from_saved_weights(wanted):
    wanted.steps = 5
    learn(line(), wanted)
    net, threads = line(), torch.get_num_threads()
    loop.begin(net, wanted.out, threads)
    assert torch.equal(net.weight, torch.load(wanted.out, weights_only=True)["net"]["weight"])
    before = line().weight
    net = line()
    loop.begin(net, None, threads)
    assert torch.equal(net.weight, before)


def test_only_finished_shards_are_read_in_order(tmp_path):
    for name in (
        "train_000050.npz",
        "train_000000.npz",
        "train_000100.part.npz",
        "test_000000.npz",
    ):
        (tmp_path / name).touch()
    names = [path.name for path in loop.shards(tmp_path)]
    assert names == ["test_000000.npz", "train_000000.npz", "train_000050.npz"]
