"""A recording held against a golden one: topic by topic, message by message, field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bags import BagReader, Topic
from lbp_rehab.compare.align import Pair, Row, pairs
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.compare.fields import Leaf, branches, flatten, sigma_path
from lbp_rehab.compare.tolerance import Deviation, Limit, Tolerance, TopicLimit, deviation
from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS

GONE = "(not there)"
# Two messages are about the same thing if these agree, as far as they have them.
IDENTITY = ("set_index", "index", "exercise", "answers", "repetition", "state")
# Of the types of which several nodes send messages with one stamp on one topic.
ABOUT: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "diagnostic_msgs/msg/DiagnosticArray": lambda m: tuple(s.name for s in m.status),
    "tf2_msgs/msg/TFMessage": lambda m: tuple(t.child_frame_id for t in m.transforms),
}
BYTES = "(bytes)"  # the field of messages that cannot be decoded
VALUES = (".value", ".x", ".y", ".z")  # what is measured, before its sigma, pixel and status
HINTED = 3  # fields of a topic
# Made from other topics for people to look at, so never what matters most.
SHOWN = (
    "visualization_msgs/msg/MarkerArray",
    "tf2_msgs/msg/TFMessage",
    "diagnostic_msgs/msg/DiagnosticArray",
)


@dataclass
class FieldDifference:
    """A field that is beyond its tolerance somewhere.

    Attributes
    ----------
    path : str
    count : int
        Messages in which it is.
    first_ns, worst_ns : int
        Stamps of the golden message where it first is, and where it is most.
    worst : Deviation
    golden, new : Leaf
        Where it is most.
    hint : str
        What the whole course looks like, such as "the sign is reversed"; empty: nothing simple.
    """

    path: str
    count: int
    first_ns: int
    worst_ns: int
    worst: Deviation
    golden: Leaf
    new: Leaf
    hint: str = ""


@dataclass
class TopicDifference:
    """A topic of both recordings.

    Attributes
    ----------
    name, type : str
    golden, new : int
        Messages.
    same_bytes, within, beyond : int
        Pairs of equal bytes; that differ within the tolerance; that differ by more.
    missing, extra : list of int
        Stamps of messages that only the golden recording has, and only the new one.
    latency_s : float
        The largest change of the time between stamp and arrival.
    fields : list of FieldDifference
        Worst first.
    verdicts : list of str
        What is wrong, a sentence each; empty: the topic passes.
    first_ns : int, optional
        Log time of the first message that is wrong.
    """

    name: str
    type: str
    golden: int = 0
    new: int = 0
    same_bytes: int = 0
    within: int = 0
    beyond: int = 0
    missing: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    latency_s: float = 0.0
    fields: list[FieldDifference] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    first_ns: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the topic is within its tolerances."""
        return not self.verdicts

    @property
    def share(self) -> float:
        """How many of all messages are wrong, 0 to 1."""
        wrong = self.beyond + len(self.missing) + len(self.extra)
        return wrong / max(self.golden + len(self.extra), 1)


@dataclass
class Comparison:
    """Two recordings.

    Attributes
    ----------
    golden, new : str
        Their names.
    start_ns : int
        What counts as time zero: the golden recording's start.
    topics : list of TopicDifference
        Worst first, those that pass last.
    ignored : list of str
        Topics that the tolerances leave out.
    origin : str
        The topic whose message is the first that is wrong; empty: none is.
    of_topic : dict of str to list of str
        What changed on each topic, in words of the domain, a sentence a difference.
    """

    golden: str
    new: str
    start_ns: int
    topics: list[TopicDifference] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    origin: str = ""
    of_topic: dict[str, list[str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether everything is within its tolerances."""
        return all(topic.passed for topic in self.topics)

    @property
    def sentences(self) -> list[str]:
        """What changed, worst topic first."""
        return [s for topic in self.topics for s in self.of_topic.get(topic.name, ())]

    def seconds(self, stamp_ns: int) -> float:
        """Return a stamp in seconds since the golden recording's start."""
        return (stamp_ns - self.start_ns) / NANOSECONDS


@dataclass(frozen=True)
class Column:
    """A field over time in two recordings; nan where it was unknown.

    Attributes
    ----------
    stamps_ns : ndarray, shape (n,)
    golden, new : ndarray, shape (n,)
    """

    stamps_ns: NDArray[np.int64]
    golden: NDArray[np.float64]
    new: NDArray[np.float64]


class Aligned:
    """One topic of two recordings, its messages paired and decoded when asked for."""

    def __init__(self, golden: BagReader, new: BagReader, topic: str, limit: TopicLimit) -> None:
        self.topic = topic
        kinds = golden.topics.get(topic), new.topics.get(topic)
        self.types = tuple(k.type if k else "" for k in kinds)
        self._decode = [_decoder(k) for k in kinds]
        rows = [
            _rows(bag, topic, decoder)
            for bag, decoder in zip((golden, new), self._decode, strict=True)
        ]
        self.golden, self.new = rows
        within = round(limit.pair_within_s * NANOSECONDS)
        self.pairs: list[Pair] = pairs(rows[0], rows[1], within, self._alike)

    @property
    def known(self) -> bool:
        """Whether messages of both can be decoded."""
        return all(d is not None and d.known for d in self._decode)

    def decoded(self, pair: Pair) -> tuple[Any, Any]:
        """Return both messages; None where there is none."""
        a, b = (
            decoder(row.data) if row is not None and decoder is not None and decoder.known else None
            for row, decoder in zip(pair, self._decode, strict=True)
        )
        return a, b

    def columns(self, paths: Collection[str]) -> dict[str, Column]:
        """Return fields over time, of the pairs that have both messages.

        Parameters
        ----------
        paths : collection of str
            Of numbers; one that a message has not is nan.
        """
        both = [pair for pair in self.pairs if pair[0] is not None and pair[1] is not None]
        if not self.known:
            both = []
        within = branches(paths)
        values = {path: np.full((2, len(both)), np.nan) for path in paths}
        for k, pair in enumerate(both):
            for side, message in enumerate(self.decoded(pair)):
                leaves = flatten(message, within)
                for path, table in values.items():
                    leaf = leaves.get(path)
                    if isinstance(leaf, (int, float)):
                        table[side, k] = leaf
        stamps = np.array([pair[0].stamp_ns for pair in both if pair[0] is not None], np.int64)
        return {path: Column(stamps, *table) for path, table in values.items()}

    def _alike(self, a: Row, b: Row) -> bool:
        if not self.known:
            return True
        golden, new = self.decoded((a, b))
        return all(
            getattr(golden, name, None) == getattr(new, name, None)
            for name in IDENTITY
            if hasattr(golden, name)
        )


def compare(
    golden: BagReader,
    new: BagReader,
    tolerance: Tolerance,
    topics: Collection[str] = (),
) -> Comparison:
    """Hold a recording against a golden one.

    Parameters
    ----------
    golden, new : BagReader
    tolerance : Tolerance
    topics : collection of str
        Only these; none given: all.

    Raises
    ------
    InputError
        If one of these topics is in neither recording.
    """
    from lbp_rehab.compare.hints import give_hints  # noqa: PLC0415 - they see `Aligned`
    from lbp_rehab.compare.story import tell  # noqa: PLC0415

    result = Comparison(golden.path.name, new.path.name, golden.start_ns)
    there = set(golden.topics) | set(new.topics)
    if unknown := sorted(set(topics) - there):
        raise InputError(
            f"neither recording has the topic {unknown[0]}; there are {', '.join(sorted(there))}"
        )
    for name in sorted(set(topics) or there):
        limit = tolerance.of_topic(name)
        if limit.ignore:
            result.ignored.append(name)
            continue
        aligned = Aligned(golden, new, name, limit)
        difference = _topic(aligned, tolerance, limit)
        if not difference.passed:
            give_hints(aligned, difference.fields[:HINTED])
            result.of_topic[name] = tell(aligned, difference, result)
        result.topics.append(difference)
    result.origin = _origin(golden, new, result.topics)
    result.topics.sort(
        key=lambda t: (t.passed, t.name != result.origin, t.type in SHOWN, -t.share, t.name)
    )
    return result


def _decoder(topic: Topic | None) -> Decoder | None:
    return Decoder(topic) if topic is not None else None


def _rows(bag: BagReader, topic: str, decoder: Decoder | None) -> list[Row]:
    if decoder is None:
        return []
    about = ABOUT.get(bag.topics[topic].type) if decoder.known else None
    return [
        Row(
            decoder.stamp_ns(m.data, m.log_time_ns),
            m.log_time_ns,
            m.data,
            about(decoder(m.data)) if about else (),
        )
        for m in bag.messages({topic})
    ]


def _topic(aligned: Aligned, tolerance: Tolerance, limit: TopicLimit) -> TopicDifference:
    types = aligned.types
    result = TopicDifference(
        aligned.topic, types[0] or types[1], len(aligned.golden), len(aligned.new)
    )
    if types[0] and types[1] and types[0] != types[1]:
        result.verdicts.append(f"its type is {types[1]}, not {types[0]}")
    found: dict[str, FieldDifference] = {}
    limits: dict[str, tuple[Limit, str | None]] = {}
    wrong_ns: list[int] = []
    missing_ns: list[int] = []
    for pair in aligned.pairs:
        a, b = pair
        if a is None or b is None:
            row = a or b
            assert row is not None
            (result.missing if b is None else result.extra).append(row.stamp_ns)
            missing_ns.append(row.log_ns)
            continue
        late_s = (b.log_ns - a.log_ns) / NANOSECONDS if a.stamp_ns == b.stamp_ns else 0.0
        if abs(late_s) > abs(result.latency_s):
            result.latency_s = late_s
        if abs(late_s) > limit.latency_s:
            wrong_ns.append(a.log_ns)
        if a.data == b.data:
            result.same_bytes += 1
            continue
        beyond = False
        for path, golden, new, apart in _deviations(aligned, pair, tolerance, limits):
            if apart.within:
                continue
            beyond = True
            _note(found, path, a.stamp_ns, apart, (golden, new))
        result.beyond += beyond
        result.within += not beyond
        if beyond:
            wrong_ns.append(a.log_ns)
    result.fields = sorted(
        found.values(),
        key=lambda f: (-f.count, not f.path.endswith(VALUES), -min(f.worst.excess, 1e9), f.path),
    )
    _judge(result, limit)
    if not result.passed:
        wrong_ns += missing_ns
        result.first_ns = min(wrong_ns, default=None)
    return result


def _deviations(
    aligned: Aligned,
    pair: Pair,
    tolerance: Tolerance,
    limits: dict[str, tuple[Limit, str | None]],
) -> Iterator[tuple[str, Leaf, Leaf, Deviation]]:
    if not aligned.known:
        assert pair[0] is not None
        assert pair[1] is not None
        yield BYTES, pair[0].data, pair[1].data, Deviation(math.inf, 0.0)
        return
    golden, new = (flatten(m) for m in aligned.decoded(pair))
    one_sided = golden.keys() ^ new.keys()
    elements = (_elements(golden), _elements(new)) if one_sided else (set[str](), set[str]())
    for path in [*golden, *(p for p in new if p not in golden)]:
        if path not in limits:
            limits[path] = tolerance.of_field(aligned.topic, path), sigma_path(path)
        limit, beside = limits[path]
        if limit.ignore:
            continue
        if path in one_sided:
            if not _said_elsewhere(path, golden, new, elements):
                there = golden.get(path, GONE), new.get(path, GONE)
                yield path, *there, Deviation(math.inf, 0.0)
            continue
        sigma = golden.get(beside, 0.0) if limit.sigmas and beside else 0.0
        sigma = sigma if isinstance(sigma, float) else 0.0
        apart = deviation(golden[path], new[path], sigma, limit)
        if apart is not None:
            yield path, golden[path], new[path], apart


def _said_elsewhere(
    path: str, golden: dict[str, Leaf], new: dict[str, Leaf], elements: tuple[set[str], set[str]]
) -> bool:
    """Whether a value is in one message only because a status changed, or an element came or went.

    Its status, or the element's own name, says it already.
    """
    owner = path
    while owner:
        owner = owner.rpartition(".")[0]
        status = f"{owner}.status"
        if status in golden and status in new:
            return golden[status] != new[status]
        if owner.endswith("]") and (owner in elements[0]) != (owner in elements[1]):
            return not _is_name(path, owner)
    return False


def _elements(leaves: dict[str, Leaf]) -> set[str]:
    return {path[: k + 1] for path in leaves for k, letter in enumerate(path) if letter == "]"}


def _is_name(path: str, owner: str) -> bool:
    return path in (f"{owner}.name", f"{owner}.id", f"{owner}.label", f"{owner}.kind")


def _note(
    found: dict[str, FieldDifference],
    path: str,
    at_ns: int,
    apart: Deviation,
    values: tuple[Leaf, Leaf],
) -> None:
    known = found.get(path)
    if known is None:
        found[path] = FieldDifference(path, 1, at_ns, at_ns, apart, *values)
        return
    known.count += 1
    if (apart.excess, apart.amount) > (known.worst.excess, known.worst.amount):
        known.worst, known.worst_ns = apart, at_ns
        known.golden, known.new = values


def _judge(result: TopicDifference, limit: TopicLimit) -> None:
    """Say in sentences what is beyond the limits."""
    if not result.golden or not result.new:
        if result.golden or result.new:
            gone = "does not come any more" if result.golden else "is not in the golden recording"
            count = _messages(result.golden or result.new)
            result.verdicts.append(f"the topic {gone} ({count})")
        return
    total = result.golden
    for stamps, allowed, what in (
        (result.missing, limit.missing, "missing"),
        (result.extra, limit.extra, "too many"),
    ):
        if len(stamps) > allowed * total:
            result.verdicts.append(f"{_messages(len(stamps))} of {result.golden} {what}")
    if result.beyond:
        result.verdicts.append(
            f"{_messages(result.beyond)} of {result.golden} beyond the tolerance, in "
            f"{len(result.fields)} field{'s' if len(result.fields) > 1 else ''}"
        )
    if abs(result.latency_s) > limit.latency_s:
        way = "later" if result.latency_s > 0 else "sooner"
        by = f"{abs(result.latency_s) * 1e3:.3g} ms {way}"
        result.verdicts.append(f"messages come up to {by} after their stamp than before")


def _messages(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"


def _origin(golden: BagReader, new: BagReader, topics: Sequence[TopicDifference]) -> str:
    """Return the topic on which the first wrong message came.

    A replay sends cause before effect, so all that differs elsewhere can follow from it. Among
    messages of the same time the order of recording counts.
    """
    wrong = [t for t in topics if t.first_ns is not None]
    if not wrong:
        return next((t.name for t in topics if not t.passed), "")
    first_ns = min(t.first_ns for t in wrong if t.first_ns is not None)
    there = {t.name for t in wrong if t.first_ns == first_ns}
    for bag in (golden, new):
        for message in bag.messages(there, first_ns, first_ns + 1):
            return message.topic
    return min(there)
