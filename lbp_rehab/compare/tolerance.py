"""How much two recordings may differ: rules in YAML, by topic and field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import yaml
from numpy.typing import NDArray

from lbp_rehab.compare.fields import Leaf, Moment, Rotation
from lbp_rehab.errors import InputError
from lbp_rehab.paths import config_dir
from lbp_rehab.stamps import NANOSECONDS


@dataclass(frozen=True)
class Limit:
    """How far a value may be from the golden one; the widest of these counts.

    Attributes
    ----------
    absolute : float
        In the field's unit; seconds for times.
    relative : float
        Of the golden value's size.
    sigmas : float
        Of the 1-sigma that the golden message states for the value.
    angle : float, optional
        Radians: the field is an angle, and differences wrap at a full turn.
    ignore : bool
    integers : bool
        Whether whole numbers have the tolerance too: counts and enumerations are exact unless a
        rule is made for them.
    """

    absolute: float = 0.0
    relative: float = 0.0
    sigmas: float = 0.0
    angle: float | None = None
    ignore: bool = False
    integers: bool = False


@dataclass(frozen=True)
class TopicLimit:
    """How far a topic's messages may be from the golden ones.

    Attributes
    ----------
    missing, extra : float
        Share of the golden messages that may be missing, and that may come in addition.
    latency_s : float
        How much later or earlier a message may come after its stamp.
    pair_within_s : float
        Messages without a partner of their stamp are paired with the nearest within this.
    ignore : bool
    """

    missing: float = 0.0
    extra: float = 0.0
    latency_s: float = 1e-3
    pair_within_s: float = 0.0
    ignore: bool = False


@dataclass(frozen=True)
class Deviation:
    """A value beside its golden one.

    Attributes
    ----------
    amount : float
        How far apart, in the unit of the field; inf where there is no measure, as between texts.
    allowed : float
    """

    amount: float
    allowed: float

    @property
    def excess(self) -> float:
        """How many times the allowed it is; inf where nothing is allowed."""
        return self.amount / self.allowed if self.allowed > 0 else math.inf

    @property
    def within(self) -> bool:
        """Whether it is allowed."""
        return self.amount <= self.allowed


@dataclass(frozen=True)
class Tolerance:
    """All rules; the first that fits a topic and a field counts.

    Attributes
    ----------
    field_rules : tuple of (topic pattern, field pattern, Limit)
    topic_rules : tuple of (topic pattern, TopicLimit)
    default : Limit
    """

    field_rules: tuple[tuple[str, str, Limit], ...] = ()
    topic_rules: tuple[tuple[str, TopicLimit], ...] = ()
    default: Limit = field(default_factory=Limit)

    def of_field(self, topic: str, path: str) -> Limit:
        """Return what a field may differ by."""
        for topics, paths, limit in self.field_rules:
            if fnmatchcase(topic, topics) and fnmatchcase(path, paths):
                return limit
        return self.default

    def of_topic(self, topic: str) -> TopicLimit:
        """Return what a topic's messages may differ by."""
        for pattern, limit in self.topic_rules:
            if fnmatchcase(topic, pattern):
                return limit
        return TopicLimit()


# The parameters are in the provenance; a log is for people.
EXACT = Tolerance(
    topic_rules=(
        ("/parameter_events", TopicLimit(ignore=True)),
        ("/rosout", TopicLimit(ignore=True)),
        ("*/quality/repetition", TopicLimit(pair_within_s=1.5)),
        ("*/feedback/cue", TopicLimit(pair_within_s=2.0)),
        ("*/session/state", TopicLimit(pair_within_s=2.0)),
        ("*/exercise/recognition", TopicLimit(pair_within_s=1.0)),
    )
)


def deviation(golden: Leaf, new: Leaf, sigma: float, limit: Limit) -> Deviation | None:
    """Return how far a value is from the golden one; None if they are equal.

    Parameters
    ----------
    golden, new : Leaf
    sigma : float
        1-sigma of the golden value, 0 if there is none.
    limit : Limit
    """
    if isinstance(golden, np.ndarray) or isinstance(new, np.ndarray):
        return _arrays(golden, new, limit)
    if golden == new and type(golden) is type(new):
        return None
    if isinstance(golden, Rotation) and isinstance(new, Rotation):
        return _rotations(golden, new, limit)
    if isinstance(golden, Moment) and isinstance(new, Moment):
        allowed = limit.absolute if limit.integers else 0.0
        return Deviation(abs(new.ns - golden.ns) / NANOSECONDS, allowed)
    if not (_is_number(golden) and _is_number(new)):
        return Deviation(math.inf, 0.0)
    if isinstance(golden, int) and isinstance(new, int) and not limit.integers:
        return Deviation(float(abs(new - golden)), 0.0)
    a, b = float(golden), float(new)
    if math.isnan(a) and math.isnan(b):
        return None
    if not (math.isfinite(a) and math.isfinite(b)):
        return Deviation(math.inf, 0.0)
    if limit.angle is not None:
        amount = abs(math.remainder(b - a, math.tau))
        return Deviation(amount, max(limit.angle, limit.sigmas * sigma))
    allowed = max(limit.absolute, limit.relative * abs(a), limit.sigmas * sigma)
    return Deviation(abs(b - a), allowed)


def _is_number(value: Leaf) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _rotations(golden: Rotation, new: Rotation, limit: Limit) -> Deviation | None:
    a, b = np.array(golden.xyzw), np.array(new.xyzw)
    if np.array_equal(a, b, equal_nan=True):
        return None
    if not (a.any() and b.any() and np.isfinite([a, b]).all()):
        return Deviation(math.inf, 0.0)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    # Of the half angle: exact near zero, where an arc cosine is not.
    half = min(np.linalg.norm(a - b), np.linalg.norm(a + b)) / 2
    amount = 4 * math.asin(min(float(half), 1.0))
    allowed = limit.angle if limit.angle is not None else max(limit.absolute, limit.relative)
    return Deviation(amount, allowed) if amount > 0 else None


def _arrays(golden: Leaf, new: Leaf, limit: Limit) -> Deviation | None:
    a, b = np.asarray(golden), np.asarray(new)
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind or a.dtype.kind not in "biuf":
        return None if np.array_equal(a, b) else Deviation(math.inf, 0.0)
    if np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return None
    apart = _apart(a, b)
    if a.dtype.kind != "f" and not limit.integers:
        return Deviation(float(apart.max()), 0.0)
    if limit.angle is not None:
        apart = np.where(np.isfinite(apart), np.abs(wrapped(apart)), apart)
        allowed = np.full(a.shape, limit.angle)
    else:
        size = np.where(np.isfinite(a), np.abs(a.astype(np.float64)), 0.0)
        allowed = np.maximum(limit.absolute, limit.relative * size)
    allowed[~np.isfinite(apart)] = 0.0
    over = np.where(apart > allowed, apart, -1.0)
    worst = int(np.argmax(over)) if (over >= 0).any() else int(np.argmax(apart))
    return Deviation(float(apart.flat[worst]), float(allowed.flat[worst]))


def wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles as they are between -pi and pi."""
    return np.asarray(np.remainder(angle + math.pi, math.tau) - math.pi)


def _apart(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far elements are apart; inf where one is not finite and the other is another."""
    if a.dtype.kind != "f":  # large whole numbers are not exact as floats, and wrap when subtracted
        most, least = np.maximum(a, b), np.minimum(a, b)
        return (most.astype(np.uint64) - least.astype(np.uint64)).astype(np.float64)
    x, y = a.astype(np.float64), b.astype(np.float64)
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    finite = np.isfinite(x) & np.isfinite(y)
    apart = np.full(x.shape, math.inf)
    apart[finite] = np.abs(y[finite] - x[finite])
    apart[same] = 0.0
    return apart


def chosen(path: Path | None, exact: bool) -> Tolerance:
    """Return what a user chose: a file, nothing at all, or ours."""
    return EXACT if exact else load(path or config_dir() / "tolerances.yaml")


def load(path: Path) -> Tolerance:
    """Read a tolerance file.

    Raises
    ------
    InputError
        If it cannot be read, or holds something that is not a rule.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"cannot read the tolerances '{path}': {_line(error)}") from None
    if not isinstance(content, dict) or not set(content) <= {"default", "topics", "fields"}:
        raise InputError(f"'{path}': a tolerance file has 'default', 'topics' and 'fields'")
    try:
        default = _made(Limit, content.get("default") or {})
        return Tolerance(
            tuple(_field_rule(row) for row in _rules(content, "fields")),
            tuple(_topic_rule(row) for row in _rules(content, "topics")),
            default,
        )
    except InputError as error:
        raise InputError(f"'{path}': {error}") from None


def _rules(content: Mapping[str, Any], name: str) -> list[Any]:
    rows = content.get(name) or []
    if not isinstance(rows, list):
        raise InputError(f"'{name}' is a list of rules, each on a line that begins with '-'")
    return rows


def _field_rule(row: Any) -> tuple[str, str, Limit]:
    row = _mapping(row)
    topic, path = _pattern(row, "topic"), _pattern(row, "field")
    path = path.replace("[", "[[]")  # brackets are part of a field's name, not a choice of letters
    # Who names a field means it, whole numbers and times included.
    return topic, path, replace(_made(Limit, row), integers=True)


def _topic_rule(row: Any) -> tuple[str, TopicLimit]:
    row = _mapping(row)
    return _pattern(row, "topic"), _made(TopicLimit, row)


def _pattern(row: dict[str, Any], name: str) -> str:
    pattern = row.pop(name, "*")
    if not isinstance(pattern, str):
        raise InputError(f"{name}: '{pattern}' is no name; make a rule for each")
    return pattern


def _mapping(row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InputError(f"'{row}' is no rule; write 'topic: NAME' and what it may differ by")
    return dict(row)


def _made(kind: type[Any], row: Any) -> Any:
    row = _mapping(row)
    known = {f.name for f in fields(kind)} - {"integers"}
    for name, value in row.items():
        if name not in known:
            raise InputError(f"a rule has no '{name}', but {', '.join(sorted(known))}")
        if isinstance(value, str):  # to YAML, 1e-5 is a text, and only 1.0e-5 a number
            value = row[name] = _number(value)  # noqa: PLW2901
        if name == "ignore":
            good = isinstance(value, bool)
        else:
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        if not good:
            wanted = "true or false" if name == "ignore" else "a number from 0 on"
            raise InputError(f"{name}: '{value}' is not {wanted}")
    return kind(**row)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
