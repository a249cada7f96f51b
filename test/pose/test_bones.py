import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.pose.bones import (
    ENDS,
    ENOUGH,
    GENTLY,
    LENGTH_SIGMA_M,
    PLAUSIBLE_M,
    SETTLED_S,
    SURE_M,
    BoneLengths,
)
from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES
from lbp_rehab.stamps import NANOSECONDS

AT = np.array([0.1, -0.2, 2.2])
N = len(NAMES)
SURE = np.full(N, 0.01)
STEP_NS = NANOSECONDS // 10


def lengths(position):
    return np.linalg.norm(position[ENDS[:, 0]] - position[ENDS[:, 1]], axis=1)


def ball(sigma):
    return np.eye(3) * np.broadcast_to(np.asarray(sigma, float), N)[:, None, None] ** 2


def taught(shape, frames=ENOUGH):
    bones = BoneLengths()
    for k in range(frames):
        bones.learn(k * STEP_NS, shape + AT, SURE)
    return bones


# Learning


def test_lengths_are_known_after_enough_frames_and_until_a_reset(standing_shape):
    bones = BoneLengths()
    for k in range(ENOUGH):
        assert bones.known() is None
        bones.learn(k * STEP_NS, standing_shape + AT, SURE)
    np.testing.assert_allclose(bones.known(), lengths(standing_shape))
    bones.reset()
    assert bones.known() is None
    assert np.isnan(bones.lengths).all()


def test_each_bone_is_learnt_for_itself(standing_shape):
    sigma = SURE.copy()
    sigma[INDEX["l_wrist"]] = 0.2
    bones = BoneLengths()
    for k in range(ENOUGH):
        bones.learn(k * STEP_NS, standing_shape + AT, sigma)
    unknown = [bone for bone, length in zip(BONES, bones.lengths, strict=True) if np.isnan(length)]
    assert unknown == [("l_elbow", "l_wrist")]
    assert bones.known() is None


@pytest.mark.parametrize("unsure", [SURE_M, 1.2 * SURE_M, 10.0])
def test_unsure_points_never_teach(standing_shape, unsure):
    bones = taught(standing_shape)
    before = bones.known()
    for k in range(ENOUGH, 500):
        bones.learn(k * STEP_NS, standing_shape * 1.3 + AT, np.full(N, unsure))
    np.testing.assert_array_equal(bones.known(), before)
    fresh = BoneLengths()
    for k in range(50):
        fresh.learn(k * STEP_NS, standing_shape + AT, np.full(N, unsure))
    assert np.isnan(fresh.lengths).all()


@pytest.mark.parametrize("scale", [0.1, 3.5])
def test_lengths_that_no_adult_has_never_teach(standing_shape, scale):
    bones = taught(standing_shape * scale, 50)
    low, high = PLAUSIBLE_M
    absurd = (lengths(standing_shape * scale) < low) | (lengths(standing_shape * scale) > high)
    assert absurd.sum() >= 5
    assert np.isnan(bones.lengths[absurd]).all()


def test_a_length_is_the_weighted_median(standing_shape):
    """Of lengths 0.9, 1.0 and 1.1 the heaviest in the middle of the weights is taken."""
    bones = BoneLengths()
    # Weights 1/sigma^2: 2 of 1.0, 2 of 2.25 and 1 of 25, in units of 1e4.
    frames = [(0.9, 0.01)] * 2 + [(1.0, 0.02 / 3)] * 2 + [(1.1, 0.002)]
    assert len(frames) == ENOUGH
    for k, (scale, sigma) in enumerate(frames):
        bones.learn(k * STEP_NS, standing_shape * scale + AT, np.full(N, sigma))
    np.testing.assert_allclose(bones.known(), 1.1 * lengths(standing_shape))
    bones = BoneLengths()
    for k, (scale, sigma) in enumerate([*frames[:-1], frames[-2]]):
        bones.learn(k * STEP_NS, standing_shape * scale + AT, np.full(N, sigma))
    np.testing.assert_allclose(bones.known(), lengths(standing_shape))


def test_a_bones_doubt_is_that_of_its_less_certain_end(standing_shape):
    bones = BoneLengths()
    one_bad = SURE.copy()
    one_bad[INDEX["l_knee"]] = 0.03  # a ninth of the weight: four of these against one
    for k in range(4):
        bones.learn(k * STEP_NS, standing_shape * 1.1 + AT, one_bad)
    bones.learn(4 * STEP_NS, standing_shape + AT, SURE)
    known = bones.known()
    at_knee = np.array(["l_knee" in bone for bone in BONES])
    np.testing.assert_allclose(known[at_knee], lengths(standing_shape)[at_knee])
    np.testing.assert_allclose(known[~at_knee], 1.1 * lengths(standing_shape)[~at_knee])


def test_after_some_seconds_a_length_is_kept(standing_shape):
    period_ns = int(SETTLED_S * NANOSECONDS / 20)
    bones = taught(standing_shape)
    for k in range(21):
        bones.learn(k * period_ns, standing_shape + AT, SURE)
    before = bones.known()
    for k in range(21, 400):
        bones.learn(k * period_ns, standing_shape * 1.1 + AT, SURE * 0.1)
    np.testing.assert_array_equal(bones.known(), before)


def test_until_then_better_frames_correct_a_length_gently(standing_shape):
    bones = BoneLengths()
    for k in range(ENOUGH):
        bones.learn(k * STEP_NS, standing_shape * 1.1 + AT, np.full(N, 0.03))
    true = lengths(standing_shape)
    np.testing.assert_allclose(bones.known(), 1.1 * true)
    # One sure frame outweighs them all, nine to eight; what is in use goes a part of the way.
    for k in range(4):
        bones.learn((ENOUGH + k) * STEP_NS, standing_shape + AT, SURE)
        np.testing.assert_allclose(bones.known(), true * (1.0 + 0.1 * (1.0 - GENTLY) ** (k + 1)))


def test_few_frames_over_a_long_time_do_not_settle_a_length(standing_shape):
    bones = BoneLengths()
    for k in range(ENOUGH):
        bones.learn(k * NANOSECONDS, standing_shape * 1.1 + AT, np.full(N, 0.03))
    before = bones.known()
    bones.learn(ENOUGH * NANOSECONDS, standing_shape + AT, SURE)
    assert (bones.known() < before).all()


# Applying


def disturbed(shape, seed, sigma):
    return shape + AT + np.random.default_rng(seed).normal(0.0, 1.0, (N, 3)) * sigma


@pytest.mark.parametrize("seed", range(5))
def test_every_bone_gets_its_length(standing_shape, seed):
    bones = taught(standing_shape)
    moved = bones.apply(disturbed(standing_shape, seed, 0.03), ball(0.03))
    assert np.abs(lengths(moved) - bones.known()).max() < 2 * LENGTH_SIGMA_M


def test_points_that_have_their_lengths_stay(standing_shape):
    bones = taught(standing_shape)
    turned = Rotation.from_rotvec([0.3, -1.0, 0.4]).apply(standing_shape) + AT
    np.testing.assert_allclose(bones.apply(turned, ball(0.05)), turned, atol=1e-12)


def test_two_points_share_a_correction_by_their_variances(standing_shape):
    """One bone of 0.3 m that is seen 0.36 m long, variances as one to four."""
    bones = BoneLengths()
    k = BONES.index(("l_elbow", "l_wrist"))
    bones.lengths[k] = 0.30
    elbow, wrist = INDEX["l_elbow"], INDEX["l_wrist"]
    position = standing_shape + AT
    position[wrist] = position[elbow] + [0.0, 0.0, 0.36]
    sigma = np.full(N, 0.02)
    sigma[wrist] = 0.04
    moved = bones.apply(position, ball(sigma))
    step = moved - position
    total = 0.06 * 0.002 / (0.002 + LENGTH_SIGMA_M**2)
    np.testing.assert_allclose(step[elbow], [0.0, 0.0, 0.2 * total], atol=1e-6)
    np.testing.assert_allclose(step[wrist], [0.0, 0.0, -0.8 * total], atol=1e-6)
    others = [i for i in range(N) if i not in (elbow, wrist)]
    np.testing.assert_array_equal(moved[others], position[others])


def test_uncertain_points_move_more_than_sure_ones(standing_shape):
    bones = taught(standing_shape)
    sigma = np.full(N, 0.01)
    vague = [INDEX[n] for n in ("l_wrist", "r_knee", "l_ankle")]
    sigma[vague] = 0.08
    position = disturbed(standing_shape, 1, 0.0)
    position[vague] += [0.04, -0.03, 0.05]
    step = np.linalg.norm(bones.apply(position, ball(sigma)) - position, axis=1)
    sure = [i for i in np.unique(ENDS) if i not in vague]
    assert step[vague].min() > 3.0 * step[sure].max()


def test_a_point_moves_where_its_covariance_is_long(standing_shape):
    """A wrist that is known across the view and unknown along it is moved along it."""
    bones = taught(standing_shape)
    covariance = ball(0.003)
    wrist = INDEX["l_wrist"]
    covariance[wrist] = np.diag([0.003, 0.003, 0.1]) ** 2
    position = standing_shape + AT
    truth = position[wrist].copy()
    position[wrist, 2] -= 0.10
    moved = bones.apply(position, covariance)
    step = np.abs(moved[wrist] - position[wrist])
    assert step[2] > 20 * step[:2].max()
    np.testing.assert_allclose(moved[wrist], truth, atol=0.02)


def test_learnt_lengths_bring_noisy_points_nearer_to_the_truth(standing_shape):
    bones = taught(standing_shape)
    ends = np.unique(ENDS)
    truth = standing_shape + AT
    raw, mended = [], []
    for seed in range(40):
        noisy = disturbed(standing_shape, seed, 0.04)
        raw.append(np.linalg.norm(noisy - truth, axis=1)[ends].mean())
        after = bones.apply(noisy, ball(0.04))
        mended.append(np.linalg.norm(after - truth, axis=1)[ends].mean())
    assert np.mean(mended) < 0.9 * np.mean(raw)


def test_the_answer_turns_with_the_camera(standing_shape):
    bones = taught(standing_shape)
    turn = Rotation.from_rotvec([0.5, 0.8, -1.1]).as_matrix()
    rng = np.random.default_rng(2)
    factor = rng.normal(0.0, 0.03, (N, 3, 3))
    covariance = factor @ np.swapaxes(factor, 1, 2)
    noisy = disturbed(standing_shape, 3, 0.03)
    one = bones.apply(noisy, covariance) @ turn.T
    other = bones.apply(noisy @ turn.T, turn @ covariance @ turn.T)
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_nothing_moves_before_a_length_is_known_and_the_input_is_left_alone(standing_shape):
    noisy = disturbed(standing_shape, 0, 0.05)
    np.testing.assert_array_equal(BoneLengths().apply(noisy, ball(0.05)), noisy)
    copy, covariance = noisy.copy(), ball(0.05)
    taught(standing_shape).apply(noisy, covariance)
    np.testing.assert_array_equal(noisy, copy)
    np.testing.assert_array_equal(covariance, ball(0.05))


def test_points_that_fall_together_give_finite_numbers(standing_shape):
    position = standing_shape + AT
    position[INDEX["l_knee"]] = position[INDEX["l_hip"]]
    assert np.isfinite(taught(standing_shape).apply(position, ball(0.05))).all()
    assert np.isfinite(taught(standing_shape).apply(position, ball(0.0))).all()
