from dataclasses import replace

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.dof import NOT_ANGLES, Dof
from lbp_rehab.synthetic.staging import BLANKET_EXERCISES
from lbp_rehab.training import dataset
from lbp_rehab.training.scenes import (
    BURST_FRAMES,
    CAMERAS,
    CONDITIONS,
    FREE_PELVIS_DEG,
    RATES_HZ,
    SIZES,
    Loose,
    frames,
    moments,
    scenario,
)

SEEDS = range(700_000, 700_150)


def test_a_scenario_is_its_seeds():
    assert [scenario(seed) for seed in SEEDS] == [scenario(seed) for seed in SEEDS]
    assert len({scenario(seed).seed for seed in SEEDS}) == len(SEEDS)


def test_training_never_draws_what_is_kept_for_testing():
    assert {scenario(seed).split for seed in SEEDS} == {Split.TRAIN}
    assert scenario(700_000, Split.TEST).split == Split.TEST
    assert scenario(700_000, Split.TEST) != scenario(700_000)


def test_scenes_are_of_every_kind():
    drawn = [scenario(seed) for seed in SEEDS]
    assert {s.condition for s in drawn} == set(CONDITIONS)
    assert {s.size for s in drawn} == set(SIZES)
    assert {s.camera for s in drawn} == set(CAMERAS)
    assert {s.side for s in drawn} == {"left", "right"}
    assert len({s.exercise for s in drawn}) > 10
    assert 0.3 < np.mean([bool(s.faults) for s in drawn]) < 0.7
    low, high = FREE_PELVIS_DEG
    assert all(low <= s.free_pelvis_deg <= high for s in drawn)
    assert all(s.exercise in BLANKET_EXERCISES for s in drawn if s.condition == "blanket")


def test_shares_of_conditions_and_cameras_are_whole():
    assert sum(CONDITIONS.values()) == pytest.approx(1.0)
    assert sum(CAMERAS.values()) == pytest.approx(1.0)


def test_a_loose_movement_is_the_movement_with_an_offset():
    movement = scenario(700_000).movement
    offset = np.linspace(-0.1, 0.1, len(Dof))
    loose = Loose(movement, offset)
    times = np.array([0.0, 1.0, 2.5])
    np.testing.assert_array_equal(loose.at(times), movement.at(times) + offset)
    assert loose.duration_s == movement.duration_s
    assert loose.repetitions is movement.repetitions


def test_a_burst_is_a_few_frames_at_a_cameras_rate(drawn):
    assert len(drawn.frames) == BURST_FRAMES
    times = np.array([frame.shown.t_s for frame in drawn.frames])
    (dt_s,) = {frame.dt_s for frame in drawn.frames}
    assert pytest.approx(1.0 / dt_s) in RATES_HZ
    np.testing.assert_allclose(np.diff(times), dt_s)
    assert [frame.step for frame in drawn.frames] == list(range(BURST_FRAMES))
    assert {frame.burst for frame in drawn.frames} == {0}
    stamps = np.array([frame.shown.frame.stamp_ns for frame in drawn.frames])
    np.testing.assert_allclose(np.diff(stamps) / 1e9, dt_s, atol=1e-6)
    assert all(frame.scenario.split == Split.TRAIN for frame in drawn.frames)


def test_frames_are_their_seeds_to_the_bit(drawn):
    again = next(frames(700_002))
    one, other = drawn.frames[0].shown, again.shown
    assert one.frame.color.tobytes() == other.frame.color.tobytes()
    assert one.frame.depth.tobytes() == other.frame.depth.tobytes()
    assert one.pose.position.tobytes() == other.pose.position.tobytes()
    assert one.pelvis.axes.tobytes() == other.pelvis.axes.tobytes()


class FakeStudio:
    """Notes how the patient's movement is off whenever it is looked at."""

    def __init__(self, chosen):
        self.scenario, self.seen = chosen, []
        self.patient = type("Patient", (), {"movement": chosen.movement})()

    def show(self, t_s, *_):
        self.seen.append(self.patient.movement.offset.copy())


@pytest.fixture
def fake_studio(monkeypatch, rendering):
    monkeypatch.setattr("lbp_rehab.training.scenes.Studio", FakeStudio)


def test_what_is_no_angle_is_not_loosened(fake_studio):
    shown = list(frames(700_003, bursts=12))
    assert len(shown) == 12 * BURST_FRAMES
    offsets = np.array(shown[0].studio.seen).reshape(12, BURST_FRAMES, -1)
    assert (offsets == offsets[:, :1]).all()  # constant in a burst
    fixed = [d in NOT_ANGLES for d in Dof]
    assert not offsets[..., fixed].any()
    loosened = offsets[:, 0].any(axis=1)
    assert 3 <= loosened.sum() <= 11
    assert len(np.unique(offsets[loosened, 0], axis=0)) == loosened.sum()


def test_frames_are_shown_at_their_moments(fake_studio):
    shown = [(f.burst, f.step, f.dt_s, f.scenario) for f in frames(700_003, bursts=3)]
    at = list(moments(700_003, bursts=3))
    assert shown == [(m.burst, m.step, m.dt_s, m.studio.scenario) for m in at]
    assert at[0].studio.scenario == scenario(700_003)
    times = np.array([m.t_s for m in at]).reshape(3, BURST_FRAMES)
    rates = np.array([m.dt_s for m in at]).reshape(3, BURST_FRAMES)
    np.testing.assert_allclose(np.diff(times), rates[:, 1:])
    assert len(set(times[:, 0])) == 3


def test_single_moments_are_as_many_poses(fake_studio):
    at, offsets = [], []
    for moment in moments(700_003, bursts=48, steps=1):
        at.append(moment)
        offsets.append(moment.studio.patient.movement.offset)
    assert [(m.burst, m.step) for m in at] == [(k, 0) for k in range(48)]
    assert len({m.t_s for m in at}) == 48
    end_s = scenario(700_003).movement.repetitions[-1].end_s
    assert all(0.0 <= m.t_s <= end_s for m in at)
    assert 15 < np.any(offsets, axis=1).sum() < 42
    assert len({id(m.studio) for m in at}) == 1


def test_a_view_that_nothing_can_stand_in_is_clear(monkeypatch, rendering):
    class Narrow(FakeStudio):
        def __init__(self, chosen):
            if chosen.condition != "clear":
                raise InputError("no room")
            super().__init__(chosen)

    monkeypatch.setattr("lbp_rehab.training.scenes.Studio", Narrow)
    seed = next(s for s in SEEDS if scenario(s).condition == "occluder")
    (first,) = moments(seed, bursts=1, steps=1)
    assert first.studio.scenario == replace(scenario(seed), condition="clear")
    assert next(frames(seed)).scenario.condition == "clear"


def test_the_first_region_is_near_the_person_and_sometimes_wrong(drawn):
    pixel = drawn.frames[0].shown.pose.pixel[:33]
    true = dataset.region_round(pixel)
    follower = dataset._Follower(None, np.random.default_rng(0))
    started = []
    for _ in range(400):
        follower.start(pixel)
        started.append(follower.region)
    off = np.array([np.hypot(*(np.array(r.centre) - true.centre)) for r in started]) / true.size
    turn = np.array([r.rotation - true.rotation for r in started])
    size = np.log([r.size / true.size for r in started])
    assert 0.02 < np.median(off) < 0.06
    assert np.median(np.abs(turn)) < 0.2
    assert 0.01 < (np.abs(turn) > 0.7).mean() < 0.1
    assert np.median(np.abs(size)) < 0.1
