"""The pose of the patient in one RGB-D frame after another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.blazepose import Detector, LandmarkModel, Landmarks, Person, Region
from lbp_rehab.pose.bones import BoneLengths
from lbp_rehab.pose.lift import Lifted, lift
from lbp_rehab.pose.posture import classify
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.smoothing import OneEuro, OneEuroSettings
from lbp_rehab.pose.subject import SubjectRule, find_everyone, without
from lbp_rehab.pose.support import GravityRule, agreement, cloud, find_support, without_depth
from lbp_rehab.pose.types import BodyPose, Mode, Support
from lbp_rehab.stamps import NANOSECONDS

HOLD_GROWTH_M_PER_S = 0.3  # a held pose gets this much less certain with time


@dataclass(frozen=True)
class PoseSettings:
    """What a user may set.

    Attributes
    ----------
    subject : SubjectRule
        Who the patient is when several people are in view.
    gravity : GravityRule
    census_period_s : float
        How often the rest of the picture is searched for other people.
    switch_after_s : float
        The rule must prefer another person for this long before the track changes over.
    hold_s : float
        How long the last pose is held when the person is lost.
    support_period_s : float
        How often the support plane is checked.
    smoothing : OneEuroSettings
    seed : int
        Of the random hypotheses for the support plane.
    """

    subject: SubjectRule = field(default_factory=lambda: SubjectRule("nearest"))
    gravity: GravityRule = field(default_factory=lambda: GravityRule.parse("auto"))
    census_period_s: float = 1.0
    switch_after_s: float = 2.5
    hold_s: float = 0.3
    support_period_s: float = 2.0
    smoothing: OneEuroSettings = field(default_factory=OneEuroSettings)
    seed: int = 0


class PoseEstimator:
    """Follows one person; `update` takes one frame and returns one pose, known or not."""

    def __init__(self, settings: PoseSettings | None = None) -> None:
        self.settings = settings or PoseSettings()
        self._detector = Detector()
        self._model = LandmarkModel()
        self._bones = BoneLengths()
        self._filter = OneEuro(len(NAMES), self.settings.smoothing)
        self._region: Region | None = None
        self._people = 0
        self._track_id = 0
        self._last: BodyPose | None = None
        self._support: Support | None = None
        self._support_ns: int | None = None
        self._census_ns: int | None = None
        self._preferred_since_ns: int | None = None
        self._stamp_ns: int | None = None

    def update(self, frame: RgbdFrame) -> BodyPose:
        """Return the pose in this frame.

        A stamp long before the last one means that the clock was set back or a recording starts
        again: everything learnt over time is forgotten.

        Raises
        ------
        InputError
            If the frame is late: its stamp is not after the last one.
        """
        if self._stamp_ns is not None and frame.stamp_ns <= self._stamp_ns:
            if self._stamp_ns - frame.stamp_ns < NANOSECONDS:
                raise InputError("the frame is not newer than the one before it")
            self._forget()
        self._stamp_ns = frame.stamp_ns
        self._update_support(frame)
        landmarks = self._track(frame)
        if landmarks is None:
            return self._held_or_unknown(frame)
        self._region = landmarks.next_region
        lifted = lift(landmarks, frame.depth, frame.intrinsics, self._bones.size())
        self._bones.learn(lifted)
        pose = self._compose(frame, landmarks, self._bones.apply(lifted))
        self._last = pose
        return pose

    # The subject

    def _track(self, frame: RgbdFrame) -> Landmarks | None:
        landmarks = self._model(frame.color, self._region) if self._region else None
        if landmarks is not None and _in_view(landmarks, frame):
            other = self._census(frame, landmarks)
            return landmarks if other is None else self._acquire(frame, other)
        self._region = None
        everyone = find_everyone(frame.color, self._detector, self._model)
        self._people = len(everyone)
        self._census_ns = frame.stamp_ns
        chosen = self.settings.subject.choose([person for person, _ in everyone], frame)
        for person, found in everyone:
            if person is chosen:
                return self._acquire(frame, found)
        return None

    def _acquire(self, frame: RgbdFrame, landmarks: Landmarks) -> Landmarks:
        # The same person who comes back within the hold keeps the track and the learnt lengths.
        last = self._last
        recent = last is not None and not self._due(
            last.stamp_ns, frame.stamp_ns, self.settings.hold_s
        )
        if not (last is not None and recent and _same_place(last, landmarks, self._track_id)):
            self._track_id += 1
            self._bones.reset()
            self._filter.reset()
        self._preferred_since_ns = None
        return landmarks

    def _census(self, frame: RgbdFrame, landmarks: Landmarks) -> Landmarks | None:
        """Look at the rest of the picture now and then; return whom to follow instead, if anybody.

        One run of the detector a census, so that no frame takes much longer than another.
        """
        if not self._due(self._census_ns, frame.stamp_ns, self.settings.census_period_s):
            return None
        self._census_ns = frame.stamp_ns
        others = self._detector(without(frame.color, landmarks))
        self._people = 1 + len(others)
        tracked = _as_person(landmarks)
        chosen = self.settings.subject.choose([tracked, *others], frame)
        if chosen is tracked or chosen is None:
            self._preferred_since_ns = None
            return None
        if self._preferred_since_ns is None:
            self._preferred_since_ns = frame.stamp_ns
        if not self._due(self._preferred_since_ns, frame.stamp_ns, self.settings.switch_after_s):
            return None
        return self._model(frame.color, chosen.region)

    # Support and gravity

    def _update_support(self, frame: RgbdFrame) -> None:
        if frame.depth is None:
            self._support = self._support or without_depth(self.settings.gravity)
            return
        if not self._due(self._support_ns, frame.stamp_ns, self.settings.support_period_s):
            return
        self._support_ns = frame.stamp_ns
        points = cloud(frame.depth, frame.intrinsics)
        rule = self.settings.gravity
        found = find_support(points, rule, self.settings.seed)
        # Keep the plane unless the new one explains clearly more: the camera was moved.
        if found is not None and (
            self._support is None
            or not self._support.height.known
            or agreement(points, found) > 1.3 * agreement(points, self._support)
        ):
            self._support = found

    # Putting it together

    def _compose(self, frame: RgbdFrame, landmarks: Landmarks, lifted: Lifted) -> BodyPose:
        known = lifted.status != Status.UNKNOWN
        pose = BodyPose(
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            names=NAMES,
            position=self._filter(frame.stamp_ns, lifted.position, known),
            covariance=lifted.covariance(),
            status=lifted.status,
            reason=lifted.reason,
            visibility=landmarks.visibility,
            pixel=landmarks.pixel,
            mode=_mode(frame, lifted.status),
            support=self._support,
            track_id=self._track_id,
            people_in_view=max(self._people, 1),
            backend=LandmarkModel.NAME,
            image_size=_size(frame),
        )
        posture, confidence = classify(pose)
        return replace(pose, posture=posture, posture_confidence=confidence)

    def _held_or_unknown(self, frame: RgbdFrame) -> BodyPose:
        last = self._last
        age_s = (frame.stamp_ns - last.stamp_ns) / NANOSECONDS if last else np.inf
        if last is not None and age_s <= self.settings.hold_s:
            known = last.status != Status.UNKNOWN
            growth = np.eye(3) * (HOLD_GROWTH_M_PER_S * age_s) ** 2
            return replace(
                last,
                stamp_ns=frame.stamp_ns,
                status=np.where(known, int(Status.HELD), last.status),
                covariance=last.covariance + known[:, None, None] * growth,
                mode=Mode.HELD,
                people_in_view=self._people,
            )
        return BodyPose.unknown(
            frame.stamp_ns,
            frame.frame_id,
            NAMES,
            Reason.NO_PERSON,
            support=self._support,
            people_in_view=self._people,
            backend=LandmarkModel.NAME,
            image_size=_size(frame),
        )

    def _forget(self) -> None:
        self._region = self._last = None
        self._support_ns = self._census_ns = self._preferred_since_ns = None
        self._bones.reset()
        self._filter.reset()

    @staticmethod
    def _due(last_ns: int | None, now_ns: int, period_s: float) -> bool:
        return last_ns is None or now_ns - last_ns >= period_s * NANOSECONDS


def _size(frame: RgbdFrame) -> tuple[int, int]:
    return frame.color.shape[1], frame.color.shape[0]


def _mode(frame: RgbdFrame, status: NDArray[np.int64]) -> Mode:
    if frame.depth is None or not (status == Status.MEASURED).any():
        return Mode.NO_DEPTH
    return Mode.DEPTH_HOLES if (status == Status.INFERRED).any() else Mode.RGB_DEPTH


def _in_view(landmarks: Landmarks, frame: RgbdFrame) -> bool:
    """Whether the trunk still is in the picture; a track that drifts out of it is lost."""
    height, width = frame.color.shape[:2]
    trunk = landmarks.pixel[[11, 12, 23, 24]]
    inside = (trunk >= 0).all(axis=1) & (trunk[:, 0] < width) & (trunk[:, 1] < height)
    return int(inside.sum()) >= 2


def _as_person(landmarks: Landmarks) -> Person:
    """Describe a tracked person as the detector would, so that the rule can compare."""
    shoulder = landmarks.pixel[[11, 12]].mean(axis=0)
    hip = landmarks.pixel[[23, 24]].mean(axis=0)
    box = np.concatenate([landmarks.pixel[:13].min(axis=0), landmarks.pixel[:13].max(axis=0)])
    return Person(box, hip, shoulder, landmarks.next_region, landmarks.presence)


def _same_place(last: BodyPose, landmarks: Landmarks, track_id: int) -> bool:
    """Whether landmarks lie where the last pose of the track was in the image."""
    if last.track_id != track_id or not last.known("l_hip", "r_hip", "l_shoulder", "r_shoulder"):
        return False
    trunk = [11, 12, 23, 24]
    size = float(np.linalg.norm(last.pixel[[11, 12]].mean(0) - last.pixel[[23, 24]].mean(0)))
    moved = np.linalg.norm(landmarks.pixel[trunk] - last.pixel[trunk], axis=1).mean()
    return bool(moved < 0.5 * max(size, 20.0))
