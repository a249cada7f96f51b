"""What the networks are trained on is what the estimators give them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lbp_rehab.pelvis.segments import pelvis_axes  # noqa: E402
from lbp_rehab.pose import gravity, lift  # noqa: E402
from lbp_rehab.pose.crop import to_crop  # noqa: E402
from lbp_rehab.pose.lift import Before, Lifter, metres, ray_map  # noqa: E402
from lbp_rehab.pose.skeleton import NAMES, mirror_order  # noqa: E402
from lbp_rehab.training import lifter  # noqa: E402
from lbp_rehab.training.batches import (  # noqa: E402
    KEYS,
    POINT_NAMES,
    Bursts,
    body_axes,
    centre_of,
    inputs,
    mirrored,
    raw,
)
from lbp_rehab.training.lifter import readings_of  # noqa: E402
from lbp_rehab.training.scenes import BURST_FRAMES  # noqa: E402

HIPS_AND_SHOULDERS = [POINT_NAMES.index(n) for n in ("l_hip", "r_hip", "l_shoulder", "r_shoulder")]


@pytest.fixture
def item(batch):
    """The frames of the burst, (BURST_FRAMES, ...)."""
    return {k: v[0] for k, v in raw(batch).items()}


def base_of(points):
    return torch.tensor(pelvis_axes(points[:, HIPS_AND_SHOULDERS].double().numpy())).float()


def generator():
    return torch.Generator().manual_seed(0)


class Recorder:
    """A network that keeps what it is given."""

    def __init__(self, *outputs):
        self.outputs = outputs

    def __call__(self, **given):
        self.given = given
        return self.outputs


@pytest.fixture
def recorded(monkeypatch):
    """Return the lifter of the estimator with a network that only records."""
    monkeypatch.setattr(lift, "Network", lambda _: None)
    made = Lifter()
    made._network = Recorder(np.zeros((37, 3)), np.tile(np.eye(3), (37, 1, 1)), np.zeros((37, 2)))
    return made


# The two paths


def test_a_shard_is_read_as_it_was_written(drawn, batch):
    assert set(KEYS) <= set(batch)
    for name, value in batch.items():
        wanted = np.stack([row[name] for row in drawn.examples]).astype(float)
        scale = 1e-3 if name.endswith("depth") else 1.0
        assert value.shape[:2] == (1, BURST_FRAMES)
        np.testing.assert_allclose(value[0].numpy(), wanted * scale, rtol=1e-6)


def test_bursts_are_found_across_shards(drawn):
    data = Bursts([drawn.path])
    assert len(data) == 1
    data.add([drawn.path])
    assert len(data) == 1
    twin = drawn.path.with_name("train_900000.npz")
    with np.load(drawn.path) as shard:
        arrays = dict(shard)
    arrays["truth"] = arrays["truth"] + 1.0
    try:
        np.savez(twin, **arrays)
        data.add([drawn.path, twin])
    finally:
        twin.unlink()
    taken = data.take(np.array([0, 1]), slice(1, 3))
    assert taken["truth"].shape == (2, 2, 37, 3)
    np.testing.assert_allclose(taken["truth"][1], taken["truth"][0] + 1.0)
    np.testing.assert_allclose(taken["truth"][0], arrays["truth"][1:3] - 1.0, atol=1e-6)


def test_crop_rays_and_landmarks_are_the_estimators(drawn, item):
    for k, (frame, region, found) in enumerate(
        zip(drawn.frames, drawn.regions, drawn.found, strict=True)
    ):
        camera, side = frame.shown.frame.intrinsics, lift.SIDE
        np.testing.assert_allclose(
            item["depth"][k], metres(frame.shown.frame.depth, region, side), rtol=1e-6
        )
        np.testing.assert_allclose(item["rays"][k], ray_map(region, camera), rtol=2e-4, atol=1e-6)
        np.testing.assert_allclose(item["uv"][k], to_crop(found.pixel, region, side), atol=5e-3)


def test_the_centre_is_the_estimators(drawn, item):
    found, measured = centre_of(item)
    assert measured.all()
    for k, region in enumerate(drawn.regions):
        rays = ray_map(region, drawn.frames[k].shown.frame.intrinsics)
        uv = to_crop(drawn.found[k].pixel, region, lift.SIDE)
        np.testing.assert_allclose(
            found[k], lift.centre_of(item["depth"][k].numpy(), uv, rays), atol=1e-4
        )


def test_the_centre_without_depth_is_the_estimators(drawn, item):
    item["depth"] = torch.zeros_like(item["depth"])
    found, measured = centre_of(item)
    assert not measured.any()
    for k, region in enumerate(drawn.regions):
        rays = ray_map(region, drawn.frames[k].shown.frame.intrinsics)
        uv = to_crop(drawn.found[k].pixel, region, lift.SIDE)
        np.testing.assert_allclose(
            found[k], lift.centre_of(item["depth"][k].numpy(), uv, rays), atol=1e-4
        )


def test_the_axes_are_the_estimators(item):
    found = body_axes(item["up"], item["rays"], torch.zeros(BURST_FRAMES)).numpy()
    for k in range(BURST_FRAMES):
        up, rays = item["up"][k].numpy().astype(float), item["rays"][k].numpy().astype(float)
        np.testing.assert_allclose(found[k], gravity.body_axes(up, rays), atol=1e-5)


def test_a_yaw_turns_the_axes_about_the_vertical(item):
    yaw = torch.tensor([0.0, 0.3, -2.0, 3.0])
    plain = body_axes(item["up"], item["rays"], torch.zeros(4))
    turn = body_axes(item["up"], item["rays"], yaw) @ plain.transpose(1, 2)
    np.testing.assert_allclose(turn[:, 0, 0], torch.cos(yaw), atol=1e-5)
    np.testing.assert_allclose(turn[:, 0, 1], torch.sin(yaw), atol=1e-5)
    np.testing.assert_allclose(turn[:, 2], [[0.0, 0.0, 1.0]] * 4, atol=1e-5)


@pytest.mark.parametrize("name", lifter.Inputs._fields)
def test_every_input_of_the_lifter_is_the_estimators(drawn, item, recorded, name):
    given, _ = inputs(item, generator(), False)
    for k in range(BURST_FRAMES):
        shown = drawn.frames[k].shown
        recorded(
            drawn.found[k], drawn.regions[k], shown.frame.depth, shown.frame.intrinsics,
            support=shown.pose.support,
        )  # fmt: skip
        ours = np.asarray(recorded._network.given[name], float)
        theirs = getattr(given, name)[k].numpy()
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-3, atol=6e-3 if name == "landmarks" else 1e-3
        )


def test_a_last_estimate_is_given_as_in_training(item, recorded, drawn):
    shown, given = drawn.frames[1].shown, inputs(item, generator(), False)[0]
    sigma = np.linspace(0.01, 0.1, 37)
    recorded(
        drawn.found[1], drawn.regions[1], shown.frame.depth, shown.frame.intrinsics,
        before=Before(shown.pose.position, sigma, 0.125),
    )  # fmt: skip
    wanted = torch.cat([item["truth"][1], torch.tensor(sigma)[:, None], torch.ones(37, 1)], dim=1)
    assert recorded._network.given["last"].shape == given.last[1].shape
    np.testing.assert_allclose(recorded._network.given["last"], wanted, atol=1e-5)


def test_readings_of_turns_the_map_of_rays_round(item):
    at = torch.rand(BURST_FRAMES, 20, 2, generator=generator()) * 160
    ones = torch.ones(BURST_FRAMES, 20, 1)
    slopes = torch.cat([at, ones], dim=-1) @ item["rays"].transpose(1, 2)
    np.testing.assert_allclose(readings_of(item["rays"], slopes), at, atol=2e-3)


# Mirrored


def flip(points):
    return points * torch.tensor([-1.0, 1.0, 1.0])


@pytest.fixture
def mirror(item):
    return mirrored(item, torch.ones(BURST_FRAMES, dtype=torch.bool))


def test_a_mirror_of_a_mirror_shows_the_scene(item, mirror):
    twice = mirrored(mirror, torch.ones(BURST_FRAMES, dtype=torch.bool))
    assert set(twice) == set(item)
    for name, value in item.items():
        np.testing.assert_allclose(twice[name], value, rtol=1e-5, atol=1e-4, err_msg=name)
    assert torch.equal(twice["depth"], item["depth"])
    assert not torch.equal(mirror["depth"], item["depth"])


def test_only_what_is_asked_for_is_mirrored(item, mirror):
    which = torch.tensor([True, False, False, True])
    some = mirrored(item, which)
    for name in item:
        for k in range(4):
            assert torch.equal(some[name][k], (mirror if which[k] else item)[name][k])


def test_true_points_lie_where_a_mirrored_image_has_them(item, mirror):
    def places(frames):
        truth = frames["truth"]
        return readings_of(frames["rays"], truth[..., :2] / truth[..., 2:])

    order = mirror_order(POINT_NAMES)
    wanted = places(item)[:, order]
    wanted[..., 0] = lift.SIDE - 1.0 - wanted[..., 0]
    np.testing.assert_allclose(places(mirror), wanted, atol=5e-3)
    # And the landmarks keep their distance from them.
    uv = item["uv"][:, order[:33]] * torch.tensor([-1.0, 1.0])
    np.testing.assert_allclose(
        mirror["uv"] - places(mirror)[:, :33],
        uv + torch.tensor([lift.SIDE - 1.0, 0.0]) - wanted[:, :33], atol=5e-3,
    )  # fmt: skip


def test_the_surface_is_mirrored(item, mirror):
    def cloud(frames):
        side = frames["depth"].shape[-1]
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        at = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1).float().reshape(-1, 3)
        slope = at @ frames["rays"].transpose(1, 2)
        slope = torch.cat([slope, torch.ones_like(slope[..., :1])], dim=-1)
        return slope.reshape(BURST_FRAMES, side, side, 3) * frames["depth"][..., None]

    np.testing.assert_allclose(cloud(mirror), flip(cloud(item)).flip(2), atol=1e-3)


def test_left_and_right_change_names_in_a_mirror(item, mirror):
    order = mirror_order(POINT_NAMES)
    assert [order[k] for k in order] == list(range(37))
    left, right = POINT_NAMES.index("l_asis"), POINT_NAMES.index("r_asis")
    np.testing.assert_array_equal(mirror["truth"][:, left], flip(item["truth"][:, right]))
    assert POINT_NAMES[order[0]] == "nose"
    for name in ("seen", "covered", "visibility"):
        width = item[name].shape[-1]
        np.testing.assert_array_equal(mirror[name], item[name][:, order[:width]])


def test_mirrored_pelvis_axes_are_right_handed_and_fit_the_mirrored_points(item, mirror):
    np.testing.assert_allclose(torch.linalg.det(mirror["axes"]), 1.0, atol=1e-5)
    own, turned = (
        base_of(frames["truth"]).transpose(1, 2) @ frames["axes"] for frames in (item, mirror)
    )
    # About its own base the pelvis leans the same way forward, and to the other side.
    sign = torch.tensor([1.0, -1.0, 1.0])
    np.testing.assert_allclose(turned, sign[:, None] * own * sign, atol=1e-4)


def test_mirrored_gravity_is_gravity_in_the_mirror(item, mirror):
    def heights(frames):
        return (frames["truth"] @ frames["up"][:, :, None])[..., 0] + frames["height"][:, None]

    order = mirror_order(POINT_NAMES)
    np.testing.assert_allclose(heights(mirror), heights(item)[:, order], atol=1e-4)


def test_a_heatmap_is_mirrored_about_its_point(item, mirror):
    order = mirror_order(NAMES)
    sign = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
    np.testing.assert_array_equal(mirror["heat"], item["heat"][:, order] * sign)


# Varied


def test_varied_inputs_stay_finite_and_keep_the_truth(item):
    many = {k: v.repeat(16, *[1] * (v.dim() - 1)) for k, v in item.items()}
    given, frame = inputs(many, generator(), True)
    for name, value in given._asdict().items():
        assert torch.isfinite(value).all(), name
    np.testing.assert_array_equal(frame["truth"], many["truth"])
    turn = given.axes @ given.axes.transpose(1, 2)
    np.testing.assert_allclose(turn, torch.eye(3).expand(64, 3, 3), atol=1e-5)
    assert (given.landmarks[..., 3] < 1).any()
    blind = given.depth.flatten(1).amax(dim=1) == 0
    assert blind.any()
    assert not blind.all()
    assert not given.support[blind, 1].any()
    absent = given.landmarks[..., 3] == 0
    assert not given.shape[absent].any()
    assert not given.heat[absent].any()
    assert not given.landmarks[..., 2][absent].any()


def test_the_variation_is_its_seed(item):
    one, other = (inputs(item, generator(), True)[0] for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a, b)


def test_nothing_is_varied_where_it_is_not_asked_for(item):
    one, other = (inputs(item, torch.Generator().manual_seed(k), False)[0] for k in (1, 2))
    for name, a, b in zip(one._fields, one, other, strict=True):
        assert torch.equal(a, b), name
