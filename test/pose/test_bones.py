from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.estimate import Status
from lbp_rehab.pose.bones import ENOUGH, BoneLengths
from lbp_rehab.pose.lift import Lifted
from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES

AT = np.array([0.0, 0.0, 2.2])


def lifted(shape, rng, radial=0.03):
    """A person with noise along the rays, as depth cameras make it."""
    truth = shape + AT
    n = len(NAMES)
    ray = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    noise = rng.normal(0, radial, (n, 1)) if radial else 0.0
    return truth, Lifted(
        truth + ray * noise,
        np.full(n, max(radial, 0.001)),
        np.full(n, 0.005),
        np.full(n, int(Status.MEASURED)),
        np.zeros(n, int),
    )


def lengths_of(position, bone):
    a, b = (INDEX[name] for name in bone)
    return np.linalg.norm(position[a] - position[b])


def test_a_length_is_known_only_after_enough_frames(standing_shape):
    bones = BoneLengths()
    rng = np.random.default_rng(0)
    bone = ("l_hip", "l_knee")
    for k in range(ENOUGH):
        assert bones.length(bone) is None, k
        bones.learn(lifted(standing_shape, rng)[1])
    truth = standing_shape
    assert bones.length(bone) == pytest.approx(lengths_of(truth, bone), abs=0.02)
    bones.reset()
    assert bones.length(bone) is None


def test_learnt_lengths_bring_noisy_joints_nearer_to_the_truth(standing_shape):
    bones = BoneLengths()
    rng = np.random.default_rng(1)
    for _ in range(60):
        bones.learn(lifted(standing_shape, rng, 0.005)[1])
    raw, mended = [], []
    for _ in range(60):
        truth, noisy = lifted(standing_shape, rng, 0.08)
        after = bones.apply(noisy)
        index = sorted({INDEX[n] for bone in BONES for n in bone})
        raw.append(np.linalg.norm(noisy.position[index] - truth[index], axis=1).mean())
        mended.append(np.linalg.norm(after.position[index] - truth[index], axis=1).mean())
    assert np.mean(mended) < 0.9 * np.mean(raw)


def test_a_bone_across_the_view_is_drawn_to_its_length(standing_shape):
    bones = BoneLengths()
    rng = np.random.default_rng(2)
    for _ in range(20):
        bones.learn(lifted(standing_shape, rng, 0.0)[1])
    truth, good = lifted(standing_shape, rng, 0.0)
    i = INDEX["l_wrist"]
    position = good.position.copy()
    position[i] *= 1.1
    radial = good.radial_sigma.copy()
    radial[i] = 0.15
    after = bones.apply(replace(good, position=position, radial_sigma=radial))
    bone = ("l_elbow", "l_wrist")
    want = lengths_of(truth, bone)
    assert abs(lengths_of(after.position, bone) - want) < 0.4 * abs(
        lengths_of(position, bone) - want
    )
    assert after.radial_sigma[i] < radial[i]


def test_unknown_joints_are_left_alone(standing_shape):
    bones = BoneLengths()
    rng = np.random.default_rng(3)
    for _ in range(20):
        bones.learn(lifted(standing_shape, rng)[1])
    _, frame = lifted(standing_shape, rng)
    status = frame.status.copy()
    i = INDEX["l_knee"]
    status[i] = Status.UNKNOWN
    position = frame.position.copy()
    position[i] = 0.0
    after = bones.apply(replace(frame, status=status, position=position))
    assert not after.position[i].any()
    assert np.isfinite(after.position).all()
