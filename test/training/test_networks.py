import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.spatial.transform import Rotation  # noqa: E402

from lbp_rehab.training import export, train_pelvis  # noqa: E402
from lbp_rehab.training.export import TOLERANCE, lifter_example, pelvis_example  # noqa: E402
from lbp_rehab.training.lifter import Lifter, LifterSize  # noqa: E402
from lbp_rehab.training.pelvis import PelvisHead  # noqa: E402

SMALL = LifterSize(width=32, heads=2, layers=2, channels=(8, 8, 16))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def net():
    return Lifter(SMALL).eval()


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


@pytest.mark.parametrize("radians", [0.5, -2.0])
def test_the_pelvis_turns_with_a_rolled_camera(head, radians):
    given, turn = pelvis_example(0), roll(radians)
    base = torch.tensor(Rotation.random(random_state=3).as_matrix(), dtype=torch.float32)[None]
    given = given._replace(base=base)
    joints, up, last = given.joints.clone(), given.up.clone(), given.last.clone()
    joints[..., :3] = joints[..., :3] @ turn.T
    up[:, :3] = up[:, :3] @ turn.T
    last[:, :3], last[:, 3:6] = last[:, :3] @ turn.T, last[:, 3:6] @ turn.T
    rolled = given._replace(
        rays=turn[:2, :2] @ given.rays, origin=given.origin @ turn.T, base=turn @ base,
        joints=joints, up=up, last=last,
    )  # fmt: skip
    one, other = answer(head, given), answer(head, rolled)
    np.testing.assert_allclose(other.axes, turn @ one.axes, atol=1e-4)
    np.testing.assert_allclose(other.landmarks, one.landmarks @ turn.T, atol=1e-4)
    np.testing.assert_allclose(other.factor, one.factor, atol=1e-4)
    np.testing.assert_allclose(other.lumbar, one.lumbar, atol=1e-4)


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
    given = pelvis_example(0)
    given = given._replace(base=torch.eye(3)[None])
    said = answer(head, given)
    np.testing.assert_allclose(said.axes[0] @ said.axes[0].T, np.eye(3), atol=1e-5)
    assert float(torch.linalg.det(said.axes[0])) == pytest.approx(1.0, abs=1e-5)
    assert not torch.triu(said.factor, 1).any()
    assert (torch.diagonal(said.factor, dim1=1, dim2=2) > 0).all()


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
    given = pelvis_example(0)
    depth = torch.full_like(given.depth, 9.0)
    one = answer(head, given._replace(depth=depth))
    other = answer(head, given._replace(depth=torch.zeros_like(depth)))
    np.testing.assert_allclose(one.axes, other.axes, atol=1e-5)


def test_an_unknown_joint_has_no_influence_on_the_pelvis(head):
    given = pelvis_example(0)
    joints = given.joints.clone()
    joints[:, 5, 3] = -1.0
    other = joints.clone()
    other[:, 5, :3] += 3.0
    one = answer(head, given._replace(joints=joints))
    two = answer(head, given._replace(joints=other))
    np.testing.assert_allclose(one.axes, two.axes, atol=1e-6)


# Turns between pelves


def test_a_turn_between_pelves_is_the_rotation_vector_about_their_own_axes():
    rng = np.random.default_rng(0)
    axes = Rotation.random(50, random_state=1)
    turn = rng.normal(size=(50, 3))
    turn *= rng.uniform(0.0, 2.9, (50, 1)) / np.linalg.norm(turn, axis=1, keepdims=True)
    truth = axes * Rotation.from_rotvec(turn)
    found = train_pelvis.turn_between(
        torch.tensor(axes.as_matrix()), torch.tensor(truth.as_matrix())
    )
    np.testing.assert_allclose(found, turn, atol=1e-6)
    same = torch.tensor(axes.as_matrix())
    np.testing.assert_allclose(train_pelvis.turn_between(same, same), 0.0, atol=1e-9)


# Export


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(export.KINDS))
def test_onnxruntime_says_what_torch_says(kind, tmp_path):
    pytest.importorskip("onnxruntime")
    made = export.KINDS[kind][0]()
    path = tmp_path / f"{kind}.onnx"
    assert export.export(kind, made, path) < TOLERANCE
    assert path.stat().st_size > 100_000


def test_the_scale_of_the_sigmas_is_that_of_the_factor_alone(tmp_path, head):
    pytest.importorskip("onnxruntime")
    from lbp_rehab.pose.network import Network

    answers = []
    for scale in (1.0, 1.5):
        path = tmp_path / f"{scale}.onnx"
        assert export.export("pelvis", head, path, scale) < TOLERANCE
        given = pelvis_example(7)._asdict()
        answers.append(Network(path)(**{k: v[0].numpy() for k, v in given.items()}))
    names = export.KINDS["pelvis"][2]
    for name, one, other in zip(names, *answers, strict=True):
        wanted = one * 1.5 if name == "factor" else one
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
    assert pelvis_example(0).joints.shape == (1, 33, 4)
