"""A comparison for other programs: JSON, and JUnit XML for CI servers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from lbp_rehab.compare.comparison import Comparison, FieldDifference, TopicDifference
from lbp_rehab.compare.fields import Leaf, Moment, Rotation
from lbp_rehab.errors import InputError

MOST_FIELDS = 50  # of a topic


def figures(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data with stable keys; what is infinite is null."""
    return {
        "golden": comparison.golden,
        "new": comparison.new,
        "passed": comparison.passed,
        "origin": comparison.origin,
        "sentences": comparison.sentences,
        "topics": [_topic(topic, comparison) for topic in comparison.topics],
        "ignored": comparison.ignored,
    }


def _topic(topic: TopicDifference, comparison: Comparison) -> dict[str, Any]:
    return {
        "name": topic.name,
        "type": topic.type,
        "passed": topic.passed,
        "golden_messages": topic.golden,
        "new_messages": topic.new,
        "same_bytes": topic.same_bytes,
        "within_tolerance": topic.within,
        "beyond_tolerance": topic.beyond,
        "missing_s": [round(comparison.seconds(s), 6) for s in topic.missing],
        "extra_s": [round(comparison.seconds(s), 6) for s in topic.extra],
        "latency_change_s": topic.latency_s,
        "verdicts": topic.verdicts,
        "fields": [_field(found, comparison) for found in topic.fields[:MOST_FIELDS]],
        "fields_left_off": max(len(topic.fields) - MOST_FIELDS, 0),
    }


def _field(found: FieldDifference, comparison: Comparison) -> dict[str, Any]:
    return {
        "path": found.path,
        "messages": found.count,
        "first_s": round(comparison.seconds(found.first_ns), 6),
        "worst_s": round(comparison.seconds(found.worst_ns), 6),
        "worst_amount": _finite(found.worst.amount),
        "allowed": found.worst.allowed,
        "golden": plain(found.golden),
        "new": plain(found.new),
        "hint": found.hint,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def plain(leaf: Leaf) -> Any:
    """Return a value as JSON has it; long ones by their length."""
    if isinstance(leaf, Moment):
        return leaf.ns / 1e9
    if isinstance(leaf, Rotation):
        return [_finite(v) for v in leaf.xyzw]
    if isinstance(leaf, np.ndarray):
        return [_rounded(v) for v in leaf.tolist()] if leaf.size <= 8 else f"{leaf.size} values"
    if isinstance(leaf, bytes):
        return f"{len(leaf)} bytes"
    return _finite(leaf) if isinstance(leaf, float) else leaf


def _rounded(value: float) -> float | None:
    """Return a float32 without the digits that it gains as a float64; whole numbers as they are."""
    return _finite(float(f"{value:.7g}")) if isinstance(value, float) else value


def _legal(text: str) -> str:
    """Return a text without the letters that XML does not allow."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def write_junit(path: Path, comparisons: Sequence[tuple[str, Comparison | str]]) -> None:
    """Write JUnit XML: a suite for each recording, a case for each of its topics.

    Parameters
    ----------
    path : Path
    comparisons : sequence of (str, Comparison or str)
        By the recording's name; a sentence where there could be none.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    root = ElementTree.Element("testsuites", name="lbp_rehab.replay")
    for name, comparison in comparisons:
        if isinstance(comparison, str):
            suite = ElementTree.SubElement(root, "testsuite", name=name, tests="1", errors="1")
            case = ElementTree.SubElement(suite, "testcase", classname=name, name="replay")
            ElementTree.SubElement(case, "error", message=_legal(comparison))
            continue
        suite = ElementTree.SubElement(
            root, "testsuite", name=name, tests=str(len(comparison.topics)),
            failures=str(sum(not t.passed for t in comparison.topics)), errors="0",
        )  # fmt: skip
        for topic in sorted(comparison.topics, key=lambda t: t.name):
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=topic.name)
            if not topic.passed:
                failure = ElementTree.SubElement(
                    case, "failure", message="; ".join(topic.verdicts), type=topic.type
                )
                failure.text = _legal("\n".join(comparison.of_topic.get(topic.name, [])))
    ElementTree.indent(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror}") from None
