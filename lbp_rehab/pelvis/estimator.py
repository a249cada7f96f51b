"""The pelvis in one pose after another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.pelvis.head import PelvisHead, look
from lbp_rehab.pelvis.neutral import Neutral, Sample
from lbp_rehab.pelvis.reference import SurfaceFollower
from lbp_rehab.pelvis.segments import (
    POINTS,
    pelvis_axes,
    propagate,
    spans_a_pelvis,
    trunk_points,
    turned_angles,
)
from lbp_rehab.pelvis.types import Method, PelvisAngles, PelvisState
from lbp_rehab.pose.gravity import gravity_axes
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.rotations import small_vectors

Array = NDArray[np.float64]

# Between the hips-to-shoulders line and the pelvis itself lies the lumbar spine. Over 16 exercises
# of a synthetic body the line misses the true tilt by 6.9 degrees on average even with perfect
# joints (mean absolute error; times 1.25 for a 1-sigma). In the two other planes the hips
# themselves are the axis, and what remains is how far the landmarks are from the joints.
TILT_MODEL_SIGMA_RAD = np.deg2rad(6.9 * 1.25)
HIP_AXIS_SIGMA_RAD = np.deg2rad(3.0)


@dataclass(frozen=True)
class PelvisSettings:
    """What a user may set.

    Attributes
    ----------
    max_sigma_rad : float
        An angle less certain than this is published as unknown.
    """

    max_sigma_rad: float = float(np.deg2rad(10.0))


@dataclass(frozen=True)
class _Measured:
    """A pelvis by either method; ``covariance`` is of the rotation vector about its own axes.

    ``change_covariance`` (4, 4), with the lumbar flexion last, leaves out what is wrong in all of a
    patient's frames alike; None: nothing is known to be.
    """

    method: Method
    axes: Array
    covariance: Array
    lumbar_flexion: float
    lumbar_variance: float
    change_covariance: Array | None = None
    revision: Array = field(default_factory=lambda: np.zeros(4))
    landmarks: Array | None = None
    landmark_sigma: Array | None = None


class PelvisEstimator:
    """Turns poses into pelvis states; knows the neutral once it is set."""

    def __init__(self, settings: PelvisSettings | None = None) -> None:
        self.settings = settings or PelvisSettings()
        self.neutral: Neutral | None = None
        self._head = PelvisHead()
        self._followers: dict[int, SurfaceFollower] = {}  # by track

    def update(
        self,
        pose: BodyPose,
        depth: NDArray[np.uint16] | None = None,
        intrinsics: Intrinsics | None = None,
    ) -> tuple[PelvisState, Sample | None]:
        """Return the state of the pelvis, and the sample for a neutral (None if unknown).

        Parameters
        ----------
        pose : BodyPose
        depth : ndarray of uint16, shape (h, w), optional
            Millimetres, of the instant of the pose, registered to its colour image. Without it the
            pelvis is taken from the line between hips and shoulders, which is much less certain.
        intrinsics : Intrinsics, optional
            Of the colour camera; needed with depth.
        """
        if not pose.known(*POINTS):
            return self._unknown(pose, _why(pose)), None
        points, covariance = trunk_points(pose)
        if not spans_a_pelvis(points):
            return self._unknown(pose, Reason.TOO_UNCERTAIN), None
        if depth is not None and intrinsics is not None:
            measured = self._by_surface(pose, depth, intrinsics)
        else:
            measured = _by_segments(points, covariance)
        index = [pose.names.index(name) for name in POINTS]
        status = Status(int(pose.status[index].max()))
        frame = gravity_axes(pose.support.up) if pose.support is not None else np.eye(3)
        lumbar = self._estimate(measured.lumbar_flexion, measured.lumbar_variance, status)
        sample = Sample(
            pose.stamp_ns, pose.track_id, frame @ measured.axes, pose.support is not None, lumbar,
            measured.method, measured.revision,
            np.zeros((4, 4)) if measured.change_covariance is None else measured.change_covariance,
        )  # fmt: skip
        if pose.support is None:
            absolute = replace(_all_unknown(Reason.NO_GRAVITY), lumbar_flexion=lumbar)
        else:
            tilting = np.array([1.0, 1.0, 0.0]) * pose.support.sigma_rad**2
            absolute = self._angles(frame, measured, tilting, status, lumbar)
        position = np.zeros((6, 6))
        position[:3, :3] = covariance[:2].sum(axis=0) / 4.0
        position[3:, 3:] = measured.axes @ measured.covariance @ measured.axes.T
        return (
            PelvisState(
                stamp_ns=pose.stamp_ns,
                frame_id=pose.frame_id,
                person_id=pose.person_id,
                method=measured.method,
                absolute=absolute,
                relative=self._relative(frame, measured, sample, status),
                origin=points[:2].mean(axis=0),
                axes=measured.axes,
                covariance=position,
                landmarks=measured.landmarks,
                landmark_sigma=measured.landmark_sigma,
                **self._neutral_of(pose),
            ),
            sample,
        )

    def _by_surface(
        self, pose: BodyPose, depth: NDArray[np.uint16], intrinsics: Intrinsics
    ) -> _Measured:
        # Who has the neutral may come back: what is known of them is kept with it.
        kept = (pose.track_id, self.neutral.track_id if self.neutral else None)
        self._followers = {k: v for k, v in self._followers.items() if k in kept}
        follower = self._followers.setdefault(pose.track_id, SurfaceFollower(self._head))
        seen = follower.update(look(pose, depth, intrinsics))
        return _Measured(
            Method.SURFACE, seen.axes, seen.covariance[:3, :3], seen.lumbar_flexion,
            float(seen.covariance[3, 3]), seen.change_covariance, seen.revision,
            seen.landmarks, seen.landmark_sigma,
        )  # fmt: skip

    def _relative(
        self, frame: Array, measured: _Measured, sample: Sample, status: Status
    ) -> PelvisAngles:
        neutral = self.neutral
        if (
            neutral is None
            or neutral.gravity != sample.gravity
            or neutral.track_id != sample.track_id
            or neutral.method != sample.method
        ):
            return _all_unknown(Reason.NOT_CALIBRATED)
        neutral = neutral.revised(measured.revision)
        if measured.change_covariance is not None:
            changed = measured.change_covariance + neutral.change_covariance
            measured = replace(
                measured, covariance=changed[:3, :3], lumbar_variance=float(changed[3, 3])
            )
        lumbar = Estimate.unknown(Reason.NOT_CALIBRATED)
        if neutral.lumbar_flexion is not None:
            lumbar = self._estimate(
                measured.lumbar_flexion - neutral.lumbar_flexion,
                measured.lumbar_variance + neutral.sigma_rad**2,
                status,
            )
        extra = np.full(3, neutral.sigma_rad**2)
        return self._angles(neutral.axes.T @ frame, measured, extra, status, lumbar)

    def _angles(
        self, frame: Array, measured: _Measured, extra: Array, status: Status, lumbar: Estimate
    ) -> PelvisAngles:
        """Return the angles in a frame, with the variances ``extra`` of the frame itself."""
        value, spread = turned_angles(frame @ measured.axes, measured.covariance)
        variance = np.diag(spread) + extra
        tilt, obliquity, rotation = (
            self._estimate(float(v), float(s), status) for v, s in zip(value, variance, strict=True)
        )
        return PelvisAngles(tilt, obliquity, rotation, lumbar)

    def _estimate(self, value: float, variance: float, status: Status) -> Estimate:
        sigma = float(np.sqrt(variance))
        if not sigma <= self.settings.max_sigma_rad:
            return Estimate.unknown(Reason.TOO_UNCERTAIN)
        return Estimate(value, sigma, status)

    def _unknown(self, pose: BodyPose, reason: Reason) -> PelvisState:
        return PelvisState(
            stamp_ns=pose.stamp_ns,
            frame_id=pose.frame_id,
            person_id=pose.person_id,
            method=Method.NONE,
            absolute=_all_unknown(reason),
            relative=_all_unknown(reason),
            origin=None,
            axes=None,
            covariance=np.zeros((6, 6)),
            **self._neutral_of(pose),
        )

    def _neutral_of(self, pose: BodyPose) -> dict[str, Any]:
        """Return the fields about the track and its neutral; another person's does not count."""
        neutral = self.neutral
        if neutral is None or (pose.track_id and neutral.track_id != pose.track_id):
            return {"track_id": pose.track_id}
        return {
            "track_id": pose.track_id,
            "neutral_source": neutral.source,
            "neutral_stamp_ns": neutral.stamp_ns,
        }


def _all_unknown(reason: Reason) -> PelvisAngles:
    unknown = Estimate.unknown(reason)
    return PelvisAngles(unknown, unknown, unknown, unknown)


def _why(pose: BodyPose) -> Reason:
    """Return the reason of the first of the four points that is unknown."""
    for name in POINTS:
        if name not in pose.names:
            return Reason.MISSING_INPUT
        if not pose.known(name):
            return Reason(int(pose.reason[pose.names.index(name)]))
    raise ValueError("every point is known")


def _by_segments(points: Array, covariance: Array) -> _Measured:
    """Return the pelvis by the line from hips to shoulders; the spine stays unknown."""
    axes = pelvis_axes(points)

    def turn(p: Array) -> Array:
        return small_vectors(axes.T @ pelvis_axes(p))

    spread = propagate(turn, points, covariance)[1]
    spread += np.diag([HIP_AXIS_SIGMA_RAD, TILT_MODEL_SIGMA_RAD, HIP_AXIS_SIGMA_RAD]) ** 2
    return _Measured(Method.SEGMENTS, axes, spread, 0.0, np.inf)
