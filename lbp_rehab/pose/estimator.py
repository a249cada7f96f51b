"""The pose of the patient in one RGB-D frame after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.answer import (
    held,
    image_size,
    inside,
    mode_of,
    onto_rays,
    projected,
    raised,
    status_of,
)
from lbp_rehab.pose.backends import make_backend, make_detector
from lbp_rehab.pose.bones import BoneLengths
from lbp_rehab.pose.candidate import Candidate, as_candidate
from lbp_rehab.pose.finder import Finder, brightened
from lbp_rehab.pose.landmarks import Landmarks, Region, region_round
from lbp_rehab.pose.lift import Before, Lifted, Lifter
from lbp_rehab.pose.plausible import judge, solve_collapsed
from lbp_rehab.pose.posture import classify
from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES, SHOULDERS, TRUNK
from lbp_rehab.pose.smoothing import OneEuro, OneEuroSettings
from lbp_rehab.pose.subject import PatientKeeper, SubjectRule
from lbp_rehab.pose.support import GravityRule, cloud
from lbp_rehab.pose.support_tracker import Change, SupportTracker
from lbp_rehab.pose.types import BodyPose, Support
from lbp_rehab.stamps import NANOSECONDS

Array = NDArray[np.float64]

NEVER = -(2**62)  # a stamp before all others
FORGET_LAST_S = 0.5  # an older estimate does not help the next one
ADRIFT_M, ADRIFT_NO_DEPTH_M = 0.25, 0.5  # mean sigma of the trunk: the track shows nobody
UNLIKELY_S = 0.4  # an implausible skeleton is looked for anew after this
NO_DEPTH_S = 1.0  # without depth, until colour alone must do
WELL_SEEN_M = 0.04  # sigma of both ends of a bone that tells a person's size
NARROWEST_M = 0.2  # between the shoulders of an adult
SURE_TRUNK_M = 0.06  # depth and the rest of the body make up for a poor skeleton
_N = len(NAMES)


@dataclass(frozen=True)
class PoseSettings:
    """What a user may set.

    Attributes
    ----------
    backend : str
        The 2D estimator; see `lbp_rehab.pose.backends.make_backend`.
    subject : SubjectRule
        Who the patient is when several people are in view.
    gravity : GravityRule
    support : Support, optional
        A plane that was calibrated; found where None.
    max_sigma_m : float
        A point less certain than this is unknown.
    max_sigma_no_depth_m : float
        The same without depth, where how far away all is stays a guess.
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

    backend: str = "blazepose"
    subject: SubjectRule = field(default_factory=lambda: SubjectRule("mat"))
    gravity: GravityRule = field(default_factory=lambda: GravityRule.parse("auto"))
    support: Support | None = None
    max_sigma_m: float = 0.03
    max_sigma_no_depth_m: float = 0.4
    census_period_s: float = 1.0
    switch_after_s: float = 2.5
    hold_s: float = 0.3
    support_period_s: float = 2.0
    smoothing: OneEuroSettings = field(default_factory=OneEuroSettings)
    seed: int = 0


@dataclass(frozen=True)
class _Seen:
    """The patient in one frame, before bones and smoothing."""

    landmarks: Landmarks
    region: Region
    lifted: Lifted
    sizes: Mapping[str, float]  # of the bones that are seen well, metres

    @property
    def trunk(self) -> Array:
        return np.asarray(self.lifted.position[TRUNK].mean(axis=0))

    @property
    def adrift(self) -> bool:
        limit = ADRIFT_M if self.lifted.measured.any() else ADRIFT_NO_DEPTH_M
        return self.trunk_sigma_m >= limit

    @property
    def trunk_sigma_m(self) -> float:
        return float(self.lifted.sigma[TRUNK].mean())


class PoseEstimator:
    """Follows one person; `update` takes one frame and returns one pose, known or not."""

    def __init__(self, settings: PoseSettings | None = None) -> None:
        s = self.settings = settings or PoseSettings()
        self._backend = make_backend(s.backend)
        self._finder = Finder(make_detector(s.backend), self._backend)
        self._lifter = Lifter()
        self._keeper = PatientKeeper(switch_after_s=s.switch_after_s)
        self._plane = SupportTracker(s.gravity, s.support_period_s, s.seed, s.support)
        self._bones = BoneLengths()
        self._filter = OneEuro(_N, s.smoothing)
        self._track_id = 0
        self._stamp_ns: int | None = None
        self._depth_ns: int | None = None  # when there was depth last
        self._regions: tuple[Region, ...] = ()  # where the patient is to be next, likeliest first
        self._last: BodyPose | None = None
        self._before: tuple[int, Array, Array] | None = None
        self._joined: Candidate | None = None  # whom the track just began to follow
        self._forget()

    @property
    def support_agrees(self) -> bool:
        """Whether the last look at the support bears out the plane that is published."""
        return self._plane.agrees

    @property
    def support_change(self) -> Change:
        """What the last update did to the support."""
        return self._plane.change

    @property
    def bones_learnt(self) -> float:
        """Share of the bones whose length is known, 0 to 1."""
        return float(np.isfinite(self._bones.lengths).mean())

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
        self._find_support(frame)
        seen = self._follow(frame)
        if seen is None:
            seen = self._search(frame)
        if seen is None:
            return self._held_or_unknown(frame)
        return self._compose(frame, seen)

    # The subject

    def _look(self, frame: RgbdFrame, region: Region, fresh: bool = False) -> _Seen | None:
        """Return the person in a region, as far as anybody is there.

        ``fresh``: without what is known of the patient, for it may be somebody else.
        """
        found = self._backend(brightened(frame.color), region)
        if found is None:
            return None
        before = None
        if self._before is not None and not fresh:
            then_ns, position, sigma = self._before
            age_s = self._since(then_ns, frame)
            before = Before(position, sigma, age_s) if age_s <= FORGET_LAST_S else None
        lifted = self._lifter(
            found, region, frame.depth, frame.intrinsics,
            support=self._plane.support, bones=None if fresh else self._bones.known(),
            before=before,
        )  # fmt: skip
        if not lifted.measured.any():
            last = None if fresh or self._last is None else self._last.pixel
            lifted = onto_rays(lifted, found, region, frame.intrinsics, last)
        return _Seen(found, region, lifted, self._sizes(lifted))

    def _follow(self, frame: RgbdFrame) -> _Seen | None:
        """Return the patient where the last frame makes one expect them."""
        regions, self._regions = self._regions, ()
        for region in regions:
            seen = self._look(frame, region)
            if seen is not None and self._is_patient(frame, seen):
                break
        else:
            return None
        self._regions = regions
        if _plausible(seen):
            self._likely_ns = frame.stamp_ns
        elif self._since(self._likely_ns, frame) > UNLIKELY_S:
            self._regions = ()  # perhaps turned or sized wrongly: look anew
            return None
        other = self._census(frame, seen)
        return seen if other is None else self._acquire(frame, other)

    def _is_patient(self, frame: RgbdFrame, seen: _Seen) -> bool:
        sigma = seen.trunk_sigma_m
        trunk_seen = inside(seen.landmarks.pixel[TRUNK], frame)
        return bool(
            not seen.adrift
            and trunk_seen.sum() >= 2
            and self._keeper.accepts(frame.stamp_ns, seen.trunk, sigma, seen.sizes)
        )

    def _search(self, frame: RgbdFrame) -> _Seen | None:
        """Return the patient among those who can be found in this frame."""
        people = self._finder.find(frame, self._plane.support)
        self._people = len(people)
        self._census_ns = frame.stamp_ns
        chosen = self._keeper.choose(frame.stamp_ns, people, self.settings.subject, frame)
        if chosen is None:
            return None
        return self._acquire(frame, chosen)

    def _acquire(self, frame: RgbdFrame, candidate: Candidate) -> _Seen | None:
        """Begin to follow somebody, who may be the patient of before."""
        same = bool(self._track_id) and self._keeper.is_kept(candidate)
        seen = self._look(frame, candidate.region, fresh=not same)
        if seen is not None and not _plausible(seen):
            solved = solve_collapsed(
                brightened(frame.color), seen.region, self._backend, seen.landmarks
            )
            if solved is not None and solved.region != seen.region:
                seen = self._look(frame, solved.region, fresh=not same)
        if seen is None or seen.adrift or not _plausible(seen):
            return None
        if not same:
            self._track_id += 1
            self._keeper.forget()
            self._bones.reset()
            self._filter.reset()
            self._before = None
        self._finder.restart()
        self._likely_ns = frame.stamp_ns
        self._joined = candidate
        return seen

    def _census(self, frame: RgbdFrame, seen: _Seen) -> Candidate | None:
        """Look at the rest of the picture now and then; return whom to follow instead."""
        if self._since(self._census_ns, frame) < self.settings.census_period_s:
            return None
        self._census_ns = frame.stamp_ns
        support = self._plane.support
        others = self._finder.census(frame, seen.landmarks, support)
        self._people = 1 + len(others)
        tracked = as_candidate(frame, support, seen.landmarks, seen.region)
        return self._keeper.challenger(
            frame.stamp_ns, tracked, others, self.settings.subject, frame
        )

    def _max_sigma_m(self, frame: RgbdFrame, lifted: Lifted) -> float:
        """Return the limit of sigma: colour alone is for who has no depth, not for a gap in it."""
        if lifted.measured.any() or self._depth_ns is None:  # at first it may still come
            self._depth_ns = frame.stamp_ns
        patient = self._since(self._depth_ns, frame) < NO_DEPTH_S
        return self.settings.max_sigma_m if patient else self.settings.max_sigma_no_depth_m

    def _sizes(self, lifted: Lifted) -> Mapping[str, float]:
        """Return the lengths of the bones that are seen well."""
        sigma, p = lifted.sigma, lifted.position
        return {
            f"{a}-{b}": float(np.linalg.norm(p[INDEX[a]] - p[INDEX[b]]))
            for a, b in BONES
            if max(sigma[INDEX[a]], sigma[INDEX[b]]) < WELL_SEEN_M
        }

    # Support and gravity

    def _find_support(self, frame: RgbdFrame) -> None:
        depth, body, last = frame.depth, None, self._last
        if last is not None and self._since(last.stamp_ns, frame) >= FORGET_LAST_S:
            last = None
        if last is not None and (last.status == Status.MEASURED).any():
            # Covered limbs too: of a body whose legs are under a table the rest hangs as high. But
            # of colour alone nobody knows how far away a body is.
            body = last.position[last.status != Status.UNKNOWN]
        points = None if depth is None else (lambda: cloud(depth, frame.intrinsics))
        self._plane.update(frame.stamp_ns, points, body)

    # Putting it together

    def _compose(self, frame: RgbdFrame, seen: _Seen) -> BodyPose:
        lifted, support = seen.lifted, self._plane.support
        self._before = (frame.stamp_ns, lifted.position, lifted.sigma)
        covariance = lifted.covariance[:_N]
        self._bones.learn(frame.stamp_ns, lifted.position[:_N], lifted.sigma[:_N])
        status, reason = status_of(lifted, frame, self._max_sigma_m(frame, lifted))
        known = status != Status.UNKNOWN
        smooth = self._filter(frame.stamp_ns, lifted.position[:_N], known)
        position = raised(self._bones.apply(smooth, covariance), support)
        pixel = projected(position, frame.intrinsics)
        pose = BodyPose(
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            names=NAMES,
            position=np.where(known[:, None], position, 0.0),
            covariance=np.where(known[:, None, None], covariance, 0.0),
            status=status,
            reason=reason,
            visibility=lifted.seen[:_N],
            pixel=pixel,
            mode=mode_of(frame, lifted, status),
            support=support,
            track_id=self._track_id,
            people_in_view=max(self._people, 1),
            backend=self._backend.name,
            image_size=image_size(frame),
        )
        posture, confidence = classify(pose)
        joined, self._joined = self._joined, None
        self._keeper.keep(
            frame.stamp_ns, seen.trunk, seen.trunk_sigma_m, seen.sizes,
            size=joined.size if joined else None,
            on_support=joined.on_support if joined else None,
        )  # fmt: skip
        # The 2D estimator's own opinion too: of limbs that point at the camera it knows better.
        self._regions = region_round(pixel, seen.region), seen.landmarks.next_region
        self._last = replace(pose, posture=posture, posture_confidence=confidence)
        return self._last

    def _held_or_unknown(self, frame: RgbdFrame) -> BodyPose:
        last = self._last
        age_s = np.inf if last is None else self._since(last.stamp_ns, frame)
        if last is not None and age_s <= self.settings.hold_s:
            return held(last, frame, age_s, self._plane.support, self._people)
        return BodyPose.unknown(
            frame.stamp_ns,
            frame.frame_id,
            NAMES,
            Reason.NO_PERSON,
            support=self._plane.support,
            people_in_view=self._people,
            backend=self._backend.name,
            image_size=image_size(frame),
        )

    def _forget(self) -> None:
        self._regions = ()
        self._last = self._before = self._joined = self._depth_ns = None
        self._census_ns = self._likely_ns = NEVER
        self._people = 0
        self._plane.forget()
        self._keeper.forget()
        self._finder.restart()
        self._bones.reset()
        self._filter.reset()

    @staticmethod
    def _since(then_ns: int, frame: RgbdFrame) -> float:
        return (frame.stamp_ns - then_ns) / NANOSECONDS


def _plausible(seen: _Seen) -> bool:
    """Whether a skeleton can be true: in the image, or else as lifted, where that is sure."""
    if judge(seen.landmarks, seen.region).passed:
        return True
    left, right = seen.lifted.position[SHOULDERS]
    broad = float(np.linalg.norm(left - right)) > NARROWEST_M
    return broad and seen.trunk_sigma_m < SURE_TRUNK_M
