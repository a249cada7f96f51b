"""The JSON Schema of exercise files, made of the table of keys: editors check with it.

It knows keys, kinds, units and choices. What it cannot know, such as that start and target must not
overlap, `lbp_rehab.quality.exercise.read_exercise` tells.
"""

from __future__ import annotations

from typing import Any

from lbp_rehab.quality import measures
from lbp_rehab.quality.keys import AT_LEAST_ONE, CHOSEN, KEYS, OPTIONAL_TABLES, Key, Kind, Unit

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = r"([-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_INFINITE = r"|[-+]?inf"
Schema = dict[str, Any]


def json_schema() -> Schema:
    """Return the schema, draft 2020-12."""
    root = _table()
    for key in KEYS:
        for path in _paths(key.path):
            _add(root, path.split("."), key, "")
    return {
        "$schema": DIALECT,
        "title": "Exercise of lbp_rehab",
        "description": "docs/exercises.md explains every key.",
        **root,
        "$defs": {
            "measure_name": {"enum": list(measures.NAMES)},
            **{unit.name.lower(): _value(unit) for unit in Unit},
        },
    }


def _paths(path: str) -> list[str]:
    """Return every path that an alternative such as ``out/hold`` stands for."""
    head, slash, _ = path.partition("/")
    if not slash:
        return [path]
    before = head.rpartition(".")[0]
    segment, _, after = path[len(before) + 1 :].partition(".")
    return [f"{before}.{word}.{after}" for word in segment.split("/")]


def _table() -> Schema:
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def _add(table: Schema, path: list[str], key: Key, above: str) -> None:
    """Put a key into a table, making the tables on the way to it."""
    word, rest = path[0], path[1:]
    here = f"{above}.{word}" if above else word
    if word in CHOSEN:
        if CHOSEN[word]:
            table["propertyNames"] = {"enum": list(CHOSEN[word])}
        if table["additionalProperties"] is False:
            table["additionalProperties"] = _table() if rest else _leaf(key)
        if key.default == AT_LEAST_ONE:
            table["minProperties"] = 1
        below = table["additionalProperties"]
    else:
        below = table["properties"].setdefault(word, _table() if rest else _leaf(key))
        optional = here in {p for each in OPTIONAL_TABLES for p in _paths(each)}
        wanted = not optional if rest else key.required
        if wanted and word not in table["required"]:
            table["required"].append(word)
    if rest:
        _add(below, rest, key, here)


def _leaf(key: Key) -> Schema:
    said = {"description": key.meaning}
    if key.kind == Kind.TEXT:
        return {"type": "string", "minLength": 1, **said}
    if key.kind == Kind.MEASURE:
        return {"$ref": "#/$defs/measure_name", **said}
    if key.kind == Kind.CHOICE:
        return {"enum": list(key.choices), **said}
    if key.kind == Kind.CHOICES:
        return {"type": "array", "items": {"enum": list(key.choices)}, **said}
    if key.kind == Kind.WHOLE:
        return {"type": "integer", "minimum": 1, **said}
    value = {"$ref": f"#/$defs/{key.unit.name.lower()}"}
    if key.kind == Kind.VALUE:
        return {**value, **said}
    return {"type": "array", "items": value, "minItems": 2, "maxItems": 2, **said}


def _value(unit: Unit) -> Schema:
    """Return how a value is written; YAML reads a bare number as such and `5 deg` as text."""
    if unit == Unit.NONE:
        return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+]?inf$"}]}
    if unit == Unit.MEASURE:
        units = "(deg|rad|mm|cm|m)"
        return {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": rf"^{_NUMBER}\s*{units}{_INFINITE})$"},
            ]
        }
    units = {Unit.ANGLE: "(deg|rad)", Unit.TIME: "s"}[unit]
    return {"type": "string", "pattern": rf"^{_NUMBER}\s*{units}{_INFINITE})$"}
