import numpy as np
import pytest
from rooms import AUTO, BED, FLOOR, Level, View, lying, off_deg, standing

from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pose.support import GravityRule, find_support
from lbp_rehab.pose.support_tracker import Change, SupportTracker
from lbp_rehab.pose.types import Support

SECOND = 1_000_000_000


class Counted:
    """Points that count how often they are asked for."""

    def __init__(self, points):
        self.points, self.asked = points, 0

    def __call__(self):
        self.asked += 1
        return self.points


def watch(tracker, points, body, start_s, end_s):
    """Feed a scene; return all changes and the last support."""
    found, changes = None, []
    for k in range(round((end_s - start_s) * 10)):
        found = tracker.update(round((start_s + k / 10) * SECOND), points, body)
        changes.append(tracker.change)
    return found, [c for c in changes if c != Change.NONE]


def test_the_cloud_is_made_only_when_it_is_time_to_look():
    view = View(30)
    points, body = Counted(view.points([FLOOR])), lying(view, FLOOR)
    tracker = SupportTracker(AUTO, period_s=2.0)
    watch(tracker, points, body, 0.0, 6.1)
    assert points.asked == 4  # at 0, 2, 4 and 6 s


def test_looks_are_averaged_and_the_sigma_falls():
    view = View(25)
    tracker = SupportTracker(AUTO, period_s=1.0)
    single, sigmas = [], []
    for k in range(12):
        points = view.points([FLOOR], noise=0.015, seed=k)
        mean = tracker.update(k * SECOND, points, lying(view, FLOOR, k))
        look = find_support(points, AUTO, body=lying(view, FLOOR, k))
        single.append(look.up)
        sigmas.append(look.sigma_rad)
    spread = np.sqrt(np.mean(np.square(np.array(single) - np.mean(single, axis=0)).sum(axis=1)))
    assert np.linalg.norm(mean.up - np.mean(single, axis=0)) < 0.25 * spread
    assert 0.9 * np.mean(sigmas) < mean.sigma_rad < 0.97 * np.mean(sigmas)
    assert tracker.agrees


def test_a_moved_camera_is_noticed_at_the_next_look():
    before, after = View(25), View(40, roll_deg=5)
    tracker = SupportTracker(AUTO, period_s=2.0)
    watch(tracker, before.points([FLOOR]), lying(before, FLOOR), 0.0, 8.0)
    found = tracker.update(8 * SECOND, after.points([FLOOR]), lying(after, FLOOR))
    assert tracker.change == Change.MOVED
    assert off_deg(found, after) < 0.5
    assert found.height.value == pytest.approx(after.height(FLOOR), abs=0.01)


def test_one_odd_look_changes_nothing():
    view = View(30)
    floor, body = view.points([FLOOR]), lying(view, FLOOR)
    tracker = SupportTracker(AUTO, period_s=1.0)
    kept, _ = watch(tracker, floor, body, 0.0, 3.0)
    # Something large and level passes; the floor is still seen beside it.
    passing = Level(0.5, (-1.6, 0.0, -0.6, 0.6))
    tracker.update(3 * SECOND, view.points([FLOOR, passing]), lying(view, passing))
    assert tracker.change == Change.NONE
    assert not tracker.agrees
    found, changes = watch(tracker, floor, body, 3.1, 6.0)
    assert changes == []
    assert tracker.agrees
    assert found.height.value == pytest.approx(kept.height.value, abs=0.005)


def test_who_gets_off_the_bed_is_soon_carried_by_the_floor():
    view = View(25, distance_m=3.2, target=(0, 0.3, 0.7))
    points = view.points([FLOOR, BED])
    tracker = SupportTracker(AUTO, period_s=10.0)
    before, _ = watch(tracker, points, lying(view, BED), 0.0, 11.0)
    assert before.height.value == pytest.approx(view.height(BED), abs=0.02)
    after, changes = watch(tracker, points, standing(view, (0.0, 0.8)), 11.0, 12.5)
    assert changes == [Change.SURFACE]
    assert after.height.value == pytest.approx(view.height(FLOOR), abs=0.02)
    np.testing.assert_array_equal(after.up, before.up)  # gravity stays what it was
    back, changes = watch(tracker, points, lying(view, BED), 12.5, 14.0)
    assert changes == [Change.SURFACE]
    assert back.height.value == pytest.approx(view.height(BED), abs=0.02)


def test_the_bed_stays_the_support_while_the_patient_is_lost():
    view = View(25, distance_m=3.2, target=(0, 0.8, 0.4))
    points = view.points([FLOOR, BED])
    tracker = SupportTracker(AUTO, period_s=1.0)
    watch(tracker, points, lying(view, BED), 0.0, 3.0)
    found, changes = watch(tracker, points, None, 3.0, 9.0)
    assert changes == []
    assert found.height.value == pytest.approx(view.height(BED), abs=0.02)


def test_a_wall_taken_for_the_floor_is_dropped_when_the_patient_comes():
    view = View(0, distance_m=2.0, target=(0, 0, 1.4))
    points = view.points([], [(1, -1.0)])
    tracker = SupportTracker(AUTO, period_s=5.0)
    assert tracker.update(0, points) is not None  # alone it looks like a floor from overhead
    assert tracker.update(SECOND // 10, points, standing(view)) is None


def calibration(view, level, off_rad=0.0):
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(off_rad), -np.sin(off_rad)], [0, np.sin(off_rad), np.cos(off_rad)]]
    )
    return Support(tilt @ view.up, 0.001, Estimate(float(view.height(level)), 0.002))


def test_a_calibrated_plane_is_given_as_it_is_while_it_agrees():
    view = View(30)
    given = calibration(view, FLOOR, np.deg2rad(0.4))
    tracker = SupportTracker(AUTO, 1.0, calibrated=given)
    found, changes = watch(tracker, view.points([FLOOR]), lying(view, FLOOR), 0.0, 5.0)
    assert found is given
    assert tracker.agrees
    assert changes == []
    assert tracker.update(6 * SECOND, None) is given


def test_a_calibrated_plane_that_no_longer_holds_is_said_and_replaced_until_it_holds_again():
    before, after = View(30), View(42)
    given = calibration(before, FLOOR)
    tracker = SupportTracker(AUTO, 1.0, calibrated=given)
    watch(tracker, before.points([FLOOR]), lying(before, FLOOR), 0.0, 3.0)
    moved, body = after.points([FLOOR]), lying(after, FLOOR)
    assert tracker.update(3 * SECOND, moved, body) is given  # one look is not enough
    assert not tracker.agrees
    found, changes = watch(tracker, moved, body, 3.1, 6.0)
    assert not tracker.agrees
    assert changes == [Change.FOUND]
    assert off_deg(found, after) < 0.5
    found, _ = watch(tracker, before.points([FLOOR]), lying(before, FLOOR), 6.0, 8.0)
    assert found is given
    assert tracker.agrees


def test_what_was_found_can_be_forgotten_but_not_the_calibration():
    view = View(30)
    tracker = SupportTracker(AUTO, 1.0)
    tracker.update(0, view.points([FLOOR]))
    tracker.forget()
    assert tracker.support is None
    assert tracker.update(1, None) is None
    given = calibration(view, FLOOR)
    tracker = SupportTracker(AUTO, 1.0, calibrated=given)
    tracker.forget()
    assert tracker.support is given


def test_without_depth_the_last_plane_is_kept_and_a_given_direction_given():
    view = View(30)
    tracker = SupportTracker(AUTO, 1.0)
    assert tracker.update(0, None) is None
    seen = tracker.update(1, view.points([FLOOR]))
    assert tracker.update(5 * SECOND, None) is seen
    given = SupportTracker(GravityRule.parse("0,-1,0"), 1.0).update(0, None)
    assert given.height.reason == Reason.NO_DEPTH


def test_a_clock_set_back_makes_it_look_again():
    view = View(30)
    points = Counted(view.points([FLOOR]))
    tracker = SupportTracker(AUTO, 2.0)
    tracker.update(100 * SECOND, points)
    tracker.update(SECOND, points)
    assert points.asked == 2


def test_the_same_stamps_and_points_give_the_same_track():
    def run():
        tracker = SupportTracker(AUTO, 0.5, seed=7)
        for k in range(6):
            view = View(30 if k < 3 else 50)
            points = view.points([FLOOR, BED], seed=k)
            found = tracker.update(k * SECOND, points, lying(view, BED, k))
        return found

    first, again = run(), run()
    assert first.up.tobytes() == again.up.tobytes()
    assert first.height == again.height
    assert first.sigma_rad == again.sigma_rad
