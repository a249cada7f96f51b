"""A follower with a head whose errors are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lbp_rehab.estimate import Estimate
from lbp_rehab.pelvis import reference
from lbp_rehab.pelvis.head import Reading
from lbp_rehab.pelvis.neutral import Collector, Sample
from lbp_rehab.pelvis.reference import BETTER, TILT, SurfaceFollower
from lbp_rehab.pelvis.types import Method

BIAS = np.array([0.05, -0.20, 0.03, 0.10])


class Head:
    """Sees every view with its own bias, and what has changed without any."""

    def __init__(self, change_sigma=0.0):
        self.asked, self.change_sigma = [], change_sigma

    def __call__(self, view, before):
        self.asked.append((view, before))
        return Reading(
            view.truth + view.bias,
            np.eye(4) * view.sigma**2,
            view.truth - before.truth + view.slip,
            np.eye(4) * self.change_sigma**2,
            np.full((4, 3), view.sigma),
            np.full(4, 0.02),
        )


def moment(truth, bias=BIAS, sigma=0.1, slip=0.0, turn=0):
    base = Rotation.random(random_state=turn).as_matrix()
    return SimpleNamespace(truth=np.array(truth, float), bias=bias, sigma=sigma, slip=slip,
                           base=base)  # fmt: skip


def moving(n=12, **others):
    rng = np.random.default_rng(3)
    return [moment(rng.normal(0.0, 0.15, 4), turn=k, **others) for k in range(n)]


def value_of(surface, view):
    """Return the rotation vector and the lumbar flexion that a surface stands for."""
    turn = Rotation.from_matrix(view.base.T @ surface.axes).as_rotvec()
    return np.append(turn, surface.lumbar_flexion)


def followed(head, views):
    follower = SurfaceFollower(head)
    return np.array([value_of(follower.update(view), view) for view in views])


def test_the_first_frame_is_what_the_head_says_of_it():
    view = moment([0.1, 0.2, -0.3, 0.4])
    surface = SurfaceFollower(Head(0.05)).update(view)
    np.testing.assert_allclose(value_of(surface, view), view.truth + BIAS, atol=1e-12)
    np.testing.assert_allclose(surface.covariance, np.eye(4) * 0.01)
    np.testing.assert_array_equal(surface.change_covariance, 0.0)
    np.testing.assert_array_equal(surface.landmarks, 0.1)
    np.testing.assert_array_equal(surface.landmark_sigma, 0.02)
    np.testing.assert_allclose(surface.axes @ surface.axes.T, np.eye(3), atol=1e-12)


def test_a_bias_of_the_person_leaves_the_motion_exact():
    views = moving()
    found = followed(Head(), views)
    truth = np.array([view.truth for view in views])
    np.testing.assert_allclose(found - found[0], truth - truth[0], atol=1e-9)
    np.testing.assert_allclose(found - truth, np.tile(BIAS, (12, 1)), atol=1e-9)


def test_of_biases_that_come_and_go_the_mean_of_those_so_far_is_left():
    rng = np.random.default_rng(4)
    views = [moment(v.truth, rng.normal(0.0, 0.1, 4), turn=k) for k, v in enumerate(moving())]
    off = followed(Head(), views) - [view.truth for view in views]
    biases = np.array([view.bias for view in views])
    wanted = np.cumsum(biases, axis=0) / np.arange(1, 13)[:, None]
    np.testing.assert_allclose(off, wanted, atol=1e-9)


def test_the_change_is_asked_for_since_the_same_moment():
    head, views = Head(), moving(4)
    followed(head, views)
    assert [view is asked for view, (asked, _) in zip(views, head.asked, strict=True)] == [True] * 4
    assert all(before is views[0] for _, before in head.asked)


@pytest.mark.parametrize(("sigma", "weight"), [(0.1 / np.sqrt(1.25), 1.25), (0.2, 0.25)])
def test_surer_frames_weigh_more(sigma, weight):
    views = [moment(np.zeros(4), np.zeros(4)), moment(np.zeros(4), BIAS, sigma)]
    second = followed(Head(), views)[1]
    np.testing.assert_allclose(second, BIAS * weight / (1.0 + weight), atol=1e-9)


def test_no_frame_outweighs_four(monkeypatch):
    monkeypatch.setattr(reference, "BETTER", 1e-3)
    views = [moment(np.zeros(4), np.zeros(4)), moment(np.zeros(4), BIAS, 0.01)]
    np.testing.assert_allclose(followed(Head(), views)[1], BIAS * 4.0 / 5.0, atol=1e-9)


def test_old_frames_fade(monkeypatch):
    monkeypatch.setattr(reference, "MOST", 10.0)
    views = [moment(np.zeros(4), np.zeros(4))] * 30 + [moment(np.zeros(4))] * 20
    found = followed(Head(), views)
    np.testing.assert_allclose(found[:30], 0.0, atol=1e-12)
    np.testing.assert_allclose(found[-1], BIAS * (1.0 - 0.9**20), atol=1e-9)


def test_the_covariance_is_the_averages_and_the_changes():
    follower = SurfaceFollower(Head(0.05))
    follower.update(moment(np.zeros(4)))
    surface = follower.update(moment(np.full(4, 0.1)))
    share = 0.1**2 / (0.1**2 + 0.05**2)
    np.testing.assert_allclose(surface.covariance, np.eye(4) * (0.1**2 + (share * 0.05) ** 2))
    np.testing.assert_allclose(surface.change_covariance, np.eye(4) * 0.05**2)


def test_a_change_and_the_frame_itself_are_weighed_by_their_variances():
    slip = np.array([0.0, 0.3, 0.0, 0.0])
    views = [moment(np.zeros(4), np.zeros(4)), moment(np.zeros(4), np.zeros(4), slip=slip)]
    second = followed(Head(0.05), views)[1]
    # The reference takes half of the slip upon itself; by its share the rest remains.
    share = 0.1**2 / (0.1**2 + 0.05**2)
    np.testing.assert_allclose(second, share * 0.5 * slip, atol=1e-9)


def test_a_change_that_is_not_known_counts_for_nothing():
    views = [moment(np.zeros(4)), moment(np.full(4, 0.1), np.zeros(4), slip=0.5)]
    second = followed(Head(1e6), views)[1]
    np.testing.assert_allclose(second, 0.1, atol=1e-6)


# A better reference


@pytest.mark.parametrize(("share", "replaced"), [(0.3, True), (BETTER + 0.01, False)])
def test_a_much_surer_view_is_the_next_reference(share, replaced):
    head = Head()
    views = [moment(np.zeros(4)), moment(np.full(4, 0.1), sigma=0.1 * np.sqrt(share)),
             moment(np.full(4, 0.2))]  # fmt: skip
    followed(head, views)
    assert head.asked[2][1] is views[1 if replaced else 0]


def test_only_the_tilt_tells_which_view_is_better():
    class Odd(Head):
        def __call__(self, view, before):
            seen = super().__call__(view, before)
            covariance = seen.covariance.copy()
            covariance[TILT, TILT] = 0.01
            return Reading(seen.value, covariance, seen.change, seen.change_covariance,
                           seen.landmarks, seen.landmark_sigma)  # fmt: skip

    head, views = Odd(), [moment(np.zeros(4)), moment(np.zeros(4), sigma=1e-3), *moving(2)]
    followed(head, views)
    assert all(before is views[0] for _, before in head.asked)


def test_a_better_view_takes_over_without_a_jump():
    """The second view is much surer and says something else; then the patient stands still."""
    truth = np.full(4, 0.1)
    views = [moment(np.zeros(4)), moment(truth, np.zeros(4), 0.02),
             *(moment(truth, BIAS, 1e3, turn=k) for k in range(3))]  # fmt: skip
    head = Head(0.01)
    follower = SurfaceFollower(head)
    found = [value_of(follower.update(view), view) for view in views]
    assert all(before is views[1] for _, before in head.asked[2:])
    np.testing.assert_allclose(found[2:], np.tile(found[1], (3, 1)), atol=1e-6)
    assert np.abs(found[1] - found[0] - truth).max() > 0.05  # it did say something else


def test_with_one_bias_the_motion_stays_exact_from_reference_to_reference():
    sigmas = (0.3, 0.15, 0.25, 0.06, 0.1, 0.02, 0.3, 0.3)
    views = [moment(v.truth, sigma=s) for v, s in zip(moving(8), sigmas, strict=True)]
    head = Head()
    found = followed(head, views)
    np.testing.assert_allclose(found - [v.truth for v in views], np.tile(BIAS, (8, 1)), atol=1e-9)
    assert len({id(before) for _, before in head.asked}) > 3


def test_a_surer_reference_makes_a_surer_answer():
    follower = SurfaceFollower(Head(0.01))
    follower.update(moment(np.zeros(4), sigma=0.2))
    follower.update(moment(np.zeros(4), sigma=0.05))
    third = follower.update(moment(np.zeros(4), sigma=0.2))
    assert third.covariance[TILT, TILT] < 0.1**2
    assert third.covariance[TILT, TILT] > 0.05**2


def test_the_answers_are_the_frames_alone():
    one, other = (followed(Head(0.05), moving()) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_what_is_learnt_of_the_person_later_does_not_move_the_pelvis_against_its_neutral():
    rest = np.zeros(4)
    views = [moment(rest, np.zeros(4), turn=1)] * 5 + [moment(rest, turn=1)] * 60
    follower = SurfaceFollower(Head())
    surfaces = [follower.update(view) for view in views]
    samples = [
        Sample(k, 1, s.axes, True, Estimate(s.lumbar_flexion, 0.1), Method.SURFACE, s.revision)
        for k, s in enumerate(surfaces[:5])
    ]
    collector = Collector(0.0)
    for sample in samples:
        collector.add(sample, sample.stamp_ns)
    neutral = collector.result()
    last = surfaces[-1]
    assert np.linalg.norm(value_of(last, views[-1])) > 0.1  # all of it is the person's
    revised = neutral.revised(last.revision)
    np.testing.assert_allclose(revised.axes, last.axes, atol=1e-2 * np.linalg.norm(BIAS))
    assert revised.lumbar_flexion == pytest.approx(last.lumbar_flexion)
    assert neutral.revised(neutral.revision).axes == pytest.approx(neutral.axes)
