"""Views of a person whose trunk is an elliptic cylinder: all that is true of them is known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.spatial.transform import Rotation  # noqa: E402
from trunks import CAMERA, SIDE, seen_from  # noqa: E402

from lbp_rehab.estimate import Estimate, Status  # noqa: E402
from lbp_rehab.pelvis.head import in_frame_of, look, view_of  # noqa: E402
from lbp_rehab.pelvis.segments import pelvis_axes  # noqa: E402
from lbp_rehab.pose.skeleton import INDEX, NAMES, mirror_order  # noqa: E402
from lbp_rehab.pose.types import Support  # noqa: E402
from lbp_rehab.training import pelvic_views  # noqa: E402
from lbp_rehab.training.batches import KEYS, POINT_NAMES, Bursts, centre_of, raw  # noqa: E402
from lbp_rehab.training.lifter import Outputs as Lifted  # noqa: E402
from lbp_rehab.training.pelvic_views import (  # noqa: E402
    MAX_SIGMA_M,
    REFERENCES,
    Errors,
    Views,
    lifted,
    mirrored,
)
from lbp_rehab.training.pelvis import Inputs  # noqa: E402
from lbp_rehab.training.scenes import BURST_FRAMES, BURSTS  # noqa: E402

N = len(NAMES)
FRAMES = BURSTS * BURST_FRAMES
MARKS = np.array([[0.09, 0.12, 0.08], [0.10, -0.11, 0.07], [-0.09, 0.05, 0.10],
                  [-0.08, -0.06, 0.09]])  # fmt: skip
MIRROR = np.array([1.0, -1.0, 1.0])
UP = np.array([0.2, -0.9, -0.3]) / np.linalg.norm([0.2, -0.9, -0.3])


def shard_of(scenes, seed=7, exercise=3, key=0):
    """Return the arrays of a shard, the true joints as what the lifter answers."""
    rng = np.random.default_rng(key)
    value = rng.normal(0.0, 0.2, (len(scenes), 4))
    truth = np.array([np.vstack([s.position, MARKS @ s.axes.T + s.origin]) for s in scenes])
    turn = Rotation.from_rotvec(value[:, :3]).as_matrix()
    region = [[*s.region.centre, s.region.size, s.region.rotation] for s in scenes]
    f4, n = np.float32, len(scenes)
    return {
        "pelvic_depth": np.round(1000.0 * np.array([s.readings for s in scenes])).astype(np.uint16),
        "pelvic_region": np.array(region, f4),
        "camera": np.tile(np.array([CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy], f4), (n, 1)),
        "truth": truth.astype(f4),
        "axes": (np.array([s.axes for s in scenes]) @ turn).astype(f4),
        "lumbar": value[:, 3].astype(f4),
        "up": np.tile(UP.astype(f4), (n, 1)),
        "exercise": np.full(n, exercise, np.int16),
        "seed": np.full(n, seed, np.int64),
        "position": truth[:, :N].astype(f4),
        "sigma": np.full((n, N), 0.02, f4),
        "wanted": value,
    }


def joined(*shards):
    return {key: np.concatenate([one[key] for one in shards]) for key in shards[0]}


@pytest.fixture(scope="module")
def scenes():
    return [seen_from(20.0 + 2.0 * k, 5.0 + k) for k in range(FRAMES)]


@pytest.fixture(scope="module")
def shard(scenes):
    """Two scenes of the same views and other pelves."""
    return joined(shard_of(scenes, 7, key=1), shard_of(scenes, 8, exercise=5, key=2))


@pytest.fixture(scope="module")
def views(shard):
    made = Views()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pelvic_views, "UP_SIGMA", 0.0)
        patch.setattr(pelvic_views, "NO_UP", 0.0)
        made.add(shard, np.random.default_rng(0))
    return made


# Views


def test_up_is_a_little_wrong_and_sometimes_unknown(views, shard, monkeypatch):
    monkeypatch.setattr(pelvic_views, "NO_UP", 0.3)
    varied = Views()
    varied.add(shard, np.random.default_rng(1))
    ((one, _, _),), ((other, _, _),) = views.chunks(2 * FRAMES), varied.chunks(2 * FRAMES)
    known = other.others[:, 3] == 1.0
    assert 0.05 < float((~known).float().mean()) < 0.6
    assert not other.others[~known, :3].any()
    off = (one.others - other.others)[known, :3].norm(dim=1)
    assert 0.002 < float(off.mean()) < 0.04
    assert torch.equal(one.others[:, 4:], other.others[:, 4:])


def test_every_frame_is_a_view_with_its_truth(views, shard):
    assert len(views) == 2 * FRAMES
    np.testing.assert_array_equal(views.exercise, [3] * FRAMES + [5] * FRAMES)
    assert views.sure.all()
    found = [np.concatenate(parts) for parts in zip(*(
        (value.numpy(), marks.numpy()) for _, value, marks in views.chunks(13)
    ), strict=True)]  # fmt: skip
    np.testing.assert_allclose(found[0][:, 0], shard["wanted"], atol=1e-5)
    np.testing.assert_allclose(found[1], np.tile(MARKS, (2 * FRAMES, 1, 1)), atol=1e-5)


def test_what_is_drawn_has_the_shapes_of_the_head_and_is_its_seed(views):
    given, value, marks = views.draw(np.random.default_rng(3), 17)
    assert value.shape == (17, 2, 4)
    assert marks.shape == (17, 4, 3)
    from lbp_rehab.training.export import pelvis_example

    for name, one, example in zip(Inputs._fields, given, pelvis_example(0), strict=True):
        assert one.shape == (17, *example.shape[1:]), name
        assert one.dtype == torch.float32, name
        assert torch.isfinite(one).all()
    again = views.draw(np.random.default_rng(3), 17)
    assert all(torch.equal(a, b) for a, b in zip(given, again[0], strict=True))
    assert torch.equal(value, again[1])
    other = views.draw(np.random.default_rng(4), 17)
    assert not torch.equal(value, other[1])


def test_the_second_value_is_the_references(views, shard):
    """Which frame the reference is, its joints and its own value must all agree upon."""
    rng = np.random.default_rng(0)
    every = list(views.chunks(2 * FRAMES)) + [views.draw(rng, 40) for _ in range(6)]
    others = {tuple(row): k for k, row in enumerate(every[0][0].others.numpy()[:FRAMES])}
    assert len(others) == FRAMES
    for given, value, _ in every:
        frame = np.array([others[tuple(row)] for row in given.reference_others.numpy()])
        scene = np.abs(value[:, None, 0] - shard["wanted"]).sum(dim=2).argmin(dim=1) // FRAMES
        wanted = shard["wanted"][FRAMES * scene.numpy() + frame]  # of the same patient
        np.testing.assert_allclose(value[:, 1], wanted, atol=1e-5)


def test_first_references_are_of_another_burst(views):
    (given, _, _), = views.chunks(2 * FRAMES)  # fmt: skip
    others = {tuple(row): k for k, row in enumerate(given.others.numpy()[:FRAMES])}
    frame = np.array([others[tuple(row)] for row in given.reference_others.numpy()])
    own = np.arange(2 * FRAMES) % FRAMES
    assert (frame // BURST_FRAMES != own // BURST_FRAMES).all()
    np.testing.assert_array_equal(np.sort(frame), np.repeat(np.arange(FRAMES), 2))


def test_drawn_references_are_of_every_kind(views):
    rng = np.random.default_rng(1)
    same = [views.draw(rng, 20) for _ in range(12)]
    firsts = {tuple(r) for given, _, _ in views.chunks() for r in np.hstack(
        [given.others.numpy(), given.reference_others.numpy()])}  # fmt: skip
    of_first = [
        all(tuple(r) in firsts for r in np.hstack([g.others.numpy(), g.reference_others.numpy()]))
        for g, _, _ in same
    ]
    assert REFERENCES == 2
    assert any(of_first)
    assert not all(of_first)


def test_the_inputs_are_those_of_the_estimator(scenes, views):
    """The shard's depth is what the estimator cuts out of the image; its joints are the same."""
    (given, _, _), = views.chunks(2 * FRAMES)  # fmt: skip
    support = Support(UP, 0.01, Estimate(1.0, 0.1, Status.MEASURED))
    others = {tuple(row): k for k, row in enumerate(given.others.numpy()[:FRAMES])}
    for k in (0, 9):
        before = others[tuple(given.reference_others[k].numpy())]
        now, then = (look(_pose(scenes[i], support), scenes[i].depth, CAMERA) for i in (k, before))
        here, trunk = in_frame_of(now, then)
        for name, wanted in (("joints", now.joints), ("others", now.others), ("trunk", trunk),
                             ("reference_joints", then.joints),
                             ("reference_others", then.others)):  # fmt: skip
            np.testing.assert_allclose(getattr(given, name)[k], wanted, atol=1e-4, err_msg=name)
        for name, wanted in (("surface", now.surface), ("reference", then.surface),
                             ("here", here)):  # fmt: skip
            found = getattr(given, name)[k].numpy()
            both = np.minimum(found[3], wanted[3]) > 0.5
            assert both.sum() > 80
            apart = np.abs(found[0] - wanted[0])[both]  # decimetres
            assert np.median(apart) < 0.02, name
            assert apart.max() < 0.15, name
            # Cells at the edge of what is seen are on one of the maps alone.
            assert (found[1] != wanted[1]).sum() < 0.25 * wanted[1].sum(), name


def _pose(scene, support):
    from lbp_rehab.pose.types import BodyPose

    status = np.full(N, int(Status.MEASURED))
    covariance = np.tile(np.eye(3) * 0.02**2, (N, 1, 1))
    return BodyPose(
        1, "camera", NAMES, scene.position, covariance, status, np.zeros(N, int), np.ones(N),
        CAMERA.project(np.maximum(scene.position, [-np.inf, -np.inf, 0.1])), support=support,
    )  # fmt: skip


def test_joints_that_would_not_be_published_are_unknown(scenes):
    shard = shard_of(scenes[:6])
    shard["sigma"][:, INDEX["l_knee"]] = MAX_SIGMA_M + 0.001
    shard["sigma"][:, INDEX["nose"]] = MAX_SIGMA_M - 0.001
    views = Views()
    views.add(shard, np.random.default_rng(0))
    (given, _, _), = views.chunks()  # fmt: skip
    assert not given.joints[:, 7].any()
    np.testing.assert_allclose(given.joints[:, 4, 3:], [[10 * (MAX_SIGMA_M - 0.001), 1.0]] * 6,
                               rtol=1e-5)  # fmt: skip


def test_a_view_is_sure_if_its_joints_and_those_of_its_reference_are_right(scenes):
    shard = shard_of(scenes)
    shard["position"][5, [11, 12]] += 0.1  # of four; 17 cm each make 8.7 on average
    shard["position"][7, [11, 12]] += 0.02
    shard["position"][8, 25] += 1.0  # a knee is not of the trunk
    views = Views()
    views.add(shard, np.random.default_rng(0))
    (given, _, _), = views.chunks()  # fmt: skip
    others = {tuple(row): k for k, row in enumerate(given.others.numpy())}
    frame = np.array([others[tuple(row)] for row in given.reference_others.numpy()])
    wrong = (np.arange(FRAMES) == 5) | (frame == 5)
    np.testing.assert_array_equal(views.sure, ~wrong)
    assert wrong.sum() == 2


def test_shards_are_added_one_after_the_other(shard, views):
    twice = Views()
    rng = np.random.default_rng(0)
    twice.add(shard, rng)
    twice.add({**shard, "lumbar": shard["lumbar"] + 1.0}, rng)
    assert len(twice) == 4 * FRAMES
    values = torch.cat([value for _, value, _ in twice.chunks(31)])
    plain = torch.cat([value for _, value, _ in views.chunks()])
    np.testing.assert_allclose(values[: 2 * FRAMES], plain, atol=1e-6)
    np.testing.assert_allclose(values[2 * FRAMES :, 0, 3], plain[:, 0, 3] + 1.0, atol=1e-6)
    np.testing.assert_allclose(values[2 * FRAMES :, 1, 3], plain[:, 1, 3] + 1.0, atol=1e-6)
    with pytest.raises(AttributeError):
        _ = twice.nothing


# Mirrored


def batch_of(pairs, axes, marks):
    """Return inputs, values and landmarks of pairs of views, as a batch, in double precision."""
    rows, values = [], []
    for (now, then), turns in zip(pairs, axes, strict=True):
        here, trunk = in_frame_of(now, then)
        rows.append((now.surface, then.surface, here, now.joints, now.others, then.joints,
                     then.others, trunk))  # fmt: skip
        values.append([np.append(Rotation.from_matrix(v.base.T @ a).as_rotvec(), 0.3)
                       for v, a in zip((now, then), turns, strict=True)])  # fmt: skip
    given = Inputs(*[torch.tensor(np.array(parts)) for parts in zip(*rows, strict=True)])
    away = [(m - now.origin) @ now.base for (now, _), m in zip(pairs, marks, strict=True)]
    return given, torch.tensor(np.array(values)), torch.tensor(np.array(away))


def test_mirrored_views_are_views_of_mirrored_people():
    """The trunk is thicker on one side, and the camera sees it from that side."""
    order = mirror_order(NAMES)
    sigma = np.linspace(0.01, 0.05, N)
    sigma[INDEX["l_ankle"]] = -1.0
    flip = np.array([-1.0, 1.0, 1.0])
    plain, other = [], []
    for azimuth in (-20.0, 35.0):
        scene = seen_from(azimuth, 15.0, shift_m=(0.01, 0.03))
        readings, rays = scene.readings, scene.rays
        plain.append(view_of(readings, rays, scene.position, sigma, UP))
        across = rays.copy()  # from columns counted from the other side
        across[:, 2] += across[:, 0] * (SIDE - 1.0)
        across[:, 0] *= -1.0
        across[0] *= -1.0
        position = scene.position[order] * flip
        other.append(view_of(readings[:, ::-1], across, position, sigma[order], UP * flip))
    axes = [Rotation.random(random_state=k).as_matrix() for k in (1, 2)]
    turned = [np.diag(flip) @ a @ np.diag(MIRROR) for a in axes]
    marks = [MARKS @ v.base.T + v.origin for v in plain]
    given, value, away = batch_of([plain, plain[::-1]], [axes, axes[::-1]], marks)
    swap = [POINT_NAMES[N:].index(n) for n in ("r_asis", "l_asis", "r_psis", "l_psis")]
    wanted = batch_of([other, other[::-1]], [turned, turned[::-1]], [m[swap] * flip for m in marks])
    found = mirrored(given, value, away)
    for name, a, b in zip(Inputs._fields, found[0], wanted[0], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5, err_msg=name)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-9)
    np.testing.assert_allclose(found[2], wanted[2], atol=1e-9)
    for a, b in zip(found[0], given, strict=True):
        assert not torch.equal(a, b)


def test_a_mirror_of_a_mirror_is_the_view(views):
    plain = views.draw(np.random.default_rng(0), 9)
    twice = mirrored(*mirrored(*plain))
    for a, b in zip((*twice[0], *twice[1:]), (*plain[0], *plain[1:]), strict=True):
        assert torch.equal(a, b)


# Errors that are lent


def off_in_body(shard):
    """Return the errors of the joints in the frame of the true hips and shoulders."""
    points = shard["truth"][:, [23, 24, 11, 12]].astype(float)
    return (shard["position"].astype(float) - shard["truth"][:, :N]) @ pelvis_axes(points)


def donor(azimuth_deg, size_m, seed, exercise=3, distance_m=2.2):
    """Return a scene from one side with errors of a size, and sigmas that tell which they are."""
    scenes = [seen_from(azimuth_deg + k, distance_m=distance_m) for k in range(10)]
    shard = shard_of(scenes, seed, exercise)
    rng = np.random.default_rng(seed)
    off = rng.normal(0.0, size_m, (10, N, 3))
    axes = np.array([scene.axes for scene in scenes])
    shard["position"] = (shard["position"] + off @ np.swapaxes(axes, 1, 2)).astype(np.float32)
    shard["sigma"] = np.abs(off[..., 0]).astype(np.float32)
    return shard


def lent(donors, shard, seed=0):
    errors = Errors()
    for one in donors:
        errors.keep(one)
    return errors.lend(shard, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def wanting():
    """A scene of surfaces alone, seen from the front and from higher up."""
    return shard_of([seen_from(k - 4.0, 25.0, roll_deg=30.0) for k in range(9)], 70)


def test_lent_errors_are_the_donors_in_the_frame_of_the_body(wanting):
    one = donor(0.0, 0.03, 1)
    got = lent([one], wanting)
    off, wanted = off_in_body({**wanting, **got}), off_in_body(one)
    assert got["position"].shape == (9, N, 3)
    taken = [int(np.abs(wanted - each).sum(axis=(1, 2)).argmin()) for each in off]
    np.testing.assert_allclose(off, wanted[taken], atol=1e-5)
    assert len(set(taken)) > 3
    # With the sigmas that the lifter had when it was wrong by so much.
    np.testing.assert_array_equal(got["sigma"], one["sigma"][taken])
    # Nothing is lent in the camera's frame, which is another.
    plain = got["position"] - wanting["truth"][:, :N]
    assert not np.allclose(plain, (one["position"] - one["truth"][:, :N])[taken], atol=1e-3)


@pytest.mark.parametrize("distance_m", [2.2, 3.6])
def test_errors_are_lent_by_a_scene_seen_from_the_same_side(wanting, distance_m):
    """However far from the camera the other scenes are."""
    donors = [donor(0.0, 0.01, 1), donor(50.0, 0.5, 2, distance_m=distance_m),
              donor(180.0, 0.5, 3, distance_m=distance_m)]  # fmt: skip
    for seed in range(4):
        got = lent(donors, wanting, seed)
        assert np.abs(off_in_body({**wanting, **got})).max() < 0.06


def test_errors_are_lent_within_an_exercise(wanting):
    donors = [donor(0.0, 0.5, 1, exercise=4), donor(180.0, 0.01, 2)]
    assert np.abs(off_in_body({**wanting, **lent(donors, wanting)})).max() < 0.06


def test_each_scene_borrows_from_one_scene(wanting):
    """Scenes of a shard are told apart by their seeds, and so are those that lend."""
    donors = joined(donor(0.0, 0.01, 1), donor(0.0, 0.1, 2))
    both = joined(wanting, {**wanting, "seed": wanting["seed"] + 1})
    sizes = set()
    for seed in range(12):
        off = off_in_body({**both, **lent([donors], both, seed)})
        for rows in (slice(0, 9), slice(9, 18)):
            each = off[rows].std(axis=(1, 2))
            assert each.max() < 1.5 * each.min()
            sizes.add(round(float(each.mean()), 1))
    assert sizes == {0.0, 0.1}


def test_what_is_lent_is_its_seed_and_leaves_the_truth(wanting):
    truth = wanting["truth"].copy()
    donors = [donor(0.0, 0.03, 1)]
    one, other, third = lent(donors, wanting), lent(donors, wanting), lent(donors, wanting, 5)
    np.testing.assert_array_equal(one["position"], other["position"])
    assert not np.array_equal(one["position"], third["position"])
    np.testing.assert_array_equal(wanting["truth"], truth)


# What the lifter answers


class FakeLifter:
    """Answers with the centre it is given, a millimetre farther in each step."""

    def __init__(self):
        self.given = []

    def __call__(self, *given):
        from lbp_rehab.training.lifter import Inputs as Given

        self.given.append(Given(*given))
        n, step = len(given[0]), len(self.given)
        place = self.given[-1].centre[:, None] + 0.001 * torch.arange(37.0)[:, None]
        factor = 0.01 * step * torch.eye(3).expand(n, 37, 3, 3)
        return Lifted(place, factor, torch.zeros(n, 37, 2), place)


def test_the_lifter_is_asked_frame_by_frame_with_its_last_answer(drawn, tmp_path):
    with np.load(drawn.path) as shard:
        arrays = {key: np.concatenate([shard[key]] * 2) for key in shard.files}
    arrays["pixel"][BURST_FRAMES:] += np.float32(12.0)  # another burst
    path = tmp_path / "train_000001.npz"
    np.savez(path, **arrays)
    fake = FakeLifter()
    got = lifted(fake, path, torch.Generator().manual_seed(0), varied=False)
    item = {k: v.flatten(0, 1) for k, v in raw(Bursts([path], KEYS).take(np.arange(2))).items()}
    centre = centre_of(item)[0].numpy()
    assert not np.allclose(centre[0], centre[BURST_FRAMES], atol=1e-3)
    wanted = centre[:, None] + 0.001 * np.arange(N)[:, None]
    assert got["position"].shape == (2 * BURST_FRAMES, N, 3)
    np.testing.assert_allclose(got["position"], wanted, atol=1e-5)
    steps = np.tile(np.arange(1, BURST_FRAMES + 1), 2)
    np.testing.assert_allclose(got["sigma"], 0.01 * steps[:, None] * np.ones(N), rtol=1e-5)
    assert len(fake.given) == BURST_FRAMES
    for step in range(1, BURST_FRAMES):
        last, elapsed = fake.given[step].last, fake.given[step].elapsed
        np.testing.assert_allclose(last[:, :N, :3], wanted[[step - 1, step + 3]], atol=1e-5)
        np.testing.assert_allclose(last[..., 3], 0.01 * step, rtol=1e-5)
        assert (last[..., 4] == 1.0).all()
        np.testing.assert_allclose(elapsed[:, 0], arrays["dt"][[step, step + BURST_FRAMES]])
    assert not fake.given[0].last.any()


def test_a_shard_is_read_without_what_the_head_does_not_need(drawn):
    arrays = pelvic_views.read(drawn.path)
    assert set(arrays) == set(pelvic_views.ARRAYS)
    np.testing.assert_array_equal(arrays["axes"], [row["axes"] for row in drawn.examples])
