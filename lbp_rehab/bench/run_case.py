"""One case through the estimators as the nodes run them, frame after frame, beside the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench.angles import errors
from lbp_rehab.bench.cases import Case, TrueFrame
from lbp_rehab.bench.detection import AREA_OF_BOX
from lbp_rehab.bench.metrics import POINT_INDEX, distances_mm
from lbp_rehab.bench.naive import NaivePose, NaivePoseEstimator, naive_angles, naive_pelvis
from lbp_rehab.bench.records import ANGLES, Angles, Answers, CaseInfo, CaseRecord, Truth, Worst
from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.estimate import Status
from lbp_rehab.pelvis.estimator import PelvisEstimator
from lbp_rehab.pelvis.neutral import Collector, Sample
from lbp_rehab.pelvis.segments import gravity_frame
from lbp_rehab.pelvis.types import PelvisAngles, PelvisState
from lbp_rehab.pose.estimator import PoseEstimator
from lbp_rehab.pose.types import BodyPose, Support

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEUTRAL_S = 1.5  # the node's default


class FollowsPose(Protocol):
    """A pose estimator: `lbp_rehab.pose.estimator.PoseEstimator` or a stand-in."""

    def update(self, frame: RgbdFrame) -> BodyPose: ...  # noqa: D102


class FollowsNaively(Protocol):
    """A naive peer: `NaivePoseEstimator` or a stand-in."""

    def update(self, frame: RgbdFrame) -> NaivePose: ...  # noqa: D102


class NeutralAtRest:
    """Calibrates an estimator's neutral over the frames of rest, as ``calibrate_neutral`` does.

    Attributes
    ----------
    problem : str
        Why there is no neutral; empty once there is one.
    """

    def __init__(self, estimator: PelvisEstimator) -> None:
        self._estimator = estimator
        self._collector: Collector | None = Collector(NEUTRAL_S)
        self._over = False
        self.problem = "no frame of rest"

    def add(self, sample: Sample | None, stamp_ns: int, at_rest: bool) -> None:
        """Take the sample of a frame; the end of the rest ends the calibration."""
        if self._collector is None:
            return
        if at_rest:
            self._over = self._collector.add(sample, stamp_ns)
        if self._over or not at_rest:
            self.problem = self._collector.problem()
            if not self.problem:
                self._estimator.neutral = self._collector.result()
            self._collector = None


def run_case(
    case: Case,
    pose_estimator: Callable[[], FollowsPose] = PoseEstimator,
    naive_estimator: Callable[[], FollowsNaively] = NaivePoseEstimator,
) -> CaseRecord:
    """Run a fresh estimator of each kind over a case.

    Parameters
    ----------
    case : Case
    pose_estimator, naive_estimator : callable
        Make the estimators; the defaults have the settings that the nodes start with.
    """
    follow, naive = pose_estimator(), naive_estimator()
    pelvis = PelvisEstimator()
    calibration = NeutralAtRest(pelvis)
    true: list[_Kept] = []
    poses: list[BodyPose] = []
    states: list[PelvisState] = []
    peers: list[NaivePose] = []
    times: list[tuple[float, float]] = []
    worst_pose: Worst | None = None
    worst_tilt: Worst | None = None
    for item in case:
        begin = time.perf_counter()
        pose = follow.update(item.frame)
        middle = time.perf_counter()
        state, sample = pelvis.update(pose, item.frame.depth, item.frame.intrinsics)
        end = time.perf_counter()
        calibration.add(sample, item.frame.stamp_ns, bool(item.neutral))
        times.append((1000.0 * (middle - begin), 1000.0 * (end - middle)))
        peers.append(naive.update(item.frame))
        poses.append(pose)
        states.append(state)
        now = Worst(item.frame, item.pose, pose, item.pelvis, state, float("nan"), len(true))
        worst_pose = _worse(worst_pose, replace(now, error=_pose_error(item, pose)))
        worst_tilt = _worse(worst_tilt, replace(now, error=_tilt_error(item, pose, state)))
        # Without the images: a case of them is a hundred megabytes.
        true.append(_Kept(item))
    truth = _truth(true)
    took = np.array(times).reshape(-1, 2)
    return CaseRecord(
        info=CaseInfo.of(case),
        truth=truth,
        ours=_ours(poses),
        naive=_naive(peers),
        true_angles=_angles([t.pelvis for t in true], [t.pose.support for t in true]),
        our_angles=_angles(states, [p.support for p in poses]),
        naive_angles=_naive_angles(peers, [t.pose.support for t in true], truth.neutral),
        neutral_problem=calibration.problem,
        pose_ms=took[:, 0],
        pelvis_ms=took[:, 1],
        worst_pose=worst_pose,
        worst_tilt=worst_tilt,
    )


class _Kept:
    """The truth of a frame without its images."""

    def __init__(self, item: TrueFrame) -> None:
        camera = item.frame.intrinsics
        self.frame = RgbdFrame(
            item.frame.stamp_ns, item.frame.frame_id, np.zeros((0, 0, 3), np.uint8), None, camera
        )
        self.pose, self.pelvis, self.box = item.pose, item.pelvis, item.box
        self.covered, self.neutral = item.covered, bool(item.neutral)
        self.area_px = area_px(item)


def area_px(item: TrueFrame) -> float:
    """Return how many pixels show the patient; a share of the box where the case does not say."""
    side = np.maximum(np.subtract(item.box[2:], item.box[:2]), 0.0)
    return float(getattr(item, "area_px", AREA_OF_BOX * side.prod()))


def _truth(true: list[_Kept]) -> Truth:
    pixel = np.array([t.pose.pixel for t in true], float)
    size = np.array([(t.frame.intrinsics.width, t.frame.intrinsics.height) for t in true])
    area = np.array([t.area_px for t in true], float)
    front = np.array([t.pose.position[:, 2] > 0 for t in true])
    inside = (pixel >= -0.5).all(axis=-1) & (pixel < size[:, None] - 0.5).all(axis=-1)
    return Truth(
        stamp_ns=np.array([t.frame.stamp_ns for t in true], np.int64),
        position=np.array([t.pose.position for t in true], float),
        pixel=pixel,
        seen=np.array([t.pose.visibility > 0.5 for t in true]),
        covered=np.array([t.covered for t in true], bool),
        in_image=inside & front,
        area=area,
        present=area > 0,
        neutral=np.array([t.neutral for t in true], bool),
    )


def _ours(poses: list[BodyPose]) -> Answers:
    known = np.array([p.status != Status.UNKNOWN for p in poses])
    pixel = np.array([p.pixel for p in poses], float)
    # Without depth a keypoint may have a pixel and no position: that is an answer in the image.
    located = (pixel != -1.0).all(axis=-1)
    visibility = np.array([p.visibility for p in poses], float)
    return Answers(
        position=np.array([p.position for p in poses], float),
        known=known,
        located=located,
        pixel=pixel,
        score=visibility.mean(axis=1),
        covariance=np.array([p.covariance for p in poses], float),
    )


def _naive(peers: list[NaivePose]) -> Answers:
    score = np.array([p.score for p in peers], float)
    known = np.array([p.known for p in peers])
    return Answers(
        position=np.array([p.position for p in peers], float),
        known=known,
        located=np.broadcast_to((score > 0)[:, None], known.shape),
        pixel=np.array([p.pixel for p in peers], float),
        score=score,
    )


def _angles(states: list[PelvisState], supports: Sequence[Support | None]) -> Angles:
    def table(sets: list[PelvisAngles]) -> tuple[Array, Array]:
        each = [[getattr(s, name) for name in ANGLES] for s in sets]
        value = [[e.value if e.known else np.nan for e in row] for row in each]
        sigma = [[e.sigma if e.known else np.nan for e in row] for row in each]
        return np.array(value, float).reshape(-1, 4), np.array(sigma, float).reshape(-1, 4)

    absolute, absolute_sigma = table([s.absolute for s in states])
    relative, relative_sigma = table([s.relative for s in states])
    axes = [_axes(state, support) for state, support in zip(states, supports, strict=True)]
    return Angles(absolute, relative, absolute_sigma, relative_sigma, _stacked(axes))


def _axes(state: PelvisState, support: Support | None) -> Array | None:
    """Return the pelvis axes in the frame of gravity."""
    if state.axes is None or support is None:
        return None
    return gravity_frame(support) @ state.axes


def _stacked(axes: Sequence[Array | None]) -> Array:
    unknown = np.full((3, 3), np.nan)
    return np.array([unknown if a is None else a for a in axes], float).reshape(-1, 3, 3)


def _naive_angles(peers: list[NaivePose], supports: list[Support | None], neutral: Mask) -> Angles:
    axes = [
        naive_pelvis(p.position, p.known, s) if s is not None else None
        for p, s in zip(peers, supports, strict=True)
    ]
    absolute, relative = naive_angles(axes, neutral)
    unknown = np.full((len(peers), 1), np.nan)  # of lumbar flexion, which the line cannot tell
    none = np.full((len(peers), 4), np.nan)
    return Angles(
        np.hstack([absolute, unknown]), np.hstack([relative, unknown]), none, none, _stacked(axes)
    )


def _pose_error(item: TrueFrame, pose: BodyPose) -> float:
    """Return the mean error of the answered points in mm, nan if there are none."""
    known = pose.status != Status.UNKNOWN
    error = distances_mm(pose.position, item.pose.position, known)[POINT_INDEX]
    return float("nan") if np.isnan(error).all() else float(np.nanmean(error))


def _tilt_error(item: TrueFrame, pose: BodyPose, state: PelvisState) -> float:
    """Return the size of the error of the tilt in degrees, nan where it is unknown."""
    true = _angles([item.pelvis], [item.pose.support])
    got = _angles([state], [pose.support])
    error = errors(got.absolute[:, :3], true.absolute[:, :3], got.axes, true.axes)
    return float(np.rad2deg(np.abs(error[0, 0])))


def _worse(before: Worst | None, now: Worst) -> Worst | None:
    if np.isnan(now.error) or (before is not None and now.error <= before.error):
        return before
    depth = None if now.frame.depth is None else now.frame.depth.copy()
    return replace(now, frame=replace(now.frame, color=now.frame.color.copy(), depth=depth))
