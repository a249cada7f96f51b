"""The drives of muscles on a movement of exactly known level."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from lbp_rehab.emg.types import Muscle, Side
from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.emg.compensation import FAULT_EFFECTS, Where
from lbp_rehab.synthetic.emg.drive import MuscleDrive
from lbp_rehab.synthetic.emg.recruitment import (
    CHANNELS,
    LABELS,
    MUSCLES,
    ONE_SIDED,
    RECRUITMENT,
    SECOND,
    SOURCES,
)
from lbp_rehab.synthetic.emg.style import MuscleStyle
from lbp_rehab.synthetic.motion.dof import Dof
from lbp_rehab.synthetic.motion.movement import Fault, minimum_jerk, perform
from lbp_rehab.synthetic.motion.programs import PROGRAMS

OUT_S, HOLD_S, BACK_S, PAUSE_S = 1.4, 2.0, 1.4, 2.0


@dataclass(frozen=True)
class FakeFault:
    name: str
    severity: float = 1.0


@dataclass(frozen=True)
class FakeRepetition:
    start_s: float
    top_s: float
    hold_end_s: float
    end_s: float
    faults: tuple[FakeFault, ...] = ()


@dataclass(frozen=True)
class FakeStyle:
    breath_hz: float = 0.25


@dataclass(frozen=True)
class FakeMovement:
    """Repetitions of one side (0 left, 1 right, None both); a fault shows as the level does."""

    exercise: str
    side: int | None = None
    faults: tuple[FakeFault, ...] = ()
    count: int = 1
    pace: float = 1.0
    turned: float = 0.2  # of pelvis, thorax and knees in the faults
    style: FakeStyle = FakeStyle()

    @property
    def repetitions(self):
        made, now = [], PAUSE_S
        for _ in range(self.count):
            top = now + self.pace * OUT_S
            end = top + HOLD_S + self.pace * BACK_S
            made.append(FakeRepetition(now, top, top + HOLD_S, end, self.faults))
            now = end + PAUSE_S
        return tuple(made)

    @property
    def duration_s(self):
        return self.repetitions[-1].end_s + PAUSE_S

    @property
    def rest(self):
        return np.zeros(len(Dof))

    def at(self, t_s):
        return np.full((np.size(t_s), len(Dof)), self.turned)

    def _course(self, t_s):
        level, rate = np.zeros_like(t_s), np.zeros_like(t_s)
        for rep in self.repetitions:
            for start, end, sign in ((rep.start_s, rep.top_s, 1), (rep.hold_end_s, rep.end_s, -1)):
                u = np.clip((t_s - start) / (end - start), 0.0, 1.0)
                level += sign * minimum_jerk(u)
                rate += sign * 30.0 * u**2 * (1.0 - u) ** 2 / (end - start)
        return level, rate

    def _sides(self, course):
        both = [0.0 if self.side == 1 - k else 1.0 for k in range(2)]
        return course[:, None] * both

    def level(self, t_s):
        return self._sides(self._course(t_s)[0])

    def level_rate(self, t_s):
        return self._sides(self._course(t_s)[1])

    def fault_level(self, name, t_s):
        severity = max((f.severity for f in self.faults if f.name == name), default=0.0)
        return severity * self._course(t_s)[0]


def plain_style(compensation=0.0):
    """Return the style of the table: no gains, no waves, no variation."""
    return replace(
        MuscleStyle.drawn(0, compensation=compensation),
        gain=np.ones(12),
        tonic_gain=np.ones(12),
        unsteadiness=0.0,
        variation=0.0,
    )


def in_hold(movement, style=None):
    """Return the mean drive by channel in the middle of the first hold."""
    first = movement.repetitions[0]
    t_s = np.linspace(first.top_s + 0.5, first.hold_end_s - 0.5, 50)
    drives = MuscleDrive(movement, style or plain_style()).at(t_s).mean(axis=0)
    return dict(zip(CHANNELS, drives, strict=True))


def test_every_exercise_and_fault_has_an_entry():
    assert RECRUITMENT.keys() == FAULT_EFFECTS.keys() == PROGRAMS.keys()
    for exercise, program in PROGRAMS.items():
        assert FAULT_EFFECTS[exercise].keys() == program.faults.keys(), exercise
        assert (exercise in ONE_SIDED) == program.one_sided, exercise
        assert (exercise in SECOND) == bool(program.second), exercise
        assert tuple(RECRUITMENT[exercise]) == MUSCLES
    for table in (RECRUITMENT, SECOND):
        for rows in table.values():
            assert all(row.source in SOURCES for row in rows.values())


@pytest.mark.parametrize("exercise", RECRUITMENT)
def test_hold_has_the_drives_of_the_table(exercise):
    side = 0 if exercise in ONE_SIDED else None
    drives = in_hold(FakeMovement(exercise, side))
    for (muscle, at), drive in drives.items():
        row = RECRUITMENT[exercise][muscle]
        if row.course.out[-1] != (1.0, 1.0):  # what relaxes at the top has its own test
            continue
        work = row.hold if side is None or at == Side.LEFT else row.other
        # Breathing swings the tonic part by up to a fifth.
        assert drive == pytest.approx(row.tonic + work, abs=0.2 * row.tonic + 1e-6), (muscle, at)


@pytest.mark.parametrize("exercise", sorted(ONE_SIDED))
def test_other_side_mirrors(exercise):
    left, right = (in_hold(FakeMovement(exercise, side)) for side in (0, 1))
    for muscle in MUSCLES:
        assert left[muscle, Side.LEFT] == pytest.approx(right[muscle, Side.RIGHT])
        assert left[muscle, Side.RIGHT] == pytest.approx(right[muscle, Side.LEFT])


def test_bird_dog_crosses_over():
    drives = in_hold(FakeMovement("bird_dog", 0))
    own, other = Side.LEFT, Side.RIGHT
    assert drives[Muscle.GLUTEUS_MAXIMUS, own] > 5 * drives[Muscle.GLUTEUS_MAXIMUS, other]
    assert drives[Muscle.MULTIFIDUS, own] > 1.3 * drives[Muscle.MULTIFIDUS, other]
    assert drives[Muscle.EXTERNAL_OBLIQUE, own] > 1.5 * drives[Muscle.EXTERNAL_OBLIQUE, other]
    assert drives[Muscle.INTERNAL_OBLIQUE, other] > 1.5 * drives[Muscle.INTERNAL_OBLIQUE, own]


def test_erectors_fall_silent_in_full_flexion_and_start_again_on_the_way_up():
    movement = FakeMovement("forward_bend")
    rep = movement.repetitions[0]
    k = LABELS.index("erector_spinae_l")

    def peak(start_s, end_s):
        t_s = np.arange(start_s, end_s, 0.01)
        return MuscleDrive(movement, plain_style()).at(t_s)[:, k].max()

    standing = peak(0.0, 1.5)
    silent = peak(rep.top_s, rep.hold_end_s - 0.2)
    down, up = peak(rep.start_s, rep.top_s), peak(rep.hold_end_s, rep.end_s)
    assert silent < 0.5 * standing
    assert down > 4 * standing
    assert up > 1.5 * down
    guarded = in_hold(FakeMovement("forward_bend", faults=(FakeFault("painful_arc"),)))
    assert guarded[Muscle.ERECTOR_SPINAE, Side.LEFT] > 2 * standing


def test_hollow_back_of_cat_camel_swaps_front_and_back():
    movement = perform("cat_camel", seed=3, repetitions=1)
    rep = movement.repetitions[0]
    drive = MuscleDrive(movement, plain_style())
    first, second = (dict(zip(CHANNELS, drive.at(np.array([t]))[0], strict=True))
                     for t in (rep.top_s + 0.1, rep.hold_end_s - 0.1))  # fmt: skip
    back, front = (Muscle.ERECTOR_SPINAE, Side.LEFT), (Muscle.EXTERNAL_OBLIQUE, Side.LEFT)
    assert first[front] > 2 * first[back]
    assert second[back] > 2 * second[front]


def test_muscles_are_on_before_the_movement_and_local_ones_first():
    style, movement = plain_style(), FakeMovement("glute_bridge")
    drive = MuscleDrive(movement, style)
    moving = np.array([PAUSE_S + 0.5 * OUT_S])
    level, speed = movement.level(moving)[0, 0], movement.level_rate(moving)[0, 0]
    for k, muscle in enumerate(MUSCLES):
        row = RECRUITMENT["glute_bridge"][muscle]
        share = np.interp(level, *np.transpose(row.course.out))
        expected = row.hold * share + row.burst * speed / (1.875 / OUT_S)
        before = moving - style.lead_s[k]
        work = drive.at(before) - drive.rest(before)
        assert work[0, 2 * k] == pytest.approx(expected), muscle
    leads = np.mean([MuscleStyle.drawn(seed).lead_s for seed in range(40)], axis=0)
    lead = dict(zip(MUSCLES, leads, strict=True))
    assert 0.05 < lead[Muscle.GLUTEUS_MAXIMUS] < 0.08
    for muscle in (Muscle.MULTIFIDUS, Muscle.INTERNAL_OBLIQUE):
        assert 0.03 < lead[muscle] - lead[Muscle.GLUTEUS_MAXIMUS] < 0.05


@pytest.mark.parametrize(
    ("exercise", "name"), [(e, n) for e, effects in FAULT_EFFECTS.items() for n in effects]
)
def test_fault_changes_what_the_table_says(exercise, name):
    side = 0 if exercise in ONE_SIDED else None
    effect = FAULT_EFFECTS[exercise][name]
    clean, faulty, half = (
        in_hold(FakeMovement(exercise, side, (FakeFault(name, severity),) if severity else ()))
        for severity in (0.0, 1.0, 0.5)
    )
    changed = set()
    for change in effect.changes:
        sides = {
            Where.BOTH: (Side.LEFT, Side.RIGHT),
            Where.NEAR: (Side.LEFT,),
            Where.FAR: (Side.RIGHT,),
            Where.OWN: (Side.LEFT,),
            Where.OTHER: (Side.RIGHT,),
        }[change.where]
        for at in sides:
            changed.add((change.muscle, at))
    for channel, before in clean.items():
        changes = [c for c in effect.changes if c.muscle == channel[0]]
        if channel not in changed:
            assert faulty[channel] == pytest.approx(before), channel
        elif len(changes) == 1 and before > 0.03:
            row = RECRUITMENT[exercise][channel[0]]
            work = before - row.tonic
            expected = row.tonic + work * changes[0].factor + changes[0].added
            assert faulty[channel] == pytest.approx(expected, abs=0.01), channel
            assert min(before, faulty[channel]) - 1e-9 <= half[channel], channel
            assert half[channel] <= max(before, faulty[channel]) + 1e-9, channel
    if name != "too_fast":
        assert any(abs(faulty[c] - clean[c]) > 0.004 for c in changed)


def test_fault_that_goes_to_a_side_follows_the_movement():
    fault = (FakeFault("pelvis_drops"),)
    for turned, sunk, high in ((0.2, Side.LEFT, Side.RIGHT), (-0.2, Side.RIGHT, Side.LEFT)):
        drives = in_hold(FakeMovement("glute_bridge", None, fault, turned=turned))
        assert drives[Muscle.GLUTEUS_MAXIMUS, sunk] < 0.6 * drives[Muscle.GLUTEUS_MAXIMUS, high]


def test_haste_makes_bursts():
    def peak(pace):
        movement = FakeMovement("glute_bridge", pace=pace)
        t_s = np.arange(0.0, movement.duration_s, 0.01)
        return MuscleDrive(movement, plain_style()).at(t_s).max(axis=0)

    assert (peak(0.5)[:4] > 1.1 * peak(1.0)[:4]).all()


def test_compensation_shifts_work_from_local_to_superficial_muscles_and_delays_them():
    movement = FakeMovement("glute_bridge")
    well, ill = (in_hold(movement, plain_style(c)) for c in (0.0, 1.0))
    directions = {
        Muscle.MULTIFIDUS: -1,
        Muscle.INTERNAL_OBLIQUE: -1,
        Muscle.ERECTOR_SPINAE: 1,
        Muscle.RECTUS_ABDOMINIS: 1,
    }
    for muscle, direction in directions.items():
        assert direction * (ill[muscle, Side.LEFT] - well[muscle, Side.LEFT]) > 0.02, muscle
    t_s = np.arange(1.0, 3.0, 0.001)

    def half_way(compensation, label):
        drive = MuscleDrive(movement, plain_style(compensation))
        k = LABELS.index(label)
        work = drive.at(t_s)[:, k] - drive.rest(t_s)[:, k]
        return t_s[np.argmax(work > 0.3 * work.max())]

    late_s = half_way(1.0, "multifidus_l") - half_way(0.0, "multifidus_l")
    assert late_s == pytest.approx(0.12, abs=0.02)
    on_time_s = half_way(1.0, "gluteus_maximus_l") - half_way(0.0, "gluteus_maximus_l")
    assert on_time_s == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("exercise", RECRUITMENT)
def test_drives_of_real_movements_are_fractions_and_continuous(exercise):
    name = next(iter(FAULT_EFFECTS[exercise]))
    movement = perform(exercise, seed=2, repetitions=3, faults=(Fault(2, name),))
    t_s = np.arange(0.0, movement.duration_s, 0.002)
    drives = MuscleDrive(movement, MuscleStyle.drawn(2)).at(t_s)
    assert drives.min() >= 0.0
    assert drives.max() < 1.0
    assert np.abs(np.diff(drives, axis=0)).max() < 0.02  # in 2 ms
    np.testing.assert_array_equal(drives, MuscleDrive(movement, MuscleStyle.drawn(2)).at(t_s))


def test_people_differ_and_splits_share_no_band():
    movement = FakeMovement("plank")
    first, second = (in_hold(movement, MuscleStyle.drawn(seed)) for seed in (1, 2))
    assert max(abs(first[c] - second[c]) for c in CHANNELS) > 0.02
    ranges = {
        split: sorted(MuscleStyle.drawn(seed, split).compensation for seed in range(200))
        for split in (Split.TRAIN, Split.TEST)
    }
    bands = {split: {int(10 * v / 0.4) for v in values} for split, values in ranges.items()}
    assert not bands[Split.TRAIN] & bands[Split.TEST]


def test_unknown_exercise_or_fault_is_refused():
    with pytest.raises(InputError, match="no muscle recruitment"):
        MuscleDrive(FakeMovement("squat"), plain_style())
    with pytest.raises(InputError, match="no effect on the muscles"):
        MuscleDrive(FakeMovement("plank", faults=(FakeFault("knees_swing"),)), plain_style())
