import pickle
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.quality.exercise import known_exercises
from lbp_rehab.synthetic.cases import CLIP_FRAMES, pose_cases, quality_cases
from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.staging import BLANKET_EXERCISES


def test_clips_share_exercises_conditions_and_cameras_out_evenly():
    clips = pose_cases(0, 130 * CLIP_FRAMES)
    assert len(clips) == 130
    by_exercise = Counter(c.exercise for c in clips)
    assert by_exercise == dict.fromkeys(PROGRAMS, 10)
    for exercise in PROGRAMS:
        own = [c for c in clips if c.exercise == exercise]
        assert Counter(c.condition for c in own)["clear"] == 6
        assert len({c.condition for c in own}) == 5
        assert {"blanket"} & {c.condition for c in own} <= {
            "blanket" if exercise in BLANKET_EXERCISES else ""
        }
        assert 2 <= Counter(c.camera for c in own)["azure_kinect"] <= 3
    conditions = Counter(c.condition for c in clips)
    assert min(conditions.values()) >= 4
    assert {c.scenario.split for c in clips} == {Split.TEST}
    assert len({c.seed for c in clips}) == len(clips)


def test_number_of_frames_is_rounded_to_whole_clips_and_never_none():
    assert [len(pose_cases(0, n)) for n in (1, 72, 100, 120, 3000)] == [1, 1, 1, 2, 42]


def test_another_seed_draws_everything_anew():
    one, other = ({c.seed for c in pose_cases(seed, 3000)} for seed in (0, 1))
    assert not one & other
    assert [c.scenario for c in pose_cases(0, 600)] == [c.scenario for c in pose_cases(0, 600)]


def test_clip_holds_the_rest_and_the_way_to_the_top():
    reached = []
    for clip in pose_cases(2, 9360):
        made = clip.scenario.movement.repetitions[0]
        assert made.start_s >= 2.5
        reached.append(clip.frames / clip.scenario.rate_hz >= made.top_s)
    assert np.mean(reached) > 0.95


def test_frames_carry_the_33_keypoints(synthetic_extra):
    clip = pickle.loads(pickle.dumps(pose_cases(1, 96)[0]))
    first = next(iter(clip))
    assert first.pose.names == NAMES
    assert first.pose.position.shape == (33, 3)
    assert first.covered.shape == (33,)
    assert first.neutral
    assert clip.posture in ("supine", "prone", "quadruped", "standing", "side_left", "side_right")
    assert " m, " in clip.person


def test_sets_are_of_exercises_that_can_be_scored_and_tell_what_was_made():
    sets = quality_cases(0, 3000)
    assert {s.exercise for s in sets} <= set(known_exercises())
    for case in sets:
        made = case.scenario.movement.repetitions
        assert [r.start_ns for r in case.repetitions] == [
            case.scenario.stamp_ns(m.start_s) for m in made
        ]
        partial = [r for r, m in zip(case.repetitions, made, strict=True) if m.severity("hips_low")]
        assert all(not r.counts for r in partial if r.faults[0].severity > 0.6)
