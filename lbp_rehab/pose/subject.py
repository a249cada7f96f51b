"""Which person is the patient: a rule to choose by, and the track that keeps the choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.pose.blazepose import Detector, LandmarkModel, Landmarks, Person

RULES = ("nearest", "farthest", "largest", "left", "right", "center", "region:x0,y0,x1,y1")
BLANK_MARGIN = 0.04  # of the image width, around a person taken out of the picture
BLANK_GREY = 128
TORSO_SAMPLES = 15  # along the trunk, for the distance of a person
MAX_PEOPLE = 4


@dataclass(frozen=True)
class SubjectRule:
    """How the patient is chosen among the people in view.

    Attributes
    ----------
    kind : str
        ``nearest`` or ``farthest`` by depth (by size where there is none), ``largest``, ``left``,
        ``right`` or ``center`` in the image, or ``region``.
    region : tuple of float
        For ``region``: x0, y0, x1, y1 as fractions of the image; the mid-hip must lie inside.
    """

    kind: str
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    @classmethod
    def parse(cls, text: str) -> SubjectRule:
        """Return the rule that a parameter names.

        Raises
        ------
        InputError
            If the text is not one of `RULES`.
        """
        kind, _, rest = text.partition(":")
        if kind == "region":
            try:
                x0, y0, x1, y1 = (float(v) for v in rest.split(","))
            except ValueError:
                raise InputError(
                    f"subject '{text}' is not 'region:x0,y0,x1,y1' with four numbers from 0 to 1"
                ) from None
            if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
                raise InputError(f"subject '{text}': x0 < x1 and y0 < y1 must lie from 0 to 1")
            return cls(kind, (x0, y0, x1, y1))
        if rest or kind not in RULES:
            raise InputError(f"subject '{text}' is unknown; choose one of {', '.join(RULES)}")
        return cls(kind)

    def choose(self, people: list[Person], frame: RgbdFrame) -> Person | None:
        """Return the person whom the rule picks; None if nobody qualifies."""
        height, width = frame.color.shape[:2]
        if self.kind == "region":
            x0, y0, x1, y1 = self.region
            people = [
                p for p in people if x0 <= p.hip[0] / width <= x1 and y0 <= p.hip[1] / height <= y1
            ]
        if not people:
            return None
        return min(people, key=lambda p: self._cost(p, frame))

    def _cost(self, person: Person, frame: RgbdFrame) -> float:
        width = frame.color.shape[1]
        size = -person.region.size
        if self.kind in ("nearest", "farthest"):
            z = distance_m(person, frame)
            if z is None:
                # People of unknown distance come after those who are measured.
                return 1e3 + size if self.kind == "nearest" else 1e3 - size
            return z if self.kind == "nearest" else -z
        if self.kind == "left":
            return float(person.hip[0])
        if self.kind == "right":
            return -float(person.hip[0])
        if self.kind == "center":
            return abs(float(person.hip[0]) - width / 2.0)
        return size


def distance_m(person: Person, frame: RgbdFrame) -> float | None:
    """Return the median depth along the trunk in metres, or None without a reading."""
    if frame.depth is None:
        return None
    height, width = frame.depth.shape
    t = np.linspace(0.0, 1.0, TORSO_SAMPLES)[:, None]
    line = np.round(person.hip * (1 - t) + person.shoulder * t).astype(int)
    inside = (line >= 0).all(axis=1) & (line[:, 0] < width) & (line[:, 1] < height)
    z = frame.depth[line[inside, 1], line[inside, 0]]
    z = z[z > 0]
    return float(np.median(z)) / 1000.0 if z.size else None


def without(image: NDArray[np.uint8], landmarks: Landmarks) -> NDArray[np.uint8]:
    """Return a copy of the image with one person greyed out."""
    height, width = image.shape[:2]
    margin = BLANK_MARGIN * width
    x0, y0 = np.clip(landmarks.pixel.min(axis=0) - margin, 0, (width, height)).astype(int)
    x1, y1 = np.clip(landmarks.pixel.max(axis=0) + margin, 0, (width, height)).astype(int)
    rest = image.copy()
    rest[y0:y1, x0:x1] = BLANK_GREY
    return rest


def find_everyone(
    image: NDArray[np.uint8], detector: Detector, model: LandmarkModel
) -> list[tuple[Person, Landmarks]]:
    """Return everybody in the image with their landmarks.

    The detector favours one person and overlooks others, so each person found is greyed out and
    the rest of the picture searched again.
    """
    found: list[tuple[Person, Landmarks]] = []
    rest = image
    while len(found) < MAX_PEOPLE:
        people = detector(rest)
        fresh = None
        for person in people:
            landmarks = model(rest, person.region)
            if landmarks is not None:
                fresh = (person, landmarks)
                break
        if fresh is None:
            break
        found.append(fresh)
        rest = without(rest, fresh[1])
    return found
