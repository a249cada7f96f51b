import os
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from clips import (
    PERIOD_NS,
    START_NS,
    Answering,
    AnsweringNaively,
    Clip,
    die,
    hang,
    pose_of,
    shifted,
    standing,
    tilted,
    without,
)
from sample_case import SampleCase

from lbp_rehab.bench import cases, pelvis, pose
from lbp_rehab.bench.run_case import run_case
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.pose.skeleton import INDEX, NAMES
from lbp_rehab.pose.types import BodyPose, Support

DEG = np.pi / 180.0


def run(clip, spoil=lambda k, p: p, shift_m=(0.0, 0.0, 0.0)):
    return run_case(clip, lambda: Answering(clip, spoil), lambda: AnsweringNaively(clip, shift_m))


def nobody(k, p):
    return BodyPose.unknown(p.stamp_ns, p.frame_id, p.names, Reason.NO_PERSON)


def test_every_frame_is_kept_with_its_truth():
    record = run(Clip(frames=7, rest=3))
    assert record.frames == 7
    assert np.diff(record.truth.stamp_ns).tolist() == [PERIOD_NS] * 6
    assert record.truth.neutral.tolist() == [True] * 3 + [False] * 4
    assert record.truth.present.all()
    assert record.info.exercise == "forward_bend"


def test_a_constant_shift_is_the_error_of_every_point():
    clip = Clip()
    result = pose.summarise([run(clip, lambda k, p: shifted(p, (0.0, 0.03, 0.04)), (0, 0, 0.2))])
    assert result["mpjpe_mm"] == pytest.approx(50.0)
    assert result["mpjpe_median_mm"] == pytest.approx(50.0)
    assert result["root_mpjpe_mm"] == pytest.approx(0.0, abs=1e-6)
    assert result["naive_mpjpe_mm"] == pytest.approx(200.0)
    assert (result["pck100"], result["naive_pck150"]) == (1.0, 0.0)
    assert result["bone_variation"] == pytest.approx(0.0, abs=1e-9)
    assert result["acceleration_error_mm_s2"] == pytest.approx(0.0, abs=1.0)


def test_sigmas_are_judged_by_the_ellipsoid():
    clip = Clip()
    # Sigma is 20 mm an axis: 1 sigma ends at 1.878 * 20 = 37.6 mm, 2 sigma at 2.833 * 20 = 56.7.
    for shift_mm, within in ((37.0, (1.0, 1.0)), (38.0, (0.0, 1.0)), (57.0, (0.0, 0.0))):
        moved = (0.0, 0.0, shift_mm / 1000.0)
        result = pose.summarise([run(clip, lambda k, p, by=moved: shifted(p, by))])
        assert (result["within_1_sigma"], result["within_2_sigma"]) == within
    assert result["sigma_mean_mm"] == pytest.approx(20.0)


def test_unknown_points_are_reported_and_told_apart():
    clip = Clip(covered=("l_knee", "l_ankle"))
    hidden = ("l_knee", "r_wrist")  # one of them rightly
    result = pose.summarise([run(clip, lambda k, p: without(p, *hidden))])
    assert result["unknown_share"] == pytest.approx(2 / 19, abs=1e-4)
    assert result["unknown_covered_share"] == pytest.approx(0.5)
    assert result["unknown_seen_share"] == pytest.approx(0.5)
    assert result["mpjpe_mm"] == pytest.approx(0.0, abs=1e-9)
    assert result["pck150"] == pytest.approx(17 / 19, abs=1e-4)


def test_a_covered_point_far_off_counts_against_knowing_when_not_to_answer():
    clip = Clip(covered=("l_knee", "l_ankle"))

    def spoil(k, p):
        position = p.position.copy()
        position[INDEX["l_ankle"]] += [0.0, 0.0, 0.2]
        return without(replace(p, position=position), "l_knee")

    result = pose.summarise([run(clip, spoil)])
    assert result["unknown_when_wrong_share"] == pytest.approx(0.5)


def test_a_frame_without_an_answer_is_missed_and_has_no_error():
    clip = Clip(frames=40)
    record = run(clip, lambda k, p: nobody(k, p) if k % 4 == 0 else p)
    result = pose.summarise([record])
    assert result["no_answer_share"] == pytest.approx(0.25)
    assert result["missed"] == 10
    assert result["false_detections"] == 0
    assert result["mpjpe_mm"] == pytest.approx(0.0, abs=1e-9)
    assert result["ap50"] == pytest.approx(76 / 101, abs=1e-4)
    assert result["unknown_share"] == pytest.approx(0.25)


def test_the_wrong_person_is_a_false_answer_and_the_patient_missed():
    clip = Clip(frames=10)
    beside = lambda k, p: replace(p, pixel=p.pixel + np.array([90.0, 0.0]))  # noqa: E731
    result = pose.summarise([run(clip, beside)])
    assert (result["missed"], result["false_detections"]) == (10, 10)
    assert result["ap50"] == 0.0
    assert result["naive_ap50"] == 1.0


def test_covered_points_count_in_the_one_precision_and_not_in_the_other():
    legs = ("l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle")
    clip = Clip(frames=10, covered=legs)
    off = np.isin(NAMES, legs)[:, None] * np.array([200.0, 0.0])
    result = pose.summarise([run(clip, lambda k, p: replace(p, pixel=p.pixel + off))])
    assert result["ap75"] == 0.0
    assert result["ap75_uncovered"] == 1.0


def out_of_sight(item):
    """The frame of a patient who stands 100 m to the side."""
    position = item.pose.position + np.array([100.0, 0.0, 0.0])
    return replace(item, pose=pose_of(item.pose.stamp_ns, position), box=(0.0, 0.0, 0.0, 0.0))


def test_an_answer_while_the_patient_is_out_of_the_image_is_false():
    clip = Clip(frames=10)
    gone = [out_of_sight(f) if k < 4 else f for k, f in enumerate(clip)]

    class Leaving(Clip):
        def __iter__(self):
            return iter(gone)

    result = pose.summarise([run(Leaving(frames=10))])
    assert (result["missed"], result["false_detections"]) == (0, 4)


def test_a_patient_who_is_all_hidden_is_not_judged():
    @dataclass(frozen=True)
    class Seen:
        frame: object
        pose: object
        pelvis: object
        box: tuple
        covered: np.ndarray
        neutral: bool
        area_px: float

    class Hidden(Clip):
        def __iter__(self):
            return (
                Seen(**vars(f), area_px=500.0 * (k >= 4)) for k, f in enumerate(super().__iter__())
            )

    record = run(Hidden(frames=10))
    assert record.truth.area.tolist() == [0.0] * 4 + [500.0] * 6
    result = pose.summarise([record])
    assert (result["missed"], result["false_detections"], result["ap75"]) == (0, 0, 1.0)


def test_cameras_postures_and_faults_are_groups_where_they_are_named():
    @dataclass(frozen=True)
    class Filmed(Clip):
        camera: str = "d435"

    records = [run(Filmed(name="a", posture="sitting")), run(Clip(name="b", faults=("sags",)))]
    for result in (pose.figures(records, 0), pelvis.figures(records, 0)):
        assert set(result["per_posture"]) == {"sitting", "standing"}
        assert list(result["per_camera"]) == ["d435"]
        assert result["with_fault"]["clips"] == result["without_fault"]["clips"] == 1
    assert "per_camera" not in pose.figures(records[1:], 0)


def test_intervals_come_from_clips_and_not_from_frames():
    def clips(frames):
        shifts = (0.01, 0.03, 0.05, 0.07)
        spoils = [lambda k, p, s=s: shifted(p, (0.0, 0.0, s)) for s in shifts]
        return [run(Clip(name=str(n), frames=frames), s) for n, s in enumerate(spoils)]

    few, many = (pose.summarise(clips(frames)) for frames in (25, 60))
    low, high = few["mpjpe_mm_ci95"]
    assert few["mpjpe_mm"] == pytest.approx(40.0)
    assert low < 40.0 < high
    # A few frames or many of the same four people tell the same.
    assert many["mpjpe_mm_ci95"] == [low, high]
    assert many["naive_mpjpe_mm_ci95"] == [0.0, 0.0]
    assert pose.summarise(clips(25)[:1])["mpjpe_mm_ci95"] is None
    silent = run(Clip(name="s"), nobody)  # a clip without an answer says nothing of the error
    assert pose.summarise([*clips(25)[:1], silent])["mpjpe_mm_ci95"] is None


def test_figures_hold_every_group_with_the_same_keys():
    records = [run(Clip(name="a")), run(Clip(name="b", exercise="plank", condition="dark"))]
    result = pose.figures(records, 5)
    wanted = {"frames", "seed", "mpjpe_mm", "mpjpe_median_mm", "root_mpjpe_mm", "ap50", "ap75",
              "naive_mpjpe_mm", "within_1_sigma", "within_2_sigma", "unknown_share",
              "ms_per_frame_median", "per_exercise"}  # fmt: skip
    assert wanted <= set(result)
    assert result["seed"] == 5
    assert result["frames"] == 80
    assert set(result["per_exercise"]) == {"forward_bend", "plank"}
    assert set(result["per_condition"]) == {"clear", "dark"}
    for one in result["per_exercise"].values():
        assert wanted - {"seed", "per_exercise"} <= set(one)
        assert one["frames"] == 40
    assert len(result["per_keypoint"]) == 19
    points = [s["points"] for s in result["per_state"].values()]
    assert sum(points) == 80 * 19


def test_the_worst_frame_is_the_one_with_the_largest_error():
    clip = Clip(frames=12)
    record = run(clip, lambda k, p: shifted(p, (0.0, 0.0, 0.3 if k == 7 else 0.01)))
    assert record.worst_pose.index == 7
    assert record.worst_pose.error == pytest.approx(300.0)
    assert (record.worst_pose.frame.color == 7).all()


# Pelvis: the real estimator on exact or spoiled points


def leaning(share, offset_rad=0.0):
    """Answers that show a share of the tilt, and an offset."""

    def spoil(clip):
        def one(k, p):
            return pose_of(p.stamp_ns, tilted(standing(), share * clip.tilt(k) + offset_rad))

        return one

    return spoil


def test_exact_points_give_exact_angles_with_slope_one():
    clip = Clip()
    result = pelvis.summarise([run(clip)])
    assert result["tilt_mae_deg"] == pytest.approx(0.0, abs=0.01)
    assert result["tilt_relative_max_deg"] == pytest.approx(0.0, abs=0.01)
    assert result["tilt_slope"] == pytest.approx(1.0, abs=1e-3)
    assert result["tilt_correlation"] == pytest.approx(1.0, abs=1e-3)
    assert result["cases_without_neutral"] == 0
    assert result["unknown_share"] == result["relative_unknown_share"] == 0.0
    assert result["tilt_range_mae_deg"] == pytest.approx(0.0, abs=0.01)
    assert result["lumbar_flexion_mae_deg"] is None
    assert result["obliquity_slope"] is None  # nothing moved about that axis


def test_under_read_motion_shows_in_the_slope_and_the_range():
    clip = Clip(swing_rad=0.6)
    result = pelvis.summarise([run(clip, leaning(0.5)(clip))])
    assert result["tilt_slope"] == pytest.approx(0.5, abs=0.01)
    peak = np.degrees(max(clip.tilt(k) for k in range(clip.frames)))
    assert result["tilt_range_bias_deg"] == pytest.approx(-0.5 * peak, abs=0.05)


def test_a_constant_offset_vanishes_against_neutral_only():
    clip = Clip()
    result = pelvis.summarise([run(clip, leaning(1.0, 7.0 * DEG)(clip))])
    assert result["tilt_mae_deg"] == pytest.approx(7.0, abs=0.01)
    assert result["tilt_relative_mae_deg"] == pytest.approx(0.0, abs=0.01)
    assert result["tilt_slope"] == pytest.approx(1.0, abs=1e-3)


def test_without_a_still_rest_there_is_no_neutral_and_no_relative_angle():
    clip = Clip()
    wobbling = lambda k, p: leaning(1.0, 0.3 * (-1) ** k)(clip)(k, p)  # noqa: E731
    result = pelvis.summarise([run(clip, wobbling)])
    assert result["cases_without_neutral"] == 1
    assert result["relative_unknown_share"] == 1.0
    assert result["tilt_slope"] is None


def test_an_unknown_pelvis_is_right_when_a_hip_is_covered():
    covered = Clip(name="c", covered=("l_hip",))
    seen = Clip(name="s")
    records = [run(c, lambda k, p: without(p, "l_hip") if k >= 30 else p) for c in (covered, seen)]
    result = pelvis.summarise(records)
    assert result["unknown_share"] == pytest.approx(0.25)
    assert result["unknown_right_share"] == pytest.approx(0.5)
    assert result["unknown_when_wrong_share"] == 1.0


def test_figures_that_count_unknown_as_failure():
    clip = Clip()
    spoil = leaning(1.0, 7.0 * DEG)(clip)
    result = pelvis.summarise([run(clip, lambda k, p: nobody(k, p) if k >= 30 else spoil(k, p))])
    assert result["answered_share"] == pytest.approx(0.75)
    assert (result["tilt_within_5_deg"], result["tilt_within_10_deg"]) == (0.0, 0.75)
    assert result["relative_answered_share"] == result["tilt_relative_within_5_deg"] == 0.5
    assert result["cases_with_neutral"] == 1


def test_the_peer_without_images_knows_the_other_clips_of_the_exercise():
    clips = [Clip(name="a", swing_rad=0.0), Clip(name="b", swing_rad=0.4), Clip(name="c")]
    records = [run(c) for c in (*clips[:2], replace(clips[2], exercise="plank"))]
    result = pelvis.figures(records, 0)["per_exercise"]
    tilts = [np.array([c.tilt(k) for k in range(c.frames)]) for c in clips]
    both = [np.abs(tilts[0] - tilts[1].mean()), np.abs(tilts[1])]  # each from the other's mean
    expected = np.degrees(np.concatenate(both).mean())
    bend = result["forward_bend"]
    assert bend["no_image_tilt_mae_deg"] == pytest.approx(expected, abs=0.1)
    moving = np.concatenate([t[c.rest :] for t, c in zip(tilts[:2], clips, strict=False)])
    expected = np.degrees(np.abs(moving).mean())
    assert bend["no_image_tilt_relative_mae_deg"] == pytest.approx(expected, abs=0.01)
    assert result["plank"]["no_image_tilt_mae_deg"] is None
    assert {f"{name}_slope" for name in ("tilt", "obliquity", "rotation")} <= set(bend)


def lying(item):
    """The frame with gravity to the patient's right, and no true tilt or rotation."""
    support = Support(np.array([1.0, 0.0, 0.0]), 0.01, Estimate(1.0, 0.01))
    unknown = Estimate.unknown(Reason.TOO_UNCERTAIN)
    absolute = replace(
        item.pelvis.absolute, tilt=unknown, rotation=unknown, obliquity=Estimate(-np.pi / 2, 1e-4)
    )
    return replace(
        item,
        pose=replace(item.pose, support=support),
        pelvis=replace(item.pelvis, absolute=absolute),
    )


def test_a_pelvis_that_lies_on_its_side_is_judged_by_its_orientation():
    class Lying(Clip):
        def __iter__(self):
            return map(lying, super().__iter__())

    clip = Lying()

    def spoil(k, p):
        turned = tilted(p.position, 6.0 * DEG)  # about the pelvis's own left axis
        return replace(p, position=turned)

    result = pelvis.summarise([run(clip, spoil)])
    assert result["answered_share"] == 1.0
    assert result["tilt_mae_deg"] == pytest.approx(6.0, abs=0.05)
    assert result["rotation_mae_deg"] == pytest.approx(0.0, abs=0.05)
    assert result["within_1_sigma"] is None  # the sigmas are those of other angles


def test_required_keys_of_the_pelvis_are_there():
    result = pelvis.figures([run(Clip())], 0)
    assert {"tilt_mae_deg", "obliquity_mae_deg", "rotation_mae_deg", "per_exercise"} <= set(result)
    assert {"tilt_mae_deg", "tilt_slope", "tilt_correlation"} <= set(
        result["per_exercise"]["forward_bend"]
    )


# Real estimators on the sample recording


@pytest.fixture(scope="module")
def sample():
    pytest.importorskip("ai_edge_litert")
    return [
        SampleCase(first=0, last=24, step=3, rest=6, name="early"),
        SampleCase(first=100, last=124, step=3, rest=6, name="late"),
    ]


def same(a, b):
    for name in ("position", "known", "pixel", "covariance"):
        assert np.array_equal(getattr(a.ours, name), getattr(b.ours, name))
    assert np.array_equal(a.naive.position, b.naive.position)
    assert np.array_equal(a.our_angles.absolute, b.our_angles.absolute, equal_nan=True)
    assert a.info == b.info


def test_workers_give_the_same_answers_in_the_order_of_the_cases(sample):
    here = cases.work_off(run_case, sample, 1)
    there = cases.work_off(run_case, sample, 2)
    assert [r.info.name for r in there] == ["early", "late"]
    for a, b in zip(here, there, strict=True):
        same(a, b)


def test_real_estimators_see_the_sample_and_beat_the_naive_peer(sample):
    result = pose.summarise(cases.work_off(run_case, sample, 1))
    assert result["frames"] == 16
    assert result["ap50"] == 1.0
    assert result["mpjpe_median_mm"] < 80.0
    assert result["mpjpe_mm"] < result["naive_mpjpe_mm"]
    assert result["ms_per_frame_median"] > 0.0


def test_truth_stands_for_itself():
    record = run(Clip())
    assert record.truth.in_image[:, [INDEX["l_hip"], INDEX["nose"]]].all()
    assert record.truth.stamp_ns[0] == START_NS
    assert record.ours.known.shape == (40, len(NAMES))


def test_a_dead_worker_is_one_sentence():
    with pytest.raises(InputError, match="worker process"):
        cases.work_off(die, [1, 2], 2)


def test_an_interrupt_ends_the_workers_at_once(monkeypatch, tmp_path):
    started = []

    def interrupted(results, **_):
        deadline = time.monotonic() + 60.0
        while len(started) < 2:
            assert time.monotonic() < deadline
            started[:] = [p for p in tmp_path.iterdir() if p.suffix == ".pid"]
        raise KeyboardInterrupt

    monkeypatch.setattr(cases, "tqdm", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cases.work_off(hang, [tmp_path, tmp_path], 2)
    deadline = time.monotonic() + 30.0  # the work itself would take minutes
    while any(alive(int(path.stem)) for path in started):
        assert time.monotonic() < deadline


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
