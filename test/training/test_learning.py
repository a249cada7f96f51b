import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lbp_rehab.training import train_lifter, train_pelvis  # noqa: E402
from lbp_rehab.training.batches import POINT_NAMES  # noqa: E402
from lbp_rehab.training.lifter import Lifter, LifterSize  # noqa: E402
from lbp_rehab.training.pelvis import PelvisHead  # noqa: E402
from lbp_rehab.training.spread import student  # noqa: E402

SMALL = LifterSize(width=32, heads=2, layers=2, channels=(8, 8, 16))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def falling(parameters, loss_of, steps=12, rate=4e-3):
    optimiser = torch.optim.Adam(parameters, rate)
    losses = []
    for _ in range(steps):
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.slow
def test_the_lifter_learns_one_burst(batch):
    net, w = Lifter(SMALL), train_lifter.weights()
    first = {k: v[:, :1] for k, v in batch.items()}

    def loss():
        rng = torch.Generator().manual_seed(0)
        return train_lifter.run_bursts(net, first, rng, w=w)[0]

    losses = falling(net.parameters(), loss)
    assert losses[-1] < 0.8 * losses[0]
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.slow
def test_the_head_learns_one_burst(batch):
    lifter = Lifter(SMALL).eval()
    head = PelvisHead(channels=(8, 8, 16), width=64).eval()

    def loss():
        rng = torch.Generator().manual_seed(0)
        return train_pelvis.run_bursts(head, lifter, batch, rng, varied=False)[0]

    losses = falling(head.parameters(), loss)
    assert losses[-1] < 0.8 * losses[0]
    assert all(p.grad is None for p in lifter.parameters())


def test_a_varied_step_is_its_seed(batch):
    net, w = Lifter(SMALL), train_lifter.weights()
    losses = [
        float(train_lifter.run_bursts(net, batch, torch.Generator().manual_seed(4), w=w)[0])
        for _ in range(2)
    ]
    assert losses[0] == losses[1]


def test_the_likelihood_is_best_for_honest_sigmas():
    rng = torch.Generator().manual_seed(0)
    off = 0.05 * torch.randn((400, len(POINT_NAMES), 3), generator=rng)
    sigmas = (0.02, 0.03, 0.05, 0.08, 0.12)
    factors = [sigma * torch.eye(3).expand(*off.shape[:2], 3, 3) for sigma in sigmas]
    likely = [float(student(factor, off).mean()) for factor in factors]
    assert np.argmin(likely) in (1, 2)


def test_the_weights_of_the_points_have_a_mean_of_one():
    w = train_lifter.weights()
    assert float(w.mean()) == pytest.approx(1.0)
    assert w[POINT_NAMES.index("l_asis")] > w[POINT_NAMES.index("l_knee")]
    assert w[POINT_NAMES.index("l_eye")] < w[POINT_NAMES.index("nose")]
    assert w[POINT_NAMES.index("r_thumb")] < w[POINT_NAMES.index("r_wrist")]
