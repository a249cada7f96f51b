import numpy as np
import pytest

from lbp_rehab.emg.types import Muscle
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.emg.recruitment import CHANNELS
from lbp_rehab.synthetic.emg.stream import EmgStream
from lbp_rehab.synthetic.emg.style import MuscleStyle
from lbp_rehab.synthetic.emg.tasks import RAPID, TIRING, Task
from lbp_rehab.synthetic.emg.truth import EmgTruth


def drive_of(task):
    return task.drive(MuscleStyle.drawn(task.seed, task.split))


@pytest.mark.parametrize("name", list(TIRING))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tiring_sets_work_some_muscles_hard_and_the_others_little(name, seed):
    task = Task(name, seed)
    plan, kind = task.plan, TIRING[name]
    effort_s = plan.end_s - plan.start_s
    assert effort_s == 90.0 if kind.dynamic else 45.0 <= effort_s <= 90.0
    t_s = np.arange(plan.start_s + 2.0, plan.end_s - 2.0, 0.01)
    highest = np.percentile(drive_of(task).at(t_s), 90, axis=0)
    for (muscle, _), level in zip(CHANNELS, highest, strict=True):
        if muscle in kind.work:
            assert 0.14 < level < 0.75
        else:
            assert level < 0.1
    at_rest = drive_of(task).at(np.array([1.0, task.duration_s - 0.5]))
    assert at_rest.max() < 0.04


def test_a_hold_tires_and_its_true_median_frequency_falls():
    stream = EmgStream(Task("biering_sorensen", 3), seed=3)
    plan = stream.movement.plan
    conduction = stream.fatigue.conduction(np.array([plan.start_s, plan.end_s]))
    working = [k for k, (muscle, _) in enumerate(CHANNELS) if muscle == Muscle.ERECTOR_SPINAE]
    assert (conduction[1, working] < conduction[0, working] - 0.02).all()


def test_repetitions_pause_between_each_other():
    task = Task("back_extensions", 2)
    plan = task.plan
    t_s = np.arange(plan.start_s, plan.end_s, 0.005)
    level = plan.work(t_s)[:, 2]
    off = level < 0.01
    pauses = np.count_nonzero(off[1:] & ~off[:-1])
    assert 20 <= pauses <= 36


@pytest.mark.parametrize("seed", range(5))
def test_rapid_contractions_begin_exactly_where_the_plan_says(seed):
    task = Task(RAPID, seed)
    plan = task.plan
    assert ((np.diff(plan.go_s) >= 2.0) & (np.diff(plan.go_s) <= 3.0)).all()
    assert ((plan.rise_s >= 0.03) & (plan.rise_s <= 0.15)).all()
    assert ((plan.peak >= 0.1) & (plan.peak <= 0.6)).all()
    assert (np.ptp(plan.start_s, axis=1) > 0.02).all()  # not all at once
    assert (plan.start_s > plan.go_s[:, None]).all()
    assert (np.diff(plan.start_s, axis=0) > 1.5).all()
    drive = drive_of(task)
    for k in (0, 5, 11):
        for start_s, rise_s, peak in zip(
            plan.start_s[:, k], plan.rise_s[:, k], plan.peak[:, k], strict=True
        ):
            t_s = np.array([start_s - 1e-4, start_s + 0.2 * rise_s, start_s + rise_s])
            before, early, top = (drive.at(t_s) - drive.rest(t_s))[:, k]
            assert before == 0.0
            assert early > 0.0
            assert top == pytest.approx(peak, rel=0.35)  # effort is not steady


def test_true_onset_is_where_a_rapid_rise_passes_two_percent():
    stream = EmgStream(Task(RAPID, 4), seed=4)
    plan = stream.movement.plan
    spans = EmgTruth(stream).active[3]
    assert len(spans) == len(plan.go_s)
    for (on_s, _), start_s, rise_s, peak in zip(
        spans, plan.start_s[:, 3], plan.rise_s[:, 3], plan.peak[:, 3], strict=True
    ):
        # 3 x^2 - 2 x^3 = 0.02 / peak, for small x: x = sqrt(0.02 / (3 peak)).
        expected = start_s + rise_s * np.sqrt(0.02 / (3.0 * peak))
        assert on_s == pytest.approx(expected, abs=0.012)
        rise = stream.drive.at(np.array([on_s])) - stream.drive.rest(np.array([on_s]))
        assert rise[0, 3] == pytest.approx(0.02, abs=0.004)


def test_rest_is_1_to_3_percent_and_breathes():
    drive = drive_of(Task(RAPID, 6))
    rest = drive.rest(np.linspace(0.0, 20.0, 2000))
    assert 0.007 < rest.min() < rest.max() < 0.037
    assert (np.ptp(rest, axis=0) > 0.0005).all()


def test_splits_draw_other_tasks_and_a_seed_the_same():
    def levels(split):
        return Task("plank_hold", 5, split).plan.level

    np.testing.assert_array_equal(levels(Split.TRAIN), levels(Split.TRAIN))
    assert (levels(Split.TRAIN) != levels(Split.TEST)).any()


def test_unknown_tasks_are_refused():
    with pytest.raises(InputError, match="no task 'yoga'"):
        Task("yoga", 1)
