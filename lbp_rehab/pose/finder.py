"""Finds everybody in view: the patient, a therapist, whoever stands behind them.

Guesses where a person may be come from the detector and from what stands out of the support in the
depth image; each is judged by the skeleton that the landmark model sees there. The work is spread:
a call runs the model at most ``budget`` times, and the next call goes on with the other guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.pose.blobs import STRIDE, Blob, blobs
from lbp_rehab.pose.candidate import BODY, LIMBS, Candidate, as_candidate
from lbp_rehab.pose.landmarks import Landmarks, Person, Region, region_round
from lbp_rehab.pose.plausible import PLAUSIBLE, Model, judge
from lbp_rehab.pose.skeleton import INDEX, TRUNK
from lbp_rehab.pose.types import Support

DetectorLike = Callable[[NDArray[np.uint8]], list[Person]]

BUDGET = 6  # runs of the landmark model a call
DETECTOR_RUNS = 2  # a call
MAX_PEOPLE = 4
WEAK = 0.08  # a skeleton below it is nobody
REFINE_BELOW = 0.75  # a skeleton worse than this is looked at again in the region round it
MAX_REFINED = 2

DARK_MEAN = 60.0  # grey levels: a darker image is brightened
WHITE_PERCENTILE = 97.0  # of the brightest channel, which becomes white
GAIN_MAX = 20.0

BODY_WORTH = 0.35  # a blob of less need not be explained


@dataclass(frozen=True)
class _Guess:
    region: Region
    refined: int = 0


class Finder:
    """Finds people with a detector and a landmark model; `find` is called until `complete`.

    Parameters
    ----------
    detector : callable
        ``detector(image)``: people, best first.
    model : callable
        ``model(image, region)``: landmarks, or None.
    """

    def __init__(self, detector: DetectorLike, model: Model) -> None:
        self._detector, self._model = detector, model
        self._found: list[Region] = []
        self._step = 0
        self._pending: list[_Guess] = []
        self.complete = True

    def restart(self) -> None:
        """Forget what earlier calls found and tried."""
        self._found, self._pending, self._step, self.complete = [], [], 0, True

    def find(
        self, frame: RgbdFrame, support: Support | None = None, budget: int = BUDGET
    ) -> list[Candidate]:
        """Return everybody found in this frame, best first.

        A call after a complete one begins anew; otherwise it looks again at the people that
        earlier calls found and goes on with the guesses that are left.

        Parameters
        ----------
        frame : RgbdFrame
        support : Support, optional
            The plane that carries the patient.
        budget : int
            Most runs of the landmark model in this call.
        """
        if self.complete:
            self.restart()
            self.complete = False
        scene = _Scene(frame, support)
        people: list[Candidate] = []
        left = budget
        known, self._found = self._found, []
        for region in known[:left]:
            people = _merged(people, self._look(scene, region))
            left -= 1
        detections = DETECTOR_RUNS
        while left > 0:
            if not self._pending:
                if self._step == 1 and not people:
                    self._step = 2  # nobody to paint over: it would be the same picture
                if self._step >= scene.steps(people):
                    self.complete = True
                    break
                if _needs_detector(self._step):
                    if not detections:
                        break
                    detections -= 1
                self._pending = self._guesses(scene, people)
                self._step += 1
                continue
            guess = self._pending.pop(0)
            if scene.taken(guess.region, people):
                continue
            seen = self._look(scene, guess.region)
            left -= 1
            if seen is None:
                continue
            if seen.score < REFINE_BELOW and guess.refined < MAX_REFINED:
                better = region_round(seen.landmarks.pixel)
                self._pending.insert(0, _Guess(better, guess.refined + 1))
            people = _merged(people, seen)
        people = sorted(people, key=lambda c: -c.score)[:MAX_PEOPLE]
        self._found = [c.region for c in people]
        return people

    def census(
        self, frame: RgbdFrame, tracked: Landmarks, support: Support | None = None
    ) -> list[Candidate]:
        """Return who else is in view: one run of the detector, at most one of the model."""
        scene = _Scene(frame, support)
        for person in self._detect(_greyed(scene.small, [tracked], scene.scale), scene, 0):
            seen = self._look(scene, person.region)
            return [] if seen is None or _same(seen.landmarks, tracked) else [seen]
        return []

    def _look(self, scene: _Scene, region: Region) -> Candidate | None:
        """Judge the skeleton that the model sees in a region."""
        found = self._model(scene.image, region)
        if found is None:
            return None
        judgement = judge(found, region)
        if judgement.value < WEAK or not scene.shows(found):
            return None
        return as_candidate(scene.frame, scene.support, found, region, judgement.value)

    def _guesses(self, scene: _Scene, people: list[Candidate]) -> list[_Guess]:
        """Return the guesses of the current step."""
        step = _ORDER[self._step]
        if step.detector_turn is not None:
            image = scene.small
            if people:
                image = _greyed(image, [c.landmarks for c in people], scene.scale)
            found = self._detect(image, scene, step.detector_turn)
            return [_Guess(p.region) for p in found[:MAX_PEOPLE]]
        blobs = [b for b in scene.blobs if not scene.covers(b, people)]
        return [
            _Guess(replace(region, size=region.size * step.scale))
            for blob in blobs
            for region in blob.regions[step.first : step.first + 2]
        ]

    def _detect(self, image: NDArray[np.uint8], scene: _Scene, turns: int) -> list[Person]:
        """Return the people in the small image turned by quarters, in pixels of the whole."""
        turned = np.ascontiguousarray(np.rot90(image, turns)) if turns else image
        height, width = image.shape[:2]
        return [_turned_back(p, turns, width, height, scene.scale) for p in self._detector(turned)]


@dataclass(frozen=True)
class _Step:
    """One kind of guess: the detector on the turned image, or two directions of the blobs."""

    detector_turn: int | None = None
    first: int = 0
    scale: float = 1.0


_ORDER = (
    _Step(detector_turn=0), _Step(detector_turn=0), _Step(first=0), _Step(detector_turn=3),
    _Step(first=2), _Step(detector_turn=1), _Step(first=0, scale=1.25), _Step(detector_turn=2),
    _Step(first=0, scale=0.8), _Step(first=2, scale=1.25),
)  # fmt: skip
_QUIET_STEPS = 2  # enough where nothing else stands out
_SOME_STEPS = 5  # enough where somebody was found, and furniture stands out


def _needs_detector(step: int) -> bool:
    return _ORDER[step].detector_turn is not None


class _Scene:
    """One frame as the finder looks at it."""

    def __init__(self, frame: RgbdFrame, support: Support | None) -> None:
        self.frame, self.support = frame, support
        self.image = brightened(frame.color)
        self.scale = max(1, round(frame.color.shape[1] / 320))
        height, width = frame.color.shape[:2]
        size = (width // self.scale, height // self.scale)
        small = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        if self.image is not frame.color:  # the detector is the more easily put off by noise
            small = cv2.blur(small, (3, 3))
        self.small = np.asarray(small, np.uint8)
        self.size = np.array([width, height], float)
        self._blobs: list[Blob] | None = None

    @property
    def blobs(self) -> list[Blob]:
        """What stands out, most body-like first."""
        if self._blobs is None:
            depth = self.frame.depth
            self._blobs = []
            if depth is not None:
                self._blobs = blobs(depth, self.frame.intrinsics, self.support)
        return self._blobs

    def shows(self, landmarks: Landmarks) -> bool:
        """Whether at least half the trunk is in the picture."""
        trunk = landmarks.pixel[TRUNK]
        inside = (trunk >= 0).all(axis=1) & (trunk < self.size).all(axis=1)
        return int(inside.sum()) >= 2

    def covers(self, blob: Blob, people: list[Candidate]) -> bool:
        """Whether a good skeleton already lies on a blob."""
        spots = {(int(c) // STRIDE, int(r) // STRIDE) for c, r in blob.pixel}
        for person in people:
            if person.score < PLAUSIBLE:
                continue
            body = person.landmarks.pixel[BODY]
            cells = [(int(c) // STRIDE, int(r) // STRIDE) for c, r in body]
            if np.mean([cell in spots for cell in cells]) > 0.3:
                return True
        return False

    def steps(self, people: list[Candidate]) -> int:
        """Return how many kinds of guesses are worth while after those people were found."""
        if not any(c.score >= PLAUSIBLE for c in people):
            return len(_ORDER)
        bodies = [b for b in self.blobs if b.worth > BODY_WORTH]
        return _QUIET_STEPS if all(self.covers(b, people) for b in bodies) else _SOME_STEPS

    def taken(self, region: Region, people: list[Candidate]) -> bool:
        """Whether a good skeleton already fills a region."""
        for person in people:
            own = region_round(person.landmarks.pixel)
            apart = np.hypot(*(np.array(own.centre) - region.centre))
            alike = 0.7 < region.size / own.size < 1.4
            if person.score >= REFINE_BELOW and alike and apart < 0.15 * own.size:
                return True
        return False


def brightened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a dark image with gain and less noise; the image itself if it is not dark."""
    thin = image[8::16, 8::16]
    if not thin.size or float(thin.mean()) >= DARK_MEAN:
        return image
    top = float(np.percentile(thin.max(axis=2), WHITE_PERCENTILE))
    gain = min(255.0 / max(top, 1.0), GAIN_MAX)
    return np.asarray(cv2.convertScaleAbs(cv2.blur(image, (3, 3)), alpha=gain))


def _same(a: Landmarks, b: Landmarks) -> bool:
    """Whether two skeletons are of one person, perhaps seen the wrong way round."""
    size = min(region_round(a.pixel).size, region_round(b.pixel).size)
    middle = a.pixel[TRUNK].mean(axis=0) - b.pixel[TRUNK].mean(axis=0)
    body = a.pixel[BODY].mean(axis=0) - b.pixel[BODY].mean(axis=0)
    return min(float(np.linalg.norm(middle)), float(np.linalg.norm(body))) < 0.12 * size


def _merged(people: list[Candidate], new: Candidate | None) -> list[Candidate]:
    """Add somebody; of two skeletons of one person the more plausible one stays."""
    if new is None:
        return people
    twins = [c for c in people if _same(c.landmarks, new.landmarks)]
    if any(c.score >= new.score for c in twins):
        return people
    return [c for c in people if not any(c is twin for twin in twins)] + [new]


def _greyed(image: NDArray[np.uint8], people: list[Landmarks], scale: float) -> NDArray[np.uint8]:
    """Return a copy of the image with people painted over limb by limb."""
    rest = image.copy()
    grey = tuple(int(v) for v in image.reshape(-1, 3).mean(axis=0))
    for landmarks in people:
        pixel = landmarks.pixel / scale
        width = max(3, int(0.11 * region_round(pixel).size))
        corner = [tuple(int(v) for v in p) for p in pixel]
        hull = cv2.convexHull(np.round(pixel[TRUNK]).astype(np.int32))
        cv2.fillConvexPoly(rest, hull, grey)
        for a, b in LIMBS:
            cv2.line(rest, corner[a], corner[b], grey, width)
        cv2.circle(rest, corner[INDEX["nose"]], width, grey, -1)
    return rest


def _turned_back(person: Person, turns: int, width: int, height: int, scale: float) -> Person:
    """Map a person found in an image turned by quarters to the whole image."""

    def back(point: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = point
        if turns == 1:
            x, y = width - 1 - y, x
        elif turns == 2:
            x, y = width - 1 - x, height - 1 - y
        elif turns == 3:
            x, y = y, height - 1 - x
        return (np.array([x, y]) + 0.5) * scale - 0.5

    corners = np.array([back(person.box[:2]), back(person.box[2:])])
    centre = back(np.array(person.region.centre))
    region = Region(
        (float(centre[0]), float(centre[1])),
        person.region.size * scale,
        person.region.rotation + turns * np.pi / 2,
    )
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return Person(box, back(person.hip), back(person.shoulder), region, person.score)
