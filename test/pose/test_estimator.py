from dataclasses import dataclass, replace

import numpy as np
import pytest

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pose import estimator as module
from lbp_rehab.pose.answer import FAR_SIGMA_M, HOLD_GROWTH_M_PER_S
from lbp_rehab.pose.bones import ENDS, ENOUGH, LENGTH_SIGMA_M
from lbp_rehab.pose.candidate import Candidate
from lbp_rehab.pose.estimator import (
    ADRIFT_M,
    FORGET_LAST_S,
    SURE_TRUNK_M,
    UNLIKELY_S,
    PoseEstimator,
    PoseSettings,
)
from lbp_rehab.pose.landmarks import Landmarks, Person, Region, region_round
from lbp_rehab.pose.lift import POINTS, Lifted
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.subject import SubjectRule
from lbp_rehab.pose.types import Mode, Posture, Support
from lbp_rehab.stamps import NANOSECONDS

CAMERA = Intrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
N = len(NAMES)
AT = np.array([0.1, -0.2, 2.6])
PERIOD_NS = NANOSECONDS // 10
UP = np.array([0.0, -1.0, 0.0])
# The floor far under the camera, so that nobody touches it unless a test says so.
FLOOR = Support(UP, 0.01, Estimate(3.0, 0.01))


@dataclass
class Scene:
    """What the fakes answer: one person, whom a test moves, hides and blurs."""

    shape: np.ndarray
    at: np.ndarray
    sigma_m: np.ndarray
    seen: np.ndarray
    covered: np.ndarray
    measured: np.ndarray
    there: bool = True
    presence: float = 1.0
    others: tuple = ()
    on_support: bool | None = None

    @property
    def points(self):
        marks = self.shape[[INDEX["l_hip"], INDEX["r_hip"]] * 2]
        return np.concatenate([self.shape, marks]) + self.at

    def landmarks(self, at=None):
        pixel = CAMERA.project(self.shape + (self.at if at is None else at))
        region = Region((0.0, 0.0), 1.0, 0.0)  # never to be looked at
        return Landmarks(pixel, np.ones(N), self.shape.copy(), self.presence, region)

    def candidate(self, at=None, score=1.0):
        found = self.landmarks(at)
        hip, shoulder = found.pixel[[23, 24]].mean(axis=0), found.pixel[[11, 12]].mean(axis=0)
        region = region_round(found.pixel)
        person = Person(np.zeros(4), hip, shoulder, region, score)
        middle = self.shape[[11, 12, 23, 24]].mean(axis=0) + (self.at if at is None else at)
        return Candidate(person, found, region, middle, self.on_support, 0.3, score, 1.0)

    def lifted(self):
        spread = np.array([0.8, 1.0, 1.2]) ** 2
        spread = spread / spread.mean()
        covariance = self.sigma_m[:, None, None] ** 2 * np.diag(spread)
        return Lifted(self.points, covariance, self.seen, self.covered, self.measured)


class FakeBackend:
    name, min_presence = "fake", 0.0

    def __init__(self, scene):
        self.scene, self.regions, self.blind_in = scene, [], []

    def __call__(self, image, region):
        self.regions.append(region)
        if not self.scene.there or region in self.blind_in:
            return None
        return self.scene.landmarks()


class FakeFinder:
    def __init__(self, scene):
        self.scene, self.searches, self.censuses, self.restarts = scene, [], [], 0
        self.complete = True

    def find(self, frame, support=None):
        self.searches.append(frame.stamp_ns)
        mine = [self.scene.candidate()] if self.scene.there else []
        return [*mine, *self.scene.others]

    def census(self, frame, landmarks, support=None):
        self.censuses.append(frame.stamp_ns)
        return list(self.scene.others)

    def restart(self):
        self.restarts += 1


class FakeLifter:
    def __init__(self, scene):
        self.scene, self.calls = scene, []

    def __call__(self, found, region, depth, _, *, support=None, bones=None, before=None):
        self.calls.append(
            {"found": found, "region": region, "depth": depth, "support": support, "bones": bones,
             "before": before}
        )  # fmt: skip
        return self.scene.lifted()


class FakeTracker:
    def __init__(self, *_):
        self.support, self.updates, self.forgotten = FLOOR, [], 0

    def update(self, stamp_ns, points, body=None):
        self.updates.append((stamp_ns, points, body))
        return self.support

    def forget(self):
        self.forgotten += 1


class Rig:
    """An estimator among fakes, and frames for it."""

    def __init__(self, scene, settings=None):
        self.scene = scene
        self.estimator = PoseEstimator(settings)
        self.backend, self.finder = self.estimator._backend, self.estimator._finder
        self.lifter, self.plane = self.estimator._lifter, self.estimator._plane
        self.stamp_ns = 0

    def frame(self, stamp_ns, depth=True):
        image = np.full((480, 640, 3), 128, np.uint8)
        readings = np.full((480, 640), 2500, np.uint16) if depth else None
        return RgbdFrame(stamp_ns, "camera", image, readings, CAMERA)

    def step(self, seconds=0.1, depth=True):
        self.stamp_ns += round(seconds * NANOSECONDS)
        return self.estimator.update(self.frame(self.stamp_ns, depth))


@pytest.fixture
def scene(standing_shape):
    return Scene(
        standing_shape, AT.copy(), np.full(POINTS, 0.02), np.full(POINTS, 0.9),
        np.full(POINTS, 0.1), np.ones(POINTS, bool),
    )  # fmt: skip


@pytest.fixture
def make(monkeypatch, scene):
    monkeypatch.setattr(module, "make_backend", lambda _: FakeBackend(scene))
    monkeypatch.setattr(module, "make_detector", lambda _: None)
    monkeypatch.setattr(module, "Finder", lambda detector, backend: FakeFinder(scene))
    monkeypatch.setattr(module, "Lifter", lambda: FakeLifter(scene))
    monkeypatch.setattr(module, "SupportTracker", FakeTracker)
    monkeypatch.setattr(module, "as_candidate", lambda *_: scene.candidate())
    return lambda settings=None: Rig(scene, settings)


@pytest.fixture
def rig(make):
    return make()


# One frame


def test_the_first_frame_gives_the_person_that_was_found(rig, scene):
    pose = rig.step()
    assert (pose.track_id, pose.people_in_view, pose.backend) == (1, 1, "fake")
    assert (pose.stamp_ns, pose.frame_id) == (rig.stamp_ns, "camera")
    assert pose.image_size == (640, 480)
    assert pose.names == NAMES
    assert pose.mode == Mode.RGB_DEPTH
    assert pose.support is FLOOR
    assert pose.posture == Posture.STANDING
    np.testing.assert_allclose(pose.position, scene.points[:N], atol=1e-12)
    np.testing.assert_allclose(pose.covariance, scene.lifted().covariance[:N])
    np.testing.assert_allclose(pose.pixel, CAMERA.project(scene.points[:N]))
    np.testing.assert_array_equal(pose.visibility, scene.seen[:N])
    assert (pose.status == Status.MEASURED).all()
    assert (pose.reason == Reason.NONE).all()


def test_nobody_in_view_is_an_unknown_pose_with_its_reason(rig, scene):
    scene.there = False
    pose = rig.step()
    assert (pose.mode, pose.reason_unknown) == (Mode.UNKNOWN, Reason.NO_PERSON)
    assert (pose.track_id, pose.people_in_view) == (0, 0)
    assert pose.backend == "fake"
    assert pose.image_size == (640, 480)
    assert pose.support is FLOOR
    assert not pose.position.any()
    assert rig.lifter.calls == []


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        ((0.02, 0.9, 0.1, True), Status.MEASURED, Reason.NONE),
        ((0.02, 0.9, 0.1, False), Status.INFERRED, Reason.NONE),
        ((0.02, 0.4, 0.1, True), Status.INFERRED, Reason.NONE),
        ((0.02, 0.1, 0.9, True), Status.INFERRED, Reason.NONE),
        ((0.029, 0.9, 0.1, True), Status.MEASURED, Reason.NONE),
        ((0.031, 0.9, 0.1, True), Status.UNKNOWN, Reason.TOO_UNCERTAIN),
        ((0.031, 0.1, 0.9, False), Status.UNKNOWN, Reason.OCCLUDED),
    ],
)
def test_a_points_status_follows_sigma_depth_and_sight(rig, scene, given, status, reason):
    k = INDEX["l_wrist"]
    scene.sigma_m[k], scene.seen[k], scene.covered[k], scene.measured[k] = given
    pose = rig.step()
    assert (pose.status[k], pose.reason[k]) == (status, reason)
    assert bool(pose.position[k].any()) == (status != Status.UNKNOWN)
    assert bool(pose.covariance[k].any()) == (status != Status.UNKNOWN)
    others = np.delete(np.arange(N), k)
    assert (pose.status[others] == Status.MEASURED).all()


def test_what_lies_beside_the_image_says_so_even_where_it_is_covered(rig, scene):
    scene.at = np.array([0.0, 0.9, 2.6])
    low = CAMERA.project(scene.points[:N])[:, 1] > 479.5
    assert 4 < low.sum() < 20
    scene.sigma_m[:N][low] = 0.2
    scene.covered[:] = 0.9
    pose = rig.step()
    assert (pose.reason[low] == Reason.OUT_OF_VIEW).all()
    assert (pose.status[~low] == Status.MEASURED).all()


def test_the_limit_of_sigma_is_a_setting(make, scene):
    scene.sigma_m[:] = 0.05
    assert (make(PoseSettings(max_sigma_m=0.06)).step().status == Status.MEASURED).all()
    assert (make(PoseSettings(max_sigma_m=0.04)).step().status == Status.UNKNOWN).all()


def test_without_depth_a_wider_limit_holds(make, scene):
    scene.measured[:] = False
    scene.sigma_m[:] = 0.3
    rig = make(PoseSettings(max_sigma_m=0.03, max_sigma_no_depth_m=0.35))
    status = [rig.step(depth=False).status for _ in range(12)]
    # Not at once: depth may still come, or come back.
    assert (np.array(status[:9]) == Status.UNKNOWN).all()
    assert (np.array(status[10:]) == Status.INFERRED).all()
    scene.sigma_m[:] = 0.36
    assert (rig.step(depth=False).status == Status.UNKNOWN).all()
    scene.measured[:], scene.sigma_m[:] = True, 0.02
    assert (rig.step().status == Status.MEASURED).all()
    scene.measured[:], scene.sigma_m[:] = False, 0.3
    assert (rig.step(depth=False).status == Status.UNKNOWN).all()


@pytest.mark.parametrize(
    ("change", "depth", "mode"),
    [
        ({}, True, Mode.RGB_DEPTH),
        ({"measured": 5}, True, Mode.DEPTH_HOLES),
        ({"measured": 37}, True, Mode.NO_DEPTH),
        ({"measured": 37}, False, Mode.NO_DEPTH),
        ({"measured": 37, "sigma_m": FAR_SIGMA_M + 0.01}, False, Mode.ROOT_RELATIVE),
        ({"sigma_m": 0.079}, True, Mode.RGB_DEPTH),
    ],
)
def test_the_mode_says_what_depth_there_was(make, scene, change, depth, mode):
    scene.measured[: change.get("measured", 0)] = False
    scene.sigma_m[:] = change.get("sigma_m", 0.02)
    rig = make(PoseSettings(max_sigma_m=0.3, max_sigma_no_depth_m=0.3))
    assert rig.step(depth=depth).mode == mode


# Following


def test_the_next_look_is_round_the_points_in_space(rig, scene):
    first = rig.step()
    np.testing.assert_equal(rig.backend.regions, [region_round(scene.landmarks().pixel)])
    scene.at += [0.05, 0.0, 0.1]
    rig.step()
    wanted = region_round(first.pixel)
    assert rig.backend.regions[-1] == wanted
    assert rig.lifter.calls[-1]["region"] == wanted
    assert len(rig.backend.regions) == 2
    assert len(rig.finder.searches) == 1


def test_the_last_answer_and_its_age_help_the_next(rig, scene):
    rig.step()
    before = scene.lifted()
    assert rig.lifter.calls[0]["before"] is None
    scene.at += [0.02, 0.0, 0.0]
    rig.step(0.125)
    given = rig.lifter.calls[1]["before"]
    np.testing.assert_array_equal(given.position, before.position)
    np.testing.assert_allclose(given.sigma, before.sigma)
    assert given.age_s == pytest.approx(0.125)


def test_an_answer_of_long_ago_does_not_help(rig):
    rig.step()
    rig.step(FORGET_LAST_S + 0.05)
    assert rig.lifter.calls[-1]["before"] is None
    rig.step(FORGET_LAST_S - 0.05)
    assert rig.lifter.calls[-1]["before"] is not None


def test_the_support_is_handed_on(rig):
    rig.step()
    assert rig.lifter.calls[0]["support"] is FLOOR


def test_learnt_bones_are_handed_on_and_kept_in_the_answer(make, scene):
    rig = make(PoseSettings(max_sigma_m=0.08))
    for k in range(ENOUGH + 1):
        assert rig.lifter.calls == [] or rig.lifter.calls[-1]["bones"] is None, k
        rig.step()
    wanted = np.linalg.norm(scene.shape[ENDS[:, 0]] - scene.shape[ENDS[:, 1]], axis=1)
    np.testing.assert_allclose(rig.lifter.calls[-1]["bones"], wanted)
    # The hand is seen wrong by a hand's breadth, and is known to be uncertain.
    k = INDEX["l_wrist"]
    scene.shape = scene.shape.copy()
    scene.shape[k] += [0.0, 0.08, 0.0]
    scene.sigma_m[k] = 0.07
    for _ in range(12):
        pose = rig.step()
    ends = pose.position[ENDS]
    length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    assert np.abs(length - wanted).max() < 3 * LENGTH_SIGMA_M


def test_the_body_is_told_to_the_support_by_all_points_that_are_known(rig, scene):
    scene.measured[:6] = False  # inferred: limbs under a table
    scene.sigma_m[:3] = 0.2
    first = rig.step()
    assert rig.plane.updates[0][2] is None
    rig.step()
    stamp_ns, points, body = rig.plane.updates[1]
    assert stamp_ns == rig.stamp_ns
    np.testing.assert_array_equal(body, first.position[3:])
    assert points().shape[1] == 3
    rig.step(0.6)
    assert rig.plane.updates[2][2] is None
    rig.step(depth=False)
    assert rig.plane.updates[3][1] is None


def test_a_body_seen_in_colour_alone_tells_nothing_of_the_support(rig, scene):
    scene.measured[:] = False
    assert (rig.step(depth=False).status == Status.INFERRED).all()
    scene.measured[:] = True
    rig.step()
    assert rig.plane.updates[-1][2] is None
    rig.step()
    assert rig.plane.updates[-1][2] is not None


def test_where_the_lifted_points_lead_astray_the_2d_estimators_own_region_is_tried(rig, scene):
    rig.step()
    rig.backend.blind_in = [region_round(rig.step().pixel)]
    rig.backend.regions.clear()
    pose = rig.step()
    assert (pose.track_id, pose.mode) == (1, Mode.RGB_DEPTH)
    assert rig.backend.regions == [*rig.backend.blind_in, scene.landmarks().next_region]
    assert len(rig.finder.searches) == 1  # none since the first


def test_an_unlikely_skeleton_is_looked_for_anew_after_a_while(rig, scene):
    rig.step()
    scene.presence = 0.2
    scene.sigma_m[:] = SURE_TRUNK_M + 0.01
    for _ in range(round(UNLIKELY_S * 10)):
        assert rig.step().track_id == 1
    assert len(rig.finder.searches) == 1
    assert rig.step().track_id == 1
    assert len(rig.finder.searches) == 2


def test_a_track_that_shows_nobody_is_given_up(rig, scene):
    rig.step()
    scene.sigma_m[:] = ADRIFT_M + 0.01
    pose = rig.step()
    assert pose.mode == Mode.HELD
    assert len(rig.finder.searches) == 2


def test_somebody_who_cannot_have_moved_so_far_is_not_followed(rig, scene):
    rig.step()
    scene.at = AT + np.array([0.0, 0.0, 2.5])
    pose = rig.step()
    assert pose.mode == Mode.HELD
    assert len(rig.finder.searches) == 2


# Lost and found


def test_a_lost_person_is_held_with_growing_doubt_and_then_unknown(make, scene):
    rig = make(PoseSettings(hold_s=0.35))
    scene.sigma_m[4] = 0.2
    last = rig.step()
    scene.there = False
    for k in (1, 2, 3):
        held = rig.step()
        known = last.status != Status.UNKNOWN
        assert held.mode == Mode.HELD
        assert held.stamp_ns == rig.stamp_ns
        assert held.track_id == 1
        assert (held.status[known] == Status.HELD).all()
        assert (held.status[~known] == Status.UNKNOWN).all()
        np.testing.assert_array_equal(held.position, last.position)
        np.testing.assert_array_equal(held.reason, last.reason)
        grown = np.eye(3) * (HOLD_GROWTH_M_PER_S * 0.1 * k) ** 2
        np.testing.assert_allclose(held.covariance[known], last.covariance[known] + grown)
        assert not held.covariance[~known].any()
    gone = rig.step()
    assert (gone.mode, gone.reason_unknown) == (Mode.UNKNOWN, Reason.NO_PERSON)
    assert not gone.position.any()
    assert gone.track_id == 0


def test_the_support_of_a_held_pose_is_todays(rig, scene):
    rig.step()
    scene.there = False
    rig.plane.support = replace(FLOOR, sigma_rad=0.02)
    assert rig.step().support is rig.plane.support


def test_who_returns_to_the_place_is_the_same_track(rig, scene):
    for _ in range(ENOUGH):
        rig.step()
    scene.there = False
    rig.step()
    scene.there = True
    assert rig.step().track_id == 1
    assert rig.lifter.calls[-1]["bones"] is not None
    assert rig.lifter.calls[-1]["before"].age_s == pytest.approx(0.2)


def test_who_is_elsewhere_later_is_a_new_track_with_bones_of_their_own(rig, scene):
    for _ in range(ENOUGH):
        rig.step()
    scene.there = False
    rig.step()
    scene.there, scene.at = True, AT + np.array([0.0, 0.0, 2.0])
    pose = rig.step(10.0)
    assert pose.track_id == 2
    assert rig.lifter.calls[-1]["bones"] is None
    assert rig.lifter.calls[-1]["before"] is None
    np.testing.assert_allclose(pose.position, scene.points[:N], atol=1e-12)  # no old smoothing


def test_what_is_known_of_the_candidate_is_remembered_of_the_patient(rig, scene):
    scene.on_support = True
    rig.step()
    kept = rig.estimator._keeper.kept
    assert kept.on_support is True
    assert kept.size == pytest.approx(1.0)


def test_a_figure_that_cannot_be_lifted_uses_up_no_track(rig, scene):
    scene.sigma_m[:] = ADRIFT_M + 0.01
    for _ in range(3):
        assert rig.step().mode == Mode.UNKNOWN
    scene.sigma_m[:] = 0.02
    assert rig.step().track_id == 1


def test_a_figure_elsewhere_that_cannot_be_lifted_does_not_end_the_patients_track(rig, scene):
    rig.step()
    scene.there = False
    rig.step(0.2)
    # A coat on its stand, when a patient may have gone elsewhere.
    scene.others = (scene.candidate(AT + np.array([1.5, 0.0, 0.0])),)
    rig.step(0.6)
    scene.there, scene.others = True, ()
    assert rig.step(0.2).track_id == 1


def test_the_rest_of_the_picture_is_searched_now_and_then(make, scene):
    rig = make(PoseSettings(census_period_s=0.5))
    scene.others = (scene.candidate(AT + np.array([0.0, 0.0, 1.0])),)
    people = [rig.step().people_in_view for _ in range(16)]
    assert rig.finder.censuses == [k * PERIOD_NS for k in (6, 11, 16)]
    assert people == [2] * 16
    scene.others = ()
    people = [rig.step().people_in_view for _ in range(5)]
    assert people == [2, 2, 2, 2, 1]


def test_the_track_changes_over_to_whom_the_rule_has_long_preferred(make, scene):
    left = SubjectRule("left")
    rig = make(PoseSettings(subject=left, census_period_s=0.1, switch_after_s=1.0))
    beside = AT - np.array([0.9, 0.0, 0.0])
    assert [rig.step().track_id for _ in range(50)] == [1] * 50
    scene.others = (scene.candidate(beside),)
    tracks = [rig.step().track_id for _ in range(12)]
    assert tracks[:10] == [1] * 10
    assert tracks[-1] == 2
    wanted = region_round(scene.landmarks(beside).pixel)
    assert wanted in rig.backend.regions


# Time


@pytest.mark.parametrize("back_s", [0.0, 0.05, 0.99])
def test_a_late_frame_is_refused_and_changes_nothing(make, scene, back_s):
    one, other = make(), make()
    for rig in (one, other):
        for _ in range(3):
            rig.step(0.4)
    with pytest.raises(InputError, match="not newer"):
        one.estimator.update(one.frame(one.stamp_ns - round(back_s * NANOSECONDS)))
    scene.at += 0.02
    assert one.step().position.tobytes() == other.step().position.tobytes()


def test_a_clock_that_is_set_back_starts_anew(rig, scene):
    for _ in range(ENOUGH + 10):
        rig.step()
    assert rig.lifter.calls[-1]["bones"] is not None
    forgotten = rig.plane.forgotten
    scene.at = AT + np.array([0.03, 0.0, 0.0])
    rig.stamp_ns = 0
    pose = rig.step()
    assert pose.stamp_ns == rig.stamp_ns
    assert rig.plane.forgotten == forgotten + 1
    assert rig.lifter.calls[-1]["bones"] is None
    assert rig.lifter.calls[-1]["before"] is None
    assert rig.plane.updates[-1][2] is None
    assert pose.track_id == 2
    np.testing.assert_allclose(pose.position, scene.points[:N], atol=1e-12)


def test_after_the_clock_was_set_back_nothing_old_is_held(rig, scene):
    rig.step()
    rig.step(2.0)
    scene.there = False
    rig.stamp_ns = 0
    assert rig.step().mode == Mode.UNKNOWN


def test_after_the_clock_was_set_back_colour_alone_must_do_as_soon_as_ever(make, scene):
    rig = make(PoseSettings(max_sigma_m=0.03, max_sigma_no_depth_m=0.35))
    rig.step(60.0)  # with depth
    scene.measured[:], scene.sigma_m[:] = False, 0.3
    rig.stamp_ns = 0
    status = [rig.step(depth=False).status for _ in range(12)]
    assert (np.array(status[:9]) == Status.UNKNOWN).all()
    assert (np.array(status[10:]) == Status.INFERRED).all()


def test_the_same_frames_give_the_same_bits(make, scene):
    runs = []
    for _ in range(2):
        rng, rig, bits = np.random.default_rng(3), make(), b""
        for k in range(25):
            scene.at = AT + rng.normal(0.0, 0.02, 3)
            scene.there = k not in (9, 10)
            pose = rig.step()
            bits += pose.position.tobytes() + pose.covariance.tobytes() + pose.status.tobytes()
        runs.append(bits)
    assert runs[0] == runs[1]


# The support carries


def height(pose, name):
    return pose.support.height.value + pose.point(name) @ pose.support.up


def test_points_that_sank_are_raised_to_the_support(rig, scene):
    low = scene.points[:N, 1].max() - 0.05
    rig.plane.support = Support(UP, 0.01, Estimate(low, 0.01))
    pose = rig.step()
    sunk = scene.points[:N, 1] > low
    assert 2 <= sunk.sum() <= 10
    np.testing.assert_allclose(pose.position[sunk, 1], low, atol=1e-9)
    np.testing.assert_allclose(pose.position[~sunk], scene.points[:N][~sunk], atol=1e-9)
    np.testing.assert_allclose(
        pose.position[sunk][:, [0, 2]], scene.points[:N][sunk][:, [0, 2]], atol=1e-9
    )


def test_known_bones_push_nothing_through_the_support(rig, scene):
    for _ in range(ENOUGH + 2):
        rig.step()
    foot = scene.points[INDEX["l_ankle"], 1]
    rig.plane.support = Support(UP, 0.01, Estimate(float(foot), 0.01))
    scene.at = AT + np.array([0.0, 0.04, 0.0])  # all is seen a little too low
    for _ in range(10):
        pose = rig.step()
    assert min(height(pose, name) for name in NAMES) > -1e-3


def test_a_support_of_unknown_height_raises_nothing(rig, scene):
    unknown = Estimate(0.0, 0.0, Status.UNKNOWN, Reason.NO_DEPTH)
    rig.plane.support = Support(UP, 0.01, unknown)
    np.testing.assert_allclose(rig.step().position, scene.points[:N], atol=1e-12)
