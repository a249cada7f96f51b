import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.spatial.transform import Rotation  # noqa: E402

from lbp_rehab.pelvis.head import BODY  # noqa: E402
from lbp_rehab.pelvis.surface_map import CHANNELS, COLUMNS, ROWS  # noqa: E402
from lbp_rehab.training import export, pelvis  # noqa: E402
from lbp_rehab.training.export import lifter_example, pelvis_example  # noqa: E402
from lbp_rehab.training.lifter import Lifter  # noqa: E402
from lbp_rehab.training.onnx_file import TOLERANCE  # noqa: E402
from lbp_rehab.training.pelvis import PelvisHead  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def net(small):
    return Lifter(small).eval()


@pytest.fixture
def head():
    return PelvisHead(channels=(8, 8, 16), width=64).eval()


def answer(module, given):
    with torch.no_grad():
        return module(*given)


def roll(radians):
    """Return what a camera that is rolled about its axis sees of a vector."""
    c, s = np.cos(radians), np.sin(radians)
    return torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float32)


def example(seed=0):
    """Return inputs that are as consistent as real ones: gravity's axes are right-handed."""
    given = lifter_example(seed)
    axes = torch.tensor(Rotation.random(random_state=seed).as_matrix(), dtype=torch.float32)
    return given._replace(axes=axes[None])


# Frames


@pytest.mark.parametrize("radians", [0.5, -2.0])
def test_the_lifters_answer_turns_with_a_rolled_camera(net, radians):
    given, turn = example(), roll(radians)
    last = given.last.clone()
    last[..., :3] = last[..., :3] @ turn.T
    shape = given.shape.clone()
    shape[..., :3] = shape[..., :3] @ turn.T
    rolled = given._replace(
        rays=turn[:2, :2] @ given.rays, axes=given.axes @ turn.T, centre=given.centre @ turn.T,
        last=last, shape=shape,
    )  # fmt: skip
    one, other = answer(net, given), answer(net, rolled)
    np.testing.assert_allclose(other.position, one.position @ turn.T, atol=1e-4)
    np.testing.assert_allclose(other.first, one.first @ turn.T, atol=1e-4)
    np.testing.assert_allclose(other.factor, one.factor, atol=1e-4)
    np.testing.assert_allclose(other.seen, one.seen, atol=1e-4)


def test_without_a_surface_the_points_move_with_the_centre(net):
    """Nothing else tells where the body is, and the camera's place is left out."""
    with torch.no_grad():
        for layer in (net.first.start, net.scene):
            layer.weight.zero_()
    given = example()
    nothing = torch.zeros_like(given.depth)
    given = given._replace(depth=nothing, last=torch.zeros_like(given.last))
    step = torch.tensor([[0.3, -0.2, 0.9]])
    moved = given._replace(centre=given.centre + step)
    one, other = answer(net, given), answer(net, moved)
    np.testing.assert_allclose(other.position, one.position + step[:, None], atol=1e-5)


def test_random_networks_answer_near_the_body_in_the_cameras_frame(net, head):
    found = answer(net, example())
    assert float((found.position - example().centre[:, None]).norm(dim=-1).max()) < 3.0
    assert (torch.linalg.eigvalsh(found.factor @ found.factor.transpose(-1, -2)) > 0).all()
    assert not torch.triu(found.factor, 1).any()
    said = answer(head, pelvis_example(0))
    assert said.value.shape == said.change.shape == (1, 4)
    assert float(torch.cat([said.value, said.change]).abs().max()) < 1.0
    assert float(said.landmarks.norm(dim=-1).max()) < 0.5
    assert (said.spread > 0.002).all()
    for factor in (said.factor, said.change_factor):
        assert factor.shape == (1, 4, 4)
        assert not torch.triu(factor, 1).any()
        spread = torch.diagonal(factor, dim1=1, dim2=2)
        assert (spread >= pelvis.MIN_SIGMA_RAD).all()
        assert (spread <= pelvis.MAX_SIGMA_RAD).all()


# What is not given


def test_a_landmark_that_is_not_given_has_no_influence(net):
    given = example()
    landmarks, shape, heat = (v.clone() for v in (given.landmarks, given.shape, given.heat))
    landmarks[:, 20, 2:], shape[:, 20], heat[:, 20] = 0.0, 0.0, 0.0
    one = given._replace(landmarks=landmarks, shape=shape, heat=heat)
    elsewhere = landmarks.clone()
    elsewhere[:, 20, :2] = torch.tensor([12.0, 150.0])
    other = answer(net, one._replace(landmarks=elsewhere))
    np.testing.assert_allclose(other.position, answer(net, one).position, atol=1e-5)


@pytest.mark.parametrize("columns", [slice(0, 3), slice(3, 4)])
def test_a_last_estimate_that_is_not_known_has_no_influence(net, columns):
    given = example()
    last = given.last.clone()
    last[..., 4] = 0.0
    other = last.clone()
    other[..., columns] += 5.0
    one = answer(net, given._replace(last=last)).position
    np.testing.assert_allclose(answer(net, given._replace(last=other)).position, one, atol=1e-5)


def test_readings_far_from_the_body_have_no_influence(net, head):
    given = example()
    depth = torch.full_like(given.depth, 9.0)
    one = answer(net, given._replace(depth=depth))
    other = answer(net, given._replace(depth=torch.zeros_like(depth)))
    np.testing.assert_allclose(one.position, other.position, atol=1e-5)


# The pelvis head


def test_the_surface_is_a_ring(head):
    """What is turned about the trunk's axis by a cell of the last map is seen as turned so."""
    maps = torch.randn(1, 3 * CHANNELS + 2, ROWS, COLUMNS)
    until = head.surface[:-1]  # the last step makes a vector of it
    with torch.no_grad():
        one, turned = until(maps), until(maps.roll(4, dims=-1))
        plain = pelvis.Round(3, 5)
        small = torch.randn(1, 3, 6, 8)
        every, shifted = plain(small), plain(small.roll(1, dims=-1))
    np.testing.assert_allclose(turned, one.roll(1, dims=-1), atol=1e-4)
    assert not np.allclose(turned, one, atol=1e-2)
    np.testing.assert_allclose(shifted, every.roll(1, dims=-1), atol=1e-5)


def test_how_much_a_surface_has_grown_is_known_where_both_are_seen():
    now, before = torch.zeros(1, CHANNELS, 1, 4), torch.zeros(1, CHANNELS, 1, 4)
    now[0, 0], before[0, 0] = 0.3, 0.1  # decimetres: 2 cm, which are halved
    now[0, 1, 0] = torch.tensor([1.0, 1.0, 0.0, 0.0])
    before[0, 1, 0] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(pelvis._grown(now, before)[0, 0, 0], [1.0, 0.0, 0.0, 0.0], atol=1e-6)


@pytest.mark.parametrize("name", pelvis.Inputs._fields)
def test_everything_that_the_head_is_given_counts(head, name):
    given = pelvis_example(0)
    other = given._replace(**{name: getattr(given, name) + 0.3})
    one, two = answer(head, given), answer(head, other)
    assert float((one.value - two.value).abs().max()) > 1e-5
    assert float((one.change - two.change).abs().max()) > 1e-5


def test_the_answer_for_one_does_not_depend_on_who_else_is_in_the_batch(head):
    several = [pelvis_example(seed) for seed in range(3)]
    batch = pelvis.Inputs(*[torch.cat(parts) for parts in zip(*several, strict=True)])
    together = answer(head, batch)
    for k, given in enumerate(several):
        for a, b in zip(answer(head, given), together, strict=True):
            np.testing.assert_allclose(a[0], b[k], atol=1e-5)


# Export


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(export.KINDS))
def test_onnxruntime_says_what_torch_says(kind, tmp_path):
    pytest.importorskip("onnxruntime")
    made = export.KINDS[kind][0]()
    path = tmp_path / f"{kind}.onnx"
    assert export.export(kind, made, path) < TOLERANCE
    assert path.stat().st_size > 100_000


def test_the_scale_of_the_sigmas_is_that_of_the_factors_alone(tmp_path, head):
    pytest.importorskip("onnxruntime")
    from lbp_rehab.pose.network import Network

    answers = []
    for scale in (1.0, 1.5):
        path = tmp_path / f"{scale}.onnx"
        assert export.export("pelvis", head, path, scale) < TOLERANCE
        given = pelvis_example(7)._asdict()
        answers.append(Network(path)(**{k: v[0].numpy() for k, v in given.items()}))
    names = export.KINDS["pelvis"][2]
    assert names == pelvis.Outputs._fields
    for name, one, other in zip(names, *answers, strict=True):
        wanted = one * 1.5 if name in ("factor", "change_factor") else one
        np.testing.assert_allclose(other, wanted, atol=1e-5, err_msg=name)


def test_an_export_that_differs_is_refused(tmp_path, head, monkeypatch):
    pytest.importorskip("onnxruntime")

    class Wrong(export.Network):
        def __call__(self, **inputs):
            return [out + 0.01 for out in super().__call__(**inputs)]

    monkeypatch.setattr(export, "Network", Wrong)
    with pytest.raises(ValueError, match=r"differ by 0\.01"):
        export.export("pelvis", head, tmp_path / "wrong.onnx")


@pytest.mark.slow
def test_weights_as_training_saves_them_are_exported(tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnxruntime")
    torch.save({"net": PelvisHead().state_dict()}, tmp_path / "w.pt")
    out = tmp_path / "w.onnx"
    monkeypatch.setattr(
        "sys.argv", ["export", "pelvis", str(tmp_path / "w.pt"), str(out), "--sigma-scale", "1.2"]
    )
    export.main()
    assert out.is_file()
    assert "differ by" in capsys.readouterr().out


def test_the_examples_have_the_shapes_that_the_estimators_give():
    for given in (lifter_example(0), pelvis_example(0)):
        assert all(v.shape[0] == 1 and v.dtype == torch.float32 for v in given)
    assert lifter_example(0).landmarks.shape == (1, 33, 4)
    given = pelvis_example(0)
    for surface in (given.surface, given.reference, given.here):
        assert surface.shape == (1, CHANNELS, ROWS, COLUMNS)
    assert given.joints.shape == given.reference_joints.shape == (1, len(BODY), 5)
    assert given.others.shape == given.reference_others.shape == (1, 7)
    assert given.trunk.shape == (1, 4, 3)


def test_the_head_of_the_estimator_gives_what_the_network_takes(tmp_path, head):
    """The file of a random network answers as the network itself does for two views."""
    pytest.importorskip("onnxruntime")
    from trunks import seen_from

    from lbp_rehab.pelvis.head import PelvisHead as Runner
    from lbp_rehab.pelvis.head import in_frame_of

    export.export("pelvis", head, tmp_path / "w.onnx")
    now, before = seen_from(20.0).view(), seen_from(50.0, 25.0).view()
    seen = Runner(tmp_path / "w.onnx")(now, before)
    here, trunk = in_frame_of(now, before)
    given = (now.surface, before.surface, here, now.joints, now.others, before.joints,
             before.others, trunk)  # fmt: skip
    out = answer(head, [torch.from_numpy(v)[None] for v in given])
    np.testing.assert_allclose(seen.value, out.value[0], atol=1e-4)
    np.testing.assert_allclose(seen.change, out.change[0], atol=1e-4)
    for covariance, factor in (
        (seen.covariance, out.factor[0]), (seen.change_covariance, out.change_factor[0]),
    ):  # fmt: skip
        np.testing.assert_allclose(covariance, factor @ factor.T, atol=1e-4)
    np.testing.assert_allclose((seen.landmarks - now.origin) @ now.base, out.landmarks[0],
                               atol=1e-4)  # fmt: skip
    np.testing.assert_allclose(seen.landmark_sigma, out.spread[0], atol=1e-4)
