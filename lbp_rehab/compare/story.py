"""What changed between two recordings, in the words of rehabilitation: a sentence a difference."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from lbp_rehab.compare.comparison import (
    GONE,
    SHOWN,
    Aligned,
    Comparison,
    FieldDifference,
    TopicDifference,
)
from lbp_rehab.compare.fields import ANGLES, Leaf, Moment, Rotation, angular, constant
from lbp_rehab.compare.tolerance import wrapped
from lbp_rehab.stamps import to_ns

MOST = 12  # sentences of a topic
POINTS = 0.05  # of a score: less is shown as no change
SECONDS = 0.005
FIELDS = 3  # told of a topic that has no words of its own
SIDES = {"l_": "left", "r_": "right"}
STATUS = {0: "unknown", 1: "measured", 2: "inferred", 3: "held"}


def tell(aligned: Aligned, difference: TopicDifference, whole: Comparison) -> list[str]:
    """Return what changed on a topic.

    Parameters
    ----------
    aligned : Aligned
    difference : TopicDifference
        Of the same topic.
    whole : Comparison
        Says what counts as time zero.
    """
    teller = TELLERS.get(difference.type)
    sentences: list[str] = []
    there = difference.golden and difference.new
    if teller is not None and aligned.known and there and len(set(aligned.types)) == 1:
        # A recording of an older version has not all fields that a teller asks for.
        with suppress(AttributeError):
            sentences = list(teller(aligned, difference, whole))
    if not sentences:
        sentences = list(_plain(difference, whole))
    if len(sentences) > MOST:
        more = len(sentences) - MOST + 1
        sentences = [*sentences[: MOST - 1], f"{difference.name}: {more} more differences"]
    return sentences


def _plain(difference: TopicDifference, whole: Comparison) -> Iterator[str]:
    name = difference.name
    for verdict in difference.verdicts:
        if "beyond the tolerance" not in verdict:
            yield f"{name}: {verdict}{_when(difference, verdict, whole)}"
    told = 1 if difference.type in SHOWN else FIELDS
    for found in difference.fields[:told]:
        yield f"{name}: {of_field(found, difference, whole)}"
    if (more := len(difference.fields) - told) > 0:
        yield f"{name}: {more} more field{'s' if more > 1 else ''} of the same messages"


def _when(difference: TopicDifference, verdict: str, whole: Comparison) -> str:
    stamps = difference.missing if verdict.endswith("missing") else difference.extra
    if not stamps or "of" not in verdict:
        return ""
    shown = ", ".join(f"{whole.seconds(s):.2f}" for s in stamps[:3])
    return f", at {shown} s" + (" and later" if len(stamps) > 3 else "")


def of_field(found: FieldDifference, difference: TopicDifference, whole: Comparison) -> str:
    """Return one sentence about a field."""
    at = f"at {whole.seconds(found.worst_ns):.2f} s"
    if found.count > 1:
        at = f"in {found.count} of {difference.golden} messages, most {at}"
    name = _spoken(found.path)
    golden, new = (_shown(found.path, value, whole) for value in (found.golden, found.new))
    if found.golden is GONE:
        text = f"{name} is {new}, where there was none"
    elif found.new is GONE:
        text = f"{name} is no longer there, where it was {golden}"
    elif isinstance(found.golden, np.ndarray) and math.isfinite(found.worst.amount):
        text = f"{name} is up to {found.worst.amount:.3g} apart"
    elif golden == new:
        text = f"{name} differs, both {golden}"
    else:
        text = f"{name} is {new}, not {golden}"
    return f"{text}, {at}{_after(found.hint)}"


def _spoken(path: str) -> str:
    owner = path.removesuffix(".value")
    if owner.startswith("keypoints[") and owner.endswith("]"):
        owner = owner[len("keypoints[") : -1]
        side = SIDES.get(owner[:2])
        owner = f"{side} {owner[2:]}" if side else owner
    return owner.replace("_relative", " from neutral").replace("_", " ")


def _shown(path: str, value: Leaf, whole: Comparison) -> str:
    if isinstance(value, Moment):
        return f"{whole.seconds(value.ns):.3f} s" if value.ns else "no time"
    if isinstance(value, Rotation):
        return "(" + ", ".join(f"{v:.3f}" for v in value.xyzw) + ")"
    if isinstance(value, float):
        if angular(path):
            return f"{math.degrees(value):.4g} deg"
        return f"{value:.5g}"
    if isinstance(value, str):
        return f"'{value}'" if value else "empty"
    if isinstance(value, (bool, int)):
        return str(value).lower()
    return f"{len(value)} {'bytes' if isinstance(value, bytes) else 'values'}"


def _repetitions(aligned: Aligned, _: TopicDifference, whole: Comparison) -> Iterator[str]:
    for pair in aligned.pairs:
        golden, new = aligned.decoded(pair)
        if new is None:
            at = whole.seconds(to_ns(golden.end))
            yield f"repetition {golden.index}, which ended at {at:.1f} s, is no longer counted"
            continue
        if golden is None:
            at = whole.seconds(to_ns(new.end))
            yield f"a repetition more is counted: number {new.index}, which ends at {at:.1f} s"
            continue
        changes = list(_of_repetition(golden, new))
        if changes:
            yield f"repetition {golden.index} {'; '.join(changes)}"


def _of_repetition(golden: Any, new: Any) -> Iterator[str]:
    if golden.exercise != new.exercise:
        yield f"is of {_text(new.exercise)}, not {_text(golden.exercise)}"
    if golden.index != new.index:
        yield f"is now number {new.index}"
    if golden.outcome != new.outcome:
        yield f"is {_word(new, 'outcome')}, not {_word(golden, 'outcome')}"
    if bool(golden.score.status) != bool(new.score.status):
        yield "has no score any more" if golden.score.status else "has a score now"
    elif abs(lost := golden.score.value - new.score.value) >= POINTS:
        way = "lost" if lost > 0 else "gained"
        yield f"{way} {_points(abs(lost))} ({golden.score.value:.1f} to {new.score.value:.1f})"
    if golden.grade != new.grade:
        yield f"is graded {_word(new, 'grade')}, not {_word(golden, 'grade')}"
    yield from _faults(golden.faults, new.faults)
    for name, what in (("start", "starts"), ("target", "turns"), ("end", "ends")):
        yield from _moved(what, to_ns(getattr(golden, name)), to_ns(getattr(new, name)))
    yield from _scores(golden, new)
    if set(golden.not_assessed) != set(new.not_assessed):
        unsure = sorted(set(new.not_assessed) - set(golden.not_assessed))
        sure = sorted(set(golden.not_assessed) - set(new.not_assessed))
        if unsure:
            yield f"cannot be judged any more for {_list(unsure)}"
        if sure:
            yield f"can be judged now for {_list(sure)}"


def _scores(golden: Any, new: Any) -> Iterator[str]:
    before = {s.kind: s for s in golden.sub_scores}
    for part in new.sub_scores:
        old = before.pop(part.kind, None)
        name = constant(part, "kind", part.kind).lower()
        if old is None:
            yield f"has a part score for {name} now"
        elif abs(old.value.value - part.value.value) >= POINTS:
            yield f"{name} is {part.value.value:.1f}, not {old.value.value:.1f}"
    for old in before.values():
        yield f"has no part score for {constant(old, 'kind', old.kind).lower()} any more"


def _faults(golden: list[Any], new: list[Any]) -> Iterator[str]:
    """Faults by id; several of one id in the order of their beginning."""
    left = _numbered(golden)
    for key, fault in _numbered(new).items():
        name = f"the fault '{_text(fault.id)}'"
        old = left.pop(key, None)
        if old is None:
            yield f"{name} is told now ({_points(fault.points_lost)})"
            continue
        changes = [
            *_moved("begins", to_ns(old.start), to_ns(fault.start)),
            *_moved("ends", to_ns(old.end), to_ns(fault.end)),
        ]
        if old.severity != fault.severity:
            changes.append(f"is {_word(fault, 'severity')}, not {_word(old, 'severity')}")
        if abs(old.points_lost - fault.points_lost) >= POINTS:
            changes.append(
                f"takes {_points(fault.points_lost)} instead of {_number(old.points_lost)}"
            )
        if changes:
            yield f"{name} {', '.join(changes)}"
    for old in left.values():
        yield f"the fault '{_text(old.id)}' is no longer told"


def _numbered(faults: list[Any]) -> dict[tuple[str, int], Any]:
    seen = Counter[str]()
    found = {}
    for fault in sorted(faults, key=lambda f: to_ns(f.start)):
        found[fault.id, seen[fault.id]] = fault
        seen[fault.id] += 1
    return found


def _moved(what: str, golden_ns: int, new_ns: int) -> Iterator[str]:
    apart = (new_ns - golden_ns) / 1e9
    if abs(apart) >= SECONDS:
        yield f"{what} {abs(apart):.2g} s {'later' if apart > 0 else 'earlier'}"


def _cues(aligned: Aligned, _: TopicDifference, whole: Comparison) -> Iterator[str]:
    for pair in aligned.pairs:
        golden, new = aligned.decoded(pair)
        if new is None:
            at = whole.seconds(to_ns(golden.header.stamp))
            yield f"the cue '{golden.text}' at {at:.1f} s is not given any more"
        elif golden is None:
            at = whole.seconds(to_ns(new.header.stamp))
            yield f"the cue '{new.text}' is given at {at:.1f} s, which was not before"
        else:
            at = whole.seconds(to_ns(golden.header.stamp))
            changes = list(_moved("comes", to_ns(golden.header.stamp), to_ns(new.header.stamp)))
            if golden.text != new.text:
                changes.append(f"says '{new.text}'")
            if golden.severity != new.severity:
                changes.append(f"is {_word(new, 'severity')}, not {_word(golden, 'severity')}")
            if golden.answers != new.answers:
                changes.append(f"answers {_text(new.answers)}, not {_text(golden.answers)}")
            if changes:
                yield f"the cue '{golden.text}' at {at:.1f} s {', '.join(changes)}"


def _session(aligned: Aligned, _: TopicDifference, whole: Comparison) -> Iterator[str]:
    for pair in aligned.pairs:
        golden, new = aligned.decoded(pair)
        some = golden if golden is not None else new
        at = f"at {whole.seconds(to_ns(some.header.stamp)):.1f} s"
        if new is None or golden is None:
            word = "is no longer told" if new is None else "is told, which was not before"
            yield f"the session's change to {_word(some, 'state')} {at} {word}"
        elif golden.repetitions_done != new.repetitions_done:
            yield (
                f"the set counts {new.repetitions_done} repetitions, not "
                f"{golden.repetitions_done}, {at}"
            )
        elif golden.state != new.state:
            yield f"the session is {_word(new, 'state')}, not {_word(golden, 'state')}, {at}"


def _recognition(aligned: Aligned, _: TopicDifference, whole: Comparison) -> Iterator[str]:
    """One sentence for each run of messages with the same change."""
    run: tuple[str, str] | None = None
    first = last = 0
    for pair in aligned.pairs:
        golden, new = aligned.decoded(pair)
        if golden is None or new is None:
            continue
        change = _recognised(golden), _recognised(new)
        at = to_ns(golden.header.stamp)
        if run is not None and change != run:
            yield _told(run, first, last, whole)
            run = None
        if change[0] != change[1]:
            if run is None:
                run, first = change, at
            last = at
    if run is not None:
        yield _told(run, first, last, whole)


def _recognised(message: Any) -> str:
    return _text(message.exercise) if message.exercise else _word(message, "state")


def _told(run: tuple[str, str], first: int, last: int, whole: Comparison) -> str:
    span = f"from {whole.seconds(first):.1f} to {whole.seconds(last):.1f} s"
    return f"the movement is recognised as {run[1]}, not {run[0]}, {span}"


def _pelvis(aligned: Aligned, difference: TopicDifference, whole: Comparison) -> Iterator[str]:
    yield from _gaps(difference, whole)
    hints = {found.path: found.hint for found in difference.fields}
    paths = [f"{a}{r}.value" for a in ANGLES for r in ("", "_relative")]
    for path, column in aligned.columns([p for p in paths if p in hints]).items():
        turn = wrapped(column.new - column.golden)
        if not np.isfinite(turn).any():
            continue
        k = int(np.nanargmax(np.abs(turn)))
        yield (
            f"{_angle(path)} is up to {math.degrees(abs(turn[k])):.1f} degrees "
            f"{'more' if turn[k] > 0 else 'less'} than before, at "
            f"{whole.seconds(int(column.stamps_ns[k])):.1f} s{_after(hints[path])}"
        )
    yield from _statuses(difference)


def _angle(path: str) -> str:
    return ("" if path.startswith("lumbar") else "pelvic ") + _spoken(path)


def _pose(aligned: Aligned, difference: TopicDifference, whole: Comparison) -> Iterator[str]:
    yield from _gaps(difference, whole)
    hints = {found.path: found.hint for found in difference.fields}
    names = {p.removesuffix(f".position.{a}") for p in hints for a in "xyz" if ".position." in p}
    points = [n for n in sorted(names) if n.endswith("]")]
    columns = aligned.columns([f"{name}.position.{axis}" for name in points for axis in "xyz"])
    moved = []
    for name in points:
        axes = [columns[f"{name}.position.{axis}"] for axis in "xyz"]
        apart = np.sqrt(sum((c.new - c.golden) ** 2 for c in axes))
        if np.isfinite(apart).any():
            k = int(np.nanargmax(apart))
            hint = next((h for a in "xyz" if (h := hints.get(f"{name}.position.{a}"))), "")
            moved.append((apart[k], name, int(axes[0].stamps_ns[k]), hint))
    moved.sort(reverse=True)
    for apart, name, at_ns, hint in moved[:3]:
        at = f"at {whole.seconds(at_ns):.1f} s"
        yield f"{_spoken(name)} is up to {apart * 1e3:.3g} mm elsewhere, {at}{_after(hint)}"
    if len(moved) > 3:
        yield f"{len(moved) - 3} more keypoints moved by up to {moved[3][0] * 1e3:.3g} mm"
    yield from _statuses(difference)


def _statuses(difference: TopicDifference) -> Iterator[str]:
    """Say what became known or unknown."""
    for found in [f for f in difference.fields if f.path.endswith("status")][:FIELDS]:
        owner = _spoken(found.path.removesuffix(".status"))
        words = [STATUS.get(v, str(v)) for v in (found.new, found.golden) if isinstance(v, int)]
        yield (
            f"{owner} is {words[0]}, not {words[1]}, in {found.count} of {difference.golden} "
            "messages"
        )


def _muscles(aligned: Aligned, difference: TopicDifference, whole: Comparison) -> Iterator[str]:
    yield from _gaps(difference, whole)
    worst: dict[str, FieldDifference] = {}
    for found in difference.fields:
        owner = found.path.rpartition(".")[0] or found.path
        if found.path.endswith((".value", ".active", ".since")):
            worst.setdefault(owner, found)
    for found in list(worst.values())[:4]:
        yield of_field(found, difference, whole)
    yield from _statuses(difference)


def _gaps(difference: TopicDifference, whole: Comparison) -> Iterator[str]:
    for verdict in difference.verdicts:
        if "beyond the tolerance" not in verdict:
            yield f"{difference.name}: {verdict}{_when(difference, verdict, whole)}"


def _after(hint: str) -> str:
    return f"; {hint}" if hint else ""


def _word(message: Any, field: str) -> str:
    return constant(message, field, getattr(message, field)).lower().replace("_", " ")


def _text(name: str) -> str:
    return name.replace("_", " ")


def _list(names: list[str]) -> str:
    return ", ".join(_text(name) for name in names)


def _points(points: float) -> str:
    return f"{_number(points)} point{'' if _number(points) == '1.0' else 's'}"


def _number(points: float) -> str:
    return f"{points:.1f}" if points >= 1.0 else f"{points:.2g}"


Teller = Callable[[Aligned, TopicDifference, Comparison], Iterator[str]]
TELLERS: dict[str, Teller] = {
    "lbp_rehab/msg/Repetition": _repetitions,
    "lbp_rehab/msg/Cue": _cues,
    "lbp_rehab/msg/SessionState": _session,
    "lbp_rehab/msg/Recognition": _recognition,
    "lbp_rehab/msg/PelvisState": _pelvis,
    "lbp_rehab/msg/BodyPose": _pose,
    "lbp_rehab/msg/EmgActivation": _muscles,
}
