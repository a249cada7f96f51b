"""Reads a YAML mapping key by key, with errors that name the file, the line and the key."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import yaml

from lbp_rehab.errors import InputError

_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf)\s*([a-z]*)\s*$")
# What a unit on paper is in SI, and the SI unit.
_UNITS = {
    "deg": (math.pi / 180.0, "rad"),
    "rad": (1.0, "rad"),
    "s": (1.0, "s"),
    "mm": (0.001, "m"),
    "cm": (0.01, "m"),
    "m": (1.0, "m"),
    "": (1.0, ""),
}
_EXAMPLES = {
    "rad": "an angle such as '5 deg'",
    "s": "a time such as '2 s'",
    "m": "a length such as '3 cm'",
}


def did_you_mean(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> str:
    """Return the end of a sentence that names what is spelt like ``name``, or nothing."""
    near = get_close_matches(name, known, n=most, cutoff=cutoff)
    return f"; did you mean {' or '.join(near)}?" if near else ""


class Table:
    """A YAML mapping from which every key must be taken, and no other may stand.

    Parameters
    ----------
    node : yaml.MappingNode
        As `yaml.compose` gives it.
    file : str
        Name for error messages.
    path : str
        Dotted key of this mapping in the file; empty for the file itself.
    """

    def __init__(self, node: yaml.Node, file: str, path: str = "") -> None:
        self.file, self.path, self.line = file, path, node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise InputError(f"{file}, line {self.line}: '{path}' must be a mapping of keys")
        self._nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in self._nodes:
                raise InputError(
                    f"{file}, line {key.start_mark.line + 1}: key '{self.full(name)}' stands twice"
                )
            self._nodes[name] = value
        self._lines = {str(k.value): k.start_mark.line + 1 for k, _ in node.value}
        self._taken: list[str] = []

    @classmethod
    def load(cls, path: Path) -> Table:
        """Read a file; raises InputError if it is not a YAML mapping."""
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot read '{path}': {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "not UTF-8 text"
            if problem.startswith("mapping values"):
                problem += "; a text that holds ':' must stand in quotes"
            raise InputError(f"{path.name}{where}: not valid YAML: {problem}") from error
        if node is None:
            raise InputError(f"{path.name}, line 1: the file is empty")
        return cls(node, path.name)

    def full(self, key: str) -> str:
        """Return the dotted key."""
        return f"{self.path}.{key}" if self.path else key

    def fail(self, key: str, problem: str) -> InputError:
        """Return the error that says what is wrong with a key."""
        line = self._lines.get(key, self.line)
        return InputError(f"{self.file}, line {line}: key '{self.full(key)}' {problem}")

    def has(self, key: str) -> bool:
        """Whether an optional key is given."""
        return key in self._nodes

    def keys(self) -> tuple[str, ...]:
        """Return all keys, in the order of the file."""
        return tuple(self._nodes)

    def done(self) -> None:
        """Raise InputError if a key was not asked for."""
        for key in self._nodes:
            if key not in self._taken:
                raise self.fail(key, f"is unknown; known here are {', '.join(self._taken)}")

    def _take(self, key: str) -> yaml.Node:
        self._taken.append(key)
        if key not in self._nodes:
            raise self.fail(key, "is missing")
        return self._nodes[key]

    def table(self, key: str) -> Table:
        """Take a nested mapping."""
        return Table(self._take(key), self.file, self.full(key))

    def optional_table(self, key: str) -> Table | None:
        """Take a nested mapping that may be absent."""
        self._taken.append(key)
        return self.table(key) if key in self._nodes else None

    def text(self, key: str, choices: tuple[str, ...] = ()) -> str:
        """Take a string, one of ``choices`` if any are given."""
        node = self._take(key)
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self.fail(key, "must be text")
        if choices and node.value not in choices:
            raise self.fail(key, f"is '{node.value}'; choose one of {', '.join(choices)}")
        return str(node.value)

    def texts(self, key: str, choices: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Take a list of strings."""
        node = self._take(key)
        if not isinstance(node, yaml.SequenceNode) or not all(
            isinstance(item, yaml.ScalarNode) for item in node.value
        ):
            raise self.fail(key, "must be a list of names")
        values = tuple(str(item.value) for item in node.value)
        for value in values:
            if choices and value not in choices:
                raise self.fail(key, f"holds '{value}'; choose among {', '.join(choices)}")
        return values

    def number(self, key: str, unit: str = "", default: float | None = None) -> float:
        """Take a number in SI; ``unit`` is "rad" (written "5 deg"), "s", "m" or "" (none)."""
        self._taken.append(key)
        if key not in self._nodes and default is not None:
            return default
        return self._quantity(key, self._take(key), unit)

    def whole(self, key: str) -> int:
        """Take a whole number, 1 or more."""
        value = self.number(key)
        if value != int(value) or value < 1:
            raise self.fail(key, "must be a whole number of 1 or more")
        return int(value)

    def interval(self, key: str, unit: str = "") -> tuple[float, float]:
        """Take a list [low, high] with low below high; -inf and inf leave an end open."""
        node = self._take(key)
        if not isinstance(node, yaml.SequenceNode) or len(node.value) != 2:
            raise self.fail(key, "must be a list of two values, [low, high]")
        low, high = (self._quantity(key, item, unit) for item in node.value)
        if not low < high:
            raise self.fail(key, "must have its low value below its high value")
        return low, high

    def _quantity(self, key: str, node: yaml.Node, unit: str) -> float:
        match = _QUANTITY.match(node.value) if isinstance(node, yaml.ScalarNode) else None
        wanted = _EXAMPLES.get(unit, "a plain number")
        if match is None or match[2] not in _UNITS:
            raise self.fail(key, f"must be {wanted}")
        factor, given = _UNITS[match[2]]
        value = float(match[1]) * factor
        if given != unit and not math.isinf(value):
            raise self.fail(key, f"must be {wanted}")
        return value
