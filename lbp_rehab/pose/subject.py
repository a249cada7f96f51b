"""Which person is the patient: a rule to choose by, and a keeper who holds on to the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.pose.candidate import Candidate
from lbp_rehab.pose.landmarks import Person
from lbp_rehab.pose.plausible import PLAUSIBLE
from lbp_rehab.stamps import NANOSECONDS

RULES = ("nearest", "farthest", "largest", "left", "right", "center", "mat", "region:x0,y0,x1,y1")
TORSO_SAMPLES = 15  # along the trunk, for the distance of a person
BELIEVED = 0.3  # a worse skeleton is chosen only where there is no better one
LOW_TRUNK_M = 0.75  # over the support: who is lower lies, kneels or is on hands and knees

# What a person's trunk does at most: standing up or rolling over, not walking through the room.
SPEED_M_PER_S = 2.0
SIGMAS = 3.0
# However long the patient was not seen: beyond this a track is lost, and the patient to be chosen
# again among all. In depth less, because whoever crosses in front is only so much nearer.
REACH_M, DEPTH_REACH_M = 0.35, 0.15
SLACK_M = 0.10  # of a trunk whose middle is found a little higher or lower each time
DEPTH_SLACK_M = 0.15
SIZE_LOG = 0.25  # natural logarithm of one person's measured length over another measurement
MIN_BONES = 3
NEAR_M = 0.60  # from the last place: the same person, unless the size says otherwise
BLOCK_M = 0.20  # who is this much nearer to the camera and in line hides the last place
BODY_RADIUS_M = 0.50
YOUNG_S, YOUNG_SWITCH_S = 4.0, 0.8  # a choice on the first glance is mended sooner
LEARN = 0.05  # weight of a new measurement of a length


@dataclass(frozen=True)
class SubjectRule:
    """How the patient is chosen among the people in view.

    Attributes
    ----------
    kind : str
        ``nearest`` or ``farthest`` by the trunk's depth (by size where there is none), ``largest``,
        ``left``, ``right`` or ``center`` in the image, ``mat`` (who lies, kneels or stands on the
        support, the lower one first; whoever is nearest to it otherwise), or ``region``.
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

    def pick(self, candidates: list[Candidate], frame: RgbdFrame) -> Candidate | None:
        """Return the candidate whom the rule picks; None if nobody qualifies.

        ``mat`` needs the support; candidates of whom nobody knows where they are come last.
        """
        if any(c.score >= BELIEVED for c in candidates):
            candidates = [c for c in candidates if c.score >= BELIEVED]
        if self.kind == "mat":
            return min(candidates, key=_off_the_mat, default=None)
        chosen = self.choose([c.person for c in candidates], frame)
        return next((c for c in candidates if c.person is chosen), None)

    def _cost(self, person: Person, frame: RgbdFrame) -> float:
        width = frame.color.shape[1]
        size = -person.region.size
        if self.kind in ("nearest", "farthest", "mat"):
            z = distance_m(person, frame)
            if z is None:
                # People of unknown distance come after those who are measured.
                return 1e6 + size
            return -z if self.kind == "farthest" else z
        if self.kind == "left":
            return float(person.hip[0])
        if self.kind == "right":
            return -float(person.hip[0])
        if self.kind == "center":
            return abs(float(person.hip[0]) - width / 2.0)
        return size


def _off_the_mat(candidate: Candidate) -> tuple[int, bool, bool, float]:
    """Return how little somebody is on the support, to be minimised; the low and sure first."""
    rank = {True: 0, None: 1, False: 2}[candidate.on_support]
    height = candidate.height_m if candidate.height_m is not None else np.inf
    distance = float(candidate.position[2]) if candidate.position is not None else np.inf
    over = abs(height) if rank == 2 else distance
    return rank, bool(height > LOW_TRUNK_M), candidate.score < PLAUSIBLE, over


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


@dataclass(frozen=True)
class Kept:
    """The patient as last seen.

    Attributes
    ----------
    stamp_ns : int
    position : ndarray, shape (3,)
        Middle of the trunk, metres, optical frame.
    sigma_m : float
        1-sigma of an axis.
    sizes : mapping of str to float
        Lengths of bones in metres, slowly averaged.
    size : float or None
        Of the whole body, see `lbp_rehab.pose.candidate.Candidate`.
    on_support : bool or None
    """

    stamp_ns: int
    position: NDArray[np.float64]
    sigma_m: float
    sizes: Mapping[str, float] = field(default_factory=dict)
    size: float | None = None
    on_support: bool | None = None


class PatientKeeper:
    """Tells frame by frame whether a person still is the patient, and finds the patient again.

    All time comes from the stamps; the state is `kept`, and whom the rule prefers since when.

    Parameters
    ----------
    remember_s : float
        A lost patient is waited for so long where another person hides the last place, or is not
        where the patient was (on the support).
    search_s : float
        Somebody who is not near the last place, and hides nothing, may be the patient after this.
    switch_after_s : float
        The rule must prefer another person for so long before the track changes over.
    """

    def __init__(
        self, remember_s: float = 4.0, search_s: float = 0.5, switch_after_s: float = 2.5
    ) -> None:
        self.remember_s, self.search_s = remember_s, search_s
        self.switch_after_s = switch_after_s
        self.kept: Kept | None = None
        self._preferred: tuple[int, Kept] | None = None
        self._begun_ns = 0

    def forget(self) -> None:
        """Forget the patient."""
        self.kept, self._preferred = None, None

    def accepts(
        self,
        stamp_ns: int,
        position: NDArray[np.float64],
        sigma_m: float,
        sizes: Mapping[str, float] | None = None,
    ) -> bool:
        """Return whether a person that the track now shows can be the patient.

        The trunk may have moved by what a person moves in the time, up to a reach, and by three
        sigma; the same for its depth alone, which tells somebody in front. Lengths of bones must
        agree: the median bone within a quarter, where at least three are known.

        Parameters
        ----------
        stamp_ns : int
        position : ndarray, shape (3,)
            Middle of the trunk, metres, optical frame.
        sigma_m : float
            1-sigma of an axis.
        sizes : mapping of str to float, optional
            Lengths of bones in metres, those that are known.
        """
        kept = self.kept
        if kept is None:
            return True
        moved = SPEED_M_PER_S * max(stamp_ns - kept.stamp_ns, 0) / NANOSECONDS
        doubt = SIGMAS * float(np.hypot(sigma_m, kept.sigma_m))
        step = position - kept.position
        if float(np.linalg.norm(step)) > min(moved, REACH_M) + doubt + SLACK_M:
            return False
        depth_m = min(moved, DEPTH_REACH_M) + min(doubt, DEPTH_SLACK_M) + DEPTH_SLACK_M
        if abs(float(step[2])) > depth_m:
            return False
        return _same_bones(kept.sizes, sizes or {})

    def keep(
        self,
        stamp_ns: int,
        position: NDArray[np.float64],
        sigma_m: float,
        sizes: Mapping[str, float] | None = None,
        *,
        size: float | None = None,
        on_support: bool | None = None,
    ) -> None:
        """Note where the patient is. ``size`` and ``on_support`` of None leave what was known."""
        old = self.kept
        if old is None:
            self._begun_ns = stamp_ns
        learnt = dict(old.sizes) if old else {}
        for name, length in (sizes or {}).items():
            learnt[name] = learnt.get(name, length) + LEARN * (length - learnt.get(name, length))
        if old is not None:
            size = old.size if size is None else size
            on_support = old.on_support if on_support is None else on_support
        self.kept = Kept(stamp_ns, np.array(position, float), sigma_m, learnt, size, on_support)

    def choose(
        self, stamp_ns: int, candidates: list[Candidate], rule: SubjectRule, frame: RgbdFrame
    ) -> Candidate | None:
        """Return the patient among those found, for a patient who is lost or not yet chosen.

        Without a memory the rule decides. With one, whoever is near the last place and of the
        same size is the patient at once; somebody else only after ``search_s``, and somebody who
        hides the last place, or is not on the support where the patient was, after ``remember_s``.
        The caller then notes the choice with `keep` (or `forget` and `keep` for somebody new).
        """
        kept = self.kept
        if kept is None:
            return rule.pick(candidates, frame)
        age_s = max(stamp_ns - kept.stamp_ns, 0) / NANOSECONDS
        if age_s >= self.remember_s:
            return rule.pick(candidates, frame)
        alike = [c for c in candidates if _same_size(kept.size, c.size)]
        reach = NEAR_M + SIGMAS * kept.sigma_m
        alike = [c for c in alike if self._stayed(c) and not _hides(kept, c)]
        near = [c for c in alike if _apart_m(kept, c) <= reach]
        if near:
            return min(near, key=lambda c: _apart_m(kept, c))
        return rule.pick(alike, frame) if age_s >= self.search_s else None

    def is_kept(self, candidate: Candidate) -> bool:
        """Whether a candidate is near enough to the last place to go on with the same track."""
        return self.kept is not None and _apart_m(self.kept, candidate) <= NEAR_M

    def challenger(
        self,
        stamp_ns: int,
        tracked: Candidate,
        others: list[Candidate],
        rule: SubjectRule,
        frame: RgbdFrame,
    ) -> Candidate | None:
        """Return whom to follow instead of the patient, from a census; None: nobody.

        Somebody whom the rule has preferred for ``switch_after_s`` at every census (sooner while
        the track is young: the first glance knows neither the support nor who moves), and who
        stayed in one place: a person who walks through the picture is no patient.
        """
        chosen = rule.pick([tracked, *others], frame)
        if chosen is None or chosen is tracked or chosen.position is None:
            self._preferred = None
            return None
        place = Kept(stamp_ns, chosen.position, 0.0)
        if self._preferred is None or _apart_m(self._preferred[1], chosen) > NEAR_M:
            self._preferred = (stamp_ns, place)
        young = stamp_ns - self._begun_ns < YOUNG_S * NANOSECONDS
        wait_s = min(self.switch_after_s, YOUNG_SWITCH_S) if young else self.switch_after_s
        if stamp_ns - self._preferred[0] < wait_s * NANOSECONDS:
            return None
        self._preferred = None
        return chosen

    def _stayed(self, candidate: Candidate) -> bool:
        """Whether a candidate is on the support if the patient was."""
        was = self.kept is not None and self.kept.on_support is True
        return not (was and candidate.on_support is False)


def _apart_m(kept: Kept, candidate: Candidate) -> float:
    """Return the distance from the last place; infinite where it is not known."""
    if candidate.position is None:
        return float("inf")
    return float(np.linalg.norm(candidate.position - kept.position))


def _hides(kept: Kept, candidate: Candidate) -> bool:
    """Whether a candidate stands between the camera and the last place."""
    position = candidate.position
    if position is None or not 0.0 < position[2] < kept.position[2] - BLOCK_M:
        return False
    beside = kept.position * (position[2] / kept.position[2]) - position
    return float(np.linalg.norm(beside[:1])) < BODY_RADIUS_M


def _same_size(a: float | None, b: float | None) -> bool:
    return a is None or b is None or abs(float(np.log(b / a))) <= SIZE_LOG


def _same_bones(kept: Mapping[str, float], new: Mapping[str, float]) -> bool:
    ratio = [abs(float(np.log(new[name] / kept[name]))) for name in new if name in kept]
    return len(ratio) < MIN_BONES or float(np.median(ratio)) <= SIZE_LOG
