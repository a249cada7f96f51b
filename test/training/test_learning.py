import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.spatial.transform import Rotation  # noqa: E402

from lbp_rehab.synthetic.motion.programs import PROGRAMS  # noqa: E402
from lbp_rehab.training import train_lifter, train_pelvis  # noqa: E402
from lbp_rehab.training.batches import POINT_NAMES  # noqa: E402
from lbp_rehab.training.lifter import Lifter  # noqa: E402
from lbp_rehab.training.pelvic_views import Views  # noqa: E402
from lbp_rehab.training.pelvis import Outputs, PelvisHead  # noqa: E402
from lbp_rehab.training.spread import student  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


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
def test_the_lifter_learns_one_burst(batch, small):
    net, w = Lifter(small), train_lifter.weights()
    first = {k: v[:, :1] for k, v in batch.items()}

    def loss():
        rng = torch.Generator().manual_seed(0)
        return train_lifter.run_bursts(net, first, rng, w=w)[0]

    losses = falling(net.parameters(), loss)
    assert losses[-1] < 0.8 * losses[0]
    assert all(p.grad is not None for p in net.parameters())


@pytest.fixture(scope="module")
def shard(drawn, small):
    """The burst with what an untrained lifter answers for it."""
    torch.manual_seed(0)
    lifter, rng = Lifter(small).eval(), torch.Generator().manual_seed(0)
    return train_pelvis.whole(lifter, drawn.path, rng, scale=1.0, varied=False)


def views_of(shard, *others):
    made = Views()
    for one in (shard, *others):
        made.add(one, np.random.default_rng(0))
    return made


@pytest.fixture(scope="module")
def views(drawn, shard):
    """The views of the burst six times over, with other pelves and joints about the true ones."""
    rng = np.random.default_rng(1)
    parts = {key: np.concatenate([value] * 6) for key, value in shard.items()}
    truth = parts["truth"][:, :33]
    parts["position"] = (truth + rng.normal(0.0, 0.02, truth.shape)).astype(np.float32)
    parts["sigma"] = np.full_like(parts["sigma"], 0.02)
    turn = Rotation.from_rotvec(rng.normal(0.0, 0.2, (len(truth), 3)))
    parts["axes"] = (parts["axes"] @ turn.as_matrix()).astype(np.float32)
    return views_of(parts)


def test_whole_examples_come_with_the_lifters_answers(drawn, shard):
    n = len(drawn.examples)
    assert shard["position"].shape == (n, 33, 3)
    assert shard["sigma"].shape == (n, 33)
    assert (shard["sigma"] > 0.0).all()
    np.testing.assert_array_equal(shard["truth"], [row["truth"] for row in drawn.examples])
    away = shard["position"] - shard["truth"][:, :33]
    assert 0.01 < np.abs(away).mean() < 2.0  # it has learned nothing


def test_the_views_to_check_with_are_all_shards_of_the_folder(drawn, small):
    lifter = Lifter(small).eval()
    found = train_pelvis.unseen_views(lifter, drawn.path.parent, 1.0)
    again = train_pelvis.unseen_views(lifter, drawn.path.parent, 1.0)
    assert len(found) == len(drawn.examples)
    for one, other in zip(next(found.chunks())[0], next(again.chunks())[0], strict=True):
        assert torch.equal(one, other)


def test_the_head_learns_a_few_views(views):
    head = PelvisHead(channels=(8, 8, 16), width=64)
    given, value, marks = views.draw(np.random.default_rng(0), 16)
    off = []

    def loss():
        found, _, moved = train_pelvis.loss_of(head(*given), value, marks)
        off.append(float(moved.abs().mean()))
        return found

    losses = falling(head.parameters(), loss, steps=25)
    assert losses[-1] < 0.6 * losses[0]
    assert off[-1] < 0.7 * off[0]
    assert all(p.grad is not None and p.grad.any() for p in head.parameters())


def outputs(value, change, marks, sigma=0.1):
    n = len(value)
    factor = sigma * torch.eye(4).expand(n, 4, 4)
    return Outputs(value, factor, change, factor, marks, torch.full((n, 4), 0.02))


def test_the_loss_is_least_for_the_truth_and_tells_the_errors():
    rng = torch.Generator().manual_seed(0)
    value = torch.randn(50, 2, 4, generator=rng)
    marks = torch.randn(50, 4, 3, generator=rng)
    change = value[:, 0] - value[:, 1]
    best, off, moved = train_pelvis.loss_of(outputs(value[:, 0], change, marks), value, marks)
    assert not off.any()
    assert not moved.any()
    step = torch.tensor([0.0, 0.1, 0.0, 0.0])
    for out, errors in (
        (outputs(value[:, 0] - step, change, marks), (step, 0.0)),
        (outputs(value[:, 0], change - step, marks), (0.0, step)),
        (outputs(value[:, 0], change, marks + 0.05), (0.0, 0.0)),
    ):
        loss, off, moved = train_pelvis.loss_of(out, value, marks)
        assert loss > best + 0.05
        np.testing.assert_allclose(off, torch.zeros(50, 4) + errors[0], atol=1e-6)
        np.testing.assert_allclose(moved, torch.zeros(50, 4) + errors[1], atol=1e-6)


def test_the_loss_is_least_for_honest_sigmas_of_the_change():
    rng = torch.Generator().manual_seed(0)
    value, marks = torch.zeros(500, 2, 4), torch.zeros(500, 4, 3)
    out = outputs(torch.zeros(500, 4), 0.1 * torch.randn(500, 4, generator=rng), marks)
    sigmas = (0.025, 0.05, 0.09, 0.2, 0.4)
    losses = [
        float(train_pelvis.loss_of(
            out._replace(change_factor=s * torch.eye(4).expand(500, 4, 4)), value, marks
        )[0])
        for s in sigmas
    ]  # fmt: skip
    assert np.argmin(losses) == 2


def test_the_tilt_weighs_most():
    value, marks = torch.zeros(4, 2, 4), torch.zeros(4, 4, 3)
    losses = []
    for k in range(4):
        off = 0.1 * torch.eye(4)[k].expand(4, 4)
        losses.append(float(train_pelvis.loss_of(outputs(off, off, marks), value, marks)[0]))
    assert np.argmax(losses) == 1


class Knowing(torch.nn.Module):
    """A head that says the truth, the tilt and its change off by constants."""

    def __init__(self, views, off=0.0, moved=0.0, slope=1.0):
        super().__init__()
        self.truths = [(value, marks) for _, value, marks in views.chunks()]
        self.off, self.moved, self.slope, self.asked = off, moved, slope, 0

    def forward(self, *_):
        value, marks = self.truths[self.asked]
        self.asked += 1
        tilt = torch.tensor([0.0, 1.0, 0.0, 0.0])
        change = self.slope * (value[:, 0] - value[:, 1])
        return outputs(value[:, 0] + self.off * tilt, change + self.moved * tilt, marks, 0.01)


def test_a_head_that_says_the_truth_makes_no_errors(views):
    figures = train_pelvis.evaluate(Knowing(views), views)
    for name in ("tilt", "sure", "sure_turn", "moved", "sure_moved", "lumbar", "mm"):
        assert figures[name] == pytest.approx(0.0, abs=1e-5), name
    for name in ("value_one", "value_two", "change_one", "change_two"):
        assert figures[name] == 1.0
    exercise = list(PROGRAMS)[int(views.exercise[0])]
    assert figures[f"{exercise}_slope"] == pytest.approx(1.0)
    assert figures[exercise] == pytest.approx(0.0, abs=1e-5)


def test_errors_of_value_and_change_are_told_apart_in_degrees(views):
    head = Knowing(views, off=np.deg2rad(3.0), moved=np.deg2rad(-0.4))
    figures = train_pelvis.evaluate(head, views)
    for name, wanted in (("tilt", 3.0), ("sure", 3.0), ("moved", 0.4), ("sure_moved", 0.4)):
        assert figures[name] == pytest.approx(wanted, rel=1e-4)
    assert figures["sure_turn"] == pytest.approx(0.0, abs=1e-5)
    assert figures["value_two"] == 0.0  # 3 degrees where 0.6 are said
    assert figures["change_one"] == 1.0


def test_the_slope_shows_a_head_that_follows_half_of_the_motion(views):
    figures = train_pelvis.evaluate(Knowing(views, slope=0.5), views)
    exercise = list(PROGRAMS)[int(views.exercise[0])]
    assert figures[f"{exercise}_slope"] == pytest.approx(0.5)


def test_all_views_are_answered_in_their_order(views):
    head = PelvisHead(channels=(8, 8, 16), width=64)
    out, value, marks = train_pelvis.answers(head, views)
    assert len(out.value) == len(value) == len(marks) == len(views)
    assert head.training
    given, first, _ = next(views.chunks(5))
    np.testing.assert_array_equal(value[:5], first)
    with torch.no_grad():
        np.testing.assert_allclose(head.eval()(*given).value, out.value[:5], atol=1e-5)


def test_a_varied_step_is_its_seed(batch, small):
    net, w = Lifter(small), train_lifter.weights()
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
