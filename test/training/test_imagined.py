import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lbp_rehab.pose.lift import SIDE  # noqa: E402
from lbp_rehab.pose.skeleton import INDEX, NAMES, mirror_order  # noqa: E402
from lbp_rehab.training import imagined as module  # noqa: E402
from lbp_rehab.training.imagined import BACKGROUND_M, NOISE, imagined  # noqa: E402

N = 400
HIPS = [INDEX["l_hip"], INDEX["r_hip"]]
DEPTH_NOISE = 0.004  # of the square of the distance


@pytest.fixture
def frames(standing_shape):
    """One person in front of many cameras: standing, lying, each with gravity of its own."""
    rng = np.random.default_rng(0)
    corners = standing_shape[HIPS[0]] + rng.normal(0.0, 0.05, (4, 3))
    body = np.vstack([standing_shape, corners])
    lying = np.arange(N) % 2 == 1
    turn = np.linalg.qr(rng.normal(size=(N, 3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))[:, None, None]
    up = np.where(lying[:, None], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0])
    truth = body @ turn.transpose(0, 2, 1) + rng.normal(0.0, 1.0, (N, 1, 3))
    up = np.einsum("nij,nj->ni", turn, up)
    height = -np.einsum("nij,nj->ni", truth, up).min(axis=1) + 0.02
    return {
        "truth": torch.tensor(truth, dtype=torch.float32),
        "up": torch.tensor(up, dtype=torch.float32),
        "height": torch.tensor(height, dtype=torch.float32),
        "dt": torch.full((N,), 0.03),
    }


def made(frames, seed=0):
    return imagined(frames, torch.Generator().manual_seed(seed))


def projected(frame):
    """Return where the true joints lie in the crops, (n, 33, 2)."""
    truth = frame["truth"][:, : len(NAMES)]
    slope = truth[..., :2] / truth[..., 2:] - frame["rays"][:, None, :, 2]
    return torch.linalg.solve(frame["rays"][:, None, :, :2], slope[..., None])[..., 0]


def test_the_pose_is_the_same_one_seen_from_elsewhere(frames):
    one, other = frames["truth"], made(frames)["truth"]
    np.testing.assert_allclose(torch.cdist(other, other), torch.cdist(one, one), atol=2e-3)

    def handed(points):
        a, b, c = (points[:, INDEX[n]] - points[:, INDEX["nose"]]
                   for n in ("l_wrist", "r_wrist", "l_toe"))  # fmt: skip
        return (torch.linalg.cross(a, b) * c).sum(dim=-1)

    np.testing.assert_allclose(handed(other), handed(one), rtol=0.02, atol=1e-4)
    assert float((one - other).norm(dim=-1).min()) > 0.0


def test_every_point_keeps_its_height_over_the_support(frames):
    def heights(frame):
        return torch.einsum("nij,nj->ni", frame["truth"], frame["up"]) + frame["height"][:, None]

    frame = made(frames)
    np.testing.assert_allclose(heights(frame), heights(frames), atol=1e-4)
    np.testing.assert_allclose(heights(frame).amin(dim=1), 0.02, atol=1e-4)
    np.testing.assert_allclose(frame["up"].norm(dim=-1), 1.0, atol=1e-5)


def test_without_noise_a_landmark_is_its_joint_or_the_one_of_the_other_side(frames, monkeypatch):
    monkeypatch.setattr(module, "NOISE", 0.0)
    frame = made(frames)
    true = projected(frame)
    own = (frame["uv"] - true).norm(dim=-1) < 0.02
    other = (frame["uv"] - true[:, mirror_order(NAMES)]).norm(dim=-1) < 0.02
    assert (own | other).all()
    swapped = ~own.all(dim=1)
    assert 0.01 < float(swapped.float().mean()) < 0.15
    # Whole limbs change sides, both of them.
    for name in ("knee", "elbow"):
        left, right = own[:, INDEX[f"l_{name}"]], own[:, INDEX[f"r_{name}"]]
        assert (left == right).all()
        assert not left.all()


def test_landmarks_are_as_noisy_as_said_where_they_are_seen(frames):
    frame = made(frames)
    off = (frame["uv"] - projected(frame)).norm(dim=-1)
    seen = frame["visibility"] > 0.86
    median = float(off[seen].median()) / (NOISE * SIDE * np.sqrt(2.0 * np.log(2.0)))
    assert 0.8 < median < 1.2
    assert float(off[~seen].median()) > 2.0 * float(off[seen].median())


def test_nothing_reads_beyond_the_wall_or_outside_the_crop(frames):
    frame = made(frames)
    wall = frame["truth"][:, HIPS, 2].mean(dim=1, keepdim=True) + BACKGROUND_M
    assert (frame["z"] <= wall + 6.0 * DEPTH_NOISE * wall**2).all()
    there = frame["z"] > 0.0
    assert torch.equal(there, frame["anchored"] > 0.0)
    inside = ((frame["uv"] >= 0) & (frame["uv"] < SIDE)).all(dim=-1)
    assert not there[~inside].any()
    assert float(there.float().mean()) > 0.8
    assert not frame["z"][~there].any()


def test_readings_lie_on_the_rays_of_their_landmarks_near_the_body(frames):
    frame = made(frames)
    there = frame["z"] > 0.0
    ones = torch.ones_like(frame["uv"][..., :1])
    slope = torch.cat([frame["uv"], ones], dim=-1) @ frame["rays"].transpose(1, 2)
    spot = frame["spot"]
    np.testing.assert_allclose((spot[..., :2] / spot[..., 2:])[there], slope[there], atol=1e-4)
    # What is seen at the hips is the hips' own surface, in front of them.
    behind = frame["truth"][:, HIPS, 2] - frame["z"][:, HIPS]
    hips = there[:, HIPS] & (frame["visibility"][:, HIPS] > 0.86)
    assert 0.02 < float(behind[hips].median()) < 0.15


def test_the_camera_looks_from_above_the_support_and_not_onto_who_stands(frames):
    frame = made(frames)
    assert (frame["height"] > 0.0).all()
    middle = frame["truth"][:, HIPS].mean(dim=1)
    sine = -(middle * frame["up"]).sum(dim=-1) / middle.norm(dim=-1)
    standing, lying = sine[0::2], sine[1::2]
    assert float(standing.max()) < np.sin(np.radians(60.0))  # the aim is off by some
    assert float(lying.max()) > 0.97


def test_the_same_generator_gives_the_same_frames(frames):
    one, other = made(frames, 5), made(frames, 5)
    assert all(torch.equal(one[k], other[k]) for k in one)
    assert not torch.equal(one["uv"], made(frames, 6)["uv"])
