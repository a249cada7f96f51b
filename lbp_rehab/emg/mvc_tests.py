"""The maximal contractions of a guided calibration, from ``config/mvc_tests.yaml``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lbp_rehab.emg.channels import PLACES, Placement, parse_placement
from lbp_rehab.emg.types import Channel
from lbp_rehab.errors import InputError

HOLD_S = (1.0, 60.0)  # what `calibrate_mvc` records, and the least that holds a window


@dataclass(frozen=True)
class MvcTest:
    """One position in which some muscles reach their maximum.

    Attributes
    ----------
    name : str
    say : str
        What to tell the patient.
    places : tuple of Placement
        What it calibrates.
    """

    name: str
    say: str
    places: tuple[Placement, ...]

    def labels(self, channels: Sequence[Channel]) -> tuple[str, ...]:
        """Return which of some channels it calibrates."""
        return tuple(c.label for c in channels if Placement(c.muscle, c.side) in self.places)


@dataclass(frozen=True)
class MvcTests:
    """All tests, and how long a contraction is held, in seconds."""

    tests: tuple[MvcTest, ...]
    hold_s: float

    def only(self, names: Sequence[str]) -> MvcTests:
        """Return the tests of some names, in their own order; all if there are no names.

        Raises
        ------
        InputError
            If a name is none of theirs.
        """
        known = {_plain(test.name): test for test in self.tests}
        for name in names:
            if _plain(name) not in known:
                have = ", ".join(f"'{test.name}'" for test in self.tests)
                raise InputError(f"there is no test '{name}'; choose of {have}")
        wanted = {_plain(name) for name in names} or set(known)
        kept = tuple(test for key, test in known.items() if key in wanted)
        return MvcTests(kept, self.hold_s)


def read_mvc_tests(path: Path) -> MvcTests:
    """Read a file such as ``config/mvc_tests.yaml``.

    Raises
    ------
    InputError
        If the file cannot be read, or what it says is wrong; the test is named.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"the file of tests {path} cannot be read; check the path") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path.name} is not valid YAML: {error}") from None
    if not isinstance(content, Mapping) or set(content) != {"hold_s", "tests"}:
        raise InputError(f"{path.name} must hold 'hold_s' and 'tests', and nothing else")
    hold_s, rows = content["hold_s"], content["tests"]
    number = isinstance(hold_s, int | float) and not isinstance(hold_s, bool)
    if not (number and math.isfinite(hold_s) and HOLD_S[0] <= hold_s <= HOLD_S[1]):
        raise InputError(
            f"{path.name}: hold_s is '{hold_s}'; it must be {HOLD_S[0]:g} to {HOLD_S[1]:g} seconds"
        )
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path.name}: 'tests' must be a list of tests")
    tests = tuple(_test(path.name, k, row) for k, row in enumerate(rows, start=1))
    names = [_plain(test.name) for test in tests]
    places = [place for test in tests for place in test.places]
    for test in tests:
        if names.count(_plain(test.name)) > 1:
            raise InputError(f"{path.name} has two tests of one name, '{test.name}'; rename one")
        for place in test.places:
            if places.count(place) > 1:
                raise InputError(f"{path.name} calibrates {place} twice; keep it in one test")
    return MvcTests(tests, float(hold_s))


def _test(file: str, number: int, row: Any) -> MvcTest:
    if not isinstance(row, Mapping) or set(row) != {"name", "say", "muscles"}:
        raise InputError(f"{file}, test {number}: write name, say and muscles, and nothing else")
    name, say, muscles = row["name"], row["say"], row["muscles"]
    for key, text in (("name", name), ("say", say)):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{file}, test {number}: '{key}' must be a text")
    if not isinstance(muscles, list) or not muscles:
        raise InputError(f"{file}, '{name}': 'muscles' must be a list such as [multifidus:left]")
    places = []
    for text in muscles:
        place = parse_placement(text) if isinstance(text, str) else None
        if place is None:
            raise InputError(f"{file}, '{name}': '{text}' must read muscle:side, {PLACES}")
        places.append(place)
    return MvcTest(name.strip(), say.strip(), tuple(places))


def _plain(name: str) -> str:
    """Return a name without what people type differently."""
    return name.strip().lower().replace("-", " ").replace("_", " ")
