"""Windows of movement with what they show, for the recognition network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lbp_rehab.recognition.classes import EXERCISES, NONE, REST
from lbp_rehab.recognition.features import SMALL_RAD, STEP_NS, STEPS, WINDOW_NS, channels, of_steps
from lbp_rehab.recognition.frame import PELVIS_COLUMNS, Stretch, heading_of, mirrored, resample
from lbp_rehab.recognition.observation import JOINT, JOINTS, Array, Course
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.motion.movement import minimum_jerk
from lbp_rehab.synthetic.motion.others import posture_of
from lbp_rehab.training.errors import Errors
from lbp_rehab.training.motions import Example, Made

EVERY = (3, 8)  # steps between the ends of two windows of a set
_FIRST = 10  # steps of a set before the first window ends
# How much of a repetition a window must hold to be taken for movement, and may hold for rest.
MOVES_S, RESTS_S = 0.9, 0.35
_STILL = "still"  # in the names of motions that are none
_NEEDS_PELVIS = ("pelvic_tilt", "breathing")  # which the 15 points hardly show
_NO_PELVIS = 0.12  # share of windows without a pelvis
_HEADING_RAD = float(np.radians(12.0))
_SLOWEST_HZ = 8.0
TRANSITION, CHIMERA = "transition", "chimera"
# What a chimera takes from another motion: the joint that stays, and those that come with it.
_LEGS = tuple(tuple(f"{s}_{n}" for n in ("hip", "knee", "ankle", "toe")) for s in "lr")
_ARMS = tuple(tuple(f"{s}_{n}" for n in ("shoulder", "elbow", "wrist")) for s in "lr")
_ARMS_MATTER = (
    "dead_bug", "knee_to_chest", "bird_dog", "cat_camel", "press_up", "plank", "side_bridge",
    "backward_bend",
)  # fmt: skip
_ELSEWHERE = 0.12  # statures
_TRIES = 4  # for each chimera, most of which are too like the exercise
_TRANSITION_S = (1.2, 3.5)


@dataclass(frozen=True)
class Windows:
    """``n`` windows: inputs (n, CHANNELS, STEPS), their classes (n,), names of their sets (n,)."""

    inputs: NDArray[np.float16]
    label: NDArray[np.int64]
    name: NDArray[np.str_]


def label_of(example: Example, end_ns: int) -> int | None:
    """Return what a window of a set shows; None where that is open."""
    start_ns = end_ns - WINDOW_NS
    moved_s = sum(
        max(min(m.end_ns, end_ns) - max(m.start_ns, start_ns), 0) for m in example.made
    ) / NANOSECONDS  # fmt: skip
    if moved_s < RESTS_S or _STILL in example.name or example.name == "lying_straight":
        return REST
    if moved_s < MOVES_S:
        return None
    return EXERCISES.index(example.name) if example.name in EXERCISES else NONE


def cut(
    examples: Sequence[Example],
    courses: Iterable[Course],
    rng: np.random.Generator,
    *,
    varied: bool = True,
) -> Windows:
    """Cut windows out of examples as their courses show them.

    Parameters
    ----------
    varied : bool
        Mirror, turn the heading, lower the rate, leave the pelvis out, and lose joints at random.
    """
    inputs, labels, names = [], [], []
    pairs = zip(examples, courses, strict=True)
    for example, given in tqdm(pairs, total=len(examples), unit="set", leave=False):
        course = _thinned(given, rng) if varied else given
        first_ns = int(course.stamp_ns[0]) + int(rng.integers(STEP_NS))
        steps = np.arange(first_ns - WINDOW_NS, int(course.stamp_ns[-1]), STEP_NS, dtype=np.int64)
        whole = resample(course, steps)
        end = STEPS + _FIRST
        while end < len(steps):
            label = label_of(example, int(steps[end]))
            without = varied and rng.uniform() < _NO_PELVIS
            if without and example.name in _NEEDS_PELVIS:
                label = None
            if label is not None:
                heading = rng.normal(0.0, _HEADING_RAD) if varied else 0.0
                seen = of_steps(whole.take(np.arange(end - STEPS + 1, end + 1)), heading)
                if seen is not None:
                    inputs.append(_varied(seen, without, rng) if varied else channels(seen))
                    labels.append(label)
                    names.append(example.name)
            end += int(rng.integers(*EVERY))
    return Windows(np.array(inputs, np.float16), np.array(labels, np.int64), np.array(names, str))


def _varied(seen: Stretch, without_pelvis: bool, rng: np.random.Generator) -> NDArray[np.float32]:
    if rng.uniform() < 0.5:
        seen = mirrored(seen)
    points, known = seen.points, seen.known.copy()
    if rng.uniform() < 0.15:  # some joints are out of view
        known[:, rng.permutation(len(JOINTS))[: int(rng.integers(1, 4))]] = False
    points = np.where(known[..., None], points, 0.0)
    pelvis, there = seen.pelvis, seen.pelvis_known
    if without_pelvis:
        pelvis, there = np.zeros_like(pelvis), np.zeros_like(there)
    return channels(Stretch(points, known, pelvis, there, seen.stature_m))


def _thinned(course: Course, rng: np.random.Generator) -> Course:
    """Return a course at a lower rate, with images lost."""
    rate = (len(course.stamp_ns) - 1) / max((course.stamp_ns[-1] - course.stamp_ns[0]) / 1e9, 1e-3)
    if rng.uniform() < 0.5 or rate <= _SLOWEST_HZ:
        return course
    keep = rng.uniform(size=len(course.stamp_ns)) < rng.uniform(_SLOWEST_HZ / rate, 1.0)
    return course.take(np.flatnonzero(keep)) if keep.sum() > 10 else course


def transitions(examples: Sequence[Example], n: int, rng: np.random.Generator) -> list[Example]:
    """Return motions from one set's start position to another's: getting up, rolling over."""
    out = []
    for k in range(n):
        a, b = (examples[int(i)] for i in rng.integers(len(examples), size=2))
        course = _between(a.course, b.course, rng)
        if course is not None:
            start_ns, end_ns = int(course.stamp_ns[0]) + NANOSECONDS, int(course.stamp_ns[-1])
            from_there = Example(
                TRANSITION, f"{TRANSITION}-{k}", course, (), np.zeros(len(course.stamp_ns))
            )
            out.append(replace(from_there, made=(Made(start_ns, end_ns, "none", {}),)))
    return out


def _between(a: Course, b: Course, rng: np.random.Generator) -> Course | None:
    """Return one second of a start position, and the way to another one's."""
    headings = heading_of(a), heading_of(b)
    if headings[0] is None or headings[1] is None:
        return None
    n_rest, n = 15, int(rng.uniform(*_TRANSITION_S) * 15.0)
    angle = headings[0] - headings[1] + rng.normal(0.0, 0.4)
    c, s = np.cos(angle), np.sin(angle)
    turn: Array = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    first, last = a.points[0], b.points[0] @ turn.T
    last = last + np.append((first - last).mean(axis=0)[:2] + rng.normal(0.0, 0.2, 2), 0.0)
    share = np.concatenate([np.zeros(n_rest), minimum_jerk(np.linspace(0.0, 1.0, n))])
    # Not all parts of the body set off together.
    late = rng.uniform(0.7, 1.6, len(JOINTS))
    points = first + (share[:, None] ** late)[..., None] * (last - first)
    rows = n_rest + n
    points = points + np.cumsum(rng.normal(0.0, 0.002, points.shape), axis=0)
    return Course(
        (np.arange(rows) * (NANOSECONDS // 15)).astype(np.int64), points,
        np.ones((rows, len(JOINTS)), bool), np.tile(np.eye(3), (rows, 1, 1)),
        np.zeros(rows, bool), np.zeros(rows), np.zeros(rows, bool),
    )  # fmt: skip


def chimeras(data: Windows, n: int, rng: np.random.Generator) -> Windows:
    """Return windows of exercises with limbs that move as in something else: none of the exercises.

    Legs of another motion in the same posture, or arms where the exercise needs them; only where
    they are clearly elsewhere than the exercise's own.
    """
    posture = {n: posture_of(n) for n in np.unique(data.name) if n != TRANSITION}
    alike = {
        p: np.flatnonzero(np.isin(data.name, [n for n, own in posture.items() if own == p]))
        for p in set(posture.values())
    }
    exercises = np.flatnonzero(data.label < NONE)
    inputs: list[NDArray[np.float32]] = []
    names: list[str] = []
    for a in exercises[rng.integers(len(exercises), size=_TRIES * n)]:
        own = str(data.name[a])
        others = alike[posture[own]]
        b = others[int(rng.integers(len(others)))]
        if data.name[b] == own or len(inputs) >= n:
            continue
        parts = _LEGS if own not in _ARMS_MATTER or rng.uniform() < 0.6 else _ARMS
        made = _chimera(data.inputs[a], data.inputs[b], parts[int(rng.integers(len(parts)))])
        if made is not None:
            inputs.append(made)
            names.append(f"{CHIMERA}_{own}")
    label = np.full(len(inputs), NONE, np.int64)
    return Windows(np.array(inputs, np.float16), label, np.array(names, str))


def _chimera(
    a: NDArray[np.float16], b: NDArray[np.float16], part: tuple[str, ...]
) -> NDArray[np.float32] | None:
    """Return window ``a`` with joints of ``b``, the first of ``part`` in its own place."""
    root, *moved = (JOINT[name] for name in part)
    ours, theirs = _stretch(a), _stretch(b)
    points, known = ours.points.copy(), ours.known.copy()
    both = ours.known[:, root] & theirs.known[:, root]
    place = theirs.points[:, moved] - theirs.points[:, [root]] + ours.points[:, [root]]
    seen = theirs.known[:, moved] & both[:, None]
    apart = np.linalg.norm(place - points[:, moved], axis=-1)[seen & ours.known[:, moved]]
    if not len(apart) or apart.mean() < _ELSEWHERE:
        return None
    points[:, moved], known[:, moved] = np.where(seen[..., None], place, 0.0), seen
    return channels(Stretch(points, known, ours.pelvis, ours.pelvis_known, ours.stature_m))


def _stretch(inputs: NDArray[np.float16]) -> Stretch:
    """Return the movement that a window's channels were made of."""
    n, rows = len(JOINTS), inputs.astype(float).T
    pelvis = SMALL_RAD * np.sinh(2.0 * rows[:, 7 * n : 7 * n + PELVIS_COLUMNS])
    return Stretch(
        0.5 * rows[:, : 3 * n].reshape(-1, n, 3), rows[:, 6 * n : 7 * n] > 0.5,
        pelvis, rows[:, 7 * n + PELVIS_COLUMNS :] > 0.5, 1.0,
    )  # fmt: skip


def of_true(examples: Sequence[Example], errors: Errors, rng: np.random.Generator) -> Windows:
    """Return windows of sets that were not rendered, with errors lent."""
    return cut(examples, (errors.lend(e, rng) for e in examples), rng)


def joined(parts: Sequence[Windows]) -> Windows:
    """Return windows of several sources together."""
    return Windows(
        np.concatenate([p.inputs for p in parts]),
        np.concatenate([p.label for p in parts]),
        np.concatenate([p.name for p in parts]),
    )
